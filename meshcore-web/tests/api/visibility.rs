//! Who is hidden is absent from every route and from the live feed, and stays in the file.

use std::sync::Arc;

use actix_web::http::StatusCode;
use meshcore_store::Visibility;
use meshcore_store::db::{Follower, PacketFilter, Reader};
use meshcore_web::live::frame::LiveFrame;
use serde_json::{Value, json};

use crate::column;
use crate::http::ROUTES;
use crate::made::{Heard, advert, ago, packet, store};
use crate::world::{NOW, World};

/// Keys of nodes whose first byte tells them apart.
fn key(byte: u8) -> String {
    format!("{byte:02x}").repeat(32)
}

const LISTED: u8 = 0xb1;
const NAMED: u8 = 0xc2;
const SHOWN: u8 = 0xd3;

/// A node that is hidden by its key, one by its name, one that is not. Each sent an advert, and a message came over all
/// three.
fn mesh() -> World {
    let world = World::empty();
    world.write([
        store(advert(1, &key(LISTED), "Quentin", ago(90)).in_region("ZRH")),
        store(advert(2, &key(NAMED), "🚫 Xaver", ago(80)).in_region("ZRH")),
        store(advert(3, &key(SHOWN), "Yvonne 🚫", ago(70)).in_region("ZRH")),
        store(packet(4, "Roof", ago(50)).flooded().over(&["B1B1", "C2C2", "D3D3"])),
        store(packet(5, "Cellar", ago(40))),
    ]);
    world.hiding(rules())
}

fn rules() -> Visibility {
    Visibility::new([key(LISTED).to_uppercase()], ["🚫"], ["CELLAR"])
}

/// Whether a text names one who is hidden.
fn tells(text: &str) -> bool {
    let text = text.to_lowercase();
    [&key(LISTED), &key(NAMED), "quentin", "xaver"].into_iter().any(|word| text.contains(word))
}

#[actix_web::test]
async fn no_route_tells_of_hidden_nodes() {
    let world = mesh();
    let details = ["/api/packets/3", "/api/packets/4", "/api/packets?expand=observations&limit=99"];
    let lists = ["/api/packets?groupByHash=true", "/api/packets?type=ADVERT", "/api/nodes?search=e"];
    for route in ROUTES.iter().chain(&details).chain(&lists).filter(|route| !route.contains('{')) {
        let answer = world.get(route).await;
        assert!(!tells(answer.text()), "{route}: {}", answer.text());
    }
}

#[actix_web::test]
async fn lists_counts_and_totals_leave_them_out() {
    let world = mesh();
    let nodes = world.json("/api/nodes").await;
    assert_eq!(column(&nodes["nodes"], "name"), ["Yvonne 🚫"]);
    assert_eq!((&nodes["total"], &nodes["counts"]["repeaters"]), (&json!(1), &json!(1)));
    let regional = world.json("/api/nodes?region=ZRH").await;
    assert_eq!((&regional["total"], column(&regional["nodes"], "name").len()), (&json!(1), 1));
    let packets = world.json("/api/packets?order=asc").await;
    assert_eq!(
        (column(&packets["packets"], "id"), &packets["total"]),
        (vec![json!(3), json!(4), json!(5)], &json!(3))
    );
    let stats = world.json("/api/stats").await;
    assert_eq!((&stats["totalNodes"], &stats["totalNodesAllTime"]), (&json!(1), &json!(1)));
    assert_eq!((&stats["counts"]["repeaters"], &stats["totalPackets"]), (&json!(1), &json!(5)));
}

#[actix_web::test]
async fn a_packet_of_theirs_is_as_unknown_as_one_that_never_was() {
    let world = mesh();
    let never = world.get("/api/packets/999").await;
    for id in ["1", "2", "0000000000000001", "0000000000000002", "2?by=obs"] {
        let answer = world.get(&format!("/api/packets/{id}")).await;
        assert_eq!((answer.status, answer.text()), (StatusCode::NOT_FOUND, never.text()), "{id}");
    }
    assert_eq!(world.get("/api/packets/3").await.status, StatusCode::OK);
}

#[actix_web::test]
async fn as_a_hop_they_are_unknown() {
    let shown = mesh().json("/api/packets/4").await["packet"]["resolved_path"].clone();
    assert_eq!(shown, json!([null, null, key(SHOWN)]));
    let all = mesh().hiding(Visibility::default()).json("/api/packets/4").await;
    assert_eq!(all["packet"]["resolved_path"], json!([key(LISTED), key(NAMED), key(SHOWN)]));
}

#[actix_web::test]
async fn an_observer_is_hidden_by_its_own_list_and_does_not_tell_where_a_hidden_node_is() {
    let world = mesh();
    world.write([store(packet(6, &key(LISTED), ago(30)))]);
    let observers = world.json("/api/observers").await["observers"].clone();
    assert_eq!(column(&observers, "id"), [json!(key(LISTED).to_uppercase()), json!("Roof")]);
    assert_eq!(column(&observers, "nodeRole"), [Value::Null, Value::Null]);
    assert_eq!(world.json("/api/stats").await["totalObservers"], 2);
    let all = world.hiding(Visibility::default()).json("/api/observers").await["observers"].clone();
    assert_eq!(column(&all, "id")[1], "Cellar");
    assert_eq!(column(&all, "nodeRole")[0], "repeater");
}

#[actix_web::test]
async fn who_takes_the_sign_off_is_shown_again() {
    let world = mesh();
    world.write([store(advert(7, &key(NAMED), "Xaver", ago(10)))]);
    let names = column(&world.json("/api/nodes").await["nodes"], "name");
    assert_eq!(names, ["Xaver", "Yvonne 🚫"]);
    assert_eq!(world.get("/api/packets/2").await.status, StatusCode::OK);
}

#[test]
fn the_live_feed_passes_over_them_also_when_they_say_their_name_for_the_first_time() {
    let world = World::empty();
    let mut follower = Follower::open(&world.database()).unwrap().hiding(&Arc::new(rules())).unwrap();
    let mut frames = || -> Vec<String> {
        let rows = follower.next(i64::MAX, 100).unwrap();
        rows.into_iter().map(|row| serde_json::to_string(&LiveFrame::of(row, Some(NOW))).unwrap()).collect()
    };
    world.write([
        store(advert(1, &key(LISTED), "Quentin", ago(90))),
        store(advert(2, &key(NAMED), "🚫 Xaver", ago(80))),
        store(packet(3, "Roof", ago(70)).flooded().over(&["B1B1", "C2C2"])),
        store(advert(4, &key(SHOWN), "Yvonne 🚫", ago(60))),
    ]);
    let told = frames();
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(told.iter().all(|frame| !tells(frame)), "{told:#?}");
    world.write([store(advert(5, &key(LISTED), "Quentin", ago(50)))]);
    assert!(frames().is_empty());
    world.write([store(packet(6, "Roof", ago(40)))]);
    assert_eq!(frames().len(), 1);
}

#[test]
fn what_is_hidden_stays_in_the_file() {
    let world = mesh();
    let reader = Reader::open(&world.database()).unwrap();
    let all = PacketFilter { limit: 99, ..PacketFilter::default() };
    assert_eq!(reader.packets(&all).unwrap().total, 5);
    let reader = reader.hiding(&Arc::new(rules())).unwrap();
    assert_eq!(reader.packets(&all).unwrap().total, 3);
    let reader = reader.hiding(&Arc::default()).unwrap();
    assert_eq!(reader.packets(&all).unwrap().total, 5);
}
