//! `/api/packets`: what was said.

use actix_web::web;
use meshcore_store::db::{ObservationRow, PacketFilter, PacketId, PacketRow};
use meshcore_store::{UnixMillis, path_json};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::params;
use crate::app::App;
use crate::error::{ApiError, Problem};

/// Packets per page when the client does not say.
const PAGE: u32 = 50;

/// Which packets.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, rename_all = "camelCase")]
pub struct PacketParams {
    /// Page size; 50 when absent.
    #[param(value_type = Option<u32>)]
    limit: Option<String>,
    /// Rows to skip.
    #[param(value_type = Option<u32>)]
    offset: Option<String>,
    /// `asc`: oldest first; not with `groupByHash`.
    order: Option<String>,
    /// Payload type by number or name.
    r#type: Option<String>,
    /// Route type by number or name.
    route: Option<String>,
    /// Heard by one of these observers, comma-separated.
    observer: Option<String>,
    /// Heard in one of these regions, comma-separated.
    region: Option<String>,
    /// This content hash.
    hash: Option<String>,
    /// Name of a channel, or `enc_XX` for one that stays closed.
    channel: Option<String>,
    /// Has an observation at or after this time.
    since: Option<String>,
    /// Has an observation at or before this time.
    until: Option<String>,
    /// `observations`: include them.
    expand: Option<String>,
    /// `true`: the newest observation first, with counts per packet.
    group_by_hash: Option<String>,
    /// Refused: not supported by this version.
    q: Option<String>,
    /// Refused: not supported by this version.
    area: Option<String>,
    /// Refused: not supported by this version.
    node: Option<String>,
    /// Refused: not supported by this version.
    nodes: Option<String>,
}

/// A page of packets, in either form.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum PacketPage {
    /// As a rule.
    Packets(PacketList),
    /// With `groupByHash=true`.
    Grouped(GroupedPacketList),
}

/// A page of packets.
#[derive(Debug, Serialize, ToSchema)]
pub struct PacketList {
    packets: Vec<Packet>,
    /// Packets that match, on all pages.
    total: i64,
    limit: u32,
    offset: u32,
}

/// A page of packets with counts.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupedPacketList {
    packets: Vec<GroupedPacket>,
    /// Packets that match, on all pages.
    total: i64,
    limit: u32,
    offset: u32,
}

/// What every answer says of a packet: one row per content hash. Observer, signal and path are those of the observation
/// with the longest path.
#[derive(Debug, Serialize, ToSchema)]
pub struct PacketFields {
    /// Ascending in the order packets were stored.
    id: i64,
    /// Content hash, 16 hex digits.
    hash: String,
    /// Frame as first received; null when there was none.
    #[schema(required)]
    raw_hex: Option<String>,
    /// Server time of the first reception.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    first_seen: Option<UnixMillis>,
    #[schema(required)]
    route_type: Option<u8>,
    #[schema(required)]
    payload_type: Option<u8>,
    #[schema(required)]
    payload_version: Option<u8>,
    /// The decoded payload as JSON text.
    #[schema(required)]
    decoded_json: Option<String>,
    observation_count: usize,
    #[schema(required)]
    observer_id: Option<String>,
    #[schema(required)]
    observer_name: Option<String>,
    #[schema(required)]
    observer_iata: Option<String>,
    /// dB.
    #[schema(required)]
    snr: Option<f64>,
    /// dBm.
    #[schema(required)]
    rssi: Option<f64>,
    /// Hops as JSON text, `[]` for none.
    path_json: String,
    /// null: no scope; empty: scoped, region unknown; else the region.
    #[schema(required)]
    scope_name: Option<String>,
}

/// A packet.
#[derive(Debug, Serialize, ToSchema)]
pub struct Packet {
    #[serde(flatten)]
    fields: PacketFields,
    /// As `first_seen`.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    timestamp: Option<UnixMillis>,
    /// `path_json`, read; null for none.
    #[serde(rename = "_parsedPath")]
    #[schema(required)]
    parsed_path: Option<Vec<String>>,
    /// Full keys of the hops where known.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    resolved_path: Option<Vec<Option<String>>>,
    #[schema(required)]
    direction: Option<String>,
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    observations: Option<Vec<Observation>>,
}

/// A packet with counts, for lists.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupedPacket {
    #[serde(flatten)]
    fields: PacketFields,
    /// Newest observation.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    latest: Option<UnixMillis>,
    /// As `observation_count`.
    count: usize,
    /// Distinct observers.
    observer_count: usize,
    /// Regions it was heard in, sorted.
    distinct_iatas: Vec<String>,
}

/// One reception.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Observation {
    id: i64,
    transmission_id: i64,
    hash: String,
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
    /// The firmware's score of the reception, times 1000.
    #[schema(required)]
    score: Option<f64>,
    path_json: String,
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    resolved_path: Option<Vec<Option<String>>>,
    #[schema(required)]
    direction: Option<String>,
    /// This observer's own frame.
    #[schema(required)]
    raw_hex: Option<String>,
    /// Server time of this reception, whole seconds.
    #[schema(value_type = String, format = DateTime)]
    timestamp: UnixMillis,
}

/// One packet.
#[derive(Debug, Serialize, ToSchema)]
pub struct PacketDetail {
    packet: Packet,
    /// Hops of the best observation.
    path: Vec<String>,
    /// At least 1.
    observation_count: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    observations: Vec<Observation>,
}

/// How `{id}` is read.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct PacketIdParams {
    /// `obs`: `{id}` is the id of an observation.
    by: Option<String>,
}

/// Packets, newest first.
#[utoipa::path(
    get,
    path = "/api/packets",
    operation_id = "list_packets",
    params(PacketParams),
    responses(
        (status = 200, body = PacketPage, description = "a page; its form depends on groupByHash"),
        (status = 400, body = Problem, description = "a parameter has a value it cannot have")
    )
)]
pub(crate) async fn list(
    app: web::Data<App>,
    params: web::Query<PacketParams>,
) -> Result<web::Json<PacketPage>, ApiError> {
    let filter = params.filter(app.config().list_limits.packets())?;
    let (limit, offset, grouped) = (filter.limit, filter.offset, filter.by_latest);
    let page = app.read(move |reader| reader.packets(&filter)).await?;
    let total = page.total;
    Ok(web::Json(if grouped {
        let packets = page.packets.into_iter().map(GroupedPacket::from).collect();
        PacketPage::Grouped(GroupedPacketList { packets, total, limit, offset })
    } else {
        let expand = params.expand.as_deref() == Some("observations");
        let packets = page.packets.into_iter().map(|row| Packet::of(&row, expand)).collect();
        PacketPage::Packets(PacketList { packets, total, limit, offset })
    }))
}

/// One packet with its observations: by content hash, else by packet id, else by observation id.
#[utoipa::path(
    get,
    path = "/api/packets/{id}",
    operation_id = "get_packet",
    params(("id" = String, Path, description = "content hash or number"), PacketIdParams),
    responses(
        (status = 200, body = PacketDetail, description = "the packet"),
        (status = 404, body = Problem, description = "no such packet")
    )
)]
pub(crate) async fn get(
    app: web::Data<App>,
    id: web::Path<String>,
    params: web::Query<PacketIdParams>,
) -> Result<web::Json<PacketDetail>, ApiError> {
    let by_observation = params.by.as_deref() == Some("obs");
    let mut candidates = Vec::new();
    if let Ok(hash) = id.parse()
        && !by_observation
    {
        candidates.push(PacketId::Hash(hash));
    }
    if let Ok(number) = id.parse() {
        if !by_observation {
            candidates.push(PacketId::Transmission(number));
        }
        candidates.push(PacketId::Observation(number));
    }
    let found = app.read(move |reader| {
        for id in candidates {
            if let Some(packet) = reader.packet(id)? {
                return Ok(Some(packet));
            }
        }
        Ok(None)
    });
    let row = found.await?.ok_or(ApiError::NotFound)?;
    let path = row.best().map(|best| best.path.clone()).unwrap_or_default();
    let packet = Packet::of(&row, true);
    let observations = packet.observations.clone().unwrap_or_default();
    Ok(web::Json(PacketDetail { path, observation_count: observations.len().max(1), observations, packet }))
}

impl PacketParams {
    fn filter(&self, max: u32) -> Result<PacketFilter, ApiError> {
        params::refuse(&[
            ("q", &self.q),
            ("area", &self.area),
            ("node", &self.node),
            ("nodes", &self.nodes),
        ])?;
        Ok(PacketFilter {
            payload_type: params::payload_type(self.r#type.as_deref())?,
            route_type: params::route_type(self.route.as_deref())?,
            observers: params::list(self.observer.as_deref()).map(str::to_lowercase).collect(),
            regions: params::regions(self.region.as_deref()),
            hash: params::list(self.hash.as_deref()).next().map(str::to_lowercase),
            channel: params::list(self.channel.as_deref()).next().map(str::to_owned),
            since: params::time("since", self.since.as_deref())?,
            until: params::time("until", self.until.as_deref())?,
            by_latest: self.group_by_hash.as_deref() == Some("true"),
            ascending: self.order.as_deref() == Some("asc"),
            limit: params::limit(self.limit.as_deref(), PAGE, max),
            offset: params::offset(self.offset.as_deref()),
        })
    }
}

impl PacketFields {
    fn of(row: &PacketRow, best: Option<&ObservationRow>) -> Self {
        Self {
            id: row.id,
            hash: row.hash.clone(),
            raw_hex: Some(row.raw_hex.clone()).filter(|raw| !raw.is_empty()),
            first_seen: row.first_seen,
            route_type: row.route_type,
            payload_type: row.payload_type,
            payload_version: row.payload_version,
            decoded_json: row.decoded_json.clone(),
            observation_count: row.observations.len(),
            observer_id: best.and_then(|best| best.observer_id.clone()),
            observer_name: best.and_then(|best| best.observer_name.clone()),
            observer_iata: best.and_then(|best| best.observer_iata.clone()),
            snr: best.and_then(|best| best.snr),
            rssi: best.and_then(|best| best.rssi),
            path_json: path_json(best.map_or(&[], |best| &best.path)),
            scope_name: row.scope_name.clone(),
        }
    }
}

impl Packet {
    fn of(row: &PacketRow, expand: bool) -> Self {
        let best = row.best();
        Self {
            fields: PacketFields::of(row, best),
            timestamp: row.first_seen,
            parsed_path: best.map(|best| best.path.clone()).filter(|path| !path.is_empty()),
            resolved_path: best.and_then(|best| best.resolved_path.clone()),
            direction: best.and_then(|best| best.direction.clone()),
            observations: expand
                .then(|| row.observations.iter().map(|o| Observation::of(o, &row.hash)).collect()),
        }
    }
}

impl From<PacketRow> for GroupedPacket {
    fn from(row: PacketRow) -> Self {
        Self {
            fields: PacketFields::of(&row, row.best()),
            latest: row.observations.iter().map(|o| o.timestamp).max().or(row.first_seen),
            count: row.observations.len(),
            observer_count: row.observer_count(),
            distinct_iatas: row.regions(),
        }
    }
}

impl Observation {
    fn of(row: &ObservationRow, hash: &str) -> Self {
        Self {
            id: row.id,
            transmission_id: row.transmission_id,
            hash: hash.to_owned(),
            observer_id: row.observer_id.clone(),
            observer_name: row.observer_name.clone(),
            observer_iata: row.observer_iata.clone(),
            snr: row.snr,
            rssi: row.rssi,
            score: row.score,
            path_json: path_json(&row.path),
            resolved_path: row.resolved_path.clone(),
            direction: row.direction.clone(),
            raw_hex: row.raw_hex.clone(),
            timestamp: row.timestamp,
        }
    }
}
