//! What CayenneLPP knows to measure.

use core::fmt;

/// What is measured (firmware `src/helpers/sensors/LPPDataHelpers.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum LppType {
    /// Digital input, a number.
    DigitalInput = 0,
    /// Digital output, a number.
    DigitalOutput = 1,
    /// Analog input, hundredths.
    AnalogInput = 2,
    /// Analog output, hundredths.
    AnalogOutput = 3,
    /// Generic, a number.
    Generic = 100,
    /// Luminosity in lx.
    Luminosity = 101,
    /// Presence, a number.
    Presence = 102,
    /// Temperature in °C, tenths.
    Temperature = 103,
    /// Humidity in %, halves.
    Humidity = 104,
    /// Accelerometer in G, three axes, thousandths.
    Accelerometer = 113,
    /// Pressure in hPa, tenths.
    Pressure = 115,
    /// Voltage in V, hundredths.
    Voltage = 116,
    /// Current in A, thousandths.
    Current = 117,
    /// Frequency in Hz.
    Frequency = 118,
    /// Percentage in %.
    Percentage = 120,
    /// Altitude in m.
    Altitude = 121,
    /// Concentration in ppm.
    Concentration = 125,
    /// Power in W.
    Power = 128,
    /// Distance in m, thousandths.
    Distance = 130,
    /// Energy in kWh, thousandths.
    Energy = 131,
    /// Direction in °.
    Direction = 132,
    /// A time: seconds since 1970.
    UnixTime = 133,
    /// Gyrometer in °/s, three axes, hundredths.
    Gyrometer = 134,
    /// Colour: red, green and blue, 0 to 255 each.
    Colour = 135,
    /// A place: latitude and longitude in ten thousandths of a degree, altitude in hundredths of a metre.
    Gps = 136,
    /// Switch, a number.
    Switch = 142,
    /// A line on the map; its first byte is its size, the rest is not read.
    Polyline = 240,
}

/// A row of the table: name, units, bytes per number, whether they are signed,
/// and what each is divided by.
struct Row(&'static str, &'static [&'static str], usize, bool, &'static [u16]);

impl LppType {
    /// All types, in the order of their numbers.
    pub const ALL: [Self; 27] = [
        Self::DigitalInput,
        Self::DigitalOutput,
        Self::AnalogInput,
        Self::AnalogOutput,
        Self::Generic,
        Self::Luminosity,
        Self::Presence,
        Self::Temperature,
        Self::Humidity,
        Self::Accelerometer,
        Self::Pressure,
        Self::Voltage,
        Self::Current,
        Self::Frequency,
        Self::Percentage,
        Self::Altitude,
        Self::Concentration,
        Self::Power,
        Self::Distance,
        Self::Energy,
        Self::Direction,
        Self::UnixTime,
        Self::Gyrometer,
        Self::Colour,
        Self::Gps,
        Self::Switch,
        Self::Polyline,
    ];

    /// Fewest bytes of a polyline, its size included.
    pub(super) const MIN_POLYLINE: usize = 8;

    /// From the byte on the wire; `None` for numbers that are not assigned.
    pub fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.get() == byte)
    }

    /// The byte on the wire.
    pub const fn get(self) -> u8 {
        self as u8
    }

    /// In words: `temperature`.
    pub const fn name(self) -> &'static str {
        self.row().0
    }

    /// The unit of each value, empty where it has none: as many as there are
    /// [`divisors`](Self::divisors). Of a place, latitude and longitude are
    /// degrees, the altitude metres.
    pub const fn units(self) -> &'static [&'static str] {
        self.row().1
    }

    /// What each number is divided by to get its unit: one or three, or none for
    /// a polyline, which has no such numbers.
    pub const fn divisors(self) -> &'static [u16] {
        self.row().4
    }

    /// Bytes per number.
    pub(super) const fn width(self) -> usize {
        self.row().2
    }

    /// Whether numbers can be negative.
    pub(super) const fn is_signed(self) -> bool {
        self.row().3
    }

    /// The smallest and the largest number that can be sent.
    pub(super) const fn range(self) -> (i64, i64) {
        let values = 1_i64 << (8 * self.width());
        if self.is_signed() { (-values / 2, values / 2 - 1) } else { (0, values - 1) }
    }

    const fn row(self) -> Row {
        match self {
            Self::DigitalInput => Row("digital input", &[""], 1, false, &[1]),
            Self::DigitalOutput => Row("digital output", &[""], 1, false, &[1]),
            Self::AnalogInput => Row("analog input", &[""], 2, true, &[100]),
            Self::AnalogOutput => Row("analog output", &[""], 2, true, &[100]),
            Self::Generic => Row("generic", &[""], 4, false, &[1]),
            Self::Luminosity => Row("luminosity", &["lx"], 2, false, &[1]),
            Self::Presence => Row("presence", &[""], 1, false, &[1]),
            Self::Temperature => Row("temperature", &["°C"], 2, true, &[10]),
            Self::Humidity => Row("humidity", &["%"], 1, false, &[2]),
            Self::Accelerometer => Row("accelerometer", &["G", "G", "G"], 2, true, &[1000, 1000, 1000]),
            Self::Pressure => Row("pressure", &["hPa"], 2, false, &[10]),
            Self::Voltage => Row("voltage", &["V"], 2, false, &[100]),
            Self::Current => Row("current", &["A"], 2, true, &[1000]),
            Self::Frequency => Row("frequency", &["Hz"], 4, false, &[1]),
            Self::Percentage => Row("percentage", &["%"], 1, false, &[1]),
            Self::Altitude => Row("altitude", &["m"], 2, true, &[1]),
            Self::Concentration => Row("concentration", &["ppm"], 2, false, &[1]),
            Self::Power => Row("power", &["W"], 2, false, &[1]),
            Self::Distance => Row("distance", &["m"], 4, false, &[1000]),
            Self::Energy => Row("energy", &["kWh"], 4, false, &[1000]),
            Self::Direction => Row("direction", &["°"], 2, false, &[1]),
            Self::UnixTime => Row("unix time", &["s"], 4, false, &[1]),
            Self::Gyrometer => Row("gyrometer", &["°/s", "°/s", "°/s"], 2, true, &[100, 100, 100]),
            Self::Colour => Row("colour", &["", "", ""], 1, false, &[1, 1, 1]),
            Self::Gps => Row("place", &["°", "°", "m"], 3, true, &[10_000, 10_000, 100]),
            Self::Switch => Row("switch", &[""], 1, false, &[1]),
            Self::Polyline => Row("polyline", &[], 1, false, &[]),
        }
    }
}

impl fmt::Display for LppType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_found_by_its_number() {
        for kind in LppType::ALL {
            assert_eq!(LppType::from_byte(kind.get()), Some(kind));
        }
        assert!(LppType::ALL.is_sorted_by_key(|kind| kind.get()));
        assert_eq!(LppType::from_byte(99), None);
    }

    #[test]
    fn every_number_has_a_unit_and_a_divisor() {
        for kind in LppType::ALL {
            assert_eq!(kind.units().len(), kind.divisors().len(), "{kind}");
        }
        assert_eq!(LppType::Gps.units(), ["°", "°", "m"]);
    }

    #[test]
    fn a_range_is_what_the_bytes_hold() {
        assert_eq!(LppType::Humidity.range(), (0, 255));
        assert_eq!(LppType::Gps.range(), (-8_388_608, 8_388_607));
        assert_eq!(LppType::Energy.range(), (0, 4_294_967_295));
    }
}
