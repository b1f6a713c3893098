//! The test vectors of the wire format, one by one.
//!
//! They lie beside this file, and in a folder next to the workspace where there
//! are more of them, captured ones among others. Every class is either run or
//! listed in [`NOT_YET`]; anything else fails.

#![cfg(all(feature = "std", feature = "ed25519"))]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use meshcore_proto::{
    AppDataError, ContentError, CryptoError, EncodeError, FrameError, PayloadType, hex::HexError,
};
use serde_json::{Value, json};

mod content;
mod crypto;
mod decode;
mod encode;
mod keys;

use content::{lpp, response_body};
use crypto::{
    advert_sign, advert_verify, channel_key, channel_secret, channel_stored, cipher_both_ways, cipher_open,
    group_decrypt, keypair,
};
use decode::{decode, malformed, packet_hash};
use encode::{
    advert_len, encode_advert, encode_app_data, encode_frame, encode_payload, frame_len, group_encrypt,
    group_plaintext, group_plaintext_len,
};
use keys::{airtime, checksum, ecdh, preamble, region_match, transport_code};

/// Classes without code to run them, and why. `encode` is divided by operation.
const NOT_YET: &[(&str, &str)] = &[
    ("encode/anon_request", "no anonymous requests yet"),
    ("encode/discover_req", "no builder for discovery yet"),
    ("encode/discover_resp", "no builder for discovery yet"),
    ("encode/login", "no anonymous requests yet"),
    ("encode/multipart_ack", "no builder for multipart yet"),
    ("encode/path_return", "no encryption between peers yet"),
    ("encode/peer_plaintext", "no encryption between peers yet"),
    ("encode/request", "no encryption between peers yet"),
    ("encode/request_raw", "no encryption between peers yet"),
    ("encode/response", "no encryption between peers yet"),
    ("encode/text", "no encryption between peers yet"),
    ("encode/trace", "no builder for traces yet"),
    ("peer_decrypt", "no shared secrets yet"),
];

#[test]
fn our_own_vectors_hold() {
    let run = run_folder(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors")));
    assert!(run.passed.values().sum::<usize>() > 500, "the vectors are gone");
}

#[test]
fn all_vectors_hold_where_they_are() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/vectors"));
    if !folder.is_dir() {
        eprintln!("skipped: no vectors next to the workspace");
        return;
    }
    let run = run_folder(folder);
    for (class, _) in NOT_YET {
        assert!(run.left.contains_key(*class), "{class} is listed, but there is no such vector");
    }
}

/// What happened, by class.
#[derive(Default)]
struct Run {
    passed: BTreeMap<String, usize>,
    left: BTreeMap<String, usize>,
}

#[expect(clippy::print_stdout, reason = "the counts are the report of this test")]
fn run_folder(folder: &Path) -> Run {
    let mut run = Run::default();
    let mut failures = Vec::new();
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        if file.extension().is_none_or(|kind| kind != "json") || name == "manifest.json" {
            continue;
        }
        let document: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        assert_eq!(document["schema"], "meshcore-vectors/1", "{name}");
        let vectors = document["vectors"].as_array().unwrap();
        assert_eq!(document["count"], vectors.len(), "{name}");
        for vector in vectors {
            let class = class_of(vector);
            if NOT_YET.iter().any(|(listed, _)| *listed == class) {
                *run.left.entry(class).or_default() += 1;
                continue;
            }
            let Some(got) = outcome(&class, vector) else {
                failures.push(format!("{name} {}: class {class} is neither run nor listed", vector["id"]));
                continue;
            };
            let want = &vector["expect"];
            if got == *want {
                *run.passed.entry(class).or_default() += 1;
            } else {
                failures.push(format!("{name} {}\n  want {want}\n  got  {got}", vector["id"]));
            }
        }
    }
    println!("{}:", folder.file_name().unwrap().to_string_lossy());
    for (class, count) in &run.passed {
        println!("  {class}: {count} passed");
    }
    for (class, reason) in NOT_YET {
        println!("  {class}: {} not run: {reason}", run.left.get(*class).copied().unwrap_or_default());
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
    run
}

fn class_of(vector: &Value) -> String {
    match (vector["class"].as_str().unwrap(), vector["op"].as_str()) {
        ("encode", Some(op)) => format!("encode/{op}"),
        (class, _) => class.to_owned(),
    }
}

/// What our code makes of a vector, in the form of its `expect`; `None` for an
/// unknown class.
fn outcome(class: &str, vector: &Value) -> Option<Value> {
    let input = &vector["input"];
    let result = match class {
        "decode" => decode(&bytes(&vector["raw_hex"])),
        "malformed" => malformed(vector),
        "packet_hash" => packet_hash(&bytes(&vector["raw_hex"])),
        "keypair" => keypair(input),
        "channel_key" => channel_key(input),
        "channel_secret" => channel_secret(input),
        "channel_stored" => channel_stored(input),
        "cipher" => cipher_both_ways(input),
        "cipher_open" => cipher_open(input),
        "lpp" => lpp(input),
        "response_body" => response_body(input),
        "group_decrypt" => group_decrypt(vector),
        "group_encrypt" => group_encrypt(input),
        "advert_sign" => advert_sign(input, &vector["expect"]),
        "advert_verify" => advert_verify(input),
        "ecdh" => ecdh(input),
        "transport_code" => transport_code(input),
        "region_match" => region_match(input),
        "ack_checksum" => checksum(input),
        "airtime" => airtime(input),
        "preamble" => preamble(input),
        "encode/frame" => encode_frame(input),
        "encode/frame_len" => frame_len(input),
        "encode/ack" => encode_payload(PayloadType::Ack, &bytes(&input["ack"]), input),
        "encode/raw_custom" => encode_payload(PayloadType::RawCustom, &bytes(&input["data"]), input),
        "encode/advert" => encode_advert(input),
        "encode/advert_len" => advert_len(input),
        "encode/app_data" => encode_app_data(input),
        "encode/group_plaintext" => group_plaintext(input),
        "encode/group_plaintext_len" => group_plaintext_len(input),
        _ => return None,
    };
    Some(result.unwrap_or_else(|Failure { layer, kind }| json!({"error": {"layer": layer, "kind": kind}})))
}

/// An error as the vectors name it.
struct Failure {
    layer: &'static str,
    kind: &'static str,
}

type Outcome = Result<Value, Failure>;

macro_rules! layers {
    ($($error:ty: $layer:literal),* $(,)?) => {$(
        impl From<$error> for Failure {
            fn from(err: $error) -> Self {
                Self { layer: $layer, kind: err.kind() }
            }
        }
    )*};
}

layers! {
    HexError: "hex",
    FrameError: "frame",
    AppDataError: "appdata",
    CryptoError: "crypto",
    ContentError: "content",
    EncodeError: "encode",
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn array<const N: usize>(value: &Value) -> [u8; N] {
    bytes(value).try_into().unwrap()
}

fn small(value: &Value) -> u8 {
    value.as_u64().unwrap().try_into().unwrap()
}

fn number(value: &Value) -> u32 {
    value.as_u64().unwrap().try_into().unwrap()
}
