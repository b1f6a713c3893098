//! The view of a part of a database, kept by whoever measures.

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use anyhow::Result;
use meshcore_store::UnixMillis;
use meshcore_store::db::Loader;
use meshcore_store::view::{Keeper, Numbering, Packet};

const THREADS: usize = 2;
/// Packets a thread reads at once: what is read and not yet taken in leaves holes in memory.
const CHUNK: i64 = 100;
/// Chunks between two times that readers are shown them.
const PUBLISH: usize = 8;

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
        let read = |chunks: &mpsc::SyncSender<Result<Vec<Packet>>>| -> Result<()> {
            let loader = Loader::open(database, numbering, &Arc::default())?;
            loop {
                let high = next.fetch_sub(CHUNK, Ordering::Relaxed);
                if high <= 0 {
                    return Ok(());
                }
                chunks.send(Ok(loader.packets_in((high - CHUNK + 1).max(1)..=high)?))?;
            }
        };
        thread::scope(|scope| {
            let (sender, chunks) = mpsc::sync_channel(2 * THREADS);
            for _ in 0..THREADS {
                let (sender, read) = (sender.clone(), &read);
                scope.spawn(move || read(&sender).or_else(|error| sender.send(Err(error))));
            }
            drop(sender);
            for (chunk, packets) in chunks.into_iter().enumerate() {
                packets?.into_iter().for_each(|packet| self.keeper.put(packet, self.now));
                if chunk % PUBLISH == PUBLISH - 1 {
                    self.keeper.settle(self.now);
                    self.keeper.publish();
                }
            }
            self.keeper.settle(self.now);
            self.keeper.publish();
            Ok(())
        })
    }

    /// Packets that are not taken in, ascending by id.
    pub(crate) fn packets_after(&self, id: i64) -> Result<Vec<Packet>> {
        let loader = Loader::open(self.database, &self.numbering, &Arc::default())?;
        Ok(loader.packets_in(id + 1..=self.newest)?)
    }
}
