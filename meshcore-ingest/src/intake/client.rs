//! What a moving client hears: whom, how well, and where.
//!
//! Nothing of it is proven but the signature of an advert; the broker has to see to it that only the client itself
//! publishes below its key.

use meshcore_proto::{Packet, Path, Payload, PublicKey};
use meshcore_store::db::{ClientReception, Heard, Write};
use meshcore_store::{Direction, ObserverId};

use super::refusal::Refusal;
use super::{Inbound, Intake};
use crate::accounting::{Discard, Reject};
use crate::message::{Message, truncated};

/// Shortest hop that says something: one byte is shared by too many nodes.
const FEWEST_HOP_BYTES: usize = 2;

impl Intake {
    /// The message of a moving client. It is no observer, and what it hears is no observation.
    pub(super) fn client_message(&self, inbound: &Inbound, client: PublicKey) -> Result<Write, Refusal> {
        if !self.covers_clients {
            return Err(Discard::CoverageOff.into());
        }
        let id: ObserverId = client.to_string().parse().map_err(|_| Reject::BadObserver)?;
        self.admit(&id)?;
        let message = Message::parse(&inbound.payload)?;
        let gps = message.gps().ok_or(Reject::NoPosition)?;
        let reception = message.packet(inbound.received_at)?.ok_or(Reject::NoFrame)?;
        if reception.direction != Some(Direction::Rx) {
            return Err(Discard::NotReceived.into());
        }
        let frame = hex::decode(&reception.raw).map_err(|_| Reject::BadHex)?;
        let packet = Packet::parse_lax(&frame).map_err(Reject::from)?;
        let heard = self.heard(&packet)?;
        Ok(Write::ClientReception(Box::new(ClientReception {
            received_at: inbound.received_at,
            client,
            client_name: reception.origin,
            heard,
            rssi: reception.signal.rssi.and_then(truncated),
            snr: reception.signal.snr,
            position: gps.position,
            accuracy_m: gps.accuracy_m,
            heard_at: reception.time.at,
        })))
    }

    /// Who sent what the client's radio received: the last hop of a flood, else the node of an advert.
    ///
    /// On a direct route the path is still ahead, so its end says nothing about the sender.
    fn heard(&self, packet: &Packet<'_>) -> Result<Heard, Refusal> {
        if let Path::Hashes(hops) = packet.path()
            && let Some(last) = hops.iter().last()
        {
            let is_heard = packet.header().route().is_flood() && last.as_bytes().len() >= FEWEST_HOP_BYTES;
            let heard = is_heard.then(|| Heard::LastHop(last.as_bytes().to_vec()));
            return heard.ok_or_else(|| Discard::NobodyHeard.into());
        }
        let Ok(Payload::Advert(advert)) = packet.payload() else { return Err(Discard::NobodyHeard.into()) };
        if advert.public_key().is_zero() {
            return Err(Reject::BadAdvert.into());
        }
        // The key is recorded as heard at this place, so it must not be anybody's.
        if self.checks_signatures && !self.memory.is_signed(&advert, packet.payload_bytes()) {
            return Err(Reject::BadSignature.into());
        }
        Ok(Heard::Advert(advert.public_key()))
    }
}
