//! The thread that looks at all sources once a minute, by the rules of the [`watchdog`](super::watchdog).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use meshcore_store::UnixMillis;
use tracing::{error, info, warn};

use super::status::{StatusReport, Statuses};
use super::watchdog::{Action, Alert, Observation, Timing, Watchdog};
use crate::accounting::Accounting;
use crate::pipeline::Clock;

/// Whether the watchdog is alive.
#[derive(Debug, Default)]
pub struct WatchFigures {
    last_tick_s: AtomicI64,
    panics: AtomicU64,
}

impl WatchFigures {
    /// Unix seconds when it began to look at all sources last; 0 = never.
    pub fn last_tick_s(&self) -> i64 {
        self.last_tick_s.load(Ordering::Relaxed)
    }

    /// How often looking at a source failed: a fault of this program.
    pub fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }
}

/// The running thread. Dropping it ends it.
pub(super) struct Watch {
    /// Nothing is sent: it is gone when the thread is to end.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Looks at `statuses` as often as `timing` says.
    pub(super) fn start(
        statuses: Arc<Statuses>,
        accounting: Arc<Accounting>,
        figures: Arc<WatchFigures>,
        clock: Clock,
        timing: Timing,
    ) -> Self {
        let (stop, stopped) = bounded(0);
        let mut scanner = Scanner { watchdog: Watchdog::new(timing), figures };
        let look = move || {
            let seen = receipts(&statuses, &accounting);
            scanner.scan(clock(), &seen, |source, action| act(&statuses, source, action));
        };
        let thread = thread::Builder::new()
            .name("watchdog".into())
            .spawn(move || run(&stopped, timing, look))
            .inspect_err(|error| error!(%error, "no thread for the watchdog: silent sources go unnoticed"))
            .ok();
        Self { stop: Some(stop), thread }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // its panics are counted where they occur
        }
    }
}

fn run(stopped: &Receiver<()>, timing: Timing, mut look: impl FnMut()) {
    while stopped.recv_timeout(timing.scan) == Err(RecvTimeoutError::Timeout) {
        look();
    }
}

/// All sources, each with the Unix second of its last message.
fn receipts(statuses: &Statuses, accounting: &Accounting) -> Vec<(StatusReport, i64)> {
    let with_receipt = |status: StatusReport| {
        let last = accounting.last_receipt_s(status.ticket);
        (status, last)
    };
    statuses.report().into_iter().map(with_receipt).collect()
}

fn observation(status: &StatusReport, last_receipt_s: i64) -> Observation {
    // Arrivals are known to the second.
    let is_since_connect = |at: &i64| status.last_connect.is_some_and(|connect| *at >= connect.seconds());
    Observation {
        ticket: status.ticket,
        name: status.name.clone(),
        added_at: status.added_at,
        connected: status.connected,
        connects: status.connect_count,
        last_receipt: Some(last_receipt_s).filter(is_since_connect).map(UnixMillis::from_seconds),
    }
}

fn act(statuses: &Statuses, source: &StatusReport, action: Action) {
    let name = &source.name;
    match action {
        Action::Alert(Alert::Disconnected(age)) => {
            let reason = source.last_error.as_deref().unwrap_or("unknown");
            warn!(mqtt.source = name, for_s = age.as_secs(), reason, "source is not connected");
        }
        Action::Alert(Alert::NeverReceived(age)) => {
            warn!(
                mqtt.source = name,
                for_s = age.as_secs(),
                "source is connected and has NEVER received a message since: look at its topics and permissions"
            );
        }
        Action::Alert(Alert::Stalled(age)) => {
            warn!(mqtt.source = name, for_s = age.as_secs(), "source has gone silent");
        }
        Action::Reconnect => statuses.reconnect(source.ticket),
        Action::Recovered => info!(mqtt.source = name, "source has recovered"),
    }
}

/// The watchdog and its figures.
struct Scanner {
    watchdog: Watchdog,
    figures: Arc<WatchFigures>,
}

impl Scanner {
    /// Looks at each source; one that cannot be looked at does not keep the others from it.
    fn scan(
        &mut self,
        now: UnixMillis,
        sources: &[(StatusReport, i64)],
        mut act: impl FnMut(&StatusReport, Action),
    ) {
        self.figures.last_tick_s.store(now.seconds(), Ordering::Relaxed);
        for (status, last_receipt_s) in sources {
            if status.removed {
                self.watchdog.forget(status.ticket);
                continue;
            }
            let looked = catch_unwind(AssertUnwindSafe(|| {
                for action in self.watchdog.look(now, &observation(status, *last_receipt_s)) {
                    act(status, action);
                }
            }));
            // What went wrong is on standard error already.
            if looked.is_err() {
                self.figures.panics.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicI64;
    use std::time::{Duration, Instant};

    use super::super::status::Session;
    use super::*;

    /// Sources 0 and 1, connected at 1000 s, that received their last message at these seconds.
    fn sources(last: [i64; 2]) -> Vec<(StatusReport, i64)> {
        let statuses = Statuses::new(Arc::new(|| UnixMillis::from_seconds(1000)));
        for name in ["a", "b"] {
            let ticket = if name == "a" { 0 } else { 1 };
            statuses
                .add(ticket, name, "tcp://a.example:1883")
                .connected(UnixMillis::new(1_000_900), Session::Clean);
        }
        statuses.report().into_iter().zip(last).collect()
    }

    #[test]
    fn a_panic_over_one_source_leaves_the_others_watched() {
        let mut scanner = Scanner { watchdog: Watchdog::new(Timing::default()), figures: Arc::default() };
        let mut done = Vec::new();
        for _ in 0..2 {
            scanner.scan(UnixMillis::from_seconds(2000), &sources([1000, 1001]), |source, action| {
                assert_ne!(source.ticket, 0, "a fault of the program");
                done.push((source.ticket, action));
            });
        }
        let stalled = Action::Alert(Alert::Stalled(Duration::from_secs(999)));
        assert_eq!(done, [(1, stalled), (1, Action::Reconnect)]);
        assert_eq!(scanner.figures.panics(), 1, "what was told is not told again");
        assert_eq!(scanner.figures.last_tick_s(), 2000);
    }

    #[test]
    fn a_message_counts_for_the_connection_it_came_by() {
        let [(before, _), (within, _)] = <[_; 2]>::try_from(sources([0, 0])).unwrap();
        assert_eq!(observation(&before, 999).last_receipt, None);
        assert_eq!(observation(&within, 1000).last_receipt, Some(UnixMillis::from_seconds(1000)));
        assert_eq!(observation(&within, 0).last_receipt, None, "there was none");
    }

    #[test]
    fn the_thread_looks_in_time_and_ends_at_once() {
        let now = Arc::new(AtomicI64::new(1000));
        let clock: Clock = {
            let now = Arc::clone(&now);
            Arc::new(move || UnixMillis::from_seconds(now.load(Ordering::Relaxed)))
        };
        let (statuses, figures) =
            (Arc::new(Statuses::new(Arc::clone(&clock))), Arc::<WatchFigures>::default());
        let timing = Timing { scan: Duration::from_millis(5), ..Timing::default() };
        let watch = Watch::start(statuses, Arc::default(), Arc::clone(&figures), clock, timing);
        let end = Instant::now() + Duration::from_secs(10);
        while figures.last_tick_s() != 1000 {
            assert!(Instant::now() < end, "it did not look");
            thread::yield_now();
        }
        let told = Instant::now();
        drop(watch);
        assert!(told.elapsed() < Duration::from_secs(1));
    }
}
