//! The resolution that is kept with an observation, and counted.

use meshcore_proto::PublicKey;

use super::index::{HopIndex, Relay};
use super::tiers::strongest_neighbor;
use crate::UnixMillis;
use crate::graph::{EndId, NeighborGraph};

/// Who is known beside the path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PathContext {
    /// Who made the packet: of an ADVERT its node, of others the sender, where the payload tells.
    pub originator: Option<PublicKey>,
    /// Whether the packet is an ADVERT: only then is the originator next to the first hop for certain enough to walk
    /// from it.
    pub is_advert: bool,
    /// Who heard it, when its id is a key and the packet is a FLOOD. On a direct route the observer is next to none
    /// of the hops listed.
    pub observer: Option<PublicKey>,
}

impl HopIndex {
    /// Resolves the hops of one path, first to last: a node or `None` for each.
    ///
    /// A unique prefix is taken. Of several candidates the one that is adjacent to the node before is taken, when it
    /// is the only such; failing that the clear favourite among the neighbors of originator, observer and node
    /// before. No node is taken twice. Positions and popularity play no part.
    ///
    /// A hop resolved in any of these ways is the node before for the next one. One allocation, for the answer.
    pub fn stored_path<'a>(
        &self,
        hops: impl ExactSizeIterator<Item = &'a [u8]>,
        context: PathContext,
        graph: &NeighborGraph,
        now: UnixMillis,
    ) -> Vec<Option<PublicKey>> {
        let walked_from = context.originator.filter(|_| context.is_advert);
        let id_of = |key: Option<PublicKey>| key.and_then(|key| graph.id_of_key(&key));
        let around = [id_of(context.originator), id_of(context.observer)];
        let mut path: Vec<Option<PublicKey>> = Vec::with_capacity(hops.len());
        let mut previous = id_of(walked_from);
        for hop in hops {
            let free = |key: &PublicKey| walked_from != Some(*key) && !path.contains(&Some(*key));
            let node = match self.candidates(hop) {
                [] => None,
                [only] => Some(only.key).filter(free),
                several => only_adjacent(several, previous, graph, free).or_else(|| {
                    let known = around.into_iter().chain([previous]).flatten();
                    strongest_neighbor(several, known, graph, now).map(|(key, _)| key).filter(free)
                }),
            };
            previous = id_of(node);
            path.push(node);
        }
        path
    }
}

/// The one free candidate that has an edge with the node before; `None` when there are several, or no such node.
fn only_adjacent(
    candidates: &[Relay],
    before: Option<EndId>,
    graph: &NeighborGraph,
    free: impl Fn(&PublicKey) -> bool,
) -> Option<PublicKey> {
    let before = before?;
    let is_adjacent =
        |key: &PublicKey| graph.id_of_key(key).is_some_and(|end| graph.edge(before, end).is_some());
    let mut adjacent = candidates.iter().map(|relay| relay.key).filter(|key| is_adjacent(key) && free(key));
    adjacent.next().filter(|_| adjacent.next().is_none())
}
