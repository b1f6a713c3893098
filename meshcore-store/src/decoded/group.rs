//! GRP_TXT and GRP_DATA: what was said in a channel, if one of our keys opens it.

use meshcore_proto::content::{GroupData, GroupText};
use meshcore_proto::payload::GroupDatagram;
use meshcore_proto::{ContentError, CryptoError, KeyRing};
use serde::Serialize;

use super::DecodedPayload;

/// Why a channel message can be read or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DecryptionStatus {
    /// One of our keys fits.
    Decrypted,
    /// No key of ours has this channel hash.
    NoKey,
    /// A key has this hash, but the message is not for it.
    DecryptionFailed,
}

/// A channel text that one of our keys opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChannelMessage {
    /// Name of the channel as configured.
    pub channel: String,
    /// First byte of the key's SHA-256.
    pub channel_hash: u8,
    /// The same, two upper-case digits.
    pub channel_hash_hex: String,
    /// Always `decrypted`.
    pub decryption_status: DecryptionStatus,
    /// `sender: message`, or the whole text when it names no sender.
    pub text: String,
    /// As the text claims: nothing proves it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    /// The sender's clock, Unix seconds.
    #[serde(rename = "sender_timestamp")]
    pub sender_timestamp: u32,
}

/// A channel message that stays closed, or is no text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupMessage {
    /// Name of the channel, when a key fits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// First byte of the key's SHA-256.
    pub channel_hash: u8,
    /// The same, two upper-case digits.
    pub channel_hash_hex: String,
    /// Whether a key fits.
    pub decryption_status: DecryptionStatus,
    /// GRP_DATA: what was inside.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub data: Option<GroupContent>,
    /// What is still closed.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub cipher: Option<GroupCipher>,
    /// What is wrong with what was inside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'static str>,
}

/// The inside of a GRP_DATA.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupContent {
    /// Number allocated to the application.
    pub data_type: u16,
    /// Bytes.
    pub data_len: usize,
    /// The bytes.
    pub decrypted_blob: String,
}

/// The outside of a group message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupCipher {
    /// Two bytes of message authentication code.
    pub mac: String,
    /// The ciphertext.
    pub encrypted_data: String,
}

/// Largest plaintext: 184 bytes of payload less hash and MAC, in whole blocks.
const PLAIN_MAX: usize = 192;

impl GroupMessage {
    /// A GRP_TXT: a channel message when a key opens it.
    pub(super) fn text(datagram: &GroupDatagram<'_>, keys: &KeyRing) -> DecodedPayload {
        let mut buffer = [0; PLAIN_MAX];
        let (plain, key) = match datagram.decrypt(keys, &mut buffer) {
            Ok(opened) => opened,
            Err(error) => return DecodedPayload::GroupText(Self::closed(datagram, error)),
        };
        match GroupText::parse(plain) {
            Ok(text) => match text.text() {
                Some(said) if text.is_plausible() => DecodedPayload::Channel(ChannelMessage {
                    channel: key.name.clone(),
                    channel_hash: datagram.channel_hash(),
                    channel_hash_hex: hash_hex(datagram),
                    decryption_status: DecryptionStatus::Decrypted,
                    text: said.to_owned(),
                    sender: text.sender().map(str::to_owned),
                    sender_timestamp: text.timestamp(),
                }),
                // A 2-byte MAC fits by chance once in 65,536 times; garbage inside is that chance.
                _ => DecodedPayload::GroupText(Self::closed(datagram, CryptoError::MacMismatch)),
            },
            Err(ContentError::UnsupportedTextType { .. }) => DecodedPayload::GroupText(Self {
                channel: Some(key.name.clone()),
                decryption_status: DecryptionStatus::Decrypted,
                error: Some("unsupported text type"),
                ..Self::closed(datagram, CryptoError::MacMismatch)
            }),
            Err(_) => DecodedPayload::GroupText(Self::closed(datagram, CryptoError::MacMismatch)),
        }
    }

    /// A GRP_DATA, opened when a key fits.
    pub(super) fn data(datagram: &GroupDatagram<'_>, keys: &KeyRing) -> Self {
        let mut buffer = [0; PLAIN_MAX];
        let (plain, key) = match datagram.decrypt(keys, &mut buffer) {
            Ok(opened) => opened,
            Err(error) => return Self::closed(datagram, error),
        };
        let (data, error) = match GroupData::parse(plain) {
            Ok(inner) => {
                let content = GroupContent {
                    data_type: inner.data_type(),
                    data_len: inner.data().len(),
                    decrypted_blob: hex::encode(inner.data()),
                };
                (Some(content), None)
            }
            Err(ContentError::LengthMismatch { .. }) => (None, Some("inner data_len exceeds buffer")),
            Err(_) => (None, Some("inner too short")),
        };
        Self {
            channel: Some(key.name.clone()),
            channel_hash: datagram.channel_hash(),
            channel_hash_hex: hash_hex(datagram),
            decryption_status: DecryptionStatus::Decrypted,
            data,
            cipher: None,
            error,
        }
    }

    /// The key the message is grouped by while no key of ours opens it: `enc_` and the channel hash.
    pub fn grouping_key(&self) -> String {
        format!("enc_{}", self.channel_hash_hex)
    }

    fn closed(datagram: &GroupDatagram<'_>, error: CryptoError) -> Self {
        Self {
            channel: None,
            channel_hash: datagram.channel_hash(),
            channel_hash_hex: hash_hex(datagram),
            decryption_status: match error {
                CryptoError::NoKey { .. } => DecryptionStatus::NoKey,
                _ => DecryptionStatus::DecryptionFailed,
            },
            data: None,
            cipher: Some(GroupCipher {
                mac: hex::encode(datagram.mac()),
                encrypted_data: hex::encode(datagram.ciphertext()),
            }),
            error: None,
        }
    }
}

fn hash_hex(datagram: &GroupDatagram<'_>) -> String {
    format!("{:02X}", datagram.channel_hash())
}
