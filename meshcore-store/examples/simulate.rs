//! Prints what the observers of a made-up mesh publish, one JSON object per line.
//!
//! ```sh
//! cargo run --release -p meshcore-store --features sim --example simulate -- --preset town --count 5000 > town.jsonl
//! corescope --replay town.jsonl
//! ```
//!
//! Each line has `topic`, `payload`, `timestamp` (RFC 3339; it paces a replay) and `at` (the same in milliseconds since
//! 1970). With `--truth` packet messages also have the true originator and hops. What was simulated is counted on
//! standard error.

use std::io::{self, BufWriter, Write};

use anyhow::{Context as _, Result};
use clap::{Parser, ValueEnum};
use meshcore_store::UnixMillis;
use meshcore_store::sim::{Event, Mesh, MeshOptions, TrafficOptions};
use serde_json::json;
use serde_json::value::RawValue;

#[derive(Debug, Parser)]
#[command(about = "Prints what the observers of a made-up mesh publish")]
struct Options {
    /// All chance comes from it; a seed of the preset if not given
    #[arg(long)]
    seed: Option<u64>,
    /// How large the mesh is
    #[arg(long, value_enum, default_value = "town")]
    preset: Preset,
    /// Messages to print
    #[arg(long, default_value_t = 1000)]
    count: usize,
    /// When it begins
    #[arg(long, default_value = "2026-05-01T12:00:00Z")]
    start: UnixMillis,
    /// Receptions per second, on average over a day; what nodes send by themselves if not given
    #[arg(long)]
    rate: Option<u32>,
    /// Say who really sent and forwarded
    #[arg(long)]
    truth: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Preset {
    Small,
    Town,
    Real,
    Largest,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let preset = match options.preset {
        Preset::Small => MeshOptions::small(),
        Preset::Town => MeshOptions::town(),
        Preset::Real => MeshOptions::real(),
        Preset::Largest => MeshOptions::largest(),
    };
    let mesh = Mesh::new(&preset.with_seed(options.seed.unwrap_or(preset.seed)));
    let mut stream = mesh.stream(options.start, TrafficOptions { observations_per_second: options.rate });
    let mut out = BufWriter::new(io::stdout().lock());
    let mut end = options.start;
    for event in stream.by_ref().take(options.count) {
        end = event.at;
        print(&mut out, &event, options.truth).context("standard output")?;
    }
    out.flush().context("standard output")?;

    let counts = stream.counts();
    let seconds = (end.get() - options.start.get()) / 1000;
    writeln!(io::stderr(), "{counts:?} in {seconds} s of simulated time; backlog {}", stream.backlog())?;
    Ok(())
}

fn print(out: &mut impl Write, event: &Event, with_truth: bool) -> Result<()> {
    let payload: &RawValue = serde_json::from_slice(&event.payload)?;
    let timestamp = event.at.to_rfc3339_millis();
    let topic = &event.topic;
    write!(
        out,
        r#"{{"topic":"{topic}","payload":{payload},"timestamp":"{timestamp}","at":{}"#,
        event.at.get()
    )?;
    if let Some(truth) = event.truth.as_ref().filter(|_| with_truth) {
        let hops: Vec<String> = truth.hops.iter().map(ToString::to_string).collect();
        let truth = json!({
            "originator": truth.originator.to_string(),
            "transmitter": truth.transmitter.to_string(),
            "hops": hops,
            "sent_at": truth.sent_at.get(),
            "heard_at": truth.heard_at.get(),
            "stale": truth.is_stale,
        });
        write!(out, r#","truth":{truth}"#)?;
    }
    writeln!(out, "}}")?;
    Ok(())
}
