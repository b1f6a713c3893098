//! A node's key pair: it signs adverts and shares secrets with other nodes.

use core::fmt;

use curve25519_dalek::edwards::CompressedEdwardsY;
use ed25519_dalek::hazmat::{ExpandedSecretKey, raw_sign};
use ed25519_dalek::{Signature, Verifier, VerifyingKey};
use sha2::{Digest, Sha512};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::error::CryptoError;
use crate::id::PublicKey;
use crate::peer::{PeerLink, SharedSecret};

/// A key pair that can sign, and share a secret with any other node. Its own
/// secrets are wiped when dropped and never shown.
///
/// Any key pair is taken, also one that nodes refuse for their own: see
/// [`PublicKey::has_reserved_hash`].
pub struct Identity {
    secret: ExpandedSecretKey,
    /// As it was given: the secret above has it modulo the group order, which
    /// is another number once it is clamped.
    scalar: Zeroizing<[u8; 32]>,
    public: VerifyingKey,
}

impl Identity {
    /// From a 32-byte seed.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self::from_expanded(&Zeroizing::new(Self::expand_seed(seed)))
    }

    /// From the 64-byte private key that nodes store and export: scalar and
    /// prefix, not seed and public key (firmware `lib/ed25519/keypair.c`).
    pub fn from_expanded(private_key: &[u8; 64]) -> Self {
        let secret = ExpandedSecretKey::from_bytes(private_key);
        let public = VerifyingKey::from(&secret);
        // 64 bytes always have a first half
        let scalar = private_key.first_chunk().copied().unwrap_or_default();
        Self { secret, scalar: Zeroizing::new(scalar), public }
    }

    /// The 64-byte private key a node would store for this seed.
    pub fn expand_seed(seed: &[u8; 32]) -> [u8; 64] {
        let mut expanded: [u8; 64] = Sha512::digest(seed).into();
        if let Some((scalar, _prefix)) = expanded.split_first_chunk_mut::<32>() {
            let [first, .., last] = scalar;
            *first &= 248;
            *last = *last & 63 | 64;
        }
        expanded
    }

    /// The 64-byte private key, as nodes store and export it. Not wiped: that is
    /// up to the caller.
    pub fn private_key(&self) -> [u8; 64] {
        let mut private_key = [0; 64];
        let parts = self.scalar.iter().chain(&self.secret.hash_prefix);
        private_key.iter_mut().zip(parts).for_each(|(byte, part)| *byte = *part);
        private_key
    }

    /// What others know this node by.
    pub fn public_key(&self) -> PublicKey {
        PublicKey::from_bytes(self.public.to_bytes())
    }

    /// Ed25519 signature over `message`.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        raw_sign::<Sha512>(&self.secret, message, &self.public).to_bytes()
    }

    /// What this node and `other` know and nobody else. About 0.1 ms.
    ///
    /// X25519 of the scalar, clamped again, and the key moved to the Montgomery
    /// curve; its sign bit does not count (firmware
    /// `lib/ed25519/key_exchange.c`).
    ///
    /// # Errors
    /// [`CryptoError::InvalidPublicKey`] when `other` is not a point on the
    /// curve, or one of the few with which every secret would be zero. The
    /// firmware computes something for either.
    pub fn shared_secret(&self, other: &PublicKey) -> Result<SharedSecret, CryptoError> {
        let mut y = *other.as_bytes();
        let [.., last] = &mut y;
        *last &= 0x7f;
        let point = CompressedEdwardsY(y).decompress().ok_or(CryptoError::InvalidPublicKey)?;
        let product = Zeroizing::new(point.to_montgomery().mul_clamped(*self.scalar));
        if product.as_bytes().ct_eq(&[0; 32]).into() {
            return Err(CryptoError::InvalidPublicKey);
        }
        Ok(SharedSecret::from_bytes(product.to_bytes()))
    }

    /// This node's end of a conversation with `other`. About 0.1 ms: to be kept.
    ///
    /// # Errors
    /// [`CryptoError::InvalidPublicKey`], as [`shared_secret`](Self::shared_secret).
    pub fn link(&self, other: &PublicKey) -> Result<PeerLink, CryptoError> {
        Ok(PeerLink::new(self.public_key(), *other, self.shared_secret(other)?))
    }
}

impl PublicKey {
    /// Whether the owner of this key signed `message`. About 50 µs.
    ///
    /// # Errors
    /// [`CryptoError::InvalidSignature`], also when the key is not a point on
    /// the curve.
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> Result<(), CryptoError> {
        let key = VerifyingKey::from_bytes(self.as_bytes()).map_err(|_| CryptoError::InvalidSignature)?;
        key.verify(message, &Signature::from_bytes(signature)).map_err(|_| CryptoError::InvalidSignature)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({}, …)", self.public_key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;
    use std::format;
    use std::string::ToString;

    const SEED: [u8; 32] = hex!("50b7d0fd20aedfab0db0ee3040c5ac3ae41cbbd77b1ca473e36da84044b29ce9");

    #[test]
    fn seed_and_expanded_key_are_the_same_node() {
        let expanded = hex!(
            "a05404b8c50c3e8a66ad117dd5976ebf37db17730b9e76f7124268f67ed65241"
            "f082a9551fc36d4bb2739ac8b8b01a3b28f470a5d91a76e880327d65a3527dcf"
        );
        assert_eq!(Identity::expand_seed(&SEED), expanded);
        let identity = Identity::from_expanded(&expanded);
        assert_eq!(identity.private_key(), expanded);
        assert_eq!(identity.public_key(), Identity::from_seed(&SEED).public_key());
        assert_eq!(
            identity.public_key().to_string(),
            "84e4740f49d30949e20e47992218bbcda7fe966f1080ec7ee418db917c15eec8"
        );
    }

    #[test]
    fn both_ends_share_one_secret() {
        let (alice, bob) = (Identity::from_seed(&SEED), Identity::from_seed(&[7; 32]));
        let link = alice.link(&bob.public_key()).unwrap();
        assert_eq!((link.local_hash(), *link.remote()), (0x84, bob.public_key()));
        assert_eq!(Ok(link.secret()), bob.shared_secret(&alice.public_key()).as_ref());
    }

    #[test]
    fn the_sign_bit_of_a_key_does_not_count() {
        let (alice, bob) = (Identity::from_seed(&SEED), Identity::from_seed(&[7; 32]));
        let mut flipped = *bob.public_key().as_bytes();
        flipped[31] ^= 0x80;
        let secret = alice.shared_secret(&PublicKey::from_bytes(flipped));
        assert_eq!(secret, alice.shared_secret(&bob.public_key()));
    }

    #[test]
    fn no_secret_is_shared_with_what_is_not_a_key() {
        let identity = Identity::from_seed(&SEED);
        let not_on_the_curve = hex!("946259bf28f85b20bb1336a6a56f2353b6b8c79433183d5e86e03615b89ec720");
        let mut identity_element = [0; 32];
        identity_element[0] = 1;
        for key in [not_on_the_curve, [0; 32], identity_element] {
            let secret = identity.shared_secret(&PublicKey::from_bytes(key));
            assert_eq!(secret, Err(CryptoError::InvalidPublicKey));
        }
    }

    #[test]
    fn debug_shows_the_public_key_only() {
        let text = format!("{:?}", Identity::from_seed(&SEED));
        assert!(text.starts_with("Identity(84e4740f"), "{text}");
        assert!(!text.contains("a05404b8"), "{text}");
    }
}
