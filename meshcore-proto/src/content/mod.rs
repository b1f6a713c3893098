//! Contents: what is inside the ciphertext.
//!
//! A plaintext is padded with zeros to whole cipher blocks and says nothing of
//! its length: text ends at the first NUL, data carry their own length.
//!
//! | Packet | Content |
//! |---|---|
//! | `TXT_MSG` | [`TextMessage`] |
//! | `REQ` | [`Request`], with a [`RequestBody`] |
//! | `RESPONSE` | [`Response`]; what its body is, only the request knows |
//! | `ANON_REQ` | [`AnonRequest`]: a login, a [`RoomLogin`] or an [`AnonQuestion`] |
//! | `PATH` | [`PathReturn`] |
//! | `GRP_TXT`, `GRP_DATA` | [`GroupText`], [`GroupData`] |

mod anon;
mod group_data;
mod group_text;
mod legacy_sensor;
mod lpp;
mod lpp_type;
mod path_return;
mod request;
mod request_body;
mod response;
mod text;

pub use anon::{AnonQuestion, AnonQuestionKind, AnonRequest, RoomLogin};
pub use group_data::{DataKind, GroupData};
pub use group_text::{ChannelMessage, GroupText, MAX_TEXT, is_plausible_text, split_sender};
pub use legacy_sensor::LegacySensorTelemetry;
pub use lpp::{LppItem, LppReader, LppStop, LppWriter};
pub use lpp_type::LppType;
pub use path_return::PathReturn;
pub use request::Request;
pub use request_body::{NeighbourOrder, RequestBody, RequestKind, TelemetryPermissions};
pub use response::{
    AccessEntry, AccessList, AccessRole, AnonAnswer, Bridge, LoginOk, Neighbour, Neighbours, OwnerInfo,
    RepeaterStatus, Response, RoomStatus, Series, SeriesItem, SeriesReader, ServerFeatures, Status,
};
pub use text::{TextMessage, TextType};

use crate::error::EncodeError;
use crate::parse::until_nul;

/// Most bytes of plaintext in `REQ`, `RESPONSE` and `TXT_MSG` (firmware `src/Mesh.cpp`, `createDatagram`).
pub const MAX_PEER_PLAINTEXT: usize = 167;

/// Most bytes of plaintext in `ANON_REQ` (firmware `src/Mesh.cpp`, `createAnonDatagram`).
pub const MAX_ANON_PLAINTEXT: usize = 136;

/// `bytes` before the first NUL, and after it.
fn split_nul(bytes: &[u8]) -> (&[u8], &[u8]) {
    let text = until_nul(bytes);
    (text, bytes.get(text.len() + 1..).unwrap_or_default())
}

/// Refuses a plaintext of more than `max` bytes.
const fn check_plaintext(len: usize, max: usize) -> Result<(), EncodeError> {
    if len > max {
        return Err(EncodeError::PlaintextTooLong { len, max });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_ends_at_the_first_nul() {
        assert_eq!(split_nul(b"ab\0cd"), (&b"ab"[..], &b"cd"[..]));
        assert_eq!(split_nul(b"ab\0"), (&b"ab"[..], &b""[..]));
        assert_eq!(split_nul(b"ab"), (&b"ab"[..], &b""[..]));
        assert_eq!(split_nul(b""), (&b""[..], &b""[..]));
    }
}
