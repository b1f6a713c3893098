//! Which nodes the hops of a block were. A path names hops by the beginning of their keys; which of the nodes that share it
//! was meant is written as a place in the list of those that were met in this block.

use std::cmp::Reverse;
use std::collections::HashMap;

use foldhash::fast::RandomState;
use smallvec::SmallVec;

use super::super::column::{Ints, partition_point};
use super::super::digest::Hop;
use super::super::names::NodeNo;
use super::super::row::Packet;
use super::section::{Section, SectionWriter};

/// Which nodes each hop was in this block, ascending by hop, the most frequent node first; 0 = unknown.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    places: HashMap<Hop, usize, RandomState>,
    nodes: Vec<(Hop, Nodes)>,
}

/// Nodes and how often.
type Nodes = SmallVec<[(u32, u32); 4]>;

impl Candidates {
    pub(super) fn of(packets: &[Packet]) -> Self {
        let mut counts: HashMap<Hop, Nodes, RandomState> = HashMap::default();
        for observation in packets.iter().flat_map(|packet| &packet.observations) {
            for (hop, node) in observation.path.iter().zip(&observation.resolved) {
                let node = node.map_or(0, NodeNo::get);
                let nodes = counts.entry(Hop::new(hop)).or_default();
                match nodes.iter_mut().find(|(known, _)| *known == node) {
                    Some((_, count)) => *count += 1,
                    None => nodes.push((node, 1)),
                }
            }
        }
        let mut nodes: Vec<(Hop, Nodes)> = counts.into_iter().collect();
        nodes.sort_unstable_by_key(|(hop, _)| *hop);
        nodes
            .iter_mut()
            .for_each(|(_, nodes)| nodes.sort_unstable_by_key(|(node, count)| (Reverse(*count), *node)));
        Self { places: nodes.iter().map(|(hop, _)| *hop).zip(0..).collect(), nodes }
    }

    pub(super) fn code(&self, hop: Hop, node: Option<NodeNo>) -> u64 {
        let node = node.map_or(0, NodeNo::get);
        let nodes = self.places.get(&hop).and_then(|place| self.nodes.get(*place));
        let code = nodes.and_then(|(_, nodes)| nodes.iter().position(|(known, _)| *known == node));
        code.unwrap_or(0) as u64
    }

    pub(super) fn write(&self, out: &mut SectionWriter) {
        out.ints(Section::HopValues, self.nodes.iter().map(|(hop, _)| hop.value.cast_signed()));
        out.ints(Section::HopWidths, self.nodes.iter().map(|(hop, _)| i64::from(hop.size)));
        let mut end = 0;
        let ends = self.nodes.iter().map(|(_, nodes)| {
            end += nodes.len() as i64;
            end
        });
        out.ints(Section::CandidateEnds, ends.collect::<Vec<_>>());
        let nodes = self.nodes.iter().flat_map(|(_, nodes)| nodes).map(|(node, _)| i64::from(*node));
        out.ints(Section::Candidates, nodes);
    }
}

/// The same as it is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct HopTable<'a> {
    values: Ints<'a>,
    widths: Ints<'a>,
    ends: Ints<'a>,
    candidates: Ints<'a>,
}

impl<'a> HopTable<'a> {
    /// Of the sections in the order of their names.
    pub(super) const fn of([values, widths, ends, candidates]: [Ints<'a>; 4]) -> Self {
        Self { values, widths, ends, candidates }
    }

    pub(super) fn node(&self, hop: Hop, code: u64) -> Option<NodeNo> {
        let key = |place| (self.widths.get(place), self.values.get(place).cast_unsigned());
        let place = partition_point(self.values.len(), |place| key(place) < (i64::from(hop.size), hop.value));
        let start = place.checked_sub(1).map_or(0, |before| self.ends.size(before));
        let code = usize::try_from(code).unwrap_or(0);
        u32::try_from(self.candidates.get(start.saturating_add(code))).ok().and_then(NodeNo::new)
    }
}
