//! Whether each source is connected, since when, and what was wrong last.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use meshcore_store::UnixMillis;
use meshcore_store::db::Ticket;

use tokio::sync::Notify;

use crate::config::Broker;
use crate::pipeline::Clock;

/// The state of one source's connection. Shared by the connection, which writes, and whoever wants to know, or wants it to
/// be made anew.
pub struct SourceStatus {
    ticket: Ticket,
    name: String,
    added_at: UnixMillis,
    clock: Clock,
    state: Mutex<State>,
    reconnect: Notify,
}

/// What changes.
#[derive(Debug, Default)]
struct State {
    broker: String,
    connected: bool,
    last_connect: Option<UnixMillis>,
    last_disconnect: Option<UnixMillis>,
    connect_count: u64,
    disconnect_count: u64,
    sessions_resumed: u64,
    sessions_lost: u64,
    last_error: Option<String>,
    removed: bool,
}

/// The state of one source's connection at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusReport {
    /// Its place in [`Accounting`](crate::accounting::Accounting).
    pub ticket: Ticket,
    /// Label of the source.
    pub name: String,
    /// URL of its broker, without credentials.
    pub broker: String,
    /// Since when it has been a source.
    pub added_at: UnixMillis,
    /// Whether it is connected and subscribed.
    pub connected: bool,
    /// When it was connected last; `None` = never.
    pub last_connect: Option<UnixMillis>,
    /// When it lost a connection last; `None` = never.
    pub last_disconnect: Option<UnixMillis>,
    /// How often it was connected.
    pub connect_count: u64,
    /// How often a connection ended.
    pub disconnect_count: u64,
    /// Connections at which the broker still had the persistent session, with what was published meanwhile.
    pub sessions_resumed: u64,
    /// Connections at which the broker had no persistent session though one was asked for: what was published before is
    /// lost. The first connection of a new client id counts too, because nobody can tell it from a loss.
    pub sessions_lost: u64,
    /// Why it is not connected, or what the broker refused; `None` when nothing is wrong. One line, without credentials.
    pub last_error: Option<String>,
    /// Whether it has been taken out of the configuration.
    pub removed: bool,
}

/// What a broker said about a persistent session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Session {
    /// None was asked for.
    Clean,
    /// It is still there.
    Resumed,
    /// It is new.
    Lost,
}

impl SourceStatus {
    /// It is connected and subscribed since `at`.
    pub fn connected(&self, at: UnixMillis, session: Session) {
        let mut state = self.state();
        state.connected = true;
        state.last_connect = Some(at);
        state.connect_count += 1;
        state.last_error = None;
        match session {
            Session::Clean => {}
            Session::Resumed => state.sessions_resumed += 1,
            Session::Lost => state.sessions_lost += 1,
        }
    }

    /// It is not connected any more, if it was.
    pub fn disconnected(&self) {
        let now = (self.clock)();
        let mut state = self.state();
        if state.connected {
            state.connected = false;
            state.last_disconnect = Some(now);
            state.disconnect_count += 1;
        }
    }

    /// Something is wrong; `reason` is one line without credentials.
    pub fn failed(&self, reason: impl Into<String>) {
        self.state().last_error = Some(reason.into());
    }

    /// Whether it is connected and subscribed.
    pub fn is_connected(&self) -> bool {
        self.state().connected
    }

    /// Asks for another connection in place of the one there is or is being made. Does not wait for it.
    pub fn reconnect(&self) {
        self.reconnect.notify_one();
    }

    /// Waits until somebody asks for another connection.
    pub(crate) async fn reconnect_asked(&self) {
        self.reconnect.notified().await;
    }

    /// The configuration names this broker for it.
    pub(crate) fn configured(&self, broker: &Broker) {
        let mut state = self.state();
        state.broker.clone_from(&broker.url);
        state.removed = false;
    }

    /// The configuration does not name it any more.
    pub(crate) fn removed(&self) {
        let mut state = self.state();
        state.removed = true;
        state.last_error = None;
    }

    /// How it is now.
    pub fn report(&self) -> StatusReport {
        let state = self.state();
        StatusReport {
            ticket: self.ticket,
            name: self.name.clone(),
            broker: state.broker.clone(),
            added_at: self.added_at,
            connected: state.connected,
            last_connect: state.last_connect,
            last_disconnect: state.last_disconnect,
            connect_count: state.connect_count,
            disconnect_count: state.disconnect_count,
            sessions_resumed: state.sessions_resumed,
            sessions_lost: state.sessions_lost,
            last_error: state.last_error.clone(),
            removed: state.removed,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The states of all sources there have been since the start. Shared.
pub struct Statuses {
    clock: Clock,
    /// In the order they were added; none is ever removed.
    sources: RwLock<Vec<Arc<SourceStatus>>>,
}

impl Statuses {
    /// None yet; `clock` stamps what happens to them.
    pub fn new(clock: Clock) -> Self {
        Self { clock, sources: RwLock::default() }
    }

    /// One more source, not connected. `broker` is shown as it is: without credentials.
    pub fn add(
        &self,
        ticket: Ticket,
        name: impl Into<String>,
        broker: impl Into<String>,
    ) -> Arc<SourceStatus> {
        let status = Arc::new(SourceStatus {
            ticket,
            name: name.into(),
            added_at: (self.clock)(),
            clock: Arc::clone(&self.clock),
            state: Mutex::new(State { broker: broker.into(), ..State::default() }),
            reconnect: Notify::new(),
        });
        self.sources.write().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&status));
        status
    }

    /// Asks for another connection of a source; see [`SourceStatus::reconnect`].
    pub fn reconnect(&self, ticket: Ticket) {
        let sources = self.sources.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(status) = sources.iter().find(|status| status.ticket == ticket) {
            status.reconnect();
        }
    }

    /// How all of them are now, in the order they were added.
    pub fn report(&self) -> Vec<StatusReport> {
        let sources = self.sources.read().unwrap_or_else(PoisonError::into_inner);
        sources.iter().map(|status| status.report()).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    /// A clock that moves on by a second whenever it is looked at.
    fn ticking() -> Clock {
        let seconds = AtomicI64::new(100);
        Arc::new(move || UnixMillis::from_seconds(seconds.fetch_add(1, Ordering::Relaxed)))
    }

    #[test]
    fn a_report_tells_the_life_of_a_connection() {
        let statuses = Statuses::new(ticking());
        let status = statuses.add(3, "a", "tcp://a.example:1883");
        status.failed("refused");
        let before = status.report();
        assert_eq!((before.connected, before.connect_count), (false, 0));
        assert_eq!(before.last_error.as_deref(), Some("refused"));

        status.connected(UnixMillis::from_seconds(200), Session::Lost);
        let connected = status.report();
        assert!(connected.connected);
        assert_eq!(connected.last_error, None, "what was wrong is over");
        assert_eq!((connected.sessions_resumed, connected.sessions_lost), (0, 1));

        status.disconnected();
        status.disconnected(); // it was not connected any more
        status.connected(UnixMillis::from_seconds(300), Session::Resumed);
        let again = statuses.report().remove(0);
        assert_eq!((again.ticket, again.name.as_str()), (3, "a"));
        assert_eq!((again.connect_count, again.disconnect_count), (2, 1));
        assert_eq!(again.last_connect, Some(UnixMillis::from_seconds(300)));
        assert_eq!(again.last_disconnect, Some(UnixMillis::from_seconds(101)));
        assert_eq!((again.sessions_resumed, again.sessions_lost), (1, 1));
    }
}
