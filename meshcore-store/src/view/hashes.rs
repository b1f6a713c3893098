//! From content hash to row, for all sealed blocks: five bytes per place.
//!
//! An open-addressing table of places. A place says in which block and row the hash should be, and has one byte of the hash
//! beside it; who looks compares with the hash there, so a place whose block is gone costs a comparison and nothing else. Tables are in parts, so that a
//! new hour copies only the parts it changes.

use std::sync::Arc;

use meshcore_proto::PacketHash;

/// Parts of the table: by the hash's first byte.
const PARTS: usize = 256;
const EMPTY: u32 = u32::MAX;
/// A part grows when more than 7/8 are taken ..
const LOAD: (usize, usize) = (7, 8);
/// .. and then has room for a quarter more.
const GROWTH: (usize, usize) = (5, 4);

/// Which sealed block, by a number that is used for one block after another.
pub(crate) type Slot = u16;

/// From content hash to row.
#[derive(Clone, Debug)]
pub(crate) struct Hashes {
    parts: Vec<Arc<Part>>,
}

#[derive(Clone, Debug, Default)]
struct Part {
    taken: usize,
    places: Box<[u32]>,
    /// A byte of each hash: most places need not be looked at.
    tags: Box<[u8]>,
}

impl Default for Hashes {
    fn default() -> Self {
        Self { parts: vec![Arc::default(); PARTS] }
    }
}

fn place(slot: Slot, row: u16) -> u32 {
    u32::from(slot) << 16 | u32::from(row)
}

/// Where to look first among `len` places.
fn start(hash: PacketHash, len: usize) -> usize {
    let [_, a, b, c, d, ..] = *hash.as_bytes();
    ((u64::from(u32::from_be_bytes([a, b, c, d])) * len as u64) >> 32) as usize
}

fn tag(hash: PacketHash) -> u8 {
    hash.as_bytes()[7]
}

impl Part {
    fn with_room_for(len: usize) -> Self {
        Self { taken: 0, places: vec![EMPTY; len].into(), tags: vec![0; len].into() }
    }

    /// Places that may hold `hash`.
    fn candidates(&self, hash: PacketHash) -> impl Iterator<Item = (Slot, u16)> {
        let first = start(hash, self.places.len());
        let places = (first..self.places.len()).chain(0..first);
        places
            .map_while(move |at| Some((*self.places.get(at)?, *self.tags.get(at)?)))
            .take_while(|(place, _)| *place != EMPTY)
            .filter(move |(_, known)| *known == tag(hash))
            .map(|(place, _)| ((place >> 16) as Slot, (place & 0xffff) as u16))
    }

    fn insert(&mut self, hash: PacketHash, entry: u32) {
        let len = self.places.len();
        let mut at = start(hash, len);
        while self.places.get(at).is_some_and(|place| *place != EMPTY && *place != entry) {
            at = if at + 1 < len { at + 1 } else { 0 };
        }
        if let (Some(place), Some(known)) = (self.places.get_mut(at), self.tags.get_mut(at)) {
            self.taken += usize::from(*place == EMPTY);
            // A number that is used again may have stood for another hash.
            (*place, *known) = (entry, tag(hash));
        }
    }
}

impl Part {
    /// The same without places whose block is gone, and with room for `more`.
    fn rebuilt(&self, more: usize, hash_at: impl Fn(Slot, u16) -> Option<PacketHash>) -> Self {
        let taken = self.places.iter().copied().filter(|place| *place != EMPTY);
        let hash = |place: u32| hash_at((place >> 16) as Slot, (place & 0xffff) as u16);
        let alive: Vec<(PacketHash, u32)> = taken.filter_map(|place| Some((hash(place)?, place))).collect();
        let least = (alive.len() + more) * LOAD.1 / LOAD.0 + 1;
        let len = least * GROWTH.0 / GROWTH.1 + 1; // one stays empty
        let mut fresh = Self::with_room_for(len);
        alive.into_iter().for_each(|(hash, entry)| fresh.insert(hash, entry));
        fresh
    }
}

impl Hashes {
    fn part(hash: PacketHash) -> usize {
        usize::from(hash.as_bytes()[0])
    }

    /// The row that `is_it` confirms.
    pub(crate) fn find<T>(&self, hash: PacketHash, is_it: impl Fn(Slot, u16) -> Option<T>) -> Option<T> {
        self.parts.get(Self::part(hash))?.candidates(hash).find_map(|(slot, row)| is_it(slot, row))
    }

    /// Notes the rows of a block. `hash_at` tells the hash that an earlier place stands for, `None` when its block is gone:
    /// a part that grows is built anew from what is left.
    pub(crate) fn insert(
        &mut self,
        slot: Slot,
        hashes: impl Iterator<Item = PacketHash>,
        hash_at: impl Fn(Slot, u16) -> Option<PacketHash>,
    ) {
        let mut by_part: Vec<Vec<(PacketHash, u32)>> = vec![Vec::new(); PARTS];
        for (hash, row) in hashes.zip(0_u16..=u16::MAX) {
            by_part[Self::part(hash)].push((hash, place(slot, row)));
        }
        for (number, (part, new)) in self.parts.iter_mut().zip(by_part).enumerate() {
            if new.is_empty() {
                continue;
            }
            if (part.taken + new.len()) * LOAD.1 > part.places.len() * LOAD.0 {
                // A number that is used again gives other hashes: only those that belong here stay.
                let here = |slot, row| hash_at(slot, row).filter(|hash| Self::part(*hash) == number);
                *part = Arc::new(part.rebuilt(new.len(), here));
            }
            let part = Arc::make_mut(part);
            new.into_iter().for_each(|(hash, entry)| part.insert(hash, entry));
        }
    }

    /// Bytes in memory.
    pub(crate) fn size(&self) -> usize {
        self.parts.iter().map(|part| part.places.len() * 5 + size_of::<Part>() + 24).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn hash(number: u16) -> PacketHash {
        PacketHash::from_bytes([(number % 3) as u8, 0, 0, 0, (number % 7) as u8, 0, 0, number as u8])
    }

    proptest! {
        /// Blocks come, go, and give their numbers to others.
        #[test]
        fn every_row_of_a_block_that_is_there_is_found(
            steps in prop::collection::vec((0_u16..5, prop::collection::btree_set(0_u16..200, 0..40)), 1..20),
        ) {
            let mut hashes = Hashes::default();
            let mut blocks: HashMap<Slot, Vec<PacketHash>> = HashMap::new();
            for (slot, numbers) in steps {
                let rows: Vec<PacketHash> = numbers.into_iter().map(hash).collect();
                blocks.insert(slot, rows.clone());
                let hash_at = |slot, row: u16| blocks.get(&slot)?.get(usize::from(row)).copied();
                hashes.insert(slot, rows.into_iter(), hash_at);
                for number in 0..200 {
                    let found = hashes.find(hash(number), |slot, row| {
                        (hash_at(slot, row)? == hash(number)).then_some((slot, row))
                    });
                    let is_there = blocks.values().flatten().any(|known| *known == hash(number));
                    prop_assert_eq!(found.is_some(), is_there);
                }
            }
        }
    }
}
