//! Channel keys without an allocator.

use crate::channel::{ChannelKey, ChannelKeys};

/// At most `N` channel keys, stored in place. Those that share a hash byte are
/// tried in the order in which they were added.
///
/// A search compares one byte per key: for a few dozen keys as fast as the
/// hashed `KeyRing` (feature `alloc`), which also keeps names. For secrets of
/// peers an array of `PeerLink` does.
#[derive(Clone, Debug)]
pub struct FixedKeys<const N: usize> {
    keys: [Option<ChannelKey>; N],
}

impl<const N: usize> FixedKeys<N> {
    /// No keys yet.
    pub const fn new() -> Self {
        Self { keys: [const { None }; N] }
    }

    /// Adds a key, to be tried after all others.
    ///
    /// # Errors
    /// The key, when there are `N` already.
    pub fn push(&mut self, key: ChannelKey) -> Result<(), ChannelKey> {
        match self.keys.iter_mut().find(|slot| slot.is_none()) {
            Some(slot) => *slot = Some(key),
            None => return Err(key),
        }
        Ok(())
    }

    /// Number of keys, at most `N`.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All keys in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = &ChannelKey> {
        self.keys.iter().flatten()
    }
}

impl<const N: usize> Default for FixedKeys<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> ChannelKeys for FixedKeys<N> {
    type Key = ChannelKey;

    fn by_hash(&self, hash: u8) -> impl Iterator<Item = &ChannelKey> {
        self.iter().filter(move |key| key.hash() == hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::GroupDatagram;
    use hex_literal::hex;

    #[test]
    fn a_full_store_gives_the_key_back() {
        let mut keys = FixedKeys::<2>::new();
        assert!(keys.is_empty());
        assert_eq!(keys.push(ChannelKey::public()), Ok(()));
        assert_eq!(keys.push(ChannelKey::public()), Ok(()));
        assert_eq!(keys.push(ChannelKey::hashtag("#test")), Err(ChannelKey::hashtag("#test")));
        assert_eq!(keys.len(), 2);
        assert_eq!(keys.by_hash(0x11).count(), 2);
        assert_eq!(keys.by_hash(0xd9).count(), 0);
    }

    #[test]
    fn a_channel_text_opens_without_an_allocator() {
        let mut keys = FixedKeys::<4>::default();
        keys.push(ChannelKey::public()).unwrap();
        keys.push(ChannelKey::hashtag("#test")).unwrap();
        let payload = hex!("d9 690030a5ce0449fcf0c44f2dd0db108c2fe6");
        let mut buf = [0; 16];
        let (plaintext, key) = GroupDatagram::parse(&payload).unwrap().decrypt(&keys, &mut buf).unwrap();
        assert_eq!((plaintext.len(), key.hash()), (16, 0xd9));
    }
}
