//! What do saving and reading the snapshot file cost, when the view is as large as the largest mesh makes it: 200 MB in
//! 1,440 records?
//!
//! The file lies where temporary files do; a save costs what two syncs of that disk cost. `TMPDIR=/dev/shm` shows what
//! is left without a disk.

use std::collections::{BTreeMap, BTreeSet};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use meshcore_store::view::Archive;
use meshcore_store::view::archive::{Identity, Key};
use rand_pcg::Pcg64;
use rand_pcg::rand_core::{Rng as _, SeedableRng as _};

const IDENTITY: Identity = Identity { database: 1, encoding: 1 };

/// Two parts for each hour of a month.
const RECORDS: u64 = 1_440;

/// Bytes of a record.
const RECORD: usize = 140_000;

/// What changes in five minutes: the hour that is, and one that got a late observation.
const CHANGED: usize = 4;

/// Names and watermarks of 3,000 nodes.
const HEAD: usize = 150_000;

fn archive(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("archive");
    group.sample_size(10);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("xl.view");
    let mut random = Pcg64::seed_from_u64(1);
    let mut bytes = |len: usize| {
        let mut bytes = vec![0; len];
        random.fill_bytes(&mut bytes);
        bytes
    };
    let head = bytes(HEAD);
    let records: BTreeMap<Key, Vec<u8>> = (0..RECORDS)
        .map(|record| (Key { block: record / 2, part: u8::from(record % 2 == 1) }, bytes(RECORD)))
        .collect();
    let live: BTreeSet<Key> = records.keys().copied().collect();
    let save = |archive: &mut Archive, count: usize| {
        let changed = records.iter().rev().take(count).map(|(key, bytes)| (*key, bytes));
        archive.save(&head, changed, &live).expect("room for a file")
    };

    let total = RECORD * records.len();
    group.throughput(Throughput::Bytes(total as u64));
    group.bench_function("save all", |bencher| {
        bencher.iter_batched_ref(
            || Archive::new(&path, IDENTITY),
            |archive| save(archive, records.len()),
            BatchSize::PerIteration,
        );
    });
    group.bench_function("open and read all", |bencher| {
        bencher.iter(|| {
            let archive = Archive::open(&path, IDENTITY).expect("a good file").expect("a file");
            archive.records().map(|(key, _)| archive.read(key).expect("a good record").len()).sum::<usize>()
        });
    });

    group.throughput(Throughput::Bytes((RECORD * CHANGED + HEAD) as u64));
    let mut archive = Archive::new(&path, IDENTITY);
    save(&mut archive, records.len());
    group.bench_function("save what changes in five minutes", |bencher| {
        bencher.iter(|| save(&mut archive, CHANGED));
    });
    group.finish();
}

criterion_group!(benches, archive);
criterion_main!(benches);
