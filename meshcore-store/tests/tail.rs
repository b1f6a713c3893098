//! What a tail tells, put together, is what is in the file: whatever the writer did, and however often it was asked.

mod database;

use std::collections::BTreeMap;
use std::sync::Arc;

use database::{DAY, Database, NOON, message};
use meshcore_proto::KeyRing;
use meshcore_store::UnixMillis;
use meshcore_store::db::migrate::{self, MigrationOptions};
use meshcore_store::db::{
    Batch, Component, Job, Loader, Retention, RetentionDays, Tail, Watermarks, Write, Writer, delete_nodes,
    pack, unpack, vacuum_fully,
};
use meshcore_store::view::{Numbering, Packet};
use proptest::prelude::*;
use rstest::rstest;

const FAR_FUTURE: UnixMillis = UnixMillis::from_seconds(4_000_000_000);

/// A reader who keeps packets in memory.
struct Mirror {
    tail: Tail,
    loader: Loader,
    packets: BTreeMap<i64, Packet>,
}

impl Mirror {
    fn new(database: &Database) -> Self {
        let (numbering, keys) = (Arc::new(Numbering::default()), Arc::new(KeyRing::new()));
        let loader = Loader::open(&database.path, &numbering, &keys).unwrap();
        let watermarks = loader.watermarks().unwrap();
        let tail = Tail::open(&database.path, &numbering, &keys, watermarks).unwrap();
        let mut mirror = Self { tail, loader, packets: BTreeMap::new() };
        mirror.packets = mirror.stored();
        mirror
    }

    /// What is in the file.
    fn stored(&self) -> BTreeMap<i64, Packet> {
        let packets = self.loader.packets_in(1..=i64::MAX).unwrap();
        packets.into_iter().map(|packet| (packet.id, packet)).collect()
    }

    /// Takes the next batch over.
    fn next(&mut self, limit: usize) -> Batch {
        let batch = self.tail.next(limit).unwrap();
        if batch.reload {
            assert_eq!((&batch.packets, &batch.observations), (&vec![], &vec![]));
            return batch;
        }
        for (id, packet) in batch.packets.clone() {
            match packet {
                Some(packet) => self.packets.insert(id, packet),
                None => self.packets.remove(&id),
            };
        }
        for (id, observations) in &batch.observations {
            let packet = self.packets.get_mut(id).expect("observations of a packet that is known");
            for observation in observations {
                assert!(packet.observations.iter().all(|o| o.id != observation.id), "told twice");
                packet.observations.push(observation.clone());
            }
            packet.normalise();
        }
        batch
    }

    /// Takes everything over, `limit` at a time.
    fn catch_up(&mut self, limit: usize) {
        while self.tail.has_changed().unwrap() {
            assert!(!self.next(limit).reload);
        }
        assert_eq!(self.packets, self.stored());
    }
}

/// A filled file, its writer, and who follows.
fn followed(packets: u32, observers: u32) -> (Database, Writer, Mirror) {
    let database = Database::new();
    database.fill(packets, observers);
    let writer = database.writer();
    let mirror = Mirror::new(&database);
    (database, writer, mirror)
}

fn submit(writer: &Writer, write: Write) {
    writer.submit(Job { ticket: 0, write }).unwrap();
    writer.flush().unwrap();
}

/// Packet `number`, heard by `observer` so many seconds later, perhaps with a signal.
fn heard(number: u32, observer: u32, seconds: i64, snr: Option<f64>) -> Write {
    let mut write = message(number, observer);
    let Write::Packet(packet) = &mut write else { unreachable!() };
    packet.reception.received_at = packet.reception.received_at.plus_millis(seconds * 1_000);
    packet.reception.signal.snr = snr;
    write
}

/// Has the writer change rows.
fn execute(writer: &Writer, sql: &'static str) {
    writer.handle().run(Component::Migration, move |transaction| transaction.execute_batch(sql)).unwrap();
}

fn ids(batch: &Batch) -> (Vec<i64>, Vec<i64>) {
    (
        batch.packets.iter().map(|(id, _)| *id).collect(),
        batch.observations.iter().map(|(id, _)| *id).collect(),
    )
}

#[test]
fn a_new_packet_comes_whole_and_a_late_observation_alone() {
    let (_database, writer, mut mirror) = followed(3, 2);
    assert_eq!(ids(&mirror.next(10)), (vec![], vec![]), "what was there is known");
    assert!(!mirror.tail.has_changed().unwrap());
    submit(&writer, message(7, 0));
    submit(&writer, heard(1, 5, 60, None));
    assert!(mirror.tail.has_changed().unwrap());
    let batch = mirror.next(10);
    assert_eq!(ids(&batch), (vec![4], vec![2]));
    assert_eq!(batch.observations[0].1.len(), 1);
    assert!(batch.is_last && !mirror.tail.has_changed().unwrap());
    mirror.catch_up(10);
}

#[test]
fn an_observation_heard_again_is_news_only_if_it_says_more() {
    let (_database, writer, mut mirror) = followed(3, 2);
    submit(&writer, heard(1, 1, 0, Some(7.5)));
    assert_eq!(ids(&mirror.next(10)), (vec![2], vec![]), "the signal was not known");
    submit(&writer, heard(1, 1, 0, None));
    submit(&writer, heard(1, 1, 5, Some(7.5)));
    assert_eq!(ids(&mirror.next(10)), (vec![], vec![]), "nothing new, but when it was last heard");
    mirror.catch_up(10);
}

#[test]
fn a_packet_heard_earlier_than_known_is_replaced_once() {
    let (_database, writer, mut mirror) = followed(3, 2);
    submit(&writer, heard(1, 5, -60, None));
    let batch = mirror.next(10);
    assert_eq!(ids(&batch), (vec![2], vec![]), "its new observation is not told beside it");
    assert_eq!(batch.packets[0].1.as_ref().unwrap().observations.len(), 3);
    mirror.catch_up(10);
}

#[rstest]
#[case::decoded_anew("UPDATE transmissions SET scope_name = 'ch-zh', channel_hash = 'test' WHERE id = 2", &[2])]
#[case::rehashed("UPDATE transmissions SET hash = '00000000000000ff' WHERE id = 2", &[2])]
#[case::merged(
    "UPDATE OR IGNORE observations SET transmission_id = 1, path_json = '[\"AA\"]' WHERE transmission_id = 2;
     DELETE FROM transmissions WHERE id = 2",
    &[1, 2]
)]
#[case::observation_gone("DELETE FROM observations WHERE id = 3", &[2])]
#[case::many_changes("UPDATE observations SET score = 1; UPDATE observations SET score = 2", &[1, 2, 3])]
#[case::last_seen_only("UPDATE transmissions SET last_seen = last_seen + 1", &[])]
#[case::as_it_was("UPDATE observations SET score = score; UPDATE transmissions SET first_seen = first_seen", &[])]
fn what_is_changed_is_told_whole(#[case] sql: &'static str, #[case] changed: &[i64]) {
    let (_database, writer, mut mirror) = followed(3, 2);
    for _ in 0..2 {
        execute(&writer, "UPDATE observations SET rssi = -100 WHERE id = 1"); // noted before: the note moves
        mirror.catch_up(10);
    }
    execute(&writer, sql);
    assert_eq!(ids(&mirror.next(10)), (changed.to_vec(), vec![]));
    mirror.catch_up(10);
}

#[test]
fn packets_that_retention_removes_are_gone() {
    let (database, writer, mut mirror) = followed(20, 3);
    let days = RetentionDays { packets: Some(1), ..RetentionDays::default() };
    let now = NOON.plus_millis(DAY + 10_000); // what came in the first ten seconds is due
    let retention = Retention::new(&database.path, writer.handle(), days);
    assert_eq!(retention.packets(now, &|| false).unwrap(), 10);
    let batch = mirror.next(1_000);
    assert!(batch.packets.iter().all(|(_, packet)| packet.is_none()));
    assert_eq!(ids(&batch).0, (1..=10).collect::<Vec<_>>());
    mirror.catch_up(10);
}

#[test]
fn packing_and_unpacking_change_nothing_and_tell_nothing() {
    let (_database, writer, mut mirror) = followed(30, 3);
    execute(&writer, GRAPH_HAS_SEEN_ALL);
    mirror.catch_up(10);
    assert_eq!(pack(&writer.handle(), FAR_FUTURE, &|| false).unwrap(), 90);
    assert_eq!(ids(&mirror.next(1_000)), (vec![], vec![]));
    mirror.catch_up(10);
    submit(&writer, heard(3, 9, 60, None)); // unpacks its packet
    assert_eq!(ids(&mirror.next(1_000)), (vec![], vec![4]));
    assert_eq!(unpack(&writer.handle(), &|| false).unwrap(), 87);
    assert_eq!(ids(&mirror.next(1_000)), (vec![], vec![]));
    mirror.catch_up(10);
}

#[test]
fn a_reader_who_missed_what_is_packed_now_reads_everything_again() {
    let (_database, writer, mut mirror) = followed(30, 3);
    execute(&writer, GRAPH_HAS_SEEN_ALL);
    submit(&writer, heard(3, 9, 60, None));
    pack(&writer.handle(), NOON.plus_millis(2_000), &|| false).unwrap();
    assert_eq!(ids(&mirror.next(1)), (vec![], vec![4]), "only what was known is packed");
    submit(&writer, heard(4, 9, 60, None));
    pack(&writer.handle(), FAR_FUTURE, &|| false).unwrap();
    assert!(mirror.next(10).reload);
}

#[test]
fn a_reader_who_comes_when_all_is_packed_is_told_nothing_old() {
    let (database, writer, _) = followed(30, 3);
    execute(&writer, GRAPH_HAS_SEEN_ALL);
    pack(&writer.handle(), FAR_FUTURE, &|| false).unwrap();
    let mut mirror = Mirror::new(&database);
    submit(&writer, heard(3, 9, 60, None));
    unpack(&writer.handle(), &|| false).unwrap();
    let batch = mirror.next(1_000);
    assert_eq!(ids(&batch), (vec![], vec![4]));
    assert_eq!(batch.observations[0].1.len(), 1);
    mirror.catch_up(10);
}

#[test]
fn changes_are_still_noted_after_a_full_vacuum() {
    let (database, writer, mut mirror) = followed(3, 2);
    execute(&writer, GRAPH_HAS_SEEN_ALL);
    vacuum_fully(&writer.handle(), &database.path).unwrap();
    execute(&writer, "UPDATE observations SET score = 5 WHERE id = 1");
    assert_eq!(ids(&mirror.next(10)), (vec![1], vec![]));
    assert_eq!(pack(&writer.handle(), FAR_FUTURE, &|| false).unwrap(), 6, "views are there, too");
    mirror.catch_up(10);
}

#[test]
fn changes_are_still_noted_after_a_large_index_was_made() {
    let (database, _, _) = followed(600, 2);
    database.execute("DROP INDEX idx_observations_timestamp");
    let writer = database.writer();
    execute(&writer, GRAPH_HAS_SEEN_ALL);
    let mut mirror = Mirror::new(&database);
    let finished =
        migrate::finish(&writer.handle(), &MigrationOptions::default(), &|| false, &mut |_| {}).unwrap();
    assert_eq!(finished.applied.len(), 1);
    execute(&writer, "UPDATE observations SET score = 5 WHERE id = 1");
    assert_eq!(ids(&mirror.next(10)), (vec![1], vec![]));
    assert_eq!(pack(&writer.handle(), FAR_FUTURE, &|| false).unwrap(), 1_200, "views are there, too");
    mirror.catch_up(10);
}

#[test]
fn a_reader_who_missed_more_than_is_kept_reads_everything_again() {
    let (database, writer, mut mirror) = followed(2, 1);
    execute(&writer, "UPDATE observations SET score = 5 WHERE id = 1");
    mirror.catch_up(10);
    let behind = mirror.tail.watermarks();
    let (numbering, keys) = (Arc::new(Numbering::default()), Arc::new(KeyRing::new()));
    let mut slow = Tail::open(&database.path, &numbering, &keys, behind).unwrap();
    // Each of them twice: all numbers but the newest are of notes that were replaced.
    let counting = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
                    INSERT OR REPLACE INTO changed_packets (transmission_id) SELECT i % 2 + 1 FROM n";
    execute(&writer, counting);
    assert!(!slow.next(10).unwrap().reload, "a note is lost only when there are too many newer ones");
    let mut slow = Tail::open(&database.path, &numbering, &keys, behind).unwrap();
    execute(&writer, counting);
    let batch = slow.next(10).unwrap();
    assert!(batch.reload && batch.packets.is_empty());
    assert!(slow.has_changed().unwrap(), "nothing of it was read");
    assert!(database.one::<i64>("SELECT COUNT(*) FROM changed_packets") <= 2);
}

#[test]
fn a_tail_from_the_beginning_tells_everything() {
    let (database, _writer, mut mirror) = followed(40, 3);
    let (numbering, keys) = (Arc::new(Numbering::default()), Arc::new(KeyRing::new()));
    mirror.loader = Loader::open(&database.path, &numbering, &keys).unwrap();
    mirror.tail = Tail::open(&database.path, &numbering, &keys, Watermarks::default()).unwrap();
    mirror.packets.clear();
    mirror.catch_up(7);
    assert_eq!(mirror.packets.len(), 40);
}

/// Only what the graph has seen is packed.
const GRAPH_HAS_SEEN_ALL: &str =
    "INSERT INTO _state (key, value) VALUES ('neighbor_edges_obs_id', '1000000000')
                                  ON CONFLICT (key) DO UPDATE SET value = excluded.value";

/// Something that happens to a file.
#[derive(Clone, Copy, Debug)]
enum Step {
    Heard { number: u32, observer: u32, seconds: i64, snr: Option<u8> },
    Pack { seconds: i64 },
    Unpack,
    Prune { seconds: i64 },
    Decode { id: i64 },
    Merge { id: i64 },
    Forget,
    Vacuum,
    Restart,
    Follow { limit: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let heard = (0..30_u32, 0..4_u32, -5..60_i64, proptest::option::of(0..9_u8))
        .prop_map(|(number, observer, seconds, snr)| Step::Heard { number, observer, seconds, snr });
    prop_oneof![
        30 => heard,
        2 => (0..40_i64).prop_map(|seconds| Step::Pack { seconds }),
        1 => Just(Step::Unpack),
        2 => (0..20_i64).prop_map(|seconds| Step::Prune { seconds }),
        3 => (1..30_i64).prop_map(|id| Step::Decode { id }),
        2 => (1..30_i64).prop_map(|id| Step::Merge { id }),
        1 => Just(Step::Forget),
        1 => Just(Step::Vacuum),
        1 => Just(Step::Restart),
        10 => (1..6_usize).prop_map(|limit| Step::Follow { limit }),
    ]
}

impl Step {
    fn happen(self, database: &Database, writer: &mut Option<Writer>, mirror: &mut Mirror) {
        if matches!(self, Self::Restart) {
            *writer = None; // the lock is given back first
            *writer = Some(database.writer());
        }
        let writer = writer.as_ref().unwrap();
        let handle = writer.handle();
        match self {
            Self::Heard { number, observer, seconds, snr } => {
                submit(writer, heard(number, observer, seconds, snr.map(f64::from)));
            }
            Self::Pack { seconds } => {
                pack(&handle, NOON.plus_millis(seconds * 1_000), &|| false).unwrap();
            }
            Self::Unpack => {
                unpack(&handle, &|| false).unwrap();
            }
            Self::Prune { seconds } => {
                let days = RetentionDays { packets: Some(1), ..RetentionDays::default() };
                let now = NOON.plus_millis(DAY + seconds * 1_000);
                Retention::new(&database.path, handle, days).packets(now, &|| false).unwrap();
            }
            Self::Decode { id } => {
                let sql =
                    "UPDATE transmissions SET channel_hash = COALESCE(channel_hash, '') || 'x' WHERE id = ?1";
                handle
                    .run(Component::Reprocessing, move |transaction| transaction.execute(sql, [id]))
                    .unwrap();
            }
            Self::Merge { id } => {
                let merge = move |transaction: &rusqlite::Transaction<'_>| {
                    let other = "(SELECT MIN(id) FROM transmissions WHERE id > ?1)";
                    let packed =
                        format!("SELECT 1 FROM packed_observations WHERE transmission_id IN (?1, {other})");
                    if transaction.prepare(&packed)?.exists([id])? {
                        return Ok(());
                    }
                    let has_both =
                        format!("SELECT 1 FROM transmissions WHERE id = ?1 AND {other} IS NOT NULL");
                    if !transaction.prepare(&has_both)?.exists([id])? {
                        return Ok(());
                    }
                    let moved = format!(
                        "UPDATE OR IGNORE observations SET transmission_id = {other} WHERE transmission_id = ?1"
                    );
                    transaction.execute(&moved, [id])?;
                    transaction.execute("DELETE FROM observations WHERE transmission_id = ?1", [id])?;
                    transaction.execute("DELETE FROM transmissions WHERE id = ?1", [id])?;
                    Ok(())
                };
                handle.run(Component::Migration, merge).unwrap();
            }
            Self::Forget => {
                delete_nodes(&handle, &[format!("{:064x}", 1)], &|| false).unwrap();
            }
            Self::Vacuum => {
                vacuum_fully(&handle, &database.path).unwrap();
            }
            Self::Restart => {}
            Self::Follow { limit } => {
                if mirror.next(limit).reload {
                    *mirror = Mirror::new(database);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn whatever_happens_memory_is_as_the_file(steps in proptest::collection::vec(step(), 1..80)) {
        let database = Database::new();
        let mut writer = Some(database.writer());
        execute(writer.as_ref().unwrap(), GRAPH_HAS_SEEN_ALL);
        let mut mirror = Mirror::new(&database);
        for step in steps {
            step.happen(&database, &mut writer, &mut mirror);
        }
        if mirror.next(1).reload {
            return Ok(()); // observations were packed before they were told
        }
        mirror.catch_up(3);
    }
}
