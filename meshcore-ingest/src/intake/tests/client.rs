//! What moving clients hear.

use meshcore_proto::payload::Ack;
use meshcore_proto::{EncodePayload, NodeHash, PathBuf};
use meshcore_store::db::{ClientReception, Heard};
use rstest::rstest;

use super::*;

const ENABLED: &str = r#"{"clientRxCoverage": {"enabled": true}}"#;

fn topic() -> String {
    format!("meshcore/client/{}/packets", "a1".repeat(32))
}

/// What a client says when it has received `raw`.
fn report(raw: &str) -> Value {
    json!({"raw": raw, "direction": "RX", "SNR": -7.25, "RSSI": "-92.9 dBm", "origin": "Ann",
           "timestamp": "2026-05-01T11:59:00Z", "gps": {"lat": 47.5, "lon": 8.5}})
}

fn reception(verdict: Verdict) -> ClientReception {
    match verdict {
        Verdict::Write(Job { write: Write::ClientReception(reception), .. }) => *reception,
        other => panic!("no reception: {other:?}"),
    }
}

/// An ACK that has come over these hops, of equal size.
fn ack(route: &str, hops: &[&str]) -> String {
    let path = PathBuf::from_hops(hops.iter().map(|hop| hop.parse::<NodeHash>().unwrap())).unwrap();
    let payload = Ack::new([1, 2, 3, 4], &[]);
    let mut frame = Route::direct(&path).frame(&payload).unwrap().to_vec();
    let header = match route {
        "flood" => 1,
        "direct" => 2,
        other => panic!("{other} is no route of this test"),
    };
    frame[0] = header | payload.payload_type().bits() << 2;
    hex::encode(frame)
}

#[test]
fn the_last_hop_of_a_flood_was_heard() {
    let heard = reception(judge(ENABLED, &topic(), report(&ack("flood", &["a1b2", "C3D4"]))));
    assert_eq!(heard.heard, Heard::LastHop(vec![0xc3, 0xd4]));
    assert_eq!(heard.client.to_string(), "a1".repeat(32));
    assert_eq!((heard.rssi, heard.snr, heard.position), (Some(-92), Some(-7.25), (47.5, 8.5)));
    assert_eq!((heard.client_name.as_deref(), heard.accuracy_m), (Some("Ann"), None));
    assert_eq!((heard.received_at, heard.heard_at), (NOW, NOW.plus_millis(-60_000)));
}

#[test]
fn an_advert_without_hops_was_heard_from_its_node_if_the_node_signed_it() {
    let frame = advert("Ridge", None, None);
    let key = Identity::from_seed(&[7; 32]).public_key();
    assert_eq!(reception(judge(ENABLED, &topic(), report(&frame))).heard, Heard::Advert(key));
    let mut forged = hex::decode(&frame).unwrap();
    *forged.last_mut().unwrap() ^= 1;
    let forged = report(&hex::encode(forged));
    assert_eq!(judge(ENABLED, &topic(), forged.clone()), Verdict::Reject(Reject::BadSignature, None));
    let unchecked = r#"{"clientRxCoverage": {"enabled": true}, "validateSignatures": false}"#;
    assert_eq!(reception(judge(unchecked, &topic(), forged)).heard, Heard::Advert(key));
}

#[rstest]
#[case::one_byte_says_little(report(&ack("flood", &["a1", "c3"])), "nobody_heard")]
#[case::a_direct_path_is_still_ahead(report(&ack("direct", &["a1b2", "c3d4"])), "nobody_heard")]
#[case::anybody_sends_an_ack(report(&ack("flood", &[])), "nobody_heard")]
#[case::nowhere(json!({"raw": ack("flood", &["a1b2"]), "direction": "rx"}), "no_position")]
#[case::off_the_map(json!({"raw": "00", "direction": "rx", "gps": {"lat": 91, "lon": 0}}), "no_position")]
#[case::sent(json!({"raw": "00", "direction": "tx", "gps": {"lat": 1, "lon": 0}}), "not_rx")]
#[case::neither(json!({"raw": "00", "gps": {"lat": 1, "lon": 0}}), "not_rx")]
#[case::nothing(json!({"direction": "rx", "gps": {"lat": 1, "lon": 0}}), "no_frame")]
#[case::no_hex(report("zz"), "bad_hex")]
#[case::cut_off(report("0A"), "truncated")]
fn what_tells_nothing_is_not_stored(#[case] payload: Value, #[case] why: &str) {
    let verdict = judge(ENABLED, &topic(), payload);
    assert_eq!(reason(&verdict), why);
    assert!(
        matches!(verdict, Verdict::Reject(_, None) | Verdict::Discard(_, None)),
        "a client is no observer"
    );
}

#[test]
fn only_clients_with_a_whole_key_that_is_welcome_are_heard_and_only_when_enabled() {
    let payload = || report(&ack("flood", &["a1b2"]));
    assert_eq!(reason(&judge("{}", &topic(), payload())), "coverage_off");
    assert_eq!(reason(&judge(ENABLED, "meshcore/client/a1b2/packets", payload())), "bad_observer");
    assert_eq!(reason(&judge(ENABLED, "meshcore/client/a1b2/status", json!({}))), "ignored_topic");
    let unwelcome =
        json!({"clientRxCoverage": {"enabled": true}, "observerBlacklist": ["A1".repeat(32)]}).to_string();
    assert_eq!(reason(&judge(&unwelcome, &topic(), payload())), "blacklist");
    let elsewhere = r#"{"clientRxCoverage": {"enabled": true}, "observerIATAWhitelist": ["ZRH"]}"#;
    assert_eq!(reason(&judge(elsewhere, &topic(), payload())), "written", "a client has no region");
}
