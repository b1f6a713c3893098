//! Chance, in integers: the same draws on every machine.

use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::Rng;

/// A stream of random numbers, given by two numbers.
///
/// PCG64-MCG, whose output is part of the crate's promise. What is made of it here is integer arithmetic throughout.
#[derive(Clone, Debug)]
pub(super) struct Random(Pcg64Mcg);

impl Random {
    /// Streams of different `purpose` have nothing to do with each other.
    pub(super) fn new(seed: u64, purpose: u64) -> Self {
        let high = u128::from(mix(seed ^ mix(purpose)));
        let low = u128::from(mix(purpose ^ mix(seed.rotate_left(32))));
        Self(Pcg64Mcg::new(high << 64 | low))
    }

    /// 64 random bits.
    pub(super) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// 0 to `limit` - 1; 0 for a limit of 0.
    pub(super) fn below(&mut self, limit: u32) -> u32 {
        let wide = (self.bits() >> 32) * u64::from(limit);
        u32::try_from(wide >> 32).expect("less than the limit")
    }

    /// `low` to `high`, both included.
    pub(super) fn between(&mut self, low: i32, high: i32) -> i32 {
        let span = u32::try_from(i64::from(high) - i64::from(low) + 1).unwrap_or(0);
        low.saturating_add_unsigned(self.below(span))
    }

    /// Whether something happens that does so `permille` times in a thousand.
    pub(super) fn happens(&mut self, permille: u32) -> bool {
        self.below(1000) < permille
    }

    /// One of `choices`, all equally likely. Not for an empty slice.
    pub(super) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        let limit = u32::try_from(choices.len()).unwrap_or(u32::MAX);
        choices[self.below(limit) as usize]
    }

    /// The index of one of `weights`, in proportion to them.
    pub(super) fn weighted(&mut self, weights: &[u32]) -> usize {
        let mut left = self.below(weights.iter().sum());
        for (index, weight) in weights.iter().enumerate() {
            match left.checked_sub(*weight) {
                Some(rest) => left = rest,
                None => return index,
            }
        }
        0
    }

    /// Bell-shaped around 0 with the standard deviation `sigma`.
    pub(super) fn bell(&mut self, sigma: i32) -> i32 {
        bell_of(self.bits(), sigma)
    }

    /// A gap between two events that come at random, `mean` on average.
    pub(super) fn gap(&mut self, mean: u64) -> u64 {
        let uniform = (self.bits() >> 32) + 1; // 1 to 2^32: 2^32 times a number above 0
        let minus_log2 = (32 << 16) - u64::from(log2_q16(uniform));
        // ln 2 in 16 bits: 45426
        (((u128::from(minus_log2) * u128::from(mean)) * 45_426) >> 32).try_into().unwrap_or(u64::MAX)
    }
}

/// `SplitMix64`: bits out of a number, to give links their nature without remembering it.
pub(super) const fn mix(number: u64) -> u64 {
    let z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Bell-shaped out of the low 56 of `bits`: the sum of seven bytes, which ends at 4.5 standard deviations.
pub(super) fn bell_of(bits: u64, sigma: i32) -> i32 {
    let [bytes @ .., _] = bits.to_le_bytes();
    let sum: i32 = bytes.iter().map(|byte| i32::from(*byte)).sum();
    // mean 892.5, standard deviation 195.5
    (2 * sum - 1785) * sigma / 391
}

/// The binary logarithm in 1/65536, rounded down; 0 for 0.
pub(super) fn log2_q16(number: u64) -> u32 {
    let Some(whole) = number.checked_ilog2() else { return 0 };
    // 1 to 2, in 31 bits after the point
    let mut mantissa = if whole > 31 { number >> (whole - 31) } else { number << (31 - whole) };
    let mut fraction = 0;
    for _ in 0..16 {
        mantissa = (mantissa * mantissa) >> 31;
        let doubled = mantissa >> 32;
        mantissa >>= doubled;
        fraction = fraction << 1 | u32::from(doubled == 1);
    }
    whole << 16 | fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_given_by_its_two_numbers() {
        let draw = |seed, purpose| Random::new(seed, purpose).bits();
        assert_eq!(draw(1, 2), draw(1, 2));
        assert_ne!(draw(1, 2), draw(2, 1));
        assert_ne!(draw(1, 2), draw(1, 3));
    }

    #[test]
    fn the_bell_is_as_wide_as_asked() {
        let mut random = Random::new(1, 1);
        let draws: Vec<i64> = (0..20_000).map(|_| i64::from(random.bell(100))).collect();
        let mean = draws.iter().sum::<i64>() / 20_000;
        let variance = draws.iter().map(|draw| draw * draw).sum::<i64>() / 20_000;
        assert!((-3..=3).contains(&mean), "{mean}");
        assert!((9_500..=10_500).contains(&variance), "{variance}");
    }

    #[test]
    fn gaps_have_their_mean() {
        let mut random = Random::new(1, 2);
        let mean = (0..20_000).map(|_| random.gap(60_000)).sum::<u64>() / 20_000;
        assert!((58_500..=61_500).contains(&mean), "{mean}");
    }

    #[test]
    fn logarithms_are_those_of_the_book() {
        assert_eq!(log2_q16(0), 0);
        assert_eq!(log2_q16(1), 0);
        assert_eq!(log2_q16(1 << 40), 40 << 16);
        assert_eq!(log2_q16(3), 103_872); // 1.58496
        assert_eq!(log2_q16(1_000_000), 1_306_235); // 19.93157
    }

    #[test]
    fn weights_without_weight_are_never_drawn() {
        let mut random = Random::new(3, 3);
        assert!((0..1000).map(|_| random.weighted(&[0, 5, 0, 1])).all(|index| index == 1 || index == 3));
    }
}
