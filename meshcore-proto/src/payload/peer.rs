//! `REQ`, `RESPONSE`, `TXT_MSG`, `PATH`: from one node to another.

use crate::content::MAX_PEER_PLAINTEXT;

use crate::error::{EncodeError, PayloadError};
use crate::field::Field;
use crate::parse::{Reader, array, at_least, byte};
use crate::write::put_all;
#[cfg(feature = "crypto")]
use crate::{
    cipher,
    error::CryptoError,
    peer::{PeerLink, PeerSecrets},
};

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
    /// Most plaintext a node sends: with the two hashes and 15 bytes of padding
    /// it must fit 184 (firmware `src/Mesh.cpp`, `createDatagram`).
    pub const MAX_PLAINTEXT: usize = MAX_PEER_PLAINTEXT;

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

    /// Decrypts into the start of `buf` with the first link whose MAC fits.
    ///
    /// The plaintext keeps its zero padding. `buf` needs as many bytes as the
    /// ciphertext has, at most 176. A MAC of two bytes fits one wrong secret in
    /// 65536 by chance.
    ///
    /// # Errors
    /// `NoSecret` when no link goes with the two hashes; `NotBlockAligned`
    /// before any MAC is computed; `MacMismatch` when no link fits;
    /// `BufferTooSmall`.
    #[cfg(feature = "crypto")]
    pub fn decrypt<'k, 'b, S>(
        &self,
        secrets: &'k S,
        buf: &'b mut [u8],
    ) -> Result<(&'b [u8], &'k S::Link), CryptoError>
    where
        S: PeerSecrets + ?Sized,
    {
        let (dest_hash, src_hash) = (self.dest_hash, self.src_hash);
        let mut candidates = secrets.by_hashes(dest_hash, src_hash).peekable();
        if candidates.peek().is_none() {
            return Err(CryptoError::NoSecret { dest_hash, src_hash });
        }
        cipher::check_blocks(self.ciphertext)?;
        let link = candidates
            .find(|link| cipher::mac_fits(secret_of(*link), self.mac, self.ciphertext))
            .ok_or(CryptoError::MacMismatch)?;
        let plaintext = cipher::decrypt(secret_of(link), self.ciphertext, buf)?;
        Ok((plaintext, link))
    }

    /// Encrypts `plaintext` for the remote node of `link`: writes a whole
    /// payload to the start of `out` and returns its length.
    ///
    /// # Errors
    /// [`EncodeError::PlaintextTooLong`] above 167 bytes;
    /// [`EncodeError::BufferTooSmall`].
    #[cfg(feature = "crypto")]
    pub fn seal(link: &PeerLink, plaintext: &[u8], out: &mut [u8]) -> Result<usize, EncodeError> {
        let head = [link.remote_hash(), link.local_hash()];
        cipher::seal_payload(&[&head], link.secret().as_bytes(), plaintext, Self::MAX_PLAINTEXT, out)
    }

    /// Writes the payload as it was read to the start of `out` and returns its length.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`].
    pub fn encode_into(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        put_all(out, &[&[self.dest_hash, self.src_hash], self.mac, self.ciphertext])
    }
}

#[cfg(feature = "crypto")]
fn secret_of(link: &impl AsRef<PeerLink>) -> &[u8; 32] {
    link.as_ref().secret().as_bytes()
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

    #[cfg(feature = "crypto")]
    mod sealed {
        use super::*;
        use crate::id::PublicKey;
        use crate::peer::SharedSecret;

        fn ends(secret: u8) -> (PeerLink, PeerLink) {
            let [alice, bob] = [[0x84; 32], [0xe5; 32]].map(PublicKey::from_bytes);
            let secret = SharedSecret::from_bytes([secret; 32]);
            (PeerLink::new(alice, bob, secret.clone()), PeerLink::new(bob, alice, secret))
        }

        #[test]
        fn what_one_end_seals_the_other_opens() {
            let ((alice, bob), (_, stranger)) = (ends(1), ends(2));
            let mut out = [0; 184];
            let len = PeerDatagram::seal(&alice, b"hello", &mut out).unwrap();
            let datagram = PeerDatagram::parse(&out[..len]).unwrap();
            assert_eq!((datagram.dest_hash(), datagram.src_hash()), (0xe5, 0x84));
            let links = [alice, stranger, bob];
            let mut buf = [0; 16];
            let (plaintext, link) = datagram.decrypt(&links[..], &mut buf).unwrap();
            assert_eq!(plaintext, b"hello\0\0\0\0\0\0\0\0\0\0\0");
            assert!(core::ptr::eq(link, &links[2]));
        }

        #[test]
        fn each_way_to_fail_has_its_own_error() {
            let ((alice, bob), (_, stranger)) = (ends(1), ends(2));
            let mut out = [0; 20];
            assert_eq!(PeerDatagram::seal(&alice, b"hello", &mut out), Ok(20));
            let (whole, cut) = (PeerDatagram::parse(&out).unwrap(), PeerDatagram::parse(&out[..19]).unwrap());
            let mut buf = [0; 16];
            let err = whole.decrypt(&[alice][..], &mut buf).unwrap_err();
            assert_eq!(err, CryptoError::NoSecret { dest_hash: 0xe5, src_hash: 0x84 });
            let err = whole.decrypt(&[stranger][..], &mut buf).unwrap_err();
            assert_eq!(err, CryptoError::MacMismatch);
            let bob = [bob];
            let err = cut.decrypt(&bob[..], &mut buf).unwrap_err();
            assert_eq!(err, CryptoError::NotBlockAligned { len: 15 });
            let err = whole.decrypt(&bob[..], &mut buf[..15]).unwrap_err();
            assert_eq!(err, CryptoError::BufferTooSmall { need: 16, have: 15 });
        }

        #[test]
        fn sealing_refuses_what_does_not_fit() {
            let (link, _) = ends(1);
            let mut out = [0; 184];
            assert_eq!(PeerDatagram::seal(&link, &[0; 167], &mut out), Ok(180));
            let err = PeerDatagram::seal(&link, &[0; 168], &mut out).unwrap_err();
            assert_eq!(err, EncodeError::PlaintextTooLong { len: 168, max: 167 });
            let err = PeerDatagram::seal(&link, b"x", &mut out[..19]).unwrap_err();
            assert_eq!(err, EncodeError::BufferTooSmall { need: 20, have: 19 });
        }
    }
}
