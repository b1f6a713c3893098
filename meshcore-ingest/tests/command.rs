//! The command line, run as people run it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use meshcore_store::db::{Writer, WriterOptions};
use rusqlite::Connection;
use tempfile::TempDir;

/// A database of one node, in a folder of its own.
fn database() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mesh.db");
    drop(Writer::open(&path, WriterOptions::default(), |_| {}).unwrap());
    execute(&path, "INSERT INTO nodes (public_key, name) VALUES ('ab', 'before')");
    (folder, path)
}

fn execute(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

fn names(path: &Path) -> String {
    let sql = "SELECT group_concat(name) FROM nodes";
    Connection::open(path).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_meshcore-ingest")).args(arguments).output().unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_database_is_saved_and_put_back() {
    let (folder, path) = database();
    let copy = folder.path().join("saved.db");
    let saved = run(&["backup", text(&path), "--to", text(&copy)]);
    assert_eq!(saved.status.code(), Some(0), "{saved:?}");
    let said = stdout(&saved);
    let steps: Vec<&str> =
        said.lines().filter_map(|line| line.split_once(": ")).map(|(step, _)| step).collect();
    assert_eq!(steps, ["copy", "verify", "finish", text(&copy)], "a line per step");
    assert!(said.trim_end().ends_with("bytes, verified"), "{said}");
    execute(&path, "UPDATE nodes SET name = 'after'");
    let restored = run(&["restore", text(&path), "--from", text(&copy)]);
    assert_eq!(restored.status.code(), Some(0), "{restored:?}");
    assert_eq!((names(&path), names(&copy)), ("before".into(), "before".into()));
    let said = stdout(&restored);
    let kept = said.lines().find_map(|line| line.strip_suffix(": what was there before")).unwrap();
    assert!(kept.starts_with(&format!("{}.before-restore-", path.display())), "{said}");
    assert_eq!(names(Path::new(kept)), "after");
}

#[test]
fn a_backup_without_a_name_gets_one() {
    let (folder, path) = database();
    assert_eq!(run(&["backup", text(&path)]).status.code(), Some(0));
    let is_copy = |name: &String| {
        let digits = name.strip_prefix("mesh.db.backup-");
        digits.is_some_and(|digits| digits.len() == 13 && digits.bytes().all(|digit| digit.is_ascii_digit()))
    };
    let files = fs::read_dir(folder.path()).unwrap();
    assert_eq!(files.map(|file| file.unwrap().file_name().into_string().unwrap()).filter(is_copy).count(), 1);
}

#[test]
fn a_check_ends_with_0_only_when_all_is_in_order() {
    let (_folder, path) = database();
    let good = run(&["check", text(&path)]);
    assert_eq!(good.status.code(), Some(0), "{good:?}");
    let said = stdout(&good);
    assert!(said.contains("rows of nodes: 1\n") && said.ends_with("mesh.db: in order\n"), "{said}");
    execute(
        &path,
        "INSERT INTO transmissions (id, raw_hex, hash, first_seen) VALUES (1, '', 'a', '');
         INSERT INTO observations (transmission_id, observer_idx, timestamp) VALUES (1, 7, 0)",
    );
    let wrong = run(&["check", text(&path)]);
    assert_eq!(wrong.status.code(), Some(1), "{wrong:?}");
    assert!(stdout(&wrong).contains("WRONG: observations of observers that are not there: 1\n"));
    assert!(stderr(&wrong).ends_with("mesh.db: not in order\n"), "{}", stderr(&wrong));
    execute(&path, "DROP TABLE neighbor_edges");
    let incomplete = run(&["check", text(&path)]);
    assert_eq!(incomplete.status.code(), Some(1));
    assert!(stdout(&incomplete).contains("MISSING: table neighbor_edges\n"));
}

#[test]
fn what_fails_ends_with_1_and_says_why() {
    let (folder, path) = database();
    let nowhere = folder.path().join("nowhere.db");
    let copy = folder.path().join("copy.db");
    fs::write(&copy, "precious").unwrap();
    for (arguments, why) in [
        (vec!["backup", text(&nowhere)], "nowhere.db"),
        (vec!["check", text(&nowhere)], "nowhere.db"),
        (vec!["backup", text(&path), "--to", text(&copy)], "exists; choose another name"),
        (vec!["restore", text(&path), "--from", text(&copy)], "copy.db: file is not a database"),
    ] {
        let output = run(&arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(stderr(&output).contains(why), "{arguments:?}: {}", stderr(&output));
    }
    let _writer = Writer::open(&path, WriterOptions::default(), |_| {}).unwrap();
    let output = run(&["restore", text(&path), "--from", text(&copy)]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("another CoreScope process is writing to it"), "{}", stderr(&output));
    assert_eq!(names(&path), "before");
}

#[test]
fn what_is_called_wrongly_ends_with_2() {
    for arguments in
        [vec!["backup"], vec!["restore", "a.db"], vec!["check"], vec!["tidy", "a.db"], vec!["--tidy"]]
    {
        let output = run(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains("Usage: "), "{arguments:?}");
    }
    let output = run(&["--config", "nowhere.json"]);
    assert_eq!(output.status.code(), Some(2), "a configuration that cannot be used: {output:?}");
}

/// A file of the time before transmissions: two observers heard the same packet.
fn first_generation(folder: &Path) -> PathBuf {
    let path = folder.join("old.db");
    execute(
        &path,
        "CREATE TABLE packets (id INTEGER PRIMARY KEY, raw_hex TEXT, timestamp TEXT, observer_id TEXT,
             observer_name TEXT, direction TEXT, snr REAL, rssi REAL, score INTEGER, hash TEXT, route_type INTEGER,
             payload_type INTEGER, payload_version INTEGER, path_json TEXT, decoded_json TEXT, created_at TEXT);
         CREATE TABLE paths (id INTEGER PRIMARY KEY, packet_id INTEGER, hop_index INTEGER, node_hash TEXT);
         CREATE TABLE nodes (public_key TEXT PRIMARY KEY, name TEXT, role TEXT, lat REAL, lon REAL, last_seen TEXT,
             first_seen TEXT, advert_count INTEGER DEFAULT 0);
         CREATE TABLE observers (id TEXT PRIMARY KEY, name TEXT, iata TEXT, last_seen TEXT, first_seen TEXT,
             packet_count INTEGER DEFAULT 0);
         INSERT INTO packets (id, raw_hex, timestamp, observer_id, hash, route_type, payload_type, path_json)
         VALUES (1, '3E0001020304', '2026-03-01T10:00:00.123Z', 'AA', 'x', 2, 15, '[]'),
                (2, '3E0001020304', '2026-03-01T10:00:01.123Z', 'BB', 'x', 2, 15, NULL);",
    );
    path
}

#[test]
fn an_old_database_is_upgraded_when_asked_and_only_then() {
    let folder = tempfile::tempdir().unwrap();
    let path = first_generation(folder.path());
    let before = fs::read(&path).unwrap();
    let planned = run(&["migrate", "--dry-run", text(&path)]);
    assert_eq!(planned.status.code(), Some(0), "{planned:?}");
    let said = stdout(&planned);
    assert!(
        said.contains(": v1") && said.contains("content_hash_v2") && said.contains("a copy would be kept"),
        "{said}"
    );
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");

    let upgraded = run(&["migrate", text(&path)]);
    assert_eq!(upgraded.status.code(), Some(0), "{upgraded:?}");
    let said = stdout(&upgraded);
    assert!(said.contains("rows of observations: not there, now 2"), "{said}");
    let copy = said.lines().find_map(|line| line.strip_suffix(": a copy of what it was")).unwrap();
    assert!(Path::new(copy).exists());
    assert_eq!(run(&["check", text(&path)]).status.code(), Some(0));
    let again = run(&["migrate", text(&path)]);
    assert!(stdout(&again).contains("up to date, 0 steps were done"), "{again:?}");
}

#[test]
fn what_is_no_database_of_ours_is_not_upgraded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("others.db");
    let missing = run(&["migrate", text(&path)]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(stderr(&missing).contains("no such file") && !path.exists());
    execute(&path, "CREATE TABLE songs (title TEXT)");
    let refused = run(&["migrate", text(&path)]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("not a CoreScope database"), "{refused:?}");
}

#[test]
fn packed_observations_are_brought_back() {
    let (_folder, path) = database();
    execute(
        &path,
        "INSERT INTO transmissions (id, raw_hex, hash, first_seen, last_seen) VALUES (1, '3E00', 'h', '', 1);
         INSERT INTO packed_observations (transmission_id, first_id, first_timestamp, observations, packed)
         VALUES (1, 5, 7, 1, x'789c8b8e36d0c92bcdc9d189567234548ad531888d05003985057e')", // zlib of [[0,null,["A1"],0]]
    );
    let unpacked = run(&["unpack", text(&path)]);
    assert_eq!(unpacked.status.code(), Some(0), "{unpacked:?}");
    let there: i64 = Connection::open(&path)
        .unwrap()
        .query_row(
            "SELECT COUNT(*) FROM observations WHERE id = 5 AND timestamp = 7 AND path_json = '[\"A1\"]'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(there, 1);
}
