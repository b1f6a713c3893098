//! From a real broker into a real file: what is published is stored once, whatever breaks in between.
//!
//! What should be stored is found out by `support/expected.rs`, without the program's own decoder.

mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use meshcore_ingest::system_clock;
use rusqlite::Connection;
use serde_json::json;
use support::broker::Mosquitto;
use support::eventually;
use support::expected::Expected;
use support::messages::{self, Message};
use support::server::{self, Server};

#[test]
fn what_a_mesh_published_is_stored_once_whatever_the_broker_does() {
    let Some(broker) = Mosquitto::start() else { return };
    let Some(captured) = messages::captured() else { return };
    stored_once_across_a_restart_of_the_broker(broker, &captured, &messages::demo());
}

#[test]
fn what_the_demo_published_is_stored_once_whatever_the_broker_does() {
    let Some(broker) = Mosquitto::start() else { return };
    let demo = messages::demo();
    let (first, new) = demo.split_at(demo.len() / 2);
    stored_once_across_a_restart_of_the_broker(broker, first, new);
}

/// Publishes `first`; then, after the broker died and came back, `first` again and `new`.
fn stored_once_across_a_restart_of_the_broker(mut broker: Mosquitto, first: &[Message], new: &[Message]) {
    let folder = tempfile::tempdir().unwrap();
    let corescope = Server::listening(folder.path(), &broker);
    let database = || server::read_only(folder.path());

    let mut expected = Expected::of(first);
    broker.publisher().publish(first);
    assert_eq!(corescope.settled(expected.figures.received), expected.figures);
    assert_eq!(server::rows(&database()), expected.rows);
    eprintln!("first: transmissions, observations, nodes, observers {:?}", expected.rows.counts());
    eprintln!("first: {:?}", expected.figures);

    broker.kill();
    corescope.process.wait_for_line("connection to broker lost", 1);
    broker.restart();
    corescope.process.wait_for_line("connected to broker", 2);

    expected.take(first);
    expected.take(new);
    let publisher = broker.publisher();
    publisher.publish(first);
    publisher.publish(new);
    assert_eq!(corescope.settled(expected.figures.received), expected.figures);
    assert_eq!(server::rows(&database()), expected.rows);
    eprintln!("again: transmissions, observations, nodes, observers {:?}", expected.rows.counts());
    eprintln!("again: {:?}", expected.figures);

    // The API tells the same, at most two seconds late.
    let [transmissions, observations, nodes, observers] = expected.rows.counts();
    eventually("/api/stats counts the same", || {
        let stats = corescope.json("/api/stats");
        let names = ["totalTransmissions", "totalObservations", "totalNodesAllTime", "totalObservers"];
        (names.map(|name| stats[name].clone())
            == [transmissions, observations, nodes, observers].map(|n| json!(n)))
        .then_some(())
    });
    corescope.stop();
}

#[test]
fn a_server_killed_in_the_middle_of_a_burst_has_everything_it_committed() {
    let Some(broker) = Mosquitto::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut corescope = Server::listening(folder.path(), &broker);
    let burst = messages::made_up(100_000);
    let enough = AtomicBool::new(false);

    let (published, committed, seen) = thread::scope(|scope| {
        let publishing = scope.spawn(|| {
            let publisher = broker.publisher();
            let parts = burst.chunks(100).take_while(|_| !enough.load(Ordering::Relaxed));
            parts.map(|part| publisher.publish(part)).count() * 100
        });
        let seen = eventually("something is stored", || {
            let stats = corescope.json("/api/stats");
            stats["totalObservations"].as_u64().filter(|stored| *stored >= 500)
        });
        let committed = server::rows(&server::read_only(folder.path()));
        corescope.process.kill();
        enough.store(true, Ordering::Relaxed);
        (publishing.join().unwrap(), committed, seen)
    });
    assert!(published < burst.len(), "the burst was over before the server was killed");
    assert!(committed.observations.len() as u64 >= seen, "the API counted what was not committed");

    let corescope = Server::listening(folder.path(), &broker);
    let kept = server::rows(&server::read_only(folder.path()));
    assert!(kept.transmissions.is_superset(&committed.transmissions));
    assert!(kept.observations.is_superset(&committed.observations));
    assert!(kept.observers.is_superset(&committed.observers));
    let total =
        eventually("the API counts again", || corescope.json("/api/stats")["totalObservations"].as_u64());
    assert_eq!(total, kept.observations.len() as u64);
    assert_sound(&server::read_only(folder.path()));
    eprintln!(
        "published {published}, seen {seen}, committed {:?}, kept {:?}",
        committed.counts(),
        kept.counts()
    );

    // What was under way when it died is new when it comes again; the rest is known.
    let again = &burst[..published];
    broker.publisher().publish(again);
    let figures = corescope.settled(published as u64);
    assert_eq!(figures.duplicate, kept.observations.len() as u64);
    assert_eq!(figures.stored, (published - kept.observations.len()) as u64);
    assert_eq!(server::rows(&server::read_only(folder.path())), Expected::of(again).rows);
    corescope.stop();
    assert_sound(&server::read_only(folder.path()));
}

fn assert_sound(connection: &Connection) {
    assert_eq!(server::value::<String>(connection, "PRAGMA integrity_check"), "ok");
    let broken = connection.prepare("PRAGMA foreign_key_check").unwrap().exists([]).unwrap();
    assert!(!broken, "a row refers to one that is not there");
}

#[test]
fn a_retained_status_does_not_make_its_observer_look_alive_after_a_restart() {
    const OBSERVERS: u64 = 50;
    let Some(broker) = Mosquitto::start() else { return };
    // Long enough to tell it from now, and not so long that retention marks its observers inactive.
    let long_ago = system_clock()().plus_millis(-24 * 3_600_000).to_rfc3339_seconds();
    let folder = tempfile::tempdir().unwrap();
    let publisher = broker.publisher();
    let status = |number: u64, model: &str| {
        let payload =
            json!({"status": "online", "model": model, "stats": {"battery_mv": 4000, "noise_floor": -110}});
        Message::new(format!("meshcore/ZRH/observer {number}/status"), payload)
    };
    let all: Vec<_> = (0..OBSERVERS).map(|number| status(number, "old").retained()).collect();

    let corescope = Server::listening(folder.path(), &broker);
    publisher.publish(&all);
    assert_eq!(corescope.settled(OBSERVERS).stored, OBSERVERS);
    corescope.stop();
    let aside = Connection::open(server::database(folder.path())).unwrap();
    let aged =
        aside.execute("UPDATE observers SET last_seen = ?1, last_packet_at = ?1", [&long_ago]).unwrap();
    assert_eq!(aged as u64, OBSERVERS);
    let samples: i64 = server::value(&aside, "SELECT COUNT(*) FROM observer_metrics");
    assert_eq!(samples as u64, OBSERVERS, "each was heard once");
    drop(aside);
    // Published while nobody listened: true about the device, but nobody knows when.
    publisher.publish(&[status(7, "new").retained(), status(OBSERVERS, "unheard").retained()]);

    let corescope = Server::listening(folder.path(), &broker);
    assert_eq!(corescope.settled(OBSERVERS + 1).stored, OBSERVERS + 1);
    let database = server::read_only(folder.path());
    let count = |rows: &str| server::value::<u32>(&database, &format!("SELECT COUNT(*) FROM {rows}"));
    let unmoved = format!("observers WHERE last_seen = '{long_ago}' AND last_packet_at = '{long_ago}'");
    assert_eq!(u64::from(count(&unmoved)), OBSERVERS);
    assert_eq!(count("observers WHERE last_seen IS NULL AND model = 'unheard'"), 1);
    assert_eq!(i64::from(count("observer_metrics")), samples);
    assert_eq!(count("observers WHERE model = 'new'"), 1, "what it says about the device counts");
    assert!(corescope.json("/api/observers").is_object());

    // The same words, said now, do move it.
    publisher.publish(&[status(7, "new")]);
    assert_eq!(corescope.settled(OBSERVERS + 2).stored, OBSERVERS + 2);
    assert_eq!(u64::from(count(&unmoved)), OBSERVERS - 1);
    corescope.stop();
}
