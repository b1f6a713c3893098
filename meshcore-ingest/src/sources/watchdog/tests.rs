//! Every row of the table, with a clock that stands still until it is told.

use rstest::rstest;

use super::*;

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const T: i64 = 5 * MINUTE;
const HOUR: i64 = 60 * MINUTE;
const START: UnixMillis = UnixMillis::from_seconds(1_777_636_800);

/// One source and its watchdog; all times are milliseconds since the source was added.
struct World {
    watchdog: Watchdog,
    source: Observation,
}

impl World {
    fn disconnected() -> Self {
        let source = Observation {
            ticket: 0,
            name: "a".into(),
            added_at: START,
            connected: false,
            connects: 0,
            last_receipt: None,
        };
        Self { watchdog: Watchdog::new(Timing::default()), source }
    }

    fn connected() -> Self {
        let mut world = Self::disconnected();
        world.connect();
        world
    }

    fn connect(&mut self) {
        self.source.connected = true;
        self.source.connects += 1;
        self.source.last_receipt = None;
    }

    fn disconnect(&mut self) {
        self.source.connected = false;
    }

    fn receive(&mut self, at: i64) {
        self.source.last_receipt = Some(START.plus_millis(at));
    }

    fn look(&mut self, at: i64) -> Vec<Action> {
        self.watchdog.look(START.plus_millis(at), &self.source)
    }

    /// Looks every minute; what is done, with its minute. The first look is at `from`, the last one at `to`.
    fn scan(&mut self, from: i64, to: i64) -> Vec<(i64, Action)> {
        let looks = (from / MINUTE)..=(to / MINUTE);
        looks
            .flat_map(|minute| self.look(minute * MINUTE).into_iter().map(move |action| (minute, action)))
            .collect()
    }
}

fn alert(alert: fn(Duration) -> Alert, after: i64) -> Action {
    Action::Alert(alert(duration(after)))
}

#[test]
fn a_source_that_is_disconnected_is_told_of_once_after_five_times_the_threshold_and_its_jitter() {
    let mut world = World::disconnected();
    let patience = PATIENCE * T + jitter("a", Timing::default().jitter);
    assert_eq!(world.look(0), []);
    assert_eq!(world.look(T), []);
    assert_eq!(world.look(patience - 1), []);
    assert_eq!(world.look(patience), [alert(Alert::Disconnected, patience), Action::Reconnect]);
    assert_eq!(world.look(patience + MINUTE), []);
}

#[test]
fn a_source_that_stays_disconnected_is_told_of_every_hour_and_reconnected_once() {
    let mut world = World::disconnected();
    let done = world.scan(0, 3 * HOUR);
    let minutes: Vec<i64> = done
        .iter()
        .filter(|(_, action)| matches!(action, Action::Alert(_)))
        .map(|(minute, _)| *minute)
        .collect();
    assert_eq!(minutes, [26, 86, 146]);
    let reconnects: Vec<&(i64, Action)> =
        done.iter().filter(|(_, action)| *action == Action::Reconnect).collect();
    assert_eq!(reconnects, [&(26, Action::Reconnect)]);
}

#[test]
fn a_source_that_comes_and_goes_is_not_disconnected_for_long() {
    let mut world = World::connected();
    for hour in 0..3 {
        world.receive(hour * HOUR);
        assert_eq!(world.look(hour * HOUR), []);
        world.disconnect();
        assert_eq!(world.scan(hour * HOUR + MINUTE, hour * HOUR + 20 * MINUTE), []);
        world.connect();
    }
}

#[test]
fn a_source_that_never_received_is_told_of_and_not_reconnected() {
    let mut world = World::connected();
    assert_eq!(world.look(T - 1), []);
    assert_eq!(world.look(T), [alert(Alert::NeverReceived, T)]);
    assert_eq!(world.look(T + HOUR - 1), []);
    assert_eq!(world.look(T + HOUR), [alert(Alert::NeverReceived, T + HOUR)]);
}

#[test]
fn the_time_without_a_message_counts_from_when_the_source_was_added_whatever_reconnects_there_were() {
    let mut world = World::connected();
    for minute in 1..5 {
        world.disconnect();
        world.connect();
        assert_eq!(world.look(minute * MINUTE), []);
    }
    assert_eq!(world.look(T), [alert(Alert::NeverReceived, T)]);
}

#[test]
fn a_source_that_has_stalled_is_told_of_and_reconnected_and_again_every_hour() {
    let mut world = World::connected();
    world.receive(0);
    assert_eq!(world.look(T - 1), []);
    assert_eq!(world.look(T), [alert(Alert::Stalled, T), Action::Reconnect]);
    assert_eq!(world.look(T + HOUR - 1), []);
    assert_eq!(world.look(T + HOUR), [alert(Alert::Stalled, T + HOUR), Action::Reconnect]);
}

#[test]
fn a_source_with_messages_is_left_alone() {
    let mut world = World::connected();
    for minute in 0..120 {
        world.receive(minute * MINUTE);
        assert_eq!(world.look(minute * MINUTE + 59 * SECOND), []);
    }
}

#[test]
fn the_first_message_after_an_alert_is_a_recovery_and_told_once() {
    let mut world = World::connected();
    world.receive(0);
    world.look(T);
    world.receive(T + SECOND);
    assert_eq!(world.look(T + MINUTE), [Action::Recovered]);
    assert_eq!(world.look(T + 2 * MINUTE), []);
}

#[test]
fn losing_the_connection_is_no_recovery() {
    let mut world = World::connected();
    world.receive(0);
    world.look(T);
    world.disconnect();
    assert_eq!(world.scan(T + MINUTE, T + 10 * MINUTE), []);
    world.connect();
    world.receive(T + 11 * MINUTE);
    assert_eq!(world.look(T + 11 * MINUTE), [Action::Recovered]);
}

#[test]
fn a_reconnect_without_messages_is_told_of_at_once_and_then_every_hour() {
    let mut world = World::connected();
    world.receive(0);
    assert_eq!(world.look(T), [alert(Alert::Stalled, T), Action::Reconnect]);
    world.disconnect();
    world.connect();
    assert_eq!(world.look(T + MINUTE), [alert(Alert::NeverReceived, T + MINUTE)]);
    assert_eq!(world.scan(T + 2 * MINUTE, T + 60 * MINUTE), []);
    assert_eq!(world.look(T + 61 * MINUTE), [alert(Alert::NeverReceived, T + 61 * MINUTE)]);
}

#[test]
fn a_disconnect_after_another_alert_is_told_of_without_waiting_for_the_hour() {
    let mut world = World::connected();
    assert_eq!(world.look(T), [alert(Alert::NeverReceived, T)]);
    world.disconnect();
    let done = world.scan(T + MINUTE, T + 30 * MINUTE);
    assert!(
        matches!(done[..], [(32, Action::Alert(Alert::Disconnected(_))), (32, Action::Reconnect)]),
        "{done:?}"
    );
}

#[test]
fn a_source_is_reconnected_by_force_once_a_minute_at_most() {
    let timing = Timing { stall: Duration::from_secs(10), scan: Duration::from_secs(1), ..Timing::default() };
    let mut world = World { watchdog: Watchdog::new(timing), ..World::connected() };
    let reconnects: Vec<i64> = (0..200)
        .filter(|second| {
            // Each connection brings one message and is silent then.
            let is_forced = world.look(second * SECOND).contains(&Action::Reconnect);
            if is_forced || world.source.last_receipt.is_none() {
                world.connect();
                world.receive(second * SECOND);
            }
            is_forced
        })
        .collect();
    assert_eq!(reconnects, [10, 70, 130, 190]);
}

#[test]
fn sources_are_judged_apart() {
    let mut stalled = World::connected();
    stalled.receive(0);
    let silent = Observation { ticket: 1, name: "b".into(), ..World::connected().source };
    let fine = Observation { ticket: 2, last_receipt: Some(START.plus_millis(T)), ..silent.clone() };
    let now = START.plus_millis(T);
    assert_eq!(stalled.watchdog.look(now, &silent), [alert(Alert::NeverReceived, T)]);
    assert_eq!(stalled.watchdog.look(now, &stalled.source), [alert(Alert::Stalled, T), Action::Reconnect]);
    assert_eq!(stalled.watchdog.look(now, &fine), []);
}

#[test]
fn a_source_that_was_forgotten_begins_anew() {
    let mut world = World::connected();
    world.receive(0);
    world.look(T);
    world.watchdog.forget(0);
    world.receive(T + SECOND);
    assert_eq!(world.look(T + MINUTE), [], "there is no alert to recover from");
}

#[rstest]
#[case("", 0x811c_9dc5)]
#[case("a", 0xe40c_292c)]
#[case("foobar", 0xbf9c_f968)]
fn the_jitter_is_the_published_hash_of_the_name(#[case] name: &str, #[case] hash: u32) {
    assert_eq!(fnv1a(name), hash);
    assert_eq!(jitter(name, Duration::from_secs(60)), i64::from(hash % 60_000));
}

#[test]
fn a_clock_that_is_set_back_alarms_nobody() {
    let mut world = World::connected();
    world.receive(10 * HOUR);
    assert_eq!(world.look(0), []);
}
