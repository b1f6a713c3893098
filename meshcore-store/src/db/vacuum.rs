//! Giving space back: pages to the file system, the write-ahead log into the file.
//!
//! A file made by this program knows its free pages (`auto_vacuum=INCREMENTAL`) and returns them in small errands. One
//! that does not can be switched by one full `VACUUM`, which holds the writer for as long as it takes and needs twice
//! the size of the file; it happens only when the operator asks for it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

use super::pace::Pace;
use super::writer::{Component, WriterHandle};
use super::{StoreError, disk, observer_rows, open};

/// `PRAGMA auto_vacuum` of a file that knows its free pages.
const INCREMENTAL: i64 = 2;

/// Folding the log into the file, as far as it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Pages in the log before.
    pub frames: i64,
    /// Pages of the log that are in the file now.
    pub checkpointed: i64,
    /// A reader kept part of the log in use; the next checkpoint does the rest.
    pub blocked: bool,
}

/// What a full vacuum did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vacuumed {
    /// Bytes before.
    pub before: u64,
    /// Bytes after.
    pub after: u64,
    /// Observers whose row id changed; their observations follow.
    pub moved_observers: usize,
}

/// Returns up to `pages` free pages to the file system, in small errands; says how many.
///
/// Nothing happens in a file that was not made for it.
///
/// # Errors
/// [`StoreError`], when the file cannot be written.
pub fn return_free_pages(
    handle: &WriterHandle,
    pages: u32,
    should_stop: &dyn Fn() -> bool,
) -> Result<u64, StoreError> {
    let mut left = usize::try_from(pages).unwrap_or(usize::MAX);
    let mut pace = Pace::new(handle, Component::Vacuum, left, should_stop);
    let mut returned = 0;
    while left > 0 {
        let at_most = left;
        let errand = pace.errand(move |transaction, limits| {
            if !returns_free_pages(transaction)? {
                return Ok((0, ()));
            }
            let before = free_pages(transaction)?;
            let mut vacuum =
                transaction.prepare(&format!("PRAGMA incremental_vacuum({})", limits.items.min(at_most)))?;
            let mut steps = vacuum.query([])?;
            while steps.next()?.is_some() {} // each step returns a page
            let done = before.saturating_sub(free_pages(transaction)?);
            Ok((usize::try_from(done).unwrap_or(0), ()))
        })?;
        let Some((done @ 1.., ())) = errand else { break };
        left -= done.min(left);
        returned += done as u64;
    }
    Ok(returned)
}

/// Folds the write-ahead log into the file and empties it. Does not wait for readers.
///
/// # Errors
/// [`StoreError`], when the file cannot be written.
pub fn fold_log(handle: &WriterHandle) -> Result<Checkpoint, StoreError> {
    handle.run_alone(Component::Vacuum, |connection| Ok(checkpoint(connection, Duration::ZERO)?))
}

/// Folds the log; waits up to `patience` for readers that still use it.
pub(super) fn checkpoint(connection: &Connection, patience: Duration) -> rusqlite::Result<Checkpoint> {
    let fold = |mode: &str| {
        connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| {
            Ok(Checkpoint { blocked: row.get(0)?, frames: row.get(1)?, checkpointed: row.get(2)? })
        })
    };
    // The emptied log has no frames to report: they are counted by the step that does not wait.
    let folded = fold("PASSIVE")?;
    connection.busy_timeout(patience)?;
    let emptied = fold("TRUNCATE");
    connection.busy_timeout(open::BUSY_TIMEOUT)?;
    Ok(Checkpoint { blocked: emptied?.blocked, ..folded })
}

/// Rewrites the whole file, so that it knows its free pages from now on. Before messages are written: it blocks.
///
/// One copy is made in the system's folder for temporary files (`SQLITE_TMPDIR` names another), one in the log.
///
/// # Errors
/// [`StoreError::NoSpace`] without room for twice the file, nothing is touched then; else as [`fold_log`].
pub fn vacuum_fully(handle: &WriterHandle, path: &Path) -> Result<Vacuumed, StoreError> {
    let path: PathBuf = path.to_owned();
    handle.run_alone(Component::Vacuum, move |connection| {
        let before = size(connection)?;
        disk::require_space(&path, 2 * before)?;
        observer_rows::note(connection)?;
        let vacuumed = rewrite(connection);
        open::equip(connection)?;
        let moved_observers = observer_rows::follow(connection)?;
        vacuumed?;
        checkpoint(connection, Duration::ZERO)?;
        Ok(Vacuumed { before, after: size(connection)?, moved_observers })
    })
}

fn rewrite(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    // The new content is put together in a temporary database: not in memory, it is as large as the file.
    open::sort_on_disk(connection, true)?;
    let vacuumed = connection.execute_batch("VACUUM");
    open::sort_on_disk(connection, false)?;
    vacuumed
}

/// Whether the file returns free pages; if not, only a full vacuum changes that.
///
/// # Errors
/// [`StoreError`], when the file cannot be read.
pub fn knows_free_pages(path: &Path) -> Result<bool, StoreError> {
    Ok(returns_free_pages(&open::for_reading(path)?)?)
}

pub(super) fn returns_free_pages(connection: &Connection) -> rusqlite::Result<bool> {
    let mode: i64 = connection.pragma_query_value(None, "auto_vacuum", |row| row.get(0))?;
    Ok(mode == INCREMENTAL)
}

fn free_pages(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "freelist_count", |row| row.get(0))
}

/// Bytes of the database, the log folded in.
pub(super) fn size(connection: &Connection) -> rusqlite::Result<u64> {
    pages(connection, "page_count")
}

/// Bytes of the pages that hold nothing.
pub(super) fn free_size(connection: &Connection) -> rusqlite::Result<u64> {
    pages(connection, "freelist_count")
}

fn pages(connection: &Connection, count: &str) -> rusqlite::Result<u64> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    Ok((pragma(count)? * pragma("page_size")?).unsigned_abs())
}
