//! Saving the database, putting it back, and examining it.

mod database;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use database::{Database, NOON, message, one};
use meshcore_store::db::{Job, Progress, Reader, StoreError, backup, check, restore};
use rusqlite::Connection;

fn silent(_: Progress) {}

/// Packets in a file, and whether SQLite finds it whole.
fn content(path: &Path) -> (i64, String) {
    let connection = Connection::open(path).unwrap();
    (one(&connection, "SELECT COUNT(*) FROM transmissions"), one(&connection, "PRAGMA integrity_check"))
}

fn whole(packets: i64) -> (i64, String) {
    (packets, "ok".to_owned())
}

/// Names of the files beside the database, those of its log and lock left out.
fn beside(database: &Database) -> Vec<String> {
    let names = fs::read_dir(database.folder.path()).unwrap();
    let mut names: Vec<String> =
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| {
        !["mesh.db", "mesh.db-wal", "mesh.db-shm", "mesh.db.writer.lock"].contains(&name.as_str())
    });
    names.sort();
    names
}

#[test]
fn a_backup_during_a_writing_load_is_whole_and_of_one_moment() {
    let database = Database::new();
    database.fill(2_000, 2);
    let to = database.folder.path().join("copy.db");
    let (is_done, begun) = (AtomicBool::new(false), AtomicBool::new(false));
    let writer = database.writer();
    let (written, copied) = thread::scope(|scope| {
        let load = scope.spawn(|| {
            let mut packets = 10_000;
            while !is_done.load(Ordering::Relaxed) {
                for observer in 0..2 {
                    writer.submit(Job { ticket: 0, write: message(packets, observer) }).unwrap();
                }
                packets += 1;
                begun.store(true, Ordering::Release);
            }
            packets - 10_000
        });
        while !begun.load(Ordering::Acquire) {
            thread::yield_now();
        }
        let mut steps = Vec::new();
        let copied = backup(&database.path, &to, &mut |progress| {
            assert!(progress.done <= progress.total, "{progress:?}");
            steps.push(progress.step);
        });
        is_done.store(true, Ordering::Relaxed);
        steps.dedup();
        assert_eq!(steps, ["copy", "verify", "finish"]);
        (load.join().unwrap(), copied.unwrap())
    });
    drop(writer);
    assert!(written > 0);
    assert_eq!(content(&to).1, "ok");
    let rows = |table: &str| copied.rows.iter().find(|rows| rows.table == table).unwrap().rows;
    let reader = Connection::open(&to).unwrap();
    for table in ["transmissions", "observations", "observers"] {
        assert_eq!(one::<i64>(&reader, &format!("SELECT COUNT(*) FROM {table}")), rows(table));
    }
    assert!((2_000..=2_000 + i64::from(written)).contains(&rows("transmissions")));
    assert_eq!(one::<String>(&reader, "PRAGMA journal_mode"), "delete", "one file, without a log");
    assert_eq!(one::<i64>(&reader, "PRAGMA auto_vacuum"), 2);
    assert_eq!(copied.bytes, to.metadata().unwrap().len());
    Reader::open(&to).unwrap();
    assert!(check(&to).unwrap().is_ok());
    assert_eq!(database.one::<i64>("SELECT COUNT(*) FROM transmissions"), 2_000 + i64::from(written));
    assert_eq!(beside(&database), ["copy.db"]);
}

#[test]
fn a_backup_overwrites_nothing_and_leaves_nothing_half_done() {
    let database = Database::new();
    let to = database.folder.path().join("copy.db");
    fs::write(&to, "precious").unwrap();
    let error = backup(&database.path, &to, &mut silent).unwrap_err();
    assert!(matches!(error, StoreError::Exists { .. }), "{error}");
    assert_eq!(fs::read(&to).unwrap(), b"precious");
    fs::remove_file(&to).unwrap();
    fs::write(database.folder.path().join("copy.db.partial"), "of a run that was killed").unwrap();
    backup(&database.path, &to, &mut silent).unwrap();
    assert_eq!(beside(&database), ["copy.db"]);
    let nowhere = database.folder.path().join("nowhere/copy.db");
    assert!(backup(&database.path, &nowhere, &mut silent).is_err());
    assert!(matches!(
        backup(Path::new("nowhere.db"), &to.with_extension("2"), &mut silent),
        Err(StoreError::Open { .. })
    ));
}

#[test]
fn an_incomplete_database_is_not_backed_up() {
    let database = Database::new();
    database.execute("DROP TABLE client_observers");
    let to = database.folder.path().join("copy.db");
    let error = backup(&database.path, &to, &mut silent).unwrap_err().to_string();
    assert!(error.contains("client_observers"), "{error}");
    assert!(beside(&database).is_empty());
}

/// A database of 3 packets, and a backup from when it had 2.
fn with_backup() -> (Database, PathBuf) {
    let database = Database::new();
    database.fill(2, 1);
    let from = database.folder.path().join("saved.db");
    backup(&database.path, &from, &mut silent).unwrap();
    database.fill(3, 1);
    (database, from)
}

#[test]
fn a_restore_puts_the_backup_in_place_and_keeps_what_was_there() {
    let (database, from) = with_backup();
    let restored = restore(&database.path, &from, NOON, &mut silent).unwrap();
    let kept = database.folder.path().join("mesh.db.before-restore-1777636800000");
    assert_eq!(restored.kept.as_deref(), Some(kept.as_path()));
    assert_eq!(content(&database.path), whole(2));
    assert_eq!(content(&kept), whole(3));
    assert_eq!(content(&from), whole(2));
    assert_eq!(beside(&database), ["mesh.db.before-restore-1777636800000", "saved.db"]);
    database.fill(5, 1);
    assert_eq!(content(&database.path), whole(5), "it is a database to write to");
}

#[test]
fn a_restored_database_is_not_taken_for_the_one_that_was_saved() {
    let (database, from) = with_backup();
    restore(&database.path, &from, NOON, &mut silent).unwrap();
    let identity = |path: &Path| -> String {
        let connection = Connection::open(path).unwrap();
        connection
            .query_row("SELECT value FROM _state WHERE key = 'database_id'", [], |row| row.get(0))
            .unwrap()
    };
    let restored = identity(&database.path);
    assert_ne!(restored, identity(&from));
    drop(database.writer());
    assert_eq!(restored, identity(&database.path), "it has its own from then on");
}

#[test]
fn a_lost_database_comes_back() {
    let (database, from) = with_backup();
    fs::remove_file(&database.path).unwrap();
    assert_eq!(restore(&database.path, &from, NOON, &mut silent).unwrap().kept, None);
    assert_eq!(content(&database.path), whole(2));
}

#[test]
fn a_damaged_database_is_kept_with_its_log() {
    let (database, from) = with_backup();
    fs::write(&database.path, "no database at all, but somebody may want to look at it").unwrap();
    let log = database.folder.path().join("mesh.db-wal");
    fs::write(&log, "its log").unwrap();
    let kept = restore(&database.path, &from, NOON, &mut silent).unwrap().kept.unwrap();
    assert!(fs::read(&kept).unwrap().starts_with(b"no database"));
    assert_eq!(fs::read(format!("{}-wal", kept.display())).unwrap(), b"its log");
    assert!(!log.exists());
    assert_eq!(content(&database.path), whole(2));
}

#[test]
fn a_database_in_use_is_not_replaced() {
    let (database, from) = with_backup();
    let writer = database.writer();
    let error = restore(&database.path, &from, NOON, &mut silent).unwrap_err();
    assert!(matches!(error, StoreError::AlreadyWritten { .. }), "{error}");
    drop(writer);
    let reader = Reader::open(&database.path).unwrap();
    reader.totals(NOON).unwrap();
    let error = restore(&database.path, &from, NOON, &mut silent).unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
    drop(reader);
    assert_eq!(content(&database.path), whole(3));
    restore(&database.path, &from, NOON, &mut silent).unwrap();
}

#[test]
fn a_damaged_backup_is_not_put_in_place() {
    let (database, from) = with_backup();
    let mut bytes = fs::read(&from).unwrap();
    let page = bytes.len() - 4096 * 2;
    bytes.iter_mut().skip(page).for_each(|byte| *byte = 0xff);
    fs::write(&from, bytes).unwrap();
    restore(&database.path, &from, NOON, &mut silent).unwrap_err();
    fs::write(&from, "no database").unwrap();
    restore(&database.path, &from, NOON, &mut silent).unwrap_err();
    assert_eq!(content(&database.path), whole(3));
}

const DIE_AT: &str = "TEST_DIE_AT";
const DIE_IN: &str = "TEST_DIE_IN";

/// What the killed process does; without the variables it is no test.
#[test]
fn child_restores_and_dies() {
    let (Ok(at), Ok(folder)) = (std::env::var(DIE_AT), std::env::var(DIE_IN)) else { return };
    let mut left: u32 = at.parse().unwrap();
    let folder = Path::new(&folder);
    restore(&folder.join("mesh.db"), &folder.join("saved.db"), NOON, &mut |_| {
        left = left.checked_sub(1).unwrap_or_else(|| std::process::abort());
    })
    .unwrap();
}

#[test]
fn a_restore_killed_at_any_step_leaves_a_whole_database_and_can_be_repeated() {
    let mut ends = Vec::new();
    for step in 0.. {
        let (database, from) = with_backup();
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_restores_and_dies"])
            .env(DIE_AT, step.to_string())
            .env(DIE_IN, database.folder.path())
            .output()
            .unwrap()
            .status;
        let (packets, integrity) = content(&database.path);
        assert_eq!(integrity, "ok", "killed at step {step}");
        assert!(check(&database.path).unwrap().is_ok());
        assert_eq!(content(&from), whole(2));
        ends.push(packets);
        for name in beside(&database).iter().filter(|name| name.contains("before-restore")) {
            assert_eq!(content(&database.folder.path().join(name)).1, "ok", "{name} at step {step}");
        }
        let later = NOON.plus_millis(1_000);
        let kept = restore(&database.path, &from, later, &mut silent).unwrap().kept.unwrap();
        assert_eq!((content(&database.path), content(&kept)), (whole(2), whole(packets)));
        assert!(!beside(&database).contains(&"mesh.db.restoring".to_owned()));
        if status.success() {
            break;
        }
    }
    assert!(ends.len() > 6, "steps: {ends:?}");
    assert_eq!(ends.first(), Some(&3), "the old one at first");
    assert_eq!(ends.last(), Some(&2), "the new one at last");
    assert!(ends.is_sorted_by(|a, b| a >= b), "and one change in between: {ends:?}");
}

#[test]
fn a_good_database_passes_the_check() {
    let database = Database::new();
    database.fill(3, 2);
    let report = check(&database.path).unwrap();
    assert!(report.is_ok(), "{report:?}");
    assert_eq!((report.missing, report.problems), (None, Vec::new()));
    assert!(report.returns_free_pages);
    assert_eq!(report.journal_mode, "wal");
    assert_eq!(report.bytes, database.path.metadata().unwrap().len());
    let rows = |table: &str| report.rows.iter().find(|rows| rows.table == table).unwrap().rows;
    assert_eq!((rows("transmissions"), rows("observations"), rows("nodes")), (3, 6, 0));
}

#[test]
fn the_check_names_what_is_out_of_order() {
    let database = Database::new();
    database.fill(3, 2);
    database.execute(
        "PRAGMA foreign_keys = OFF; DELETE FROM transmissions WHERE id = 1; DELETE FROM observers WHERE rowid = 2;
         DELETE FROM observations WHERE transmission_id = 2;
         INSERT INTO _state VALUES ('observer_rows_before_vacuum', '{}')",
    );
    let report = check(&database.path).unwrap();
    assert!(!report.is_ok());
    assert_eq!((report.broken_references, report.observations_without_packet), (2, 2));
    assert_eq!((report.observations_without_observer, report.packets_without_observation), (2, 1));
    assert!(report.vacuum_interrupted);
}

#[test]
fn the_check_tells_what_is_missing_and_what_is_no_database() {
    let database = Database::new();
    database.execute("DROP TABLE observations; CREATE TABLE \"odd \"\"name\" (a)");
    let report = check(&database.path).unwrap();
    assert!(!report.is_ok());
    assert!(report.missing.unwrap().contains("table observations"));
    assert!(report.rows.iter().any(|rows| rows.table == "odd \"name"));
    let text = database.folder.path().join("text");
    fs::write(&text, "just text, and long enough to have been a header of a database file, had it been one")
        .unwrap();
    assert!(matches!(check(&text), Err(StoreError::Open { .. })));
    assert!(matches!(check(Path::new("nowhere.db")), Err(StoreError::Open { .. })));
}

#[test]
fn the_check_finds_a_damaged_page() {
    let database = Database::new();
    database.fill(500, 2);
    let root: u64 = database
        .one::<i64>("SELECT rootpage FROM sqlite_schema WHERE name = 'idx_observations_dedup'")
        as u64;
    let mut bytes = fs::read(&database.path).unwrap();
    let page = usize::try_from((root - 1) * 4096).unwrap();
    bytes.iter_mut().skip(page + 8).take(64).for_each(|byte| *byte ^= 0x55);
    fs::write(&database.path, bytes).unwrap();
    match check(&database.path) {
        Ok(report) => assert!(!report.problems.is_empty() && !report.is_ok()),
        Err(error) => assert!(error.to_string().contains("malformed"), "{error}"),
    }
}

#[test]
fn a_captured_database_is_examined_without_being_touched() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/corescope-e2e.db");
    if !path.exists() {
        eprintln!("skipped: the captured database is not here");
        return;
    }
    let before = fs::read(&path).unwrap();
    let report = check(&path).unwrap();
    assert!(!report.is_ok());
    assert!(report.missing.unwrap().contains("index idx_observations_dedup"));
    assert!(report.problems.is_empty());
    assert_eq!(fs::read(&path).unwrap(), before);
}
