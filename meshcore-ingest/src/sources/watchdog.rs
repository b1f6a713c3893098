//! Which sources have gone quiet, and what is to be done about it: a state machine that knows no clock.
//!
//! | State of a source | Condition | What is done |
//! | --- | --- | --- |
//! | disconnected | not connected | nothing at first; after 5 T and a jitter: alert, forced reconnect |
//! | never received | connected, nothing arrived since, and T since it was added | alert (a matter of permissions or topics) |
//! | stalled | connected, the last message is T old | alert, forced reconnect |
//! | ok | else | after an alert: recovered |
//!
//! An alert that stands is repeated every hour, for a stalled source with another reconnect. A source is reconnected by
//! force at most once a minute. Losing the connection is no recovery, and neither is getting it back.

use std::collections::BTreeMap;
use std::time::Duration;

use meshcore_store::UnixMillis;
use meshcore_store::db::Ticket;

/// A source may be without a connection for so many times T.
const PATIENCE: i64 = 5;

/// How long what may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Between two looks at all sources.
    pub scan: Duration,
    /// T: a connected source may be silent for so long.
    pub stall: Duration,
    /// Between two alerts about the same fault.
    pub repeat: Duration,
    /// Between two forced reconnects of a source, at least.
    pub between_reconnects: Duration,
    /// So that sources of one broker do not all come back at once: each waits for less than this, by its name.
    pub jitter: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            scan: Duration::from_secs(60),
            stall: Duration::from_secs(5 * 60),
            repeat: Duration::from_secs(60 * 60),
            between_reconnects: Duration::from_secs(60),
            jitter: Duration::from_secs(60),
        }
    }
}

/// What is known of a source at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// Which one.
    pub ticket: Ticket,
    /// Its label.
    pub name: String,
    /// When it was added.
    pub added_at: UnixMillis,
    /// Whether it is connected.
    pub connected: bool,
    /// How often it has been connected: another number is another connection.
    pub connects: u64,
    /// Arrival of the last message since it was connected; `None`: there was none.
    pub last_receipt: Option<UnixMillis>,
}

/// What is to be done about a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Tell the operator.
    Alert(Alert),
    /// Close its connection, if it has one, and connect again.
    Reconnect,
    /// Tell the operator that the fault is over.
    Recovered,
}

/// What is wrong with a source, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alert {
    /// It is not connected.
    Disconnected(Duration),
    /// It is connected, and nothing has arrived since. The time counts from when the source was added.
    NeverReceived(Duration),
    /// It is connected, and nothing arrives any more.
    Stalled(Duration),
}

/// What has been seen of all sources.
#[derive(Debug, Default)]
pub struct Watchdog {
    timing: Timing,
    sources: BTreeMap<Ticket, Watched>,
}

/// What has been seen of one source.
#[derive(Debug, Default)]
struct Watched {
    connects: u64,
    disconnected_since: Option<UnixMillis>,
    /// The fault that was told last and is not over.
    standing: Option<Fault>,
    alerted_at: Option<UnixMillis>,
    /// A reconnect is due, perhaps too soon after the last one.
    owes_reconnect: bool,
    reconnected_at: Option<UnixMillis>,
}

/// An [`Alert`] without its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Disconnected,
    NeverReceived,
    Stalled,
}

impl Watchdog {
    /// Nothing seen yet.
    pub fn new(timing: Timing) -> Self {
        Self { timing, sources: BTreeMap::new() }
    }

    /// What is to be done about a source, as it is at `now`.
    pub fn look(&mut self, now: UnixMillis, source: &Observation) -> Vec<Action> {
        let timing = self.timing;
        let watched = self.sources.entry(source.ticket).or_default();
        if source.connects != watched.connects {
            watched.connects = source.connects;
            watched.disconnected_since = None;
            watched.alerted_at = None;
            watched.owes_reconnect = false;
        }
        match watched.fault(now, source, &timing) {
            Judged::Ok => watched.recover(),
            Judged::NotYet => Vec::new(),
            Judged::Wrong(alert) => watched.alert(now, alert, &timing),
        }
    }

    /// Forgets a source.
    pub fn forget(&mut self, ticket: Ticket) {
        self.sources.remove(&ticket);
    }
}

/// How a source is.
enum Judged {
    Ok,
    /// Wrong, but not for long enough to be told.
    NotYet,
    Wrong(Alert),
}

impl Watched {
    fn fault(&mut self, now: UnixMillis, source: &Observation, timing: &Timing) -> Judged {
        let stall = millis(timing.stall);
        if !source.connected {
            let since = *self.disconnected_since.get_or_insert(now);
            let patience = PATIENCE * stall + jitter(&source.name, timing.jitter);
            return match age(since, now) {
                age if age >= patience => Judged::Wrong(Alert::Disconnected(duration(age))),
                _ => Judged::NotYet,
            };
        }
        match source.last_receipt {
            None if age(source.added_at, now) >= stall => {
                Judged::Wrong(Alert::NeverReceived(duration(age(source.added_at, now))))
            }
            Some(last) if age(last, now) >= stall => Judged::Wrong(Alert::Stalled(duration(age(last, now)))),
            _ => Judged::Ok,
        }
    }

    fn alert(&mut self, now: UnixMillis, alert: Alert, timing: &Timing) -> Vec<Action> {
        let is_over = |at: UnixMillis, pause| age(at, now) >= millis(pause);
        let mut actions = Vec::new();
        let is_news = self.standing != Some(alert.fault());
        if is_news || self.alerted_at.is_none_or(|at| is_over(at, timing.repeat)) {
            self.alerted_at = Some(now);
            self.standing = Some(alert.fault());
            self.owes_reconnect = match alert {
                Alert::Disconnected(_) => is_news,
                Alert::NeverReceived(_) => false,
                Alert::Stalled(_) => true,
            };
            actions.push(Action::Alert(alert));
        }
        if self.owes_reconnect && self.reconnected_at.is_none_or(|at| is_over(at, timing.between_reconnects))
        {
            self.owes_reconnect = false;
            self.reconnected_at = Some(now);
            actions.push(Action::Reconnect);
        }
        actions
    }

    fn recover(&mut self) -> Vec<Action> {
        self.alerted_at = None;
        self.owes_reconnect = false;
        self.standing.take().map(|_| Action::Recovered).into_iter().collect()
    }
}

impl Alert {
    fn fault(self) -> Fault {
        match self {
            Self::Disconnected(_) => Fault::Disconnected,
            Self::NeverReceived(_) => Fault::NeverReceived,
            Self::Stalled(_) => Fault::Stalled,
        }
    }
}

fn age(since: UnixMillis, now: UnixMillis) -> i64 {
    now.get().saturating_sub(since.get())
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn duration(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

/// Milliseconds below `longest`, the same for the same name.
fn jitter(name: &str, longest: Duration) -> i64 {
    i64::from(fnv1a(name)).checked_rem(millis(longest)).unwrap_or(0)
}

/// FNV-1a, 32 bits.
fn fnv1a(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests;
