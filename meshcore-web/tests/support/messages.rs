//! What is published: recordings, and frames made here.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// Captured adverts that were damaged on their way: another packet has overwritten the end of their name, so their
/// signature is not their node's.
const DAMAGED: &[&str] = &["6afacf683cafe2c7", "072415f14416af6a"];

/// An MQTT message, and what is known about its fate.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) topic: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) retain: bool,
    /// Why it will not be stored; absent for a good one.
    pub(crate) refused: Option<&'static str>,
    /// Why it is good and yet not stored.
    pub(crate) unwanted: Option<&'static str>,
    /// Hash and path, where the recording knows them.
    pub(crate) recorded: Value,
}

impl Message {
    /// A good message.
    pub(crate) fn new(topic: impl Into<String>, payload: impl ToString) -> Self {
        let payload = payload.to_string().into_bytes();
        let topic = topic.into();
        Self { topic, payload, retain: false, refused: None, unwanted: None, recorded: Value::Null }
    }

    /// A packet as observer `id` publishes it.
    pub(crate) fn packet(id: &str, raw: &str) -> Self {
        Self::new(format!("meshcore/ZRH/{id}/packets"), json!({"raw": raw, "SNR": 1.5, "direction": "rx"}))
    }

    /// A wrong message.
    pub(crate) fn refused(topic: impl Into<String>, payload: impl Into<Vec<u8>>, why: &'static str) -> Self {
        Self { payload: payload.into(), refused: Some(why), ..Self::new(topic, "") }
    }

    /// A good message that is not wanted.
    pub(crate) fn unwanted(topic: impl Into<String>, payload: impl ToString, why: &'static str) -> Self {
        Self { unwanted: Some(why), ..Self::new(topic, payload) }
    }

    /// The same, kept by the broker for those who come later.
    pub(crate) fn retained(self) -> Self {
        Self { retain: true, ..self }
    }

    /// The payload, read.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.payload).expect("only asked of good messages")
    }
}

/// A recording made for tests: five status messages, then receptions.
pub(crate) fn demo() -> Vec<Message> {
    lines(&demo_file()).iter().map(message).collect()
}

/// Where that recording is.
pub(crate) fn demo_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../meshcore-ingest/assets/demo.jsonl")
}

/// Messages and receptions of a real mesh. They are not part of the project: `None`, with a line that says so, where
/// they are not there.
pub(crate) fn captured() -> Option<Vec<Message>> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data"));
    let (samples, receptions) = (folder.join("mqtt-samples.jsonl"), folder.join("real-packets.jsonl"));
    if !samples.exists() || !receptions.exists() {
        eprintln!("skipped: the captured messages are not here");
        return None;
    }
    Some(lines(&samples).iter().chain(&lines(&receptions)).map(message).collect())
}

/// `count` different frames of payload type 15, which carry any bytes.
pub(crate) fn made_up(count: u32) -> Vec<Message> {
    let frame = |number: u32| format!("3E00{:08X}{:08X}", number, number.wrapping_mul(0x9e37_79b9));
    (0..count).map(|number| Message::packet(&format!("observer {}", number % 5), &frame(number))).collect()
}

fn lines(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A line of a recording, which is a message or a reception.
fn message(line: &Value) -> Message {
    let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
    if line["raw"].is_string() {
        let payload = json!({
            "raw": line["raw"], "SNR": line["snr"], "RSSI": line["rssi"], "origin": line["observer_name"],
            "timestamp": line["timestamp"], "direction": "rx",
        });
        let topic = format!("meshcore/{}/{}/packets", text("iata"), text("observer_id"));
        let is_damaged = DAMAGED.contains(&text("hash").as_str());
        let refused = is_damaged.then_some("bad_signature");
        return Message { refused, recorded: line.clone(), ..Message::new(topic, payload) };
    }
    let expected = &line["expect"];
    Message {
        retain: line["retain"] == true,
        refused: match expected["reason"].as_str() {
            Some("tx_stale_raw") => Some("tx_stale_raw"),
            Some(other) => panic!("a reason this test does not know: {other}"),
            None => None,
        },
        unwanted: (expected["kind"] == "client_reception").then_some("coverage_off"),
        recorded: expected.clone(),
        ..Message::new(text("topic"), &line["payload"])
    }
}
