//! When what is done to keep the file in order.
//!
//! The schedule knows times, not threads: whoever drives it says what time it is. It goes by distances, so that a clock
//! that is set does no harm:
//!
//! * forward, also by days: what became due runs once, and next a full period later;
//! * back: what was to come in an hour still comes in an hour.
//!
//! A task that fails is logged and tried again at its next time. One that takes long (the first prune of a large file)
//! is told to stop after a while, and goes on when the others that are due had their turn.

use std::cell::Cell;
use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::requests::Requests;
use super::retention::{Retention, RetentionDays, silence_observers};
use super::writer::WriterHandle;
use super::{NeighborKeeper, StoreError, packing, vacuum};
use crate::UnixMillis;

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// How long one task keeps the others waiting.
const TURN: Duration = Duration::from_secs(10);

/// What is done at its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Task {
    /// Observers on the list of unwanted ones are marked inactive.
    SilenceObservers,
    /// What an upgrade leaves for later.
    Migration,
    /// Nodes not heard are put aside.
    Nodes,
    /// Observers not heard are marked inactive.
    Observers,
    /// Old readings and refused adverts go.
    Metrics,
    /// Old packets go.
    Packets,
    /// Old mobile receptions go.
    ClientReceptions,
    /// New observations become edges between neighbors.
    NeighborBuild,
    /// Old edges go.
    NeighborPrune,
    /// What is known of nodes' hash sizes is stored.
    Capability,
    /// Old observations are packed.
    Packing,
    /// The log is folded into the file.
    Checkpoint,
    /// What a reading process asked for.
    Requests,
}

/// When a task is due: so long after the start, and then after each time it was done.
struct Timing {
    task: Task,
    first: i64,
    /// After the first time, where that is not a period.
    second: Option<i64>,
    period: Option<i64>,
}

/// At the start in this order.
const TIMINGS: &[Timing] = &[
    once(Task::SilenceObservers),
    every(Task::Nodes, 0, HOUR),
    Timing { task: Task::Observers, first: 0, second: Some(90 * SECOND), period: Some(DAY) },
    every(Task::Metrics, 0, DAY),
    every(Task::Packets, 0, DAY),
    every(Task::ClientReceptions, 0, DAY),
    every(Task::Requests, 0, 15 * SECOND),
    every(Task::NeighborBuild, 0, MINUTE),
    once(Task::Migration),
    every(Task::Checkpoint, 30 * SECOND, HOUR),
    every(Task::Capability, 2 * MINUTE, 5 * MINUTE),
    every(Task::NeighborPrune, 4 * MINUTE, DAY),
    every(Task::Packing, 5 * MINUTE, HOUR),
];

const fn once(task: Task) -> Timing {
    Timing { task, first: 0, second: None, period: None }
}

const fn every(task: Task, first: i64, period: i64) -> Timing {
    Timing { task, first, second: None, period: Some(period) }
}

/// Does a task: what time it is, and whether to end early. It does the work in small errands of its own, and when it
/// was ended early goes on where it was the next time.
type Chore = Box<dyn FnMut(UnixMillis, &dyn Fn() -> bool) -> Result<(), StoreError> + Send>;

/// A method of [`Retention`].
type Prune = fn(&Retention, UnixMillis, &dyn Fn() -> bool) -> Result<u64, StoreError>;

struct Entry {
    timing: &'static Timing,
    /// `None`: never again.
    due: Option<UnixMillis>,
    /// It was not done yet.
    is_new: bool,
    chore: Chore,
}

/// Tasks and when they are due next.
pub struct Schedule {
    entries: Vec<Entry>,
    /// Done after prunes.
    give_back: Option<Chore>,
    /// The time last told.
    seen: UnixMillis,
    turn: Duration,
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let due = self.entries.iter().map(|entry| (entry.timing.task, entry.due));
        f.debug_map().entries(due).finish()
    }
}

impl Task {
    /// The name in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SilenceObservers => "silence_observers",
            Self::Migration => "migration",
            Self::Nodes => "nodes",
            Self::Observers => "observers",
            Self::Metrics => "metrics",
            Self::Packets => "packets",
            Self::ClientReceptions => "client_receptions",
            Self::NeighborBuild => "neighbor_build",
            Self::NeighborPrune => "neighbor_prune",
            Self::Capability => "capability",
            Self::Packing => "packing",
            Self::Checkpoint => "checkpoint",
            Self::Requests => "requests",
        }
    }

    /// Whether it leaves free pages behind.
    const fn is_prune(self) -> bool {
        matches!(
            self,
            Self::Nodes
                | Self::Observers
                | Self::Metrics
                | Self::Packets
                | Self::ClientReceptions
                | Self::NeighborPrune
                | Self::Packing
        )
    }

    fn timing(self) -> &'static Timing {
        TIMINGS.iter().find(|timing| timing.task == self).expect("each task has a timing")
    }
}

impl Schedule {
    /// Without tasks, started `now`.
    pub const fn new(now: UnixMillis) -> Self {
        Self { entries: Vec::new(), give_back: None, seen: now, turn: TURN }
    }

    /// With the tasks that the file needs by itself, started `now`.
    ///
    /// When something was pruned, up to `vacuum_pages` free pages are returned after it. `unwanted` are ids of observers.
    pub fn of_database(
        now: UnixMillis,
        path: impl Into<PathBuf>,
        handle: &WriterHandle,
        days: RetentionDays,
        vacuum_pages: u32,
        unwanted: Vec<String>,
    ) -> Self {
        let path = path.into();
        let requests = Requests::of(&path);
        let retention = Retention::new(path, handle.clone(), days);
        let mut schedule = Self::new(now);
        let mut prune = |task: Task, prune: Prune| {
            let retention = retention.clone();
            schedule.add(task, move |now, should_stop| {
                let rows = prune(&retention, now, should_stop)?;
                if rows > 0 {
                    tracing::info!(task = task.name(), rows, "retention");
                }
                Ok(())
            });
        };
        prune(Task::Nodes, Retention::nodes);
        prune(Task::Observers, Retention::observers);
        prune(Task::Metrics, Retention::metrics);
        prune(Task::Packets, Retention::packets);
        prune(Task::ClientReceptions, Retention::client_receptions);
        let writer = handle.clone();
        schedule.add(Task::SilenceObservers, move |_, _| silence_observers(&writer, &unwanted).map(drop));
        let writer = handle.clone();
        schedule.add(Task::Checkpoint, move |_, _| {
            let checkpoint = vacuum::fold_log(&writer)?;
            tracing::info!(?checkpoint, "the write-ahead log is folded into the database");
            Ok(())
        });
        let writer = handle.clone();
        schedule.add(Task::Requests, move |now, should_stop| {
            requests.process(&writer, now, should_stop).map(drop)
        });
        let writer = handle.clone();
        schedule.give_back = Some(Box::new(move |_, should_stop| {
            vacuum::return_free_pages(&writer, vacuum_pages, should_stop).map(drop)
        }));
        schedule
    }

    /// Adds what keeps the neighbor graph.
    pub fn keep_neighbors(&mut self, keeper: &NeighborKeeper, handle: &WriterHandle) {
        let (graph, writer) = (keeper.clone(), handle.clone());
        self.add(Task::NeighborBuild, move |now, should_stop| {
            graph.build(&writer, now, should_stop).map(drop)
        });
        let (graph, writer) = (keeper.clone(), handle.clone());
        self.add(Task::NeighborPrune, move |now, _| graph.prune(&writer, now));
        let (graph, writer) = (keeper.clone(), handle.clone());
        self.add(Task::Capability, move |now, _| graph.persist_capabilities(&writer, now));
    }

    /// Adds packing of what was not heard for `hours`.
    pub fn pack_after(&mut self, hours: u32, handle: &WriterHandle) {
        let writer = handle.clone();
        self.add(Task::Packing, move |now, should_stop| {
            let observations =
                packing::pack(&writer, now.plus_millis(-i64::from(hours) * HOUR), should_stop)?;
            if observations > 0 {
                tracing::info!(observations, "old observations are packed");
            }
            Ok(())
        });
    }

    /// Adds a task, which begins to count from the time last told, or replaces what is done for it.
    pub fn add(
        &mut self,
        task: Task,
        chore: impl FnMut(UnixMillis, &dyn Fn() -> bool) -> Result<(), StoreError> + Send + 'static,
    ) {
        let timing = task.timing();
        let due = Some(self.seen.plus_millis(timing.first));
        self.entries.retain(|entry| entry.timing.task != task);
        self.entries.push(Entry { timing, due, is_new: true, chore: Box::new(chore) });
        let place = |entry: &Entry| TIMINGS.iter().position(|timing| timing.task == entry.timing.task);
        self.entries.sort_by_key(place);
    }

    /// Does what is due at `now`, each task at most once, and says which were begun. Ends early when told to.
    pub fn tick(&mut self, now: UnixMillis, should_stop: &dyn Fn() -> bool) -> Vec<Task> {
        self.set_clock(now);
        let mut begun = Vec::new();
        for entry in &mut self.entries {
            if should_stop() || entry.due.is_none_or(|due| due > now) {
                continue;
            }
            begun.push(entry.timing.task);
            if entry.run(now, should_stop, self.turn) == Turn::Over {
                entry.due = Some(now);
                continue;
            }
            let wait = match entry.timing.second {
                Some(second) if entry.is_new => Some(second),
                _ => entry.timing.period,
            };
            entry.due = wait.map(|wait| now.plus_millis(wait));
            entry.is_new = false;
        }
        if let Some(give_back) = &mut self.give_back
            && begun.iter().any(|task| task.is_prune())
            && let Err(error) = give_back(now, should_stop)
        {
            tracing::error!(%error, "free pages were not given back; it is tried again at the next time");
        }
        begun
    }

    /// When the next task is due; `None` when none ever is again.
    pub fn next_due(&self) -> Option<UnixMillis> {
        self.entries.iter().filter_map(|entry| entry.due).min()
    }

    /// When the clock was set back, everything to come is as far away as it was.
    fn set_clock(&mut self, now: UnixMillis) {
        let step = now.get().saturating_sub(self.seen.get());
        if step < 0 {
            for entry in &mut self.entries {
                entry.due = entry.due.map(|due| due.plus_millis(step));
            }
        }
        self.seen = now;
    }
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// Done, or failed.
    Done,
    /// It had its turn, and is not done yet.
    Over,
}

impl Entry {
    fn run(&mut self, now: UnixMillis, should_stop: &dyn Fn() -> bool, turn: Duration) -> Turn {
        let (begun, is_over) = (Instant::now(), Cell::new(false));
        let stop = || {
            is_over.set(is_over.get() || begun.elapsed() >= turn);
            is_over.get() || should_stop()
        };
        match (self.chore)(now, &stop) {
            Ok(()) if is_over.get() => Turn::Over,
            Ok(()) => Turn::Done,
            Err(error) => {
                let task = self.timing.task.name();
                tracing::error!(task, %error, "a task failed; it is tried again at its next time");
                Turn::Done
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn a_long_task_goes_on_after_the_others_had_their_turn() {
        let noon = UnixMillis::from_seconds(1_777_636_800);
        let mut schedule = Schedule { turn: Duration::ZERO, ..Schedule::new(noon) };
        let left = Arc::new(AtomicU32::new(3));
        let chunks = Arc::clone(&left);
        schedule.add(Task::Packets, move |_, should_stop| {
            // A chunk per turn, and the question after it whether there is time for one more.
            if chunks.load(Ordering::Relaxed) > 0 {
                chunks.fetch_sub(1, Ordering::Relaxed);
                should_stop();
            }
            Ok(())
        });
        schedule.add(Task::Requests, |_, _| Ok(()));
        assert_eq!(schedule.tick(noon, &|| false), [Task::Packets, Task::Requests]);
        for chunk in [1, 0] {
            assert_eq!(schedule.next_due(), Some(noon), "it still is due");
            assert_eq!(schedule.tick(noon, &|| false), [Task::Packets]);
            assert_eq!(left.load(Ordering::Relaxed), chunk);
        }
        assert_eq!(schedule.tick(noon, &|| false), [Task::Packets], "it finds nothing left");
        assert_eq!(schedule.next_due(), Some(noon.plus_millis(15 * SECOND)));
    }

    #[test]
    fn a_long_task_that_fails_is_not_due_again_at_once() {
        let noon = UnixMillis::from_seconds(1_777_636_800);
        let mut schedule = Schedule { turn: Duration::ZERO, ..Schedule::new(noon) };
        schedule.add(Task::Packets, |_, should_stop| {
            assert!(should_stop());
            Err(StoreError::WriterGone)
        });
        assert_eq!(schedule.tick(noon, &|| false), [Task::Packets]);
        assert_eq!(schedule.next_due(), Some(noon.plus_millis(DAY)));
    }
}
