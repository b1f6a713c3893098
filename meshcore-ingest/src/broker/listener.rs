//! The ports: every connection is accepted at once, and what it has to say first is read on a task of its own.

use std::net::TcpListener as StdListener;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tracing::warn;

use super::Visitor;
use super::figures::Refusal;
use super::house::House;
use super::library::Stream;

/// How long the handshake of an encrypted connection may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How long nothing is accepted after that failed, as it does without free file descriptors.
const AFTER_FAILURE: Duration = Duration::from_millis(100);

/// A bound port.
pub(crate) struct Port {
    pub(crate) listener: StdListener,
    /// Present when the port is encrypted.
    pub(crate) tls: Option<TlsAcceptor>,
}

impl Port {
    /// Lets clients in until the house closes.
    pub(crate) async fn open(self, house: Arc<House>) -> std::io::Result<()> {
        self.listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(self.listener)?;
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = house.closed() => return Ok(()),
            };
            match accepted {
                Ok((stream, address)) => greet(&house, stream, Visitor::at_port(address), self.tls.clone()),
                Err(error) => {
                    warn!(%error, "the broker cannot accept a connection");
                    sleep(AFTER_FAILURE).await;
                }
            }
        }
    }
}

fn greet(house: &Arc<House>, stream: TcpStream, visitor: Visitor, tls: Option<TlsAcceptor>) {
    let Some(seat) = house.admit(visitor) else { return };
    let house = Arc::clone(house);
    tokio::spawn(async move {
        // Small packets, one at a time; without this each would wait for the confirmation of the one before.
        let _ = stream.set_nodelay(true);
        let stream = match tls {
            None => Stream::Tcp(stream),
            Some(acceptor) => {
                let handshake = timeout(HANDSHAKE, acceptor.accept(stream));
                let shaken = tokio::select! {
                    shaken = handshake => shaken,
                    () = house.closed() => return,
                };
                match shaken {
                    Ok(Ok(stream)) => Stream::Tls(Box::new(stream)),
                    Ok(Err(error)) => {
                        return house.figures.refuse(Refusal::TlsFailed, &visitor, &error.to_string());
                    }
                    Err(_) => return house.figures.refuse(Refusal::TlsFailed, &visitor, "too slow"),
                }
            }
        };
        house.serve(stream, visitor, seat).await;
    });
}
