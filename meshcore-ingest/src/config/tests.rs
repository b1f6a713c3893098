//! Files, variables and flags that people really write.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn load(json: &str, args: &IngestArgs) -> Result<(Config, Vec<String>), ConfigError> {
    Config::load(&ConfigFile::from_text("c.json", json), args)
}

fn with<const N: usize>(variables: [(&str, &str); N], set: &[&str]) -> IngestArgs {
    IngestArgs {
        environment: variables.into(),
        set: set.iter().map(ToString::to_string).collect(),
        ..IngestArgs::default()
    }
}

fn error(json: &str, args: &IngestArgs) -> String {
    load(json, args).unwrap_err().to_string()
}

fn warnings(json: &str, args: &IngestArgs) -> Vec<String> {
    load(json, args).unwrap().1
}

#[rstest]
#[case("{\n  \"port\": 1\n  \"db\": 2}", "c.json line 3 column 3: expected `,` or `}`")]
#[case("{\n  /* one\n two */ \"port\": x}", "c.json line 3 column 17: expected value")]
#[case("{\n  \"port\": 1, /* never closed\n\n}", "c.json line 4 column 1: EOF while parsing a value")]
#[case(
    "{\"mqttSources\":\n [{\"topics\": 5}]}",
    "c.json line 2 column 14: mqttSources[0].topics: invalid type: integer `5`, expected a sequence"
)]
#[case(
    "{\"channelKeys\": {\"a\": 1234}}",
    "c.json line 1 column 23: channelKeys.a: expected a text in quotes"
)]
#[case("[]", "c.json line 1 column 0: invalid type: sequence, expected a map")]
#[case("{} x", "c.json line 1 column 4: trailing characters")]
#[case(
    "{\"metrics\":\n {\"sampleIntervalSec\": 0}}",
    "c.json line 2 column 24: metrics.sampleIntervalSec: 0 is no interval; use 1 or more seconds"
)]
#[case(
    "{\"mqttSources\": [\n{\"broker\": \"mqtt://a\"},\n{\"broker\": \"http://x\"}]}",
    "c.json line 3 column 12: mqttSources[1].broker: unknown scheme `http`; \
     expected a URL such as mqtt://broker.example:1883"
)]
#[case(
    "{\"mqttSources\": [{\"broker\": \"mqtt://a\", \"passwordFile\": \"nowhere\"}]}",
    "c.json line 1 column 57: mqttSources[0].passwordFile: nowhere: No such file or directory (os error 2)"
)]
#[case(
    "{\"mqttSources\": [{\"password\": \"${NOT_SET}\"}]}",
    "c.json line 1 column 31: mqttSources[0].password: the environment variable NOT_SET is not set"
)]
fn a_mistake_is_answered_with_file_line_and_key(#[case] json: &str, #[case] message: &str) {
    assert_eq!(error(json, &IngestArgs::default()), message);
}

#[test]
fn a_mistake_of_a_megabyte_is_answered_with_a_few_words() {
    let json = format!("{{\"validateSignatures\": \"{}\"}}", "x".repeat(1 << 20));
    let said = error(&json, &IngestArgs::default());
    assert!(said.starts_with("c.json line 1 column 24: validateSignatures: ") && said.len() < 500, "{said}");
}

#[test]
fn an_empty_file_is_a_good_one() {
    let (config, warnings) = load("{}", &IngestArgs::default()).unwrap();
    assert_eq!(config.db_path(), PathBuf::from("data/meshcore.db"));
    assert_eq!(config.buffer().messages, 250_000);
    assert!(config.validate_signatures && warnings.is_empty());
    let brokers = config.brokers().unwrap();
    assert_eq!((brokers[0].name.as_str(), brokers[0].url.as_str()), ("local", "tcp://localhost:1883"));
}

#[test]
fn comments_and_commas_too_many_are_forgiven() {
    let json = "\u{feff}{ // the mesh\n \"_note\": 1, \"areas\": {\"_comment\": \"a text\"}, /* of \n two lines */
        \"metrics\": {\"_note\": [], \"sampleIntervalSec\": 60,},
        \"channelKeys\": {\"_note\": 5, \"a\": \"//no comment\"}, \"hashChannels\": [\"#a\", \"_b\",], \"theme\": null,
    }";
    let (config, _) = load(json, &IngestArgs::default()).unwrap();
    assert_eq!(config.metrics.sample_interval_sec, Seconds::new(60));
    assert_eq!(config.channel_keys, BTreeMap::from([("a".to_owned(), Secret::new("//no comment"))]));
    assert_eq!(config.hash_channels, ["#a", "_b"]);
}

#[rstest]
#[case(r#"{"retention": {"nodeDay": 7}}"#, "unknown key retention.nodeDay; did you mean retention.nodeDays?")]
#[case(r#"{"nodeDays": 7}"#, "unknown key nodeDays; did you mean retention.nodeDays?")]
#[case(r#"{"MQTTSOURCES": []}"#, "unknown key MQTTSOURCES; did you mean mqttSources?")]
#[case(
    r#"{"mqttSources": [{"broker": "mqtt://a", "pasword": "x"}]}"#,
    "unknown key mqttSources[].pasword; did you mean mqttSources[].password?"
)]
#[case(r#"{"packetstore": {}}"#, "unknown key packetstore; did you mean packetStore?")]
#[case(r#"{"somethingElseEntirely": 7}"#, "unknown key somethingElseEntirely")]
#[case("{\"a\\nforged\": 7}", "unknown key a\\nforged")]
#[case(
    r#"{"theme": {"accent": "red"}, "packetStore": {"maxMemoryMB": 5}, "db": {"load": {"chunkSize": 5}}}"#,
    "not used by this version: db.load, packetStore, theme"
)]
#[case(
    r#"{"defaultRegion": "ZRH", "logLevel": "debug"}"#,
    "without effect in any version, can be removed: defaultRegion, logLevel"
)]
fn what_is_not_read_is_said(#[case] json: &str, #[case] warning: &str) {
    assert_eq!(warnings(json, &IngestArgs::default()), [warning]);
}

#[test]
fn keys_of_the_server_are_no_unknown_keys() {
    let json = r#"{"port": 1, "roles": {"a": 1}, "liveMap": {"maxNodes": 5}, "map": {"tiles": {"x": 1}}}"#;
    assert_eq!(warnings(json, &IngestArgs::default()), [""; 0]);
}

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
fn a_password_can_be_in_a_file_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "s3cret \nsecond line\n").unwrap();
    let json = |more: &str| {
        format!(
            r#"{{"mqttSources": [{{"broker": "mqtt://a", "passwordFile": {:?}{more}}}]}}"#,
            file.to_str().unwrap()
        )
    };
    let (config, _) = load(&json(""), &IngestArgs::default()).unwrap();
    assert_eq!(config.brokers().unwrap()[0].password.as_deref(), Some("s3cret "));
    let both = error(&json(r#", "password": "x""#), &IngestArgs::default());
    assert!(
        both.ends_with("mqttSources[0].passwordFile: there is a password too; use one of them"),
        "{both}"
    );
    std::fs::write(&file, "\n").unwrap();
    assert!(error(&json(""), &IngestArgs::default()).ends_with("there is no password on its first line"));
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
fn the_old_form_counts_only_when_the_list_is_empty() {
    let legacy = r#"{"mqtt": {"broker": "mqtt://old.example", "topic": "mesh/+/packets"}}"#;
    let brokers = load(legacy, &IngestArgs::default()).unwrap().0.brokers().unwrap();
    assert_eq!(brokers[0].name, "default");
    assert_eq!(brokers[0].topics, ["mesh/+/packets", "meshcore/#"]);
    let both =
        r#"{"mqtt": {"broker": "mqtt://old.example"}, "mqttSources": [{"broker": "mqtt://new.example"}]}"#;
    let brokers = load(both, &IngestArgs::default()).unwrap().0.brokers().unwrap();
    assert_eq!(brokers[0].url, "tcp://new.example:1883");
}

#[test]
fn sources_of_one_name_stay_apart() {
    let json =
        r#"{"mqttSources": [{"name": "a", "broker": "mqtt://x"}, {"name": "a", "broker": "mqtt://y"}]}"#;
    let brokers = load(json, &IngestArgs::default()).unwrap().0.brokers().unwrap();
    assert_eq!((brokers[0].name.as_str(), brokers[1].name.as_str()), ("a", "a (2)"));
}

#[test]
fn a_named_file_that_is_not_there_is_an_error_and_a_usual_one_is_not() {
    let error = ConfigFile::find(Some(std::path::Path::new("nowhere/c.json"))).unwrap_err().to_string();
    assert!(error.starts_with("nowhere/c.json: "), "{error}");
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

/// Files of the other program, with all keys of its example.
#[rstest]
#[case("config-full")]
#[case("fixture")]
#[case("rich")]
fn a_captured_configuration_is_a_good_one_and_knows_no_unknown_key(#[case] name: &str) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/golden");
    let Ok(text) = std::fs::read_to_string(folder.join(name).join("config.json")) else {
        eprintln!("skipped: no captured configuration");
        return;
    };
    let warnings = warnings(&text, &IngestArgs::default());
    assert!(!warnings.is_empty() && !warnings.concat().contains("unknown"), "{warnings:#?}");
}

#[test]
fn no_variable_can_mean_two_keys() {
    let letters = |key: &str| key.replace(['.', '_'], "").to_lowercase();
    let distinct: BTreeSet<String> = known_keys().keys().map(|key| letters(key)).collect();
    assert_eq!(distinct.len(), known_keys().len());
}

#[test]
fn a_key_that_is_read_is_not_listed_as_read_elsewhere() {
    let ours: BTreeSet<String> = keys_of::<Config>().into_iter().collect();
    let listed = elsewhere::KEYS.iter().flat_map(|(_, keys)| *keys).filter(|key| ours.contains(**key));
    assert_eq!(listed.collect::<Vec<_>>(), [&""; 0]);
}

#[test]
fn every_key_is_documented() {
    let document = include_str!("../../../docs/configuration.md");
    let missing: Vec<&String> =
        known_keys().keys().filter(|key| !document.contains(&format!("`{key}`"))).collect();
    assert!(missing.is_empty(), "not in docs/configuration.md: {missing:#?}");
}

proptest! {
    /// No text panics, and a refusal says where.
    #[test]
    fn any_text_is_a_configuration_or_an_error(
        text in r#"[ -~\n]{0,60}|(\{|\}|\[|\]|,|:|//|/\*|\*/|"|"mqttSources"|"retention"|"nodeDays"|"broker"|1|"\$\{A\}"|null| |\n|é){0,30}"#,
        set in "[ -~]{0,20}",
    ) {
        if let Err(error) = load(&text, &IngestArgs::default()) {
            prop_assert!(error.to_string().starts_with("c.json"), "{}", error);
        }
        let _ = load("{}", &with([("CORESCOPE_A", &set), ("CORESCOPE_RETENTION", &set)], &[&set]));
    }
}
