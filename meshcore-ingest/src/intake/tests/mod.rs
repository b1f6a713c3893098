//! Verdicts about messages, on made-up frames. Two channels with one hash byte, a wrong signature, any bytes.

mod client;
mod companion;
mod laws;
mod policy;
mod samples;

use meshcore_proto::payload::{AppData, LatLonE6};
use meshcore_proto::{Identity, NewAdvert, NodeType, RegionKey, Route};
use meshcore_store::db::{PacketWrite, Presence};
use serde_json::{Value, json};

use super::*;
use crate::accounting::UNCOUNTED;

const NOW: UnixMillis = UnixMillis::from_seconds(1_777_636_800);
const TXT_MSG: &str = "0A002EB46D5957FBA8D0A3646B7C7E6FF41C0B87CA21";

fn intake(config: &str) -> Intake {
    let config: Config = serde_json::from_str(config).unwrap();
    let brokers = config.brokers().unwrap();
    Intake::new(&config, (0..).zip(&brokers))
}

fn inbound(topic: &str, payload: &Value) -> Inbound {
    Inbound {
        source: 0,
        topic: topic.into(),
        payload: payload.to_string().into(),
        retained: false,
        received_at: NOW,
    }
}

fn judge(config: &str, topic: &str, payload: Value) -> Verdict {
    intake(config).digest(&inbound(topic, &payload))
}

fn packet(verdict: Verdict) -> PacketWrite {
    match verdict {
        Verdict::Write(Job { write: Write::Packet(packet), .. }) => *packet,
        other => panic!("no packet: {other:?}"),
    }
}

fn reason(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Write(_) => "written",
        Verdict::Reject(reason, _) => reason.name(),
        Verdict::Discard(reason, _) => reason.name(),
    }
}

/// A signed flood advert of a node at this place (millionths of a degree), in a region if one is named.
fn advert(name: &str, position: Option<(i32, i32)>, region: Option<&str>) -> String {
    let app_data = AppData {
        position: position.map(|(lat, lon)| LatLonE6 { lat, lon }),
        name: Some(name.as_bytes()),
        ..AppData::new(NodeType::from_bits(2))
    };
    let key = region.map(|name| RegionKey::public(name).unwrap());
    let mut route = Route::flood(2).unwrap();
    if let Some(key) = &key {
        route = route.in_region(key);
    }
    let identity = Identity::from_seed(&[7; 32]);
    hex::encode(route.frame(&NewAdvert { identity: &identity, timestamp: 1_777_636_800, app_data }).unwrap())
}

/// Frames of the demo recording: real encoding, invented nodes.
fn demo_frames() -> impl Iterator<Item = String> {
    let recording = include_str!("../../../assets/demo.jsonl");
    recording.lines().filter_map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        line["raw"].as_str().map(str::to_owned)
    })
}

#[test]
fn a_packet_message_becomes_a_row_with_the_region_of_the_message_topic_or_source() {
    let topic = "meshcore/sjc/kpabap/packets";
    let stored = packet(judge("{}", topic, json!({"raw": TXT_MSG, "origin": "Roof", "SNR": "6"})));
    assert_eq!(stored.reception.region.as_deref(), Some("SJC"));
    assert_eq!(stored.reception.observer_name.as_deref(), Some("Roof"));
    assert_eq!((stored.raw_hex.as_str(), stored.path_json.as_str()), (TXT_MSG, "[]"));
    assert_eq!((stored.route_type, stored.payload_type, stored.payload_version), (2, 2, 0));
    let stored = packet(judge("{}", topic, json!({"raw": TXT_MSG, "region": "oak"})));
    assert_eq!(stored.reception.region.as_deref(), Some("OAK"));
    let source = r#"{"mqttSources": [{"broker": "mqtt://localhost", "region": "mry"}]}"#;
    let stored = packet(judge(source, "meshcore//kpabap/packets", json!({"raw": TXT_MSG})));
    assert_eq!(stored.reception.region.as_deref(), Some("MRY"));
}

#[test]
fn unwanted_observers_and_regions_are_dropped_by_name() {
    let packet = || json!({"raw": TXT_MSG});
    let blacklist = r#"{"observerBlacklist": [" KPABAP "]}"#;
    assert_eq!(reason(&judge(blacklist, "meshcore/SJC/kpabap/status", json!({}))), "blacklist");
    let whitelist = r#"{"observerIATAWhitelist": ["sfo"]}"#;
    assert_eq!(reason(&judge(whitelist, "meshcore/SJC/kpabap/status", json!({}))), "whitelist");
    let filter = r#"{"mqttSources": [{"broker": "mqtt://localhost", "iataFilter": [" sfo"]}]}"#;
    assert_eq!(reason(&judge(filter, "meshcore/SJC/kpabap/packets", packet())), "iata");
    assert_eq!(reason(&judge(filter, "meshcore/SJC/kpabap/status", json!({}))), "written", "statuses pass");
    assert_eq!(reason(&judge(filter, "meshcore/SFO/kpabap/packets", packet())), "written");
}

#[test]
fn a_wrong_frame_is_refused_with_its_reason_and_its_observer_was_heard() {
    for (raw, expected) in [
        ("0A0", "bad_hex"),
        ("zz00", "bad_hex"),
        ("0A", "truncated"),
        ("0AC0", "reserved_hash_size"),
        ("0A7F", "path_too_long"),
        ("0A05A1", "truncated"),
        (&format!("0A00{}", "00".repeat(185)), "payload_too_long"),
    ] {
        let verdict = judge("{}", "meshcore/SJC/kpabap/packets", json!({"raw": raw}));
        assert_eq!(reason(&verdict), expected, "{raw}");
        assert!(matches!(
            verdict,
            Verdict::Reject(_, Some(Job { ticket: UNCOUNTED, write: Write::Seen(_) }))
        ));
    }
}

#[test]
fn messages_that_are_no_packets_are_refused_with_a_reason() {
    for (topic, payload, expected) in [
        ("meshcore/SJC/kpabap/more", json!({"x": 1}), "no_frame"),
        ("meshcore/SJC/kpabap/packets", json!({"raw": ""}), "no_frame"),
        ("meshcore/SJC/kpabap/packets", json!({"raw": null}), "no_frame"),
        ("meshcore/SJC/kpabap/packets", json!([1]), "not_json"),
        ("weather", json!({"raw": TXT_MSG}), "unknown_topic"),
        ("meshcore/SJC//packets", json!({"raw": TXT_MSG}), "bad_observer"),
        ("meshcore/client/ab/packets", json!({"raw": TXT_MSG}), "bad_observer"),
        ("meshcore/message/channel/0", json!({}), "no_text"),
    ] {
        assert_eq!(reason(&judge("{}", topic, payload)), expected, "{topic}");
    }
}

#[test]
fn what_is_of_no_use_is_ignored_under_a_name_and_a_frame_is_taken_from_any_topic() {
    for topic in [
        "meshcore/status",
        "meshcore/events/connection",
        "meshcore/traceroute/ab",
        "meshcore/SJC/kpabap/debug",
        "meshcore/SJC/kpabap/internal",
        "meshcore/SJC/kpabap/serial/commands",
        "meshcore/message/other/0",
    ] {
        assert_eq!(reason(&judge("{}", topic, json!({"x": 1}))), "ignored_topic", "{topic}");
    }
    for topic in ["meshcore/SJC/kpabap/raw", "meshcore/SJC/kpabap/debug", "other/SJC/kpabap"] {
        assert_eq!(reason(&judge("{}", topic, json!({"raw": TXT_MSG}))), "written", "{topic}");
    }
    let token = Inbound {
        payload: "eyJhbGciOi.J9.AB".into(),
        ..inbound("meshcore/SJC/kpabap/serial/responses", &Value::Null)
    };
    assert_eq!(reason(&intake("{}").digest(&token)), "ignored_topic", "bare tokens are no JSON");
}

#[test]
fn a_frame_of_a_later_version_is_kept() {
    let stored = packet(judge("{}", "meshcore/SJC/kpabap/packets", json!({"raw": "4A002EB46D5957FB"})));
    assert_eq!(stored.payload_version, 1);
}

#[test]
fn what_is_odd_is_counted_and_kept() {
    let intake = intake("{}");
    let odd = json!({"raw": "4A002EB46D5957FB", "origin_id": "another", "hash": "0".repeat(16),
                     "timestamp": "2026-05-01T10:00:00"});
    let plain = json!({"raw": TXT_MSG, "origin_id": "KPABAP"});
    for message in [odd, plain] {
        assert_eq!(reason(&intake.digest(&inbound("meshcore/SJC/kpabap/packets", &message))), "written");
    }
    let notices =
        [("origin_id_mismatch", 1), ("hash_mismatch", 1), ("payload_version", 1), ("naive_clock", 1)];
    assert_eq!(intake.memory().notices(), notices);
}

#[test]
fn the_last_word_of_an_observer_is_remembered_unless_the_broker_kept_it() {
    let intake = intake("{}");
    let say = |status: &str, retained, at: i64| {
        let message = inbound("meshcore/SJC/kpabap/status", &json!({"status": status}));
        let received_at = NOW.plus_millis(at);
        assert_eq!(reason(&intake.digest(&Inbound { retained, received_at, ..message })), "written");
        intake.memory().last_status("KPABAP").map(Liveness::as_str)
    };
    assert_eq!(say("online", true, 0), None);
    assert_eq!(say("Online", false, 1), Some("online"));
    assert_eq!(say("offline", false, 2), Some("offline"));
    assert_eq!(say("rebooting", false, 3), Some("offline"));
    assert_eq!(say("online", true, 4), Some("offline"));
}

#[test]
fn a_refused_message_is_described_in_one_line_that_deceives_nobody() {
    let topic = "meshcore/S\u{202e}JC\n/B8714384B6A361392A99EB5521839DE3/packets";
    let message = inbound(topic, &json!({"raw": "zz"}));
    let line = Refused { inbound: &message, job: None }.to_string();
    assert_eq!(line, "topic meshcore/S?JC?/B8714384…/packets, 12 bytes");
}

#[test]
fn of_a_forged_advert_the_log_says_whose_it_claims_to_be() {
    let mut frame = hex::decode(advert("Eve\nERROR", None, None)).unwrap();
    frame[40] ^= 1; // in its signature
    let message = inbound("meshcore/SJC/kpabap/packets", &json!({"raw": hex::encode(frame)}));
    let Verdict::Reject(Reject::BadSignature, job) = intake("{}").digest(&message) else { panic!("forged") };
    let line = Refused { inbound: &message, job: job.as_ref() }.to_string();
    let key = &Identity::from_seed(&[7; 32]).public_key().to_string()[..16];
    assert!(line.contains(&format!("of {key}… `Eve?ERROR`, heard by kpabap")), "{line}");
}

#[test]
fn blanks_in_the_frame_change_neither_text_nor_hash() {
    let topic = "meshcore/SJC/kpabap/packets";
    let (a, b) = TXT_MSG.split_at(9);
    let blank = packet(judge("{}", topic, json!({"raw": format!("{a} \r\n{b}")})));
    let plain = packet(judge("{}", topic, json!({"raw": TXT_MSG})));
    assert_eq!((blank.raw_hex, blank.hash), (plain.raw_hex, plain.hash));
}

#[test]
fn every_demo_frame_is_accepted_and_every_demo_advert_is_signed() {
    let intake = intake("{}");
    let mut adverts = 0;
    for raw in demo_frames() {
        let stored = packet(intake.digest(&inbound("meshcore/ZRH/kpabap/packets", &json!({"raw": raw}))));
        adverts += usize::from(stored.advert.is_some());
    }
    assert!(adverts > 20, "the recording shows nodes");
}

#[test]
fn an_advert_with_a_wrong_signature_is_refused_and_noted_unless_nobody_checks() {
    let frame = demo_frames().find(|raw| raw.starts_with("1100")).unwrap();
    let mut frame = hex::decode(frame).unwrap();
    *frame.last_mut().unwrap() ^= 1;
    let forged = || json!({"raw": hex::encode_upper(&frame)});
    let verdict = judge("{}", "meshcore/ZRH/kpabap/packets", forged());
    assert_eq!(reason(&verdict), "bad_signature");
    assert!(matches!(verdict, Verdict::Reject(_, Some(Job { write: Write::Dropped(_), .. }))));
    let stored = packet(judge(r#"{"validateSignatures": false}"#, "meshcore/ZRH/kpabap/packets", forged()));
    assert!(!stored.decoded_json.contains("signatureValid"));
}

#[test]
fn channel_texts_are_grouped_by_name_or_by_hash() {
    let intake = intake("{}");
    let mut groups: Vec<String> = demo_frames()
        .map(|raw| packet(intake.digest(&inbound("meshcore/ZRH/kpabap/packets", &json!({"raw": raw})))))
        .filter_map(|stored| stored.channel_hash)
        .collect();
    groups.sort();
    groups.dedup();
    assert_eq!(groups.len(), 4, "{groups:?}");
    assert!(groups.contains(&"Public".to_owned()) && groups.contains(&"#test".to_owned()));
    assert!(groups.iter().any(|group| group.starts_with("enc_")));
}

#[test]
fn a_retained_or_farewell_status_says_nothing_about_the_present() {
    let presence = |payload: Value, retained| {
        let message = Inbound { retained, ..inbound("meshcore/SJC/kpabap/status", &payload) };
        match intake("{}").digest(&message) {
            Verdict::Write(Job { write: Write::Status(status), .. }) => status.presence,
            other => panic!("no status: {other:?}"),
        }
    };
    assert_eq!(presence(json!({"status": "online"}), false), Presence::Live);
    assert_eq!(presence(json!({"status": "online"}), true), Presence::Past);
    assert_eq!(presence(json!({"status": "offline"}), false), Presence::Past);
}
