//! One frame per kind, as JSON readers see it. All frames are made up.

use meshcore_proto::content::GroupText;
use meshcore_proto::payload::{Advert, AppData, GroupDatagram, LatLonE6};
use meshcore_proto::{ChannelKey, Identity, NodeType};
use serde_json::{Value, json};

use super::*;

/// The payload object of the frame `raw` (hex).
fn payload(raw: &str) -> Value {
    decoded(raw)["payload"].clone()
}

fn decoded(raw: &str) -> Value {
    decoded_bytes(&hex::decode(raw.replace(' ', "")).unwrap())
}

fn decoded_bytes(raw: &[u8]) -> Value {
    let packet = Packet::parse_lax(raw).unwrap();
    let mut keys = KeyRing::new();
    keys.push("#test", ChannelKey::hashtag("#test"));
    serde_json::to_value(Decoded::of(&packet, &keys, Signatures::Verify)).unwrap()
}

/// A frame of a channel message.
fn channel_frame(key: &ChannelKey, plaintext: &[u8]) -> Vec<u8> {
    let mut out = [0; 184];
    let length = GroupDatagram::seal(key, plaintext, &mut out).unwrap();
    [&[0x15, 0x00], &out[..length]].concat()
}

/// A zero-hop advert with this app data.
fn advert_frame(app_data: &[u8]) -> Vec<u8> {
    let mut out = [0; 184];
    let length =
        Advert::sign_into(&Identity::from_seed(&[7; 32]), 1_777_636_800, app_data, &mut out).unwrap();
    [&[0x11, 0x00], &out[..length]].concat()
}

#[test]
fn header_and_path_are_read_for_every_type() {
    let flood = decoded("01 42 a1b2 c3d4 11 22 3344 55");
    assert_eq!(
        flood["header"],
        json!({"routeType": 1, "routeTypeName": "FLOOD", "payloadType": 0, "payloadTypeName": "REQ", "payloadVersion": 0})
    );
    assert_eq!(flood["path"], json!({"hashSize": 2, "hashCount": 2, "hops": ["A1B2", "C3D4"]}));
    assert_eq!(flood.get("anomaly"), None);
    let direct = decoded("02 00 11 22 3344 55");
    assert_eq!(
        direct["path"],
        json!({"hashSize": 0, "hashCount": 0, "hops": []}),
        "a direct frame does not say"
    );
    let scoped = decoded("00 fa1a 0000 00 11 22 3344 55");
    assert_eq!(scoped["transportCodes"], json!({"code1": "FA1A", "code2": "0000"}));
}

#[test]
fn encrypted_datagrams_show_their_envelope() {
    let fields =
        json!({"type": "REQ", "destHash": "11", "srcHash": "22", "mac": "3344", "encryptedData": "55"});
    assert_eq!(payload("01 00 11 22 3344 55"), fields);
    let path = json!({"type": "PATH", "destHash": "11", "srcHash": "22", "mac": "3344", "pathData": "55"});
    assert_eq!(payload("21 00 11 22 3344 55"), path);
    let key = "ab".repeat(32);
    let anon = json!({"type": "ANON_REQ", "destHash": "11", "ephemeralPubKey": key, "mac": "3344", "encryptedData": "55"});
    assert_eq!(payload(&format!("1d 00 11 {key} 3344 55")), anon);
}

#[test]
fn an_ack_tells_attempt_and_random_only_from_six_bytes_on() {
    assert_eq!(payload("0d 00 a1b2c3d4"), json!({"type": "ACK", "extraHash": "d4c3b2a1", "ackLen": 4}));
    assert_eq!(
        payload("0d 00 a1b2c3d4 02"),
        json!({"type": "ACK", "extraHash": "d4c3b2a1", "ackLen": 5, "ackExtra": "02"})
    );
    assert_eq!(
        payload("0d 00 a1b2c3d4 027f"),
        json!({"type": "ACK", "extraHash": "d4c3b2a1", "ackLen": 6, "ackExtra": "027f", "ackAttempt": 2, "ackRand": 127})
    );
    assert_eq!(
        payload("29 00 23 a1b2c3d4"),
        json!({"type": "MULTIPART", "remaining": 2, "innerType": 3, "innerTypeName": "ACK", "innerAckCrc": "d4c3b2a1", "innerAckLen": 4})
    );
}

#[test]
fn an_advert_shows_what_its_node_says() {
    let mut app_data = AppData::new(NodeType::Repeater);
    app_data.position = Some(LatLonE6::from_degrees(47.5, -8.25));
    app_data.name = Some("Ridge 🗼".as_bytes());
    let mut bytes = [0; 32];
    let length = app_data.encode_into(&mut bytes).unwrap();
    let advert = &decoded_bytes(&advert_frame(&bytes[..length]))["payload"];
    assert_eq!(advert["type"], "ADVERT");
    assert_eq!(advert["signatureValid"], true);
    assert_eq!(advert["timestampISO"], "2026-05-01T12:00:00.000Z");
    assert_eq!(
        (&advert["lat"], &advert["lon"], &advert["name"]),
        (&json!(47.5), &json!(-8.25), &json!("Ridge 🗼"))
    );
    assert_eq!(
        advert["flags"],
        json!({"raw": 0x92, "type": 2, "chat": false, "repeater": true, "room": false, "sensor": false,
               "hasLocation": true, "hasFeat1": false, "hasFeat2": false, "hasName": true})
    );
}

#[test]
fn an_advert_with_a_changed_byte_is_not_signed_by_its_node() {
    let mut frame = advert_frame(&[0x02]);
    *frame.last_mut().unwrap() = 0x03;
    assert_eq!(decoded_bytes(&frame)["payload"]["signatureValid"], false);
}

#[test]
fn an_advert_whose_app_data_is_broken_keeps_key_and_time_only() {
    let missing = &decoded_bytes(&advert_frame(&[]))["payload"];
    assert_eq!((&missing["error"], missing.get("flags")), (&json!("app data missing"), None));
    let short = &decoded_bytes(&advert_frame(&[0x92, 1, 2]))["payload"];
    assert_eq!(
        (&short["error"], &short["flags"]["raw"], short.get("lat")),
        (&json!("app data truncated"), &json!(0x92), None)
    );
}

#[test]
fn a_sensor_may_tell_battery_and_temperature_behind_its_name() {
    let readings =
        [&[0x84_u8], b"Pier\0".as_slice(), &4012_u16.to_le_bytes(), &(-250_i16).to_le_bytes()].concat();
    let sensor = &decoded_bytes(&advert_frame(&readings))["payload"];
    assert_eq!(
        (&sensor["name"], &sensor["battery_mv"], &sensor["temperature_c"]),
        (&json!("Pier"), &json!(4012), &json!(-2.5))
    );
    let repeater = [&[0x82_u8], readings.get(1..).unwrap()].concat();
    assert_eq!(decoded_bytes(&advert_frame(&repeater))["payload"].get("battery_mv"), None);
}

#[test]
fn a_channel_text_is_opened_when_we_have_its_key() {
    let key = ChannelKey::hashtag("#test");
    let mut plain = [0; 184];
    let length = GroupText::compose(77, "Ada", "hello", &mut plain).unwrap();
    let hash = key.hash();
    assert_eq!(
        decoded_bytes(&channel_frame(&key, &plain[..length]))["payload"],
        json!({"type": "CHAN", "channel": "#test", "channelHash": hash, "channelHashHex": format!("{hash:02X}"),
               "decryptionStatus": "decrypted", "text": "Ada: hello", "sender": "Ada", "sender_timestamp": 77})
    );
}

#[test]
fn a_channel_text_without_our_key_says_why_it_stays_closed() {
    let stranger =
        &decoded_bytes(&channel_frame(&ChannelKey::hashtag("#elsewhere"), b"\0\0\0\0\0x"))["payload"];
    assert_eq!((&stranger["type"], &stranger["decryptionStatus"]), (&json!("GRP_TXT"), &json!("no_key")));
    let mut forged = channel_frame(&ChannelKey::hashtag("#test"), b"\0\0\0\0\0x");
    *forged.last_mut().unwrap() ^= 1;
    assert_eq!(decoded_bytes(&forged)["payload"]["decryptionStatus"], "decryption_failed");
}

#[test]
fn a_text_of_an_unknown_kind_is_not_shown_as_text() {
    let other = &decoded_bytes(&channel_frame(&ChannelKey::hashtag("#test"), b"\0\0\0\0\x04x"))["payload"];
    assert_eq!((&other["channel"], &other["error"]), (&json!("#test"), &json!("unsupported text type")));
    assert_eq!(other.get("text"), None);
}

#[test]
fn garbage_behind_a_fitting_code_is_not_shown_as_text() {
    let garbage = channel_frame(&ChannelKey::hashtag("#test"), b"\0\0\0\0\0\x01\x02\x03\x04");
    assert_eq!(decoded_bytes(&garbage)["payload"]["decryptionStatus"], "decryption_failed");
}

#[test]
fn a_trace_shows_its_route_and_the_signal_of_each_hop_made() {
    let trace = decoded("26 02 30f4 01000000 00000000 00 a1b2c3");
    assert_eq!(
        trace["path"],
        json!({"hashSize": 1, "hashCount": 3, "hops": ["A1", "B2", "C3"], "hopsCompleted": 2})
    );
    assert_eq!(
        trace["payload"],
        json!({"type": "TRACE", "tag": 1, "authCode": 0, "traceFlags": 0, "pathData": "a1b2c3", "snrValues": [12.0, -3.0]})
    );
}

#[test]
fn what_is_odd_about_a_frame_is_said() {
    assert_eq!(
        decoded("25 00 01000000 00000000 00 a1")["anomaly"],
        "trace sent as flood: traces travel direct only"
    );
    assert_eq!(decoded("26 00 0100")["anomaly"], "trace payload cannot be read");
    assert_eq!(decoded("41 00 11 22 3344 55")["anomaly"], "payload version is not 0: nodes drop this frame");
}

#[test]
fn discovery_is_read_and_a_short_one_shows_what_fits() {
    assert_eq!(
        payload("2e 00 80 04 11223344"),
        json!({"type": "CONTROL", "raw": "800411223344", "ctrlFlags": "80", "ctrlZeroHop": true, "ctrlLength": 6,
               "ctrlSubtype": "DISCOVER_REQ", "ctrlFilter": 4, "ctrlTag": 0x4433_2211})
    );
    assert_eq!(
        payload("2e 00 92 eb 11223344"),
        json!({"type": "CONTROL", "raw": "92eb11223344", "ctrlFlags": "92", "ctrlZeroHop": true, "ctrlLength": 6,
               "ctrlSubtype": "DISCOVER_RESP", "ctrlTag": 0x4433_2211, "ctrlNodeType": 2, "ctrlSNR": -21, "error": "too short"})
    );
    assert_eq!(payload("2e 00 10")["ctrlSubtype"], "UNKNOWN");
}

#[test]
fn unknown_and_broken_payloads_keep_their_bytes() {
    assert_eq!(payload("31 00 beef"), json!({"type": "UNKNOWN", "raw": "beef"}));
    assert_eq!(
        payload("3d 00 deadbeef"),
        json!({"type": "RAW_CUSTOM", "rawLength": 4, "raw": "deadbeef", "firstByteTag": "DE"})
    );
    assert_eq!(payload("01 00 1122"), json!({"type": "REQ", "error": "too short", "raw": "1122"}));
    assert_eq!(
        payload("11 00 1122"),
        json!({"type": "ADVERT", "error": "too short for advert", "raw": "1122"})
    );
    assert_eq!(payload("26 41 a1b2 0000000000000000 00")["error"], "invalid trace path");
}
