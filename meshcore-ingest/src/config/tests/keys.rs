//! Which keys there are, and what is said about others.

use std::collections::BTreeSet;

use rstest::rstest;

use super::super::*;
use super::warnings;

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
    r#"{"theme": {"accent": "red"}, "packetStore": {"hotStartupHours": 5}, "db": {"load": {"chunkSize": 5}}}"#,
    "not used by this version: db.load, packetStore.hotStartupHours, theme"
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
    let document = include_str!("../../../../docs/configuration.md");
    let missing: Vec<&String> =
        known_keys().keys().filter(|key| !document.contains(&format!("`{key}`"))).collect();
    assert!(missing.is_empty(), "not in docs/configuration.md: {missing:#?}");

    // Numbers and switches have the default that is stated.
    let some = ConfigFile::from_text("c.json", r#"{"mqttSources": [{}]}"#);
    let settings = Layers::new(&some, &IngestArgs::default()).unwrap().settings::<Config>();
    let is_plain = |text: &str| text.parse::<f64>().is_ok() || text.parse::<bool>().is_ok();
    for setting in settings.iter().filter(|setting| setting.origin == Origin::Default) {
        let row = format!("| `{}` |", setting.key.replace("[0]", "[]"));
        let stated =
            document.lines().find(|line| line.starts_with(&row)).and_then(|line| line.split(" | ").nth(2));
        let (Some(stated), Some(value)) = (stated, &setting.value) else { continue };
        if is_plain(value) && is_plain(stated) {
            assert_eq!(value.trim_end_matches(".0"), stated, "{row}");
        }
    }
}
