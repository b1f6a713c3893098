//! `ANON_REQ`: a request that brings its sender's key along.

use crate::content::MAX_ANON_PLAINTEXT;

use crate::error::{EncodeError, PayloadError};
use crate::field::Field;
use crate::id::PublicKey;
#[cfg(feature = "ed25519")]
use crate::identity::Identity;
use crate::parse::{Reader, array, at_least, byte};
use crate::write::put_all;
#[cfg(feature = "crypto")]
use crate::{
    cipher,
    error::CryptoError,
    peer::{PeerLink, SharedSecret},
};

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
    /// Most plaintext a node sends: with hash, key and 15 bytes of padding it
    /// must fit 184 (firmware `src/Mesh.cpp`, `createAnonDatagram`).
    pub const MAX_PLAINTEXT: usize = MAX_ANON_PLAINTEXT;

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

    /// Decrypts into the start of `buf` as the node asked. Returns the link to
    /// the sender too, for the answer. About 0.1 ms.
    ///
    /// The plaintext keeps its zero padding. `buf` needs as many bytes as the
    /// ciphertext has, at most 144.
    ///
    /// # Errors
    /// `NoSecret` when another node is asked; `NotBlockAligned` before the
    /// secret is computed; `InvalidPublicKey` when the sender has no usable
    /// key; `MacMismatch`; `BufferTooSmall`.
    #[cfg(feature = "ed25519")]
    pub fn decrypt<'b>(
        &self,
        receiver: &Identity,
        buf: &'b mut [u8],
    ) -> Result<(&'b [u8], PeerLink), CryptoError> {
        let (sender, dest_hash) = (self.sender_public_key(), self.dest_hash);
        if receiver.public_key().hash_byte() != dest_hash {
            return Err(CryptoError::NoSecret { dest_hash, src_hash: sender.hash_byte() });
        }
        cipher::check_blocks(self.ciphertext)?;
        let link = receiver.link(&sender)?;
        Ok((self.open_with(link.secret(), buf)?, link))
    }

    /// As [`decrypt`](Self::decrypt) with a secret that is known already,
    /// whoever is asked.
    ///
    /// # Errors
    /// `NotBlockAligned`, `MacMismatch`, in this order; `BufferTooSmall`.
    #[cfg(feature = "crypto")]
    pub fn open_with<'b>(&self, secret: &SharedSecret, buf: &'b mut [u8]) -> Result<&'b [u8], CryptoError> {
        cipher::open(secret.as_bytes(), self.mac, self.ciphertext, buf)
    }

    /// Encrypts `plaintext` for the remote node of `link`: writes a whole
    /// payload to the start of `out` and returns its length.
    ///
    /// # Errors
    /// [`EncodeError::PlaintextTooLong`] above 136 bytes;
    /// [`EncodeError::BufferTooSmall`].
    #[cfg(feature = "crypto")]
    pub fn seal(link: &PeerLink, plaintext: &[u8], out: &mut [u8]) -> Result<usize, EncodeError> {
        let head: [&[u8]; 2] = [&[link.remote_hash()], link.local().as_bytes()];
        cipher::seal_payload(&head, link.secret().as_bytes(), plaintext, Self::MAX_PLAINTEXT, out)
    }

    /// Writes the payload as it was read to the start of `out` and returns its length.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`].
    pub fn encode_into(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        put_all(out, &[&[self.dest_hash], self.sender, self.mac, self.ciphertext])
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

    #[cfg(feature = "crypto")]
    #[test]
    fn sealing_refuses_what_does_not_fit() {
        let [local, remote] = [[0x84; 32], [0xe5; 32]].map(PublicKey::from_bytes);
        let link = PeerLink::new(local, remote, SharedSecret::from_bytes([1; 32]));
        let mut out = [0; 184];
        let mut seal = |len, have| AnonReq::seal(&link, &[0; 137][..len], &mut out[..have]);
        assert_eq!(seal(136, 184), Ok(179));
        assert_eq!(seal(137, 184), Err(EncodeError::PlaintextTooLong { len: 137, max: 136 }));
        assert_eq!(seal(1, 50), Err(EncodeError::BufferTooSmall { need: 51, have: 50 }));
    }

    #[cfg(feature = "ed25519")]
    #[test]
    fn a_stranger_is_understood_by_the_node_asked_only() {
        let [alice, bob] = [[1; 32], [2; 32]].map(|seed| Identity::from_seed(&seed));
        let (sender, asked) = (alice.public_key(), bob.public_key().hash_byte());
        let link = alice.link(&bob.public_key()).unwrap();
        let mut out = [0; 51];
        assert_eq!(AnonReq::seal(&link, b"login", &mut out), Ok(51));

        let mut buf = [0; 16];
        let request = AnonReq::parse(&out).unwrap();
        let (plaintext, back) = request.decrypt(&bob, &mut buf).unwrap();
        assert_eq!((plaintext, back.secret()), (&b"login\0\0\0\0\0\0\0\0\0\0\0"[..], link.secret()));
        let err = request.decrypt(&alice, &mut buf).unwrap_err();
        assert_eq!(err, CryptoError::NoSecret { dest_hash: asked, src_hash: sender.hash_byte() });
        let cut = AnonReq::parse(&out[..50]).unwrap();
        assert_eq!(cut.decrypt(&bob, &mut buf).unwrap_err(), CryptoError::NotBlockAligned { len: 15 });

        out[1..33].fill(0);
        let nobody = AnonReq::parse(&out).unwrap();
        assert_eq!(nobody.decrypt(&bob, &mut buf).unwrap_err(), CryptoError::InvalidPublicKey);
    }
}
