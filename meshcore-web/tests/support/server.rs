//! The programs under test, and what their database holds.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Instant;

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use super::broker::Mosquitto;
use super::expected::{Figures, Rows};
use super::process::Process;
use super::{DEADLINE, POLL, http};

/// Variables that would change what the program does.
const VARIABLES: &[&str] =
    &["PORT", "DB_PATH", "MQTT_BROKER", "MQTT_TOPIC", "CHANNEL_KEYS_PATH", "RUST_LOG", "NO_COLOR"];

/// `corescope` in `folder`, on a free port of this machine, with nothing of our own surroundings.
pub(crate) fn corescope(folder: &Path) -> Command {
    program(env!("CARGO_BIN_EXE_corescope"), folder)
}

/// The same, in a shell that first does `setup`.
pub(crate) fn corescope_after(folder: &Path, setup: &str) -> Command {
    let mut command = bare("sh", folder);
    let script = format!("{setup}; exec \"$0\" \"$@\"");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_corescope"), "--bind", "127.0.0.1"]);
    command
}

/// `meshcore-web` in the same way.
pub(crate) fn meshcore_web(folder: &Path) -> Command {
    program(env!("CARGO_BIN_EXE_meshcore-web"), folder)
}

/// `corescope check-config` in `folder`.
pub(crate) fn check_config(folder: &Path) -> Command {
    let mut command = bare(env!("CARGO_BIN_EXE_corescope"), folder);
    command.arg("check-config");
    command
}

fn program(path: &str, folder: &Path) -> Command {
    let mut command = bare(path, folder);
    command.args(["--bind", "127.0.0.1"]);
    command
}

fn bare(path: &str, folder: &Path) -> Command {
    let mut command = Command::new(path);
    command.current_dir(folder).env("CORESCOPE_INGESTOR_STATS", folder.join("stats.json"));
    for name in VARIABLES {
        command.env_remove(name);
    }
    command
}

/// A server whose page is open.
pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) port: u16,
}

impl Server {
    /// Starts `command` on a free port and waits until it answers.
    #[track_caller]
    pub(crate) fn open(command: &mut Command) -> Self {
        let process = Process::start(command.args(["--port", "0"]));
        let line = process.wait_for_line("the web page is open", 1);
        let port = line
            .rsplit(':')
            .next()
            .and_then(|rest| rest.trim_end_matches(|c: char| !c.is_ascii_digit()).parse().ok())
            .unwrap_or_else(|| panic!("no port in: {line}"));
        Self { process, port }
    }

    /// `corescope` on `database(folder)`, listening to `broker`: subscribed when this returns.
    #[track_caller]
    pub(crate) fn listening(folder: &Path, broker: &Mosquitto) -> Self {
        let server = Self::open(
            corescope(folder)
                .args(["--mqtt-broker", &broker.url(), "--db"])
                .arg(database(folder))
                .env("RUST_LOG", "info,meshcore_ingest=debug,meshcore_store=debug"),
        );
        server.process.wait_for_line("connected to broker", 1);
        server
    }

    /// `corescope` on `database(folder)` by this configuration, connected to nothing yet when this returns.
    #[track_caller]
    pub(crate) fn configured(folder: &Path, config: &Value) -> Self {
        configure(folder, config);
        Self::open(corescope(folder).env("RUST_LOG", "info,meshcore_ingest=debug,meshcore_store=debug"))
    }

    /// `corescope` on `database(folder)`, playing `recording` at once.
    #[track_caller]
    pub(crate) fn playing(folder: &Path, recording: &Path) -> Self {
        let mut command = corescope(folder);
        Self::open(
            command.arg("--db").arg(database(folder)).args(["--speed", "0", "--replay"]).arg(recording),
        )
    }

    /// The figures of its only source, or of the first by name.
    pub(crate) fn figures(&self) -> Figures {
        let health = http::json(self.port, "/api/healthz");
        let sources = health["ingest_liveness"].as_object().expect("ingest runs in this process");
        Self::figures_in(sources.values().next().expect("there is one source"))
    }

    /// The figures of the source of this name.
    pub(crate) fn figures_of(&self, name: &str) -> Figures {
        Self::figures_in(&http::json(self.port, "/api/healthz")["ingest_liveness"][name])
    }

    /// The connection of the source of this name, as `/api/mqtt/status` tells it.
    pub(crate) fn status_of(&self, name: &str) -> Value {
        let status = http::json(self.port, "/api/mqtt/status");
        let sources = status["sources"].as_array().expect("ingest runs in this process");
        sources.iter().find(|source| source["name"] == name).cloned().expect("a source of this name")
    }

    fn figures_in(source: &Value) -> Figures {
        let counts = |name: &str| -> BTreeMap<String, u64> {
            let object = source[name].as_object().expect("an object of counts");
            object.iter().map(|(reason, count)| (reason.clone(), count.as_u64().unwrap())).collect()
        };
        let count = |name: &str| source[name].as_u64().expect("a count");
        Figures {
            received: count("received"),
            stored: count("stored"),
            duplicate: count("duplicate"),
            rejected: counts("rejected"),
            dropped: counts("dropped"),
        }
    }

    /// Waits until `received` messages have arrived and every one has reached its bucket. Fails when nothing moves.
    #[track_caller]
    pub(crate) fn settled(&self, received: u64) -> Figures {
        let (mut before, mut moved) = (0, Instant::now());
        loop {
            let figures = self.figures();
            if figures.received >= received && figures.accounted() == figures.received {
                return figures;
            }
            if figures.accounted() > before {
                (before, moved) = (figures.accounted(), Instant::now());
            }
            assert!(
                moved.elapsed() < DEADLINE,
                "{received} messages were published, the figures are {figures:?}"
            );
            thread::sleep(POLL);
        }
    }

    /// Ends it as an operator does; it must end well.
    #[track_caller]
    pub(crate) fn stop(mut self) {
        self.process.terminate();
        let (code, said) = self.process.wait_for_end();
        assert_eq!(code, Some(0), "{said}");
    }

    /// Its answer to `GET path`.
    #[track_caller]
    pub(crate) fn json(&self, path: &str) -> Value {
        http::json(self.port, path)
    }
}

/// Writes the configuration of programs in `folder`. Their database is `database(folder)`.
pub(crate) fn configure(folder: &Path, config: &Value) {
    let mut config = config.clone();
    config["dbPath"] = database(folder).to_str().into();
    fs::write(folder.join("config.json"), config.to_string()).unwrap();
}

/// The database file in `folder`.
pub(crate) fn database(folder: &Path) -> PathBuf {
    folder.join("mesh.db")
}

/// A connection of our own that cannot write.
pub(crate) fn read_only(folder: &Path) -> Connection {
    Connection::open_with_flags(database(folder), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
}

/// One value out of the database.
pub(crate) fn value<T: rusqlite::types::FromSql>(connection: &Connection, sql: &str) -> T {
    connection.query_row(sql, [], |row| row.get(0)).unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// What the tables hold. Fails when two rows say the same.
#[track_caller]
pub(crate) fn rows(connection: &Connection) -> Rows {
    let transaction = connection.unchecked_transaction().unwrap(); // all tables at one moment
    let column = |sql: &str| -> BTreeSet<String> {
        let mut statement = transaction.prepare(sql).unwrap();
        let all: Vec<String> =
            statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        let distinct: BTreeSet<String> = all.iter().cloned().collect();
        assert_eq!(distinct.len(), all.len(), "rows are doubled: {sql}");
        distinct
    };
    Rows {
        transmissions: column("SELECT hash FROM transmissions"),
        observations: column(
            "SELECT t.hash || ' ' || lower(b.id) || ' ' || o.path_json FROM observations o
               JOIN transmissions t ON t.id = o.transmission_id JOIN observers b ON b.rowid = o.observer_idx",
        ),
        nodes: column("SELECT public_key FROM nodes"),
        observers: column("SELECT lower(id) FROM observers"),
    }
}
