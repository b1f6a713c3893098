//! `/api/nodes`.

use actix_web::test::TestRequest;
use serde_json::{Value, json};

use crate::made::{Heard, advert, ago, store};
use crate::world::{World, config};
use crate::{column, snapshot};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// The key of a made-up node.
fn key(number: u8) -> String {
    format!("{number:02x}").repeat(32)
}

/// Nodes of these names, heard these many seconds ago.
fn nodes(heard: &[(&str, i64)]) -> World {
    let world = World::empty();
    world.write(
        (1..)
            .zip(heard)
            .map(|(number, (name, seconds))| store(advert(number.into(), &key(number), name, ago(*seconds)))),
    );
    world
}

/// Names in the order of the answer, whose total must be theirs.
async fn names(world: &World, query: &str) -> Vec<Value> {
    let answer = world.json(&format!("/api/nodes?{query}")).await;
    let names = column(&answer["nodes"], "name");
    assert_eq!(answer["total"], names.len(), "{query}");
    names
}

#[actix_web::test]
async fn answers_are_as_recorded() {
    snapshot("nodes", &World::recorded().json("/api/nodes?limit=2&sortBy=name").await);
}

#[actix_web::test]
async fn pages_cut_the_list_and_not_the_total() {
    let world = nodes(&[("a", 1), ("b", 2), ("c", 3)]);
    for (query, expected) in [
        ("limit=2", json!(["a", "b"])),
        ("limit=2&offset=2", json!(["c"])),
        ("limit=2&offset=3", json!([])),
        ("limit=0&offset=-5", json!(["a", "b", "c"])),
        ("limit=99999", json!(["a", "b", "c"])),
    ] {
        let answer = world.json(&format!("/api/nodes?{query}")).await;
        assert_eq!(json!(column(&answer["nodes"], "name")), expected, "{query}");
        assert_eq!(answer["total"], 3, "{query}");
    }
    let small = config(json!({"listLimits": {"nodesMax": 1}}));
    let answer = world.ask(small, TestRequest::get().uri("/api/nodes?limit=99999")).await.json();
    assert_eq!((column(&answer["nodes"], "name"), &answer["total"]), (vec![json!("a")], &json!(3)));
}

#[actix_web::test]
async fn the_total_counts_what_the_filter_leaves() {
    let world = nodes(&[("Ridge North", 1), ("Ridge South", 2), ("Harbour", 3)]);
    let answer = world.json("/api/nodes?search=ridge&limit=1").await;
    assert_eq!((&answer["total"], &answer["nodes"][0]["name"]), (&json!(2), &json!("Ridge North")));
    assert_eq!(answer["counts"], json!({"repeaters": 3, "rooms": 0, "companions": 0, "sensors": 0}));
}

#[actix_web::test]
async fn a_search_takes_percent_and_underscore_as_they_are() {
    let world = nodes(&[("100%_sure", 1), ("100 pure", 2), (r"back\slash", 3)]);
    for (search, expected) in [
        ("%25", json!(["100%_sure"])),
        ("_", json!(["100%_sure"])),
        ("0%25_S", json!(["100%_sure"])),
        ("%5C", json!([r"back\slash"])),
        ("100", json!(["100%_sure", "100 pure"])),
        ("PURE", json!(["100 pure"])),
        ("%20", json!(["100%_sure", "100 pure", r"back\slash"])),
        ("nobody", json!([])),
    ] {
        assert_eq!(json!(names(&world, &format!("search={search}")).await), expected, "{search}");
    }
}

#[actix_web::test]
async fn roles_are_exact() {
    let world = World::empty();
    let mut room = advert(2, &key(2), "Club", ago(2));
    room.advert.as_mut().unwrap().role = Some("room".into());
    world.write([store(advert(1, &key(1), "Ridge", ago(1))), store(room)]);
    for (role, expected) in [
        ("room", json!(["Club"])),
        ("repeater", json!(["Ridge"])),
        ("Room", json!([])),
        ("", json!(["Ridge", "Club"])),
    ] {
        assert_eq!(json!(names(&world, &format!("role={role}")).await), expected, "{role}");
    }
    let counts = world.json("/api/nodes?role=nobody").await["counts"].clone();
    assert_eq!(counts, json!({"repeaters": 1, "rooms": 1, "companions": 0, "sensors": 0}));
}

#[actix_web::test]
async fn last_heard_counts_back_from_the_clock() {
    let world = nodes(&[
        ("minutes", HOUR / 2),
        ("hours", 5 * HOUR),
        ("a day", 23 * HOUR),
        ("days", 3 * DAY),
        ("weeks", 20 * DAY),
        ("months", 60 * DAY),
    ]);
    for (window, count) in [("1h", 1), ("6h", 2), ("24h", 3), ("7d", 4), ("30d", 5), ("2h", 6), ("", 6)] {
        assert_eq!(names(&world, &format!("lastHeard={window}")).await.len(), count, "{window}");
    }
}

#[actix_web::test]
async fn before_is_about_the_first_advert() {
    let world = nodes(&[("new", 10), ("old", 100)]);
    for (seconds, expected) in [(99, json!(["old"])), (100, json!(["old"])), (101, json!([]))] {
        let query = format!("before={}", ago(seconds));
        assert_eq!(json!(names(&world, &query).await), expected, "{query}");
    }
    let answer = world.get("/api/nodes?before=soon").await;
    assert_eq!(answer.status, 400);
    assert!(answer.json()["error"].as_str().unwrap().starts_with("before: expected "));
}

#[actix_web::test]
async fn lists_are_sorted_as_asked() {
    let world = nodes(&[("b", 1), ("A", 3), ("c", 2)]);
    world.write([store(advert(9, &key(3), "c", ago(2))), store(advert(10, &key(3), "c", ago(2)))]);
    for (order, expected) in [
        ("lastSeen", json!(["b", "c", "A"])),
        ("name", json!(["A", "b", "c"])),
        ("packetCount", json!(["c", "b", "A"])),
        ("beauty", json!(["b", "c", "A"])),
    ] {
        assert_eq!(json!(names(&world, &format!("sortBy={order}")).await), expected, "{order}");
    }
    let most = world.json("/api/nodes?sortBy=packetCount&limit=1").await["nodes"][0].clone();
    assert_eq!((&most["advert_count"], &most["last_heard"]), (&json!(3), &most["last_seen"]));
}

#[actix_web::test]
async fn regions_are_those_that_heard_the_advert() {
    let world = World::empty();
    world.write([store(advert(1, &key(1), "Ridge", ago(2)).in_region("ZRH"))]);
    for (region, count) in [("zrh", 1), ("All", 1), ("XXX", 0)] {
        assert_eq!(names(&world, &format!("region={region}")).await.len(), count, "{region}");
    }
}

#[actix_web::test]
async fn an_area_is_refused_and_not_ignored() {
    let answer = World::empty().get("/api/nodes?area=city").await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json(), json!({"error": "area: this filter is not supported by this version"}));
}

#[actix_web::test]
async fn a_mesh_without_nodes_has_an_empty_list() {
    let answer = World::empty().json("/api/nodes").await;
    let counts = json!({"repeaters": 0, "rooms": 0, "companions": 0, "sensors": 0});
    assert_eq!(answer, json!({"nodes": [], "total": 0, "counts": counts}));
}
