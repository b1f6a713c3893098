//! Keys about keeping the file in order: retention, vacuum, age of edges.

use std::time::Duration;

use meshcore_store::db::{NeighborOptions, RetentionDays};
use meshcore_store::graph::max_edge_km;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Config, ConfigError, Days, Hours, Millis};

/// A hundred years: more is a slip of the keyboard.
const MOST_DAYS: i64 = 36_500;

/// Days after which an edge is forgotten when nothing is configured.
const NEIGHBOR_DAYS: u32 = 5;

/// `retention`: after how many days what goes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct RetentionKeys {
    /// Nodes not heard are put aside; below 1 means 7.
    pub node_days: Days,
    /// Observers not heard become inactive; 0 means 14, below 0 never.
    pub observer_days: Days,
    /// Packets not heard are deleted; below 1, and when absent, never.
    pub packet_days: Option<Days>,
    /// Readings and refused adverts are deleted; below 1 means 30.
    pub metrics_days: Days,
    /// Mobile receptions are deleted; below 1 never.
    pub client_rx_days: Days,
}

/// `db`: care of the file.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Database {
    /// Rewrite the whole file once, before messages are stored.
    pub vacuum_on_startup: bool,
    /// Free pages returned after each round of deletions.
    pub incremental_vacuum_pages: i64,
    /// Hours after which the observations of a packet are packed; below 1 never.
    pub pack_after_hours: Hours,
    /// Whoever holds the writer for longer is named in the log.
    pub slow_writer_ms: Option<Millis>,
}

/// `neighborGraph`, as far as it concerns the file.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct NeighborGraph {
    /// Days after which an edge is forgotten; below 1 means 5.
    #[schemars(extend("default" = NEIGHBOR_DAYS))]
    pub max_age_days: Option<Days>,
    /// Kilometers beyond which two nodes are no neighbors; 0 means 500, below 0 is no limit.
    #[schemars(extend("default" = max_edge_km(None)))]
    pub max_edge_km: Option<f64>,
}

impl Default for Database {
    fn default() -> Self {
        Self {
            vacuum_on_startup: false,
            incremental_vacuum_pages: 1024,
            pack_after_hours: Hours::new(0),
            slow_writer_ms: None,
        }
    }
}

impl Default for RetentionKeys {
    fn default() -> Self {
        Self {
            node_days: Days::new(7),
            observer_days: Days::new(14),
            packet_days: None,
            metrics_days: Days::new(30),
            client_rx_days: Days::new(0),
        }
    }
}

impl RetentionKeys {
    /// The days in force.
    pub fn days(&self) -> RetentionDays {
        let default = RetentionDays::default();
        let observers = self.observer_days;
        RetentionDays {
            nodes: self.node_days.positive().unwrap_or(default.nodes),
            observers: if observers.get() == 0 { default.observers } else { observers.positive() },
            metrics: self.metrics_days.positive().unwrap_or(default.metrics),
            packets: self.packet_days.and_then(Days::positive),
            client_receptions: self.client_rx_days.positive(),
        }
    }
}

impl Config {
    /// Days after which an edge between neighbors is forgotten.
    pub fn neighbor_max_age_days(&self) -> u32 {
        let days = self.neighbor_graph.max_age_days.or(self.neighbor_edges_max_age_days);
        days.and_then(Days::positive).unwrap_or(NEIGHBOR_DAYS)
    }

    /// How the neighbor graph is kept.
    pub fn neighbors(&self) -> NeighborOptions {
        NeighborOptions {
            max_age_days: self.neighbor_max_age_days(),
            max_edge_km: max_edge_km(self.neighbor_graph.max_edge_km),
        }
    }

    /// Hours after which observations are packed; `None` is never.
    pub fn pack_after_hours(&self) -> Option<u32> {
        self.db.pack_after_hours.positive()
    }

    /// How long the writer may be held before that is said; `None` is the store's own opinion.
    pub fn slow_writer(&self) -> Option<Duration> {
        let millis = u64::try_from(self.db.slow_writer_ms?.get()).ok()?;
        Some(Duration::from_millis(millis))
    }

    /// Free pages returned after each round of deletions.
    pub fn vacuum_pages(&self) -> u32 {
        u32::try_from(self.db.incremental_vacuum_pages).unwrap_or(0)
    }

    /// What the operator should know about these keys, once, at the start.
    pub fn warnings(&self) -> Vec<&'static str> {
        let mut warnings = Vec::new();
        if self.retention.packet_days.is_none() {
            warnings.push(
                "retention.packetDays is not set: packets are kept for ever; set it to a number of days, or to 0",
            );
        }
        if self.neighbor_edges_max_age_days.is_some() {
            warnings.push(if self.neighbor_graph.max_age_days.is_some() {
                "neighborEdgesMaxAgeDays is the old name of neighborGraph.maxAgeDays, which is set too and counts"
            } else {
                "neighborEdgesMaxAgeDays is the old name of neighborGraph.maxAgeDays; rename it"
            });
        }
        warnings.extend(self.policy_warning());
        warnings
    }
}

/// Refuses numbers that cannot be meant.
pub(super) fn check(config: &Config) -> Result<(), ConfigError> {
    let Config { retention, db, neighbor_graph, metrics, .. } = config;
    let days = [
        ("retention.nodeDays", Some(retention.node_days)),
        ("retention.observerDays", Some(retention.observer_days)),
        ("retention.packetDays", retention.packet_days),
        ("retention.metricsDays", Some(retention.metrics_days)),
        ("retention.clientRxDays", Some(retention.client_rx_days)),
        ("neighborGraph.maxAgeDays", neighbor_graph.max_age_days),
        ("neighborEdgesMaxAgeDays", config.neighbor_edges_max_age_days),
    ];
    for (key, days) in days {
        if let Some(days) = days.map(Days::get).filter(|days| *days > MOST_DAYS) {
            return Err(value(key, format!("{days} days are too many; use at most {MOST_DAYS}")));
        }
    }
    let hours = db.pack_after_hours.get();
    if hours > MOST_DAYS * 24 {
        return Err(value(
            "db.packAfterHours",
            format!("{hours} hours are too many; use at most {}", MOST_DAYS * 24),
        ));
    }
    let pages = db.incremental_vacuum_pages;
    if u32::try_from(pages).is_err() {
        let reason = format!("{pages} is no number of pages; use 0 (none) to {}", u32::MAX);
        return Err(value("db.incrementalVacuumPages", reason));
    }
    if let Some(millis) = db.slow_writer_ms.map(Millis::get).filter(|millis| *millis < 0) {
        return Err(value(
            "db.slowWriterMs",
            format!("{millis} is no number of milliseconds; use one such as 500"),
        ));
    }
    let seconds = metrics.sample_interval_sec.get();
    if !(1..=MOST_DAYS * 86_400).contains(&seconds) {
        return Err(value(
            "metrics.sampleIntervalSec",
            format!("{seconds} is no interval; use 1 or more seconds"),
        ));
    }
    Ok(())
}

fn value(key: &str, reason: String) -> ConfigError {
    ConfigError::Value { key: key.to_owned(), reason }
}
