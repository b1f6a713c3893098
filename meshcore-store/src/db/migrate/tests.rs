//! Upgrades that are killed: the process dies at every statement, and the next one goes on.
//!
//! This test binary starts itself as the process that dies; environment variables tell it the file and the statement.

use std::path::Path;
use std::process::{Command, Stdio};

use rusqlite::Connection;
use rusqlite::trace::{TraceEvent, TraceEventCodes};

use super::super::writer::{Component, Writer, WriterOptions};
use super::*;

#[path = "../../../tests/support/old_files.rs"]
#[allow(dead_code, reason = "shared with the tests of the whole")]
mod old_files;

const FILE: &str = "MESHCORE_TEST_FILE";
const STATEMENT: &str = "MESHCORE_TEST_STATEMENT";
const WAY: &str = "MESHCORE_TEST_WAY";

fn options() -> MigrationOptions {
    MigrationOptions {
        regions_configured: true,
        now: UnixMillis::from_seconds(1),
        ..MigrationOptions::default()
    }
}

/// Has the process die when the connection begins writing statement `n`.
///
/// What only reads is not counted: the file is the same at the next statement that writes.
fn die_at(connection: &mut Connection, n: Option<u64>) {
    if let Some(n) = n {
        let mut left = n;
        let die = move |event: TraceEvent<'_>| {
            if let TraceEvent::Stmt(_, sql) = event
                && !sql.trim_start().starts_with("SELECT")
            {
                left -= 1;
                if left == 0 {
                    std::process::abort();
                }
            }
        };
        connection.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(die)).unwrap();
    }
}

/// Upgrades the file at once, and says where the copy of it is.
fn at_once(path: &Path, n: Option<u64>) -> Option<PathBuf> {
    let _lock = WriterLock::acquire(path).unwrap();
    let mut connection = open::for_writing(path).unwrap();
    die_at(&mut connection, n);
    upgrade_with(&mut connection, path, &options(), &mut |_| {}).unwrap().backup
}

/// Opens the file with a writer, and does beside it what is left.
fn beside_a_writer(path: &Path, n: Option<u64>) -> Option<PathBuf> {
    let writer = Writer::open(path, WriterOptions::default(), |_| {}).unwrap();
    let handle = writer.handle();
    handle
        .run_alone(Component::Migration, move |connection| {
            die_at(connection, n);
            Ok(())
        })
        .unwrap();
    finish(&handle, &options(), &|| false, &mut |_| {}).unwrap();
    None
}

/// Upgrades a file, and says where the copy of it is.
type Upgrade = fn(&Path, Option<u64>) -> Option<PathBuf>;

/// Ways to upgrade, and their names between the processes.
const WAYS: [(&str, Upgrade); 2] = [("at once", at_once), ("beside a writer", beside_a_writer)];

/// The process that dies. Does nothing when the suite runs it.
#[test]
fn the_process_that_dies() {
    let (Ok(path), Ok(statement), Ok(way)) =
        (std::env::var(FILE), std::env::var(STATEMENT), std::env::var(WAY))
    else {
        return;
    };
    let (_, upgrade) = WAYS.iter().find(|(name, _)| *name == way).unwrap();
    upgrade(Path::new(&path), Some(statement.parse().unwrap()));
}

/// Whether the process died on the way.
fn dies_at(path: &Path, way: &str, statement: u64) -> bool {
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["db::migrate::tests::the_process_that_dies", "--exact", "--test-threads=1"])
        .env(FILE, path)
        .env(STATEMENT, statement.to_string())
        .env(WAY, way)
        .env("RUST_BACKTRACE", "0")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    !status.success()
}

/// Kills upgrades of the file that `build` makes at every statement, until one gets to its end. A second process goes
/// on after each; the file is then as if nobody had died.
fn die_everywhere(way: usize, build: impl Fn(&Connection)) {
    let (way, upgrade) = WAYS[way];
    let folder = tempfile::tempdir().unwrap();
    let original = folder.path().join("original.db");
    build(&Connection::open(&original).unwrap());
    let old = old_files::dump(&Connection::open(&original).unwrap());
    let copy = |name: &str| {
        let folder = folder.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        let path = folder.join("mesh.db");
        std::fs::copy(&original, &path).unwrap();
        path
    };
    let undisturbed = copy("undisturbed");
    let backup = upgrade(&undisturbed, None);
    let expected = old_files::dump(&Connection::open(&undisturbed).unwrap());
    let mut statement = 1;
    loop {
        let path = copy(&statement.to_string());
        let died = dies_at(&path, way, statement);
        upgrade(&path, None);
        let connection = Connection::open(&path).unwrap();
        let found = old_files::dump(&connection);
        let other = expected.iter().zip(&found).find(|(expected, found)| expected != found);
        assert!(
            found.len() == expected.len() && other.is_none(),
            "after a death at statement {statement} {} lines instead of {}, the first two that differ are {other:#?}",
            found.len(),
            expected.len()
        );
        let whole: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(whole, "ok");
        drop(connection);
        if let Some(backup) = &backup {
            let kept = path.with_file_name(backup.file_name().unwrap());
            assert!(old_files::dump(&Connection::open(kept).unwrap()) == old, "the copy is the old file");
        }
        std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
        if !died {
            break;
        }
        statement += 1;
    }
    assert!(statement > 50, "only {statement} statements were seen");
}

/// Few rows: each is a handful of statements, and each statement is a death.
const ROWS: u32 = 10;

#[test]
fn the_first_generation_survives_a_death_at_every_statement() {
    die_everywhere(0, |connection| old_files::v1(connection, &old_files::receptions(ROWS)));
}

#[test]
fn the_second_generation_survives_a_death_at_every_statement() {
    die_everywhere(0, |connection| {
        old_files::v2(connection, &old_files::receptions(ROWS));
        old_files::add_packets(connection, &old_files::receptions(ROWS / 2));
    });
}

#[test]
fn the_third_generations_beginning_survives_a_death_at_every_statement() {
    die_everywhere(0, |connection| old_files::v3_node(connection, &old_files::receptions(ROWS)));
}

#[test]
fn a_capture_survives_a_death_at_every_statement() {
    die_everywhere(0, |connection| old_files::capture(connection, &old_files::receptions(ROWS)));
}

#[test]
fn what_is_done_beside_a_writer_survives_a_death_at_every_statement() {
    die_everywhere(1, |connection| old_files::capture(connection, &old_files::receptions(ROWS)));
}
