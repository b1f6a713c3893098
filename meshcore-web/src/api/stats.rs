//! `/api/stats` and `/api/healthz`: how much there is, and whether it arrives.

use std::collections::BTreeMap;
use std::fs;

use actix_web::web;
use meshcore_ingest::accounting::SourceReport;
use serde::Serialize;
use utoipa::ToSchema;

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
    /// By source; absent when ingest is another process.
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
    rejected: BTreeMap<&'static str, u64>,
    /// By reason.
    dropped: BTreeMap<&'static str, u64>,
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
    let sources = app.accounting().map(|accounting| {
        accounting.report().into_iter().map(|report| (report.name.clone(), report.into())).collect()
    });
    Ok(web::Json(Health {
        ready: true,
        loaded_tx: totals.transmissions,
        loaded_obs: totals.observations,
        from_pubkey_backfill: Backfill {
            total: totals.adverts_without_originator,
            processed: 0,
            done: totals.adverts_without_originator == 0,
        },
        ingest_liveness: sources,
    }))
}

impl From<SourceReport> for SourceHealth {
    fn from(report: SourceReport) -> Self {
        Self {
            last_receipt_unix: report.last_receipt_s,
            last_message_unix: report.last_message_s,
            received: report.received,
            stored: report.stored,
            duplicate: report.duplicate,
            rejected: report.rejected.into_iter().collect(),
            dropped: report.dropped.into_iter().collect(),
        }
    }
}

/// Resident memory, MB of 2^20 bytes, as Linux tells it.
fn process_rss_mb() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some((kib / 1024.0 * 10.0).round() / 10.0)
}
