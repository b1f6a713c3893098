//! One writer per file.

use std::fs::TryLockError;
use std::path::Path;

use super::StoreError;
use crate::files::{Lock, with_suffix};

/// An exclusive lock on `<database>.writer.lock`.
#[derive(Debug)]
pub(super) struct WriterLock {
    _lock: Lock,
}

impl WriterLock {
    pub(super) fn acquire(database: &Path) -> Result<Self, StoreError> {
        let path = with_suffix(database, ".writer.lock");
        Lock::acquire(&path).map(|lock| Self { _lock: lock }).map_err(|error| match error {
            TryLockError::WouldBlock => StoreError::AlreadyWritten { path: database.to_owned() },
            TryLockError::Error(source) => StoreError::LockFile { path, source },
        })
    }
}
