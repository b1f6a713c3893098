//! A frame that an observer heard.

use std::mem;

use meshcore_proto::{Packet, Payload};
use meshcore_store::Reception;
use meshcore_store::db::{DroppedAdvert, NodeAdvert, PacketWrite, Write};
use meshcore_store::decoded::{Decoded, DecodedAdvert, DecodedPayload, Signatures};
use meshcore_store::geo::Position;
use tracing::debug;

use super::Intake;
use super::refusal::Refusal;
use crate::accounting::{Discard, Notice, Reject};
use crate::config::ForeignMode;
use crate::log_text::LogText;
use crate::message::PacketMessage;

impl Intake {
    /// Whatever becomes of a packet message, its observer was heard.
    pub(super) fn packet(
        &self,
        reception: Reception,
        mut message: PacketMessage<'_>,
    ) -> Result<Write, Refusal> {
        let heard = |reason: Reject| Refusal::from(reason).heard(reception.clone());
        let frame = hex::decode(&message.raw).map_err(|_| heard(Reject::BadHex))?;
        // Frames of a later version are kept and marked, though today's nodes would drop them.
        let packet = Packet::parse_lax(&frame).map_err(|error| heard(error.into()))?;
        if message.is_stale(frame.len(), packet.header().payload_type().bits()) {
            return Err(heard(Reject::StaleTx));
        }
        let decoded = Decoded::of(&packet, &self.keys, self.signatures(&packet));
        if let DecodedPayload::Advert(advert) = &decoded.payload {
            if !is_possible(advert) {
                return Err(heard(Reject::BadAdvert));
            }
            if advert.signature_valid == Some(false) {
                let dropped = DroppedAdvert {
                    reception,
                    raw_hex: message.raw,
                    hash: packet.packet_hash(),
                    node_key: advert.public_key.to_string(),
                    node_name: advert.name.clone(),
                };
                return Err(Refusal::from(Reject::BadSignature).noting(Write::Dropped(Box::new(dropped))));
            }
        }
        let raw = mem::take(&mut message.raw);
        let mut write = PacketWrite::new(&packet, &decoded, raw, reception).map_err(|_| Reject::BadFrame)?;
        write.clock_skew = message.time.skew;
        if let Some(region) = self.regions.first_match(&packet) {
            write.scope_name = Some(region.name.clone());
        }
        if let Some(node) = &mut write.advert {
            self.place(node).map_err(|refusal| refusal.heard(write.reception.clone()))?;
        }
        self.note(&write, &message);
        Ok(Write::Packet(Box::new(write)))
    }

    /// What is known of the signature of an advert.
    fn signatures(&self, packet: &Packet<'_>) -> Signatures {
        match packet.payload() {
            Ok(Payload::Advert(advert)) if self.checks_signatures => {
                Signatures::Known(self.memory.is_signed(&advert, packet.payload_bytes()))
            }
            _ => Signatures::Ignore,
        }
    }

    /// Marks a node outside the area as foreign, or refuses its advert.
    pub(super) fn place(&self, node: &mut NodeAdvert) -> Result<(), Refusal> {
        let position = node.position.and_then(|(lat, lon)| Position::new(Some(lat), Some(lon)));
        let (Some(area), Some(position)) = (&self.area, position) else { return Ok(()) };
        let is_foreign = !area.contains(position);
        if is_foreign {
            if self.foreign == ForeignMode::Drop {
                return Err(Discard::Geo.into());
            }
            self.memory.notice(Notice::Foreign);
            let (key, name) = (node.public_key.to_string(), node.name.as_deref().unwrap_or_default());
            debug!(node.key = %LogText::key(&key), node.name = %LogText::new(name), "a foreign node");
        }
        node.foreign = Some(is_foreign);
        Ok(())
    }

    /// Counts what is odd about a message that is kept.
    fn note(&self, write: &PacketWrite, message: &PacketMessage<'_>) {
        let oddities = [
            (Notice::OtherOrigin, message.is_of_another(&write.reception.observer)),
            (Notice::OtherHash, message.has_another_hash(write.hash)),
            (Notice::LaterVersion, write.payload_version != 0),
            (Notice::NaiveClock, message.time.skew.is_some()),
        ];
        for (notice, _) in oddities.into_iter().filter(|(_, is_so)| *is_so) {
            self.memory.notice(notice);
        }
    }
}

/// Whether a node with this key and position can exist.
fn is_possible(advert: &DecodedAdvert) -> bool {
    !advert.public_key.is_zero()
        && advert.lat.is_none_or(|lat| lat.abs() <= 90.0)
        && advert.lon.is_none_or(|lon| lon.abs() <= 180.0)
}
