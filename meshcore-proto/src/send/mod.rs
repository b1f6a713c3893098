//! Packets on their way out: a payload, a route, a frame.
//!
//! Whatever can be sent implements [`EncodePayload`]; a [`Route`] makes a frame
//! of it. What is built here keeps the limits of nodes; what was received is sent
//! as it came.

mod frame_buf;
mod route;
#[cfg(feature = "crypto")]
mod sealed;

pub use frame_buf::FrameBuf;
pub use route::Route;
#[cfg(feature = "ed25519")]
pub use sealed::NewAdvert;
#[cfg(feature = "crypto")]
pub use sealed::{ChannelContent, PeerContent, ToChannel, ToPeer};

use crate::error::EncodeError;
use crate::header::PayloadType;
use crate::payload::{Ack, Advert, AnonReq, Control, DiscoverReq, DiscoverResp, Multipart, Payload, Trace};

/// What can be the payload of a packet.
///
/// A [`Payload`] is, and so are the views of [`crate::payload`] that belong to
/// one type: those that are not encrypted can be made with their `new`, all of
/// them are written as they were read. What is signed or encrypted first is made
/// by `NewAdvert`, `ChannelKey::seal` and `PeerLink::seal`. Opaque bytes are
/// [`Payload::RawCustom`].
pub trait EncodePayload {
    /// What the header calls it.
    fn payload_type(&self) -> PayloadType;

    /// Writes the payload to the start of `out` and returns its length.
    ///
    /// # Errors
    /// [`EncodeError`] when it cannot be written as a node would read it, or
    /// does not fit `out`.
    fn encode_payload(&self, out: &mut [u8]) -> Result<usize, EncodeError>;
}

macro_rules! encode_payload {
    ($($view:ty: $payload_type:ident),* $(,)?) => {$(
        impl EncodePayload for $view {
            fn payload_type(&self) -> PayloadType {
                PayloadType::$payload_type
            }

            fn encode_payload(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
                self.encode_into(out)
            }
        }
    )*};
}

encode_payload! {
    Ack<'_>: Ack,
    Advert<'_>: Advert,
    AnonReq<'_>: AnonReq,
    Trace<'_>: Trace,
    Multipart<'_>: Multipart,
    Control<'_>: Control,
    DiscoverReq: Control,
    DiscoverResp<'_>: Control,
}

impl EncodePayload for Payload<'_> {
    fn payload_type(&self) -> PayloadType {
        self.payload_type()
    }

    fn encode_payload(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        self.encode_into(out)
    }
}
