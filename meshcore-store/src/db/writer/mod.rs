//! The writing thread: one connection, group commit.
//!
//! Whatever waits is written in one transaction, up to [`BATCH`] messages; an idle system therefore commits each
//! message at once, a busy one pays for one fsync per batch. Each message has its savepoint: one that fails does not
//! take the others with it. When the file itself fails (disk full, I/O error, locked), the whole batch waits and is
//! tried again, and the queue in front of it fills: what does not fit there is counted by whoever submits.

mod errand;
mod figures;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvError, Sender, bounded, select_biased};
use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use super::lock::WriterLock;
use super::observers::{self, KnownObservers, ObserverStatus, Seen};
use super::packets::{self, DroppedAdvert, PacketWrite, Stored};
use super::{StoreError, migrate, open};
use crate::{Reception, UnixMillis};

use errand::Errand;
pub use errand::WriterHandle;
use figures::add;
pub use figures::{Component, LockReport, Percentiles, WriterFigures};

/// Most messages per transaction.
const BATCH: usize = 200;

/// Messages that wait in front of the writer before `submit` blocks.
const QUEUE: usize = 2 * BATCH;

/// While messages wait they have the writer this many times as long as an errand had it.
const REST: u32 = 4;

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
    /// Whoever holds the writer for longer is named in the log.
    pub slow_after: Duration,
    /// The time: names the copy that is kept of a file of the first generations.
    pub opened_at: UnixMillis,
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self {
            sample_interval_s: 300,
            slow_after: Duration::from_millis(500),
            opened_at: UnixMillis::default(),
        }
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
    handle: WriterHandle,
    thread: Option<JoinHandle<()>>,
    closing: Arc<AtomicBool>,
}

impl Writer {
    /// Opens or makes `path`, upgrades what a start must wait for, and starts the writing thread.
    ///
    /// What is left of an upgrade is done beside live writes by [`migrate::finish`].
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
        open::make_folder(path)?;
        let lock = WriterLock::acquire(path)?;
        let mut connection = open::for_writing(path)?;
        migrate::prepare(&mut connection, path, options.opened_at, &mut |_| {})?;
        let (queue, jobs) = bounded(QUEUE);
        let figures = Arc::new(WriterFigures::default());
        let backlog = Arc::new(AtomicUsize::new(0));
        let (handle, errands) = WriterHandle::new(Arc::clone(&figures), Arc::clone(&backlog));
        let closing = Arc::new(AtomicBool::new(false));
        let mut session = Session {
            connection,
            observers: KnownObservers::new(),
            options,
            path: path.to_owned(),
            closing: Arc::clone(&closing),
            newest: UnixMillis::default(),
            figures,
            backlog,
            _lock: lock,
        };
        let thread = thread::Builder::new()
            .name("db-writer".into())
            .spawn(move || session.run(&jobs, &errands, on_commit))
            .map_err(StoreError::Thread)?;
        Ok(Self { queue: Some(queue), handle, thread: Some(thread), closing })
    }

    /// Hands a job to the writing thread; waits while its queue is full.
    ///
    /// # Errors
    /// [`WriterGone`], when the thread ended; the job is lost, and the caller counts it.
    pub fn submit(&self, job: Job) -> Result<(), WriterGone> {
        self.queue.as_ref().ok_or(WriterGone)?.send(job).map_err(|_| WriterGone)
    }

    /// A way to have other work done by the writing thread.
    pub fn handle(&self) -> WriterHandle {
        self.handle.clone()
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

/// What the writing thread does next.
enum Next {
    Message(Job),
    Errand(Errand),
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
    figures: Arc<WriterFigures>,
    backlog: Arc<AtomicUsize>,
    _lock: WriterLock,
}

impl Session {
    fn run(&mut self, jobs: &Receiver<Job>, errands: &Receiver<Errand>, mut on_commit: impl FnMut(&Commit)) {
        let mut batch = Vec::with_capacity(BATCH);
        let mut rest_until = Instant::now();
        loop {
            match self.next(jobs, errands, rest_until) {
                Ok(Next::Message(first)) => {
                    batch.push(first);
                    batch.extend(jobs.try_iter().take(BATCH - 1));
                    self.backlog.store(jobs.len(), Ordering::Relaxed);
                    on_commit(&self.write(&batch));
                    batch.clear();
                }
                Ok(Next::Errand(errand)) => rest_until = self.do_errand(errand),
                Err(RecvError) => break,
            }
        }
        if let Err(error) =
            self.connection.pragma_update_and_check(None, "wal_checkpoint", "TRUNCATE", |_| Ok(()))
        {
            tracing::warn!(%error, "the write-ahead log could not be folded into the database; the next start will");
        }
    }

    /// Messages first; errands when none waits, or after messages had the writer for a while.
    fn next(
        &self,
        jobs: &Receiver<Job>,
        errands: &Receiver<Errand>,
        rest_until: Instant,
    ) -> Result<Next, RecvError> {
        if Instant::now() >= rest_until
            && let Ok(errand) = errands.try_recv()
        {
            return Ok(Next::Errand(errand));
        }
        select_biased! {
            recv(jobs) -> job => job.map(Next::Message),
            recv(errands) -> errand => errand.map(Next::Errand),
        }
    }

    /// Does the errand, and says until when messages come first.
    fn do_errand(&mut self, errand: Errand) -> Instant {
        let (component, wait, begun) = (errand.component, errand.asked_at.elapsed(), Instant::now());
        errand.run(&mut self.connection);
        self.observers.clear(); // it may have changed what was remembered
        let hold = begun.elapsed();
        self.figures.used(component, wait, hold);
        if hold > self.options.slow_after {
            tracing::warn!(component = component.name(), duration_ms = hold.as_millis(), "[db-slow-writer]");
        }
        Instant::now() + REST * hold
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
        add(&self.figures.commits, 1);
        add(&self.figures.flushes, 1);
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
