//! What follows from a packet's observations. Worked out in this one place, for the open and for the sealed hours.

use smallvec::SmallVec;

use super::names::{NodeNo, ObserverNo};
use super::row::Packet;
use crate::UnixMillis;

/// A hop by its bytes: the beginning of a node's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Hop {
    /// The bytes, from the left.
    pub(crate) value: u64,
    /// How many.
    pub(crate) size: u8,
}

/// What follows from a packet's observations.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Digest {
    /// Place of the best observation.
    pub(crate) best: Option<usize>,
    /// The newest observation, else when the packet was first heard.
    pub(crate) last_seen: UnixMillis,
    /// Who heard it, ascending.
    pub(crate) observers: SmallVec<[ObserverNo; 16]>,
    /// How many observers; the unknown count as one.
    pub(crate) observer_count: usize,
    /// The hops whose node is known, ascending.
    pub(crate) nodes: SmallVec<[NodeNo; 32]>,
    /// The hops whose node is not known.
    pub(crate) strangers: SmallVec<[Hop; 8]>,
}

impl Hop {
    /// From up to 8 bytes.
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let mut value = [0; 8];
        for (to, from) in value.iter_mut().zip(bytes) {
            *to = *from;
        }
        Self { value: u64::from_be_bytes(value), size: u8::try_from(bytes.len().min(8)).unwrap_or(8) }
    }

    /// Whether its bytes begin with these.
    pub(crate) fn begins_with(self, prefix: Self) -> bool {
        let bits = 8 * u32::from(prefix.size.min(8));
        self.size >= prefix.size && (bits == 0 || (self.value ^ prefix.value) >> (64 - bits) == 0)
    }
}

impl Digest {
    pub(crate) fn of(packet: &Packet) -> Self {
        let best = packet.best().map(|best| best.id);
        let mut observers: SmallVec<[ObserverNo; 16]> =
            packet.observations.iter().filter_map(|observation| observation.observer).collect();
        observers.sort_unstable();
        observers.dedup();
        let unknown = packet.observations.iter().any(|observation| observation.observer.is_none());
        let mut nodes: SmallVec<[NodeNo; 32]> = SmallVec::new();
        let mut strangers: SmallVec<[Hop; 8]> = SmallVec::new();
        for observation in &packet.observations {
            for (place, hop) in observation.path.iter().enumerate() {
                match observation.resolved.get(place).copied().flatten() {
                    Some(node) => nodes.push(node),
                    None => strangers.push(Hop::new(hop)),
                }
            }
        }
        nodes.sort_unstable();
        nodes.dedup();
        strangers.sort_unstable();
        strangers.dedup();
        Self {
            best: best.and_then(|id| packet.observations.iter().position(|o| o.id == id)),
            last_seen: packet.last_seen(),
            observer_count: observers.len() + usize::from(unknown),
            observers,
            nodes,
            strangers,
        }
    }

    /// Whether the packet belongs to a node: it sent it, or passed it on.
    pub(crate) fn touches(&self, packet: &Packet, node: NodeNo) -> bool {
        packet.originator == Some(node) || self.nodes.binary_search(&node).is_ok()
    }
}
