//! `ACK`: a message arrived.

use crate::error::{EncodeError, PayloadError};
use crate::field::Field;
use crate::parse::{Reader, array, at_least};
use crate::write::put_all;

/// An acknowledgement.
///
/// ```text
/// [checksum 4] [extra 0..]
/// ```
///
/// Four bytes are a plain one, also that of a room server for a post; five are a
/// room server's answer to a client that shows it is still there, the fifth being
/// the number of unsynced posts; six carry an attempt counter and a random byte
/// (firmware `src/helpers/BaseChatMesh.cpp`, `examples/simple_room_server/MyMesh.cpp`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack<'a> {
    checksum: [u8; 4],
    extra: &'a [u8],
}

impl<'a> Ack<'a> {
    /// Reads a payload.
    ///
    /// # Errors
    /// [`PayloadError::Truncated`] below 4 bytes.
    pub fn parse(payload: &'a [u8]) -> Result<Self, PayloadError> {
        let (checksum, extra) =
            Reader::new(payload).read((array(Field::Checksum), at_least(Field::Payload, 0)))?;
        Ok(Self { checksum: *checksum, extra })
    }

    /// An acknowledgement to be sent.
    ///
    /// `extra` is empty for a plain one, `[unsynced posts]` from a room server,
    /// `[attempt, random]` for an extended one.
    pub const fn new(checksum: [u8; 4], extra: &'a [u8]) -> Self {
        Self { checksum, extra }
    }

    /// What names the acknowledged message, as a number.
    pub const fn checksum(&self) -> u32 {
        u32::from_le_bytes(self.checksum)
    }

    /// The same in the order of the wire, as nodes compare it.
    pub const fn checksum_bytes(&self) -> [u8; 4] {
        self.checksum
    }

    /// Everything after the checksum, as forwarded.
    pub const fn extra(&self) -> &'a [u8] {
        self.extra
    }

    /// The extended attempt counter of the acknowledged message, 0 if it had
    /// none. `None` below six bytes: the fifth byte alone means something else.
    pub const fn attempt(&self) -> Option<u8> {
        match *self.extra {
            [attempt, _random, ..] => Some(attempt),
            _ => None,
        }
    }

    /// Writes the payload to the start of `out` and returns its length.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`].
    pub fn encode_into(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        put_all(out, &[&self.checksum, self.extra])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn the_checksum_is_little_endian_as_a_number() {
        let payload = hex!("0840d5a4");
        let ack = Ack::parse(&payload).unwrap();
        assert_eq!((ack.checksum(), ack.checksum_bytes()), (0xa4d5_4008, payload));
        assert_eq!((ack.extra(), ack.attempt()), (&[][..], None));
    }

    #[test]
    fn only_six_bytes_hold_an_attempt() {
        assert_eq!(Ack::parse(&hex!("0840d5a4 07")).unwrap().attempt(), None);
        assert_eq!(Ack::parse(&hex!("0840d5a4 07 9c")).unwrap().attempt(), Some(7));
    }

    #[test]
    fn what_was_built_is_read() {
        let ack = Ack::new(hex!("0840d5a4"), &[7, 0x9c]);
        let mut out = [0; 6];
        assert_eq!(ack.encode_into(&mut out), Ok(6));
        assert_eq!(Ack::parse(&out), Ok(ack));
        assert_eq!(ack.encode_into(&mut out[..5]), Err(EncodeError::BufferTooSmall { need: 6, have: 5 }));
    }

    #[test]
    fn three_bytes_are_too_short() {
        let err = Ack::parse(&hex!("0840d5")).unwrap_err();
        assert_eq!(err, PayloadError::Truncated { field: Field::Checksum, offset: 0, need: 4, have: 3 });
    }
}
