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
//! | Who may come in, and publish what? | `auth.rs`, for observers `token.rs` |
//! | How fast, how often, from where? | `limits.rs`, `clients.rs` |
//! | What becomes of a message, and of a last will? | `session.rs` |
//! | Which library speaks MQTT, and how is it tamed? | `library.rs`, behind the trait of `guest.rs` |

mod auth;
mod clients;
mod figures;
mod guest;
mod library;
mod limits;
mod listener;
mod session;
mod tls;
pub mod token;

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::io::DuplexStream;
use tokio::runtime::{self, Runtime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tracing::{error, info, warn};

use crate::config::Config;
use crate::pipeline::{Clock, Inlet};

pub use auth::{Accounts, User};
pub use figures::{BrokerReport, Refusal};
pub use limits::Limits;
pub use tls::TlsOptions;

use clients::{Clients, Place};
use figures::Figures;
use library::{Library, Stream};
use listener::Port;
use session::Session;

/// Connections at once. A process may have 1,024 open files unless told otherwise, and the database needs some.
const MOST_CONNECTIONS: u32 = 512;

/// Threads of the broker, which are not those of the web server.
const WORKERS: usize = 2;

/// How long clients that were told of the end may take to leave.
const FAREWELL: Duration = Duration::from_secs(4);

/// What the pieces of a WebSocket pass through on their way to the broker.
const WEB_BUFFER: usize = 16 * 1024;

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

/// Bound ports: whatever is wrong with them is known before a database is opened. Connections wait until the start.
pub struct BoundBroker {
    options: BrokerOptions,
    port: Port,
    tls: Option<Port>,
}

/// A broker at work. Ends with [`stop`](Self::stop).
pub struct RunningBroker {
    house: Weak<House>,
    door: Door,
    close: watch::Sender<bool>,
    thread: JoinHandle<()>,
}

/// The way in for WebSockets of the web server. Cheap to clone; leads nowhere when the broker has ended.
#[derive(Clone)]
pub struct Door {
    house: Weak<House>,
    runtime: runtime::Handle,
    close: watch::Sender<bool>,
}

/// Everything that all connections share.
struct House {
    accounts: Accounts,
    packet_bytes: usize,
    clients: Arc<Clients>,
    figures: Figures,
    inlet: Inlet,
    clock: Clock,
    library: Library,
    seats: Arc<Semaphore>,
    closing: watch::Receiver<bool>,
}

/// A connection's place in the house and among those of its address.
struct Seat {
    place: Place,
    _permit: OwnedSemaphorePermit,
}

/// The broker that `config` wants in this process; `None`: another program has its port, and nobody asked for ours.
///
/// # Errors
/// When a port, a certificate or a password cannot be had; the message names it.
pub fn bind(config: &Config) -> anyhow::Result<Option<BoundBroker>> {
    if !config.wants_broker() {
        return Ok(None);
    }
    let options = config.broker.resolve()?;
    let port = options.listen.port();
    match BoundBroker::bind(options) {
        Ok(bound) => Ok(Some(bound)),
        Err(error) if config.broker.is_optional() && is_taken(&error) => {
            info!(port, "another program listens on the port of MQTT: connecting to it");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn is_taken(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::AddrInUse)
}

impl BoundBroker {
    /// Takes the ports and reads the certificate.
    ///
    /// # Errors
    /// When that cannot be done; the message names port or file.
    pub fn bind(options: BrokerOptions) -> anyhow::Result<Self> {
        let listen = |address: SocketAddr| {
            TcpListener::bind(address).with_context(|| {
                format!("the broker cannot listen on {} port {}", address.ip(), address.port())
            })
        };
        let port = Port { listener: listen(options.listen)?, tls: None };
        let tls = options
            .tls
            .as_ref()
            .map(|tls| anyhow::Ok(Port { listener: listen(tls.listen)?, tls: Some(tls::acceptor(tls)?) }));
        Ok(Self { port, tls: tls.transpose()?, options })
    }

    /// Where plain MQTT is spoken.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.port.listener.local_addr()
    }

    /// Where encrypted MQTT is spoken, if anywhere.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn tls_address(&self) -> io::Result<Option<SocketAddr>> {
        self.tls.as_ref().map(|port| port.listener.local_addr()).transpose()
    }

    /// Lets clients in; what they publish goes to `inlet`.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(self, inlet: Inlet, clock: Clock) -> anyhow::Result<RunningBroker> {
        let (address, tls) = (self.address()?, self.tls_address()?);
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .thread_name("broker")
            .enable_all()
            .build()
            .context("the broker gets no threads")?;
        let (close, closing) = watch::channel(false);
        let Self { options, port, tls: tls_port } = self;
        if options.accounts.anonymous && !address.ip().is_loopback() {
            warn!(%address, "anybody who reaches this address may publish to the broker (broker.anonymous)");
        }
        let house = Arc::new(House {
            packet_bytes: usize::try_from(options.limits.packet_bytes).unwrap_or(usize::MAX),
            clients: Arc::new(Clients::new(options.limits)),
            figures: Figures::default(),
            inlet,
            clock,
            library: Library::new(options.limits.packet_bytes),
            seats: Arc::new(Semaphore::new(MOST_CONNECTIONS as usize)),
            closing,
            accounts: options.accounts,
        });
        let door =
            Door { house: Arc::downgrade(&house), runtime: runtime.handle().clone(), close: close.clone() };
        let weak = Arc::downgrade(&house);
        let ports = [Some(port), tls_port].into_iter().flatten();
        let thread = thread::Builder::new()
            .name("broker".into())
            .spawn({
                let ports: Vec<Port> = ports.collect();
                move || house.run(&runtime, ports)
            })
            .context("the broker gets no thread")?;
        info!(%address, tls = tls.map(tracing::field::display), web = options.web_socket, "the broker is open");
        Ok(RunningBroker { house: weak, door, close, thread })
    }

    /// Whether it is open to WebSockets of the web server.
    pub fn is_open_to_the_web(&self) -> bool {
        self.options.web_socket
    }
}

impl RunningBroker {
    /// The way in for WebSockets.
    pub fn door(&self) -> Door {
        self.door.clone()
    }

    /// The counts.
    pub fn report(&self) -> BrokerReport {
        self.house.upgrade().map(|house| house.report()).unwrap_or_default()
    }

    /// Lets nobody in any more, says goodbye, and waits until everybody has left: 4 seconds at most.
    pub async fn stop(self) {
        self.close.send_replace(true);
        let thread = self.thread;
        let ended = tokio::task::spawn_blocking(move || thread.join()).await;
        if !matches!(ended, Ok(Ok(()))) {
            error!("the broker ended with a panic");
        }
    }
}

impl Door {
    /// Lets a client in whose WebSocket the web server has accepted; `stream` carries its frames. `false`: the broker
    /// has ended, or has no place for it.
    pub fn enter(&self, stream: DuplexStream, visitor: Visitor) -> bool {
        let Some(house) = self.house.upgrade() else { return false };
        let Some(seat) = house.admit(visitor) else { return false };
        self.runtime.spawn(async move {
            let mut config = WebSocketConfig::default();
            config.max_message_size = Some(house.packet_bytes);
            config.max_frame_size = Some(house.packet_bytes);
            config.read_buffer_size = WEB_BUFFER;
            config.max_write_buffer_size = 2 * house.packet_bytes + config.write_buffer_size;
            let stream = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
            house.serve(Stream::WebSocket(Box::new(stream)), visitor, seat).await;
        });
        true
    }

    /// A pair of pipes for one client: one end for the web server, the other for [`enter`](Self::enter).
    pub fn pipe() -> (DuplexStream, DuplexStream) {
        tokio::io::duplex(WEB_BUFFER)
    }

    /// What the web server answers to `Sec-WebSocket-Key`.
    pub fn accept_key(key: &[u8]) -> String {
        derive_accept_key(key)
    }

    /// Tells the broker to end, so that none of its WebSockets keeps the web server from ending.
    pub fn close(&self) {
        self.close.send_replace(true);
    }

    /// The counts.
    pub fn report(&self) -> BrokerReport {
        self.house.upgrade().map(|house| house.report()).unwrap_or_default()
    }
}

impl House {
    /// The broker's thread: until it is told to close and everybody has left.
    fn run(self: Arc<Self>, runtime: &Runtime, ports: Vec<Port>) {
        runtime.block_on(async {
            let mut open: JoinSet<io::Result<()>> =
                ports.into_iter().map(|port| port.open(Arc::clone(&self))).collect();
            tokio::select! {
                () = self.closed() => {}
                () = self.library.keep_tidy() => {}
            }
            while let Some(ended) = open.join_next().await {
                if let Ok(Err(error)) = ended {
                    error!(%error, "a port of the broker could not be opened");
                }
            }
            self.library.close();
            // All seats are free when everybody has left.
            if timeout(FAREWELL, self.seats.acquire_many(MOST_CONNECTIONS)).await.is_err() {
                warn!(connections = self.connections(), "clients of the broker did not leave in time");
            }
        });
    }

    /// A seat for one more connection, if there is one.
    fn admit(&self, visitor: Visitor) -> Option<Seat> {
        if self.is_closing() {
            return None;
        }
        let Ok(permit) = Arc::clone(&self.seats).try_acquire_owned() else {
            self.figures.refuse(figures::Refusal::TooManyConnections, &visitor, "");
            return None;
        };
        match self.clients.enter(&visitor, Instant::now()) {
            Ok(place) => Some(Seat { place, _permit: permit }),
            Err(reason) => {
                self.figures.refuse(reason, &visitor, "");
                None
            }
        }
    }

    /// One connection, from its first byte of MQTT to its end.
    async fn serve(self: Arc<Self>, stream: Stream, visitor: Visitor, seat: Seat) {
        let Seat { place, _permit } = seat;
        let session = Arc::new(Session::new(Arc::clone(&self), visitor, place));
        tokio::select! {
            end = self.library.serve(stream, visitor.address, Arc::clone(&session) as _) => session.ended(end),
            () = self.patience(&session) => {}
        }
    }

    /// Ends when a connection should be cut off because the house closes: at once when nobody knows whose it is.
    async fn patience(&self, session: &Session) {
        self.closed().await;
        if session.is_known() {
            sleep(FAREWELL).await;
        }
    }

    fn is_closing(&self) -> bool {
        *self.closing.borrow()
    }

    /// Ends when the house closes.
    async fn closed(&self) {
        // An error means that nobody is there any more who could close it.
        let _ = self.closing.clone().wait_for(|closing| *closing).await;
    }

    fn connections(&self) -> usize {
        (MOST_CONNECTIONS as usize).saturating_sub(self.seats.available_permits())
    }

    fn report(&self) -> BrokerReport {
        self.figures.report(self.connections())
    }
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
