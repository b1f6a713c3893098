//! `/api/mqtt/status`: what the sources do, and where their messages went.

use std::collections::BTreeMap;

use actix_web::web;
use meshcore_ingest::figures::{BrokerFigures, Buffer, Health, Snapshot, SourceFigures, State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;

/// All sources. Empty when ingest is not running.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MqttStatus {
    sources: Vec<SourceStatus>,
    /// When the figures were taken, RFC 3339; empty when there are none.
    sample_at: String,
    /// Unix seconds of the watchdog's last look; absent before the first.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    watchdog_last_tick_unix: Option<i64>,
    /// Looks that failed; absent when none did.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    watchdog_panic_count: Option<u64>,
    /// What waits to be stored; absent when there are no figures.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    buffer: Option<BufferStatus>,
    /// What the broker inside the program did; absent without one.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    broker: Option<BrokerStatus>,
    health: IngestHealth,
    /// Messages that had arrived and were not stored when the run before this one was killed.
    lost_before: u64,
}

/// One source. `packetsTotal` is the sum of `stored`, `duplicate`, `inFlight` and all of `rejected` and `dropped`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SourceStatus {
    name: String,
    /// URL without credentials; empty for what is no broker.
    broker: String,
    connected: bool,
    /// Unix seconds; 0 = never.
    last_connect_unix: i64,
    /// Unix seconds; 0 = never.
    last_disconnect_unix: i64,
    /// Unix seconds; 0 = never.
    last_packet_unix: i64,
    connect_count: u64,
    disconnect_count: u64,
    /// Messages that arrived, also those not kept.
    packets_total: u64,
    #[serde(rename = "packetsLast5m")]
    packets_last_5m: u64,
    /// Why it is not connected, or what the broker refused; absent when nothing is wrong.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
    /// Messages that made or changed a row.
    stored: u64,
    /// Messages that were known already.
    duplicate: u64,
    /// Messages that were wrong, by reason.
    rejected: BTreeMap<String, u64>,
    /// Messages that were not wanted or did not fit, by reason.
    dropped: BTreeMap<String, u64>,
    /// Messages on their way.
    in_flight: u64,
    /// Connections at which the broker had kept the session, with what was published meanwhile.
    sessions_resumed: u64,
    /// Connections at which the broker had not kept the session it was asked to keep.
    sessions_lost: u64,
    /// It is not configured any more.
    removed: bool,
}

/// What waits to be stored.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BufferStatus {
    /// Messages.
    pending: u64,
    /// Most of them.
    capacity: u64,
    /// Messages that did not fit.
    dropped: u64,
    pending_bytes: u64,
    capacity_bytes: u64,
    /// For how long the oldest has waited, milliseconds.
    oldest_ms: i64,
}

/// What the broker inside the program did since the start.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BrokerStatus {
    /// Connections now.
    connections: u64,
    /// Good logins.
    logins: u64,
    /// Messages handed on.
    published: u64,
    /// Messages among them that had to wait, for their rate or for the database.
    held_back: u64,
    /// Clients that came back while their old connection was still there.
    takeovers: u64,
    /// Last wills handed on.
    wills: u64,
    /// What was turned away, by reason.
    refused: BTreeMap<String, u64>,
}

/// How ingest is, and why.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct IngestHealth {
    state: IngestState,
    /// Worst first.
    problems: Vec<IngestProblem>,
}

/// How ingest is.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IngestState {
    /// All sources speak, nothing is lost.
    Ok,
    /// A part of the mesh may be missing.
    Degraded,
    /// Messages are lost, or none arrive.
    Failing,
    /// Ingest is another process, and says nothing.
    #[default]
    Unknown,
}

/// One thing that is wrong with ingest.
#[derive(Debug, Serialize, ToSchema)]
pub struct IngestProblem {
    state: IngestState,
    /// `database`, `buffer_full`, `buffer_behind`, `no_source`, `source_disconnected` or `source_silent`.
    code: String,
    /// The source it is about.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    /// A sentence for people.
    text: String,
}

/// What the sources do, and where their messages went.
#[utoipa::path(
    get,
    path = "/api/mqtt/status",
    operation_id = "mqttStatus",
    responses((status = 200, body = MqttStatus, description = "the figures of each source"))
)]
pub(crate) async fn mqtt_status(app: web::Data<App>) -> web::Json<MqttStatus> {
    web::Json(app.ingest().await.map(MqttStatus::from).unwrap_or_default())
}

impl From<Snapshot> for MqttStatus {
    fn from(snapshot: Snapshot) -> Self {
        Self {
            sources: snapshot.source_statuses.into_iter().map(SourceStatus::from).collect(),
            sample_at: snapshot.sampled_at,
            watchdog_last_tick_unix: Some(snapshot.watchdog_last_tick_unix).filter(|at| *at != 0),
            watchdog_panic_count: Some(snapshot.watchdog_panic_count).filter(|count| *count != 0),
            buffer: Some(snapshot.buffer.into()),
            broker: snapshot.broker.map(BrokerStatus::from),
            health: snapshot.health.into(),
            lost_before: snapshot.lost_before,
        }
    }
}

impl From<SourceFigures> for SourceStatus {
    fn from(figures: SourceFigures) -> Self {
        Self {
            name: figures.name,
            broker: figures.broker,
            connected: figures.connected,
            last_connect_unix: figures.last_connect_unix,
            last_disconnect_unix: figures.last_disconnect_unix,
            last_packet_unix: figures.last_packet_unix,
            connect_count: figures.connect_count,
            disconnect_count: figures.disconnect_count,
            packets_total: figures.packets_total,
            packets_last_5m: figures.packets_last_5m,
            last_error: Some(figures.last_error).filter(|error| !error.is_empty()),
            stored: figures.stored,
            duplicate: figures.duplicate,
            rejected: figures.rejected,
            dropped: figures.dropped,
            in_flight: figures.in_flight,
            sessions_resumed: figures.sessions_resumed,
            sessions_lost: figures.sessions_lost,
            removed: figures.removed,
        }
    }
}

impl From<BrokerFigures> for BrokerStatus {
    fn from(figures: BrokerFigures) -> Self {
        let BrokerFigures { connections, logins, published, held_back, takeovers, wills, refused } = figures;
        Self { connections, logins, published, held_back, takeovers, wills, refused }
    }
}

impl From<Buffer> for BufferStatus {
    fn from(buffer: Buffer) -> Self {
        Self {
            pending: buffer.pending as u64,
            capacity: buffer.capacity as u64,
            dropped: buffer.dropped,
            pending_bytes: buffer.pending_bytes as u64,
            capacity_bytes: buffer.capacity_bytes as u64,
            oldest_ms: buffer.oldest_ms,
        }
    }
}

impl From<Health> for IngestHealth {
    fn from(health: Health) -> Self {
        let problems = health.problems.into_iter().map(|problem| IngestProblem {
            state: problem.state.into(),
            code: problem.code,
            source: problem.source,
            text: problem.text,
        });
        Self { state: health.state.into(), problems: problems.collect() }
    }
}

impl From<State> for IngestState {
    fn from(state: State) -> Self {
        match state {
            State::Ok => Self::Ok,
            State::Degraded => Self::Degraded,
            State::Failing => Self::Failing,
        }
    }
}
