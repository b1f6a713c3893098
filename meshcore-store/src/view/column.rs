//! Columns as bytes: whole numbers as the difference to the smallest of them, in as few bytes as the largest needs.
//!
//! A column is written once and read where it lies, in memory or as it came from a file; reading never fails: what is
//! beyond its end is the smallest number.

use std::ops::RangeInclusive;

use super::row_set::RowSet;

/// A column of whole numbers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ints<'a> {
    base: i64,
    width: usize,
    len: usize,
    bytes: &'a [u8],
}

/// Bytes in front of the numbers: width, how many, and the smallest.
const HEAD: usize = 13;

/// Appends a column of `values` to `out`.
pub(crate) fn write_ints<I>(out: &mut Vec<u8>, values: I)
where
    I: IntoIterator<Item = i64>,
    I::IntoIter: Clone,
{
    let values = values.into_iter();
    let (mut min, mut max, mut len) = (i64::MAX, i64::MIN, 0_u32);
    for value in values.clone() {
        (min, max, len) = (min.min(value), max.max(value), len + 1);
    }
    let base = min.min(max); // i64::MIN of none
    let spread = max.wrapping_sub(base).cast_unsigned();
    let width = (u64::BITS - spread.leading_zeros()).div_ceil(8) as usize;
    out.push(u8::try_from(width).unwrap_or(8));
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(&base.to_le_bytes());
    if width > 0 {
        for value in values {
            out.extend_from_slice(&value.wrapping_sub(base).to_le_bytes()[..width]);
        }
    }
}

impl<'a> Ints<'a> {
    /// Reads what [`write_ints`] wrote; `None` when it is something else.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (head, bytes) = bytes.split_first_chunk::<HEAD>()?;
        let [width, l0, l1, l2, l3, base @ ..] = *head;
        let (width, len) = (usize::from(width), u32::from_le_bytes([l0, l1, l2, l3]) as usize);
        (width <= 8 && bytes.len() == width * len).then_some(Self {
            base: i64::from_le_bytes(base),
            width,
            len,
            bytes,
        })
    }

    /// How many numbers.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The numbers in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = i64> + 'a {
        let column = *self;
        (0..self.len).map(move |row| column.get(row))
    }

    /// The number of `row`.
    #[inline]
    pub(crate) fn get(&self, row: usize) -> i64 {
        self.base.wrapping_add(self.code(row).cast_signed())
    }

    /// The same, where it counts something.
    #[inline]
    pub(crate) fn size(&self, row: usize) -> usize {
        usize::try_from(self.get(row)).unwrap_or(0)
    }

    /// The sum of the numbers before `row`, where they count something.
    pub(crate) fn sum_before(&self, row: usize) -> usize {
        let row = row.min(self.len);
        let codes = match self.width {
            1 => self.bytes.iter().take(row).map(|code| u64::from(*code)).sum(),
            _ => (0..row).fold(0, |sum: u64, row| sum.wrapping_add(self.code(row))),
        };
        usize::try_from(codes.wrapping_add(self.base.cast_unsigned().wrapping_mul(row as u64))).unwrap_or(0)
    }

    #[inline]
    fn code(&self, row: usize) -> u64 {
        match self.width {
            0 => 0,
            1 => self.bytes.get(row).copied().map_or(0, u64::from),
            2 => {
                let at = row * 2;
                match self.bytes.get(at..at + 2) {
                    Some(&[low, high]) => u64::from(u16::from_le_bytes([low, high])),
                    _ => 0,
                }
            }
            width => {
                let mut code = [0; 8];
                if let Some(bytes) = self.bytes.get(row * width..row * width + width) {
                    code[..width].copy_from_slice(bytes);
                }
                u64::from_le_bytes(code)
            }
        }
    }

    /// The rows of `rows` whose number is in `range`.
    pub(crate) fn select(&self, rows: usize, range: RangeInclusive<i64>) -> RowSet {
        let (low, high) = (*range.start().max(&self.base), *range.end());
        if low > high {
            return RowSet::none(rows);
        }
        // As unsigned distances from the base, so that one comparison does.
        let (low, high) =
            (low.wrapping_sub(self.base).cast_unsigned(), high.wrapping_sub(self.base).cast_unsigned());
        let span = high - low;
        match self.width {
            0 if low == 0 => RowSet::all(rows),
            0 => RowSet::none(rows),
            1 => RowSet::of(rows, |row| {
                self.bytes.get(row).is_some_and(|code| u64::from(*code).wrapping_sub(low) <= span)
            }),
            _ => RowSet::of(rows, |row| self.code(row).wrapping_sub(low) <= span),
        }
    }
}

/// How a dictionary is written.
const EXACT: u8 = 0;
const QUARTERS: u8 = 1;

/// The distinct values of a column in order, so that comparing codes compares values. Code 0 is "none".
#[derive(Clone, Debug, Default)]
pub(crate) struct Dictionary(Vec<f64>);

impl Dictionary {
    /// Of all `values`, which are finite.
    pub(crate) fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.collect();
        values.sort_unstable_by(f64::total_cmp);
        values.dedup_by(|a, b| a.total_cmp(b).is_eq());
        Self(values)
    }

    /// Reads what [`write`](Self::write) wrote.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        Self(match bytes.split_first() {
            Some((&QUARTERS, column)) => {
                Ints::read(column).unwrap_or_default().iter().map(|quarters| quarters as f64 / 4.0).collect()
            }
            Some((_, rest)) => rest.as_chunks().0.iter().map(|eight| f64::from_le_bytes(*eight)).collect(),
            None => Vec::new(),
        })
    }

    /// Appends it to `out`: as whole numbers where it is of quarters, as radios report.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let is_quarters = |value: &f64| (value * 4.0).fract() == 0.0 && value.abs() < 1e9;
        if self.0.iter().all(is_quarters) {
            out.push(QUARTERS);
            write_ints(out, self.0.iter().map(|value| whole(value * 4.0)));
        } else {
            out.push(EXACT);
            self.0.iter().for_each(|value| out.extend_from_slice(&value.to_le_bytes()));
        }
    }

    /// The code of a value; of one that is not in it, 0.
    pub(crate) fn code(&self, value: Option<f64>) -> i64 {
        let found = value.and_then(|value| self.0.binary_search_by(|known| known.total_cmp(&value)).ok());
        found.map_or(0, |index| index as i64 + 1)
    }

    /// The value of a code.
    pub(crate) fn value(&self, code: i64) -> Option<f64> {
        self.0.get(usize::try_from(code).ok()?.checked_sub(1)?).copied()
    }

    /// The value of a code in what [`write`](Self::write) wrote, without reading all of it.
    pub(crate) fn value_in(bytes: &[u8], code: i64) -> Option<f64> {
        let place = usize::try_from(code).ok()?.checked_sub(1)?;
        match bytes.split_first()? {
            (&QUARTERS, column) => {
                let quarters = Ints::read(column).filter(|quarters| place < quarters.len())?;
                Some(quarters.get(place) as f64 / 4.0)
            }
            (_, rest) => rest.as_chunks().0.get(place).map(|eight| f64::from_le_bytes(*eight)),
        }
    }

    /// All values, ascending.
    pub(crate) fn values(&self) -> &[f64] {
        &self.0
    }
}

/// The whole number that a value is; the nearest there is when it is none.
#[expect(clippy::cast_possible_truncation, reason = "what is out of range becomes the end of the range")]
pub(crate) const fn whole(value: f64) -> i64 {
    value as i64
}

/// Appends `value` in as many bytes as it needs, seven bits each.
pub(crate) fn write_varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push((value & 0x7f) as u8);
}

/// Takes one number from the front of `bytes`; 0 at the end.
#[inline]
pub(crate) fn take_varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    let mut shift = 0;
    while let Some((byte, rest)) = bytes.split_first() {
        *bytes = rest;
        value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte & 0x80 == 0 {
            break;
        }
        shift += 7;
    }
    value
}

/// Small numbers of either sign as small numbers.
pub(crate) const fn zigzag(number: i64) -> u64 {
    (number << 1 ^ number >> 63).cast_unsigned()
}

/// What [`zigzag`] was made of.
pub(crate) const fn unzigzag(code: u64) -> i64 {
    (code >> 1).cast_signed() ^ -((code & 1).cast_signed())
}

/// The first place below `len` for which `is_before` does not hold.
pub(crate) fn partition_point(len: usize, is_before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, len);
    while low < high {
        let mid = low.midpoint(high);
        if is_before(mid) { low = mid + 1 } else { high = mid }
    }
    low
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbers() -> impl Strategy<Value = Vec<i64>> {
        let spread =
            prop_oneof![Just(0_i64), Just(200), Just(60_000), Just(1 << 20), Just(1 << 40), Just(i64::MAX)];
        (any::<i64>(), spread, prop::collection::vec(any::<i64>(), 0..200)).prop_map(
            |(base, spread, random)| {
                random.into_iter().map(|r| base.wrapping_add(r.rem_euclid(spread.max(1)))).collect()
            },
        )
    }

    proptest! {
        #[test]
        fn numbers_come_back_and_are_found(values in numbers(), low: prop::sample::Index, high: prop::sample::Index) {
            let mut bytes = Vec::new();
            write_ints(&mut bytes, values.iter().copied());
            let column = Ints::read(&bytes).unwrap();
            prop_assert_eq!(column.len(), values.len());
            prop_assert_eq!(column.iter().collect::<Vec<_>>(), values.clone());
            let sum = values.iter().fold(0, |sum: i64, value| sum.wrapping_add(*value));
            prop_assert_eq!(column.sum_before(values.len()), usize::try_from(sum.cast_unsigned()).unwrap());
            if !values.is_empty() {
                let range = *low.get(&values)..=*high.get(&values);
                let found: Vec<usize> = column.select(values.len(), range.clone()).iter().collect();
                let expected: Vec<usize> = (0..values.len()).filter(|row| range.contains(&values[*row])).collect();
                prop_assert_eq!(found, expected);
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, row in 0_usize..1000) {
            if let Some(column) = Ints::read(&bytes) {
                column.get(row);
                column.select(row, 0..=5);
            }
            take_varint(&mut &bytes[..]);
        }

        #[test]
        fn varints_come_back(values: Vec<u64>) {
            let mut bytes = Vec::new();
            values.iter().for_each(|value| write_varint(&mut bytes, *value));
            let mut rest = &bytes[..];
            let back: Vec<u64> = values.iter().map(|_| take_varint(&mut rest)).collect();
            prop_assert_eq!(back, values);
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn either_sign_comes_back(number: i64) {
            prop_assert_eq!(unzigzag(zigzag(number)), number);
        }

        #[test]
        fn a_dictionary_comes_back(quarters: Vec<i16>, others in prop::collection::vec(-1e12..1e12_f64, 0..5)) {
            let values = quarters.into_iter().map(|value| f64::from(value) / 4.0).chain(others);
            let dictionary = Dictionary::of(values);
            let mut bytes = Vec::new();
            dictionary.write(&mut bytes);
            for code in 0..=dictionary.0.len() as i64 + 1 {
                prop_assert_eq!(Dictionary::value_in(&bytes, code), dictionary.value(code));
            }
            prop_assert_eq!(Dictionary::read(&bytes).0, dictionary.0);
        }

        #[test]
        fn codes_of_values_are_in_their_order(values in prop::collection::vec(-100.0..100.0_f64, 1..50)) {
            let dictionary = Dictionary::of(values.iter().copied());
            for a in &values {
                prop_assert_eq!(dictionary.value(dictionary.code(Some(*a))), Some(*a));
                for b in &values {
                    prop_assert_eq!(dictionary.code(Some(*a)).cmp(&dictionary.code(Some(*b))), a.total_cmp(b));
                }
            }
            prop_assert_eq!(dictionary.value(dictionary.code(None)), None);
        }
    }
}
