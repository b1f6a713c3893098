use std::sync::mpsc;

use meshcore_store::db::{PacketFilter, Reader};
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::config::Config;

const NOON: UnixMillis = UnixMillis::from_seconds(1_777_636_800);

/// A pipeline whose writer is held back until something is sent.
struct Held {
    folder: TempDir,
    accounting: Arc<Accounting>,
    pipeline: Pipeline,
    release: mpsc::Sender<()>,
}

fn held(messages: usize) -> Held {
    let folder = tempfile::tempdir().unwrap();
    let accounting = Arc::<Accounting>::default();
    assert_eq!(accounting.add("here"), 0);
    let (release, released) = mpsc::channel();
    let options = PipelineOptions {
        writer: WriterOptions::default(),
        limits: Limits { messages, bytes: usize::MAX },
        clock: Arc::new(|| NOON),
    };
    let pipeline = Pipeline::start(
        &folder.path().join("mesh.db"),
        options,
        Intake::new(&Config::default(), []),
        Arc::clone(&accounting),
        move |_| released.recv().unwrap_or_default(),
        |_| {},
    )
    .unwrap();
    Held { folder, accounting, pipeline, release }
}

fn offer(inlet: &Inlet, number: u32) {
    let payload = json!({"raw": format!("3E00{number:08X}")}).to_string();
    inlet.offer("meshcore/ZRH/roof/packets", payload.as_bytes(), false);
}

/// Frames in the order of their rows.
fn stored(folder: &TempDir) -> Vec<String> {
    let reader = Reader::open(&folder.path().join("mesh.db")).unwrap();
    let all = PacketFilter { limit: 1000, ascending: true, ..PacketFilter::default() };
    reader.packets(&all).unwrap().packets.into_iter().map(|packet| packet.raw_hex).collect()
}

#[test]
fn ninety_of_a_hundred_messages_are_dropped_and_counted_and_ten_stored_in_order() {
    let Held { folder, accounting, pipeline, release } = held(10);
    let inlet = pipeline.inlet(0);
    for number in 0..100 {
        offer(&inlet, number);
    }
    assert!(inlet.is_full());
    release.send(()).unwrap();
    drop(pipeline);
    let report = &accounting.report(NOON)[0];
    assert_eq!((report.received, report.stored), (100, 10));
    assert_eq!(report.dropped, [("buffer_full", 90)]);
    let expected: Vec<String> = (90..100_u32).map(|number| format!("3E00{number:08X}")).collect();
    assert_eq!(stored(&folder), expected);
}

#[test]
fn many_messages_are_judged_on_all_cores_and_stored_in_order() {
    let Held { folder, accounting, pipeline, release } = held(1000);
    let inlet = pipeline.inlet(0);
    for number in 0..900 {
        offer(&inlet, number);
    }
    inlet.offer("meshcore/ZRH/roof/packets", b"{", false);
    release.send(()).unwrap();
    drop(pipeline);
    let report = &accounting.report(NOON)[0];
    assert_eq!((report.received, report.accounted(), report.stored), (901, 901, 900));
    let expected: Vec<String> = (0..900_u32).map(|number| format!("3E00{number:08X}")).collect();
    assert_eq!(stored(&folder), expected);
}

#[test]
fn what_comes_after_the_end_is_counted_as_dropped() {
    let Held { accounting, pipeline, release, .. } = held(10);
    let inlet = pipeline.inlet(0);
    release.send(()).unwrap();
    drop(pipeline);
    offer(&inlet, 1);
    assert_eq!(accounting.report(NOON)[0].accounted(), 1);
}
