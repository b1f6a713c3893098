//! Everything that fits into memory: from the snapshot file, or from the database, the newest first.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, bounded};
use tracing::{info, warn};

use super::super::load::Loader;
use super::super::tail::Tail;
use super::super::{StoreError, changes};
use super::LiveViewOptions;
use super::work::Work;
use crate::UnixMillis;
use crate::view::archive::{Archive, Identity};
use crate::view::{Coverage, ENCODING, Hour, Loading, Numbering, Packet, Restoring, SealedHour};

/// Packets read at once while loading.
const CHUNK: i64 = 256;
/// Threads that read while loading.
const READERS: usize = 2;
/// Packets that wait for the rest of their hour while loading; more of them, in a database whose times are in disorder,
/// are sealed as they are.
const MOST_WAITING: usize = 20_000;

impl Work {
    /// Loads everything that fits, from the snapshot file or the database.
    pub(super) fn fill(&mut self) -> Result<(), StoreError> {
        let started = Instant::now();
        self.refresh_people()?;
        let restored = match self.restoring.take() {
            Some(restoring) => self.restore(restoring)?,
            None => false,
        };
        if !restored {
            self.load()?;
        }
        if self.is_closing() {
            return Ok(()); // what is loaded may be a part: it is not saved
        }
        self.is_loading = false;
        self.budget.measure_again();
        self.catch_up()?;
        let deferred: Vec<i64> = std::mem::take(&mut self.deferred).into_iter().collect();
        let now = self.now();
        for (id, packet) in self.loader.packets(&deferred)? {
            match packet {
                Some(packet) => self.keeper.put(packet, now),
                None => self.keeper.remove(id, now),
            }
        }
        self.settle();
        let totals = self.keeper.view().snapshot().totals().clone();
        info!(
            from = if restored { "snapshot file" } else { "database" },
            packets = totals.packets,
            observations = totals.observations,
            bytes = self.keeper.bytes(),
            ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            "the view is complete"
        );
        if restored && self.keeper.coverage().since.is_none() && !self.agrees()? {
            warn!("the snapshot file does not agree with the database: everything is read again");
            return self.reload();
        }
        Ok(())
    }

    /// Takes the blocks of the snapshot file; false when one of them is damaged, so that all of them went.
    pub(super) fn restore(&mut self, mut restoring: Restoring) -> Result<bool, StoreError> {
        while !self.is_closing() {
            match restoring.next_block() {
                Ok(Some(block)) => {
                    self.keeper.restore(block);
                    self.cover(restoring.covered(), restoring.remaining() > 0);
                    if self.shrink() {
                        self.cover(self.keeper.coverage(), false);
                        break;
                    }
                    self.catch_up()?;
                }
                Ok(None) => {
                    self.cover(restoring.covered(), false);
                    break;
                }
                Err(error) => {
                    warn!(%error, "the snapshot file is damaged: it is not used");
                    self.keeper.clear();
                    return Ok(false);
                }
            }
        }
        if self.archive.is_some() {
            self.archive = Some(restoring.into_archive());
        }
        Ok(true)
    }

    /// Reads the database, the newest packets first, until all is read or memory is full.
    pub(super) fn load(&mut self) -> Result<(), StoreError> {
        let newest = self.loader.watermarks()?.packet;
        let nothing = Coverage { since: Some(UnixMillis::new(i64::MAX)), beyond: newest, loading: None };
        self.cover(nothing, true);
        let next = AtomicI64::new(newest);
        let enough = AtomicBool::new(false);
        let options = self.options.clone();
        let numbering = Arc::clone(&self.numbering);
        thread::scope(|scope| {
            let (sender, chunks) = bounded(READERS);
            for _ in 0..READERS {
                let (sender, next, enough) = (sender.clone(), &next, &enough);
                let (options, numbering) = (&options, &numbering);
                scope.spawn(move || {
                    let result = read_chunks(options, numbering, next, enough, &sender);
                    if let Err(error) = result {
                        // An error means that nobody waits for it any more.
                        let _ = sender.send(Err(error));
                    }
                });
            }
            drop(sender);
            let result = self.gather(newest, &chunks);
            enough.store(true, Ordering::Relaxed);
            drop(chunks);
            result
        })
    }

    /// Puts chunks in order, and their packets into hours. An hour to which a chunk adds nothing is complete.
    pub(super) fn gather(
        &mut self,
        newest: i64,
        chunks: &Receiver<Result<(i64, Vec<Packet>), StoreError>>,
    ) -> Result<(), StoreError> {
        let mut early: BTreeMap<i64, Vec<Packet>> = BTreeMap::new();
        let mut waiting: BTreeMap<Hour, Vec<Packet>> = BTreeMap::new();
        let mut expected = newest;
        for chunk in chunks {
            let (highest, packets) = chunk?;
            early.insert(highest, packets);
            while let Some(packets) = early.remove(&expected) {
                expected -= CHUNK;
                let mut touched = BTreeSet::new();
                for packet in packets {
                    let hour = Hour::of(packet.first_seen);
                    touched.insert(hour);
                    waiting.entry(hour).or_default().push(packet);
                }
                let crowded = waiting.values().map(Vec::len).sum::<usize>() > MOST_WAITING;
                let complete = |hour: &Hour| crowded || !touched.contains(hour);
                let hours: Vec<Hour> = waiting.keys().rev().copied().filter(complete).collect();
                for hour in hours {
                    let packets = waiting.remove(&hour).unwrap_or_default();
                    let beyond = waiting.values().flatten().map(|packet| packet.id).max();
                    if !self.seal(hour, packets, beyond.map_or(expected, |id| id.max(expected)))? {
                        return Ok(());
                    }
                }
            }
            if self.is_closing() {
                return Ok(());
            }
        }
        while let Some((hour, packets)) = waiting.pop_last() {
            let beyond = waiting.values().flatten().map(|packet| packet.id).max();
            if !self.seal(hour, packets, beyond.unwrap_or(0))? {
                return Ok(());
            }
        }
        self.cover(Coverage::default(), false);
        Ok(())
    }

    /// Seals an hour; packets with ids up to `beyond` are still missing. Says whether there is room for another.
    pub(super) fn seal(
        &mut self,
        hour: Hour,
        mut packets: Vec<Packet>,
        beyond: i64,
    ) -> Result<bool, StoreError> {
        packets.sort_unstable_by_key(|packet| packet.id);
        let now = self.now();
        if self.options.keep_hours.is_some_and(|hours| hour.0 + hours < Hour::of(now).0) {
            let since = Hour(hour.0 + 1).start();
            let beyond = packets.last().map_or(beyond, |packet| packet.id.max(beyond));
            self.cover(Coverage { since: Some(since), beyond, loading: None }, false);
            return Ok(false);
        }
        self.keeper.adopt_hour(SealedHour::of(hour, &packets, now));
        let since =
            self.keeper.coverage().since.map_or_else(|| hour.start(), |since| since.min(hour.start()));
        self.cover(Coverage { since: Some(since), beyond, loading: None }, true);
        let is_full = self.shrink();
        if is_full {
            self.cover(self.keeper.coverage(), false);
        }
        self.catch_up()?;
        Ok(!is_full)
    }

    pub(super) fn cover(&mut self, coverage: Coverage, is_loading: bool) {
        let loading = is_loading.then(|| Loading {
            loaded: u64::try_from(self.keeper.totals().packets).unwrap_or(0),
            total: u64::try_from(self.tail.watermarks().packet).unwrap_or(0),
        });
        self.keeper.set_coverage(Coverage { loading, ..coverage });
    }

    /// Whether there is as much in memory as in the database.
    pub(super) fn agrees(&mut self) -> Result<bool, StoreError> {
        let counts = self.loader.counts(self.tail.watermarks())?;
        let totals = self.keeper.view().snapshot().totals().clone();
        Ok(counts == (totals.packets, totals.observations))
    }

    pub(super) fn reload(&mut self) -> Result<(), StoreError> {
        self.keeper.clear();
        self.is_loading = true;
        let database = &self.options.database;
        let identity = Identity { database: changes::identity(database)?, encoding: ENCODING };
        self.archive = self.options.snapshot.as_deref().map(|path| Archive::new(path, identity));
        let newest = self.loader.watermarks()?;
        self.tail = Tail::open(database, &self.numbering, &self.options.keys, newest)?;
        self.fill()
    }
}

/// Reads chunks until none is left, or it is enough.
fn read_chunks(
    options: &LiveViewOptions,
    numbering: &Arc<Numbering>,
    next: &AtomicI64,
    enough: &AtomicBool,
    sender: &Sender<Result<(i64, Vec<Packet>), StoreError>>,
) -> Result<(), StoreError> {
    let loader = Loader::open(&options.database, numbering, &options.keys)?;
    while !enough.load(Ordering::Relaxed) {
        let highest = next.fetch_sub(CHUNK, Ordering::Relaxed);
        if highest <= 0 {
            break;
        }
        let packets = loader.packets_in(highest - CHUNK + 1..=highest)?;
        if sender.send(Ok((highest, packets))).is_err() {
            break;
        }
    }
    Ok(())
}
