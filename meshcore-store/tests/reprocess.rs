//! Stored frames read again: what comes out is what would have been stored, however often it is interrupted.

use std::cell::Cell;
use std::path::PathBuf;

use meshcore_proto::{ChannelKey, KeyRing, Packet};
use meshcore_store::UnixMillis;
use meshcore_store::db::{Job, Reading, Reprocessed, Writer, WriterOptions, reprocess};
use meshcore_store::decoded::Signatures;
use meshcore_store::sim::{Mesh, MeshOptions, Scribe, TrafficOptions};
use rusqlite::Connection;
use tempfile::TempDir;

const START: UnixMillis = UnixMillis::from_seconds(1_777_593_600); // 2026-05-01T00:00:00Z

/// Columns that reading a frame gives.
const READ: &str =
    "id, route_type, payload_type, payload_version, decoded_json, from_pubkey, channel_hash, scope_name";

/// As an older program may have left it: nothing but frames.
const FORGET: &str =
    "UPDATE transmissions SET route_type = NULL, payload_version = NULL, decoded_json = NULL,
                             from_pubkey = NULL, channel_hash = NULL, scope_name = NULL";

/// A file with 2,000 messages of a small mesh, and the keys of its channels.
struct Filled {
    _folder: TempDir,
    path: PathBuf,
    keys: KeyRing,
}

impl Filled {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mesh.db");
        let mesh = Mesh::new(&MeshOptions::small());
        let mut scribe = Scribe::new(&mesh);
        let keys = mesh.channels().map(|(name, key)| (name, key.clone())).collect();
        let filled = Self { _folder: folder, path, keys };
        let writer = filled.writer();
        let writes = mesh.stream(START, TrafficOptions::rate(5)).filter_map(|event| scribe.write(event));
        for write in writes.take(2_000) {
            writer.submit(Job { ticket: 0, write }).unwrap();
        }
        writer.flush().unwrap();
        drop(writer);
        filled
    }

    fn writer(&self) -> Writer {
        Writer::open(&self.path, WriterOptions::default(), |_| {}).unwrap()
    }

    fn execute(&self, sql: &str) {
        Connection::open(&self.path).unwrap().execute_batch(sql).unwrap();
    }

    fn one(&self, sql: &str) -> i64 {
        Connection::open(&self.path).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// What was read from the frames, a text per packet.
    fn rows(&self) -> Vec<String> {
        let connection = Connection::open(&self.path).unwrap();
        let sql = format!("SELECT json_array({READ}) FROM transmissions ORDER BY id");
        let mut statement = connection.prepare(&sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    /// The first packet that is not as it was, with what it was.
    fn difference(&self, before: &[String]) -> Option<(String, String)> {
        let rows = self.rows();
        assert_eq!(rows.len(), before.len());
        rows.into_iter().zip(before.iter().cloned()).find(|(is, was)| is != was)
    }

    fn run(&self, keys: &KeyRing, plan: &str, should_stop: &dyn Fn() -> bool) -> Reprocessed {
        let writer = self.writer();
        let reading = Reading { keys, signatures: Signatures::Ignore, region: &|_| None, plan };
        reprocess(&self.path, Some(&writer.handle()), &reading, should_stop, &mut |_| {}).unwrap()
    }

    fn run_through(&self, keys: &KeyRing) -> Reprocessed {
        let done = self.run(keys, "plan", &|| false);
        assert!(done.is_finished);
        assert_eq!(self.one("SELECT COUNT(*) FROM _state WHERE key = 'reprocess'"), 0);
        done
    }
}

#[test]
fn what_is_stored_right_stays_and_what_is_missing_is_filled_in() {
    let filled = Filled::new();
    let (before, packets) = (filled.rows(), filled.one("SELECT COUNT(*) FROM transmissions"));
    let nothing = filled.run_through(&filled.keys);
    assert_eq!((nothing.read, nothing.changed), (u64::try_from(packets).unwrap(), 0));
    assert_eq!(filled.difference(&before), None);

    let texts = filled.one("SELECT COUNT(*) FROM transmissions WHERE decoded_json ->> 'type' = 'CHAN'");
    assert!(texts > 10, "there is something to see");
    filled.execute(FORGET);
    let all = filled.run_through(&filled.keys);
    assert_eq!((all.changed, all.opened), (nothing.read, u64::try_from(texts).unwrap()));
    assert_eq!(filled.difference(&before), None);
}

#[test]
fn an_interrupted_run_goes_on_and_both_do_what_one_would_have_done() {
    let filled = Filled::new();
    let expected = filled.rows();
    filled.execute(FORGET);
    let mut runs = 0;
    let mut last = 0;
    loop {
        // The third time it asks: once before the rows are read, then between errands.
        let asked = Cell::new(0);
        let done = filled.run(&filled.keys, "plan", &|| asked.replace(asked.get() + 1) >= 2 + runs);
        runs += 1;
        if runs > 1 {
            let resumed = done.resumed_after.expect("the run before left word");
            assert!(resumed > last);
            last = resumed;
        }
        if done.is_finished {
            break;
        }
    }
    assert!(runs > 3, "{runs} runs");
    assert_eq!(filled.difference(&expected), None);
}

#[test]
fn other_keys_begin_at_the_beginning() {
    let filled = Filled::new();
    let expected = filled.rows();
    filled.execute(FORGET);
    let asked = Cell::new(0);
    filled.run(&KeyRing::new(), "no keys", &|| asked.replace(asked.get() + 1) >= 3);
    assert_eq!(filled.one("SELECT COUNT(*) FROM _state WHERE key = 'reprocess'"), 1);
    let done = filled.run_through(&filled.keys);
    assert_eq!(done.resumed_after, None);
    assert_eq!(filled.difference(&expected), None);
}

#[test]
fn what_was_readable_stays_readable_and_rows_without_a_frame_stay() {
    let filled = Filled::new();
    filled.execute(
        "INSERT INTO transmissions (raw_hex, hash, first_seen, payload_type, decoded_json, channel_hash)
         VALUES ('', 'companion', '2026-05-01T00:00:00Z', 5, '{\"type\":\"CHAN\"}', 'ch1'),
                ('not hex', 'odd', '2026-05-01T00:00:00Z', 5, '{}', NULL);
         UPDATE transmissions SET scope_name = '#eu' WHERE scope_name = ''",
    );
    let before = filled.rows();
    let done = filled.run_through(&KeyRing::new());
    assert_eq!((done.changed, done.unreadable), (0, 1));
    assert_eq!(filled.difference(&before), None);
}

#[test]
fn scopes_get_the_names_of_regions_that_are_known_now() {
    let filled = Filled::new();
    let scoped = filled.one("SELECT COUNT(*) FROM transmissions WHERE scope_name IS NOT NULL");
    assert!(scoped > 0);
    filled.execute("UPDATE transmissions SET scope_name = '' WHERE scope_name IS NOT NULL");
    let writer = filled.writer();
    let region = |packet: &Packet<'_>| packet.transport().map(|_| "#here".to_owned());
    let reading =
        Reading { keys: &filled.keys, signatures: Signatures::Ignore, region: &region, plan: "plan" };
    reprocess(&filled.path, Some(&writer.handle()), &reading, &|| false, &mut |_| {}).unwrap();
    assert_eq!(filled.one("SELECT COUNT(*) FROM transmissions WHERE scope_name = '#here'"), scoped);
}

#[test]
fn without_a_writer_it_only_counts() {
    let filled = Filled::new();
    filled.execute(FORGET);
    let before = filled.rows();
    let other = [("#other", ChannelKey::hashtag("#other"))].into_iter().collect();
    let reading = Reading { keys: &other, signatures: Signatures::Ignore, region: &|_| None, plan: "plan" };
    let _writing = filled.writer();
    let would = reprocess(&filled.path, None, &reading, &|| false, &mut |_| {}).unwrap();
    assert_eq!((would.changed, would.opened), (u64::try_from(before.len()).unwrap(), 0));
    assert!(would.is_finished);
    assert_eq!(filled.difference(&before), None);
}
