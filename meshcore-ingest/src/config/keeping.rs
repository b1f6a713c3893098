//! Keys about keeping the file in order: retention, vacuum, age of edges.

use std::time::Duration;

use meshcore_store::db::{NeighborOptions, RetentionDays};
use meshcore_store::graph::max_edge_km;
use serde::Deserialize;

use super::{Config, ConfigError};

/// A hundred years: more is a slip of the keyboard.
const MOST_DAYS: i64 = 36_500;

/// `retention`: after how many days what goes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RetentionKeys {
    /// Nodes not heard are put aside; below 1 means 7.
    pub node_days: i64,
    /// Observers not heard become inactive; 0 means 14, below 0 never.
    pub observer_days: i64,
    /// Packets not heard are deleted; below 1, and when absent, never.
    pub packet_days: Option<i64>,
    /// Readings and refused adverts are deleted; below 1 means 30.
    pub metrics_days: i64,
    /// Mobile receptions are deleted; below 1 never.
    pub client_rx_days: i64,
}

/// `db`: care of the file.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Database {
    /// Rewrite the whole file once, before messages are stored.
    pub vacuum_on_startup: bool,
    /// Free pages returned after each round of deletions.
    pub incremental_vacuum_pages: i64,
    /// Hours after which the observations of a packet are packed; below 1 never.
    pub pack_after_hours: i64,
}

/// `neighborGraph`, as far as it concerns the file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NeighborGraph {
    /// Days after which an edge is forgotten; below 1 means 5.
    pub max_age_days: Option<i64>,
    /// Kilometers beyond which two nodes are no neighbors; 0 means 500, below 0 is no limit.
    pub max_edge_km: Option<f64>,
}

impl Default for Database {
    fn default() -> Self {
        Self { vacuum_on_startup: false, incremental_vacuum_pages: 1024, pack_after_hours: 0 }
    }
}

impl RetentionKeys {
    /// The days in force.
    pub fn days(&self) -> RetentionDays {
        let default = RetentionDays::default();
        RetentionDays {
            nodes: positive(self.node_days).unwrap_or(default.nodes),
            observers: if self.observer_days == 0 { default.observers } else { positive(self.observer_days) },
            metrics: positive(self.metrics_days).unwrap_or(default.metrics),
            packets: self.packet_days.and_then(positive),
            client_receptions: positive(self.client_rx_days),
        }
    }
}

impl Config {
    /// Days after which an edge between neighbors is forgotten.
    pub fn neighbor_max_age_days(&self) -> u32 {
        self.neighbor_graph.max_age_days.or(self.neighbor_edges_max_age_days).and_then(positive).unwrap_or(5)
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
        positive(self.db.pack_after_hours)
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
    let Config { retention, db, neighbor_graph, .. } = config;
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
        if let Some(days) = days.filter(|days| *days > MOST_DAYS) {
            return Err(value(key, format!("{days} days are too many; use at most {MOST_DAYS}")));
        }
    }
    let pages = db.incremental_vacuum_pages;
    if u32::try_from(pages).is_err() {
        let reason = format!("{pages} is no number of pages; use 0 (none) to {}", u32::MAX);
        return Err(value("db.incrementalVacuumPages", reason));
    }
    Ok(())
}

/// Reads `CORESCOPE_DB_SLOW_WRITER_MS`.
pub(super) fn slow_writer(text: &str) -> Result<Duration, ConfigError> {
    let millis = text.trim().parse().map_err(|_| {
        value(
            "CORESCOPE_DB_SLOW_WRITER_MS",
            format!("`{text}` is no number of milliseconds; use one such as 500"),
        )
    })?;
    Ok(Duration::from_millis(millis))
}

fn positive(number: i64) -> Option<u32> {
    u32::try_from(number).ok().filter(|number| *number > 0)
}

fn value(key: &str, reason: String) -> ConfigError {
    ConfigError::Value { key: key.to_owned(), reason }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::{ConfigFile, IngestArgs};
    use super::*;

    fn load(json: &str) -> Result<Config, ConfigError> {
        Config::load(&ConfigFile::from_text("c.json", json), &IngestArgs::default()).map(|(config, _)| config)
    }

    #[rstest]
    #[case("{}", 7, Some(14), 30, None, None)]
    #[case(
        r#"{"retention": {"nodeDays": 3, "observerDays": 4, "packetDays": 5, "metricsDays": 6, "clientRxDays": 8}}"#,
        3,
        Some(4),
        6,
        Some(5),
        Some(8)
    )]
    #[case(
        r#"{"retention": {"nodeDays": 0, "observerDays": 0, "packetDays": 0, "metricsDays": 0, "clientRxDays": 0}}"#,
        7,
        Some(14),
        30,
        None,
        None
    )]
    #[case(
        r#"{"retention": {"nodeDays": -1, "observerDays": -1, "packetDays": -1, "metricsDays": -1, "clientRxDays": -1}}"#,
        7,
        None,
        30,
        None,
        None
    )]
    fn days_mean_what_they_always_meant(
        #[case] json: &str,
        #[case] nodes: u32,
        #[case] observers: Option<u32>,
        #[case] metrics: u32,
        #[case] packets: Option<u32>,
        #[case] client_receptions: Option<u32>,
    ) {
        let days = RetentionDays { nodes, observers, metrics, packets, client_receptions };
        assert_eq!(load(json).unwrap().retention.days(), days);
    }

    #[rstest]
    #[case("{}", 5, 0)]
    #[case(r#"{"neighborGraph": {"maxAgeDays": 9}}"#, 9, 0)]
    #[case(r#"{"neighborEdgesMaxAgeDays": 9}"#, 9, 1)]
    #[case(r#"{"neighborGraph": {"maxAgeDays": 9}, "neighborEdgesMaxAgeDays": 3}"#, 9, 1)]
    #[case(r#"{"neighborGraph": {"maxAgeDays": 0}, "neighborEdgesMaxAgeDays": 3}"#, 5, 1)]
    fn the_old_name_of_the_age_of_edges_counts_second_and_is_warned_about(
        #[case] json: &str,
        #[case] days: u32,
        #[case] warnings: usize,
    ) {
        let config = load(json).unwrap();
        assert_eq!(config.neighbor_max_age_days(), days);
        let about_edges =
            config.warnings().into_iter().filter(|text| text.contains("neighborEdgesMaxAgeDays"));
        assert_eq!(about_edges.count(), warnings);
    }

    #[test]
    fn packets_without_a_limit_are_warned_about_unless_that_was_said() {
        assert!(load("{}").unwrap().warnings().iter().any(|text| text.starts_with("retention.packetDays ")));
        assert!(load(r#"{"retention": {"packetDays": 0}}"#).unwrap().warnings().is_empty());
    }

    #[rstest]
    #[case("{}", false, 1024)]
    #[case(r#"{"db": {"vacuumOnStartup": true, "incrementalVacuumPages": 0}}"#, true, 0)]
    fn the_file_is_vacuumed_as_asked(#[case] json: &str, #[case] full: bool, #[case] pages: u32) {
        let config = load(json).unwrap();
        assert_eq!((config.db.vacuum_on_startup, config.vacuum_pages()), (full, pages));
    }

    #[rstest]
    #[case(
        r#"{"retention": {"packetDays": 99999}}"#,
        "retention.packetDays: 99999 days are too many; use at most 36500"
    )]
    #[case(
        r#"{"neighborGraph": {"maxAgeDays": 36501}}"#,
        "neighborGraph.maxAgeDays: 36501 days are too many; use at most 36500"
    )]
    #[case(
        r#"{"db": {"incrementalVacuumPages": -1}}"#,
        "db.incrementalVacuumPages: -1 is no number of pages; use 0 (none) to 4294967295"
    )]
    #[case(
        r#"{"retention": {"nodeDays": "7"}}"#,
        "c.json: retention.nodeDays: invalid type: string \"7\", expected i64 at line 1 column 30"
    )]
    fn a_number_that_cannot_be_meant_is_refused(#[case] json: &str, #[case] message: &str) {
        assert_eq!(load(json).unwrap_err().to_string(), message);
    }

    #[rstest]
    #[case("250", Some(250))]
    #[case(" 0 ", Some(0))]
    #[case("soon", None)]
    #[case("-1", None)]
    fn the_patience_with_slow_writes_is_in_milliseconds(#[case] text: &str, #[case] millis: Option<u64>) {
        let args = IngestArgs { db_slow_writer_ms: Some(text.into()), ..IngestArgs::default() };
        match Config::load(&ConfigFile::default(), &args) {
            Ok((config, _)) => assert_eq!(config.slow_writer, millis.map(Duration::from_millis)),
            Err(error) => {
                assert_eq!(millis, None);
                assert!(error.to_string().starts_with("CORESCOPE_DB_SLOW_WRITER_MS: `"), "{error}");
            }
        }
    }
}
