//! Channel keys: who has one reads the channel.

use core::fmt;
use core::str::FromStr;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::base64;
use crate::error::CryptoError;

/// The secret of a channel, 16 or 32 bytes.
///
/// Its hash byte is computed once, so that looking for the key of a packet is a
/// comparison. Wiped when dropped; [`Debug`](fmt::Debug) shows the hash byte and
/// never the key.
#[derive(Clone)]
pub struct ChannelKey {
    /// Zero-extended, as the firmware stores it.
    stored: [u8; 32],
    len: u8,
    hash: u8,
}

impl ChannelKey {
    /// The usual key.
    pub fn from_16(secret: [u8; 16]) -> Self {
        let mut stored = [0; 32];
        for (byte, secret) in stored.iter_mut().zip(secret) {
            *byte = secret;
        }
        Self { stored, len: 16, hash: hash_byte(&secret) }
    }

    /// A long key: its hash and MAC use all of it, its cipher the first half.
    pub fn from_32(secret: [u8; 32]) -> Self {
        Self { stored: secret, len: 32, hash: hash_byte(&secret) }
    }

    /// From 16 or 32 bytes.
    ///
    /// # Errors
    /// [`CryptoError::InvalidKeyLength`].
    pub fn from_slice(secret: &[u8]) -> Result<Self, CryptoError> {
        if let Ok(secret) = <[u8; 16]>::try_from(secret) {
            Ok(Self::from_16(secret))
        } else if let Ok(secret) = <[u8; 32]>::try_from(secret) {
            Ok(Self::from_32(secret))
        } else {
            Err(CryptoError::InvalidKeyLength { len: secret.len() })
        }
    }

    /// From the 32 bytes a node stores: an upper half of zeros means a 16-byte
    /// key (firmware `src/helpers/BaseChatMesh.cpp`, `setChannel`).
    pub fn from_stored(stored: [u8; 32]) -> Self {
        match stored.split_first_chunk::<16>() {
            Some((secret, upper)) if upper.ct_eq(&[0; 16]).into() => Self::from_16(*secret),
            _ => Self::from_32(stored),
        }
    }

    /// From the text people pass around: base64 of 16 or 32 bytes, padded, and
    /// nothing else. Hex is read by `parse` ([`FromStr`]), which takes both.
    ///
    /// # Errors
    /// [`CryptoError::InvalidBase64`] or [`CryptoError::InvalidKeyLength`].
    pub fn from_base64(text: &str) -> Result<Self, CryptoError> {
        let mut secret = Zeroizing::new([0; 32]);
        Self::from_slice(base64::decode_key(text, &mut secret)?)
    }

    /// The key of the channel `Public`, known to all (firmware `docs/companion_protocol.md`).
    pub fn public() -> Self {
        Self::from_16([
            0x8b, 0x33, 0x87, 0xe9, 0xc5, 0xcd, 0xea, 0x6a, 0xc9, 0xe5, 0xed, 0xba, 0xa1, 0x15, 0xcd, 0x72,
        ])
    }

    /// The key of a channel that is known by its name, `#` included.
    ///
    /// The name is taken as it is, case and blanks too: `#Test` and `#test` are
    /// different channels.
    pub fn hashtag(name: &str) -> Self {
        let digest: [u8; 32] = Sha256::digest(name.as_bytes()).into();
        let [secret, _] = halves(digest);
        Self::from_16(secret)
    }

    /// First byte of the key's SHA-256: what packets of the channel carry.
    pub const fn hash(&self) -> u8 {
        self.hash
    }

    /// The key, 16 or 32 bytes.
    pub fn secret(&self) -> &[u8] {
        self.stored.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// The key as nodes store it: a 16-byte key is followed by zeros.
    pub const fn stored(&self) -> &[u8; 32] {
        &self.stored
    }
}

impl Drop for ChannelKey {
    fn drop(&mut self) {
        self.stored.zeroize();
    }
}

impl ZeroizeOnDrop for ChannelKey {}

impl FromStr for ChannelKey {
    type Err = CryptoError;

    /// Reads 32 or 64 hex digits, or else base64.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // no base64 of a key has as many digits as its hex
        if matches!(text.len(), 32 | 64) {
            let mut secret = Zeroizing::new([0; 32]);
            if let Ok(secret) = crate::hex::decode_into(text, &mut *secret) {
                return Self::from_slice(secret);
            }
        }
        Self::from_base64(text)
    }
}

impl AsRef<Self> for ChannelKey {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl PartialEq for ChannelKey {
    /// In constant time.
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && bool::from(self.stored.ct_eq(&other.stored))
    }
}

impl Eq for ChannelKey {}

impl fmt::Debug for ChannelKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChannelKey(hash {:02x}, …)", self.hash)
    }
}

/// Where decryption looks for keys.
///
/// Several channels can share a hash byte; the order of
/// [`by_hash`](Self::by_hash) is the order in which they are tried.
pub trait ChannelKeys {
    /// What a key is kept as, for instance together with its name.
    type Key: AsRef<ChannelKey>;

    /// The keys with this hash byte.
    fn by_hash(&self, hash: u8) -> impl Iterator<Item = &Self::Key>;
}

impl<K: AsRef<ChannelKey>> ChannelKeys for [K] {
    type Key = K;

    fn by_hash(&self, hash: u8) -> impl Iterator<Item = &K> {
        self.iter().filter(move |key| (*key).as_ref().hash() == hash)
    }
}

impl<K: AsRef<ChannelKey>, const N: usize> ChannelKeys for [K; N] {
    type Key = K;

    fn by_hash(&self, hash: u8) -> impl Iterator<Item = &K> {
        self.as_slice().by_hash(hash)
    }
}

impl ChannelKeys for ChannelKey {
    type Key = Self;

    fn by_hash(&self, hash: u8) -> impl Iterator<Item = &Self> {
        core::slice::from_ref(self).by_hash(hash)
    }
}

fn hash_byte(secret: &[u8]) -> u8 {
    let [first, ..]: [u8; 32] = Sha256::digest(secret).into();
    first
}

fn halves(bytes: [u8; 32]) -> [[u8; 16]; 2] {
    let (chunks, _) = bytes.as_chunks::<16>();
    match chunks {
        [low, high] => [*low, *high],
        _ => [[0; 16]; 2],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;
    use std::format;

    #[test]
    fn the_public_channel_is_the_one_everybody_has() {
        let key = ChannelKey::public();
        assert_eq!(key.hash(), 0x11);
        assert_eq!(ChannelKey::from_base64("izOH6cXN6mrJ5e26oRXNcg=="), Ok(key));
    }

    #[test]
    fn a_hashtag_is_taken_as_it_is() {
        let key = ChannelKey::hashtag("#test");
        assert_eq!((key.secret(), key.hash()), (&hex!("9cd8fcf22a47333b591d96a2b848b73f")[..], 0xd9));
        assert_ne!(ChannelKey::hashtag("#Test"), key);
    }

    #[test]
    fn a_stored_key_is_short_when_its_upper_half_is_zero() {
        let stored = hex!("594e519ae499312b29433b7dd8a97ff0 00000000000000000000000000000000");
        assert_eq!(ChannelKey::from_stored(stored).secret().len(), 16);
        assert_ne!(ChannelKey::from_stored(stored), ChannelKey::from_32(stored));
        assert_eq!(ChannelKey::from_stored([1; 32]).secret().len(), 32);
    }

    #[test]
    fn text_is_hex_or_base64() {
        let key = Ok(ChannelKey::public());
        assert_eq!("8b3387e9c5cdea6ac9e5edbaa115cd72".parse(), key);
        assert_eq!("izOH6cXN6mrJ5e26oRXNcg==".parse(), key);
        assert_eq!("8b33".parse::<ChannelKey>(), Err(CryptoError::InvalidKeyLength { len: 3 }));
    }

    #[test]
    fn other_lengths_are_refused() {
        assert_eq!(ChannelKey::from_slice(&[0; 17]), Err(CryptoError::InvalidKeyLength { len: 17 }));
        assert_eq!(ChannelKey::from_base64(""), Err(CryptoError::InvalidKeyLength { len: 0 }));
    }

    #[test]
    fn debug_does_not_show_the_key() {
        assert_eq!(format!("{:?}", ChannelKey::public()), "ChannelKey(hash 11, …)");
    }
}
