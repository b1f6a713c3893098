//! What all connections share, and how they end together.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{error, warn};

use super::auth::Accounts;
use super::clients::{Clients, Place};
use super::figures::{Figures, Refusal};
use super::library::{Library, Stream};
use super::listener::Port;
use super::session::Session;
use super::{BrokerOptions, Visitor};
use crate::pipeline::{Clock, Inlet};

/// Connections at once. A process may have 1,024 open files unless told otherwise, and the database needs some.
const MOST_CONNECTIONS: u32 = 512;

/// How long clients that were told of the end may take to leave.
const FAREWELL: Duration = Duration::from_secs(4);

/// Everything that all connections share.
pub(super) struct House {
    pub(super) accounts: Accounts,
    pub(super) packet_bytes: usize,
    pub(super) clients: Arc<Clients>,
    pub(super) figures: Arc<Figures>,
    pub(super) inlet: Inlet,
    pub(super) clock: Clock,
    library: Library,
    seats: Arc<Semaphore>,
    closing: watch::Receiver<bool>,
}

/// A connection's place in the house and among those of its address.
pub(super) struct Seat {
    place: Place,
    _permit: OwnedSemaphorePermit,
}

impl House {
    pub(super) fn new(
        options: BrokerOptions,
        inlet: Inlet,
        clock: Clock,
        closing: watch::Receiver<bool>,
    ) -> Self {
        Self {
            packet_bytes: usize::try_from(options.limits.packet_bytes).unwrap_or(usize::MAX),
            clients: Arc::new(Clients::new(options.limits)),
            figures: Arc::default(),
            inlet,
            clock,
            library: Library::new(options.limits.packet_bytes),
            seats: Arc::new(Semaphore::new(MOST_CONNECTIONS as usize)),
            closing,
            accounts: options.accounts,
        }
    }

    /// The broker's thread: until it is told to close and everybody has left.
    pub(super) fn run(self: Arc<Self>, runtime: &Runtime, ports: Vec<Port>) {
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
    pub(super) fn admit(&self, visitor: Visitor) -> Option<Seat> {
        if self.is_closing() {
            return None;
        }
        let Ok(permit) = Arc::clone(&self.seats).try_acquire_owned() else {
            self.figures.refuse(Refusal::TooManyConnections, &visitor, "");
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
    pub(super) async fn serve(self: Arc<Self>, stream: Stream, visitor: Visitor, seat: Seat) {
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

    pub(super) fn is_closing(&self) -> bool {
        *self.closing.borrow()
    }

    /// Ends when the house closes.
    pub(super) async fn closed(&self) {
        // An error means that nobody is there any more who could close it.
        let _ = self.closing.clone().wait_for(|closing| *closing).await;
    }

    pub(super) fn connections(&self) -> usize {
        (MOST_CONNECTIONS as usize).saturating_sub(self.seats.available_permits())
    }
}
