//! Channel keys with names, found by hash byte.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::channel::{ChannelKey, ChannelKeys};

/// A channel key and what people call the channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedKey {
    /// The channel's name, as it should be shown.
    pub name: String,
    /// Its key.
    pub key: ChannelKey,
}

impl AsRef<ChannelKey> for NamedKey {
    fn as_ref(&self) -> &ChannelKey {
        &self.key
    }
}

/// Any number of named keys. Those that share a hash byte are tried in the
/// order in which they were added.
#[derive(Clone)]
pub struct KeyRing {
    keys: Vec<NamedKey>,
    /// Positions in `keys` by hash byte.
    by_hash: Box<[Vec<usize>; 256]>,
}

impl KeyRing {
    /// No keys yet.
    pub fn new() -> Self {
        Self { keys: Vec::new(), by_hash: Box::new([const { Vec::new() }; 256]) }
    }

    /// Adds a key, to be tried after all others.
    pub fn push(&mut self, name: impl Into<String>, key: ChannelKey) {
        // a u8 is always inside
        if let Some(bucket) = self.by_hash.get_mut(usize::from(key.hash())) {
            bucket.push(self.keys.len());
        }
        self.keys.push(NamedKey { name: name.into(), key });
    }

    /// Number of keys.
    pub const fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// All keys in the order in which they were added.
    pub fn iter(&self) -> core::slice::Iter<'_, NamedKey> {
        self.keys.iter()
    }
}

impl Default for KeyRing {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| &key.name)).finish()
    }
}

impl<N: Into<String>> Extend<(N, ChannelKey)> for KeyRing {
    fn extend<I: IntoIterator<Item = (N, ChannelKey)>>(&mut self, keys: I) {
        for (name, key) in keys {
            self.push(name, key);
        }
    }
}

impl<N: Into<String>> FromIterator<(N, ChannelKey)> for KeyRing {
    fn from_iter<I: IntoIterator<Item = (N, ChannelKey)>>(keys: I) -> Self {
        let mut ring = Self::new();
        ring.extend(keys);
        ring
    }
}

impl<'a> IntoIterator for &'a KeyRing {
    type Item = &'a NamedKey;
    type IntoIter = core::slice::Iter<'a, NamedKey>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl ChannelKeys for KeyRing {
    type Key = NamedKey;

    fn by_hash(&self, hash: u8) -> impl Iterator<Item = &NamedKey> {
        let bucket = self.by_hash.get(usize::from(hash)).map_or(&[][..], Vec::as_slice);
        bucket.iter().filter_map(|&position| self.keys.get(position))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn keys_of_one_hash_are_tried_in_the_order_added() {
        let mut ring = KeyRing::new();
        ring.push("first", ChannelKey::public());
        ring.push("other", ChannelKey::hashtag("#test"));
        ring.push("second", ChannelKey::public());
        let names: Vec<_> = ring.by_hash(0x11).map(|key| key.name.as_str()).collect();
        assert_eq!(names, ["first", "second"]);
        assert_eq!(ring.by_hash(0x12).count(), 0);
        assert_eq!(ring.len(), 3);
    }

    #[test]
    fn debug_shows_names_only() {
        let ring: KeyRing = [("Public", ChannelKey::public())].into_iter().collect();
        assert_eq!(format!("{ring:?}"), r#"["Public"]"#);
    }
}
