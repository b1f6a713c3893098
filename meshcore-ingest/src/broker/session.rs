//! One client: who it is, what it may, and where its messages go.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::time::sleep;
use tracing::debug;

use super::Visitor;
use super::auth::{Identity, Login};
use super::clients::{Claim, Place};
use super::figures::Refusal;
use super::guest::{End, Fate, Guest, Will};
use super::house::House;

/// How long a full queue holds a client back.
const WAIT_FOR_ROOM: Duration = Duration::from_secs(5);

/// How soon a full queue is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// One connection, from its first byte to its last.
pub(crate) struct Session {
    house: Arc<House>,
    visitor: Visitor,
    place: Place,
    /// Set when it is let in.
    known: OnceLock<Known>,
    will: Mutex<Option<Will>>,
    /// Messages that may be published, and that were.
    allowed: AtomicU64,
    published: AtomicU64,
}

struct Known {
    identity: Identity,
    claim: Claim,
}

impl Session {
    pub(super) fn new(house: Arc<House>, visitor: Visitor, place: Place) -> Self {
        Self {
            house,
            visitor,
            place,
            known: OnceLock::new(),
            will: Mutex::default(),
            allowed: AtomicU64::new(0),
            published: AtomicU64::new(0),
        }
    }

    /// Whether it has been let in.
    pub(super) fn is_known(&self) -> bool {
        self.known.get().is_some()
    }

    /// Counts how it ended.
    pub(super) fn ended(&self, end: End) {
        let reason = match end {
            End::Closed => None,
            End::Silent => Some(Refusal::Silent),
            End::Oversize => Some(Refusal::Oversize),
            End::Protocol => Some(Refusal::Protocol),
        };
        if let Some(reason) = reason {
            self.refuse(reason, self.client_id());
        }
    }

    fn client_id(&self) -> &str {
        self.known.get().map_or("", |known| known.claim.client_id())
    }

    fn refuse(&self, reason: Refusal, what: &str) {
        self.house.figures.refuse(reason, &self.visitor, what);
    }

    fn identify(&self, login: &Login<'_>, now: Instant) -> Result<Known, Refusal> {
        if self.place.is_suspect(now) {
            return Err(Refusal::TooManyAttempts);
        }
        let identity = match self.house.accounts.identify(login, &self.visitor, (self.house.clock)()) {
            Ok(identity) => identity,
            Err(reason) => {
                self.place.was_wrong(now);
                return Err(reason);
            }
        };
        let claim = self.house.clients.claim(login.client_id, &identity.principal, now)?;
        Ok(Known { identity, claim })
    }

    /// Holds the client back until its rate and the queue allow one more message; `false`: it is too much.
    async fn may_speak(&self, bytes: usize) -> bool {
        let speech = self.known.get().and_then(|known| known.claim.speech.as_ref());
        let wait = speech.map_or(Some(Duration::ZERO), |speech| {
            speech.lock().unwrap_or_else(PoisonError::into_inner).message(bytes, Instant::now())
        });
        let Some(wait) = wait else { return false };
        let is_full = || self.house.inlet.is_full();
        if !wait.is_zero() || is_full() {
            self.house.figures.held_back();
            let end = Instant::now() + WAIT_FOR_ROOM;
            let held = async {
                sleep(wait).await;
                while is_full() && Instant::now() < end {
                    sleep(LOOK_AGAIN).await;
                }
            };
            tokio::select! {
                () = held => {}
                () = self.house.closed() => {} // what has been read is not lost
            }
        }
        true
    }
}

impl Guest for Session {
    fn log_in(&self, login: Login<'_>) -> bool {
        match self.identify(&login, Instant::now()) {
            Ok(known) => {
                self.house.figures.accepted();
                if known.claim.is_takeover {
                    self.house.figures.takeover();
                }
                self.known.set(known).is_ok()
            }
            Err(reason) => {
                self.refuse(reason, login.username.unwrap_or(login.client_id));
                false
            }
        }
    }

    fn connected(&self, will: Option<Will>) {
        debug!(client.address = %self.visitor.address, "a client connected to the broker");
        *self.will.lock().unwrap_or_else(PoisonError::into_inner) = will;
    }

    fn may_publish(&self, topic: &str) -> bool {
        let is_allowed = self.known.get().is_some_and(|known| known.identity.may_publish(topic));
        if is_allowed {
            self.allowed.fetch_add(1, Ordering::Relaxed);
        } else {
            self.refuse(Refusal::PublishTopic, topic);
        }
        is_allowed
    }

    fn may_subscribe(&self, filter: &str) -> bool {
        let is_allowed = self.known.get().is_some_and(|known| known.identity.may_subscribe(filter));
        if !is_allowed {
            self.refuse(Refusal::SubscribeTopic, filter);
        }
        is_allowed
    }

    fn published<'a>(
        &'a self,
        topic: &'a str,
        payload: &'a [u8],
    ) -> Pin<Box<dyn Future<Output = Fate> + Send + 'a>> {
        Box::pin(async move {
            self.published.fetch_add(1, Ordering::Relaxed);
            if !self.may_speak(payload.len()).await {
                self.refuse(Refusal::PublishRate, topic);
                return Fate::Drop;
            }
            self.house.figures.published();
            // Said now, whether or not the broker shall keep it for later.
            self.house.inlet.offer(topic, payload, false);
            Fate::HandOn
        })
    }

    fn left(&self, lost: bool) {
        debug!(client.address = %self.visitor.address, lost, "a client left the broker");
        let will = self.will.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(known) = self.known.get().filter(|_| lost) else { return };
        // Whoever is cut off because we stop, or is back already, is not lost.
        let Some(will) = will.filter(|_| !self.house.is_closing() && known.claim.is_current()) else {
            return;
        };
        if known.identity.may_publish(&will.topic) {
            self.house.figures.will();
            self.house.inlet.offer(&will.topic, &will.payload, false);
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // The library refuses some itself.
        let (allowed, published) = (self.allowed.get_mut(), self.published.get_mut());
        for _ in *published..*allowed {
            self.house.figures.refuse(Refusal::PublishRetained, &self.visitor, "");
        }
    }
}
