//! From an MQTT message to a write: validate, decode, decide.
//!
//! | Question | Look in |
//! | --- | --- |
//! | What becomes of a frame? | `intake/packet.rs` |
//! | Of what a moving client hears? | `intake/client.rs` |
//! | Of what a companion bridge passes on? | `intake/companion.rs` |
//! | What is known from earlier messages? | `intake/memory.rs` |
//! | What is logged about a message that is not kept? | `intake/refusal.rs` |

mod client;
mod companion;
mod memory;
mod packet;
mod refusal;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use meshcore_proto::{KeyRing, Regions};
use meshcore_store::db::{Job, Ticket, Write};
use meshcore_store::geo::Area;
use meshcore_store::{ObserverId, Reception, UnixMillis};
use tracing::debug;

use crate::accounting::{Discard, Reject};
use crate::config::{Broker, Config, ForeignMode};
use crate::keys;
use crate::log_text::LogText;
use crate::message::Message;
use crate::topic::{Kind, ObserverTopic, Topic};

pub use crate::message::Liveness;
pub use memory::Memory;
use refusal::Refusal;
pub use refusal::Refused;

/// An MQTT message as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inbound {
    /// Its source.
    pub source: Ticket,
    /// Topic.
    pub topic: String,
    /// Payload.
    pub payload: Bytes,
    /// The broker kept it from earlier.
    pub retained: bool,
    /// Server time of arrival.
    pub received_at: UnixMillis,
}

/// What becomes of a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// To be written; counted when that is done.
    Write(Job),
    /// Wrong; its observer may have been heard all the same.
    Reject(Reject, Option<Job>),
    /// Good, but not wanted; its observer may have been heard all the same.
    Discard(Discard, Option<Job>),
}

/// The rules of one configuration. The same message gives the same verdict; what is remembered saves work, and is
/// shown to people.
#[derive(Debug)]
pub struct Intake {
    keys: KeyRing,
    regions: Regions,
    checks_signatures: bool,
    area: Option<Area>,
    foreign: ForeignMode,
    covers_clients: bool,
    stores_direct: bool,
    /// Ids as compared.
    blacklist: HashSet<String>,
    /// Regions, upper case; empty: all.
    whitelist: HashSet<String>,
    sources: BTreeMap<Ticket, SourceRules>,
    memory: Arc<Memory>,
}

/// What one source takes.
#[derive(Clone, Debug, Default)]
struct SourceRules {
    iata_filter: Vec<String>,
    region: Option<String>,
}

impl From<&Broker> for SourceRules {
    fn from(broker: &Broker) -> Self {
        Self { iata_filter: broker.iata_filter.clone(), region: broker.region.clone() }
    }
}

impl Intake {
    /// The rules of `config` for these sources. Remembers nothing yet.
    pub fn new<'a>(config: &Config, sources: impl IntoIterator<Item = (Ticket, &'a Broker)>) -> Self {
        let folded = |texts: &[String]| texts.iter().map(|text| text.trim().to_lowercase()).collect();
        let upper = |texts: &[String]| texts.iter().map(|text| text.trim().to_uppercase()).collect();
        Self {
            keys: keys::key_ring(config),
            regions: keys::regions(config),
            checks_signatures: config.validate_signatures,
            area: config.area(),
            foreign: config.foreign_adverts.mode,
            covers_clients: config.client_rx_coverage.enabled,
            stores_direct: config.companion.store_direct,
            blacklist: folded(&config.observer_blacklist),
            whitelist: upper(&config.observer_iata_whitelist),
            sources: sources
                .into_iter()
                .map(|(ticket, broker)| (ticket, SourceRules::from(broker)))
                .collect(),
            memory: Arc::default(),
        }
    }

    /// Goes on with what earlier rules remembered.
    #[must_use]
    pub fn remembering(self, memory: Arc<Memory>) -> Self {
        Self { memory, ..self }
    }

    /// What is remembered.
    pub const fn memory(&self) -> &Arc<Memory> {
        &self.memory
    }

    /// Decides about one message.
    pub fn digest(&self, inbound: &Inbound) -> Verdict {
        let verdict = match Topic::parse(&inbound.topic) {
            Ok(Topic::Observer(topic)) => self.observer_message(inbound, topic),
            Ok(Topic::Client(client)) => self.client_message(inbound, client),
            Ok(Topic::Companion(topic)) => self.companion_message(inbound, topic),
            Ok(Topic::Ignored) => Err(Discard::IgnoredTopic.into()),
            Ok(Topic::Unknown) => Err(Reject::UnknownTopic.into()),
            Err(_) => Err(Reject::BadObserver.into()),
        };
        match verdict {
            Ok(write) => Verdict::Write(Job { ticket: inbound.source, write }),
            Err(refusal) => refusal.into(),
        }
    }

    /// The message of an observer. Lists come first: what is not wanted is not worth reading.
    fn observer_message(&self, inbound: &Inbound, topic: ObserverTopic) -> Result<Write, Refusal> {
        let ObserverTopic { region, observer, kind } = topic;
        self.admit(&observer)?;
        if !self.whitelist.is_empty() && !self.whitelist.contains(&region) {
            return Err(Discard::Whitelist.into());
        }
        let rules = self.sources.get(&inbound.source);
        let filter = rules.map_or(&[][..], |rules| &rules.iata_filter);
        if kind != Kind::Status && !filter.is_empty() && !filter.contains(&region) {
            return Err(Discard::Iata.into());
        }
        let message = Message::parse(&inbound.payload).map_err(|reason| match (reason, kind) {
            (Reject::NotJson, Kind::Internal) => Refusal::from(Discard::IgnoredTopic), // bare tokens
            _ => reason.into(),
        })?;
        if kind == Kind::Status {
            return Ok(self.status(inbound, observer, &region, &message));
        }
        let Some(packet) = message.packet(inbound.received_at)? else {
            return Err(match kind {
                Kind::Internal => Discard::IgnoredTopic.into(),
                _ => Reject::NoFrame.into(),
            });
        };
        let fallback = || rules.and_then(|rules| rules.region.clone());
        let region =
            packet.region.clone().or_else(|| Some(region).filter(|r| !r.is_empty())).or_else(fallback);
        let reception = Reception {
            received_at: inbound.received_at,
            observer,
            observer_name: packet.origin.clone(),
            region,
            direction: packet.direction,
            signal: packet.signal,
        };
        self.packet(reception, packet)
    }

    fn status(&self, inbound: &Inbound, observer: ObserverId, region: &str, message: &Message<'_>) -> Write {
        if let Some(said) = message.liveness()
            && !inbound.retained
        {
            self.memory.heard_status(&observer, inbound.received_at, said);
        }
        let status = message.status(observer, region, inbound.received_at, inbound.retained);
        debug!(
            mqtt.source = inbound.source,
            observer.id = %LogText::id(status.id.as_str()),
            observer.name = %LogText::new(status.name.as_deref().unwrap_or_default()),
            observer.region = %LogText::new(region),
            "status"
        );
        Write::Status(Box::new(status))
    }

    /// Refuses the messages of unwanted observers.
    fn admit(&self, observer: &ObserverId) -> Result<(), Refusal> {
        if !self.blacklist.is_empty() && self.blacklist.contains(&observer.key()) {
            return Err(Discard::Blacklist.into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
