//! What moving clients, companion bridges and nodes near and far publish, through a real broker into a real file, and
//! what of it a page is shown. Frames are made here.

mod support;

use std::fs;
use std::path::Path;

use meshcore_proto::content::ChannelMessage;
use meshcore_proto::payload::{Ack, AppData, LatLonE6};
use meshcore_proto::{ChannelKey, Identity, NewAdvert, NodeType, PublicKey, RegionKey, Route};
use rusqlite::Connection;
use serde_json::{Value, json};
use support::broker::Mosquitto;
use support::messages::Message;
use support::server::{self, Server};
use support::socket::{Frame, Socket};

/// Millionths of a degree.
const INSIDE: (i32, i32) = (47_500_000, 8_500_000);
const OUTSIDE: (i32, i32) = (40_000_000, 8_500_000);

/// A node that announces itself.
struct Node {
    identity: Identity,
}

impl Node {
    fn new(seed: u8) -> Self {
        Self { identity: Identity::from_seed(&[seed; 32]) }
    }

    fn key(&self) -> PublicKey {
        self.identity.public_key()
    }

    /// Its advert at this time of its clock, from this place, in a region if one is named.
    fn advert(&self, timestamp: u32, name: &str, (lat, lon): (i32, i32), region: Option<&str>) -> String {
        let app_data = AppData {
            position: Some(LatLonE6 { lat, lon }),
            name: Some(name.as_bytes()),
            ..AppData::new(NodeType::from_bits(2))
        };
        let region = region.map(|name| RegionKey::public(name).unwrap());
        let mut route = Route::flood(2).unwrap();
        if let Some(region) = &region {
            route = route.in_region(region);
        }
        hex::encode(route.frame(&NewAdvert { identity: &self.identity, timestamp, app_data }).unwrap())
    }
}

/// The server in `folder`, with this configuration.
fn configured(folder: &Path, config: &Value, broker: &Mosquitto) -> Server {
    fs::write(folder.join("config.json"), config.to_string()).unwrap();
    Server::listening(folder, broker)
}

fn text(database: &Connection, sql: &str) -> Option<String> {
    server::value(database, sql)
}

#[test]
fn adverts_from_outside_are_marked_and_scopes_are_named() {
    let Some(broker) = Mosquitto::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let config = json!({
        "geo_filter": {"polygon": [[47, 8], [48, 8], [48, 9], [47, 9]], "bufferKm": 10},
        "hashRegions": ["$private", "Alps", "#Europe"],
    });
    let corescope = configured(folder.path(), &config, &broker);
    let (near, far, moving) = (Node::new(1), Node::new(2), Node::new(3));
    broker.publisher().publish(&[
        Message::packet("Roof", &near.advert(1, "near", INSIDE, Some("#Europe"))),
        Message::packet("Roof", &far.advert(1, "far\nERROR forged", OUTSIDE, Some("#Asia"))),
        Message::packet("Roof", &moving.advert(1, "moving", OUTSIDE, None)),
    ]);
    assert_eq!(corescope.settled(3).stored, 3);
    let line = corescope.process.wait_for_line("a foreign node", 1);
    assert!(line.contains("far?ERROR forged"), "{line}");
    let database = server::read_only(folder.path());
    let one = |column: &str, node: &Node| {
        text(
            &database,
            &format!("SELECT CAST({column} AS TEXT) FROM nodes WHERE public_key = '{}'", node.key()),
        )
    };
    let scope = |node: &Node| {
        text(&database, &format!("SELECT scope_name FROM transmissions WHERE from_pubkey = '{}'", node.key()))
    };
    assert_eq!(
        [&near, &far, &moving].map(|node| one("foreign_advert", node)),
        ["0", "1", "1"].map(|flag| Some(flag.into()))
    );
    assert_eq!([&near, &far, &moving].map(scope), [Some("#Europe".into()), Some(String::new()), None]);
    assert_eq!([&near, &far].map(|node| one("default_scope", node)), [Some("#Europe".into()), None]);

    broker.publisher().publish(&[Message::packet("Roof", &moving.advert(2, "moving", INSIDE, None))]);
    assert_eq!(corescope.settled(4).stored, 4);
    assert_eq!(one("foreign_advert", &moving).as_deref(), Some("0"), "it came home");
    corescope.stop();
}

#[test]
fn foreign_adverts_are_not_stored_where_they_are_dropped() {
    let Some(broker) = Mosquitto::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let config = json!({
        "geo_filter": {"latMin": 47, "latMax": 48, "lonMin": 8, "lonMax": 9},
        "foreignAdverts": {"mode": "drop"},
    });
    let corescope = configured(folder.path(), &config, &broker);
    broker.publisher().publish(&[
        Message::packet("Roof", &Node::new(1).advert(1, "near", INSIDE, None)),
        Message::packet("Hill", &Node::new(2).advert(1, "far", OUTSIDE, None)),
    ]);
    let figures = corescope.settled(2);
    assert_eq!((figures.stored, figures.dropped.get("geo")), (1, Some(&1)));
    let rows = server::rows(&server::read_only(folder.path()));
    assert_eq!(rows.counts(), [1, 1, 1, 2], "the observer was heard all the same");
    corescope.stop();
}

#[test]
fn a_companion_bridge_is_an_observer_without_frames() {
    let Some(broker) = Mosquitto::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let corescope = configured(folder.path(), &json!({"observerIATAWhitelist": ["ZRH"]}), &broker);
    let key = "ab".repeat(32);
    let said = json!({"payload": {"text": "Ann: hi", "sender_timestamp": 1_777_636_000, "SNR": 6.5},
                      "attributes": {"channel_idx": 2}});
    let again = Message::new("meshcore/message/channel/2", &said);
    broker.publisher().publish(&[
        again.clone(),
        again,
        Message::new("meshcore/message/direct/ab12", json!({"text": "Bob: psst"})),
        Message::new(
            "meshcore/advertisement",
            json!({"pubkey": key, "name": "Hill", "flags": {"room": true}}),
        ),
    ]);
    let figures = corescope.settled(4);
    assert_eq!((figures.stored, figures.duplicate, figures.dropped.get("direct_text")), (2, 1, Some(&1)));
    let database = server::read_only(folder.path());
    assert_eq!(server::value::<u32>(&database, "SELECT COUNT(*) FROM transmissions"), 1);
    assert_eq!(text(&database, "SELECT channel_hash FROM transmissions").as_deref(), Some("ch2"));

    let packet = corescope.json("/api/packets/1")["packet"].clone();
    let decoded: Value = serde_json::from_str(packet["decoded_json"].as_str().unwrap()).unwrap();
    assert_eq!((&decoded["type"], &decoded["sender"]), (&json!("CHAN"), &json!("Ann")));
    assert_eq!((&packet["observer_name"], &packet["snr"]), (&json!("L1 Pro (BLE)"), &json!(6.5)));
    assert_eq!((&packet["raw_hex"], &packet["path_json"]), (&Value::Null, &json!("[]")));
    let node = corescope.json("/api/nodes")["nodes"][0].clone();
    assert_eq!((&node["public_key"], &node["role"]), (&json!(key), &json!("room")));
    assert_eq!((&node["name"], &node["advert_count"]), (&json!("Hill"), &json!(0)));

    broker
        .publisher()
        .publish(&[Message::new("meshcore/self_info", json!({"pubkey": key, "name": "My L1"}))]);
    assert_eq!(corescope.settled(5).stored, 3);
    assert_eq!(corescope.json("/api/observers")["observers"][0]["name"], "My L1");
    corescope.stop();
}

#[test]
fn private_texts_are_stored_where_that_is_wanted() {
    let Some(broker) = Mosquitto::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let corescope = configured(folder.path(), &json!({"companion": {"storeDirect": true}}), &broker);
    broker.publisher().publish(&[Message::new("meshcore/message/direct/ab12", json!({"text": "Bob: psst"}))]);
    assert_eq!(corescope.settled(1).stored, 1);
    let database = server::read_only(folder.path());
    let decoded = text(&database, "SELECT decoded_json FROM transmissions WHERE payload_type = 2").unwrap();
    let decoded: Value = serde_json::from_str(&decoded).unwrap();
    assert_eq!(decoded, json!({"type": "DM", "text": "Bob: psst", "sender": "Bob"}));
    corescope.stop();
}

#[test]
fn what_moving_clients_hear_is_kept_apart_from_what_observers_hear() {
    let Some(broker) = Mosquitto::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let corescope = configured(folder.path(), &json!({"clientRxCoverage": {"enabled": true}}), &broker);
    let (client, near) = ("a1".repeat(32), Node::new(1));
    let report = |raw: &str| {
        let payload = json!({"raw": raw, "direction": "rx", "SNR": -7.25, "RSSI": -92, "origin": "Ann",
                             "timestamp": 1_777_636_000, "gps": {"lat": 47.5, "lon": 8.5, "acc_m": 8}});
        Message::new(format!("meshcore/client/{client}/packets"), payload)
    };
    let mut ack = Route::flood(2).unwrap().frame(&Ack::new([1, 2, 3, 4], &[])).unwrap().to_vec();
    let nobody = report(&hex::encode(&ack));
    ack.splice(1..2, [0x42, 0xa1, 0xb2, 0xc3, 0xd4]); // two hops of two bytes
    let relayed = report(&hex::encode(&ack));
    broker.publisher().publish(&[
        report(&near.advert(1, "near", INSIDE, None)),
        relayed.clone(),
        relayed, // at the same second: one row
        nobody,
    ]);
    let figures = corescope.settled(4);
    assert_eq!((figures.stored, figures.dropped.get("nobody_heard")), (3, Some(&1)));
    let database = server::read_only(folder.path());
    let row = |source: &str| {
        let sql = "heard_key || ' ' || heard_keylen || ' ' || rssi || ' ' || snr || ' ' || pos_acc_m";
        text(&database, &format!("SELECT {sql} FROM client_receptions WHERE src = '{source}'"))
    };
    assert_eq!(row("rxlog").as_deref(), Some("c3d4 2 -92 -7.25 8.0"));
    assert_eq!(row("advert"), Some(format!("{} 32 -92 -7.25 8.0", near.key())));
    assert_eq!(server::value::<u32>(&database, "SELECT COUNT(*) FROM client_receptions"), 2);
    assert_eq!(text(&database, "SELECT name FROM client_observers"), Some("Ann".into()));
    assert_eq!(server::rows(&database).counts(), [0, 0, 0, 0]);
    corescope.stop();
}

#[test]
fn pages_are_shown_neither_hidden_nodes_nor_their_packets() {
    let Some(broker) = Mosquitto::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (listed, named, shown) = (Node::new(1), Node::new(2), Node::new(3));
    let config = json!({"nodeBlacklist": [listed.key().to_string().to_uppercase()],
                        "observerBlacklist": ["Cellar"]});
    let corescope = configured(folder.path(), &config, &broker);
    let mut page = Socket::open(corescope.port, "/ws");
    broker.publisher().publish(&[
        Message::packet("Roof", &listed.advert(1, "listed", INSIDE, None)),
        Message::packet("Roof", &named.advert(1, "🚫 named", INSIDE, None)),
        Message::packet("Cellar", &shown.advert(1, "shown", INSIDE, None)),
        Message::packet("Roof", &shown.advert(1, "shown", INSIDE, None)),
    ]);
    let figures = corescope.settled(4);
    assert_eq!((figures.stored, figures.dropped.get("blacklist")), (3, Some(&1)));
    let frame = page.next_json();
    assert!(frame["data"]["decoded_json"].as_str().unwrap().contains(&shown.key().to_string()), "{frame}");
    assert_eq!(corescope.json("/api/nodes")["total"], 1);
    assert_eq!(corescope.json("/api/packets")["total"], 1);
    assert_eq!(server::rows(&server::read_only(folder.path())).counts(), [3, 3, 3, 1], "all is in the file");
    corescope.stop();
    assert_eq!(page.next(), Frame::Close(Some(1001)), "one frame was all");
}

#[test]
fn two_channels_with_one_hash_byte_open_their_own_texts_and_well_known_names_are_found() {
    let Some(broker) = Mosquitto::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    // A key file does not replace what is known of hashtag channels.
    fs::write(folder.path().join("channel-rainbow.json"), json!({"Ours": "00".repeat(16)}).to_string())
        .unwrap();
    let corescope = configured(folder.path(), &json!({}), &broker);
    let keys = [("Public", ChannelKey::public()), ("#bogota", ChannelKey::hashtag("#bogota"))];
    let texts = keys.map(|(channel, key)| {
        let message = ChannelMessage { timestamp: 1, sender: "Ann", message: channel };
        let frame = Route::flood(1).unwrap().frame(&key.seal(&message)).unwrap();
        assert_eq!(key.hash(), 0x11);
        Message::packet("Roof", &hex::encode(frame))
    });
    broker.publisher().publish(&texts);
    assert_eq!(corescope.settled(2).stored, 2);
    let database = server::read_only(folder.path());
    for channel in ["Public", "#bogota"] {
        let sql = format!("SELECT decoded_json FROM transmissions WHERE channel_hash = '{channel}'");
        let decoded: Value = serde_json::from_str(&text(&database, &sql).unwrap()).unwrap();
        assert_eq!(decoded["text"], format!("Ann: {channel}"));
    }
    corescope.stop();
}
