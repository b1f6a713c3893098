//! `ANON_REQ`: a request that brings its sender's key along.

use crate::error::PayloadError;
use crate::field::Field;
use crate::id::PublicKey;
use crate::parse::{Reader, array, at_least, byte};

/// An encrypted request from a node the receiver need not know.
///
/// ```text
/// [destination hash 1] [sender's public key 32] [mac 2] [ciphertext 1..]
/// ```
///
/// The key is the sender's real one, not made for the occasion (firmware
/// `src/Mesh.cpp`, `createAnonDatagram`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnonReq<'a> {
    dest_hash: u8,
    sender: &'a [u8; 32],
    mac: &'a [u8; 2],
    ciphertext: &'a [u8],
}

impl<'a> AnonReq<'a> {
    /// Reads a payload.
    ///
    /// # Errors
    /// [`PayloadError::Truncated`] below 36 bytes.
    pub fn parse(payload: &'a [u8]) -> Result<Self, PayloadError> {
        let (dest_hash, sender, mac, ciphertext) = Reader::new(payload).read((
            byte(Field::DestHash),
            array(Field::PublicKey),
            array(Field::Mac),
            at_least(Field::Ciphertext, 1),
        ))?;
        Ok(Self { dest_hash, sender, mac, ciphertext })
    }

    /// First byte of the receiver's key.
    pub const fn dest_hash(&self) -> u8 {
        self.dest_hash
    }

    /// Who asks.
    pub const fn sender_public_key(&self) -> PublicKey {
        PublicKey::from_bytes(*self.sender)
    }

    /// Truncated HMAC over the ciphertext.
    pub const fn mac(&self) -> &'a [u8; 2] {
        self.mac
    }

    /// At least one byte; a whole number of 16-byte blocks when well-formed.
    pub const fn ciphertext(&self) -> &'a [u8] {
        self.ciphertext
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const PAYLOAD: [u8; 36] =
        hex!("e5 4596b8bc3092a9b14f59d11008edd27210190b1c75805310380bb37af98f6f2a 841e 2d");

    #[test]
    fn the_senders_key_is_in_the_clear() {
        let request = AnonReq::parse(&PAYLOAD).unwrap();
        assert_eq!(request.dest_hash(), 0xe5);
        assert_eq!(request.sender_public_key().node_hash(2).unwrap().as_bytes(), hex!("4596"));
        assert_eq!((request.mac(), request.ciphertext()), (&hex!("841e"), &[0x2d][..]));
    }

    #[test]
    fn thirty_five_bytes_are_too_short() {
        let err = AnonReq::parse(&PAYLOAD[..35]).unwrap_err();
        assert_eq!(err, PayloadError::Truncated { field: Field::Ciphertext, offset: 35, need: 1, have: 0 });
    }
}
