//! Writes a database of a made-up mesh and says what each table and index costs.
//!
//! ```sh
//! cargo run --release -p meshcore-store --features sim --example database -- r.db --size real
//! cargo run --release -p meshcore-store --features sim --example database -- r10.db --size real --times 10
//! cargo run --release -p meshcore-store --features sim --example database -- r.db --only-report
//! ```

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use clap::{Parser, ValueEnum};
use meshcore_store::UnixMillis;
use meshcore_store::db::{self, Component, Writer, WriterOptions};
use meshcore_store::sim::{DatabaseSize, database};
use rusqlite::{Connection, OpenFlags};

#[derive(Debug, Parser)]
#[command(about = "Writes a database of a made-up mesh and says what each table and index costs")]
struct Options {
    /// The file to write
    file: PathBuf,
    /// How large it is to be
    #[arg(long, value_enum, default_value = "small")]
    size: Size,
    /// So many times the history of that size, by the same mesh
    #[arg(long, default_value_t = 1.0, value_parser = factor)]
    times: f64,
    /// Write nothing, look at the file that is there
    #[arg(long)]
    only_report: bool,
    /// Pack the observations of packets not heard for so many hours
    #[arg(long, value_name = "HOURS")]
    pack: Option<i64>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Size {
    Small,
    Real,
    Largest,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let mut out = io::stdout().lock();
    if !options.only_report {
        ensure!(!options.file.exists(), "{} exists already", options.file.display());
        let mut size = match options.size {
            Size::Small => DatabaseSize::small(),
            Size::Real => DatabaseSize::real(),
            Size::Largest => DatabaseSize::largest(),
        };
        size.observations = scaled(size.observations, options.times);
        let begun = Instant::now();
        let report = database(&options.file, &size, &mut |_| {})?;
        let seconds = begun.elapsed().as_secs_f64();
        writeln!(out, "{report:?} in {seconds:.1} s")?;
    }
    if let Some(hours) = options.pack {
        let begun = Instant::now();
        let (packed, longest_ms) = pack_old(&options.file, hours)?;
        let seconds = begun.elapsed().as_secs_f64();
        writeln!(
            out,
            "{packed} observations packed in {seconds:.1} s, the writer was held for {longest_ms} ms at most"
        )?;
    }
    costs(&options.file, &mut out)
}

/// More than nothing, and no more than a disk holds.
fn factor(text: &str) -> Result<f64, String> {
    let factor: f64 = text.parse().map_err(|error| format!("{error}"))?;
    if factor > 0.0 && factor <= 100.0 { Ok(factor) } else { Err("a number above 0, at most 100".to_owned()) }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "some 10^9 at most, and above 0"
)]
fn scaled(observations: u64, factor: f64) -> u64 {
    (observations as f64 * factor).round() as u64
}

/// Packs what is older than that, gives the pages back, and says how long the writer was held at once.
fn pack_old(file: &Path, hours: i64) -> Result<(u64, f64)> {
    let writer = Writer::open(file, WriterOptions::default(), |_| {})?;
    let handle = writer.handle();
    let newest: i64 = handle.run(Component::Packing, |transaction| {
        transaction.query_row("SELECT MAX(last_seen) FROM transmissions", [], |row| row.get(0))
    })?;
    let packed = db::pack(&handle, UnixMillis::from_seconds(newest - 3_600 * hours), &|| false)?;
    let locks = handle.figures().locks();
    let longest_ms =
        locks.iter().find(|lock| lock.component == Component::Packing).map_or(0.0, |lock| lock.hold.max);
    handle.run_alone(Component::Vacuum, |connection| {
        Ok(connection.execute_batch("PRAGMA incremental_vacuum")?)
    })?;
    Ok((packed, longest_ms))
}

/// Bytes of each table and index, in all and per observation, the largest first.
fn costs(file: &Path, out: &mut impl io::Write) -> Result<()> {
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let observations: i64 = connection.query_row(
        "SELECT (SELECT COUNT(*) FROM observations)
              + (SELECT COALESCE(SUM(observations), 0) FROM packed_observations)",
        [],
        |row| row.get(0),
    )?;
    let mut statement = connection.prepare(
        "SELECT name, SUM(pgsize), SUM(payload) FROM dbstat GROUP BY name
         UNION ALL SELECT 'all', SUM(pgsize), SUM(payload) FROM dbstat ORDER BY 2 DESC",
    )?;
    let rows = statement
        .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)))?;
    writeln!(out, "{:<42} {:>12} {:>12} {:>16}", "table or index", "bytes", "filled", "per observation")?;
    for row in rows {
        let (name, bytes, payload) = row.context("dbstat")?;
        #[expect(clippy::cast_precision_loss, reason = "files stay far below 2^52 bytes")]
        let each = bytes as f64 / observations.max(1) as f64;
        writeln!(out, "{name:<42} {bytes:>12} {:>11}% {each:>16.1}", 100 * payload / bytes.max(1))?;
    }
    Ok(())
}
