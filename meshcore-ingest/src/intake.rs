//! From an MQTT message to a write: validate, decode, decide.

use std::collections::BTreeMap;

use bytes::Bytes;
use meshcore_proto::{FrameError, KeyRing, Packet};
use meshcore_store::db::{DroppedAdvert, Job, PacketWrite, Ticket, Write};
use meshcore_store::decoded::{Decoded, DecodedAdvert, DecodedPayload, Signatures};
use meshcore_store::{Reception, UnixMillis};

use crate::accounting::{Discard, Reject, UNCOUNTED};
use crate::config::{Broker, Config};
use crate::keys;
use crate::message::{Message, PacketMessage};
use crate::topic::{ObserverTopic, Topic};

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
    /// Good, but not wanted.
    Discard(Discard),
}

/// The rules of one configuration. Has no state: the same message gives the same verdict.
#[derive(Debug)]
pub struct Intake {
    keys: KeyRing,
    signatures: Signatures,
    blacklist: Vec<String>,
    whitelist: Vec<String>,
    sources: BTreeMap<Ticket, SourceRules>,
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
    /// The rules of `config` for these sources.
    pub fn new<'a>(config: &Config, sources: impl IntoIterator<Item = (Ticket, &'a Broker)>) -> Self {
        let folded = |texts: &[String]| texts.iter().map(|text| text.trim().to_lowercase()).collect();
        let upper = |texts: &[String]| texts.iter().map(|text| text.trim().to_uppercase()).collect();
        Self {
            keys: keys::key_ring(config),
            signatures: Signatures::of(config.validate_signatures),
            blacklist: folded(&config.observer_blacklist),
            whitelist: upper(&config.observer_iata_whitelist),
            sources: sources
                .into_iter()
                .map(|(ticket, broker)| (ticket, SourceRules::from(broker)))
                .collect(),
        }
    }

    /// Decides about one message.
    pub fn digest(&self, inbound: &Inbound) -> Verdict {
        self.judge(inbound).unwrap_or_else(|refusal| match refusal {
            Refusal::Reject(reason) => Verdict::Reject(reason, None),
            Refusal::Discard(reason) => Verdict::Discard(reason),
        })
    }

    fn judge(&self, inbound: &Inbound) -> Result<Verdict, Refusal> {
        let message = Message::parse(&inbound.payload)?;
        let topic = match Topic::parse(&inbound.topic).map_err(|_| Reject::BadObserver)? {
            Topic::Observer(topic) => topic,
            Topic::Client | Topic::Companion | Topic::Bridge => return Err(Reject::NotSupported.into()),
            Topic::Unknown => return Err(Reject::UnknownTopic.into()),
        };
        if self.blacklist.contains(&topic.observer.key()) {
            return Err(Discard::Blacklist.into());
        }
        if !self.whitelist.is_empty() && !self.whitelist.contains(&topic.region) {
            return Err(Discard::Whitelist.into());
        }
        if topic.is_status {
            let ObserverTopic { observer, region, .. } = topic;
            let status = message.status(observer, &region, inbound.received_at, inbound.retained);
            return Ok(Verdict::Write(Job {
                ticket: inbound.source,
                write: Write::Status(Box::new(status)),
            }));
        }
        let rules = self.sources.get(&inbound.source).cloned().unwrap_or_default();
        if !rules.iata_filter.is_empty() && !rules.iata_filter.contains(&topic.region) {
            return Err(Discard::Iata.into());
        }
        let packet = message.packet(inbound.received_at)?.ok_or(Reject::NoFrame)?;
        let region =
            packet.region.clone().or_else(|| Some(topic.region).filter(|r| !r.is_empty())).or(rules.region);
        let reception = Reception {
            received_at: inbound.received_at,
            observer: topic.observer,
            observer_name: packet.origin.clone(),
            region,
            direction: packet.direction,
            signal: packet.signal,
        };
        Ok(self.packet(inbound.source, reception, packet))
    }

    /// A packet message: whatever becomes of it, its observer was heard.
    fn packet(&self, source: Ticket, reception: Reception, message: PacketMessage) -> Verdict {
        let Ok(frame) = hex::decode(&message.raw) else { return heard(Reject::BadHex, reception) };
        // Frames of a later version are kept and marked, though today's nodes would drop them.
        let packet = match Packet::parse_lax(&frame) {
            Ok(packet) => packet,
            Err(error) => return heard(error.into(), reception),
        };
        let header = packet.header();
        if message.is_stale(frame.len(), header.payload_type().bits()) {
            return heard(Reject::StaleTx, reception);
        }
        let decoded = Decoded::of(&packet, &self.keys, self.signatures);
        if let DecodedPayload::Advert(advert) = &decoded.payload {
            if !is_possible(advert) {
                return heard(Reject::BadAdvert, reception);
            }
            if advert.signature_valid == Some(false) {
                let dropped = DroppedAdvert {
                    reception,
                    raw_hex: message.raw,
                    hash: packet.packet_hash(),
                    node_key: advert.public_key.to_string(),
                    node_name: advert.name.clone(),
                };
                return Verdict::Reject(
                    Reject::BadSignature,
                    Some(uncounted(Write::Dropped(Box::new(dropped)))),
                );
            }
        }
        let Ok(mut packet) = PacketWrite::new(&packet, &decoded, message.raw, reception.clone()) else {
            return heard(Reject::BadFrame, reception);
        };
        packet.clock_skew = message.clock_skew;
        Verdict::Write(Job { ticket: source, write: Write::Packet(Box::new(packet)) })
    }
}

/// A message that is wrong, from an observer that is alive.
fn heard(reason: Reject, reception: Reception) -> Verdict {
    Verdict::Reject(reason, Some(uncounted(Write::Seen(reception))))
}

fn uncounted(write: Write) -> Job {
    Job { ticket: UNCOUNTED, write }
}

/// Whether a node with this key and position can exist.
fn is_possible(advert: &DecodedAdvert) -> bool {
    !advert.public_key.is_zero()
        && advert.lat.is_none_or(|lat| lat.abs() <= 90.0)
        && advert.lon.is_none_or(|lon| lon.abs() <= 180.0)
}

/// Why a message goes no further.
enum Refusal {
    Reject(Reject),
    Discard(Discard),
}

impl From<Reject> for Refusal {
    fn from(reason: Reject) -> Self {
        Self::Reject(reason)
    }
}

impl From<Discard> for Refusal {
    fn from(reason: Discard) -> Self {
        Self::Discard(reason)
    }
}

impl From<FrameError> for Reject {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::Truncated { .. } => Self::Truncated,
            FrameError::ReservedHashSize { .. } => Self::ReservedHashSize,
            FrameError::PathTooLong { .. } => Self::PathTooLong,
            FrameError::PayloadTooLong { .. } => Self::PayloadTooLong,
            _ => Self::BadFrame,
        }
    }
}

#[cfg(test)]
mod tests;
