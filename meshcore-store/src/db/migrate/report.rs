//! What is told while a file is upgraded, and afterwards.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::super::{OnProgress, Progress};
use super::generation::Generation;

/// Time between two reports about one step.
const REPORT_EVERY: Duration = Duration::from_millis(250);

/// A step that was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Name of the migration, index or table.
    pub name: &'static str,
    /// Rows changed; for tables and columns their number.
    pub rows: u64,
}

/// What an upgrade did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpgradeReport {
    /// What the file was.
    pub generation: Generation,
    /// The copy that is kept of it, when something was taken away.
    pub backup: Option<PathBuf>,
    /// What was done, in this order.
    pub applied: Vec<Applied>,
    /// Rows before and after.
    pub counts: Vec<TableCount>,
}

/// Rows of a table before and after; `None` when it was or is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "said above")]
pub struct TableCount {
    pub table: &'static str,
    pub before: Option<u64>,
    pub after: Option<u64>,
}

/// What the work beside live writes did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finished {
    /// What was done, in this order.
    pub applied: Vec<Applied>,
    /// It was asked to stop; the next start goes on where it was.
    pub stopped: bool,
}

/// How far the work beside live writes is. Readable at any time.
#[derive(Debug, Default)]
pub struct BackfillFigures {
    total: AtomicU64,
    processed: AtomicU64,
    done: AtomicBool,
    updates: Mutex<BTreeMap<&'static str, u64>>,
}

/// How far the filling of `transmissions.from_pubkey` is: what `/api/healthz` shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FromPubkeyBackfill {
    /// Adverts without originator when it began.
    pub total: u64,
    /// Of these, looked at.
    pub processed: u64,
    /// Nothing is left to do.
    pub done: bool,
}

impl BackfillFigures {
    /// How far the filling of `from_pubkey` is.
    pub fn from_pubkey(&self) -> FromPubkeyBackfill {
        FromPubkeyBackfill {
            total: self.total.load(Ordering::Relaxed),
            processed: self.processed.load(Ordering::Relaxed),
            done: self.done.load(Ordering::Relaxed),
        }
    }

    /// Rows changed since the start, by what was filled: `backfillUpdates` of the stats file.
    pub fn updates(&self) -> Vec<(&'static str, u64)> {
        let updates = self.updates.lock().unwrap_or_else(PoisonError::into_inner);
        updates.iter().map(|(name, rows)| (*name, *rows)).collect()
    }

    pub(super) fn begin_from_pubkey(&self, total: u64) {
        self.total.store(total, Ordering::Relaxed);
    }

    pub(super) fn end_from_pubkey(&self) {
        self.done.store(true, Ordering::Relaxed);
    }

    pub(super) fn count(&self, counter: &'static str, rows: u64) {
        if counter == "from_pubkey" {
            self.processed.fetch_add(rows, Ordering::Relaxed);
        }
        // Nothing can panic while it is held, so a poisoned lock guards sound data.
        *self.updates.lock().unwrap_or_else(PoisonError::into_inner).entry(counter).or_default() += rows;
    }
}

/// Passes reports on, a few times per second.
pub(super) struct Reporter<'a> {
    on_progress: OnProgress<'a>,
    last: Option<(&'static str, Instant)>,
}

impl<'a> Reporter<'a> {
    pub(super) fn new(on_progress: OnProgress<'a>) -> Self {
        Self { on_progress, last: None }
    }

    /// Passes on the first report of a step, its last, and those in between that are not too many.
    pub(super) fn report(&mut self, progress: Progress) {
        let is_news = match self.last {
            Some((step, at)) => {
                step != progress.step || progress.done >= progress.total || at.elapsed() >= REPORT_EVERY
            }
            None => true,
        };
        if is_news {
            (self.on_progress)(Progress { total: progress.total.max(progress.done), ..progress });
            self.last = Some((progress.step, Instant::now()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_few_and_never_claim_more_than_all() {
        let mut seen = Vec::new();
        let mut on_progress = |progress| seen.push(progress);
        let mut reporter = Reporter::new(&mut on_progress);
        for done in 0..=1_000 {
            reporter.report(Progress { step: "a", done, total: 1_000 });
        }
        reporter.report(Progress { step: "b", done: 7, total: 5 });
        assert!((3..=100).contains(&seen.len()), "{}", seen.len());
        assert_eq!(seen[0], Progress { step: "a", done: 0, total: 1_000 });
        assert_eq!(seen[seen.len() - 2], Progress { step: "a", done: 1_000, total: 1_000 });
        assert_eq!(seen[seen.len() - 1], Progress { step: "b", done: 7, total: 7 });
    }
}
