//! How many observations per second does the writer commit into a database of R size, with all its indexes?
//!
//! The file lies where temporary files do; a commit costs what a sync of that disk costs. `TMPDIR=/dev/shm` shows what
//! is left without a disk. Making the file of R size takes a minute; `CORESCOPE_BENCH_DB` names one that is there
//! (the example `database` makes it), which is copied.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use meshcore_store::db::{Job, NeighborBuilder, NeighborOptions, Write, Writer, WriterOptions};
use meshcore_store::sim::{DatabaseSize, Mesh, Scribe, TrafficOptions, database};

/// Observations per measurement.
const BATCH: usize = 20_000;

/// A database of R size, to be written to.
fn database_of_r_size(folder: &Path) -> PathBuf {
    let path = folder.join("r.db");
    match std::env::var_os("CORESCOPE_BENCH_DB") {
        Some(made) => {
            std::fs::copy(made, &path).expect("CORESCOPE_BENCH_DB names a database");
        }
        None => {
            database(&path, &DatabaseSize::real(), &mut |_| {}).expect("room for a database");
        }
    }
    path
}

/// What the mesh goes on to say after the database ends: packet messages only.
fn messages() -> impl Iterator<Item = Write> {
    let size = DatabaseSize::real();
    let mesh = Mesh::new(&size.mesh);
    let mut scribe = Scribe::new(&mesh);
    let stream = mesh.stream(size.start.plus_millis(10 * 86_400_000), TrafficOptions::rate(size.per_second));
    stream.filter_map(move |event| scribe.write(event)).filter(|write| matches!(write, Write::Packet(_)))
}

#[expect(clippy::print_stdout, reason = "how long opening took is part of the report")]
fn append(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("append");
    group.sample_size(10).warm_up_time(Duration::from_secs(1)).throughput(Throughput::Elements(BATCH as u64));
    let folder = tempfile::tempdir().expect("a folder");
    let path = database_of_r_size(folder.path());
    let mut messages = messages();

    let opening = Instant::now();
    let writer = Writer::open(&path, WriterOptions::default(), |_| {}).expect("a good database");
    println!("append: opening R for writing took {:?}", opening.elapsed());
    let end = DatabaseSize::real().start.plus_millis(10 * 86_400_000);
    let neighbors =
        NeighborBuilder::open(&path, writer.handle(), NeighborOptions::default(), end).expect("a graph");

    group.bench_function("into R, hops resolved", |bencher| {
        bencher.iter_custom(|iterations| {
            let mut taken = Duration::ZERO;
            for _ in 0..iterations {
                let batch: Vec<Write> = messages.by_ref().take(BATCH).collect();
                let begun = Instant::now();
                for write in batch {
                    writer.submit(Job { ticket: 0, write }).expect("the writer is there");
                }
                writer.flush().expect("the writer is there");
                taken += begun.elapsed();
            }
            taken
        });
    });
    group.finish();
    drop(neighbors);
}

criterion_group!(benches, append);
criterion_main!(benches);
