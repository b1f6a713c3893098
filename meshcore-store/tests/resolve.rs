//! Hops and neighbors, without a database: the worked examples of the specification, where they are at hand, and
//! cases of our own.

use std::collections::BTreeMap;
use std::path::Path;

use meshcore_proto::{NodeHash, PayloadType, PublicKey, RouteType};
use meshcore_store::UnixMillis;
use meshcore_store::geo::{Position, haversine_km};
use meshcore_store::graph::{
    Delta, EdgeKey, End, EndId, Far, Heard, Method, NeighborGraph, Sighting, Tally, max_edge_km,
};
use meshcore_store::resolve::{HopIndex, Label, PathContext};
use rstest::rstest;
use serde_json::Value;

const NOW: UnixMillis = UnixMillis::from_seconds(1_777_636_800);
const NOW_S: u32 = 1_777_636_800;

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

/// A key that starts with these hex digits.
fn key(start: &str) -> PublicKey {
    format!("{start:0<64}").parse().unwrap()
}

fn end(graph: &mut NeighborGraph, text: &str) -> EndId {
    graph.ends_mut().intern(End::from_text(text).unwrap())
}

/// Adds an edge heard `count` times, the last time `hours` ago, by so many observers in turn.
fn connect(graph: &mut NeighborGraph, a: &str, b: &str, count: u32, hours: u32, observers: u32) {
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

/// A graph with a known end, its neighbors, candidates for the prefix `ab`, and an ambiguous edge heard `count` times.
fn company(known: &[&str], candidates: &[(&str, Vec<&str>)], count: u32) -> (NeighborGraph, HopIndex, EndId) {
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

fn walk(
    index: &HopIndex,
    graph: &NeighborGraph,
    hops: &[String],
    context: PathContext,
) -> Vec<Option<PublicKey>> {
    let hops: Vec<NodeHash> = hops.iter().map(|hop| hop.parse().unwrap()).collect();
    index.stored_path(hops.iter().map(NodeHash::as_bytes), context, graph, NOW)
}

/// Repeaters AA01, AA02, BB01, BB02, and the companion C0DE.
fn town() -> HopIndex {
    let mut index = HopIndex::new();
    for start in ["aa01", "aa02", "bb01", "bb02"] {
        index.set_node(key(start), Some("repeater"), None, 0);
    }
    index.set_node(key("c0de"), Some("companion"), None, 0);
    index
}

#[rstest]
#[case::the_walk_needs_the_originator(&["AA", "BB"], None, None, [None, None])]
#[case::adjacency_leads_on(&["AA", "BB"], Some("c0de"), None, [Some("aa01"), Some("bb01")])]
#[case::unique_hops_need_nobody(&["AA02", "BB01"], None, None, [Some("aa02"), Some("bb01")])]
#[case::the_observer_favours_its_neighbor(&["99", "BB"], None, Some("0b5e"), [None, Some("bb02")])]
#[case::nobody_is_passed_twice(&["BB02", "BB"], None, Some("0b5e"), [Some("bb02"), None])]
fn a_stored_path(
    #[case] hops: &[&str],
    #[case] originator: Option<&str>,
    #[case] observer: Option<&str>,
    #[case] expected: [Option<&str>; 2],
) {
    let mut graph = NeighborGraph::new();
    let long = |start: &str| key(start).to_string();
    connect(&mut graph, &long("c0de"), &long("aa01"), 1, 0, 0);
    connect(&mut graph, &long("aa01"), &long("bb01"), 1, 0, 0);
    connect(&mut graph, &long("0b5e"), &long("bb02"), 3, 0, 1);
    let hops: Vec<String> = hops.iter().map(|hop| (*hop).to_owned()).collect();
    let context = PathContext {
        originator: originator.map(key),
        is_advert: originator.is_some(),
        observer: observer.map(key),
    };
    assert_eq!(walk(&town(), &graph, &hops, context), expected.map(|start| start.map(key)));
}

#[test]
fn the_sender_of_a_text_is_no_start_of_the_walk_but_may_have_a_favourite() {
    let mut graph = NeighborGraph::new();
    let context = PathContext { originator: Some(key("c0de")), is_advert: false, observer: None };
    connect(&mut graph, &key("c0de").to_string(), &key("aa01").to_string(), 2, 0, 1);
    assert_eq!(walk(&town(), &graph, &["AA".into()], context), [None], "adjacent, but heard twice only");
    connect(&mut graph, &key("c0de").to_string(), &key("aa01").to_string(), 1, 0, 1);
    assert_eq!(walk(&town(), &graph, &["AA".into()], context), [Some(key("aa01"))]);
}

#[rstest]
#[case::alone(30, 0, Some("aa01"))]
#[case::three_times_as_strong(30, 10, Some("aa01"))]
#[case::not_quite(29, 10, None)]
#[case::too_rare(2, 0, None)]
fn a_favourite_is_clear_or_none(#[case] best: u32, #[case] second: u32, #[case] expected: Option<&str>) {
    let mut graph = NeighborGraph::new();
    connect(&mut graph, &key("0b5e").to_string(), &key("aa01").to_string(), best, 0, 1);
    connect(&mut graph, &key("0b5e").to_string(), &key("aa02").to_string(), second, 0, 1);
    let index = town();
    let found = index.resolve(&[0xaa], &[key("0b5e")], Some(&graph), NOW);
    let attributed = found.node.filter(|_| found.label.is_attributable());
    assert_eq!(attributed, expected.map(key));
    assert_eq!(found.candidates.len(), 2);
}

#[test]
fn guesses_are_labelled_as_such() {
    let attributable: Vec<&str> = [
        Label::NoMatch,
        Label::UniquePrefix,
        Label::NeighborAffinity,
        Label::GeoProximity,
        Label::GpsPreference,
        Label::ObservationCountFallback,
    ]
    .into_iter()
    .filter(|label| label.is_attributable())
    .map(Label::as_str)
    .collect();
    assert_eq!(attributable, ["unique_prefix", "neighbor_affinity"]);
}

/// A reception of a flooded packet with SNR 5.
fn heard<'a>(payload: PayloadType, route: RouteType, path: &'a [NodeHash]) -> Heard<'a> {
    Heard {
        payload,
        route,
        sent: false,
        path,
        originator: Some(key("c0de")),
        observer: None,
        snr: Some(5.0),
        at: NOW_S,
    }
}

#[rstest]
#[case::advert_from_next_door(PayloadType::Advert, RouteType::Flood, "", false, &["c0de-0b5e 5"])]
#[case::also_when_sent_direct(PayloadType::Advert, RouteType::Direct, "", false, &["c0de-0b5e 5"])]
#[case::advert_with_hops(PayloadType::Advert, RouteType::Flood, "aa01 bb02", false, &["c0de-aa01 -", "bb02-0b5e 5"])]
#[case::scoped_the_same(PayloadType::Advert, RouteType::TransportFlood, "aa01", false, &["c0de-aa01 -", "aa01-0b5e 5"])]
#[case::text(PayloadType::TxtMsg, RouteType::Flood, "aa01 bb02", false, &["bb02-0b5e 5"])]
#[case::text_from_next_door(PayloadType::TxtMsg, RouteType::Flood, "", false, &[])]
#[case::direct_paths_say_nothing(PayloadType::TxtMsg, RouteType::Direct, "aa01", false, &[])]
#[case::nor_direct_adverts_with_hops(PayloadType::Advert, RouteType::TransportDirect, "aa01", false, &[])]
#[case::nor_traces(PayloadType::Trace, RouteType::Flood, "aa01", false, &[])]
#[case::nor_what_the_observer_sent(PayloadType::Advert, RouteType::Flood, "aa01", true, &[])]
#[case::two_could_be_meant(PayloadType::TxtMsg, RouteType::Flood, "bb", false, &["0b5e-prefix:bb 5"])]
#[case::nobody_could_be_meant(PayloadType::TxtMsg, RouteType::Flood, "77", false, &["0b5e-prefix:77 5"])]
fn what_a_reception_says(
    #[case] payload: PayloadType,
    #[case] route: RouteType,
    #[case] path: &str,
    #[case] sent: bool,
    #[case] expected: &[&str],
) {
    let path: Vec<NodeHash> = path.split_whitespace().map(|hop| hop.parse().unwrap()).collect();
    let mut graph = NeighborGraph::new();
    let observer = end(&mut graph, &key("0b5e").to_string());
    let heard = Heard { sent, observer: Some(observer), ..heard(payload, route, &path) };
    let mut delta = Delta::default();
    let said = delta.observe(&heard, graph.ends_mut(), &town(), None);
    assert_eq!(said, !expected.is_empty());
    graph.apply(&delta);
    let short = |id: EndId| graph.ends().get(id).to_string()[..4].to_owned();
    let mut edges: Vec<Vec<String>> = graph
        .edges()
        .map(|edge| {
            let snr = edge.total().avg_snr().map_or_else(|| "-".to_owned(), |snr| snr.to_string());
            match edge.key().far() {
                Far::Prefix(_) => {
                    vec![format!("{}-{} {snr}", short(edge.key().near()), graph.texts(edge.key()).1)]
                }
                Far::End(far) => {
                    let (a, b) = (short(edge.key().near()), short(far));
                    vec![format!("{a}-{b} {snr}"), format!("{b}-{a} {snr}")]
                }
            }
        })
        .collect();
    for expected in expected {
        let at = edges.iter().position(|names| names.iter().any(|name| name == expected));
        edges.remove(at.unwrap_or_else(|| panic!("{expected} is not in {edges:?}")));
    }
    assert!(edges.is_empty(), "{edges:?}");
}

#[rstest]
#[case(None, 0)] // nobody else has the prefix: no edge with oneself
#[case(Some("0b02"), 1)] // the other one
fn a_known_end_is_no_candidate_for_its_own_hop(#[case] other: Option<&str>, #[case] edges: usize) {
    let mut index = HopIndex::new();
    index.set_node(key("0b01"), Some("repeater"), None, 0);
    other.into_iter().for_each(|start| index.set_node(key(start), Some("repeater"), None, 0));
    let mut graph = NeighborGraph::new();
    let observer = end(&mut graph, &key("0b01").to_string());
    let path = ["0b".parse().unwrap()];
    let heard = Heard { observer: Some(observer), ..heard(PayloadType::TxtMsg, RouteType::Flood, &path) };
    let mut delta = Delta::default();
    delta.observe(&heard, graph.ends_mut(), &index, None);
    graph.apply(&delta);
    assert_eq!(graph.len(), edges);
    assert!(graph.edges().all(|edge| edge.ambiguous_prefix().is_none()));
}

#[rstest]
#[case(None, Some(500.0))]
#[case(Some(0.0), Some(500.0))]
#[case(Some(20.0), Some(20.0))]
#[case(Some(-1.0), None)]
fn the_longest_edge_is_configured(#[case] configured: Option<f64>, #[case] km: Option<f64>) {
    assert_eq!(max_edge_km(configured), km);
}

#[test]
fn an_ambiguous_edge_joins_the_one_it_turns_out_to_be_and_the_evidence_stays() {
    let (mut graph, mut index, known) = company(&["n1"], &[("ab01", vec![]), ("ab02", vec![])], 2);
    connect(&mut graph, &key("11").to_string(), &key("ab01").to_string(), 3, 0, 1);
    let view = graph.disambiguated(&index, NOW);
    let verdict = view.verdicts[0];
    assert_eq!((verdict.known, verdict.method), (known, Method::NeighborAffinity));
    let chosen = view.graph.id_of_key(&key("ab01")).unwrap();
    assert_eq!(view.graph.edge(known, chosen).unwrap().total().count(), 5);
    assert_eq!((view.graph.len(), graph.len()), (2, 3), "only the view has one edge less");
    assert_eq!(view.graph.edges_of(known).count(), 2);

    index.remove_node(&key("ab01"));
    let verdict = graph.disambiguated(&index, NOW).verdicts[0];
    assert_eq!(verdict.method, Method::UniquePrefix, "who is left is meant");
    index.remove_node(&key("ab02"));
    assert!(graph.disambiguated(&index, NOW).verdicts.is_empty());
}
