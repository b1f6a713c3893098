//! Whom an ambiguous prefix means, judged by everything known.
//!
//! Two steps. First each ambiguous edge alone: the one candidate there is, or the clear favourite among the known
//! neighbors of its known end. Then by company: nodes next to each other tend to have neighbors in common. What is
//! decided in the first step is evidence at once for the rest of it and for the second; what is decided in the
//! second is evidence for nothing.

use meshcore_proto::{NodeHash, PublicKey};

use super::edges::{EdgeKey, Far, NeighborGraph};
use super::ends::{End, EndId};
use crate::UnixMillis;
use crate::resolve::{HopIndex, MIN_COUNT, Relay, is_clear, strongest_neighbor};

/// How an ambiguous edge was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// There is one candidate.
    UniquePrefix,
    /// A known neighbor of the known end, clearly before all others.
    NeighborAffinity,
    /// The most neighbors in common.
    Jaccard,
}

/// What became of one ambiguous edge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// The known end.
    pub known: EndId,
    /// The prefix of the other.
    pub prefix: NodeHash,
    /// Who that is.
    pub chosen: EndId,
    /// By what.
    pub method: Method,
    /// 1 for a unique prefix, the weight of the known edge, or the share of neighbors in common.
    pub score: f64,
}

/// A graph in which ambiguous edges have been decided as far as possible.
#[derive(Clone, Debug)]
pub struct Disambiguated {
    /// The view; numbers of ends are those of the graph it was made of, and new ones.
    pub graph: NeighborGraph,
    /// What was decided, in this order.
    pub verdicts: Vec<Verdict>,
}

impl NeighborGraph {
    /// Decides ambiguous edges: those with the most sightings first, among equals by the texts of their ends.
    ///
    /// O(edges) and a search among common neighbors per ambiguous edge.
    pub fn disambiguated(&self, index: &HopIndex, now: UnixMillis) -> Disambiguated {
        let mut view = Disambiguated { graph: self.clone(), verdicts: Vec::new() };
        let mut open: Vec<EdgeKey> =
            self.edges().filter(|edge| edge.ambiguous_prefix().is_some()).map(|edge| edge.key()).collect();
        open.sort_by_cached_key(|key| {
            let count = self.get(*key).map_or(0, |edge| edge.total().count());
            (core::cmp::Reverse(count), self.texts(*key))
        });
        open.retain(|key| {
            let decided = view.graph.by_itself(*key, index, now);
            decided.is_none_or(|(node, method, score)| !view.decide(*key, node, method, score))
        });
        let by_company: Vec<_> =
            open.iter().filter_map(|key| Some((*key, view.graph.by_company(*key, index)?))).collect();
        for (key, (node, score)) in by_company {
            view.decide(key, node, Method::Jaccard, score);
        }
        view
    }

    /// Of the neighbors of `a` and of `b`, the share that both have; 0 when neither has any.
    pub fn jaccard(&self, a: EndId, b: EndId) -> f64 {
        let sorted = |end| {
            let mut neighbors: Vec<EndId> = self.neighbors(end).collect();
            neighbors.sort_unstable();
            neighbors
        };
        let (a, b) = (sorted(a), sorted(b));
        let common = a.iter().filter(|end| b.binary_search(end).is_ok()).count();
        let all = a.len() + b.len() - common;
        #[expect(clippy::cast_precision_loss, reason = "numbers of neighbors")]
        let share = common as f64 / all.max(1) as f64;
        share
    }

    fn by_itself(&self, key: EdgeKey, index: &HopIndex, now: UnixMillis) -> Option<(PublicKey, Method, f64)> {
        let edge = self.get(key)?;
        let mut candidates = self.candidates(edge, index);
        match (candidates.next(), candidates.next()) {
            (None, _) => None,
            (Some(only), None) => Some((only.key, Method::UniquePrefix, 1.0)),
            _ => {
                let all = index.candidates(edge.ambiguous_prefix()?.as_bytes());
                let favourite = strongest_neighbor(all, core::iter::once(key.near()), self, now);
                favourite.map(|(node, weight)| (node, Method::NeighborAffinity, weight))
            }
        }
    }

    fn by_company(&self, key: EdgeKey, index: &HopIndex) -> Option<(PublicKey, f64)> {
        let edge = self.get(key)?;
        if edge.total().count() < MIN_COUNT {
            return None;
        }
        let company =
            |relay: &Relay| self.id_of_key(&relay.key).map_or(0.0, |end| self.jaccard(key.near(), end));
        let mut scores: Vec<_> =
            self.candidates(edge, index).map(|relay| (relay.key, company(relay))).collect();
        scores.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        let [(best, score), (_, second), ..] = scores[..] else { return None };
        is_clear(score, second).then_some((best, score))
    }
}

impl Disambiguated {
    /// Moves the evidence of an ambiguous edge to the edge it belongs to; whether there was such an edge.
    fn decide(&mut self, key: EdgeKey, node: PublicKey, method: Method, score: f64) -> bool {
        let (known, Far::Prefix(prefix)) = (key.near(), key.far()) else { return false };
        let chosen = self.graph.ends_mut().intern(End::Key(node));
        let Some(edge) = self.graph.remove(key) else { return false };
        self.graph.absorb(EdgeKey::between(known, chosen), &edge);
        self.verdicts.push(Verdict { known, prefix, chosen, method, score });
        true
    }
}
