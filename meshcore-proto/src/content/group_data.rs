//! The plaintext of `GRP_DATA`: data of an application in a channel.

use crate::error::{ContentError, EncodeError};
use crate::field::Field;
use crate::parse::{Reader, byte, u16_le};
use crate::write::Writer;

/// To whom a data type is assigned (firmware `docs/number_allocations.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DataKind {
    /// 0x0000 to 0x00ff: the firmware itself; 0 is reserved.
    Internal,
    /// 0x0100.
    MeshCoreOpen,
    /// 0x0110 to 0x011f.
    Ripple,
    /// 0x0120.
    McoAdvanced,
    /// 0x0130 to 0x013f.
    StreamSensor,
    /// From 0xff00 on: whoever is trying something out.
    Development,
    /// Everything else: nobody yet.
    Unassigned,
}

impl DataKind {
    /// By the data type.
    pub const fn from_data_type(data_type: u16) -> Self {
        match data_type {
            0x0000..=0x00ff => Self::Internal,
            0x0100 => Self::MeshCoreOpen,
            0x0110..=0x011f => Self::Ripple,
            0x0120 => Self::McoAdvanced,
            0x0130..=0x013f => Self::StreamSensor,
            0xff00..=0xffff => Self::Development,
            _ => Self::Unassigned,
        }
    }

    /// The name of the application: `MeshCore Open`; `internal`, `development`
    /// and `unassigned` where there is none.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::MeshCoreOpen => "MeshCore Open",
            Self::Ripple => "Ripple",
            Self::McoAdvanced => "MCO Advanced",
            Self::StreamSensor => "StreamSensor",
            Self::Development => "development",
            Self::Unassigned => "unassigned",
        }
    }
}

/// Data in a channel.
///
/// ```text
/// [data type 2] [length 1] [data]
/// ```
///
/// What the data are is up to the application: see [`DataKind`].
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

    /// To whom the type is assigned.
    pub const fn kind(&self) -> DataKind {
        DataKind::from_data_type(self.data_type)
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
    fn types_are_assigned_in_ranges() {
        for (data_type, kind) in [
            (0x00ff, DataKind::Internal),
            (0x0100, DataKind::MeshCoreOpen),
            (0x0101, DataKind::Unassigned),
            (0x011f, DataKind::Ripple),
            (0x0120, DataKind::McoAdvanced),
            (0x0130, DataKind::StreamSensor),
            (0x0140, DataKind::Unassigned),
            (0xff00, DataKind::Development),
        ] {
            assert_eq!(GroupData::new(data_type, &[]).unwrap().kind(), kind);
        }
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
