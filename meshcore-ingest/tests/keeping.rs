//! The collecting process keeps its file in order, and ends when it is told to.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use meshcore_store::UnixMillis;
use meshcore_store::db::{RequestId, RequestState, Requests, Writer, WriterOptions};
use rusqlite::Connection;
use tempfile::TempDir;

/// How long anything may take before the test fails.
const DEADLINE: Duration = Duration::from_secs(60);

struct Running {
    folder: TempDir,
    process: Child,
}

impl Running {
    /// Starts on the database of `folder`, with a broker that is not there.
    fn start(folder: TempDir, config: &str) -> Self {
        let file = folder.path().join("config.json");
        fs::write(&file, config).unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_meshcore-ingest"))
            .arg("--config")
            .arg(&file)
            .env("DB_PATH", database(folder.path()))
            .env("MQTT_BROKER", "mqtt://127.0.0.1:1")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self { folder, process }
    }

    fn one(&self, sql: &str) -> i64 {
        let connection = Connection::open(database(self.folder.path())).unwrap();
        connection.busy_timeout(DEADLINE).unwrap();
        connection.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    fn wait_for(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let begin = Instant::now();
        while !is_so() {
            assert!(begin.elapsed() < DEADLINE, "not within the time: {what}");
            std::thread::yield_now();
        }
    }

    /// Whether a signal would be heard, where the system tells.
    fn hears_signals(&self) -> bool {
        let Ok(status) = fs::read_to_string(format!("/proc/{}/status", self.process.id())) else {
            return true;
        };
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
        u64::from_str_radix(caught.trim(), 16).unwrap() & (1 << (15 - 1)) != 0
    }

    /// Tells it to end, and gives what it logged.
    fn end(mut self) -> String {
        self.wait_for("signals", || self.hears_signals());
        let told = Instant::now();
        Command::new("kill").arg(self.process.id().to_string()).status().unwrap();
        let log = BufReader::new(self.process.stderr.take().unwrap());
        let log: Vec<String> = log.lines().map(Result::unwrap).collect();
        assert!(self.process.wait().unwrap().success());
        assert!(told.elapsed() < DEADLINE);
        log.join("\n")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Nothing to do after a good end; after a failed test it must not stay.
        let _ = self.process.kill();
    }
}

fn database(folder: &Path) -> PathBuf {
    folder.join("mesh.db")
}

fn with(sql: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = database(folder.path());
    drop(Writer::open(&path, WriterOptions::default(), |_| {}).unwrap());
    Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    folder
}

#[test]
fn a_start_puts_aside_prunes_and_does_what_was_asked() {
    let folder = with(
        "INSERT INTO nodes (public_key, last_seen) VALUES ('old', '2026-01-01T00:00:00Z'), ('ab', NULL);
         INSERT INTO transmissions (raw_hex, hash, first_seen, last_seen) VALUES ('', 'h', '2001-01-01T00:00:00Z', 1);
         INSERT INTO observers (id) VALUES ('UNWANTED')",
    );
    let requests = Requests::of(&database(folder.path()));
    let id: RequestId = "ab12".parse().unwrap();
    requests.submit(&id, &["ab".to_owned()], UnixMillis::new(0)).unwrap();
    let running =
        Running::start(folder, r#"{"retention": {"packetDays": 30}, "observerBlacklist": ["unwanted"]}"#);
    running
        .wait_for("the request", || requests.state(&id).unwrap() == Some(RequestState::Done { deleted: 1 }));
    assert_eq!(running.one("SELECT COUNT(*) FROM nodes"), 0);
    assert_eq!(running.one("SELECT COUNT(*) FROM inactive_nodes"), 1);
    assert_eq!(running.one("SELECT COUNT(*) FROM transmissions"), 0);
    assert_eq!(running.one("SELECT inactive FROM observers"), 1);
    let log = running.end();
    assert!(!log.contains("retention.packetDays"), "{log}");
    assert!(log.contains("the write-ahead log is folded into the database"), "{log}");
}

#[test]
fn packets_without_a_limit_stay_and_are_warned_about_once() {
    let folder = with(
        "INSERT INTO transmissions (raw_hex, hash, first_seen) VALUES ('', 'h', '2001-01-01T00:00:00Z');
         INSERT INTO nodes (public_key, last_seen) VALUES ('old', '2026-01-01T00:00:00Z')",
    );
    let running = Running::start(folder, "{}");
    running.wait_for("retention of nodes", || running.one("SELECT COUNT(*) FROM inactive_nodes") == 1);
    assert_eq!(running.one("SELECT COUNT(*) FROM transmissions"), 1);
    let log = running.end();
    assert_eq!(log.matches("retention.packetDays is not set").count(), 1, "{log}");
    assert!(!log.contains("does not give free space back"), "{log}");
}

#[test]
fn a_file_that_keeps_its_free_pages_is_named_and_vacuumed_when_asked() {
    let other = "PRAGMA journal_mode = DELETE; PRAGMA auto_vacuum = NONE; VACUUM;
                 INSERT INTO nodes (public_key, last_seen) VALUES ('old', '2026-01-01T00:00:00Z')";
    let running = Running::start(with(other), "{}");
    running.wait_for("the start", || running.one("SELECT COUNT(*) FROM inactive_nodes") == 1);
    assert_eq!(running.one("PRAGMA auto_vacuum"), 0, "never without being asked");
    let log = running.end();
    assert_eq!(log.matches("does not give free space back").count(), 1, "{log}");
    let running = Running::start(with(other), r#"{"db": {"vacuumOnStartup": true}}"#);
    running.wait_for("the vacuum", || running.one("PRAGMA auto_vacuum") == 2);
    let log = running.end();
    assert!(log.contains("the database is vacuumed"), "{log}");
}

#[test]
fn a_wrong_patience_with_slow_writes_is_named_and_ends_with_2() {
    let output = Command::new(env!("CARGO_BIN_EXE_meshcore-ingest"))
        .env("CORESCOPE_DB_SLOW_WRITER_MS", "soon")
        .current_dir(tempfile::tempdir().unwrap().path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains(
            "environment CORESCOPE_DB_SLOW_WRITER_MS: db.slowWriterMs: invalid value: string \"soon\""
        ),
        "{said}"
    );
}
