//! The CoreScope server: HTTP API, live feed and the embedded web page.
//!
//! It reads the database and never writes it. Handlers hold no rules: they read their arguments, ask
//! `meshcore-store`, and return a type, which is the documentation.
//!
//! | Question | Look in |
//! | --- | --- |
//! | Which routes are there? | `api/mod.rs` |
//! | What does an answer look like? | the types in `api/<noun>.rs` |
//! | What does the live feed send? | `live/frame.rs` |
//! | How does an MQTT client get through to the broker? | `mqtt.rs` |
//! | Where does the page come from? | `assets.rs` |

pub mod api;
mod app;
mod assets;
pub mod cli;
pub mod config;
mod error;
pub mod live;
mod mqtt;
mod serve;

pub use app::{App, Build, IngestFigures};
pub use config::Config;
pub use error::ApiError;
pub use live::feed::{Feed, News, Notices};
pub use serve::{Server, routes};
