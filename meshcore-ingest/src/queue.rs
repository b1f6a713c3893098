//! What waits between the sources and the decoder: bounded by count and by bytes.
//!
//! A full queue means that the database is behind. What is lost then is chosen: first the oldest message about a packet
//! that another message had told of, because the mesh is still seen whole without it; then the oldest of all, because
//! what happens now is worth more than what happened before.

mod line;
mod packed;

use std::hash::BuildHasher;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::{iter, mem};

use foldhash::quality::FixedState;
use memchr::memmem;
use meshcore_proto::Packet;
use meshcore_store::UnixMillis;
use meshcore_store::db::Ticket;

use crate::accounting::Discard;
use crate::intake::Inbound;

use line::Line;
use packed::{Packed, Samples};

/// Packets remembered, to know which messages repeat one. A power of two.
const REMEMBERED: usize = 16_384;

/// When more wait, they are packed.
const LONG: usize = 1_000;

/// Most hex digits of a frame that is looked at.
const LONGEST_FRAME: usize = 512;

/// The queue. Pushing never waits.
#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    /// Something waits, or the queue was closed.
    ready: Condvar,
    limits: Limits,
    samples: Samples,
    /// How many wait, for who does not need to know exactly.
    len: AtomicUsize,
}

/// How much may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Messages, at least 1.
    pub messages: usize,
    /// Bytes they take in memory.
    pub bytes: usize,
}

/// How much waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Messages.
    pub messages: usize,
    /// Bytes they take in memory.
    pub bytes: usize,
    /// Arrival of the oldest.
    pub oldest: Option<UnixMillis>,
}

/// A message that arrives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival<'a> {
    pub(crate) source: Ticket,
    pub(crate) topic: &'a str,
    pub(crate) payload: &'a [u8],
    pub(crate) retained: bool,
    pub(crate) received_at: UnixMillis,
}

/// A message that had to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Evicted {
    pub(crate) source: Ticket,
    pub(crate) reason: Discard,
}

#[derive(Debug, Default)]
struct State {
    waiting: Line,
    /// Below this number no waiting message repeats a packet.
    searched: u64,
    bytes: usize,
    /// The packet last seen in each place; its fingerprint says the place.
    seen: Vec<u64>,
    is_closed: bool,
}

impl Queue {
    pub(crate) fn new(limits: Limits) -> Self {
        let state = State { seen: vec![0; REMEMBERED], ..State::default() };
        Self {
            state: Mutex::new(state),
            ready: Condvar::new(),
            limits,
            samples: Samples::default(),
            len: AtomicUsize::new(0),
        }
    }

    /// Adds a message. What has to go for it is returned, which is the message itself when the queue was closed.
    pub(crate) fn push(&self, message: Arrival<'_>) -> Vec<Evicted> {
        let (source, fingerprint) = (message.source, fingerprint(&message));
        let is_long = self.len.load(Ordering::Relaxed) >= LONG;
        let packed = if is_long { self.samples.pack(message) } else { Packed::plain(message) };
        let mut state = self.state();
        if state.is_closed {
            return vec![Evicted { source, reason: Discard::Stopped }];
        }
        state.push(packed, fingerprint);
        let mut evicted = Vec::new();
        while state.waiting.len() > self.limits.messages || state.bytes > self.limits.bytes {
            match state.evict() {
                Some(one) => evicted.push(one),
                None => break,
            }
        }
        self.len.store(state.waiting.len(), Ordering::Relaxed);
        drop(state);
        self.ready.notify_one();
        evicted
    }

    /// Fills `into` up to `most` messages, in the order of arrival; waits until there is one. `false` when the
    /// queue is closed and empty.
    pub(crate) fn take(&self, into: &mut Vec<Inbound>, most: usize) -> bool {
        let mut state = self.state();
        while state.waiting.len() == 0 {
            if state.is_closed {
                return false;
            }
            state = self.ready.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let taken: Vec<Packed> = iter::from_fn(|| state.take_oldest()).take(most - into.len()).collect();
        self.len.store(state.waiting.len(), Ordering::Relaxed);
        drop(state);
        into.extend(taken.into_iter().map(Packed::unpack));
        true
    }

    /// Takes no more messages; those that wait can still be taken.
    pub(crate) fn close(&self) {
        self.state().is_closed = true;
        self.ready.notify_all();
    }

    /// How much waits now.
    pub(crate) fn backlog(&self) -> Backlog {
        let state = self.state();
        let oldest = state.waiting.first().map(|message| message.received_at);
        Backlog { messages: state.waiting.len(), bytes: state.bytes, oldest }
    }

    /// How much may wait.
    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// No code of others runs while the lock is held, so a panic leaves nothing half-done.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn push(&mut self, mut message: Packed, fingerprint: u64) {
        message.is_repeat = self.saw(fingerprint);
        self.bytes += message.size();
        self.waiting.push(message);
    }

    /// Whether a packet was seen before; it is from now on.
    fn saw(&mut self, fingerprint: u64) -> bool {
        #[expect(clippy::cast_possible_truncation, reason = "the remainder is what is wanted")]
        let place = fingerprint as usize % REMEMBERED;
        self.seen.get_mut(place).is_some_and(|seen| mem::replace(seen, fingerprint) == fingerprint)
    }

    /// Removes what is missed least.
    fn evict(&mut self) -> Option<Evicted> {
        let repeat = self.waiting.find(self.searched, |message| message.is_repeat);
        self.searched = repeat.unwrap_or_else(|| self.waiting.next_number());
        let (message, reason) = match repeat.and_then(|number| self.waiting.remove(number)) {
            Some(message) => {
                self.bytes -= message.size();
                (message, Discard::BufferFullRepeat)
            }
            None => (self.take_oldest()?, Discard::BufferFull),
        };
        Some(Evicted { source: message.source, reason })
    }

    fn take_oldest(&mut self) -> Option<Packed> {
        let message = self.waiting.pop_first()?;
        self.bytes -= message.size();
        Some(message)
    }
}

/// Which packet a message is about, found without reading its JSON: a wrong guess only changes which message goes
/// first. A message without a frame is about itself.
fn fingerprint(message: &Arrival<'_>) -> u64 {
    packet_hash(message.payload)
        .unwrap_or_else(|| FixedState::default().hash_one((message.topic, message.payload)))
}

fn packet_hash(payload: &[u8]) -> Option<u64> {
    let rest = payload.get(memmem::find(payload, b"\"raw\"")? + 5..)?;
    let text = rest.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start().strip_prefix(b"\"")?;
    let digits = text.get(..memchr::memchr(b'"', text.get(..=LONGEST_FRAME).unwrap_or(text))?)?;
    let mut frame = [0; LONGEST_FRAME / 2];
    let frame = frame.get_mut(..digits.len() / 2)?;
    hex::decode_to_slice(digits, frame).ok()?;
    let packet = Packet::parse_lax(frame).ok()?;
    Some(u64::from_be_bytes(*packet.packet_hash().as_bytes()))
}

#[cfg(test)]
mod tests;
