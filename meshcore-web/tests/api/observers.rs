//! `/api/observers`.

use meshcore_ingest::intake::Inbound;
use meshcore_store::db::{ClockSkew, Job, Presence, Write};
use serde_json::{Value, json};

use crate::made::{advert, ago, packet, status, store};
use crate::world::World;
use crate::{column, snapshot};

#[actix_web::test]
async fn answers_are_as_recorded() {
    snapshot("observers", &World::recorded().json("/api/observers").await);
}

#[actix_web::test]
async fn the_one_heard_last_comes_first_with_its_counts() {
    let world = World::empty();
    world.write([
        store(packet(1, "Roof", ago(7200))),
        store(packet(2, "Roof", ago(1800))),
        store(packet(2, "Hill", ago(60))),
        Job { ticket: 0, write: Write::Status(Box::new(status("Roof", ago(30)))) },
    ]);
    let answer = world.json("/api/observers").await;
    assert_eq!(answer["server_time"], "2026-05-01T12:10:00.000Z");
    let rows = &answer["observers"];
    assert_eq!(column(rows, "id"), ["Roof", "Hill"]);
    assert_eq!(column(rows, "packet_count"), [2, 1]);
    assert_eq!(column(rows, "packetsLastHour"), [1, 1]);
    assert_eq!(rows[0]["last_seen"], "2026-05-01T12:09:30.000Z");
    assert_eq!(rows[0]["last_packet_at"], "2026-05-01T11:40:00.000Z");
}

#[actix_web::test]
async fn an_observer_has_the_place_of_the_node_with_its_key() {
    let (key, world) = ("ab".repeat(32), World::empty());
    let mut node = advert(1, &key, "Ridge", ago(60));
    node.advert.as_mut().unwrap().position = Some((47.5, 8.25));
    world.write([store(node), store(packet(2, &key, ago(30)))]);
    let observer = world.json("/api/observers").await["observers"][0].clone();
    assert_eq!(observer["id"], key.to_uppercase());
    assert_eq!((&observer["lat"], &observer["lon"]), (&json!(47.5), &json!(8.25)));
    assert_eq!(observer["nodeRole"], "repeater");
}

#[actix_web::test]
async fn whether_it_relays_is_left_out_until_it_said_so() {
    let world = World::empty();
    let said = |observer, can_relay| {
        let status = meshcore_store::db::ObserverStatus { can_relay, ..status(observer, ago(5)) };
        Job { ticket: 0, write: Write::Status(Box::new(status)) }
    };
    world.write([said("Hill", Some(true)), said("Roof", Some(false)), said("Shed", None)]);
    let rows = world.json("/api/observers").await["observers"].clone();
    assert_eq!(column(&rows, "id"), ["Hill", "Roof", "Shed"]);
    assert_eq!((&rows[0]["can_relay"], &rows[1]["can_relay"]), (&json!(true), &json!(false)));
    assert!(rows[2].get("can_relay").is_none());
}

#[actix_web::test]
async fn a_wrong_clock_is_forgotten_after_a_day() {
    let world = World::empty();
    let skewed = |number, observer, seconds| {
        let mut packet = packet(number, observer, ago(seconds));
        packet.clock_skew = Some(ClockSkew { seconds: -7200 });
        store(packet)
    };
    world.write([skewed(1, "Roof", 3600), skewed(2, "Hill", 25 * 3600)]);
    let rows = world.json("/api/observers").await["observers"].clone();
    assert_eq!(column(&rows, "clock_naive"), [true, false]);
    assert_eq!(column(&rows, "clock_skew_seconds"), [json!(-7200), Value::Null]);
    assert_eq!(column(&rows, "clock_skew_count_24h"), [1, 0]);
}

#[actix_web::test]
async fn an_observer_known_from_a_farewell_only_is_listed() {
    let world = World::empty();
    let farewell = meshcore_store::db::ObserverStatus { presence: Presence::Past, ..status("Roof", ago(5)) };
    world.write([Job { ticket: 0, write: Write::Status(Box::new(farewell)) }]);
    assert_eq!(column(&world.json("/api/observers").await["observers"], "id"), ["Roof"]);
}

#[actix_web::test]
async fn the_last_word_of_an_observer_is_told_unless_the_broker_kept_it() {
    let world = World::empty();
    let say = |observer: &str, status: &str, retained, seconds| {
        let message = Inbound {
            source: 0,
            topic: format!("meshcore/ZRH/{observer}/status"),
            payload: json!({ "status": status }).to_string().into(),
            retained,
            received_at: ago(seconds),
        };
        world.write([world.digest(&message)]);
    };
    say("Hill", "online", false, 10);
    say("Hill", "offline", false, 5);
    say("Roof", "online", false, 20);
    say("Roof", "offline", true, 1);
    say("Shed", "online", true, 1);
    let rows = world.json("/api/observers").await["observers"].clone();
    assert_eq!(column(&rows, "id"), ["Hill", "Roof", "Shed"]);
    assert_eq!(column(&rows, "last_status"), [json!("offline"), json!("online"), Value::Null]);
    assert!(rows[2].get("last_status").is_none());
}

#[actix_web::test]
async fn without_observers_the_list_is_empty() {
    assert_eq!(World::empty().json("/api/observers").await["observers"], json!([]));
}
