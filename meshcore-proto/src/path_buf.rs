//! A path that can be built and changed.

use core::fmt;

use crate::error::EncodeError;
use crate::hex::LowerHex;
use crate::id::NodeHash;
use crate::path::{PathHashes, PathLen};

/// A path that owns its bytes, in place: 65 of them, no allocation.
///
/// All hops have one size, and a path cannot grow beyond what a frame carries.
/// For `TRACE` the "hops" are the signal strengths collected, one byte each.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PathBuf {
    path_len: PathLen,
    /// Zeros after the path, so that equal paths have equal bytes.
    bytes: [u8; PathLen::MAX_BYTES],
}

impl PathBuf {
    /// A path without hops; later ones must have `hash_size` bytes, 1 to 3.
    ///
    /// # Errors
    /// [`EncodeError::InvalidHashSize`].
    pub fn new(hash_size: u8) -> Result<Self, EncodeError> {
        Ok(Self::empty(PathLen::try_new(hash_size, 0)?))
    }

    /// A path of these hops. Without any, its hash size is 1.
    ///
    /// # Errors
    /// [`EncodeError::MixedHashSizes`]; [`EncodeError::PathTooLong`].
    pub fn from_hops(hops: impl IntoIterator<Item = NodeHash>) -> Result<Self, EncodeError> {
        let mut hops = hops.into_iter().peekable();
        let mut path = Self::new(hops.peek().map_or(1, |first| first.size()))?;
        for hop in hops {
            path.push(hop)?;
        }
        Ok(path)
    }

    /// Appends a hop, as a forwarder of a flood does.
    ///
    /// The 64th hop is refused, as is the 65th byte. Nodes forward the former,
    /// with a count that overflows into the hash size (firmware `src/Mesh.cpp`,
    /// `routeRecvPacket`).
    ///
    /// # Errors
    /// [`EncodeError::MixedHashSizes`]; [`EncodeError::PathTooLong`]. The path
    /// is then as it was.
    pub fn push(&mut self, hop: NodeHash) -> Result<(), EncodeError> {
        let (size, end) = (self.path_len.hash_size(), self.path_len.byte_len());
        if hop.size() != size {
            return Err(EncodeError::MixedHashSizes { first: size, other: hop.size() });
        }
        let longer = PathLen::try_new(size, self.path_len.count() + 1)?;
        if let Some(place) = self.bytes.get_mut(end..longer.byte_len()) {
            place.copy_from_slice(hop.as_bytes());
        }
        self.path_len = longer;
        Ok(())
    }

    /// Takes the first hop away, as the next hop of a direct packet does
    /// (firmware `src/Mesh.cpp`, `removeSelfFromPath`). The hash size stays.
    pub fn pop_front(&mut self) -> Option<NodeHash> {
        let first = self.hops().get(0)?;
        let size = self.path_len.hash_size();
        self.path_len = PathLen::new(size, self.path_len.count().checked_sub(1)?)?;
        self.bytes.rotate_left(usize::from(size));
        // what was first is now last
        for byte in self.bytes.iter_mut().rev().take(usize::from(size)) {
            *byte = 0;
        }
        Some(first)
    }

    /// The way back: the same hops in the other order. The hash size stays.
    #[must_use]
    pub fn reversed(&self) -> Self {
        let size = usize::from(self.path_len.hash_size());
        let mut back = Self::empty(self.path_len);
        let hops = self.as_bytes().chunks_exact(size).rev();
        for (place, hop) in back.bytes.chunks_exact_mut(size).zip(hops) {
            place.copy_from_slice(hop);
        }
        back
    }

    /// Hash size and hop count.
    pub const fn path_len(&self) -> PathLen {
        self.path_len
    }

    /// The bytes on the wire, 0 to 64.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.path_len.byte_len()).unwrap_or_default()
    }

    /// The hops, to be read.
    pub fn hops(&self) -> PathHashes<'_> {
        PathHashes::new(self.as_bytes(), self.path_len)
    }

    const fn empty(path_len: PathLen) -> Self {
        Self { path_len, bytes: [0; PathLen::MAX_BYTES] }
    }
}

impl From<PathHashes<'_>> for PathBuf {
    fn from(hops: PathHashes<'_>) -> Self {
        let mut path = Self::empty(hops.path_len());
        for (byte, hop) in path.bytes.iter_mut().zip(hops.as_bytes()) {
            *byte = *hop;
        }
        path
    }
}

impl fmt::Debug for PathBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "PathBuf({} x {}: {})",
            self.path_len.count(),
            self.path_len.hash_size(),
            LowerHex(self.as_bytes())
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;
    use std::format;

    #[test]
    fn the_way_back_has_the_same_hash_size() {
        let path = PathBuf::from_hops([hop(&[1, 2]), hop(&[3, 4]), hop(&[5, 6])]).unwrap();
        assert_eq!(path.reversed().as_bytes(), [5, 6, 3, 4, 1, 2]);
        assert_eq!(path.reversed().reversed(), path);
        let empty = PathBuf::new(3).unwrap();
        assert_eq!(empty.reversed(), empty);
    }

    fn hop(bytes: &[u8]) -> NodeHash {
        NodeHash::new(bytes).unwrap()
    }

    #[test]
    fn hops_are_appended_and_taken_from_the_front() {
        let mut path = PathBuf::from_hops([hop(&hex!("84e4")), hop(&hex!("5a6c"))]).unwrap();
        assert_eq!((path.path_len().get(), path.as_bytes()), (0x42, &hex!("84e45a6c")[..]));
        assert_eq!(path.pop_front(), Some(hop(&hex!("84e4"))));
        assert_eq!(path, PathBuf::from_hops([hop(&hex!("5a6c"))]).unwrap());
        assert_eq!(path.pop_front(), Some(hop(&hex!("5a6c"))));
        assert_eq!(path.pop_front(), None);
        assert_eq!(path, PathBuf::new(2).unwrap());
    }

    #[test]
    fn the_size_is_meaningful_without_hops() {
        assert_eq!(PathBuf::from_hops([]).unwrap().path_len().get(), 0x00);
        assert_eq!(PathBuf::new(3).unwrap().path_len().get(), 0x80);
        assert_eq!(PathBuf::new(4), Err(EncodeError::InvalidHashSize { size: 4 }));
        let err = PathBuf::new(2).unwrap().push(hop(&[1])).unwrap_err();
        assert_eq!(err, EncodeError::MixedHashSizes { first: 2, other: 1 });
    }

    #[test]
    fn the_64th_hop_and_the_65th_byte_are_refused() {
        for (size, most) in [(1, 63), (2, 32), (3, 21)] {
            let one = hop(&[0xab; 3][..size]);
            let size = one.size();
            let mut path = PathBuf::from_hops(std::iter::repeat_n(one, most)).unwrap();
            let before = path;
            let count = path.path_len().count() + 1;
            assert_eq!(path.push(one), Err(EncodeError::PathTooLong { count, size }));
            assert_eq!(path, before);
            assert_eq!(path.as_bytes().len(), most * usize::from(size));
        }
    }

    #[test]
    fn a_path_read_is_a_path_owned() {
        let read = hex!("84e4745a6c01");
        let path = PathBuf::from(PathHashes::new(&read, PathLen::new(3, 2).unwrap()));
        assert_eq!((path.as_bytes(), path.hops().len()), (&read[..], 2));
        assert_eq!(format!("{path:?}"), "PathBuf(2 x 3: 84e4745a6c01)");
    }
}
