//! The plaintext of `GRP_DATA`: data of an application in a channel.

use crate::error::{ContentError, EncodeError};
use crate::field::Field;
use crate::parse::{Reader, byte, u16_le};
use crate::write::Writer;

/// Data in a channel.
///
/// ```text
/// [data type 2] [length 1] [data]
/// ```
///
/// Types are assigned in the firmware's `docs/number_allocations.md`; from
/// 0xff00 on they are for development.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupData<'a> {
    data_type: u16,
    data: &'a [u8],
}

impl<'a> GroupData<'a> {
    /// Most bytes of data (firmware `src/MeshCore.h`, `MAX_GROUP_DATA_LENGTH`).
    pub const MAX_DATA: usize = 165;

    /// Reads a plaintext; what follows the data is padding.
    ///
    /// # Errors
    /// [`ContentError::Truncated`] below 3 bytes;
    /// [`ContentError::LengthMismatch`] when the length reaches beyond the end.
    pub fn parse(plaintext: &'a [u8]) -> Result<Self, ContentError> {
        let mut fields = Reader::new(plaintext);
        let (data_type, len) = fields.read((u16_le(Field::DataType), byte(Field::DataLen)))?;
        let (need, have) = (usize::from(len), fields.rest().len());
        match fields.rest().get(..need) {
            Some(data) => Ok(Self { data_type, data }),
            None => Err(ContentError::LengthMismatch { need, have }),
        }
    }

    /// Data to be sent.
    ///
    /// # Errors
    /// [`EncodeError::PlaintextTooLong`] above 165 bytes.
    pub const fn new(data_type: u16, data: &'a [u8]) -> Result<Self, EncodeError> {
        if data.len() > Self::MAX_DATA {
            return Err(EncodeError::PlaintextTooLong { len: data.len(), max: Self::MAX_DATA });
        }
        Ok(Self { data_type, data })
    }

    /// What the data are.
    pub const fn data_type(&self) -> u16 {
        self.data_type
    }

    /// The data, 0 to 255 bytes.
    pub const fn data(&self) -> &'a [u8] {
        self.data
    }

    /// Writes the plaintext to the start of `out` and returns its length.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`].
    pub fn encode_into(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        // a longer length is neither read nor accepted by new
        let len = u8::try_from(self.data.len())
            .map_err(|_| EncodeError::PlaintextTooLong { len: self.data.len(), max: Self::MAX_DATA })?;
        let mut plaintext = Writer::new(out, 3 + self.data.len())?;
        plaintext.put(&self.data_type.to_le_bytes())?;
        plaintext.put(&[len])?;
        plaintext.put(self.data)?;
        Ok(plaintext.written())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn the_length_says_where_padding_starts() {
        let plaintext = hex!("0001 02 6869 0000000000");
        let data = GroupData::parse(&plaintext).unwrap();
        assert_eq!((data.data_type(), data.data()), (0x0100, &b"hi"[..]));
        let mut out = [0; 8];
        assert_eq!(data.encode_into(&mut out), Ok(5));
        assert_eq!(out[..5], plaintext[..5]);
    }

    #[test]
    fn a_length_beyond_the_end_is_refused() {
        let err = GroupData::parse(&hex!("0001 03 6869")).unwrap_err();
        assert_eq!(err, ContentError::LengthMismatch { need: 3, have: 2 });
        assert_eq!(GroupData::parse(&hex!("0001")).unwrap_err().kind(), "Truncated");
    }

    #[test]
    fn more_data_than_a_packet_carries_is_refused() {
        assert!(GroupData::new(0xff00, &[0; 165]).is_ok());
        let err = GroupData::new(0xff00, &[0; 166]).unwrap_err();
        assert_eq!(err, EncodeError::PlaintextTooLong { len: 166, max: 165 });
    }
}
