//! The broker inside `corescope`: observers publish to it, other tools may listen.
//!
//! ```text
//!  TCP, TLS ─▶ listener ┐                    ┌─▶ Inlet, as from any other source
//!  /mqtt ─▶ Door        ┴─▶ House ─▶ library ┤
//!                           session          └─▶ subscribers
//! ```
//!
//! Nothing is kept on disk. A message with QoS 1 is confirmed when it is in the queue in front of the database, not when
//! it is stored: whoever publishes again after a crash publishes something that is known, or was lost.
//!
//! | Question | Look in |
//! | --- | --- |
//! | How does it begin, and end? | `start.rs`, `house.rs` |
//! | Who may come in, and publish what? | `auth.rs`, for observers `token.rs` |
//! | How fast, how often, from where? | `limits.rs`, `clients.rs` |
//! | What becomes of a message, and of a last will? | `session.rs` |
//! | Which library speaks MQTT, and how is it tamed? | `library.rs`, behind the trait of `guest.rs` |

mod auth;
mod clients;
mod door;
mod figures;
mod guest;
mod house;
mod library;
mod limits;
mod listener;
mod session;
mod start;
mod tls;
pub mod token;

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

pub use auth::{Accounts, User};
pub use door::Door;
pub use figures::{BrokerReport, Refusal};
pub use limits::Limits;
pub use start::{BoundBroker, RunningBroker, bind};
pub use tls::TlsOptions;

/// How a broker works.
#[derive(Clone, Debug)]
pub struct BrokerOptions {
    /// Address and port of plain MQTT.
    pub listen: SocketAddr,
    /// Encrypted MQTT beside it.
    pub tls: Option<TlsOptions>,
    /// Whether it is open to WebSockets of the web server.
    pub web_socket: bool,
    /// Who may connect.
    pub accounts: Accounts,
    /// How much each may do.
    pub limits: Limits,
}

/// Somebody at the door.
#[derive(Clone, Copy, Debug)]
pub struct Visitor {
    /// Where the connection comes from.
    pub address: SocketAddr,
    /// Through which door.
    pub entrance: Entrance,
}

/// A way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entrance {
    /// A port of the broker.
    Port,
    /// The port of the web page.
    Web {
        /// A browser says that a page of another site wants this.
        of_foreign_page: bool,
    },
}

impl Visitor {
    /// Somebody at a port of the broker.
    pub fn at_port(address: SocketAddr) -> Self {
        Self { address, entrance: Entrance::Port }
    }

    /// Whether it is a program on this machine. At the port of the web page nobody can tell: that is where a proxy sits.
    fn is_local(&self) -> bool {
        self.entrance == Entrance::Port && self.address.ip().to_canonical().is_loopback()
    }

    /// Its address; of IPv6 the part that belongs to one customer.
    fn network(&self) -> IpAddr {
        match self.address.ip().to_canonical() {
            IpAddr::V6(address) if !address.is_loopback() => {
                IpAddr::V6(Ipv6Addr::from(u128::from(address) & !u128::from(u64::MAX)))
            }
            address => address,
        }
    }
}
