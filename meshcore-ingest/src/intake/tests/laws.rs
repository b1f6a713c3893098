//! What holds for any message.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;

/// With all that is off by default.
const EVERYTHING: &str = r##"{"clientRxCoverage": {"enabled": true}, "companion": {"storeDirect": true},
    "hashRegions": ["#Europe"], "geo_filter": {"latMin": 47, "latMax": 48, "lonMin": 8, "lonMax": 9}}"##;

/// A good message of each kind.
fn good() -> Vec<Inbound> {
    let key = "a1".repeat(32);
    let gps = json!({"lat": 47.5, "lon": 8.5, "acc_m": 8});
    let raw = advert("Ridge", Some((40_000_000, 8_500_000)), Some("#Europe"));
    [
        (
            "meshcore/SJC/kpabap/packets".to_owned(),
            json!({"raw": raw, "SNR": "6 dB", "origin": "Roof", "hash": "00"}),
        ),
        (
            "meshcore/SJC/kpabap/status".to_owned(),
            json!({"status": "online", "stats": {"battery_mv": 4102.5}}),
        ),
        (format!("meshcore/client/{key}/packets"), json!({"raw": raw, "direction": "rx", "gps": gps})),
        ("meshcore/message/channel/2".to_owned(), json!({"payload": {"text": "Ann: hi"}, "attributes": {}})),
        ("meshcore/message/direct/ab".to_owned(), json!({"text": "hi", "sender_timestamp": 1})),
        (
            "meshcore/advertisement".to_owned(),
            json!({"pubkey": key, "lat": 1, "lon": 2, "flags": {"room": 1}}),
        ),
        ("meshcore/self_info".to_owned(), json!({"public_key": key, "name": "Hill", "role": "repeater"})),
    ]
    .iter()
    .map(|(topic, payload)| inbound(topic, payload))
    .collect()
}

#[test]
fn a_good_message_of_each_kind_is_written() {
    let intake = intake(EVERYTHING);
    for message in good() {
        assert_eq!(reason(&intake.digest(&message)), "written", "{}", message.topic);
    }
}

proptest! {
    /// Whatever bytes an observer reports, there is a verdict, and what is stored is what was reported.
    #[test]
    fn any_frame_gets_a_verdict(frame in vec(any::<u8>(), 0..300)) {
        let raw = hex::encode(&frame);
        match judge("{}", "meshcore/SJC/kpabap/packets", json!({"raw": raw})) {
            Verdict::Write(Job { write: Write::Packet(packet), .. }) => prop_assert_eq!(packet.raw_hex, raw),
            Verdict::Reject(reason, _) => prop_assert!(!reason.name().is_empty()),
            other => prop_assert!(false, "{other:?}"),
        }
    }

    /// Whatever a payload holds, it is judged.
    #[test]
    fn any_payload_gets_a_verdict(topic in "[a-z/+#\\PC]{0,40}", payload in vec(any::<u8>(), 0..200)) {
        let inbound = Inbound { payload: payload.into(), ..inbound(&topic, &Value::Null) };
        let verdict = intake("{}").digest(&inbound);
        prop_assert!(!reason(&verdict).is_empty());
    }

    /// A good message with some bytes changed and its end cut off is judged, and judged the same again.
    #[test]
    fn any_damaged_message_gets_a_verdict(
        good in select(good()),
        changes in vec((any::<Index>(), any::<u8>()), 0..8),
        end in proptest::option::of(any::<Index>()),
    ) {
        let mut payload = good.payload.to_vec();
        for (at, byte) in changes {
            let at = at.index(payload.len());
            payload[at] = byte;
        }
        if let Some(end) = end {
            payload.truncate(end.index(payload.len()));
        }
        let damaged = Inbound { payload: payload.into(), ..good };
        let intake = intake(EVERYTHING);
        let verdict = intake.digest(&damaged);
        prop_assert!(!reason(&verdict).is_empty());
        prop_assert_eq!(intake.digest(&damaged), verdict);
    }
}
