//! Where every message ends: stored, duplicate, rejected (with a reason) or dropped (with a reason).
//!
//! For each source, `received` is the sum of the others once nothing is in flight. Nothing is lost without a count.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use meshcore_store::UnixMillis;
use meshcore_store::db::{Commit, Outcome, Ticket};

/// Tickets of writes that are not counted when they are done: their message has been counted already.
pub const UNCOUNTED: Ticket = Ticket::MAX;

/// Defines an enum of reasons with the name each has in figures.
macro_rules! reasons {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident => $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$doc])* $variant,)* }

        impl $name {
            /// All reasons, in the order of their numbers.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name in figures and logs.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

reasons! {
    /// Why a message is wrong.
    Reject {
        /// The payload is no JSON object.
        NotJson => "not_json",
        /// The payload has more than 64 KiB.
        Oversize => "oversize",
        /// The JSON nests too deep.
        TooDeep => "too_deep",
        /// The topic is none of those observers publish to.
        UnknownTopic => "unknown_topic",
        /// The topic names no valid observer.
        BadObserver => "bad_observer",
        /// Neither a frame nor a status.
        NoFrame => "no_frame",
        /// The frame has more than 512 hex digits.
        RawTooLong => "raw_too_long",
        /// The frame is not hexadecimal, or has an odd number of digits.
        BadHex => "bad_hex",
        /// The frame ends too early.
        Truncated => "truncated",
        /// The frame's path uses a reserved hash size.
        ReservedHashSize => "reserved_hash_size",
        /// The frame's path is longer than 64 bytes.
        PathTooLong => "path_too_long",
        /// The frame's payload is longer than 184 bytes.
        PayloadTooLong => "payload_too_long",
        /// Any other fault of a frame.
        BadFrame => "bad_frame",
        /// An advert with an impossible key or position.
        BadAdvert => "bad_advert",
        /// An advert whose signature is not its node's.
        BadSignature => "bad_signature",
        /// The report of a transmission with the frame of an older reception.
        StaleTx => "tx_stale_raw",
        /// From a moving client or a companion bridge: not read by this version.
        NotSupported => "not_supported",
    }
}

reasons! {
    /// Why a good message is not kept.
    Discard {
        /// Its observer is on the blacklist.
        Blacklist => "blacklist",
        /// Its region is not on the whitelist.
        Whitelist => "whitelist",
        /// Its region is not in the source's filter.
        Iata => "iata",
        /// Too many messages wait.
        BufferFull => "buffer_full",
        /// The database refused it.
        WriteFailed => "write_failed",
    }
}

/// Figures of all sources. Shared, lock-free.
#[derive(Debug)]
pub struct Accounting {
    sources: Vec<SourceFigures>,
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
}

/// The figures of a source at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceReport {
    /// Label of the source.
    pub name: String,
    /// Messages that arrived.
    pub received: u64,
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
    /// One set of figures per source; a source's place in `names` is its ticket.
    pub fn new(names: impl IntoIterator<Item = String>) -> Self {
        let sources =
            names.into_iter().map(|name| SourceFigures { name, ..SourceFigures::default() }).collect();
        Self { sources }
    }

    /// A message arrived.
    pub fn received(&self, source: Ticket, at: UnixMillis) {
        if let Some(figures) = self.of(source) {
            add(&figures.received);
            figures.last_receipt_s.store(at.seconds(), Ordering::Relaxed);
        }
    }

    /// A message was wrong.
    pub fn rejected(&self, source: Ticket, reason: Reject) {
        if let Some(count) = self.of(source).and_then(|figures| figures.rejected.get(reason as usize)) {
            add(count);
        }
    }

    /// A good message was not kept.
    pub fn dropped(&self, source: Ticket, reason: Discard) {
        if let Some(count) = self.of(source).and_then(|figures| figures.dropped.get(reason as usize)) {
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

    /// The figures of every source now.
    pub fn report(&self) -> Vec<SourceReport> {
        self.sources.iter().map(SourceFigures::report).collect()
    }

    fn of(&self, source: Ticket) -> Option<&SourceFigures> {
        self.sources.get(usize::try_from(source).ok()?)
    }
}

impl SourceReport {
    /// Messages that have reached their bucket; `received` less this is what is in flight.
    pub fn accounted(&self) -> u64 {
        let sum = |counts: &[(&str, u64)]| counts.iter().map(|(_, count)| count).sum::<u64>();
        self.stored + self.duplicate + sum(&self.rejected) + sum(&self.dropped)
    }
}

impl SourceFigures {
    fn report(&self) -> SourceReport {
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
        let accounting = Accounting::new(["a".to_owned()]);
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
        let report = &accounting.report()[0];
        assert_eq!((report.received, report.accounted()), (5, 5));
        assert_eq!((report.stored, report.duplicate), (1, 1));
        assert_eq!(report.rejected, [("bad_hex", 1)]);
        assert_eq!(report.dropped, [("buffer_full", 1), ("write_failed", 1)]);
    }
}
