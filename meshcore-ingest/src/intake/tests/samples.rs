//! The recorded samples, where they are there, and two channels with one hash byte.

use std::fs;
use std::path::Path;

use meshcore_proto::ChannelKey;
use meshcore_proto::content::ChannelMessage;
use meshcore_store::db::{ClientReception, Heard, ObserverStatus};

use super::*;

#[test]
fn the_recorded_samples_give_what_they_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/mqtt-samples.jsonl");
    let Ok(samples) = fs::read_to_string(&path) else {
        eprintln!("skipped: the recorded samples are not here");
        return;
    };
    let intake = intake(r#"{"clientRxCoverage": {"enabled": true}}"#);
    let mut judged = 0;
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
        judged += 1;
        match intake.digest(&message) {
            Verdict::Write(Job { write: Write::Packet(packet), .. }) => check_packet(line, &packet, expect),
            Verdict::Write(Job { write: Write::Status(status), .. }) => {
                assert_eq!(status.presence == Presence::Past, message.retained, "line {line}");
                check_status(line, &status, expect);
            }
            Verdict::Write(Job { write: Write::ClientReception(reception), .. }) => {
                check_reception(line, &reception, expect);
            }
            Verdict::Reject(reason, Some(Job { write: Write::Seen(_), .. })) => {
                let found = json!({"stored": false, "reason": reason.name()});
                compare(line, &found, expect);
            }
            other => panic!("line {line}: {other:?}"),
        }
    }
    assert_eq!(judged, 10);
}

#[test]
fn two_channels_with_one_hash_byte_each_open_their_own_texts() {
    let intake = intake("{}");
    for (channel, key) in [("Public", ChannelKey::public()), ("#bogota", ChannelKey::hashtag("#bogota"))] {
        assert_eq!(key.hash(), 0x11);
        let message = ChannelMessage { timestamp: 7, sender: "Ann", message: channel };
        let frame = Route::flood(1).unwrap().frame(&key.seal(&message)).unwrap();
        let stored = packet(
            intake.digest(&inbound("meshcore/SJC/kpabap/packets", &json!({"raw": hex::encode(frame)}))),
        );
        assert_eq!(stored.channel_hash.as_deref(), Some(channel));
        let decoded: Value = serde_json::from_str(&stored.decoded_json).unwrap();
        assert_eq!((&decoded["channel"], &decoded["sender"]), (&json!(channel), &json!("Ann")));
        assert_eq!(decoded["text"], format!("Ann: {channel}"));
    }
}

/// Only what is there to tell is sampled: the names of those readings.
fn check_status(line: &Value, status: &ObserverStatus, expect: &Value) {
    let r = &status.readings;
    let sampled = [
        ("noise_floor", r.noise_floor.is_some()),
        ("tx_air_secs", r.tx_air_s.is_some()),
        ("rx_air_secs", r.rx_air_s.is_some()),
        ("recv_errors", r.recv_errors.is_some()),
        ("battery_mv", r.battery_mv.is_some()),
        ("packets_sent", r.packets_sent.is_some()),
        ("packets_recv", r.packets_recv.is_some()),
    ];
    let metrics: Vec<&str> =
        sampled.iter().filter(|(_, is_there)| *is_there).map(|(name, _)| *name).collect();
    let found = json!({
        "kind": "status",
        "observer": status.id.as_str(),
        "metrics": metrics,
        "can_relay": status.can_relay,
        "must_not_touch": (status.presence == Presence::Past).then_some("last_seen"),
    });
    compare(line, &found, expect);
}

fn check_reception(line: &Value, reception: &ClientReception, expect: &Value) {
    let (heard, source) = match &reception.heard {
        Heard::LastHop(hop) => (hop.clone(), "rxlog"),
        Heard::Advert(key) => (key.as_bytes().to_vec(), "advert"),
    };
    let found = json!({
        "kind": "client_reception",
        "heard_key": hex::encode(&heard),
        "heard_keylen": heard.len(),
        "src": source,
        "snr": reception.snr,
        "rssi": reception.rssi,
    });
    compare(line, &found, expect);
    assert_eq!(reception.heard_at.to_rfc3339_seconds(), "2026-05-17T18:00:00Z");
    assert_eq!((reception.position, reception.accuracy_m), ((37.6586, -122.0585), Some(8.0)));
    assert_eq!(reception.client_name.as_deref(), Some("roaming companion"));
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
    compare(line, &found, expect);
}

/// Every key of `expect` is as found.
fn compare(line: &Value, found: &Value, expect: &Value) {
    for (key, expected) in expect.as_object().unwrap() {
        let same = match (found[key].as_f64(), expected.as_f64()) {
            (Some(found), Some(expected)) => found == expected,
            _ => found[key] == *expected,
        };
        assert!(same, "line {line}, {key}: {} instead of {expected}", found[key]);
    }
}
