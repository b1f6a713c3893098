//! What the writer makes of messages, read back from the file.

use std::path::Path;
use std::sync::{Arc, Mutex};

use meshcore_proto::{PacketHash, PublicKey};
use meshcore_store::db::{
    ClientReception, ClockSkew, Commit, Component, DroppedAdvert, Follower, Heard, Job, NodeAdvert,
    NodeFilter, ObserverStatus, Outcome, PacketFilter, PacketId, PacketWrite, Presence, Radio, Reader,
    StoreError, Stored, Write, Writer, WriterOptions,
};
use meshcore_store::{Direction, Reception, Signal, UnixMillis};
use rusqlite::Connection;
use tempfile::TempDir;

const NOON: UnixMillis = UnixMillis::from_seconds(1_777_636_800); // 2026-05-01T12:00:00Z
const KEY: [u8; 32] = [0xab; 32];

/// A database in a folder of its own.
struct Database {
    _folder: TempDir,
    path: std::path::PathBuf,
}

impl Database {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/mesh.db");
        Self { _folder: folder, path }
    }

    /// Writes all of `writes`, waits until they are in the file, and gives their outcomes.
    fn write(&self, writes: impl IntoIterator<Item = Write>) -> Vec<Outcome> {
        let outcomes = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&outcomes);
        let on_commit = move |commit: &Commit| {
            noted.lock().unwrap().extend(commit.outcomes.iter().map(|(_, outcome)| *outcome));
        };
        let writer = Writer::open(&self.path, WriterOptions::default(), on_commit).unwrap();
        for write in writes {
            writer.submit(Job { ticket: 0, write }).unwrap();
        }
        drop(writer); // commits what waits
        Arc::try_unwrap(outcomes).unwrap().into_inner().unwrap()
    }

    fn reader(&self) -> Reader {
        Reader::open(&self.path).unwrap()
    }

    fn one<T: rusqlite::types::FromSql>(&self, sql: &str) -> T {
        Connection::open(&self.path).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    fn execute(&self, sql: &str) {
        Connection::open(&self.path).unwrap().execute_batch(sql).unwrap();
    }
}

fn reception(observer: &str, at: UnixMillis) -> Reception {
    Reception {
        received_at: at,
        observer: observer.parse().unwrap(),
        observer_name: None,
        region: Some("SJC".into()),
        direction: Some(Direction::Rx),
        signal: Signal::default(),
    }
}

fn packet(hash: u8, observer: &str, path_json: &str, at: UnixMillis) -> PacketWrite {
    PacketWrite {
        reception: reception(observer, at),
        raw_hex: "0A00112233".into(),
        hash: PacketHash::from_bytes([hash; 8]),
        route_type: 1,
        payload_type: 2,
        payload_version: 0,
        decoded_json: r#"{"type":"TXT_MSG"}"#.into(),
        path_json: path_json.into(),
        channel_hash: None,
        scope_name: None,
        advert: None,
        clock_skew: None,
    }
}

fn advert(hash: u8, name: Option<&str>, at: UnixMillis) -> PacketWrite {
    PacketWrite {
        payload_type: 4,
        advert: Some(NodeAdvert {
            public_key: PublicKey::from_bytes(KEY),
            name: name.map(str::to_owned),
            role: Some("repeater".into()),
            position: Some((47.5, 8.5)),
            battery_mv: None,
            temperature_c: None,
            foreign: None,
        }),
        ..packet(hash, "kpabap", "[]", at)
    }
}

fn write(packet: PacketWrite) -> Write {
    Write::Packet(Box::new(packet))
}

fn status(observer: &str, at: UnixMillis, presence: Presence) -> ObserverStatus {
    ObserverStatus {
        id: observer.parse().unwrap(),
        received_at: at,
        presence,
        name: Some("Roof".into()),
        region: Some("SJC".into()),
        model: Some("board".into()),
        firmware: None,
        client_version: None,
        radio: None,
        can_relay: Some(false),
        readings: Radio { battery_mv: Some(4100), noise_floor: Some(-109.5), ..Radio::default() },
    }
}

fn is_new(outcome: Outcome) -> (bool, bool) {
    match outcome {
        Outcome::Packet(Stored { new_transmission, new_observation, .. }) => {
            (new_transmission, new_observation)
        }
        other => panic!("not a packet: {other:?}"),
    }
}

#[test]
fn one_observation_per_packet_observer_and_path() {
    let database = Database::new();
    let outcomes = database.write([
        write(packet(1, "kpabap", r#"["A1"]"#, NOON)),
        write(packet(1, "KPABAP", r#"["A1"]"#, NOON)),
        write(packet(1, "kpabap", r#"["A1","B2"]"#, NOON)),
        write(packet(1, "other", r#"["A1"]"#, NOON)),
        write(packet(2, "kpabap", r#"["A1"]"#, NOON)),
    ]);
    let news: Vec<_> = outcomes.into_iter().map(is_new).collect();
    assert_eq!(news, [(true, true), (false, false), (false, true), (false, true), (true, true)]);
    assert_eq!(database.one::<i64>("SELECT COUNT(*) FROM transmissions"), 2);
    assert_eq!(database.one::<i64>("SELECT COUNT(*) FROM observations"), 4);
    assert_eq!(database.one::<i64>("SELECT COUNT(*) FROM observers"), 2);
    assert_eq!(database.one::<i64>("SELECT packet_count FROM observers WHERE id = 'kpabap'"), 4);
}

#[test]
fn a_repeated_observation_fills_what_was_missing_and_blanks_nothing() {
    let database = Database::new();
    let heard = |snr, rssi| {
        let mut packet = packet(1, "kpabap", "[]", NOON);
        packet.reception.signal = Signal { snr, rssi, score: None };
        write(packet)
    };
    database.write([heard(None, Some(-90.0)), heard(Some(7.5), None)]);
    assert_eq!(database.one::<f64>("SELECT snr FROM observations"), 7.5);
    assert_eq!(database.one::<f64>("SELECT rssi FROM observations"), -90.0);
}

#[test]
fn a_reception_replaces_the_report_of_a_transmission_but_not_the_other_way_round() {
    let database = Database::new();
    let went = |hash, direction| {
        let mut packet = packet(hash, "kpabap", "[]", NOON);
        packet.reception.direction = Some(direction);
        write(packet)
    };
    database.write([
        went(1, Direction::Tx),
        went(1, Direction::Rx),
        went(2, Direction::Rx),
        went(2, Direction::Tx),
    ]);
    assert_eq!(database.one::<i64>("SELECT COUNT(*) FROM observations WHERE direction = 'rx'"), 2);
}

#[test]
fn first_seen_only_moves_back_and_last_seen_only_forward() {
    let database = Database::new();
    let minute = |n: i64| NOON.plus_millis(n * 60_000);
    database.write([
        write(advert(1, Some("Ridge"), minute(5))),
        write(PacketWrite { path_json: r#"["A1"]"#.into(), ..advert(1, Some("Ridge"), minute(2)) }),
    ]);
    assert_eq!(
        database.one::<String>("SELECT first_seen FROM transmissions"),
        minute(2).to_rfc3339_seconds()
    );
    assert_eq!(database.one::<i64>("SELECT last_seen FROM transmissions"), minute(5).seconds());
    assert_eq!(database.one::<String>("SELECT last_seen FROM nodes"), minute(5).to_rfc3339_seconds());
    assert_eq!(database.one::<String>("SELECT last_seen FROM observers"), minute(5).to_rfc3339_seconds());
}

#[test]
fn a_last_seen_in_the_future_is_brought_back() {
    let database = Database::new();
    database.write([write(advert(1, Some("Ridge"), NOON))]);
    database.execute("UPDATE nodes SET last_seen = '2099-01-01T00:00:00Z'; UPDATE observers SET last_seen = '2099-01-01T00:00:00Z'");
    let later = NOON.plus_millis(1_000);
    database.write([write(advert(2, Some("Ridge"), later))]);
    assert_eq!(database.one::<String>("SELECT last_seen FROM nodes"), later.to_rfc3339_seconds());
    assert_eq!(database.one::<String>("SELECT last_seen FROM observers"), later.to_rfc3339_seconds());
}

#[test]
fn an_advert_makes_a_node_counts_once_and_never_loses_its_name() {
    let database = Database::new();
    let second_copy = PacketWrite { path_json: r#"["A1"]"#.into(), ..advert(1, Some("Ridge"), NOON) };
    database.write([write(advert(1, Some("Ridge"), NOON)), write(second_copy), write(advert(2, None, NOON))]);
    let page = database.reader().nodes(&NodeFilter { limit: 10, ..NodeFilter::default() }).unwrap();
    assert_eq!(page.total, 1);
    let node = &page.nodes[0];
    assert_eq!(node.public_key, "ab".repeat(32));
    assert_eq!((node.name.as_deref(), node.role.as_deref()), (Some("Ridge"), Some("repeater")));
    assert_eq!((node.lat, node.lon, node.advert_count), (Some(47.5), Some(8.5), 2));
    assert_eq!(database.one::<String>("SELECT DISTINCT from_pubkey FROM transmissions"), "ab".repeat(32));
}

#[test]
fn an_advert_with_broken_app_data_keeps_what_is_known_and_makes_a_new_node_without_a_role() {
    let database = Database::new();
    let broken = |hash| {
        let mut packet = advert(hash, None, NOON);
        let advert = packet.advert.as_mut().unwrap();
        (advert.role, advert.position) = (None, None);
        write(packet)
    };
    database.write([broken(1)]);
    assert_eq!(database.one::<String>("SELECT role FROM nodes"), "none");
    database.write([write(advert(2, Some("Ridge"), NOON)), broken(3)]);
    assert_eq!(database.one::<String>("SELECT role || name || lat FROM nodes"), "repeaterRidge47.5");
}

#[test]
fn a_node_that_was_put_aside_comes_back_with_its_history() {
    let database = Database::new();
    database.write([write(advert(1, Some("Ridge"), NOON))]);
    database.execute("INSERT INTO inactive_nodes SELECT * FROM nodes; DELETE FROM nodes;");
    let later = NOON.plus_millis(1_000);
    database.write([write(advert(2, None, later))]);
    assert_eq!(database.one::<i64>("SELECT COUNT(*) FROM inactive_nodes"), 0);
    assert_eq!(database.one::<String>("SELECT first_seen FROM nodes"), NOON.to_rfc3339_seconds());
    assert_eq!(database.one::<i64>("SELECT advert_count FROM nodes"), 2);
}

#[test]
fn a_live_status_is_news_and_a_kept_one_is_not() {
    let database = Database::new();
    let later = NOON.plus_millis(3_600_000);
    database.write([Write::Status(Box::new(status("kpabap", NOON, Presence::Live)))]);
    assert_eq!(database.one::<String>("SELECT last_seen FROM observers"), NOON.to_rfc3339_seconds());
    assert_eq!(database.one::<i64>("SELECT packet_count FROM observers"), 0);
    database.execute("UPDATE observers SET inactive = 1");
    let kept =
        ObserverStatus { model: Some("newer board".into()), ..status("kpabap", later, Presence::Past) };
    database.write([Write::Status(Box::new(kept))]);
    assert_eq!(database.one::<String>("SELECT last_seen FROM observers"), NOON.to_rfc3339_seconds());
    assert_eq!(database.one::<String>("SELECT model FROM observers"), "newer board");
    assert_eq!(database.one::<i64>("SELECT inactive FROM observers"), 1);
    assert_eq!(database.one::<i64>("SELECT COUNT(*) FROM observer_metrics"), 1);
}

#[test]
fn readings_are_sampled_and_a_status_without_any_leaves_no_sample() {
    let database = Database::new();
    let at = |seconds: i64| NOON.plus_millis(seconds * 1_000);
    let bare = ObserverStatus { readings: Radio::default(), ..status("kpabap", NOON, Presence::Live) };
    database.write([
        Write::Status(Box::new(status("kpabap", at(149), Presence::Live))),
        Write::Status(Box::new(status("kpabap", at(150), Presence::Live))),
        Write::Status(Box::new(status("kpabap", at(449), Presence::Live))),
        Write::Status(Box::new(bare)),
    ]);
    let samples: String =
        database.one("SELECT group_concat(timestamp) FROM observer_metrics ORDER BY timestamp");
    assert_eq!(samples, format!("{},{}", NOON.to_rfc3339_seconds(), at(300).to_rfc3339_seconds()));
}

#[test]
fn clock_events_of_a_day_are_counted_together() {
    let database = Database::new();
    let skewed = |hash, at| {
        write(PacketWrite {
            clock_skew: Some(ClockSkew { seconds: -25_200 }),
            ..packet(hash, "kpabap", "[]", at)
        })
    };
    let hours = |n: i64| NOON.plus_millis(n * 3_600_000);
    database.write([skewed(1, NOON), skewed(2, hours(23))]);
    assert_eq!(database.one::<i64>("SELECT clock_skew_count_24h FROM observers"), 2);
    database.write([skewed(3, hours(48))]);
    assert_eq!(database.one::<i64>("SELECT clock_skew_count_24h FROM observers"), 1);
    let observers = database.reader().observers(hours(48)).unwrap();
    assert_eq!(observers[0].clock_skew_s, Some(-25_200));
    let a_day_later = database.reader().observers(hours(73)).unwrap();
    assert_eq!((a_day_later[0].clock_skew_s, a_day_later[0].clock_skew_count_24h), (None, 0));
}

#[test]
fn a_dropped_advert_leaves_a_trace_and_its_observer_was_heard() {
    let database = Database::new();
    let dropped = DroppedAdvert {
        reception: reception("kpabap", NOON),
        raw_hex: "11".into(),
        hash: PacketHash::from_bytes([7; 8]),
        node_key: "ab".repeat(32),
        node_name: Some("Mallory".into()),
    };
    database.write([Write::Dropped(Box::new(dropped))]);
    assert_eq!(
        database.one::<String>("SELECT reason || dropped_at FROM dropped_packets"),
        "invalid signature2026-05-01 12:00:00"
    );
    assert_eq!(database.one::<i64>("SELECT COUNT(*) FROM transmissions"), 0);
    assert_eq!(database.one::<String>("SELECT last_seen FROM observers"), NOON.to_rfc3339_seconds());
    assert_eq!(database.one::<Option<String>>("SELECT last_packet_at FROM observers"), None);
}

#[test]
fn a_packet_that_the_database_refuses_does_not_take_its_batch_along() {
    let database = Database::new();
    database.write([]);
    database.execute(
        "CREATE TRIGGER refuse BEFORE INSERT ON transmissions WHEN NEW.hash = '0202020202020202'
         BEGIN SELECT RAISE(ABORT, 'refused'); END",
    );
    let outcomes = database.write((1..=3).map(|hash| write(packet(hash, "kpabap", "[]", NOON))));
    assert_eq!(outcomes[1], Outcome::Failed);
    assert_eq!(database.one::<i64>("SELECT COUNT(*) FROM observations"), 2);
    assert_eq!(database.one::<i64>("SELECT packet_count FROM observers"), 2);
}

#[test]
fn a_locked_file_makes_the_writer_wait_and_loses_nothing() {
    let database = Database::new();
    database.write([]);
    let (committed, done) = std::sync::mpsc::channel();
    let writer = Writer::open(&database.path, WriterOptions::default(), move |commit| {
        committed.send(commit.outcomes.len()).unwrap();
    })
    .unwrap();
    let locker = Connection::open(&database.path).unwrap();
    locker.execute_batch("BEGIN IMMEDIATE").unwrap();
    writer.submit(Job { ticket: 0, write: write(packet(1, "kpabap", "[]", NOON)) }).unwrap();
    assert!(done.try_recv().is_err(), "nothing is committed while another connection holds the file");
    locker.execute_batch("COMMIT").unwrap();
    assert_eq!(done.recv_timeout(std::time::Duration::from_secs(20)), Ok(1));
}

#[test]
fn while_messages_cannot_be_written_errands_are_refused_instead_of_waiting() {
    let database = Database::new();
    database.write([]);
    let writer = Writer::open(&database.path, WriterOptions::default(), |_| {}).unwrap();
    let locker = Connection::open(&database.path).unwrap();
    locker.execute_batch("BEGIN IMMEDIATE").unwrap();
    writer.submit(Job { ticket: 0, write: write(packet(1, "kpabap", "[]", NOON)) }).unwrap();
    let handle = writer.handle();
    let refused = loop {
        // before the message is begun an errand has its own turn, and fails by itself
        match handle.run(Component::Requests, |_| Ok(())).unwrap_err() {
            StoreError::Sql(_) => {}
            other => break other,
        }
    };
    assert!(matches!(refused, StoreError::TakesNoWrites), "{refused}");
    locker.execute_batch("COMMIT").unwrap();
    writer.flush().unwrap();
    handle.run(Component::Requests, |_| Ok(())).unwrap();
    assert_eq!(database.one::<i64>("SELECT COUNT(*) FROM observations"), 1);
}

#[test]
fn a_second_writer_is_refused() {
    let database = Database::new();
    let first = Writer::open(&database.path, WriterOptions::default(), |_| {}).unwrap();
    let error = Writer::open(&database.path, WriterOptions::default(), |_| {}).unwrap_err();
    assert!(matches!(error, StoreError::AlreadyWritten { .. }), "{error}");
    drop(first);
    Writer::open(&database.path, WriterOptions::default(), |_| {}).unwrap();
}

#[test]
fn a_reader_cannot_write_and_needs_a_complete_file() {
    let database = Database::new();
    assert!(matches!(Reader::open(&database.path), Err(StoreError::Open { .. })));
    database.write([]);
    Reader::open(&database.path).unwrap();
    database.execute("DROP INDEX idx_observations_dedup");
    let error = Reader::open(&database.path).unwrap_err().to_string();
    assert!(error.contains("index idx_observations_dedup"), "{error}");
}

#[test]
fn a_packet_is_found_by_hash_by_replaced_hash_by_id_and_by_observation() {
    let database = Database::new();
    database.write([write(packet(1, "kpabap", "[]", NOON)), write(packet(2, "kpabap", "[]", NOON))]);
    database.execute("INSERT INTO hash_aliases VALUES ('0909090909090909', '0202020202020202')");
    let reader = database.reader();
    let id = |id| reader.packet(id).unwrap().map(|packet| packet.id);
    assert_eq!(id(PacketId::Hash(PacketHash::from_bytes([2; 8]))), Some(2));
    assert_eq!(id(PacketId::Hash(PacketHash::from_bytes([9; 8]))), Some(2));
    assert_eq!(id(PacketId::Transmission(1)), Some(1));
    assert_eq!(id(PacketId::Observation(2)), Some(2));
    assert_eq!(id(PacketId::Transmission(3)), None);
}

#[test]
fn the_longest_path_is_the_best_and_a_transmission_is_the_last_resort() {
    let database = Database::new();
    let mut sent = packet(1, "sender", r#"["A1","B2","C3"]"#, NOON);
    sent.reception.direction = Some(Direction::Tx);
    database.write([
        write(sent),
        write(packet(1, "near", r#"["A1"]"#, NOON)),
        write(packet(1, "far", r#"["A1","B2"]"#, NOON)),
        write(packet(1, "also far", r#"["A1","D4"]"#, NOON)),
    ]);
    let filter = PacketFilter { limit: 10, ..PacketFilter::default() };
    let packet = database.reader().packets(&filter).unwrap().packets.remove(0);
    assert_eq!(packet.best().unwrap().observer_id.as_deref(), Some("far"));
    assert_eq!((packet.observer_count(), packet.regions()), (4, vec!["SJC".to_owned()]));
}

#[test]
fn a_follower_sees_each_observation_once_and_in_order() {
    let database = Database::new();
    database.write([write(packet(1, "kpabap", "[]", NOON))]);
    let mut follower = Follower::open(&database.path).unwrap();
    assert!(!follower.has_changed().unwrap());
    database.write([
        write(packet(1, "other", "[]", NOON)),
        write(packet(1, "other", "[]", NOON)), // a duplicate is no news
        write(packet(2, "kpabap", "[]", NOON)),
    ]);
    assert!(follower.has_changed().unwrap());
    let first = follower.next(i64::MAX, 1).unwrap();
    assert_eq!((first.len(), first[0].observation_count), (1, 2));
    let second = follower.next(i64::MAX, 10).unwrap();
    assert_eq!((second.len(), second[0].packet.id, second[0].observation_count), (1, 2, 1));
    assert!(follower.next(i64::MAX, 10).unwrap().is_empty());
    assert!(!follower.has_changed().unwrap());
}

#[test]
fn the_file_is_whole_after_many_batches() {
    let database = Database::new();
    let many = (0..1_000_u32).map(|n| {
        let [a, b, ..] = n.to_le_bytes();
        write(PacketWrite {
            hash: PacketHash::from_bytes([a, b, 0, 0, 0, 0, 0, 1]),
            ..packet(0, if n % 3 == 0 { "a" } else { "b" }, "[]", NOON.plus_millis(i64::from(n)))
        })
    });
    let outcomes = database.write(many);
    assert!(outcomes.iter().all(|outcome| is_new(*outcome) == (true, true)));
    assert_eq!(database.one::<String>("PRAGMA integrity_check"), "ok");
    assert_eq!(database.one::<String>("PRAGMA journal_mode"), "wal");
    assert_eq!(database.one::<i64>("PRAGMA auto_vacuum"), 2);
    let totals = Reader::open(Path::new(&database.path)).unwrap().totals(NOON).unwrap();
    assert_eq!((totals.transmissions, totals.observations, totals.observers), (1_000, 1_000, 2));
}

#[test]
fn the_frame_of_an_observation_is_read_whole_and_stored_only_where_it_differs() {
    let database = Database::new();
    let frame = |observer: &str, raw: &str, path: &str| {
        write(PacketWrite { raw_hex: raw.into(), path_json: path.into(), ..packet(1, observer, path, NOON) })
    };
    database.write([
        frame("first", "0900AABB", "[]"),
        frame("second", "0901C1AABB", r#"["C1"]"#),
        frame("lower case", "0902c1d2aabb", r#"["C1","D2"]"#),
        frame("other header", "4900AABB", "[]"), // a later version of the payload
    ]);
    let stored = "SELECT group_concat(raw_hex) FROM observations";
    assert_eq!(database.one::<String>(stored), "4900AABB");
    let found = database.reader().packet(PacketId::Transmission(1)).unwrap().unwrap();
    let frames: Vec<_> = found.observations.iter().map(|o| o.raw_hex.as_deref().unwrap()).collect();
    assert_eq!(frames, ["0900AABB", "0901C1AABB", "0902C1D2AABB", "4900AABB"]);
}

#[test]
fn a_node_is_foreign_until_an_advert_from_inside_says_otherwise() {
    let database = Database::new();
    let from = |hash, foreign| {
        let mut packet = advert(hash, Some("Ridge"), NOON);
        packet.advert.as_mut().unwrap().foreign = foreign;
        write(packet)
    };
    let is_foreign = || database.one::<i64>("SELECT foreign_advert FROM nodes");
    database.write([from(1, Some(true)), from(2, None)]);
    assert_eq!(is_foreign(), 1, "an advert without a position says nothing");
    database.write([from(3, Some(false))]);
    assert_eq!(is_foreign(), 0);
}

#[test]
fn the_region_of_an_advert_becomes_its_nodes_when_it_has_a_name() {
    let database = Database::new();
    let scoped = |hash, scope: &str| {
        write(PacketWrite { scope_name: Some(scope.into()), ..advert(hash, Some("Ridge"), NOON) })
    };
    database.write([scoped(1, "#alpen"), scoped(2, "")]);
    assert_eq!(database.one::<String>("SELECT default_scope FROM nodes"), "#alpen");
}

#[test]
fn a_mobile_reception_is_kept_once_and_its_client_is_named() {
    let database = Database::new();
    let heard = |heard: Heard, name: Option<&str>, at: UnixMillis| {
        Write::ClientReception(Box::new(ClientReception {
            received_at: at,
            client: PublicKey::from_bytes(KEY),
            client_name: name.map(str::to_owned),
            heard,
            rssi: Some(-97),
            snr: Some(4.25),
            position: (47.5, 8.5),
            accuracy_m: None,
            heard_at: NOON,
        }))
    };
    let later = NOON.plus_millis(5_000);
    database.write([
        heard(Heard::LastHop(vec![0xc1, 0xd2]), Some("Ada"), NOON),
        heard(Heard::LastHop(vec![0xc1, 0xd2]), None, later),
        heard(Heard::Advert(PublicKey::from_bytes([0xcd; 32])), None, later),
    ]);
    let kept = "SELECT group_concat(heard_keylen || src) FROM client_receptions";
    assert_eq!(database.one::<String>(kept), "2rxlog,32advert");
    let client: String = database.one("SELECT pubkey || name || last_seen FROM client_observers");
    assert_eq!(client, format!("{}Ada{}", "ab".repeat(32), later.to_rfc3339_seconds()));
    assert_eq!(database.one::<i64>("SELECT COUNT(*) FROM observers"), 0);
}

#[test]
fn the_writer_counts_what_it_does() {
    let database = Database::new();
    let writer = Writer::open(&database.path, WriterOptions::default(), |_| {}).unwrap();
    for write in [
        write(packet(1, "a", "[]", NOON)),
        write(packet(1, "b", "[]", NOON)),
        write(advert(2, Some("Ridge"), NOON)),
        Write::Status(Box::new(status("a", NOON, Presence::Live))),
    ] {
        writer.submit(Job { ticket: 0, write }).unwrap();
    }
    writer.flush().unwrap();
    let handle = writer.handle();
    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(std::sync::atomic::Ordering::Relaxed);
    let figures = handle.figures();
    assert_eq!(
        (count(&figures.tx_inserted), count(&figures.tx_dupes), count(&figures.obs_inserted)),
        (2, 1, 3)
    );
    assert_eq!((count(&figures.node_upserts), count(&figures.observer_upserts)), (1, 1));
    assert!(count(&figures.commits) >= 1 && count(&figures.write_errors) == 0);
    let locks = figures.locks();
    assert_eq!(locks.iter().map(|lock| lock.component).collect::<Vec<_>>(), [Component::Messages]);
    assert!(locks[0].hold.max > 0.0);
}
