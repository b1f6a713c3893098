//! `/api/packets`.

use actix_web::test::TestRequest;
use meshcore_store::Direction;
use serde_json::{Value, json};

use crate::made::{Heard, ago, packet, store};
use crate::world::{World, config};
use crate::{column, snapshot};

/// Packets 1 to `count`, a second apart, the last one ten seconds ago.
fn packets(count: u64) -> World {
    let world = World::empty();
    let at = |number: u64| ago(10 + i64::try_from(count - number).unwrap());
    world.write((1..=count).map(|number| store(packet(number, "Roof", at(number)))));
    world
}

async fn total(world: &World, query: &str) -> i64 {
    let answer = world.json(&format!("/api/packets?{query}")).await;
    assert_eq!(answer["packets"].as_array().unwrap().len() as i64, answer["total"], "{query}");
    answer["total"].as_i64().unwrap()
}

#[actix_web::test]
async fn answers_are_as_recorded() {
    let world = World::recorded();
    snapshot("packets", &world.json("/api/packets?limit=2").await);
    snapshot("packets_grouped", &world.json("/api/packets?limit=2&groupByHash=true").await);
    let expanded = world.json("/api/packets?limit=1&type=ADVERT&order=asc&expand=observations").await;
    snapshot("packets_expanded", &expanded);
    snapshot("packet", &world.json("/api/packets/2").await);
}

#[actix_web::test]
async fn a_limit_that_is_none_is_the_default_and_one_too_large_is_the_largest() {
    let world = packets(52);
    for (query, limit, rows) in [
        ("", 50, 50),
        ("?limit=0", 50, 50),
        ("?limit=-1", 50, 50),
        ("?limit=many", 50, 50),
        ("?limit=3", 3, 3),
        ("?limit=99999", 10_000, 52),
    ] {
        let answer = world.json(&format!("/api/packets{query}")).await;
        assert_eq!(answer["limit"], limit, "{query}");
        assert_eq!(answer["packets"].as_array().unwrap().len(), rows, "{query}");
        assert_eq!(answer["total"], 52, "{query}");
    }
    let small = config(json!({"listLimits": {"packetsMax": 4}}));
    let answer = world.ask(small, TestRequest::get().uri("/api/packets?limit=99999")).await.json();
    assert_eq!((&answer["limit"], column(&answer["packets"], "id").len()), (&json!(4), 4));
}

#[actix_web::test]
async fn an_offset_skips_rows_and_never_fails() {
    let world = packets(5);
    for (offset, echoed, ids) in [
        ("0", 0, json!([5, 4])),
        ("2", 2, json!([3, 2])),
        ("4", 4, json!([1])),
        ("5", 5, json!([])),
        ("99999", 99_999, json!([])),
        ("-5", 0, json!([5, 4])),
        ("x", 0, json!([5, 4])),
    ] {
        let answer = world.json(&format!("/api/packets?limit=2&offset={offset}")).await;
        assert_eq!(json!(column(&answer["packets"], "id")), ids, "{offset}");
        assert_eq!((&answer["offset"], &answer["total"]), (&json!(echoed), &json!(5)), "{offset}");
    }
}

#[actix_web::test]
async fn order_is_by_id_newest_first_unless_asked_otherwise() {
    let world = packets(3);
    for (query, ids) in [
        ("", json!([3, 2, 1])),
        ("?order=desc", json!([3, 2, 1])),
        ("?order=asc", json!([1, 2, 3])),
        ("?order=sideways", json!([3, 2, 1])),
    ] {
        let answer = world.json(&format!("/api/packets{query}")).await;
        assert_eq!(json!(column(&answer["packets"], "id")), ids, "{query}");
    }
}

#[actix_web::test]
async fn types_and_routes_are_asked_for_by_number_or_name() {
    let world = World::recorded();
    let (all, adverts) = (total(&world, "limit=1000").await, total(&world, "limit=1000&type=4").await);
    assert!(0 < adverts && adverts < all);
    for name in ["ADVERT", "advert", "%204%20"] {
        assert_eq!(total(&world, &format!("limit=1000&type={name}")).await, adverts, "{name}");
    }
    let floods = total(&world, "limit=1000&route=1").await;
    assert!(0 < floods && floods < all);
    assert_eq!(total(&world, "limit=1000&route=FLOOD").await, floods);
    assert_eq!(total(&world, "limit=1000&type=&route=").await, all);
    let answer = world.json("/api/packets?limit=1000&type=ADVERT").await;
    assert!(column(&answer["packets"], "payload_type").iter().all(|number| *number == 4));
}

#[actix_web::test]
async fn what_cannot_be_read_is_refused_by_name() {
    let world = World::empty();
    for (query, parameter) in [
        ("type=ADVERTS", "type"),
        ("type=16", "type"),
        ("type=-1", "type"),
        ("route=4", "route"),
        ("route=x", "route"),
        ("since=yesterday", "since"),
        ("until=2026-13-01T00:00:00Z", "until"),
    ] {
        let answer = world.get(&format!("/api/packets?{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
        let error = answer.json()["error"].as_str().unwrap().to_owned();
        assert!(error.starts_with(&format!("{parameter}: expected ")), "{query}: {error}");
    }
    snapshot("problem", &world.get("/api/packets?type=ADVERTS").await.json());
}

#[actix_web::test]
async fn filters_of_later_versions_are_refused_and_not_ignored() {
    let world = packets(1);
    for parameter in ["q", "area", "node", "nodes"] {
        let answer = world.get(&format!("/api/packets?{parameter}=x")).await;
        assert_eq!(answer.status, 400, "{parameter}");
        let expected = format!("{parameter}: this filter is not supported by this version");
        assert_eq!(answer.json(), json!({"error": expected}));
        assert_eq!(total(&world, &format!("{parameter}=%20")).await, 1, "a blank is no filter");
    }
}

#[actix_web::test]
async fn an_unknown_region_has_no_packets_and_all_regions_have_all() {
    let world = World::empty();
    world.write([
        store(packet(1, "Roof", ago(3)).in_region("ZRH")),
        store(packet(2, "Hill", ago(2)).in_region("BSL")),
        store(packet(3, "Shed", ago(1))),
    ]);
    for (region, expected) in
        [("", 3), ("All", 3), ("ALL", 3), ("zrh", 1), ("%20zrh%20,%20,bsl", 2), ("XXX", 0), ("XXX,BSL", 1)]
    {
        assert_eq!(total(&world, &format!("region={region}")).await, expected, "{region}");
        let grouped = format!("region={region}&groupByHash=true");
        assert_eq!(total(&world, &grouped).await, expected, "{region}");
    }
}

#[actix_web::test]
async fn observers_are_asked_for_in_any_case() {
    let key = "AB".repeat(32);
    let world = World::empty();
    world.write([store(packet(1, &key, ago(3))), store(packet(2, "Roof", ago(2)))]);
    for (observer, expected) in [
        (key.clone(), 1),
        (key.to_lowercase(), 1),
        ("rOOF".into(), 1),
        (format!("roof,{key}"), 2),
        ("Cellar".into(), 0),
    ] {
        assert_eq!(total(&world, &format!("observer={observer}")).await, expected, "{observer}");
    }
}

#[actix_web::test]
async fn both_ends_of_a_time_range_belong_to_it() {
    let world = World::empty();
    let at = |second: u32| format!("2026-05-01T12:00:{second:02}.700Z").parse().unwrap();
    // The first is heard twice: from second 10 to second 30. Arrivals are kept to the second, so a `since` within one
    // finds what came earlier in it: rather a row too many than one that a client who asks for news never sees.
    world.write([
        store(packet(1, "Roof", at(10))),
        store(packet(2, "Roof", at(20))),
        store(packet(1, "Hill", at(30))),
    ]);
    let time = |second: &str| format!("2026-05-01T12:00:{second}");
    for (range, second, ids) in [
        ("since", "20Z", json!([2, 1])),
        ("since", "20.000Z", json!([2, 1])),
        ("since", "20.700Z", json!([2, 1])),
        ("since", "21Z", json!([1])),
        ("since", "30.000Z", json!([1])),
        ("since", "31Z", json!([])),
        ("until", "09Z", json!([])),
        ("until", "10Z", json!([1])),
        ("until", "10.000Z", json!([1])),
        ("until", "19.999Z", json!([1])),
        ("until", "20Z", json!([2, 1])),
        ("until", "20%2B02:00", json!([])),
    ] {
        let answer = world.json(&format!("/api/packets?{range}={}", time(second))).await;
        assert_eq!(json!(column(&answer["packets"], "id")), ids, "{range} {second}");
    }
    let both = format!("since={}&until={}", time("20Z"), time("20Z"));
    assert_eq!(total(&world, &both).await, 2);
}

#[actix_web::test]
async fn a_packet_is_found_by_hash_by_number_and_by_observation() {
    let world = World::empty();
    world.write([
        store(packet(0xabc, "Roof", ago(9))),
        store(packet(0xabc, "Hill", ago(8))),
        store(packet(0xdef, "Roof", ago(7))),
    ]);
    for (id, hash) in [
        ("0000000000000abc", "0000000000000abc"),
        ("0000000000000ABC", "0000000000000abc"),
        ("1", "0000000000000abc"),
        ("2", "0000000000000def"),
        ("2?by=obs", "0000000000000abc"),
        ("3", "0000000000000def"), // no third packet, but a third observation
        ("3?by=obs", "0000000000000def"),
    ] {
        let answer = world.json(&format!("/api/packets/{id}")).await;
        assert_eq!(answer["packet"]["hash"], hash, "{id}");
        assert_eq!(answer["observations"], answer["packet"]["observations"], "{id}");
    }
    for id in ["4", "0", "-1", "0000000000000aaa", "abc", "0000000000000abc?by=obs", "99999999999999999999"] {
        let answer = world.get(&format!("/api/packets/{id}")).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (404, json!({"error": "Not found"})), "{id}");
    }
    for (hash, expected) in [("0000000000000ABC", 1), ("0000000000000aaa", 0)] {
        assert_eq!(total(&world, &format!("hash={hash}")).await, expected, "{hash}");
    }
}

#[actix_web::test]
async fn a_hash_of_decimal_digits_is_a_hash_first() {
    let world = packets(0x10);
    let answer = world.json("/api/packets/0000000000000010").await;
    assert_eq!(answer["packet"]["id"], 0x10);
    let answer = world.json("/api/packets/0000000000000011").await;
    assert_eq!(answer["packet"]["id"], 11);
}

#[actix_web::test]
async fn channels_are_asked_for_by_name() {
    let world = World::empty();
    let on = |number, channel: &str| {
        let mut packet = packet(number, "Roof", ago(5));
        (packet.payload_type, packet.channel_hash) = (5, Some(channel.into()));
        store(packet)
    };
    world.write([on(1, "#a.b"), on(2, "enc_3A"), store(packet(3, "Roof", ago(4)))]);
    for (channel, expected) in [("%23a.b", 1), ("enc_3A", 1), ("%23other", 0), ("", 3)] {
        assert_eq!(total(&world, &format!("channel={channel}")).await, expected, "{channel}");
    }
}

#[actix_web::test]
async fn groups_come_by_their_newest_observation_with_counts() {
    let world = World::empty();
    world.write([
        store(packet(1, "Roof", ago(30)).in_region("ZRH")),
        store(packet(2, "Roof", ago(20)).in_region("ZRH")),
        store(packet(1, "Hill", ago(10)).in_region("BSL")),
        store(packet(1, "Hill", ago(10)).in_region("BSL").over(&["A1"])),
        store(packet(1, "Hill", ago(9)).in_region("BSL").over(&["A1"])), // known already
        store(packet(3, "Shed", ago(15))),
    ]);
    let answer = world.json("/api/packets?groupByHash=true&order=asc").await;
    let rows = &answer["packets"];
    assert_eq!(column(rows, "id"), [1, 3, 2]);
    assert_eq!(column(rows, "observation_count"), [3, 1, 1]);
    assert_eq!(column(rows, "count"), [3, 1, 1]);
    assert_eq!(column(rows, "observer_count"), [2, 1, 1]);
    assert_eq!(json!(column(rows, "distinct_iatas")), json!([["BSL", "ZRH"], [], ["ZRH"]]));
    assert_eq!(rows[0]["first_seen"], "2026-05-01T12:09:30.000Z");
    assert_eq!(rows[0]["latest"], "2026-05-01T12:09:50.000Z");
    let flat = world.json("/api/packets").await;
    assert_eq!(column(&flat["packets"], "id"), [3, 2, 1]);
    assert_eq!(flat["total"], answer["total"]);
}

#[actix_web::test]
async fn observations_come_when_asked_for() {
    let world = World::empty();
    world.write([store(packet(1, "Roof", ago(30))), store(packet(1, "Hill", ago(20)))]);
    let plain = world.json("/api/packets").await["packets"][0].clone();
    assert!(plain.get("observations").is_none());
    let rows = world.json("/api/packets?expand=observations").await["packets"][0]["observations"].clone();
    assert_eq!(column(&rows, "observer_id"), ["Roof", "Hill"]);
    assert_eq!(column(&rows, "transmission_id"), [1, 1]);
    assert_eq!(column(&rows, "hash"), ["0000000000000001", "0000000000000001"]);
    let grouped = world.json("/api/packets?expand=observations&groupByHash=true").await;
    assert!(grouped["packets"][0].get("observations").is_none());
}

#[actix_web::test]
async fn the_longest_path_speaks_for_the_packet_and_a_transmission_only_for_want_of_better() {
    let world = World::empty();
    world.write([
        store(packet(1, "Roof", ago(9)).over(&["A1"])),
        store(packet(1, "Hill", ago(8)).over(&["A1", "B2"])),
        store(packet(1, "Shed", ago(7)).over(&["C3", "D4"])),
        store(packet(1, "Mast", ago(6)).over(&["A1", "B2", "C3"]).going(Direction::Tx)),
        store(packet(2, "Mast", ago(5)).going(Direction::Tx)),
    ]);
    let first = world.json("/api/packets/1").await;
    assert_eq!(first["packet"]["observer_id"], "Hill");
    assert_eq!(first["packet"]["path_json"], r#"["A1","B2"]"#);
    assert_eq!(first["packet"]["_parsedPath"], json!(["A1", "B2"]));
    assert_eq!(first["path"], json!(["A1", "B2"]));
    assert_eq!(first["observation_count"], 4);
    let second = world.json("/api/packets/2").await;
    assert_eq!(second["packet"]["observer_id"], "Mast");
    assert_eq!(second["packet"]["direction"], "tx");
}

#[actix_web::test]
async fn no_hops_are_an_empty_list_and_a_null_parsed_path() {
    let world = packets(1);
    let answer = world.json("/api/packets/1").await;
    assert_eq!(answer["path"], json!([]));
    assert_eq!(answer["packet"]["path_json"], "[]");
    assert_eq!(answer["packet"]["_parsedPath"], Value::Null);
    let empty = World::empty();
    for query in ["", "?groupByHash=true"] {
        let answer = empty.json(&format!("/api/packets{query}")).await;
        assert_eq!(answer, json!({"packets": [], "total": 0, "limit": 50, "offset": 0}));
    }
}
