//! Opening the file: pragmas, and who may write.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::{StoreError, changes, hidden, packing};

/// How long a statement waits for a lock before it fails.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Pages the writer keeps in memory, as a negative number of KiB: the ends of all indexes fit.
const CACHE_KIB: i64 = -16_000;

/// Pages of the write-ahead log (16 MB) before they are folded into the file. Most of them are ends of indexes that are
/// written again and again: folding four times as many costs little more than folding SQLite's 1,000.
const LOG_PAGES: i64 = 4_000;

/// Statements kept prepared per connection.
const STATEMENT_CACHE: usize = 64;

/// Makes the folder of `path`, so that a lock can lie beside the database.
pub(super) fn make_folder(path: &Path) -> Result<(), StoreError> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)
            .map_err(|source| StoreError::Folder { folder: folder.to_owned(), source })?;
    }
    Ok(())
}

/// Opens or creates `path` for the writer, who holds the lock. Nothing is written to it yet.
pub(super) fn for_writing(path: &Path) -> Result<Connection, StoreError> {
    let open = || {
        let connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        Ok(connection)
    };
    open().map_err(|source| StoreError::Open { path: path.to_owned(), source })
}

/// How the writer writes.
///
/// `synchronous=FULL` is what makes a commit survive a power cut in WAL mode; group commit keeps it affordable.
pub(super) fn configure(connection: &Connection) -> rusqlite::Result<()> {
    // auto_vacuum counts only before the first table exists.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // What a statement or a savepoint may have to take back is kept in memory instead of a file.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cache_size", CACHE_KIB)?;
    connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
    // Otherwise a statement may be compiled again for each value it gets: a quarter of the time of a message.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    Ok(())
}

/// Gives the writer's connection its temporary views and triggers. The tables must be there.
pub(super) fn equip(connection: &Connection) -> rusqlite::Result<()> {
    packing::prepare(connection)?;
    changes::watch(connection)
}

/// Where SQLite sorts: an index of millions of rows is sorted on the disk, everyday statements in memory.
///
/// Not inside a transaction. What [`equip`] has given the connection is gone afterwards.
pub(super) fn sort_on_disk(connection: &Connection, on_disk: bool) -> rusqlite::Result<()> {
    connection.pragma_update(None, "temp_store", if on_disk { "FILE" } else { "MEMORY" })
}

/// Opens `path` for reading; it must exist.
pub(super) fn for_reading(path: &Path) -> Result<Connection, StoreError> {
    let open = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        packing::prepare(&connection)?;
        hidden::prepare(&connection, &Arc::default())?;
        connection.pragma_update(None, "query_only", "ON")?;
        connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
        Ok(connection)
    };
    open().map_err(|source| StoreError::Open { path: path.to_owned(), source })
}
