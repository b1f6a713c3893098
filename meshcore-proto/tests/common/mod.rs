//! Frames to test with.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// One frame of every kind, invented: those of our decode vectors.
pub(crate) fn synthetic_frames() -> Vec<Vec<u8>> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/decode_synthetic.json");
    let document: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let vectors = document["vectors"].as_array().unwrap();
    vectors.iter().map(|vector| hex::decode(vector["raw_hex"].as_str().unwrap()).unwrap()).collect()
}

/// The captured frames that lie next to the workspace; says so when there are none.
pub(crate) fn real_frames() -> Vec<Vec<u8>> {
    let file = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/real-packets.jsonl"));
    let Ok(lines) = fs::read_to_string(file) else {
        eprintln!("skipped: real frames, none next to the workspace");
        return Vec::new();
    };
    let frame = |line: &str| {
        let observation: Value = serde_json::from_str(line).unwrap();
        hex::decode(observation["raw"].as_str().unwrap()).unwrap()
    };
    lines.lines().map(frame).collect()
}
