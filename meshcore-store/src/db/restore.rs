//! Putting a backup in the place of the database.
//!
//! At every moment there is a complete database under the database's name: the old one until one exchange of two names,
//! the new one after it. The old one is kept as `<database>.before-restore-<unixms>`.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};
use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::backup::{self, Copied};
use super::disk::{self, with_suffix};
use super::lock::WriterLock;
use super::{OnProgress, Progress, StoreError, changes};
use crate::UnixMillis;

/// How long the old database is waited for when somebody is reading.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a restore did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Where the database that was there before is now; `None` when there was none.
    pub kept: Option<PathBuf>,
    /// What was copied from the backup.
    pub copied: Copied,
}

/// Puts the backup `from` in the place of the database at `path`. The backup stays as it is.
///
/// Nobody may use the database meanwhile. Reports the steps `copy` (pages), `verify`, `keep` and `exchange`.
///
/// # Errors
/// [`StoreError::AlreadyWritten`] or [`StoreError::InUse`] while a program uses the database; else as
/// [`backup`](super::backup()), about the backup. The database is untouched then.
pub fn restore(
    path: &Path,
    from: &Path,
    now: UnixMillis,
    on_progress: OnProgress<'_>,
) -> Result<Restored, StoreError> {
    let _lock = WriterLock::acquire(path)?;
    let new = with_suffix(path, ".restoring");
    let copied = backup::copy(from, &new, on_progress)?;
    // Who remembers what the database held must not take this one for it.
    Connection::open(&new)
        .and_then(|connection| changes::identify_anew(&connection))
        .map_err(|error| StoreError::from(error).about(&new))?;
    disk::sync(&new)?;
    let mut step = |step| on_progress(Progress { step, done: 0, total: 1 });
    step("keep");
    let kept = if path.exists() {
        let kept = with_suffix(path, &format!(".before-restore-{}", now.get()));
        if kept.exists() {
            return Err(StoreError::Exists { path: kept });
        }
        if !fold_into_one_file(path)? {
            move_logs(path, &kept)?;
        }
        exchange(&new, path, &kept, &mut step)?;
        Some(kept)
    } else {
        step("exchange");
        disk::rename(&new, path)?;
        None
    };
    on_progress(Progress { step: "exchange", done: 1, total: 1 });
    Ok(Restored { kept, copied })
}

/// Leaves the database without a log beside it, which needs it for itself alone. `false` when it is too damaged to be
/// opened: what is restored over may well be.
fn fold_into_one_file(path: &Path) -> Result<bool, StoreError> {
    if !has_header(path)? {
        return Ok(false); // SQLite would take it for a new file and delete its log
    }
    let fold = || {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.busy_timeout(PATIENCE)?;
        connection.pragma_update_and_check(None, "journal_mode", "DELETE", |row| row.get::<_, String>(0))
    };
    match fold() {
        Ok(mode) => Ok(mode == "delete"),
        Err(error)
            if matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
            ) =>
        {
            Err(StoreError::InUse { path: path.to_owned() })
        }
        Err(error) => {
            tracing::warn!(%error, db.path = %path.display(), "the database that is replaced cannot be read");
            Ok(false)
        }
    }
}

/// Whether the file begins as a database does.
fn has_header(path: &Path) -> Result<bool, StoreError> {
    const MAGIC: &[u8] = b"SQLite format 3\0";
    let mut head = Vec::new();
    let file = File::open(path).map_err(disk::failed(path))?;
    file.take(MAGIC.len() as u64).read_to_end(&mut head).map_err(disk::failed(path))?;
    Ok(head == MAGIC)
}

/// A log left behind would be taken for the new file's.
fn move_logs(path: &Path, kept: &Path) -> Result<(), StoreError> {
    for suffix in ["-wal", "-journal"] {
        let log = with_suffix(path, suffix);
        if log.exists() {
            disk::rename(&log, &with_suffix(kept, suffix))?;
        }
    }
    disk::remove(&with_suffix(path, "-shm"))
}

/// `new` becomes `path`, what was there becomes `kept`.
///
/// `new` takes the name `kept` first, so that whatever name a kill leaves behind belongs to a complete database. File
/// systems that cannot exchange two names get a copy instead.
fn exchange(
    new: &Path,
    path: &Path,
    kept: &Path,
    step: &mut dyn FnMut(&'static str),
) -> Result<(), StoreError> {
    disk::rename(new, kept)?;
    step("exchange");
    if renameat_with(CWD, kept, CWD, path, RenameFlags::EXCHANGE).is_ok() {
        return disk::sync(disk::folder_of(path));
    }
    disk::rename(kept, new)?;
    step("exchange");
    copy_aside(path, kept)?;
    step("exchange");
    disk::rename(new, path)
}

/// Copies the file `path` to `kept`, under another name until it is whole.
fn copy_aside(path: &Path, kept: &Path) -> Result<(), StoreError> {
    let partial = with_suffix(path, ".keeping");
    disk::require_space(path, path.metadata().map_err(disk::failed(path))?.len())?;
    fs::copy(path, &partial).map_err(disk::failed(&partial))?;
    disk::sync(&partial)?;
    disk::rename(&partial, kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_an_exchange_of_names_the_old_file_is_copied_aside() {
        let folder = tempfile::tempdir().unwrap();
        let (path, kept) = (folder.path().join("mesh.db"), folder.path().join("kept"));
        fs::write(&path, "old").unwrap();
        copy_aside(&path, &kept).unwrap();
        assert_eq!((fs::read(&path).unwrap(), fs::read(&kept).unwrap()), (b"old".to_vec(), b"old".to_vec()));
        assert!(!with_suffix(&path, ".keeping").exists());
    }
}
