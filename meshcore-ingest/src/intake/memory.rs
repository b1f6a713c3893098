//! What is remembered from message to message, whichever rules are in force.

use std::collections::{HashMap, HashSet};
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use meshcore_proto::payload::Advert;
use meshcore_store::{ObserverId, UnixMillis};

use crate::accounting::Notice;
use crate::message::Liveness;

/// Adverts remembered as good: those of the last minutes, of a large mesh too.
const ADVERTS: usize = 4_096;

/// Observers whose last word is remembered: more than any mesh has.
const OBSERVERS: usize = 4_096;

/// What an [`Intake`](super::Intake) remembers. Shared by those that follow each other when the configuration changes,
/// and by all threads.
#[derive(Debug, Default)]
pub struct Memory {
    verified: Mutex<VerifiedAdverts>,
    last_status: Mutex<HashMap<String, LastStatus>>,
    notices: [AtomicU64; Notice::ALL.len()],
}

/// The adverts found good. A copy of one is good without being checked again, and most adverts are copies.
///
/// Whole payloads, key, time, signature and all: nothing shorter would keep a forger from making one that looks the
/// same. Two sets take turns: what is in neither has not been heard for a while.
#[derive(Debug, Default)]
struct VerifiedAdverts {
    recent: HashSet<Box<[u8]>>,
    older: HashSet<Box<[u8]>>,
}

/// The last word of an observer about being there.
#[derive(Clone, Copy, Debug)]
struct LastStatus {
    at: UnixMillis,
    said: Liveness,
}

impl Memory {
    /// What the observer said last about being there, since the start.
    pub fn last_status(&self, observer: &str) -> Option<Liveness> {
        lock(&self.last_status).get(&observer.to_lowercase()).map(|last| last.said)
    }

    /// What was odd about messages so far; notices that never occurred are left out.
    pub fn notices(&self) -> Vec<(&'static str, u64)> {
        let counts = self.notices.iter().map(|count| count.load(Ordering::Relaxed));
        Notice::ALL.iter().map(|notice| notice.name()).zip(counts).filter(|(_, count)| *count > 0).collect()
    }

    /// Something was odd.
    pub(super) fn notice(&self, notice: Notice) {
        if let Some(count) = self.notices.get(notice as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// An observer, or the broker for it, said whether it is there.
    pub(super) fn heard_status(&self, observer: &ObserverId, at: UnixMillis, said: Liveness) {
        let mut all = lock(&self.last_status);
        let key = observer.key();
        if all.len() >= OBSERVERS && !all.contains_key(&key) {
            return; // somebody makes names up
        }
        let last = all.entry(key).or_insert(LastStatus { at, said });
        // Messages are judged by several threads, so they may come here in another order than they arrived.
        if at >= last.at {
            *last = LastStatus { at, said };
        }
    }

    /// Whether the advert in `payload` is signed by its node.
    pub(super) fn is_signed(&self, advert: &Advert<'_>, payload: &[u8]) -> bool {
        if lock(&self.verified).contains(payload) {
            return true;
        }
        let valid = advert.verify().is_ok(); // takes long: nobody waits for it
        if valid {
            lock(&self.verified).insert(payload);
        }
        valid
    }
}

impl VerifiedAdverts {
    fn contains(&mut self, payload: &[u8]) -> bool {
        if self.recent.contains(payload) {
            return true;
        }
        let is_older = self.older.contains(payload);
        if is_older {
            self.insert(payload);
        }
        is_older
    }

    fn insert(&mut self, payload: &[u8]) {
        if self.recent.len() >= ADVERTS / 2 {
            self.older = mem::take(&mut self.recent);
        }
        self.recent.insert(payload.into());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing can panic while it is held, so a poisoned lock guards sound data.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use meshcore_proto::Identity;
    use meshcore_proto::payload::AppData;
    use meshcore_proto::{MAX_PAYLOAD, NodeType};

    use super::*;

    fn advert(seed: u8, timestamp: u32) -> Vec<u8> {
        let mut data = [0; 32];
        let about = AppData { name: Some(b"Ridge"), ..AppData::new(NodeType::from_bits(2)) };
        let length = about.encode_into(&mut data).unwrap();
        let mut payload = [0; MAX_PAYLOAD];
        let identity = Identity::from_seed(&[seed; 32]);
        let length = Advert::sign_into(&identity, timestamp, &data[..length], &mut payload).unwrap();
        payload[..length].to_vec()
    }

    fn is_signed(memory: &Memory, payload: &[u8]) -> bool {
        memory.is_signed(&Advert::parse(payload).unwrap(), payload)
    }

    #[test]
    fn a_good_advert_is_checked_once_and_every_changed_byte_anew() {
        let (memory, good) = (Memory::default(), advert(1, 7));
        assert!(is_signed(&memory, &good) && is_signed(&memory, &good));
        assert_eq!(lock(&memory.verified).recent.len(), 1);
        for byte in 0..good.len() {
            let mut forged = good.clone();
            forged[byte] ^= 1;
            assert!(!is_signed(&memory, &forged), "byte {byte}");
        }
        assert_eq!(lock(&memory.verified).recent.len(), 1, "only good ones are remembered");
    }

    #[test]
    fn what_is_heard_again_and_again_stays_and_memory_is_bounded() {
        let mut adverts = VerifiedAdverts::default();
        for number in 0..20_000_u32 {
            adverts.insert(&number.to_le_bytes());
            assert!(number == 0 || adverts.contains(&0_u32.to_le_bytes()), "at {number}");
            assert!(adverts.recent.len() + adverts.older.len() <= ADVERTS);
        }
        assert!(!adverts.contains(&1_u32.to_le_bytes()));
    }

    #[test]
    fn the_newest_word_of_an_observer_counts_in_whatever_order_it_is_read() {
        let (memory, roof) = (Memory::default(), "Roof".parse().unwrap());
        let at = UnixMillis::from_seconds;
        assert_eq!(memory.last_status("roof"), None);
        memory.heard_status(&roof, at(2), Liveness::Offline);
        memory.heard_status(&roof, at(1), Liveness::Online);
        assert_eq!(memory.last_status("ROOF"), Some(Liveness::Offline));
        memory.heard_status(&roof, at(3), Liveness::Online);
        assert_eq!(memory.last_status("Roof"), Some(Liveness::Online));
    }
}
