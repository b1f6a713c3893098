//! The answer to `GET_AVG_MIN_MAX`: what sensors measured in a span of time.

use super::BODY_OFFSET;
use crate::content::{LppStop, LppType, lpp};
use crate::error::ContentError;
use crate::field::Field;
use crate::parse::{Reader, int_be, u32_le};

/// What a sensor measured in a span of time.
///
/// Numbers are kept as sent; divided by [`divisor`](Self::divisor) they have the
/// unit of their type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeriesItem {
    /// Which sensor, 1 to 255.
    pub channel: u8,
    /// What was measured.
    pub kind: LppType,
    /// The smallest number.
    pub min: i64,
    /// The largest number.
    pub max: i64,
    /// The average.
    pub avg: i64,
}

impl SeriesItem {
    /// What the numbers are divided by to get the unit of their type.
    pub fn divisor(&self) -> u16 {
        layout(self.kind).map_or(1, |(_, divisor)| divisor)
    }
}

/// What sensors measured in a span of time. Read-only: no part of this crate
/// pretends to be a sensor.
///
/// ```text
/// [server time 4] ([channel 1] [type 1] [minimum] [maximum] [average])*
/// ```
///
/// Values are big-endian and as wide as in telemetry, save humidity (firmware
/// `examples/simple_sensor/SensorMesh.cpp`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Series<'a> {
    server_time: u32,
    records: &'a [u8],
}

impl<'a> Series<'a> {
    /// Reads the body of a response.
    ///
    /// # Errors
    /// [`ContentError::Truncated`] below 4 bytes.
    pub fn parse(body: &'a [u8]) -> Result<Self, ContentError> {
        let mut fields = Reader::behind(BODY_OFFSET, body);
        let server_time = fields.read(u32_le(Field::Timestamp))?;
        Ok(Self { server_time, records: fields.rest() })
    }

    /// Unix seconds by the sensor's clock.
    pub const fn server_time(&self) -> u32 {
        self.server_time
    }

    /// What was measured, sensor by sensor.
    pub const fn items(&self) -> SeriesReader<'a> {
        SeriesReader { rest: self.records }
    }
}

/// Reads what was measured, sensor by sensor, in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesReader<'a> {
    rest: &'a [u8],
}

impl<'a> SeriesReader<'a> {
    /// Why reading stops, when all has been read; before, why it will. O(rest).
    ///
    /// Types of several numbers count as unknown: how they would be sent here is
    /// not defined.
    pub fn stop(&self) -> LppStop {
        let mut reader = self.clone();
        reader.by_ref().for_each(drop);
        record(reader.rest).err().unwrap_or(LppStop::End)
    }

    /// What was not read.
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl Iterator for SeriesReader<'_> {
    type Item = SeriesItem;

    fn next(&mut self) -> Option<Self::Item> {
        let (item, rest) = record(self.rest).ok()?;
        self.rest = rest;
        Some(item)
    }
}

impl core::iter::FusedIterator for SeriesReader<'_> {}

/// The record at the start of `data`, and what follows it.
fn record(data: &[u8]) -> Result<(SeriesItem, &[u8]), LppStop> {
    let (channel, kind, mut fields) = lpp::header(data)?;
    let (width, _) = layout(kind).ok_or(LppStop::UnknownType)?;
    let number = || int_be(Field::Record, width, kind.is_signed());
    let numbers = fields.read((number(), number(), number()));
    let (min, max, avg) = numbers.map_err(|_| LppStop::Truncated)?;
    Ok((SeriesItem { channel, kind, min, max, avg }, fields.rest()))
}

/// Bytes per number and divisor; `None` for types that have not one number.
const fn layout(kind: LppType) -> Option<(usize, u16)> {
    match (kind, kind.divisors()) {
        // one byte and halves everywhere else
        (LppType::Humidity, _) => Some((2, 10)),
        (_, [divisor]) => Some((kind.width(), *divisor)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;
    use std::vec::Vec;

    #[test]
    fn every_sensor_has_minimum_maximum_and_average() {
        let body = hex!("00f15365 01 67 fff6 0104 0082 02 68 01c2 0226 01f4 00000000");
        let series = Series::parse(&body).unwrap();
        assert_eq!(series.server_time(), 1_700_000_000);
        let mut reader = series.items();
        let items: Vec<_> = reader.by_ref().collect();
        let temperature = SeriesItem { channel: 1, kind: LppType::Temperature, min: -10, max: 260, avg: 130 };
        assert_eq!((items[0], items[0].divisor()), (temperature, 10));
        assert_eq!((items[1].kind, items[1].avg, items[1].divisor()), (LppType::Humidity, 500, 10));
        assert_eq!((reader.stop(), reader.rest()), (LppStop::End, &[0; 4][..]));
    }

    #[test]
    fn what_has_no_single_number_stops_the_reading() {
        for (body, stop) in [
            (&hex!("00f15365 01 88 000000000000000000")[..], LppStop::UnknownType),
            (&hex!("00f15365 01 f0 000000"), LppStop::UnknownType),
            (&hex!("00f15365 01 63 000000"), LppStop::UnknownType),
            (&hex!("00f15365 01 67 0000 0000 00"), LppStop::Truncated),
        ] {
            let mut reader = Series::parse(body).unwrap().items();
            assert_eq!((reader.next(), reader.stop(), reader.rest()), (None, stop, &body[4..]));
        }
        assert_eq!(Series::parse(&[0; 3]).unwrap_err().kind(), "Truncated");
    }
}
