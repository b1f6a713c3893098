//! The server's part of `config.json`; the rest is read by ingest.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

/// The server's part of `config.json`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Config {
    /// TCP port; default 3000.
    #[schemars(extend("default" = Self::DEFAULT_PORT))]
    pub port: Option<u16>,
    /// Largest pages.
    pub list_limits: ListLimits,
    /// When nodes and observers count as silent.
    pub health_thresholds: HealthThresholds,
    /// Drawing of the live map.
    pub live_map: LiveMap,
    /// How the page shows times.
    pub timestamps: Timestamps,
    /// What people may customise.
    pub customizer: Customizer,
    /// How much memory the packets may take.
    pub memory: Memory,
    /// Which packets are kept in memory.
    pub packet_store: PacketStore,
    /// Origins whose pages may open the live feed, beside our own.
    pub cors_allowed_origins: Vec<String>,
    /// Handed to the page as it is: overrides of role display.
    pub roles: Option<Map<String, Value>>,
    /// Handed to the page as it is: map tiles.
    pub map: Option<Map<String, Value>>,
    /// Handed to the page as it is: steps of the signal scale, dB.
    pub snr_thresholds: Option<Map<String, Value>>,
    /// Handed to the page as it is: steps of the distance scale, km.
    pub dist_thresholds: Option<Map<String, Value>>,
    /// Handed to the page as it is: lengths of lists.
    pub limits: Option<Map<String, Value>>,
    /// Handed to the page as it is: links.
    pub external_urls: Option<Map<String, Value>>,
    /// Handed to the page as it is: longest believable hop, degrees.
    pub max_hop_dist: Option<f64>,
    /// Handed to the page as it is: what counts as a slow request.
    pub perf_slow_ms: Option<i64>,
    /// Handed to the page as it is: pause before the live feed is opened again.
    pub ws_reconnect_ms: Option<i64>,
    /// Handed to the page as it is: life of cached answers.
    pub cache_invalidate_ms: Option<i64>,
}

/// `listLimits`: values of 0 or less mean the default.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct ListLimits {
    packets_max: i64,
    nodes_max: i64,
}

/// `healthThresholds`: hours and minutes; values of 0 or less mean the default.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct HealthThresholds {
    infra_degraded_hours: f64,
    infra_silent_hours: f64,
    node_degraded_hours: f64,
    node_silent_hours: f64,
    observer_online_minutes: f64,
    observer_stale_minutes: f64,
}

/// `liveMap`.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct LiveMap {
    propagation_buffer_ms: Option<i64>,
    max_nodes: Option<i64>,
}

/// `customizer`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Customizer {
    /// Parts of the customiser that are hidden.
    pub disabled_tabs: Vec<String>,
}

/// `memory`.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Memory {
    #[serde(rename = "maxMB")]
    max_mb: Option<i64>,
}

/// `packetStore`: values of 0 or less mean no limit.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct PacketStore {
    retention_hours: f64,
    #[serde(rename = "maxMemoryMB")]
    max_memory_mb: Option<i64>,
}

/// `timestamps`: words that are not known mean the default.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Timestamps {
    default_mode: String,
    timezone: String,
    format_preset: String,
    custom_format: String,
    allow_custom_format: bool,
}

impl Config {
    /// Port to listen on.
    pub const DEFAULT_PORT: u16 = 3000;

    /// MiB that packets may take when nothing is said.
    const DEFAULT_MEMORY: i64 = 1_024;

    /// Bytes that packets may take in memory; `None`: no limit.
    pub fn memory_budget(&self) -> Option<usize> {
        let said = self.memory.max_mb.or(self.packet_store.max_memory_mb);
        let mib = usize::try_from(said.unwrap_or(Self::DEFAULT_MEMORY)).ok().filter(|mib| *mib > 0)?;
        Some(mib.saturating_mul(1 << 20))
    }
}

impl ListLimits {
    /// Most packets of a page.
    pub fn packets(&self) -> u32 {
        positive(self.packets_max, 10_000)
    }

    /// Most nodes of a page.
    pub fn nodes(&self) -> u32 {
        positive(self.nodes_max, 2_000)
    }
}

/// Thresholds in milliseconds, as pages use them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keys they come from")]
pub struct HealthMillis {
    pub infra_degraded: i64,
    pub infra_silent: i64,
    pub node_degraded: i64,
    pub node_silent: i64,
    pub observer_online: i64,
    pub observer_stale: i64,
}

impl HealthThresholds {
    /// The thresholds in force.
    pub fn millis(&self) -> HealthMillis {
        let hours = |value, default| to_millis(value, default, 3_600_000.0);
        let minutes = |value, default| to_millis(value, default, 60_000.0);
        HealthMillis {
            infra_degraded: hours(self.infra_degraded_hours, 24.0),
            infra_silent: hours(self.infra_silent_hours, 72.0),
            node_degraded: hours(self.node_degraded_hours, 1.0),
            node_silent: hours(self.node_silent_hours, 24.0),
            observer_online: minutes(self.observer_online_minutes, 60.0),
            observer_stale: minutes(self.observer_stale_minutes, 1440.0),
        }
    }
}

impl LiveMap {
    /// Milliseconds in which receptions of one packet are drawn together.
    pub fn propagation_buffer_ms(&self) -> i64 {
        self.propagation_buffer_ms.filter(|ms| *ms > 0).unwrap_or(5_000)
    }

    /// Most nodes drawn.
    pub fn max_nodes(&self) -> i64 {
        self.max_nodes.unwrap_or(2_000).clamp(100, 20_000)
    }
}

impl PacketStore {
    /// Whole hours of history that are kept in memory; `None`: all.
    pub fn hours(&self) -> Option<u32> {
        let hours = self.retention_hours.ceil();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "`as` saturates, and only positive hours get here"
        )]
        (hours > 0.0).then_some(hours as u32)
    }
}

impl Timestamps {
    /// `ago` or `absolute`.
    pub fn default_mode(&self) -> &str {
        one_of(&self.default_mode, &["ago", "absolute"])
    }

    /// `local` or `utc`.
    pub fn timezone(&self) -> &str {
        one_of(&self.timezone, &["local", "utc"])
    }

    /// `iso`, `iso-seconds` or `locale`.
    pub fn format_preset(&self) -> &str {
        one_of(&self.format_preset, &["iso", "iso-seconds", "locale"])
    }

    /// A pattern of the operator.
    pub fn custom_format(&self) -> &str {
        &self.custom_format
    }

    /// Whether people may write their own pattern.
    pub fn allow_custom_format(&self) -> bool {
        self.allow_custom_format
    }
}

fn positive(value: i64, default: u32) -> u32 {
    u32::try_from(value).ok().filter(|value| *value > 0).unwrap_or(default)
}

fn to_millis(value: f64, default: f64, unit: f64) -> i64 {
    let value = if value > 0.0 && value.is_finite() { value } else { default };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "`as` saturates, and no threshold lasts 292 million years"
    )]
    let millis = (value * unit) as i64;
    millis
}

/// The word, or the first of `known` when it is none of them.
fn one_of<'a>(word: &'a str, known: &[&'a str]) -> &'a str {
    known.iter().find(|known| **known == word).or_else(|| known.first()).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use meshcore_ingest::config::{Reader, keys_of, known_keys};
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    const MIB: usize = 1 << 20;

    #[rstest]
    #[case(json!({}), Some(1_024 * MIB))]
    #[case(json!({"packetStore": {"maxMemoryMB": 300}}), Some(300 * MIB))]
    #[case(json!({"packetStore": {"maxMemoryMB": 0}}), None)]
    #[case(json!({"packetStore": {"maxMemoryMB": -1}}), None)]
    #[case(json!({"packetStore": {"maxMemoryMB": 300}, "memory": {"maxMB": 50}}), Some(50 * MIB))]
    #[case(json!({"packetStore": {"maxMemoryMB": 300}, "memory": {"maxMB": 0}}), None)]
    #[case(json!({"memory": {"maxMB": i64::MAX}}), Some(usize::MAX))]
    fn memory_is_bounded_unless_the_file_says_otherwise(#[case] file: Value, #[case] budget: Option<usize>) {
        let config: Config = serde_json::from_value(file).unwrap();
        assert_eq!(config.memory_budget(), budget);
    }

    #[rstest]
    #[case(json!({}), None)]
    #[case(json!({"packetStore": {"retentionHours": 0}}), None)]
    #[case(json!({"packetStore": {"retentionHours": -3}}), None)]
    #[case(json!({"packetStore": {"retentionHours": 168}}), Some(168))]
    #[case(json!({"packetStore": {"retentionHours": 0.5}}), Some(1))]
    #[case(json!({"packetStore": {"retentionHours": 1e300}}), Some(u32::MAX))]
    fn history_is_kept_in_whole_hours(#[case] file: Value, #[case] hours: Option<u32>) {
        let config: Config = serde_json::from_value(file).unwrap();
        assert_eq!(config.packet_store.hours(), hours);
    }

    #[test]
    fn what_the_server_reads_is_listed_as_read_by_the_server() {
        let read: Vec<String> = keys_of::<Config>();
        let listed = known_keys().iter().filter(|(_, reader)| **reader == Reader::Server);
        let mut listed: Vec<&String> = listed.map(|(key, _)| key).collect();
        let mut read: Vec<&String> = read.iter().collect();
        listed.sort();
        read.sort();
        assert_eq!(read, listed);
    }
}
