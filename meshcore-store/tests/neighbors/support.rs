//! A database of made-up observations, and graphs as text.

use std::path::PathBuf;

use meshcore_proto::{NodeHash, PayloadType, PublicKey, RouteType};
use meshcore_store::UnixMillis;
use meshcore_store::db::{NeighborBuilder, NeighborOptions, Reader, Writer, WriterOptions};
use meshcore_store::graph::{Delta, End, Heard, NeighborGraph};
use meshcore_store::resolve::HopIndex;
use proptest::prelude::*;
use rusqlite::{Connection, params};
use tempfile::TempDir;

pub(crate) const NOW: UnixMillis = UnixMillis::from_seconds(1_777_636_800); // 2026-05-01T12:00:00Z
pub(crate) const DAY_S: i64 = 24 * 3600;

/// Repeaters, of which two share their first byte, and a companion.
pub(crate) const NODES: &[(&str, &str)] =
    &[("a1", "repeater"), ("b2", "repeater"), ("b2ff", "room"), ("c3", "companion")];
pub(crate) const OBSERVERS: &[&str] = &["E1", "roof north", "B2", "prefix:a1"];

pub(crate) fn key(start: &str) -> String {
    format!("{start:0<64}").to_lowercase()
}

/// An observation, as the table has it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) payload: u8,
    pub(crate) route: u8,
    pub(crate) sent: bool,
    pub(crate) path: Vec<&'static str>,
    pub(crate) originator: Option<&'static str>,
    pub(crate) observer: usize,
    pub(crate) snr: Option<f64>,
    pub(crate) at: i64,
}

impl Seen {
    /// A flooded text heard from `A1` by the first observer, now.
    pub(crate) fn text() -> Self {
        Self {
            payload: 2,
            route: 1,
            sent: false,
            path: vec!["A1"],
            originator: None,
            observer: 0,
            snr: Some(5.0),
            at: NOW.seconds(),
        }
    }
}

/// A database with a writer, in a folder of its own.
pub(crate) struct Database {
    pub(crate) folder: TempDir,
    pub(crate) path: PathBuf,
    pub(crate) writer: Writer,
}

impl Database {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mesh.db");
        let writer = Writer::open(&path, WriterOptions::default(), |_| {}).unwrap();
        let database = Self { folder, path, writer };
        let connection = database.connection();
        for (start, role) in NODES {
            connection
                .execute("INSERT INTO nodes (public_key, role) VALUES (?1, ?2)", [&key(start), *role])
                .unwrap();
        }
        for (row, id) in (1..).zip(OBSERVERS) {
            let id = if id.len() == 2 { key(id).to_uppercase() } else { (*id).to_owned() };
            connection
                .execute("INSERT INTO observers (rowid, id) VALUES (?1, ?2)", params![row, id])
                .unwrap();
        }
        database
    }

    pub(crate) fn connection(&self) -> Connection {
        let connection = Connection::open(&self.path).unwrap();
        connection.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
        connection
    }

    pub(crate) fn insert(&self, all: &[Seen]) {
        let mut connection = self.connection();
        let transaction = connection.transaction().unwrap();
        for seen in all {
            transaction
                .execute(
                    "INSERT INTO transmissions (raw_hex, hash, first_seen, route_type, payload_type, from_pubkey)
                     VALUES ('', lower(hex(randomblob(8))), ?1, ?2, ?3, ?4)",
                    params![
                        UnixMillis::from_seconds(seen.at).to_rfc3339_seconds(),
                        seen.route,
                        seen.payload,
                        seen.originator.map(key)
                    ],
                )
                .unwrap();
            transaction
                .execute(
                    "INSERT INTO observations (transmission_id, observer_idx, direction, snr, path_json, timestamp)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    params![
                        transaction.last_insert_rowid(),
                        i64::try_from(seen.observer).unwrap() + 1,
                        seen.sent.then_some("tx"),
                        seen.snr,
                        serde_json::to_string(&seen.path).unwrap(),
                        seen.at
                    ],
                )
                .unwrap();
        }
        transaction.commit().unwrap();
    }

    pub(crate) fn builder(&self) -> NeighborBuilder {
        NeighborBuilder::open(&self.path, self.writer.handle(), options(), NOW).unwrap()
    }

    pub(crate) fn graph_in_file(&self) -> NeighborGraph {
        Reader::open(&self.path).unwrap().neighbor_graph(NOW, 10_000).unwrap()
    }

    pub(crate) fn one<T: rusqlite::types::FromSql>(&self, sql: &str) -> T {
        self.connection().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    pub(crate) fn execute(&self, sql: &str) {
        self.connection().execute_batch(sql).unwrap();
    }

    /// The roll-up, ends shortened.
    pub(crate) fn rolled_up(&self) -> Vec<(String, String, i64, String)> {
        let connection = self.connection();
        let mut statement = connection
            .prepare(
                "SELECT substr(node_a, 1, 4), substr(node_b, 1, 4), count, COALESCE(last_seen, '')
                   FROM neighbor_edges
                  ORDER BY node_a, node_b",
            )
            .unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)));
        rows.unwrap().map(Result::unwrap).collect()
    }
}

pub(crate) fn options() -> NeighborOptions {
    NeighborOptions::default()
}

/// Everything in a graph as text, so that graphs with other numbers compare.
pub(crate) fn dump(graph: &NeighborGraph) -> Vec<String> {
    let mut lines = Vec::new();
    for edge in graph.sorted_edges() {
        for tally in std::iter::once(edge.total()).chain(edge.hours()) {
            let mut observers: Vec<String> =
                tally.observers().iter().map(|id| graph.ends().get(*id).to_string()).collect();
            observers.sort();
            lines.push(format!(
                "{:?} {} {:?} {:?} {:?} {} {} {observers:?}",
                graph.texts(edge.key()),
                tally.hour(),
                tally.modes(),
                tally.snr(),
                tally.prefix(),
                tally.first_seen(),
                tally.last_seen(),
            ));
        }
    }
    lines
}

/// The graph of these observations, built without a database.
pub(crate) fn built_at_once(all: &[Seen]) -> NeighborGraph {
    let mut index = HopIndex::new();
    for (start, role) in NODES {
        index.set_node(key(start).parse().unwrap(), Some(role), None, 0);
    }
    let (mut graph, mut delta) = (NeighborGraph::new(), Delta::default());
    for seen in all {
        let path: Vec<NodeHash> = seen.path.iter().map(|hop| hop.parse().unwrap()).collect();
        let id = OBSERVERS[seen.observer];
        let id = if id.len() == 2 { key(id) } else { id.to_owned() };
        let observer = End::from_text(&id).map(|end| graph.ends_mut().intern(end));
        let heard = Heard {
            payload: PayloadType::from_bits(seen.payload),
            route: RouteType::from_bits(seen.route),
            sent: seen.sent,
            path: &path,
            originator: seen.originator.map(|start| key(start).parse::<PublicKey>().unwrap()),
            observer,
            snr: seen.snr,
            at: u32::try_from(seen.at).unwrap(),
        };
        delta.observe(&heard, graph.ends_mut(), &index, options().max_edge_km);
    }
    graph.apply(&delta);
    graph
}

pub(crate) fn observation() -> impl Strategy<Value = Seen> {
    let hop = prop::sample::select(vec!["A1", "A100", "B2", "B2FF", "77", "E1"]);
    (
        prop::sample::select(vec![2_u8, 4, 4, 5, 9]),
        0_u8..4,
        prop::bool::weighted(0.1),
        prop::collection::vec(hop, 0..4),
        prop::option::of(prop::sample::select(vec!["c3", "a1", "E1"])),
        0..OBSERVERS.len(),
        prop::option::of(-20.0..12.0),
        0_i64..4 * 3600,
    )
        .prop_map(|(payload, route, sent, path, originator, observer, snr, age)| Seen {
            payload,
            route,
            sent,
            path,
            originator: originator.filter(|_| payload == 4),
            observer,
            snr,
            at: NOW.seconds() - age,
        })
}
