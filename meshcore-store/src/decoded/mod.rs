//! A frame as JSON readers see it: header, path, and one payload object per type.
//!
//! This is the only place that turns frames into that JSON. The text column `transmissions.decoded_json`, the API and
//! the live feed all show what is made here. Field names are those existing front ends read; hexadecimal is lower case
//! unless a field says otherwise; an absent field means "does not apply", never zero.

pub mod advert;
pub mod companion;
pub mod group;
pub mod payload;

use meshcore_proto::{KeyRing, Packet, Path, Payload, PayloadType, RouteType};
use serde::Serialize;

use crate::reception::hops_of;

pub use advert::{DecodedAdvert, Role};
pub use companion::CompanionMessage;
pub use payload::DecodedPayload;

/// A frame, decoded for readers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decoded {
    /// What the header byte says.
    pub header: DecodedHeader,
    /// Scope and home code of TRANSPORT routes.
    #[serde(rename = "transportCodes", skip_serializing_if = "Option::is_none")]
    pub transport_codes: Option<DecodedTransport>,
    /// The way so far (FLOOD), still ahead (DIRECT), or planned (TRACE).
    pub path: DecodedPath,
    /// The payload, by type.
    pub payload: DecodedPayload,
    /// What is odd about this frame, in words; absent when nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anomaly: Option<&'static str>,
}

/// The header byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DecodedHeader {
    /// 0 to 3.
    pub route_type: u8,
    /// `TRANSPORT_FLOOD`, `FLOOD`, `DIRECT` or `TRANSPORT_DIRECT`.
    pub route_type_name: &'static str,
    /// 0 to 15.
    pub payload_type: u8,
    /// `REQ` … `RAW_CUSTOM`, `UNKNOWN` for the reserved 12 to 14.
    pub payload_type_name: &'static str,
    /// 0 to 3; nodes drop everything but 0.
    pub payload_version: u8,
}

/// Transport codes as upper-case hex of the two bytes in wire order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DecodedTransport {
    /// Scope of this packet.
    pub code1: String,
    /// The sender's home region.
    pub code2: String,
}

/// The path field, or for TRACE the planned route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DecodedPath {
    /// Bytes per hop; 0 = unknown (a direct frame without hops does not say).
    pub hash_size: u8,
    /// Number of hops.
    pub hash_count: usize,
    /// Upper-case hex, in path order.
    pub hops: Vec<String>,
    /// TRACE only: how many hops have been made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hops_completed: Option<u8>,
}

/// Whether advert signatures are checked while decoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signatures {
    /// Check them; the answer is in `signatureValid`.
    Verify,
    /// Somebody did: this is the answer.
    Known(bool),
    /// Do not, and say nothing about them.
    Ignore,
}

impl Signatures {
    /// As `validateSignatures` says.
    pub const fn of(validate: bool) -> Self {
        if validate { Self::Verify } else { Self::Ignore }
    }
}

impl Decoded {
    /// Decodes `packet`, trying the channel keys of `keys` whose hash byte matches.
    pub fn of(packet: &Packet<'_>, keys: &KeyRing, signatures: Signatures) -> Self {
        Self {
            header: DecodedHeader::of(packet),
            transport_codes: DecodedTransport::of(packet),
            path: DecodedPath::of(packet),
            payload: DecodedPayload::of(packet, keys, signatures),
            anomaly: anomaly(packet),
        }
    }
}

impl DecodedHeader {
    /// Reads the header of `packet`.
    pub fn of(packet: &Packet<'_>) -> Self {
        let header = packet.header();
        Self {
            route_type: header.route().bits(),
            route_type_name: header.route().name(),
            payload_type: header.payload_type().bits(),
            payload_type_name: payload_type_name(header.payload_type()),
            payload_version: header.version(),
        }
    }
}

impl DecodedTransport {
    /// Reads the transport codes of `packet`; `None` on a route without them.
    pub fn of(packet: &Packet<'_>) -> Option<Self> {
        let [code1, code2] = packet.transport()?.wire_text().map(|code| code.to_string());
        Some(Self { code1, code2 })
    }
}

impl DecodedPath {
    /// Reads the path of `packet`.
    pub fn of(packet: &Packet<'_>) -> Self {
        let hops = hops_of(packet);
        let (hash_size, hops_completed) = match packet.path() {
            Path::Snrs(snrs) => {
                let entry = match packet.payload() {
                    Ok(Payload::Trace(trace)) => u8::try_from(trace.entry_size()).unwrap_or(u8::MAX),
                    _ => 0,
                };
                (entry, Some(u8::try_from(snrs.len()).unwrap_or(u8::MAX)))
            }
            _ if hops.is_empty() && !packet.header().route().is_flood() => (0, None),
            _ => (packet.path_len().hash_size(), None),
        };
        Self { hash_size, hash_count: hops.len(), hops, hops_completed }
    }
}

/// The name of a payload type in answers: reserved types are `UNKNOWN`.
pub fn payload_type_name(payload_type: PayloadType) -> &'static str {
    match payload_type {
        PayloadType::Reserved(_) => "UNKNOWN",
        known => known.name(),
    }
}

/// What is odd about a frame, in words.
pub fn anomaly(packet: &Packet<'_>) -> Option<&'static str> {
    let header = packet.header();
    if header.version() != 0 {
        return Some("payload version is not 0: nodes drop this frame");
    }
    if header.payload_type() != PayloadType::Trace {
        return None;
    }
    if packet.payload().is_err() {
        Some("trace payload cannot be read")
    } else if matches!(header.route(), RouteType::Flood | RouteType::TransportFlood) {
        Some("trace sent as flood: traces travel direct only")
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
