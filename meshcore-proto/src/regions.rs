//! Region keys with names, in the order of the configuration.

use alloc::string::String;
use alloc::vec::Vec;

use crate::packet::Packet;
use crate::region::RegionKey;

/// A region key and what people call the region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedRegion {
    /// The region's name, as it should be shown.
    pub name: String,
    /// Its key.
    pub key: RegionKey,
}

/// Any number of regions, asked in the order in which they were added
/// (firmware `src/helpers/RegionMap.cpp`, `findMatch`).
///
/// Codes have 16 bits, so a packet can match a second region by chance.
#[derive(Clone, Debug, Default)]
pub struct Regions(Vec<NamedRegion>);

impl Regions {
    /// No regions yet.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a region, to be asked after all others.
    pub fn push(&mut self, name: impl Into<String>, key: RegionKey) {
        self.0.push(NamedRegion { name: name.into(), key });
    }

    /// Number of regions.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All regions in the order in which they were added.
    pub fn iter(&self) -> core::slice::Iter<'_, NamedRegion> {
        self.0.iter()
    }

    /// The regions whose code `packet` carries, in order. One HMAC per region,
    /// none for a packet without codes.
    pub fn matches(&self, packet: &Packet<'_>) -> impl Iterator<Item = &NamedRegion> {
        self.iter().filter(|region| region.key.covers(packet))
    }

    /// The first region whose code `packet` carries: what a repeater goes by.
    pub fn first_match(&self, packet: &Packet<'_>) -> Option<&NamedRegion> {
        self.iter().find(|region| region.key.covers(packet))
    }
}

impl<N: Into<String>> Extend<(N, RegionKey)> for Regions {
    fn extend<I: IntoIterator<Item = (N, RegionKey)>>(&mut self, regions: I) {
        for (name, key) in regions {
            self.push(name, key);
        }
    }
}

impl<N: Into<String>> FromIterator<(N, RegionKey)> for Regions {
    fn from_iter<I: IntoIterator<Item = (N, RegionKey)>>(regions: I) -> Self {
        let mut all = Self::new();
        all.extend(regions);
        all
    }
}

impl<'a> IntoIterator for &'a Regions {
    type Item = &'a NamedRegion;
    type IntoIter = core::slice::Iter<'a, NamedRegion>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use hex_literal::hex;

    #[test]
    fn matches_come_in_the_order_of_the_configuration() {
        let key = |name| RegionKey::public(name).unwrap();
        let regions: Regions =
            [("uk", key("#uk")), ("second", key("#Europe")), ("first", key("Europe"))].into_iter().collect();
        let raw = hex!("14 5915 0000 00 a1");
        let packet = Packet::parse(&raw).unwrap();
        let names: Vec<_> = regions.matches(&packet).map(|region| region.name.as_str()).collect();
        assert_eq!(names, ["second", "first"]);
        assert_eq!(regions.first_match(&packet).map(|region| region.name.as_str()), Some("second"));
        assert_eq!((regions.len(), regions.is_empty()), (3, false));

        let plain = hex!("15 00 a1");
        assert_eq!(regions.first_match(&Packet::parse(&plain).unwrap()), None);
    }
}
