//! Regions: keys that bound how far a packet travels.

use core::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::cipher;
use crate::header::PayloadType;
use crate::packet::Packet;

/// The key of a region. Repeaters of the region pass on the packets that carry
/// a code made with it (firmware `src/helpers/TransportKeyStore.cpp`).
///
/// Wiped when dropped; [`Debug`](fmt::Debug) never shows it, for the keys of
/// private regions are secrets.
#[derive(Clone)]
pub struct RegionKey(Zeroizing<[u8; 16]>);

impl RegionKey {
    /// Takes the bytes as they are: how the key of a private region comes.
    pub fn from_bytes(key: [u8; 16]) -> Self {
        Self(Zeroizing::new(key))
    }

    /// The key of a region that is known by its name, which is made to start
    /// with `#`. Case matters: `#Europe` and `#europe` are two regions.
    ///
    /// `None` without a name, and for names that start with `$`: those regions
    /// are private, and their keys do not follow from their names (firmware
    /// `src/helpers/RegionMap.cpp`, `getTransportKeysFor`).
    pub fn public(name: &str) -> Option<Self> {
        let lead = match name.as_bytes() {
            [] | b"#" | [b'$', ..] => return None,
            [b'#', ..] => "",
            _ => "#",
        };
        let digest: [u8; 32] = Sha256::new_with_prefix(lead).chain_update(name).finalize().into();
        // 32 bytes always have a first half
        Some(Self::from_bytes(digest.first_chunk().copied().unwrap_or_default()))
    }

    /// The key.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Whether all bytes are 0: no region, senders leave the codes away.
    pub fn is_null(&self) -> bool {
        self.0.ct_eq(&[0; 16]).into()
    }

    /// The code of a packet for this region: [`TransportCodes::scope`](crate::TransportCodes::scope).
    ///
    /// Two bytes of HMAC-SHA256 over type and payload, so it stays the same
    /// while the packet travels. Never 0x0000 or 0xffff, which are reserved:
    /// their neighbours take their place.
    pub fn code_for(&self, payload_type: PayloadType, payload: &[u8]) -> u16 {
        let mac = cipher::short_mac(&*self.0, &[&[payload_type.bits()], payload]);
        match u16::from_le_bytes(mac) {
            0x0000 => 0x0001,
            0xffff => 0xfffe,
            code => code,
        }
    }

    /// Whether `packet` carries this region's code. One packet in 65536 does by
    /// chance.
    ///
    /// Never without codes, with scope 0, with an empty payload, or when the
    /// key [is null](Self::is_null).
    pub fn covers(&self, packet: &Packet<'_>) -> bool {
        packet.transport().is_some_and(|codes| {
            let payload = packet.payload_bytes();
            codes.scope != 0
                && !payload.is_empty()
                && !self.is_null()
                && self.code_for(packet.header().payload_type(), payload).ct_eq(&codes.scope).into()
        })
    }
}

impl PartialEq for RegionKey {
    /// In constant time.
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&*other.0).into()
    }
}

impl Eq for RegionKey {}

impl fmt::Debug for RegionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RegionKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;
    use std::format;

    fn europe() -> RegionKey {
        RegionKey::public("#Europe").unwrap()
    }

    #[test]
    fn a_public_region_is_known_by_its_name() {
        assert_eq!(europe().as_bytes(), &hex!("47a33374e5302e7bfc38a71edfddf156"));
        assert_eq!(RegionKey::public("Europe"), Some(europe()));
        assert_ne!(RegionKey::public("#europe"), Some(europe()));
        assert_eq!(RegionKey::public("$Europe"), None);
    }

    #[test]
    fn the_code_covers_type_and_payload() {
        assert_eq!(europe().code_for(PayloadType::GrpTxt, &hex!("a1")), 0x1559);
        assert_ne!(europe().code_for(PayloadType::GrpData, &hex!("a1")), 0x1559);
    }

    #[test]
    fn reserved_codes_give_way_to_their_neighbours() {
        let key = RegionKey::public("#reserved").unwrap();
        assert_eq!(key.code_for(PayloadType::GrpTxt, &hex!("5b140000736561726368")), 0x0001);
        assert_eq!(key.code_for(PayloadType::GrpTxt, &hex!("de0b0000736561726368")), 0xfffe);
    }

    #[test]
    fn only_a_packet_with_the_code_is_covered() {
        let covers = |raw: &[u8]| europe().covers(&Packet::parse(raw).unwrap());
        assert!(covers(&hex!("14 5915 0000 00 a1")));
        assert!(covers(&hex!("14 5915 0000 42 84e45a6c a1")));
        assert!(!covers(&hex!("14 5915 0000 00 a2")));
        assert!(!covers(&hex!("14 0000 0000 00 a1")));
        assert!(!covers(&hex!("15 00 a1")));
    }

    #[test]
    fn neither_nothing_nor_the_null_key_is_covered() {
        let null = RegionKey::from_bytes([0; 16]);
        assert!(null.is_null() && !europe().is_null());
        let [a, b] = null.code_for(PayloadType::GrpTxt, &[0xa1]).to_le_bytes();
        assert!(!null.covers(&Packet::parse(&[0x14, a, b, 0, 0, 0, 0xa1]).unwrap()));
        let [a, b] = europe().code_for(PayloadType::GrpTxt, &[]).to_le_bytes();
        assert!(!europe().covers(&Packet::parse(&[0x14, a, b, 0, 0, 0]).unwrap()));
    }

    #[test]
    fn debug_does_not_show_the_key() {
        assert_eq!(format!("{:?}", europe()), "RegionKey(…)");
    }
}
