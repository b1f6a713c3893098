//! How often things happen: by the hour of the day, and faster on demand.

use super::mesh::World;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: u64 = 24 * 3_600_000;

/// What people send in each hour of local time, in thousandths of the mean.
const DAY: [u64; 24] = [
    330, 220, 160, 160, 220, 430, 740, 1010, 1190, 1260, 1280, 1290, 1290, 1240, 1240, 1290, 1390, 1590,
    1790, 1880, 1690, 1300, 830, 480,
];

/// Conversations a node begins in ten days.
const EXCHANGES_IN_TEN_DAYS: u64 = 36;

/// Packets per conversation and advert, roughly, all day and node: only the first guess of a rate.
const PACKETS_A_DAY: u64 = 8;

/// Traffic the first guess counts for: half an hour.
const GUESS_MS: u64 = 1_800_000;

/// Turns the periods of nodes into simulated time.
///
/// To yield a rate, everything is made as much more frequent as what was observed so far asks for.
#[derive(Debug)]
pub(super) struct Pace {
    /// Receptions per second that are wanted.
    wanted: Option<u64>,
    /// How much more frequent everything is, in thousandths.
    speed: u64,
    /// Traffic so far, in milliseconds at natural speed and mean business.
    passed: u64,
    observed: u64,
    /// Milliseconds by which local time is ahead of UTC.
    zone: i64,
    exchange_every: u64,
}

impl Pace {
    /// `observed` of `floods` that were tried out give the first guess.
    pub(super) fn new(world: &World, wanted: Option<u32>, observed: u64, floods: u64) -> Self {
        let nodes = u64::from(world.options.nodes);
        let packets = nodes * PACKETS_A_DAY * GUESS_MS / DAY_MS;
        let mut pace = Self {
            wanted: wanted.map(|rate| u64::from(rate.max(1))),
            speed: 1000,
            passed: GUESS_MS,
            observed: (packets * observed * 6 / (10 * floods.max(1))).max(1),
            zone: i64::from(world.options.center.lon) * 240 / 1000,
            exchange_every: DAY_MS * 10 / (EXCHANGES_IN_TEN_DAYS * nodes),
        };
        pace.adjust();
        pace
    }

    /// Simulated milliseconds for `natural` ones.
    pub(super) fn faster(&self, natural: u64) -> i64 {
        i64::try_from(natural.saturating_mul(1000) / self.speed).unwrap_or(i64::MAX).max(1)
    }

    /// Mean gap between two conversations at a time of day, natural milliseconds.
    pub(super) fn exchange_every(&self, at: i64) -> u64 {
        self.exchange_every * 1000 / self.business(at)
    }

    /// Counts traffic of `gap` simulated milliseconds up to `at`.
    pub(super) fn pass(&mut self, at: i64, gap: i64) {
        let gap = u64::try_from(gap).unwrap_or(0);
        self.passed += gap * self.speed / 1000 * self.business(at) / 1000;
        self.adjust();
    }

    /// Counts receptions.
    pub(super) const fn observe(&mut self, receptions: u64) {
        self.observed += receptions;
    }

    fn adjust(&mut self) {
        if let Some(wanted) = self.wanted {
            let speed = u128::from(wanted) * u128::from(self.passed) / u128::from(self.observed);
            self.speed = u64::try_from(speed).unwrap_or(u64::MAX).clamp(10, 100_000_000);
        }
    }

    fn business(&self, at: i64) -> u64 {
        DAY[hour(at + self.zone)]
    }
}

/// The hour of the day, 0 to 23.
pub(super) fn hour(at: i64) -> usize {
    usize::try_from(at.rem_euclid(24 * HOUR_MS) / HOUR_MS).expect("not negative")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_as_busy_as_days_are() {
        let mean = DAY.iter().sum::<u64>() / 24;
        assert!((990..=1015).contains(&mean), "{mean}");
    }

    #[test]
    fn hours_begin_at_midnight() {
        assert_eq!([0, HOUR_MS - 1, HOUR_MS, -1].map(hour), [0, 0, 1, 23]);
    }
}
