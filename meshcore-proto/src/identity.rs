//! A node's key pair, for making adverts.

use core::fmt;

use ed25519_dalek::VerifyingKey;
use ed25519_dalek::hazmat::{ExpandedSecretKey, raw_sign};
use sha2::{Digest, Sha512};

use crate::id::PublicKey;

/// A key pair that can sign. The secret is wiped when dropped and never shown.
pub struct Identity {
    secret: ExpandedSecretKey,
    public: VerifyingKey,
}

impl Identity {
    /// From a 32-byte seed.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self::from_expanded(&Self::expand_seed(seed))
    }

    /// From the 64-byte private key that nodes store and export: scalar and
    /// prefix, not seed and public key (firmware `lib/ed25519/keypair.c`).
    pub fn from_expanded(private_key: &[u8; 64]) -> Self {
        let secret = ExpandedSecretKey::from_bytes(private_key);
        let public = VerifyingKey::from(&secret);
        Self { secret, public }
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

    /// What others know this node by.
    pub fn public_key(&self) -> PublicKey {
        PublicKey::from_bytes(self.public.to_bytes())
    }

    /// Ed25519 signature over `message`.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        raw_sign::<Sha512>(&self.secret, message, &self.public).to_bytes()
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
        assert_eq!(identity.public_key(), Identity::from_seed(&SEED).public_key());
        assert_eq!(
            identity.public_key().to_string(),
            "84e4740f49d30949e20e47992218bbcda7fe966f1080ec7ee418db917c15eec8"
        );
    }

    #[test]
    fn debug_shows_the_public_key_only() {
        let text = format!("{:?}", Identity::from_seed(&SEED));
        assert!(text.starts_with("Identity(84e4740f"), "{text}");
        assert!(!text.contains("a05404b8"), "{text}");
    }
}
