//! Who hears whom, and how well.
//!
//! Path loss grows with distance (33 dB per decade), less from hills and more from valleys and pockets. Each pair of
//! nodes has a shadow of its own (8 dB), each direction a little more (1.5 dB), both fixed by the seed; each packet
//! fades (3 dB). Below the demodulation limit of the spreading factor nothing is received, and one packet in
//! twenty is lost to what is not simulated: collisions, and receivers that are sending.
//!
//! Everything is counted in quarter decibels, in integers.

use meshcore_proto::SnrQuarterDb;
use meshcore_proto::airtime::{LoraParams, snr_limit};

use super::place::Place;
use super::random::{bell_of, log2_q16, mix};

/// SNR at one kilometre between two antennas of gain 0: 22 dBm out, town and wood in between.
const SNR_AT_1_KM: i64 = 6 * 4;

/// 33 dB per decade of distance, in quarter dB per doubling of its square, times 2^16 of [`log2_q16`].
const LOSS_NUMERATOR: i64 = 19_868;

/// log2(10^6), in 1/65536: one kilometre, squared.
const LOG2_KM_SQUARED: i64 = 1_306_235;

/// Nodes on one roof still have a metre of wire between them.
const NEAREST_SQUARED: u64 = 50 * 50;

const SHADOW: i32 = 8 * 4;
const ASYMMETRY: i32 = 6;
const FADING: i32 = 3 * 4;

/// How far below the limit a link is still one: 2.5 times the fading.
const MARGIN: i16 = 30;

/// Packets in 256 that are lost for other reasons.
const LOST: u64 = 13;

/// The strongest SNR radios report is about 13 dB, whatever the signal.
const SATURATION: i16 = 50;

/// A receiver in reach of a transmitter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    /// Which node hears.
    pub(super) to: u32,
    /// How well, before fading: quarter dB.
    pub(super) snr: i16,
    /// Whether it passes packets on.
    pub(super) is_relay: bool,
    /// Which observer it is, if any.
    pub(super) observer: Option<u16>,
}

/// One end of a link.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    pub(super) node: u32,
    pub(super) place: Place,
    /// Antenna, height and surroundings: quarter dB.
    pub(super) gain: i16,
}

/// A packet as it was received.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heard {
    /// The signal over the noise: quarter dB.
    signal: i16,
    /// What the radio makes of it.
    pub(super) snr: SnrQuarterDb,
}

impl Heard {
    /// Strength in dBm over a noise floor in dBm.
    pub(super) const fn rssi(self, noise_floor: i32) -> i32 {
        noise_floor + self.signal as i32 / 4
    }
}

/// The radio settings all nodes share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Radio {
    seed: u64,
    limit: i16,
}

impl Radio {
    pub(super) fn new(seed: u64, params: &LoraParams) -> Self {
        let limit = snr_limit(params.spreading_factor).map_or(-40, |limit| i16::from(limit.get()));
        Self { seed: mix(seed ^ 0x0072_6164_696f), limit }
    }

    /// SNR of `to` hearing `from`, before fading.
    pub(super) fn budget(&self, from: End, to: End) -> i16 {
        let distance = from.place.distance_squared(to.place).max(NEAREST_SQUARED);
        let doublings = i64::from(log2_q16(distance)) - LOG2_KM_SQUARED;
        let loss = (doublings * LOSS_NUMERATOR / 1000) >> 16;
        let (low, high) = if from.node < to.node { (from.node, to.node) } else { (to.node, from.node) };
        let pair = mix(self.seed ^ (u64::from(low) << 32 | u64::from(high)));
        let way = mix(pair ^ u64::from(from.node));
        let budget = SNR_AT_1_KM + i64::from(from.gain) + i64::from(to.gain) - loss
            + i64::from(bell_of(pair, SHADOW))
            + i64::from(bell_of(way, ASYMMETRY));
        i16::try_from(budget).unwrap_or(i16::MIN)
    }

    /// Whether packets get through at times: no more than 2.5 fadings below the limit.
    pub(super) const fn reaches(&self, budget: i16) -> bool {
        budget >= self.limit - MARGIN
    }

    /// The reception of one packet with 64 bits of chance; `None` when it is lost.
    pub(super) fn receive(&self, budget: i16, chance: u64) -> Option<Heard> {
        let other = chance >> 56;
        let signal = budget.saturating_add(i16::try_from(bell_of(chance, FADING)).unwrap_or(0));
        // at the limit it is a matter of luck: half a decibel either way
        let luck = i16::try_from(other & 3).unwrap_or(0) - 2;
        if signal + luck < self.limit || other < LOST {
            return None;
        }
        let most = SATURATION + i16::try_from(other & 7).unwrap_or(0);
        let snr = i8::try_from(signal.min(most)).unwrap_or(i8::MIN);
        Some(Heard { signal, snr: SnrQuarterDb::new(snr) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::random::Random;

    const RADIO: Radio = Radio { seed: 1, limit: -40 };

    fn at(node: u32, x: i32) -> End {
        End { node, place: Place { x, y: 0 }, gain: 0 }
    }

    #[test]
    fn ten_times_as_far_is_33_db_less() {
        let mean = |x| (1..500).map(|to| i32::from(RADIO.budget(at(0, 0), at(to, x)))).sum::<i32>() / 499;
        assert!((16..=32).contains(&mean(1_000)), "{}", mean(1_000));
        assert!((128..=136).contains(&(mean(1_000) - mean(10_000))), "{}", mean(10_000));
    }

    #[test]
    fn both_directions_are_nearly_alike() {
        let apart = |to| RADIO.budget(at(0, 0), at(to, 500)) - RADIO.budget(at(to, 500), at(0, 0));
        assert!((1..100).all(|to| apart(to).abs() < 40));
        assert!((1..100).any(|to| apart(to) != 0));
    }

    #[test]
    fn less_gets_through_near_the_limit() {
        let mut random = Random::new(1, 9);
        let mut received =
            |budget| (0..1000).filter(|_| RADIO.receive(budget, random.bits()).is_some()).count();
        let (strong, limit, weak) = (received(0), received(-40), received(-64));
        assert!(strong > 920 && (350..600).contains(&limit) && weak < 100, "{strong} {limit} {weak}");
    }
}
