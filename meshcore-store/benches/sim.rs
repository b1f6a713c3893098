//! How many messages per second does the simulator make?
//!
//! Of a mesh of R size (760 nodes, 31 observers), on one core: frames, propagation, JSON and truth.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use meshcore_store::UnixMillis;
use meshcore_store::sim::{Mesh, MeshOptions, TrafficOptions};

const EVENTS: usize = 20_000;

/// 2026-05-01T12:00:00Z.
const START: UnixMillis = UnixMillis::new(1_777_636_800_000);

fn sim(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sim");
    group.sample_size(10);
    let mesh = Mesh::new(&MeshOptions::real());
    group.throughput(Throughput::Elements(EVENTS as u64));
    // one stream goes on from run to run: what it costs in the long run, secrets already agreed on
    let mut stream = mesh.stream(START, TrafficOptions::rate(20));
    group.bench_function("events/R", |b| {
        b.iter(|| stream.by_ref().take(EVENTS).map(|event| event.payload.len()).sum::<usize>())
    });
    group.throughput(Throughput::Elements(760));
    group.bench_function("mesh/R", |b| b.iter(|| Mesh::new(&MeshOptions::real())));
    group.finish();
}

criterion_group!(benches, sim);
criterion_main!(benches);
