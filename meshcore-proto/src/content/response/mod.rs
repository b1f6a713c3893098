//! The plaintext of `RESPONSE`: an answer.
//!
//! Nothing in it says what it is: only who asked knows how to read the body.
//!
//! | Asked | Body |
//! |---|---|
//! | login | [`LoginOk`] |
//! | `GET_STATUS` | [`RepeaterStatus`] or [`RoomStatus`], by the role of the node |
//! | `GET_TELEMETRY` | [`LppReader`](crate::content::LppReader) |
//! | `GET_AVG_MIN_MAX` | [`Series`] |
//! | `GET_ACCESS_LIST` | [`AccessList`] |
//! | `GET_NEIGHBOURS` | [`Neighbours`] |
//! | `GET_OWNER_INFO` | [`OwnerInfo`] |
//! | a question of a stranger | [`AnonAnswer`] |

mod access_list;
mod anon_answer;
mod login;
mod neighbours;
mod owner;
mod series;
mod status;

pub use access_list::{AccessEntry, AccessList, AccessRole};
pub use anon_answer::{AnonAnswer, Bridge, ServerFeatures};
pub use login::LoginOk;
pub use neighbours::{Neighbour, Neighbours};
pub use owner::OwnerInfo;
pub use series::{Series, SeriesItem, SeriesReader};
pub use status::{RepeaterStatus, RoomStatus, Status};

use crate::content::{MAX_PEER_PLAINTEXT, check_plaintext};
use crate::error::{ContentError, EncodeError};
use crate::field::Field;
use crate::parse::{Reader, at_least, u32_le};
use crate::write::Writer;

/// Bytes before the body: offsets in errors count from the start of the plaintext.
const BODY_OFFSET: usize = 4;

/// Most bytes of a body.
const MAX_BODY: usize = MAX_PEER_PLAINTEXT - BODY_OFFSET;

/// An answer, its body still unread.
///
/// ```text
/// [tag 4] [body]
/// ```
///
/// Firmware `src/helpers/BaseChatMesh.cpp`, `examples/simple_repeater/MyMesh.cpp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Response<'a> {
    tag: u32,
    body: &'a [u8],
}

impl<'a> Response<'a> {
    /// Reads a plaintext; padding counts as body.
    ///
    /// # Errors
    /// [`ContentError::Truncated`] below 4 bytes.
    pub fn parse(plaintext: &'a [u8]) -> Result<Self, ContentError> {
        let (tag, body) = Reader::new(plaintext).read((u32_le(Field::Tag), at_least(Field::Body, 0)))?;
        Ok(Self { tag, body })
    }

    /// An answer; the types of this module write bodies.
    ///
    /// # Errors
    /// [`EncodeError::PlaintextTooLong`] above 163 bytes.
    pub fn new(tag: u32, body: &'a [u8]) -> Result<Self, EncodeError> {
        check_plaintext(BODY_OFFSET + body.len(), MAX_PEER_PLAINTEXT)?;
        Ok(Self { tag, body })
    }

    /// The timestamp of the request; in the answer to a login the server's own
    /// clock instead, Unix seconds.
    pub const fn tag(&self) -> u32 {
        self.tag
    }

    /// What was asked for, padding included.
    pub const fn body(&self) -> &'a [u8] {
        self.body
    }

    /// Exact size of the plaintext.
    pub const fn encoded_len(&self) -> usize {
        BODY_OFFSET + self.body.len()
    }

    /// Writes the plaintext to the start of `out` and returns its length.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`].
    pub fn encode_into(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        let mut plaintext = Writer::new(out, self.encoded_len())?;
        plaintext.put(&self.tag.to_le_bytes())?;
        plaintext.put(self.body)?;
        Ok(plaintext.written())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn an_answer_repeats_the_tag_of_its_request() {
        let plaintext = hex!("bafc5365 017401920167010400000000");
        let response = Response::parse(&plaintext).unwrap();
        assert_eq!((response.tag(), response.body()), (1_700_003_002, &plaintext[4..]));
        let mut out = [0; 16];
        assert_eq!(response.encode_into(&mut out), Ok(16));
        assert_eq!(out, plaintext);
    }

    #[test]
    fn what_is_too_short_or_too_long_is_refused() {
        let err = Response::parse(&[0; 3]).unwrap_err();
        assert_eq!(err, ContentError::Truncated { field: Field::Tag, offset: 0, need: 4, have: 3 });
        assert!(Response::new(1, &[0; MAX_BODY]).is_ok());
        let err = Response::new(1, &[0; MAX_BODY + 1]).unwrap_err();
        assert_eq!(err, EncodeError::PlaintextTooLong { len: 168, max: 167 });
    }
}
