//! A packet and its receptions as rows: how they come from the database, and how they leave the view.

use std::sync::Arc;

use meshcore_proto::{PacketHash, RouteType};
use smallvec::SmallVec;

use super::names::{NodeNo, ObserverNo, TextNo};
use crate::{Direction, UnixMillis};

/// One transmission with its observations.
#[derive(Clone, Debug, PartialEq)]
pub struct Packet {
    /// Row id of the transmission: ascends in the order packets were stored.
    pub id: i64,
    /// Content hash.
    pub hash: PacketHash,
    /// When it was first heard.
    pub first_seen: UnixMillis,
    /// Header fields; `None` where the row has none.
    pub kind: Kind,
    /// Who sent it, when the packet says so (ADVERT).
    pub originator: Option<NodeNo>,
    /// Grouping key of a channel text: a name, or `enc_XX`.
    pub channel: Option<TextNo>,
    /// `None`: no scope. The empty text: scoped, region unknown.
    pub scope: Option<TextNo>,
    /// The frame as first received; `None` when its bytes have left memory, or the row has none that can be read.
    pub frame: Option<Arc<[u8]>>,
    /// Bytes of the frame.
    pub frame_len: u16,
    /// Bytes of its payload; 0 when the frame cannot be read.
    pub payload_len: u16,
    /// The stored decoded payload cannot be made again from the frame: it is read from the database.
    pub has_own_json: bool,
    /// Ascending by id.
    pub observations: Vec<Observation>,
}

/// Header fields of a frame, as stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Kind {
    /// 0 to 3.
    pub route: Option<u8>,
    /// 0 to 15.
    pub payload: Option<u8>,
    /// 0 to 3.
    pub version: Option<u8>,
}

/// One reception of a packet.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// Row id.
    pub id: i64,
    /// Who heard it; `None` when the row names nobody.
    pub observer: Option<ObserverNo>,
    /// Which way it went.
    pub direction: Option<Direction>,
    /// dB.
    pub snr: Option<f64>,
    /// dBm.
    pub rssi: Option<f64>,
    /// The firmware's score, times 1000.
    pub score: Option<f64>,
    /// The hops.
    pub path: HopPath,
    /// Who the hops were, parallel to the path; empty when none is known.
    pub resolved: SmallVec<[Option<NodeNo>; 8]>,
    /// When, in whole seconds.
    pub at: UnixMillis,
    /// The observer's own frame is stored: it is read from the database.
    pub has_own_frame: bool,
}

/// The hops of a path: prefixes of node keys, all of one size. Without hops the size is 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HopPath {
    size: u8,
    bytes: SmallVec<[u8; 24]>,
}

impl HopPath {
    /// Most bytes per hop, as in a TRACE.
    pub const MAX_SIZE: u8 = 8;

    /// From the bytes of all hops, one after another; `None` when they are no whole number of hops, or more than 255.
    pub fn new(size: u8, bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() {
            return Some(Self::default());
        }
        let per_hop = usize::from(size);
        let fits = (1..=Self::MAX_SIZE).contains(&size)
            && bytes.len().is_multiple_of(per_hop)
            && bytes.len() / per_hop <= 255;
        fits.then(|| Self { size, bytes: SmallVec::from_slice(bytes) })
    }

    /// Reads the text column: a JSON array of hexadecimal hops. `None` when there is no hop, or it is no path.
    pub fn from_json(text: &str) -> Option<Self> {
        let hops = text.bytes().filter(|byte| *byte == b'"').count() / 2;
        let digits: SmallVec<[u8; 128]> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
        let size = digits.len().checked_div(2 * hops)?;
        if size == 0 || digits.len() != 2 * hops * size {
            return None;
        }
        let mut bytes: SmallVec<[u8; 64]> = SmallVec::from_elem(0, hops * size);
        hex::decode_to_slice(&digits, &mut bytes).ok()?;
        Self::new(u8::try_from(size).ok()?, &bytes)
    }

    /// Bytes per hop; 0 when there is none.
    pub fn size(&self) -> usize {
        usize::from(self.size)
    }

    /// All hops, one after another.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many hops.
    pub fn len(&self) -> usize {
        self.bytes.len().checked_div(self.size()).unwrap_or(0)
    }

    /// Whether there is no hop.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The hops in order.
    pub fn iter(&self) -> std::slice::ChunksExact<'_, u8> {
        self.bytes.chunks_exact(self.size().max(1))
    }
}

impl Observation {
    /// Bytes that lie beside the row because they do not fit into it.
    pub(crate) fn spilled_bytes(&self) -> usize {
        let path = if self.path.bytes.spilled() { self.path.bytes.capacity() } else { 0 };
        let resolved = if self.resolved.spilled() { self.resolved.capacity() } else { 0 };
        path + resolved * size_of::<Option<NodeNo>>()
    }

    /// The best of these: the best by rank, the one stored first among equals. They ascend by id.
    pub(crate) fn best(observations: &[Self]) -> Option<&Self> {
        observations.iter().reduce(|best, other| if other.rank() > best.rank() { other } else { best })
    }

    /// Greater is better: a longer path, and the observer's own transmissions only when there is nothing else.
    fn rank(&self) -> (bool, usize) {
        (self.direction != Some(Direction::Tx), self.path.len())
    }
}

impl Kind {
    /// Bytes of a frame with this header and path.
    pub(crate) fn frame_len(self, path: &HopPath, payload_len: u16) -> usize {
        let route = self.route.map(RouteType::from_bits);
        let codes = if route.is_some_and(RouteType::has_transport_codes) { 4 } else { 0 };
        2 + codes + path.bytes().len() + usize::from(payload_len)
    }
}

impl Packet {
    /// Puts the row into the one form it has in the view: observations ascending by id, resolved hops parallel to the path
    /// or none, numbers that are finite.
    pub fn normalise(&mut self) {
        self.observations.sort_unstable_by_key(|observation| observation.id);
        self.observations.dedup_by_key(|observation| observation.id);
        for observation in &mut self.observations {
            observation.resolved.resize(observation.path.len(), None);
            if observation.resolved.iter().all(Option::is_none) {
                observation.resolved.clear();
            }
            for number in [&mut observation.snr, &mut observation.rssi, &mut observation.score] {
                *number = number.filter(|number| number.is_finite()).map(|number| number + 0.0); // -0 is 0
            }
        }
    }

    /// The observation that lends the packet its path, signal and observer: the best by rank, the one stored first among
    /// equals.
    pub fn best(&self) -> Option<&Observation> {
        Observation::best(&self.observations)
    }

    /// The newest observation, else when it was first heard.
    pub fn last_seen(&self) -> UnixMillis {
        self.observations.iter().map(|observation| observation.at).max().unwrap_or(self.first_seen)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(r#"["A1","B2"]"#, 1, &[0xa1, 0xb2])]
    #[case(r#"["A1B2C3"]"#, 3, &[0xa1, 0xb2, 0xc3])]
    #[case(r#"["a1","b2"]"#, 1, &[0xa1, 0xb2])]
    fn a_stored_path_is_read_as_bytes(#[case] json: &str, #[case] size: u8, #[case] bytes: &[u8]) {
        assert_eq!(HopPath::from_json(json), HopPath::new(size, bytes));
    }

    #[rstest]
    #[case("[]")]
    #[case("")]
    #[case(r#"["A1","B2C3"]"#)]
    #[case(r#"["A"]"#)]
    #[case(r#"[""]"#)]
    fn what_is_no_path_is_none(#[case] json: &str) {
        assert_eq!(HopPath::from_json(json), None);
    }
}
