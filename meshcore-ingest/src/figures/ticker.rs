//! The thread that looks at the figures every second: stats file, health, and a line in the log.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use tracing::{error, info, warn};

use super::health::{Health, Observed, Physician, State};
use super::{Figures, Snapshot, StatsFile};

const TICK: Duration = Duration::from_secs(1);

/// Ticks between two lines in the log.
const TICKS_PER_LINE: u64 = 300;

/// The running thread. Dropping it writes the last line and the last file.
pub(crate) struct Ticker {
    /// Nothing is sent: it is gone when the thread is to end.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    /// Starts it; `file` is where other processes look.
    pub(crate) fn start(figures: Arc<Figures>, file: Option<StatsFile>) -> io::Result<Self> {
        let (stop, stopped) = bounded(0);
        let thread = thread::Builder::new()
            .name("figures".into())
            .spawn(move || Rounds { figures, file, could_write: true }.run(&stopped))?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            error!("the thread that looks at the figures ended with a panic");
        }
    }
}

struct Rounds {
    figures: Arc<Figures>,
    file: Option<StatsFile>,
    could_write: bool,
}

impl Rounds {
    fn run(&mut self, stopped: &Receiver<()>) {
        let mut physician = Physician::new((self.figures.parts.clock)());
        for tick in 0_u64.. {
            let mut snapshot = self.figures.snapshot();
            snapshot.health = self.examine(&mut physician, &snapshot);
            self.write(&snapshot);
            if tick > 0 && tick % TICKS_PER_LINE == 0 {
                say(&snapshot);
            }
            if stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Disconnected) {
                break;
            }
        }
        let last = Snapshot { stopped: true, ..self.figures.snapshot() };
        say(&last);
        self.write(&last);
    }

    fn examine(&self, physician: &mut Physician, snapshot: &Snapshot) -> Health {
        let health = physician.examine(&Observed {
            now: (self.figures.parts.clock)(),
            is_writer_failing: self.figures.parts.writer.is_failing(),
            buffer: snapshot.buffer,
            sources: &snapshot.source_statuses,
        });
        let before = self.figures.health.swap(Arc::new(health.clone()));
        if health.problems != before.problems {
            for problem in &health.problems {
                let source = problem.source.as_deref().unwrap_or_default();
                warn!(mqtt.source = source, code = problem.code, "ingest: {}", problem.text);
            }
            if health.state == State::Ok {
                info!("ingest: all is well again");
            }
        }
        health
    }

    /// Never fatal; said once until it works again.
    fn write(&mut self, snapshot: &Snapshot) {
        let Some(file) = &self.file else { return };
        let written = file.write(snapshot);
        if let Err(error) = &written
            && self.could_write
        {
            warn!(path = %file.path().display(), %error, "the stats file cannot be written");
        }
        self.could_write = written.is_ok();
    }
}

/// One line about all sources together: received = stored + duplicate + undecoded + dropped + in flight.
fn say(snapshot: &Snapshot) {
    let sum = |of: fn(&super::SourceFigures) -> u64| snapshot.source_statuses.iter().map(of).sum::<u64>();
    info!(
        received = sum(|source| source.packets_total),
        stored = sum(|source| source.stored),
        duplicate = sum(|source| source.duplicate),
        undecoded = %listed(&snapshot.decode_errors),
        dropped = %listed(&snapshot.dropped_messages),
        in_flight = sum(|source| source.in_flight),
        waiting = snapshot.buffer.pending,
        commits = snapshot.wal_commits,
        "messages since the start"
    );
}

/// `bad_hex=3 truncated=1`, or 0.
fn listed(counts: &BTreeMap<String, u64>) -> String {
    if counts.is_empty() {
        return "0".into();
    }
    counts.iter().map(|(reason, count)| format!("{reason}={count}")).collect::<Vec<_>>().join(" ")
}
