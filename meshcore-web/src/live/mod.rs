//! The live feed: every new observation to every open page.
//!
//! ```text
//!  commit ─▶ feed thread: Follower reads the new rows ─▶ frame, serialised once ─▶ Hub ─▶ a session per page
//! ```

pub mod feed;
pub mod frame;
pub mod hub;
pub mod session;
