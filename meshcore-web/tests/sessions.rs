//! Persistent sessions: what is published while nobody listens, and what a crash can lose. And how long a stop takes.

mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::{Value, json};
use support::broker::Mosquitto;
use support::eventually;
use support::expected::Expected;
use support::messages;
use support::proxy::Proxy;
use support::server::{self, Server};

/// A source whose broker keeps what is published while we are away.
fn persistent(url: &str) -> Value {
    let source =
        json!({"name": "kept", "broker": url, "clientId": "corescope-test", "persistentSession": true});
    json!({"mqttSources": [source], "retention": {"packetDays": 0}})
}

#[test]
fn what_was_published_while_nobody_listened_is_stored_at_the_next_start() {
    const MESSAGES: usize = 500;
    let Some(broker) = Mosquitto::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let config = persistent(&broker.url());
    let all = messages::made_up(3 * 500);
    let publisher = broker.publisher();

    let corescope = Server::configured(folder.path(), &config);
    corescope.process.wait_for_line("the broker has no session of ours", 1);
    publisher.publish(&all[..MESSAGES]);
    assert_eq!(corescope.settled(MESSAGES as u64).stored, MESSAGES as u64);
    corescope.stop();

    // A stop in order keeps the session.
    publisher.publish(&all[MESSAGES..2 * MESSAGES]);
    let mut corescope = Server::configured(folder.path(), &config);
    corescope.process.wait_for_line("the broker resumes our session", 1);
    assert_eq!(corescope.settled(MESSAGES as u64).stored, MESSAGES as u64);
    eventually("the status tells of the session", || {
        let status = corescope.status_of("kept");
        (status["sessionsResumed"] == 1 && status["sessionsLost"] == 0).then_some(())
    });

    // So does a sudden end.
    corescope.process.kill();
    publisher.publish(&all[2 * MESSAGES..]);
    let corescope = Server::configured(folder.path(), &config);
    corescope.process.wait_for_line("the broker resumes our session", 1);
    assert_eq!(corescope.settled(MESSAGES as u64).stored, MESSAGES as u64);
    corescope.stop();
    assert_eq!(server::rows(&server::read_only(folder.path())), Expected::of(&all).rows);
}

#[test]
fn a_sudden_end_in_the_middle_of_traffic_loses_at_most_what_was_on_its_way_to_the_file() {
    const PART: usize = 50;
    /// One part in this time: a thousand messages a second.
    const PACE: Duration = Duration::from_millis(50);
    let Some(broker) = Mosquitto::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let config = persistent(&broker.url());
    let all = messages::made_up(20_000);
    let mut corescope = Server::configured(folder.path(), &config);
    corescope.process.wait_for_line("connected to broker", 1);
    let enough = AtomicBool::new(false);

    let published = thread::scope(|scope| {
        let publishing = scope.spawn(|| {
            let (publisher, start) = (broker.publisher(), Instant::now());
            let parts = all.chunks(PART).take_while(|_| !enough.load(Ordering::Relaxed));
            let mut published = 0;
            for (number, part) in (1..).zip(parts) {
                publisher.publish(part);
                published += part.len();
                thread::sleep((PACE * number).saturating_sub(start.elapsed()));
            }
            published
        });
        eventually("a second's worth is stored", || (corescope.figures().stored >= 1000).then_some(()));
        corescope.process.kill();
        // The broker keeps what comes now.
        thread::sleep(PACE * 4);
        enough.store(true, Ordering::Relaxed);
        publishing.join().unwrap()
    });

    let before = server::rows(&server::read_only(folder.path())).observations.len();
    let corescope = Server::configured(folder.path(), &config);
    corescope.process.wait_for_line("the broker resumes our session", 1);
    // The broker repeats what was not acknowledged: the last message published is among what comes.
    let last = Expected::of(&all[published - 1..published]).rows.observations.into_iter().next().unwrap();
    let rows = eventually("the last message is stored", || {
        let rows = server::rows(&server::read_only(folder.path()));
        rows.observations.contains(&last).then_some(rows)
    });
    let figures = corescope.settled(1);
    let (stored, expected) = (rows.observations, Expected::of(&all[..published]).rows.observations);
    assert!(stored.is_subset(&expected), "what is stored was published");
    let missing = expected.len() - stored.len();
    eprintln!(
        "published {published} at 1000/s, stored before the end {before}, received after it {}, missing {missing}",
        figures.received
    );
    // Half a second of traffic, and the part under way: twice what the queue and the open batch should hold.
    assert!(missing <= 500 + PART, "{missing} of {published} are missing");
    corescope.stop();
}

/// Ends it as an operator does; how long that took.
fn stop(corescope: Server) -> Duration {
    let told = Instant::now();
    corescope.stop();
    told.elapsed()
}

#[test]
fn a_stop_takes_seconds_whatever_the_brokers_and_the_database_do() {
    let Some(mut broker) = Mosquitto::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let start = |url: &str| {
        let corescope = Server::configured(folder.path(), &persistent(url));
        corescope.process.wait_for_line("connected to broker", 1);
        corescope
    };
    let longest = Duration::from_secs(10);

    let proxy = Proxy::to(broker.port());
    let corescope = start(&proxy.url());
    proxy.swallow_for_ever();
    let silent = stop(corescope);

    let corescope = start(&broker.url());
    let other = Connection::open(server::database(folder.path())).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    broker.publisher().publish(&messages::made_up(5000));
    eventually("all have arrived", || (corescope.figures().received == 5000).then_some(()));
    let told = Instant::now();
    corescope.stop();
    let full = told.elapsed();
    other.execute_batch("ROLLBACK").unwrap();

    let corescope = start(&broker.url());
    broker.kill();
    corescope.process.wait_for_line("cannot connect to broker", 1);
    let dead = stop(corescope);

    eprintln!(
        "a stop with a silent broker {silent:?}, with a locked database {full:?}, with a dead broker {dead:?}"
    );
    assert!(silent < longest && full < longest && dead < longest);
}
