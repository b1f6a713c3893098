//! The way in for WebSockets, which the web server accepts.

use std::sync::{Arc, Weak};

use tokio::io::DuplexStream;
use tokio::runtime;
use tokio::sync::watch;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::figures::Figures;
use super::house::House;
use super::library::Stream;
use super::{BrokerReport, Visitor};

/// What the pieces of a WebSocket pass through on their way to the broker.
const WEB_BUFFER: usize = 16 * 1024;

/// The way in for WebSockets of the web server. Cheap to clone; leads nowhere when the broker has ended.
#[derive(Clone)]
pub struct Door {
    house: Weak<House>,
    figures: Arc<Figures>,
    runtime: runtime::Handle,
    close: watch::Sender<bool>,
}

impl Door {
    pub(super) fn new(house: &Arc<House>, runtime: runtime::Handle, close: watch::Sender<bool>) -> Self {
        Self { house: Arc::downgrade(house), figures: Arc::clone(&house.figures), runtime, close }
    }

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

    /// The counts, also those of a broker that has ended.
    pub fn report(&self) -> BrokerReport {
        self.figures.report(self.house.upgrade().map_or(0, |house| house.connections()))
    }
}
