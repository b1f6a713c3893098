//! `/api/stats` and `/api/healthz`: how much there is, and whether it arrives.

use std::collections::BTreeMap;
use std::fs;

use actix_web::web;
use meshcore_ingest::figures::{FromPubkey, Snapshot};
use serde::Serialize;
use utoipa::ToSchema;

use super::ingest::IngestHealth;
use super::nodes::RoleCounts;
use crate::app::App;
use crate::error::ApiError;

/// How much is stored.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// As `totalTransmissions`.
    total_packets: i64,
    total_transmissions: i64,
    total_observations: i64,
    /// Heard in the last seven days.
    total_nodes: i64,
    total_nodes_all_time: i64,
    total_observers: i64,
    /// Observations.
    packets_last_hour: i64,
    /// Observations.
    packets_last24h: i64,
    /// Always `rust`.
    engine: &'static str,
    version: &'static str,
    commit: &'static str,
    build_time: String,
    /// Nodes of the last seven days by role.
    counts: RoleCounts,
    /// Adverts refused for their signature.
    signature_drops: i64,
    hash_migration_complete: bool,
    /// 0: this version keeps no packets in memory.
    #[serde(rename = "trackedMB")]
    tracked_mb: f64,
    /// As `trackedMB`.
    #[serde(rename = "storeDataMB")]
    store_data_mb: f64,
    /// Memory of the process; 0 where the system does not tell.
    #[serde(rename = "processRSSMB")]
    process_rss_mb: f64,
    /// Kept for existing clients: 0.
    #[serde(rename = "goHeapInuseMB")]
    go_heap_inuse_mb: f64,
    /// Kept for existing clients: 0.
    #[serde(rename = "goSysMB")]
    go_sys_mb: f64,
    neighbor_graph_cache_rebuild_failures: i64,
}

/// Whether the server can answer, and what ingest does.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    ready: bool,
    #[serde(rename = "loadedTx")]
    loaded_tx: i64,
    #[serde(rename = "loadedObs")]
    loaded_obs: i64,
    from_pubkey_backfill: Backfill,
    /// How ingest is.
    ingest: IngestHealth,
    /// By source; absent when ingest does not run.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    ingest_liveness: Option<BTreeMap<String, SourceHealth>>,
}

/// Progress of a migration in the background.
#[derive(Debug, Serialize, ToSchema)]
pub struct Backfill {
    total: i64,
    processed: i64,
    done: bool,
}

/// One source: `received` is the sum of the other counts once nothing is in flight.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SourceHealth {
    /// Unix seconds of the last arrival; 0 = never.
    last_receipt_unix: i64,
    /// Unix seconds of the last commit; 0 = never.
    last_message_unix: i64,
    received: u64,
    stored: u64,
    duplicate: u64,
    /// By reason.
    rejected: BTreeMap<String, u64>,
    /// By reason.
    dropped: BTreeMap<String, u64>,
}

/// How much is stored.
#[utoipa::path(
    get,
    path = "/api/stats",
    operation_id = "stats",
    responses((status = 200, body = Stats, description = "the figures"))
)]
pub(crate) async fn stats(app: web::Data<App>) -> Result<web::Json<Stats>, ApiError> {
    let totals = app.totals().await?;
    let build = app.build();
    Ok(web::Json(Stats {
        total_packets: totals.transmissions,
        total_transmissions: totals.transmissions,
        total_observations: totals.observations,
        total_nodes: totals.nodes,
        total_nodes_all_time: totals.nodes_all_time,
        total_observers: totals.observers,
        packets_last_hour: totals.observations_last_hour,
        packets_last24h: totals.observations_last_day,
        engine: "rust",
        version: build.version,
        commit: build.commit,
        build_time: build.built_at.clone(),
        counts: totals.counts.into(),
        signature_drops: totals.signature_drops,
        hash_migration_complete: totals.hashes_are_current,
        tracked_mb: 0.0,
        store_data_mb: 0.0,
        process_rss_mb: process_rss_mb().unwrap_or_default(),
        go_heap_inuse_mb: 0.0,
        go_sys_mb: 0.0,
        neighbor_graph_cache_rebuild_failures: 0,
    }))
}

/// Whether the server can answer.
#[utoipa::path(
    get,
    path = "/api/healthz",
    operation_id = "health",
    responses((status = 200, body = Health, description = "ready"))
)]
pub(crate) async fn healthz(app: web::Data<App>) -> Result<web::Json<Health>, ApiError> {
    let totals = app.totals().await?;
    let ingest = app.ingest().await;
    let backfill = ingest.as_ref().map(|ingest| ingest.from_pubkey_backfill).unwrap_or_default();
    Ok(web::Json(Health {
        ready: true,
        loaded_tx: totals.transmissions,
        loaded_obs: totals.observations,
        from_pubkey_backfill: Backfill::of(backfill, totals.adverts_without_originator),
        ingest: ingest.as_ref().map(|ingest| ingest.health.clone().into()).unwrap_or_default(),
        ingest_liveness: ingest.map(liveness),
    }))
}

impl Backfill {
    /// `left` is counted in the file, so it is true whoever does the work.
    fn of(backfill: FromPubkey, left: i64) -> Self {
        let processed = i64::try_from(backfill.processed).unwrap_or(i64::MAX);
        let total = i64::try_from(backfill.total).unwrap_or(i64::MAX).max(left);
        Self { total, processed, done: left == 0 }
    }
}

fn liveness(ingest: Snapshot) -> BTreeMap<String, SourceHealth> {
    let last = ingest.source_liveness;
    let sources = ingest.source_statuses.into_iter().map(|source| {
        let last = last.get(&source.name).copied().unwrap_or_default();
        let health = SourceHealth {
            last_receipt_unix: last.last_receipt_unix,
            last_message_unix: last.last_message_unix,
            received: source.packets_total,
            stored: source.stored,
            duplicate: source.duplicate,
            rejected: source.rejected,
            dropped: source.dropped,
        };
        (source.name, health)
    });
    sources.collect()
}

/// Resident memory, MB of 2^20 bytes, as Linux tells it.
fn process_rss_mb() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some((kib / 1024.0 * 10.0).round() / 10.0)
}
