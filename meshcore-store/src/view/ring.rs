//! What came lately, numbered: who was away for a while asks for what it missed.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Changes that are remembered.
const KEPT: usize = 20_000;

/// An observation that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its number: ascends by one.
    pub seq: u64,
    /// Row id of the packet.
    pub packet: i64,
    /// Row id of the observation.
    pub observation: i64,
}

/// More was missed than is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{lost} changes before number {oldest} are forgotten")]
pub struct Forgotten {
    /// How many are lost.
    pub lost: u64,
    /// The oldest that is remembered.
    pub oldest: u64,
}

/// What came lately. Its numbers go on for as long as the process runs.
#[derive(Debug, Default)]
pub struct Ring(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    changes: VecDeque<Change>,
    /// Number of the newest change; 0 = none yet.
    newest: u64,
}

impl Ring {
    /// Number of the newest change; 0 before the first.
    pub fn newest(&self) -> u64 {
        self.lock().newest
    }

    /// At most `limit` changes after number `seq`, in order.
    ///
    /// # Errors
    /// [`Forgotten`], when some of them are not remembered any more.
    pub fn after(&self, seq: u64, limit: usize) -> Result<Vec<Change>, Forgotten> {
        let inner = self.lock();
        let oldest = inner.newest + 1 - inner.changes.len() as u64;
        if seq + 1 < oldest {
            return Err(Forgotten { lost: oldest - seq - 1, oldest });
        }
        let skip = usize::try_from(seq + 1 - oldest).unwrap_or(usize::MAX);
        Ok(inner.changes.iter().skip(skip).take(limit).copied().collect())
    }

    pub(super) fn push(&self, changes: impl Iterator<Item = Change>) {
        let mut inner = self.lock();
        for change in changes {
            inner.newest += 1;
            let seq = inner.newest;
            if inner.changes.len() == KEPT {
                inner.changes.pop_front();
            }
            inner.changes.push_back(Change { seq, ..change });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing can panic while it is held, so a poisoned lock guards sound data.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_away_gets_what_came_or_learns_what_is_lost() {
        let ring = Ring::default();
        let change = |n| Change { seq: 0, packet: n, observation: n };
        assert_eq!(ring.after(0, 10), Ok(vec![]));
        ring.push((1..=5).map(change));
        let seqs = |changes: Vec<Change>| changes.into_iter().map(|c| (c.seq, c.packet)).collect::<Vec<_>>();
        assert_eq!(seqs(ring.after(3, 10).unwrap()), [(4, 4), (5, 5)]);
        assert_eq!(seqs(ring.after(0, 2).unwrap()), [(1, 1), (2, 2)]);
        assert_eq!(ring.after(5, 10), Ok(vec![]));
        assert_eq!(ring.after(99, 10), Ok(vec![])); // numbers of an earlier process
        ring.push((6..=KEPT as i64 + 10).map(change));
        assert_eq!(ring.after(4, 1), Err(Forgotten { lost: 6, oldest: 11 }));
        assert_eq!(seqs(ring.after(10, 1).unwrap()), [(11, 11)]);
        assert_eq!(ring.newest(), KEPT as u64 + 10);
    }
}
