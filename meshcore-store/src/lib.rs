//! What CoreScope keeps, and the questions asked of it.
//!
//! ```text
//!  meshcore-ingest ──▶ db::Writer ──▶ SQLite file ──▶ db::Reader   ──▶ meshcore-web
//!                        (one)                   └──▶ db::Follower ──▶ live feed
//! ```
//!
//! # Tour
//!
//! * [`UnixMillis`]: the one type for a point in time; text only at the edges.
//! * [`Decoded`]: a frame as JSON readers see it, made by one decoder for the stored column, the API and the live feed.
//! * [`ObserverId`], [`Signal`], [`Direction`]: what an observer says about a reception.
//! * [`Visibility`]: who is not shown.
//! * [`filter`]: the language in which people say which packets they want to see.
//! * [`resolve`]: which node a hop was; [`graph`]: who is known to hear whom.
//! * [`db`] (feature `sqlite`): schema, the one [`db::Writer`], the read side, and [`db::Follower`], which says what is new.
//! * `sim` (feature `sim`): a mesh made up, whose observers report like real ones.
//!
//! Nothing here asks the operating system for the time: every write carries the moment its message arrived.
//!
//! # Sources
//!
//! Table and column names, and which value wins on a conflict, are those of the existing CoreScope databases, so that
//! a file can be opened by either program.

pub mod decoded;
mod files;
pub mod filter;
pub mod geo;
pub mod graph;
mod observer;
mod reception;
pub mod resolve;
mod time;
pub mod view;
mod visibility;

#[cfg(feature = "sqlite")]
pub mod db;
#[cfg(feature = "sim")]
pub mod sim;

pub use decoded::Decoded;
pub use observer::{InvalidObserverId, ObserverId};
pub use reception::{Direction, Reception, Signal, hops_of, path_json};
pub use time::{ParseTimeError, UnixMillis};
pub use visibility::Visibility;
