//! How long upgrades take, and for how long they hold the writer.
//!
//! ```sh
//! cargo run --release -p meshcore-store --example upgrade -- 100000
//! ```
//!
//! Makes files of old generations with that many receptions, three of each packet, in the folder for temporary files.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use meshcore_store::db::migrate::{self, MigrationOptions};
use meshcore_store::db::{Component, Writer, WriterOptions};
use rusqlite::Connection;

#[path = "../tests/support/old_files.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod old_files;

fn main() -> Result<()> {
    let rows: u32 = std::env::args().nth(1).as_deref().unwrap_or("100000").parse()?;
    let receptions = old_files::receptions(rows);
    for (name, build) in [
        ("first generation", old_files::v1 as fn(&Connection, &[old_files::Reception])),
        ("second generation", old_files::v2),
        ("capture", old_files::capture),
    ] {
        let folder = tempfile::tempdir()?;
        let at_once = folder.path().join("at once.db");
        let connection = Connection::open(&at_once)?;
        connection.execute_batch("BEGIN")?;
        build(&connection, &receptions);
        connection.execute_batch("COMMIT")?;
        drop(connection);
        let beside = folder.path().join("beside.db");
        std::fs::copy(&at_once, &beside)?;
        let megabytes = std::fs::metadata(&at_once)?.len() / 1_000_000;

        let begun = Instant::now();
        migrate::upgrade(&at_once, &MigrationOptions::default(), &mut |_| {})?;
        eprintln!("{name}, {rows} receptions, {megabytes} MB: upgraded at once in {:.2?}", begun.elapsed());
        with_writer(name, &beside)?;
    }
    Ok(())
}

/// The same with a writer: what the start waits for, and the rest beside it.
fn with_writer(name: &str, path: &Path) -> Result<()> {
    let begun = Instant::now();
    let writer = Writer::open(path, WriterOptions::default(), |_| {})?;
    let started = begun.elapsed();
    let begun = Instant::now();
    let finished = migrate::finish(&writer.handle(), &MigrationOptions::default(), &|| false, &mut |_| {})?;
    let took = begun.elapsed();
    let locks = writer.handle().figures().locks();
    let held = locks.iter().find(|report| report.component == Component::Migration);
    let (count, hold) = held.map(|report| (report.count, report.hold)).unwrap_or_default();
    eprintln!(
        "{name}: a start waits {started:.2?}, the rest takes {took:.2?} in {count} errands that hold the writer \
         {:.1} ms at the median, {:.1} ms at 99 %, {:.1} ms at most; {} steps",
        hold.p50,
        hold.p99,
        hold.max,
        finished.applied.len()
    );
    Ok(())
}
