//! The broker of `corescope`, with real clients on real sockets and a real database behind it.
//!
//! | Question | Look in |
//! | --- | --- |
//! | Who gets in? | `login.rs` |
//! | How much may a client do? | `limits.rs` |
//! | What happens when clients are silent, are lost, come back, or we stop? | `ends.rs` |
//!
//! Nothing sleeps for its own sake: [`eventually`] asks again until the answer is there, or fails.

mod ends;
mod house;
mod limits;
mod login;
mod raw;

use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take before the test gives up.
const DEADLINE: Duration = Duration::from_secs(30);

/// Asks `look` until it has an answer. Fails when there is none within the [`DEADLINE`].
#[track_caller]
fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "not within {DEADLINE:?}: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}
