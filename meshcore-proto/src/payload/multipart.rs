//! `MULTIPART`: one of several packets that belong together.

use crate::error::{EncodeError, PayloadError};
use crate::field::Field;
use crate::header::PayloadType;
use crate::parse::{Reader, at_least, byte};
use crate::payload::Ack;
use crate::write::put_all;

/// A payload inside a payload, with a countdown.
///
/// ```text
/// [remaining << 4 | inner type 1] [inner payload 2..]
/// ```
///
/// The only inner type in use is `ACK`, sent several times so that one arrives
/// (firmware `src/Mesh.cpp`, `forwardMultipartDirect`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Multipart<'a> {
    sequence: u8,
    inner: &'a [u8],
    ack: Option<Ack<'a>>,
}

impl<'a> Multipart<'a> {
    /// Reads a payload.
    ///
    /// # Errors
    /// [`PayloadError::Truncated`] below 3 bytes, or below 5 with an `ACK` inside.
    pub fn parse(payload: &'a [u8]) -> Result<Self, PayloadError> {
        let mut fields = Reader::new(payload);
        let sequence = fields.read(byte(Field::Sequence))?;
        let inner = fields.read(at_least(Field::Inner, min_inner(PayloadType::from_bits(sequence))))?;
        Self::of(sequence, inner)
    }

    /// A part to be sent. An acknowledgement goes in as
    /// [`Ack::encode_into`] wrote it.
    ///
    /// # Errors
    /// [`EncodeError::FieldOutOfRange`] above 15 parts to come;
    /// [`EncodeError::PayloadTooShort`] when nodes would not read `inner`: below
    /// 4 bytes for an acknowledgement, 2 for anything else.
    pub fn new(remaining: u8, inner_type: PayloadType, inner: &'a [u8]) -> Result<Self, EncodeError> {
        if remaining > MAX_REMAINING {
            let (value, max) = (u32::from(remaining), u32::from(MAX_REMAINING));
            return Err(EncodeError::FieldOutOfRange { field: Field::Sequence, value, max });
        }
        let too_short = EncodeError::PayloadTooShort { len: inner.len(), min: min_inner(inner_type) };
        if inner.len() < min_inner(inner_type) {
            return Err(too_short);
        }
        Self::of(remaining << 4 | inner_type.bits(), inner).map_err(|_| too_short)
    }

    fn of(sequence: u8, inner: &'a [u8]) -> Result<Self, PayloadError> {
        let ack = match PayloadType::from_bits(sequence) {
            PayloadType::Ack => Some(Ack::parse(inner)?),
            _ => None,
        };
        Ok(Self { sequence, inner, ack })
    }

    /// Packets of the sequence still to come, 0 to 15.
    pub const fn remaining(&self) -> u8 {
        self.sequence >> 4
    }

    /// What the inner payload is.
    pub const fn inner_type(&self) -> PayloadType {
        PayloadType::from_bits(self.sequence)
    }

    /// The inner payload as bytes, at least 2.
    pub const fn inner_bytes(&self) -> &'a [u8] {
        self.inner
    }

    /// The acknowledgement inside, if that is the inner type.
    pub const fn ack(&self) -> Option<Ack<'a>> {
        self.ack
    }

    /// Writes the payload to the start of `out` and returns its length.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`].
    pub fn encode_into(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        put_all(out, &[&[self.sequence], self.inner])
    }
}

/// Most parts a nibble can announce.
const MAX_REMAINING: u8 = 15;

/// The shortest inner payload that nodes read.
const fn min_inner(inner_type: PayloadType) -> usize {
    match inner_type {
        PayloadType::Ack => 4,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn an_acknowledgement_is_read_through() {
        let payload = hex!("53 b5f2031e b62e");
        let multipart = Multipart::parse(&payload).unwrap();
        assert_eq!((multipart.remaining(), multipart.inner_type()), (5, PayloadType::Ack));
        assert_eq!(multipart.ack().unwrap().attempt(), Some(0xb6));
    }

    #[test]
    fn an_acknowledgement_must_be_whole() {
        let err = Multipart::parse(&hex!("53 b5f203")).unwrap_err();
        assert_eq!(err, PayloadError::Truncated { field: Field::Inner, offset: 1, need: 4, have: 3 });
    }

    #[test]
    fn what_was_built_is_read() {
        let inner = hex!("b5f2031e b62e");
        let multipart = Multipart::new(5, PayloadType::Ack, &inner).unwrap();
        let mut out = [0; 7];
        assert_eq!(multipart.encode_into(&mut out), Ok(7));
        assert_eq!(out, hex!("53 b5f2031e b62e"));
        assert_eq!(Multipart::parse(&out), Ok(multipart));
    }

    #[test]
    fn what_no_node_would_read_is_not_built() {
        let err = Multipart::new(16, PayloadType::Ack, &[0; 4]).unwrap_err();
        assert_eq!(err, EncodeError::FieldOutOfRange { field: Field::Sequence, value: 16, max: 15 });
        let err = Multipart::new(1, PayloadType::Ack, &[0; 3]).unwrap_err();
        assert_eq!(err, EncodeError::PayloadTooShort { len: 3, min: 4 });
        assert!(Multipart::new(1, PayloadType::TxtMsg, &[0; 2]).is_ok());
        assert!(Multipart::new(1, PayloadType::TxtMsg, &[0]).is_err());
    }

    #[test]
    fn other_inner_types_stay_raw() {
        let payload = hex!("12 0102");
        let multipart = Multipart::parse(&payload).unwrap();
        assert_eq!((multipart.ack(), multipart.inner_bytes()), (None, &hex!("0102")[..]));
    }
}
