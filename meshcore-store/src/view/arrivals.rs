//! When the observations of a block came, and from whom, in order: for windows whose edge lies within an hour.

use std::ops::Range;

use super::block::Block;
use super::names::ObserverNo;
use crate::UnixMillis;

/// Milliseconds since 1970 and the number of the observer (0 = unknown) in one number each, ascending.
#[derive(Debug, Default)]
pub(crate) struct Arrivals(Box<[u64]>);

const OBSERVER_BITS: u32 = u16::BITS;

fn key(at: UnixMillis) -> u64 {
    u64::try_from(at.get()).unwrap_or(0).saturating_mul(1 << OBSERVER_BITS)
}

impl Arrivals {
    pub(crate) fn of(block: &Block) -> Self {
        let mut all = Vec::new();
        block.each_reception(|_, observer, at| {
            all.push(key(at) | u64::from(observer.map_or(0, ObserverNo::get)));
        });
        all.sort_unstable();
        Self(all.into())
    }

    fn within(&self, window: &Range<UnixMillis>) -> &[u64] {
        let place = |time| self.0.partition_point(|arrival| *arrival < key(time));
        self.0.get(place(window.start)..place(window.end)).unwrap_or_default()
    }

    /// How many came in a window.
    pub(crate) fn count(&self, window: &Range<UnixMillis>) -> usize {
        self.within(window).len()
    }

    /// From whom those of a window came; 0 = unknown.
    pub(crate) fn observers(&self, window: &Range<UnixMillis>) -> impl Iterator<Item = u16> {
        self.within(window).iter().map(|arrival| {
            let [.., high, low] = arrival.to_be_bytes();
            u16::from_be_bytes([high, low])
        })
    }

    /// Bytes in memory.
    pub(crate) fn size(&self) -> usize {
        size_of_val(&*self.0)
    }
}
