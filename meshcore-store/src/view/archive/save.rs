//! Writing the snapshot file.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::layout::{BEGIN, Catalogue, LONGEST, Place, Superblock};
use super::{Archive, Identity, Key, Part, Rejected, State};
use crate::files::{Lock, folder_of, with_suffix};

/// What a save did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Saved {
    /// Bytes written.
    pub written: u64,
    /// Bytes of the file now.
    pub size: u64,
}

/// Why a save failed. What was saved before is still in the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SaveError {
    /// The system does not let us.
    #[error("cannot be written: {0}")]
    Unwritable(#[from] io::Error),

    /// Another process is saving to it at this moment.
    #[error("is being written by another process")]
    Busy,

    /// A living record was not given and is not in the file, which was deleted or replaced meanwhile.
    #[error("has no record {0}, and it was not given")]
    Lost(Key),

    /// A living record was not given and is damaged in the file.
    #[error(transparent)]
    Damaged(#[from] Rejected),

    /// It could not be read back.
    #[error("{0} has more than {LONGEST} bytes")]
    TooLong(Part),
}

impl Archive {
    /// Makes the file hold `head` and exactly the records `live`: those in `changed` as given there, the others as the
    /// last save left them. What is in `changed` and not in `live` is passed over.
    ///
    /// Writes what has changed; all of it only when more bytes of the file are dead than alive, or when the file is
    /// not as this archive knows it.
    ///
    /// # Errors
    /// [`SaveError`]. After [`SaveError::Lost`] and [`SaveError::Damaged`] all records must be given.
    pub fn save<B: AsRef<[u8]>>(
        &mut self,
        head: &[u8],
        changed: impl IntoIterator<Item = (Key, B)>,
        live: &BTreeSet<Key>,
    ) -> Result<Saved, SaveError> {
        let _lock = Lock::acquire(&with_suffix(&self.path, ".lock")).map_err(|error| match error {
            TryLockError::WouldBlock => SaveError::Busy,
            TryLockError::Error(error) => error.into(),
        })?;
        let records = changed.into_iter().filter(|(key, _)| live.contains(key)).map(Ok);
        let next = Next { identity: self.identity, generation: self.next_generation(), head, live };
        let (state, mut written) = match self.open_to_append() {
            Some((file, old)) => {
                let end = old.superblock.catalogue.end();
                next.write(file, Some(old), records).inspect_err(|_| give_back(&self.path, end))?
            }
            None => replace(&self.path, |file| next.write(file, None, records))?,
        };
        let state = self.state.insert(state);
        if state.is_wasteful() {
            let next = Next { generation: next.generation.wrapping_add(1), ..next };
            let records = live.iter().map(|key| Ok((*key, state.read(*key)?)));
            let (fresh, rewritten) = replace(&self.path, |file| next.write(file, None, records))?;
            *state = fresh;
            written += rewritten;
        }
        Ok(Saved { written, size: state.superblock.catalogue.end() })
    }

    /// The file, if the last save to it was ours.
    fn open_to_append(&self) -> Option<(File, &State)> {
        let old = self.state.as_ref()?;
        let file = OpenOptions::new().read(true).write(true).open(&self.path).ok()?;
        let newest = Superblock::read_all(&file).ok()?.into_iter().next()?;
        (newest == old.superblock).then_some((file, old))
    }

    fn next_generation(&self) -> u64 {
        self.state.as_ref().map_or(0, |state| state.superblock.generation).wrapping_add(1)
    }
}

impl State {
    /// More bytes are dead than alive.
    fn is_wasteful(&self) -> bool {
        let used = self.superblock.catalogue.end() - BEGIN;
        let living = self.catalogue.live() + u64::from(self.superblock.catalogue.len);
        used.saturating_sub(living) > living
    }
}

/// The state that is to be.
pub(super) struct Next<'a> {
    pub(super) identity: Identity,
    pub(super) generation: u64,
    pub(super) head: &'a [u8],
    pub(super) live: &'a BTreeSet<Key>,
}

impl Next<'_> {
    fn write<B: AsRef<[u8]>>(
        &self,
        file: File,
        old: Option<&State>,
        records: impl Iterator<Item = Result<(Key, B), SaveError>>,
    ) -> Result<(State, u64), SaveError> {
        let old = old.map(|state| (&state.superblock, &state.catalogue));
        let (superblock, catalogue) = self.append(&file, old, records)?;
        let begin = old.map_or(0, |(superblock, _)| superblock.catalogue.end());
        let written = superblock.catalogue.end() - begin;
        Ok((State { file, superblock, catalogue }, written))
    }

    /// Writes the records and the catalogue behind those of the old state, and when they are durable the superblock in
    /// the place that the old state does not use.
    pub(super) fn append<M: Medium, B: AsRef<[u8]>>(
        &self,
        medium: &M,
        old: Option<(&Superblock, &Catalogue)>,
        records: impl Iterator<Item = Result<(Key, B), SaveError>>,
    ) -> Result<(Superblock, Catalogue), SaveError> {
        let mut end = old.map_or(BEGIN, |(superblock, _)| superblock.catalogue.end());
        let mut write = |part, bytes: &[u8]| {
            let place = Place::of(bytes, end).ok_or(SaveError::TooLong(part))?;
            medium.write_at(bytes, place.offset)?;
            end = place.end();
            Ok::<_, SaveError>(place)
        };
        let mut catalogue = Catalogue { head: self.head.to_vec(), ..Catalogue::default() };
        for record in records {
            let (key, bytes) = record?;
            catalogue.places.insert(key, write(Part::Record(key), bytes.as_ref())?);
        }
        for key in self.live {
            if catalogue.places.contains_key(key) {
                continue;
            }
            let kept = old.and_then(|(_, catalogue)| catalogue.places.get(key));
            catalogue.places.insert(*key, *kept.ok_or(SaveError::Lost(*key))?);
        }
        let place = write(Part::Catalogue, &catalogue.encode())?;
        medium.sync()?;
        let superblock =
            Superblock { identity: self.identity, generation: self.generation, catalogue: place };
        medium.write_at(&superblock.encode(), superblock.offset())?;
        medium.sync()?;
        Ok((superblock, catalogue))
    }
}

/// What a state is written to: a file, or in tests one that power cuts happen to.
pub(super) trait Medium {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// What was written is durable after this.
    fn sync(&self) -> io::Result<()>;
}

impl Medium for File {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}

/// Fills a file beside `path`, which takes the name `path` when it is whole.
fn replace<T>(path: &Path, fill: impl FnOnce(File) -> Result<T, SaveError>) -> Result<T, SaveError> {
    let beside = with_suffix(path, ".new");
    remove(&beside)?; // of a save that was killed
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&beside)?;
    let filled = fill(file).and_then(|filled| {
        fs::rename(&beside, path)?;
        File::open(folder_of(path))?.sync_all()?;
        Ok(filled)
    });
    if filled.is_err() {
        let _ = remove(&beside); // the first error counts
    }
    filled
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A save that failed leaves no bytes behind; if it does, the next one writes over them.
fn give_back(path: &Path, end: u64) {
    let _ = OpenOptions::new().write(true).open(path).and_then(|file| file.set_len(end));
}
