//! The worked examples of the specification, where they are at hand.

use std::collections::BTreeMap;
use std::path::Path;

use meshcore_proto::{NodeHash, PayloadType, PublicKey, RouteType};
use meshcore_store::geo::{Position, haversine_km};
use meshcore_store::graph::{Delta, EndId, Heard, Method, NeighborGraph, Tally, max_edge_km};
use meshcore_store::resolve::{HopIndex, PathContext};
use serde_json::Value;

use super::support::{NOW, NOW_S, company, connect, end, key, walk};

/// Input and expected output of a worked example.
fn example(id: &str) -> Option<(Value, Value)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/spec/analytics-examples.json");
    let Ok(text) = std::fs::read_to_string(path) else {
        eprintln!("skipped: the worked examples are not here");
        return None;
    };
    let mut all: Value = serde_json::from_str(&text).unwrap();
    let one = all["examples"].as_array_mut().unwrap().iter_mut().find(|one| one["id"] == id).unwrap();
    Some((one["input"].take(), one["expected"].take()))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn number(value: &Value) -> u32 {
    u32::try_from(value.as_u64().unwrap()).unwrap()
}

fn index_of(nodes: &Value) -> HopIndex {
    let mut index = HopIndex::new();
    for node in list(nodes) {
        let position = Position::new(node["lat"].as_f64(), node["lon"].as_f64());
        let key = node["pubkey"].as_str().unwrap().parse().unwrap();
        index.set_node(key, node["role"].as_str(), position, number(&node["advert_count"]));
    }
    index
}

#[test]
fn distances_of_the_worked_example() {
    let Some((input, expected)) = example("A01") else { return };
    let pairs = list(&input["haversine_pairs"]);
    assert!(!pairs.is_empty());
    for (pair, km) in pairs.iter().zip(list(&expected["haversine_km"])) {
        let at = |i: usize| pair[i].as_f64().unwrap();
        assert!((haversine_km((at(0), at(1)), (at(2), at(3))) - km.as_f64().unwrap()).abs() < 1e-3);
    }
}

#[test]
fn weights_of_the_worked_example() {
    let Some((input, expected)) = example("A02") else { return };
    for (i, edge) in list(&input["edges"]).iter().enumerate() {
        let mut graph = NeighborGraph::new();
        let observers: Vec<EndId> =
            (0..number(&edge["observers"])).map(|o| end(&mut graph, &format!("o{o}"))).collect();
        let seen = NOW.seconds() - edge["hours"].as_i64().unwrap() * 3600;
        let seen = u32::try_from(seen).unwrap();
        let tally =
            Tally::from_parts([number(&edge["count"]), 0, 0, 0], (seen, seen), (0.0, 0), None, observers);
        for (name, value) in
            [("score", tally.score(NOW)), ("confidence", tally.confidence()), ("weight", tally.weight(NOW))]
        {
            assert!((value - expected[name][i].as_f64().unwrap()).abs() < 1e-6, "{name} of {edge}: {value}");
        }
    }
}

#[test]
fn edges_of_the_worked_example() {
    let Some((input, expected)) = example("A03") else { return };
    let index = index_of(&input["nodes"]);
    let (mut graph, mut delta) = (NeighborGraph::new(), Delta::default());
    for observation in list(&input["observations"]) {
        let hop = |hop: &Value| hop.as_str().unwrap().parse::<NodeHash>().unwrap();
        let path: Vec<NodeHash> = list(&observation["path"]).iter().map(hop).collect();
        let observer = end(&mut graph, observation["observer"].as_str().unwrap());
        let bits = |value: &Value| u8::try_from(value.as_u64().unwrap()).unwrap();
        let heard = Heard {
            payload: PayloadType::from_bits(bits(&observation["payload_type"])),
            route: RouteType::from_bits(bits(&observation["route_type"])),
            sent: false,
            path: &path,
            originator: observation["from"].as_str().map(|key| key.parse().unwrap()),
            observer: Some(observer),
            snr: observation["snr"].as_f64(),
            at: NOW_S,
        };
        delta.observe(&heard, graph.ends_mut(), &index, max_edge_km(input["maxEdgeKm"].as_f64()));
    }
    graph.apply(&delta);

    let edges = graph.sorted_edges();
    assert_eq!(edges.len(), list(&expected["edges"]).len());
    for (edge, expected) in edges.iter().zip(list(&expected["edges"])) {
        let (a, b) = graph.texts(edge.key());
        assert_eq!(
            (a.as_str(), b.as_str()),
            (expected["a"].as_str().unwrap(), expected["b"].as_str().unwrap())
        );
        let total = edge.total();
        assert_eq!(total.count(), number(&expected["count"]));
        let modes: BTreeMap<String, u32> = total
            .modes()
            .iter()
            .enumerate()
            .filter(|(_, n)| **n > 0)
            .map(|(i, n)| (i.to_string(), *n))
            .collect();
        assert_eq!(serde_json::to_value(modes).unwrap(), expected["counts_by_mode"]);
        let observers: Vec<String> =
            total.observers().iter().map(|id| graph.ends().get(*id).to_string()).collect();
        assert_eq!(serde_json::to_value(observers).unwrap(), expected["observers"]);
        assert_eq!(total.avg_snr(), expected["avg_snr"].as_f64());
        assert_eq!(edge.ambiguous_prefix().is_some(), expected["ambiguous"].as_bool().unwrap());
        let candidates: Vec<String> =
            graph.candidates(edge, &index).map(|relay| relay.key.to_string()).collect();
        assert_eq!(candidates, list(&expected["candidates"]));
    }
    assert_eq!(graph.rejected_geo_far(), expected["rejected_edges_geo_far"].as_u64().unwrap());
}

#[test]
fn company_of_the_worked_example() {
    let Some((input, expected)) = example("A04") else { return };
    for (case, expected) in list(&input["cases"]).iter().zip(list(&expected["cases"])) {
        let texts = |value: &Value| -> Vec<String> {
            list(value).iter().map(|text| text.as_str().unwrap().to_owned()).collect()
        };
        let known = texts(&case["known"]);
        let of = |name: &str| texts(&case["cands"][name]);
        let (a, b) = (of("A"), of("B"));
        fn refs(texts: &[String]) -> Vec<&str> {
            texts.iter().map(String::as_str).collect()
        }
        let (graph, index, known_end) =
            company(&refs(&known), &[("ab0a", refs(&a)), ("ab0b", refs(&b))], number(&case["count"]));
        for (candidate, name) in [("ab0a", "A"), ("ab0b", "B")] {
            let candidate = graph.id_of_key(&key(candidate)).unwrap();
            let share = graph.jaccard(known_end, candidate);
            assert!((share - expected["jaccard"][name].as_f64().unwrap()).abs() < 1e-6, "{case}: {share}");
        }
        let verdicts = graph.disambiguated(&index, NOW).verdicts;
        let chosen = verdicts.first().map(|verdict| {
            assert_eq!(verdict.method, Method::Jaccard);
            let a = graph.id_of_key(&key("ab0a"));
            if Some(verdict.chosen) == a { "A" } else { "B" }
        });
        assert_eq!(chosen, expected["resolved"].as_str(), "{case}");
    }
}

#[test]
fn tiers_of_the_worked_example() {
    let Some((input, expected)) = example("A05") else { return };
    for (case, expected) in list(&input["cases"]).iter().zip(list(&expected["cases"])) {
        let mut index = index_of(&input["nodes"]);
        for listener in list(&case["nonrelay"]) {
            index.set_listener(listener.as_str().unwrap().parse().unwrap(), true);
        }
        let mut graph = NeighborGraph::new();
        for edge in list(&case["graph"]) {
            let text = |name: &str| edge[name].as_str().unwrap();
            let numbers = ["count", "hours", "observers"].map(|name| number(&edge[name]));
            connect(&mut graph, text("a"), text("b"), numbers[0], numbers[1], numbers[2]);
        }
        let context: Vec<PublicKey> =
            list(&case["context"]).iter().map(|key| key.as_str().unwrap().parse().unwrap()).collect();
        let hop: NodeHash = case["hop"].as_str().unwrap().parse().unwrap();
        let found = index.resolve(hop.as_bytes(), &context, Some(&graph), NOW);
        assert_eq!(found.node.map(|key| key.to_string()).as_deref(), expected["pubkey"].as_str(), "{case}");
        assert_eq!(found.label.as_str(), expected["method"].as_str().unwrap(), "{case}");
        assert!((found.score - expected["score"].as_f64().unwrap()).abs() < 1e-6, "{case}");
    }
}

#[test]
fn walks_of_the_worked_example() {
    let Some((input, expected)) = example("A06") else { return };
    let index = index_of(&input["nodes"]);
    let mut graph = NeighborGraph::new();
    for pair in list(&input["adjacency"]) {
        connect(&mut graph, pair[0].as_str().unwrap(), pair[1].as_str().unwrap(), 1, 9_999, 0);
    }
    for (case, expected) in list(&input["cases"]).iter().zip(list(&expected["cases"])) {
        let hops: Vec<String> = list(&case["hops"]).iter().map(|hop| hop.as_str().unwrap().into()).collect();
        let originator = case["from"].as_str().map(|key| key.parse().unwrap());
        let context = PathContext { originator, is_advert: originator.is_some(), observer: None };
        let path = walk(&index, &graph, &hops, context);
        let path: Vec<Option<String>> = path.into_iter().map(|key| key.map(|key| key.to_string())).collect();
        assert_eq!(serde_json::to_value(path).unwrap(), expected["resolved_path"], "{case}");
    }
}
