//! Payloads: the structure that is visible without a key.
//!
//! One module per kind. Each is a view with the same shape: `parse` checks
//! everything, accessors cannot fail. What is inside the ciphertext is in
//! [`crate::content`].

mod ack;
mod advert;
mod anon;
mod app_data;
mod control;
mod group;
mod multipart;
mod peer;
mod trace;

pub use ack::Ack;
pub use advert::Advert;
pub use anon::AnonReq;
pub use app_data::{AppData, LatLonE6, MAX_APP_DATA};
pub use control::{Control, DiscoverReq, DiscoverResp};
pub use group::GroupDatagram;
pub use multipart::Multipart;
pub use peer::PeerDatagram;
pub use trace::{Trace, TraceRoute};

use crate::error::{EncodeError, PayloadError};
use crate::header::{PayloadType, ReservedType};
use crate::path::PathLen;
use crate::write::put_all;

/// A payload by its type. Types without a meaning keep their bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Payload<'a> {
    /// Encrypted request to a node.
    Req(PeerDatagram<'a>),
    /// Encrypted answer to a request.
    Response(PeerDatagram<'a>),
    /// Encrypted text to a node.
    TxtMsg(PeerDatagram<'a>),
    /// Encrypted route back to a node.
    Path(PeerDatagram<'a>),
    /// Acknowledgement.
    Ack(Ack<'a>),
    /// A node announces itself.
    Advert(Advert<'a>),
    /// Encrypted text to a channel.
    GrpTxt(GroupDatagram<'a>),
    /// Encrypted data to a channel.
    GrpData(GroupDatagram<'a>),
    /// Encrypted request from a node the receiver need not know.
    AnonReq(AnonReq<'a>),
    /// A walk along given nodes.
    Trace(Trace<'a>),
    /// One of several packets that belong together.
    Multipart(Multipart<'a>),
    /// Unencrypted control, such as discovery.
    Control(Control<'a>),
    /// Opaque bytes of an application, 0 to 184.
    RawCustom(&'a [u8]),
    /// Types 12 to 14: the number and the bytes.
    Reserved(ReservedType, &'a [u8]),
}

impl<'a> Payload<'a> {
    /// Reads `payload` as `payload_type`. The path length matters for `TRACE` only.
    ///
    /// # Errors
    /// [`PayloadError::Truncated`] below the smallest payload of the type;
    /// [`PayloadError::InvalidTracePath`].
    pub fn parse(
        payload_type: PayloadType,
        path_len: PathLen,
        payload: &'a [u8],
    ) -> Result<Self, PayloadError> {
        Ok(match payload_type {
            PayloadType::Req => Self::Req(PeerDatagram::parse(payload)?),
            PayloadType::Response => Self::Response(PeerDatagram::parse(payload)?),
            PayloadType::TxtMsg => Self::TxtMsg(PeerDatagram::parse(payload)?),
            PayloadType::Path => Self::Path(PeerDatagram::parse(payload)?),
            PayloadType::Ack => Self::Ack(Ack::parse(payload)?),
            PayloadType::Advert => Self::Advert(Advert::parse(payload)?),
            PayloadType::GrpTxt => Self::GrpTxt(GroupDatagram::parse(payload)?),
            PayloadType::GrpData => Self::GrpData(GroupDatagram::parse(payload)?),
            PayloadType::AnonReq => Self::AnonReq(AnonReq::parse(payload)?),
            PayloadType::Trace => {
                if path_len.get() > PathLen::MAX_COUNT {
                    return Err(PayloadError::InvalidTracePath { path_len: path_len.get() });
                }
                Self::Trace(Trace::parse(payload)?)
            }
            PayloadType::Multipart => Self::Multipart(Multipart::parse(payload)?),
            PayloadType::Control => Self::Control(Control::parse(payload)?),
            PayloadType::RawCustom => Self::RawCustom(payload),
            PayloadType::Reserved(number) => Self::Reserved(number, payload),
        })
    }

    /// What a header calls this payload.
    pub const fn payload_type(&self) -> PayloadType {
        match self {
            Self::Req(_) => PayloadType::Req,
            Self::Response(_) => PayloadType::Response,
            Self::TxtMsg(_) => PayloadType::TxtMsg,
            Self::Path(_) => PayloadType::Path,
            Self::Ack(_) => PayloadType::Ack,
            Self::Advert(_) => PayloadType::Advert,
            Self::GrpTxt(_) => PayloadType::GrpTxt,
            Self::GrpData(_) => PayloadType::GrpData,
            Self::AnonReq(_) => PayloadType::AnonReq,
            Self::Trace(_) => PayloadType::Trace,
            Self::Multipart(_) => PayloadType::Multipart,
            Self::Control(_) => PayloadType::Control,
            Self::RawCustom(_) => PayloadType::RawCustom,
            Self::Reserved(number, _) => PayloadType::Reserved(*number),
        }
    }

    /// Writes the payload to the start of `out` and returns its length: the
    /// bytes that were read, except those a [`Control`] ignored.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`].
    pub fn encode_into(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        match self {
            Self::Req(peer) | Self::Response(peer) | Self::TxtMsg(peer) | Self::Path(peer) => {
                peer.encode_into(out)
            }
            Self::Ack(ack) => ack.encode_into(out),
            Self::Advert(advert) => advert.encode_into(out),
            Self::GrpTxt(group) | Self::GrpData(group) => group.encode_into(out),
            Self::AnonReq(request) => request.encode_into(out),
            Self::Trace(trace) => trace.encode_into(out),
            Self::Multipart(multipart) => multipart.encode_into(out),
            Self::Control(control) => control.encode_into(out),
            Self::RawCustom(data) | Self::Reserved(_, data) => put_all(out, &[data]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Packet;
    use hex_literal::hex;

    #[test]
    fn a_trace_path_with_size_bits_is_an_error_of_the_payload() {
        let packet = Packet::parse(&hex!("26 40 01000000 02000000 00 aa")).unwrap();
        assert_eq!(packet.payload(), Err(PayloadError::InvalidTracePath { path_len: 0x40 }));
    }

    #[test]
    fn a_reserved_type_keeps_its_number_and_bytes() {
        let packet = Packet::parse(&hex!("3a 00 01")).unwrap();
        let number = ReservedType::new(14).unwrap();
        assert_eq!(packet.payload(), Ok(Payload::Reserved(number, &[1])));
    }
}
