//! How a packet sets out.

use crate::error::EncodeError;
use crate::header::{Header, PayloadType, RouteType};
use crate::packet::{MAX_PAYLOAD, Packet, TransportCodes};
use crate::path::PathLen;
use crate::path_buf::PathBuf;
#[cfg(feature = "crypto")]
use crate::region::RegionKey;
use crate::send::{EncodePayload, FrameBuf};

/// How a packet sets out: to everybody or along a path, everywhere or in a region.
///
/// ```
/// use meshcore_proto::payload::Ack;
/// use meshcore_proto::{Packet, PathBuf, Route};
///
/// # fn main() -> Result<(), meshcore_proto::EncodeError> {
/// let ack = Ack::new([0x08, 0x40, 0xd5, 0xa4], &[]);
/// let frame = Route::flood(2)?.frame(&ack)?;
/// assert_eq!(frame.to_string(), "0d400840d5a4");
///
/// let path = PathBuf::from_hops(["84e4".parse().unwrap(), "5a6c".parse().unwrap()])?;
/// let frame = Route::direct(&path).frame(&ack)?;
/// assert_eq!(Packet::parse(&frame).unwrap().path_len().count(), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Route<'a> {
    is_flood: bool,
    path_len: PathLen,
    path: &'a [u8],
    codes: Option<TransportCodes>,
    /// Gives the codes, which depend on the payload.
    #[cfg(feature = "crypto")]
    region: Option<&'a RegionKey>,
}

impl<'a> Route<'a> {
    /// To everybody; each repeater adds `hash_size` bytes of its key, 1 to 3.
    ///
    /// # Errors
    /// [`EncodeError::InvalidHashSize`].
    pub fn flood(hash_size: u8) -> Result<Self, EncodeError> {
        Ok(Self { is_flood: true, path_len: PathLen::try_new(hash_size, 0)?, ..Self::zero_hop() })
    }

    /// Along `path`, next hop first.
    pub fn direct(path: &'a PathBuf) -> Self {
        Self { path_len: path.path_len(), path: path.as_bytes(), ..Self::zero_hop() }
    }

    /// To direct neighbours only: nobody passes it on (firmware `src/Mesh.cpp`, `sendZeroHop`).
    pub const fn zero_hop() -> Self {
        Self {
            is_flood: false,
            path_len: PathLen::NONE,
            path: &[],
            codes: None,
            #[cfg(feature = "crypto")]
            region: None,
        }
    }

    /// With these codes as they are.
    #[must_use]
    pub const fn with_codes(self, codes: TransportCodes) -> Self {
        Self {
            codes: Some(codes),
            #[cfg(feature = "crypto")]
            region: None,
            ..self
        }
    }

    /// In this region only: its code is computed over each payload. A key of
    /// zeros means no region (firmware `examples/companion_radio/MyMesh.cpp`,
    /// `sendFloodScoped`).
    #[cfg(feature = "crypto")]
    #[must_use]
    pub fn in_region(self, region: &'a RegionKey) -> Self {
        Self { codes: None, region: (!region.is_null()).then_some(region), ..self }
    }

    /// The frame of a packet with this payload.
    ///
    /// # Errors
    /// What [`EncodePayload::encode_payload`] says; [`EncodeError::PayloadTooLong`]
    /// above 184 bytes; [`EncodeError::MisroutedTrace`] for a trace that is not
    /// direct or does not start with an empty path.
    pub fn frame(&self, payload: &(impl EncodePayload + ?Sized)) -> Result<FrameBuf, EncodeError> {
        let mut buf = [0; MAX_PAYLOAD];
        let len = payload.encode_payload(&mut buf).map_err(|err| match err {
            EncodeError::BufferTooSmall { need, .. } => {
                EncodeError::PayloadTooLong { len: need, max: MAX_PAYLOAD }
            }
            other => other,
        })?;
        let (payload_type, payload) = (payload.payload_type(), buf.get(..len).unwrap_or_default());

        #[cfg(feature = "crypto")]
        let in_region =
            |region: &RegionKey| TransportCodes { scope: region.code_for(payload_type, payload), home: 0 };
        #[cfg(feature = "crypto")]
        let codes = self.region.map(in_region).or(self.codes);
        #[cfg(not(feature = "crypto"))]
        let codes = self.codes;
        let route = match (self.is_flood, codes.is_some()) {
            (true, true) => RouteType::TransportFlood,
            (true, false) => RouteType::Flood,
            (false, false) => RouteType::Direct,
            (false, true) => RouteType::TransportDirect,
        };
        if payload_type == PayloadType::Trace && (self.is_flood || self.path_len.get() != 0) {
            return Err(EncodeError::MisroutedTrace { route: route.name(), hops: self.path_len.count() });
        }
        FrameBuf::of(&Packet::new(
            Header::new(route, payload_type),
            codes,
            self.path_len,
            self.path,
            payload,
        )?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::{Payload, Trace};
    use hex_literal::hex;

    #[test]
    fn the_hash_size_is_said_at_hop_0() {
        let frame = Route::flood(3).unwrap().frame(&Payload::RawCustom(&[1])).unwrap();
        assert_eq!(*frame, hex!("3d 80 01"));
        assert_eq!(Route::flood(4).unwrap_err(), EncodeError::InvalidHashSize { size: 4 });
        assert_eq!(Route::flood(0).unwrap_err(), EncodeError::InvalidHashSize { size: 0 });
    }

    #[test]
    fn codes_make_it_a_transport_route() {
        let codes = TransportCodes { scope: 0x1afa, home: 0 };
        let raw = Payload::RawCustom(&[1]);
        let frame = Route::flood(1).unwrap().with_codes(codes).frame(&raw).unwrap();
        assert_eq!(*frame, hex!("3c fa1a 0000 00 01"));
        let frame = Route::zero_hop().with_codes(codes).frame(&raw).unwrap();
        assert_eq!(*frame, hex!("3f fa1a 0000 00 01"));
    }

    #[test]
    fn a_trace_starts_direct_and_empty() {
        let trace = Trace::new(1, 0, 1, &[0x84]).unwrap();
        assert_eq!(*Route::zero_hop().frame(&trace).unwrap(), hex!("26 00 01000000 00000000 00 84"));
        let err = Route::flood(1).unwrap().frame(&trace).unwrap_err();
        assert_eq!(err, EncodeError::MisroutedTrace { route: "FLOOD", hops: 0 });
        assert_eq!(err.kind(), "InvalidTracePath");
    }

    #[test]
    fn a_payload_that_does_not_fit_is_told_so() {
        let err = Route::zero_hop().frame(&Payload::RawCustom(&[0; 185])).unwrap_err();
        assert_eq!(err, EncodeError::PayloadTooLong { len: 185, max: 184 });
    }

    #[cfg(feature = "crypto")]
    #[test]
    fn a_region_has_its_code_and_no_region_has_none() {
        let raw = Payload::RawCustom(&[1, 2, 3]);
        let europe = RegionKey::public("#Europe").unwrap();
        let frame = Route::flood(1).unwrap().in_region(&europe).frame(&raw).unwrap();
        let packet = Packet::parse(&frame).unwrap();
        assert!(europe.covers(&packet));
        let nowhere = RegionKey::from_bytes([0; 16]);
        let frame = Route::flood(1).unwrap().in_region(&nowhere).frame(&raw).unwrap();
        assert_eq!(Packet::parse(&frame).unwrap().transport(), None);
    }
}
