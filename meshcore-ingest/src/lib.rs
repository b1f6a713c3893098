//! MQTT in, rows out.
//!
//! ```text
//!  broker ─▶ source     ┐
//!  broker ─▶ source     ┼─▶ Inlet (bounded, counted) ─▶ Intake ─▶ meshcore_store::db::Writer ─▶ commits
//!  file, demo ─▶ replay ┘                                topic · message · decode · policy
//! ```
//!
//! | Question | Look in |
//! | --- | --- |
//! | What does a topic mean? | `topic.rs` |
//! | Which spelling of a field is read? | `message/` |
//! | Is this message kept, and as what? | `intake.rs`, then `intake/` |
//! | What may a log line say of it? | `log_text.rs`, `log_limit.rs` |
//! | Why was it dropped? | `accounting.rs` |
//! | When is the broker tried again? | `source.rs` |
//! | Who keeps the database in order? | `caretaker.rs`, and the schedule of [`meshcore_store::db`] |
//! | What does the command line do to a database? | `command/` |

pub mod accounting;
mod caretaker;
pub mod cli;
mod clock;
pub mod command;
pub mod config;
mod demo;
pub mod intake;
mod json;
pub mod keys;
pub mod log_limit;
pub mod log_text;
mod message;
pub mod pipeline;
pub mod replay;
mod run;
pub mod source;
mod topic;

pub use run::{Feed, Ingest, system_clock};
