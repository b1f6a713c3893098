//! The snapshot file: what the view holds, kept beside the database, so that a start need not read the database.
//!
//! The file is a container of records, each some bytes under a [`Key`], and a catalogue of them. It knows nothing of
//! what is in a record, and nothing depends on it: it may be deleted at any time, and a file that cannot be trusted
//! is [`Rejected`] and replaced by the next save.
//!
//! A save appends what has changed and a new catalogue, and makes both durable before it switches over to them, so a
//! kill or a power cut at any moment leaves the state before or the state after. When more bytes are dead than alive,
//! the living move to a fresh file.

mod layout;
mod save;
#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use layout::{Catalogue, Superblock};
pub use save::{SaveError, Saved};

/// Names a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Which hour block.
    pub block: u64,
    /// Which part of it.
    pub part: u8,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.block, self.part)
    }
}

/// What a file must be of, to be of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The database beside it.
    pub database: u64,
    /// Version of what is inside the records and the head.
    pub encoding: u32,
}

/// The snapshot file at a path, as it was when it was last opened or saved.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    identity: Identity,
    state: Option<State>,
}

/// What the newest superblock of an open file says.
#[derive(Debug)]
struct State {
    file: File,
    superblock: Superblock,
    catalogue: Catalogue,
}

impl Archive {
    /// Nothing is in memory of what may be at `path`: the first save replaces it.
    pub fn new(path: &Path, identity: Identity) -> Self {
        Self { path: path.to_owned(), identity, state: None }
    }

    /// Reads the catalogue, and no record. `None`: there is no file.
    ///
    /// Of two states that are whole the newer one counts, and the older one when the newer is damaged.
    ///
    /// # Errors
    /// [`Rejected`]: the file is of no use.
    pub fn open(path: &Path, identity: Identity) -> Result<Option<Self>, Rejected> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut rejected = None;
        for superblock in Superblock::read_all(&file)? {
            superblock.check(identity)?;
            match Catalogue::read(&file, &superblock) {
                Ok(catalogue) => {
                    let state = Some(State { file, superblock, catalogue });
                    return Ok(Some(Self { path: path.to_owned(), identity, state }));
                }
                Err(error) => rejected = rejected.or(Some(error)),
            }
        }
        Err(rejected.unwrap_or(Rejected::NoSnapshot))
    }

    /// What the last save gave as head; empty before the first.
    pub fn head(&self) -> &[u8] {
        self.state.as_ref().map_or(&[], |state| &state.catalogue.head)
    }

    /// The records and how many bytes each has, ascending by key.
    pub fn records(&self) -> impl DoubleEndedIterator<Item = (Key, u32)> {
        let places = self.state.iter().flat_map(|state| &state.catalogue.places);
        places.map(|(key, place)| (*key, place.len))
    }

    /// One record, exactly as it was saved. May be called by several threads at once.
    ///
    /// # Errors
    /// [`Rejected`]: it cannot be read, is not what was saved, or there is none of that key.
    pub fn read(&self, key: Key) -> Result<Vec<u8>, Rejected> {
        let state = self.state.as_ref().ok_or(Rejected::Missing(key))?;
        state.read(key)
    }
}

impl State {
    fn read(&self, key: Key) -> Result<Vec<u8>, Rejected> {
        let place = self.catalogue.places.get(&key).ok_or(Rejected::Missing(key))?;
        place.read(&self.file, Part::Record(key))
    }
}

/// Why a snapshot file, or a record of it, is not used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Rejected {
    /// The system does not let us.
    #[error("cannot be read: {0}")]
    Unreadable(#[from] io::Error),

    /// It does not begin like one.
    #[error("is no snapshot file")]
    NoSnapshot,

    /// It is beside the wrong database, or the database was replaced.
    #[error("belongs to database {found:016x}, this is {expected:016x}")]
    Foreign {
        /// The database it was made from.
        found: u64,
        /// The database that is there.
        expected: u64,
    },

    /// Another version of the program wrote it.
    #[error("is of version {found}, this program reads {expected}")]
    Version {
        /// Version of the file or of its records.
        found: u32,
        /// The one we know.
        expected: u32,
    },

    /// Its end is missing.
    #[error("is truncated: {part} ends at byte {end}, the file at {size}")]
    Truncated {
        /// What is not there.
        part: Part,
        /// Byte behind the part.
        end: u64,
        /// Bytes of the file.
        size: u64,
    },

    /// It is not what was written.
    #[error("is damaged: {part} at byte {offset}")]
    Damaged {
        /// What is not as it was.
        part: Part,
        /// Its first byte in the file.
        offset: u64,
    },

    /// There is no record of that key.
    #[error("has no record {0}")]
    Missing(Key),
}

/// A part of a snapshot file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Where the catalogue is.
    Superblock,
    /// Where the records are, and the head.
    Catalogue,
    /// A record.
    Record(Key),
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Superblock => f.write_str("superblock"),
            Self::Catalogue => f.write_str("catalogue"),
            Self::Record(key) => write!(f, "record {key}"),
        }
    }
}
