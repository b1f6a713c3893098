//! From the database into the view.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use anyhow::Result;
use meshcore_store::UnixMillis;
use meshcore_store::db::Loader;
use meshcore_store::view::{Keeper, Numbering, Packet};

use crate::process::{Loaded, Memory, Said};

const THREADS: usize = 2;
/// Packets a thread reads at once: what is read and not yet taken in leaves holes in memory.
const CHUNK: i64 = 100;
/// Chunks between two times that readers are shown them.
const PUBLISH: usize = 8;

/// Loads everything and tells what it costs.
pub(crate) fn measure(database: &Path) -> Result<()> {
    let mut source = Source::open(database)?;
    source.load(i64::MAX)?;
    let snapshot = source.keeper.view().snapshot();
    let totals = snapshot.totals();
    let memory = Memory::now()?;
    let (packets, observations) = (totals.packets, totals.observations);
    Said::Complete(Loaded { packets, observations, bytes: snapshot.bytes(), memory }).tell()?;
    let mut columns = BTreeMap::<String, usize>::new();
    snapshot.sizes(|name, bytes| *columns.entry(name).or_default() += bytes);
    let mut columns: Vec<_> = columns.into_iter().filter(|(_, bytes)| *bytes > 0).collect();
    columns.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    columns.into_iter().try_for_each(|(name, bytes)| Said::Column { name, bytes }.tell())
}

/// A database and the view of it.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    database: &'a Path,
    numbering: Arc<Numbering>,
    pub(crate) keeper: Keeper,
    /// Id of the newest packet.
    pub(crate) newest: i64,
    /// When the newest that was taken in was first heard: the clock of what is measured.
    pub(crate) now: UnixMillis,
}

impl<'a> Source<'a> {
    pub(crate) fn open(database: &'a Path) -> Result<Self> {
        let numbering = Arc::new(Numbering::default());
        let newest = Loader::open(database, &numbering, &Arc::default())?.watermarks()?.packet;
        let keeper = Keeper::new(Arc::clone(&numbering));
        Ok(Self { database, numbering, keeper, newest, now: UnixMillis::default() })
    }

    /// Takes in all packets up to `last`, the newest first.
    pub(crate) fn load(&mut self, last: i64) -> Result<()> {
        let last = last.min(self.newest);
        let (database, numbering) = (self.database, &self.numbering);
        let newest = Loader::open(database, numbering, &Arc::default())?.packets_in(last..=last)?;
        self.now = newest.first().map(|packet| packet.first_seen).unwrap_or_default();
        let next = AtomicI64::new(last);
        let read = |chunks: mpsc::SyncSender<Vec<Packet>>| -> Result<()> {
            let loader = Loader::open(database, numbering, &Arc::default())?;
            loop {
                let high = next.fetch_sub(CHUNK, Ordering::Relaxed);
                if high <= 0 {
                    return Ok(());
                }
                chunks.send(loader.packets_in((high - CHUNK + 1).max(1)..=high)?)?;
            }
        };
        thread::scope(|scope| {
            let (sender, chunks) = mpsc::sync_channel(2 * THREADS);
            let readers: Vec<_> = (0..THREADS)
                .map(|_| {
                    let (sender, read) = (sender.clone(), &read);
                    scope.spawn(move || read(sender))
                })
                .collect();
            drop(sender);
            for (chunk, packets) in chunks.into_iter().enumerate() {
                packets.into_iter().for_each(|packet| self.keeper.put(packet, self.now));
                if chunk % PUBLISH == PUBLISH - 1 {
                    self.keeper.settle(self.now);
                    self.keeper.publish();
                }
            }
            self.keeper.settle(self.now);
            self.keeper.publish();
            readers.into_iter().try_for_each(|reader| reader.join().expect("readers do not panic"))
        })
    }

    /// Packets that are not taken in, ascending by id.
    pub(crate) fn packets_after(&self, id: i64) -> Result<Vec<Packet>> {
        let loader = Loader::open(self.database, &self.numbering, &Arc::default())?;
        Ok(loader.packets_in(id + 1..=self.newest)?)
    }
}
