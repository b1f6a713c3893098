//! Whether ingest is well, in words.

use meshcore_store::UnixMillis;
use serde::{Deserialize, Serialize};

use super::snapshot::{Buffer, SourceFigures};

/// A connection may be away for so long before it is worth a word.
const MOMENT_S: i64 = 60;

/// A source that says nothing for so long is silent; a feed without any connection for so long has failed.
const SILENCE_S: i64 = 300;

/// So long after the last loss the feed counts as losing messages.
const LOSING_MILLIS: i64 = 60_000;

/// Messages that wait for longer mean that the database is behind.
const BEHIND_MILLIS: i64 = 30_000;

/// How ingest is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// All sources speak, nothing is lost.
    #[default]
    Ok,
    /// A part of the mesh may be missing.
    Degraded,
    /// Messages are lost, or none arrive.
    Failing,
}

/// How ingest is, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Health {
    /// The worst of the problems.
    pub state: State,
    /// Worst first.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// How bad it is.
    pub state: State,
    /// `database`, `buffer_full`, `buffer_behind`, `no_source`, `source_disconnected` or `source_silent`.
    pub code: String,
    /// The source it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// A sentence for people.
    pub text: String,
}

/// What can be seen at one moment.
pub(super) struct Observed<'a> {
    pub(super) now: UnixMillis,
    /// The database takes no writes.
    pub(super) is_writer_failing: bool,
    pub(super) buffer: Buffer,
    pub(super) sources: &'a [SourceFigures],
}

/// Judges what is seen from moment to moment.
#[derive(Debug)]
pub(super) struct Physician {
    started_at: UnixMillis,
    dropped: u64,
    lost_at: Option<UnixMillis>,
}

impl Physician {
    pub(super) fn new(started_at: UnixMillis) -> Self {
        Self { started_at, dropped: 0, lost_at: None }
    }

    /// How ingest is now.
    pub(super) fn examine(&mut self, seen: &Observed<'_>) -> Health {
        if seen.buffer.dropped > self.dropped {
            self.lost_at = Some(seen.now);
        }
        self.dropped = seen.buffer.dropped;
        let mut problems = Vec::new();
        if seen.is_writer_failing {
            problems.push(problem(State::Failing, "database", "the database takes no writes; messages wait"));
        }
        if self.lost_at.is_some_and(|at| seen.now.get() - at.get() < LOSING_MILLIS) {
            let text = "messages are lost: more arrive than the database takes";
            problems.push(problem(State::Failing, "buffer_full", text));
        } else if seen.buffer.oldest_ms > BEHIND_MILLIS || seen.buffer.pending * 2 > seen.buffer.capacity {
            let text = "messages wait long: the database is behind";
            problems.push(problem(State::Degraded, "buffer_behind", text));
        }
        self.examine_sources(seen, &mut problems);
        problems.sort_by_key(|problem| std::cmp::Reverse(problem.state));
        Health { state: problems.first().map_or(State::Ok, |problem| problem.state), problems }
    }

    fn examine_sources(&self, seen: &Observed<'_>, problems: &mut Vec<Problem>) {
        let now = seen.now.seconds();
        let since = |time: i64| now - time.max(self.started_at.seconds());
        let brokers = || seen.sources.iter().filter(|source| !source.broker.is_empty() && !source.removed);
        let is_gone = |source: &SourceFigures, seconds| {
            !source.connected && since(source.last_disconnect_unix) >= seconds
        };
        if brokers().next().is_some() && brokers().all(|source| is_gone(source, SILENCE_S)) {
            let text = "no broker has been connected for five minutes";
            problems.push(problem(State::Failing, "no_source", text));
        }
        for source in brokers() {
            let about = |code, text| Problem {
                source: Some(source.name.clone()),
                ..problem(State::Degraded, code, text)
            };
            if is_gone(source, MOMENT_S) {
                problems.push(about("source_disconnected", "the broker is not connected"));
            } else if source.connected
                && since(source.last_packet_unix.max(source.last_connect_unix)) >= SILENCE_S
            {
                problems.push(about("source_silent", "connected, but nothing has arrived for five minutes"));
            }
        }
    }
}

fn problem(state: State, code: &str, text: &str) -> Problem {
    Problem { state, code: code.into(), source: None, text: text.into() }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const NOON: i64 = 1_777_636_800;

    fn source(connected: bool, last_connect: i64, last_disconnect: i64, last_packet: i64) -> SourceFigures {
        SourceFigures {
            name: "home".into(),
            broker: "tcp://a.example:1883".into(),
            connected,
            last_connect_unix: last_connect,
            last_disconnect_unix: last_disconnect,
            last_packet_unix: last_packet,
            ..SourceFigures::default()
        }
    }

    fn examine(physician: &mut Physician, second: i64, buffer: Buffer, sources: &[SourceFigures]) -> Health {
        let now = UnixMillis::from_seconds(NOON + second);
        physician.examine(&Observed { now, is_writer_failing: false, buffer, sources })
    }

    fn codes(health: &Health) -> Vec<&str> {
        health.problems.iter().map(|problem| problem.code.as_str()).collect()
    }

    fn room() -> Buffer {
        Buffer { capacity: 100, ..Buffer::default() }
    }

    fn physician() -> Physician {
        Physician::new(UnixMillis::from_seconds(NOON))
    }

    #[rstest]
    #[case::speaks(source(true, NOON + 1, 0, NOON + 990), 1000, &[])]
    #[case::just_connected(source(true, NOON + 990, NOON + 980, 0), 1000, &[])]
    #[case::silent(source(true, NOON + 1, 0, NOON + 700), 1000, &["source_silent"])]
    #[case::never_spoke(source(true, NOON + 1, 0, 0), 301, &["source_silent"])]
    #[case::not_there_yet(source(false, 0, 0, 0), 59, &[])]
    #[case::not_there(source(false, 0, 0, 0), 60, &["source_disconnected"])]
    #[case::just_gone(source(false, NOON + 1, NOON + 950, NOON + 950), 1000, &[])]
    #[case::gone_for_long(source(false, NOON + 1, NOON + 700, 0), 1000, &["no_source", "source_disconnected"])]
    #[case::no_broker(SourceFigures { name: "demo".into(), ..SourceFigures::default() }, 1000, &[])]
    fn a_source_is_judged_by_its_connection_and_its_age(
        #[case] source: SourceFigures,
        #[case] second: i64,
        #[case] expected: &[&str],
    ) {
        assert_eq!(codes(&examine(&mut physician(), second, room(), &[source])), expected);
    }

    #[test]
    fn one_connected_source_is_not_no_source() {
        let sources = [source(false, 0, 0, 0), source(true, NOON, 0, NOON + 999)];
        let health = examine(&mut physician(), 1000, room(), &sources);
        assert_eq!((health.state, codes(&health)), (State::Degraded, vec!["source_disconnected"]));
    }

    #[test]
    fn a_loss_is_remembered_for_a_minute() {
        let mut physician = physician();
        let lost = Buffer { dropped: 5, ..room() };
        assert_eq!(examine(&mut physician, 1, room(), &[]).state, State::Ok);
        assert_eq!(codes(&examine(&mut physician, 2, lost, &[])), ["buffer_full"]);
        assert_eq!(examine(&mut physician, 61, lost, &[]).state, State::Failing);
        assert_eq!(examine(&mut physician, 62, lost, &[]).state, State::Ok);
    }

    #[test]
    fn a_long_queue_and_a_failing_database_are_said_worst_first() {
        let waiting = Buffer { pending: 51, ..room() };
        let seen = Observed {
            now: UnixMillis::from_seconds(NOON),
            is_writer_failing: true,
            buffer: waiting,
            sources: &[],
        };
        let health = physician().examine(&seen);
        assert_eq!((health.state, codes(&health)), (State::Failing, vec!["database", "buffer_behind"]));
    }
}
