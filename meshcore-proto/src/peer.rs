//! Secrets two nodes share.

use core::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::id::PublicKey;

/// What two nodes know and nobody else: 32 bytes that encrypt what they send
/// each other.
///
/// It is the plain X25519 result of one node's scalar and the other's key, the
/// same at both ends (firmware `lib/ed25519/key_exchange.c`); with feature
/// `ed25519` an `Identity` makes it. Wiped when dropped;
/// [`Debug`](fmt::Debug) never shows it.
#[derive(Clone)]
pub struct SharedSecret(Zeroizing<[u8; 32]>);

impl SharedSecret {
    /// Takes the bytes as they are.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The secret, as [`crate::cipher`] takes it.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl AsRef<[u8; 32]> for SharedSecret {
    fn as_ref(&self) -> &[u8; 32] {
        self.as_bytes()
    }
}

impl PartialEq for SharedSecret {
    /// In constant time.
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&*other.0).into()
    }
}

impl Eq for SharedSecret {}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret(…)")
    }
}

/// One node's end of a conversation: what it opens messages of another node with.
///
/// Messages name both nodes by the first byte of their keys; a link opens those
/// to [`local_hash`](Self::local_hash) from [`remote_hash`](Self::remote_hash).
/// An analyzer that was given the keys of both nodes holds two links with one
/// secret, one for each direction.
#[derive(Clone, PartialEq, Eq)]
pub struct PeerLink {
    local: PublicKey,
    remote: PublicKey,
    secret: SharedSecret,
}

impl PeerLink {
    /// A link of the node `local` to the node `remote`.
    pub const fn new(local: PublicKey, remote: PublicKey, secret: SharedSecret) -> Self {
        Self { local, remote, secret }
    }

    /// Our node.
    pub const fn local(&self) -> &PublicKey {
        &self.local
    }

    /// First byte of our node's key.
    pub const fn local_hash(&self) -> u8 {
        self.local.hash_byte()
    }

    /// The other node.
    pub const fn remote(&self) -> &PublicKey {
        &self.remote
    }

    /// First byte of the other node's key.
    pub const fn remote_hash(&self) -> u8 {
        self.remote.hash_byte()
    }

    /// What both share.
    pub const fn secret(&self) -> &SharedSecret {
        &self.secret
    }

    /// Whether a message with these two hashes may be one of this conversation.
    const fn opens(&self, dest_hash: u8, src_hash: u8) -> bool {
        self.local_hash() == dest_hash && self.remote_hash() == src_hash
    }
}

impl AsRef<Self> for PeerLink {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl fmt::Debug for PeerLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PeerLink({:02x} with {}, …)", self.local_hash(), self.remote)
    }
}

/// Where decryption looks for shared secrets.
///
/// One pair of nodes in 65536 has the same two hashes; the order of
/// [`by_hashes`](Self::by_hashes) is the order in which links are tried.
pub trait PeerSecrets {
    /// What a link is kept as, for instance together with a name.
    type Link: AsRef<PeerLink>;

    /// The links that open messages to `dest_hash` from `src_hash`.
    fn by_hashes(&self, dest_hash: u8, src_hash: u8) -> impl Iterator<Item = &Self::Link>;
}

impl<L: AsRef<PeerLink>> PeerSecrets for [L] {
    type Link = L;

    fn by_hashes(&self, dest_hash: u8, src_hash: u8) -> impl Iterator<Item = &L> {
        self.iter().filter(move |link| (*link).as_ref().opens(dest_hash, src_hash))
    }
}

impl<L: AsRef<PeerLink>, const N: usize> PeerSecrets for [L; N] {
    type Link = L;

    fn by_hashes(&self, dest_hash: u8, src_hash: u8) -> impl Iterator<Item = &L> {
        self.as_slice().by_hashes(dest_hash, src_hash)
    }
}

impl PeerSecrets for PeerLink {
    type Link = Self;

    fn by_hashes(&self, dest_hash: u8, src_hash: u8) -> impl Iterator<Item = &Self> {
        core::slice::from_ref(self).by_hashes(dest_hash, src_hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    fn link(local: u8, remote: u8, secret: u8) -> PeerLink {
        let [local, remote] = [local, remote].map(|byte| PublicKey::from_bytes([byte; 32]));
        PeerLink::new(local, remote, SharedSecret::from_bytes([secret; 32]))
    }

    fn found<S: PeerSecrets + ?Sized>(secrets: &S, dest_hash: u8, src_hash: u8) -> std::vec::Vec<u8> {
        secrets.by_hashes(dest_hash, src_hash).map(|link| link.as_ref().secret().as_bytes()[0]).collect()
    }

    #[test]
    fn a_link_opens_what_comes_from_its_remote_to_its_local_node() {
        let links = [link(1, 2, 10), link(2, 1, 11), link(1, 2, 12), link(3, 2, 13)];
        assert_eq!(found(&links[..], 1, 2), [10, 12]);
        assert_eq!(found(&links[..], 2, 1), [11]);
        assert_eq!(found(&links[..], 2, 2), [0_u8; 0]);
    }

    #[test]
    fn debug_shows_who_and_not_the_secret() {
        let link = link(1, 2, 0xab);
        assert_eq!(format!("{link:?}"), format!("PeerLink(01 with {}, …)", "02".repeat(32)));
        assert_eq!(format!("{:?}", link.secret()), "SharedSecret(…)");
    }

    #[test]
    fn secrets_are_equal_when_their_bytes_are() {
        assert_eq!(link(1, 2, 3).secret(), link(4, 5, 3).secret());
        assert_ne!(link(1, 2, 3).secret(), link(1, 2, 4).secret());
    }
}
