//! Inputs to start from, one list per law.

use std::fs;
use std::path::Path;

use meshcore_proto::{ChannelKey, Packet};
use serde_json::Value;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// A seed: the name of its law, and the bytes.
pub type Seed = (&'static str, Vec<u8>);

/// From the test vectors and the demo recording, all made for this project.
pub fn own() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for file in ["decode_synthetic.json", "malformed.json", "packet_hash.json", "encode.json"] {
        for vector in vectors(file) {
            let frame = bytes(&vector["raw_hex"]).or_else(|| bytes(&vector["expect"]["raw_hex"]));
            seeds.extend(frame.iter().flat_map(|raw| of_frame(raw)));
        }
    }
    for vector in vectors("group_encrypt.json") {
        let Some(secret) = bytes(&vector["input"]["secret"]) else { continue };
        let Ok(key) = ChannelKey::from_slice(&secret) else { continue };
        let (sealed, plain) =
            (bytes(&vector["expect"]["payload_hex"]), bytes(&vector["expect"]["plaintext_hex"]));
        let payload = sealed.as_deref().and_then(|payload| payload.get(1..));
        for content in [payload, plain.as_deref()].into_iter().flatten() {
            seeds.push(("decrypt", [key.stored(), content].concat()));
        }
    }
    for vector in vectors("lpp.json") {
        seeds.extend(bytes(&vector["input"]["hex"]).map(|data| ("lpp", data)));
    }
    // contents between nodes, under a key that does not matter
    for vector in vectors("peer_decrypt.json").iter().chain(&vectors("response_body.json")) {
        let plaintext =
            bytes(&vector["expect"]["plaintext_hex"]).or_else(|| bytes(&vector["input"]["plaintext"]));
        seeds.extend(plaintext.map(|plaintext| ("decrypt", [&[7; 32], &plaintext[..]].concat())));
    }
    let demo = Path::new(ROOT).join("meshcore-ingest/assets/demo.jsonl");
    let demo = fs::read_to_string(demo).expect("part of the repository");
    seeds.extend(demo.lines().map(of_recorded));
    seeds.extend(MESSAGES.iter().map(|message| ("envelope", message.as_bytes().to_vec())));
    seeds.extend(CONFIGS.iter().map(|text| ("config", text.as_bytes().to_vec())));
    seeds.extend(expressions().into_iter().map(|text| ("filter", text.into_bytes())));
    seeds
}

/// From captured frames, where they lie next to the workspace. They are never committed.
pub fn captured() -> Option<Vec<Seed>> {
    let lines = fs::read_to_string(Path::new(ROOT).join("../shared/data/real-packets.jsonl")).ok()?;
    let mut seeds = Vec::new();
    for line in lines.lines() {
        let observation: Value = serde_json::from_str(line).expect("a line of JSON");
        seeds.extend(bytes(&observation["raw"]).iter().flat_map(|raw| of_frame(raw)));
        seeds.push(of_recorded(line));
    }
    Some(seeds)
}

/// A frame as the laws of frames take it.
fn of_frame(raw: &[u8]) -> Vec<Seed> {
    let mut seeds = vec![("frame", raw.to_vec()), ("roundtrip", raw.to_vec())];
    if let Ok(packet) = Packet::parse_lax(raw) {
        let head = [packet.header().payload_type().bits(), packet.path_len().get()];
        seeds.push(("payload", [&head, packet.payload_bytes()].concat()));
    }
    seeds
}

/// A line of a recording: a message, or the reception of one frame.
fn of_recorded(line: &str) -> Seed {
    let recorded: Value = serde_json::from_str(line).expect("a line of JSON");
    let message = match recorded["topic"].as_str() {
        Some(topic) => format!("{topic}\n{}", recorded["payload"]),
        None => {
            format!("meshcore/{}/{}/packets\n{line}", text(&recorded["iata"]), text(&recorded["observer_id"]))
        }
    };
    ("envelope", message.into_bytes())
}

/// Good and bad ones, of the table that the tests of the filter language read.
fn expressions() -> Vec<String> {
    let path = Path::new(ROOT).join("meshcore-store/tests/filter/cases.json");
    let table: Value =
        serde_json::from_slice(&fs::read(path).expect("part of the repository")).expect("JSON");
    let lists = ["cases", "errors"].into_iter().filter_map(|list| table[list].as_array());
    lists.flatten().filter_map(|case| case["expr"].as_str()).map(str::to_owned).collect()
}

fn vectors(file: &str) -> Vec<Value> {
    let path = Path::new(ROOT).join("meshcore-proto/tests/vectors").join(file);
    let document: Value =
        serde_json::from_slice(&fs::read(path).expect("part of the repository")).expect("JSON");
    document["vectors"].as_array().cloned().expect("a list")
}

fn bytes(value: &Value) -> Option<Vec<u8>> {
    hex::decode(value.as_str()?).ok()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// What the recording has none of.
const MESSAGES: &[&str] = &[
    concat!(
        "meshcore/client/a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1/packets\n",
        r#"{"raw": "0D42A1B2C3D401020304", "direction": "rx", "SNR": -7.25, "RSSI": "-92 dBm", "origin": "Ann",
            "timestamp": 1777636000, "gps": {"lat": 47.5, "lon": 8.5, "acc_m": 8}}"#
    ),
    concat!(
        "meshcore/message/channel/2\n",
        r#"{"payload": {"text": "Ann: hi", "sender_timestamp": 1777636000}, "attributes": {"channel_idx": "2"}}"#
    ),
    "meshcore/message/direct/ab12\n{\"text\": \"Ann: hi\", \"SNR\": 6, \"direction\": \"rx\"}",
    concat!(
        "meshcore/advertisement\n",
        r#"{"pubkey": "abababababababababababababababababababababababababababababababab", "node_name": "Hill",
            "latitude": 40, "lng": "8.5", "flags": {"repeater": true}}"#
    ),
    concat!(
        "meshcore/self_info\n",
        r#"{"public_key": "abababababababababababababababababababababababababababababababab", "name": "L1",
            "role": "companion", "lat": 47.5, "lon": 8.5}"#
    ),
    concat!(
        "meshcore/ZRH/roof/packets\n",
        r#"{"raw": "14591500004284E45A6CA1", "origin_id": "ROOF", "hash": "00112233AABBCCDD", "region": "zrh",
            "timestamp": "2026-05-01T10:00:00.5", "direction": "tx", "len": "11", "packet_type": "5"}"#
    ),
    "!meshcore/ZRH/roof/status\n{\"status\": \"offline\", \"origin\": \"Roof\\r\", \"stats\": {\"battery_mv\": 4102.5}}",
    "meshcore/ZRH/roof/serial/responses\neyJhbGciOiJFZDI1NTE5In0.e30.AB",
];

const CONFIGS: &[&str] = &[
    "{}",
    "[]",
    "{\n  \"port\": 1,\n}",
    r##"{"port": 3000, "dbPath": "data/meshcore.db", "hashChannels": ["#my-town", "x"], "_note": 1}"##,
    r#"{"channelKeys": {"Family": "00112233445566778899aabbccddeeff", "_note": 5, "b": "AAECAw=="}}"#,
    r#"{"mqttSources": [{"name": "a", "broker": "mqtts://b.example:8883", "username": "u", "password": "p",
       "topics": ["meshcore/#"]}, {"name": "a", "broker": "http://x"}]}"#,
    r#"{"mqtt": {"broker": "mqtt://old.example", "topic": "mesh/+/packets"}}"#,
    r##"{"geo_filter": {"polygon": [[47, 8], [48, 8], [48, 9]], "bufferKm": 10}, "foreignAdverts": {"mode": "drop"},
       "hashRegions": ["#Europe", "$mine"], "clientRxCoverage": {"enabled": true}, "companion": {"storeDirect": 1},
       "nodeBlacklist": ["ab"], "hiddenNamePrefixes": null}"##,
    r#"{"metrics": {"sampleIntervalSec": 0}, "retention": {"nodeDays": 7}, "tyop": null}"#,
];
