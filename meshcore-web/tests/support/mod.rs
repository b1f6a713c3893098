//! What the tests of the whole program share.
//!
//! | Question | Look in |
//! | --- | --- |
//! | How is a broker started, and how is something published? | `broker.rs` |
//! | How is the program a broker itself, and what does an observer do there? | `embedded.rs`, `observer.py` |
//! | What if the network or the broker misbehaves? | `proxy.rs`, `hostile.rs` |
//! | How is a program started, watched and ended? | `process.rs` |
//! | What should be stored? | `expected.rs`, which knows nothing of the program's own decoder |
//! | Which messages are there to publish? | `messages.rs` |
//! | How are the API and the live feed asked? | `http.rs`, `socket.rs` |
//!
//! Nothing sleeps for its own sake: [`eventually`] asks again until the answer is there, or fails.

#![allow(dead_code, reason = "each test file uses its own part")]

pub(crate) mod broker;
pub(crate) mod embedded;
pub(crate) mod expected;
pub(crate) mod hostile;
pub(crate) mod http;
pub(crate) mod messages;
pub(crate) mod process;
pub(crate) mod proxy;
pub(crate) mod server;
pub(crate) mod socket;

use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take before the test gives up.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

const POLL: Duration = Duration::from_millis(25);

/// Asks `look` until it has an answer. Fails when there is none within the [`DEADLINE`].
#[track_caller]
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "not within {DEADLINE:?}: {what}");
        thread::sleep(POLL);
    }
}
