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
//! | When is it on disk? | `writer/` |
//! | How do observations become neighbors? | `neighbors/` |
//! | Who were the hops, when it was heard? | `resolved_paths.rs` |
//! | Who sends long hashes? | `capability.rs` |
//! | How are stored frames read again? | `reprocess.rs` |
//! | What goes when? | `retention.rs`, `schedule.rs` |
//! | How does the file get smaller? | `packing.rs`, `vacuum.rs`, `observer_rows.rs` |
//! | How is it saved, put back, examined? | `backup.rs`, `restore.rs`, `check.rs` |
//! | What may a reader ask the writer to do? | `requests.rs` |
//! | Who is not shown? | `hidden.rs` |
//! | What does the view read? | `load.rs`, `tail.rs`, `changes.rs`; `live_view/` keeps one in step |
//! | What does the API read? | `query.rs` and the `read` halves of the noun files |

mod backup;
mod capability;
mod changes;
mod check;
mod client_receptions;
mod disk;
mod error;
mod follow;
mod hidden;
mod history;
mod live_view;
mod load;
mod lock;
pub mod migrate;
mod neighbors;
mod nodes;
mod observer_rows;
mod observers;
mod open;
mod pace;
mod packets;
mod packing;
mod progress;
mod query;
mod raw_hex;
mod reader;
mod relays;
mod reprocess;
mod requests;
mod resolved_paths;
mod restore;
mod retention;
mod schedule;
mod schema;
mod stats;
mod tail;
mod vacuum;
mod walk;
mod writer;

pub use backup::{Copied, backup};
pub use capability::{Capabilities, Capability, MultibyteStatus};
pub use check::{CheckReport, TableRows, check};
pub use client_receptions::{ClientReception, Heard};
pub use error::StoreError;
pub use follow::{Follower, LiveObservation};
pub use history::{History, HistoryPage};
pub use live_view::{Clock, LiveView, LiveViewOptions};
pub use load::{Loader, PeopleRows, Watermarks};
pub use neighbors::{NeighborBuilder, NeighborKeeper, NeighborOptions, Neighbors, Pruned, Tick};
pub use nodes::{NodeAdvert, NodeCounts, NodeFilter, NodeOrder, NodePage, NodeRow, NodeSighting};
pub use observers::{ClockSkew, ObserverRow, ObserverStatus, Presence, Radio};
pub use packets::{DroppedAdvert, PacketWrite, Stored};
pub use packing::{pack, unpack};
pub use progress::{OnProgress, Progress};
pub use query::{ObservationRow, PacketFilter, PacketId, PacketPage, PacketRow};
pub use reader::{Lease, ReadPool, Reader};
pub use reprocess::{Reading, Reprocessed, reprocess};
pub use requests::{InvalidRequestId, RequestId, RequestState, Requests, delete_nodes};
pub use restore::{Restored, restore};
pub use retention::{Retention, RetentionDays, silence_observers};
pub use schedule::{Schedule, Task};
pub use schema::INDEXES_LEFT_OUT;
pub use stats::Totals;
pub use tail::{Batch, Tail};
pub use vacuum::{Checkpoint, Vacuumed, fold_log, knows_free_pages, return_free_pages, vacuum_fully};
pub use walk::PacketWalk;
pub use writer::{
    Commit, Component, Job, LockReport, Outcome, Percentiles, Ticket, Write, Writer, WriterFigures,
    WriterGone, WriterHandle, WriterOptions,
};
