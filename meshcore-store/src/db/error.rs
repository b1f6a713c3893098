//! What can go wrong with the database, in words an operator can act on.

use std::io;
use std::path::{Path, PathBuf};

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The folder of the database cannot be made.
    #[error("database folder {}: {source}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The system's reason.
        source: io::Error,
    },

    /// The file cannot be opened or created.
    #[error("database {}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// SQLite's reason.
        source: rusqlite::Error,
    },

    /// The lock file beside the database cannot be made.
    #[error("lock file {}: {source}", path.display())]
    LockFile {
        /// The lock file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },

    /// Another process writes to this database.
    #[error("database {}: another CoreScope process is writing to it; stop that one first", path.display())]
    AlreadyWritten {
        /// The database.
        path: PathBuf,
    },

    /// The file is a database, but none that this version can use.
    #[error("database {}: not usable by this version, missing: {missing}", path.display())]
    NotReady {
        /// The database.
        path: PathBuf,
        /// Tables and columns that are not there.
        missing: String,
    },

    /// A file beside the database cannot be read, written or renamed.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },

    /// The file is a database, but none of CoreScope's.
    #[error("database {}: not a CoreScope database (no usable table transmissions or packets); nothing was changed", path.display())]
    NotCoreScope {
        /// The database.
        path: PathBuf,
    },

    /// There is not enough room.
    #[error("{}: {needed} bytes are needed, {free} are free; make room and try again", folder.display())]
    NoSpace {
        /// Where.
        folder: PathBuf,
        /// Bytes.
        needed: u64,
        /// Bytes.
        free: u64,
    },

    /// A file that would be overwritten is not.
    #[error("{}: exists; choose another name", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },

    /// The content of the file is not what it should be.
    #[error("database {}: damaged: {problem}", path.display())]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What was found.
        problem: String,
    },

    /// A program has the database open that must not.
    #[error("database {}: in use by another program; stop it first", path.display())]
    InUse {
        /// The database.
        path: PathBuf,
    },

    /// An upgrade would have lost rows, and was taken back.
    #[error(
        "upgrade step {step}: {expected} rows expected, {found} found; it was taken back and the old rows are still there"
    )]
    Counts {
        /// The step.
        step: &'static str,
        /// Rows there should be.
        expected: u64,
        /// Rows there are.
        found: u64,
    },

    /// The writing thread cannot be started.
    #[error("cannot start the writing thread: {0}")]
    Thread(io::Error),

    /// Messages cannot be written, and other work waits behind them; the log says why.
    #[error("the database takes no writes at the moment")]
    TakesNoWrites,

    /// The writing thread has ended.
    #[error("the writing thread has ended")]
    WriterGone,

    /// A statement failed.
    #[error(transparent)]
    Sql(#[from] rusqlite::Error),
}

impl StoreError {
    /// Says which file a bare SQLite error is about.
    pub(super) fn about(self, path: &Path) -> Self {
        match self {
            Self::Sql(source) => Self::Open { path: path.to_owned(), source },
            other => other,
        }
    }
}
