//! ADVERT: what a node says about itself.

use meshcore_proto::content::LegacySensorTelemetry;
use meshcore_proto::payload::{Advert, AppData};
use meshcore_proto::{AppDataError, NodeType, PublicKey};
use serde::{Serialize, Serializer};

use super::Signatures;
use crate::UnixMillis;

/// Longest name shown and stored, bytes.
const NAME_MAX: usize = 32;

/// An advert for readers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DecodedAdvert {
    /// The node's key.
    #[serde(rename = "pubKey", serialize_with = "as_text")]
    pub public_key: PublicKey,
    /// The node's own clock, Unix seconds.
    pub timestamp: u32,
    /// The same, for people.
    #[serde(rename = "timestampISO")]
    pub timestamp_iso: UnixMillis,
    /// 64 bytes.
    pub signature: String,
    /// Whether the signature is the node's; absent when it was not checked.
    #[serde(rename = "signatureValid", skip_serializing_if = "Option::is_none")]
    pub signature_valid: Option<bool>,
    /// The flags byte, when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flags: Option<AdvertFlags>,
    /// What the node is; not part of the JSON, where the flags say it.
    #[serde(skip)]
    pub role: Option<Role>,
    /// Degrees north.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lat: Option<f64>,
    /// Degrees east.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lon: Option<f64>,
    /// Reserved by the firmware.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feat1: Option<u16>,
    /// Reserved by the firmware.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feat2: Option<u16>,
    /// Cleaned by [`clean_name`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Millivolt, from sensors that send it behind their name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub battery_mv: Option<u16>,
    /// Degrees Celsius, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature_c: Option<f64>,
    /// Why there is nothing but key, time and signature.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'static str>,
}

/// The flags byte, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "each is one bit of the byte, named as in the firmware")]
pub struct AdvertFlags {
    pub raw: u8,
    #[serde(rename = "type")]
    pub node_type: u8,
    pub chat: bool,
    pub repeater: bool,
    pub room: bool,
    pub sensor: bool,
    pub has_location: bool,
    pub has_feat1: bool,
    pub has_feat2: bool,
    pub has_name: bool,
}

/// What a node is, in the words of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Role(NodeType);

impl Role {
    /// From the node type of an advert.
    pub const fn new(node_type: NodeType) -> Self {
        Self(node_type)
    }

    /// The role with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        (0..16).map(|bits| Self(NodeType::from_bits(bits))).find(|role| role.to_string() == word)
    }
}

impl core::fmt::Display for Role {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.0.bits() {
            0 => f.write_str("none"),
            1 => f.write_str("companion"),
            2 => f.write_str("repeater"),
            3 => f.write_str("room"),
            4 => f.write_str("sensor"),
            other => write!(f, "type-{other}"),
        }
    }
}

impl DecodedAdvert {
    pub(super) fn of(advert: &Advert<'_>, signatures: Signatures) -> Self {
        let raw_flags = advert.app_data_bytes().first().copied();
        let bare = Self {
            public_key: advert.public_key(),
            timestamp: advert.timestamp(),
            timestamp_iso: UnixMillis::from_seconds(i64::from(advert.timestamp())),
            signature: hex::encode(advert.signature()),
            signature_valid: match signatures {
                Signatures::Verify => Some(advert.verify().is_ok()),
                Signatures::Known(valid) => Some(valid),
                Signatures::Ignore => None,
            },
            flags: raw_flags.map(AdvertFlags::of),
            role: None,
            lat: None,
            lon: None,
            feat1: None,
            feat2: None,
            name: None,
            battery_mv: None,
            temperature_c: None,
            error: None,
        };
        match advert.app_data() {
            Ok(app_data) => bare.with(&app_data, advert.app_data_bytes()),
            Err(AppDataError::Missing) => Self { error: Some("app data missing"), ..bare },
            Err(_) => Self { error: Some("app data truncated"), ..bare },
        }
    }

    fn with(self, app_data: &AppData<'_>, bytes: &[u8]) -> Self {
        let readings = LegacySensorTelemetry::parse(bytes);
        let battery_mv = readings.map(|readings| readings.battery_mv);
        let centi_celsius = readings.map(|readings| readings.temperature_centi);
        Self {
            role: Some(Role::new(app_data.node_type)),
            lat: app_data.position.map(|position| position.latitude()),
            lon: app_data.position.map(|position| position.longitude()),
            feat1: app_data.feat1,
            feat2: app_data.feat2,
            name: app_data.name.map(clean_name),
            battery_mv: battery_mv.filter(|millivolts| (1..=10_000).contains(millivolts)),
            temperature_c: centi_celsius
                .filter(|centi| (-5_000..=10_000).contains(centi))
                .map(|centi| f64::from(centi) / 100.0),
            ..self
        }
    }
}

impl AdvertFlags {
    fn of(raw: u8) -> Self {
        let node_type = raw & 0x0f;
        Self {
            raw,
            node_type,
            chat: node_type == 1,
            repeater: node_type == 2,
            room: node_type == 3,
            sensor: node_type == 4,
            has_location: raw & 0x10 != 0,
            has_feat1: raw & 0x20 != 0,
            has_feat2: raw & 0x40 != 0,
            has_name: raw & 0x80 != 0,
        }
    }
}

/// A name from the air as text: cut at the first NUL, without control characters except TAB and LF, at most 32 bytes.
///
/// Bytes that are not UTF-8 become U+FFFD; the cut never splits a character.
pub fn clean_name(bytes: &[u8]) -> String {
    let bytes = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
    let mut name = String::with_capacity(bytes.len());
    for c in String::from_utf8_lossy(bytes).chars() {
        if (c < ' ' && c != '\t' && c != '\n') || c == '\u{7f}' {
            continue;
        }
        if name.len() + c.len_utf8() > NAME_MAX {
            break;
        }
        name.push(c);
    }
    name
}

fn as_text<S: Serializer>(value: &impl ToString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&value.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_lose_control_characters_and_keep_whole_characters() {
        assert_eq!(clean_name(b"Ridge\0\x10\x27"), "Ridge");
        assert_eq!(clean_name(b"a\r\nb\x7f\x01"), "a\nb");
        assert_eq!(clean_name(b"ok\xff"), "ok\u{fffd}");
        let trees = "🌳".repeat(9); // 36 bytes: the ninth does not fit
        assert_eq!(clean_name(trees.as_bytes()), "🌳".repeat(8));
    }

    proptest! {
        #[test]
        fn any_bytes_make_a_short_printable_name(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let name = clean_name(&bytes);
            prop_assert!(name.len() <= NAME_MAX);
            prop_assert!(!name.chars().any(|c| c < ' ' && c != '\t' && c != '\n'));
        }
    }

    #[test]
    fn roles_have_the_words_of_the_database() {
        let words: Vec<String> =
            (0..6).map(|bits| Role::new(NodeType::from_bits(bits)).to_string()).collect();
        assert_eq!(words, ["none", "companion", "repeater", "room", "sensor", "type-5"]);
        assert_eq!(Role::from_word("room"), Some(Role::new(NodeType::from_bits(3))));
        assert_eq!((Role::from_word("type-15").is_some(), Role::from_word("type-4")), (true, None));
    }
}
