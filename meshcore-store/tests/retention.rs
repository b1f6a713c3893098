//! What goes when, to the second; and that nothing else goes.

mod database;

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use database::{DAY, Database, NOON, go_on};
use meshcore_store::UnixMillis;
use meshcore_store::db::{
    Component, Retention, RetentionDays, StoreError, Writer, WriterOptions, check, fold_log,
    knows_free_pages, return_free_pages, silence_observers, vacuum_fully,
};
use rstest::rstest;

const DAYS: RetentionDays = RetentionDays {
    nodes: 7,
    observers: Some(14),
    metrics: 30,
    packets: Some(30),
    client_receptions: Some(30),
};

/// The last second that stays, and the one before it.
fn border(days: i64) -> (UnixMillis, UnixMillis) {
    let cutoff = NOON.plus_millis(-days * DAY);
    (cutoff, cutoff.plus_millis(-1_000))
}

/// Every form in which a time is stored.
fn forms(at: UnixMillis) -> Vec<String> {
    let seconds = at.to_rfc3339_seconds();
    let bare = seconds.trim_end_matches('Z');
    let in_zurich = at.plus_millis(2 * 3_600_000).to_rfc3339_seconds();
    vec![
        seconds.clone(),
        at.to_rfc3339_millis(),
        format!("{bare}.999Z"),
        bare.replace('T', " "),
        bare.to_owned(),
        format!("{}+02:00", in_zurich.trim_end_matches('Z')),
    ]
}

impl Database {
    fn retention(&self, writer: &Writer) -> Retention {
        Retention::new(&self.path, writer.handle(), DAYS)
    }

    /// One row per form of `at`, by `insert` with `{n}` and `{time}`.
    fn insert_all_forms(&self, insert: &str, first: usize, at: UnixMillis) {
        let row = |(n, time): (usize, &String)| {
            insert.replace("{n}", &(first + n).to_string()).replace("{time}", time) + ";"
        };
        self.execute(&forms(at).iter().enumerate().map(row).collect::<String>());
    }
}

type Prune = fn(&Retention, UnixMillis, &dyn Fn() -> bool) -> Result<u64, StoreError>;

#[rstest]
#[case::nodes(
    7,
    Retention::nodes,
    "nodes",
    "INSERT INTO nodes (public_key, last_seen) VALUES ('{n}', '{time}')"
)]
#[case::metrics(
    30,
    Retention::metrics,
    "observer_metrics",
    "INSERT INTO observer_metrics (observer_id, timestamp) VALUES ('{n}', '{time}')"
)]
#[case::dropped(
    30,
    Retention::metrics,
    "dropped_packets",
    "INSERT INTO dropped_packets (id, reason, dropped_at) VALUES ({n}, 'invalid signature', '{time}')"
)]
#[case::packets(
    30,
    Retention::packets,
    "transmissions",
    "INSERT INTO transmissions (id, raw_hex, hash, first_seen, last_seen) VALUES ({n}, '', '{n}', '{time}', 1)"
)]
#[case::client_receptions(
    30,
    Retention::client_receptions,
    "client_receptions",
    "INSERT INTO client_receptions (rx_pubkey, heard_key, heard_keylen, lat, lon, rx_at, ingested_at, src)
     VALUES ('{n}', 'k', 32, 0, 0, '{time}', '', 'advert')"
)]
#[case::client_observers(
    30,
    Retention::client_receptions,
    "client_observers",
    "INSERT INTO client_observers (pubkey, last_seen) VALUES ('{n}', '{time}')"
)]
fn what_is_older_than_its_days_goes_and_the_border_stays(
    #[case] days: i64,
    #[case] prune: Prune,
    #[case] table: &str,
    #[case] insert: &str,
) {
    let database = Database::new();
    let (stays, goes) = border(days);
    database.insert_all_forms(insert, 0, stays);
    database.insert_all_forms(insert, 100, goes);
    for (n, broken) in ["", "yesterday", "2026-99-99T00:00:00Z"].iter().enumerate() {
        database.execute(&insert.replace("{n}", &format!("{}", 200 + n)).replace("{time}", broken));
    }
    let writer = database.writer();
    let kept = forms(stays).len() as i64 + 3; // a time that cannot be read is not old
    assert_eq!(prune(&database.retention(&writer), NOON, &go_on).unwrap(), forms(goes).len() as u64);
    assert_eq!(database.one::<i64>(&format!("SELECT COUNT(*) FROM {table}")), kept);
    assert_eq!(
        prune(&database.retention(&writer), NOON, &go_on).unwrap(),
        0,
        "the second time nothing is due"
    );
}

#[test]
fn a_node_put_aside_keeps_all_its_columns_whatever_their_order() {
    let database = Database::new();
    let columns = "last_seen TEXT, multibyte_evidence TEXT, multibyte_sup INTEGER NOT NULL DEFAULT 0, default_scope TEXT,
         foreign_advert INTEGER, temperature_c REAL, battery_mv INTEGER, advert_count INTEGER, first_seen TEXT,
         lon REAL, lat REAL, role TEXT, name TEXT, public_key TEXT PRIMARY KEY";
    database.execute(&format!("DROP TABLE inactive_nodes; CREATE TABLE inactive_nodes ({columns})"));
    database.execute(
        "INSERT INTO nodes VALUES ('ab', 'Ridge', 'repeater', 47.5, 8.5, '2026-04-01T00:00:00Z', '2026-03-01T00:00:00Z',
                                   12, 4100, 21.5, 1, '#alps', 2, 'advert');
         INSERT INTO inactive_nodes (public_key, name, last_seen) VALUES ('ab', 'older', '2025-01-01T00:00:00Z')",
    );
    let writer = database.writer();
    assert_eq!(database.retention(&writer).nodes(NOON, &go_on).unwrap(), 1);
    assert_eq!(database.one::<i64>("SELECT COUNT(*) FROM nodes"), 0);
    let names =
        "public_key || name || role || lat || lon || last_seen || first_seen || advert_count || battery_mv ||
                 temperature_c || foreign_advert || default_scope || multibyte_sup || multibyte_evidence";
    assert_eq!(
        database.one::<String>(&format!("SELECT {names} FROM inactive_nodes")),
        "abRidgerepeater47.58.52026-04-01T00:00:00Z2026-03-01T00:00:00Z12410021.51#alps2advert"
    );
}

#[test]
fn observers_not_heard_become_inactive_and_all_inactive_ones_lose_their_readings() {
    let database = Database::new();
    let (stays, goes) = border(14);
    database.execute(&format!(
        "INSERT INTO observers (id, last_seen, inactive) VALUES ('HEARD', '{stays}', 0), ('SILENT', '{goes}', 0),
                ('NEW', NULL, 0), ('UNWANTED', '{stays}', 1);
         INSERT INTO observer_metrics (observer_id, timestamp)
         VALUES ('heard', '{stays}'), ('silent', '{stays}'), ('UNWANTED', '{stays}')"
    ));
    let writer = database.writer();
    let retention = database.retention(&writer);
    assert_eq!(retention.observers(NOON.plus_millis(-1_000), &go_on).unwrap(), 0);
    assert_eq!(
        database.one::<i64>("SELECT COUNT(*) FROM observer_metrics"),
        3,
        "nobody became inactive, so nothing goes"
    );
    assert_eq!(retention.observers(NOON, &go_on).unwrap(), 1);
    let inactive: String =
        database.one("SELECT group_concat(id) FROM observers WHERE inactive = 1 ORDER BY id");
    assert_eq!(inactive, "SILENT,UNWANTED");
    assert_eq!(database.one::<String>("SELECT group_concat(observer_id) FROM observer_metrics"), "heard");
}

#[test]
fn an_early_end_marks_no_observer_whose_readings_are_still_there() {
    let database = Database::new();
    let (_, goes) = border(14);
    database.execute(&format!("INSERT INTO observers (id, last_seen) VALUES ('SILENT', '{goes}')"));
    let hourly = format!("strftime('%Y-%m-%dT%H:%M:%SZ', {} + 3600 * n, 'unixepoch')", goes.seconds());
    database.execute(&format!(
        "WITH RECURSIVE hours(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM hours WHERE n < 100)
         INSERT INTO observer_metrics (observer_id, timestamp) SELECT 'SILENT', {hourly} FROM hours"
    ));
    let writer = database.writer();
    let asked = AtomicUsize::new(0);
    let stop_soon = || asked.fetch_add(1, Ordering::Relaxed) >= 1;
    assert_eq!(database.retention(&writer).observers(NOON, &stop_soon).unwrap(), 0);
    let left: i64 = database.one("SELECT COUNT(*) FROM observer_metrics");
    assert!((1..100).contains(&left), "ended in between, {left} are left");
    assert_eq!(database.one::<i64>("SELECT inactive FROM observers"), 0);
    assert_eq!(database.retention(&writer).observers(NOON, &go_on).unwrap(), 1);
    assert_eq!(database.one::<i64>("SELECT COUNT(*) FROM observer_metrics"), 0);
}

#[test]
fn a_packet_still_being_heard_stays_and_takes_nothing_along() {
    let database = Database::new();
    let (stays, goes) = border(30);
    let (late, early) = (stays.seconds(), goes.seconds());
    database.execute(&format!(
        "INSERT INTO observers (id) VALUES ('a');
         INSERT INTO transmissions (id, raw_hex, hash, first_seen, last_seen)
         VALUES (1, '', 'old', '{goes}', {early}), (2, '', 'heard again', '{goes}', {late}),
                (3, '', 'unfilled, heard again', '{goes}', 0), (4, '', 'unfilled, old', '{goes}', 0),
                (5, '', 'never observed', '{goes}', 0), (6, '', 'first seen later than last', '{stays}', {early});
         INSERT INTO observations (transmission_id, observer_idx, path_json, timestamp)
         VALUES (1, 1, 'a', {early}), (1, 1, 'b', {early}), (2, 1, '', {early}), (2, 1, 'b', {late}),
                (3, 1, '', {late}), (4, 1, '', {early});
         INSERT INTO hash_aliases (old_hash, hash) VALUES ('x', 'old'), ('y', 'heard again')"
    ));
    let writer = database.writer();
    assert_eq!(database.retention(&writer).packets(NOON, &go_on).unwrap(), 3);
    assert_eq!(database.one::<String>("SELECT group_concat(id) FROM transmissions"), "2,3,6");
    assert_eq!(database.one::<String>("SELECT group_concat(transmission_id) FROM observations"), "2,2,3");
    assert_eq!(database.one::<String>("SELECT group_concat(old_hash) FROM hash_aliases"), "y");
    assert_eq!(database.one::<i64>("SELECT COUNT(*) FROM pragma_foreign_key_check"), 0);
}

#[test]
fn what_has_no_days_stays_for_ever() {
    let database = Database::new();
    database.execute(
        "INSERT INTO observers (id, last_seen) VALUES ('a', '2001-01-01T00:00:00Z');
         INSERT INTO transmissions (raw_hex, hash, first_seen) VALUES ('', 'h', '2001-01-01T00:00:00Z');
         INSERT INTO client_observers (pubkey, last_seen) VALUES ('a', '2001-01-01T00:00:00Z')",
    );
    let writer = database.writer();
    let days = RetentionDays { observers: None, packets: None, client_receptions: None, ..DAYS };
    let retention = Retention::new(&database.path, writer.handle(), days);
    assert_eq!(retention.observers(NOON, &go_on).unwrap(), 0);
    assert_eq!(retention.packets(NOON, &go_on).unwrap(), 0);
    assert_eq!(retention.client_receptions(NOON, &go_on).unwrap(), 0);
    assert_eq!(RetentionDays::default().packets, None, "a missing key never deletes packets");
}

#[test]
fn unwanted_observers_are_marked_in_whatever_case_they_are_named() {
    let database = Database::new();
    database
        .execute("INSERT INTO observers (id, inactive) VALUES ('ABCD', NULL), ('kpabap', 0), ('gone', 1)");
    let writer = database.writer();
    let unwanted = ["abcd".to_owned(), " GONE ".to_owned(), "nobody".to_owned()];
    assert_eq!(silence_observers(&writer.handle(), &unwanted).unwrap(), 1);
    assert_eq!(
        database.one::<String>("SELECT group_concat(id) FROM observers WHERE inactive = 1"),
        "ABCD,gone"
    );
}

#[test]
fn much_is_removed_in_small_errands_and_an_end_in_between_leaves_no_orphan() {
    let database = Database::new();
    database.fill(400, 5);
    let writer = database.writer();
    let retention = database.retention(&writer);
    let later = NOON.plus_millis(31 * DAY);
    let asked = AtomicUsize::new(0);
    let stop_soon = || asked.fetch_add(1, Ordering::Relaxed) >= 3;
    let first = retention.packets(later, &stop_soon).unwrap();
    assert!((1..400).contains(&first), "ended in between, after {first}");
    let orphans =
        "SELECT COUNT(*) FROM observations WHERE transmission_id NOT IN (SELECT id FROM transmissions)";
    assert_eq!(database.one::<i64>(orphans), 0);
    assert_eq!(database.one::<i64>("SELECT COUNT(*) FROM observations"), (400 - first as i64) * 5);
    assert_eq!(first + retention.packets(later, &go_on).unwrap(), 400, "the next run goes on");
    assert_eq!(database.one::<i64>("SELECT COUNT(*) FROM observations"), 0);
    let handle = writer.handle();
    let locks = handle.figures().locks();
    let prunes = locks.iter().find(|lock| lock.component == Component::PrunePackets).unwrap();
    assert!(prunes.count > 3, "in several errands: {}", prunes.count);
}

const DIE_AT: &str = "TEST_DIE_AT";
const DIE_IN: &str = "TEST_DIE_IN";

/// What the killed process does; without the variables it is no test.
#[test]
fn child_prunes_and_dies() {
    let (Ok(at), Ok(path)) = (std::env::var(DIE_AT), std::env::var(DIE_IN)) else { return };
    let writer = Writer::open(path.as_ref(), WriterOptions::default(), |_| {}).unwrap();
    let (at, asked): (usize, _) = (at.parse().unwrap(), AtomicUsize::new(0));
    let die = || if asked.fetch_add(1, Ordering::Relaxed) == at { std::process::abort() } else { false };
    Retention::new(path, writer.handle(), DAYS).packets(NOON.plus_millis(31 * DAY), &die).unwrap();
}

#[test]
fn a_kill_while_pruning_leaves_no_orphan_and_the_next_run_goes_on() {
    let mut left = Vec::new();
    for at in 0..4 {
        let database = Database::new();
        database.fill(300, 3);
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_prunes_and_dies"])
            .env(DIE_AT, at.to_string())
            .env(DIE_IN, &database.path)
            .output()
            .unwrap()
            .status;
        assert!(!status.success(), "it was killed");
        assert!(check(&database.path).unwrap().is_ok());
        let packets: i64 = database.one("SELECT COUNT(*) FROM transmissions");
        assert_eq!(database.one::<i64>("SELECT COUNT(*) FROM observations"), 3 * packets);
        left.push(packets);
        let writer = database.writer();
        let rest = database.retention(&writer).packets(NOON.plus_millis(31 * DAY), &go_on).unwrap();
        assert_eq!(rest, packets as u64);
    }
    assert_eq!(left.first(), Some(&300));
    assert!(left.is_sorted_by(|a, b| a > b), "{left:?}");
}

#[test]
fn free_pages_are_returned_up_to_the_limit() {
    let database = Database::new();
    database.fill(500, 4);
    let writer = database.writer();
    let handle = writer.handle();
    database.retention(&writer).packets(NOON.plus_millis(31 * DAY), &go_on).unwrap();
    let free: i64 = database.one("PRAGMA freelist_count");
    assert!(free > 20, "pruning left pages: {free}");
    assert_eq!(return_free_pages(&handle, 10, &go_on).unwrap(), 10);
    assert_eq!(database.one::<i64>("PRAGMA freelist_count"), free - 10);
    let before: i64 = database.one("PRAGMA page_count");
    return_free_pages(&handle, 1_000_000, &go_on).unwrap();
    assert_eq!(database.one::<i64>("PRAGMA freelist_count"), 0);
    assert!(database.one::<i64>("PRAGMA page_count") < before);
    assert_eq!(return_free_pages(&handle, 10, &go_on).unwrap(), 0);
}

#[test]
fn the_log_is_folded_unless_a_reader_needs_it() {
    let database = Database::new();
    let writer = database.writer();
    database.execute("INSERT INTO _state VALUES ('a', 'b')");
    let reader = database.connection();
    reader.execute_batch("BEGIN; SELECT * FROM _state").unwrap();
    database.execute("INSERT INTO _state VALUES ('c', 'd')");
    let blocked = fold_log(&writer.handle()).unwrap();
    assert!(blocked.blocked && blocked.frames > blocked.checkpointed, "{blocked:?}");
    reader.execute_batch("COMMIT").unwrap();
    let folded = fold_log(&writer.handle()).unwrap();
    assert!(!folded.blocked && folded.frames > 0 && folded.frames == folded.checkpointed, "{folded:?}");
    let log = database.path.with_extension("db-wal");
    assert_eq!(log.metadata().unwrap().len(), 0);
}

/// Whether a vacuum has left what the next start is to end.
const NOTES_OF_VACUUM: &str = "SELECT COUNT(*) FROM _state WHERE key = 'observer_rows_before_vacuum'";

/// A file as another program made it: without knowledge of its free pages.
fn file_without_free_page_list() -> Database {
    let database = Database::new();
    database.fill(300, 3);
    database.execute("PRAGMA journal_mode = DELETE; PRAGMA auto_vacuum = NONE; VACUUM;");
    assert_eq!(database.one::<i64>("PRAGMA auto_vacuum"), 0);
    database
}

#[test]
fn a_full_vacuum_teaches_a_file_to_return_pages_and_observers_keep_their_observations() {
    let database = file_without_free_page_list();
    let heard = "SELECT group_concat(b.id || o.id ORDER BY o.id) FROM observations o JOIN observers b ON b.rowid = o.observer_idx";
    let before: String = database.one(heard);
    let writer = database.writer();
    database.retention(&writer).packets(NOON.plus_millis(30 * DAY + 200_000), &go_on).unwrap();
    let left: String = database.one(heard);
    assert_ne!(left, before);
    assert!(!knows_free_pages(&database.path).unwrap());
    assert_eq!(return_free_pages(&writer.handle(), 10, &go_on).unwrap(), 0, "it cannot");
    let vacuumed = vacuum_fully(&writer.handle(), &database.path).unwrap();
    assert!(vacuumed.after < vacuumed.before, "{vacuumed:?}");
    assert!(knows_free_pages(&database.path).unwrap());
    assert_eq!(database.one::<String>(heard), left);
    assert_eq!(database.one::<i64>(NOTES_OF_VACUUM), 0, "no note is left");
    assert_eq!(database.one::<String>("PRAGMA integrity_check"), "ok");
}

#[test]
fn a_vacuum_that_was_killed_before_observations_followed_is_ended_by_the_next_start() {
    let database = Database::new();
    database.fill(3, 2);
    let heard = "SELECT group_concat(b.id || o.id ORDER BY o.id) FROM observations o JOIN observers b ON b.rowid = o.observer_idx";
    let before: String = database.one(heard);
    // What the killed run had noted, and the rows as a vacuum would have numbered them: both changed places.
    database.execute(
        r#"INSERT INTO _state VALUES ('observer_rows_before_vacuum', '{"observer 0":1,"observer 1":2}');
           UPDATE observers SET rowid = 99 WHERE rowid = 1;
           UPDATE observers SET rowid = 1 WHERE rowid = 2;
           UPDATE observers SET rowid = 2 WHERE rowid = 99;"#,
    );
    assert_ne!(database.one::<String>(heard), before);
    drop(database.writer());
    assert_eq!(database.one::<String>(heard), before);
    assert_eq!(database.one::<i64>(NOTES_OF_VACUUM), 0);
}
