//! Every answer of the server is its message of `proto/`: no key more, none less, no other type.

#[allow(dead_code, reason = "this test asks for less")]
#[path = "api/world.rs"]
mod world;

use std::path::Path;
use std::sync::LazyLock;

use actix_web::test::TestRequest;
use meshcore_proto::{KeyRing, Packet};
use meshcore_store::db::{Follower, PacketFilter, Reader};
use meshcore_store::decoded::{Decoded, Signatures};
use meshcore_web::live::frame::LiveFrame;
use prost_reflect::{DescriptorPool, DynamicMessage, Kind, MessageDescriptor};
use serde_json::{Value, json};

use world::{NOW, World, config};

/// `proto/`, compiled.
static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    let proto = Path::new(env!("CARGO_MANIFEST_DIR")).join("../proto");
    let folder = proto.join("corescope/v1").read_dir().unwrap();
    let files: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    DescriptorPool::from_file_descriptor_set(protox::compile(files, [proto]).unwrap()).unwrap()
});

/// Reads `json` as a message of `proto/`.
///
/// The JSON mapping of protobuf takes a field by two names and a missing one for its default; the contract does not.
fn conforms(message: &str, json: &Value) -> Result<DynamicMessage, String> {
    let descriptor = POOL.get_message_by_name(&format!("corescope.v1.{message}"));
    let descriptor = descriptor.expect("message is in proto/");
    has_the_keys_of(&descriptor, json, message)?;
    DynamicMessage::deserialize(descriptor, json).map_err(|error| error.to_string())
}

/// Whether all keys are known under exactly this name, and all that are not `optional`, lists or maps are there.
fn has_the_keys_of(message: &MessageDescriptor, json: &Value, at: &str) -> Result<(), String> {
    if message.full_name().starts_with("google.protobuf.") {
        return Ok(()); // any JSON
    }
    let object = json.as_object().ok_or_else(|| format!("{at}: not an object"))?;
    if let Some(key) = object.keys().find(|key| message.get_field_by_json_name(key).is_none()) {
        return Err(format!("{at}.{key}: unknown"));
    }
    for field in message.fields() {
        let at = format!("{at}.{}", field.json_name());
        let may_be_absent = field.is_list() || field.is_map() || field.containing_oneof().is_some();
        let Some(value) = object.get(field.json_name()).filter(|value| !value.is_null()) else {
            if may_be_absent {
                continue;
            }
            return Err(format!("{at}: absent or null"));
        };
        let Kind::Message(inner) = field.kind() else { continue };
        if field.is_list() {
            for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                has_the_keys_of(&inner, item, &format!("{at}[{index}]"))?;
            }
        } else if field.is_map() {
            let Kind::Message(inner) = inner.map_entry_value_field().kind() else { continue };
            for (key, item) in value.as_object().into_iter().flatten() {
                has_the_keys_of(&inner, item, &format!("{at}.{key}"))?;
            }
        } else {
            has_the_keys_of(&inner, value, &at)?;
        }
    }
    Ok(())
}

#[actix_web::test]
async fn every_answer_is_its_message() {
    let (world, empty) = (World::recorded(), World::empty());
    for (uri, message) in [
        ("/api/packets?limit=1000", "PacketList"),
        ("/api/packets?limit=1000&expand=observations", "PacketList"),
        ("/api/packets?limit=1000&groupByHash=true", "GroupedPacketList"),
        ("/api/nodes", "NodeList"),
        ("/api/observers", "ObserverList"),
        ("/api/stats", "Stats"),
        ("/api/healthz", "Health"),
        ("/api/mqtt/status", "MqttStatus"),
        ("/api/config/client", "ClientConfig"),
    ] {
        for world in [&world, &empty] {
            conforms(message, &world.json(uri).await).unwrap_or_else(|error| panic!("{uri}: {error}"));
        }
    }
    let total = world.json("/api/packets").await["total"].as_i64().unwrap();
    assert!(total > 20, "{total} packets are hardly some of every kind");
    for id in 1..=total {
        let uri = format!("/api/packets/{id}");
        conforms("PacketDetail", &world.json(&uri).await).unwrap_or_else(|error| panic!("{uri}: {error}"));
    }
}

#[actix_web::test]
async fn a_full_client_configuration_is_its_message() {
    let full = config(json!({
        "roles": {"repeater": {"label": "Relay"}}, "map": {"tiles": {"light": "https://tiles.example/{z}"}},
        "snrThresholds": {"good": 5.5}, "distThresholds": {"far": 50}, "limits": {"packets": 100},
        "externalUrls": {"wiki": "https://wiki.example"}, "maxHopDist": 1.8, "perfSlowMs": 100,
        "wsReconnectMs": 3000, "cacheInvalidateMs": 5000, "customizer": {"disabledTabs": ["theme"]},
    }));
    let answer = World::empty().ask(full, TestRequest::get().uri("/api/config/client")).await.json();
    assert!(!answer.as_object().unwrap().values().any(Value::is_null), "{answer}");
    conforms("ClientConfig", &answer).unwrap();
}

#[actix_web::test]
async fn every_problem_is_the_same_message() {
    let world = World::empty();
    for (uri, status) in [("/api/packets/1", 404), ("/api/nope", 404), ("/api/packets?type=x", 400)] {
        let answer = world.get(uri).await;
        assert_eq!(answer.status, status, "{uri}");
        conforms("Problem", &answer.json()).unwrap();
    }
    let answer = world.ask(config(json!({})), TestRequest::post().uri("/api/packets")).await;
    assert_eq!(answer.status, 405);
    conforms("Problem", &answer.json()).unwrap();
}

#[test]
fn every_live_frame_is_its_message() {
    let world = World::empty();
    let mut follower = Follower::open(&world.database()).unwrap();
    world.write(world.recording());
    let rows = follower.next(i64::MAX, 1_000).unwrap();
    assert!(rows.len() > 20, "{} observations are hardly some of every kind", rows.len());
    for row in rows {
        let frame = serde_json::to_value(LiveFrame::of(row, Some(NOW))).unwrap();
        assert_eq!(frame["type"], "packet");
        assert_eq!(frame["data"]["observed_at"], "2026-05-01T12:10:00.000Z");
        conforms("LiveFrame", &frame).unwrap_or_else(|error| panic!("{error}: {frame}"));
    }
    let lagged = serde_json::to_value(LiveFrame::Lagged { dropped: 3 }).unwrap();
    assert_eq!(lagged, json!({"type": "lagged", "dropped": 3}));
    conforms("Lagged", &lagged).unwrap();
}

#[test]
fn a_decoded_frame_is_its_message() {
    let world = World::recorded();
    let all = PacketFilter { limit: 1_000, ..PacketFilter::default() };
    let scoped = "081122334441A1B22EB46D5957FBA8D0A3646B7C7E6FF41C0B87CA21";
    let of_a_later_version = "4A002EB46D5957FBA8D0A3646B7C7E6FF41C0B87CA21";
    let stored = Reader::open(&world.database()).unwrap().packets(&all).unwrap().packets;
    let decoded = |raw: &str| {
        let frame = hex::decode(raw).unwrap();
        let packet = Packet::parse_lax(&frame).unwrap();
        serde_json::to_value(Decoded::of(&packet, &KeyRing::default(), Signatures::Ignore)).unwrap()
    };
    for raw in stored.iter().map(|packet| packet.raw_hex.as_str()).chain([scoped, of_a_later_version]) {
        conforms("Decoded", &decoded(raw)).unwrap_or_else(|error| panic!("{raw}: {error}"));
    }
    assert_eq!(decoded(scoped)["transportCodes"]["code1"], "1122");
    assert!(decoded(of_a_later_version)["anomaly"].is_string());
}

#[actix_web::test]
async fn a_changed_answer_is_refused() {
    let world = World::recorded();
    let node = world.json("/api/nodes?limit=1").await["nodes"][0].clone();
    conforms("Node", &node).unwrap();
    let refused = |key: &str, value: Value| {
        let mut changed = node.clone();
        changed[key] = value;
        conforms("Node", &changed).expect_err(key)
    };
    assert_eq!(refused("speed", json!(1)), "Node.speed: unknown");
    assert_eq!(refused("publicKey", json!("ab")), "Node.publicKey: unknown");
    assert_eq!(refused("public_key", Value::Null), "Node.public_key: absent or null");
    for (key, wrong) in [
        ("public_key", json!(7)),
        ("advert_count", json!("many")),
        ("advert_count", json!(1.5)),
        ("lat", json!([47.1])),
        ("foreign", json!(0)),
        ("first_seen", json!({})),
    ] {
        refused(key, wrong);
    }
    let mut shorter = node.clone();
    shorter.as_object_mut().unwrap().remove("advert_count");
    assert_eq!(conforms("Node", &shorter).unwrap_err(), "Node.advert_count: absent or null");

    let mut list = world.json("/api/packets?limit=2&expand=observations").await;
    list["packets"][1]["observations"][0]["extra"] = json!(true);
    let error = conforms("PacketList", &list).unwrap_err();
    assert_eq!(error, "PacketList.packets[1].observations[0].extra: unknown");
}

#[actix_web::test]
async fn what_today_is_never_sent_would_be_taken_as_well() {
    let world = World::recorded();
    let mut packet = world.json("/api/packets/1").await["packet"].clone();
    packet["resolved_path"] = json!(["ab".repeat(32), null]);
    packet["scope_name"] = json!("#zh");
    conforms("Packet", &packet).unwrap();
}

#[test]
fn every_message_and_field_says_what_it_means() {
    let ours = POOL.files().filter(|file| file.package_name() == "corescope.v1");
    let mut messages = 0;
    for file in ours {
        let file = file.file_descriptor_proto();
        let comments = file.source_code_info.as_ref().expect("compiled with comments");
        let is_said = |path: &[i32]| {
            let place = comments.location.iter().find(|location| location.path == path);
            place.is_some_and(|location| !location.leading_comments().trim().is_empty())
        };
        for (number, message) in (0..).zip(&file.message_type) {
            messages += 1;
            assert!(is_said(&[4, number]), "{} has no comment", message.name());
            for (place, field) in (0..).zip(&message.field) {
                assert!(
                    is_said(&[4, number, 2, place]),
                    "{}.{} has no comment",
                    message.name(),
                    field.name()
                );
            }
        }
    }
    assert!(messages > 20);
}
