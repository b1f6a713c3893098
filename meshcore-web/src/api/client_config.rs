//! `/api/config/client`: what the page needs to know of the configuration.

use actix_web::web;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::app::App;

/// The page's part of the configuration; null where nothing is configured.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClientConfig {
    #[schema(value_type = Option<HashMap<String, Value>>, required)]
    roles: Option<Map<String, Value>>,
    /// Always has `tiles`.
    #[schema(value_type = HashMap<String, Value>)]
    map: Map<String, Value>,
    #[schema(value_type = Option<HashMap<String, Value>>, required)]
    snr_thresholds: Option<Map<String, Value>>,
    #[schema(value_type = Option<HashMap<String, Value>>, required)]
    dist_thresholds: Option<Map<String, Value>>,
    #[schema(value_type = Option<HashMap<String, Value>>, required)]
    limits: Option<Map<String, Value>>,
    #[schema(value_type = Option<HashMap<String, Value>>, required)]
    external_urls: Option<Map<String, Value>>,
    #[schema(required)]
    max_hop_dist: Option<f64>,
    #[schema(required)]
    perf_slow_ms: Option<i64>,
    #[schema(required)]
    ws_reconnect_ms: Option<i64>,
    #[schema(required)]
    cache_invalidate_ms: Option<i64>,
    health_thresholds: HealthThresholds,
    propagation_buffer_ms: i64,
    live_map_max_nodes: i64,
    timestamps: Timestamps,
    customizer: Customizer,
    /// Always false: this version has no mobile coverage.
    client_rx_coverage: bool,
}

/// When nodes and observers count as silent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthThresholds {
    infra_degraded_ms: i64,
    infra_silent_ms: i64,
    node_degraded_ms: i64,
    node_silent_ms: i64,
    observer_online_ms: i64,
    observer_stale_ms: i64,
}

/// How the page shows times.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Timestamps {
    default_mode: String,
    timezone: String,
    format_preset: String,
    custom_format: String,
    allow_custom_format: bool,
}

/// What people may customise.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Customizer {
    disabled_tabs: Vec<String>,
}

/// The page's part of the configuration.
#[utoipa::path(
    get,
    path = "/api/config/client",
    operation_id = "client_config",
    responses((status = 200, body = ClientConfig, description = "the configuration"))
)]
pub(crate) async fn client(app: web::Data<App>) -> web::Json<ClientConfig> {
    let config = app.config();
    let thresholds = config.health_thresholds.millis();
    let mut map = config.map.clone().unwrap_or_default();
    map.entry("tiles").or_insert_with(|| json!({}));
    web::Json(ClientConfig {
        roles: config.roles.clone(),
        map,
        snr_thresholds: config.snr_thresholds.clone(),
        dist_thresholds: config.dist_thresholds.clone(),
        limits: config.limits.clone(),
        external_urls: config.external_urls.clone(),
        max_hop_dist: config.max_hop_dist,
        perf_slow_ms: config.perf_slow_ms,
        ws_reconnect_ms: config.ws_reconnect_ms,
        cache_invalidate_ms: config.cache_invalidate_ms,
        health_thresholds: HealthThresholds {
            infra_degraded_ms: thresholds.infra_degraded,
            infra_silent_ms: thresholds.infra_silent,
            node_degraded_ms: thresholds.node_degraded,
            node_silent_ms: thresholds.node_silent,
            observer_online_ms: thresholds.observer_online,
            observer_stale_ms: thresholds.observer_stale,
        },
        propagation_buffer_ms: config.live_map.propagation_buffer_ms(),
        live_map_max_nodes: config.live_map.max_nodes(),
        timestamps: Timestamps {
            default_mode: config.timestamps.default_mode().to_owned(),
            timezone: config.timestamps.timezone().to_owned(),
            format_preset: config.timestamps.format_preset().to_owned(),
            custom_format: config.timestamps.custom_format().to_owned(),
            allow_custom_format: config.timestamps.allow_custom_format(),
        },
        customizer: Customizer { disabled_tabs: config.customizer.disabled_tabs.clone() },
        client_rx_coverage: false,
    })
}
