//! Files, variables and flags that people really write.

mod keeping;
mod keys;
mod layers;

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

#[test]
fn a_key_that_is_there_twice_is_said_and_the_last_one_counts() {
    let json = r#"{"retention": {"nodeDays": 1}, "_a": 1, "_a": 2, "mqttSources": [{"broker": "mqtt://a", "broker": "mqtt://b"}],
        "retention": {"nodeDays": 2}}"#;
    let (config, warnings) = load(json, &IngestArgs::default()).unwrap();
    let said = "is there twice; the last one counts";
    assert_eq!(warnings, [format!("mqttSources[0].broker {said}"), format!("retention {said}")]);
    assert_eq!((config.retention.days().nodes, config.mqtt_sources[0].broker.as_str()), (2, "mqtt://b"));
    let wrong = json.replace(": 2}", ": -1e9}");
    assert!(
        error(&wrong, &IngestArgs::default()).starts_with("c.json line 2 column 35: retention.nodeDays: ")
    );
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
    assert!(error(&json(""), &IngestArgs::default()).ends_with("there is nothing on its first line"));
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

#[test]
fn what_waits_is_bounded_by_the_memory_there_is() {
    let buffer = |json| load(json, &IngestArgs::default()).unwrap().0.buffer();
    assert_eq!(buffer("{}"), Limits { messages: 250_000, bytes: 64 << 20 });
    assert_eq!(
        buffer(r#"{"ingestBufferSize": 10, "runtime": {"maxMemoryMB": 50}}"#),
        Limits { messages: 10, bytes: 5 << 20 }
    );
}
