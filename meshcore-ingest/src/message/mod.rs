//! The JSON that observers send, in all its dialects.
//!
//! Publishers differ in spelling (`SNR`, `snr`), in type (numbers as numbers or as text with a unit) and in what they
//! leave out. Here it becomes typed messages. What cannot be read counts as absent, except for what a message is about.
//!
//! | Message | Look in |
//! | --- | --- |
//! | the reception of a frame | `packet.rs` |
//! | what an observer says of itself | `status.rs` |
//! | what a companion bridge passes on | `companion.rs` |
//! | where a moving client is | `gps.rs` |

mod companion;
mod gps;
mod packet;
mod status;
mod value;

pub(crate) use companion::CompanionText;
pub(crate) use packet::PacketMessage;
pub use status::Liveness;
pub(crate) use value::{MAX_TEXT, printable, truncated};

use crate::accounting::Reject;
use crate::json::{JsonError, Object};

/// Largest message, bytes.
const MAX_PAYLOAD: usize = 64 * 1024;

/// A message as a JSON object, size and depth checked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Message<'a>(Object<'a>);

impl<'a> Message<'a> {
    /// Reads the payload of an MQTT message.
    ///
    /// # Errors
    /// [`Reject::Oversize`], [`Reject::NotJson`], [`Reject::TooDeep`].
    pub(crate) fn parse(payload: &'a [u8]) -> Result<Self, Reject> {
        if payload.len() > MAX_PAYLOAD {
            return Err(Reject::Oversize);
        }
        Object::parse(payload).map(Self).map_err(|error| match error {
            JsonError::NoObject => Reject::NotJson,
            JsonError::TooDeep => Reject::TooDeep,
        })
    }
}
