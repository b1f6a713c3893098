//! What the writer counts: rows, commits, and how long who waited for it and held it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Times kept per component.
const SAMPLES: usize = 1024;

/// A wait longer than this is contention.
const CONTENDED: Duration = Duration::from_millis(100);

/// Defines the components with the names they have in figures and logs.
macro_rules! components {
    ($($(#[$doc:meta])* $variant:ident => $text:literal,)*) => {
        /// Who uses the writer.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Component { $($(#[$doc])* $variant,)* }

        impl Component {
            /// All of them, in the order of their numbers.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name in figures and logs.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

components! {
    /// Messages from observers.
    Messages => "mqtt_handler",
    /// Neighbor edges and capabilities.
    Neighbors => "neighbor_builder",
    /// Retention of packets.
    PrunePackets => "prune_packets",
    /// Retention of nodes and observers.
    PruneObservers => "prune_observers",
    /// Retention of readings and refused adverts.
    PruneMetrics => "prune_metrics",
    /// Retention of mobile receptions.
    PruneClientReceptions => "prune_client_receptions",
    /// Giving pages back, folding the log into the file.
    Vacuum => "vacuum",
    /// Upgrading the file beside live writes.
    Migration => "migration",
    /// Old observations in less space.
    Packing => "packing",
    /// Reading stored frames again.
    Reprocessing => "reprocess",
    /// What the reading process asks for.
    Requests => "requests",
}

/// Figures of the one writer. Shared, and never in its way.
#[derive(Debug, Default)]
pub struct WriterFigures {
    /// New transmissions.
    pub tx_inserted: AtomicU64,
    /// Messages about a known transmission.
    pub tx_dupes: AtomicU64,
    /// Observations stored or merged.
    pub obs_inserted: AtomicU64,
    /// Adverts applied to nodes.
    pub node_upserts: AtomicU64,
    /// Status messages applied to observers.
    pub observer_upserts: AtomicU64,
    /// Messages the database refused.
    pub write_errors: AtomicU64,
    /// Adverts with a wrong signature.
    pub sig_drops: AtomicU64,
    /// Transactions committed.
    pub commits: AtomicU64,
    /// Of these, groups of messages.
    pub flushes: AtomicU64,
    components: [Mutex<Times>; Component::ALL.len()],
}

/// The last times of one component.
#[derive(Debug, Default)]
struct Times {
    count: u64,
    contended: u64,
    waits_us: Ring,
    holds_us: Ring,
}

#[derive(Debug, Default)]
struct Ring {
    values: Vec<u64>,
    next: usize,
}

/// Waits for and holds of the writer by one component. Percentiles are over the last 1,024, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LockReport {
    /// Who.
    pub component: Component,
    /// How often since the start.
    pub count: u64,
    /// How often it waited for more than 100 ms.
    pub contended: u64,
    /// How long it waited.
    pub wait: Percentiles,
    /// How long it held the writer.
    pub hold: Percentiles,
}

/// Milliseconds, nearest rank.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "percentiles are named like this everywhere")]
pub struct Percentiles {
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
    pub max: f64,
}

impl WriterFigures {
    /// Notes one use of the writer.
    pub(super) fn used(&self, component: Component, wait: Duration, hold: Duration) {
        let Some(times) = self.components.get(component as usize) else { return };
        // Nothing can panic while it is held, so a poisoned lock guards sound data.
        let mut times = times.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        times.count += 1;
        times.contended += u64::from(wait > CONTENDED);
        times.waits_us.push(micros(wait));
        times.holds_us.push(micros(hold));
    }

    /// The components that used the writer so far.
    pub fn locks(&self) -> Vec<LockReport> {
        let report = |(component, times): (&Component, &Mutex<Times>)| {
            let times = times.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            (times.count > 0).then(|| LockReport {
                component: *component,
                count: times.count,
                contended: times.contended,
                wait: times.waits_us.percentiles(),
                hold: times.holds_us.percentiles(),
            })
        };
        Component::ALL.iter().zip(&self.components).filter_map(report).collect()
    }
}

pub(super) fn add(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Ordering::Relaxed);
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

impl Ring {
    fn push(&mut self, value: u64) {
        if let Some(slot) = self.values.get_mut(self.next) {
            *slot = value;
        } else {
            self.values.push(value);
        }
        self.next = (self.next + 1) % SAMPLES;
    }

    fn percentiles(&self) -> Percentiles {
        let mut sorted = self.values.clone();
        sorted.sort_unstable();
        Percentiles {
            p50: nearest_rank(&sorted, 50),
            p95: nearest_rank(&sorted, 95),
            p99: nearest_rank(&sorted, 99),
            max: nearest_rank(&sorted, 100),
        }
    }
}

/// `sorted[p × (n − 1) + ½]` in milliseconds; 0 when there is none.
fn nearest_rank(sorted: &[u64], percent: usize) -> f64 {
    let last = sorted.len().saturating_sub(1);
    let micros = sorted.get((percent * last + 50) / 100).copied().unwrap_or(0);
    #[expect(clippy::cast_precision_loss, reason = "microseconds of waiting stay far below 2^52")]
    let millis = micros as f64 / 1000.0;
    millis
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks_of_the_last_times() {
        let figures = WriterFigures::default();
        for millis in (1..=2 * SAMPLES as u64).rev() {
            figures.used(Component::Messages, Duration::from_millis(millis), Duration::from_millis(1));
        }
        let locks = figures.locks();
        assert_eq!(locks.len(), 1, "who never used it is not named");
        let report = locks[0];
        assert_eq!((report.count, report.contended), (2048, 1948));
        assert_eq!((report.wait.p50, report.wait.max), (513.0, 1024.0));
        assert_eq!(report.hold.p99, 1.0);
    }

    #[rstest::rstest]
    #[case(&[], 50, 0.0)]
    #[case(&[2_000], 99, 2.0)]
    #[case(&[1_000, 2_000], 50, 2.0)] // 0.5 × 1 + 0.5 = rank 1
    #[case(&[1_000, 2_000, 3_000], 50, 2.0)]
    fn ranks_round_up_at_the_half(#[case] sorted: &[u64], #[case] percent: usize, #[case] millis: f64) {
        assert_eq!(nearest_rank(sorted, percent), millis);
    }
}
