//! Evidence for one edge, added up.

use meshcore_proto::NodeHash;
use smallvec::SmallVec;

use super::ends::EndId;
use crate::UnixMillis;

/// Seconds in an hour.
const HOUR_S: u32 = 3600;

/// Hours after which an edge not heard again is worth half.
const HALF_LIFE_HOURS: f64 = 168.0;

/// Sightings for a full score.
const FULL_COUNT: f64 = 100.0;

/// Observers for full confidence.
const FULL_OBSERVERS: f64 = 3.0;

/// Louder or weaker than any radio reports, dB: what is beyond is a broken reading.
const MAX_SNR_DB: f64 = 1000.0;

/// One piece of evidence for an edge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sighting {
    /// When, in seconds since 1970.
    pub at: u32,
    /// How the far end was named; `None` when it was known by its key.
    pub prefix: Option<NodeHash>,
    /// Signal to noise, dB, when this link was measured.
    pub snr: Option<f64>,
    /// Who reported it, when that is known.
    pub observer: Option<EndId>,
}

/// Evidence for an edge, of an hour or of all time.
///
/// Adding is exact and in any order: signals are summed in thousandths of a dB, as whole numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Sightings by bytes of the prefix, 1 to 3; 0 without one.
    modes: [u32; 4],
    first_seen: u32,
    last_seen: u32,
    /// Thousandths of a dB.
    snr_sum: i64,
    snr_n: u32,
    /// Of the first sighting: size, then bytes; 0 for none. A word instead of an `Option` saves 8 bytes per hour.
    prefix: u32,
    /// Sorted, each once.
    observers: SmallVec<[EndId; 4]>,
}

/// How sure the page says an edge is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EdgeConfidence {
    /// The far end is a prefix.
    Ambiguous,
    /// Heard once, by a short prefix.
    Low,
    /// In between.
    Medium,
    /// Heard often, or by long prefixes.
    High,
}

impl EdgeConfidence {
    /// The word in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ambiguous => "AMBIGUOUS",
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
        }
    }
}

impl From<&Sighting> for Tally {
    fn from(sighting: &Sighting) -> Self {
        let snr = sighting.snr.filter(|snr| snr.abs() <= MAX_SNR_DB);
        Self {
            modes: Self::one_mode(1, sighting.prefix),
            first_seen: sighting.at,
            last_seen: sighting.at,
            snr_sum: snr.map_or(0, thousandths),
            snr_n: u32::from(snr.is_some()),
            prefix: sighting.prefix.map_or(0, pack),
            observers: sighting.observer.into_iter().collect(),
        }
    }
}

impl Tally {
    /// Evidence as stored: sightings by size of prefix, first and last second, sum (dB) and number of signals.
    /// Observers may come in any order.
    pub fn from_parts(
        modes: [u32; 4],
        seen: (u32, u32),
        snr: (f64, u32),
        prefix: Option<NodeHash>,
        observers: impl IntoIterator<Item = EndId>,
    ) -> Self {
        let mut tally = Self {
            modes,
            first_seen: seen.0,
            last_seen: seen.1,
            snr_sum: thousandths(snr.0),
            snr_n: snr.1,
            prefix: prefix.map_or(0, pack),
            observers: SmallVec::new(),
        };
        observers.into_iter().for_each(|observer| tally.add_observer(observer));
        tally
    }

    /// Adds other evidence for the same edge.
    pub fn merge(&mut self, other: &Self) {
        // the prefix of the first sighting; within one second the smaller, so that the order does not matter
        if (other.first_seen, other.prefix) < (self.first_seen, self.prefix) {
            self.prefix = other.prefix;
        }
        self.first_seen = self.first_seen.min(other.first_seen);
        self.last_seen = self.last_seen.max(other.last_seen);
        for (mine, others) in self.modes.iter_mut().zip(other.modes) {
            *mine = mine.saturating_add(others);
        }
        self.snr_sum = self.snr_sum.saturating_add(other.snr_sum);
        self.snr_n = self.snr_n.saturating_add(other.snr_n);
        other.observers.iter().for_each(|observer| self.add_observer(*observer));
    }

    fn add_observer(&mut self, observer: EndId) {
        if let Err(at) = self.observers.binary_search(&observer) {
            self.observers.insert(at, observer);
        }
    }

    /// Sightings.
    pub fn count(&self) -> u32 {
        self.modes.iter().fold(0, |sum, n| sum.saturating_add(*n))
    }

    /// Sightings by bytes of the prefix they came with, 1 to 3; 0: without one.
    pub const fn modes(&self) -> [u32; 4] {
        self.modes
    }

    /// Whether all sightings came with a prefix of the size of the first one's.
    pub fn is_of_one_mode(&self) -> bool {
        self.modes.get(mode_of(self.prefix())) == Some(&self.count())
    }

    /// The modes of `count` sightings that all came with a prefix of this size.
    pub fn one_mode(count: u32, prefix: Option<NodeHash>) -> [u32; 4] {
        let mut modes = [0; 4];
        modes[mode_of(prefix)] = count;
        modes
    }

    /// Seconds since 1970 of the first sighting.
    pub const fn first_seen(&self) -> u32 {
        self.first_seen
    }

    /// Seconds since 1970 of the last sighting.
    pub const fn last_seen(&self) -> u32 {
        self.last_seen
    }

    /// Hours since 1970 of the first sighting: the hour this stands for.
    pub const fn hour(&self) -> u32 {
        self.first_seen / HOUR_S
    }

    /// How the far end was named at the first sighting.
    pub fn prefix(&self) -> Option<NodeHash> {
        let [size, bytes @ ..] = self.prefix.to_be_bytes();
        NodeHash::new(bytes.get(..usize::from(size))?)
    }

    /// Who reported it, by number.
    pub fn observers(&self) -> &[EndId] {
        &self.observers
    }

    /// Sum of the signals measured, dB, and how many.
    #[expect(clippy::cast_precision_loss, reason = "sums of signals stay far below 2^52 thousandths")]
    pub fn snr(&self) -> (f64, u32) {
        (self.snr_sum as f64 / 1000.0, self.snr_n)
    }

    /// Mean signal to noise, dB; `None` when this link was never measured.
    pub fn avg_snr(&self) -> Option<f64> {
        let (sum, n) = self.snr();
        (n > 0).then(|| sum / f64::from(n))
    }

    /// 0 to 1: how often it was heard, halved for every week since.
    pub fn score(&self, now: UnixMillis) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 are far below 2^52")]
        let age_hours = (now.get() - i64::from(self.last_seen) * 1000) as f64 / 3_600_000.0;
        let decay = (-core::f64::consts::LN_2 / HALF_LIFE_HOURS * age_hours.max(0.0)).exp();
        (f64::from(self.count()) / FULL_COUNT).min(1.0) * decay
    }

    /// ⅓ to 1: how many observers vouch for it.
    pub fn confidence(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a number of observers")]
        let observers = self.observers.len().max(1) as f64;
        (observers / FULL_OBSERVERS).min(1.0)
    }

    /// Score times confidence.
    pub fn weight(&self, now: UnixMillis) -> f64 {
        self.score(now) * self.confidence()
    }

    /// The word the page shows for it.
    pub fn edge_confidence(&self, ambiguous: bool, now: UnixMillis) -> EdgeConfidence {
        if ambiguous {
            return EdgeConfidence::Ambiguous;
        }
        let worth = self.modes.iter().zip([0.5, 0.125, 0.875, 1.0]);
        let worth: f64 = worth.map(|(count, each)| f64::from(*count) * each).sum();
        let count = self.count();
        if count <= 1 && worth < 1.0 {
            EdgeConfidence::Low
        } else if (self.score(now) >= 0.5 && count >= 3) || worth >= 3.0 {
            EdgeConfidence::High
        } else {
            EdgeConfidence::Medium
        }
    }

    /// The same with other numbers for the observers.
    pub(super) fn renumbered(&self, number: impl Fn(EndId) -> EndId) -> Self {
        let mut observers: SmallVec<[EndId; 4]> = self.observers.iter().map(|id| number(*id)).collect();
        observers.sort_unstable();
        Self { observers, ..self.clone() }
    }
}

/// Sightings without a prefix count as 0, others by its size.
fn mode_of(prefix: Option<NodeHash>) -> usize {
    prefix.map_or(0, |prefix| usize::from(prefix.size()))
}

fn pack(prefix: NodeHash) -> u32 {
    let mut word = [prefix.size(), 0, 0, 0];
    for (slot, byte) in word.iter_mut().skip(1).zip(prefix.as_bytes()) {
        *slot = *byte;
    }
    u32::from_be_bytes(word)
}

/// Saturates; not a number is 0.
#[expect(clippy::cast_possible_truncation, reason = "a cast from f64 saturates")]
fn thousandths(db: f64) -> i64 {
    (db * 1000.0).round() as i64
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::ends::{End, Ends};
    use super::*;

    const NOW: UnixMillis = UnixMillis::from_seconds(1_777_636_800);

    fn tally(count: u32, age_hours: i64, observers: usize, prefix: Option<&str>) -> Tally {
        let mut ends = Ends::default();
        let observers = (0..observers).map(|i| ends.intern(End::from_text(&format!("o{i}")).unwrap()));
        let prefix = prefix.map(|text| text.parse().unwrap());
        let modes = Tally::one_mode(count, prefix);
        let seen = u32::try_from(NOW.seconds() - age_hours * 3600).unwrap();
        Tally::from_parts(modes, (seen, seen), (0.0, 0), prefix, observers)
    }

    #[rstest]
    #[case(50, 84, 2, 0.353_553_39, 0.666_666_67)]
    #[case(100, 168, 1, 0.5, 0.333_333_33)]
    #[case(5, 0, 3, 0.05, 1.0)]
    #[case(250, 336, 6, 0.25, 1.0)]
    #[case(1, 0, 0, 0.01, 0.333_333_33)]
    #[case(10, -2, 1, 0.1, 0.333_333_33)] // heard in the future: not worth more than now
    fn score_and_confidence(
        #[case] count: u32,
        #[case] age_hours: i64,
        #[case] observers: usize,
        #[case] score: f64,
        #[case] confidence: f64,
    ) {
        let tally = tally(count, age_hours, observers, None);
        assert!((tally.score(NOW) - score).abs() < 1e-6);
        assert!((tally.confidence() - confidence).abs() < 1e-6);
        assert!((tally.weight(NOW) - score * confidence).abs() < 1e-6);
    }

    #[rstest]
    #[case(9, 0, Some("a1"), true, EdgeConfidence::Ambiguous)]
    #[case(1, 0, Some("a1"), false, EdgeConfidence::Low)]
    #[case(1, 0, None, false, EdgeConfidence::Low)]
    #[case(1, 0, Some("a1b2c3"), false, EdgeConfidence::Medium)] // worth 1
    #[case(2, 0, Some("a1"), false, EdgeConfidence::Medium)]
    #[case(3, 0, Some("a1b2c3"), false, EdgeConfidence::High)] // worth 3
    #[case(24, 0, Some("a1"), false, EdgeConfidence::High)] // worth 3
    #[case(23, 0, Some("a1"), false, EdgeConfidence::Medium)]
    #[case(5, 0, None, false, EdgeConfidence::Medium)]
    #[case(6, 0, None, false, EdgeConfidence::High)]
    fn the_page_says_how_sure_an_edge_is(
        #[case] count: u32,
        #[case] age_hours: i64,
        #[case] prefix: Option<&str>,
        #[case] ambiguous: bool,
        #[case] expected: EdgeConfidence,
    ) {
        assert_eq!(tally(count, age_hours, 1, prefix).edge_confidence(ambiguous, NOW), expected);
    }

    #[rstest]
    #[case(None)]
    #[case(Some("a1"))]
    #[case(Some("00"))]
    #[case(Some("a1b2"))]
    #[case(Some("a1b2c3"))]
    fn a_prefix_fits_into_a_word(#[case] text: Option<&str>) {
        let prefix = text.map(|text| text.parse::<NodeHash>().unwrap());
        let sighting = Sighting { at: 7, prefix, snr: None, observer: None };
        assert_eq!(Tally::from(&sighting).prefix(), prefix);
    }

    #[test]
    fn broken_signals_are_no_signals() {
        let with =
            |snr| Tally::from(&Sighting { at: 7, prefix: None, snr: Some(snr), observer: None }).avg_snr();
        assert_eq!(with(-7.25), Some(-7.25));
        assert_eq!(with(f64::NAN), None);
        assert_eq!(with(1e300), None);
    }

    #[test]
    fn an_hour_of_evidence_is_one_cache_line() {
        assert_eq!(size_of::<Tally>(), 64);
    }
}
