//! One source: connect, subscribe, hand on, for ever.
//!
//! The loop is ours rather than the library's: its own reconnect has been reported to go quiet, and subscriptions of
//! a clean session have to be renewed after each connection anyway. Whatever is under way can be given up at any moment,
//! for another configuration, a forced reconnect or the end of the program; what had arrived by then is still handed on.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use paho_mqtt::Message;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tracing::{error, info, warn};

use super::backoff::{Backoff, random};
use super::client::{self, Client, Incoming};
use super::fault::Fault;
use super::status::{Session, SourceStatus};
use crate::config::{Broker, Qos};
use crate::pipeline::{Clock, Inlet};

/// How long a broker may take to hear our farewell.
const FAREWELL: Duration = Duration::from_secs(1);

/// The same, when the connection is to be made anew.
const BRIEF_FAREWELL: Duration = Duration::from_millis(250);

/// A connection that lasted for this was a good one, even if no message came.
const GOOD_CONNECTION: Duration = Duration::from_secs(30);

/// What a source is to do.
#[derive(Clone, Debug)]
pub(super) enum Order {
    /// Listen to this broker.
    Listen(Arc<Broker>),
    /// Nothing, until there is another order.
    Rest,
    /// Come to an end.
    End,
}

impl Order {
    /// Makes this order another one; `false`, and nothing changes, when the other one asks for the same connection.
    pub(super) fn replace_by(&mut self, other: Self) -> bool {
        let is_same = match (&*self, &other) {
            (Self::Listen(before), Self::Listen(now)) => before.is_same_connection(now),
            (Self::Rest, Self::Rest) | (Self::End, Self::End) => true,
            _ => false,
        };
        if !is_same {
            *self = other;
        }
        !is_same
    }
}

/// What a source works with.
#[derive(Clone)]
pub(super) struct Link {
    pub(super) inlet: Inlet,
    pub(super) status: Arc<SourceStatus>,
    pub(super) clock: Clock,
}

/// Follows `orders` until they say to end.
pub(super) async fn follow(link: &Link, mut orders: watch::Receiver<Order>) {
    // Kept for the life of the process, so that a broker recognises who was here before.
    let made_up_id = format!("corescope-{:08x}", random() & 0xffff_ffff);
    loop {
        let order = orders.borrow_and_update().clone();
        match order {
            Order::End => return,
            Order::Rest => {
                if orders.changed().await.is_err() {
                    return;
                }
            }
            Order::Listen(broker) => {
                let id = broker.client_id().unwrap_or(&made_up_id).to_owned();
                Connection::new(link, &broker, id).keep(&mut orders).await;
            }
        }
    }
}

/// One source and the broker it listens to.
struct Connection<'a> {
    link: &'a Link,
    broker: &'a Broker,
    client_id: String,
    backoff: Backoff,
    client: Option<Client>,
}

/// Why a connection, or the attempt at one, is over.
enum Ending {
    Fault(Fault),
    Forced,
    NewOrder,
}

impl<'a> Connection<'a> {
    fn new(link: &'a Link, broker: &'a Broker, client_id: String) -> Self {
        Self { link, broker, client_id, backoff: Backoff::default(), client: None }
    }

    /// Has a connection, or tries to, until there is a new order.
    async fn keep(&mut self, orders: &mut watch::Receiver<Order>) {
        loop {
            let ending = tokio::select! {
                biased;
                _ = orders.changed() => Ending::NewOrder,
                () = self.link.status.reconnect_asked() => Ending::Forced,
                Err(fault) = self.listen() => Ending::Fault(fault),
            };
            match ending {
                Ending::NewOrder => return self.close(FAREWELL).await,
                Ending::Forced => {
                    info!(mqtt.source = self.broker.name, "connecting again");
                    self.close(BRIEF_FAREWELL).await;
                }
                Ending::Fault(fault) => {
                    let pause = self.backoff.next(random());
                    self.note(&fault, pause);
                    if fault.spoils_client() {
                        self.close(BRIEF_FAREWELL).await;
                    }
                    self.link.status.disconnected();
                    tokio::select! {
                        () = sleep(pause) => {}
                        () = self.link.status.reconnect_asked() => {}
                        _ = orders.changed() => {
                            orders.mark_changed(); // it is followed above
                        }
                    }
                }
            }
        }
    }

    /// Connects and hands messages on until that fails.
    async fn listen(&mut self) -> Result<Infallible, Fault> {
        let (link, broker) = (self.link, self.broker);
        client::check(broker).await?;
        let client = match &mut self.client {
            Some(client) => client,
            none => none.insert(Client::open(broker, &self.client_id)?),
        };
        link.take_rest(client);
        let session = client.connect(broker).await?;
        let since = (link.clock)();
        // A broker sends what it kept for us at once: it is taken while the subscriptions are under way.
        let refused = tokio::select! {
            refused = client.subscribe(broker) => refused?,
            ended = link.hand_on(client, || {}) => return ended,
        };
        link.status.connected(since, session);
        self.welcome(session);
        for topic in refused {
            error!(mqtt.source = broker.name, topic = %topic.escape_debug(), "the broker refuses this topic");
            link.status.failed(format!("the broker refuses the topic {}", topic.escape_debug()));
        }
        let (backoff, connected) = (&mut self.backoff, Instant::now());
        let client = self.client.as_ref().ok_or(Fault::Lost)?;
        let mut is_good = false;
        let ended = link.hand_on(client, || is_good = true).await;
        if is_good || connected.elapsed() >= GOOD_CONNECTION {
            backoff.reset();
        }
        ended
    }

    fn welcome(&self, session: Session) {
        let broker = self.broker;
        info!(
            mqtt.source = broker.name,
            mqtt.url = broker.url,
            topics = broker.topics.join(" "),
            qos = u8::from(broker.qos == Qos::AtLeastOnce),
            "connected to broker"
        );
        match session {
            Session::Clean => {}
            Session::Resumed => {
                info!(
                    mqtt.source = broker.name,
                    "the broker resumes our session, with what was published meanwhile"
                );
            }
            Session::Lost => {
                warn!(
                    mqtt.source = broker.name,
                    "the broker has no session of ours: if this client id was here before, what was published meanwhile is lost"
                );
            }
        }
    }

    fn note(&self, fault: &Fault, pause: Duration) {
        let (name, url) = (&self.broker.name, &self.broker.url);
        let retry_s = pause.as_secs_f64();
        self.link.status.failed(fault.to_string());
        if self.link.status.is_connected() {
            warn!(mqtt.source = name, mqtt.url = url, reason = %fault, retry_s, "connection to broker lost");
        } else {
            warn!(mqtt.source = name, mqtt.url = url, error = %fault, retry_s, "cannot connect to broker");
        }
    }

    /// Says farewell, hands on what had arrived, and gives the client up.
    async fn close(&mut self, longest: Duration) {
        let Some(client) = self.client.take() else { return };
        if self.link.status.is_connected() && !client.disconnect(longest).await {
            warn!(mqtt.source = self.broker.name, "the broker did not hear our farewell");
        }
        self.link.take_rest(&client);
        self.link.status.disconnected();
    }
}

impl Link {
    /// Hands messages on until the connection is lost; `note` is called with each.
    async fn hand_on(&self, client: &Client, mut note: impl FnMut()) -> Result<Infallible, Fault> {
        loop {
            match client.next().await {
                Incoming::Lost => return Err(Fault::Lost),
                Incoming::Message(message) => {
                    self.take(&message);
                    note();
                }
            }
        }
    }

    /// Hands on what had arrived before the connection ended.
    fn take_rest(&self, client: &Client) {
        client.rest().for_each(|message| self.take(&message));
    }

    fn take(&self, message: &Message) {
        self.inlet.offer(message.topic(), message.payload(), message.retained());
    }
}
