//! Where every message ends: stored, duplicate, rejected (with a reason) or dropped (with a reason).
//!
//! For each source, `received` is the sum of the others once nothing is in flight. Nothing is lost without a count.

mod reasons;
mod recent;

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use meshcore_store::UnixMillis;
use meshcore_store::db::{Commit, Outcome, Ticket};

pub(crate) use reasons::reasons;
pub use reasons::{Discard, Notice, Reject};
use recent::Recent;

/// Tickets of writes that are not counted when they are done: their message has been counted already.
pub const UNCOUNTED: Ticket = Ticket::MAX;

/// Figures of all sources there have been since the start. Shared.
#[derive(Debug, Default)]
pub struct Accounting {
    /// The place of a source is its ticket; none is ever removed.
    sources: RwLock<Vec<Arc<SourceFigures>>>,
}

/// Figures of one source.
#[derive(Debug, Default)]
struct SourceFigures {
    name: String,
    received: AtomicU64,
    stored: AtomicU64,
    duplicate: AtomicU64,
    rejected: [AtomicU64; Reject::ALL.len()],
    dropped: [AtomicU64; Discard::ALL.len()],
    last_receipt_s: AtomicI64,
    last_message_s: AtomicI64,
    recent: Mutex<Recent>,
}

/// The figures of a source at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceReport {
    /// Label of the source.
    pub name: String,
    /// Messages that arrived.
    pub received: u64,
    /// Of these, in the last five minutes.
    pub received_lately: u64,
    /// Made or changed a row.
    pub stored: u64,
    /// Packets already stored from this observer with this path.
    pub duplicate: u64,
    /// Wrong, by reason; reasons that never occurred are left out.
    pub rejected: Vec<(&'static str, u64)>,
    /// Good but not kept, by reason.
    pub dropped: Vec<(&'static str, u64)>,
    /// Unix seconds of the last arrival; 0 = never.
    pub last_receipt_s: i64,
    /// Unix seconds of the last commit of one of its messages; 0 = never.
    pub last_message_s: i64,
}

impl Accounting {
    /// One more source; its ticket is good for the life of the process.
    pub fn add(&self, name: impl Into<String>) -> Ticket {
        let mut sources = self.sources.write().unwrap_or_else(PoisonError::into_inner);
        let ticket = Ticket::try_from(sources.len()).unwrap_or(UNCOUNTED);
        sources.push(Arc::new(SourceFigures { name: name.into(), ..SourceFigures::default() }));
        ticket
    }

    /// A message arrived.
    pub fn received(&self, source: Ticket, at: UnixMillis) {
        if let Some(figures) = self.of(source) {
            add(&figures.received);
            figures.last_receipt_s.store(at.seconds(), Ordering::Relaxed);
            figures.recent().count(at);
        }
    }

    /// A message was wrong.
    pub fn rejected(&self, source: Ticket, reason: Reject) {
        if let Some(figures) = self.of(source)
            && let Some(count) = figures.rejected.get(reason as usize)
        {
            add(count);
        }
    }

    /// A good message was not kept.
    pub fn dropped(&self, source: Ticket, reason: Discard) {
        if let Some(figures) = self.of(source)
            && let Some(count) = figures.dropped.get(reason as usize)
        {
            add(count);
        }
    }

    /// A transaction was committed at `now`.
    pub fn committed(&self, commit: &Commit, now: UnixMillis) {
        for (ticket, outcome) in &commit.outcomes {
            let Some(figures) = self.of(*ticket) else { continue };
            match outcome {
                Outcome::Packet(stored) if !stored.new_observation => add(&figures.duplicate),
                Outcome::Packet(_) | Outcome::Status | Outcome::Noted => add(&figures.stored),
                Outcome::Failed => self.dropped(*ticket, Discard::WriteFailed),
            }
            if *outcome != Outcome::Failed {
                figures.last_message_s.store(now.seconds(), Ordering::Relaxed);
            }
        }
    }

    /// The label of `source`; empty for none.
    pub fn name(&self, source: Ticket) -> String {
        self.of(source).map_or_else(String::new, |figures| figures.name.clone())
    }

    /// Unix second of the last arrival of `source`; 0 = never.
    pub fn last_receipt_s(&self, source: Ticket) -> i64 {
        self.of(source).map_or(0, |figures| figures.last_receipt_s.load(Ordering::Relaxed))
    }

    /// The figures of every source at `now`, by ticket.
    pub fn report(&self, now: UnixMillis) -> Vec<SourceReport> {
        let sources = self.sources.read().unwrap_or_else(PoisonError::into_inner);
        sources.iter().map(|figures| figures.report(now)).collect()
    }

    fn of(&self, source: Ticket) -> Option<Arc<SourceFigures>> {
        let sources = self.sources.read().unwrap_or_else(PoisonError::into_inner);
        sources.get(usize::try_from(source).ok()?).cloned()
    }
}

impl SourceReport {
    /// Messages that have not reached their bucket yet.
    pub fn in_flight(&self) -> u64 {
        self.received.saturating_sub(self.accounted())
    }

    /// Messages that have reached their bucket.
    pub fn accounted(&self) -> u64 {
        let sum = |counts: &[(&str, u64)]| counts.iter().map(|(_, count)| count).sum::<u64>();
        self.stored + self.duplicate + sum(&self.rejected) + sum(&self.dropped)
    }
}

impl SourceFigures {
    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn report(&self, now: UnixMillis) -> SourceReport {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let occurred =
            |name: &'static str, count: &AtomicU64| Some((name, read(count))).filter(|(_, n)| *n > 0);
        SourceReport {
            name: self.name.clone(),
            stored: read(&self.stored),
            duplicate: read(&self.duplicate),
            rejected: Reject::ALL
                .iter()
                .zip(&self.rejected)
                .filter_map(|(r, n)| occurred(r.name(), n))
                .collect(),
            dropped: Discard::ALL
                .iter()
                .zip(&self.dropped)
                .filter_map(|(r, n)| occurred(r.name(), n))
                .collect(),
            last_receipt_s: self.last_receipt_s.load(Ordering::Relaxed),
            last_message_s: self.last_message_s.load(Ordering::Relaxed),
            received_lately: self.recent().total(now),
            received: read(&self.received), // last, so that it is never less than the sum
        }
    }
}

fn add(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use meshcore_store::db::Stored;

    use super::*;

    #[test]
    fn every_message_ends_in_exactly_one_bucket() {
        let accounting = Accounting::default();
        assert_eq!(accounting.add("a"), 0);
        let now = UnixMillis::from_seconds(7);
        for _ in 0..5 {
            accounting.received(0, now);
        }
        let packet = |new_observation| {
            Outcome::Packet(Stored { observation_id: 1, new_transmission: false, new_observation })
        };
        let outcomes =
            vec![(0, packet(true)), (0, packet(false)), (0, Outcome::Failed), (UNCOUNTED, Outcome::Noted)];
        accounting.committed(&Commit { outcomes, ..Commit::default() }, now);
        accounting.rejected(0, Reject::BadHex);
        accounting.dropped(0, Discard::BufferFull);
        let report = &accounting.report(now)[0];
        assert_eq!((report.received, report.accounted()), (5, 5));
        assert_eq!((report.stored, report.duplicate), (1, 1));
        assert_eq!(report.rejected, [("bad_hex", 1)]);
        assert_eq!(report.dropped, [("buffer_full", 1), ("write_failed", 1)]);
    }
}
