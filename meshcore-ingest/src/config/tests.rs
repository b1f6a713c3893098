//! Files and arguments that people really write.

use rstest::rstest;

use super::*;

fn load(json: &str, args: &IngestArgs) -> Result<(Config, BTreeSet<String>), ConfigError> {
    Config::load(&ConfigFile::from_text("c.json", json), args)
}

#[rstest]
#[case("{\n  \"port\": 1,\n}", "c.json: trailing comma at line 3 column 1")]
#[case(
    "{\"mqttSources\":\n [{\"topics\": 5}]}",
    "c.json: mqttSources[0].topics: invalid type: integer `5`, expected a sequence at line 2 column 14"
)]
#[case(
    "{\"channelKeys\": {\"a\": 1}}",
    "c.json: channelKeys.a: invalid type: integer `1`, expected a string at line 1 column 23"
)]
#[case("[]", "c.json: invalid type: sequence, expected a map at line 1 column 0")]
#[case("{} x", "c.json: trailing characters at line 1 column 4")]
#[case(
    "{\"metrics\": {\"sampleIntervalSec\": 0}}",
    "metrics.sampleIntervalSec: 0 is no interval; use 1 or more seconds"
)]
#[case(
    "{\"mqttSources\": [{\"broker\": \"http://x\"}]}",
    "mqttSources[0].broker: unknown scheme `http`; expected a URL such as mqtt://broker.example:1883"
)]
fn a_mistake_is_answered_with_file_key_and_line(#[case] json: &str, #[case] message: &str) {
    assert_eq!(load(json, &IngestArgs::default()).unwrap_err().to_string(), message);
}

#[test]
fn an_empty_file_is_a_good_one() {
    let (config, ignored) = load("{}", &IngestArgs::default()).unwrap();
    assert_eq!(config.db_path(), PathBuf::from("data/meshcore.db"));
    assert_eq!(config.buffer().messages, 250_000);
    assert!(config.validate_signatures && ignored.is_empty());
    let brokers = config.brokers().unwrap();
    assert_eq!((brokers[0].name.as_str(), brokers[0].url.as_str()), ("local", "tcp://localhost:1883"));
}

#[test]
fn comments_are_no_unknown_keys_at_any_level() {
    let json = r#"{"_note": 1, "metrics": {"_note": []}, "channelKeys": {"_note": 5}, "tyop": 1, "retention": {"nodeDay": 7, "_note": 1}}"#;
    let (_, ignored) = load(json, &IngestArgs::default()).unwrap();
    assert_eq!(ignored.into_iter().collect::<Vec<_>>(), ["retention.nodeDay", "tyop"]);
}

#[test]
fn a_key_is_unused_when_neither_part_reads_it_however_much_of_its_parent_they_read() {
    let keys = |names: &[&str]| names.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
    let (one, other) = (keys(&["db.load", "port", "tyop", "a"]), keys(&["db", "tyop", "a.b", "dbPath"]));
    assert_eq!(read_by_neither(&one, &other).into_iter().collect::<Vec<_>>(), ["a.b", "db.load", "tyop"]);
}

#[test]
fn arguments_are_stronger_than_the_file() {
    let args = IngestArgs {
        db: Some("other.db".into()),
        mqtt_broker: Some("mqtt://b.example".into()),
        mqtt_topic: Some(String::new()), // set but empty counts as not set
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
