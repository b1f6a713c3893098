//! How long does pruning 100,000 observations hold the writer at once, and how long does it take?

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use meshcore_proto::PacketHash;
use meshcore_store::db::{
    Component, Job, LockReport, PacketWrite, Retention, RetentionDays, Write, Writer, WriterOptions,
    return_free_pages,
};
use meshcore_store::{Direction, Reception, Signal, UnixMillis};
use tempfile::TempDir;

/// 5,000 packets, each heard by 20 observers on ways of their own.
const PACKETS: u32 = 5_000;
const OBSERVERS: u32 = 20;

const START: UnixMillis = UnixMillis::from_seconds(1_777_636_800);
const DAYS: RetentionDays =
    RetentionDays { nodes: 7, observers: None, metrics: 30, packets: Some(30), client_receptions: None };

/// All packets are due then.
const LATER: UnixMillis = START.plus_millis(60 * 24 * 3_600_000);

fn message(packet: u32, observer: u32, at: UnixMillis) -> Write {
    let [a, b, c, d] = packet.to_be_bytes();
    Write::Packet(Box::new(PacketWrite {
        reception: Reception {
            received_at: at,
            observer: format!("observer {observer}").parse().expect("a good id"),
            observer_name: Some(format!("Observer {observer}")),
            region: Some("ZRH".into()),
            direction: Some(Direction::Rx),
            signal: Signal { snr: Some(7.5), rssi: Some(-92.0), score: None },
        },
        raw_hex: "15".repeat(60),
        // Scattered, as real hashes are.
        hash: PacketHash::from_bytes([d.wrapping_mul(151), c.wrapping_mul(37), b, a, d, c, 0, 1]),
        route_type: 1,
        payload_type: 5,
        payload_version: 0,
        decoded_json: r#"{"type":"CHAN","channel":"Public","text":"Ada: hello","sender":"Ada"}"#.repeat(3),
        path_json: format!(r#"["A1","B2","{observer:02X}"]"#),
        channel_hash: Some("Public".into()),
        scope_name: None,
        advert: None,
        clock_skew: None,
    }))
}

fn open(path: &Path) -> Writer {
    Writer::open(path, WriterOptions::default(), |_| {}).expect("a database")
}

fn filled() -> (TempDir, Writer) {
    let folder = tempfile::tempdir().expect("a folder");
    let writer = open(&folder.path().join("bench.db"));
    for packet in 0..PACKETS {
        let at = START.plus_millis(i64::from(packet) * 500);
        for observer in 0..OBSERVERS {
            let write = message(packet, observer, at);
            writer.submit(Job { ticket: 0, write }).expect("the writer is there");
        }
    }
    drop(writer); // all of it is in the file, and the figures begin anew
    let writer = open(&folder.path().join("bench.db"));
    (folder, writer)
}

fn prune((folder, writer): (TempDir, Writer)) -> (TempDir, Writer) {
    let retention = Retention::new(folder.path().join("bench.db"), writer.handle(), DAYS);
    let packets = retention.packets(LATER, &|| false).expect("pruned");
    assert_eq!(packets, u64::from(PACKETS));
    (folder, writer)
}

fn say((folder, writer): (TempDir, Writer), what: &str) {
    let handle = writer.handle();
    return_free_pages(&handle, u32::MAX, &|| false).expect("returned");
    for LockReport { component, count, wait, hold, .. } in handle.figures().locks() {
        eprintln!("{what}: {}: {count} times, held {hold:?}, waited {wait:?} (ms)", component.name());
    }
    drop((writer, folder));
}

fn retention(criterion: &mut Criterion) {
    say(prune(filled()), "pruning alone");
    let filled_and_busy = filled();
    let is_done = AtomicBool::new(false);
    let busy = thread::scope(|scope| {
        scope.spawn(|| {
            // 1,000 messages per second beside the pruning, in tens.
            let mut packet = 1_000_000;
            while !is_done.load(Ordering::Relaxed) {
                for _ in 0..10 {
                    packet += 1;
                    let write = message(packet, packet % OBSERVERS, LATER);
                    filled_and_busy.1.submit(Job { ticket: 0, write }).expect("the writer is there");
                }
                thread::sleep(Duration::from_millis(10));
            }
        });
        let retention =
            Retention::new(filled_and_busy.0.path().join("bench.db"), filled_and_busy.1.handle(), DAYS);
        retention.packets(LATER, &|| false).expect("pruned");
        is_done.store(true, Ordering::Relaxed);
        &filled_and_busy
    });
    let locks = busy.1.handle().figures().locks();
    let longest = locks.iter().filter(|lock| lock.component == Component::PrunePackets);
    longest.for_each(|lock| eprintln!("pruning beside 1,000 messages/s: {lock:?}"));
    drop(filled_and_busy);

    let mut group = criterion.benchmark_group("retention");
    group.throughput(Throughput::Elements(u64::from(PACKETS * OBSERVERS)));
    group.sample_size(10);
    group.bench_function("prune 100000 observations of 5000 packets", |bencher| {
        bencher.iter_batched(filled, prune, BatchSize::PerIteration);
    });
    group.finish();
}

criterion_group!(benches, retention);
criterion_main!(benches);
