//! What is sent for an observation.

use meshcore_proto::Packet;
use meshcore_store::UnixMillis;
use meshcore_store::db::LiveObservation;
use meshcore_store::decoded::{DecodedHeader, DecodedPath, DecodedTransport, anomaly};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// A frame of the live feed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum LiveFrame {
    /// An observer heard a packet.
    Packet {
        /// What it heard.
        data: Box<LivePacket>,
    },
    /// This one listener was too slow.
    Lagged {
        /// Frames it will not get.
        dropped: u64,
    },
}

/// One observation, with its packet as it was at that moment.
#[derive(Debug, Serialize, ToSchema)]
pub struct LivePacket {
    #[serde(flatten)]
    packet: LiveFields,
    /// Header, path and payload, decoded.
    decoded: LiveDecoded,
    /// The fields above once more, where older clients look for them.
    #[serde(rename = "packet")]
    same: LiveFields,
}

/// The packet's and the observation's columns.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct LiveFields {
    id: i64,
    hash: String,
    #[schema(required)]
    raw_hex: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    first_seen: Option<UnixMillis>,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    timestamp: Option<UnixMillis>,
    #[schema(required)]
    route_type: Option<u8>,
    #[schema(required)]
    payload_type: Option<u8>,
    #[schema(required)]
    payload_version: Option<u8>,
    #[schema(required)]
    decoded_json: Option<String>,
    #[schema(required)]
    observer_id: Option<String>,
    #[schema(required)]
    observer_name: Option<String>,
    #[schema(required)]
    observer_iata: Option<String>,
    #[schema(required)]
    snr: Option<f64>,
    #[schema(required)]
    rssi: Option<f64>,
    #[schema(required)]
    path_json: Option<String>,
    #[schema(required)]
    direction: Option<String>,
    /// Observations of the packet up to and including this one.
    observation_count: i64,
    /// Distinct observers among them.
    observer_count: i64,
    #[schema(required)]
    scope_name: Option<String>,
    observation_id: i64,
    /// Arrival of this observation, to the millisecond where known.
    #[schema(value_type = String, format = DateTime)]
    observed_at: UnixMillis,
}

/// What the bytes mean.
#[derive(Debug, Serialize, ToSchema)]
struct LiveDecoded {
    /// null when the frame cannot be read.
    #[schema(value_type = Option<shapes::DecodedHeader>, required)]
    header: Option<DecodedHeader>,
    /// null when nothing was decoded.
    #[schema(value_type = Option<shapes::DecodedPayload>, required)]
    payload: Option<Box<RawValue>>,
    /// null when the frame cannot be read.
    #[schema(value_type = Option<shapes::DecodedPath>, required)]
    path: Option<DecodedPath>,
    /// Of TRANSPORT routes.
    #[schema(value_type = Option<shapes::DecodedTransport>, nullable = false)]
    #[serde(rename = "transportCodes", skip_serializing_if = "Option::is_none")]
    transport_codes: Option<DecodedTransport>,
    /// What is odd about this frame, in words.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    anomaly: Option<&'static str>,
}

/// What `meshcore_store::decoded` writes, for the document only: that crate knows nothing of OpenAPI. A test compares
/// frames with these schemas.
mod shapes {
    use std::collections::HashMap;

    use serde::Serialize;
    use serde_json::Value;
    use utoipa::ToSchema;

    /// The header byte.
    #[derive(Serialize, ToSchema)]
    #[serde(rename_all = "camelCase")]
    pub(super) struct DecodedHeader {
        /// 0 to 3.
        route_type: u8,
        /// `TRANSPORT_FLOOD`, `FLOOD`, `DIRECT` or `TRANSPORT_DIRECT`.
        route_type_name: String,
        /// 0 to 15.
        payload_type: u8,
        /// `REQ` … `RAW_CUSTOM`, `UNKNOWN` for the reserved 12 to 14.
        payload_type_name: String,
        /// 0 to 3; nodes drop everything but 0.
        payload_version: u8,
    }

    /// The path field, or for TRACE the planned route.
    #[derive(Serialize, ToSchema)]
    #[serde(rename_all = "camelCase")]
    pub(super) struct DecodedPath {
        /// Bytes per hop; 0 = unknown (a direct frame without hops does not say).
        hash_size: u8,
        /// Number of hops.
        hash_count: usize,
        /// Upper-case hex, in path order.
        hops: Vec<String>,
        /// TRACE only: how many hops have been made.
        #[schema(nullable = false)]
        #[serde(skip_serializing_if = "Option::is_none")]
        hops_completed: Option<u8>,
    }

    /// Transport codes as upper-case hex of the two bytes in wire order.
    #[derive(Serialize, ToSchema)]
    pub(super) struct DecodedTransport {
        /// Scope of this packet.
        code1: String,
        /// The sender's home region.
        code2: String,
    }

    /// What the payload says. `type` names its form; the other keys depend on it.
    #[derive(Serialize, ToSchema)]
    pub(super) struct DecodedPayload {
        /// `ADVERT`, `CHAN` (a channel message that was read), `GRP_TXT` (one that was not), `TXT_MSG` …
        r#type: String,
        #[serde(flatten)]
        other: HashMap<String, Value>,
    }
}

impl LiveFrame {
    /// The frame for `live`; `observed_at` is its arrival when known better than the stored second.
    pub fn of(live: LiveObservation, observed_at: Option<UnixMillis>) -> Self {
        let LiveObservation { packet, observation, observation_count, observer_count } = live;
        let raw = observation.raw_hex.as_deref().unwrap_or(&packet.raw_hex);
        let frame = hex::decode(raw).unwrap_or_default();
        let parsed = Packet::parse_lax(&frame).ok();
        let decoded = LiveDecoded {
            header: parsed.as_ref().map(DecodedHeader::of),
            payload: packet.decoded_json.clone().and_then(|json| RawValue::from_string(json).ok()),
            path: parsed.as_ref().map(DecodedPath::of),
            transport_codes: parsed.as_ref().and_then(DecodedTransport::of),
            anomaly: parsed.as_ref().and_then(anomaly),
        };
        let fields = LiveFields {
            id: packet.id,
            hash: packet.hash,
            raw_hex: Some(raw.to_owned()).filter(|raw| !raw.is_empty()),
            first_seen: packet.first_seen,
            timestamp: packet.first_seen,
            route_type: packet.route_type,
            payload_type: packet.payload_type,
            payload_version: packet.payload_version,
            decoded_json: packet.decoded_json,
            observer_id: observation.observer_id,
            observer_name: observation.observer_name,
            observer_iata: observation.observer_iata,
            snr: observation.snr,
            rssi: observation.rssi,
            path_json: observation.path_json,
            direction: observation.direction,
            observation_count,
            observer_count,
            scope_name: packet.scope_name,
            observation_id: observation.id,
            observed_at: observed_at.unwrap_or(observation.timestamp),
        };
        Self::Packet { data: Box::new(LivePacket { packet: fields.clone(), decoded, same: fields }) }
    }
}
