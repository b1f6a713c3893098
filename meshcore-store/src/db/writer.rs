//! The writing thread: one connection, group commit.
//!
//! Whatever waits is written in one transaction, up to [`BATCH`] messages; an idle system therefore commits each
//! message at once, a busy one pays for one fsync per batch. Each message has its savepoint: one that fails does not
//! take the others with it. When the file itself fails (disk full, I/O error, locked), the whole batch waits and is
//! tried again, and the queue in front of it fills: what does not fit there is counted by whoever submits.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use super::lock::WriterLock;
use super::observers::{self, KnownObservers, ObserverStatus, Seen};
use super::packets::{self, DroppedAdvert, PacketWrite, Stored};
use super::{StoreError, open, schema};
use crate::{Reception, UnixMillis};

/// Most messages per transaction.
const BATCH: usize = 200;

/// Messages that wait in front of the writer before `submit` blocks.
const QUEUE: usize = 2 * BATCH;

/// Pause before a batch is tried again.
const RETRY: Duration = Duration::from_millis(500);

/// One thing to write.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// A packet message.
    Packet(Box<PacketWrite>),
    /// A status message.
    Status(Box<ObserverStatus>),
    /// An observer said something of which nothing is kept.
    Seen(Reception),
    /// An advert with a wrong signature: noted, not stored; its observer was heard all the same.
    Dropped(Box<DroppedAdvert>),
}

impl Write {
    fn at(&self) -> UnixMillis {
        match self {
            Self::Packet(packet) => packet.reception.received_at,
            Self::Status(status) => status.received_at,
            Self::Seen(reception) => reception.received_at,
            Self::Dropped(dropped) => dropped.reception.received_at,
        }
    }
}

/// What the caller wants back with the outcome.
pub type Ticket = u32;

/// A write and who asked for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Handed back with the outcome.
    pub ticket: Ticket,
    /// What to write.
    pub write: Write,
}

/// What became of a [`Job`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A packet is in the file.
    Packet(Stored),
    /// A status is in the file.
    Status,
    /// An observer was noted, or a dropped advert.
    Noted,
    /// The database refused it; the log says why.
    Failed,
}

/// A finished transaction.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Commit {
    /// Ticket and outcome of each job, in the order they were submitted.
    pub outcomes: Vec<(Ticket, Outcome)>,
    /// New observations: row id and time of arrival. The file keeps whole seconds, the live feed shows milliseconds.
    pub observations: Vec<(i64, UnixMillis)>,
}

/// How to write.
#[derive(Clone, Copy, Debug)]
pub struct WriterOptions {
    /// Seconds between two rows of `observer_metrics` of one observer.
    pub sample_interval_s: i64,
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self { sample_interval_s: 300 }
    }
}

/// The writing thread is no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the writing thread has ended")]
pub struct WriterGone;

/// The one writer of a database file. Dropping it commits what waits and closes the file.
#[derive(Debug)]
pub struct Writer {
    queue: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    closing: Arc<AtomicBool>,
}

impl Writer {
    /// Opens or makes `path` and starts the writing thread.
    ///
    /// `on_commit` is called on that thread after each transaction; it must not block for long.
    ///
    /// # Errors
    /// [`StoreError`], when the file cannot be made, opened or used, or another process writes to it.
    pub fn open(
        path: &Path,
        options: WriterOptions,
        on_commit: impl FnMut(&Commit) + Send + 'static,
    ) -> Result<Self, StoreError> {
        let mut connection = open::for_writing(path)?;
        let lock = WriterLock::acquire(path)?;
        schema::prepare(&mut connection, path)?;
        let (queue, jobs) = bounded(QUEUE);
        let closing = Arc::new(AtomicBool::new(false));
        let mut session = Session {
            connection,
            observers: KnownObservers::new(),
            options,
            path: path.to_owned(),
            closing: Arc::clone(&closing),
            newest: UnixMillis::default(),
            _lock: lock,
        };
        let thread = thread::Builder::new()
            .name("db-writer".into())
            .spawn(move || session.run(&jobs, on_commit))
            .map_err(StoreError::Thread)?;
        Ok(Self { queue: Some(queue), thread: Some(thread), closing })
    }

    /// Hands a job to the writing thread; waits while its queue is full.
    ///
    /// # Errors
    /// [`WriterGone`], when the thread ended; the job is lost, and the caller counts it.
    pub fn submit(&self, job: Job) -> Result<(), WriterGone> {
        self.queue.as_ref().ok_or(WriterGone)?.send(job).map_err(|_| WriterGone)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Relaxed);
        self.queue = None; // the thread commits what waits, then ends
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the database writer ended with a panic");
        }
    }
}

/// What the writing thread owns.
struct Session {
    connection: Connection,
    observers: KnownObservers,
    options: WriterOptions,
    path: PathBuf,
    closing: Arc<AtomicBool>,
    /// Newest arrival so far: no stored "last seen" may lie beyond it.
    newest: UnixMillis,
    _lock: WriterLock,
}

impl Session {
    fn run(&mut self, jobs: &Receiver<Job>, mut on_commit: impl FnMut(&Commit)) {
        let mut batch = Vec::with_capacity(BATCH);
        while let Ok(first) = jobs.recv() {
            batch.push(first);
            batch.extend(jobs.try_iter().take(BATCH - 1));
            on_commit(&self.write(&batch));
            batch.clear();
        }
        if let Err(error) =
            self.connection.pragma_update_and_check(None, "wal_checkpoint", "TRUNCATE", |_| Ok(()))
        {
            tracing::warn!(%error, "the write-ahead log could not be folded into the database; the next start will");
        }
    }

    /// Writes the batch, again and again until the file takes it or the program ends.
    fn write(&mut self, batch: &[Job]) -> Commit {
        let mut failing = false;
        loop {
            match self.try_write(batch) {
                Ok(commit) => {
                    if failing {
                        tracing::info!(db.path = %self.path.display(), "the database takes writes again");
                    }
                    return commit;
                }
                Err(error) => {
                    self.observers.clear(); // rows of the rolled back transaction are gone
                    if !failing {
                        tracing::error!(db.path = %self.path.display(), %error, "cannot write to the database; trying again until it works");
                    }
                    failing = true;
                    if self.closing.load(Ordering::Relaxed) {
                        tracing::error!(
                            messages = batch.len(),
                            "messages lost: the program ends while the database takes no writes"
                        );
                        let outcomes = batch.iter().map(|job| (job.ticket, Outcome::Failed)).collect();
                        return Commit { outcomes, observations: Vec::new() };
                    }
                    thread::sleep(RETRY);
                }
            }
        }
    }

    fn try_write(&mut self, batch: &[Job]) -> rusqlite::Result<Commit> {
        let mut commit = Commit { outcomes: Vec::with_capacity(batch.len()), ..Commit::default() };
        let mut transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for job in batch {
            self.newest = self.newest.max(job.write.at());
            let savepoint = transaction.savepoint()?;
            let outcome = match apply(&savepoint, &mut self.observers, &job.write, self.newest, self.options)
            {
                Ok(outcome) => {
                    savepoint.commit()?;
                    outcome
                }
                Err(error) if is_about_the_file(&error) => return Err(error),
                Err(error) => {
                    drop(savepoint); // rolls back
                    self.observers.clear();
                    tracing::error!(%error, "a message could not be stored");
                    Outcome::Failed
                }
            };
            if let Outcome::Packet(Stored { observation_id, new_observation: true, .. }) = outcome {
                commit.observations.push((observation_id, job.write.at()));
            }
            commit.outcomes.push((job.ticket, outcome));
        }
        transaction.commit()?;
        Ok(commit)
    }
}

fn apply(
    connection: &Connection,
    observers: &mut KnownObservers,
    write: &Write,
    now: UnixMillis,
    options: WriterOptions,
) -> rusqlite::Result<Outcome> {
    match write {
        Write::Packet(packet) => packets::store(connection, observers, packet, now).map(Outcome::Packet),
        Write::Status(status) => {
            observers::store_status(connection, observers, status, now, options.sample_interval_s)?;
            Ok(Outcome::Status)
        }
        Write::Seen(reception) => {
            observers::seen(connection, observers, reception, Seen::Only, now)?;
            Ok(Outcome::Noted)
        }
        Write::Dropped(dropped) => {
            observers::seen(connection, observers, &dropped.reception, Seen::Only, now)?;
            packets::store_dropped(connection, dropped)?;
            Ok(Outcome::Noted)
        }
    }
}

/// Whether the failure concerns the file, so that every message would fail.
fn is_about_the_file(error: &rusqlite::Error) -> bool {
    use ErrorCode::{
        CannotOpen, DatabaseBusy, DatabaseCorrupt, DatabaseLocked, DiskFull, NotADatabase, OutOfMemory,
        PermissionDenied, ReadOnly, SystemIoFailure,
    };
    matches!(
        error.sqlite_error_code(),
        Some(
            CannotOpen
                | DatabaseBusy
                | DatabaseCorrupt
                | DatabaseLocked
                | DiskFull
                | NotADatabase
                | OutOfMemory
                | PermissionDenied
                | ReadOnly
                | SystemIoFailure
        )
    )
}
