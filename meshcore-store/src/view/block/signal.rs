//! Signals by what they follow from.
//!
//! A weak signal is as far above the noise as its SNR says, and the noise of an observer hardly changes in an hour: so it is
//! kept how far the RSSI is from that.
//!
//! Nodes reckon the score from the SNR and the length of the frame, which are kept anyway. Some observers report an SNR cut
//! to whole decibels and the score of the exact one: then it is kept how many quarters were cut off.

use meshcore_proto::SnrQuarterDb;
use meshcore_proto::airtime::reported_score;

use super::super::column::{Dictionary, unzigzag, zigzag};

/// The noise of an observer in dBm: the middle of what was measured. Gets RSSI and SNR of its observations.
pub(super) fn noise(signals: impl Iterator<Item = (f64, f64)>) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "a cast saturates, and no radio reports that much")]
    let mut noises: Vec<i64> = signals.map(|(rssi, snr)| (rssi - snr.floor()) as i64).collect();
    let middle = noises.len() / 2;
    if noises.is_empty() { 0 } else { *noises.select_nth_unstable(middle).1 }
}

/// Farthest from what is expected that an RSSI is not written as itself, in dB.
const FARTHEST: i64 = 40;
const LAST_NEAR: i64 = 2 * FARTHEST + 1;

/// The number of an RSSI in its column, at that SNR and noise; `all` has all that occur.
pub(super) fn rssi_code(rssi: Option<f64>, snr: Option<f64>, noise: i64, all: &Dictionary) -> i64 {
    let Some(value) = rssi else { return 0 };
    let expected = expected_rssi(snr, noise);
    #[expect(clippy::cast_possible_truncation, reason = "what does not fit is found to be another")]
    let above = (value - expected) as i64;
    if above.unsigned_abs() <= FARTHEST.unsigned_abs() && expected + above as f64 == value {
        1 + zigzag(above).cast_signed()
    } else {
        LAST_NEAR + all.code(rssi)
    }
}

/// The RSSI, from its number.
pub(super) fn rssi(code: i64, snr: Option<f64>, noise: i64, all: &Dictionary) -> Option<f64> {
    match code {
        0 => None,
        1..=LAST_NEAR => {
            let above = unzigzag((code - 1).cast_unsigned());
            Some(expected_rssi(snr, noise) + above as f64)
        }
        _ => all.value(code.wrapping_sub(LAST_NEAR)),
    }
}

fn expected_rssi(snr: Option<f64>, noise: i64) -> f64 {
    noise as f64 + snr.unwrap_or(0.0).floor()
}

/// A score as it is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Score {
    /// There is none.
    None,
    /// That of an SNR so many quarters higher than the one reported, -3 to 3.
    Reckoned(i8),
    /// It does not follow from the SNR.
    Other(f64),
}

/// Codes of reckoned scores are around this one; those of others follow.
const EXACT: i64 = 4;
const LAST_RECKONED: i64 = 7;

impl Score {
    /// The score of a frame of `len` bytes that was heard with `snr`.
    pub(super) fn of(score: Option<f64>, snr: Option<f64>, len: usize) -> Self {
        let Some(score) = score else { return Self::None };
        // Cutting brings a number nearer to 0.
        let away = if snr.is_some_and(|snr| snr < 0.0) { -1 } else { 1 };
        let follows = |quarters: &i8| reckoned(snr, *quarters, len) == Some(score);
        let quarters = [0, 1, 2, 3, -1, -2, -3].map(|quarters| quarters * away);
        quarters.into_iter().find(follows).map_or(Self::Other(score), Self::Reckoned)
    }

    /// Its number in the column; `others` has all that do not follow.
    pub(super) fn code(self, others: &Dictionary) -> i64 {
        match self {
            Self::None => 0,
            Self::Reckoned(quarters) => EXACT + i64::from(quarters),
            Self::Other(score) => LAST_RECKONED + others.code(Some(score)),
        }
    }

    /// The score, from its number in the column.
    pub(super) fn read(code: i64, snr: Option<f64>, len: usize, others: &Dictionary) -> Option<f64> {
        match code {
            0 => None,
            1..=LAST_RECKONED => reckoned(snr, i8::try_from(code - EXACT).ok()?, len),
            _ => others.value(code.wrapping_sub(LAST_RECKONED)),
        }
    }

    /// The value, when it does not follow.
    pub(super) const fn other(self) -> Option<f64> {
        match self {
            Self::Other(score) => Some(score),
            Self::None | Self::Reckoned(_) => None,
        }
    }
}

fn reckoned(snr: Option<f64>, quarters: i8, len: usize) -> Option<f64> {
    #[expect(clippy::cast_possible_truncation, reason = "a cast saturates, and no radio reports that much")]
    let reported = (snr? * 4.0) as i8;
    Some(f64::from(reported_score(SnrQuarterDb::new(reported.saturating_add(quarters)), len)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_score_of_a_cut_signal_follows_from_the_exact_one() {
        let exact = SnrQuarterDb::new(-39);
        let score = f64::from(reported_score(exact, 60));
        let of = |snr| Score::of(Some(score), snr, 60);
        assert_eq!((of(Some(-9.75)), of(Some(-9.0))), (Score::Reckoned(0), Score::Reckoned(-3)));
        assert_eq!((of(Some(3.0)), of(None)), (Score::Other(score), Score::Other(score)));
    }

    #[test]
    fn the_noise_is_what_is_mostly_below_the_signal() {
        assert_eq!(noise([(-118.0, -3.5), (-114.0, 1.0), (-46.0, 12.25)].into_iter()), -114);
        assert_eq!(noise(std::iter::empty()), 0);
    }

    proptest! {
        #[test]
        fn rssis_come_back(
            value in prop::option::of(prop_oneof![(-150_i32..0).prop_map(f64::from), -1e3..1e3_f64, Just(-1e300)]),
            snr in prop::option::of(prop_oneof![(-100..100).prop_map(|quarters| f64::from(quarters) / 4.0), Just(1e300)]),
            noise in -130_i64..-90,
        ) {
            let all = Dictionary::of(value.into_iter());
            prop_assert_eq!(rssi(rssi_code(value, snr, noise, &all), snr, noise, &all), value);
        }

        #[test]
        fn scores_come_back(score in prop::option::of(0..1001), snr in prop::option::of(-100..100), len in 0_usize..300) {
            let (score, snr) = (score.map(f64::from), snr.map(|quarters| f64::from(quarters) / 4.0));
            let others = Dictionary::of(score.into_iter());
            let code = Score::of(score, snr, len).code(&others);
            prop_assert_eq!(Score::read(code, snr, len, &others), score);
        }
    }
}
