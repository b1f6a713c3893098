//! What the broker counts: who came, who was turned away and why.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::warn;

use super::Visitor;
use crate::accounting::reasons;

/// A reason is named in the log at most this often.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// Longest text of a client in the log.
const LONGEST_NAME: usize = 64;

reasons! {
    /// Why somebody or something was turned away.
    Refusal {
        /// Connection: as many as there may be at all.
        TooManyConnections => "connections",
        /// Connection: as many as one address may have.
        AddressConnections => "address_connections",
        /// Connection: the encryption failed or took too long.
        TlsFailed => "tls_failed",
        /// Login: nameless, and that is not allowed.
        NoCredentials => "no_credentials",
        /// Login: unknown user, or the password of another.
        BadCredentials => "bad_credentials",
        /// Login: the password is no token.
        TokenMalformed => "token_malformed",
        /// Login: a token about another key.
        TokenKey => "token_key",
        /// Login: a token that was not signed by its key.
        TokenSignature => "token_signature",
        /// Login: a token whose time is over.
        TokenExpired => "token_expired",
        /// Login: a token for another broker.
        TokenAudience => "token_audience",
        /// Login: too many that were wrong, from this address.
        TooManyAttempts => "too_many_attempts",
        /// Login: somebody else holds this client id.
        ClientIdTaken => "client_id_taken",
        /// Login: as many as one user or observer may have.
        KeyConnections => "key_connections",
        /// Publish: not its topic.
        PublishTopic => "publish_topic",
        /// Publish: far above its rate.
        PublishRate => "publish_rate",
        /// Publish: to be kept for later, and too large for it or too many.
        PublishRetained => "publish_retained",
        /// Subscribe: not its topic.
        SubscribeTopic => "subscribe_topic",
        /// End: nothing was said in time, before or after the login.
        Silent => "silent",
        /// End: a packet above the limit.
        Oversize => "oversize",
        /// End: not MQTT, or against its rules.
        Protocol => "protocol",
    }
}

/// Counts of one broker. Shared.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    accepted: AtomicU64,
    published: AtomicU64,
    held_back: AtomicU64,
    takeovers: AtomicU64,
    wills: AtomicU64,
    refused: [AtomicU64; Refusal::ALL.len()],
    logged: Mutex<[Option<Instant>; Refusal::ALL.len()]>,
}

/// The counts at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BrokerReport {
    /// Connections now, also those that have not said who they are.
    pub connections: u64,
    /// Logins that were good.
    pub accepted: u64,
    /// Messages handed on.
    pub published: u64,
    /// Messages among them that had to wait, for their rate or for the queue.
    pub held_back: u64,
    /// Clients that came back while their old connection was still there.
    pub takeovers: u64,
    /// Last wills handed on.
    pub wills: u64,
    /// What was turned away, by reason ([`Refusal::name`]); reasons that never occurred are left out.
    pub refused: Vec<(&'static str, u64)>,
}

impl Figures {
    pub(crate) fn accepted(&self) {
        add(&self.accepted);
    }

    pub(crate) fn published(&self) {
        add(&self.published);
    }

    pub(crate) fn held_back(&self) {
        add(&self.held_back);
    }

    pub(crate) fn takeover(&self) {
        add(&self.takeovers);
    }

    pub(crate) fn will(&self) {
        add(&self.wills);
    }

    /// Counts, and says so in the log now and then. `what` comes from outside: a client id, a topic.
    pub(crate) fn refuse(&self, reason: Refusal, visitor: &Visitor, what: &str) {
        if let Some(count) = self.refused.get(reason as usize) {
            add(count);
        }
        if self.may_log(reason, Instant::now()) {
            warn!(
                client.address = %visitor.address,
                what = printable(what),
                reason = reason.name(),
                "the broker turned something away"
            );
        }
    }

    pub(crate) fn report(&self, connections: usize) -> BrokerReport {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let refused =
            Refusal::ALL.iter().zip(&self.refused).map(|(reason, count)| (reason.name(), read(count)));
        BrokerReport {
            connections: u64::try_from(connections).unwrap_or(u64::MAX),
            accepted: read(&self.accepted),
            published: read(&self.published),
            held_back: read(&self.held_back),
            takeovers: read(&self.takeovers),
            wills: read(&self.wills),
            refused: refused.filter(|(_, count)| *count > 0).collect(),
        }
    }

    fn may_log(&self, reason: Refusal, now: Instant) -> bool {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        match logged.get_mut(reason as usize) {
            Some(last) if last.is_none_or(|last| now.saturating_duration_since(last) >= LOG_EVERY) => {
                *last = Some(now);
                true
            }
            _ => false,
        }
    }
}

/// A client's text as it may be logged: cut, and without anything a terminal obeys.
fn printable(text: &str) -> String {
    let cut: String = text.chars().take(LONGEST_NAME).collect();
    cut.escape_debug().to_string()
}

fn add(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_logged_once_in_ten_seconds_and_always_counted() {
        let figures = Figures::default();
        let start = Instant::now();
        assert!(figures.may_log(Refusal::Silent, start));
        assert!(!figures.may_log(Refusal::Silent, start + Duration::from_secs(9)));
        assert!(figures.may_log(Refusal::Oversize, start));
        assert!(figures.may_log(Refusal::Silent, start + LOG_EVERY));
        let visitor = Visitor::at_port("192.0.2.1:5".parse().unwrap());
        figures.refuse(Refusal::Silent, &visitor, "");
        figures.refuse(Refusal::Silent, &visitor, "");
        assert_eq!(figures.report(3).refused, [("silent", 2)]);
    }

    #[test]
    fn what_a_client_says_is_one_short_line_in_the_log() {
        let shown = printable(&format!("a\r\n\u{1b}[2J\u{202e}{}", "x".repeat(1000)));
        assert!(shown.starts_with("a\\r\\n\\u{1b}[2J\\u{202e}x") && shown.len() < 100, "{shown}");
    }
}
