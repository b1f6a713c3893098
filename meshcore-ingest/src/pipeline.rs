//! Sources → queue → intake → writer.
//!
//! ```text
//!  source tasks ──offer──▶ queue ──▶ intake thread (and its helpers) ──▶ Writer (its own thread) ──▶ Accounting, live feed
//! ```
//!
//! A source never waits. The intake thread takes what waits, has it judged on all cores, and hands it to the writer in the
//! order of arrival. It waits for the writer, so a slow disk fills the queue and nothing else; what the queue cannot
//! hold is counted.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use arc_swap::ArcSwap;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use meshcore_store::UnixMillis;
use meshcore_store::db::{Commit, StoreError, Ticket, Writer, WriterHandle, WriterOptions};
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use tracing::{error, warn};

use crate::accounting::{Accounting, Discard, Reject, UNCOUNTED};
use crate::intake::{Inbound, Intake, Refused, Verdict};
use crate::log_limit::LogLimit;
use crate::queue::{Arrival, Evicted, Queue};

pub use crate::queue::{Backlog, Limits};

/// Messages taken out of the queue at a time.
const BATCH: usize = 256;

/// Fewer are judged where they are: telling the helpers takes longer.
const WORTH_SHARING: usize = 16;

/// Most threads that judge.
const MOST_HELPERS: usize = 4;

/// How long a stop may take to store what waits. What is left then is given up, and counted.
const GRACE: Duration = Duration::from_secs(3);

/// Tells the time. A parameter, so that tests decide what "now" is.
pub type Clock = Arc<dyn Fn() -> UnixMillis + Send + Sync>;

/// How a pipeline works.
#[derive(Clone)]
pub struct PipelineOptions {
    /// How to write.
    pub writer: WriterOptions,
    /// How much may wait.
    pub limits: Limits,
    /// What time it is.
    pub clock: Clock,
}

/// The way in of one source: hands its messages to the intake thread. Cheap to clone.
#[derive(Clone)]
pub struct Inlet {
    source: Ticket,
    queue: Arc<Queue>,
    accounting: Arc<Accounting>,
    clock: Clock,
}

/// The running pipeline. Dropping it stores what waits, as far as that goes within three seconds.
pub struct Pipeline {
    /// Makes the others; belongs to no source.
    inlet: Inlet,
    intake: Arc<ArcSwap<Intake>>,
    thread: Option<JoinHandle<()>>,
    /// Nothing is sent: it is gone when the thread has ended.
    ended: Receiver<()>,
    writer: WriterHandle,
}

impl Pipeline {
    /// Opens the database and starts the threads.
    ///
    /// `prepare` is done before the first message is written; messages that arrive meanwhile wait in the queue.
    ///
    /// # Errors
    /// [`StoreError`], when the database cannot be written.
    pub fn start(
        database: &Path,
        options: PipelineOptions,
        intake: Intake,
        accounting: Arc<Accounting>,
        prepare: impl FnOnce(&WriterHandle) + Send + 'static,
        mut on_commit: impl FnMut(&Commit) + Send + 'static,
    ) -> Result<Self, StoreError> {
        let PipelineOptions { writer, limits, clock } = options;
        let writer = {
            let (accounting, clock) = (Arc::clone(&accounting), Arc::clone(&clock));
            Writer::open(database, writer, move |commit| {
                accounting.committed(commit, clock());
                on_commit(commit);
            })?
        };
        let handle = writer.handle();
        let intake = Arc::new(ArcSwap::from_pointee(intake));
        let inlet = Inlet { source: UNCOUNTED, queue: Arc::new(Queue::new(limits)), accounting, clock };
        let (end, ended) = bounded(0);
        let worker = Worker {
            queue: Arc::clone(&inlet.queue),
            intake: Arc::clone(&intake),
            accounting: Arc::clone(&inlet.accounting),
            helpers: helpers(),
            writer,
            limit: LogLimit::default(),
            _end: end,
        };
        let thread = thread::Builder::new()
            .name("intake".into())
            .spawn(move || {
                prepare(&worker.writer.handle());
                worker.run();
            })
            .map_err(StoreError::Thread)?;
        Ok(Self { inlet, intake, thread: Some(thread), ended, writer: handle })
    }

    /// A way to have other work done by the writer.
    pub fn writer(&self) -> &WriterHandle {
        &self.writer
    }

    /// The way in of `source`, a ticket of [`Accounting::add`].
    pub fn inlet(&self, source: Ticket) -> Inlet {
        Inlet { source, ..self.inlet.clone() }
    }

    /// Judges by other rules from the next message on.
    pub fn reload(&self, intake: Intake) {
        self.intake.store(Arc::new(intake));
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        self.inlet.queue.close();
        if self.ended.recv_timeout(GRACE) == Err(RecvTimeoutError::Timeout) {
            self.writer.stop_retrying();
            self.inlet.give_up();
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            error!("the intake thread ended with a panic");
        }
    }
}

impl Inlet {
    /// Whether a message offered now may push out another one. A broker does not wait for us; a recording can.
    pub fn is_full(&self) -> bool {
        let (backlog, limits) = (self.backlog(), self.limits());
        backlog.messages >= limits.messages || backlog.bytes > limits.bytes / 2
    }

    /// How much waits, of all sources.
    pub fn backlog(&self) -> Backlog {
        self.queue.backlog()
    }

    /// How much may wait.
    pub fn limits(&self) -> Limits {
        self.queue.limits()
    }

    /// Takes a message that just arrived; never waits. What does not fit is counted.
    pub fn offer(&self, topic: &str, payload: &[u8], retained: bool) {
        let received_at = (self.clock)();
        self.accounting.received(self.source, received_at);
        let evicted = self.queue.push(Arrival { source: self.source, topic, payload, retained, received_at });
        for Evicted { source, reason } in evicted {
            self.accounting.dropped(source, reason);
        }
    }

    /// Counts what waits as lost: the program ends.
    fn give_up(&self) {
        let (mut lost, mut some) = (0, Vec::new());
        while self.queue.take(&mut some, BATCH) {
            lost += some.len();
            some.drain(..).for_each(|message| self.accounting.dropped(message.source, Discard::Stopped));
        }
        if lost > 0 {
            warn!(messages = lost, "messages lost: the program ends before they could be stored");
        }
    }
}

/// What the intake thread works with.
struct Worker {
    queue: Arc<Queue>,
    intake: Arc<ArcSwap<Intake>>,
    accounting: Arc<Accounting>,
    /// Absent on a machine with one core.
    helpers: Option<ThreadPool>,
    writer: Writer,
    /// Lines about wrong messages, by source.
    limit: LogLimit<Ticket>,
    _end: Sender<()>,
}

impl Worker {
    fn run(mut self) {
        let mut messages = Vec::with_capacity(BATCH);
        let mut verdicts = Vec::with_capacity(BATCH);
        while self.queue.take(&mut messages, BATCH) {
            self.judge(&messages, &mut verdicts);
            for (message, verdict) in messages.drain(..).zip(verdicts.drain(..)) {
                self.settle(&message, verdict);
            }
        }
    }

    /// A verdict per message, in their order.
    fn judge(&self, messages: &[Inbound], verdicts: &mut Vec<Verdict>) {
        let intake = self.intake.load_full();
        match &self.helpers {
            Some(helpers) if messages.len() >= WORTH_SHARING => {
                let judged = messages.par_iter().map(|message| judge(&intake, message));
                helpers.install(|| judged.collect_into_vec(verdicts));
            }
            _ => verdicts.extend(messages.iter().map(|message| judge(&intake, message))),
        }
    }

    fn settle(&mut self, message: &Inbound, verdict: Verdict) {
        let source = message.source;
        let (job, is_counted) = match verdict {
            Verdict::Write(job) => (Some(job), true),
            Verdict::Reject(reason, job) => {
                // Whoever sends rubbish must not fill the disk with our own log. A stale report is nothing to be told of:
                // observers of one kind send one with each packet of their own.
                if reason != Reject::StaleTx
                    && let Some(others) = self.limit.should_log(source, message.received_at)
                {
                    let (refused, name) =
                        (Refused { inbound: message, job: job.as_ref() }, self.accounting.name(source));
                    warn!(mqtt.source = name, reason = reason.name(), others, "message rejected: {refused}");
                }
                self.accounting.rejected(source, reason);
                (job, false)
            }
            Verdict::Discard(reason, job) => {
                self.accounting.dropped(source, reason);
                (job, false)
            }
        };
        if let Some(job) = job
            && self.writer.submit(job).is_err()
            && is_counted
        {
            self.accounting.dropped(source, Discard::WriteFailed);
        }
    }
}

/// A message that makes the judge panic is wrong in a way nobody thought of; the others go on.
fn judge(intake: &Intake, message: &Inbound) -> Verdict {
    catch_unwind(AssertUnwindSafe(|| intake.digest(message))).unwrap_or_else(|_| {
        error!(bytes = message.payload.len(), "a message could not be judged: a fault of this program");
        Verdict::Reject(Reject::Fault, None)
    })
}

fn helpers() -> Option<ThreadPool> {
    let cores = thread::available_parallelism().map_or(1, usize::from).min(MOST_HELPERS);
    if cores < 2 {
        return None;
    }
    let built = ThreadPoolBuilder::new().num_threads(cores).thread_name(|n| format!("judge-{n}")).build();
    built.inspect_err(|error| warn!(%error, "messages are judged on one core")).ok()
}

#[cfg(test)]
mod tests;
