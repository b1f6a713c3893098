//! The packets in memory, in columns.

pub mod names;
pub mod row;

pub use names::{Names, NodeNo, Numbering, ObserverNo, TextNo};
pub use row::{HopPath, Kind, Observation, Packet};
