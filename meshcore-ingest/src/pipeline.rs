//! Sources → queue → intake → writer.
//!
//! ```text
//!  source tasks ──offer──▶ bounded queue ──▶ intake thread ──▶ Writer (its own thread) ──▶ Accounting, live feed
//! ```
//!
//! A source never waits: what does not fit into the queue is counted and dropped. The intake thread waits for the
//! writer, so a slow disk fills the queue and nothing else.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

use arc_swap::ArcSwap;
use crossbeam_channel::{Receiver, Sender, bounded};
use meshcore_store::UnixMillis;
use meshcore_store::db::{Commit, StoreError, Ticket, Writer, WriterHandle, WriterOptions};
use tracing::{debug, error};

use crate::accounting::{Accounting, Discard, UNCOUNTED};
use crate::intake::{Inbound, Intake, Verdict};

/// Most bytes of payload that wait.
const MAX_PENDING_BYTES: usize = 64 * 1024 * 1024;

/// Tells the time. A parameter, so that tests decide what "now" is.
pub type Clock = Arc<dyn Fn() -> UnixMillis + Send + Sync>;

/// The way in of one source: hands its messages to the intake thread. Cheap to clone.
#[derive(Clone)]
pub struct Inlet {
    source: Ticket,
    queue: Sender<Inbound>,
    pending_bytes: Arc<AtomicUsize>,
    accounting: Arc<Accounting>,
    clock: Clock,
}

/// The running pipeline. Dropping it stores what waits; drop all [`Inlet`]s first.
pub struct Pipeline {
    /// Makes the others; belongs to no source.
    inlet: Option<Inlet>,
    intake: Arc<ArcSwap<Intake>>,
    thread: Option<JoinHandle<()>>,
    accounting: Arc<Accounting>,
    writer: WriterHandle,
}

impl Pipeline {
    /// Opens the database and starts the threads.
    ///
    /// `prepare` is done before the first message is written; messages that arrive meanwhile wait in the queue.
    ///
    /// # Errors
    /// [`StoreError`], when the database cannot be written.
    #[expect(clippy::too_many_arguments, reason = "one call ties all parts together")]
    pub fn start(
        database: &Path,
        options: WriterOptions,
        intake: Intake,
        accounting: Arc<Accounting>,
        capacity: usize,
        clock: Clock,
        prepare: impl FnOnce(&WriterHandle) + Send + 'static,
        mut on_commit: impl FnMut(&Commit) + Send + 'static,
    ) -> Result<Self, StoreError> {
        let writer = {
            let (accounting, clock) = (Arc::clone(&accounting), Arc::clone(&clock));
            Writer::open(database, options, move |commit| {
                accounting.committed(commit, clock());
                on_commit(commit);
            })?
        };
        let (queue, waiting) = bounded(capacity);
        let pending_bytes = Arc::new(AtomicUsize::new(0));
        let inlet = Inlet {
            source: UNCOUNTED,
            queue,
            pending_bytes: Arc::clone(&pending_bytes),
            accounting: Arc::clone(&accounting),
            clock,
        };
        let handle = writer.handle();
        let intake = Arc::new(ArcSwap::from_pointee(intake));
        let thread = {
            let (accounting, intake) = (Arc::clone(&accounting), Arc::clone(&intake));
            thread::Builder::new()
                .name("intake".into())
                .spawn(move || {
                    prepare(&writer.handle());
                    run(&waiting, &pending_bytes, &intake, &accounting, &writer);
                })
                .map_err(StoreError::Thread)?
        };
        Ok(Self { inlet: Some(inlet), intake, thread: Some(thread), accounting, writer: handle })
    }

    /// A way to have other work done by the writer.
    pub fn writer(&self) -> &WriterHandle {
        &self.writer
    }

    /// The way in of `source`, a ticket of [`Accounting::add`].
    pub fn inlet(&self, source: Ticket) -> Inlet {
        let inlet = self.inlet.clone().expect("the inlet is there until the pipeline is dropped");
        Inlet { source, ..inlet }
    }

    /// Judges by other rules from the next message on.
    pub fn reload(&self, intake: Intake) {
        self.intake.store(Arc::new(intake));
    }

    /// The figures.
    pub fn accounting(&self) -> &Arc<Accounting> {
        &self.accounting
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        self.inlet = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            error!("the intake thread ended with a panic");
        }
    }
}

impl Inlet {
    /// Whether a message offered now would be dropped. A broker does not wait for us; a recording can.
    pub fn is_full(&self) -> bool {
        self.queue.is_full() || self.pending_bytes.load(Ordering::Relaxed) > MAX_PENDING_BYTES / 2
    }

    /// Takes a message that just arrived; never waits. What does not fit is counted.
    pub fn offer(&self, topic: &str, payload: &[u8], retained: bool) {
        let (source, received_at) = (self.source, (self.clock)());
        self.accounting.received(source, received_at);
        let inbound = Inbound {
            source,
            topic: topic.to_owned(),
            payload: bytes::Bytes::copy_from_slice(payload),
            retained,
            received_at,
        };
        let before = self.pending_bytes.fetch_add(payload.len(), Ordering::Relaxed);
        if before + payload.len() > MAX_PENDING_BYTES || self.queue.try_send(inbound).is_err() {
            self.pending_bytes.fetch_sub(payload.len(), Ordering::Relaxed);
            self.accounting.dropped(source, Discard::BufferFull);
        }
    }
}

fn run(
    waiting: &Receiver<Inbound>,
    pending_bytes: &AtomicUsize,
    intake: &ArcSwap<Intake>,
    accounting: &Accounting,
    writer: &Writer,
) {
    for inbound in waiting {
        pending_bytes.fetch_sub(inbound.payload.len(), Ordering::Relaxed);
        let (job, counted) = match intake.load().digest(&inbound) {
            Verdict::Write(job) => (Some(job), true),
            Verdict::Reject(reason, job) => {
                debug!(mqtt.source = inbound.source, reason = reason.name(), "message rejected");
                accounting.rejected(inbound.source, reason);
                (job, false)
            }
            Verdict::Discard(reason, job) => {
                accounting.dropped(inbound.source, reason);
                (job, false)
            }
        };
        if let Some(job) = job
            && writer.submit(job).is_err()
            && counted
        {
            accounting.dropped(inbound.source, Discard::WriteFailed);
        }
    }
}
