//! Everything a request may read, frozen at one moment.

use std::sync::{Arc, OnceLock};

use meshcore_proto::PacketHash;
use smallvec::SmallVec;

use super::arrivals::Arrivals;
use super::block::{Best, Block, Summary};
use super::hashes::{Hashes, Slot};
use super::names::{Names, NodeNo, TextNo};
use super::partial::{Hour, Totals};
use super::people::People;
use super::row::{Kind, Observation, Packet};
use crate::UnixMillis;

/// Everything a request may read, frozen at one generation.
///
/// Cheap to clone (one `Arc`), safe to hold across `.await`, and consistent: two questions to one snapshot never disagree.
/// Who is hidden is left out of every answer; there is no way to ask past it.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub(super) generation: u64,
    /// Ascending by key.
    pub(super) entries: Vec<Entry>,
    /// Which of them are live.
    pub(super) live: SmallVec<[usize; 8]>,
    pub(super) hashes: Arc<Hashes>,
    /// Which block has which number in `hashes`.
    pub(super) slots: Arc<Vec<Option<BlockKey>>>,
    pub(super) totals: Arc<Totals>,
    pub(super) names: Arc<Names>,
    pub(super) people: Arc<People>,
    pub(super) coverage: Coverage,
    pub(super) bytes: usize,
}

/// Which block: the hour its packets were first heard in, and a number for hours that have more than one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct BlockKey {
    pub(crate) hour: Hour,
    pub(crate) part: u16,
}

/// A block and what is asked of it before anything in it.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(super) key: BlockKey,
    pub(super) block: Block,
    pub(super) summary: Arc<Summary>,
    /// Filled when it is asked for first: most hours never are.
    pub(super) arrivals: Arc<OnceLock<Arrivals>>,
}

/// Which part of the history an answer is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Packets first heard before this are in the database only; `None`: everything is in memory.
    pub since: Option<UnixMillis>,
    /// The highest id of a packet that is in the database only; 0: none is.
    pub beyond: i64,
    /// What is still being loaded.
    pub loading: Option<Loading>,
}

/// How far loading is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loading {
    /// Packets in memory.
    pub loaded: u64,
    /// Packets there are, about.
    pub total: u64,
}

/// One packet of a snapshot.
#[derive(Clone, Copy, Debug)]
pub struct PacketRef<'a> {
    snapshot: &'a Snapshot,
    pub(super) block: &'a Block,
    pub(super) row: usize,
}

impl Snapshot {
    /// Changes whenever anything does: the ETag of every answer made from it.
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Which part of the history is in memory.
    pub const fn coverage(&self) -> Coverage {
        self.coverage
    }

    /// Figures over everything in memory, hidden nodes' packets included: what is hidden is not shown, but counted.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Keys and names behind the numbers.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Who the numbers are.
    pub fn people(&self) -> &People {
        &self.people
    }

    /// Bytes in memory, measured.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Calls `each` with the name and the bytes of every part of every block: what costs what.
    pub fn sizes(&self, mut each: impl FnMut(String, usize)) {
        for entry in &self.entries {
            match &entry.block {
                Block::Live(block) => each("live".to_owned(), block.size()),
                Block::Sealed(block) => block.sizes().for_each(|(name, size)| each(name, size)),
            }
        }
        each("hashes".to_owned(), self.hashes.size());
        each("totals".to_owned(), self.totals.size());
    }

    /// A packet by its content hash.
    pub fn by_hash(&self, hash: PacketHash) -> Option<PacketRef<'_>> {
        let mut live = self.live.iter().rev().filter_map(|place| self.entries.get(*place));
        let live = live.find_map(|entry| match &entry.block {
            Block::Live(block) => Some((&entry.block, block.row_with(hash)?)),
            Block::Sealed(_) => None,
        });
        let found = live.or_else(|| {
            self.hashes.find(hash, |slot, row| {
                let block = self.block_in(slot)?;
                let row = usize::from(row);
                (row < block.len() && block.hash(row) == hash).then_some((block, row))
            })
        });
        let (block, row) = found?;
        self.shown(block, row)
    }

    /// A packet by its row id.
    pub fn by_id(&self, id: i64) -> Option<PacketRef<'_>> {
        let (entry, row) = self.find(id)?;
        self.shown(&entry.block, row)
    }

    pub(crate) fn find(&self, id: i64) -> Option<(&Entry, usize)> {
        let may_hold = |entry: &&Entry| entry.summary.ids.0 <= id && id <= entry.summary.ids.1;
        let mut holding = self.entries.iter().rev().filter(may_hold);
        holding.find_map(|entry| Some((entry, entry.block.row_of(id)?)))
    }

    fn block_in(&self, slot: Slot) -> Option<&Block> {
        let key = (*self.slots.get(usize::from(slot))?)?;
        let place = self.entries.binary_search_by_key(&key, |entry| entry.key).ok()?;
        // A live block is found by its own index.
        self.entries.get(place).map(|entry| &entry.block).filter(|block| matches!(block, Block::Sealed(_)))
    }

    fn shown<'a>(&'a self, block: &'a Block, row: usize) -> Option<PacketRef<'a>> {
        let hidden = block.originator(row).is_some_and(|node| self.people.hides(node));
        (!hidden).then_some(PacketRef { snapshot: self, block, row })
    }

    /// The row as a packet; it was found among those that are shown.
    pub(super) const fn at<'a>(&'a self, block: &'a Block, row: usize) -> PacketRef<'a> {
        PacketRef { snapshot: self, block, row }
    }
}

impl<'a> PacketRef<'a> {
    /// Row id of the transmission.
    pub fn id(&self) -> i64 {
        self.block.id(self.row)
    }

    /// Content hash.
    pub fn hash(&self) -> PacketHash {
        self.block.hash(self.row)
    }

    /// When it was first heard.
    pub fn first_seen(&self) -> UnixMillis {
        self.block.first_seen(self.row)
    }

    /// Its newest observation, else when it was first heard.
    pub fn last_seen(&self) -> UnixMillis {
        self.block.last_seen(self.row)
    }

    /// Header fields.
    pub fn kind(&self) -> Kind {
        self.block.kind(self.row)
    }

    /// Who sent it, when the packet says so.
    pub fn originator(&self) -> Option<NodeNo> {
        self.block.originator(self.row)
    }

    /// Grouping key of a channel text.
    pub fn channel(&self) -> Option<TextNo> {
        self.block.channel(self.row)
    }

    /// Scope: `None` unscoped, the empty text for a region that is not known.
    pub fn scope(&self) -> Option<TextNo> {
        self.block.scope(self.row)
    }

    /// The frame as first received; `None` when it is in the database only.
    pub fn frame(&self) -> Option<&'a [u8]> {
        self.block.frame(self.row)
    }

    /// Bytes of the frame.
    pub fn frame_len(&self) -> u16 {
        self.block.frame_len(self.row)
    }

    /// Bytes of the payload in it; 0 when it cannot be read.
    pub fn payload_len(&self) -> u16 {
        self.block.payload_len(self.row)
    }

    /// Whether its decoded payload is in the database only.
    pub fn has_own_json(&self) -> bool {
        self.block.has_own_json(self.row)
    }

    /// Observations.
    pub fn observation_count(&self) -> usize {
        self.block.observation_count(self.row)
    }

    /// Distinct observers; the unknown count as one.
    pub fn observer_count(&self) -> usize {
        self.block.observer_count(self.row)
    }

    /// What the best observation lends it.
    pub fn best(&self) -> Option<Best> {
        self.block.best(self.row)
    }

    /// All observations, ascending by id. Hops that are hidden nodes are unknown.
    pub fn observations(&self) -> Vec<Observation> {
        let mut observations = self.block.observations(self.row);
        let people = &self.snapshot.people;
        if people.hides_somebody() {
            let hops = observations.iter_mut().flat_map(|observation| &mut observation.resolved);
            for hop in hops {
                *hop = hop.filter(|node| !people.hides(*node));
            }
        }
        observations
    }

    /// Everything of it, for those who outlive the snapshot.
    pub fn to_packet(&self) -> Packet {
        Packet {
            id: self.id(),
            hash: self.hash(),
            first_seen: self.first_seen(),
            kind: self.kind(),
            originator: self.originator(),
            channel: self.channel(),
            scope: self.scope(),
            frame: self.frame().map(Into::into),
            frame_len: self.frame_len(),
            payload_len: self.block.payload_len(self.row),
            has_own_json: self.has_own_json(),
            observations: self.observations(),
        }
    }

    /// The snapshot it is of.
    pub const fn snapshot(&self) -> &'a Snapshot {
        self.snapshot
    }
}
