//! Measures the view of databases: start, memory by column, questions, and changes while questions are asked.
//!
//! Each measurement is a process of its own. What it prints is Markdown. The databases are not changed; their pages are
//! in the system's cache after the first look. The snapshot file lies where temporary files do.
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
mod start;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Parser, ValueEnum};

use latency::Latency;
use process::{Facts, Loaded, Measuring, Said};

#[derive(Debug, Parser)]
#[command(about = "Measures the view of databases")]
struct Options {
    /// The databases; they are not changed
    #[arg(required = true)]
    databases: Vec<PathBuf>,
    /// What a child does with the only database
    #[arg(long, value_enum, hide = true)]
    task: Option<Task>,
    /// Its snapshot file
    #[arg(long, hide = true, default_value = ".")]
    snapshot: PathBuf,
    /// What it is told of the database, as JSON
    #[arg(long, hide = true, default_value = "")]
    facts: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Task {
    Start,
    Ask,
    Change,
}

fn main() -> Result<()> {
    let Options { databases, task, snapshot, facts } = Options::parse();
    let Some(task) = task else { return report(&databases) };
    let database = databases.first().context("no database")?;
    let facts = serde_json::from_str(&facts).context("facts")?;
    match task {
        Task::Start => start::measure(database, &snapshot, &facts),
        Task::Ask => ask::measure(database, &facts),
        Task::Change => change::measure(database),
    }
}

/// One start of the view.
struct Start {
    answered: Duration,
    complete: Duration,
    loaded: Loaded,
    columns: Vec<(String, usize)>,
}

/// What became of one database.
struct Report {
    name: String,
    /// Without a snapshot file; the next ones after a clean end and after a kill.
    starts: [Start; 3],
    ended: Duration,
    snapshot_bytes: u64,
    latencies: Vec<Latency>,
}

fn report(databases: &[PathBuf]) -> Result<()> {
    let mut out = io::stdout().lock();
    let mut reports = Vec::new();
    for database in databases {
        let report = Report::of(database)?;
        report.write(&mut out)?;
        reports.push(report);
    }
    write_growth(&reports, &mut out)
}

impl Report {
    fn of(database: &Path) -> Result<Self> {
        let facts = Facts::of(database)?;
        let folder = tempfile::tempdir()?;
        let snapshot = folder.path().join("snapshot.view");
        let mut child = Measuring::start("start", database, &snapshot, &facts)?;
        let without = Start::of(&mut child)?;
        let ended = child.end()?;
        let snapshot_bytes = fs::metadata(&snapshot).context("no snapshot file was saved")?.len();
        let mut child = Measuring::start("start", database, &snapshot, &facts)?;
        let after_end = Start::of(&mut child)?;
        drop(child); // killed
        let mut child = Measuring::start("start", database, &snapshot, &facts)?;
        let after_kill = Start::of(&mut child)?;
        drop(child);
        let mut latencies = Vec::new();
        for task in ["ask", "change"] {
            let mut child = Measuring::start(task, database, &snapshot, &facts)?;
            while let Some((_, said)) = child.next()? {
                if let Said::Latency(latency) = said {
                    latencies.push(latency);
                }
            }
        }
        let name = database.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { name, starts: [without, after_end, after_kill], ended, snapshot_bytes, latencies })
    }

    fn write(&self, out: &mut impl io::Write) -> Result<()> {
        let [without, ..] = &self.starts;
        let Loaded { packets, observations, .. } = without.loaded;
        writeln!(out, "\n## {}: {packets} packets, {observations} observations\n", self.name)?;
        writeln!(out, "| Start | first correct answer | complete | resident then | at most |")?;
        writeln!(out, "| --- | ---: | ---: | ---: | ---: |")?;
        for (how, start) in ["without a snapshot file", "with one, after an end", "with one, after a kill"]
            .iter()
            .zip(&self.starts)
        {
            let memory = start.loaded.memory;
            writeln!(
                out,
                "| {how} | {} | {} | {:.1} MB | {:.1} MB |",
                milliseconds(start.answered),
                milliseconds(start.complete),
                megabytes(memory.resident * 1024),
                megabytes(memory.peak * 1024),
            )?;
        }
        let ended = milliseconds(self.ended);
        writeln!(
            out,
            "\nSnapshot file {:.1} MB, saved and ended in {ended}.",
            megabytes(self.snapshot_bytes)
        )?;
        writeln!(out, "\n| Column | bytes | per packet | per observation |\n| --- | ---: | ---: | ---: |")?;
        for (name, bytes) in &without.columns {
            let (packet, observation) = (per(*bytes, packets), per(*bytes, observations));
            writeln!(out, "| {name} | {bytes} | {packet:.2} | {observation:.2} |")?;
        }
        writeln!(out, "\n| | p50 | p99 | longest | goal for p99 | times |")?;
        writeln!(out, "| --- | ---: | ---: | ---: | ---: | ---: |")?;
        self.latencies.iter().try_for_each(|latency| writeln!(out, "{}", latency.row()))?;
        Ok(())
    }
}

impl Start {
    fn of(child: &mut Measuring) -> Result<Self> {
        let (mut answered, mut complete, mut columns) = (None, None, Vec::new());
        while let Some((after, said)) = child.next()? {
            match said {
                Said::Answered => answered = Some(after),
                Said::Complete(loaded) => complete = Some((after, loaded)),
                Said::Column { name, bytes } => columns.push((name, bytes)),
                Said::Told => break,
                Said::Latency(_) => {}
            }
        }
        let answered = answered.context("a child never answered")?;
        let (complete, loaded) = complete.context("a child was never complete")?;
        Ok(Self { answered, complete, loaded, columns })
    }
}

/// All databases in one table.
fn write_growth(reports: &[Report], out: &mut impl io::Write) -> Result<()> {
    writeln!(out, "\n## Growth\n")?;
    let names: Vec<&str> = reports.iter().map(|report| report.name.as_str()).collect();
    writeln!(out, "| | {} |\n| --- |{}", names.join(" | "), " ---: |".repeat(reports.len()))?;
    let mut row = |title: &str, value: &dyn Fn(&Report) -> String| {
        let values: Vec<String> = reports.iter().map(value).collect();
        writeln!(out, "| {title} | {} |", values.join(" | "))
    };
    row("packets", &|report| report.starts[0].loaded.packets.to_string())?;
    row("observations", &|report| report.starts[0].loaded.observations.to_string())?;
    row("bytes per observation", &|report| {
        let Loaded { bytes, observations, .. } = report.starts[0].loaded;
        format!("{:.2}", per(bytes, observations))
    })?;
    row("resident", &|report| {
        format!("{:.1} MB", megabytes(report.starts[2].loaded.memory.resident * 1024))
    })?;
    row("complete without a snapshot file", &|report| milliseconds(report.starts[0].complete))?;
    row("complete after a kill", &|report| milliseconds(report.starts[2].complete))?;
    let longest = reports.iter().map(|report| report.latencies.len()).max().unwrap_or(0);
    for place in 0..longest {
        let title = reports.iter().find_map(|report| report.latencies.get(place)).map(|one| &one.name);
        row(&format!("{}, p99", title.context("a line of the table")?), &|report| {
            report.latencies.get(place).map_or_else(String::new, |one| latency::duration(one.p99))
        })?;
    }
    Ok(())
}

fn milliseconds(duration: Duration) -> String {
    latency::duration(duration.as_secs_f64() * 1e6)
}

#[expect(clippy::cast_precision_loss, reason = "memory stays far below 2^52 bytes")]
fn per(bytes: usize, count: i64) -> f64 {
    bytes as f64 / count.max(1) as f64
}

#[expect(clippy::cast_precision_loss, reason = "memory and files stay far below 2^52 bytes")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
