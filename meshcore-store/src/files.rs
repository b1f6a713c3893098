//! Files beside the database: their names, and who may write them.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

/// `path` with `suffix` behind its name: `mesh.db` and `-wal` make `mesh.db-wal`.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The folder of `path`.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// An exclusive lock on a file that serves nothing else, released when dropped or when the process dies.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

impl Lock {
    pub(crate) fn acquire(path: &Path) -> Result<Self, TryLockError> {
        let file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(false)
            .open(path)
            .map_err(TryLockError::Error)?;
        file.try_lock().map(|()| Self { file })
    }
}

impl Drop for Lock {
    /// A child that is just being started holds a copy of the file, and with it the lock, until it becomes another
    /// program: closing ours would not be enough.
    fn drop(&mut self) {
        let _ = self.file.unlock(); // an error changes nothing: it is closed now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_name_is_in_the_working_directory() {
        assert_eq!(folder_of(Path::new("mesh.db")), Path::new("."));
        assert_eq!(folder_of(Path::new("data/mesh.db")), Path::new("data"));
        assert_eq!(with_suffix(Path::new("data/mesh.db"), "-wal"), Path::new("data/mesh.db-wal"));
    }
}
