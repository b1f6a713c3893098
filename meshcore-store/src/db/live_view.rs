//! A view that keeps step with its database, on a thread of its own.
//!
//! At the start it takes what the snapshot file holds and what was committed since; without a usable file it reads the
//! database, the newest hours first. Readers are served from the first hour on. Then it follows: whoever commits in this
//! process wakes it, and commits of other processes are seen within [`POLL`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use meshcore_proto::KeyRing;
use serde::{Deserialize, Serialize};
use tracing::{info, warn};

use super::history::History;
use super::load::{Loader, Watermarks};
use super::tail::{Batch, Tail};
use super::{StoreError, changes};
use crate::view::archive::{Archive, Identity};
use crate::view::budget::Budget;
use crate::view::{
    Coverage, ENCODING, Hour, Keeper, Loading, Numbering, Packet, People, Restoring, SealedHour, View,
};
use crate::{UnixMillis, Visibility};

/// How soon commits of another process are seen.
const POLL: Duration = Duration::from_millis(100);
/// Observations applied at once: readers see them together.
const BATCH: usize = 2_000;
/// Packets read at once while loading.
const CHUNK: i64 = 256;
/// Threads that read while loading.
const READERS: usize = 2;
/// Packets that wait for the rest of their hour while loading; more of them, in a database whose times are in disorder,
/// are sealed as they are.
const MOST_WAITING: usize = 20_000;
/// Names and places of nodes are looked at again after an advert, but not more often than this.
const PEOPLE_AGAIN: Duration = Duration::from_secs(1);
/// The same without an advert: nodes may be put aside or deleted.
const PEOPLE_AT_LEAST: Duration = Duration::from_secs(30);
/// How often readers are shown what has been loaded so far.
const SHOW_EVERY: Duration = Duration::from_millis(50);
/// Time between two attempts to load.
const RETRY: Duration = Duration::from_secs(2);
/// Time between two saves of the snapshot file.
const SAVE_EVERY: Duration = Duration::from_secs(300);

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> UnixMillis + Send + Sync>;

/// Which database to keep a view of, and how much of it.
#[derive(Clone)]
pub struct LiveViewOptions {
    /// The database.
    pub database: PathBuf,
    /// The snapshot file; `None`: none is read or written.
    pub snapshot: Option<PathBuf>,
    /// Channel keys.
    pub keys: Arc<KeyRing>,
    /// Who is not shown.
    pub visibility: Arc<Visibility>,
    /// Bytes that the process may take; `None`: no limit.
    pub budget: Option<usize>,
    /// Hours of history that are kept in memory; `None`: all.
    pub keep_hours: Option<u32>,
    /// The time.
    pub clock: Clock,
}

impl LiveViewOptions {
    /// Everything of `database`, shown to everybody, with a snapshot file beside it.
    pub fn new(database: &Path, clock: Clock) -> Self {
        let mut snapshot = database.as_os_str().to_owned();
        snapshot.push(".view");
        Self {
            database: database.to_owned(),
            snapshot: Some(snapshot.into()),
            keys: Arc::default(),
            visibility: Arc::default(),
            budget: None,
            keep_hours: None,
            clock,
        }
    }

    const fn kept(&self) -> Kept {
        Kept { budget: self.budget, hours: self.keep_hours }
    }
}

/// A view that keeps step with its database. Dropping it saves the snapshot file and ends it.
#[derive(Debug)]
pub struct LiveView {
    view: Arc<View>,
    history: Arc<History>,
    wake: Sender<()>,
    closing: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl LiveView {
    /// Starts to load. The view fills while readers use it; [`Coverage`] says how far it is.
    ///
    /// # Errors
    /// [`StoreError`], when the database cannot be read.
    pub fn start(options: LiveViewOptions) -> Result<Self, StoreError> {
        let (wake, woken) = bounded(1);
        let closing = Arc::new(AtomicBool::new(false));
        let mut work = Work::start(options, Arc::clone(&closing))?;
        let view = Arc::clone(work.keeper.view());
        let history = Arc::new(work.history());
        let thread = thread::Builder::new()
            .name("view".into())
            .spawn(move || work.run(&woken))
            .map_err(StoreError::Thread)?;
        Ok(Self { view, history, wake, closing, thread: Some(thread) })
    }

    /// What readers share.
    pub const fn view(&self) -> &Arc<View> {
        &self.view
    }

    /// Packets wherever they are.
    pub const fn history(&self) -> &Arc<History> {
        &self.history
    }

    /// Says that something was committed in this process.
    pub fn wake(&self) {
        // It is already awake when the channel is full.
        let _ = self.wake.try_send(());
    }

    /// The same for those who outlive a borrow.
    pub fn waker(&self) -> Sender<()> {
        self.wake.clone()
    }
}

impl Drop for LiveView {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Relaxed);
        self.wake();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the view ended with a panic");
        }
    }
}

/// What the thread owns.
struct Work {
    options: LiveViewOptions,
    closing: Arc<AtomicBool>,
    numbering: Arc<Numbering>,
    loader: Loader,
    tail: Tail,
    keeper: Keeper,
    budget: Budget,
    archive: Option<Archive>,
    restoring: Option<Restoring>,
    /// Packets that changed before they were loaded: they are read again at the end.
    deferred: BTreeSet<i64>,
    is_loading: bool,
    people_at: Option<Instant>,
    has_adverts: bool,
    saved_at: Instant,
    shown_at: Instant,
}

/// What the snapshot file says for us.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    watermarks: Watermarks,
    /// How much of the history was to be kept.
    kept: Kept,
}

/// How much of the history is to be kept: a file with a part of it is of use only if as much is wanted now.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    budget: Option<usize>,
    hours: Option<u32>,
}

impl Work {
    fn start(options: LiveViewOptions, closing: Arc<AtomicBool>) -> Result<Self, StoreError> {
        let identity = Identity { database: changes::identity(&options.database)?, encoding: ENCODING };
        let restoring = options.snapshot.as_deref().and_then(|path| open_snapshot(path, identity));
        let archive = options.snapshot.as_deref().map(|path| Archive::new(path, identity));
        let numbering = match &restoring {
            Some((restoring, _)) => Numbering::new(restoring.names().clone()),
            None => Numbering::default(),
        };
        let numbering = Arc::new(numbering);
        let loader = Loader::open(&options.database, &numbering, &options.keys)?;
        let newest = loader.watermarks()?;
        let restoring = restoring.filter(|(restoring, note)| {
            let is_known =
                note.watermarks.packet <= newest.packet && note.watermarks.observation <= newest.observation;
            if !is_known {
                warn!("the snapshot file knows more than the database: it is not used");
            }
            let is_enough = restoring.coverage().since.is_none() || note.kept == options.kept();
            if !is_enough {
                info!("the snapshot file holds another part of the history than is wanted: it is not used");
            }
            is_known && is_enough
        });
        let (restoring, watermarks) =
            restoring.map_or((None, newest), |(r, note)| (Some(r), note.watermarks));
        let tail = Tail::open(&options.database, &numbering, &options.keys, watermarks)?;
        Ok(Self {
            keeper: Keeper::new(Arc::clone(&numbering)),
            budget: Budget::new(options.budget),
            closing,
            numbering,
            loader,
            tail,
            archive,
            restoring,
            deferred: BTreeSet::new(),
            is_loading: true,
            people_at: None,
            has_adverts: false,
            saved_at: Instant::now(),
            shown_at: Instant::now().checked_sub(SHOW_EVERY).unwrap_or_else(Instant::now),
            options,
        })
    }

    fn history(&self) -> History {
        let LiveViewOptions { database, keys, .. } = &self.options;
        History::new(
            Arc::clone(self.keeper.view()),
            database.clone(),
            Arc::clone(&self.numbering),
            Arc::clone(keys),
        )
    }

    fn now(&self) -> UnixMillis {
        (self.options.clock)()
    }

    fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    fn run(&mut self, woken: &Receiver<()>) {
        let mut filled = self.fill();
        while let Err(error) = filled {
            if self.is_closing() {
                return;
            }
            tracing::error!(%error, "the view cannot be loaded; it is tried again");
            thread::sleep(RETRY);
            filled = self.reload();
        }
        while !self.is_closing() {
            // Woken or not: what other processes commit is seen by looking.
            if let Err(RecvTimeoutError::Disconnected) = woken.recv_timeout(POLL) {
                thread::sleep(POLL);
            }
            if let Err(error) = self.follow() {
                tracing::error!(%error, "the view cannot follow the database");
                thread::sleep(POLL);
            }
            if self.saved_at.elapsed() >= SAVE_EVERY {
                self.save();
            }
        }
        self.save();
    }

    /// Loads everything that fits, from the snapshot file or the database.
    fn fill(&mut self) -> Result<(), StoreError> {
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
    fn restore(&mut self, mut restoring: Restoring) -> Result<bool, StoreError> {
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
    fn load(&mut self) -> Result<(), StoreError> {
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
    fn gather(
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
    fn seal(&mut self, hour: Hour, mut packets: Vec<Packet>, beyond: i64) -> Result<bool, StoreError> {
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

    fn cover(&mut self, coverage: Coverage, is_loading: bool) {
        let loading = is_loading.then(|| Loading {
            loaded: u64::try_from(self.keeper.totals().packets).unwrap_or(0),
            total: u64::try_from(self.tail.watermarks().packet).unwrap_or(0),
        });
        self.keeper.set_coverage(Coverage { loading, ..coverage });
    }

    /// Applies what was committed since, and shows it.
    fn follow(&mut self) -> Result<(), StoreError> {
        if self.tail.has_changed()? {
            self.catch_up()?;
        }
        let age = self.people_at.map_or(Duration::MAX, |at| at.elapsed());
        if age >= PEOPLE_AT_LEAST || (self.has_adverts && age >= PEOPLE_AGAIN) {
            self.refresh_people()?;
        }
        self.settle();
        Ok(())
    }

    fn catch_up(&mut self) -> Result<(), StoreError> {
        loop {
            let batch = self.tail.next(BATCH)?;
            if batch.reload && !self.is_loading {
                return self.reload();
            }
            let is_last = batch.is_last;
            self.apply(batch)?;
            // While hours are taken in by the hundred, showing each would cost more than taking it in.
            if !self.is_loading || self.shown_at.elapsed() >= SHOW_EVERY {
                self.keeper.publish();
                self.shown_at = Instant::now();
            }
            if is_last {
                return Ok(());
            }
        }
    }

    fn apply(&mut self, batch: Batch) -> Result<(), StoreError> {
        let now = self.now();
        for (id, packet) in batch.packets {
            let Some(packet) = packet else {
                self.keeper.remove(id, now);
                self.deferred.remove(&id);
                continue;
            };
            let is_covered = self.keeper.coverage().since.is_none_or(|since| packet.first_seen >= since);
            if self.is_loading && !is_covered {
                self.deferred.insert(id);
            }
            self.has_adverts |= packet.originator.is_some();
            for observation in packet.observations.iter().filter(|o| o.id > batch.after.observation) {
                self.keeper.note(id, observation.id);
            }
            self.keeper.put(packet, now);
        }
        for (id, observations) in batch.observations {
            observations.iter().for_each(|observation| self.keeper.note(id, observation.id));
            // A packet that is not in memory is read with all its observations when it is asked for, or when it is loaded.
            if self.keeper.observe(id, observations, now).is_err() && self.is_loading {
                self.deferred.insert(id);
            }
        }
        Ok(())
    }

    /// Seals, forgets what is too old or too much, and shows it.
    fn settle(&mut self) {
        let now = self.now();
        if let Some(hours) = self.options.keep_hours {
            self.keeper.forget_before(now.plus_millis(-i64::from(hours) * 3_600_000));
        }
        self.keeper.settle(now);
        self.shrink();
        self.keeper.publish();
    }

    /// Stays within the budget; says whether an hour had to go.
    fn shrink(&mut self) -> bool {
        self.budget.limit(self.keeper.bytes()).is_some_and(|limit| self.keeper.shrink_to(limit))
    }

    fn refresh_people(&mut self) -> Result<(), StoreError> {
        let rows = self.loader.people()?;
        let names = self.numbering.names();
        let people = People::of(&names, rows.nodes, rows.observers, &self.options.visibility);
        self.keeper.set_people(people);
        self.people_at = Some(Instant::now());
        self.has_adverts = false;
        Ok(())
    }

    /// Whether there is as much in memory as in the database.
    fn agrees(&mut self) -> Result<bool, StoreError> {
        let counts = self.loader.counts(self.tail.watermarks())?;
        let totals = self.keeper.view().snapshot().totals().clone();
        Ok(counts == (totals.packets, totals.observations))
    }

    fn reload(&mut self) -> Result<(), StoreError> {
        self.keeper.clear();
        self.is_loading = true;
        let database = &self.options.database;
        let identity = Identity { database: changes::identity(database)?, encoding: ENCODING };
        self.archive = self.options.snapshot.as_deref().map(|path| Archive::new(path, identity));
        let newest = self.loader.watermarks()?;
        self.tail = Tail::open(database, &self.numbering, &self.options.keys, newest)?;
        self.fill()
    }

    fn save(&mut self) {
        self.saved_at = Instant::now();
        let Some(archive) = &mut self.archive else { return };
        if self.is_loading {
            return; // what is loaded is not all that there is
        }
        let note = Note { watermarks: self.tail.watermarks(), kept: self.options.kept() };
        let note = postcard::to_allocvec(&note).unwrap_or_default();
        match self.keeper.save(archive, &note) {
            Ok(saved) => tracing::debug!(written = saved.written, size = saved.size, "snapshot file saved"),
            Err(error) => warn!(%error, "the snapshot file cannot be saved"),
        }
    }
}

/// Opens the snapshot file; one that is of no use is ignored.
fn open_snapshot(path: &Path, identity: Identity) -> Option<(Restoring, Note)> {
    let archive = match Archive::open(path, identity) {
        Ok(archive) => archive?,
        Err(error) => {
            warn!(%error, "the snapshot file is not used");
            return None;
        }
    };
    let restoring = Restoring::new(archive);
    let note = restoring.as_ref().and_then(|restoring| postcard::from_bytes(restoring.note()).ok());
    if note.is_none() {
        warn!("the snapshot file is not understood, and not used");
    }
    Some((restoring?, note?))
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
