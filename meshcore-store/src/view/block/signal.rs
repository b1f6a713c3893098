//! Scores by what they follow from.
//!
//! Nodes reckon the score from the SNR and the length of the frame, which are kept anyway. Some observers report an SNR cut
//! to whole decibels and the score of the exact one: then it is kept how many quarters were cut off.

use meshcore_proto::SnrQuarterDb;
use meshcore_proto::airtime::reported_score;

use super::super::column::Dictionary;

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
        let score = Some(f64::from(reported_score(exact, 60)));
        assert_eq!(Score::of(score, Some(-9.75), 60), Score::Reckoned(0));
        assert_eq!(Score::of(score, Some(-9.0), 60), Score::Reckoned(-3));
        assert_eq!(Score::of(score, Some(3.0), 60), Score::Other(score.unwrap()));
        assert_eq!(Score::of(score, None, 60), Score::Other(score.unwrap()));
    }

    proptest! {
        #[test]
        fn scores_come_back(score in prop::option::of(0..1001), snr in prop::option::of(-100..100), len in 0_usize..300) {
            let (score, snr) = (score.map(f64::from), snr.map(|quarters| f64::from(quarters) / 4.0));
            let others = Dictionary::of(score.into_iter());
            let code = Score::of(score, snr, len).code(&others);
            prop_assert_eq!(Score::read(code, snr, len, &others), score);
        }
    }
}
