//! How long to wait before a broker is tried again.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// Pauses that double up to [`LONGEST`].
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The pause after one more failure: between the half and the whole of what the number of failures asks for, so that
    /// those who lost the same broker do not all come back at once. `random` is any number.
    pub(super) fn next(&mut self, random: u64) -> Duration {
        let whole = FIRST.saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        let half = whole / 2;
        // At most 15 000 milliseconds.
        let spread = random % u64::try_from(half.as_millis()).map_or(1, |millis| millis.max(1));
        half + Duration::from_millis(spread)
    }

    /// The connection was good.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }
}

/// A number nobody can foresee; not for secrets.
pub(super) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_half_a_minute_and_begin_anew_after_success() {
        let mut backoff = Backoff::default();
        let shortest: Vec<u128> = (0..7).map(|_| backoff.next(0).as_millis()).collect();
        assert_eq!(shortest, [500, 1000, 2000, 4000, 8000, 15_000, 15_000]);
        for _ in 0..100 {
            let pause = backoff.next(random());
            assert!((LONGEST / 2..=LONGEST).contains(&pause), "{pause:?}");
        }
        backoff.reset();
        assert_eq!(backoff.next(0), FIRST / 2);
    }
}
