//! `REQ`, `RESPONSE`, `TXT_MSG`, `PATH`: from one node to another.

use crate::error::PayloadError;
use crate::field::Field;
use crate::parse::{Reader, array, at_least, byte};

/// An encrypted payload between two nodes that know each other's keys.
///
/// ```text
/// [destination hash 1] [source hash 1] [mac 2] [ciphertext 1..]
/// ```
///
/// The hashes are one byte whatever the hash size of the path (firmware
/// `src/Mesh.cpp`, `createDatagram`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerDatagram<'a> {
    dest_hash: u8,
    src_hash: u8,
    mac: &'a [u8; 2],
    ciphertext: &'a [u8],
}

impl<'a> PeerDatagram<'a> {
    /// Reads a payload.
    ///
    /// # Errors
    /// [`PayloadError::Truncated`] below 5 bytes.
    pub fn parse(payload: &'a [u8]) -> Result<Self, PayloadError> {
        let (dest_hash, src_hash, mac, ciphertext) = Reader::new(payload).read((
            byte(Field::DestHash),
            byte(Field::SrcHash),
            array(Field::Mac),
            at_least(Field::Ciphertext, 1),
        ))?;
        Ok(Self { dest_hash, src_hash, mac, ciphertext })
    }

    /// First byte of the receiver's key.
    pub const fn dest_hash(&self) -> u8 {
        self.dest_hash
    }

    /// First byte of the sender's key.
    pub const fn src_hash(&self) -> u8 {
        self.src_hash
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

    #[test]
    fn hashes_and_mac_precede_the_ciphertext() {
        let payload = hex!("84 e5 ba32 8b");
        let datagram = PeerDatagram::parse(&payload).unwrap();
        assert_eq!((datagram.dest_hash(), datagram.src_hash()), (0x84, 0xe5));
        assert_eq!((datagram.mac(), datagram.ciphertext()), (&hex!("ba32"), &[0x8b][..]));
    }

    #[test]
    fn a_mac_without_ciphertext_is_too_short() {
        assert_eq!(
            PeerDatagram::parse(&hex!("84 e5 ba32")),
            Err(PayloadError::Truncated { field: Field::Ciphertext, offset: 4, need: 1, have: 0 })
        );
    }
}
