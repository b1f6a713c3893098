//! How long a packet occupies the air.
//!
//! All frames are sent with a CRC and an explicit header (firmware
//! `src/helpers/radiolib`, `Custom*.h`), so the time follows from the length of
//! the frame and four settings of the radio.

use crate::snr::SnrQuarterDb;

/// The settings of a LoRa radio that time on air depends on.
///
/// Any values can be held; the functions say whether a radio could use them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LoraParams {
    /// Bits per symbol, 5 to 12.
    pub spreading_factor: u8,
    /// Bandwidth in hertz: 62500, 125000, 250000 or another, not 0.
    pub bandwidth_hz: u32,
    /// Denominator of the coding rate, 5 (4/5) to 8 (4/8).
    pub coding_rate: u8,
    /// Symbols before the header, without the 4.25 or 6.25 of the sync word.
    pub preamble: u16,
}

impl LoraParams {
    /// Settings with the preamble of MeshCore nodes.
    pub const fn new(spreading_factor: u8, bandwidth_hz: u32, coding_rate: u8) -> Self {
        Self { spreading_factor, bandwidth_hz, coding_rate, preamble: preamble_for(spreading_factor) }
    }

    /// Whether the radio optimizes for low data rates: a symbol takes 16 ms or
    /// longer.
    pub const fn low_data_rate(&self) -> bool {
        match 1_u64.checked_shl(self.spreading_factor as u32) {
            Some(chips) => chips.saturating_mul(1000) >= 16 * self.bandwidth_hz as u64,
            None => true,
        }
    }

    const fn are_valid(&self) -> bool {
        matches!(self.spreading_factor, 5..=12) && matches!(self.coding_rate, 5..=8) && self.bandwidth_hz != 0
    }

    /// Length of a frame of `len` bytes in quarters of a symbol; `None` for
    /// settings that do not exist, or a length beyond counting.
    fn quarter_symbols(&self, len: usize) -> Option<u64> {
        if !self.are_valid() {
            return None;
        }
        let spreading_factor = u64::from(self.spreading_factor);
        // quarters of the sync word; bits of the header beyond those of the CRC
        let (sync, header_bits) = if spreading_factor >= 7 { (17, 28) } else { (25, 20) };
        let bits = u64::try_from(len).ok()?.checked_mul(8)?.checked_add(16 + header_bits)?;
        let bits_per_block = 4 * (spreading_factor - 2 * u64::from(self.low_data_rate()));
        let blocks = bits.saturating_sub(4 * spreading_factor).div_ceil(bits_per_block);
        let payload = blocks.checked_mul(u64::from(self.coding_rate))?.checked_add(8)?;
        payload.checked_mul(4)?.checked_add(4 * u64::from(self.preamble) + sync)
    }

    /// Chips per symbol. Only for valid settings.
    const fn chips(&self) -> u64 {
        1 << (self.spreading_factor & 0x0f)
    }
}

/// Symbols of preamble MeshCore nodes send: 32 up to spreading factor 8, 16
/// above (firmware `src/helpers/radiolib/RadioLibWrappers.h`,
/// `preambleLengthForSF`; older firmware: always 16).
pub const fn preamble_for(spreading_factor: u8) -> u16 {
    if spreading_factor <= 8 { 32 } else { 16 }
}

/// Time on air of a frame of `len` bytes in microseconds, rounded down.
///
/// `None` for settings that do not exist (spreading factor outside 5 to 12,
/// coding rate outside 5 to 8, no bandwidth), or above 71 minutes.
pub fn time_on_air_us(len: usize, params: &LoraParams) -> Option<u32> {
    let quarters = params.quarter_symbols(len)?;
    let us = quarters.checked_mul(params.chips() * 250_000)? / u64::from(params.bandwidth_hz);
    u32::try_from(us).ok()
}

/// What nodes take the time on air to be, in milliseconds: they round a symbol
/// down to microseconds first, and the result to milliseconds (firmware
/// `src/helpers/radiolib/RadioLibWrappers.cpp`, by way of `RadioLib`).
///
/// Nodes with an LR1110 radio count 200 ms for anything shorter; not here.
/// `None` as for [`time_on_air_us`].
pub fn firmware_estimate_ms(len: usize, params: &LoraParams) -> Option<u32> {
    let quarters = params.quarter_symbols(len)?;
    let symbol_us = params.chips() * 1_000_000 / u64::from(params.bandwidth_hz);
    let us = quarters.checked_mul(symbol_us)? / 4;
    u32::try_from(us / 1000).ok()
}

/// The weakest signal a radio can still demodulate; `None` unless the spreading
/// factor is 7 to 12 (firmware `src/helpers/radiolib/RadioLibWrappers.cpp`).
pub const fn snr_limit(spreading_factor: u8) -> Option<SnrQuarterDb> {
    match spreading_factor {
        // 2.5 dB per factor, from -7.5 dB
        factor @ 7..=12 => Some(SnrQuarterDb::new(40 - 10 * factor.cast_signed())),
        _ => None,
    }
}

/// How well a frame of `len` bytes was heard, 0 to 1: stronger and shorter is
/// better. Repeaters wait the longer before they forward, the lower it is.
///
/// 0 below the [limit](snr_limit), and for a spreading factor that has none.
pub fn reception_score(snr: SnrQuarterDb, len: usize, spreading_factor: u8) -> f32 {
    let Some(limit) = snr_limit(spreading_factor) else { return 0.0 };
    if snr < limit {
        return 0.0;
    }
    let brevity = 1.0 - f32::from(u16::try_from(len).unwrap_or(u16::MAX)) / 256.0;
    ((snr.db() - limit.db()) / 10.0 * brevity).clamp(0.0, 1.0)
}

/// The [score](reception_score) as nodes report it: thousandths, cut to whole
/// ones, 0 to 1000. They reckon with spreading factor 10, whatever they use
/// (firmware `src/helpers/radiolib/RadioLibWrappers.cpp`, `src/Dispatcher.cpp`).
#[expect(clippy::cast_possible_truncation, reason = "0 to 1000")]
pub fn reported_score(snr: SnrQuarterDb, len: usize) -> u16 {
    (reception_score(snr, len, 10) * 1000.0) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_takes_as_long_as_semtech_says() {
        // n_pay = 8 + ceil((8 * 50 - 4 * 10 + 44) / 40) * 5 = 63; (16 + 4.25 + 63) * 4.096 ms
        let params = LoraParams::new(10, 250_000, 5);
        assert_eq!(time_on_air_us(50, &params), Some(340_992));
        assert_eq!(firmware_estimate_ms(50, &params), Some(340));
    }

    #[test]
    fn nodes_round_a_symbol_down_before_they_count() {
        // a symbol of 6153.846 µs, 1604.25 of them
        let params = LoraParams { spreading_factor: 7, bandwidth_hz: 20_800, coding_rate: 8, preamble: 1000 };
        assert_eq!(time_on_air_us(255, &params), Some(9_872_307));
        assert_eq!(firmware_estimate_ms(255, &params), Some(9_870));
    }

    #[test]
    fn low_spreading_factors_have_a_longer_preamble() {
        assert_eq!(LoraParams::new(8, 62_500, 5).preamble, 32);
        assert_eq!(LoraParams::new(9, 62_500, 5).preamble, 16);
    }

    #[test]
    fn sixteen_milliseconds_are_a_low_data_rate() {
        assert!(LoraParams::new(10, 62_500, 5).low_data_rate());
        assert!(LoraParams::new(10, 64_000, 5).low_data_rate());
        assert!(!LoraParams::new(10, 64_001, 5).low_data_rate());
        assert!(!LoraParams::new(12, 500_000, 5).low_data_rate());
        assert!(LoraParams::new(255, u32::MAX, 5).low_data_rate());
    }

    #[test]
    fn settings_that_do_not_exist_have_no_time() {
        for (factor, bandwidth, rate) in
            [(4, 125_000, 5), (13, 125_000, 5), (7, 0, 5), (7, 125_000, 4), (7, 125_000, 9)]
        {
            let params = LoraParams::new(factor, bandwidth, rate);
            assert_eq!(time_on_air_us(10, &params), None);
            assert_eq!(firmware_estimate_ms(10, &params), None);
        }
    }

    #[test]
    fn more_than_can_be_counted_is_nothing() {
        let params = LoraParams::new(12, 1, 8);
        assert_eq!(time_on_air_us(0, &params), None);
        assert_eq!(time_on_air_us(usize::MAX, &LoraParams::new(7, 500_000, 5)), None);
        assert_eq!(firmware_estimate_ms(usize::MAX, &LoraParams::new(7, 500_000, 5)), None);
    }

    #[test]
    fn limits_sink_by_two_and_a_half_decibels() {
        assert_eq!(snr_limit(7).map(SnrQuarterDb::db), Some(-7.5));
        assert_eq!(snr_limit(10).map(SnrQuarterDb::db), Some(-15.0));
        assert_eq!(snr_limit(12).map(SnrQuarterDb::db), Some(-20.0));
        assert_eq!((snr_limit(6), snr_limit(13)), (None, None));
    }

    #[test]
    fn strong_and_short_scores_best() {
        let score = |db: i8, len| reception_score(SnrQuarterDb::new(db * 4), len, 10);
        assert_eq!((score(-16, 0), score(-15, 0), score(-10, 128), score(10, 0)), (0.0, 0.0, 0.25, 1.0));
        assert_eq!((score(10, 256), score(10, usize::MAX)), (0.0, 0.0));
        assert_eq!(reception_score(SnrQuarterDb::new(0), 0, 6), 0.0);
        assert_eq!([-64, -36, 40].map(|snr| reported_score(SnrQuarterDb::new(snr), 49)), [0, 485, 1000]);
    }
}
