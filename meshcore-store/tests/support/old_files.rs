//! Files as older programs made them, and what is in a file.

use std::collections::BTreeSet;

use rusqlite::types::Value;
use rusqlite::{Connection, params};

/// Tables that have not changed from the first generation to the third.
const NODES: &str =
    "CREATE TABLE nodes (public_key TEXT PRIMARY KEY, name TEXT, role TEXT, lat REAL, lon REAL,
                                         last_seen TEXT, first_seen TEXT, advert_count INTEGER DEFAULT 0);
    CREATE TABLE observers (id TEXT PRIMARY KEY, name TEXT, iata TEXT, last_seen TEXT, first_seen TEXT,
                            packet_count INTEGER DEFAULT 0);
    INSERT INTO observers (id, name, iata, last_seen, first_seen, packet_count)
    VALUES ('KNOWN', 'Known', 'SJC', '2026-03-10T12:00:00.123Z', '2026-03-01T12:00:00.000Z', 40);
    INSERT INTO nodes (public_key, name, role, lat, lon, last_seen, first_seen, advert_count) VALUES
    ('aa00000000000000000000000000000000000000000000000000000000000001', 'Ridge', 'repeater', 47.5, 8.5,
     '2026-03-10T12:00:00.123Z', '2026-03-01T12:00:00.000Z', 9),
    ('AA00000000000000000000000000000000000000000000000000000000000001', 'Ridge old', 'repeater', 1.0, 2.0,
     '2026-03-05T12:00:00.000Z', '2026-02-01T12:00:00.000Z', 4),
    ('aa00', 'phantom', 'repeater', NULL, NULL, '2026-03-10T12:00:00Z', '2026-03-10T12:00:00Z', 1);";

/// One row of the old tables.
#[derive(Clone, Debug)]
pub(crate) struct Reception {
    pub(crate) raw_hex: String,
    pub(crate) payload_type: u8,
    pub(crate) payload: Vec<u8>,
    pub(crate) observer: Option<String>,
    pub(crate) path_json: Option<String>,
    pub(crate) snr: Option<f64>,
    /// Seconds.
    pub(crate) at: i64,
}

/// `rows` receptions by three observers and some nobody knows: every packet is heard three times, every tenth row is
/// there twice, every seventh has no hops.
pub(crate) fn receptions(rows: u32) -> Vec<Reception> {
    let mut all: Vec<Reception> = Vec::new();
    for i in 0..rows {
        if i % 10 == 9 {
            let before = all.last().unwrap().clone();
            all.push(Reception { snr: Some(7.5), at: before.at + 1, ..before });
            continue;
        }
        let number = i / 3;
        let hops = u8::try_from(i % 4).unwrap();
        let path: Vec<u8> = (0..hops).map(|hop| 0xa0 + hop).collect();
        let (payload_type, payload) = payload(number);
        let mut frame = vec![payload_type << 2 | 1, hops];
        frame.extend(&path);
        frame.extend(&payload);
        let hops: Vec<String> = path.iter().map(|hop| format!("\"{hop:02X}\"")).collect();
        all.push(Reception {
            raw_hex: hex::encode(frame),
            payload_type,
            payload,
            observer: ["known", "NEW", "third", ""].get(i as usize % 4).map(|id| (*id).to_owned()),
            path_json: (i % 7 != 6).then(|| format!("[{}]", hops.join(","))),
            snr: (i.is_multiple_of(2)).then_some(4.25),
            at: 1_773_000_000 + i64::from(i) * 60,
        });
    }
    all
}

/// Payloads of three kinds: adverts, channel messages, texts.
fn payload(number: u32) -> (u8, Vec<u8>) {
    let mut payload = number.to_le_bytes().repeat(8);
    match number % 3 {
        0 => {
            payload = vec![0xaa; 32];
            payload[1..31].fill(0);
            payload[31] = 1;
            payload.extend(number.to_le_bytes().repeat(18));
            (4, payload)
        }
        1 => (5, payload),
        _ => (2, payload),
    }
}

fn decoded_json(reception: &Reception) -> Option<String> {
    match reception.payload_type {
        4 => {
            Some(format!(r#"{{"type":"ADVERT","pubKey":"{}"}}"#, hex::encode_upper(&reception.payload[..32])))
        }
        5 if reception.payload[0].is_multiple_of(2) => Some(r#"{"type":"CHAN","channel":"public"}"#.into()),
        5 => Some(r#"{"type":"GRP_TXT","channelHashHex":"AB"}"#.into()),
        _ => Some("not json".into()),
    }
}

/// The hash of an old formula: the first 16 digits of the frame for every fifth, else a made-up one per packet.
fn old_hash(reception: &Reception) -> String {
    let number = u32::from_le_bytes(reception.payload[28..32].try_into().unwrap());
    if number.is_multiple_of(5) && reception.payload_type != 4 {
        reception.raw_hex[..16].to_owned()
    } else {
        format!(
            "{:02x}{}",
            reception.payload_type,
            hex::encode(&reception.payload[reception.payload.len() - 7..])
        )
    }
}

/// Packets there are.
pub(crate) fn packets(receptions: &[Reception]) -> usize {
    receptions.iter().map(|r| (r.payload_type, &r.payload)).collect::<BTreeSet<_>>().len()
}

/// Observations there are when duplicates are merged. Ids of observers do not heed case.
pub(crate) fn observations(receptions: &[Reception]) -> usize {
    let key = |r: &Reception| {
        let observer = r.observer.clone().unwrap_or_default().to_lowercase();
        (r.payload_type, r.payload.clone(), observer, r.path_json.clone().unwrap_or_default())
    };
    receptions.iter().map(key).collect::<BTreeSet<_>>().len()
}

/// The first generation: one row per reception.
pub(crate) fn v1(connection: &Connection, receptions: &[Reception]) {
    connection
        .execute_batch(&format!(
            "{NODES}
             CREATE TABLE packets (id INTEGER PRIMARY KEY AUTOINCREMENT, raw_hex TEXT, timestamp TEXT, observer_id TEXT,
                 observer_name TEXT, direction TEXT, snr REAL, rssi REAL, score INTEGER, hash TEXT, route_type INTEGER,
                 payload_type INTEGER, payload_version INTEGER, path_json TEXT, decoded_json TEXT,
                 created_at TEXT DEFAULT (datetime('now')));
             CREATE TABLE paths (id INTEGER PRIMARY KEY, packet_id INTEGER REFERENCES packets(id), hop_index INTEGER,
                                 node_hash TEXT);
             CREATE INDEX idx_packets_hash ON packets(hash);",
        ))
        .unwrap();
    insert_packets(connection, receptions);
    connection
        .execute_batch("INSERT INTO paths (packet_id, hop_index, node_hash) SELECT id, 0, 'A0' FROM packets")
        .unwrap();
}

/// Rows of `packets`, the newest first: ids are not in the order of time.
fn insert_packets(connection: &Connection, receptions: &[Reception]) {
    for r in receptions.iter().rev() {
        connection
            .prepare_cached(
                "INSERT INTO packets (raw_hex, timestamp, observer_id, observer_name, direction, snr, hash, route_type,
                                      payload_type, path_json, decoded_json, created_at)
                 VALUES (?1, strftime('%Y-%m-%dT%H:%M:%S.123Z', ?2, 'unixepoch'), ?3, 'Name', 'rx', ?4, ?5, 1, ?6, ?7, ?8,
                         '2026-03-20 12:00:00')",
            )
            .unwrap()
            .execute(params![
                r.raw_hex,
                r.at,
                r.observer,
                r.snr,
                old_hash(r),
                r.payload_type,
                r.path_json,
                decoded_json(r)
            ])
            .unwrap();
    }
}

/// The second generation: transmissions, and observations that name their observer by id.
pub(crate) fn v2(connection: &Connection, receptions: &[Reception]) {
    connection
        .execute_batch(&format!(
            "{NODES}
             CREATE TABLE transmissions (id INTEGER PRIMARY KEY AUTOINCREMENT, raw_hex TEXT NOT NULL,
                 hash TEXT NOT NULL UNIQUE, first_seen TEXT NOT NULL, route_type INTEGER, payload_type INTEGER,
                 payload_version INTEGER, decoded_json TEXT, created_at TEXT DEFAULT (datetime('now')));
             CREATE TABLE observations (id INTEGER PRIMARY KEY AUTOINCREMENT,
                 transmission_id INTEGER NOT NULL REFERENCES transmissions(id), hash TEXT NOT NULL, observer_id TEXT,
                 observer_name TEXT, direction TEXT, snr REAL, rssi REAL, score INTEGER, path_json TEXT,
                 timestamp TEXT NOT NULL, created_at TEXT DEFAULT (datetime('now')));
             CREATE INDEX idx_observations_transmission_id ON observations(transmission_id);
             CREATE INDEX idx_observations_observer_id ON observations(observer_id);
             CREATE TABLE schema_version (version INTEGER);
             CREATE VIEW packets_v AS SELECT o.id, o.observer_id, t.hash
                 FROM observations o JOIN transmissions t ON t.id = o.transmission_id;
             INSERT INTO schema_version VALUES (2);",
        ))
        .unwrap();
    for r in receptions {
        let hash = old_hash(r);
        insert_transmission(connection, r, &hash, "2026-03-22 12:00:00");
        connection
            .prepare_cached(
                "INSERT INTO observations (transmission_id, hash, observer_id, observer_name, direction, snr, path_json,
                                           timestamp, created_at)
                 VALUES ((SELECT id FROM transmissions WHERE hash = ?1), ?1, ?2, 'Name', 'rx', ?3, ?4,
                         strftime('%Y-%m-%dT%H:%M:%S.123Z', ?5, 'unixepoch'), '2026-03-22 12:00:00')",
            )
            .unwrap()
            .execute(params![hash, r.observer, r.snr, r.path_json, r.at])
            .unwrap();
    }
}

fn insert_transmission(connection: &Connection, r: &Reception, hash: &str, created_at: &str) {
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO transmissions (raw_hex, hash, first_seen, route_type, payload_type, decoded_json,
                                                  created_at)
             VALUES (?1, ?2, strftime('%Y-%m-%dT%H:%M:%S.123Z', ?3, 'unixepoch'), 1, ?4, ?5, ?6)",
        )
        .unwrap()
        .execute(params![r.raw_hex, hash, r.at, r.payload_type, decoded_json(r), created_at])
        .unwrap();
}

/// Puts the table of the first generation beside the tables of a later one.
pub(crate) fn add_packets(connection: &Connection, receptions: &[Reception]) {
    connection
        .execute_batch(
            "CREATE TABLE packets (id INTEGER PRIMARY KEY AUTOINCREMENT, raw_hex TEXT, timestamp TEXT, observer_id TEXT,
                 observer_name TEXT, direction TEXT, snr REAL, rssi REAL, score INTEGER, hash TEXT, route_type INTEGER,
                 payload_type INTEGER, payload_version INTEGER, path_json TEXT, decoded_json TEXT, created_at TEXT)",
        )
        .unwrap();
    insert_packets(connection, receptions);
}

/// The third generation as tools around a capture made it: no index of observations, no notes, blank edges.
pub(crate) fn capture(connection: &Connection, receptions: &[Reception]) {
    connection
        .execute_batch(&format!(
            "{NODES}
             ALTER TABLE observers ADD COLUMN noise_floor INTEGER;
             ALTER TABLE observers ADD COLUMN last_packet_at TEXT;
             UPDATE observers SET noise_floor = -110;
             INSERT INTO observers (id, name, last_seen) VALUES ('NEW', 'New', '2026-03-10T12:00:00Z'), ('third', NULL, NULL);
             CREATE TABLE transmissions (id INTEGER PRIMARY KEY AUTOINCREMENT, raw_hex TEXT NOT NULL,
                 hash TEXT NOT NULL UNIQUE, first_seen TEXT NOT NULL, route_type INTEGER, payload_type INTEGER,
                 payload_version INTEGER, decoded_json TEXT, created_at TEXT DEFAULT (datetime('now')),
                 channel_hash TEXT DEFAULT NULL);
             CREATE TABLE observations (id INTEGER PRIMARY KEY AUTOINCREMENT,
                 transmission_id INTEGER NOT NULL REFERENCES transmissions(id), observer_idx INTEGER, direction TEXT,
                 snr REAL, rssi REAL, score INTEGER, path_json TEXT, timestamp INTEGER NOT NULL, resolved_path TEXT,
                 raw_hex TEXT);
             CREATE TABLE neighbor_edges (node_a TEXT NOT NULL, node_b TEXT NOT NULL, count INTEGER DEFAULT 1,
                                          last_seen TEXT, PRIMARY KEY (node_a, node_b));
             INSERT INTO neighbor_edges (node_a, node_b) VALUES ('', 'bb'), ('aa', 'bb');",
        ))
        .unwrap();
    for r in receptions {
        let hash = old_hash(r);
        insert_transmission(connection, r, &hash, "2026-03-29 12:00:00");
        connection
            .prepare_cached(
                "INSERT INTO observations (transmission_id, observer_idx, direction, snr, path_json, timestamp, raw_hex)
                 VALUES ((SELECT id FROM transmissions WHERE hash = ?1),
                         (SELECT rowid FROM observers WHERE lower(id) = lower(?2)), 'rx', ?3, ?4, ?5, ?6)",
            )
            .unwrap()
            .execute(params![hash, r.observer, r.snr, r.path_json, r.at, r.raw_hex])
            .unwrap();
    }
}

/// Everything in a file as text, but for the times at which migrations ran, the number that is drawn for the file, and
/// what is noted for those who follow it.
pub(crate) fn dump(connection: &Connection) -> Vec<String> {
    let names = |sql: &str| -> Vec<String> {
        connection
            .prepare(sql)
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect()
    };
    let mut lines =
        names("SELECT type || ' ' || name || ' ' || COALESCE(sql, '') FROM sqlite_schema ORDER BY 1");
    for table in
        names("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'sqlite_sequence' ORDER BY 1")
    {
        let what = match table.as_str() {
            "_async_migrations" => "name, status, error FROM _async_migrations",
            "changed_packets" => continue,
            "_state" => "* FROM _state WHERE key <> 'database_id'",
            _ => &format!("* FROM {table}"),
        };
        let mut statement = connection.prepare(&format!("SELECT {what}")).unwrap();
        let width = statement.column_count();
        let rows = statement.query_map([], |row| {
            let values: Vec<Value> = (0..width).map(|i| row.get_unwrap(i)).collect();
            Ok(format!("{table} {values:?}"))
        });
        let mut rows: Vec<String> = rows.unwrap().map(Result::unwrap).collect();
        rows.sort();
        lines.extend(rows);
    }
    lines.push(
        connection.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0)).unwrap().to_string(),
    );
    lines
}

/// The third generation as it was at first: its index of observations and its view, no frames of observers yet.
pub(crate) fn v3_node(connection: &Connection, receptions: &[Reception]) {
    capture(connection, receptions);
    connection
        .execute_batch(
            "DELETE FROM observations WHERE id NOT IN (SELECT MIN(id) FROM observations
                 GROUP BY transmission_id, observer_idx, COALESCE(path_json, ''));
             ALTER TABLE observations DROP COLUMN raw_hex;
             ALTER TABLE observations DROP COLUMN resolved_path;
             ALTER TABLE nodes ADD COLUMN battery_mv INTEGER;
             ALTER TABLE nodes ADD COLUMN temperature_c REAL;
             DROP TABLE neighbor_edges;
             CREATE UNIQUE INDEX idx_observations_dedup
                 ON observations(transmission_id, observer_idx, COALESCE(path_json, ''));
             CREATE VIEW packets_v AS SELECT o.id, t.hash
                 FROM observations o JOIN transmissions t ON t.id = o.transmission_id;
             CREATE TABLE _migrations (name TEXT PRIMARY KEY);
             INSERT INTO _migrations VALUES ('node_telemetry_v1');
             PRAGMA user_version = 3;",
        )
        .unwrap();
}
