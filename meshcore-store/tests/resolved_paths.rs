//! Who the hops were, as it was worked out when an observation came: the same for ever.

mod database;

use std::collections::BTreeMap;

use meshcore_proto::PublicKey;
use meshcore_store::UnixMillis;
use meshcore_store::db::{
    Component, Job, NeighborBuilder, NeighborOptions, PacketFilter, PacketWrite, Reader, Write, Writer, pack,
};
use meshcore_store::resolve::PathContext;
use meshcore_store::sim::{Mesh, MeshOptions, Scribe, TrafficOptions};
use rusqlite::Connection;

use database::Database;

const START: UnixMillis = UnixMillis::from_seconds(1_777_593_600); // 2026-05-01T00:00:00Z

/// The resolved path of each observation, as readers see it.
fn resolved(database: &Database) -> BTreeMap<i64, Option<Vec<Option<String>>>> {
    let reader = Reader::open(&database.path).unwrap();
    let page = reader.packets(&PacketFilter { limit: 1_000_000, ..PacketFilter::default() }).unwrap();
    let observations = page.packets.into_iter().flat_map(|packet| packet.observations);
    observations.map(|observation| (observation.id, observation.resolved_path)).collect()
}

fn submit(writer: &Writer, writes: impl IntoIterator<Item = Write>) {
    for write in writes {
        writer.submit(Job { ticket: 0, write }).unwrap();
    }
    writer.flush().unwrap();
}

/// A town of two hundred nodes, most of which send hashes of one byte: many hops are ambiguous at first.
fn writes() -> impl Iterator<Item = Write> {
    let mesh = Mesh::new(&MeshOptions { nodes: 200, ..MeshOptions::town() });
    let mut scribe = Scribe::new(&mesh);
    mesh.stream(START, TrafficOptions::rate(20)).filter_map(move |event| scribe.write(event))
}

/// What the resolver says of a packet message, asked directly.
fn expected(builder: &NeighborBuilder, packet: &PacketWrite) -> Option<Vec<Option<String>>> {
    let hops: Vec<Vec<u8>> = serde_json::from_str::<Vec<String>>(&packet.path_json)
        .unwrap()
        .iter()
        .map(|hop| hex::decode(hop).unwrap())
        .collect();
    let is_flood = matches!(packet.route_type, 0 | 1);
    let observer: Option<PublicKey> = packet.reception.observer.as_str().parse().ok();
    let context = PathContext { originator: None, is_advert: false, observer: observer.filter(|_| is_flood) };
    let shared = builder.shared();
    let hops = hops.iter().map(Vec::as_slice);
    let nodes = shared.index().stored_path(hops, context, &shared.graph(), packet.reception.received_at);
    let names = nodes.iter().map(|node| node.map(|key| key.to_string())).collect();
    nodes.iter().any(Option::is_some).then_some(names)
}

#[test]
fn an_observation_keeps_the_answer_of_its_time_whatever_is_learned_later() {
    let database = Database::new();
    let writer = database.writer();
    let mut builder =
        NeighborBuilder::open(&database.path, writer.handle(), NeighborOptions::default(), START).unwrap();
    let mut writes = writes();
    let mut expectations = BTreeMap::new();
    for _ in 0..6 {
        // nodes and neighbors change here ...
        submit(&writer, writes.by_ref().take(1_500));
        builder.tick(START).unwrap();
        // ... and not there
        let mut packets = Vec::new();
        for write in writes.by_ref().take(1_500) {
            match write {
                Write::Packet(packet) if packet.advert.is_none() => packets.push(*packet),
                _ => {}
            }
        }
        let newest = database.one::<i64>("SELECT COALESCE(MAX(id), 0) FROM observations");
        submit(&writer, packets.iter().map(|packet| Write::Packet(Box::new(packet.clone()))));
        let connection = Connection::open(&database.path).unwrap();
        let mut find = connection
            .prepare(
                "SELECT o.id FROM observations o JOIN transmissions t ON t.id = o.transmission_id
                   JOIN observers b ON b.rowid = o.observer_idx
                  WHERE t.hash = ?1 AND b.id = ?2 AND o.path_json = ?3",
            )
            .unwrap();
        for packet in &packets {
            let key = (packet.hash.to_string(), packet.reception.observer.as_str(), &packet.path_json);
            let id: i64 = find.query_row(key, |row| row.get(0)).unwrap();
            if id > newest {
                expectations.insert(id, expected(&builder, packet));
            }
        }
    }
    let known = expectations.values().flatten().flatten().flatten().count();
    assert!(known > 2_000, "the test knows some hops: {known}");

    let before = resolved(&database);
    for (id, expected) in &expectations {
        assert_eq!(before.get(id), Some(expected), "observation {id}");
    }
    assert_eq!(database.one::<i64>("SELECT COUNT(resolved_path) FROM observations"), 0);

    // packed and after a restart all is as before
    builder.tick(START).unwrap();
    assert!(database.one::<i64>("SELECT COUNT(*) FROM resolved_paths") > 0);
    pack(&writer.handle(), UnixMillis::from_seconds(4_000_000_000), &|| false).unwrap();
    drop((writer, builder));
    assert_eq!(database.one::<i64>("SELECT COUNT(*) FROM resolved_paths"), 0);
    assert!(resolved(&database) == before);
}

#[test]
fn relays_are_seen_when_they_pass_packets_on() {
    let database = Database::new();
    let writer = database.writer();
    submit(&writer, writes().take(3_000));
    let handle = writer.handle();
    let long_ago = "2026-04-01T00:00:00Z";
    handle
        .run(Component::PruneObservers, move |transaction| {
            transaction.execute("UPDATE nodes SET last_seen = ?1", [long_ago])
        })
        .unwrap();
    let no_adverts = writes()
        .skip(3_000)
        .take(6_000)
        .filter(|write| matches!(write, Write::Packet(packet) if packet.advert.is_none()));
    submit(&writer, no_adverts);
    drop(writer);
    let seen = |role: &str| {
        database.one::<i64>(&format!(
            "SELECT COUNT(*) FROM nodes WHERE role = '{role}' AND last_seen > '{long_ago}'"
        ))
    };
    assert!(seen("repeater") > 10, "{}", seen("repeater"));
    assert_eq!(seen("companion"), 0, "companions pass nothing on");
}
