//! Who gets in, by which door, and what it may say there.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use paho_mqtt::{AsyncClient, Message, QOS_0, QOS_1, QOS_2};
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::house::{self, House, Observer, packet, publish};
use crate::{DEADLINE, eventually};

#[test]
fn both_versions_and_every_quality_of_service_are_taken() {
    let house = House::open(json!({}));
    let old = house.client("old").connect();
    let new = house.client("new").with_version_5().connect();
    let mut number = 0;
    for client in [old, new] {
        for qos in [QOS_0, QOS_1, QOS_2] {
            number += 1;
            let message = Message::new("meshcore/ZRH/roof/packets", packet(number), qos);
            client.publish(message).wait_for(DEADLINE).unwrap();
        }
    }
    let report = house.settled(6);
    assert_eq!((report.received, report.stored), (6, 6), "{report:?}");
    assert_eq!(house.report().published, 6);
}

#[test]
fn a_wrong_password_and_no_password_are_refused_in_both_versions() {
    let house = House::open(json!({"users": [{"username": "ann", "password": "secret"}]}));
    for version_5 in [false, true] {
        let client = |id: &str| match version_5 {
            true => house.client(id).with_version_5(),
            false => house.client(id),
        };
        let wrong = client("wrong").with_login("ann", "guess").try_connect().err().unwrap();
        let wrong = format!("{wrong:?}").to_lowercase();
        assert!(wrong.contains("badusername"), "{wrong}");
        assert!(client("nobody").with_login("bob", "secret").try_connect().is_err());
        assert!(client("nameless").try_connect().is_err());
        let ann = client("ann").with_login("ann", "secret").connect();
        publish(ann, "meshcore/ZRH/roof/packets", [&packet(u32::from(version_5))]);
    }
    assert_eq!(house.settled(2).stored, 2);
    assert_eq!((house.refused("bad_credentials"), house.refused("no_credentials")), (4, 2));
    assert_eq!(house.report().accepted, 2);
}

#[test]
fn a_password_can_be_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    fs::write(&file, "from a file\n").unwrap();
    let house = House::open(json!({"users": [{"username": "ann", "passwordFile": file}]}));
    house.client("ann").with_login("ann", "from a file").connect();
}

#[test]
fn an_observer_comes_in_with_its_token_and_speaks_only_for_itself() {
    let house = House::open(json!({"tokens": {"enabled": true, "audience": ["mqtt.example"]}}));
    let (roof, other) = (Observer::new(1), Observer::new(2));
    let token = roof.token(&[("aud", json!("mqtt.example"))]);
    let client = house.client("meshcore_roof").with_login(&roof.username(), &token).connect();
    publish(client, &roof.topic("packets"), [&packet(1)]);
    publish(
        client,
        &roof.topic("packets").to_lowercase().replace("meshcore/sjc", "meshcore/SJC"),
        [&packet(2)],
    );
    publish(client, &other.topic("packets"), [&packet(3)]);
    publish(client, "meshcore/SJC/roof/packets", [&packet(4)]);
    let report = house.settled(2);
    assert_eq!((report.received, report.stored), (2, 2));
    assert_eq!(house.refused("publish_topic"), 2, "refused in silence, and counted");
    // In version 5 it is told.
    let client = house.client("meshcore_v5").with_version_5().with_login(&roof.username(), &token).connect();
    let refused = client.publish(Message::new(other.topic("packets"), packet(5), QOS_1)).wait_for(DEADLINE);
    eprintln!("version 5 is told: {refused:?}");
    assert_eq!(house.refused("publish_topic"), 3);
    let (report, folder) = house.stop();
    assert_eq!((report.received, house::count(folder.path(), "observers")), (2, 1));
}

#[test]
fn tokens_that_are_wrong_in_any_way_are_refused_for_that_reason() {
    let house = House::open(json!({"tokens": {"enabled": true, "audience": ["mqtt.example"]}}));
    let (roof, other) = (Observer::new(1), Observer::new(2));
    let now = meshcore_ingest::system_clock()().seconds();
    let aud = ("aud", json!("mqtt.example"));
    let cases: [(&str, String, &str); 6] = [
        (&roof.username(), other.token(&[aud.clone(), ("publicKey", json!(roof.key))]), "token_signature"),
        (&roof.username(), other.token(std::slice::from_ref(&aud)), "token_key"),
        (&roof.username(), roof.token(&[aud.clone(), ("exp", json!(now - 100))]), "token_expired"),
        (&roof.username(), roof.token(&[("aud", json!("other.example"))]), "token_audience"),
        (&roof.username(), "a.b.c".to_owned(), "token_malformed"),
        ("somebody", roof.token(std::slice::from_ref(&aud)), "bad_credentials"),
    ];
    for (username, token, reason) in cases {
        assert!(house.client("x").with_login(username, &token).try_connect().is_err(), "{reason}");
        assert_eq!(house.refused(reason), 1, "{reason}: {:?}", house.report());
    }
    assert!(house.client("x").with_login(&roof.username(), &roof.token(&[aud])).try_connect().is_ok());
}

#[test]
fn an_observer_hears_its_commands_and_nothing_else_and_a_user_hears_all() {
    let house = House::open(json!({
        "tokens": {"enabled": true}, "users": [{"username": "ann", "password": "secret"}],
    }));
    let roof = Observer::new(1);
    let (observer, heard) = listening(
        house.client("meshcore_roof").with_login(&roof.username(), &roof.token(&[])),
        &format!("meshcore/+/{}/serial/commands", roof.key),
    );
    let refused = observer.subscribe("meshcore/#", QOS_1).wait_for(DEADLINE);
    eprintln!("a refused subscription: {refused:?}");
    assert_eq!(house.refused("subscribe_topic"), 1);
    let (ann, told) = listening(house.client("ann").with_login("ann", "secret"), "meshcore/#");
    publish(ann, &roof.topic("serial/commands"), [&"a.token".to_owned()]);
    publish(observer, &roof.topic("packets"), [&packet(1)]);
    let next =
        |from: &paho_mqtt::SyncReceiver<Option<Message>>| from.recv_timeout(DEADLINE).unwrap().unwrap();
    assert_eq!(next(&heard).payload_str(), "a.token");
    assert_eq!(next(&told).payload_str(), "a.token");
    assert_eq!(next(&told).topic(), roof.topic("packets"));
    assert!(heard.try_recv().is_err(), "not even its own packet");
}

fn listening(
    client: house::Client,
    filter: &str,
) -> (&'static AsyncClient, paho_mqtt::SyncReceiver<Option<Message>>) {
    let client = client.connect();
    let heard = client.start_consuming();
    client.subscribe(filter, QOS_1).wait_for(DEADLINE).unwrap();
    (client, heard)
}

#[test]
fn what_is_retained_is_there_for_those_who_come_later() {
    let house = House::open(json!({}));
    let roof = house.client("roof").connect();
    let status = Message::new_retained("meshcore/ZRH/roof/status", r#"{"status":"online"}"#, QOS_1);
    roof.publish(status).wait_for(DEADLINE).unwrap();
    let large = Message::new_retained("meshcore/ZRH/roof/large", vec![b' '; 20_000], QOS_0);
    roof.publish(large).wait_for(DEADLINE).unwrap();
    publish(roof, "meshcore/ZRH/roof/packets", [&packet(1)]);
    let (_late, heard) = listening(house.client("late"), "meshcore/#");
    let kept = heard.recv_timeout(DEADLINE).unwrap().unwrap();
    assert_eq!((kept.topic(), kept.retained()), ("meshcore/ZRH/roof/status", true));
    assert!(heard.recv_timeout(Duration::from_millis(100)).is_err());
    roof.disconnect(None).wait_for(DEADLINE).unwrap();
    eventually("the large one is counted", || (house.refused("publish_retained") == 1).then_some(()));
    // It was said just now, retained or not: the observer is alive.
    assert_eq!(house.settled(2).stored, 2);
    let (_, folder) = house.stop();
    assert_eq!(house::count(folder.path(), "observers WHERE last_seen IS NOT NULL"), 1);
}

/// A certificate for this machine, and a folder with it and its key.
fn certificate(folder: &TempDir, name: &str) -> (PathBuf, PathBuf) {
    let key = KeyPair::generate().unwrap();
    let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    let certificate = CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
    let (cert_file, key_file) =
        (folder.path().join(format!("{name}.pem")), folder.path().join(format!("{name}.key")));
    fs::write(&cert_file, certificate.pem()).unwrap();
    fs::write(&key_file, key.serialize_pem()).unwrap();
    (cert_file, key_file)
}

fn encrypted(cert: &PathBuf, key: &PathBuf) -> Value {
    json!({"tls": {"port": 0, "cert": cert, "key": key}})
}

#[test]
fn encrypted_it_is_the_same_and_a_client_that_trusts_another_certificate_stays_away() {
    let folder = tempfile::tempdir().unwrap();
    let (cert, key) = certificate(&folder, "ours");
    let (stranger, _) = certificate(&folder, "stranger");
    let house = House::in_folder(folder, encrypted(&cert, &key), 1000);
    house.release();
    for version_5 in [false, true] {
        let client = house.tls_client("roof", &cert);
        let client = if version_5 { client.with_version_5() } else { client };
        publish(client.connect(), "meshcore/ZRH/roof/packets", [&packet(u32::from(version_5))]);
    }
    assert_eq!(house.settled(2).stored, 2);
    let refused = house.tls_client("wary", &stranger).try_connect();
    assert!(refused.is_err());
    eventually("the handshake that failed is counted", || (house.refused("tls_failed") >= 1).then_some(()));
    assert_eq!(house.report().accepted, 2);
}

#[test]
fn a_certificate_that_is_missing_or_has_another_key_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let ((cert, _), (_, key)) = (certificate(&folder, "one"), certificate(&folder, "other"));
    let start = |cert: &PathBuf, key: &PathBuf| {
        let mut broker: meshcore_ingest::config::EmbeddedBroker =
            serde_json::from_value(encrypted(cert, key)).unwrap();
        broker.port = Some(0);
        let bound = meshcore_ingest::broker::BoundBroker::bind(broker.resolve().unwrap());
        format!("{:#}", bound.err().unwrap())
    };
    let absent = folder.path().join("absent.pem");
    for (message, file) in [
        (start(&absent, &key), "absent.pem"),
        (start(&cert, &absent), "absent.pem"),
        (start(&key, &key), "other.key"),
        (start(&cert, &key), "one.pem"),
    ] {
        assert!(message.contains(file), "{message}");
        eprintln!("{message}");
    }
}
