//! What is done beside live writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use meshcore_proto::PacketHash;
use meshcore_store::db::migrate::{self, MigrationOptions};
use meshcore_store::db::{
    Component, Job, NodeFilter, PacketFilter, PacketWrite, Progress, Reader, Write, Writer, WriterOptions,
};
use meshcore_store::{Reception, Signal, UnixMillis};

use super::support::{File, old_files};
use super::{NOW, assert_nothing_is_left, options};

fn never() -> bool {
    false
}

fn open(file: &File) -> Writer {
    Writer::open(&file.path, WriterOptions { opened_at: NOW, ..WriterOptions::default() }, |_| {}).unwrap()
}

fn finish(writer: &Writer, options: &MigrationOptions) -> migrate::Finished {
    migrate::finish(&writer.handle(), options, &never, &mut |_| {}).unwrap()
}

fn message(n: u64) -> Job {
    Job {
        ticket: 0,
        write: Write::Packet(Box::new(PacketWrite {
            reception: Reception {
                received_at: UnixMillis::new(NOW.get() + i64::try_from(n).unwrap()),
                observer: "LIVE".parse().unwrap(),
                observer_name: None,
                region: None,
                direction: None,
                signal: Signal::default(),
            },
            raw_hex: format!("0900{n:016x}"),
            hash: PacketHash::from_bytes(n.to_be_bytes()),
            route_type: 1,
            payload_type: 2,
            payload_version: 0,
            decoded_json: "{}".into(),
            path_json: "[]".into(),
            channel_hash: None,
            scope_name: None,
            advert: None,
            clock_skew: None,
        })),
    }
}

#[test]
fn done_beside_a_writer_the_file_is_the_same_as_done_at_once() {
    let build =
        |connection: &rusqlite::Connection| old_files::capture(connection, &old_files::receptions(3_000));
    let (beside, at_once) = (File::made(build), File::made(build));
    let writer = open(&beside);
    let finished = finish(&writer, &options());
    assert!(!finished.stopped);
    assert!(
        finished.applied.iter().any(|step| step.name == "idx_observations_tx_ts"),
        "a large table's index"
    );
    drop(writer);
    super::upgrade(&at_once.path);
    assert!(beside.dump() == at_once.dump());
    assert_nothing_is_left(&beside);
}

/// Readers see neither a locked file nor a schema that is gone, and messages are written meanwhile.
#[test]
fn readers_and_messages_go_on_while_a_file_is_finished() {
    let file = File::made(|connection| old_files::capture(connection, &old_files::receptions(4_000)));
    let writer = open(&file);
    let over = AtomicBool::new(false);
    let (reads, written) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut reader = Reader::open(&file.path).unwrap();
                while !over.load(Ordering::Relaxed) {
                    let filter = PacketFilter { limit: 20, ..PacketFilter::default() };
                    reader.packets(&filter).unwrap();
                    reader.nodes(&NodeFilter { limit: 20, ..NodeFilter::default() }).unwrap();
                    reader.observers(NOW).unwrap();
                    reader.totals(NOW).unwrap();
                    // Another one, which asks whether everything is there.
                    reader = Reader::open(&file.path).unwrap();
                    reads.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        scope.spawn(|| {
            // The queue is bounded: as many as the writer takes, but for the last no more than can be waited for.
            while !over.load(Ordering::Relaxed) && written.load(Ordering::Relaxed) < 5_000 {
                let n = written.fetch_add(1, Ordering::Relaxed);
                writer.submit(message(n)).unwrap();
            }
        });
        while reads.load(Ordering::Relaxed) < 2 {
            std::thread::yield_now();
        }
        let finished = finish(&writer, &options());
        assert!(!finished.stopped);
        over.store(true, Ordering::Relaxed);
    });
    drop(writer);
    assert!(reads.into_inner() >= 2);
    let live = written.into_inner() as i64;
    assert_eq!(
        file.one::<i64>(
            "SELECT COUNT(*) FROM observations o JOIN observers b ON b.rowid = o.observer_idx
                                 WHERE b.id = 'LIVE'"
        ),
        live
    );
    assert_nothing_is_left(&file);
}

#[test]
fn figures_tell_how_far_it_is_and_what_was_filled() {
    let file = File::made(|connection| old_files::capture(connection, &old_files::receptions(600)));
    let adverts: i64 = file.one("SELECT COUNT(*) FROM transmissions WHERE payload_type = 4");
    let writer = open(&file);
    let options = options();
    let figures = Arc::clone(&options.figures);
    assert!(!figures.from_pubkey().done);
    let mut seen: Vec<Progress> = Vec::new();
    migrate::finish(&writer.handle(), &options, &never, &mut |progress| seen.push(progress)).unwrap();
    let from_pubkey = figures.from_pubkey();
    assert_eq!(
        (from_pubkey.total, from_pubkey.processed, from_pubkey.done),
        (adverts as u64, adverts as u64, true)
    );
    let updates = figures.updates();
    let rows = |name: &str| updates.iter().find(|(counter, _)| *counter == name).map(|(_, rows)| *rows);
    assert_eq!(rows("from_pubkey"), Some(adverts as u64));
    assert!(rows("path_json").unwrap() > 0 && rows("content_hash").unwrap() > 0, "{updates:?}");
    assert!(seen.iter().all(|progress| progress.done <= progress.total));
    assert!(seen.iter().any(|progress| progress.step == "content_hash_v2" && progress.total > 0));
    let held = writer.handle().figures().locks();
    assert!(held.iter().any(|report| report.component == Component::Migration));
}

#[test]
fn what_was_stopped_goes_on_where_it_was() {
    let build =
        |connection: &rusqlite::Connection| old_files::capture(connection, &old_files::receptions(1_500));
    let (file, undisturbed) = (File::made(build), File::made(build));
    let mut rounds = 0;
    loop {
        let writer = open(&file);
        let asked = std::cell::Cell::new(0);
        // After a few questions the answer is yes.
        let should_stop = || {
            asked.set(asked.get() + 1);
            asked.get() > 4
        };
        let finished = migrate::finish(&writer.handle(), &options(), &should_stop, &mut |_| {}).unwrap();
        rounds += 1;
        if !finished.stopped {
            break;
        }
        assert!(rounds < 1_000, "it never ends");
    }
    assert!(rounds > 3, "{rounds} rounds");
    super::upgrade(&undisturbed.path);
    assert!(file.dump() == undisturbed.dump());
}

#[test]
fn a_failed_step_says_why_and_is_tried_again() {
    let file = File::made(|connection| old_files::capture(connection, &old_files::receptions(60)));
    let writer = open(&file);
    writer
        .handle()
        .run(Component::Migration, |transaction| {
            transaction.execute_batch(
                "CREATE TRIGGER refuse BEFORE UPDATE OF last_seen ON transmissions WHEN NEW.last_seen > 0
                 BEGIN SELECT RAISE(ABORT, 'no last_seen today'); END",
            )
        })
        .unwrap();
    let error = migrate::finish(&writer.handle(), &options(), &never, &mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("no last_seen today"), "{error}");
    let status = |name: &str| {
        file.one::<String>(&format!(
            "SELECT status || COALESCE(error, '') FROM _async_migrations WHERE name = '{name}'"
        ))
    };
    assert_eq!(status("tx_last_seen_backfill_v1"), "failedno last_seen today");
    assert_eq!(status("obs_observer_ts_idx_v1"), "done");
    writer
        .handle()
        .run(Component::Migration, |transaction| transaction.execute_batch("DROP TRIGGER refuse"))
        .unwrap();
    finish(&writer, &options());
    assert_eq!(status("tx_last_seen_backfill_v1"), "done");
    drop(writer);
    assert_nothing_is_left(&file);
}

#[test]
fn a_step_that_another_program_left_pending_is_done() {
    let file = File::made(|connection| old_files::capture(connection, &old_files::receptions(60)));
    super::upgrade(&file.path);
    file.execute(
        "UPDATE _async_migrations SET status = 'pending_async', ended_at = NULL WHERE name = 'tx_last_seen_backfill_v1';
         UPDATE transmissions SET last_seen = 0",
    );
    let writer = open(&file);
    let finished = finish(&writer, &options());
    assert_eq!(
        finished.applied.iter().map(|step| step.name).collect::<Vec<_>>(),
        ["tx_last_seen_backfill_v1"]
    );
    assert_eq!(file.one::<i64>("SELECT COUNT(*) FROM transmissions WHERE last_seen = 0"), 0);
}

#[test]
fn regions_wait_for_their_keys() {
    let file = File::made(|connection| old_files::capture(connection, &old_files::receptions(60)));
    let without = MigrationOptions { regions_configured: false, ..options() };
    let writer = open(&file);
    writer
        .handle()
        .run(Component::Migration, |transaction| {
            transaction.execute_batch("UPDATE transmissions SET scope_name = '#east' WHERE payload_type = 4")
        })
        .unwrap();
    finish(&writer, &without);
    assert_eq!(file.one::<i64>("SELECT COUNT(*) FROM nodes WHERE default_scope IS NOT NULL"), 0);
    finish(&writer, &options());
    assert_eq!(file.one::<i64>("SELECT COUNT(*) FROM nodes WHERE default_scope = '#east'"), 1);
    drop(writer);
    assert_nothing_is_left(&file);
}
