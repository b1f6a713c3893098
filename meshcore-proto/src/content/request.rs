//! The plaintext of `REQ`: a question to a node.

use crate::content::{MAX_PEER_PLAINTEXT, RequestBody, RequestKind, check_plaintext};
use crate::error::{ContentError, EncodeError};
use crate::field::Field;
#[cfg(feature = "crypto")]
use crate::id::PublicKey;
use crate::parse::{Reader, at_least, byte, u32_le};
use crate::write::Writer;

/// A question to a node that knows the sender.
///
/// ```text
/// [timestamp 4] [request type 1] [parameters]
/// ```
///
/// Firmware `src/helpers/BaseChatMesh.cpp`, `sendRequest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    timestamp: u32,
    request_type: u8,
    params: &'a [u8],
}

impl<'a> Request<'a> {
    /// Reads a plaintext; padding counts as parameters.
    ///
    /// # Errors
    /// [`ContentError::Truncated`] below 5 bytes.
    pub fn parse(plaintext: &'a [u8]) -> Result<Self, ContentError> {
        let (timestamp, request_type, params) = Reader::new(plaintext).read((
            u32_le(Field::Timestamp),
            byte(Field::RequestType),
            at_least(Field::Params, 0),
        ))?;
        Ok(Self { timestamp, request_type, params })
    }

    /// A request of any type; [`RequestBody::encode_plaintext`] writes the known ones.
    ///
    /// # Errors
    /// [`EncodeError::PlaintextTooLong`] above 162 bytes of parameters.
    pub fn new(timestamp: u32, request_type: u8, params: &'a [u8]) -> Result<Self, EncodeError> {
        let request = Self { timestamp, request_type, params };
        check_plaintext(request.encoded_len(), MAX_PEER_PLAINTEXT)?;
        Ok(request)
    }

    /// Unix seconds by the sender's clock, raised where needed to be unique: the
    /// tag of the answer.
    pub const fn timestamp(&self) -> u32 {
        self.timestamp
    }

    /// The byte that says what is asked for.
    pub const fn request_type(&self) -> u8 {
        self.request_type
    }

    /// What is asked for.
    pub const fn kind(&self) -> RequestKind {
        RequestKind::from_byte(self.request_type)
    }

    /// What follows the type, padding included.
    pub const fn params(&self) -> &'a [u8] {
        self.params
    }

    /// The request with its parameters.
    ///
    /// Missing parameters count as 0, as if they were padding. Reserved bytes
    /// that nodes want to be 0 and are not make it [`RequestBody::Other`].
    pub fn body(&self) -> RequestBody<'a> {
        RequestBody::read(self.request_type, self.params)
    }

    /// The checksum by which a room server acknowledges a keep-alive of
    /// `client`, in the order of the wire; `None` for other requests.
    #[cfg(feature = "crypto")]
    pub fn ack_checksum(&self, client: &PublicKey) -> Option<[u8; 4]> {
        let RequestBody::KeepAlive { since } = self.body() else { return None };
        let parts: [&[u8]; 3] = [&self.timestamp.to_le_bytes(), &[self.request_type], &since.to_le_bytes()];
        Some(crate::checksum::ack_checksum(&parts, client))
    }

    /// Exact size of the plaintext.
    pub const fn encoded_len(&self) -> usize {
        5 + self.params.len()
    }

    /// Writes the plaintext to the start of `out` and returns its length.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`].
    pub fn encode_into(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        let mut plaintext = Writer::new(out, self.encoded_len())?;
        plaintext.put(&self.timestamp.to_le_bytes())?;
        plaintext.put(&[self.request_type])?;
        plaintext.put(self.params)?;
        Ok(plaintext.written())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn more_than_fits_is_refused() {
        assert!(Request::new(1, 0x80, &[0; 162]).is_ok());
        let err = Request::new(1, 0x80, &[0; 163]).unwrap_err();
        assert_eq!(err, EncodeError::PlaintextTooLong { len: 168, max: 167 });
    }

    #[cfg(feature = "crypto")]
    #[test]
    fn only_keep_alives_are_acknowledged() {
        let client =
            PublicKey::from_bytes(hex!("7aa4a9e9f0d29129da384d848b81af3a3d6649d691ea1a7cc3b1acba43551e4d"));
        let padded = hex!("3e62bb64 02 3962bb64 00000000000000");
        assert_eq!(Request::parse(&padded).unwrap().ack_checksum(&client), Some(hex!("e9da0ac5")));
        assert_eq!(Request::parse(&hex!("3e62bb64 01")).unwrap().ack_checksum(&client), None);
    }
}
