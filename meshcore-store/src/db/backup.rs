//! A copy of the database while it is being written.
//!
//! The copy is made page by page by SQLite's backup interface, inside one read transaction. That transaction is what
//! makes it work: without one, the interface starts over whenever another connection has written, and a busy database
//! is never done; with one, all steps read the same moment, and the writer goes on into the log (which cannot be
//! emptied meanwhile, so it grows by what is written). `VACUUM INTO` would hold the same transaction for as long, but
//! tells no progress, cannot pause, and may number rows anew, on which `observations.observer_idx` leans.
//!
//! The copy is made under another name, verified, synced, and only then gets its own: whatever carries that name is
//! whole.

use std::path::Path;
use std::thread;
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::check::{self, TableRows};
use super::disk::{self, with_suffix};
use super::{OnProgress, Progress, StoreError, open, schema, vacuum};

/// Pages per step: 1 MB.
const PAGES: i32 = 256;

/// Pause between steps, so that the copy does not take the disk from the writer.
const PAUSE: Duration = Duration::from_millis(1);

/// What was copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Bytes of the copy.
    pub bytes: u64,
    /// Rows per table, the same in both.
    pub rows: Vec<TableRows>,
}

/// Copies the database at `path` to `to`, which must not exist, as it is at one moment. Others may read and write it.
///
/// The copy is one file, without a log beside it. Reports the steps `copy` (pages), `verify` and `finish`.
///
/// # Errors
/// [`StoreError::Exists`], [`StoreError::NoSpace`], [`StoreError::NotReady`] when `path` is not a complete database,
/// [`StoreError::Damaged`] when the copy does not pass, [`StoreError::Open`] or [`StoreError::File`].
pub fn backup(path: &Path, to: &Path, on_progress: OnProgress<'_>) -> Result<Copied, StoreError> {
    if to.exists() {
        return Err(StoreError::Exists { path: to.to_owned() });
    }
    let partial = with_suffix(to, ".partial");
    let copied = copy(path, &partial, on_progress)?;
    on_progress(Progress { step: "finish", done: 0, total: 1 });
    disk::rename(&partial, to)?;
    on_progress(Progress { step: "finish", done: 1, total: 1 });
    Ok(copied)
}

/// Makes a verified, synced copy of `path` named `partial`; what had that name is replaced.
pub(super) fn copy(path: &Path, partial: &Path, on_progress: OnProgress<'_>) -> Result<Copied, StoreError> {
    let rows = copy_moment(path, partial, on_progress).map_err(|error| error.about(path))?;
    into_one_file(partial).map_err(|error| StoreError::from(error).about(partial))?;
    disk::sync(partial)?;
    on_progress(Progress { step: "verify", done: 0, total: 1 });
    verify(partial, &rows).map_err(|error| error.about(partial))?;
    on_progress(Progress { step: "verify", done: 1, total: 1 });
    let bytes = partial.metadata().map_err(disk::failed(partial))?.len();
    Ok(Copied { bytes, rows })
}

/// Copies `path` as it is at one moment, and says which rows it had then.
fn copy_moment(
    path: &Path,
    partial: &Path,
    on_progress: OnProgress<'_>,
) -> Result<Vec<TableRows>, StoreError> {
    let source = open::for_reading(path)?;
    schema::assert_ready(&source, path)?;
    disk::require_space(partial, vacuum::size(&source)?)?;
    for suffix in ["", "-journal", "-wal", "-shm"] {
        disk::remove(&with_suffix(partial, suffix))?;
    }
    let moment = source.unchecked_transaction()?;
    let rows = check::rows_of_tables(&moment)?; // begins the transaction, too
    copy_pages(&moment, partial, "copy", on_progress)
        .map_err(|error| StoreError::from(error).about(partial))?;
    Ok(rows)
}

/// Copies all pages of `source` into a new file.
pub(super) fn copy_pages(
    source: &Connection,
    to: &Path,
    step: &'static str,
    on_progress: OnProgress<'_>,
) -> rusqlite::Result<()> {
    let mut target = Connection::open(to)?;
    target.pragma_update(None, "synchronous", "OFF")?; // synced as a whole at the end
    let backup = Backup::new(source, &mut target)?;
    loop {
        let result = backup.step(PAGES)?;
        let pages = backup.progress();
        let count = |pages: i32| u64::try_from(pages).unwrap_or(0);
        let total = count(pages.pagecount);
        on_progress(Progress { step, done: total.saturating_sub(count(pages.remaining)), total });
        if result == StepResult::Done {
            return Ok(());
        }
        thread::sleep(PAUSE);
    }
}

/// The copied header says that there is a log; a copy needs none, and so may lie on a read-only disk.
fn into_one_file(path: &Path) -> rusqlite::Result<()> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))
}

/// Whether the file at `path` is whole, complete, and has these rows.
fn verify(path: &Path, rows: &[TableRows]) -> Result<(), StoreError> {
    let copy = open::for_reading(path)?;
    schema::assert_ready(&copy, path)?;
    let damaged = |problem| StoreError::Damaged { path: path.to_owned(), problem };
    if let Some(problem) = check::integrity_problems(&copy)?.into_iter().next() {
        return Err(damaged(problem));
    }
    if check::rows_of_tables(&copy)? != rows {
        return Err(damaged("its tables do not have the rows of the original".to_owned()));
    }
    Ok(())
}
