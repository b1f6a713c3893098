//! What a library that speaks MQTT has to ask about a client, and to tell of it.
//!
//! The seam between the library and our rules: [`Guest`] knows nothing of the library, and `library.rs` nothing of the
//! rules. Another library means another `library.rs`.

use std::future::Future;
use std::pin::Pin;

use super::auth::Login;

/// One client on one connection.
pub(crate) trait Guest: Send + Sync {
    /// Whether it may come in. Asked once; nothing else is before it was let in.
    fn log_in(&self, login: Login<'_>) -> bool;

    /// It is in, and this is to be said when it is lost.
    fn connected(&self, will: Option<Will>);

    /// Whether it may publish to this topic.
    fn may_publish(&self, topic: &str) -> bool;

    /// Whether it may subscribe to this filter.
    fn may_subscribe(&self, filter: &str) -> bool;

    /// It published what it may; the library reads no further, and confirms nothing, before this is done.
    fn published<'a>(
        &'a self,
        topic: &'a str,
        payload: &'a [u8],
    ) -> Pin<Box<dyn Future<Output = Fate> + Send + 'a>>;

    /// It has left; `lost` when it did not say goodbye.
    fn left(&self, lost: bool);
}

/// What is said when a client is lost.
#[derive(Clone, Debug)]
pub(crate) struct Will {
    pub(crate) topic: String,
    pub(crate) payload: Vec<u8>,
}

/// Whether a message goes on to those who subscribe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    HandOn,
    Drop,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// By the client, the network, or us.
    Closed,
    /// Nothing was said in time.
    Silent,
    /// A packet was too large.
    Oversize,
    /// What was said was not MQTT.
    Protocol,
}
