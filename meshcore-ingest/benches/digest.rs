//! How many MQTT messages per second does intake judge: JSON, decoding, signatures, channel keys, `decoded_json`?

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use meshcore_ingest::config::Config;
use meshcore_ingest::intake::{Inbound, Intake, Verdict};
use meshcore_store::UnixMillis;
use serde_json::Value;

/// The receptions of the demo recording, as MQTT messages.
fn messages() -> Vec<Inbound> {
    let recording = include_str!("../assets/demo.jsonl");
    let lines = recording.lines().map(|line| serde_json::from_str::<Value>(line).expect("a good recording"));
    lines
        .filter(|line| line["raw"].is_string())
        .map(|line| Inbound {
            source: 0,
            topic: format!("meshcore/ZRH/{}/packets", line["observer_id"].as_str().expect("an observer")),
            payload: line.to_string().into(),
            retained: false,
            received_at: UnixMillis::from_seconds(1_777_636_800),
        })
        .collect()
}

fn intake(json: &str) -> Intake {
    let config: Config = serde_json::from_str(json).expect("a good configuration");
    Intake::new(&config, [])
}

fn written(intake: &Intake, messages: &[Inbound]) -> usize {
    let is_written = |message: &&Inbound| matches!(intake.digest(black_box(message)), Verdict::Write(_));
    messages.iter().filter(is_written).count()
}

fn digest(criterion: &mut Criterion) {
    let messages = messages();
    let mut group = criterion.benchmark_group("digest");
    group.throughput(Throughput::Elements(messages.len() as u64));
    // A copy of an advert found good is not checked again: the recording has about three of each.
    group.bench_function("signatures checked", |bencher| {
        bencher.iter_batched_ref(|| intake("{}"), |intake| written(intake, &messages), BatchSize::LargeInput);
    });
    for (name, json) in
        [("all adverts known", "{}"), ("signatures ignored", r#"{"validateSignatures": false}"#)]
    {
        let intake = intake(json);
        group.bench_function(name, |bencher| bencher.iter(|| written(&intake, &messages)));
    }
    group.finish();
}

criterion_group!(benches, digest);
criterion_main!(benches);
