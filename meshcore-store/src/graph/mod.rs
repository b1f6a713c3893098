//! Who hears whom: the neighbor graph, learned from what observers report.
//!
//! An edge says that two nodes are in radio range of each other. Its evidence is counted per hour and per hash size,
//! with the observers it comes from, so that it can be weighed by age and by how many vouch for it.
//!
//! ```text
//!  Heard ──▶ Delta (what a batch adds) ──▶ NeighborGraph::apply ──▶ clone, publish
//!                     └──▶ rows of neighbor_edge_hours
//! ```
//!
//! * [`End`] is what an edge ends in: a node, or an observer whose id is no key. [`Ends`] gives each a small number.
//! * [`Delta::observe`] turns one reception into evidence: which ends of a path say what.
//! * [`Tally`] is evidence added up, and what is read from it: score, confidence, weight.
//! * [`NeighborGraph`] is all edges. A clone shares them; only what changes afterwards is copied.
//! * [`NeighborGraph::disambiguated`] decides, as far as it can, whom an ambiguous prefix means. It is a view: the
//!   evidence stays as it was heard.
//!
//! Nothing here knows a database or a clock.

mod disambiguate;
mod edges;
mod ends;
mod evidence;
mod tally;

pub use disambiguate::{Disambiguated, Method, Verdict};
pub use edges::{Edge, EdgeKey, Far, NeighborGraph};
#[cfg(feature = "sqlite")]
pub(crate) use ends::PREFIX_MARK;
pub use ends::{End, EndId, Ends};
pub use evidence::{DEFAULT_MAX_EDGE_KM, Delta, Heard, max_edge_km};
pub use tally::{EdgeConfidence, Sighting, Tally};
