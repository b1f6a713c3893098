//! What some sensors once hid behind the name in their advert.

use crate::content::split_nul;
use crate::field::Field;
use crate::node_type::NodeType;
use crate::parse::{Reader, i16_le, u16_le};
use crate::payload::AppData;

/// Telemetry behind the NUL of a sensor's name.
///
/// ```text
/// [advert data up to the name] [NUL 1..] [battery 2] [temperature 2]
/// ```
///
/// No firmware known today sends it and none reads it, so decoding an advert
/// does not look for it. CoreScope shows it: this is for those who want the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegacySensorTelemetry {
    /// Battery voltage in millivolts.
    pub battery_mv: u16,
    /// Temperature in hundredths of a degree Celsius.
    pub temperature_centi: i16,
}

impl LegacySensorTelemetry {
    /// Reads advert data, such as [`Advert::app_data_bytes`](crate::payload::Advert::app_data_bytes).
    /// `None` unless it is of a sensor with a name, NULs and four more bytes, of
    /// which the first is not 0.
    pub fn parse(app_data: &[u8]) -> Option<Self> {
        let parsed = AppData::parse(app_data).ok()?;
        if parsed.node_type != NodeType::Sensor || parsed.name.is_none() {
            return None;
        }
        let (_, after) = split_nul(app_data.get(parsed.name_offset()..)?);
        let padding = after.iter().take_while(|&&byte| byte == 0).count();
        let fields = Reader::new(after.get(padding..)?).read((u16_le(Field::Body), i16_le(Field::Body)));
        let (battery_mv, temperature_centi) = fields.ok()?;
        Some(Self { battery_mv, temperature_centi })
    }

    /// Battery voltage in volts.
    pub fn battery(self) -> f64 {
        f64::from(self.battery_mv) / 1e3
    }

    /// Temperature in degrees Celsius.
    pub fn temperature(self) -> f64 {
        f64::from(self.temperature_centi) / 1e2
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn it_lies_behind_the_name() {
        let telemetry = LegacySensorTelemetry::parse(&hex!("84 6162 00 a00f 9cff")).unwrap();
        assert_eq!((telemetry.battery_mv, telemetry.temperature_centi), (4000, -100));
        assert_eq!((telemetry.battery(), telemetry.temperature()), (4.0, -1.0));
        assert_eq!(LegacySensorTelemetry::parse(&hex!("84 6162 000000 a00f 9cff")), Some(telemetry));
        let all = hex!("f4 0100000002000000 0101 0202 61 00 a00f 9cff");
        assert_eq!(LegacySensorTelemetry::parse(&all), Some(telemetry));
    }

    #[test]
    fn other_nodes_have_none() {
        assert_eq!(LegacySensorTelemetry::parse(&hex!("82 6162 00 a00f 9cff")), None);
        assert_eq!(LegacySensorTelemetry::parse(&hex!("04 6162 00 a00f 9cff")), None);
        assert_eq!(LegacySensorTelemetry::parse(&hex!("84 6162 00 a00f 9c")), None);
        assert_eq!(LegacySensorTelemetry::parse(&hex!("84 6162")), None);
        assert_eq!(LegacySensorTelemetry::parse(&[]), None);
    }
}
