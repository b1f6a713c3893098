//! A frame and its parts.

use core::fmt;

use crate::error::{EncodeError, FrameError, PayloadError};
use crate::field::Field;
#[cfg(feature = "crypto")]
use crate::hash::PacketHash;
use crate::header::{Header, PayloadType};
use crate::hex::{LowerHex, UpperHex};
use crate::parse::{Reader, array, byte, bytes};
use crate::path::{Path, PathHashes, PathLen, PathSnrs};
use crate::path_buf::PathBuf;
use crate::payload::Payload;
use crate::write::Writer;

/// Most payload bytes a packet can carry (firmware `src/MeshCore.h`, `MAX_PACKET_PAYLOAD`).
pub const MAX_PAYLOAD: usize = 184;

/// The longest frame there can be: header, transport codes, path length, path, payload.
pub const MAX_FRAME: usize = 1 + 4 + 1 + PathLen::MAX_BYTES + MAX_PAYLOAD;

/// The two codes of a region-bound packet.
///
/// They follow from the region's key and the payload, and do not change while
/// the packet travels (firmware `src/helpers/TransportKeyStore.cpp`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TransportCodes {
    /// The region the packet may travel in: see `RegionKey`.
    pub scope: u16,
    /// Kept for the sender's home region; 0 today.
    pub home: u16,
}

impl TransportCodes {
    /// From the four bytes on the wire.
    pub const fn from_bytes([a, b, c, d]: [u8; 4]) -> Self {
        Self { scope: u16::from_le_bytes([a, b]), home: u16::from_le_bytes([c, d]) }
    }

    /// The four bytes on the wire.
    pub const fn to_bytes(self) -> [u8; 4] {
        let ([a, b], [c, d]) = (self.scope.to_le_bytes(), self.home.to_le_bytes());
        [a, b, c, d]
    }

    /// Both codes as analyzers show them: `[scope, home]`.
    pub const fn wire_text(self) -> [WireCode; 2] {
        [WireCode(self.scope.to_le_bytes()), WireCode(self.home.to_le_bytes())]
    }
}

/// A transport code shown as upper-case hex of its bytes in the order of the
/// wire: 0x1afa is `FA1A`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WireCode([u8; 2]);

impl fmt::Display for WireCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        UpperHex(&self.0).fmt(f)
    }
}

/// What a parser lets pass. The default does as the firmware does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeOptions {
    /// Refuse frames whose version bits are not 0.
    pub check_version: bool,
    /// Fewest payload bytes.
    pub min_payload: usize,
    /// Most payload bytes.
    pub max_payload: usize,
}

impl DecodeOptions {
    /// What a node accepts.
    pub const fn strict() -> Self {
        Self { check_version: true, min_payload: 0, max_payload: MAX_PAYLOAD }
    }

    /// For analyzers: frames of other versions are kept, to be shown as such.
    pub const fn analyzer() -> Self {
        Self { check_version: false, ..Self::strict() }
    }

    /// What a node accepts of a packet it kept, such as a contact to share: not
    /// without a payload, which on air is good (firmware `src/Packet.cpp`, `readFrom`).
    pub const fn stored() -> Self {
        Self { min_payload: 1, ..Self::strict() }
    }
}

impl Default for DecodeOptions {
    fn default() -> Self {
        Self::strict()
    }
}

/// A frame read in place: no copy, no allocation.
///
/// Everything the accessors need was checked by [`parse`](Self::parse), so none
/// of them can fail. The payload is opaque here; [`payload`](Self::payload)
/// looks inside.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    header: Header,
    transport: Option<TransportCodes>,
    path_len: PathLen,
    path: &'a [u8],
    payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads the frame that fills `raw` exactly, as strictly as a node does.
    ///
    /// # Errors
    /// [`FrameError`]: the first fault in the order of the firmware's checks.
    pub fn parse(raw: &'a [u8]) -> Result<Self, FrameError> {
        Self::parse_with(raw, DecodeOptions::strict())
    }

    /// Reads the frame as an analyzer does: frames of other versions are kept,
    /// to be shown as such. Everything else is checked as in
    /// [`parse`](Self::parse).
    ///
    /// # Errors
    /// [`FrameError`]: the first fault in the order of the firmware's checks.
    pub fn parse_lax(raw: &'a [u8]) -> Result<Self, FrameError> {
        Self::parse_with(raw, DecodeOptions::analyzer())
    }

    /// As [`parse`](Self::parse), with a say in what passes.
    ///
    /// # Errors
    /// [`FrameError`]: the first fault in the order of the firmware's checks.
    pub fn parse_with(raw: &'a [u8], options: DecodeOptions) -> Result<Self, FrameError> {
        let mut frame = Reader::new(raw);

        let header = Header::from(frame.read(byte(Field::Header))?);
        if options.check_version && header.version() != 0 {
            return Err(FrameError::UnsupportedVersion { header: header.get(), version: header.version() });
        }
        let transport = if header.route().has_transport_codes() {
            Some(TransportCodes::from_bytes(*frame.read(array(Field::TransportCodes))?))
        } else {
            None
        };
        let path_len = PathLen::try_from(frame.read(byte(Field::PathLen))?)?;
        let path = frame.read(bytes(Field::Path, path_len.byte_len()))?;

        let (payload, offset) = (frame.rest(), frame.offset());
        let (need, have, max) = (options.min_payload, payload.len(), options.max_payload);
        if have < need {
            return Err(FrameError::Truncated { field: Field::Payload, offset, need, have });
        }
        if have > max {
            return Err(FrameError::PayloadTooLong { offset, len: have, max });
        }
        Ok(Self { header, transport, path_len, path, payload })
    }

    /// A frame made of its parts, refusing what a node would not take as a frame.
    ///
    /// # Errors
    /// [`EncodeError`] when the version is not 0, the transport codes do not go
    /// with the route, `path` is not as long as `path_len` says, or `payload`
    /// is longer than 184 bytes.
    pub fn new(
        header: Header,
        transport: Option<TransportCodes>,
        path_len: PathLen,
        path: &'a [u8],
        payload: &'a [u8],
    ) -> Result<Self, EncodeError> {
        if header.version() != 0 {
            return Err(EncodeError::UnsupportedVersion { version: header.version() });
        }
        let route = header.route();
        if route.has_transport_codes() != transport.is_some() {
            return Err(EncodeError::TransportCodesMismatch {
                route: route.name(),
                given: transport.is_some(),
            });
        }
        path_len.check(path)?;
        if payload.len() > MAX_PAYLOAD {
            return Err(EncodeError::PayloadTooLong { len: payload.len(), max: MAX_PAYLOAD });
        }
        Ok(Self { header, transport, path_len, path, payload })
    }

    /// The same packet along another path, as a forwarder sends it on: payload,
    /// header and transport codes never change on the way.
    #[must_use]
    pub fn with_path<'b>(&self, path: &'b PathBuf) -> Packet<'b>
    where
        'a: 'b,
    {
        Packet { path_len: path.path_len(), path: path.as_bytes(), ..*self }
    }

    /// Parts that were checked before: an owned frame looking at itself.
    #[cfg(feature = "bytes")]
    pub(crate) const fn from_checked(
        header: Header,
        transport: Option<TransportCodes>,
        path_len: PathLen,
        path: &'a [u8],
        payload: &'a [u8],
    ) -> Self {
        Self { header, transport, path_len, path, payload }
    }

    /// Route, payload type and version.
    pub const fn header(&self) -> Header {
        self.header
    }

    /// The region codes; `None` unless the route carries them.
    pub const fn transport(&self) -> Option<TransportCodes> {
        self.transport
    }

    /// Hash size and hop count.
    pub const fn path_len(&self) -> PathLen {
        self.path_len
    }

    /// The path as bytes, 0 to 64.
    pub const fn path_bytes(&self) -> &'a [u8] {
        self.path
    }

    /// The path as what it is: hops, or for `TRACE` signal strengths.
    pub fn path(&self) -> Path<'a> {
        match self.header.payload_type() {
            PayloadType::Trace => Path::Snrs(PathSnrs::new(self.path)),
            _ => Path::Hashes(PathHashes::new(self.path, self.path_len)),
        }
    }

    /// The payload as bytes, 0 to 184 unless [`DecodeOptions::max_payload`] let more pass.
    pub const fn payload_bytes(&self) -> &'a [u8] {
        self.payload
    }

    /// The payload's structure, as far as it is not encrypted.
    ///
    /// # Errors
    /// [`PayloadError`]: the frame is good, its payload too short or at odds with the path.
    pub fn payload(&self) -> Result<Payload<'a>, PayloadError> {
        Payload::parse(self.header.payload_type(), self.path_len, self.payload)
    }

    /// What makes two receptions one packet: route, path and transport codes
    /// do not count (except for `TRACE`, where the path length does).
    #[cfg(feature = "crypto")]
    pub fn packet_hash(&self) -> PacketHash {
        PacketHash::of(self.header.payload_type(), self.path_len, self.payload)
    }

    /// Exact size of [`encode_into`](Self::encode_into)'s output.
    pub fn encoded_len(&self) -> usize {
        2 + self.transport.map_or(0, |_| 4) + self.path.len() + self.payload.len()
    }

    /// Writes the frame to the start of `out` and returns its length.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`].
    pub fn encode_into(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        let mut frame = Writer::new(out, self.encoded_len())?;
        frame.put(&[self.header.get()])?;
        if let Some(codes) = self.transport {
            frame.put(&codes.to_bytes())?;
        }
        frame.put(&[self.path_len.get()])?;
        frame.put(self.path)?;
        frame.put(self.payload)?;
        Ok(frame.written())
    }

    /// The frame in a buffer of its own.
    #[cfg(feature = "alloc")]
    pub fn to_vec(&self) -> alloc::vec::Vec<u8> {
        let mut raw = alloc::vec![0; self.encoded_len()];
        // cannot fail: the buffer has the exact size
        let _fits = self.encode_into(&mut raw);
        raw
    }
}

impl fmt::Debug for Packet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packet")
            .field("header", &self.header)
            .field("transport", &self.transport)
            .field("path_len", &self.path_len)
            .field("path", &LowerHex(self.path))
            .field("payload", &LowerHex(self.payload))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::RouteType;
    use hex_literal::hex;
    use std::string::ToString;

    #[test]
    fn a_flood_text_has_two_hops_and_a_payload() {
        let packet = Packet::parse(&hex!("15 42 84e45a6c 11c6c541")).unwrap();
        assert_eq!(packet.header().route(), RouteType::Flood);
        assert_eq!(packet.path_len().count(), 2);
        assert_eq!(packet.path_bytes(), hex!("84e45a6c"));
        assert_eq!(packet.payload_bytes(), hex!("11c6c541"));
    }

    #[test]
    fn truncation_names_the_field_and_the_byte() {
        let err = Packet::parse(&hex!("11 42 a1b2")).unwrap_err();
        assert_eq!(err, FrameError::Truncated { field: Field::Path, offset: 2, need: 4, have: 2 });
        let err = Packet::parse(&[]).unwrap_err();
        assert_eq!(err, FrameError::Truncated { field: Field::Header, offset: 0, need: 1, have: 0 });
    }

    #[test]
    fn transport_codes_are_little_endian_and_shown_in_wire_order() {
        let packet = Packet::parse(&hex!("14 fa1a 0000 00 11c6c541")).unwrap();
        let codes = packet.transport().unwrap();
        assert_eq!(codes, TransportCodes { scope: 0x1afa, home: 0 });
        assert_eq!(codes.wire_text().map(|code| code.to_string()), ["FA1A", "0000"]);
    }

    #[test]
    fn another_version_is_refused_by_nodes_and_kept_by_analyzers() {
        let raw = hex!("55 00 7061796c6f6164");
        let err = Packet::parse(&raw).unwrap_err();
        assert_eq!(err, FrameError::UnsupportedVersion { header: 0x55, version: 1 });
        let packet = Packet::parse_lax(&raw).unwrap();
        let mut out = [0; MAX_FRAME];
        let len = packet.encode_into(&mut out).unwrap();
        assert_eq!(out.get(..len), Some(&raw[..]));
    }

    #[test]
    fn a_frame_may_end_after_its_path() {
        let packet = Packet::parse(&hex!("3d 00")).unwrap();
        assert_eq!(packet.payload_bytes(), &[] as &[u8]);
        assert_eq!(packet.payload(), Ok(Payload::RawCustom(&[])));
    }

    #[test]
    fn a_kept_packet_has_a_payload() {
        let err = Packet::parse_with(&hex!("3d 00"), DecodeOptions::stored()).unwrap_err();
        assert_eq!(err, FrameError::Truncated { field: Field::Payload, offset: 2, need: 1, have: 0 });
        assert!(Packet::parse_with(&hex!("3d 00 01"), DecodeOptions::stored()).is_ok());
    }

    #[test]
    fn parts_that_do_not_go_together_are_refused() {
        let none = PathLen::new(1, 0).unwrap();
        let flood = Header::new(RouteType::Flood, PayloadType::RawCustom);
        let scoped = Header::new(RouteType::TransportFlood, PayloadType::RawCustom);
        let kind = |built: Result<Packet<'_>, EncodeError>| built.unwrap_err().kind();
        let codes = Some(TransportCodes { scope: 1, home: 0 });
        assert_eq!(kind(Packet::new(flood, codes, none, &[], &[])), "TransportCodesMismatch");
        assert_eq!(kind(Packet::new(scoped, None, none, &[], &[])), "TransportCodesMismatch");
        assert_eq!(kind(Packet::new(flood, None, none, &[1], &[])), "PathMismatch");
        assert_eq!(kind(Packet::new(flood, None, none, &[], &[0; 185])), "PayloadTooLong");
        assert_eq!(kind(Packet::new(Header::from(0xff), codes, none, &[], &[])), "UnsupportedVersion");
    }

    #[test]
    fn a_small_buffer_is_told_how_small() {
        let packet = Packet::parse(&hex!("3d 00 e1")).unwrap();
        assert_eq!(packet.encode_into(&mut [0; 2]), Err(EncodeError::BufferTooSmall { need: 3, have: 2 }));
    }
}
