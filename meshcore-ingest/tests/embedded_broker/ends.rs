//! Clients that are silent, are lost, come back or do not listen, and our own end.

use std::time::{Duration, Instant};

use paho_mqtt::{AsyncClient, Message, QOS_0, QOS_1};
use serde_json::json;

use crate::house::{self, House, packet, publish};
use crate::raw::Raw;
use crate::{DEADLINE, eventually};

const WILL: (&str, &str) = ("meshcore/ZRH/roof/status", r#"{"status":"offline","origin":"Roof"}"#);

#[test]
fn whoever_says_nothing_is_sent_away_and_keeps_nobody_out() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&cert, certificate.cert.pem()).unwrap();
    std::fs::write(&key, certificate.signing_key.serialize_pem()).unwrap();
    let house = House::in_folder(folder, json!({"tls": {"port": 0, "cert": cert, "key": key}}), 1000);
    house.release();
    let start = Instant::now();
    let mut silent: Vec<Raw> = (0..50).map(|_| Raw::silent(house.address)).collect();
    silent.extend((0..50).map(|_| Raw::silent(house.tls.unwrap())));
    // One says half of a CONNECT.
    silent[0].announce(100).unwrap();
    publish(house.client("plain").connect(), "meshcore/ZRH/roof/packets", [&packet(1)]);
    publish(house.tls_client("tls", &cert).connect(), "meshcore/ZRH/roof/packets", [&packet(2)]);
    assert!(start.elapsed() < Duration::from_secs(5), "nobody had to wait for them");
    assert_eq!(house.settled(2).stored, 2);
    for raw in &mut silent {
        assert!(raw.is_hung_up());
    }
    let took = start.elapsed();
    assert!((9..20).contains(&took.as_secs()), "{took:?}");
    eventually("they are counted", || {
        (house.refused("silent") == 50 && house.refused("tls_failed") == 50).then_some(())
    });
    eventually("their seats are free", || (house.report().connections == 2).then_some(()));
}

#[test]
fn the_will_of_a_client_that_is_lost_reaches_the_database_and_those_who_listen() {
    let house = House::open(json!({}));
    let (listener, heard) = listening(&house);
    let observer = Raw::connected(house.address, "roof", Some(WILL));
    publish(listener, "meshcore/ZRH/roof/packets", [&packet(1)]);
    house.settled(1);
    drop(observer); // without DISCONNECT
    assert_eq!(house.settled(2).stored, 2);
    assert_eq!(house.report().wills, 1);
    let topics: Vec<String> =
        (0..2).map(|_| heard.recv_timeout(DEADLINE).unwrap().unwrap().topic().to_owned()).collect();
    assert_eq!(topics, ["meshcore/ZRH/roof/packets", WILL.0]);

    // Whoever says goodbye takes it along.
    let client = house.client("polite").with_will(WILL.0, WILL.1).connect();
    client.disconnect(None).wait_for(DEADLINE).unwrap();
    eventually("it has left", || (house.report().connections == 1).then_some(()));
    assert_eq!((house.report().wills, house.messages().received), (1, 2));
}

#[test]
fn a_will_may_not_say_what_its_client_may_not() {
    let house = House::open(json!({}));
    drop(Raw::connected(house.address, "roof", Some(("weather/roof", "rain"))));
    eventually("it is counted", || (house.refused("publish_topic") >= 1).then_some(()));
    eventually("it has left", || (house.report().connections == 0).then_some(()));
    assert_eq!((house.report().wills, house.messages().received), (0, 0));
}

#[test]
fn a_client_id_is_taken_over_by_its_owner_without_its_will_and_by_nobody_else() {
    let house = House::open(json!({
        "users": [{"username": "ann", "password": "secret"}, {"username": "bob", "password": "secret"}],
        "limits": {"connectionsPerKey": 1},
    }));
    let first = house.client("meshcore_1").with_login("ann", "secret").with_will(WILL.0, WILL.1).connect();
    publish(first, "meshcore/ZRH/roof/packets", [&packet(1)]);
    assert!(house.client("meshcore_1").with_login("bob", "secret").try_connect().is_err());
    assert_eq!(house.refused("client_id_taken"), 1);
    publish(first, "meshcore/ZRH/roof/packets", [&packet(2)]);

    let second = house.client("meshcore_1").with_login("ann", "secret").connect();
    eventually("the first is cut off", || (!first.is_connected()).then_some(()));
    publish(second, "meshcore/ZRH/roof/packets", [&packet(3)]);
    eventually("its place is free", || (house.report().connections == 1).then_some(()));
    let report = house.settled(3);
    assert_eq!((report.received, report.stored), (3, 3), "an observer that is back is not offline");
    assert_eq!((house.report().takeovers, house.report().wills), (1, 0));
}

#[test]
fn subscribers_that_do_not_read_stall_nobody_and_cost_little() {
    const STALLED: usize = 5;
    const MESSAGES: u32 = 10_000;
    let house = House::open(json!({}));
    let client = house.client("roof").connect();
    let burst = |client: &AsyncClient| {
        let start = Instant::now();
        for number in 0..MESSAGES {
            let payload = format!("{:4000}", packet(number));
            let qos = if number % 50 == 0 { QOS_1 } else { QOS_0 };
            client
                .publish(Message::new("meshcore/ZRH/roof/packets", payload, qos))
                .wait_for(DEADLINE)
                .unwrap();
        }
        start.elapsed()
    };
    let alone = burst(client);
    house.settled(u64::from(MESSAGES));
    let before = resident_kib();
    let mut stalled: Vec<Raw> = (0..STALLED)
        .map(|number| Raw::connected(house.address, &format!("stalled {number}"), None))
        .collect();
    for (number, raw) in stalled.iter_mut().enumerate() {
        raw.subscribe("meshcore/#", u8::try_from(number % 2).unwrap());
    }
    let beside = burst(client);
    house.settled(2 * u64::from(MESSAGES));
    let after = resident_kib();
    eprintln!(
        "40 MB: alone {alone:?}, beside {STALLED} that do not read {beside:?}; {before:?} KiB, then {after:?} KiB"
    );
    assert!(beside < alone * 4 + Duration::from_secs(5), "alone {alone:?}, beside {beside:?}");
    if let (Some(before), Some(after)) = (before, after) {
        assert!(after < before + 32 * 1024, "{before} KiB before, {after} KiB after");
    }
    let start = Instant::now();
    let (report, _) = house.stop();
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
    assert_eq!(report.accounted(), 2 * u64::from(MESSAGES));
}

#[test]
fn a_stop_stores_what_was_confirmed_and_leaves_wills_unsaid() {
    let house = House::held(json!({}), 50_000);
    let client = house.client("roof").with_will(WILL.0, WILL.1).connect();
    let mut silent = Raw::silent(house.address);
    let payloads: Vec<String> = (0..3000).map(packet).collect();
    publish(client, "meshcore/ZRH/roof/packets", &payloads);
    assert_eq!(house.messages().accounted(), 0, "all of them wait");
    house.release();
    let start = Instant::now();
    let (report, folder) = house.stop();
    eprintln!("a stop with {} messages in the queue: {:?}", payloads.len(), start.elapsed());
    assert_eq!((report.received, report.stored), (3000, 3000));
    assert_eq!(house::count(folder.path(), "observations"), 3000);
    assert!(silent.is_hung_up());
}

#[test]
fn a_stop_does_not_wait_for_a_publisher_that_is_held_back() {
    let house = House::held(json!({}), 10);
    let client = house.client("roof").connect();
    let topic = "meshcore/ZRH/roof/packets";
    publish(client, topic, &(0..10).map(packet).collect::<Vec<_>>());
    let eleventh = client.publish(Message::new(topic, packet(10), QOS_1));
    eventually("it is held back", || (house.report().held_back == 1).then_some(()));
    house.release();
    let start = Instant::now();
    let (report, _) = house.stop();
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    assert_eq!((report.received, report.accounted()), (11, 11), "what was read is not lost");
    drop(eleventh);
}

fn listening(house: &House) -> (&'static AsyncClient, paho_mqtt::SyncReceiver<Option<Message>>) {
    let client = house.client("listener").connect();
    let heard = client.start_consuming();
    client.subscribe("meshcore/#", QOS_1).wait_for(DEADLINE).unwrap();
    (client, heard)
}

/// Resident memory of this process; `None` where the system does not tell.
fn resident_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}
