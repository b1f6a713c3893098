//! Shows frames part by part, as a tree for people or as JSON for programs.
//!
//! ```text
//! cargo run -p meshcore-proto --example decode --all-features -- 1500d9690030a5ce0449fcf0c44f2dd0db108c2fe6
//! cargo run -p meshcore-proto --example decode --all-features -- --json < frames.jsonl
//! ```
//!
//! Ends with 1 when anything given was not a frame. A frame whose payload is
//! broken is still one: nodes pass it on, and so it is shown with what is wrong
//! in it. What was not a frame is told on standard output too, in its place
//! among the others and with the number of its line. Blank lines are skipped.
//!
//! `--channel`, `--node` and `--peer` decrypt. What was said is shown whole,
//! except for the passwords of logins. Other users of the machine can see the
//! keys on a command line.

use std::io::{self, BufRead, ErrorKind, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use meshcore_proto::{ChannelKey, DecodeOptions, Identity, Packet, PublicKey, RegionKey};

mod clean;
mod hidden;
mod json;
mod keys;
mod line;
mod tree;

use clean::Clean;
use hidden::Hidden;
use keys::Keys;
use line::LineError;

/// Shows MeshCore frames part by part.
#[derive(Parser)]
#[command(name = "decode")]
struct Arguments {
    /// Frames: hex digits, or a JSON object with the field `raw` or `raw_hex`. Without any, one per line of
    /// standard input
    frames: Vec<String>,

    /// One JSON object per frame and line
    #[arg(long)]
    json: bool,

    /// A channel to decrypt, besides `Public` and a few well-known hashtags: `NAME=KEY` with the key in base64 or
    /// as 32 or 64 hex digits, or `#NAME` alone
    #[arg(long, value_name = "NAME[=KEY]", value_parser = Hidden(keys::channel))]
    channel: Vec<(String, ChannelKey)>,

    /// A public region to recognize in the codes of packets
    #[arg(long, value_name = "NAME", value_parser = Hidden(keys::region))]
    region: Vec<(String, RegionKey)>,

    /// A node whose messages to decrypt: its private key as 128 hex digits, or its seed as 64
    #[arg(long, value_name = "KEY", value_parser = Hidden(keys::node))]
    node: Vec<[u8; 64]>,

    /// Another node that these nodes talk with: its public key as 64 hex digits
    // hidden as well, for who mixes up the two keys
    #[arg(long, value_name = "PUBLICKEY", value_parser = Hidden(hidden::bytes::<32>), requires = "node")]
    peer: Vec<[u8; 32]>,

    /// Refuse frames of other versions, as nodes do
    #[arg(long)]
    strict: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let keys = match arguments.keys() {
        Ok(keys) => keys,
        Err(err) => err.exit(),
    };
    match decode(&arguments, &keys, io::stdin().lock(), &mut io::stdout().lock()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        // whoever read this has read enough
        Err(err) if err.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(err) => {
            let _ = writeln!(io::stderr(), "error: {err}");
            ExitCode::FAILURE
        }
    }
}

impl Arguments {
    fn keys(&self) -> Result<Keys, clap::Error> {
        let mut keys = Keys::default();
        keys.channels.extend(self.channel.iter().cloned());
        keys.channels.push("Public", ChannelKey::public());
        keys.channels.extend(["#test", "#bot", "#LongFast"].map(|name| (name, ChannelKey::hashtag(name))));
        keys.regions.extend(self.region.iter().cloned());
        let nodes = self.node.iter().map(Identity::from_expanded).collect();
        let peers: Vec<_> = self.peer.iter().copied().map(PublicKey::from_bytes).collect();
        keys.add_nodes(nodes, &peers).map_err(|peer| {
            let message = format!("--peer {peer}: not a public key that a node can have");
            Self::command().error(clap::error::ErrorKind::ValueValidation, message)
        })?;
        Ok(keys)
    }
}

/// Shows everything; how much of it was not a frame.
fn decode(
    arguments: &Arguments,
    keys: &Keys,
    input: impl BufRead,
    out: &mut impl Write,
) -> io::Result<usize> {
    let mut bad = 0;
    let mut show = |raw: Result<Vec<u8>, LineError>, line: Option<usize>| -> io::Result<()> {
        bad += usize::from(!show(out, raw, line, keys, arguments)?);
        Ok(())
    };
    for frame in &arguments.frames {
        show(line::read_argument(frame), None)?;
    }
    if arguments.frames.is_empty() {
        for (line, number) in input.split(b'\n').zip(1..) {
            let line = line?;
            let line = String::from_utf8_lossy(&line);
            if !line::is_blank(&line) {
                show(line::read(&line), Some(number))?;
            }
        }
    }
    Ok(bad)
}

/// Shows one frame; whether it was one.
fn show(
    out: &mut impl Write,
    raw: Result<Vec<u8>, LineError>,
    line: Option<usize>,
    keys: &Keys,
    arguments: &Arguments,
) -> io::Result<bool> {
    let options = if arguments.strict { DecodeOptions::strict() } else { DecodeOptions::analyzer() };
    let err = match raw {
        Ok(raw) => match Packet::parse_with(&raw, options) {
            Ok(packet) if arguments.json => {
                return json::write(out, &json::frame(&packet, keys)).and(Ok(true));
            }
            Ok(packet) => return tree::frame(out, &packet, keys).and(Ok(true)),
            Err(err) => err.into(),
        },
        Err(err) => err,
    };
    match line {
        _ if arguments.json => json::write(out, &json::error(&err, line))?,
        Some(line) => writeln!(out, "line {line}: {}", Clean(&err.to_string()))?,
        None => writeln!(out, "{}", Clean(&err.to_string()))?,
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshcore_proto::content::{AnonRequest, PathReturn, Request, RequestKind, Response, TextMessage};
    use meshcore_proto::{EncodePayload, PathBuf, PayloadType, Route};
    use serde_json::{Value, json};

    const ALICE: [u8; 32] = [1; 32];
    const BOB: [u8; 32] = [2; 32];

    fn run(arguments: &[&str], input: &[u8]) -> (String, usize) {
        let arguments = Arguments::try_parse_from(["decode"].iter().chain(arguments)).unwrap();
        let mut out = Vec::new();
        let bad = decode(&arguments, &arguments.keys().unwrap(), input, &mut out).unwrap();
        (String::from_utf8(out).unwrap(), bad)
    }

    fn hex(bytes: &[u8]) -> String {
        meshcore_proto::hex::LowerHex(bytes).to_string()
    }

    fn frame(payload: &impl EncodePayload) -> String {
        Route::flood(1).unwrap().frame(payload).unwrap().to_string()
    }

    /// What Bob's keys make of a frame, as a tree and as the `decrypted` of JSON.
    fn as_bob(frame: &str) -> (String, Value) {
        let alice = Identity::from_seed(&ALICE).public_key().to_string();
        let arguments = ["--node", &hex(&BOB), "--peer", &alice, frame];
        let (tree, _) = run(&arguments, b"");
        let (line, _) = run(&[&arguments[..], &["--json"]].concat(), b"");
        for secret in [&ALICE[..], &BOB] {
            assert!(!tree.contains(&hex(secret)) && !line.contains(&hex(secret)));
        }
        let mut object: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(object["decrypt_error"], Value::Null);
        (tree, object["decrypted"].take())
    }

    #[test]
    fn an_argument_of_nothing_is_no_frame_but_a_blank_line_is_skipped() {
        for nothing in ["", "   "] {
            let (text, bad) = run(&[nothing], b"");
            assert_eq!((text.as_str(), bad), ("not a frame: header at byte 0: needs 1 bytes, 0 left\n", 1));
        }
        assert_eq!(run(&[], b"\n  \r\n\xef\xbb\xbf\n"), (String::new(), 0));
    }

    #[test]
    fn errors_are_in_place_and_name_their_line() {
        let input = b"\xef\xbb\xbf1500a1ffffff\n\nxyz\n\xff\n";
        let (text, bad) = run(&[], input);
        assert_eq!(bad, 2);
        assert!(text.starts_with("FLOOD GRP_TXT (6 bytes"), "{text}");
        let error = "not hex: character at byte 0 is not a hex digit";
        assert!(text.ends_with(&format!("line 3: {error}\nline 4: {error}\n")), "{text}");

        let (text, _) = run(&["--json"], input);
        let line: Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
        let error = json!({"layer": "hex", "kind": "InvalidHex", "message": error, "line": 3});
        assert_eq!(line, json!({"error": error}));
        let (text, _) = run(&["--json", "xyz"], b"");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["error"]["line"], Value::Null);
    }

    #[test]
    fn a_broken_payload_is_in_a_frame_all_the_same() {
        let (text, bad) = run(&["0900", "090001"], b"");
        assert_eq!(bad, 0);
        assert!(text.contains("0 left\n") && text.contains("left: 01\n"), "{text}");
    }

    #[test]
    fn the_regions_whose_code_fits_are_named() {
        let raw = "145915000000a1ffffff";
        let europe = RegionKey::public("#Europe").unwrap();
        let ack = meshcore_proto::payload::Ack::new([1, 2, 3, 4], &[]);
        let frame = Route::flood(1).unwrap().in_region(&europe).frame(&ack).unwrap().to_string();
        let (text, _) = run(&["--region", "uk", "--region", "Europe", &frame, raw], b"");
        assert_eq!(text.matches("  region       Europe\n").count(), 1, "{text}");
        let (text, _) = run(&["--json", "--region", "#Europe", &frame], b"");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["regions"], json!(["#Europe"]));
        assert!(Arguments::try_parse_from(["decode", "--region", "$Europe"]).is_err());
    }

    #[test]
    fn messages_between_nodes_are_opened_with_the_keys_of_either() {
        let (alice, bob) = (Identity::from_seed(&ALICE), Identity::from_seed(&BOB));
        let to_bob = alice.link(&bob.public_key()).unwrap();
        let to_alice = bob.link(&alice.public_key()).unwrap();

        let text = TextMessage::plain(1_700_000_000, 1, "six?\u{1b}").unwrap();
        let (tree, decrypted) = as_bob(&frame(&to_bob.seal(&text)));
        assert!(tree.contains(&format!("  sender       {}\n", alice.public_key())), "{tree}");
        assert!(tree.contains("  message      six?\\u{1b}\n"), "{tree}");
        assert_eq!(decrypted["text"]["text"], "six?\u{1b}");
        assert_eq!(
            (&decrypted["text"]["attempt"], &decrypted["text"]["txt_type"]),
            (&json!(1), &json!("PLAIN"))
        );
        assert_eq!(decrypted["from"], json!(alice.public_key().to_string()));

        let (_, decrypted) = as_bob(&frame(&to_alice.seal(&text)));
        assert_eq!(decrypted["to"], json!(alice.public_key().to_string()));

        let request = Request::new(7, RequestKind::GetOwnerInfo.get(), &[]).unwrap();
        let (tree, decrypted) = as_bob(&frame(&to_bob.seal(&request)));
        assert!(tree.contains("  request      GET_OWNER_INFO\n"), "{tree}");
        assert_eq!(decrypted["request"]["name"], "GET_OWNER_INFO");

        let (tree, decrypted) = as_bob(&frame(&to_bob.seal(&Response::new(7, b"hello").unwrap())));
        assert!(tree.contains("  tag          00000007\n"), "{tree}");
        assert_eq!(decrypted["response"]["body"], "68656c6c6f00000000000000");

        let path = PathBuf::from_hops(["84e4".parse().unwrap(), "5a6c".parse().unwrap()]).unwrap();
        let ack = [8, 0x40, 0xd5, 0xa4];
        let path = PathReturn::new(path.path_len(), path.as_bytes(), PayloadType::Ack, &ack).unwrap();
        let (tree, decrypted) = as_bob(&frame(&to_bob.seal(&path)));
        assert!(tree.contains("  way          84E4 5A6C\n  brings ACK   a4d54008\n"), "{tree}");
        assert_eq!(decrypted["path"]["hops"], json!(["84e4", "5a6c"]));
    }

    #[test]
    fn passwords_of_logins_are_counted_and_not_shown() {
        let (alice, bob) = (Identity::from_seed(&ALICE), Identity::from_seed(&BOB));
        let link = alice.link(&bob.public_key()).unwrap();
        let (tree, decrypted) = as_bob(&frame(&link.seal(&AnonRequest::login(7, "geheim42").unwrap())));
        assert!(tree.contains("  login        password of 8 bytes\n"), "{tree}");
        assert_eq!(decrypted["login"], json!({"password_len": 8}));
        for shown in [tree, decrypted.to_string()] {
            for secret in ["gehe", "67656865", &u32::from_le_bytes(*b"gehe").to_string()] {
                assert!(!shown.contains(secret), "{shown}");
            }
        }
    }

    #[test]
    fn what_no_key_opens_is_shown_encrypted() {
        let (alice, bob) = (Identity::from_seed(&ALICE), Identity::from_seed(&BOB));
        let to_bob = alice.link(&bob.public_key()).unwrap();
        let sealed = frame(&to_bob.seal(&TextMessage::plain(1, 0, "hello").unwrap()));
        let (text, _) = run(&[&sealed], b"");
        assert!(text.contains("  ciphertext   ") && !text.contains("no secret"), "{text}");
        let (text, _) = run(&["--node", &hex(&BOB), &sealed], b"");
        assert!(text.contains(" (no secret for a message from "), "{text}");
        let (text, _) = run(&["--json", "--node", &hex(&BOB), &sealed], b"");
        let object: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&object["decrypted"], &object["decrypt_error"]), (&Value::Null, &json!("NoKey")));
    }

    #[test]
    fn keys_are_not_repeated_when_they_are_wrong() {
        for argument in ["--node", "--peer", "--channel"] {
            let key = format!("{}deadbee", if argument == "--channel" { "a=" } else { "" });
            let message = match Arguments::try_parse_from(["decode", argument, &key, "--node", &hex(&BOB)]) {
                Ok(_) => panic!("{argument} takes {key}"),
                Err(err) => err.to_string(),
            };
            assert!(!message.contains("deadbee"), "{message}");
        }
    }
}
