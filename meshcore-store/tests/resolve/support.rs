//! Small meshes to resolve in.

use meshcore_proto::{NodeHash, PublicKey};
use meshcore_store::UnixMillis;
use meshcore_store::graph::{Delta, EdgeKey, End, EndId, NeighborGraph, Sighting};
use meshcore_store::resolve::{HopIndex, PathContext};

pub(crate) const NOW: UnixMillis = UnixMillis::from_seconds(1_777_636_800);
pub(crate) const NOW_S: u32 = 1_777_636_800;

/// A key that starts with these hex digits.
pub(crate) fn key(start: &str) -> PublicKey {
    format!("{start:0<64}").parse().unwrap()
}

pub(crate) fn end(graph: &mut NeighborGraph, text: &str) -> EndId {
    graph.ends_mut().intern(End::from_text(text).unwrap())
}

/// Adds an edge heard `count` times, the last time `hours` ago, by so many observers in turn.
pub(crate) fn connect(graph: &mut NeighborGraph, a: &str, b: &str, count: u32, hours: u32, observers: u32) {
    let (a, b) = (end(graph, a), end(graph, b));
    let observers: Vec<EndId> = (0..observers).map(|i| end(graph, &format!("observer {i}"))).collect();
    let mut delta = Delta::default();
    for i in 0..count as usize {
        let observer = observers.get(i % observers.len().max(1)).copied();
        delta.add(
            EdgeKey::between(a, b),
            &Sighting { at: NOW_S - hours * 3600, prefix: None, snr: None, observer },
        );
    }
    graph.apply(&delta);
}

/// A graph with a known end, its neighbors, candidates for the prefix `ab`, and an ambiguous edge heard `count` times.
pub(crate) fn company(
    known: &[&str],
    candidates: &[(&str, Vec<&str>)],
    count: u32,
) -> (NeighborGraph, HopIndex, EndId) {
    let (mut graph, mut index) = (NeighborGraph::new(), HopIndex::new());
    for neighbor in known {
        connect(&mut graph, &key("11").to_string(), neighbor, 1, 0, 0);
    }
    for (candidate, neighbors) in candidates {
        index.set_node(key(candidate), Some("repeater"), None, 0);
        for neighbor in neighbors {
            connect(&mut graph, &key(candidate).to_string(), neighbor, 1, 0, 0);
        }
    }
    let end = end(&mut graph, &key("11").to_string());
    let mut delta = Delta::default();
    let prefix = "ab".parse().unwrap();
    for _ in 0..count {
        let sighting = Sighting { at: NOW_S, prefix: Some(prefix), snr: None, observer: None };
        delta.add(EdgeKey::ambiguous(end, prefix), &sighting);
    }
    graph.apply(&delta);
    (graph, index, end)
}

pub(crate) fn walk(
    index: &HopIndex,
    graph: &NeighborGraph,
    hops: &[String],
    context: PathContext,
) -> Vec<Option<PublicKey>> {
    let hops: Vec<NodeHash> = hops.iter().map(|hop| hop.parse().unwrap()).collect();
    index.stored_path(hops.iter().map(NodeHash::as_bytes), context, graph, NOW)
}
