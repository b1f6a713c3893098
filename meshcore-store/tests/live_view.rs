//! A view that keeps step with its database holds what the file holds, whatever happened and however it was started.

mod database;
mod support;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use database::{DAY, Database, NOON, message};
use meshcore_store::db::{
    Component, History, Job, LiveView, LiveViewOptions, PacketId, Retention, RetentionDays, Writer, pack,
    unpack,
};
use meshcore_store::sim::{Mesh, MeshOptions, Scribe, TrafficOptions};
use meshcore_store::view::{Known, Order, Packet, Selection};
use rusqlite::Connection;
use support::File;

/// Long enough for any machine; nobody waits for it when all is well.
const PATIENCE: Duration = Duration::from_secs(60);

fn options(path: &std::path::Path) -> LiveViewOptions {
    LiveViewOptions::new(path, Arc::new(|| NOON.plus_millis(3 * DAY)))
}

fn snapshot_file(database: &Database) -> PathBuf {
    options(&database.path).snapshot.unwrap()
}

fn start(database: &Database) -> LiveView {
    LiveView::start(options(&database.path)).unwrap()
}

fn in_memory(history: &History) -> Vec<Packet> {
    let snapshot = history.view().snapshot();
    let all = snapshot.packets(&Selection::default(), Order::Oldest, 0..usize::MAX);
    all.packets.iter().map(|packet| packet.to_packet()).collect()
}

fn in_file(history: &History) -> Vec<Packet> {
    history.with_loader(|loader| loader.packets_in(1..=i64::MAX)).unwrap()
}

/// Waits until `is_so`.
fn wait(what: &str, is_so: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "not within a minute: {what}");
        std::thread::yield_now();
    }
}

/// Waits until the view holds what the file holds.
fn assert_in_step(live: &LiveView) {
    let history = live.history();
    wait("loading", || {
        let snapshot = history.view().snapshot();
        snapshot.generation() > 0 && snapshot.coverage().loading.is_none()
    });
    let file = in_file(history);
    wait("following", || in_memory(history) == file);
}

/// Leaves a snapshot file of everything.
fn save(database: &Database) {
    let live = start(database);
    assert_in_step(&live);
}

/// A town's first messages, in order.
fn town(messages: usize) -> Vec<meshcore_store::db::Write> {
    let mesh = Mesh::new(&MeshOptions { nodes: 60, ..MeshOptions::town() });
    let mut scribe = Scribe::new(&mesh);
    let stream = mesh.stream(NOON, TrafficOptions::rate(2));
    stream.filter_map(move |event| scribe.write(event)).take(messages).collect()
}

fn submit(writer: &Writer, writes: impl IntoIterator<Item = meshcore_store::db::Write>) {
    for write in writes {
        writer.submit(Job { ticket: 0, write }).unwrap();
    }
    writer.flush().unwrap();
}

#[test]
fn it_follows_the_writer_and_says_what_came_in_order() {
    let database = Database::new();
    let writer = database.writer();
    let mut writes = town(4_000).into_iter();
    submit(&writer, writes.by_ref().take(1_000));
    let live = start(&database);
    assert_in_step(&live);
    let before = live.view().changes().newest();
    for _ in 0..10 {
        submit(&writer, writes.by_ref().take(300));
        live.wake();
    }
    assert_in_step(&live);
    let told = live.view().changes().after(before, usize::MAX).unwrap();
    assert!(told.windows(2).all(|pair| pair[0].seq + 1 == pair[1].seq));
    let mut told: Vec<i64> = told.iter().map(|change| change.observation).collect();
    told.sort_unstable();
    let packets = in_file(live.history());
    let mut stored: Vec<i64> = packets.iter().flat_map(|p| p.observations.iter().map(|o| o.id)).collect();
    stored.sort_unstable();
    let stored = stored.split_off(stored.len() - told.len());
    assert_eq!(told, stored, "each observation once");
}

#[test]
fn it_sees_what_is_pruned_packed_unpacked_and_changed_by_hand() {
    let database = Database::new();
    database.fill(40, 3);
    let writer = database.writer();
    let live = start(&database);
    assert_in_step(&live);
    let handle = writer.handle();
    handle
        .run(Component::Migration, |transaction| {
            transaction.execute_batch(
                "UPDATE _state SET value = '999999' WHERE key = 'neighbor_edges_obs_id';
                 INSERT OR IGNORE INTO _state (key, value) VALUES ('neighbor_edges_obs_id', '999999');
                 UPDATE transmissions SET scope_name = '#somewhere' WHERE id % 7 = 0;
                 UPDATE observations SET snr = 3.25 WHERE id % 5 = 0;
                 DELETE FROM observations WHERE id % 11 = 0;
                 UPDATE transmissions SET first_seen = '2026-05-01T09:00:00Z' WHERE id = 9",
            )
        })
        .unwrap();
    assert_in_step(&live);
    assert!(pack(&handle, NOON.plus_millis(DAY), &|| false).unwrap() > 0);
    assert_in_step(&live);
    assert!(unpack(&handle, &|| false).unwrap() > 0);
    submit(&writer, [message(41, 0), message(3, 9)]);
    assert_in_step(&live);
    let days = RetentionDays { packets: Some(1), ..RetentionDays::default() };
    let retention = Retention::new(&database.path, writer.handle(), days);
    assert!(retention.packets(NOON.plus_millis(DAY + 20_000), &|| false).unwrap() > 0);
    assert_in_step(&live);
}

#[test]
fn it_starts_again_from_its_file_and_takes_what_came_meanwhile() {
    let database = Database::new();
    let mut writes = town(3_000).into_iter();
    submit(&database.writer(), writes.by_ref().take(2_000));
    save(&database);
    let writer = database.writer();
    submit(&writer, writes);
    writer
        .handle()
        .run(Component::Migration, |transaction| {
            transaction.execute_batch(
                "DELETE FROM observations WHERE transmission_id = 5; DELETE FROM transmissions WHERE id = 5",
            )
        })
        .unwrap();
    let live = start(&database);
    assert_in_step(&live);
    assert!(live.history().packet(PacketId::Transmission(5)).unwrap().is_none());
}

#[test]
fn a_file_that_cannot_be_trusted_is_ignored_and_replaced() {
    let database = Database::new();
    submit(&database.writer(), town(1_500));
    save(&database);
    let path = snapshot_file(&database);
    let whole = fs::read(&path).unwrap();
    let damaged: Vec<Vec<u8>> = vec![
        whole[..whole.len() / 2].to_vec(),
        whole
            .iter()
            .enumerate()
            .map(|(at, byte)| if at == whole.len() / 3 { byte ^ 4 } else { *byte })
            .collect(),
        b"not a snapshot".to_vec(),
        Vec::new(),
    ];
    for bytes in damaged {
        fs::write(&path, bytes).unwrap();
        let live = start(&database);
        assert_in_step(&live);
        drop(live);
        let live = start(&database);
        assert_in_step(&live);
    }

    let other = Database::new();
    submit(&other.writer(), town(500));
    fs::write(snapshot_file(&other), &whole).unwrap();
    assert_in_step(&start(&other));
}

#[test]
fn a_file_of_rows_that_are_not_there_any_more_is_found_out() {
    let database = Database::new();
    submit(&database.writer(), town(1_500));
    save(&database);
    // Another program takes rows away, and nobody notes it.
    database.execute("DELETE FROM observations WHERE id = 700");
    assert_in_step(&start(&database));
}

/// Forty packets at the beginning of each of thirty hours.
fn thirty_hours(database: &Database) {
    let writes = (0..1_200).map(|n| {
        let mut write = message(n, n % 4);
        let meshcore_store::db::Write::Packet(packet) = &mut write else { unreachable!() };
        let (hour, second) = (i64::from(n / 40), i64::from(n % 40));
        packet.reception.received_at = NOON.plus_millis(hour * 3_600_000 + second * 1_000);
        write
    });
    submit(&database.writer(), writes);
}

#[test]
fn what_memory_does_not_hold_is_found_in_the_database() {
    let database = Database::new();
    thirty_hours(&database);
    let all = start(&database);
    assert_in_step(&all);
    let some = LiveView::start(LiveViewOptions {
        budget: Some(all.view().snapshot().bytes() / 3),
        snapshot: None,
        ..options(&database.path)
    })
    .unwrap();
    wait("loading", || {
        some.view().snapshot().coverage().loading.is_none() && some.view().snapshot().generation() > 0
    });
    let snapshot = some.view().snapshot();
    assert!(snapshot.coverage().since.is_some());
    let held = snapshot.count(&Selection::default());
    assert!((1..1_200).contains(&held), "{held} of 1200");

    let unframed = |packets: &[Packet]| -> Vec<Packet> {
        packets.iter().map(|packet| Packet { frame: None, ..packet.clone() }).collect()
    };
    let observer = all.history().view().snapshot().names().find_observer(1);
    let selections = [
        Selection::default(),
        Selection { observers: Some(observer.into_iter().collect()), ..Selection::default() },
        Selection { channel: Some(Known::Nowhere), ..Selection::default() },
    ];
    for selection in &selections {
        for order in [Order::Newest, Order::Oldest, Order::LatestHeard] {
            for page in [0..50, 300..350, 1_000..1_100, 1_190..1_300] {
                let expected = all.history().page(selection, order, page.clone()).unwrap();
                let found = some.history().page(selection, order, page).unwrap();
                assert_eq!(unframed(&found.packets), unframed(&expected.packets));
            }
        }
    }
    for packet in in_file(all.history()) {
        let found = some.history().packet(PacketId::Hash(packet.hash)).unwrap().unwrap();
        assert_eq!(some.history().frame(&found).unwrap(), packet.frame);
        let observation = packet.observations[0].id;
        let found = some.history().packet(PacketId::Observation(observation)).unwrap();
        assert_eq!(found.map(|found| found.id), Some(packet.id));
    }
    assert!(some.history().packet(PacketId::Transmission(99_999)).unwrap().is_none());
}

/// Totals of captured databases equal what SQL counts.
fn counts_like_sql(name: &str) {
    let Some(file) = File::shared(name) else { return };
    drop(Writer::open(&file.path, Default::default(), |_| {}).unwrap());
    let live = LiveView::start(options(&file.path)).unwrap();
    assert_in_step(&live);
    let snapshot = live.view().snapshot();
    let totals = snapshot.totals();
    let sql = Connection::open(&file.path).unwrap();
    let pairs = |query: &str| -> Vec<(i64, i64)> {
        let mut statement = sql.prepare(query).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    };
    let sorted = |mut pairs: Vec<(i64, i64)>| {
        pairs.sort_unstable();
        pairs
    };
    assert_eq!(totals.packets, file.count("transmissions"));
    assert_eq!(totals.observations, file.count("observations"));
    assert!(totals.packets > 0);
    let types = totals.by_type.iter().map(|(kind, count)| (i64::from(kind), count)).collect();
    let by_type = "SELECT COALESCE(payload_type, 255), COUNT(*) FROM transmissions GROUP BY 1 ORDER BY 1";
    assert_eq!(sorted(types), pairs(by_type));
    let row = |observer: u16| {
        let number = meshcore_store::view::ObserverNo::new(observer);
        number.map_or(0, |number| snapshot.names().observer_row(number).unwrap())
    };
    let observers = totals.by_observer.iter().map(|(observer, count)| (row(observer), count)).collect();
    let by_observer = "SELECT COALESCE(observer_idx, 0), COUNT(*) FROM observations GROUP BY 1 ORDER BY 1";
    assert_eq!(sorted(observers), pairs(by_observer));
    let channels: i64 = totals.by_channel.iter().map(|(_, count)| count).sum();
    assert_eq!(channels, file.one::<i64>("SELECT COUNT(channel_hash) FROM transmissions"));
    for (text, count) in totals.by_channel.iter() {
        let name =
            snapshot.names().text(meshcore_store::view::TextNo::new(text).unwrap()).unwrap().to_owned();
        let query = "SELECT COUNT(*) FROM transmissions WHERE channel_hash = ?1";
        assert_eq!(count, sql.query_row(query, [&name], |row| row.get::<_, i64>(0)).unwrap(), "{name}");
    }
    let senders = "SELECT from_pubkey, COUNT(*) FROM transmissions WHERE from_pubkey IS NOT NULL GROUP BY 1";
    let mut statement = sql.prepare(senders).unwrap();
    let senders =
        statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))).unwrap();
    for sender in senders {
        let (key, count) = sender.unwrap();
        let Ok(key) = key.parse() else { continue };
        let node = snapshot.names().find_node(&key).unwrap();
        assert_eq!(totals.node(node).sent, count, "{key}");
    }
}

#[test]
fn captured_databases_count_like_sql() {
    counts_like_sql("corescope-e2e.db");
    counts_like_sql("golden/rich.db");
}

#[test]
fn more_memory_than_before_is_filled_again() {
    let database = Database::new();
    thirty_hours(&database);
    let loaded = |live: &LiveView| {
        let snapshot = live.view().snapshot();
        snapshot.generation() > 0 && snapshot.coverage().loading.is_none()
    };
    let few = LiveViewOptions { keep_hours: Some(5), ..options(&database.path) };
    let now = NOON.plus_millis(30 * 3_600_000);
    let live = LiveView::start(LiveViewOptions { clock: Arc::new(move || now), ..few }).unwrap();
    wait("loading", || loaded(&live));
    assert!(live.view().snapshot().coverage().since.is_some());
    drop(live);
    let live = start(&database);
    assert_in_step(&live);
    assert!(live.view().snapshot().coverage().since.is_none());
}

#[test]
fn hours_that_are_too_old_are_not_kept() {
    let database = Database::new();
    thirty_hours(&database);
    let now = NOON.plus_millis(30 * 3_600_000);
    let live = LiveView::start(LiveViewOptions {
        keep_hours: Some(5),
        clock: Arc::new(move || now),
        ..options(&database.path)
    })
    .unwrap();
    let history = live.history();
    let is_young = |packet: &Packet| packet.first_seen >= NOON.plus_millis(25 * 3_600_000);
    wait("loading", || {
        let held = in_memory(history);
        !held.is_empty() && held.iter().all(is_young)
    });
    wait("loading to end", || live.view().snapshot().coverage().loading.is_none());
    assert_eq!(in_memory(history), in_file(history).into_iter().filter(is_young).collect::<Vec<_>>());
    let page = history.page(&Selection::default(), Order::Newest, 0..1_300).unwrap();
    assert_eq!((page.packets.len(), page.total, page.covered_since), (1_200, 1_200, None));
}
