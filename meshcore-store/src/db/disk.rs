//! Files beside the database: room for them, and names that only whole files carry.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::StoreError;
pub(super) use crate::files::{folder_of, with_suffix};

/// Fails when there is no room for `needed` bytes where `path` is.
pub(super) fn require_space(path: &Path, needed: u64) -> Result<(), StoreError> {
    let free = free_bytes(path)?;
    if free < needed {
        return Err(StoreError::NoSpace { folder: folder_of(path).to_owned(), needed, free });
    }
    Ok(())
}

/// Bytes that we may still write where `path` is.
pub(super) fn free_bytes(path: &Path) -> Result<u64, StoreError> {
    let folder = folder_of(path);
    let filesystem = rustix::fs::statvfs(folder).map_err(|error| failed(folder)(error.into()))?;
    Ok(filesystem.f_bavail.saturating_mul(filesystem.f_frsize))
}

/// Whatever was written to `path` is on the disk after this.
pub(super) fn sync(path: &Path) -> Result<(), StoreError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(failed(path))
}

/// Gives `from` the name `to`, which survives a power cut after this.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    fs::rename(from, to).map_err(failed(to))?;
    sync(folder_of(to))
}

/// Removes `path` if it is there.
pub(super) fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(path)(error)),
        _ => Ok(()),
    }
}

/// Names the file at fault.
pub(super) fn failed(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::File { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_looked_for_where_the_file_will_be() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("copy.db");
        require_space(&path, 1).unwrap();
        let error = require_space(&path, u64::MAX).unwrap_err();
        assert!(
            matches!(&error, StoreError::NoSpace { folder: at, free, .. } if at == folder.path() && *free > 0),
            "{error}"
        );
        assert!(require_space(&path.join("nowhere/copy.db"), 1).is_err());
    }
}
