//! Keys about keeping the file in order.

use std::time::Duration;

use meshcore_store::db::RetentionDays;
use rstest::rstest;

use super::super::*;

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
#[case(
    r#"{"retention": {"nodeDays": "2w", "observerDays": "4d", "packetDays": "120h", "metricsDays": "0d"}}"#,
    14,
    Some(4),
    30,
    Some(5),
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
    let about_edges = config.warnings().into_iter().filter(|text| text.contains("neighborEdgesMaxAgeDays"));
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
    "c.json line 1 column 30: retention.packetDays: 99999 days are too many; use at most 36500"
)]
#[case(
    r#"{"neighborGraph": {"maxAgeDays": 36501}}"#,
    "c.json line 1 column 34: neighborGraph.maxAgeDays: 36501 days are too many; use at most 36500"
)]
#[case(
    r#"{"db": {"incrementalVacuumPages": -1}}"#,
    "c.json line 1 column 35: db.incrementalVacuumPages: -1 is no number of pages; use 0 (none) to 4294967295"
)]
#[case(
    r#"{"retention": {"nodeDays": "7"}}"#,
    "c.json line 1 column 28: retention.nodeDays: invalid value: string \"7\", \
     expected a whole number of days, or a text such as \"30d\", \"12h\", \"5m\" or \"90s\""
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
        Ok((config, _)) => assert_eq!(config.slow_writer(), millis.map(Duration::from_millis)),
        Err(error) => {
            assert_eq!(millis, None);
            assert!(error.to_string().starts_with("--db-slow-writer-ms: db.slowWriterMs: "), "{error}");
        }
    }
}
