//! A database in a folder of its own, for tests that look at the file.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::path::PathBuf;

use meshcore_proto::PacketHash;
use meshcore_store::db::{Job, PacketWrite, Write, Writer, WriterOptions};
use meshcore_store::{Reception, Signal, UnixMillis};
use rusqlite::Connection;
use rusqlite::types::FromSql;
use tempfile::TempDir;

pub(crate) const NOON: UnixMillis = UnixMillis::from_seconds(1_777_636_800); // 2026-05-01T12:00:00Z
pub(crate) const DAY: i64 = 24 * 3_600_000;

/// An empty database, and where it is.
pub(crate) struct Database {
    pub(crate) folder: TempDir,
    pub(crate) path: PathBuf,
}

impl Database {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mesh.db");
        let database = Self { folder, path };
        drop(database.writer());
        database
    }

    pub(crate) fn writer(&self) -> Writer {
        Writer::open(&self.path, WriterOptions::default(), |_| {}).unwrap()
    }

    pub(crate) fn connection(&self) -> Connection {
        Connection::open(&self.path).unwrap()
    }

    pub(crate) fn execute(&self, sql: &str) {
        self.connection().execute_batch(sql).unwrap();
    }

    pub(crate) fn one<T: FromSql>(&self, sql: &str) -> T {
        one(&self.connection(), sql)
    }

    /// Stores `packets` packets, each heard by `observers`, a second apart from noon on.
    pub(crate) fn fill(&self, packets: u32, observers: u32) {
        let writer = self.writer();
        for packet in 0..packets {
            for observer in 0..observers {
                writer.submit(Job { ticket: 0, write: message(packet, observer) }).unwrap();
            }
        }
    }
}

pub(crate) fn one<T: FromSql>(connection: &Connection, sql: &str) -> T {
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

pub(crate) fn message(packet: u32, observer: u32) -> Write {
    let [a, b, c, d] = packet.to_be_bytes();
    Write::Packet(Box::new(PacketWrite {
        reception: Reception {
            received_at: NOON.plus_millis(i64::from(packet) * 1_000),
            observer: format!("observer {observer}").parse().unwrap(),
            observer_name: None,
            region: None,
            direction: None,
            signal: Signal::default(),
        },
        raw_hex: "0A00112233".into(),
        hash: PacketHash::from_bytes([a, b, c, d, 0, 0, 0, 1]),
        route_type: 1,
        payload_type: 2,
        payload_version: 0,
        decoded_json: r#"{"type":"TXT_MSG"}"#.into(),
        path_json: "[]".into(),
        channel_hash: None,
        scope_name: None,
        advert: None,
        clock_skew: None,
    }))
}

/// Never told to end.
pub(crate) fn go_on() -> bool {
    false
}
