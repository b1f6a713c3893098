//! The copy of a file that is kept before an upgrade takes something away.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension};

use super::super::backup::copy_pages;
use super::super::disk::{self, with_suffix};
use super::super::{StoreError, schema};
use super::report::Reporter;
use crate::UnixMillis;

/// Where the copy of an upgrade under way is noted, so that a restart makes no second one.
const STATE_KEY: &str = "migration.copy";

/// What an upgrade that takes something away needs on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    /// Twice the file: once for the copy, once for the log of the upgrade.
    pub(super) needed: u64,
    /// What the disk has.
    pub(super) free: u64,
}

impl Room {
    pub(super) fn of(connection: &Connection, path: &Path) -> Result<Self, StoreError> {
        let pages: u32 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
        let page_size: u32 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let free = disk::free_bytes(path)?;
        Ok(Self { needed: 2 * u64::from(pages) * u64::from(page_size), free })
    }
}

/// Copies the file to `<path>.pre-v3-backup-<unixms>` and says where that is. Copies once per upgrade, however often
/// that is interrupted.
///
/// The copy has its name only when it is whole and on the disk.
pub(super) fn keep(
    connection: &Connection,
    path: &Path,
    now: UnixMillis,
    reporter: &mut Reporter<'_>,
) -> Result<PathBuf, StoreError> {
    if let Some(copy) = kept(connection, path)? {
        return Ok(copy);
    }
    disk::require_space(path, Room::of(connection, path)?.needed)?;
    let copy = unused_name(path, now);
    let unfinished = with_suffix(path, ".pre-v3-backup.part");
    disk::remove(&unfinished)?;
    copy_pages(connection, &unfinished, "backup", &mut |progress| reporter.report(progress))?;
    disk::sync(&unfinished)?;
    disk::rename(&unfinished, &copy)?;
    Ok(copy)
}

/// Notes where the copy is until the upgrade is through.
pub(super) fn note(connection: &mut Connection, copy: &Path) -> rusqlite::Result<()> {
    let Some(name) = copy.file_name().and_then(|name| name.to_str()) else { return Ok(()) };
    let transaction = connection.transaction()?;
    if !schema::table_exists(&transaction, "_state")? {
        let state = schema::schema().tables.iter().find(|table| table.name == "_state");
        transaction.execute_batch(&state.expect("schema.sql has _state").create)?;
    }
    transaction.execute("INSERT OR IGNORE INTO _state (key, value) VALUES (?1, ?2)", [STATE_KEY, name])?;
    transaction.commit()
}

/// Forgets where the copy is: the upgrade is through.
pub(super) fn forget(connection: &Connection) -> rusqlite::Result<()> {
    let noted: bool =
        connection.prepare_cached("SELECT 1 FROM _state WHERE key = ?1")?.exists([STATE_KEY])?;
    if noted {
        connection.execute("DELETE FROM _state WHERE key = ?1", [STATE_KEY])?;
    }
    Ok(())
}

/// The copy that an interrupted upgrade made.
pub(super) fn kept(connection: &Connection, path: &Path) -> rusqlite::Result<Option<PathBuf>> {
    if !schema::table_exists(connection, "_state")? {
        return Ok(None);
    }
    let name: Option<String> = connection
        .query_row("SELECT value FROM _state WHERE key = ?1", [STATE_KEY], |row| row.get(0))
        .optional()?;
    Ok(name.map(|name| path.with_file_name(name)).filter(|copy| copy.exists()))
}

/// The first free name from `now` on.
fn unused_name(path: &Path, now: UnixMillis) -> PathBuf {
    (now.get()..)
        .map(|millis| with_suffix(path, &format!(".pre-v3-backup-{millis}")))
        .find(|copy| !copy.exists())
        .unwrap_or_else(|| with_suffix(path, ".pre-v3-backup"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_never_takes_a_name_that_is_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mesh.db");
        let at = UnixMillis::new(5);
        assert!(unused_name(&path, at).ends_with("mesh.db.pre-v3-backup-5"));
        std::fs::File::create(unused_name(&path, at)).unwrap();
        assert!(unused_name(&path, at).ends_with("mesh.db.pre-v3-backup-6"));
    }
}
