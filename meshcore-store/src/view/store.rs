//! The view and its one keeper: changes go in, snapshots come out.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::arrivals::Arrivals;
use super::block::{Block, Live, LiveRow, Sealed};
use super::hashes::{Hashes, Slot};
use super::names::{Names, Numbering};
use super::partial::{Hour, Partial, Sign, Totals};
use super::people::People;
use super::ring::{Change, Ring};
use super::row::{Observation, Packet};
use super::snapshot::{BlockKey, Coverage, Entry, Snapshot};
use crate::UnixMillis;

/// Packets per block: row numbers have 16 bits, and opening one must stay cheap.
const MOST_ROWS: usize = 16_384;
/// Blocks that change at once before the one left alone longest is sealed.
const MOST_LIVE: usize = 4;
/// Snapshots that are kept because somebody reads them. A reader who holds one for longer takes it apart himself.
const MOST_RETIRED: usize = 16;
/// A block is sealed when nothing came for this long.
const QUIET_MILLIS: i64 = 5 * 60_000;
/// So long after its hour the columns of a block that are rarely asked for are folded.
const FOLD_AFTER_HOURS: u32 = 26;

/// The packets in memory: any number of readers, one [`Keeper`].
#[derive(Debug, Default)]
pub struct View {
    current: ArcSwap<Snapshot>,
    ring: Ring,
}

impl View {
    /// What there is now. Never waits.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// What came lately, for those who were away.
    pub const fn changes(&self) -> &Ring {
        &self.ring
    }
}

/// The one who changes the view. What it does is seen by readers when it publishes.
#[derive(Debug)]
pub struct Keeper {
    view: Arc<View>,
    numbering: Arc<Numbering>,
    blocks: BTreeMap<BlockKey, Kept>,
    hashes: Arc<Hashes>,
    slots: Arc<Vec<Option<BlockKey>>>,
    totals: Arc<Totals>,
    people: Arc<People>,
    coverage: Coverage,
    generation: u64,
    news: Vec<Change>,
    retired: Vec<Arc<Snapshot>>,
    dirty: bool,
}

/// The packets of one hour in columns, made by any thread.
#[derive(Debug)]
pub struct SealedHour {
    hour: Hour,
    blocks: Vec<Sealed>,
}

impl SealedHour {
    /// Seals packets that were first heard in one hour, ascending by id. Those of a day ago are packed.
    pub fn of(hour: Hour, packets: &[Packet], now: UnixMillis) -> Self {
        let seal = |packets: &[Packet]| {
            let sealed = Sealed::of(packets);
            if hour < folded_before(now) { sealed.packed() } else { sealed }
        };
        Self { hour, blocks: packets.chunks(MOST_ROWS).map(seal).collect() }
    }
}

/// Columns that are rarely asked for are folded in blocks of hours before this.
fn folded_before(now: UnixMillis) -> Hour {
    Hour(Hour::of(now).0.saturating_sub(FOLD_AFTER_HOURS))
}

#[derive(Debug)]
struct Kept {
    entry: Entry,
    /// When it was changed last; only of live blocks.
    touched: UnixMillis,
    /// Differs from what the snapshot file holds.
    unsaved: bool,
    /// Its summary is that of an earlier moment.
    stale: bool,
}

impl Kept {
    const fn is_live(&self) -> bool {
        matches!(self.entry.block, Block::Live(_))
    }

    /// Forgets the frames of a sealed block; gives the bytes.
    fn drop_frames(&mut self) -> usize {
        let Block::Sealed(sealed) = &self.entry.block else { return 0 };
        let bytes = sealed.frames().map_or(0, |frames| frames.size());
        if bytes > 0 {
            self.entry.block = Block::Sealed(Arc::new(sealed.without_frames()));
        }
        bytes
    }

    /// Folds what is rarely asked for; says whether there was something.
    fn fold(&mut self) -> bool {
        match &self.entry.block {
            Block::Sealed(sealed) if !sealed.is_packed() => {
                self.entry.block = Block::Sealed(Arc::new(sealed.packed()));
                self.entry.arrivals = Arc::default();
                self.unsaved = true;
                true
            }
            _ => false,
        }
    }
}

impl Keeper {
    /// Keeps a new, empty view.
    pub fn new(numbering: Arc<Numbering>) -> Self {
        Self {
            view: Arc::default(),
            numbering,
            blocks: BTreeMap::new(),
            hashes: Arc::default(),
            slots: Arc::default(),
            totals: Arc::default(),
            people: Arc::default(),
            coverage: Coverage::default(),
            generation: 0,
            news: Vec::new(),
            retired: Vec::new(),
            dirty: true,
        }
    }

    /// What readers share.
    pub fn view(&self) -> &Arc<View> {
        &self.view
    }

    /// Puts a packet in, in the place of the one with its id.
    pub fn put(&mut self, packet: Packet, now: UnixMillis) {
        let id = packet.id;
        let before = self.find(id);
        let hour = Hour::of(packet.first_seen);
        if let Some(key) = before.filter(|key| key.hour != hour) {
            self.remove_from(key, id, now);
        }
        let covered = self.coverage.since.is_none_or(|since| packet.first_seen >= since);
        if !covered {
            self.coverage.beyond = self.coverage.beyond.max(id);
            return;
        }
        let key = before.filter(|key| key.hour == hour).unwrap_or_else(|| self.room_in(hour));
        let live = self.open(key, now);
        let (old, new) = Arc::make_mut(live).put(packet);
        self.account(old.as_deref(), Some(&new));
    }

    /// Adds further observations of a packet. Gives them back when the packet is not in memory.
    ///
    /// # Errors
    /// The observations.
    pub fn observe(
        &mut self,
        id: i64,
        observations: Vec<Observation>,
        now: UnixMillis,
    ) -> Result<(), Vec<Observation>> {
        let Some(key) = self.find(id) else { return Err(observations) };
        let live = self.open(key, now);
        let Some(row) = live.row_of(id).and_then(|row| live.row(row)) else { return Err(observations) };
        let mut packet = row.packet.clone();
        packet.observations.extend(observations);
        let (old, new) = Arc::make_mut(live).put(packet);
        self.account(old.as_deref(), Some(&new));
        Ok(())
    }

    /// Takes a packet out.
    pub fn remove(&mut self, id: i64, now: UnixMillis) {
        if let Some(key) = self.find(id) {
            self.remove_from(key, id, now);
        }
    }

    /// Says who the numbers are from now on.
    pub fn set_people(&mut self, people: People) {
        self.people = Arc::new(people);
        self.dirty = true;
    }

    /// Says that they are who they are in another view, whose numbers are the same.
    pub fn share_people(&mut self, snapshot: &Snapshot) {
        self.people = Arc::clone(&snapshot.people);
        self.dirty = true;
    }

    /// Says which part of the history is in memory.
    pub fn set_coverage(&mut self, coverage: Coverage) {
        self.dirty |= self.coverage != coverage;
        self.coverage = coverage;
    }

    /// Notes an observation that is new to the mesh, for those who follow.
    pub fn note(&mut self, packet: i64, observation: i64) {
        self.news.push(Change { seq: 0, packet, observation });
    }

    /// Takes in a block that was sealed before, in the place of what is there under its key.
    pub(crate) fn adopt(&mut self, key: BlockKey, sealed: Sealed, unsaved: bool) {
        self.drop_block(key);
        let partials = sealed.partials();
        Arc::make_mut(&mut self.totals).merge(&partials.totals, Sign::Add);
        self.put_sealed(key, sealed, unsaved);
    }

    /// Seals what has come to rest.
    pub fn settle(&mut self, now: UnixMillis) {
        self.sweep();
        self.seal_quiet(now);
        self.fold_old(now);
    }

    /// Shows readers what has changed.
    pub fn publish(&mut self) {
        if !self.dirty && self.news.is_empty() {
            return;
        }
        for kept in self.blocks.values_mut().filter(|kept| kept.stale) {
            kept.entry.summary = Arc::new(kept.entry.block.summary().into_owned());
            kept.stale = false;
        }
        self.generation += 1;
        let names = self.numbering.names();
        let snapshot = Snapshot {
            generation: self.generation,
            live: (0..)
                .zip(self.blocks.values())
                .filter(|(_, kept)| kept.is_live())
                .map(|(n, _)| n)
                .collect(),
            entries: self.blocks.values().map(|kept| kept.entry.clone()).collect(),
            hashes: Arc::clone(&self.hashes),
            slots: Arc::clone(&self.slots),
            totals: Arc::clone(&self.totals),
            people: Arc::clone(&self.people),
            coverage: self.coverage,
            bytes: self.bytes(),
            names,
        };
        let old = self.view.current.swap(Arc::new(snapshot));
        self.retire(old);
        self.view.ring.push(self.news.drain(..));
        self.dirty = false;
    }

    /// Figures over everything, published or not.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Keeps an old snapshot until nobody reads it, so that no reader has to take it apart.
    fn retire(&mut self, old: Arc<Snapshot>) {
        self.sweep();
        if Arc::strong_count(&old) > 1 && self.retired.len() < MOST_RETIRED {
            self.retired.push(old);
        }
    }

    /// Takes old snapshots apart that nobody reads any more.
    fn sweep(&mut self) {
        self.retired.retain(|snapshot| Arc::strong_count(snapshot) > 1);
    }

    /// All names so far.
    pub(super) fn names(&self) -> Arc<Names> {
        self.numbering.names()
    }

    /// Which part of the history is in memory.
    pub const fn coverage(&self) -> Coverage {
        self.coverage
    }

    /// All blocks, and whether the snapshot file lacks them.
    pub(super) fn saved_blocks(&self) -> impl Iterator<Item = (BlockKey, &Block, bool)> {
        self.blocks.values().map(|kept| (kept.entry.key, &kept.entry.block, kept.unsaved))
    }

    /// Notes that the snapshot file has everything, or that nobody knows what it has.
    pub(super) fn mark_saved(&mut self, is_saved: bool) {
        self.blocks.values_mut().for_each(|kept| kept.unsaved = !is_saved);
    }

    /// Forgets everything but the names.
    pub fn clear(&mut self) {
        while let Some((key, _)) = self.blocks.first_key_value() {
            self.drop_block(*key);
        }
    }

    /// Seals packets of one hour, ascending by id, and takes them in beside what is there.
    pub fn adopt_hour(&mut self, block: SealedHour) {
        let hour = block.hour;
        for sealed in block.blocks {
            let of_hour = self.blocks.range(BlockKey { hour, part: 0 }..=BlockKey { hour, part: u16::MAX });
            let part = of_hour.last().map_or(0, |(key, _)| key.part.saturating_add(1));
            self.adopt(BlockKey { hour, part }, sealed, true);
        }
    }

    /// Stays within `limit` bytes: the frames of the oldest hours go first, then the oldest hours. Says whether an hour
    /// had to go.
    pub fn shrink_to(&mut self, limit: usize) -> bool {
        let mut bytes = self.bytes();
        for kept in self.blocks.values_mut() {
            if bytes <= limit {
                return false;
            }
            let freed = kept.drop_frames();
            self.dirty |= freed > 0;
            bytes = bytes.saturating_sub(freed);
        }
        let mut has_dropped = false;
        while bytes > limit {
            // The newest hour stays: without it there is nothing to look at.
            let Some(oldest) = self.oldest_of_several() else { break };
            bytes = bytes.saturating_sub(self.drop_hour(oldest));
            has_dropped = true;
        }
        has_dropped
    }

    /// Forgets hours before `time`.
    pub fn forget_before(&mut self, time: UnixMillis) {
        while let Some(oldest) = self.oldest_of_several().filter(|hour| *hour < Hour::of(time)) {
            self.drop_hour(oldest);
        }
    }

    fn oldest_of_several(&self) -> Option<Hour> {
        let (first, last) = (self.blocks.first_key_value()?.0.hour, self.blocks.last_key_value()?.0.hour);
        (first < last).then_some(first)
    }

    /// Forgets an hour and all before it; gives the bytes.
    fn drop_hour(&mut self, hour: Hour) -> usize {
        let keys: Vec<BlockKey> =
            self.blocks.range(..=BlockKey { hour, part: u16::MAX }).map(|(key, _)| *key).collect();
        let (mut bytes, mut beyond) = (0, self.coverage.beyond);
        for key in keys {
            if let Some(kept) = self.blocks.get(&key) {
                bytes += kept.entry.block.size();
                beyond = beyond.max(kept.entry.block.summary().ids.1);
            }
            self.drop_block(key);
        }
        let next = Hour(hour.0.saturating_add(1)).start();
        let since = self.coverage.since.map_or(next, |since| since.max(next));
        self.set_coverage(Coverage { since: Some(since), beyond, ..self.coverage });
        bytes
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        let size = |entry: &Entry| entry.block.size() + entry.arrivals.get().map_or(0, Arrivals::size);
        let blocks: usize = self.blocks.values().map(|kept| size(&kept.entry)).sum();
        blocks + self.hashes.size() + self.totals.size() + self.people.size()
    }

    fn find(&self, id: i64) -> Option<BlockKey> {
        let may_hold = |kept: &&Kept| {
            let (first, last) = kept.entry.summary.ids;
            kept.stale || (first <= id && id <= last)
        };
        let mut holding = self.blocks.values().rev().filter(may_hold);
        holding.find(|kept| kept.entry.block.row_of(id).is_some()).map(|kept| kept.entry.key)
    }

    /// The block of an hour that has room for one more.
    fn room_in(&self, hour: Hour) -> BlockKey {
        let of_hour = self.blocks.range(BlockKey { hour, part: 0 }..=BlockKey { hour, part: u16::MAX });
        match of_hour.last() {
            Some((key, kept)) if kept.entry.block.len() < MOST_ROWS => *key,
            Some((key, _)) => BlockKey { hour, part: key.part.saturating_add(1) },
            None => BlockKey { hour, part: 0 },
        }
    }

    /// The block, to be changed.
    fn open(&mut self, key: BlockKey, now: UnixMillis) -> &mut Arc<Live> {
        self.dirty = true;
        let kept = self.blocks.entry(key).or_insert_with(|| Kept {
            entry: Entry {
                key,
                block: Block::Live(Arc::default()),
                summary: Arc::default(),
                arrivals: Arc::default(),
            },
            touched: now,
            unsaved: true,
            stale: true,
        });
        (kept.touched, kept.unsaved, kept.stale) = (now, true, true);
        kept.entry.arrivals = Arc::default();
        if let Block::Sealed(sealed) = &kept.entry.block {
            kept.entry.block = Block::Live(Arc::new(Live::of(sealed)));
        }
        match &mut kept.entry.block {
            Block::Live(live) => live,
            Block::Sealed(_) => unreachable!("it has just been opened"),
        }
    }

    fn remove_from(&mut self, key: BlockKey, id: i64, now: UnixMillis) {
        let live = self.open(key, now);
        let old = Arc::make_mut(live).remove(id);
        let is_empty = live.rows().is_empty();
        self.account(old.as_deref(), None);
        if is_empty {
            self.blocks.remove(&key);
        }
    }

    fn account(&mut self, old: Option<&LiveRow>, new: Option<&LiveRow>) {
        let totals = Arc::make_mut(&mut self.totals);
        if let Some(old) = old {
            totals.apply(&old.packet, &old.digest, Sign::Retract);
        }
        if let Some(new) = new {
            totals.apply(&new.packet, &new.digest, Sign::Add);
        }
    }

    fn live_keys(&self) -> Vec<BlockKey> {
        let live = self.blocks.values().filter(|kept| kept.is_live());
        live.map(|kept| kept.entry.key).collect()
    }

    fn seal_quiet(&mut self, now: UnixMillis) {
        let mut live: Vec<(UnixMillis, BlockKey)> = self
            .live_keys()
            .into_iter()
            .filter_map(|key| Some((self.blocks.get(&key)?.touched, key)))
            .collect();
        live.sort_unstable();
        let too_many = live.len().saturating_sub(MOST_LIVE);
        for (index, (touched, key)) in live.into_iter().enumerate() {
            let is_over = key.hour < Hour::of(now);
            let is_quiet = is_over && now.get() - touched.get() >= QUIET_MILLIS;
            if index < too_many || is_quiet {
                self.seal(key);
            }
        }
    }

    fn fold_old(&mut self, now: UnixMillis) {
        let fold = BlockKey { hour: folded_before(now), part: 0 };
        for (_, kept) in self.blocks.range_mut(..fold) {
            self.dirty |= kept.fold();
        }
    }

    fn seal(&mut self, key: BlockKey) {
        let Some(Kept { entry: Entry { block: Block::Live(live), .. }, .. }) = self.blocks.get(&key) else {
            return;
        };
        let sealed = live.seal();
        self.put_sealed(key, sealed, true);
    }

    fn put_sealed(&mut self, key: BlockKey, sealed: Sealed, unsaved: bool) {
        self.dirty = true;
        let summary = Arc::new(sealed.summary().clone());
        let sealed = Arc::new(sealed);
        let entry =
            Entry { key, block: Block::Sealed(Arc::clone(&sealed)), summary, arrivals: Arc::default() };
        let kept = Kept { entry, touched: UnixMillis::default(), unsaved, stale: false };
        self.blocks.insert(key, kept);
        let slot = self.slot_of(key);
        let (slots, blocks) = (Arc::clone(&self.slots), &self.blocks);
        let hash_at = |slot: Slot, row: u16| {
            let key = (*slots.get(usize::from(slot))?)?;
            let block = &blocks.get(&key)?.entry.block;
            let row = usize::from(row);
            (row < block.len()).then(|| block.hash(row))
        };
        let hashes = (0..sealed.len()).map(|row| sealed.hash(row));
        Arc::make_mut(&mut self.hashes).insert(slot, hashes, hash_at);
    }

    /// The number of a block in the index of hashes; one that has none gets one that is free.
    fn slot_of(&mut self, key: BlockKey) -> Slot {
        let slots = Arc::make_mut(&mut self.slots);
        let of_key = slots.iter().position(|slot| *slot == Some(key));
        let place = of_key.or_else(|| slots.iter().position(Option::is_none)).unwrap_or(slots.len());
        match slots.get_mut(place) {
            Some(slot) => *slot = Some(key),
            None => slots.push(Some(key)),
        }
        Slot::try_from(place).unwrap_or(Slot::MAX)
    }

    /// Forgets a block and what it added up to.
    pub(crate) fn drop_block(&mut self, key: BlockKey) {
        let Some(kept) = self.blocks.remove(&key) else { return };
        self.dirty = true;
        Arc::make_mut(&mut self.totals).merge(&kept.entry.block.partials().totals, Sign::Retract);
        if let Some(slot) = Arc::make_mut(&mut self.slots).iter_mut().find(|slot| **slot == Some(key)) {
            *slot = None;
        }
    }
}
