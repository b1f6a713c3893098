//! Rows of one block as bits: what a filter lets through.

use smallvec::{SmallVec, smallvec};

/// A set of rows of one block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RowSet {
    len: usize,
    /// Bits at and above `len` are 0.
    words: SmallVec<[u64; 32]>,
}

impl RowSet {
    /// No row of `len`.
    pub(crate) fn none(len: usize) -> Self {
        Self { len, words: smallvec![0; len.div_ceil(64)] }
    }

    /// All `len` rows.
    pub(crate) fn all(len: usize) -> Self {
        let mut set = Self { len, words: smallvec![u64::MAX; len.div_ceil(64)] };
        set.trim();
        set
    }

    /// The rows for which `test` says so.
    pub(crate) fn of(len: usize, mut test: impl FnMut(usize) -> bool) -> Self {
        let mut set = Self::none(len);
        for (index, word) in set.words.iter_mut().enumerate() {
            let start = index * 64;
            for row in start..len.min(start + 64) {
                *word |= u64::from(test(row)) << (row - start);
            }
        }
        set
    }

    /// From bits as [`bytes`](Self::bytes) gave them.
    pub(crate) fn from_bytes(len: usize, bytes: &[u8]) -> Self {
        let mut set = Self::none(len);
        for (word, eight) in set.words.iter_mut().zip(bytes.chunks(8)) {
            *word = eight.iter().rev().fold(0, |word, byte| (word << 8) | u64::from(*byte));
        }
        set.trim();
        set
    }

    /// The bits, eight rows to a byte, whole words.
    pub(crate) fn bytes(&self) -> impl Iterator<Item = u8> {
        self.words.iter().flat_map(|word| word.to_le_bytes())
    }

    /// Rows there are, in the set or not.
    pub(crate) fn universe(&self) -> usize {
        self.len
    }

    /// Rows in the set.
    pub(crate) fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether no row is in the set.
    pub(crate) fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// Puts `row` in; no effect beyond the last row.
    pub(crate) fn insert(&mut self, row: usize) {
        if row < self.len
            && let Some(word) = self.words.get_mut(row / 64)
        {
            *word |= 1 << (row % 64);
        }
    }

    /// Keeps what is in both.
    pub(crate) fn and(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= other);
    }

    /// Takes what is in either.
    pub(crate) fn or(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word |= other);
    }

    /// Takes what is in neither.
    pub(crate) fn invert(&mut self) {
        self.words.iter_mut().for_each(|word| *word = !*word);
        self.trim();
    }

    /// Keeps the rows for which `test` says so; only those in the set are asked.
    pub(crate) fn retain(&mut self, mut test: impl FnMut(usize) -> bool) {
        for (index, word) in self.words.iter_mut().enumerate() {
            let mut rest = *word;
            while rest != 0 {
                let bit = rest.trailing_zeros() as usize;
                rest &= rest - 1;
                if !test(index * 64 + bit) {
                    *word &= !(1 << bit);
                }
            }
        }
    }

    /// The rows, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> {
        self.words.iter().enumerate().flat_map(|(index, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                (rest != 0).then(|| {
                    let bit = rest.trailing_zeros() as usize;
                    rest &= rest - 1;
                    index * 64 + bit
                })
            })
        })
    }

    fn trim(&mut self) {
        let used = self.len % 64;
        if used > 0
            && let Some(last) = self.words.last_mut()
        {
            *last &= (1 << used) - 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set(len in 0_usize..300, a: BTreeSet<u16>, b: BTreeSet<u16>) {
            let of = |set: &BTreeSet<u16>| -> BTreeSet<usize> {
                set.iter().map(|row| usize::from(*row)).filter(|row| *row < len).collect()
            };
            let (a, b) = (of(&a), of(&b));
            let rows = |set: &RowSet| -> BTreeSet<usize> { set.iter().collect() };
            let (x, y) = (RowSet::of(len, |row| a.contains(&row)), RowSet::of(len, |row| b.contains(&row)));
            prop_assert_eq!(rows(&x), a.iter().copied().collect::<BTreeSet<_>>());
            prop_assert_eq!(x.count(), a.len());
            let mut both = x.clone();
            both.and(&y);
            prop_assert_eq!(rows(&both), &a & &b);
            let mut either = x.clone();
            either.or(&y);
            prop_assert_eq!(rows(&either), &a | &b);
            let mut kept = either.clone();
            kept.retain(|row| a.contains(&row));
            prop_assert_eq!(&kept, &x);
            let mut others = x.clone();
            others.invert();
            prop_assert_eq!(rows(&others), (0..len).filter(|row| !a.contains(row)).collect::<BTreeSet<_>>());
            prop_assert_eq!(RowSet::from_bytes(len, &x.bytes().collect::<Vec<_>>()), x);
            prop_assert_eq!(RowSet::all(len).count(), len);
        }
    }
}
