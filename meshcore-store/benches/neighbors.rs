//! What does the neighbor graph cost: ticks, stored paths, snapshots, loading?
//!
//! On the traffic of a simulated mesh of R size (760 nodes, 31 observers), and on a graph of 5,000 edges with 120
//! hours each. Printed beside: how long the writer was held, and how many hops were resolved rightly.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use meshcore_proto::{NodeHash, NodeType, Packet, PublicKey, RouteType};
use meshcore_store::db::{Component, NeighborBuilder, NeighborOptions, Reader, Writer, WriterOptions};
use meshcore_store::graph::{Delta, EdgeKey, End, NeighborGraph, Sighting};
use meshcore_store::resolve::PathContext;
use meshcore_store::sim::{Event, Mesh, MeshOptions, TrafficOptions};
use meshcore_store::{Direction, UnixMillis, hops_of, path_json};
use rusqlite::{Connection, params};
use tempfile::TempDir;

const OBSERVATIONS: usize = 50_000;
const START: UnixMillis = UnixMillis::new(1_777_636_800_000); // 2026-05-01T12:00:00Z
const EDGES: u32 = 5_000;
const HOURS: u32 = 120;

/// A reception, and what is true about it.
struct Heard {
    observer: String,
    snr: Option<f64>,
    raw: Vec<u8>,
    event: Event,
}

/// What the observers of the mesh hear.
fn traffic(mesh: &Mesh) -> Vec<Heard> {
    let heard = |event: Event| {
        let truth = event.truth.as_ref().filter(|truth| !truth.is_stale && truth.direction == Direction::Rx);
        truth?;
        let envelope: serde_json::Value = serde_json::from_slice(&event.payload).ok()?;
        let snr = &envelope["SNR"];
        Some(Heard {
            observer: event.topic.split('/').nth(2)?.to_owned(),
            snr: snr.as_f64().or_else(|| snr.as_str()?.parse().ok()),
            raw: hex::decode(envelope["raw"].as_str()?).ok()?,
            event,
        })
    };
    let stream = mesh.stream(START, TrafficOptions { observations_per_second: None });
    stream.filter_map(heard).take(OBSERVATIONS).collect()
}

/// A database that holds it, and no graph yet.
fn database(mesh: &Mesh, traffic: &[Heard]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mesh.db");
    drop(Writer::open(&path, WriterOptions::default(), |_| {}).expect("a new database"));
    let mut connection = Connection::open(&path).expect("the database");
    let transaction = connection.transaction().expect("a transaction");
    for node in mesh.nodes() {
        let role = match node.node_type() {
            NodeType::Repeater => "repeater",
            NodeType::Room => "room",
            _ => "companion",
        };
        let (key, at) = (node.public_key().to_string(), node.position());
        transaction
            .execute(
                "INSERT INTO nodes (public_key, role, lat, lon) VALUES (?1, ?2, ?3, ?4)",
                params![key, role, at.latitude(), at.longitude()],
            )
            .expect("a node");
    }
    for heard in traffic {
        let packet = Packet::parse_lax(&heard.raw).expect("a frame of the simulator");
        let truth = heard.event.truth.as_ref().expect("only true ones were kept");
        let is_advert = packet.header().payload_type() == meshcore_proto::PayloadType::Advert;
        transaction
            .prepare_cached("INSERT OR IGNORE INTO observers (id) VALUES (?1)")
            .and_then(|mut insert| insert.execute([&heard.observer]))
            .expect("an observer");
        transaction
            .prepare_cached(
                "INSERT OR IGNORE INTO transmissions (raw_hex, hash, first_seen, route_type, payload_type, from_pubkey)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )
            .and_then(|mut insert| {
                insert.execute(params![
                    hex::encode(&heard.raw),
                    packet.packet_hash().to_string(),
                    heard.event.at.to_rfc3339_seconds(),
                    packet.header().route().bits(),
                    packet.header().payload_type().bits(),
                    is_advert.then(|| truth.originator.to_string())
                ])
            })
            .expect("a transmission");
        transaction
            .prepare_cached(
                "INSERT INTO observations (transmission_id, observer_idx, snr, path_json, timestamp)
                 SELECT t.id, b.rowid, ?3, ?4, ?5 FROM transmissions t, observers b WHERE t.hash = ?1 AND b.id = ?2
                 ON CONFLICT DO NOTHING",
            )
            .and_then(|mut insert| {
                insert.execute(params![
                    packet.packet_hash().to_string(),
                    heard.observer,
                    heard.snr,
                    path_json(&hops_of(&packet)),
                    heard.event.at.seconds()
                ])
            })
            .expect("an observation");
    }
    transaction.commit().expect("a commit");
    (folder, path)
}

fn open(path: &Path, now: UnixMillis) -> (Writer, NeighborBuilder) {
    let writer = Writer::open(path, WriterOptions::default(), |_| {}).expect("the database");
    let builder =
        NeighborBuilder::open(path, writer.handle(), NeighborOptions::default(), now).expect("a builder");
    (writer, builder)
}

fn copy(template: &Path) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mesh.db");
    std::fs::copy(template, &path).expect("a copy");
    (folder, path)
}

fn ticks(criterion: &mut Criterion) {
    let mesh = Mesh::new(&MeshOptions::real());
    let traffic = traffic(&mesh);
    let now = traffic.last().map_or(START, |heard| heard.event.at);
    let (_folder, template) = database(&mesh, &traffic);

    let (_copy, path) = copy(&template);
    let (writer, mut builder) = open(&path, now);
    let begun = Instant::now();
    let tick = builder.tick(now).expect("a tick");
    let took = begun.elapsed();
    for report in writer.handle().figures().locks().iter().filter(|r| r.component == Component::Neighbors) {
        eprintln!(
            "{} h of traffic: {tick:?} in {took:?}, {} edges; the writer was held {:?} ms",
            (now.get() - START.get()) / 3_600_000,
            builder.graph().len(),
            report.hold
        );
    }
    let size = |table: &str| -> i64 {
        let connection = Connection::open(&path).expect("the database");
        connection
            .query_row(&format!("SELECT COUNT(*) FROM {table}"), [], |row| row.get(0))
            .expect("a number")
    };
    eprintln!("{} rows of hours, {} of the roll-up", size("neighbor_edge_hours"), size("neighbor_edges"));

    let mut group = criterion.benchmark_group("neighbors");
    group.sample_size(10).measurement_time(Duration::from_secs(10));
    group.throughput(Throughput::Elements(tick.observations));
    group.bench_function("tick", |bencher| {
        bencher.iter_batched(
            || {
                let (folder, path) = copy(&template);
                let (writer, builder) = open(&path, now);
                (builder, writer, folder)
            },
            |(mut builder, writer, folder)| {
                builder.tick(now).expect("a tick");
                (builder, writer, folder)
            },
            BatchSize::PerIteration,
        );
    });

    let neighbors = builder.shared();
    let (graph, index) = (neighbors.graph(), neighbors.index());
    let contexts: Vec<(Vec<NodeHash>, PathContext, &[PublicKey])> =
        traffic.iter().filter_map(|heard| context(heard)).collect();
    let (mut hops, mut attributed, mut right) = (0, 0, 0);
    for (path, context, truth) in &contexts {
        let resolved = index.stored_path(path.iter().map(NodeHash::as_bytes), *context, &graph, now);
        hops += path.len();
        attributed += resolved.iter().flatten().count();
        right += resolved.iter().zip(*truth).filter(|(resolved, truth)| **resolved == Some(**truth)).count();
    }
    eprintln!("{hops} hops of {} paths: {attributed} attributed, {right} rightly", contexts.len());
    group.throughput(Throughput::Elements(contexts.len() as u64));
    group.bench_function("stored_path", |bencher| {
        bencher.iter(|| {
            for (path, context, _) in &contexts {
                black_box(index.stored_path(path.iter().map(NodeHash::as_bytes), *context, &graph, now));
            }
        });
    });
    group.finish();
}

/// The path of a flood or direct packet with hops, what is known beside it, and the truth.
fn context(heard: &Heard) -> Option<(Vec<NodeHash>, PathContext, &[PublicKey])> {
    let packet = Packet::parse_lax(&heard.raw).ok()?;
    let path: Vec<NodeHash> = packet.path().hashes()?.iter().collect();
    let truth = heard.event.truth.as_ref()?;
    let is_flood = matches!(packet.header().route(), RouteType::Flood | RouteType::TransportFlood);
    let is_advert = packet.header().payload_type() == meshcore_proto::PayloadType::Advert;
    let context = PathContext {
        originator: is_advert.then_some(truth.originator),
        is_advert,
        observer: heard.observer.parse().ok().filter(|_| is_flood),
    };
    (!path.is_empty()).then_some((path, context, &truth.hops))
}

/// An edge for every number, each heard in every hour by two observers.
fn large_delta(graph: &mut NeighborGraph, hours: impl Iterator<Item = u32>) -> Delta {
    let key = |number: u32| {
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(&number.wrapping_mul(2_654_435_761).to_be_bytes());
        End::Key(PublicKey::from_bytes(bytes))
    };
    let ends: Vec<_> = (0..1_000).map(|number| graph.ends_mut().intern(key(number))).collect();
    let mut delta = Delta::default();
    for hour in hours {
        for edge in 0..EDGES {
            let (a, b) =
                (ends[edge as usize % 1_000], ends[(edge as usize * 7 + edge as usize / 1_000 + 1) % 1_000]);
            if a == b {
                continue;
            }
            for observer in [a, b] {
                let at = (494_000 + hour) * 3600;
                let sighting =
                    Sighting { at, prefix: NodeHash::new(&[7]), snr: Some(5.25), observer: Some(observer) };
                delta.add(EdgeKey::between(a, b), &sighting);
            }
        }
    }
    delta
}

fn snapshots(criterion: &mut Criterion) {
    let mut graph = NeighborGraph::new();
    let delta = large_delta(&mut graph, 0..HOURS);
    graph.apply(&delta);
    let rows: usize = graph.edges().map(|edge| edge.hours().len()).sum();
    eprintln!("{} edges, {rows} hours", graph.len());
    let next = large_delta(&mut graph, HOURS - 1..HOURS);

    let mut group = criterion.benchmark_group("neighbors");
    group.sample_size(20);
    let published = arc_swap::ArcSwap::from_pointee(NeighborGraph::new());
    group.bench_function("publish", |bencher| {
        bencher.iter(|| published.store(std::sync::Arc::new(graph.clone())));
    });
    group.bench_function("apply to every edge after a publish", |bencher| {
        bencher.iter_batched_ref(|| graph.clone(), |graph| graph.apply(&next), BatchSize::PerIteration);
    });
    group.finish();
}

fn load(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mesh.db");
    drop(Writer::open(&path, WriterOptions::default(), |_| {}).expect("a new database"));
    let mut connection = Connection::open(&path).expect("the database");
    let transaction = connection.transaction().expect("a transaction");
    let mut graph = NeighborGraph::new();
    let delta = large_delta(&mut graph, 0..HOURS);
    let mut rows: Vec<_> = delta.hours().map(|(key, hour, tally)| (graph.texts(key), hour, tally)).collect();
    rows.sort_unstable_by(|(x, x_hour, _), (y, y_hour, _)| (x, x_hour).cmp(&(y, y_hour)));
    for ((a, b), hour, tally) in rows {
        transaction
            .prepare_cached(
                "INSERT INTO neighbor_edge_hours VALUES (?1, ?2, ?3, ?4, 10.5, 2, NULL, '[0,1]', '07', ?5, ?5)",
            )
            .and_then(|mut insert| insert.execute(params![a, b, hour, tally.count(), tally.first_seen()]))
            .expect("a row");
    }
    transaction
        .execute(
            "INSERT INTO _state VALUES ('neighbor_edges_obs_id', '0'), ('neighbor_edges_rolled_id', '0')",
            [],
        )
        .expect("a watermark");
    transaction.commit().expect("a commit");
    drop(connection);
    let reader = Reader::open(&path).expect("a reader");
    let now = UnixMillis::from_seconds(i64::from((494_000 + HOURS) * 3600));
    let mut group = criterion.benchmark_group("neighbors");
    group.sample_size(10);
    group.throughput(Throughput::Elements(delta.len() as u64));
    group.bench_function("load", |bencher| {
        bencher.iter(|| reader.neighbor_graph(now, 30).expect("a graph").len())
    });
    group.finish();

    let (writer, mut builder) = open(&path, now);
    let (begun, later) = (Instant::now(), now.plus_millis(30 * 24 * 3_600_000));
    let pruned = builder.prune(later).expect("pruned");
    let took = begun.elapsed();
    for report in writer.handle().figures().locks() {
        eprintln!(
            "{pruned:?} in {took:?}, {} errands; the writer was held {:?} ms",
            report.count, report.hold
        );
    }
}

criterion_group!(benches, ticks, snapshots, load);
criterion_main!(benches);
