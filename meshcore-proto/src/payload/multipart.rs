//! `MULTIPART`: one of several packets that belong together.

use crate::error::PayloadError;
use crate::field::Field;
use crate::header::PayloadType;
use crate::parse::{Reader, at_least, byte};
use crate::payload::Ack;

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
        let is_ack = PayloadType::from_bits(sequence) == PayloadType::Ack;
        let inner = fields.read(at_least(Field::Inner, if is_ack { 4 } else { 2 }))?;
        let ack = if is_ack { Some(Ack::parse(inner)?) } else { None };
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
    fn other_inner_types_stay_raw() {
        let payload = hex!("12 0102");
        let multipart = Multipart::parse(&payload).unwrap();
        assert_eq!((multipart.ack(), multipart.inner_bytes()), (None, &hex!("0102")[..]));
    }
}
