//! Hex text: how frames, keys and hashes are written everywhere outside the air.

use core::fmt;

/// Bytes shown as lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct LowerHex<'a>(pub &'a [u8]);

/// Bytes shown as upper-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct UpperHex<'a>(pub &'a [u8]);

impl fmt::Display for LowerHex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Display for UpperHex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

impl fmt::Debug for LowerHex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for UpperHex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is not the hex that was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HexError {
    /// Half a byte at the end.
    #[error("{len} hex digits: an even number needed")]
    OddLength {
        /// Length of the text in bytes.
        len: usize,
    },

    /// Something that is not a hex digit. Blanks and `0x` count as such.
    #[error("character at byte {offset} is not a hex digit")]
    InvalidDigit {
        /// Byte offset in the text.
        offset: usize,
    },

    /// Not as many bytes as this type has, or the buffer can hold.
    #[error("{have} bytes of hex where {need} are needed")]
    WrongLength {
        /// Bytes expected.
        need: usize,
        /// Bytes in the text.
        have: usize,
    },

    /// More bytes than there is room for.
    #[error("{have} bytes of hex: at most {max}")]
    TooLong {
        /// Bytes the text stands for.
        have: usize,
        /// Bytes that fit.
        max: usize,
    },
}

impl HexError {
    /// The stable name of this kind of error.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::OddLength { .. } | Self::InvalidDigit { .. } => "InvalidHex",
            Self::WrongLength { .. } | Self::TooLong { .. } => "InvalidLength",
        }
    }
}

/// Decodes `text` into the start of `out` and returns that part.
///
/// Strict: digits of either case and nothing else. The empty text gives no bytes.
///
/// # Errors
/// [`HexError`]; `TooLong` when `out` is too small.
pub fn decode_into<'b>(text: &str, out: &'b mut [u8]) -> Result<&'b mut [u8], HexError> {
    let (pairs, odd) = text.as_bytes().as_chunks::<2>();
    if let Some(offset) = text.bytes().position(|digit| !digit.is_ascii_hexdigit()) {
        return Err(HexError::InvalidDigit { offset });
    }
    if !odd.is_empty() {
        return Err(HexError::OddLength { len: text.len() });
    }
    let max = out.len();
    let out = out.get_mut(..pairs.len()).ok_or(HexError::TooLong { have: pairs.len(), max })?;
    for (byte, [high, low]) in out.iter_mut().zip(pairs) {
        *byte = (nibble(*high) << 4) | nibble(*low);
    }
    Ok(out)
}

/// Decodes exactly `N` bytes.
pub(crate) fn decode_array<const N: usize>(text: &str) -> Result<[u8; N], HexError> {
    let mut bytes = [0; N];
    let have = match decode_into(text, &mut bytes) {
        Ok(bytes) => bytes.len(),
        Err(HexError::TooLong { have, .. }) => have,
        Err(err) => return Err(err),
    };
    if have == N { Ok(bytes) } else { Err(HexError::WrongLength { need: N, have }) }
}

/// Value of a digit that was checked before.
const fn nibble(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        // the letters' low nibbles are 1 to 6 in either case
        _ => (digit & 0x0f) + 9,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn either_case_reads_and_each_case_writes() {
        let mut out = [0; 4];
        let bytes = decode_into("00fFaB9", &mut out);
        assert_eq!(bytes, Err(HexError::OddLength { len: 7 }));
        assert_eq!(decode_into("00fFaB", &mut out).unwrap(), [0x00, 0xff, 0xab]);
        assert_eq!(LowerHex(&[0x0a, 0xff]).to_string(), "0aff");
        assert_eq!(UpperHex(&[0x0a, 0xff]).to_string(), "0AFF");
    }

    #[test]
    fn separators_and_prefixes_are_not_hex() {
        let mut out = [0; 8];
        for (text, offset) in [("0x15", 1), ("15 0", 2), ("１５", 0)] {
            assert_eq!(decode_into(text, &mut out), Err(HexError::InvalidDigit { offset }));
        }
    }

    #[test]
    fn an_array_takes_its_own_length_only() {
        assert_eq!(decode_array::<2>("0102"), Ok([1, 2]));
        assert_eq!(decode_array::<2>("01"), Err(HexError::WrongLength { need: 2, have: 1 }));
        assert_eq!(decode_array::<2>("010203"), Err(HexError::WrongLength { need: 2, have: 3 }));
    }
}
