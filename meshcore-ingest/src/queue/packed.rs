//! A message that waits in a long queue, in half the space.
//!
//! The messages of one observer are alike: the same names in the same order, the same origin. Each is kept as what
//! differs from an earlier message of its topic.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use foldhash::quality::FixedState;
use lz4_flex::block::{compress_into_with_dict, decompress_with_dict, get_maximum_output_size};
use meshcore_store::UnixMillis;
use meshcore_store::db::Ticket;

use super::Arrival;
use crate::intake::Inbound;

/// Topics whose messages are packed; those of others are kept as they are.
const TOPICS: usize = 1_024;

/// Longest message that others are compared with.
const LONGEST_SAMPLE: usize = 2_048;

/// The topics seen, each with a message of it.
#[derive(Debug, Default)]
pub(super) struct Samples(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    samples: HashMap<Arc<str>, Arc<Sample>, FixedState>,
    /// Where messages are packed, so that no room is taken and given back for each.
    scratch: Vec<u8>,
}

/// A topic, and what its messages look like.
#[derive(Debug)]
struct Sample {
    topic: Arc<str>,
    payload: Box<[u8]>,
}

/// A message that waits.
#[derive(Debug)]
pub(super) struct Packed {
    pub(super) source: Ticket,
    pub(super) received_at: UnixMillis,
    /// It is about a packet that had been heard of before.
    pub(super) is_repeat: bool,
    retained: bool,
    body: Body,
}

#[derive(Debug)]
enum Body {
    /// In a box, so that the others are small.
    Plain(Box<(String, Bytes)>),
    Differing {
        from: Arc<Sample>,
        len: u32,
        packed: Box<[u8]>,
    },
}

impl Samples {
    /// The message in less space, where that is known to be possible.
    pub(super) fn pack(&self, message: Arrival<'_>) -> Packed {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let differing = known.differing(&message);
        drop(known);
        differing.map_or_else(|| Packed::plain(message), |body| Packed::new(&message, body))
    }
}

impl Known {
    /// What differs from an earlier message of the topic. Without one it is kept itself, for those that follow.
    fn differing(&mut self, message: &Arrival<'_>) -> Option<Body> {
        let Some(sample) = self.samples.get(message.topic) else {
            self.keep(message);
            return None;
        };
        let most = get_maximum_output_size(message.payload.len());
        if self.scratch.len() < most {
            self.scratch.resize(most, 0);
        }
        let len = compress_into_with_dict(message.payload, &mut self.scratch, &sample.payload).ok()?;
        let packed = self.scratch.get(..len).filter(|packed| packed.len() < message.payload.len())?;
        let len = u32::try_from(message.payload.len()).ok()?;
        Some(Body::Differing { from: Arc::clone(sample), len, packed: packed.into() })
    }

    fn keep(&mut self, message: &Arrival<'_>) {
        if self.samples.len() < TOPICS && message.payload.len() <= LONGEST_SAMPLE {
            let topic: Arc<str> = message.topic.into();
            let sample = Sample { topic: Arc::clone(&topic), payload: message.payload.into() };
            self.samples.insert(topic, Arc::new(sample));
        }
    }
}

impl Packed {
    /// The message as it is.
    pub(super) fn plain(message: Arrival<'_>) -> Self {
        let body = (message.topic.to_owned(), Bytes::copy_from_slice(message.payload));
        Self::new(&message, Body::Plain(Box::new(body)))
    }

    fn new(message: &Arrival<'_>, body: Body) -> Self {
        let Arrival { source, received_at, retained, .. } = *message;
        Self { source, received_at, is_repeat: false, retained, body }
    }

    /// The message as it came.
    pub(super) fn unpack(self) -> Inbound {
        let Self { source, received_at, retained, body, .. } = self;
        let (topic, payload) = match body {
            Body::Plain(message) => *message,
            Body::Differing { from, len, packed } => {
                // What was packed here can be unpacked; if it ever could not, an empty message is counted as a wrong one.
                let payload = decompress_with_dict(&packed, len as usize, &from.payload).unwrap_or_default();
                (from.topic.as_ref().to_owned(), payload.into())
            }
        };
        Inbound { source, topic, payload, retained, received_at }
    }

    /// Bytes it takes in memory.
    pub(super) fn size(&self) -> usize {
        size_of::<Self>()
            + match &self.body {
                Body::Plain(message) => size_of_val(message.as_ref()) + message.0.len() + message.1.len(),
                Body::Differing { packed, .. } => packed.len(),
            }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn arrival<'a>(topic: &'a str, payload: &'a [u8]) -> Arrival<'a> {
        Arrival { source: 3, topic, payload, retained: true, received_at: UnixMillis::new(7) }
    }

    #[test]
    fn messages_of_an_observer_take_half_the_space() {
        let message = |number: u64| {
            let raw: String =
                (0..60).map(|at| format!("{:02X}", number.wrapping_mul(0x9e37_79b9) >> (at % 24))).collect();
            let json = json!({"origin": "a roof in Zurich", "timestamp": "2026-05-01T12:00:00.000000+00:00",
                "type": "PACKET", "direction": "rx", "len": "60", "packet_type": "5", "route": "F", "payload_len": "50",
                "SNR": "7", "RSSI": "-92", "score": "1000", "duration": "300", "raw": raw});
            json.to_string()
        };
        let samples = Samples::default();
        let size =
            |number| samples.pack(arrival("meshcore/ZRH/ABCDEF/packets", message(number).as_bytes())).size();
        let (whole, packed) = (size(1), size(2));
        assert!(packed * 2 < whole, "{packed} of {whole}");
    }

    #[test]
    fn only_so_many_topics_are_remembered() {
        let samples = Samples::default();
        for number in 0..TOPICS + 10 {
            samples.pack(arrival(&number.to_string(), b"{}"));
        }
        assert_eq!(samples.0.lock().unwrap().samples.len(), TOPICS);
        let unknown = samples.pack(arrival("one more", b"{}"));
        assert!(matches!(unknown.body, Body::Plain(_)));
    }

    proptest! {
        /// What is packed comes out as it was.
        #[test]
        fn nothing_is_changed(payloads in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..600), 1..5)) {
            let samples = Samples::default();
            for payload in payloads {
                let message = arrival("a/topic", &payload);
                prop_assert_eq!(samples.pack(message).unpack(), Packed::plain(message).unpack());
            }
        }
    }
}
