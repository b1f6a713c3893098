//! The SQLite file: one writer, many readers.
//!
//! Exactly one process writes, through exactly one connection ([`Writer`]); a lock file beside the database keeps a
//! second writer out. Readers open the file read-only and never wait for the writer (WAL). What was committed survives
//! a kill at any moment: `synchronous=FULL`, one transaction per group of messages.
//!
//! | Question | Look in |
//! | --- | --- |
//! | Which tables are there? | `schema.sql` |
//! | May this file be opened? | `schema.rs` |
//! | When are two messages one row? | `packets.rs` |
//! | Which value wins when a node or observer is heard again? | `nodes.rs`, `observers.rs` |
//! | When is it on disk? | `writer.rs` |
//! | How do observations become neighbors? | `neighbors/` |
//! | Who sends long hashes? | `capability.rs` |
//! | What does the API read? | `query.rs` and the `read` halves of the noun files |

mod capability;
mod client_receptions;
mod error;
mod follow;
mod lock;
mod neighbors;
mod nodes;
mod observers;
mod open;
mod packets;
mod packing;
mod progress;
mod query;
mod raw_hex;
mod reader;
mod relays;
mod resolved_paths;
mod schema;
mod stats;
mod writer;

pub use capability::{Capabilities, Capability, MultibyteStatus};
pub use client_receptions::{ClientReception, Heard};
pub use error::StoreError;
pub use follow::{Follower, LiveObservation};
pub use neighbors::{NeighborBuilder, NeighborOptions, Neighbors, Pruned, Tick};
pub use nodes::{NodeAdvert, NodeCounts, NodeFilter, NodeOrder, NodePage, NodeRow};
pub use observers::{ClockSkew, ObserverRow, ObserverStatus, Presence, Radio};
pub use open::erase;
pub use packets::{DroppedAdvert, PacketWrite, Stored};
pub use packing::{pack, unpack};
pub use progress::{OnProgress, Progress};
pub use query::{ObservationRow, PacketFilter, PacketId, PacketPage, PacketRow};
pub use reader::{Lease, ReadPool, Reader};
pub use resolved_paths::prune_resolved_paths;
pub use stats::Totals;
pub use writer::{
    Commit, Component, Job, LockReport, Outcome, Percentiles, Ticket, Write, Writer, WriterFigures,
    WriterGone, WriterHandle, WriterOptions,
};
