//! How much a client may do.

use std::time::{Duration, Instant};

use paho_mqtt::{Message, QOS_1};
use serde_json::json;

use crate::house::{House, Observer, packet, publish};
use crate::raw::Raw;
use crate::{DEADLINE, eventually};

#[test]
fn an_observer_that_says_too_much_is_slowed_down_whatever_connections_it_uses_and_loses_nothing() {
    let house = House::open(json!({"tokens": {"enabled": true}, "limits": {"messagesPerSecond": 20}}));
    let (loud, calm) = (Observer::new(1), Observer::new(2));
    let connect = |id: &str, observer: &Observer| {
        house.client(id).with_login(&observer.username(), &observer.token(&[])).connect()
    };
    let (one, two, quiet) = (connect("one", &loud), connect("two", &loud), connect("quiet", &calm));
    let start = Instant::now();
    // 200 are saved up, 20 are too many: another second at 20 in a second.
    let payloads: Vec<String> = (0..220).map(packet).collect();
    std::thread::scope(|scope| {
        for (client, part) in [(one, &payloads[..110]), (two, &payloads[110..])] {
            let loud = &loud;
            scope.spawn(move || publish(client, &loud.topic("packets"), part));
        }
    });
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(800), "{took:?}");
    let start = Instant::now();
    publish(quiet, &calm.topic("packets"), [&packet(1000)]);
    assert!(start.elapsed() < Duration::from_millis(500), "the others are not held back");
    let report = house.settled(221);
    assert_eq!((report.received, report.stored), (221, 221));
    let counted = house.report();
    assert!(counted.held_back >= 15 && house.refused("publish_rate") == 0, "{counted:?}");
    eprintln!("220 messages of one key at 20/s: {took:?}, held back {}", counted.held_back);
}

#[test]
fn bytes_are_limited_too_and_what_would_wait_too_long_is_counted() {
    let limits = json!({"messagesPerSecond": 1000, "bytesPerSecond": 1000});
    let house = House::open(json!({"tokens": {"enabled": true}, "limits": limits}));
    let observer = Observer::new(1);
    let client = house.client("roof").with_login(&observer.username(), &observer.token(&[])).connect();
    let large = format!("{:16000}", packet(1));
    publish(client, &observer.topic("packets"), [&large, &packet(2)]);
    assert_eq!(house.refused("publish_rate"), 1);
    assert_eq!(house.settled(1).stored, 1);
}

#[test]
fn a_key_and_a_name_have_a_few_connections() {
    let house = House::open(json!({
        "users": [{"username": "ann", "password": "secret"}], "limits": {"connectionsPerKey": 2},
    }));
    let connect = |id: &str| house.client(id).with_login("ann", "secret").try_connect();
    let (one, _two) = (connect("one").unwrap(), connect("two").unwrap());
    assert!(connect("three").is_err());
    assert_eq!(house.refused("key_connections"), 1);
    one.disconnect(None).wait_for(DEADLINE).unwrap();
    eventually("there is a place again", || connect("three").ok());
}

#[test]
fn a_packet_above_the_limit_ends_its_connection_before_it_is_collected() {
    let house = House::open(json!({"limits": {"maxPacketBytes": 2048}}));
    let mut raw = Raw::connected(house.address, "large", None);
    raw.publish("meshcore/ZRH/roof/packets", packet(1).as_bytes()).unwrap();
    house.settled(1);
    raw.announce(200 << 20).unwrap();
    assert!(raw.is_hung_up());
    eventually("it is counted", || (house.refused("oversize") == 1).then_some(()));
    // Before the login too.
    let mut raw = Raw::silent(house.address);
    raw.announce(200 << 20).unwrap();
    assert!(raw.is_hung_up());
    assert_eq!(house.messages().received, 1);
}

#[test]
fn a_full_queue_holds_the_publisher_back_and_not_for_ever() {
    let house = House::held(json!({}), 10);
    let client = house.client("roof").connect();
    let start = Instant::now();
    for number in 0..11 {
        client
            .publish(Message::new("meshcore/ZRH/roof/packets", packet(number), QOS_1))
            .wait_for(DEADLINE)
            .unwrap();
    }
    let took = start.elapsed();
    assert!(took >= Duration::from_secs(5), "the eleventh waits for room: {took:?}");
    assert_eq!(house.report().held_back, 1);
    house.release();
    publish(client, "meshcore/ZRH/roof/packets", [&packet(100)]);
    let report = house.settled(12);
    assert_eq!(report.stored + report.dropped.iter().map(|(_, count)| count).sum::<u64>(), 12, "{report:?}");
}

#[test]
fn whoever_guesses_passwords_on_this_machine_is_not_locked_out() {
    let house = House::open(json!({"users": [{"username": "ann", "password": "secret"}]}));
    for number in 0..20 {
        assert!(house.client("x").with_login("ann", &format!("guess {number}")).try_connect().is_err());
    }
    assert_eq!(house.refused("bad_credentials"), 20, "it is where a proxy sits");
    assert!(house.client("x").with_login("ann", "secret").try_connect().is_ok());
}
