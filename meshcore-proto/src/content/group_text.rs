//! The plaintext of `GRP_TXT`: who says what in a channel.

use core::str;

use crate::error::{ContentError, EncodeError};
use crate::field::Field;
use crate::parse::{Reader, at_least, byte, u32_le, until_nul};
use crate::write::Writer;

/// Most bytes of a text, sender included (firmware `src/helpers/BaseChatMesh.h`, `MAX_TEXT_LEN`).
pub const MAX_TEXT: usize = 160;

/// The longest sender that is split from its message, in bytes.
const MAX_SENDER: usize = 49;

/// A text in a channel.
///
/// ```text
/// [timestamp 4] [type << 2 | attempt 1] [text, to the first NUL]
/// ```
///
/// The text is `sender: message`; nothing proves who the sender is (firmware
/// `src/helpers/BaseChatMesh.cpp`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupText<'a> {
    timestamp: u32,
    flags: u8,
    text: &'a [u8],
}

impl<'a> GroupText<'a> {
    /// Reads a plaintext; padding is not part of the text.
    ///
    /// # Errors
    /// [`ContentError::Truncated`] below 5 bytes;
    /// [`ContentError::UnsupportedTextType`] for anything but plain text, which
    /// nodes drop.
    pub fn parse(plaintext: &'a [u8]) -> Result<Self, ContentError> {
        let (timestamp, flags, rest) = Reader::new(plaintext).read((
            u32_le(Field::Timestamp),
            byte(Field::Flags),
            at_least(Field::Payload, 0),
        ))?;
        let parsed = Self { timestamp, flags, text: until_nul(rest) };
        match parsed.txt_type() {
            0 => Ok(parsed),
            txt_type => Err(ContentError::UnsupportedTextType { txt_type }),
        }
    }

    /// Unix seconds by the sender's clock.
    pub const fn timestamp(&self) -> u32 {
        self.timestamp
    }

    /// 0, plain text: others are refused.
    pub const fn txt_type(&self) -> u8 {
        self.flags >> 2
    }

    /// How often it was sent before, 0 to 3; normally 0.
    pub const fn attempt(&self) -> u8 {
        self.flags & 0x03
    }

    /// The text as bytes.
    pub const fn text_bytes(&self) -> &'a [u8] {
        self.text
    }

    /// The text; `None` when it is not UTF-8.
    pub fn text(&self) -> Option<&'a str> {
        str::from_utf8(self.text).ok()
    }

    /// Who says it: what is before the first `": "`, if it is 1 to 49 bytes
    /// long and has no `:`, `[` or `]`.
    pub fn sender(&self) -> Option<&'a str> {
        split_sender(self.text()?).0
    }

    /// What is said: all of it without a sender. `None` when it is not UTF-8.
    pub fn message(&self) -> Option<&'a str> {
        Some(split_sender(self.text()?).1)
    }

    /// Whether this looks like a text at all: see [`is_plausible_text`].
    pub fn is_plausible(&self) -> bool {
        is_plausible_text(self.text)
    }

    /// Writes the plaintext of `sender: message` to the start of `out` and
    /// returns its length.
    ///
    /// What exceeds 160 bytes is cut off between two characters.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`]; 165 bytes are always enough.
    pub fn compose(
        timestamp: u32,
        sender: &str,
        message: &str,
        out: &mut [u8],
    ) -> Result<usize, EncodeError> {
        let mut left = MAX_TEXT;
        // once something was cut, nothing may follow
        let parts = [sender, ": ", message].map(|part| {
            let kept = part.get(..part.floor_char_boundary(left)).unwrap_or_default();
            left = if kept.len() == part.len() { left - kept.len() } else { 0 };
            kept.as_bytes()
        });

        let text_len: usize = parts.iter().map(|part| part.len()).sum();
        let mut plaintext = Writer::new(out, 5 + text_len)?;
        plaintext.put(&timestamp.to_le_bytes())?;
        plaintext.put(&[0])?;
        for part in parts {
            plaintext.put(part)?;
        }
        Ok(plaintext.written())
    }
}

/// A text to be sent to a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelMessage<'a> {
    /// Unix seconds by the sender's clock.
    pub timestamp: u32,
    /// Who says it. Readers find the sender again only if it is 1 to 49 bytes long
    /// and has no `:`, `[` or `]`; otherwise they show it as part of the message.
    pub sender: &'a str,
    /// What is said; cut so that sender and message together have at most 160
    /// bytes. Readers stop at a NUL.
    pub message: &'a str,
}

impl ChannelMessage<'_> {
    /// Writes the plaintext as [`GroupText::compose`] does.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`].
    pub fn encode_into(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        GroupText::compose(self.timestamp, self.sender, self.message, out)
    }
}

/// Whether a decrypted text looks like one: UTF-8 with at most two control
/// characters besides line feed and tab.
///
/// A MAC of two bytes fits a wrong key once in 65 536 trials; this finds most of
/// those cases.
pub fn is_plausible_text(text: &[u8]) -> bool {
    let is_odd = |c: &char| *c < ' ' && *c != '\n' && *c != '\t';
    str::from_utf8(text).is_ok_and(|text| text.chars().filter(is_odd).count() <= 2)
}

/// Sender, if any, and message of a channel text: see [`GroupText::sender`].
pub fn split_sender(text: &str) -> (Option<&str>, &str) {
    match text.split_once(": ") {
        Some((sender, message))
            if (1..=MAX_SENDER).contains(&sender.len()) && !sender.contains([':', '[', ']']) =>
        {
            (Some(sender), message)
        }
        _ => (None, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;
    use std::string::String;
    use std::vec::Vec;

    fn composed(sender: &str, message: &str) -> Vec<u8> {
        let mut out = [0; 165];
        let len = GroupText::compose(1, sender, message, &mut out).unwrap();
        out[..len].to_vec()
    }

    #[test]
    fn sender_and_message_are_split() {
        let text = GroupText::parse(&hex!("01000000 00 613a2062 00 633a2064 0000")).unwrap();
        assert_eq!((text.timestamp(), text.txt_type(), text.attempt()), (1, 0, 0));
        assert_eq!((text.sender(), text.message()), (Some("a"), Some("b")));
    }

    #[test]
    fn some_texts_have_no_sender() {
        for text in ["just text", ": b", "a:b", "a]b: m", "a:b: m", &"s: m".replace('s', &"s".repeat(50))] {
            assert_eq!(split_sender(text), (None, text));
        }
        let longest = "s".repeat(49);
        assert_eq!(split_sender(&std::format!("{longest}: m")), (Some(longest.as_str()), "m"));
    }

    #[test]
    fn other_text_types_are_refused() {
        let err = GroupText::parse(&hex!("01000000 04 61")).unwrap_err();
        assert_eq!(err, ContentError::UnsupportedTextType { txt_type: 1 });
        assert_eq!(GroupText::parse(&hex!("01000000")).unwrap_err().kind(), "Truncated");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let plaintext = composed("é", &"é".repeat(100));
        assert_eq!(plaintext.len(), 165);
        let text = GroupText::parse(&plaintext).unwrap();
        assert_eq!(text.message(), Some("é".repeat(78).as_str()));
        assert_eq!(composed("a", &"é".repeat(100)).len(), 5 + 159);
    }

    #[test]
    fn nothing_follows_what_was_cut() {
        let plaintext = composed(&"é".repeat(100), "m");
        assert_eq!(GroupText::parse(&plaintext).unwrap().text(), Some("é".repeat(80).as_str()));
        let plaintext = composed(&std::format!("{}é", "a".repeat(159)), "m");
        assert_eq!(plaintext.len(), 5 + 159);
    }

    #[test]
    fn noise_is_not_plausible() {
        assert!(is_plausible_text("a: hello\n\t".as_bytes()));
        assert!(is_plausible_text(b"\x01\x02"));
        assert!(!is_plausible_text(b"\x01\x02\x03"));
        assert!(!is_plausible_text(&[0xff; 3]));
        assert!(is_plausible_text(String::new().as_bytes()));
    }
}
