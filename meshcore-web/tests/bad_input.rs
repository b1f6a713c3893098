//! What is wrong is counted, or said; it never stops what is right.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};

use meshcore_proto::Identity;
use rstest::rstest;
use rusqlite::Connection;
use serde_json::json;
use support::broker::Mosquitto;
use support::expected::Expected;
use support::messages::{self, Message};
use support::process::Process;
use support::server::{self, Server};

#[test]
fn every_kind_of_bad_message_is_counted_under_its_reason_and_stops_nothing() {
    let Some(broker) = Mosquitto::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut corescope = Server::listening(folder.path(), &broker);
    let demo = messages::demo();
    let (before, after) = demo.split_at(40);
    let mut between = after.iter().cloned();
    let bad = bad_messages(&demo);
    let mut all = before.to_vec();
    for message in &bad {
        all.push(message.clone());
        all.push(between.next().expect("there are more good messages than bad ones"));
    }
    all.extend(between.take(40));

    let expected = Expected::of(&all);
    broker.publisher().publish(&all);
    assert_eq!(corescope.settled(expected.figures.received), expected.figures);
    let database = server::read_only(folder.path());
    assert_eq!(server::rows(&database), expected.rows);
    assert!(corescope.process.is_running());
    eprintln!("{} bad among {}: {:?}", bad.len(), all.len(), expected.figures);

    // Of an advert with a wrong signature a trace is kept.
    let dropped: u32 = server::value(&database, "SELECT COUNT(*) FROM dropped_packets");
    assert_eq!(expected.figures.rejected["bad_signature"], u64::from(dropped));
    corescope.stop();
}

#[test]
fn a_flood_of_garbage_hides_no_good_message_and_fills_no_log() {
    // 10 by hand: 100 000 bad ones among 10 000 good ones.
    let thousands = std::env::var("GOOD_THOUSANDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let Some(broker) = Mosquitto::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let config = json!({"mqttSources": [{"broker": broker.url()}], "retention": {"packetDays": 0}});
    server::configure(folder.path(), &config);
    let corescope = Server::open(&mut server::corescope(folder.path()));
    corescope.process.wait_for_line("connected to broker", 1);
    let lines = corescope.process.lines().len();

    let short = |message: &Message| message.payload.len() < 1000;
    let bad: Vec<Message> = bad_messages(&messages::demo()).into_iter().filter(short).collect();
    let kinds: BTreeSet<&str> = bad.iter().filter_map(|message| message.refused).collect();
    assert!(kinds.len() >= 12, "{kinds:?}");
    let mut bad = bad.iter().cycle().cloned();
    let all: Vec<Message> = messages::made_up(thousands * 1000)
        .into_iter()
        .flat_map(|good| bad.by_ref().take(10).chain([good]).collect::<Vec<_>>())
        .collect();
    let expected = Expected::of(&all);
    broker.publisher().publish(&all);
    assert_eq!(corescope.settled(expected.figures.received), expected.figures);
    assert_eq!(server::rows(&server::read_only(folder.path())), expected.rows);
    let said = corescope.process.lines().split_off(lines);
    eprintln!("{} messages, {} kinds of bad ones, {} lines of log", all.len(), kinds.len(), said.len());
    assert!(said.len() < 50, "{said:#?}");
    corescope.stop();
}

#[test]
fn control_characters_in_names_neither_reach_the_database_nor_forge_a_log_line() {
    let Some(broker) = Mosquitto::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let corescope = Server::listening(folder.path(), &broker);
    let good = advert("Eve\r\nforged: all is well\0hidden");
    let mut broken = advert("Mallory\r\nforged: all is well");
    flip_signature(&mut broken);
    let origin = "\0Roof\r\nforged\u{7}\u{1b}[31m North\u{85}";
    let packet = |raw: &[u8]| json!({"raw": hex::encode(raw), "origin": origin, "region": "ZRH\r\nforged"});
    let status =
        json!({"status": "online", "origin": origin, "model": "m\r\nforged", "radio": "868,62.5,8,5\r"});
    let mut all = vec![
        Message::new("meshcore/ZRH/roof/packets", packet(&good)),
        Message::refused("meshcore/ZRH/roof/packets", packet(&broken).to_string(), "bad_signature"),
        Message::new("meshcore/ZRH/roof/status", status),
    ];
    all.extend(messages::made_up(3));
    let expected = Expected::of(&all);
    broker.publisher().publish(&all);
    assert_eq!(corescope.settled(expected.figures.received), expected.figures);

    let database = server::read_only(folder.path());
    let text = |sql: &str| server::value::<String>(&database, sql);
    assert_eq!(text("SELECT name FROM observers WHERE id = 'roof'"), "Roofforged[31m North");
    assert_eq!(text("SELECT radio FROM observers WHERE id = 'roof'"), "868,62.5,8,5");
    for name in [text("SELECT name FROM nodes"), text("SELECT node_name FROM dropped_packets")] {
        assert!(!name.contains(['\r', '\0', '\u{1b}']), "{name:?}");
    }
    let lines = corescope.process.lines();
    for line in &lines {
        assert!(is_log_line(line), "not a line of the program's own: {line:?} in {lines:#?}");
    }
    corescope.stop();
}

/// Time, level, and no control characters.
fn is_log_line(line: &str) -> bool {
    let mut words = line.split_ascii_whitespace();
    let is_time =
        words.next().is_some_and(|time| time.len() == 27 && time.starts_with("20") && time.ends_with('Z'));
    let is_level = words.next().is_some_and(|level| ["ERROR", "WARN", "INFO", "DEBUG"].contains(&level));
    is_time && is_level && !line.contains(char::is_control)
}

/// At least one for each reason there is to refuse a message.
fn bad_messages(demo: &[Message]) -> Vec<Message> {
    const PACKETS: &str = "meshcore/ZRH/spoiler/packets";
    let frame = |raw: &str, why| Message::refused(PACKETS, json!({"raw": raw}).to_string(), why);
    let text = |payload: &str, why| Message::refused(PACKETS, payload, why);
    let at = |topic: &str, why| Message::refused(topic, json!({"raw": "3E00AA"}).to_string(), why);
    let mut huge = json!({"raw": "3E00AA", "more": "x".repeat(10_000_000)}).to_string();
    huge.push(' ');
    let nobody = [vec![0x11, 0], vec![0; 32], vec![1; 4 + 64], vec![1]].concat();
    vec![
        text("", "not_json"),
        text("{\"raw\": \"3E", "not_json"),
        text("{\"raw\": \"3E00AA\"} x", "not_json"),
        text("[\"3E00AA\"]", "not_json"),
        text("\"3E00AA\"", "not_json"),
        text("null", "not_json"),
        Message::refused(PACKETS, b"{\"raw\": \"3E00AA\", \"origin\": \"\xff\xfe\"}".to_vec(), "not_json"),
        text(&format!("{{\"raw\": \"3E00AA\", \"a\": {}1{}}}", "[".repeat(16), "]".repeat(16)), "too_deep"),
        text(&"[".repeat(60_000), "too_deep"),
        text(&huge, "oversize"),
        text(&format!("{{\"raw\": \"3E00AA\", \"a\": \"{}\"}}", "x".repeat(64 * 1024)), "oversize"),
        at("meshcore/ZRH", "unknown_topic"),
        at("meshcore", "unknown_topic"),
        at("meshcore/ZRH//packets", "bad_observer"),
        at(&format!("meshcore/ZRH/{}/packets", "x".repeat(65)), "bad_observer"),
        at("meshcore/client/0102/packets", "bad_observer"),
        at("meshcore/message/channel/0", "no_text"),
        Message::refused("meshcore/message/channel/x", "{\"text\": \"hi\"}", "bad_channel"),
        Message::unwanted("meshcore/status", "{}", "ignored_topic"),
        Message::unwanted("meshcore/ZRH/spoiler/debug", "{}", "ignored_topic"),
        Message::unwanted("meshcore/ZRH/spoiler/serial/responses", "eyJhbGci.OiJ.FZ", "ignored_topic"),
        Message::unwanted("meshcore/message/direct/01", "{\"text\": \"psst\"}", "direct_text"),
        Message::unwanted(format!("meshcore/client/{}/packets", "01".repeat(32)), "{}", "coverage_off"),
        text("{}", "no_frame"),
        text("{\"raw\": 5}", "no_frame"),
        frame("", "no_frame"),
        frame(&"0".repeat(600), "raw_too_long"),
        frame("3E00A", "bad_hex"),
        frame("3E00XX", "bad_hex"),
        frame("3E00é", "bad_hex"),
        frame("3E", "truncated"),
        frame("1102AA", "truncated"),
        frame("14AABB", "truncated"),
        frame(&format!("3EC1{}", "AA".repeat(20)), "reserved_hash_size"),
        frame(&format!("3E7F{}", "AA".repeat(130)), "path_too_long"),
        frame(&format!("3E00{}", "AA".repeat(185)), "payload_too_long"),
        frame(&hex::encode(nobody), "bad_advert"),
        frame(&hex::encode(flipped(demo)), "bad_signature"),
    ]
}

/// An advert of the recording, with one bit of its signature changed.
fn flipped(demo: &[Message]) -> Vec<u8> {
    let frames = demo.iter().filter(|message| message.topic.ends_with("/packets"));
    let mut frames = frames.map(|message| hex::decode(message.json()["raw"].as_str().unwrap()).unwrap());
    let mut advert = frames.find(|frame| frame[..2] == [0x11, 0]).expect("an advert without hops");
    flip_signature(&mut advert);
    advert
}

/// Changes one bit of the signature of an advert without hops: header, path length, key, time, signature.
fn flip_signature(advert: &mut [u8]) {
    advert[2 + 32 + 4 + 20] ^= 0x10;
}

/// A signed advert of a chat node called `name`.
fn advert(name: &str) -> Vec<u8> {
    let node = Identity::from_seed(b"nobody's secret, for bad input!!");
    let key = node.public_key();
    let (time, about) = (1_777_636_800_u32.to_le_bytes(), [&[0x81], name.as_bytes()].concat());
    let signature = node.sign(&[key.as_bytes().as_slice(), &time, &about].concat());
    [&[0x11, 0], key.as_bytes().as_slice(), &time, &signature, &about].concat()
}

#[rstest]
#[case::cut_off("{\n  \"port\": 3000,\n", &["config.json", "line 3"])]
#[case::no_comma("{\n  \"port\": 3000\n  \"dbPath\": \"x\"\n}", &["config.json", "line 3"])]
#[case::text_behind("{} x", &["config.json", "line 1"])]
#[case::no_object("[]", &["config.json", "line 1"])]
#[case::number_for_list("{\n  \"mqttSources\": [{\"topics\": 5}]\n}", &["config.json", "mqttSources[0].topics", "line 2"])]
#[case::text_for_port("{\n\n\"port\": \"many\"}", &["config.json", "port", "line 3"])]
#[case::port_too_high("{\"port\": 70000}", &["config.json", "port", "line 1"])]
#[case::no_broker("{\"mqttSources\": [{\"name\": \"a\"}]}", &["mqttSources[0].broker", "mqtt://"])]
#[case::no_such_scheme("{\"mqttSources\": [{\"broker\": \"ftp://a\"}]}", &["mqttSources[0].broker", "line 1", "ftp"])]
#[case::too_many_days("{\"retention\":\n {\"nodeDays\": \"200y\"}}", &["config.json", "retention.nodeDays", "line 2"])]
#[case::no_such_variable("{\n\"apiKey\": \"${NO_SUCH_VARIABLE}\"}", &["config.json", "apiKey", "line 2", "NO_SUCH_VARIABLE"])]
#[case::no_such_password("{\"mqttSources\": [{\"broker\": \"mqtt://a\",\n\"passwordFile\": \"no\"}]}", &["mqttSources[0].passwordFile", "line 2"])]
fn a_wrong_configuration_names_file_key_and_line_and_ends_with_2(#[case] text: &str, #[case] parts: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.json"), text).unwrap();
    let said = fails(folder.path(), &["--port", "0"], 2);
    for part in parts {
        assert!(said.contains(part), "`{part}` is not in: {said}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing was made");
}

#[rstest]
#[case::named_but_not_there(&["--config", "not-here.json"], "not-here.json")]
#[case::no_port(&["--port", "many"], "many")]
#[case::no_broker(&["--mqtt-broker", "localhost:1883"], "--mqtt-broker: mqttSources[0].broker: unknown scheme `localhost`")]
#[case::no_key(&["--set", "retention.packetDay=3"], "did you mean retention.packetDays?")]
#[case::no_number(&["--set", "listLimits.packetsMax=many"], "--set: listLimits.packetsMax: ")]
fn a_wrong_flag_is_named_and_ends_with_2(#[case] flags: &[&str], #[case] part: &str) {
    let folder = tempfile::tempdir().unwrap();
    let said = fails(folder.path(), flags, 2);
    assert!(said.contains(part), "`{part}` is not in: {said}");
}

#[test]
fn a_wrong_variable_is_named_and_ends_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = Process::start(
        server::corescope(folder.path()).env("CORESCOPE_LIVEMAP_MAXNODES", "some").env("PORT", "0"),
    );
    let (code, said) = process.wait_for_end();
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("environment CORESCOPE_LIVEMAP_MAXNODES: liveMap.maxNodes: "), "{said}");
}

/// Runs `corescope check-config`; gives its exit code and what it wrote to standard output.
fn check_config(folder: &Path, flags: &[&str]) -> (Option<i32>, String) {
    let mut command = server::check_config(folder);
    command.args(flags).env("CORESCOPE_RETENTION_NODEDAYS", "5").env("TOKEN", "s3cret");
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn a_configuration_is_checked_without_starting_anything() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.json");
    let text = r#"{ // of the roof
        "port": 1, "listLimits": {"packetsMx": 5}, "theme": {}, "defaultRegion": "ZRH",
        "mqttSources": [{"broker": "mqtt://nowhere.invalid", "password": "${TOKEN}"}],
    }"#;
    fs::write(&file, text).unwrap();
    let (code, said) =
        check_config(folder.path(), &["--print", "--set", "retention.packetDays=30d", "--port", "2"]);
    assert_eq!(code, Some(0), "{said}");
    for line in [
        "warning: unknown key listLimits.packetsMx; did you mean listLimits.packetsMax?\n",
        "warning: not used by this version: theme\n",
        "warning: without effect in any version, can be removed: defaultRegion\n",
        "retention.packetDays = \"30d\" (--set)\n",
        "retention.nodeDays = 5 (environment CORESCOPE_RETENTION_NODEDAYS)\n",
        "mqttSources[0].broker = \"mqtt://nowhere.invalid\" (config.json line 3 column 36)\n",
        "mqttSources[0].password = *** (environment TOKEN)\n",
        "port = 2 (--port)\n",
        "dbPath = \"data/meshcore.db\" (default)\n",
        "config.json: can be used\n",
    ] {
        assert!(said.contains(line), "{line:?} is not in: {said}");
    }
    assert!(!said.contains("s3cret"));

    fs::write(&file, "{\"port\": -1}").unwrap();
    let (code, said) = check_config(folder.path(), &[]);
    assert_eq!((code, said.as_str()), (Some(2), "the configuration cannot be used\n"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing was made");
}

#[test]
fn editors_get_a_schema_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let (code, said) = check_config(folder.path(), &["--schema"]);
    assert_eq!(code, Some(0), "{said}");
    let schema: serde_json::Value = serde_json::from_str(&said).unwrap();
    let keys = &schema["properties"];
    assert_eq!(keys["retention"]["properties"]["nodeDays"]["default"], 7);
    assert_eq!(keys["mqttSources"]["items"]["properties"]["password"]["format"], "password");
    assert_eq!(keys["port"]["default"], 3000, "of the server");
}

#[test]
fn a_port_in_use_is_named_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let said = fails(folder.path(), &["--port", &port], 1);
    assert!(said.contains(&format!("port {port}")) && said.contains("in use"), "{said}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was made");
}

#[test]
fn a_database_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "not a folder").unwrap();
    let said = fails(folder.path(), &["--port", "0", "--db", "file/below/mesh.db"], 1);
    assert!(said.contains("folder file/below"), "{said}");
}

#[rstest]
#[case::text("this is no database, it is a text that is long enough to look at".repeat(20))]
#[case::nearly("SQLite format 3\0".to_owned() + &"x".repeat(4096))]
fn a_file_that_is_no_database_is_named_and_untouched(#[case] content: String) {
    let folder = tempfile::tempdir().unwrap();
    let file = server::database(folder.path());
    fs::write(&file, &content).unwrap();
    let said = fails(folder.path(), &["--port", "0", "--db", "mesh.db"], 1);
    assert!(said.contains("mesh.db") && said.contains("not a database"), "{said}");
    assert_eq!(fs::read(&file).unwrap(), content.as_bytes());
}

#[test]
fn a_second_server_on_the_same_database_is_told_so_and_does_not_disturb_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let first = Server::playing(folder.path(), &messages::demo_file());
    let said = fails(folder.path(), &["--port", "0", "--db", "mesh.db"], 1);
    assert!(said.contains("mesh.db") && said.contains("another CoreScope process"), "{said}");
    let demo = messages::demo();
    let expected = Expected::of(&demo);
    assert_eq!(first.settled(demo.len() as u64), expected.figures);
    assert_eq!(server::rows(&server::read_only(folder.path())), expected.rows);
    first.stop();
}

#[test]
fn a_database_of_another_program_is_refused_and_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let file = server::database(folder.path());
    let other = Connection::open(&file).unwrap();
    other.execute_batch("CREATE TABLE songs(title TEXT); INSERT INTO songs VALUES ('Summertime')").unwrap();
    drop(other);
    let before = fs::read(&file).unwrap();
    let said = fails(folder.path(), &["--port", "0", "--db", "mesh.db"], 1);
    assert!(said.contains("mesh.db") && said.contains("not a CoreScope database"), "{said}");
    assert!(fs::read(&file).unwrap() == before, "the file was changed");
}

#[test]
fn a_broker_that_never_answers_does_not_hold_up_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let mute = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("mqtt://{}", mute.local_addr().unwrap());
    let mut corescope =
        Server::open(server::corescope(folder.path()).args(["--db", "mesh.db", "--mqtt-broker", &url]));
    let (_connection, _) = mute.accept().unwrap();
    let told = Instant::now();
    corescope.process.terminate();
    let (code, said) = corescope.process.wait_for_end();
    assert_eq!(code, Some(0), "{said}");
    assert!(told.elapsed() < Duration::from_secs(10), "one attempt to connect may take 30 s");
}

#[test]
fn a_demonstration_never_touches_the_database_it_was_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let file = server::database(folder.path());
    fs::write(&file, "the packets of a year").unwrap();
    let mut command = server::corescope(folder.path());
    command.args(["--demo", "--speed", "0", "--db", "mesh.db"]).env("DB_PATH", "mesh.db");
    let demonstration = Server::open(&mut command);
    demonstration.process.wait_for_line("recording played to its end", 1);
    demonstration.stop();
    assert_eq!(fs::read_to_string(&file).unwrap(), "the packets of a year");
    assert!(!folder.path().join("data").exists(), "it leaves nothing behind");
}

#[test]
fn a_recording_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let said = fails(folder.path(), &["--port", "0", "--replay", "not-here.jsonl"], 1);
    assert!(said.contains("recording not-here.jsonl"), "{said}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was made");
}

#[test]
fn broken_lines_of_a_recording_are_said_and_the_rest_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    let text = fs::read(messages::demo_file()).unwrap();
    let mut lines: Vec<&[u8]> = text.trim_ascii_end().split(|byte| *byte == b'\n').collect();
    lines.splice(300..300, [b"{\"raw\": ".as_slice(), b"", b"{\"iata\": \"ZRH\"}", b"\xff\xfe\x00", b"[]"]);
    let recording = folder.path().join("broken.jsonl");
    fs::write(&recording, lines.join(&b'\n')).unwrap();
    let corescope = Server::playing(folder.path(), &recording);
    let expected = Expected::of(&messages::demo());
    assert_eq!(corescope.settled(expected.figures.received), expected.figures);
    assert_eq!(server::rows(&server::read_only(folder.path())), expected.rows);
    for line in ["line=301", "line=303", "line=304", "line=305"] {
        assert_eq!(corescope.process.count(line), 1, "{line} was not said once");
    }
    corescope.stop();
}

#[test]
fn a_recording_longer_than_the_buffer_is_stored_whole() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.json"), "{\"ingestBufferSize\": 10}").unwrap();
    let corescope = Server::playing(folder.path(), &messages::demo_file());
    let expected = Expected::of(&messages::demo());
    assert_eq!(corescope.settled(expected.figures.received), expected.figures);
    corescope.stop();
}

/// Starts `corescope`, which must end with `code` by itself; gives what it said.
#[track_caller]
fn fails(folder: &Path, flags: &[&str], code: i32) -> String {
    let mut process = Process::start(server::corescope(folder).args(flags));
    let (ended_with, said) = process.wait_for_end();
    assert_eq!(ended_with, Some(code), "{said}");
    let last = said.lines().last().unwrap_or_default();
    assert!(last.starts_with("corescope: "), "the last word is the reason: {said}");
    said
}
