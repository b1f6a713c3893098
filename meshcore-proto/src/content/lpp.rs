//! CayenneLPP: what sensors measure.

use crate::content::LppType;
use crate::error::EncodeError;
use crate::field::Field;
use crate::parse::{Reader, byte, bytes, int_be};
use crate::write::Writer;

/// The channel that ends the data: padding looks like it.
const NO_CHANNEL: u8 = 0;

/// Fewer bytes than this are no record.
const MIN_RECORD: usize = 3;

/// Why reading stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LppStop {
    /// At the end: fewer than three bytes were left, or channel 0 followed.
    End,
    /// At a type that is not known: neither is its size, nor what follows.
    UnknownType,
    /// At a record that is longer than the data, or a polyline that says it is
    /// shorter than polylines are.
    Truncated,
}

impl LppStop {
    /// In words: `unknown type`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::End => "end",
            Self::UnknownType => "unknown type",
            Self::Truncated => "truncated",
        }
    }
}

/// One measurement.
///
/// Numbers are kept as sent; divided by [`LppType::divisors`] they have the
/// unit of their type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LppItem<'a> {
    channel: u8,
    kind: LppType,
    bytes: &'a [u8],
}

impl<'a> LppItem<'a> {
    /// The channel of the node itself.
    pub const SELF_CHANNEL: u8 = 1;

    /// Which sensor, 1 to 255.
    pub const fn channel(&self) -> u8 {
        self.channel
    }

    /// What is measured.
    pub const fn kind(&self) -> LppType {
        self.kind
    }

    /// The value as sent, big-endian; of a polyline all of it, its size first.
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// How many numbers: 1 or 3, or 0 for a polyline.
    pub const fn len(&self) -> usize {
        self.kind.divisors().len()
    }

    /// Whether there is no number: a polyline.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number `index` as sent.
    pub fn raw(&self, index: usize) -> Option<i64> {
        self.kind.divisors().get(index)?;
        let start = index.checked_mul(self.kind.width())?;
        let number = int_be(Field::Record, self.kind.width(), self.kind.is_signed());
        Reader::new(self.bytes.get(start..)?).read(number).ok()
    }

    /// Number `index` in the unit of the type.
    #[expect(clippy::cast_precision_loss, reason = "numbers have 32 bits")]
    pub fn value(&self, index: usize) -> Option<f64> {
        let divisor = self.kind.divisors().get(index)?;
        Some(self.raw(index)? as f64 / f64::from(*divisor))
    }

    /// The numbers in the unit of the type.
    pub fn values(&self) -> impl Iterator<Item = f64> + use<'a> {
        let item = *self;
        (0..item.len()).filter_map(move |index| item.value(index))
    }
}

/// Reads measurements one after the other, in place.
///
/// ```text
/// [channel 1] [type 1] [value], again and again
/// ```
///
/// Values are big-endian. For a `RESPONSE`, the data are its body (firmware
/// `src/helpers/sensors/LPPDataHelpers.h`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LppReader<'a> {
    rest: &'a [u8],
}

impl<'a> LppReader<'a> {
    /// At the start of `data`.
    pub const fn new(data: &'a [u8]) -> Self {
        Self { rest: data }
    }

    /// Why reading stops, when all has been read; before, why it will. O(rest).
    pub fn stop(&self) -> LppStop {
        let mut reader = self.clone();
        reader.by_ref().for_each(drop);
        record(reader.rest).err().unwrap_or(LppStop::End)
    }

    /// What was not read: where reading stopped, the first record of which
    /// nothing is known, or padding.
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for LppReader<'a> {
    type Item = LppItem<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let (item, rest) = record(self.rest).ok()?;
        self.rest = rest;
        Some(item)
    }
}

impl core::iter::FusedIterator for LppReader<'_> {}

/// The record at the start of `data`, and what follows it.
fn record(data: &[u8]) -> Result<(LppItem<'_>, &[u8]), LppStop> {
    let (channel, kind, mut fields) = header(data)?;
    let len = match kind {
        // the size counts itself
        LppType::Polyline => match fields.rest().first() {
            Some(size) if usize::from(*size) >= LppType::MIN_POLYLINE => usize::from(*size),
            _ => return Err(LppStop::Truncated),
        },
        _ => kind.width() * kind.divisors().len(),
    };
    let bytes = fields.read(bytes(Field::Record, len)).map_err(|_| LppStop::Truncated)?;
    Ok((LppItem { channel, kind, bytes }, fields.rest()))
}

/// Channel and type at the start of `data`, and a reader at the value.
pub(super) fn header(data: &[u8]) -> Result<(u8, LppType, Reader<'_>), LppStop> {
    if data.len() < MIN_RECORD {
        return Err(LppStop::End);
    }
    let mut fields = Reader::new(data);
    let header = fields.read((byte(Field::Record), byte(Field::Record)));
    let (channel, kind) = header.map_err(|_| LppStop::End)?;
    if channel == NO_CHANNEL {
        return Err(LppStop::End);
    }
    let kind = LppType::from_byte(kind).ok_or(LppStop::UnknownType)?;
    Ok((channel, kind, fields))
}

/// Writes measurements one after the other to the start of a buffer.
#[derive(Debug)]
pub struct LppWriter<'b> {
    out: &'b mut [u8],
    written: usize,
}

impl<'b> LppWriter<'b> {
    /// Nothing written yet.
    pub const fn new(out: &'b mut [u8]) -> Self {
        Self { out, written: 0 }
    }

    /// Appends the numbers `raw` of one measurement: values times
    /// [`LppType::divisors`], rounded by the caller. Nothing is written where
    /// it fails.
    ///
    /// # Errors
    /// [`EncodeError::InvalidRecord`] for channel 0, and for more or fewer
    /// numbers than the type has, which for a polyline is none;
    /// [`EncodeError::RecordOutOfRange`]; [`EncodeError::BufferTooSmall`].
    pub fn push(&mut self, channel: u8, kind: LppType, raw: &[i64]) -> Result<(), EncodeError> {
        let count = kind.divisors().len();
        if channel == NO_CHANNEL || count == 0 || raw.len() != count {
            return Err(EncodeError::InvalidRecord { channel, have: raw.len(), need: count });
        }
        let (min, max) = kind.range();
        if let Some(&value) = raw.iter().find(|number| !(min..=max).contains(*number)) {
            return Err(EncodeError::RecordOutOfRange { value, min, max });
        }

        let need = 2 + count * kind.width();
        let have = self.out.len();
        let too_small = EncodeError::BufferTooSmall { need: self.written + need, have };
        let rest = self.out.get_mut(self.written..).ok_or(too_small)?;
        let mut record = Writer::new(rest, need).map_err(|_| too_small)?;
        record.put(&[channel, kind.get()])?;
        for number in raw {
            let bytes = number.to_be_bytes();
            // the range was checked: what is left out says nothing
            record.put(bytes.get(bytes.len() - kind.width()..).unwrap_or_default())?;
        }
        self.written += record.written();
        Ok(())
    }

    /// Bytes written so far.
    pub const fn written(&self) -> usize {
        self.written
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;
    use std::vec::Vec;

    #[test]
    fn numbers_are_divided_into_their_unit() {
        let data = hex!("01 74 0192  02 75 fc18  02 88 07a120 861f40 00ffff 000000");
        let mut reader = LppReader::new(&data);
        let items: Vec<_> = reader.by_ref().collect();
        assert_eq!(
            (items[0].channel(), items[0].kind(), items[0].value(0)),
            (1, LppType::Voltage, Some(4.02))
        );
        assert_eq!((items[1].raw(0), items[1].value(0)), (Some(-1000), Some(-1.0)));
        assert_eq!(items[2].values().collect::<Vec<_>>(), [50.0, -798.7392, 655.35]);
        assert_eq!(items[2].raw(3), None);
        assert_eq!((reader.stop(), reader.rest()), (LppStop::End, &[0; 3][..]));
    }

    #[test]
    fn reading_stops_where_it_cannot_know_what_follows() {
        for (data, stop, rest) in [
            (&hex!("0b 01 01  02 63 aabb")[..], LppStop::UnknownType, 4),
            (&hex!("0b 01 01  01 74 01"), LppStop::Truncated, 3),
            (&hex!("0b 01 01  01 74"), LppStop::End, 2),
            (&hex!("0b 01 01  00 74 0192"), LppStop::End, 4),
        ] {
            let mut reader = LppReader::new(data);
            assert_eq!(reader.stop(), stop, "known before it gets there");
            assert_eq!(reader.by_ref().count(), 1);
            assert_eq!((reader.stop(), reader.rest().len()), (stop, rest));
            assert_eq!(reader.next(), None);
        }
    }

    #[test]
    fn a_polyline_brings_its_size() {
        let data = hex!("01 f0 09 0102030405060708  01 67 0104");
        let items: Vec<_> = LppReader::new(&data).collect();
        assert_eq!((items[0].kind(), items[0].bytes().len()), (LppType::Polyline, 9));
        assert_eq!((items[0].len(), items[0].raw(0), items[0].values().count()), (0, None, 0));
        assert_eq!(items[1].value(0), Some(26.0));
        assert_eq!(LppReader::new(&hex!("01 f0 07 010203040506")).stop(), LppStop::Truncated);
        assert_eq!(LppReader::new(&hex!("01 f0 09 01020304050607")).stop(), LppStop::Truncated);
    }

    #[test]
    fn what_is_written_reads_back() {
        let mut out = [0; 14];
        let mut writer = LppWriter::new(&mut out);
        writer.push(LppItem::SELF_CHANNEL, LppType::Voltage, &[402]).unwrap();
        writer.push(2, LppType::Accelerometer, &[-1, 0, 1]).unwrap();
        let err = writer.push(3, LppType::Altitude, &[1]).unwrap_err();
        assert_eq!(err, EncodeError::BufferTooSmall { need: 16, have: 14 });
        let len = writer.written();
        assert_eq!(out[..len], hex!("01 74 0192  02 71 ffff 0000 0001"));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut out = [0; 16];
        let mut writer = LppWriter::new(&mut out);
        let invalid = |channel, have, need| EncodeError::InvalidRecord { channel, have, need };
        let out_of_range = |value, min, max| EncodeError::RecordOutOfRange { value, min, max };
        for (channel, kind, raw, expected) in [
            (0, LppType::Voltage, &[1][..], invalid(0, 1, 1)),
            (1, LppType::Colour, &[1, 2], invalid(1, 2, 3)),
            (1, LppType::Polyline, &[], invalid(1, 0, 0)),
            (1, LppType::Voltage, &[65_536], out_of_range(65_536, 0, 65_535)),
            (1, LppType::Voltage, &[-5], out_of_range(-5, 0, 65_535)),
            (1, LppType::Temperature, &[-32_769], out_of_range(-32_769, -32_768, 32_767)),
        ] {
            assert_eq!(writer.push(channel, kind, raw), Err(expected));
        }
        assert_eq!(writer.written(), 0);
    }
}
