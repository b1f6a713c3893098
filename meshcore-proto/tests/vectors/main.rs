//! The test vectors of the wire format, one by one.
//!
//! Some lie beside this file. More of them, captured ones among others, are in
//! the folder that `MESHCORE_VECTORS` names, or else next to the workspace. A
//! class that is not known here fails.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use meshcore_proto::{
    AppDataError, ContentError, CryptoError, EncodeError, FrameError, PayloadError, hex::HexError,
};
use serde_json::{Value, json};

mod content;
mod crypto;
mod decode;
mod encode;
mod keys;
mod send;

use content::{lpp, peer_decrypt, response_body};
use crypto::{
    advert_sign, advert_verify, channel_key, channel_secret, channel_stored, cipher_both_ways, cipher_open,
    group_decrypt, keypair,
};
use decode::{decode, malformed, packet_hash};
use encode::{
    advert_len, encode_advert, encode_app_data, encode_frame, frame_len, group_encrypt, group_plaintext,
    group_plaintext_len,
};
use keys::{airtime, checksum, ecdh, preamble, region_match, transport_code};

#[test]
fn our_own_vectors_hold() {
    let passed = run_folder(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors")));
    assert!(passed.values().sum::<usize>() > 1_000, "the vectors are gone");
}

#[test]
fn all_vectors_hold_where_they_are() {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/vectors");
    let folder = match env::var_os("MESHCORE_VECTORS") {
        Some(folder) => PathBuf::from(folder),
        None if !Path::new(beside).is_dir() => {
            eprintln!("skipped: no vectors next to the workspace, and MESHCORE_VECTORS is not set");
            return;
        }
        None => PathBuf::from(beside),
    };
    let passed = run_folder(&folder);
    let manifest: Value = serde_json::from_slice(&fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["total"], passed.values().sum::<usize>(), "not all were run");
    for (file, listed) in manifest["files"].as_object().unwrap() {
        assert_eq!(listed["count"], passed[file], "{file}");
    }
}

/// Runs all vectors of a folder, says how many each file has, and returns that.
#[expect(clippy::print_stdout, reason = "the counts are the report of this test")]
fn run_folder(folder: &Path) -> BTreeMap<String, usize> {
    println!("{}:", folder.file_name().unwrap().to_string_lossy());
    let mut passed = BTreeMap::new();
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
        let mut good = 0;
        for vector in vectors {
            match outcome(vector) {
                Some(got) if got == vector["expect"] => good += 1,
                Some(got) => {
                    let want = &vector["expect"];
                    failures.push(format!("{name} {}\n  want {want}\n  got  {got}", vector["id"]));
                }
                None => failures.push(format!("{name} {}: nobody knows {}", vector["id"], class_of(vector))),
            }
        }
        println!("  {name}: {good} of {} passed", vectors.len());
        passed.insert(name, good);
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
    passed
}

fn class_of(vector: &Value) -> String {
    match (vector["class"].as_str().unwrap(), vector["op"].as_str()) {
        ("encode", Some(op)) => format!("encode/{op}"),
        (class, _) => class.to_owned(),
    }
}

/// What our code makes of a vector, in the form of its `expect`; `None` for an
/// unknown class.
fn outcome(vector: &Value) -> Option<Value> {
    let input = &vector["input"];
    let result = match &*class_of(vector) {
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
        "peer_decrypt" => peer_decrypt(vector),
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
        "encode/ack" => send::ack(input),
        "encode/multipart_ack" => send::multipart_ack(input),
        "encode/trace" => send::trace(input),
        "encode/discover_req" => send::discover_req(input),
        "encode/discover_resp" => send::discover_resp(input),
        "encode/text" => send::text(input),
        "encode/request" => send::request(input),
        "encode/request_raw" => send::request_raw(input),
        "encode/response" => send::response(input),
        "encode/path_return" => send::path_return(input),
        "encode/login" => send::login(input),
        "encode/anon_request" => send::anon_request(input),
        "encode/peer_plaintext" => send::peer_plaintext(input),
        "encode/raw_custom" => send::raw_custom(input),
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
    PayloadError: "payload",
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
