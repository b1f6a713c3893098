//! Messages of channels: written down by `decrypt`, and made readable by `reprocess`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;

use meshcore_proto::content::ChannelMessage;
use meshcore_proto::{ChannelKey, KeyRing, Packet, RegionKey, Route};
use meshcore_store::db::{Job, PacketWrite, Write, Writer, WriterOptions, pack};
use meshcore_store::decoded::{Decoded, Signatures};
use meshcore_store::sim::{Mesh, MeshOptions, Scribe, TrafficOptions};
use meshcore_store::{Direction, Reception, Signal, UnixMillis};
use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

const START: UnixMillis = UnixMillis::from_seconds(1_777_593_600); // 2026-05-01T00:00:00Z
const SECRET: &str = "00112233445566778899aabbccddeeff";

/// Two messages in `#test`, one in a channel whose key is not known when they are stored.
fn database() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mesh.db");
    let writer = Writer::open(&path, WriterOptions::default(), |_| {}).unwrap();
    let (test, secret) = (ChannelKey::hashtag("#test"), SECRET.parse().unwrap());
    said(&writer, &test, "Alice", "hello", 0, &["roof", "hill"]);
    said(&writer, &secret, "Mallory", "<script>alert(\"1\")</script>\nforged\u{202e}", 60, &["roof"]);
    said(&writer, &test, "Bob", "hi, Alice", 120, &["roof"]);
    writer.flush().unwrap();
    (folder, path)
}

/// Stores a message, heard by these observers `seconds` after the start.
fn said(writer: &Writer, key: &ChannelKey, sender: &str, message: &str, seconds: i64, observers: &[&str]) {
    let at = UnixMillis::from_seconds(START.seconds() + seconds);
    let timestamp = u32::try_from(at.seconds()).unwrap();
    let message = ChannelMessage { timestamp, sender, message };
    store(writer, &Route::flood(1).unwrap().frame(&key.seal(&message)).unwrap(), at, observers);
}

/// Stores a frame as somebody does who knows the key of `#test` and no region.
fn store(writer: &Writer, frame: &[u8], at: UnixMillis, observers: &[&str]) {
    let packet = Packet::parse(frame).unwrap();
    let known: KeyRing = [("#test", ChannelKey::hashtag("#test"))].into_iter().collect();
    let decoded = Decoded::of(&packet, &known, Signatures::Verify);
    for observer in observers {
        let reception = Reception {
            received_at: at,
            observer: observer.parse().unwrap(),
            observer_name: None,
            region: Some("ZRH".into()),
            direction: Some(Direction::Rx),
            signal: Signal { snr: Some(-7.25), rssi: Some(-101.0), score: None },
        };
        let write = PacketWrite::new(&packet, &decoded, hex::encode_upper(frame), reception).unwrap();
        writer.submit(Job { ticket: 0, write: Write::Packet(Box::new(write)) }).unwrap();
    }
}

/// A configuration that knows the key.
fn config(folder: &Path) -> PathBuf {
    let path = folder.join("keys.json");
    fs::write(&path, format!(r#"{{ "channelKeys": {{ "secret": "{SECRET}" }}, }}"#)).unwrap();
    path
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshcore-ingest"));
    command.args(arguments).env_clear();
    command
}

#[track_caller]
fn run(arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = command(arguments).output().unwrap();
    assert_eq!(status.code(), Some(0), "{arguments:?}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn one(path: &Path, sql: &str) -> String {
    Connection::open(path).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn messages_are_written_a_line_each_oldest_first() {
    let (folder, path) = database();
    let _writing = Writer::open(&path, WriterOptions::default(), |_| {}).unwrap();
    let stored = "2026-05-01T00:00:00Z #test Alice: hello\n2026-05-01T00:02:00Z #test Bob: hi, Alice\n";
    assert_eq!(run(&["decrypt", text(&path)]), stored);
    assert_eq!(run(&["decrypt", text(&path), "--channel", "test"]), stored);
    assert_eq!(run(&["decrypt", text(&path), "--channel", "#other"]), "");

    let secret = "2026-05-01T00:01:00Z secret Mallory: <script>alert(\"1\")</script> forged\n";
    let config = config(folder.path());
    let all = run(&["decrypt", text(&path), "--config", text(&config)]);
    let (first, last) = stored.split_at(stored.find('\n').unwrap() + 1);
    assert_eq!(all, [first, secret, last].concat());
    assert_eq!(run(&["decrypt", text(&path), "--config", text(&config), "--channel", "secret"]), secret);
    assert_eq!(run(&["decrypt", text(&path), "--key", SECRET, "--channel", "secret"]), secret);
}

#[test]
fn messages_are_written_as_json_with_how_they_were_heard() {
    let (folder, path) = database();
    // Packed or not, it was heard by both.
    Connection::open(&path)
        .unwrap()
        .execute_batch("INSERT INTO _state VALUES ('neighbor_edges_obs_id', '1000')")
        .unwrap();
    let writer = Writer::open(&path, WriterOptions::default(), |_| {}).unwrap();
    assert_eq!(pack(&writer.handle(), UnixMillis::from_seconds(4_000_000_000), &|| false).unwrap(), 4);
    drop(writer);

    let config = config(folder.path());
    let said = run(&["decrypt", text(&path), "--format", "json", "--config", text(&config)]);
    let messages: Vec<Value> = serde_json::from_str(&said).unwrap();
    assert_eq!(messages.len(), 3);
    let hash = one(&path, "SELECT hash FROM transmissions WHERE id = 1");
    let expected = serde_json::json!({
        "time": "2026-05-01T00:00:00Z", "channel": "#test", "sender": "Alice", "text": "hello",
        "sender_time": "2026-05-01T00:00:00Z", "hash": hash, "observers": 2, "hops": 0, "path": [],
        "snr": -7.25, "rssi": -101.0,
    });
    assert_eq!(messages[0], expected);
    assert_eq!(messages[1]["text"], "<script>alert(\"1\")</script>\nforged\u{202e}");
    assert_eq!(run(&["decrypt", text(&path), "--format", "json", "--channel", "#other"]), "[\n]\n");
}

#[test]
fn messages_are_written_as_a_page_in_which_texts_are_no_markup() {
    let (folder, path) = database();
    let (config, page) = (config(folder.path()), folder.path().join("messages.html"));
    let arguments =
        ["decrypt", text(&path), "--format", "html", "--config", text(&config), "--out", text(&page)];
    assert!(run(&arguments).ends_with("messages.html: 3 messages\n"));
    let html = fs::read_to_string(&page).unwrap();
    assert_eq!(html.matches("<script").count(), 1, "the page's own: {html}");
    assert!(html.contains("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; forged</p>"), "{html}");
    assert!(
        html.contains("content=\"default-src 'none';") && !html.contains("http:") && !html.contains("//")
    );
    assert_eq!(html.matches("<li data-channel=").count(), 3);
    // What is there is not overwritten.
    let again = command(&arguments).output().unwrap();
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("exists; choose another name"));
}

#[test]
fn what_cannot_be_done_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("nowhere.db");
    for (arguments, code) in [
        (vec!["decrypt", text(&nowhere)], 1),
        (vec!["reprocess", text(&nowhere)], 1),
        (vec!["decrypt", text(&nowhere), "--key", "short"], 2),
        (vec!["decrypt", text(&nowhere), "--config", "nowhere.json"], 2),
        (vec!["reprocess", text(&nowhere), "--format", "json"], 2),
    ] {
        let output = command(&arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {output:?}");
    }
    assert!(!nowhere.exists());
}

#[test]
fn a_message_that_was_closed_is_readable_after_it_is_read_again_with_its_key() {
    let (folder, path) = database();
    let config = config(folder.path());
    let stored = || one(&path, "SELECT channel_hash || ' ' || decoded_json FROM transmissions WHERE id = 2");
    let closed = stored();
    assert!(closed.starts_with("enc_"), "{closed}");
    let arguments = ["reprocess", text(&path), "--config", text(&config)];
    let would = run(&[&arguments[..], &["--dry-run"]].concat());
    assert!(would.contains("3 packets read, 1 would change, of which 1 messages"), "{would}");
    assert_eq!(stored(), closed);
    let did = run(&arguments);
    assert!(did.contains("3 packets read, 1 changed, of which 1 messages"), "{did}");
    let open = stored();
    assert!(open.starts_with("secret {\"type\":\"CHAN\",\"channel\":\"secret\""), "{open}");
    assert!(run(&arguments).contains(" 0 changed"));
    assert!(run(&["decrypt", text(&path)]).contains("secret Mallory"), "now without the key");
}

#[test]
fn a_scope_gets_its_name_when_the_region_is_known() {
    let (folder, path) = database();
    let writer = Writer::open(&path, WriterOptions::default(), |_| {}).unwrap();
    let region = RegionKey::public("#here").unwrap();
    let message = ChannelMessage { timestamp: 1, sender: "Alice", message: "near" };
    let sealed = ChannelKey::hashtag("#test");
    let frame = Route::flood(1).unwrap().in_region(&region).frame(&sealed.seal(&message)).unwrap();
    store(&writer, &frame, START, &["roof"]);
    writer.flush().unwrap();
    drop(writer);
    let config = folder.path().join("regions.json");
    fs::write(&config, r#"{"hashRegions": ["there", "here"]}"#).unwrap();
    let scope = || one(&path, "SELECT scope_name FROM transmissions WHERE id = 4");
    assert_eq!(scope(), "");
    run(&["reprocess", text(&path), "--config", text(&config)]);
    assert_eq!(scope(), "#here");
    assert!(run(&["reprocess", text(&path)]).contains(" 0 changed"), "a name is not forgotten");
}

#[test]
fn a_run_that_was_killed_and_one_more_do_what_one_does() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, killed) = (folder.path().join("whole.db"), folder.path().join("killed.db"));
    let mesh = Mesh::new(&MeshOptions::small());
    let mut scribe = Scribe::new(&mesh);
    let writer = Writer::open(&whole, WriterOptions::default(), |_| {}).unwrap();
    let writes = mesh.stream(START, TrafficOptions::rate(5)).filter_map(|event| scribe.write(event));
    for write in writes.take(6_000) {
        writer.submit(Job { ticket: 0, write }).unwrap();
    }
    writer.flush().unwrap();
    drop(writer);
    let forget = "UPDATE transmissions SET decoded_json = '{}', channel_hash = NULL, from_pubkey = NULL";
    Connection::open(&whole).unwrap().execute_batch(forget).unwrap();
    let forgotten = folder.path().join("forgotten.db");
    fs::copy(&whole, &forgotten).unwrap();
    run(&["reprocess", text(&whole)]);

    // Killed as soon as something is written. Where it was too fast for that, once more.
    let mut rounds = 0;
    let resumed = loop {
        rounds += 1;
        assert!(rounds < 20, "it was never caught in the middle");
        for suffix in ["", "-wal", "-shm"] {
            drop(fs::remove_file(format!("{}{suffix}", killed.display())));
        }
        fs::copy(&forgotten, &killed).unwrap();
        let mut child = command(&["reprocess", text(&killed)]).stdout(Stdio::null()).spawn().unwrap();
        let has_begun = "SELECT CAST(COUNT(*) AS TEXT) FROM _state WHERE key = 'reprocess'";
        while child.try_wait().unwrap().is_none() && one(&killed, has_begun) == "0" {
            thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let said = run(&["reprocess", text(&killed)]);
        if said.contains("a run that was interrupted went on after packet") {
            break said;
        }
    };
    assert!(!resumed.contains(": 0 packets read"), "there was something left to do: {resumed}");

    let rows = "SELECT json_group_array(json_array(id, decoded_json, channel_hash, from_pubkey, scope_name)) FROM transmissions";
    assert!(one(&killed, rows) == one(&whole, rows), "the files differ");
    assert!(one(&whole, rows).contains("CHAN"));
    let left = "SELECT CAST(COUNT(*) AS TEXT) FROM _state WHERE key = 'reprocess'";
    assert_eq!((one(&whole, left), one(&killed, left)), ("0".into(), "0".into()));
}
