//! How many packet messages per second does the writer commit?

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use meshcore_proto::PacketHash;
use meshcore_store::db::{Job, PacketWrite, Write, Writer, WriterOptions};
use meshcore_store::{Direction, Reception, Signal, UnixMillis};

/// Messages per run: 1,000 packets, each heard by 5 observers on ways of their own.
const PACKETS: u32 = 1_000;
const OBSERVERS: u32 = 5;

fn message(packet: u32, observer: u32) -> Write {
    let [a, b, c, d] = packet.to_be_bytes();
    Write::Packet(Box::new(PacketWrite {
        reception: Reception {
            received_at: UnixMillis::new(1_777_636_800_000 + i64::from(packet) * 20),
            observer: format!("observer {observer}").parse().expect("a good id"),
            observer_name: Some(format!("Observer {observer}")),
            region: Some("ZRH".into()),
            direction: Some(Direction::Rx),
            signal: Signal { snr: Some(7.5), rssi: Some(-92.0), score: None },
        },
        raw_hex: "15".repeat(60),
        hash: PacketHash::from_bytes([a, b, c, d, 0, 0, 0, 1]),
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

fn append(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("append");
    group.throughput(Throughput::Elements(u64::from(PACKETS * OBSERVERS)));
    group.sample_size(10);
    group.bench_function("5 receptions of each of 1000 packets, until closed", |bencher| {
        bencher.iter_batched(
            || {
                let folder = tempfile::tempdir().expect("a folder");
                let writer = Writer::open(&folder.path().join("bench.db"), WriterOptions::default(), |_| {})
                    .expect("a new database");
                let writes: Vec<Write> = (0..PACKETS)
                    .flat_map(|packet| (0..OBSERVERS).map(move |observer| message(packet, observer)))
                    .collect();
                (folder, writer, writes)
            },
            |(folder, writer, writes)| {
                for write in writes {
                    writer.submit(Job { ticket: 0, write }).expect("the writer is there");
                }
                drop(writer); // commits what waits, folds the log into the file
                folder
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, append);
criterion_main!(benches);
