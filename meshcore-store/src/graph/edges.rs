//! All edges, and who is next to whom.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use meshcore_proto::{NodeHash, PublicKey};

use super::ends::{End, EndId, Ends};
use super::evidence::Delta;
use super::tally::Tally;
use crate::resolve::{HopIndex, Relay};

/// The far end of an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Far {
    /// Known.
    End(EndId),
    /// One of several, or of none, whose keys start like that.
    Prefix(NodeHash),
}

/// Which edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EdgeKey {
    near: EndId,
    far: Far,
}

impl EdgeKey {
    /// The edge between two known ends; it has no direction.
    pub fn between(a: EndId, b: EndId) -> Self {
        Self { near: a.min(b), far: Far::End(a.max(b)) }
    }

    /// The edge from a known end to whoever `prefix` means.
    pub const fn ambiguous(near: EndId, prefix: NodeHash) -> Self {
        Self { near, far: Far::Prefix(prefix) }
    }

    /// The end that is known for sure; of two the one numbered first.
    pub const fn near(self) -> EndId {
        self.near
    }

    /// The other end.
    pub const fn far(self) -> Far {
        self.far
    }
}

/// An edge and its evidence.
#[derive(Clone, Debug)]
pub struct Edge {
    key: EdgeKey,
    total: Tally,
    /// By hour, each once. The oldest may stand for more than its hour.
    hours: Vec<Tally>,
}

impl Edge {
    fn new(key: EdgeKey, first: Tally) -> Self {
        Self { key, total: first.clone(), hours: vec![first] }
    }

    /// Which edge it is.
    pub const fn key(&self) -> EdgeKey {
        self.key
    }

    /// The prefix, when it is not known whom it means.
    pub const fn ambiguous_prefix(&self) -> Option<NodeHash> {
        match self.key.far {
            Far::End(_) => None,
            Far::Prefix(prefix) => Some(prefix),
        }
    }

    /// All evidence.
    pub const fn total(&self) -> &Tally {
        &self.total
    }

    /// The evidence by hour, oldest first. The oldest entry may stand for more than its hour.
    pub fn hours(&self) -> &[Tally] {
        &self.hours
    }

    /// The evidence of one hour since 1970.
    pub fn hour(&self, hour: u32) -> Option<&Tally> {
        self.hours.binary_search_by_key(&hour, Tally::hour).ok().and_then(|at| self.hours.get(at))
    }

    fn add(&mut self, tally: &Tally) {
        self.total.merge(tally);
        match self.hours.binary_search_by_key(&tally.hour(), Tally::hour) {
            Ok(at) => self.hours[at].merge(tally),
            Err(at) => self.hours.insert(at, tally.clone()),
        }
    }

    /// The hours before `hour`, added up; `None` when there are fewer than two.
    pub fn folded_before(&self, hour: u32) -> Option<Tally> {
        let (first, rest) = self.hours.split_first()?;
        let old = rest.iter().take_while(|tally| tally.hour() < hour);
        let folded = old.fold((first.clone(), 1), |(mut sum, n), tally| {
            sum.merge(tally);
            (sum, n + 1)
        });
        (folded.1 > 1).then_some(folded.0)
    }
}

/// The neighbor graph.
///
/// Cloning costs a few words per edge: the evidence is shared, and copied per edge when it changes.
#[derive(Clone, Debug, Default)]
pub struct NeighborGraph {
    ends: Arc<Ends>,
    edges: HashMap<EdgeKey, Arc<Edge>, RandomState>,
    /// By number of an end: the far sides of its edges.
    adjacent: Vec<Vec<Far>>,
    rejected_geo_far: u64,
}

impl NeighborGraph {
    /// A graph without edges.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whose number is which.
    pub fn ends(&self) -> &Ends {
        &self.ends
    }

    /// To number ends before they have edges.
    pub fn ends_mut(&mut self) -> &mut Ends {
        Arc::make_mut(&mut self.ends)
    }

    /// The number of a node, if it has any edge.
    pub fn id_of_key(&self, key: &PublicKey) -> Option<EndId> {
        self.ends.id(&End::Key(*key))
    }

    /// The edge between two known ends. O(1).
    pub fn edge(&self, a: EndId, b: EndId) -> Option<&Edge> {
        self.get(EdgeKey::between(a, b))
    }

    /// The edge between two ends, ambiguous or not. O(1).
    pub fn get(&self, key: EdgeKey) -> Option<&Edge> {
        self.edges.get(&key).map(|edge| &**edge)
    }

    /// The edges of `end`, ambiguous ones included, in no order. O(their number).
    pub fn edges_of(&self, end: EndId) -> impl Iterator<Item = &Edge> {
        let far = self.adjacent.get(end.index()).map(Vec::as_slice).unwrap_or_default();
        far.iter().filter_map(move |far| match far {
            Far::End(other) => self.edge(end, *other),
            Far::Prefix(prefix) => self.get(EdgeKey::ambiguous(end, *prefix)),
        })
    }

    /// Who is known to be next to `end`, in no order. O(their number).
    pub fn neighbors(&self, end: EndId) -> impl Iterator<Item = EndId> {
        let far = self.adjacent.get(end.index()).map(Vec::as_slice).unwrap_or_default();
        far.iter().filter_map(|far| match far {
            Far::End(other) => Some(*other),
            Far::Prefix(_) => None,
        })
    }

    /// All edges, in no order.
    pub fn edges(&self) -> impl Iterator<Item = &Edge> {
        self.edges.values().map(|edge| &**edge)
    }

    /// All edges by the texts of their ends.
    pub fn sorted_edges(&self) -> Vec<&Edge> {
        let mut edges: Vec<&Edge> = self.edges().collect();
        edges.sort_by_cached_key(|edge| self.texts(edge.key));
        edges
    }

    /// How many edges there are.
    pub fn len(&self) -> usize {
        self.edges.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.edges.is_empty()
    }

    /// Evidence thrown away because the ends are too far apart, since the graph was loaded.
    pub const fn rejected_geo_far(&self) -> u64 {
        self.rejected_geo_far
    }

    /// The two ends as stored and shown: in order of the texts, or the known end and `prefix:a1`.
    pub fn texts(&self, key: EdgeKey) -> (String, String) {
        let near = self.ends.get(key.near);
        match key.far {
            Far::Prefix(prefix) => {
                let prefix = meshcore_proto::hex::LowerHex(prefix.as_bytes());
                (near.to_text(), format!("{}{prefix}", super::ends::PREFIX_MARK))
            }
            Far::End(far) => {
                let far = self.ends.get(far);
                let (a, b) = if near <= far { (near, far) } else { (far, near) };
                (a.to_text(), b.to_text())
            }
        }
    }

    /// Who an ambiguous edge could lead to now: everybody with its prefix but its known end. Nobody for others.
    pub fn candidates<'a>(&self, edge: &Edge, index: &'a HopIndex) -> impl Iterator<Item = &'a Relay> {
        let near = self.ends.get(edge.key.near).key().copied();
        let prefix = edge.ambiguous_prefix();
        let all = prefix.map(|prefix| index.candidates(prefix.as_bytes())).unwrap_or_default();
        all.iter().filter(move |relay| Some(relay.key) != near)
    }

    /// Adds evidence.
    pub fn apply(&mut self, delta: &Delta) {
        for (key, _hour, tally) in delta.hours() {
            self.add(key, tally);
        }
        self.rejected_geo_far += delta.rejected_geo_far();
    }

    /// Adds evidence of one hour for one edge. Its ends were numbered here.
    pub(crate) fn add(&mut self, key: EdgeKey, tally: &Tally) {
        if let Some(edge) = self.edges.get_mut(&key) {
            Arc::make_mut(edge).add(tally);
            return;
        }
        self.link(key);
        self.edges.insert(key, Arc::new(Edge::new(key, tally.clone())));
    }

    /// Adds all evidence of `edge` to the edge `key`.
    pub(super) fn absorb(&mut self, key: EdgeKey, edge: &Edge) {
        edge.hours.iter().for_each(|tally| self.add(key, tally));
    }

    /// Takes an edge out.
    pub(crate) fn remove(&mut self, key: EdgeKey) -> Option<Arc<Edge>> {
        let edge = self.edges.remove(&key)?;
        self.unlink(key.near, key.far);
        if let Far::End(far) = key.far {
            self.unlink(far, Far::End(key.near));
        }
        Some(edge)
    }

    /// Replaces the hours of an edge before `hour` by their sum.
    pub fn fold_before(&mut self, key: EdgeKey, hour: u32) {
        let Some(edge) = self.edges.get_mut(&key) else { return };
        let Some(sum) = edge.folded_before(hour) else { return };
        let edge = Arc::make_mut(edge);
        edge.hours.retain(|tally| tally.hour() >= hour);
        edge.hours.insert(0, sum);
    }

    /// Takes out all edges not seen since `cutoff` (seconds since 1970).
    pub fn evict(&mut self, cutoff: u32) {
        for key in self.expired(cutoff) {
            self.remove(key);
        }
        self.forget_unused_ends();
    }

    /// The edges not seen since `cutoff`, in no order.
    pub fn expired(&self, cutoff: u32) -> Vec<EdgeKey> {
        self.edges().filter(|edge| edge.total.last_seen() < cutoff).map(Edge::key).collect()
    }

    /// Numbers the ends anew when most numbers are of ends without edges. Numbers given before are void then.
    pub(crate) fn forget_unused_ends(&mut self) {
        const FEW: usize = 1024;
        let used = self.adjacent.iter().filter(|far| !far.is_empty()).count();
        if self.ends.len() <= 2 * used + FEW {
            return;
        }
        let mut fresh = Self { rejected_geo_far: self.rejected_geo_far, ..Self::default() };
        let mut numbers = HashMap::<EndId, EndId, RandomState>::default();
        for edge in self.edges.values() {
            let mut number = |id: EndId| {
                *numbers.entry(id).or_insert_with(|| fresh.ends_mut().intern(self.ends.get(id).clone()))
            };
            let near = number(edge.key.near);
            let key = match edge.key.far {
                Far::End(far) => EdgeKey::between(near, number(far)),
                Far::Prefix(prefix) => EdgeKey::ambiguous(near, prefix),
            };
            for observer in edge.total.observers() {
                number(*observer);
            }
            for tally in &edge.hours {
                // all observers of an hour are among those of the total
                let tally = tally.renumbered(|id| numbers.get(&id).copied().unwrap_or(id));
                fresh.add(key, &tally);
            }
        }
        *self = fresh;
    }

    fn link(&mut self, key: EdgeKey) {
        self.adjacent_of(key.near).push(key.far);
        if let Far::End(far) = key.far {
            self.adjacent_of(far).push(Far::End(key.near));
        }
    }

    fn unlink(&mut self, end: EndId, far: Far) {
        let adjacent = self.adjacent_of(end);
        if let Some(at) = adjacent.iter().position(|other| *other == far) {
            adjacent.swap_remove(at);
        }
    }

    fn adjacent_of(&mut self, end: EndId) -> &mut Vec<Far> {
        if self.adjacent.len() <= end.index() {
            self.adjacent.resize_with(end.index() + 1, Vec::new);
        }
        &mut self.adjacent[end.index()]
    }
}

#[cfg(test)]
mod tests {
    use super::super::tally::Sighting;
    use super::*;

    fn end(graph: &mut NeighborGraph, text: &str) -> EndId {
        graph.ends_mut().intern(End::from_text(text).expect("a usable text"))
    }

    #[test]
    fn ends_without_edges_are_forgotten_some_day_and_the_others_keep_their_evidence() {
        let mut graph = NeighborGraph::new();
        let (mut old, mut new) = (Delta::default(), Delta::default());
        for number in 0..2_000 {
            let (a, b) = (end(&mut graph, &format!("a{number}")), end(&mut graph, "b"));
            old.add(EdgeKey::between(a, b), &Sighting { at: 1, prefix: None, snr: None, observer: Some(b) });
        }
        let (x, y, z) = (end(&mut graph, "x"), end(&mut graph, "y"), end(&mut graph, "z"));
        for (at, observer) in [(7_200, z), (100_000, y)] {
            let sighting = Sighting { at, prefix: None, snr: Some(1.5), observer: Some(observer) };
            new.add(EdgeKey::between(x, y), &sighting);
        }
        let prefix = NodeHash::new(&[7]);
        let ambiguous = EdgeKey::ambiguous(z, prefix.expect("one byte"));
        new.add(ambiguous, &Sighting { at: 7_200, prefix, snr: None, observer: None });
        graph.apply(&old);
        graph.apply(&new);
        let snapshot = graph.clone();

        graph.evict(3_600);
        assert_eq!((graph.len(), graph.ends().len()), (2, 3));
        assert_eq!((snapshot.len(), snapshot.ends().len()), (2_002, 2_004), "a snapshot does not move");
        let (x, y, z) = (end(&mut graph, "x"), end(&mut graph, "y"), end(&mut graph, "z"));
        let edge = graph.edge(x, y).expect("the edge that was heard again");
        assert_eq!((edge.total().count(), edge.hours().len()), (2, 2));
        let mut observers = [y, z];
        observers.sort_unstable();
        assert_eq!(edge.total().observers(), observers);
        assert_eq!(edge.hours().first().map(Tally::observers), Some(&[z][..]));
        assert_eq!(graph.edges_of(z).count(), 1);
        assert_eq!(graph.neighbors(y).collect::<Vec<_>>(), [x]);
    }
}
