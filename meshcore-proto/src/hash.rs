//! What makes two receptions one packet.

use core::fmt;
use core::str::FromStr;

use crate::hex::{HexError, LowerHex, decode_array};

/// The first 8 bytes of SHA-256 over payload type and payload.
///
/// Independent of route, transport codes and path, so the same packet heard by
/// many observers has one hash (firmware `src/Packet.cpp`,
/// `calculatePacketHash`). Text form: 16 hex digits, lower case out, either
/// case in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PacketHash([u8; 8]);

impl PacketHash {
    /// Takes the bytes as they are.
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    /// The eight bytes.
    pub const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }

    /// The hash of a packet with this payload.
    ///
    /// The path length counts for `TRACE` only, which visits nodes twice.
    #[cfg(feature = "crypto")]
    pub fn of(
        payload_type: crate::header::PayloadType,
        path_len: crate::path::PathLen,
        payload: &[u8],
    ) -> Self {
        use sha2::{Digest, Sha256};

        let mut hasher = Sha256::new_with_prefix([payload_type.bits()]);
        if payload_type == crate::header::PayloadType::Trace {
            // the firmware hashes a 16-bit number here
            hasher.update([path_len.get(), 0]);
        }
        hasher.update(payload);
        let [a, b, c, d, e, f, g, h, ..]: [u8; 32] = hasher.finalize().into();
        Self([a, b, c, d, e, f, g, h])
    }
}

impl fmt::Display for PacketHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        LowerHex(&self.0).fmt(f)
    }
}

impl fmt::Debug for PacketHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PacketHash({self})")
    }
}

impl FromStr for PacketHash {
    type Err = HexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        decode_array(text).map(Self)
    }
}

#[cfg(all(test, feature = "crypto"))]
mod tests {
    use super::*;
    use crate::packet::Packet;
    use hex_literal::hex;

    #[test]
    fn route_and_path_do_not_change_the_hash() {
        let near = Packet::parse(&hex!("0d 00 c2f14b00")).unwrap();
        let far = Packet::parse(&hex!("0c 0100 0000 42 84e45a6c c2f14b00")).unwrap();
        assert_eq!(near.packet_hash(), far.packet_hash());
    }

    #[test]
    fn each_hop_of_a_trace_has_its_own_hash() {
        let start = Packet::parse(&hex!("26 00 01000000 00000000 00 5f")).unwrap();
        let later = Packet::parse(&hex!("26 01 20 01000000 00000000 00 5f")).unwrap();
        assert_ne!(start.packet_hash(), later.packet_hash());
    }

    #[test]
    fn text_reads_either_case() {
        let hash: PacketHash = "AB0B087C92F14FB4".parse().unwrap();
        assert_eq!(hash, PacketHash::from_bytes(hex!("ab0b087c92f14fb4")));
        assert!("ab0b".parse::<PacketHash>().is_err());
    }
}
