//! The writing thread: one connection, group commit.
//!
//! Whatever waits is written in one transaction, up to [`BATCH`] messages; an idle system therefore commits each
//! message at once, a busy one pays for one fsync per batch. A batch that fails is written again with a savepoint per
//! message: one that is refused does not take the others with it. When the file itself fails (disk full, I/O error,
//! locked), the whole batch waits and is tried again, and the queue in front of it fills: what does not fit there is
//! counted by whoever submits.
//!
//! Other work reaches the thread as errands ([`WriterHandle`]): between two batches, in small pieces.

mod errand;
mod figures;
mod session;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, bounded};

use super::client_receptions::ClientReception;
use super::lock::WriterLock;
use super::nodes::NodeSighting;
use super::observers::ObserverStatus;
use super::packets::{DroppedAdvert, PacketWrite, Stored};
use super::{Progress, StoreError, changes, migrate, observer_rows, open};
use crate::{Reception, UnixMillis};

use errand::Shared;
pub use errand::WriterHandle;
pub use figures::{Component, LockReport, Percentiles, WriterFigures};
use session::{Queued, Session};

/// Most messages per transaction.
const BATCH: usize = 200;

/// Messages that wait in front of the writer before `submit` blocks.
const QUEUE: usize = 2 * BATCH;

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
    /// A moving client heard a node.
    ClientReception(Box<ClientReception>),
    /// A companion tells of a node it knows.
    Node(Box<NodeSighting>),
}

impl Write {
    fn at(&self) -> UnixMillis {
        match self {
            Self::Packet(packet) => packet.reception.received_at,
            Self::Status(status) => status.received_at,
            Self::Seen(reception) => reception.received_at,
            Self::Dropped(dropped) => dropped.reception.received_at,
            Self::ClientReception(reception) => reception.received_at,
            Self::Node(sighting) => sighting.reception.received_at,
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
    /// An observer was noted, a dropped advert, a mobile reception, or a node told of.
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

/// Tells the log how far an upgrade is that takes longer than a moment.
fn log_progress() -> impl FnMut(Progress) {
    let mut last_told = Instant::now();
    move |Progress { step, done, total }| {
        if last_told.elapsed() >= Duration::from_secs(1) {
            last_told = Instant::now();
            tracing::info!(step, done, total, "upgrading the database");
        }
    }
}

/// The one writer of a database file. Dropping it commits what waits and closes the file.
#[derive(Debug)]
pub struct Writer {
    queue: Option<Sender<Queued>>,
    handle: WriterHandle,
    thread: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
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
        migrate::prepare(&mut connection, path, options.opened_at, &mut log_progress())?;
        open::equip(&connection)?;
        observer_rows::follow(&mut connection)?; // a vacuum may have been killed half-way
        changes::identify(&connection)?;
        let (queue, jobs) = bounded(QUEUE);
        let shared = Arc::<Shared>::default();
        let (handle, errands) = WriterHandle::new(Arc::clone(&shared));
        let mut session = Session::new(connection, lock, path, options, Arc::clone(&shared));
        let thread = thread::Builder::new()
            .name("db-writer".into())
            .spawn(move || session.run(&jobs, &errands, on_commit))
            .map_err(StoreError::Thread)?;
        Ok(Self { queue: Some(queue), handle, thread: Some(thread), shared })
    }

    /// Hands a job to the writing thread; waits while its queue is full.
    ///
    /// # Errors
    /// [`WriterGone`], when the thread ended; the job is lost, and the caller counts it.
    pub fn submit(&self, job: Job) -> Result<(), WriterGone> {
        self.queue.as_ref().ok_or(WriterGone)?.send(Queued::Job(job, Instant::now())).map_err(|_| WriterGone)
    }

    /// Waits until all jobs submitted before are committed, or have failed.
    ///
    /// # Errors
    /// [`WriterGone`], when the thread ended.
    pub fn flush(&self) -> Result<(), WriterGone> {
        let (done, answer) = bounded::<()>(1);
        self.queue.as_ref().ok_or(WriterGone)?.send(Queued::Flush(done)).map_err(|_| WriterGone)?;
        let _ = answer.recv(); // an error is the answer: the other end was dropped
        Ok(())
    }

    /// A way to have other work done by the writing thread.
    pub fn handle(&self) -> WriterHandle {
        self.handle.clone()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::Relaxed);
        self.queue = None; // the thread commits what waits, then ends
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the database writer ended with a panic");
        }
    }
}
