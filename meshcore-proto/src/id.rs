//! Who a node is: its key, and the prefixes of it that appear on air.

use core::fmt;
use core::str::FromStr;

use crate::hex::{HexError, LowerHex, UpperHex, decode_array, decode_into};

/// A node's identity: its Ed25519 public key.
///
/// Any 32 bytes are accepted, for that is what the air brings; whether they are
/// a point on the curve shows when a signature is verified. Text form: 64 hex
/// digits, lower case out, either case in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Takes the bytes as they are.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes on the wire.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether all bytes are 0, which is nobody's key.
    pub fn is_zero(&self) -> bool {
        self.0 == [0; 32]
    }

    /// The first byte: how payloads name a node, whatever the hash size of paths.
    pub const fn hash_byte(&self) -> u8 {
        let [first, ..] = self.0;
        first
    }

    /// Whether the key starts with `00` or `ff`, which are reserved among node
    /// hashes. Nodes refuse to take on such a key; on air it is a key like any
    /// other (firmware `src/Identity.cpp`, `validatePrivateKey`).
    pub const fn has_reserved_hash(&self) -> bool {
        matches!(self.hash_byte(), 0x00 | 0xff)
    }

    /// The first `size` bytes, as repeaters append them to a path. `None`
    /// unless `size` is 1 to 3.
    pub fn node_hash(&self, size: u8) -> Option<NodeHash> {
        NodeHash::new(self.0.get(..usize::from(size))?)
    }

    /// The first `size` bytes, as traces name the nodes to visit. `None` unless
    /// `size` is 1, 2, 4 or 8.
    pub fn trace_hash(&self, size: usize) -> Option<&[u8]> {
        if matches!(size, 1 | 2 | 4 | 8) { self.0.get(..size) } else { None }
    }

    /// The first four bytes, by which posts of a room name their author.
    pub fn author_prefix(&self) -> &[u8; 4] {
        self.0.first_chunk().unwrap_or(&[0; 4])
    }

    /// Whether this key starts with `hash`. Many keys do.
    pub fn has_hash(&self, hash: NodeHash) -> bool {
        self.0.starts_with(hash.as_bytes())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        LowerHex(&self.0).fmt(f)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl FromStr for PublicKey {
    type Err = HexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        decode_array(text).map(Self)
    }
}

impl TryFrom<&[u8]> for PublicKey {
    type Error = core::array::TryFromSliceError;

    fn try_from(bytes: &[u8]) -> Result<Self, Self::Error> {
        bytes.try_into().map(Self)
    }
}

impl From<[u8; 32]> for PublicKey {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// The 1-, 2- or 3-byte prefix of a [`PublicKey`] that repeaters append to a path.
///
/// Several nodes can share one: it is a hint to be resolved, never an identity.
/// Two hashes of different size are different, even when one is a prefix of the
/// other. Text form: 2, 4 or 6 hex digits, upper case out, either case in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeHash {
    bytes: [u8; 3],
    size: u8,
}

impl NodeHash {
    /// `None` unless `bytes` is 1 to 3 long.
    pub const fn new(bytes: &[u8]) -> Option<Self> {
        match *bytes {
            [a] => Some(Self { bytes: [a, 0, 0], size: 1 }),
            [a, b] => Some(Self { bytes: [a, b, 0], size: 2 }),
            [a, b, c] => Some(Self { bytes: [a, b, c], size: 3 }),
            _ => None,
        }
    }

    /// The bytes on the wire.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.size)).unwrap_or_default()
    }

    /// How many bytes, 1 to 3.
    pub const fn size(self) -> u8 {
        self.size
    }
}

impl fmt::Display for NodeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        UpperHex(self.as_bytes()).fmt(f)
    }
}

impl fmt::Debug for NodeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeHash({self})")
    }
}

impl FromStr for NodeHash {
    type Err = HexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 3];
        let bytes = decode_into(text, &mut bytes)?;
        Self::new(bytes).ok_or(HexError::WrongLength { need: 1, have: bytes.len() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;
    use std::string::ToString;

    const KEY: PublicKey =
        PublicKey::from_bytes(hex!("84e4740f49d30949e20e47992218bbcda7fe966f1080ec7ee418db917c15eec8"));

    #[test]
    fn a_key_reads_either_case_and_writes_lower_case() {
        let text = KEY.to_string();
        assert_eq!(text, "84e4740f49d30949e20e47992218bbcda7fe966f1080ec7ee418db917c15eec8");
        assert_eq!(text.to_uppercase().parse(), Ok(KEY));
        assert_eq!("84e4".parse::<PublicKey>(), Err(HexError::WrongLength { need: 32, have: 2 }));
    }

    #[test]
    fn a_hash_is_one_to_three_bytes_of_a_key() {
        assert_eq!(KEY.node_hash(3).unwrap().to_string(), "84E474");
        assert_eq!(KEY.node_hash(0), None);
        assert_eq!(KEY.node_hash(4), None);
        assert_eq!(KEY.trace_hash(4), Some(&hex!("84e4740f")[..]));
        assert_eq!(KEY.trace_hash(3), None);
        assert!(KEY.has_hash("84e4".parse().unwrap()));
        assert!(!KEY.has_hash("84e5".parse().unwrap()));
    }

    #[test]
    fn keys_of_the_reserved_hashes_are_known() {
        assert_eq!((KEY.hash_byte(), KEY.has_reserved_hash()), (0x84, false));
        for (first, reserved) in [(0x00, true), (0x01, false), (0xfe, false), (0xff, true)] {
            assert_eq!(PublicKey::from_bytes([first; 32]).has_reserved_hash(), reserved);
        }
    }

    #[test]
    fn hashes_of_different_size_differ() {
        assert_ne!(NodeHash::new(&[0x84]), NodeHash::new(&[0x84, 0x00]));
        assert_eq!(NodeHash::new(&[]), None);
        assert_eq!(NodeHash::new(&[1, 2, 3, 4]), None);
        assert!("".parse::<NodeHash>().is_err());
    }
}
