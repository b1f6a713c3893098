//! What is encrypted or signed when it is sent.

use core::fmt;

use crate::channel::ChannelKey;
use crate::content::{AnonRequest, ChannelMessage, GroupData, PathReturn, Request, Response, TextMessage};
use crate::error::EncodeError;
use crate::header::PayloadType;
use crate::packet::MAX_PAYLOAD;
use crate::payload::{AnonReq, GroupDatagram, PeerDatagram};
use crate::peer::PeerLink;
use crate::send::EncodePayload;
#[cfg(feature = "ed25519")]
use crate::{
    identity::Identity,
    payload::{Advert, AppData, MAX_APP_DATA},
};

/// What can be said to one node.
pub trait PeerContent {
    /// What the header calls it.
    const PAYLOAD_TYPE: PayloadType;

    /// Writes the plaintext to the start of `out` and returns its length.
    ///
    /// # Errors
    /// [`EncodeError`] when it is longer than nodes read, or does not fit `out`.
    fn encode_plaintext(&self, out: &mut [u8]) -> Result<usize, EncodeError>;
}

/// What can be said in a channel.
pub trait ChannelContent {
    /// What the header calls it.
    const PAYLOAD_TYPE: PayloadType;

    /// Writes the plaintext to the start of `out` and returns its length.
    ///
    /// # Errors
    /// [`EncodeError`] when it is longer than nodes read, or does not fit `out`.
    fn encode_plaintext(&self, out: &mut [u8]) -> Result<usize, EncodeError>;
}

macro_rules! content {
    ($($content:ty: $role:ident, $payload_type:ident),* $(,)?) => {$(
        impl $role for $content {
            const PAYLOAD_TYPE: PayloadType = PayloadType::$payload_type;

            fn encode_plaintext(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
                self.encode_into(out)
            }
        }
    )*};
}

content! {
    TextMessage<'_>: PeerContent, TxtMsg,
    Request<'_>: PeerContent, Req,
    Response<'_>: PeerContent, Response,
    PathReturn<'_>: PeerContent, Path,
    AnonRequest<'_>: PeerContent, AnonReq,
    ChannelMessage<'_>: ChannelContent, GrpTxt,
    GroupData<'_>: ChannelContent, GrpData,
}

/// A content for one node, encrypted when it is written.
pub struct ToPeer<'a, C> {
    link: &'a PeerLink,
    content: &'a C,
}

impl PeerLink {
    /// Encrypts `content` for the other end when it is sent.
    pub const fn seal<'a, C: PeerContent>(&'a self, content: &'a C) -> ToPeer<'a, C> {
        ToPeer { link: self, content }
    }
}

impl<C: PeerContent> EncodePayload for ToPeer<'_, C> {
    fn payload_type(&self) -> PayloadType {
        C::PAYLOAD_TYPE
    }

    fn encode_payload(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        let max = match C::PAYLOAD_TYPE {
            PayloadType::AnonReq => AnonReq::MAX_PLAINTEXT,
            _ => PeerDatagram::MAX_PLAINTEXT,
        };
        let mut buf = [0; MAX_PAYLOAD];
        let plaintext = plaintext(&mut buf, max, |buf| self.content.encode_plaintext(buf))?;
        match C::PAYLOAD_TYPE {
            PayloadType::AnonReq => AnonReq::seal(self.link, plaintext, out),
            _ => PeerDatagram::seal(self.link, plaintext, out),
        }
    }
}

/// A content for a channel, encrypted when it is written.
pub struct ToChannel<'a, C> {
    key: &'a ChannelKey,
    content: &'a C,
}

impl ChannelKey {
    /// Encrypts `content` for the channel when it is sent.
    pub const fn seal<'a, C: ChannelContent>(&'a self, content: &'a C) -> ToChannel<'a, C> {
        ToChannel { key: self, content }
    }
}

impl<C: ChannelContent> EncodePayload for ToChannel<'_, C> {
    fn payload_type(&self) -> PayloadType {
        C::PAYLOAD_TYPE
    }

    fn encode_payload(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        let mut buf = [0; MAX_PAYLOAD];
        let plaintext =
            plaintext(&mut buf, GroupDatagram::MAX_PLAINTEXT, |buf| self.content.encode_plaintext(buf))?;
        GroupDatagram::seal(self.key, plaintext, out)
    }
}

// what is said is not for logs

impl<C> fmt::Debug for ToPeer<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ToPeer({:?}, …)", self.link)
    }
}

impl<C> fmt::Debug for ToChannel<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ToChannel({:?}, …)", self.key)
    }
}

/// Has a plaintext written; one that does not fit is too long for a packet.
fn plaintext(
    buf: &mut [u8; MAX_PAYLOAD],
    max: usize,
    encode: impl FnOnce(&mut [u8]) -> Result<usize, EncodeError>,
) -> Result<&[u8], EncodeError> {
    let len = encode(buf).map_err(|err| match err {
        EncodeError::BufferTooSmall { need, .. } => EncodeError::PlaintextTooLong { len: need, max },
        other => other,
    })?;
    Ok(buf.get(..len).unwrap_or_default())
}

/// An advert, signed when it is written.
///
/// ```
/// use meshcore_proto::payload::{AppData, LatLonE6};
/// use meshcore_proto::{Identity, NewAdvert, NodeType, Packet, Payload, Route};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let identity = Identity::from_seed(&[7; 32]);
/// let app_data = AppData {
///     position: Some(LatLonE6::from_degrees(47.37, 8.54)),
///     name: Some("Üetliberg".as_bytes()),
///     ..AppData::new(NodeType::Repeater)
/// };
/// let advert = NewAdvert { identity: &identity, timestamp: 1_700_000_000, app_data };
/// let frame = Route::flood(1)?.frame(&advert)?;
///
/// let Payload::Advert(read) = Packet::parse(&frame)?.payload()? else { panic!("an advert was sent") };
/// read.verify()?;
/// assert_eq!(read.app_data()?.name_str(), Some("Üetliberg"));
/// # Ok(())
/// # }
/// ```
#[cfg(feature = "ed25519")]
#[derive(Clone, Copy, Debug)]
pub struct NewAdvert<'a> {
    /// Who announces.
    pub identity: &'a Identity,
    /// Unix seconds; nodes ignore an advert that is not newer than the last.
    pub timestamp: u32,
    /// What it says of itself.
    pub app_data: AppData<'a>,
}

#[cfg(feature = "ed25519")]
impl EncodePayload for NewAdvert<'_> {
    fn payload_type(&self) -> PayloadType {
        PayloadType::Advert
    }

    fn encode_payload(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        let mut app_data = [0; MAX_APP_DATA];
        let len = self.app_data.encode_into(&mut app_data)?;
        let app_data = app_data.get(..len).unwrap_or_default();
        Advert::sign_into(self.identity, self.timestamp, app_data, out)
    }
}
