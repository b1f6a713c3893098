//! Signal-to-noise ratio in the unit of the radio.

use core::fmt;

/// A signal-to-noise ratio in quarter decibels, as it is sent on air.
///
/// Text form: decibels, `-7.25`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SnrQuarterDb(i8);

impl SnrQuarterDb {
    /// From quarter decibels, -128 to 127.
    pub const fn new(quarter_db: i8) -> Self {
        Self(quarter_db)
    }

    /// Quarter decibels.
    pub const fn get(self) -> i8 {
        self.0
    }

    /// Decibels, exact.
    pub fn db(self) -> f32 {
        f32::from(self.0) / 4.0
    }

    /// From decibels: cut to quarters towards zero, and to the range of -32 to
    /// 31.75 dB.
    #[expect(clippy::cast_possible_truncation, reason = "a cast saturates")]
    pub const fn from_db(db: f32) -> Self {
        Self((db * 4.0) as i8)
    }

    pub(crate) const fn from_byte(byte: u8) -> Self {
        Self(byte.cast_signed())
    }
}

impl fmt::Display for SnrQuarterDb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.db(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn quarter_decibels_print_as_decibels() {
        assert_eq!(SnrQuarterDb::from_byte(0xe3).to_string(), "-7.25");
        assert_eq!(SnrQuarterDb::new(40).to_string(), "10");
        assert_eq!(SnrQuarterDb::from_db(-7.3), SnrQuarterDb::new(-29));
        assert_eq!(SnrQuarterDb::from_db(1e9), SnrQuarterDb::new(127));
    }
}
