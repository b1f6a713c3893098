//! MQTT in, rows out.
//!
//! ```text
//!  broker ─▶ source     ┐
//!  observers ─▶ broker  ┼─▶ Inlet (bounded, counted) ─▶ Intake ─▶ meshcore_store::db::Writer ─▶ commits
//!  file, demo ─▶ replay ┘                                topic · message · decode · policy
//! ```
//!
//! | Question | Look in |
//! | --- | --- |
//! | What does a topic mean? | `topic.rs` |
//! | Which spelling of a field is read? | `message/` |
//! | Is this message kept, and as what? | `intake.rs`, then `intake/` |
//! | What may a log line say of it? | `log_text.rs`, `log_limit.rs` |
//! | What does our own broker allow? | `broker/` |
//! | What goes when too much waits? | `queue.rs` |
//! | Why was it dropped? | `accounting/reasons.rs` |
//! | Is all well, and who is told? | `figures.rs` |
//! | Who is connected, when is a broker tried again? | `sources/` |
//! | What does SIGHUP change? | `reload.rs` |
//! | Who keeps the database in order? | `caretaker.rs`, and the schedule of [`meshcore_store::db`] |
//! | What does the command line do to a database? | `command/` |

pub mod accounting;
pub mod broker;
mod caretaker;
pub mod cli;
mod clock;
pub mod command;
pub mod config;
mod demo;
pub mod figures;
pub mod intake;
mod json;
pub mod keys;
pub mod log_limit;
pub mod log_text;
mod message;
pub mod pipeline;
mod queue;
pub mod reload;
pub mod replay;
mod run;
pub mod sources;
mod topic;

pub use run::{Feed, Ingest, system_clock};
