//! The packets in memory, in columns.

pub mod archive;
mod block;
mod column;
mod digest;
pub mod names;
mod partial;
pub mod row;
mod row_set;
#[cfg(test)]
mod testing;

pub use archive::Archive;
pub use block::Best;
pub use names::{Names, NodeNo, Numbering, ObserverNo, TextNo};
pub use partial::{Activity, Counts, Hour, PayloadType, Totals, Traffic};
pub use row::{HopPath, Kind, Observation, Packet};
