//! The plaintext of `PATH`: the way a packet came.

use crate::content::{Response, check_plaintext};
use crate::error::{ContentError, EncodeError};
use crate::field::Field;
use crate::header::PayloadType;
use crate::parse::{Reader, at_least, byte, bytes};
use crate::path::{PathHashes, PathLen};
use crate::payload::Ack;
use crate::write::Writer;

/// Most bytes of plaintext: the firmware counts three more than are written and
/// stops at 166 (`src/Mesh.cpp`, `MAX_COMBINED_PATH`).
const MAX_PLAINTEXT: usize = 166 - 3;

/// Says that nothing comes along.
const NO_EXTRA: u8 = 0xff;

/// Most bytes of an acknowledgement that have a meaning.
const MAX_ACK: usize = 6;

/// The way a packet came, sent back to its origin.
///
/// ```text
/// [path length 1] [path] [extra type 1] [extra]
/// ```
///
/// The path is what the origin is to use as direct route from now on. What the
/// packet asked for may come along, to save a packet (firmware `src/Mesh.cpp`,
/// `createPathReturn`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathReturn<'a> {
    path_len: PathLen,
    path: &'a [u8],
    extra_type: u8,
    extra: &'a [u8],
}

impl<'a> PathReturn<'a> {
    /// Reads a plaintext; padding counts as extra.
    ///
    /// # Errors
    /// [`ContentError::InvalidPathLen`] for a path length that no path can have;
    /// [`ContentError::Truncated`] when the plaintext ends before the extra.
    pub fn parse(plaintext: &'a [u8]) -> Result<Self, ContentError> {
        let mut fields = Reader::new(plaintext);
        let path_len = fields.read(byte(Field::PathLen))?;
        let path_len =
            PathLen::try_from(path_len).map_err(|_| ContentError::InvalidPathLen { byte: path_len })?;
        let (path, extra_type, extra) = fields.read((
            bytes(Field::Path, path_len.byte_len()),
            byte(Field::ExtraType),
            at_least(Field::Payload, 0),
        ))?;
        Ok(Self { path_len, path, extra_type, extra })
    }

    /// A path with an acknowledgement or a response.
    ///
    /// # Errors
    /// [`EncodeError::PayloadTooShort`] without an extra, for which there is
    /// [`without_extra`](Self::without_extra), and below the 4 bytes that both
    /// have at least: padding would pass for the rest;
    /// [`EncodeError::PathMismatch`] when `path` is not as long as `path_len` says;
    /// [`EncodeError::PlaintextTooLong`] above 161 bytes of path and extra.
    pub fn new(
        path_len: PathLen,
        path: &'a [u8],
        extra_type: PayloadType,
        extra: &'a [u8],
    ) -> Result<Self, EncodeError> {
        let min = match extra_type {
            PayloadType::Ack | PayloadType::Response => 4,
            _ => 1,
        };
        if extra.len() < min {
            return Err(EncodeError::PayloadTooShort { len: extra.len(), min });
        }
        Self { path_len, path, extra_type: extra_type.bits(), extra }.checked()
    }

    /// A path alone. The `random` bytes make the packets of equal paths differ.
    ///
    /// # Errors
    /// [`EncodeError::PathMismatch`] when `path` is not as long as `path_len` says.
    pub fn without_extra(
        path_len: PathLen,
        path: &'a [u8],
        random: &'a [u8; 4],
    ) -> Result<Self, EncodeError> {
        Self { path_len, path, extra_type: NO_EXTRA, extra: random }.checked()
    }

    fn checked(self) -> Result<Self, EncodeError> {
        self.path_len.check(self.path)?;
        check_plaintext(self.encoded_len(), MAX_PLAINTEXT)?;
        Ok(self)
    }

    /// Hash size and hop count.
    pub const fn path_len(&self) -> PathLen {
        self.path_len
    }

    /// The path as bytes.
    pub const fn path_bytes(&self) -> &'a [u8] {
        self.path
    }

    /// The hops, the one nearest to the receiver of this packet first.
    pub const fn hops(&self) -> PathHashes<'a> {
        PathHashes::new(self.path, self.path_len)
    }

    /// What comes along: `ACK`, `RESPONSE`, or `RAW_CUSTOM` for nothing.
    pub const fn extra_type(&self) -> PayloadType {
        PayloadType::from_bits(self.extra_type)
    }

    /// The same as the whole byte: its upper four bits are reserved, and 0xff is
    /// nothing.
    pub const fn extra_type_byte(&self) -> u8 {
        self.extra_type
    }

    /// What comes along, padding included.
    pub const fn extra(&self) -> &'a [u8] {
        self.extra
    }

    /// The acknowledgement that comes along, if that is the type. Of its six
    /// bytes at most, the last ones may be padding.
    pub fn ack(&self) -> Option<Ack<'a>> {
        match self.extra_type() {
            PayloadType::Ack => Ack::parse(self.extra.get(..MAX_ACK).unwrap_or(self.extra)).ok(),
            _ => None,
        }
    }

    /// The response that comes along, if that is the type.
    pub fn response(&self) -> Option<Response<'a>> {
        match self.extra_type() {
            PayloadType::Response => Response::parse(self.extra).ok(),
            _ => None,
        }
    }

    /// Exact size of the plaintext.
    pub const fn encoded_len(&self) -> usize {
        2 + self.path.len() + self.extra.len()
    }

    /// Writes the plaintext to the start of `out` and returns its length.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`].
    pub fn encode_into(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        let mut plaintext = Writer::new(out, self.encoded_len())?;
        plaintext.put(&[self.path_len.get()])?;
        plaintext.put(self.path)?;
        plaintext.put(&[self.extra_type])?;
        plaintext.put(self.extra)?;
        Ok(plaintext.written())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use hex_literal::hex;

    #[test]
    fn an_acknowledgement_comes_along() {
        let plaintext = hex!("83 000102030405060708 03 61626364 00");
        let path = PathReturn::parse(&plaintext).unwrap();
        assert_eq!((path.hops().len(), path.hops().hash_size()), (3, 3));
        assert_eq!(path.ack().unwrap().checksum_bytes(), *b"abcd");
        assert_eq!((path.response(), path.extra().len()), (None, 5));
        let sent = PathReturn::new(path.path_len(), path.path_bytes(), PayloadType::Ack, b"abcd").unwrap();
        let mut out = [0; 15];
        assert_eq!(sent.encode_into(&mut out), Ok(15));
        assert_eq!(out, plaintext[..15]);
    }

    #[test]
    fn a_response_comes_along_in_the_clear() {
        let plaintext = hex!("42 00010203 01 09000000 626f6479");
        let response = PathReturn::parse(&plaintext).unwrap().response().unwrap();
        assert_eq!((response.tag(), response.body()), (9, &b"body"[..]));
    }

    #[test]
    fn a_path_alone_is_filled_with_random_bytes() {
        let path_len = PathLen::new(1, 2).unwrap();
        let random = hex!("ab71fc4c");
        let path = PathReturn::without_extra(path_len, b"he", &random).unwrap();
        let mut out = [0; 8];
        assert_eq!(path.encode_into(&mut out), Ok(8));
        assert_eq!(out, hex!("02 6865 ff ab71fc4c"));
        assert_eq!((path.extra_type(), path.extra_type_byte()), (PayloadType::RawCustom, 0xff));
        assert_eq!((path.ack(), path.response()), (None, None));
    }

    #[test]
    fn an_acknowledgement_has_six_bytes_at_most() {
        let plaintext = hex!("00 03 11223344 0000 00000000");
        assert_eq!(PathReturn::parse(&plaintext).unwrap().ack().unwrap().extra(), [0, 0]);
        assert_eq!(PathReturn::parse(&plaintext[..5]).unwrap().ack(), None);
    }

    #[test]
    fn impossible_and_cut_paths_are_refused() {
        for byte in [0xc0, 0x7f, 0x61, 0x96] {
            assert_eq!(PathReturn::parse(&[byte; 99]), Err(ContentError::InvalidPathLen { byte }));
        }
        let err = PathReturn::parse(&hex!("42 000102")).unwrap_err();
        assert_eq!(err, ContentError::Truncated { field: Field::Path, offset: 1, need: 4, have: 3 });
        assert_eq!(PathReturn::parse(&hex!("42 00010203")).unwrap_err().kind(), "Truncated");
    }

    #[test]
    fn path_and_extra_share_161_bytes() {
        let path_len = PathLen::new(1, 63).unwrap();
        assert!(PathReturn::new(path_len, &[0; 63], PayloadType::Response, &[0; 98]).is_ok());
        let err = PathReturn::new(path_len, &[0; 63], PayloadType::Response, &[0; 99]).unwrap_err();
        assert_eq!(err, EncodeError::PlaintextTooLong { len: 164, max: 163 });
        let err = PathReturn::without_extra(path_len, &[0; 62], &[0; 4]).unwrap_err();
        assert_eq!(err, EncodeError::PathMismatch { need: 63, have: 62 });
    }
}
