//! Which nodes are foreign, and which region a packet is for.

use meshcore_proto::payload::Payload;

use super::*;

const TOPIC: &str = "meshcore/ZRH/kpabap/packets";
const INSIDE: (i32, i32) = (47_500_000, 8_500_000);
const OUTSIDE: (i32, i32) = (40_000_000, 8_500_000);
const SQUARE: &str = r#""geo_filter": {"polygon": [[47, 8], [48, 8], [48, 9], [47, 9]], "bufferKm": 10}"#;

/// Whether the node of an advert from `position` is stored as foreign.
fn foreign(config: &str, position: Option<(i32, i32)>) -> Option<bool> {
    packet(judge(config, TOPIC, json!({"raw": advert("Ridge", position, None)}))).advert.unwrap().foreign
}

#[test]
fn nodes_outside_the_area_are_marked_and_those_inside_are_cleared() {
    for config in [
        format!("{{{SQUARE}}}"),
        r#"{"geo_filter": {"latMin": 47, "latMax": 48, "lonMin": 8, "lonMax": 9}}"#.to_owned(),
    ] {
        assert_eq!(foreign(&config, Some(INSIDE)), Some(false));
        assert_eq!(foreign(&config, Some(OUTSIDE)), Some(true));
        assert_eq!(foreign(&config, None), None, "nothing is known of a node without a position");
        assert_eq!(foreign(&config, Some((0, 0))), None, "a device without a fix");
    }
    assert_eq!(foreign("{}", Some(OUTSIDE)), None, "without an area nobody is foreign");
}

#[test]
fn foreign_adverts_are_dropped_when_that_is_asked_for_and_their_observer_was_heard() {
    let config = format!("{{{SQUARE}, \"foreignAdverts\": {{\"mode\": \"drop\"}}}}");
    let verdict = judge(&config, TOPIC, json!({"raw": advert("Ridge", Some(OUTSIDE), None)}));
    assert!(matches!(
        verdict,
        Verdict::Discard(Discard::Geo, Some(Job { ticket: UNCOUNTED, write: Write::Seen(_) }))
    ));
    assert_eq!(foreign(&config, Some(INSIDE)), Some(false));
    assert_eq!(
        reason(&judge(&config, TOPIC, json!({"raw": TXT_MSG}))),
        "written",
        "only adverts are filtered"
    );
    let claim = json!({"pubkey": "ab".repeat(32), "lat": 40, "lon": 8.5});
    assert_eq!(reason(&judge(&config, "meshcore/advertisement", claim)), "geo");
}

#[test]
fn a_packet_is_scoped_to_the_first_region_whose_code_it_carries() {
    let scope = |config: &str, raw: String| packet(judge(config, TOPIC, json!({"raw": raw}))).scope_name;
    let regions = r##"{"hashRegions": ["$secret", "Alps", "#Europe", "#Alps"]}"##;
    assert_eq!(scope(regions, advert("Ridge", None, Some("#Europe"))).as_deref(), Some("#Europe"));
    assert_eq!(scope(regions, advert("Ridge", None, Some("Alps"))).as_deref(), Some("#Alps"));
    assert_eq!(scope(regions, advert("Ridge", None, Some("#alps"))).as_deref(), Some(""), "case matters");
    assert_eq!(scope(regions, advert("Ridge", None, None)), None);
    let no_scope = Route::flood(1)
        .unwrap()
        .with_codes(meshcore_proto::TransportCodes { scope: 0, home: 0 })
        .frame(&Payload::RawCustom(&[1]))
        .unwrap();
    assert_eq!(scope(regions, hex::encode(no_scope)), None);
    assert_eq!(scope("{}", advert("Ridge", None, Some("#Europe"))).as_deref(), Some(""));
}

#[test]
fn an_advert_heard_again_is_judged_as_before_also_after_a_reload() {
    let first = intake("{}");
    let message = inbound(TOPIC, &json!({"raw": advert("Ridge", None, None)}));
    let stored = packet(first.digest(&message));
    let next = intake(r##"{"hashRegions": ["#Europe"]}"##).remembering(Arc::clone(first.memory()));
    let again = packet(next.digest(&message));
    assert!(again.decoded_json.contains(r#""signatureValid":true"#));
    assert_eq!(again, stored);
    let nobody_checks =
        packet(judge(r#"{"validateSignatures": false}"#, TOPIC, json!({"raw": advert("Ridge", None, None)})));
    assert!(!nobody_checks.decoded_json.contains("signatureValid"));
}
