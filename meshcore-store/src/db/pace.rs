//! Long work in small errands: how much at once, and when to make room for messages.

use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Transaction;

use super::StoreError;
use super::writer::{Component, WriterHandle};

/// How long one errand should hold the writer, its commit included.
const TARGET: Duration = Duration::from_millis(25);

/// Items of the first errand; later ones follow what was measured.
const FIRST: usize = 16;

/// More waiting messages than this, and background work makes room.
const BUSY: usize = 50;

/// How long it makes room at most: a busy writer delays it, and never stops it.
const PATIENCE: Duration = Duration::from_secs(1);

/// Between two looks at the queue.
const GLANCE: Duration = Duration::from_millis(5);

/// What one errand may do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Portion {
    /// Items at most; at least 1.
    pub(super) items: usize,
    begun: Instant,
}

/// Cuts long work into errands of about [`TARGET`].
pub(super) struct Pace<'a> {
    handle: &'a WriterHandle,
    component: Component,
    should_stop: &'a dyn Fn() -> bool,
    items: usize,
    most: usize,
}

impl Portion {
    /// Whether the errand has held the writer long enough, whatever is left of its items.
    pub(super) fn is_used_up(&self) -> bool {
        self.begun.elapsed() >= TARGET
    }
}

impl<'a> Pace<'a> {
    /// Errands of at most `most` items.
    pub(super) fn new(
        handle: &'a WriterHandle,
        component: Component,
        most: usize,
        should_stop: &'a dyn Fn() -> bool,
    ) -> Self {
        Self { handle, component, should_stop, items: FIRST.min(most), most }
    }

    /// Items that the next errand may do.
    pub(super) fn items(&self) -> usize {
        self.items
    }

    /// Makes room for messages, then has `work` done in a transaction of its own. `work` says how many items it did;
    /// `None` when the program ends.
    pub(super) fn errand<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>, Portion) -> rusqlite::Result<(usize, T)> + Send + 'static,
    ) -> Result<Option<(usize, T)>, StoreError> {
        if !make_room(|| self.handle.backlog(), self.should_stop, PATIENCE) {
            return Ok(None);
        }
        let items = self.items;
        let (begun, (done, result)) = self.handle.run(self.component, move |transaction| {
            let begun = Instant::now();
            Ok((begun, work(transaction, Portion { items, begun })?))
        })?;
        self.adapt(done, begun.elapsed());
        Ok(Some((done, result)))
    }

    /// The next errand does what should take [`TARGET`], and at most twice as much as this one.
    fn adapt(&mut self, done: usize, held: Duration) {
        self.items = next_items(self.items, done, held).clamp(1, self.most.max(1));
    }
}

/// Waits while many messages wait, for `patience` at most; whether to go on.
fn make_room(backlog: impl Fn() -> usize, should_stop: &dyn Fn() -> bool, patience: Duration) -> bool {
    let since = Instant::now();
    while !should_stop() {
        if backlog() <= BUSY || since.elapsed() >= patience {
            return true;
        }
        thread::sleep(GLANCE);
    }
    false
}

fn next_items(items: usize, done: usize, held: Duration) -> usize {
    let fitting = done as u128 * TARGET.as_nanos() / held.as_nanos().max(1);
    usize::try_from(fitting).unwrap_or(usize::MAX).min(items.saturating_mul(2))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(16, 16, 1, 32)] // fast: twice as many, not a thousand times
    #[case(100, 100, 25, 100)]
    #[case(100, 100, 100, 25)]
    #[case(100, 10, 50, 5)] // it was cut short
    #[case(1, 1, 1_000, 0)] // clamped to 1 by the caller
    fn the_next_portion_follows_the_measured_time(
        #[case] items: usize,
        #[case] done: usize,
        #[case] held_ms: u64,
        #[case] next: usize,
    ) {
        assert_eq!(next_items(items, done, Duration::from_millis(held_ms)), next);
    }

    #[test]
    fn messages_that_wait_come_first() {
        let waiting = Cell::new(3 * BUSY);
        let backlog = || waiting.replace(waiting.get() - BUSY);
        assert!(make_room(backlog, &|| false, Duration::MAX));
        assert_eq!(waiting.get(), 0, "it went on when few were left");
    }

    #[test]
    fn a_writer_that_is_always_busy_delays_the_work_and_does_not_stop_it() {
        let patience = Duration::from_millis(20);
        let begin = Instant::now();
        assert!(make_room(|| BUSY + 1, &|| false, patience));
        assert!(begin.elapsed() >= patience);
    }

    #[test]
    fn the_end_of_the_program_ends_the_wait() {
        let asked = Cell::new(0);
        let should_stop = || asked.replace(asked.get() + 1) >= 2;
        assert!(!make_room(|| BUSY + 1, &should_stop, Duration::MAX));
    }
}
