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
