//! Work for the writing thread beside the messages: retention, neighbors, upgrades.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use arc_swap::ArcSwapOption;
use crossbeam_channel::{Receiver, Sender, bounded};
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::super::StoreError;
use super::super::neighbors::Neighbors;
use super::figures::{Component, WriterFigures, add};

/// Errands that wait before their callers do.
const QUEUE: usize = 16;

/// A way to have something done by the one writing connection. Cheap to clone; does not keep the writer alive.
///
/// Whoever has much to do does it in small errands: between two of them messages are written.
#[derive(Clone, Debug)]
pub struct WriterHandle {
    errands: Sender<Errand>,
    shared: Arc<Shared>,
}

/// What writer, handles and thread share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) figures: WriterFigures,
    /// Messages that wait.
    pub(super) backlog: AtomicUsize,
    /// The neighbor graph, once there is one.
    pub(super) neighbors: ArcSwapOption<Neighbors>,
    /// The writer is to end.
    pub(super) closing: AtomicBool,
    /// The file takes no writes; what waits is tried again and again.
    pub(super) failing: AtomicBool,
}

/// Something to be done by the writing thread.
pub(super) struct Errand {
    pub(super) component: Component,
    pub(super) asked_at: Instant,
    work: Work,
}

/// Does the work, or only answers that it cannot be done now.
type Work = Box<dyn FnOnce(Option<&mut Connection>) + Send>;

impl std::fmt::Debug for Errand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Errand").field("component", &self.component).finish_non_exhaustive()
    }
}

impl WriterHandle {
    pub(super) fn new(shared: Arc<Shared>) -> (Self, Receiver<Errand>) {
        let (errands, waiting) = bounded(QUEUE);
        (Self { errands, shared }, waiting)
    }

    /// Lets the writer work out hops with the help of this graph, as it is at each moment.
    pub(in super::super) fn use_neighbors(&self, neighbors: Arc<Neighbors>) {
        self.shared.neighbors.store(Some(neighbors));
    }

    /// Has `work` done in a transaction of its own, and waits for the commit.
    ///
    /// An error rolls back all of it. Keep it short (50 ms): messages wait meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Sql`] from `work` or the commit, [`StoreError::TakesNoWrites`] while messages cannot be written
    /// either, [`StoreError::WriterGone`] when the writer has ended.
    pub fn run<T: Send + 'static>(
        &self,
        component: Component,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let shared = Arc::clone(&self.shared);
        self.run_alone(component, move |connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let result = work(&transaction)?;
            transaction.commit()?;
            add(&shared.figures.commits, 1);
            Ok(result)
        })
    }

    /// Has `work` done outside of a transaction, for what SQLite allows only there.
    ///
    /// # Errors
    /// As [`run`](Self::run), and whatever `work` returns.
    pub fn run_alone<T: Send + 'static>(
        &self,
        component: Component,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = bounded(1);
        let errand = Errand {
            component,
            asked_at: Instant::now(),
            // Who asked may be gone; the work is done all the same.
            work: Box::new(move |connection| {
                drop(reply.send(connection.map_or(Err(StoreError::TakesNoWrites), work)));
            }),
        };
        self.errands.send(errand).map_err(|_| StoreError::WriterGone)?;
        answer.recv().map_err(|_| StoreError::WriterGone)?
    }

    /// Messages that wait to be written: background work makes room while there are many.
    pub fn backlog(&self) -> usize {
        self.shared.backlog.load(Ordering::Relaxed)
    }

    /// Whether the file takes no writes at the moment: locked by another program, the disk full, or worse.
    pub fn is_failing(&self) -> bool {
        self.shared.failing.load(Ordering::Relaxed)
    }

    /// Tells the writer that the program ends: messages that the file does not take are from now on given up instead
    /// of tried again.
    pub fn stop_retrying(&self) {
        self.shared.closing.store(true, Ordering::Relaxed);
    }

    /// What the writer counts.
    pub fn figures(&self) -> &WriterFigures {
        &self.shared.figures
    }
}

impl Errand {
    pub(super) fn run(self, connection: &mut Connection) {
        (self.work)(Some(connection));
    }

    /// Answers that the file takes no writes now.
    pub(super) fn refuse(self) {
        (self.work)(None);
    }
}
