//! What a companion bridge passes on: texts that its device has read, and nodes that it knows.
//!
//! There are no frames. A text is stored like a packet, under a hash made of what was said, so that one delivered
//! twice is a duplicate.

use meshcore_proto::{PacketHash, PayloadType, RouteType};
use meshcore_store::db::{NodeAdvert, NodeSighting, PacketWrite, Write};
use meshcore_store::decoded::CompanionMessage;
use meshcore_store::decoded::companion::Said;
use meshcore_store::{ObserverId, Reception, Signal, path_json};
use sha2::{Digest, Sha256};

use super::refusal::Refusal;
use super::{Inbound, Intake};
use crate::accounting::{Discard, Reject};
use crate::message::{CompanionText, Message};
use crate::topic::CompanionTopic;

impl Intake {
    /// The message of a companion bridge. Its topic has neither region nor observer.
    pub(super) fn companion_message(
        &self,
        inbound: &Inbound,
        topic: CompanionTopic<'_>,
    ) -> Result<Write, Refusal> {
        self.admit(&ObserverId::companion())?;
        if topic == CompanionTopic::Direct && !self.stores_direct {
            return Err(Discard::Direct.into()); // private: not even looked at
        }
        let message = Message::parse(&inbound.payload)?;
        match topic {
            CompanionTopic::Channel(level) => channel_text(inbound, level, message.companion_text()?),
            CompanionTopic::Direct => direct_text(inbound, message.companion_text()?),
            CompanionTopic::Advertisement => self.node(inbound, &message, false),
            CompanionTopic::SelfInfo => self.node(inbound, &message, true),
        }
    }

    /// A node, without the advert that would prove it.
    fn node(&self, inbound: &Inbound, message: &Message<'_>, is_companion: bool) -> Result<Write, Refusal> {
        let claim = message.node_claim()?;
        let observer_name = claim.name.clone().filter(|_| is_companion);
        let reception = Reception { observer_name, ..reception(inbound) };
        let mut node = NodeAdvert {
            public_key: claim.public_key,
            name: claim.name,
            role: claim.role.map(|role| role.to_string()),
            position: claim.position,
            battery_mv: None,
            temperature_c: None,
            foreign: None,
        };
        self.place(&mut node).map_err(|refusal| refusal.heard(reception.clone()))?;
        Ok(Write::Node(Box::new(NodeSighting { reception, node })))
    }
}

/// A text in a channel, of which only the place in the companion's list is known.
fn channel_text(inbound: &Inbound, level: Option<&str>, text: CompanionText) -> Result<Write, Refusal> {
    let index = text.channel_index.or_else(|| level?.parse().ok()).ok_or(Reject::BadChannel)?;
    let channel = format!("ch{index}");
    let seed = format!("ch:{index}:{}", text.text);
    packet(inbound, PayloadType::GrpTxt, &seed, text, |said| CompanionMessage::Channel { channel, said })
}

/// A text to the companion alone.
fn direct_text(inbound: &Inbound, text: CompanionText) -> Result<Write, Refusal> {
    let seed = format!("dm:{}", text.text);
    packet(inbound, PayloadType::TxtMsg, &seed, text, |said| CompanionMessage::Direct { said })
}

/// A text as if it were a packet. Its hash is that of `seed` and its time: the sender's when it is told, so that the
/// same text delivered later has the same hash.
fn packet(
    inbound: &Inbound,
    payload_type: PayloadType,
    seed: &str,
    text: CompanionText,
    message: impl FnOnce(Said) -> CompanionMessage,
) -> Result<Write, Refusal> {
    let sent_at = text.sender_timestamp.map_or_else(|| inbound.received_at.seconds(), i64::from);
    let CompanionText { text, sender_timestamp, signal, direction, .. } = text;
    let message = message(Said::new(text, sender_timestamp));
    Ok(Write::Packet(Box::new(PacketWrite {
        reception: Reception { signal, direction, ..reception(inbound) },
        raw_hex: String::new(),
        hash: hash(&format!("{seed}:{sent_at}")),
        route_type: RouteType::Flood.bits(),
        payload_type: payload_type.bits(),
        payload_version: 0,
        decoded_json: serde_json::to_string(&message).map_err(|_| Reject::NoText)?,
        path_json: path_json(&[]),
        channel_hash: match message {
            CompanionMessage::Channel { channel, .. } => Some(channel),
            CompanionMessage::Direct { .. } => None,
        },
        scope_name: None,
        advert: None,
        clock_skew: None,
    })))
}

/// The first 8 bytes of SHA-256.
fn hash(text: &str) -> PacketHash {
    let [a, b, c, d, e, f, g, h, ..]: [u8; 32] = Sha256::digest(text).into();
    PacketHash::from_bytes([a, b, c, d, e, f, g, h])
}

/// The companion was heard. It has the name it was given before, or the first one.
fn reception(inbound: &Inbound) -> Reception {
    Reception {
        received_at: inbound.received_at,
        observer: ObserverId::companion(),
        observer_name: None,
        region: None,
        direction: None,
        signal: Signal::default(),
    }
}
