//! Hops and neighbors, without a database.

mod examples;
mod support;

use meshcore_proto::{NodeHash, PayloadType, PublicKey, RouteType};
use meshcore_store::geo::Position;
use meshcore_store::graph::{Delta, End, EndId, Far, Heard, Method, NeighborGraph, max_edge_km};
use meshcore_store::resolve::{HopIndex, Label, PathContext};
use rstest::rstest;
use support::{NOW, NOW_S, company, connect, end, key, walk};

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

/// Neighbors in common decide between two candidates, when one has three times the share of the other.
#[rstest]
#[case::only_one_has_any(&["n1", "n2"], &["n9"], 3, Some("ab01"))]
#[case::three_times_as_many(&["n1", "n2", "n3"], &["n1"], 3, Some("ab01"))]
#[case::not_so_clear(&["n1", "n2"], &["n1"], 3, None)]
#[case::nobody_has_any(&["n8"], &["n9"], 3, None)]
#[case::heard_too_rarely(&["n1", "n2"], &["n9"], 2, None)]
fn company_decides(
    #[case] first: &[&str],
    #[case] second: &[&str],
    #[case] count: u32,
    #[case] expected: Option<&str>,
) {
    let candidates = [("ab01", first.to_vec()), ("ab02", second.to_vec())];
    let (graph, index, known) = company(&["n1", "n2", "n3"], &candidates, count);
    let view = graph.disambiguated(&index, NOW);
    let chosen = view.verdicts.first().map(|verdict| view.graph.ends().get(verdict.chosen).clone());
    assert_eq!(chosen, expected.map(|start| End::Key(key(start))));
    let joined = expected.and_then(|start| view.graph.edge(known, view.graph.id_of_key(&key(start))?));
    assert_eq!(joined.map(|edge| edge.total().count()), expected.map(|_| count));
}

#[test]
fn without_neighbors_there_are_guesses_only() {
    let mut index = HopIndex::new();
    let mut set = |start, place: Option<(f64, f64)>, adverts| {
        let position = Position::new(place.map(|p| p.0), place.map(|p| p.1));
        index.set_node(key(start), Some("repeater"), position, adverts);
    };
    set("aa01", Some((47.0, 8.0)), 5);
    set("aa02", Some((48.0, 9.0)), 9);
    set("aa03", None, 99);
    set("bb", Some((47.1, 8.1)), 0);
    set("cc01", None, 7);
    set("cc02", None, 7);
    let guess = |hop: u8, context: &[PublicKey]| {
        let found = index.resolve(&[hop], context, None, NOW);
        (found.node, found.label, found.score)
    };
    assert_eq!(guess(0xaa, &[key("bb")]), (Some(key("aa01")), Label::GeoProximity, 0.0), "the nearest");
    assert_eq!(guess(0xaa, &[]), (Some(key("aa02")), Label::GpsPreference, 0.0), "of those with a position");
    assert_eq!(guess(0xaa, &[key("dd")]), (Some(key("aa02")), Label::GpsPreference, 0.0), "nobody knows DD");
    assert_eq!(guess(0xcc, &[key("bb")]), (Some(key("cc01")), Label::ObservationCountFallback, 0.0));
    assert_eq!(guess(0xbb, &[]), (Some(key("bb")), Label::UniquePrefix, 1.0));
    assert_eq!(guess(0xee, &[]), (None, Label::NoMatch, 0.0));
}

#[rstest]
#[case::too_far("aa", Some(500.0), 0, 1)]
#[case::no_limit("aa", None, 1, 0)]
#[case::ambiguous_edges_have_no_length("bb", Some(500.0), 1, 0)]
fn neighbors_are_not_far_apart(
    #[case] hop: &str,
    #[case] max_km: Option<f64>,
    #[case] edges: usize,
    #[case] rejected: u64,
) {
    let mut index = HopIndex::new();
    for start in ["aa01", "bb01", "bb02"] {
        index.set_node(key(start), Some("repeater"), Position::new(Some(10.0), Some(10.0)), 0);
    }
    // companions have a place too
    index.set_node(key("c0de"), Some("companion"), Position::new(Some(50.0), Some(3.0)), 0);
    let (mut graph, mut delta) = (NeighborGraph::new(), Delta::default());
    let path = [hop.parse().unwrap()];
    let advert = heard(PayloadType::Advert, RouteType::Flood, &path);
    delta.observe(&advert, graph.ends_mut(), &index, max_km);
    graph.apply(&delta);
    assert_eq!((graph.len(), graph.rejected_geo_far()), (edges, rejected));
}
