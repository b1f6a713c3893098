//! Files of the first generations, made by code.

use meshcore_store::db::migrate::{Generation, plan};
use meshcore_store::db::{Writer, WriterOptions};

use super::support::{File, old_files};
use super::{NOW, assert_nothing_is_left, upgrade};

const ROWS: u32 = 100;

/// What both generations become.
fn assert_upgraded(file: &File, receptions: &[old_files::Reception]) {
    assert_eq!(file.count("transmissions"), old_files::packets(receptions) as i64);
    assert_eq!(file.count("observations"), old_files::observations(receptions) as i64);
    assert_eq!(
        file.one::<String>("SELECT group_concat(id, ' ' ORDER BY id) FROM observers"),
        "KNOWN NEW third"
    );
    let nobody = receptions.iter().filter(|r| r.observer.as_deref() == Some("")).count() as i64;
    assert!((1..=nobody).contains(&file.one("SELECT COUNT(*) FROM observations WHERE observer_idx IS NULL")));
    let first = receptions.iter().map(|r| r.at).min().unwrap();
    assert_eq!(file.one::<i64>("SELECT MIN(timestamp) FROM observations"), first);
    assert_eq!(file.one::<i64>("SELECT MIN(unixepoch(first_seen)) FROM transmissions"), first);
    // A merged duplicate was heard a second later: it may still count as the last time.
    assert_eq!(
        file.one::<i64>(
            "SELECT COUNT(*) FROM transmissions t WHERE last_seen - (SELECT MAX(timestamp)
               FROM observations o WHERE o.transmission_id = t.id) NOT IN (0, 1)"
        ),
        0
    );
    assert_eq!(
        file.one::<i64>("SELECT COUNT(*) FROM transmissions WHERE payload_type = 4 AND from_pubkey IS NULL"),
        0
    );
    let adverts: i64 = file.one("SELECT COUNT(*) FROM transmissions WHERE payload_type = 4");
    let counted: i64 = file.one("SELECT advert_count FROM nodes");
    assert_eq!(counted, adverts.max(13), "two spellings of one node counted 9 and 4");
    assert_eq!(
        file.one::<String>(
            "SELECT group_concat(DISTINCT channel_hash) FROM transmissions WHERE payload_type = 5"
        ),
        "enc_AB,Public"
    );
    assert_eq!(
        file.one::<i64>(
            "SELECT COUNT(*) FROM sqlite_schema WHERE name IN ('packets', 'paths', 'schema_version')"
        ),
        0
    );
    assert_eq!(file.one::<i64>("PRAGMA user_version"), 3);
    // Links of old keep working: every old hash leads to a packet.
    assert!(file.count("hash_aliases") > 0);
    assert_eq!(
        file.one::<i64>(
            "SELECT COUNT(*) FROM hash_aliases a WHERE NOT EXISTS
                           (SELECT 1 FROM transmissions t WHERE t.hash = a.hash)"
        ),
        0
    );
    assert_nothing_is_left(file);
}

#[test]
fn a_file_of_the_first_generation_is_upgraded() {
    let receptions = old_files::receptions(ROWS);
    let file = File::made(|connection| old_files::v1(connection, &receptions));
    let before = file.dump();
    let report = upgrade(&file.path);
    assert_eq!(report.generation, Generation::V1);
    let backup = file.path.with_file_name(format!("mesh.db.pre-v3-backup-{}", NOW.get()));
    assert_eq!(report.backup.as_deref(), Some(&*backup));
    assert_eq!(
        old_files::dump(&rusqlite::Connection::open(&backup).unwrap()),
        before,
        "the copy is the old file"
    );
    let packets = report.counts.iter().find(|count| count.table == "packets").unwrap();
    assert_eq!((packets.before, packets.after), (Some(u64::from(ROWS)), None));
    assert_upgraded(&file, &receptions);
}

#[test]
fn a_file_of_the_second_generation_is_upgraded_and_keeps_its_ids() {
    let receptions = old_files::receptions(ROWS);
    let file = File::made(|connection| old_files::v2(connection, &receptions));
    let timestamp: i64 = file.one("SELECT unixepoch(timestamp) FROM observations WHERE id = 42");
    let report = upgrade(&file.path);
    assert_eq!(report.generation, Generation::V2);
    assert!(report.backup.is_some_and(|backup| backup.exists()));
    assert_eq!(file.one::<i64>("SELECT timestamp FROM observations WHERE id = 42"), timestamp);
    assert_upgraded(&file, &receptions);
}

#[test]
fn a_file_of_the_third_generations_beginning_is_upgraded_in_place() {
    let receptions = old_files::receptions(ROWS);
    let file = File::made(|connection| old_files::v3_node(connection, &receptions));
    let backup = file.path.with_file_name("mesh.db.pre-v3-backup-1774000000000");
    std::fs::write(&backup, "left over").unwrap();
    let report = upgrade(&file.path);
    assert_eq!(report.generation, Generation::V3Node);
    assert_eq!(report.backup, None, "nothing is taken away");
    assert_eq!(std::fs::read_to_string(&backup).unwrap(), "left over");
    assert_eq!(file.count("observations"), old_files::observations(&receptions) as i64);
    assert_eq!(file.count("transmissions"), old_files::packets(&receptions) as i64);
    assert_eq!(file.one::<i64>("PRAGMA user_version"), 3);
    assert_nothing_is_left(&file);
}

#[test]
fn history_that_lies_in_both_generations_is_there_once() {
    let receptions = old_files::receptions(ROWS);
    let file = File::made(|connection| {
        old_files::v2(connection, &receptions);
        old_files::add_packets(connection, &receptions);
    });
    upgrade(&file.path);
    assert_upgraded(&file, &receptions);
}

/// The other program made its tables beside those of the first generation and left them alone.
#[test]
fn history_beside_later_tables_is_not_forgotten() {
    let receptions = old_files::receptions(ROWS);
    let (old, new) = receptions.split_at(60);
    let file = File::made(|connection| {
        old_files::capture(connection, new);
        old_files::add_packets(connection, old);
    });
    let report = upgrade(&file.path);
    assert_eq!(report.generation, Generation::Capture);
    assert!(report.backup.is_some());
    assert_eq!(file.count("transmissions"), old_files::packets(&receptions) as i64);
    assert_eq!(file.count("observations"), old_files::observations(&receptions) as i64);
    assert_nothing_is_left(&file);
}

#[test]
fn a_writer_upgrades_what_it_must_and_leaves_the_rest_for_later() {
    let receptions = old_files::receptions(ROWS);
    let file = File::made(|connection| old_files::v2(connection, &receptions));
    drop(
        Writer::open(&file.path, WriterOptions { opened_at: NOW, ..WriterOptions::default() }, |_| {})
            .unwrap(),
    );
    assert!(file.neighbours().contains(&format!("mesh.db.pre-v3-backup-{}", NOW.get())));
    let left: Vec<_> = plan(&file.path).unwrap().steps.iter().map(|step| step.name).collect();
    assert!(left.contains(&"content_hash_v2") && left.contains(&"from_pubkey"), "{left:?}");
    assert!(!left.contains(&"observations_v3") && !left.contains(&"schema"), "{left:?}");
    upgrade(&file.path);
    assert_upgraded(&file, &receptions);
}

#[test]
fn rows_nobody_can_place_are_left_behind_and_all_others_kept() {
    let receptions = old_files::receptions(ROWS);
    let file = File::made(|connection| {
        old_files::v1(connection, &receptions);
        connection
            .execute_batch(
                "INSERT INTO packets (raw_hex, timestamp, hash) VALUES ('zz', '2026-03-01T00:00:00Z', ''),
                                                                       (NULL, 'long ago', NULL);
                 INSERT INTO packets (raw_hex, timestamp, hash, observer_id) VALUES
                     ('zz', '2026-03-01T00:00:00Z', 'by hash', 'KNOWN');",
            )
            .unwrap();
    });
    upgrade(&file.path);
    assert_eq!(file.count("transmissions"), old_files::packets(&receptions) as i64 + 1);
    assert_eq!(file.one::<i64>("SELECT COUNT(*) FROM transmissions WHERE hash = 'by hash'"), 1);
}
