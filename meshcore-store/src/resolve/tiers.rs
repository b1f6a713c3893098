//! Picking one of several candidates, by the best kind of evidence there is.

use meshcore_proto::PublicKey;

use super::index::{HopIndex, Relay};
use crate::UnixMillis;
use crate::geo::Position;
use crate::graph::{EndId, NeighborGraph};

/// How many times as strong as the second the best must be, less what rounding can do to two floats.
const RATIO: f64 = 3.0 * (1.0 - 1e-9);

/// Sightings below which an edge decides nothing.
pub(crate) const MIN_COUNT: u32 = 3;

/// By which evidence a hop was resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Label {
    /// No relay has the prefix.
    NoMatch,
    /// One relay has it.
    UniquePrefix,
    /// A neighbor of a node known to be next to the hop.
    NeighborAffinity,
    /// The one nearest to nodes known to be next to the hop.
    GeoProximity,
    /// The one with a position and the most adverts.
    GpsPreference,
    /// The one with the most adverts.
    ObservationCountFallback,
}

impl Label {
    /// The word in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoMatch => "no_match",
            Self::UniquePrefix => "unique_prefix",
            Self::NeighborAffinity => "neighbor_affinity",
            Self::GeoProximity => "geo_proximity",
            Self::GpsPreference => "gps_preference",
            Self::ObservationCountFallback => "observation_count_fallback",
        }
    }

    /// Whether the node may be counted. Everything else is a guess: to be shown as one, and nothing more.
    pub const fn is_attributable(self) -> bool {
        matches!(self, Self::UniquePrefix | Self::NeighborAffinity)
    }
}

/// Who a hop probably was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resolution<'a> {
    /// The pick; `None` only without candidates.
    pub node: Option<PublicKey>,
    /// The evidence for it.
    pub label: Label,
    /// 1 for a unique prefix, the weight of the edge for an affinity, else 0.
    pub score: f64,
    /// Everybody who has the prefix.
    pub candidates: &'a [Relay],
}

impl HopIndex {
    /// Resolves one hop, given nodes that are next to it.
    ///
    /// `graph` is left out where today's neighbors must not explain an old path. O(candidates × context), no
    /// allocation.
    pub fn resolve(
        &self,
        prefix: &[u8],
        context: &[PublicKey],
        graph: Option<&NeighborGraph>,
        now: UnixMillis,
    ) -> Resolution<'_> {
        let candidates = self.candidates(prefix);
        let (node, label, score) = match candidates {
            [] => (None, Label::NoMatch, 0.0),
            [only] => (Some(only.key), Label::UniquePrefix, 1.0),
            _ => {
                let neighbor = graph.and_then(|graph| {
                    let known = context.iter().filter_map(|key| graph.id_of_key(key));
                    strongest_neighbor(candidates, known, graph, now)
                });
                if let Some((key, score)) = neighbor {
                    (Some(key), Label::NeighborAffinity, score)
                } else if let Some(key) = self.nearest(candidates, context) {
                    (Some(key), Label::GeoProximity, 0.0)
                } else if let Some(key) = most_adverts(candidates.iter().filter(|c| c.position.is_some())) {
                    (Some(key), Label::GpsPreference, 0.0)
                } else {
                    (most_adverts(candidates.iter()), Label::ObservationCountFallback, 0.0)
                }
            }
        };
        Resolution { node, label, score, candidates }
    }

    /// The candidate nearest to the middle of the located context nodes; the smallest key among equals.
    fn nearest(&self, candidates: &[Relay], context: &[PublicKey]) -> Option<PublicKey> {
        let middle = Position::mean(context.iter().filter_map(|key| self.relay(key)?.position))?;
        let located = candidates.iter().filter_map(|c| Some((c.key, c.position?.flat_distance(middle))));
        located.min_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(key, _)| key)
    }
}

/// The one candidate that is clearly a neighbor of the context, and the weight of their edge.
pub(crate) fn strongest_neighbor(
    candidates: &[Relay],
    context: impl Iterator<Item = EndId> + Clone,
    graph: &NeighborGraph,
    now: UnixMillis,
) -> Option<(PublicKey, f64)> {
    let (mut best, mut second) = (None, 0.0);
    for candidate in candidates {
        let Some(end) = graph.id_of_key(&candidate.key) else { continue };
        let edges = context.clone().filter_map(|known| graph.edge(end, known));
        let weighed = edges.map(|edge| (edge.total().weight(now), edge.total().count()));
        let Some((weight, count)) = weighed.max_by(|(a, _), (b, _)| a.total_cmp(b)) else { continue };
        match best {
            Some((_, best_weight, _)) if weight <= best_weight => second = f64::max(second, weight),
            _ => {
                second = best.map_or(second, |(_, best_weight, _)| best_weight);
                best = (weight > 0.0).then_some((candidate.key, weight, count)).or(best);
            }
        }
    }
    let (key, weight, count) = best?;
    (count >= MIN_COUNT && is_clear(weight, second)).then_some((key, weight))
}

/// Whether the best is better than nothing, and clearly better than the second.
pub(crate) fn is_clear(best: f64, second: f64) -> bool {
    best > 0.0 && best >= RATIO * second
}

/// The smallest key among equals: candidates come by key.
fn most_adverts<'a>(candidates: impl Iterator<Item = &'a Relay>) -> Option<PublicKey> {
    candidates
        .reduce(|best, other| if other.advert_count > best.advert_count { other } else { best })
        .map(|relay| relay.key)
}
