//! A message that waits in a long queue, in half the space.
//!
//! The messages of one observer are alike: the same names in the same order, the same origin. Each is kept as what
//! differs from an earlier message of its topic.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use foldhash::quality::FixedState;
use lz4_flex::block::{compress_with_dict, decompress_with_dict};
use meshcore_store::UnixMillis;
use meshcore_store::db::Ticket;

use crate::intake::Inbound;

/// Topics whose messages are packed; those of others are kept as they are.
const TOPICS: usize = 1_024;

/// Longest message that others are compared with.
const LONGEST_SAMPLE: usize = 2_048;

/// The topics seen, each with a message of it.
#[derive(Debug, Default)]
pub(super) struct Samples(Mutex<HashMap<Arc<str>, Arc<Sample>, FixedState>>);

/// A topic, and what its messages look like.
#[derive(Debug)]
struct Sample {
    topic: Arc<str>,
    payload: Bytes,
}

/// A message that waits.
#[derive(Debug)]
pub(super) struct Packed {
    pub(super) source: Ticket,
    pub(super) received_at: UnixMillis,
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
    pub(super) fn pack(&self, message: Inbound) -> Packed {
        let Some(sample) = self.like(&message) else { return Packed::plain(message) };
        let packed = compress_with_dict(&message.payload, &sample.payload).into_boxed_slice();
        let Some(len) =
            u32::try_from(message.payload.len()).ok().filter(|_| packed.len() < message.payload.len())
        else {
            return Packed::plain(message);
        };
        let body = Body::Differing { from: sample, len, packed };
        let Inbound { source, received_at, retained, .. } = message;
        Packed { source, received_at, retained, body }
    }

    /// An earlier message of the topic, or the message itself for those that follow.
    fn like(&self, message: &Inbound) -> Option<Arc<Sample>> {
        let mut samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sample) = samples.get(message.topic.as_str()) {
            return Some(Arc::clone(sample));
        }
        if samples.len() < TOPICS && message.payload.len() <= LONGEST_SAMPLE {
            let topic: Arc<str> = message.topic.as_str().into();
            let sample = Sample { topic: Arc::clone(&topic), payload: message.payload.clone() };
            samples.insert(topic, Arc::new(sample));
        }
        None
    }
}

impl Packed {
    /// The message as it is.
    pub(super) fn plain(message: Inbound) -> Self {
        let Inbound { source, topic, payload, retained, received_at } = message;
        Self { source, received_at, retained, body: Body::Plain(Box::new((topic, payload))) }
    }

    /// The message as it came.
    pub(super) fn unpack(self) -> Inbound {
        let Self { source, received_at, retained, body } = self;
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

    fn inbound(topic: &str, payload: impl Into<Bytes>) -> Inbound {
        let received_at = UnixMillis::new(7);
        Inbound { source: 3, topic: topic.into(), payload: payload.into(), retained: true, received_at }
    }

    #[test]
    fn messages_of_an_observer_take_half_the_space() {
        let message = |number: u64| {
            let raw: String =
                (0..60).map(|at| format!("{:02X}", number.wrapping_mul(0x9e37_79b9) >> (at % 24))).collect();
            let json = json!({"origin": "a roof in Zurich", "timestamp": "2026-05-01T12:00:00.000000+00:00",
                "type": "PACKET", "direction": "rx", "len": "60", "packet_type": "5", "route": "F", "payload_len": "50",
                "SNR": "7", "RSSI": "-92", "score": "1000", "duration": "300", "raw": raw});
            inbound("meshcore/ZRH/ABCDEF/packets", json.to_string())
        };
        let samples = Samples::default();
        let whole = samples.pack(message(1)).size();
        let packed = samples.pack(message(2)).size();
        assert!(packed * 2 < whole, "{packed} of {whole}");
    }

    #[test]
    fn only_so_many_topics_are_remembered() {
        let samples = Samples::default();
        for number in 0..TOPICS + 10 {
            samples.pack(inbound(&number.to_string(), "{}"));
        }
        assert_eq!(samples.0.lock().unwrap().len(), TOPICS);
        let unknown = samples.pack(inbound("one more", "{}"));
        assert!(matches!(unknown.body, Body::Plain(_)));
    }

    proptest! {
        /// What is packed comes out as it was.
        #[test]
        fn nothing_is_changed(payloads in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..600), 1..5)) {
            let samples = Samples::default();
            for payload in payloads {
                let message = inbound("a/topic", payload);
                prop_assert_eq!(samples.pack(message.clone()).unpack(), message);
            }
        }
    }
}
