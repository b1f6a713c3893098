//! The packets in memory, in columns.

pub mod archive;
mod arrivals;
mod block;
pub mod budget;
mod column;
mod digest;
mod figures;
mod hashes;
pub mod names;
mod partial;
mod people;
mod persist;
mod plan;
mod query;
mod ring;
pub mod row;
mod row_set;
mod snapshot;
mod store;
mod subject;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use archive::Archive;
pub use block::Best;
pub use figures::{Channel, Stats};
pub use names::{Names, NodeNo, Numbering, ObserverNo, TextNo};
pub use partial::{Activity, Counts, Hour, PayloadType, Totals, Traffic};
pub use people::{NodeInfo, ObserverInfo, People};
pub use persist::{ENCODING, Restored, Restoring};
pub use query::{Known, Order, Page, Selection};
pub use ring::{Change, Forgotten, Ring};
pub use row::{HopPath, Kind, Observation, Packet};
pub use snapshot::{Coverage, Loading, PacketRef, Snapshot};
pub use store::{Keeper, SealedHour, View};
pub use subject::Backing;
