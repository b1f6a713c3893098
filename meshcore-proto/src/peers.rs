//! Links to any number of peers, found by hash byte.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::peer::{PeerLink, PeerSecrets};

/// Any number of links. Those that open the same message are tried in the
/// order in which they were added.
#[derive(Clone, Debug)]
pub struct Peers {
    /// By first byte of the remote key, of which there are many; the local
    /// one is mostly the same.
    by_remote: Box<[Vec<PeerLink>; 256]>,
}

impl Peers {
    /// No links yet.
    pub fn new() -> Self {
        Self { by_remote: Box::new([const { Vec::new() }; 256]) }
    }

    /// Adds a link, to be tried after all others.
    pub fn push(&mut self, link: PeerLink) {
        // a u8 is always inside
        if let Some(bucket) = self.by_remote.get_mut(usize::from(link.remote_hash())) {
            bucket.push(link);
        }
    }

    /// Number of links. Counts 256 buckets.
    pub fn len(&self) -> usize {
        self.by_remote.iter().map(Vec::len).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_remote.iter().all(Vec::is_empty)
    }

    /// All links, by the first byte of the remote key.
    pub fn iter(&self) -> impl Iterator<Item = &PeerLink> {
        self.by_remote.iter().flatten()
    }
}

impl Default for Peers {
    fn default() -> Self {
        Self::new()
    }
}

impl Extend<PeerLink> for Peers {
    fn extend<I: IntoIterator<Item = PeerLink>>(&mut self, links: I) {
        for link in links {
            self.push(link);
        }
    }
}

impl FromIterator<PeerLink> for Peers {
    fn from_iter<I: IntoIterator<Item = PeerLink>>(links: I) -> Self {
        let mut peers = Self::new();
        peers.extend(links);
        peers
    }
}

impl PeerSecrets for Peers {
    type Link = PeerLink;

    fn by_hashes(&self, dest_hash: u8, src_hash: u8) -> impl Iterator<Item = &PeerLink> {
        let bucket = self.by_remote.get(usize::from(src_hash)).map_or(&[][..], Vec::as_slice);
        bucket.by_hashes(dest_hash, src_hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::PublicKey;
    use crate::peer::SharedSecret;

    fn link(local: u8, remote: u8, secret: u8) -> PeerLink {
        let [local, remote] = [local, remote].map(|byte| PublicKey::from_bytes([byte; 32]));
        PeerLink::new(local, remote, SharedSecret::from_bytes([secret; 32]))
    }

    #[test]
    fn links_of_the_same_hashes_are_tried_in_the_order_added() {
        let peers: Peers =
            [link(1, 2, 10), link(2, 1, 11), link(1, 2, 12), link(3, 2, 13)].into_iter().collect();
        let found = |dest_hash, src_hash| {
            let links = peers.by_hashes(dest_hash, src_hash);
            links.map(|link| link.secret().as_bytes()[0]).collect::<Vec<_>>()
        };
        assert_eq!(found(1, 2), [10, 12]);
        assert_eq!(found(3, 2), [13]);
        assert_eq!(found(2, 2), [0_u8; 0]);
        assert_eq!((peers.len(), peers.is_empty(), peers.iter().count()), (4, false, 4));
        assert!(Peers::default().is_empty());
    }
}
