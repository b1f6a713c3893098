//! What companion bridges pass on.

use meshcore_store::db::NodeSighting;
use sha2::{Digest, Sha256};

use super::*;

const CHANNEL: &str = "meshcore/message/channel/2";
const DIRECT: &str = "meshcore/message/direct/ab12";
const STORING: &str = r#"{"companion": {"storeDirect": true}}"#;

fn node(verdict: Verdict) -> NodeSighting {
    match verdict {
        Verdict::Write(Job { write: Write::Node(node), .. }) => *node,
        other => panic!("no node: {other:?}"),
    }
}

/// The first 16 digits of SHA-256.
fn hash(text: &str) -> String {
    hex::encode(&Sha256::digest(text)[..8])
}

#[test]
fn a_channel_text_is_stored_under_the_place_of_its_channel() {
    let stored = packet(judge("{}", CHANNEL, json!({"text": "Ann: hi", "SNR": 6, "direction": "rx"})));
    assert_eq!(stored.hash.to_string(), hash("ch:2:Ann: hi:1777636800"));
    assert_eq!((stored.payload_type, stored.route_type, stored.payload_version), (5, 1, 0));
    assert_eq!((stored.raw_hex.as_str(), stored.path_json.as_str()), ("", "[]"));
    assert_eq!(stored.channel_hash.as_deref(), Some("ch2"));
    let decoded: Value = serde_json::from_str(&stored.decoded_json).unwrap();
    assert_eq!(decoded, json!({"type": "CHAN", "channel": "ch2", "text": "Ann: hi", "sender": "Ann"}));
    assert_eq!((stored.reception.observer.as_str(), stored.reception.region), ("companion", None));
    assert_eq!(stored.reception.signal.snr, Some(6.0));
}

#[test]
fn a_text_that_says_when_it_was_sent_has_the_same_hash_whenever_it_comes() {
    let wrapped = json!({"payload": {"text": "hi", "sender_timestamp": 1_777_600_000},
                         "attributes": {"channel_idx": 5}});
    let first = inbound(CHANNEL, &wrapped);
    let later = Inbound { received_at: NOW.plus_millis(90_000), ..first.clone() };
    let (first, later) = (packet(intake("{}").digest(&first)), packet(intake("{}").digest(&later)));
    assert_eq!(first.hash.to_string(), hash("ch:5:hi:1777600000"));
    assert_eq!((later.hash, later.path_json), (first.hash, first.path_json));
    assert!(first.decoded_json.contains(r#""sender_timestamp":1777600000"#));
}

#[test]
fn private_texts_are_stored_only_where_that_is_wanted() {
    let said = || json!({"text": "Ann: hi"});
    assert_eq!(judge("{}", DIRECT, said()), Verdict::Discard(Discard::Direct, None));
    let stored = packet(judge(STORING, DIRECT, said()));
    assert_eq!(stored.hash.to_string(), hash("dm:Ann: hi:1777636800"));
    assert_eq!((stored.payload_type, stored.channel_hash), (2, None));
    let decoded: Value = serde_json::from_str(&stored.decoded_json).unwrap();
    assert_eq!(decoded, json!({"type": "DM", "text": "Ann: hi", "sender": "Ann"}));
}

#[test]
fn a_node_is_told_of_without_a_packet() {
    let key = "AB".repeat(32);
    let claim = || {
        json!({"public_key": key, "node_name": "Hill", "latitude": 47.5, "lng": 8.5,
                          "flags": {"room": 1}})
    };
    let heard = node(judge("{}", "meshcore/advertisement", claim()));
    assert_eq!(heard.node.public_key.to_string(), key.to_lowercase());
    assert_eq!((heard.node.name.as_deref(), heard.node.role.as_deref()), (Some("Hill"), Some("room")));
    assert_eq!(heard.node.position, Some((47.5, 8.5)));
    assert_eq!(heard.reception.observer_name, None, "the node heard is not the companion");
    let own = node(judge("{}", "meshcore/self_info", claim()));
    assert_eq!(own.reception.observer_name.as_deref(), Some("Hill"));
    assert_eq!(own.node, heard.node);
}

#[test]
fn what_a_bridge_cannot_mean_is_refused_and_regions_do_not_concern_it() {
    let filters = r#"{"observerIATAWhitelist": ["ZRH"],
                      "mqttSources": [{"broker": "mqtt://localhost", "iataFilter": ["ZRH"]}]}"#;
    let blacklist = r#"{"observerBlacklist": ["Companion"]}"#;
    for (config, topic, payload, why) in [
        (filters, CHANNEL, json!({"text": "x"}), "written"),
        (filters, "meshcore/advertisement", json!({"pubkey": "ab".repeat(32)}), "written"),
        (blacklist, CHANNEL, json!({"text": "x"}), "blacklist"),
        ("{}", CHANNEL, json!({"text": " "}), "no_text"),
        ("{}", CHANNEL, json!({"raw": TXT_MSG}), "no_text"),
        ("{}", "meshcore/message/channel/family", json!({"text": "x"}), "bad_channel"),
        ("{}", "meshcore/message/channel/256", json!({"text": "x"}), "bad_channel"),
        ("{}", "meshcore/self_info", json!({"name": "x"}), "bad_advert"),
        ("{}", CHANNEL, json!("x"), "not_json"),
    ] {
        assert_eq!(reason(&judge(config, topic, payload)), why, "{topic}");
    }
}
