//! What is sent for an observation.

use meshcore_proto::{DecodeOptions, Packet};
use meshcore_store::UnixMillis;
use meshcore_store::db::LiveObservation;
use meshcore_store::decoded::{DecodedHeader, DecodedPath};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// A frame of the live feed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", content = "data", rename_all = "lowercase")]
pub enum LiveFrame {
    /// An observer heard a packet.
    Packet(Box<LivePacket>),
}

/// A frame for one listener that was too slow.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename = "lagged")]
pub struct Lagged {
    /// Frames it will not get.
    pub dropped: u64,
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
    raw_hex: Option<String>,
    #[schema(value_type = Option<String>)]
    first_seen: Option<UnixMillis>,
    #[schema(value_type = Option<String>)]
    timestamp: Option<UnixMillis>,
    route_type: Option<u8>,
    payload_type: Option<u8>,
    payload_version: Option<u8>,
    decoded_json: Option<String>,
    observer_id: Option<String>,
    observer_name: Option<String>,
    observer_iata: Option<String>,
    snr: Option<f64>,
    rssi: Option<f64>,
    path_json: Option<String>,
    direction: Option<String>,
    /// Observations of the packet up to and including this one.
    observation_count: i64,
    scope_name: Option<String>,
    observation_id: i64,
    /// Arrival of this observation, to the millisecond where known.
    #[schema(value_type = String)]
    observed_at: UnixMillis,
}

/// What the bytes mean.
#[derive(Debug, Serialize, ToSchema)]
struct LiveDecoded {
    #[schema(value_type = Option<Object>)]
    header: Option<DecodedHeader>,
    #[schema(value_type = Option<Object>)]
    payload: Option<Box<RawValue>>,
    #[schema(value_type = Option<Object>)]
    path: Option<DecodedPath>,
}

impl LiveFrame {
    /// The frame for `live`; `observed_at` is its arrival when known better than the stored second.
    pub fn of(live: LiveObservation, observed_at: Option<UnixMillis>) -> Self {
        let LiveObservation { packet, observation, observation_count } = live;
        let raw = observation.raw_hex.as_deref().unwrap_or(&packet.raw_hex);
        let frame = hex::decode(raw).unwrap_or_default();
        let parsed = Packet::parse_with(&frame, DecodeOptions::analyzer()).ok();
        let decoded = LiveDecoded {
            header: parsed.as_ref().map(DecodedHeader::of),
            payload: packet.decoded_json.clone().and_then(|json| RawValue::from_string(json).ok()),
            path: parsed.as_ref().map(DecodedPath::of),
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
            scope_name: packet.scope_name,
            observation_id: observation.id,
            observed_at: observed_at.unwrap_or(observation.timestamp),
        };
        Self::Packet(Box::new(LivePacket { packet: fields.clone(), decoded, same: fields }))
    }
}
