//! A frame in a buffer of its own, without allocation.

use core::fmt;
use core::hash::{Hash, Hasher};
use core::ops::Deref;
use core::str::FromStr;

use crate::error::{EncodeError, Error};
use crate::hex::{LowerHex, decode_into};
use crate::packet::{MAX_FRAME, Packet};

/// The bytes of one frame, up to 254, kept in place.
///
/// It is a slice of bytes: hand it to a radio, or to [`Packet::parse`]. Its text
/// is hex, either case in, lower case out.
#[derive(Clone, Copy)]
pub struct FrameBuf {
    bytes: [u8; MAX_FRAME],
    len: usize,
}

impl FrameBuf {
    /// The frame of a packet.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`] for a packet that was read with a larger
    /// payload limit than the air has.
    pub fn of(packet: &Packet<'_>) -> Result<Self, EncodeError> {
        let mut frame = Self { bytes: [0; MAX_FRAME], len: 0 };
        frame.len = packet.encode_into(&mut frame.bytes)?;
        Ok(frame)
    }
}

impl FromStr for FrameBuf {
    type Err = Error;

    /// Reads a frame in hex, as leniently as [`Packet::parse_lax`].
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; MAX_FRAME];
        let raw = decode_into(text, &mut bytes)?;
        Ok(Self::of(&Packet::parse_lax(raw)?)?)
    }
}

impl Deref for FrameBuf {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl AsRef<[u8]> for FrameBuf {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl PartialEq for FrameBuf {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for FrameBuf {}

impl Hash for FrameBuf {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl fmt::Debug for FrameBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FrameBuf({})", LowerHex(self))
    }
}

impl fmt::Display for FrameBuf {
    /// As hex, lower case.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        LowerHex(self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;
    use std::string::ToString;

    #[test]
    fn it_is_the_bytes_of_its_packet() {
        let raw = hex!("15 42 84e45a6c 11c6c541");
        let frame = FrameBuf::of(&Packet::parse(&raw).unwrap()).unwrap();
        assert_eq!(*frame, raw);
        assert_eq!(frame.to_string(), "154284e45a6c11c6c541");
        assert_eq!("154284E45A6C11C6C541".parse(), Ok(frame));
        assert_eq!("1542".parse::<FrameBuf>().unwrap_err().kind(), "Truncated");
        assert_eq!("154".parse::<FrameBuf>().unwrap_err().kind(), "InvalidHex");
    }
}
