//! The brokers that are listened to, and what becomes of their connections.
//!
//! | Question | Look in |
//! | --- | --- |
//! | What is said to a broker, and in which order? | `connection.rs`, `client.rs` |
//! | When is it tried again? | `backoff.rs` |
//! | Why is it not connected? | `fault.rs` |
//! | Who is connected since when? | `status.rs` |
//! | When is a silent source taken for dead? | `watchdog.rs`, driven by `watch.rs` |

mod backoff;
mod client;
mod connection;
mod fault;
pub mod status;
mod watch;
pub mod watchdog;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use meshcore_store::db::Ticket;
use tokio::sync::watch as channel;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{error, warn};

use crate::accounting::Accounting;
use crate::config::Broker;
use crate::pipeline::{Clock, Inlet};

use connection::{Link, Order};
use status::{SourceStatus, Statuses};
use watch::Watch;
use watchdog::Timing;

pub use watch::WatchFigures;

/// How long all farewells together may take.
const FAREWELLS: Duration = Duration::from_secs(2);

/// After a fault of this program a source waits for this long before it goes on.
const AFTER_A_FAULT: Duration = Duration::from_secs(5);

/// The sources there are and have been since the start, each with a task of its own. Must be used within a tokio runtime.
pub struct Sources {
    accounting: Arc<Accounting>,
    statuses: Arc<Statuses>,
    clock: Clock,
    /// None is ever removed: messages of one that was may still wait, and it may come back.
    known: Vec<Source>,
    tasks: JoinSet<()>,
    figures: Arc<WatchFigures>,
    _watch: Watch,
}

/// One of them.
struct Source {
    ticket: Ticket,
    broker: Arc<Broker>,
    is_wanted: bool,
    status: Arc<SourceStatus>,
    /// `None` before it has been started.
    orders: Option<channel::Sender<Order>>,
}

/// What another configuration changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Sources that are new, or are back.
    pub added: Vec<String>,
    /// Sources that connect in another way.
    pub changed: Vec<String>,
    /// Sources that are not wanted any more.
    pub removed: Vec<String>,
    /// Sources that notice nothing.
    pub unchanged: usize,
}

impl Sources {
    /// None yet. A thread watches those that will be.
    pub fn new(accounting: Arc<Accounting>, clock: Clock, timing: Timing) -> Self {
        let statuses = Arc::new(Statuses::new(Arc::clone(&clock)));
        let figures = Arc::<WatchFigures>::default();
        let watch = Watch::start(
            Arc::clone(&statuses),
            Arc::clone(&accounting),
            Arc::clone(&figures),
            Arc::clone(&clock),
            timing,
        );
        Self { accounting, statuses, clock, known: Vec::new(), tasks: JoinSet::new(), figures, _watch: watch }
    }

    /// Takes note of which brokers are wanted, by name; [`start`](Self::start) acts on it.
    pub fn plan(&mut self, brokers: Vec<Broker>) -> Changes {
        let mut changes = Changes::default();
        for source in self.known.iter_mut().filter(|source| source.is_wanted) {
            if !brokers.iter().any(|broker| broker.name == source.broker.name) {
                source.is_wanted = false;
                source.status.removed();
                changes.removed.push(source.broker.name.clone());
            }
        }
        for broker in brokers {
            match self.known.iter_mut().find(|source| source.broker.name == broker.name) {
                Some(source) => source.plan(broker, &mut changes),
                None => {
                    changes.added.push(broker.name.clone());
                    let ticket = self.accounting.add(&broker.name);
                    let status = self.statuses.add(ticket, &broker.name, &broker.url);
                    let broker = Arc::new(broker);
                    self.known.push(Source { ticket, broker, is_wanted: true, status, orders: None });
                }
            }
        }
        changes
    }

    /// All sources, with the last that is known of their brokers: also those that have been removed.
    pub fn brokers(&self) -> impl Iterator<Item = (Ticket, &Broker)> {
        self.known.iter().map(|source| (source.ticket, &*source.broker))
    }

    /// Connects those that are wanted and not connected yet, those that connect in another way again, and says farewell to
    /// the others. Does not wait for it.
    pub fn start(&mut self, inlet: impl Fn(Ticket) -> Inlet) {
        for source in &mut self.known {
            let order =
                if source.is_wanted { Order::Listen(Arc::clone(&source.broker)) } else { Order::Rest };
            match &source.orders {
                Some(orders) => drop(orders.send_if_modified(|before| before.replace_by(order))),
                None => {
                    let (orders, followed) = channel::channel(order);
                    source.orders = Some(orders);
                    let link = Link {
                        inlet: inlet(source.ticket),
                        status: Arc::clone(&source.status),
                        clock: Arc::clone(&self.clock),
                    };
                    self.tasks.spawn(supervise(source.broker.name.clone(), link, followed));
                }
            }
        }
    }

    /// Who is connected.
    pub fn statuses(&self) -> Arc<Statuses> {
        Arc::clone(&self.statuses)
    }

    /// Whether they are watched.
    pub fn watch_figures(&self) -> Arc<WatchFigures> {
        Arc::clone(&self.figures)
    }

    /// Says farewell to all brokers, for two seconds at most. What has arrived is handed on.
    pub async fn stop(mut self) {
        for orders in self.known.iter().filter_map(|source| source.orders.as_ref()) {
            orders.send_replace(Order::End);
        }
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(FAREWELLS, all).await.is_err() {
            warn!("not every broker could be told farewell");
        }
    }
}

impl Source {
    /// Takes over what the configuration says now.
    fn plan(&mut self, broker: Broker, changes: &mut Changes) {
        let is_same = self.broker.is_same_connection(&broker);
        let name = broker.name.clone();
        match (self.is_wanted, is_same) {
            (true, true) => changes.unchanged += 1,
            (true, false) => changes.changed.push(name),
            (false, _) => changes.added.push(name),
        }
        self.is_wanted = true;
        self.status.configured(&broker);
        self.broker = Arc::new(broker);
    }
}

/// Keeps a source going whatever happens in it.
async fn supervise(name: String, link: Link, orders: channel::Receiver<Order>) {
    while AssertUnwindSafe(connection::follow(&link, orders.clone())).catch_unwind().await.is_err() {
        error!(mqtt.source = name, "a source has failed: a fault of this program; it goes on soon");
        link.status.disconnected();
        link.status.failed("a fault of this program");
        sleep(AFTER_A_FAULT).await;
    }
}
