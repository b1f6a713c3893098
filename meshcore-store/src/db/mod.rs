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
//! | What becomes of an older file? | `migrate/` |
//! | When are two messages one row? | `packets.rs` |
//! | Which value wins when a node or observer is heard again? | `nodes.rs`, `observers.rs` |
//! | When is it on disk? | `writer.rs` |
//! | What does the API read? | `query.rs` and the `read` halves of the noun files |

mod error;
mod follow;
mod lock;
pub mod migrate;
mod nodes;
mod observers;
mod open;
mod packets;
mod progress;
mod query;
mod reader;
mod schema;
mod stats;
mod writer;

pub use error::StoreError;
pub use follow::{Follower, LiveObservation};
pub use nodes::{NodeAdvert, NodeCounts, NodeFilter, NodeOrder, NodePage, NodeRow};
pub use observers::{ClockSkew, ObserverRow, ObserverStatus, Presence, Radio};
pub use open::erase;
pub use packets::{DroppedAdvert, PacketWrite, Stored};
pub use progress::{OnProgress, Progress};
pub use query::{ObservationRow, PacketFilter, PacketId, PacketPage, PacketRow};
pub use reader::{Lease, ReadPool, Reader};
pub use schema::INDEXES_LEFT_OUT;
pub use stats::Totals;
pub use writer::{
    Commit, Component, Job, LockReport, Outcome, Percentiles, Ticket, Write, Writer, WriterFigures,
    WriterGone, WriterHandle, WriterOptions,
};
