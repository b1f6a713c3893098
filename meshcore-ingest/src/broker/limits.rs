//! How fast somebody may speak.

use std::time::{Duration, Instant};

/// How much one client may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections from one address.
    pub connections_per_address: u32,
    /// Connections of one user or observer.
    pub connections_per_key: u32,
    /// Messages per second of one user, observer or nameless address.
    pub messages_per_second: u32,
    /// Bytes of payload per second in the same way.
    pub bytes_per_second: u32,
    /// Largest MQTT packet, bytes.
    pub packet_bytes: u32,
}

/// What was saved up by being silent is good for this long.
const BURST: Duration = Duration::from_secs(10);

/// Whoever would have to wait for longer is not heard at all.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// A rate that somebody may keep up for ever, and exceed for a while.
///
/// It holds the moment at which everything said so far would have been said at that rate. How far that may be ahead of
/// now is the burst.
#[derive(Debug)]
pub(crate) struct Pace {
    per_unit: Duration,
    even_at: Instant,
}

impl Pace {
    /// One unit in `per_unit`.
    pub(crate) fn every(per_unit: Duration, now: Instant) -> Self {
        Self { per_unit, even_at: now }
    }

    /// How far what was said is ahead of the rate.
    pub(crate) fn lead(&self, now: Instant) -> Duration {
        self.even_at.saturating_duration_since(now)
    }

    /// Whether nothing would be forgotten without this.
    pub(crate) fn is_even(&self, now: Instant) -> bool {
        self.even_at <= now
    }

    /// Books `units`.
    pub(crate) fn book(&mut self, units: u32, now: Instant) {
        self.even_at = self.even_at.max(now) + self.per_unit.saturating_mul(units);
    }
}

/// What one user, observer or address has said of late.
#[derive(Debug)]
pub(crate) struct Speech {
    messages: Pace,
    bytes: Pace,
}

impl Speech {
    pub(crate) fn new(limits: &Limits, now: Instant) -> Self {
        let every = |per_second: u32| Pace::every(Duration::from_secs(1) / per_second.max(1), now);
        Self { messages: every(limits.messages_per_second), bytes: every(limits.bytes_per_second) }
    }

    /// Books one message of `bytes`: how long it has to wait, or `None` when it is too much.
    pub(crate) fn message(&mut self, bytes: usize, now: Instant) -> Option<Duration> {
        let wait = self.messages.lead(now).max(self.bytes.lead(now)).saturating_sub(BURST);
        if wait > LONGEST_WAIT {
            return None;
        }
        self.messages.book(1, now);
        self.bytes.book(u32::try_from(bytes).unwrap_or(u32::MAX), now);
        Some(wait)
    }

    /// Whether nothing would be forgotten without this.
    pub(crate) fn is_over(&self, now: Instant) -> bool {
        self.messages.is_even(now) && self.bytes.is_even(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        connections_per_address: 1,
        connections_per_key: 1,
        messages_per_second: 10,
        bytes_per_second: 1000,
        packet_bytes: 65_536,
    };

    #[test]
    fn a_burst_is_free_and_what_follows_keeps_the_pace() {
        let start = Instant::now();
        let mut speech = Speech::new(&LIMITS, start);
        for number in 0..=100 {
            assert_eq!(speech.message(1, start), Some(Duration::ZERO), "{number}");
        }
        assert_eq!(speech.message(1, start), Some(Duration::from_millis(100)));
        assert_eq!(speech.message(1, start), Some(Duration::from_millis(200)));
        let later = start + Duration::from_secs(2);
        assert_eq!(speech.message(1, later), Some(Duration::ZERO), "waiting has paid it back");
    }

    #[test]
    fn bytes_count_too() {
        let start = Instant::now();
        let mut speech = Speech::new(&LIMITS, start);
        assert_eq!(speech.message(12_000, start), Some(Duration::ZERO));
        assert_eq!(speech.message(1, start), Some(Duration::from_secs(2)));
    }

    #[test]
    fn what_would_wait_too_long_is_not_booked() {
        let start = Instant::now();
        let mut speech = Speech::new(&LIMITS, start);
        assert_eq!(speech.message(20_000, start), Some(Duration::ZERO));
        assert_eq!(speech.message(1, start), None);
        assert_eq!(speech.message(1, start + Duration::from_secs(5)), Some(Duration::from_secs(5)));
        assert!(!speech.is_over(start) && speech.is_over(start + Duration::from_secs(60)));
    }
}
