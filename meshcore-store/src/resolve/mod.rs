//! Which node is hop `a1`?
//!
//! A path is a list of prefixes of 1 to 3 bytes, and many nodes share one. [`HopIndex`] says who could be meant;
//! [`HopIndex::resolve`] picks one by evidence and says by which kind ([`Label`]); [`HopIndex::stored_path`] is the
//! careful walk whose result is kept with an observation and counted.
//!
//! | Kind of evidence | [`Label`] | Counted |
//! | --- | --- | --- |
//! | nobody else has the prefix | `unique_prefix` | yes |
//! | known neighbor of a known node | `neighbor_affinity` | yes |
//! | nearest, located, or most talkative | the others | never: a guess to be shown as one |
//!
//! Nothing here knows a database or a clock.

mod index;
mod stored_path;
mod tiers;

pub use index::{HopIndex, Relay, can_relay};
pub use stored_path::PathContext;
pub use tiers::{Label, Resolution};
pub(crate) use tiers::{MIN_COUNT, is_clear, strongest_neighbor};
