//! Frames and vectors to test with.

#![allow(dead_code, reason = "each test uses some of it")]

use std::fs;
use std::path::Path;

use serde_json::Value;

/// The vectors of one of our own files, all of them invented.
pub(crate) fn own_vectors(file: &str) -> Vec<Value> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors"));
    let mut document: Value = serde_json::from_slice(&fs::read(folder.join(file)).unwrap()).unwrap();
    serde_json::from_value(document["vectors"].take()).unwrap()
}

/// One frame of every kind.
pub(crate) fn synthetic_frames() -> Vec<Vec<u8>> {
    own_vectors("decode_synthetic.json").iter().map(|vector| frame(&vector["raw_hex"])).collect()
}

/// The captured frames that lie next to the workspace; says so when there are none.
pub(crate) fn real_frames() -> Vec<Vec<u8>> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/real-packets.jsonl");
    let Ok(lines) = fs::read_to_string(file) else {
        eprintln!("skipped: captured frames, none next to the workspace");
        return Vec::new();
    };
    let observation = |line| serde_json::from_str::<Value>(line).unwrap();
    lines.lines().map(|line| frame(&observation(line)["raw"])).collect()
}

/// A frame in hex.
pub(crate) fn frame(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}
