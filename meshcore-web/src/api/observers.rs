//! `/api/observers`: who listens.

use actix_web::web;
use meshcore_ingest::intake::Liveness;
use meshcore_store::UnixMillis;
use meshcore_store::db::ObserverRow;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::ApiError;

/// All active observers.
#[derive(Debug, Serialize, ToSchema)]
pub struct ObserverList {
    observers: Vec<Observer>,
    #[schema(value_type = String, format = DateTime)]
    server_time: UnixMillis,
}

/// A station that publishes what its radio hears.
#[derive(Debug, Serialize, ToSchema)]
pub struct Observer {
    /// A key of 64 upper-case hex digits, or a name.
    id: String,
    #[schema(required)]
    name: Option<String>,
    /// Region.
    #[schema(required)]
    iata: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    first_seen: Option<UnixMillis>,
    /// Last status or packet.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    last_seen: Option<UnixMillis>,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    last_packet_at: Option<UnixMillis>,
    packet_count: i64,
    /// Observations of the last hour.
    #[serde(rename = "packetsLastHour")]
    packets_last_hour: i64,
    #[schema(required)]
    model: Option<String>,
    #[schema(required)]
    firmware: Option<String>,
    #[schema(required)]
    client_version: Option<String>,
    /// `MHz,kHz,sf,cr`.
    #[schema(required)]
    radio: Option<String>,
    #[schema(required)]
    battery_mv: Option<i64>,
    #[schema(required)]
    uptime_secs: Option<i64>,
    /// dBm.
    #[schema(required)]
    noise_floor: Option<f64>,
    /// Of the node with the same key.
    #[schema(required)]
    lat: Option<f64>,
    #[schema(required)]
    lon: Option<f64>,
    #[serde(rename = "nodeRole")]
    #[schema(required)]
    node_role: Option<String>,
    /// Its clock was found in another time zone within the last day.
    clock_naive: bool,
    /// Negative: behind UTC.
    #[schema(required)]
    clock_skew_seconds: Option<i64>,
    clock_skew_count_24h: i64,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    clock_last_naive_at: Option<UnixMillis>,
    /// Absent: unknown.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    can_relay: Option<bool>,
    /// `online` or `offline`: its last word since the start. Absent: it said neither, or ingest is another process.
    #[schema(value_type = String, nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    last_status: Option<&'static str>,
}

/// Active observers, the one heard last first.
#[utoipa::path(
    get,
    path = "/api/observers",
    operation_id = "list_observers",
    responses((status = 200, body = ObserverList, description = "all of them"))
)]
pub(crate) async fn list(app: web::Data<App>) -> Result<web::Json<ObserverList>, ApiError> {
    let now = app.now();
    let rows = app.read(move |reader| reader.observers(now)).await?;
    let last_status = |id: &str| app.memory()?.last_status(id).map(Liveness::as_str);
    let observers = rows.into_iter().map(|row| Observer { last_status: last_status(&row.id), ..row.into() });
    let observers = observers.collect();
    Ok(web::Json(ObserverList { observers, server_time: now }))
}

impl From<ObserverRow> for Observer {
    fn from(row: ObserverRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            iata: row.iata,
            first_seen: row.first_seen,
            last_seen: row.last_seen,
            last_packet_at: row.last_packet_at,
            packet_count: row.packet_count,
            packets_last_hour: row.packets_last_hour,
            model: row.model,
            firmware: row.firmware,
            client_version: row.client_version,
            radio: row.radio,
            battery_mv: row.battery_mv,
            uptime_secs: row.uptime_s,
            noise_floor: row.noise_floor,
            lat: row.lat,
            lon: row.lon,
            node_role: row.node_role,
            clock_naive: row.clock_last_naive_at.is_some(),
            clock_skew_seconds: row.clock_skew_s,
            clock_skew_count_24h: row.clock_skew_count_24h,
            clock_last_naive_at: row.clock_last_naive_at,
            can_relay: row.can_relay,
            last_status: None,
        }
    }
}
