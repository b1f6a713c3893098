//! What the operator wants to know of ingest: where every message went, whether the sources speak, whether the database
//! keeps up.
//!
//! ```text
//!  accounting, sources, queue, writer ──▶ Figures::snapshot ──▶ stats file (every second), log line (every five minutes),
//!                                                              /api/mqtt/status, /api/healthz
//! ```

mod file;
mod health;
mod process_io;
mod snapshot;
mod ticker;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arc_swap::ArcSwap;
use meshcore_store::UnixMillis;
use meshcore_store::db::migrate::BackfillFigures;
use meshcore_store::db::{Component, Ticket, WriterHandle};

use crate::accounting::{Accounting, Discard, Reject, SourceReport};
use crate::broker::Door;
use crate::intake::Memory;
use crate::pipeline::{Clock, Inlet};
use crate::sources::WatchFigures;
use crate::sources::status::{StatusReport, Statuses};

pub use file::StatsFile;
pub use health::{Health, Problem, State};
use process_io::ProcessIo;
pub use snapshot::{
    BrokerFigures, Buffer, FromPubkey, Liveness, LockFigures, ProcIo, Snapshot, SourceFigures,
};
pub(crate) use ticker::Ticker;

/// Where the figures come from. Shared.
pub struct Figures {
    parts: Parts,
    /// The way to the broker inside the program, once there is one.
    broker: OnceLock<Door>,
    io: Mutex<ProcessIo>,
    health: ArcSwap<Health>,
    /// Messages that were on their way when the run before this one was killed.
    lost_before: u64,
}

/// Who counts.
pub(crate) struct Parts {
    pub(crate) accounting: Arc<Accounting>,
    pub(crate) memory: Arc<Memory>,
    pub(crate) statuses: Arc<Statuses>,
    pub(crate) watch: Arc<WatchFigures>,
    pub(crate) inlet: Inlet,
    pub(crate) writer: WriterHandle,
    pub(crate) backfills: Arc<BackfillFigures>,
    pub(crate) clock: Clock,
}

impl Figures {
    pub(crate) fn new(parts: Parts, lost_before: u64) -> Self {
        Self { parts, broker: OnceLock::new(), io: Mutex::default(), health: ArcSwap::default(), lost_before }
    }

    /// Tells of this broker, too.
    pub(crate) fn tell_of(&self, broker: Door) {
        let _ = self.broker.set(broker); // there is one at most
    }

    /// The figures now.
    pub fn snapshot(&self) -> Snapshot {
        let now = (self.parts.clock)();
        let sources = self.parts.accounting.report(now);
        let rejected = || sources.iter().flat_map(|source| &source.rejected);
        let dropped = sources.iter().flat_map(|source| &source.dropped);
        let writer = self.parts.writer.figures();
        let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        Snapshot {
            sampled_at: now.to_rfc3339_millis(),
            tx_inserted: count(&writer.tx_inserted),
            obs_inserted: count(&writer.obs_inserted),
            tx_dupes: count(&writer.tx_dupes),
            node_upserts: count(&writer.node_upserts),
            observer_upserts: count(&writer.observer_upserts),
            write_errors: count(&writer.write_errors),
            sig_drops: count(&writer.sig_drops),
            wal_commits: count(&writer.commits),
            group_commit_flushes: count(&writer.flushes),
            backfill_updates: self
                .parts
                .backfills
                .updates()
                .into_iter()
                .map(|(name, n)| (name.into(), n))
                .collect(),
            proc_io: self.io.lock().unwrap_or_else(PoisonError::into_inner).sample(now),
            writer_perf: self.writer_perf(),
            source_liveness: sources.iter().map(|source| (source.name.clone(), source.into())).collect(),
            decode_errors: sum(rejected().filter(|(reason, _)| is_decode_error(reason))),
            dropped_messages: sum(dropped.chain(rejected().filter(|(reason, _)| !is_decode_error(reason)))),
            notices: sum(self.parts.memory.notices().iter()),
            buffer: self.buffer(now, &sources),
            broker: self.broker.get().map(|door| door.report().into()),
            from_pubkey_backfill: self.parts.backfills.from_pubkey().into(),
            source_statuses: self.source_statuses(sources),
            watchdog_last_tick_unix: self.parts.watch.last_tick_s(),
            watchdog_panic_count: self.parts.watch.panics(),
            health: Health::clone(&self.health.load()),
            lost_before: self.lost_before,
            stopped: false,
        }
    }

    /// What is counted of each source, and how its connection is.
    fn source_statuses(&self, sources: Vec<SourceReport>) -> Vec<SourceFigures> {
        let mut connections: HashMap<Ticket, StatusReport> =
            self.parts.statuses.report().into_iter().map(|status| (status.ticket, status)).collect();
        let with_connection = |(ticket, report)| SourceFigures::of(report, connections.remove(&ticket));
        (0..).zip(sources).map(with_connection).collect()
    }

    fn writer_perf(&self) -> BTreeMap<String, LockFigures> {
        let locks = self.parts.writer.figures().locks();
        locks.into_iter().map(|lock| (Component::name(lock.component).to_owned(), lock.into())).collect()
    }

    fn buffer(&self, now: UnixMillis, sources: &[SourceReport]) -> Buffer {
        let (backlog, limits) = (self.parts.inlet.backlog(), self.parts.inlet.limits());
        let is_full = |reason: &str| {
            [Discard::BufferFull, Discard::BufferFullRepeat].iter().any(|discard| discard.name() == reason)
        };
        let dropped = sources.iter().flat_map(|source| &source.dropped);
        Buffer {
            pending: backlog.messages,
            capacity: limits.messages,
            dropped: dropped.filter(|(reason, _)| is_full(reason)).map(|(_, n)| n).sum(),
            pending_bytes: backlog.bytes,
            capacity_bytes: limits.bytes,
            oldest_ms: backlog.oldest.map_or(0, |oldest| now.get().saturating_sub(oldest.get()).max(0)),
        }
    }
}

fn sum<'a>(counts: impl Iterator<Item = &'a (&'static str, u64)>) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for (reason, count) in counts {
        *sums.entry((*reason).to_owned()).or_default() += count;
    }
    sums
}

/// Whether a message was rejected because its frame could not be decoded.
fn is_decode_error(reason: &str) -> bool {
    Reject::ALL.iter().any(|reject| reject.name() == reason && reject.is_decode_error())
}
