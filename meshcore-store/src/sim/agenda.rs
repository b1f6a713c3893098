//! What is to happen when.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// Things to come, the earliest first; of two at one time the one that was entered first.
#[derive(Debug)]
pub(super) struct Agenda<T> {
    entries: BinaryHeap<Reverse<Entry<T>>>,
    entered: u64,
}

#[derive(Debug)]
struct Entry<T> {
    at: i64,
    number: u64,
    item: T,
}

impl<T> Agenda<T> {
    pub(super) const fn new() -> Self {
        Self { entries: BinaryHeap::new(), entered: 0 }
    }

    pub(super) fn enter(&mut self, at: i64, item: T) {
        self.entered += 1;
        self.entries.push(Reverse(Entry { at, number: self.entered, item }));
    }

    /// When the next is due.
    pub(super) fn next_at(&self) -> Option<i64> {
        self.entries.peek().map(|Reverse(entry)| entry.at)
    }

    pub(super) fn take(&mut self) -> Option<(i64, T)> {
        self.entries.pop().map(|Reverse(entry)| (entry.at, entry.item))
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

impl<T> Entry<T> {
    const fn key(&self) -> (i64, u64) {
        (self.at, self.number)
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<T> Eq for Entry<T> {}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_comes_first_and_of_equals_the_first_entered() {
        let mut agenda = Agenda::new();
        for (at, item) in [(5, 'b'), (9, 'd'), (5, 'c'), (1, 'a')] {
            agenda.enter(at, item);
        }
        assert_eq!(agenda.next_at(), Some(1));
        assert_eq!(std::iter::from_fn(|| agenda.take()).map(|(_, item)| item).collect::<String>(), "abcd");
    }
}
