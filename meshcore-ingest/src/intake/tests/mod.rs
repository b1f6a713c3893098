//! Verdicts about messages, on made-up frames and, where they are there, on the recorded samples.

use std::fs;
use std::path::Path;

use meshcore_store::db::Presence;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

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
        Verdict::Discard(reason) => reason.name(),
    }
}

/// Frames of the demo recording: real encoding, invented nodes.
fn demo_frames() -> impl Iterator<Item = String> {
    let recording = include_str!("../../assets/demo.jsonl");
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
        ("meshcore/SJC/kpabap/debug", json!({"x": 1}), "no_frame"),
        ("meshcore/SJC/kpabap/packets", json!({"raw": ""}), "no_frame"),
        ("meshcore/SJC/kpabap/packets", json!({"raw": null}), "no_frame"),
        ("meshcore/SJC/kpabap/packets", json!([1]), "not_json"),
        ("weather", json!({"raw": TXT_MSG}), "unknown_topic"),
        ("meshcore/SJC//packets", json!({"raw": TXT_MSG}), "bad_observer"),
        ("meshcore/client/ab/packets", json!({"raw": TXT_MSG}), "not_supported"),
        ("meshcore/message/channel/0", json!({"text": "x"}), "not_supported"),
        ("meshcore/status", json!({}), "not_supported"),
    ] {
        assert_eq!(reason(&judge("{}", topic, payload)), expected, "{topic}");
    }
}

#[test]
fn a_frame_of_a_later_version_is_kept() {
    let stored = packet(judge("{}", "meshcore/SJC/kpabap/packets", json!({"raw": "4A002EB46D5957FB"})));
    assert_eq!(stored.payload_version, 1);
}

#[test]
fn blanks_in_the_frame_change_neither_text_nor_hash() {
    let topic = "meshcore/SJC/kpabap/packets";
    let (a, b) = TXT_MSG.split_at(9);
    let blank = packet(judge("{}", topic, json!({"raw": format!("{a} \r\n{b}")})));
    let plain = packet(judge("{}", topic, json!({"raw": TXT_MSG})));
    assert_eq!((blank.raw_hex, blank.hash), (plain.raw_hex, plain.hash));
}

proptest! {
    /// Whatever bytes an observer reports, there is a verdict, and what is stored is what was reported.
    #[test]
    fn any_frame_gets_a_verdict(frame in proptest::collection::vec(any::<u8>(), 0..300)) {
        let raw = hex::encode(&frame);
        match judge("{}", "meshcore/SJC/kpabap/packets", json!({"raw": raw})) {
            Verdict::Write(Job { write: Write::Packet(packet), .. }) => prop_assert_eq!(packet.raw_hex, raw),
            Verdict::Reject(reason, _) => prop_assert!(!reason.name().is_empty()),
            other => prop_assert!(false, "{other:?}"),
        }
    }

    /// Whatever a payload holds, it is judged.
    #[test]
    fn any_payload_gets_a_verdict(topic in "[a-z/+#\\PC]{0,40}", payload in proptest::collection::vec(any::<u8>(), 0..200)) {
        let inbound = Inbound { payload: payload.into(), ..inbound(&topic, &Value::Null) };
        let verdict = intake("{}").digest(&inbound);
        prop_assert!(!reason(&verdict).is_empty());
    }
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

#[test]
fn the_recorded_samples_give_what_they_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/mqtt-samples.jsonl");
    let Ok(samples) = fs::read_to_string(&path) else {
        eprintln!("skipped: the recorded samples are not here");
        return;
    };
    let intake = intake("{}");
    for sample in samples.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let expect = &sample["expect"];
        let message = Inbound {
            source: 0,
            topic: sample["topic"].as_str().unwrap().into(),
            payload: sample["payload"].to_string().into(),
            retained: sample["retain"] == true,
            received_at: sample["now"].as_str().unwrap().parse().unwrap(),
        };
        let line = &sample["line"];
        match intake.digest(&message) {
            Verdict::Write(Job { write: Write::Packet(packet), .. }) => check_packet(line, &packet, expect),
            Verdict::Write(Job { write: Write::Status(status), .. }) => {
                assert_eq!(expect["kind"], "status", "line {line}");
                assert_eq!(status.id.as_str(), expect["observer"], "line {line}");
                assert_eq!(status.presence == Presence::Past, message.retained, "line {line}");
                if let Some(can_relay) = expect["can_relay"].as_bool() {
                    assert_eq!(status.can_relay, Some(can_relay), "line {line}");
                }
            }
            Verdict::Reject(reason, _) if expect["stored"] == false => {
                assert_eq!(expect["reason"], reason.name())
            }
            Verdict::Reject(Reject::NotSupported, None) => assert_eq!(expect["kind"], "client_reception"),
            other => panic!("line {line}: {other:?}"),
        }
    }
}

fn check_packet(line: &Value, packet: &PacketWrite, expect: &Value) {
    let decoded: Value = serde_json::from_str(&packet.decoded_json).unwrap();
    let skew = packet.clock_skew.map(|skew| skew.seconds);
    let advert = packet.advert.as_ref();
    let found = json!({
        "hash": packet.hash.to_string(),
        "payload_type": packet.payload_type,
        "route_type": packet.route_type,
        "snr": packet.reception.signal.snr,
        "rssi": packet.reception.signal.rssi,
        "score": packet.reception.signal.score,
        "path": serde_json::from_str::<Value>(&packet.path_json).unwrap(),
        "channel": decoded["channel"],
        "sender": decoded["sender"],
        "pubkey": advert.map(|advert| advert.public_key.to_string()),
        "name": advert.and_then(|advert| advert.name.clone()),
        "role": advert.and_then(|advert| advert.role.clone()),
        "signature_valid": decoded["signatureValid"],
        "naive_clock": skew.is_some(),
        "naive_skew_seconds": skew,
    });
    for (key, expected) in expect.as_object().unwrap() {
        let same = match (found[key].as_f64(), expected.as_f64()) {
            (Some(found), Some(expected)) => found == expected,
            _ => found[key] == *expected,
        };
        assert!(same, "line {line}, {key}: {} instead of {expected}", found[key]);
    }
}
