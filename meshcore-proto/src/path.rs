//! The path: which repeaters a packet passed, or has still to pass.

use crate::error::{EncodeError, FrameError};
use crate::id::NodeHash;
use crate::snr::SnrQuarterDb;

/// The path-length byte `0bSSCCCCCC`: hash size and hop count
/// (firmware `src/Packet.cpp`, `isValidPathLen`).
///
/// Cannot hold a byte that nodes refuse. The size is meaningful without hops:
/// it fixes how many bytes every forwarder will append.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PathLen(u8);

impl PathLen {
    /// Most path bytes a packet can carry.
    pub const MAX_BYTES: usize = 64;
    /// Most hops a packet can count.
    pub const MAX_COUNT: u8 = 63;

    /// No hops, and one byte for each that is added.
    pub const NONE: Self = Self(0);

    /// `None` unless `hash_size` is 1 to 3, `count` at most 63 and their
    /// product at most 64.
    pub fn new(hash_size: u8, count: u8) -> Option<Self> {
        Self::try_new(hash_size, count).ok()
    }

    /// As [`new`](Self::new), saying what is wrong.
    ///
    /// # Errors
    /// [`EncodeError::InvalidHashSize`] or [`EncodeError::PathTooLong`].
    pub fn try_new(hash_size: u8, count: u8) -> Result<Self, EncodeError> {
        if !(1..=3).contains(&hash_size) {
            return Err(EncodeError::InvalidHashSize { size: hash_size });
        }
        if count > Self::MAX_COUNT || usize::from(count) * usize::from(hash_size) > Self::MAX_BYTES {
            return Err(EncodeError::PathTooLong { count, size: hash_size });
        }
        Ok(Self((hash_size - 1) << 6 | count))
    }

    /// Refuses a path that is not as long as this says.
    pub(crate) fn check(self, path: &[u8]) -> Result<(), EncodeError> {
        let (need, have) = (self.byte_len(), path.len());
        if need == have { Ok(()) } else { Err(EncodeError::PathMismatch { need, have }) }
    }

    /// The byte on the wire.
    pub const fn get(self) -> u8 {
        self.0
    }

    /// Bytes per hop, 1 to 3.
    pub const fn hash_size(self) -> u8 {
        (self.0 >> 6) + 1
    }

    /// Hops, 0 to 63.
    pub const fn count(self) -> u8 {
        self.0 & 0x3f
    }

    /// Bytes of the path, 0 to 64.
    pub fn byte_len(self) -> usize {
        usize::from(self.count()) * usize::from(self.hash_size())
    }
}

impl TryFrom<u8> for PathLen {
    type Error = FrameError;

    fn try_from(byte: u8) -> Result<Self, Self::Error> {
        let path_len = Self(byte);
        // the size first: a reserved size is reported even when it is too long as well
        if path_len.hash_size() > 3 {
            return Err(FrameError::ReservedHashSize { byte });
        }
        let len = path_len.byte_len();
        if len > Self::MAX_BYTES {
            return Err(FrameError::PathTooLong { byte, len, max: Self::MAX_BYTES });
        }
        Ok(path_len)
    }
}

/// What the path bytes of a frame are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path<'a> {
    /// Prefixes of node keys. Flood: the repeaters passed, the one nearest to
    /// the origin first. Direct: the route left, next hop first.
    Hashes(PathHashes<'a>),
    /// `TRACE`: how well each hop completed so far heard the packet.
    Snrs(PathSnrs<'a>),
}

impl<'a> Path<'a> {
    /// The hops; `None` for a trace.
    pub const fn hashes(self) -> Option<PathHashes<'a>> {
        match self {
            Self::Hashes(hops) => Some(hops),
            Self::Snrs(_) => None,
        }
    }
}

/// The hops of a path, read in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathHashes<'a> {
    bytes: &'a [u8],
    /// Always that of `bytes`.
    path_len: PathLen,
}

impl<'a> PathHashes<'a> {
    pub(crate) const fn new(bytes: &'a [u8], path_len: PathLen) -> Self {
        Self { bytes, path_len }
    }

    /// Hops, 0 to 63.
    pub const fn len(&self) -> usize {
        // the size is at least 1
        self.bytes.len() / self.hash_size() as usize
    }

    /// Whether there is no hop: the packet was heard from its origin, or is on its last leg.
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Bytes per hop, 1 to 3; meaningful without hops.
    pub const fn hash_size(&self) -> u8 {
        self.path_len.hash_size()
    }

    /// Hash size and hop count.
    pub const fn path_len(&self) -> PathLen {
        self.path_len
    }

    /// Hop `index`, counted from 0.
    pub fn get(&self, index: usize) -> Option<NodeHash> {
        let size = usize::from(self.hash_size());
        let start = index.checked_mul(size)?;
        NodeHash::new(self.bytes.get(start..start.checked_add(size)?)?)
    }

    /// The hops in the order of the wire.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = NodeHash> + Clone + use<'a> {
        self.bytes.chunks_exact(usize::from(self.hash_size())).filter_map(NodeHash::new)
    }

    /// All hops, one after the other.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

/// The signal strengths a `TRACE` collected, read in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathSnrs<'a> {
    bytes: &'a [u8],
}

impl<'a> PathSnrs<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// Hops completed.
    pub const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether no hop was completed yet.
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Hop `index`, counted from 0.
    pub fn get(&self, index: usize) -> Option<SnrQuarterDb> {
        self.bytes.get(index).copied().map(SnrQuarterDb::from_byte)
    }

    /// The hops in the order they were made.
    pub fn iter(
        &self,
    ) -> impl DoubleEndedIterator<Item = SnrQuarterDb> + ExactSizeIterator + Clone + use<'a> {
        self.bytes.iter().copied().map(SnrQuarterDb::from_byte)
    }

    /// The bytes on the wire.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;
    use std::string::ToString;
    use std::vec::Vec;

    #[test]
    fn the_byte_holds_size_and_count() {
        let path_len = PathLen::try_from(0x8a).unwrap();
        assert_eq!((path_len.hash_size(), path_len.count(), path_len.byte_len()), (3, 10, 30));
        assert_eq!(PathLen::new(3, 10), Some(path_len));
    }

    #[test]
    fn a_size_without_hops_is_kept() {
        assert_eq!(PathLen::try_from(0x40).unwrap().hash_size(), 2);
        assert_eq!(PathLen::new(2, 0).unwrap().get(), 0x40);
    }

    #[test]
    fn the_largest_counts_are_63_32_and_21() {
        for (size, most) in [(1, 63), (2, 32), (3, 21)] {
            assert!(PathLen::new(size, most).is_some());
            assert_eq!(
                PathLen::try_new(size, most + 1),
                Err(EncodeError::PathTooLong { count: most + 1, size })
            );
        }
    }

    #[test]
    fn a_reserved_size_is_refused_even_without_hops() {
        assert_eq!(PathLen::try_from(0xc0), Err(FrameError::ReservedHashSize { byte: 0xc0 }));
        assert_eq!(PathLen::try_from(0x61), Err(FrameError::PathTooLong { byte: 0x61, len: 66, max: 64 }));
        assert_eq!(PathLen::try_new(4, 0), Err(EncodeError::InvalidHashSize { size: 4 }));
    }

    #[test]
    fn hops_are_read_in_their_order() {
        let bytes = hex!("84e4 5a6c");
        let hops = PathHashes::new(&bytes, PathLen::new(2, 2).unwrap());
        assert_eq!(hops.iter().map(|hop| hop.to_string()).collect::<Vec<_>>(), ["84E4", "5A6C"]);
        assert_eq!(hops.get(1), NodeHash::new(&[0x5a, 0x6c]));
        assert_eq!(hops.get(2), None);
        assert_eq!(hops.get(usize::MAX), None);
    }
}
