//! `GRP_TXT` and `GRP_DATA`: from a node to everybody who has the channel's key.

use crate::error::{EncodeError, PayloadError};
use crate::field::Field;
use crate::parse::{Reader, array, at_least, byte};
use crate::write::put_all;
#[cfg(feature = "crypto")]
use crate::{
    channel::{ChannelKey, ChannelKeys},
    cipher,
    error::CryptoError,
};

/// An encrypted payload to a channel.
///
/// ```text
/// [channel hash 1] [mac 2] [ciphertext 1..]
/// ```
///
/// The hash is a hint: one channel in 256 shares it (firmware `src/Mesh.cpp`,
/// `createGroupDatagram`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupDatagram<'a> {
    channel_hash: u8,
    mac: &'a [u8; 2],
    ciphertext: &'a [u8],
}

impl<'a> GroupDatagram<'a> {
    /// Most plaintext a node sends: with the hash byte and 15 bytes of padding
    /// it must fit 184 (firmware `src/Mesh.cpp`, `createGroupDatagram`).
    pub const MAX_PLAINTEXT: usize = 168;

    /// Reads a payload.
    ///
    /// # Errors
    /// [`PayloadError::Truncated`] below 4 bytes.
    pub fn parse(payload: &'a [u8]) -> Result<Self, PayloadError> {
        let (channel_hash, mac, ciphertext) = Reader::new(payload).read((
            byte(Field::ChannelHash),
            array(Field::Mac),
            at_least(Field::Ciphertext, 1),
        ))?;
        Ok(Self { channel_hash, mac, ciphertext })
    }

    /// First byte of the hash of the channel's key.
    pub const fn channel_hash(&self) -> u8 {
        self.channel_hash
    }

    /// Truncated HMAC over the ciphertext.
    pub const fn mac(&self) -> &'a [u8; 2] {
        self.mac
    }

    /// At least one byte; a whole number of 16-byte blocks when well-formed.
    pub const fn ciphertext(&self) -> &'a [u8] {
        self.ciphertext
    }

    /// Writes the payload as it was read to the start of `out` and returns its length.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`].
    pub fn encode_into(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        put_all(out, &[&[self.channel_hash], self.mac, self.ciphertext])
    }

    /// Decrypts with the first key of this channel hash whose MAC fits.
    ///
    /// Returns the plaintext in `buf`, with its zero padding, and the key. 184
    /// bytes of buffer are always enough. Cost: one HMAC per key of the same
    /// hash, and one AES pass. With 16 bits of MAC, one key in 65 536 fits by
    /// chance: see [`crate::content::is_plausible_text`].
    ///
    /// # Errors
    /// `NoKey` when no key has this hash; `NotBlockAligned` before any MAC is
    /// computed; `MacMismatch` when no key fits; `BufferTooSmall`.
    #[cfg(feature = "crypto")]
    pub fn decrypt<'k, 'b, K>(
        &self,
        keys: &'k K,
        buf: &'b mut [u8],
    ) -> Result<(&'b [u8], &'k K::Key), CryptoError>
    where
        K: ChannelKeys + ?Sized,
    {
        let mut candidates = keys.by_hash(self.channel_hash).peekable();
        if candidates.peek().is_none() {
            return Err(CryptoError::NoKey { hash: self.channel_hash });
        }
        cipher::check_blocks(self.ciphertext)?;
        let key = candidates
            .find(|key| cipher::mac_fits((*key).as_ref().stored(), self.mac, self.ciphertext))
            .ok_or(CryptoError::MacMismatch)?;
        let plaintext = cipher::decrypt(key.as_ref().stored(), self.ciphertext, buf)?;
        Ok((plaintext, key))
    }

    /// Encrypts `plaintext` for a channel: writes a whole payload to the start
    /// of `out` and returns its length.
    ///
    /// # Errors
    /// [`EncodeError::PlaintextTooLong`] above 168 bytes;
    /// [`EncodeError::BufferTooSmall`].
    #[cfg(feature = "crypto")]
    pub fn seal(key: &ChannelKey, plaintext: &[u8], out: &mut [u8]) -> Result<usize, EncodeError> {
        cipher::seal_payload(&[&[key.hash()]], key.stored(), plaintext, Self::MAX_PLAINTEXT, out)
    }
}

#[cfg(all(test, feature = "crypto"))]
mod tests {
    use super::*;
    use hex_literal::hex;

    fn test_key() -> ChannelKey {
        ChannelKey::hashtag("#test")
    }

    #[test]
    fn a_channel_text_opens_with_its_key() {
        let payload = hex!("d9 690030a5ce0449fcf0c44f2dd0db108c2fe6");
        let keys = [ChannelKey::public(), test_key()];
        let mut buf = [0; 184];
        let datagram = GroupDatagram::parse(&payload).unwrap();
        let (plaintext, key) = datagram.decrypt(&keys[..], &mut buf).unwrap();
        assert_eq!(plaintext, hex!("01000000 00 613a20620063 3a20640000"));
        assert_eq!(key.hash(), 0xd9);
    }

    #[test]
    fn each_way_to_fail_has_its_own_error() {
        let mut buf = [0; 184];
        let payload = hex!("d9 690030a5ce0449fcf0c44f2dd0db108c2fe7");
        let whole = GroupDatagram::parse(&payload).unwrap();
        let cut = GroupDatagram::parse(&payload[..18]).unwrap();
        let (known, unknown) = ([test_key()], [ChannelKey::public()]);
        assert_eq!(whole.decrypt(&known[..], &mut buf).unwrap_err(), CryptoError::MacMismatch);
        assert_eq!(whole.decrypt(&unknown[..], &mut buf).unwrap_err(), CryptoError::NoKey { hash: 0xd9 });
        let err = cut.decrypt(&known[..], &mut buf).unwrap_err();
        assert_eq!(err, CryptoError::NotBlockAligned { len: 15 });
    }

    #[test]
    fn sealing_refuses_what_does_not_fit() {
        let mut out = [0; 184];
        assert_eq!(GroupDatagram::seal(&test_key(), &[0; 168], &mut out), Ok(179));
        let err = GroupDatagram::seal(&test_key(), &[0; 169], &mut out).unwrap_err();
        assert_eq!(err, EncodeError::PlaintextTooLong { len: 169, max: 168 });
        let err = GroupDatagram::seal(&test_key(), b"x", &mut out[..18]).unwrap_err();
        assert_eq!(err, EncodeError::BufferTooSmall { need: 19, have: 18 });
    }
}
