//! The laws hold for what is in `corpus/`, and for captured frames where they
//! lie next to the workspace: without a fuzzer, as any other test.

use std::collections::BTreeMap;
use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

use corescope_fuzz::{LAWS, seeds};

#[test]
fn the_laws_hold_for_the_corpus() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for (name, law) in LAWS {
        let inputs: Vec<_> =
            fs::read_dir(corpus.join(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(inputs.len() > 3, "{name} has no corpus");
        for input in &inputs {
            let bytes = fs::read(input).unwrap();
            assert!(catch_unwind(|| law(&bytes)).is_ok(), "{} breaks the law", input.display());
        }
        println!("{name}: {} inputs", inputs.len());
    }
}

#[test]
fn the_laws_hold_for_our_own_frames() {
    replay(seeds::own());
}

#[test]
fn the_laws_hold_for_captured_frames_where_they_are() {
    match seeds::captured() {
        Some(seeds) => replay(seeds),
        None => eprintln!("skipped: no captured frames next to the workspace"),
    }
}

fn replay(seeds: Vec<seeds::Seed>) {
    let laws: BTreeMap<_, _> = LAWS.iter().copied().collect();
    let mut counts = BTreeMap::<_, usize>::new();
    for (name, bytes) in seeds {
        let law = laws[name];
        assert!(catch_unwind(|| law(&bytes)).is_ok(), "{name}: {} breaks the law", hex::encode(&bytes));
        *counts.entry(name).or_default() += 1;
    }
    println!("{counts:?}");
}
