//! The plaintext of `TXT_MSG`: from one node to another.

use core::{fmt, str};

use crate::content::{MAX_PEER_PLAINTEXT, MAX_TEXT, check_plaintext, is_plausible_text, split_nul};
use crate::error::{ContentError, EncodeError};
use crate::field::Field;
#[cfg(feature = "crypto")]
use crate::id::PublicKey;
use crate::parse::{Reader, array, at_least, byte, u32_le};
use crate::write::Writer;

/// Most bytes of a text behind which the attempt is written out.
const MAX_EXTENDED_TEXT: usize = MAX_TEXT - 2;

/// The largest attempt that fits into the flags byte.
const MAX_SHORT_ATTEMPT: u8 = 3;

/// What a text between nodes is (firmware `src/helpers/TxtDataHelpers.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TextType {
    /// One person to another.
    Plain,
    /// A command to a node's command line, or its answer. Never acknowledged.
    CliData,
    /// A post that a room server hands out: it comes from the room, and names
    /// its author.
    SignedPlain,
}

impl TextType {
    /// From the upper six bits of the flags byte, shifted down; `None` for
    /// types that receivers drop.
    pub const fn from_bits(bits: u8) -> Option<Self> {
        match bits {
            0 => Some(Self::Plain),
            1 => Some(Self::CliData),
            2 => Some(Self::SignedPlain),
            _ => None,
        }
    }

    /// 0 to 2.
    pub const fn bits(self) -> u8 {
        match self {
            Self::Plain => 0,
            Self::CliData => 1,
            Self::SignedPlain => 2,
        }
    }

    /// The firmware's name: `SIGNED_PLAIN`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::CliData => "CLI_DATA",
            Self::SignedPlain => "SIGNED_PLAIN",
        }
    }
}

impl fmt::Display for TextType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A text between two nodes.
///
/// ```text
/// [timestamp 4] [type << 2 | attempt & 3 1] [author prefix 4]? [text, to the first NUL] [NUL, attempt 1]?
/// ```
///
/// Signed texts have the author prefix. Plain ones that were sent more than
/// three times before have the whole attempt after the NUL (firmware
/// `src/helpers/BaseChatMesh.cpp`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextMessage<'a> {
    timestamp: u32,
    txt_type: TextType,
    attempt: u8,
    author_prefix: Option<&'a [u8; 4]>,
    text: &'a [u8],
    extended_attempt: Option<u8>,
}

impl<'a> TextMessage<'a> {
    /// Reads a plaintext; padding is not part of the text.
    ///
    /// # Errors
    /// [`ContentError::Truncated`] below 6 bytes, or below 9 for a signed text;
    /// [`ContentError::UnsupportedTextType`] for types that receivers drop.
    pub fn parse(plaintext: &'a [u8]) -> Result<Self, ContentError> {
        let mut fields = Reader::new(plaintext);
        let (timestamp, flags) = fields.read((u32_le(Field::Timestamp), byte(Field::Flags)))?;
        let mut text_fields = fields;
        // receivers ask for one byte more than they need, padding gives it to them
        fields.read(at_least(Field::Text, 1))?;
        let Some(txt_type) = TextType::from_bits(flags >> 2) else {
            return Err(ContentError::UnsupportedTextType { txt_type: flags >> 2 });
        };
        let author_prefix = match txt_type {
            TextType::SignedPlain => Some(text_fields.read(array(Field::AuthorPrefix))?),
            _ => None,
        };
        let (text, after) = split_nul(text_fields.rest());
        let extended_attempt = match (txt_type, after) {
            (TextType::Plain, [attempt @ 4..=0xff, ..]) => Some(*attempt),
            _ => None,
        };
        let attempt = flags & MAX_SHORT_ATTEMPT;
        Ok(Self { timestamp, txt_type, attempt, author_prefix, text, extended_attempt })
    }

    /// A text to a person, sent `attempt` times before. What follows a NUL is
    /// cut off: a reader stops there.
    ///
    /// # Errors
    /// [`EncodeError::TextTooLong`] above 160 bytes, or above 158 from the
    /// fourth attempt on.
    pub fn plain(timestamp: u32, attempt: u8, text: &'a str) -> Result<Self, EncodeError> {
        Self::first_attempt(timestamp, TextType::Plain, None, text).with_attempt(attempt)
    }

    /// A command to a node, or its answer. What follows a NUL is cut off.
    ///
    /// # Errors
    /// [`EncodeError::TextTooLong`] above 160 bytes.
    pub fn cli(timestamp: u32, text: &'a str) -> Result<Self, EncodeError> {
        Self::first_attempt(timestamp, TextType::CliData, None, text).with_attempt(0)
    }

    /// A post of the author whose key starts with `author_prefix`, handed out by
    /// a room. What follows a NUL is cut off.
    ///
    /// # Errors
    /// [`EncodeError::TextTooLong`] above 160 bytes,
    /// [`EncodeError::PlaintextTooLong`] above 158: the prefix takes its room;
    /// [`EncodeError::FieldOutOfRange`] for an attempt above 3.
    pub fn signed(
        timestamp: u32,
        attempt: u8,
        author_prefix: &'a [u8; 4],
        text: &'a str,
    ) -> Result<Self, EncodeError> {
        Self::first_attempt(timestamp, TextType::SignedPlain, Some(author_prefix), text).with_attempt(attempt)
    }

    /// The same text, sent `attempt` times before.
    ///
    /// # Errors
    /// As the constructor of its type; [`EncodeError::FieldOutOfRange`] above 3
    /// for anything but a plain text.
    pub fn with_attempt(self, attempt: u8) -> Result<Self, EncodeError> {
        let is_extended = attempt > MAX_SHORT_ATTEMPT;
        if is_extended && self.txt_type != TextType::Plain {
            return Err(EncodeError::FieldOutOfRange {
                field: Field::Attempt,
                value: u32::from(attempt),
                max: u32::from(MAX_SHORT_ATTEMPT),
            });
        }
        let (len, max) = (self.text.len(), if is_extended { MAX_EXTENDED_TEXT } else { MAX_TEXT });
        if len > max {
            return Err(EncodeError::TextTooLong { len, max });
        }
        let message = Self {
            attempt: attempt & MAX_SHORT_ATTEMPT,
            extended_attempt: is_extended.then_some(attempt),
            ..self
        };
        check_plaintext(message.encoded_len(), MAX_PEER_PLAINTEXT)?;
        Ok(message)
    }

    /// Nothing checked yet.
    fn first_attempt(
        timestamp: u32,
        txt_type: TextType,
        author_prefix: Option<&'a [u8; 4]>,
        text: &'a str,
    ) -> Self {
        let (text, _) = split_nul(text.as_bytes());
        Self { timestamp, txt_type, attempt: 0, author_prefix, text, extended_attempt: None }
    }

    /// Unix seconds by the sender's clock.
    pub const fn timestamp(&self) -> u32 {
        self.timestamp
    }

    /// What the text is.
    pub const fn txt_type(&self) -> TextType {
        self.txt_type
    }

    /// How often it was sent before, modulo 4.
    pub const fn attempt(&self) -> u8 {
        self.attempt
    }

    /// How often it was sent before, where that is more than 3. Plain texts only.
    pub const fn extended_attempt(&self) -> Option<u8> {
        self.extended_attempt
    }

    /// The first bytes of the author's key. Signed texts only.
    pub const fn author_prefix(&self) -> Option<&'a [u8; 4]> {
        self.author_prefix
    }

    /// The text as bytes.
    pub const fn text_bytes(&self) -> &'a [u8] {
        self.text
    }

    /// The text; `None` when it is not UTF-8.
    pub fn text(&self) -> Option<&'a str> {
        str::from_utf8(self.text).ok()
    }

    /// Whether this looks like a text at all: see [`is_plausible_text`].
    pub fn is_plausible(&self) -> bool {
        is_plausible_text(self.text)
    }

    /// The checksum by which its receiver acknowledges it, in the order of the
    /// wire; `None` for command line data, which are not acknowledged.
    ///
    /// Covers the flags byte, so every attempt (modulo 4) has its own. Plain
    /// texts count with the key of their `sender`, signed ones with that of the
    /// `recipient`.
    #[cfg(feature = "crypto")]
    pub fn ack_checksum(&self, sender: &PublicKey, recipient: &PublicKey) -> Option<[u8; 4]> {
        let key = match self.txt_type {
            TextType::Plain => sender,
            TextType::SignedPlain => recipient,
            TextType::CliData => return None,
        };
        let author = self.author_prefix.map_or(&[][..], |prefix| prefix);
        let parts: [&[u8]; 4] = [&self.timestamp.to_le_bytes(), &[self.flags()], author, self.text];
        Some(crate::checksum::ack_checksum(&parts, key))
    }

    /// Exact size of the plaintext, without padding.
    pub fn encoded_len(&self) -> usize {
        5 + self.author_prefix.map_or(0, |prefix| prefix.len())
            + self.text.len()
            + self.extended_attempt.map_or(0, |_| 2)
    }

    /// Writes the plaintext to the start of `out` and returns its length.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`].
    pub fn encode_into(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        let mut plaintext = Writer::new(out, self.encoded_len())?;
        plaintext.put(&self.timestamp.to_le_bytes())?;
        plaintext.put(&[self.flags()])?;
        if let Some(author_prefix) = self.author_prefix {
            plaintext.put(author_prefix)?;
        }
        plaintext.put(self.text)?;
        if let Some(attempt) = self.extended_attempt {
            plaintext.put(&[0, attempt])?;
        }
        Ok(plaintext.written())
    }

    const fn flags(&self) -> u8 {
        self.txt_type.bits() << 2 | self.attempt
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;
    use std::vec::Vec;

    fn encoded(message: TextMessage<'_>) -> Vec<u8> {
        let mut out = [0; MAX_PEER_PLAINTEXT];
        let len = message.encode_into(&mut out).unwrap();
        out[..len].to_vec()
    }

    #[test]
    fn a_plain_text_ends_at_its_padding() {
        let plaintext = hex!("03f15365 03 68656c6c6f 000000000000");
        let message = TextMessage::parse(&plaintext).unwrap();
        assert_eq!((message.txt_type(), message.attempt()), (TextType::Plain, 3));
        assert_eq!((message.text(), message.extended_attempt()), (Some("hello"), None));
        assert_eq!(TextMessage::plain(1_700_000_003, 3, "hello"), Ok(message));
        assert_eq!(encoded(message), plaintext[..10]);
    }

    #[test]
    fn a_late_attempt_is_written_behind_the_nul() {
        let plaintext = hex!("fff15365 03 68656c6c6f 00 ff 00000000");
        let message = TextMessage::parse(&plaintext).unwrap();
        assert_eq!((message.attempt(), message.extended_attempt()), (3, Some(255)));
        assert_eq!(TextMessage::plain(1_700_000_255, 255, "hello"), Ok(message));
        assert_eq!(encoded(message), plaintext[..12]);
    }

    #[test]
    fn a_post_names_its_author() {
        let plaintext = hex!("d0f85365 08 a38ebb00 706f7374");
        let message = TextMessage::parse(&plaintext).unwrap();
        assert_eq!((message.author_prefix(), message.text()), (Some(&hex!("a38ebb00")), Some("post")));
        assert_eq!(encoded(message), plaintext);
        let err = TextMessage::parse(&plaintext[..8]).unwrap_err();
        assert_eq!(err, ContentError::Truncated { field: Field::AuthorPrefix, offset: 5, need: 4, have: 3 });
    }

    #[test]
    fn other_types_and_short_texts_are_refused() {
        let err = TextMessage::parse(&hex!("01000000 0c 6f")).unwrap_err();
        assert_eq!(err, ContentError::UnsupportedTextType { txt_type: 3 });
        let err = TextMessage::parse(&hex!("01000000 0c")).unwrap_err();
        assert_eq!(err, ContentError::Truncated { field: Field::Text, offset: 5, need: 1, have: 0 });
    }

    #[test]
    fn long_texts_and_late_attempts_have_their_limits() {
        let text = "a".repeat(161);
        assert!(TextMessage::plain(1, 3, &text[..160]).is_ok());
        let err = TextMessage::plain(1, 3, &text).unwrap_err();
        assert_eq!(err, EncodeError::TextTooLong { len: 161, max: 160 });
        assert!(TextMessage::plain(1, 4, &text[..158]).is_ok());
        let err = TextMessage::plain(1, 4, &text[..159]).unwrap_err();
        assert_eq!(err, EncodeError::TextTooLong { len: 159, max: 158 });
        let err = TextMessage::signed(1, 0, &[1; 4], &text[..159]).unwrap_err();
        assert_eq!(err, EncodeError::PlaintextTooLong { len: 168, max: 167 });
        let err = TextMessage::cli(1, "ver").unwrap().with_attempt(4).unwrap_err();
        assert_eq!(err, EncodeError::FieldOutOfRange { field: Field::Attempt, value: 4, max: 3 });
    }

    #[test]
    fn nothing_is_written_behind_a_nul_in_the_text() {
        assert_eq!(encoded(TextMessage::cli(1, "ver\0x").unwrap()), hex!("01000000 04 766572"));
    }

    #[cfg(feature = "crypto")]
    #[test]
    fn plain_texts_are_acknowledged_with_the_senders_key_and_posts_with_the_readers() {
        let plain =
            PublicKey::from_bytes(hex!("913725b0a19d40f0a61e7dc9f42449b4df83f57160b8dd7ca2f8624f54d25f38"));
        let signed =
            PublicKey::from_bytes(hex!("15da490915416c5eb45419d9a96fbe086cc1fd0727dcebda1fc3b8adb4720c65"));
        let plaintext = hex!("1d66bb64 03 746578742033207465787420332074657874203320 000000");
        let message = TextMessage::parse(&plaintext).unwrap();
        assert_eq!(message.ack_checksum(&plain, &signed), Some(hex!("772dd9a4")));
        let plaintext = hex!("5f5ebb64 09 20deb89e 74657874203120");
        let message = TextMessage::parse(&plaintext).unwrap();
        assert_eq!(message.ack_checksum(&plain, &signed), Some(hex!("e9f41a36")));
        assert_eq!(TextMessage::cli(1, "ver").unwrap().ack_checksum(&plain, &signed), None);
    }
}
