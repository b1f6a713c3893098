//! What a companion bridge passes on: texts its device has read, and nodes it knows.

use meshcore_proto::PublicKey;
use meshcore_store::decoded::Role;
use meshcore_store::{Direction, Signal};

use super::Message;
use super::packet::{direction, signal};
use super::value::{first, flag, number, printable};
use crate::accounting::Reject;
use crate::json::{Json, Object};

/// Longest text kept, characters: more than a frame can carry.
const MAX_TEXT: usize = 256;

/// Longest name of a node, bytes.
const MAX_NAME: usize = 64;

/// A text that a companion has read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CompanionText {
    /// What was said, with its sender.
    pub(crate) text: String,
    /// The sender's clock, Unix seconds.
    pub(crate) sender_timestamp: Option<u32>,
    /// Place of the channel in the companion's list, when the message says it.
    pub(crate) channel_index: Option<u8>,
    /// What the radio measured.
    pub(crate) signal: Signal,
    /// Which way it went.
    pub(crate) direction: Option<Direction>,
}

/// What a companion says of a node: of itself, or of one whose advert it heard. Nobody's signature vouches for it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NodeClaim {
    /// The node.
    pub(crate) public_key: PublicKey,
    /// Never empty.
    pub(crate) name: Option<String>,
    /// Degrees north and east.
    pub(crate) position: Option<(f64, f64)>,
    /// What it is; absent when nothing is said.
    pub(crate) role: Option<Role>,
}

impl<'a> Message<'a> {
    /// The text in it.
    ///
    /// # Errors
    /// [`Reject::NoText`].
    pub(crate) fn companion_text(&self) -> Result<CompanionText, Reject> {
        let message = self.unwrapped();
        let text = printable(message.text("text").unwrap_or_default(), MAX_TEXT);
        if text.is_empty() {
            return Err(Reject::NoText);
        }
        let attributes = self.0.object("attributes");
        let index = message.get("channel_idx").or_else(|| attributes?.get("channel_idx"));
        Ok(CompanionText {
            text,
            sender_timestamp: message.get("sender_timestamp").and_then(whole),
            channel_index: index.and_then(whole),
            signal: signal(message),
            direction: direction(message),
        })
    }

    /// The node in it.
    ///
    /// # Errors
    /// [`Reject::BadAdvert`], when there is no such node.
    pub(crate) fn node_claim(&self) -> Result<NodeClaim, Reject> {
        let node = self.unwrapped();
        let key = first(node, &["pubkey", "pub_key", "public_key"]).and_then(text);
        let public_key: PublicKey = key.and_then(|key| key.parse().ok()).ok_or(Reject::BadAdvert)?;
        let name = first(node, &["name", "node_name"]).and_then(text).map(str::trim);
        let degrees = |names: &[&str]| first(node, names).and_then(number);
        let position = degrees(&["lat", "latitude"]).zip(degrees(&["lon", "lng", "longitude"]));
        let is_possible = !public_key.is_zero()
            && name.is_none_or(|name| name.len() <= MAX_NAME && !name.chars().any(is_forbidden_in_names))
            && position.is_none_or(|(lat, lon)| lat.abs() <= 90.0 && lon.abs() <= 180.0);
        if !is_possible {
            return Err(Reject::BadAdvert);
        }
        let name = name.filter(|name| !name.is_empty()).map(str::to_owned);
        Ok(NodeClaim { public_key, name, position, role: role(node)? })
    }

    /// Some bridges wrap what they publish.
    fn unwrapped(&self) -> &Object<'a> {
        self.0.object("payload").unwrap_or(&self.0)
    }
}

/// The role by its word, else by a flag; absent when nothing is said.
fn role(node: &Object<'_>) -> Result<Option<Role>, Reject> {
    if let Some(word) = node.text("role").map(str::trim).filter(|word| !word.is_empty()) {
        return Role::from_word(&word.to_ascii_lowercase()).map(Some).ok_or(Reject::BadAdvert);
    }
    let flags = node.object("flags");
    let is_set = |name: &&str| flags.and_then(|flags| flags.get(name)).and_then(flag).unwrap_or(false);
    Ok(["repeater", "room"].into_iter().find(is_set).and_then(Role::from_word))
}

fn is_forbidden_in_names(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n' | '\r')
}

fn text<'j>(value: &'j Json<'_>) -> Option<&'j str> {
    match value {
        Json::Text(text) => Some(text.trim()),
        _ => None,
    }
}

/// A whole number that fits.
fn whole<T: TryFrom<i64>>(value: &Json<'_>) -> Option<T> {
    let number = number(value).filter(|number| number.fract() == 0.0)?;
    T::try_from(super::value::truncated(number)?).ok()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    fn text_of(json: Value) -> Result<CompanionText, Reject> {
        Message::parse(json.to_string().as_bytes()).unwrap().companion_text()
    }

    fn node_of(json: Value) -> Result<NodeClaim, Reject> {
        Message::parse(json.to_string().as_bytes()).unwrap().node_claim()
    }

    fn key() -> String {
        "aB".repeat(32)
    }

    #[rstest]
    #[case::plain(json!({"text": "Ann: hi", "channel_idx": 2, "sender_timestamp": 1_777_636_800, "SNR": "6 dB"}))]
    #[case::wrapped(json!({"payload": {"text": "Ann: hi", "sender_timestamp": "1777636800", "snr": 6},
                           "attributes": {"channel_idx": "2"}}))]
    fn a_text_is_read_wrapped_or_not(#[case] json: Value) {
        let said = text_of(json).unwrap();
        assert_eq!((said.text.as_str(), said.channel_index), ("Ann: hi", Some(2)));
        assert_eq!((said.sender_timestamp, said.signal.snr), (Some(1_777_636_800), Some(6.0)));
    }

    #[test]
    fn a_text_must_be_one_and_ends_somewhere() {
        for json in
            [json!({}), json!({"text": " \r\n"}), json!({"text": 5}), json!({"payload": {}, "text": "x"})]
        {
            assert_eq!(text_of(json), Err(Reject::NoText));
        }
        assert_eq!(text_of(json!({"text": "é".repeat(5_000)})).unwrap().text.chars().count(), MAX_TEXT);
        assert_eq!(text_of(json!({"text": "x", "channel_idx": 256})).unwrap().channel_index, None);
    }

    #[rstest]
    #[case(json!({"pubkey": key(), "name": "Hill", "lat": 1, "lon": 2, "role": "Repeater"}))]
    #[case(json!({"pub_key": key(), "node_name": "Hill", "latitude": 1, "lng": 2, "flags": {"repeater": true}}))]
    #[case(json!({"payload": {"public_key": key(), "name": " Hill ", "lat": "1", "longitude": 2, "role": "repeater"}}))]
    fn a_node_is_read_in_all_spellings(#[case] json: Value) {
        let expected = NodeClaim {
            public_key: key().parse().unwrap(),
            name: Some("Hill".into()),
            position: Some((1.0, 2.0)),
            role: Role::from_word("repeater"),
        };
        assert_eq!(node_of(json), Ok(expected));
    }

    #[rstest]
    #[case(json!({}))]
    #[case(json!({"pubkey": "ab"}))]
    #[case(json!({"pubkey": "00".repeat(32)}))]
    #[case(json!({"pubkey": key(), "lat": 91, "lon": 0}))]
    #[case(json!({"pubkey": key(), "name": "x".repeat(65)}))]
    #[case(json!({"pubkey": key(), "name": "a\u{1b}b"}))]
    #[case(json!({"pubkey": key(), "role": "king"}))]
    fn a_node_that_cannot_be_is_refused(#[case] json: Value) {
        assert_eq!(node_of(json), Err(Reject::BadAdvert));
    }
}
