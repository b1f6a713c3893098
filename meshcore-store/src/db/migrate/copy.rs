//! The copy of a file that is kept before an upgrade takes something away.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OptionalExtension};

use super::super::schema;
use super::super::{Progress, StoreError};
use super::report::Reporter;
use crate::UnixMillis;

/// Where the copy of an upgrade under way is noted, so that a restart makes no second one.
const STATE_KEY: &str = "migration.copy";

/// Pages copied between two reports.
const PAGES: i32 = 2_000;

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
        let failed = |source: io::Error| StoreError::Copy { path: path.to_owned(), source };
        let disk = rustix::fs::statvfs(folder(path)).map_err(|error| failed(error.into()))?;
        Ok(Self {
            needed: 2 * u64::from(pages) * u64::from(page_size),
            free: disk.f_bavail.saturating_mul(disk.f_frsize),
        })
    }

    pub(super) fn check(self, path: &Path) -> Result<(), StoreError> {
        if self.free < self.needed {
            return Err(StoreError::NoRoom { path: path.to_owned(), needed: self.needed, free: self.free });
        }
        Ok(())
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
    Room::of(connection, path)?.check(path)?;
    let copy = unused_name(path, now);
    let unfinished = with_suffix(path, ".pre-v3-backup.part");
    let failed = |source| StoreError::Copy { path: copy.clone(), source };
    remove(&unfinished).map_err(failed)?;
    copy_pages(connection, &unfinished, reporter)?;
    File::open(&unfinished).and_then(|file| file.sync_all()).map_err(failed)?;
    fs::rename(&unfinished, &copy).map_err(failed)?;
    File::open(folder(path)).and_then(|folder| folder.sync_all()).map_err(failed)?;
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

fn copy_pages(connection: &Connection, to: &Path, reporter: &mut Reporter<'_>) -> Result<(), StoreError> {
    let mut target =
        Connection::open(to).map_err(|source| StoreError::Open { path: to.to_owned(), source })?;
    // Until it has its name nobody reads it: no need for a journal.
    target.pragma_update_and_check(None, "journal_mode", "OFF", |_| Ok(()))?;
    target.pragma_update(None, "synchronous", "OFF")?;
    let backup = Backup::new(connection, &mut target)?;
    loop {
        let result = backup.step(PAGES)?;
        let progress = backup.progress();
        let total = u64::try_from(progress.pagecount).unwrap_or(0);
        let done = total - u64::try_from(progress.remaining).unwrap_or(0).min(total);
        reporter.report(Progress { step: "backup", done, total });
        match result {
            StepResult::Done => return Ok(()),
            StepResult::More => {}
            // Whoever reads the old file lets go of it soon; nobody else writes, we hold the lock.
            _ => std::thread::sleep(std::time::Duration::from_millis(50)),
        }
    }
}

/// The first free name from `now` on.
fn unused_name(path: &Path, now: UnixMillis) -> PathBuf {
    (now.get()..)
        .map(|millis| with_suffix(path, &format!(".pre-v3-backup-{millis}")))
        .find(|copy| !copy.exists())
        .unwrap_or_else(|| with_suffix(path, ".pre-v3-backup"))
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_room_is_told_in_numbers() {
        let path = Path::new("old.db");
        assert!(Room { needed: 100, free: 100 }.check(path).is_ok());
        let error = Room { needed: 100, free: 99 }.check(path).unwrap_err().to_string();
        assert!(error.contains("old.db") && error.contains("100") && error.contains("99"), "{error}");
    }

    #[test]
    fn a_copy_never_takes_a_name_that_is_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mesh.db");
        let at = UnixMillis::new(5);
        assert!(unused_name(&path, at).ends_with("mesh.db.pre-v3-backup-5"));
        File::create(unused_name(&path, at)).unwrap();
        assert!(unused_name(&path, at).ends_with("mesh.db.pre-v3-backup-6"));
    }
}
