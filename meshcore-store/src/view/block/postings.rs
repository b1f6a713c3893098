//! Lists of ascending rows, in few bits: of each row the gap to the one before as a Rice code.
//!
//! A gap is cut into its low `k` bits and what is above them; that comes first, as so many ones and a zero. Each list has the
//! `k` that makes it shortest in its first four bits, and ends with ones up to a whole byte.

/// Bits of `k`; rows have no more than 16 bits.
const PARAMETER: usize = 4;

/// Appends a list.
pub(super) fn write(rows: &[usize], out: &mut Vec<u8>) {
    let next = std::iter::once(0).chain(rows.iter().map(|row| row + 1));
    let gaps = || rows.iter().zip(next.clone()).map(|(row, next)| row.saturating_sub(next));
    let cost = |k: &usize| gaps().map(|gap| (gap >> k) + 1 + k).sum::<usize>();
    let k = (0..1 << PARAMETER).min_by_key(cost).unwrap_or(0);
    let mut bits = BitWriter { out, held: 0, count: 0 };
    bits.put(k as u64, PARAMETER);
    for gap in gaps() {
        for _ in 0..gap >> k {
            bits.put(1, 1);
        }
        bits.put((gap as u64 & ((1 << k) - 1)) << 1, k + 1);
    }
    bits.put(0x7f, 7);
}

/// The rows of a list.
pub(super) fn read(bytes: &[u8]) -> Rows<'_> {
    let k = bytes.first().map_or(0, |first| usize::from(first & ((1 << PARAMETER) - 1)));
    Rows { bytes, at: PARAMETER, k, next: 0 }
}

#[derive(Debug)]
struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    held: u64,
    count: usize,
}

impl BitWriter<'_> {
    /// Appends up to 32 bits, the lowest first; whole bytes are written.
    fn put(&mut self, bits: u64, count: usize) {
        self.held |= bits << self.count;
        self.count += count;
        while self.count >= 8 {
            self.out.push((self.held & 0xff) as u8);
            (self.held, self.count) = (self.held >> 8, self.count - 8);
        }
    }
}

/// The rows of a list.
#[derive(Debug)]
pub(super) struct Rows<'a> {
    bytes: &'a [u8],
    /// In bits.
    at: usize,
    k: usize,
    next: usize,
}

impl Rows<'_> {
    /// At least 57 bits from here; behind the end there are ones.
    fn window(&self) -> u64 {
        let rest = self.bytes.get(self.at / 8..).unwrap_or_default();
        let window = rest.first_chunk::<8>().map_or_else(
            || rest.iter().rev().fold(u64::MAX, |window, byte| window << 8 | u64::from(*byte)),
            |eight| u64::from_le_bytes(*eight),
        );
        let skipped = self.at % 8;
        window >> skipped | !(u64::MAX >> skipped)
    }
}

impl Iterator for Rows<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let mut high = 0;
        let low = loop {
            let window = self.window();
            let ones = window.trailing_ones() as usize;
            if ones + 1 + self.k <= 57 {
                self.at += ones + 1 + self.k;
                high += ones;
                let low = window >> (ones + 1) & ((1 << self.k) - 1);
                break usize::try_from(low).unwrap_or(0);
            }
            let ones = ones.min(32);
            self.at += ones;
            high += ones;
            if self.at >= self.bytes.len() * 8 {
                return None;
            }
        };
        let row = self.next.saturating_add(high << self.k | low);
        self.next = row.saturating_add(1);
        Some(row)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_come_back(rows in prop::collection::btree_set(prop_oneof![0_usize..40, 0_usize..16_384], 0..300)) {
            let rows: Vec<usize> = rows.into_iter().collect();
            let mut bytes = Vec::new();
            write(&rows, &mut bytes);
            prop_assert_eq!(read(&bytes).collect::<Vec<_>>(), rows);
        }

        #[test]
        fn any_bytes_are_rows_that_end(bytes: Vec<u8>) {
            prop_assert!(read(&bytes).count() <= bytes.len() * 8);
        }
    }
}
