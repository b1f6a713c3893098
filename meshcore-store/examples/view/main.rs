//! Measures the view of databases: memory by column, questions, and changes while questions are asked.
//!
//! Each measurement is a process of its own. What it prints is Markdown.
//!
//! ```sh
//! cargo run --release -p meshcore-store --features sim --example database -- r.db --size real
//! cargo run --release -p meshcore-store --features sim --example view -- r.db
//! ```

mod ask;
mod change;
mod latency;
mod load;
mod process;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Parser, ValueEnum};

use latency::Latency;
use process::{Loaded, Measuring, Said};

#[derive(Debug, Parser)]
#[command(about = "Measures the view of databases")]
struct Options {
    /// The databases; they are not changed
    #[arg(required = true)]
    databases: Vec<PathBuf>,
    /// What a child does with the only one
    #[arg(long, value_enum, hide = true)]
    task: Option<Task>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Task {
    Load,
    Ask,
    Change,
}

fn main() -> Result<()> {
    let Options { databases, task } = Options::parse();
    let Some(task) = task else { return report(&databases) };
    let database = databases.first().context("no database")?;
    match task {
        Task::Load => load::measure(database),
        Task::Ask => ask::measure(database),
        Task::Change => change::measure(database),
    }
}

fn report(databases: &[PathBuf]) -> Result<()> {
    let mut out = io::stdout().lock();
    let loads =
        databases.iter().map(|database| report_one(database, &mut out)).collect::<Result<Vec<_>>>()?;
    writeln!(
        out,
        "\n| Database | packets | observations | loaded after | resident | at most | bytes per observation |"
    )?;
    writeln!(out, "| --- | ---: | ---: | ---: | ---: | ---: | ---: |")?;
    for (database, (after, loaded)) in databases.iter().zip(loads) {
        let Loaded { packets, observations, memory, .. } = loaded;
        writeln!(
            out,
            "| {} | {packets} | {observations} | {:.2} s | {:.1} MB | {:.1} MB | {:.2} |",
            name(database),
            after.as_secs_f64(),
            megabytes(memory.resident),
            megabytes(memory.peak),
            per(loaded.bytes, observations),
        )?;
    }
    Ok(())
}

fn report_one(database: &Path, out: &mut impl io::Write) -> Result<(Duration, Loaded)> {
    writeln!(out, "\n## {}\n", name(database))?;
    let mut child = Measuring::start("load", database)?;
    let mut complete = None;
    writeln!(out, "| Column | bytes | per packet | per observation |\n| --- | ---: | ---: | ---: |")?;
    while let Some((after, said)) = child.next()? {
        match (said, &complete) {
            (Said::Complete(loaded), _) => complete = Some((after, loaded)),
            (Said::Column { name, bytes }, Some((_, loaded))) => {
                let (packet, observation) = (per(bytes, loaded.packets), per(bytes, loaded.observations));
                writeln!(out, "| {name} | {bytes} | {packet:.2} | {observation:.2} |")?;
            }
            _ => {}
        }
    }
    writeln!(
        out,
        "\n| | p50 | p99 | longest | goal for p99 | times |\n| --- | ---: | ---: | ---: | ---: | ---: |"
    )?;
    for task in ["ask", "change"] {
        let mut child = Measuring::start(task, database)?;
        while let Some((_, said)) = child.next()? {
            if let Said::Latency(latency) = said {
                writeln!(out, "{}", Latency::row(&latency))?;
            }
        }
    }
    complete.context("the loading child said nothing")
}

fn name(database: &Path) -> String {
    database.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

#[expect(clippy::cast_precision_loss, reason = "memory stays far below 2^52 bytes")]
fn per(bytes: usize, count: i64) -> f64 {
    bytes as f64 / count.max(1) as f64
}

#[expect(clippy::cast_precision_loss, reason = "memory stays far below 2^52 bytes")]
fn megabytes(kilobytes: u64) -> f64 {
    kilobytes as f64 * 1024.0 / 1e6
}
