//! A frame that owns its bytes and shares them.

use alloc::vec::Vec;

use bytes::Bytes;

use crate::error::FrameError;
use crate::header::Header;
use crate::packet::{DecodeOptions, Packet, TransportCodes};
use crate::path::PathLen;

/// A checked frame in a shared buffer: what is handed from thread to thread.
///
/// A clone is one reference count more. [`as_packet`](Self::as_packet) is free:
/// the parts were found when the frame was parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedFrame {
    raw: Bytes,
    header: Header,
    transport: Option<TransportCodes>,
    path_len: PathLen,
    /// Where the payload starts; the path ends there.
    payload_at: usize,
}

impl OwnedFrame {
    /// Checks `raw` as strictly as a node does and keeps it.
    ///
    /// # Errors
    /// As [`Packet::parse`].
    pub fn parse(raw: Bytes) -> Result<Self, FrameError> {
        Self::parse_with(raw, DecodeOptions::strict())
    }

    /// Checks `raw` as an analyzer does: other versions are kept.
    ///
    /// # Errors
    /// As [`Packet::parse_lax`].
    pub fn parse_lax(raw: Bytes) -> Result<Self, FrameError> {
        Self::parse_with(raw, DecodeOptions::analyzer())
    }

    /// As [`parse`](Self::parse), with a say in what passes.
    ///
    /// # Errors
    /// As [`Packet::parse_with`].
    pub fn parse_with(raw: Bytes, options: DecodeOptions) -> Result<Self, FrameError> {
        let packet = Packet::parse_with(&raw, options)?;
        let (header, transport, path_len) = (packet.header(), packet.transport(), packet.path_len());
        let payload_at = raw.len() - packet.payload_bytes().len();
        Ok(Self { raw, header, transport, path_len, payload_at })
    }

    /// The frame as a view. No second parse.
    pub fn as_packet(&self) -> Packet<'_> {
        let (head, payload) = self.raw.split_at_checked(self.payload_at).unwrap_or_default();
        let path_at = head.len().saturating_sub(self.path_len.byte_len());
        let path = head.get(path_at..).unwrap_or_default();
        Packet::from_checked(self.header, self.transport, self.path_len, path, payload)
    }

    /// The payload, sharing the frame's buffer.
    pub fn payload(&self) -> Bytes {
        self.raw.slice(self.payload_at..)
    }

    /// The whole frame.
    pub const fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// Gives the buffer back.
    pub fn into_raw(self) -> Bytes {
        self.raw
    }
}

impl TryFrom<Bytes> for OwnedFrame {
    type Error = FrameError;

    fn try_from(raw: Bytes) -> Result<Self, Self::Error> {
        Self::parse(raw)
    }
}

impl TryFrom<Vec<u8>> for OwnedFrame {
    type Error = FrameError;

    fn try_from(raw: Vec<u8>) -> Result<Self, Self::Error> {
        Self::parse(raw.into())
    }
}

impl TryFrom<&[u8]> for OwnedFrame {
    type Error = FrameError;

    fn try_from(raw: &[u8]) -> Result<Self, Self::Error> {
        Self::parse(Bytes::copy_from_slice(raw))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn the_view_of_an_owned_frame_is_the_view_of_its_bytes() {
        for raw in [&hex!("14 fa1a 0000 42 84e45a6c 11c6c541")[..], &hex!("3d 80"), &hex!("15 01 84 11")] {
            let frame = OwnedFrame::try_from(raw).unwrap();
            assert_eq!(frame.as_packet(), Packet::parse(raw).unwrap());
            assert_eq!(frame.payload(), frame.as_packet().payload_bytes());
        }
    }

    #[test]
    fn the_payload_shares_the_buffer() {
        let frame = OwnedFrame::parse(Bytes::from_static(&hex!("3d 00 e1e2"))).unwrap();
        assert_eq!(frame.payload().as_ptr(), frame.raw().as_ptr().wrapping_add(2));
    }

    #[test]
    fn a_bad_frame_is_not_kept() {
        assert_eq!(OwnedFrame::parse(Bytes::new()).unwrap_err().kind(), "Truncated");
    }
}
