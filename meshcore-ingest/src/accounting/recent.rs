//! How many arrived in the last five minutes.

use meshcore_store::UnixMillis;

/// Seconds looked back.
const WINDOW_S: usize = 300;

/// A count per second of the last five minutes.
#[derive(Debug)]
pub(super) struct Recent {
    counts: [u32; WINDOW_S],
    /// Second of the newest count; older ones are before it, round the end.
    newest_s: i64,
}

impl Default for Recent {
    fn default() -> Self {
        Self { counts: [0; WINDOW_S], newest_s: i64::MIN }
    }
}

impl Recent {
    /// One more.
    pub(super) fn count(&mut self, at: UnixMillis) {
        let second = at.seconds();
        self.move_to(second);
        // A clock that was set back counts for the newest second.
        if let Some(count) = self.counts.get_mut(place(self.newest_s.max(second))) {
            *count = count.saturating_add(1);
        }
    }

    /// Those of the last five minutes.
    pub(super) fn total(&mut self, now: UnixMillis) -> u64 {
        self.move_to(now.seconds());
        self.counts.iter().map(|count| u64::from(*count)).sum()
    }

    /// Forgets what is too old at `second`.
    fn move_to(&mut self, second: i64) {
        let passed = second.saturating_sub(self.newest_s).min(WINDOW_S as i64);
        for second in second - passed + 1..=second {
            if let Some(count) = self.counts.get_mut(place(second)) {
                *count = 0;
            }
        }
        self.newest_s = self.newest_s.max(second);
    }
}

fn place(second: i64) -> usize {
    usize::try_from(second.rem_euclid(WINDOW_S as i64)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_777_636_800;

    fn at(second: i64) -> UnixMillis {
        UnixMillis::from_seconds(NOON + second)
    }

    #[test]
    fn what_is_five_minutes_old_counts_no_more() {
        let mut recent = Recent::default();
        assert_eq!(recent.total(at(0)), 0);
        for second in [0, 0, 1, 299] {
            recent.count(at(second));
        }
        assert_eq!(recent.total(at(299)), 4);
        assert_eq!(recent.total(at(300)), 2);
        assert_eq!(recent.total(at(301)), 1);
        assert_eq!(recent.total(at(10_000)), 0);
    }

    #[test]
    fn a_clock_that_is_set_back_loses_nothing() {
        let mut recent = Recent::default();
        recent.count(at(100));
        recent.count(at(50));
        assert_eq!(recent.total(at(50)), 2);
        assert_eq!(recent.total(at(399)), 2);
        assert_eq!(recent.total(at(400)), 0);
    }
}
