//! Files of all times made ready for this program.
//!
//! ```text
//!  prepare ── what a start waits for: generation, tables, columns, the index of observations, small clean-ups
//!  finish  ── the rest, beside live writes: indexes of large tables, columns filled, hashes corrected
//!  upgrade ── both at once, without a writer      plan ── what upgrade would do, reading only
//! ```
//!
//! All of them go through one list, `STEPS` in `steps.rs`. Each step is a transaction, or a walk whose place is stored with
//! the rows it changed: whatever kills the process, the next start goes on. Names of finished steps go into the tables
//! in which the reference looks for them, so that either program can go on with a file of the other.
//!
//! | Question | Look in |
//! | --- | --- |
//! | Which program made this file? | `generation.rs` |
//! | What is done, and in which order? | `steps.rs` |
//! | Who waits meanwhile? | `run.rs` |
//! | What becomes of the rows? | the files named like the tables |
//! | What is kept of the old file? | `copy.rs` |

mod copy;
mod generation;
mod hashes;
mod nodes;
mod observations;
mod observers;
mod packets;
mod plan;
mod report;
mod run;
mod steps;
mod structure;
mod transmissions;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use super::lock::WriterLock;
use super::writer::WriterHandle;
use super::{OnProgress, StoreError, open, schema};
use crate::UnixMillis;

pub use generation::Generation;
pub use plan::{Plan, PlannedStep, plan};
use report::Reporter;
pub use report::{Applied, BackfillFigures, Finished, FromPubkeyBackfill, TableCount, UpgradeReport};
use run::{Beside, Hand};
use steps::STEPS;

/// How to upgrade.
#[derive(Clone, Debug, Default)]
pub struct MigrationOptions {
    /// The time: names the copy of an old file, and goes into the notes about what was done.
    pub now: UnixMillis,
    /// Region keys are configured: the regions of nodes can be filled.
    pub regions_configured: bool,
    /// Where to count while it runs.
    pub figures: Arc<BackfillFigures>,
}

/// What a start did before anything else could use the file.
#[derive(Debug)]
pub(super) struct Prepared {
    generation: Generation,
    backup: Option<PathBuf>,
    applied: Vec<Applied>,
}

/// Does what a start must wait for: afterwards the file can be written and read.
///
/// Nothing is written to a file that is refused. The caller holds the writer's lock.
pub(super) fn prepare(
    connection: &mut Connection,
    path: &Path,
    now: UnixMillis,
    on_progress: OnProgress<'_>,
) -> Result<Prepared, StoreError> {
    prepare_reporting(connection, path, now, &mut Reporter::new(on_progress))
}

fn prepare_reporting(
    connection: &mut Connection,
    path: &Path,
    now: UnixMillis,
    reporter: &mut Reporter<'_>,
) -> Result<Prepared, StoreError> {
    let failed = |source| StoreError::Open { path: path.to_owned(), source };
    let generation = Generation::of(connection, path).map_err(|error| match error {
        StoreError::Sql(source) => failed(source),
        other => other,
    })?;
    if generation == Generation::Empty {
        open::configure(connection).map_err(failed)?;
        let transaction = connection.transaction()?;
        transaction.execute_batch(schema::SCHEMA)?;
        for step in STEPS {
            step.note_done(&transaction, now)?;
        }
        transaction.commit()?;
        return Ok(Prepared { generation, backup: None, applied: Vec::new() });
    }
    let mut backup = copy::kept(connection, path)?;
    if generation::loses_something(generation, connection)? {
        let copy = copy::keep(connection, path, now, reporter)?;
        tracing::info!(
            db.path = %path.display(), backup = %copy.display(),
            "a database of generation {generation} is being upgraded; a copy of it is kept"
        );
        backup = Some(copy);
    }
    // The journal mode is kept in the file: one that is refused must not be touched before.
    open::configure(connection).map_err(failed)?;
    if let Some(copy) = &backup {
        copy::note(connection, copy)?;
    }
    open::sort_on_disk(connection, true)?;
    let applied = run::at_start(connection, now, reporter)?;
    open::sort_on_disk(connection, false)?;
    copy::forget(connection)?;
    schema::assert_ready(connection, path)?;
    Ok(Prepared { generation, backup, applied })
}

/// Does what a start left for later, beside live writes. Returns when all is done or `should_stop` says so; the
/// next call goes on where this one was.
///
/// Walks over tables hold the writer for about 12 ms at a time and leave it to the messages in between. An index of a
/// large table cannot be made in parts: it holds the writer until it is there.
///
/// # Errors
/// [`StoreError::Sql`] of the first step that failed; the steps behind it have not been tried.
/// [`StoreError::WriterGone`] when the writer has ended.
pub fn finish(
    handle: &WriterHandle,
    options: &MigrationOptions,
    should_stop: &dyn Fn() -> bool,
    on_progress: OnProgress<'_>,
) -> Result<Finished, StoreError> {
    let mut finished = Finished::default();
    let mut reporter = Reporter::new(on_progress);
    let hand = Hand::of(handle)?;
    let begun = Instant::now();
    finished.stopped =
        Beside { hand, options, should_stop, reporter: &mut reporter, begun }.run(&mut finished.applied)?;
    Ok(finished)
}

/// Does everything at once to a file nobody writes to.
///
/// # Errors
/// [`StoreError::Open`] when there is no such file, [`StoreError::NotCoreScope`], [`StoreError::AlreadyWritten`],
/// [`StoreError::NoSpace`] and [`StoreError::File`] before anything was changed; [`StoreError::Sql`] and
/// [`StoreError::Counts`] when a step failed: it was taken back, those before it stay.
pub fn upgrade(
    path: &Path,
    options: &MigrationOptions,
    on_progress: OnProgress<'_>,
) -> Result<UpgradeReport, StoreError> {
    open::for_reading(path)?; // one that is not there is not made
    let _lock = WriterLock::acquire(path)?;
    let mut connection = open::for_writing(path)?;
    let report = upgrade_with(&mut connection, path, options, on_progress)?;
    // Whoever looks at the file next finds everything in it.
    connection.pragma_update_and_check(None, "wal_checkpoint", "TRUNCATE", |_| Ok(()))?;
    Ok(report)
}

fn upgrade_with(
    connection: &mut Connection,
    path: &Path,
    options: &MigrationOptions,
    on_progress: OnProgress<'_>,
) -> Result<UpgradeReport, StoreError> {
    let before = count_tables(connection)?;
    let mut reporter = Reporter::new(on_progress);
    let mut done = prepare_reporting(connection, path, options.now, &mut reporter)?;
    let (hand, should_stop, begun) = (Hand::Own(connection), &|| false, Instant::now());
    Beside { hand, options, should_stop, reporter: &mut reporter, begun }.run(&mut done.applied)?;
    schema::assert_ready(connection, path)?;
    let after = count_tables(connection)?;
    let counts = TABLES
        .iter()
        .zip(before.into_iter().zip(after))
        .map(|(table, (before, after))| TableCount { table, before, after })
        .collect();
    Ok(UpgradeReport { generation: done.generation, backup: done.backup, applied: done.applied, counts })
}

/// Tables whose rows a report counts.
const TABLES: [&str; 7] =
    ["packets", "transmissions", "observations", "nodes", "inactive_nodes", "observers", "neighbor_edges"];

fn count_tables(connection: &Connection) -> rusqlite::Result<[Option<u64>; TABLES.len()]> {
    let mut counts = [None; TABLES.len()];
    for (rows, table) in counts.iter_mut().zip(TABLES) {
        if schema::table_exists(connection, table)? {
            *rows = Some(count(connection, &format!("SELECT COUNT(*) FROM {table}"))?);
        }
    }
    Ok(counts)
}

/// A `SELECT COUNT(*)`.
fn count(connection: &Connection, sql: &str) -> rusqlite::Result<u64> {
    let rows: i64 = connection.query_row(sql, [], |row| row.get(0))?;
    Ok(rows.unsigned_abs())
}

/// Column `o.<column>`, or nothing where the file does not have it.
fn column_or_null(connection: &Connection, table: &str, column: &str) -> rusqlite::Result<String> {
    let exists = connection.column_exists(None, table, column)?;
    Ok(if exists { format!("o.{column}") } else { "NULL".into() })
}

/// Text as good as it can be read; nothing for what is none.
fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<String> {
    Ok(match row.get_ref(column)? {
        ValueRef::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        _ => String::new(),
    })
}

/// The bytes of a stored frame.
fn frame(raw_hex: &str) -> Option<Vec<u8>> {
    hex::decode(raw_hex.trim()).ok()
}
