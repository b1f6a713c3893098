//! How often something may be said again.

use std::collections::HashMap;
use std::hash::Hash;

use meshcore_store::UnixMillis;

/// Between two lines about the same.
const PAUSE_MILLIS: i64 = 10_000;

/// Things remembered: when there are more, those that may be said again are forgotten.
const REMEMBERED: usize = 1_024;

/// Lets one line per key and ten seconds pass, and counts the others.
///
/// ```
/// use meshcore_ingest::log_limit::LogLimit;
/// use meshcore_store::UnixMillis;
///
/// let mut limit = LogLimit::default();
/// let at = UnixMillis::from_seconds;
/// assert_eq!(limit.should_log("roof", at(0)), Some(0));
/// assert_eq!(limit.should_log("roof", at(9)), None);
/// assert_eq!(limit.should_log("roof", at(10)), Some(1)); // one was left out
/// ```
#[derive(Debug)]
pub struct LogLimit<K> {
    said: HashMap<K, Said>,
}

#[derive(Debug)]
struct Said {
    at: UnixMillis,
    /// Lines left out since.
    suppressed: u64,
}

impl<K: Eq + Hash> LogLimit<K> {
    /// Whether a line about `key` may be written `now`: then with the number of lines left out before it.
    pub fn should_log(&mut self, key: K, now: UnixMillis) -> Option<u64> {
        if self.said.len() >= REMEMBERED {
            self.said.retain(|_, said| !said.is_over(now));
        }
        if self.said.len() >= REMEMBERED && !self.said.contains_key(&key) {
            return None; // so many things at once: the log is full of them already
        }
        let said = self.said.entry(key).or_insert(Said { at: UnixMillis::new(i64::MIN), suppressed: 0 });
        if said.is_over(now) {
            let suppressed = std::mem::take(&mut said.suppressed);
            said.at = now;
            return Some(suppressed);
        }
        said.suppressed += 1;
        None
    }
}

impl<K> Default for LogLimit<K> {
    fn default() -> Self {
        Self { said: HashMap::new() }
    }
}

impl Said {
    /// Whether it may be said again. A clock that was set back does not silence anything for long.
    const fn is_over(&self, now: UnixMillis) -> bool {
        now.get().saturating_sub(self.at.get()) >= PAUSE_MILLIS || now.get() < self.at.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: i64) -> UnixMillis {
        UnixMillis::from_seconds(seconds)
    }

    #[test]
    fn each_key_has_a_line_per_ten_seconds_and_says_what_was_left_out() {
        let mut limit = LogLimit::default();
        assert_eq!(limit.should_log(1, at(100)), Some(0));
        assert_eq!(limit.should_log(2, at(100)), Some(0));
        for second in 101..110 {
            assert_eq!(limit.should_log(1, at(second)), None);
        }
        assert_eq!(limit.should_log(1, at(110)), Some(9));
        assert_eq!(limit.should_log(1, at(120)), Some(0));
    }

    #[test]
    fn a_clock_set_back_silences_nothing() {
        let mut limit = LogLimit::default();
        assert_eq!(limit.should_log((), at(1_000)), Some(0));
        assert_eq!(limit.should_log((), at(5)), Some(0));
    }

    #[test]
    fn a_flood_of_keys_is_forgotten_in_time_and_costs_no_memory() {
        let mut limit = LogLimit::default();
        let said = (0..5_000).filter(|key| limit.should_log(*key, at(0)).is_some()).count();
        assert_eq!((said, limit.said.len()), (REMEMBERED, REMEMBERED));
        assert_eq!(limit.should_log(9_999, at(10)), Some(0));
        assert_eq!(limit.said.len(), 1);
    }
}
