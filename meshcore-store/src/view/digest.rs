//! What follows from a packet's observations. Worked out in this one place, for the open and for the sealed hours.

use smallvec::SmallVec;

use super::names::{NodeNo, ObserverNo};
use super::row::Packet;
use crate::UnixMillis;

/// A hop by its bytes: the beginning of a node's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Hop {
    /// How many bytes.
    pub(crate) size: u8,
    /// The bytes as one number, the first the highest.
    pub(crate) value: u64,
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
        let bytes = bytes.get(..8).unwrap_or(bytes);
        let value = bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
        Self { size: u8::try_from(bytes.len()).unwrap_or(8), value }
    }

    /// Whether its bytes begin with these.
    pub(crate) fn begins_with(self, prefix: Self) -> bool {
        let more = self.size.checked_sub(prefix.size);
        more.is_some_and(|more| self.value.checked_shr(8 * u32::from(more)).unwrap_or(0) == prefix.value)
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
}
