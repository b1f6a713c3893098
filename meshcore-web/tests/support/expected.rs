//! What should be stored of a message, found out without the program's own code: a few bytes of the frame, and SHA-256.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::messages::Message;

/// Bytes of an advert before what a node says of itself: key, time, signature.
const ADVERT_HEAD: usize = 32 + 4 + 64;

/// Reasons that leave open whether an observer speaks. Whoever sends a frame that is wrong has been heard all the same.
const UNHEARD: &[&str] = &[
    "not_json",
    "too_deep",
    "oversize",
    "unknown_topic",
    "bad_observer",
    "no_frame",
    "raw_too_long",
    "no_text",
    "bad_channel",
    "no_position",
];

/// What became of the messages of one source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) received: u64,
    pub(crate) stored: u64,
    pub(crate) duplicate: u64,
    pub(crate) rejected: BTreeMap<String, u64>,
    pub(crate) dropped: BTreeMap<String, u64>,
}

impl Figures {
    /// Messages that have reached a bucket.
    pub(crate) fn accounted(&self) -> u64 {
        self.stored + self.duplicate + self.rejected.values().chain(self.dropped.values()).sum::<u64>()
    }
}

/// The keys of every row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rows {
    /// Content hashes.
    pub(crate) transmissions: BTreeSet<String>,
    /// Hash, observer in lower case, path.
    pub(crate) observations: BTreeSet<String>,
    /// Public keys.
    pub(crate) nodes: BTreeSet<String>,
    /// Ids in lower case.
    pub(crate) observers: BTreeSet<String>,
}

impl Rows {
    /// Transmissions, observations, nodes, observers.
    pub(crate) fn counts(&self) -> [usize; 4] {
        [self.transmissions.len(), self.observations.len(), self.nodes.len(), self.observers.len()]
    }
}

/// Everything that should be there after some messages.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expected {
    pub(crate) rows: Rows,
    pub(crate) figures: Figures,
}

impl Expected {
    /// What `messages` leave in an empty database.
    pub(crate) fn of(messages: &[Message]) -> Self {
        let mut expected = Self::default();
        expected.take(messages);
        expected
    }

    /// What `messages` add.
    pub(crate) fn take(&mut self, messages: &[Message]) {
        for message in messages {
            self.figures.received += 1;
            let levels: Vec<&str> = message.topic.split('/').collect();
            if let Some(why) = message.refused {
                *self.figures.rejected.entry(why.to_owned()).or_default() += 1;
                if !UNHEARD.contains(&why) {
                    self.rows.observers.insert(levels[2].to_lowercase());
                }
                continue;
            }
            if let Some(why) = message.unwanted {
                *self.figures.dropped.entry(why.to_owned()).or_default() += 1;
                continue;
            }
            let observer = levels[2].to_lowercase();
            self.rows.observers.insert(observer.clone());
            if levels[3] == "status" {
                self.figures.stored += 1;
                continue;
            }
            let payload = message.json();
            let frame = Frame::read(payload["raw"].as_str().expect("a packet message has a frame"));
            frame.compare(&message.recorded);
            self.rows.nodes.extend(frame.node());
            if self.rows.observations.insert(format!("{} {observer} {}", frame.hash, json!(frame.path))) {
                self.figures.stored += 1;
            } else {
                self.figures.duplicate += 1;
            }
            self.rows.transmissions.insert(frame.hash);
        }
    }
}

/// As much of a frame as makes a row.
struct Frame {
    payload_type: u8,
    path: Vec<String>,
    payload: Vec<u8>,
    hash: String,
}

impl Frame {
    /// Header, transport codes, path, payload.
    fn read(raw: &str) -> Self {
        let bytes = hex::decode(raw).expect("hex");
        let (route, payload_type) = (bytes[0] & 3, bytes[0] >> 2 & 15);
        assert_ne!(payload_type, 9, "a TRACE has its path in the payload; the recordings hold none");
        let at = if route == 0 || route == 3 { 5 } else { 1 };
        let (hash_size, hops) = (usize::from(bytes[at] >> 6) + 1, usize::from(bytes[at] & 63));
        let (path, payload) = bytes[at + 1..].split_at(hash_size * hops);
        let digest = Sha256::new().chain_update([payload_type]).chain_update(payload).finalize();
        Self {
            payload_type,
            path: path.chunks(hash_size).map(hex::encode_upper).collect(),
            payload: payload.to_vec(),
            hash: hex::encode(&digest[..8]),
        }
    }

    /// The key of the node that announces itself.
    fn node(&self) -> Option<String> {
        (self.payload_type == 4 && self.payload.len() >= ADVERT_HEAD)
            .then(|| hex::encode(&self.payload[..32]))
    }

    /// What is read here agrees with what the recording knows.
    fn compare(&self, recorded: &Value) {
        if let Some(hash) = recorded["hash"].as_str() {
            assert_eq!(self.hash, hash.to_lowercase());
        }
        if recorded["path"].is_array() {
            assert_eq!(json!(self.path), recorded["path"]);
        }
    }
}
