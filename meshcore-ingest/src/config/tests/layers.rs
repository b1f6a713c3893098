//! Which layer is the strongest, and who is blamed for a wrong value.

use rstest::rstest;

use super::super::*;
use super::{error, load, warnings, with};

#[test]
fn every_key_can_be_set_by_a_variable_and_by_a_flag_which_is_stronger() {
    let json = r#"{"retention": {"packetDays": 1, "nodeDays": 1, "metricsDays": 1}, "hashChannels": ["a"]}"#;
    let args = with(
        [
            ("CORESCOPE_RETENTION_PACKETDAYS", "30"),
            ("CORESCOPE_RETENTION_NODEDAYS", "30"),
            ("CORESCOPE_RETENTION_METRICSDAYS", ""),
            ("CORESCOPE_VALIDATESIGNATURES", "false"),
            ("CORESCOPE_HASHCHANNELS", "#b, #c"),
            ("CORESCOPE_CHANNELKEYS", r##"{"#d": "00"}"##),
            ("CORESCOPE_NEIGHBORGRAPH_MAXEDGEKM", "12.5"),
            ("CORESCOPE_DB_SLOW_WRITER_MS", "250"),
            ("CORESCOPE_MQTT_SOURCES", r#"[{"broker": "mqtt://a.example", "topics": ["a/#"]}]"#),
        ],
        &["retention.nodeDays=48h", "mqttSources[0].password=12345", "dbPath=a=b.db"],
    );
    let (config, warnings) = load(json, &args).unwrap();
    assert_eq!(warnings, [""; 0]);
    let days = config.retention.days();
    assert_eq!((days.packets, days.nodes, days.metrics), (Some(30), 2, 1));
    assert!(!config.validate_signatures);
    assert_eq!(config.hash_channels, ["#b", "#c"]);
    assert_eq!(config.channel_keys["#d"].reveal(), "00");
    assert_eq!(config.neighbor_graph.max_edge_km, Some(12.5));
    assert_eq!(config.slow_writer(), Some(std::time::Duration::from_millis(250)));
    assert_eq!(config.db_path(), PathBuf::from("a=b.db"));
    let brokers = config.brokers().unwrap();
    assert_eq!((brokers[0].topics[0].as_str(), brokers[0].password.as_deref()), ("a/#", Some("12345")));
}

#[rstest]
#[case(
    with([("CORESCOPE_RETENTION_PACKETDAYS", "soon")], &[]),
    "environment CORESCOPE_RETENTION_PACKETDAYS: retention.packetDays: invalid value: string \"soon\", \
     expected a whole number of days, or a text such as \"30d\", \"12h\", \"5m\" or \"90s\""
)]
#[case(
    with([], &["validateSignatures=maybe"]),
    "--set: validateSignatures: invalid type: string \"maybe\", expected a boolean"
)]
#[case(
    with([], &["metrics.sampleIntervalSec=0"]),
    "--set: metrics.sampleIntervalSec: 0 is no interval; use 1 or more seconds"
)]
#[case(
    with([], &["retention.nodeDay=7"]),
    "--set: retention.nodeDay: unknown key; did you mean retention.nodeDays?"
)]
#[case(
    with([], &["retention"]),
    "--set: retention: no value; expected KEY=VALUE, such as retention.packetDays=30"
)]
#[case(
    with([("MQTT_BROKER", "localhost:1883")], &[]),
    "environment MQTT_BROKER: mqttSources[0].broker: unknown scheme `localhost`; \
     expected a URL such as mqtt://broker.example:1883"
)]
#[case(
    IngestArgs { db_slow_writer_ms: Some("-1".into()), ..IngestArgs::default() },
    "--db-slow-writer-ms: db.slowWriterMs: -1 is no number of milliseconds; use one such as 500"
)]
fn a_mistake_outside_the_file_names_the_variable_or_flag(#[case] args: IngestArgs, #[case] message: &str) {
    assert_eq!(
        error(r#"{"retention": {"packetDays": 3}, "metrics": {"sampleIntervalSec": 9}}"#, &args),
        message
    );
}

#[test]
fn variables_that_mean_nothing_are_named() {
    let args = with(
        [
            ("CORESCOPE_RETENTION_PACKETDAY", "30"),
            ("CORESCOPE_SOMETHING_ELSE", "30"),
            ("GOMEMLIMIT", "1"),
            ("ENABLE_PPROF", "true"),
            ("PPROF_PORT", ""),
        ],
        &[],
    );
    let expected = [
        "environment CORESCOPE_RETENTION_PACKETDAY: no such key; did you mean retention.packetDays?",
        "environment CORESCOPE_SOMETHING_ELSE: no such key",
        "environment variables without effect: GOMEMLIMIT, ENABLE_PPROF",
    ];
    assert_eq!(warnings("{}", &args), expected);
}

#[test]
fn a_text_that_names_a_variable_stands_for_its_content() {
    let json = r#"{"mqttSources": [{"broker": "${URL}", "username": "${U}SER", "password": "${PASS_1}",
        "connectTimeoutSec": "${SEC}"}], "retention": {"packetDays": "${DAYS}"}}"#;
    let variables = [("URL", "mqtt://a"), ("PASS_1", "007"), ("SEC", "5"), ("DAYS", "2w")];
    let (config, _) = load(json, &with(variables, &[])).unwrap();
    let broker = &config.brokers().unwrap()[0];
    assert_eq!(broker.username.as_deref(), Some("${U}SER"), "only a whole text is a name");
    assert_eq!((broker.password.as_deref(), broker.connect_timeout_s), (Some("007"), 5));
    assert_eq!(config.retention.days().packets, Some(14));
}

#[test]
fn arguments_are_stronger_than_the_file() {
    let args = IngestArgs {
        db: Some("other.db".into()),
        mqtt_broker: Some("mqtt://b.example".into()),
        mqtt_topic: Some(String::new()), // given but empty counts as not given
        environment: [("DB_PATH", "env.db"), ("MQTT_BROKER", "mqtt://c.example")].into(),
        ..IngestArgs::default()
    };
    let json = r#"{"dbPath": "file.db", "mqttSources": [{"broker": "mqtt://a.example", "name": "a"}]}"#;
    let (config, _) = load(json, &args).unwrap();
    assert_eq!(config.db_path(), PathBuf::from("other.db"));
    let brokers = config.brokers().unwrap();
    assert_eq!(brokers.len(), 1);
    assert_eq!((brokers[0].name.as_str(), brokers[0].url.as_str()), ("env", "tcp://b.example:1883"));
    assert_eq!(brokers[0].topics, ["meshcore/#"]);
}

#[test]
fn variables_with_names_of_their_own_are_stronger_than_the_file() {
    let args = with(
        [
            ("DB_PATH", "env.db"),
            ("MQTT_BROKER", "mqtt://c.example"),
            ("MQTT_TOPIC", "a/#"),
            ("CORESCOPE_DBPATH", "b"),
        ],
        &[],
    );
    let (config, _) =
        load(r#"{"dbPath": "file.db", "mqtt": {"broker": "mqtt://a.example"}}"#, &args).unwrap();
    assert_eq!(config.db_path(), PathBuf::from("env.db"));
    let brokers = config.brokers().unwrap();
    assert_eq!(
        (brokers[0].url.as_str(), &brokers[0].topics[..]),
        ("tcp://c.example:1883", &["a/#".to_owned()][..])
    );
}

#[test]
fn values_are_shown_with_their_origin_and_without_secrets() {
    let json = r##"{"mqttSources": [{"broker": "mqtt://ann:s3cret@a.example:1883", "password": "s3cret"}],
        "channelKeys": {"#a": "s3cret"}, "retention": {"packetDays": "30d"}, "dbPath": "${DB}"}"##;
    let args = with([("CORESCOPE_VALIDATESIGNATURES", "false"), ("DB", "x.db")], &["hashChannels=a,b"]);
    let layers = Layers::new(&ConfigFile::from_text("c.json", json), &args).unwrap();
    let shown: Vec<String> = layers.settings::<Config>().iter().map(ToString::to_string).collect();
    for line in [
        r#"mqttSources[0].broker = "mqtt://***@a.example:1883" (c.json line 1 column 29)"#,
        "mqttSources[0].password = *** (c.json line 1 column 77)",
        "mqttSources[0].rejectUnauthorized = true (default)",
        "channelKeys.#a = *** (c.json line 2 column 31)",
        r#"retention.packetDays = "30d" (c.json line 2 column 70)"#,
        "retention.nodeDays = 7 (default)",
        r#"dbPath = "x.db" (environment DB)"#,
        "validateSignatures = false (environment CORESCOPE_VALIDATESIGNATURES)",
        r#"hashChannels = ["a","b"] (--set)"#,
        "channelKeysPath = not set (default)",
    ] {
        assert!(shown.iter().any(|shown| shown == line), "{line} is not in {shown:#?}");
    }
    let (config, _) = load(json, &args).unwrap();
    assert!(
        !shown.concat().contains("s3cret") && !format!("{config:?} {layers:?} {args:?}").contains("s3cret")
    );
}
