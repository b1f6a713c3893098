//! Blocks to the snapshot file, and back.

use std::collections::BTreeSet;
use std::sync::Arc;

use meshcore_proto::PublicKey;
use serde::{Deserialize, Serialize};

use super::archive::{Archive, Key, Rejected, SaveError, Saved};
use super::block::{Block, Frames, Sealed};
use super::names::Names;
use super::partial::Hour;
use super::snapshot::{BlockKey, Coverage};
use super::store::Keeper;
use crate::UnixMillis;

/// Version of what is inside the records: blocks, frames and head. To be raised with every change of them.
pub const ENCODING: u32 = 7;

/// Parts of a block in the file.
const COLUMNS: u8 = 0;
const FRAMES: u8 = 1;

/// What the file says beside its blocks.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    nodes: Vec<[u8; 32]>,
    observers: Vec<i64>,
    texts: Vec<String>,
    /// Milliseconds; packets first heard before are not in the file.
    since: Option<i64>,
    /// Highest id of a packet that is not in the file.
    beyond: i64,
    /// Highest id in each block, in the order of the blocks.
    highest: Vec<i64>,
    /// What the caller wants to know again.
    note: Vec<u8>,
}

/// A snapshot file that is being read, the newest block first.
#[derive(Debug)]
pub struct Restoring {
    archive: Archive,
    /// With the highest id of each, ascending: the last is the next.
    blocks: Vec<(BlockKey, i64)>,
    last: Option<BlockKey>,
    coverage: Coverage,
    note: Vec<u8>,
    names: Names,
}

/// A block as it lies in the file.
#[derive(Debug)]
pub struct Restored {
    key: BlockKey,
    sealed: Sealed,
}

impl BlockKey {
    fn number(self) -> u64 {
        u64::from(self.hour.0) << 16 | u64::from(self.part)
    }

    fn of_number(number: u64) -> Option<Self> {
        let part = u16::try_from(number & 0xffff).ok()?;
        Some(Self { hour: Hour(u32::try_from(number >> 16).ok()?), part })
    }
}

impl Restoring {
    /// Reads what the file says beside its blocks; `None` when it is not understood.
    pub fn new(archive: Archive) -> Option<Self> {
        let head: Head = postcard::from_bytes(archive.head()).ok()?;
        let columns = archive.records().filter(|(key, _)| key.part == COLUMNS);
        let keys = columns.map(|(key, _)| BlockKey::of_number(key.block)).collect::<Option<Vec<_>>>()?;
        if keys.len() != head.highest.len() {
            return None;
        }
        let nodes = head.nodes.into_iter().map(PublicKey::from_bytes).collect();
        let texts = head.texts.into_iter().map(Arc::from).collect();
        Some(Self {
            blocks: keys.into_iter().zip(head.highest).collect(),
            last: None,
            coverage: Coverage { since: head.since.map(UnixMillis::new), beyond: head.beyond, loading: None },
            note: head.note,
            names: Names::of(nodes, head.observers, texts),
            archive,
        })
    }

    /// Everything that had a number: blocks are to be kept by a [`Keeper`] that goes on from these.
    pub const fn names(&self) -> &Names {
        &self.names
    }

    /// What the caller of [`Keeper::save`] wanted to know again.
    pub fn note(&self) -> &[u8] {
        &self.note
    }

    /// What is covered when all blocks are read.
    pub const fn coverage(&self) -> Coverage {
        self.coverage
    }

    /// What is covered by the blocks that were read so far.
    pub fn covered(&self) -> Coverage {
        let unread = self.blocks.iter().map(|(_, highest)| *highest).max();
        match (unread, self.last) {
            (None, _) => self.coverage,
            (Some(unread), last) => Coverage {
                since: Some(last.map_or(UnixMillis::new(i64::MAX), |key| key.hour.start())),
                beyond: unread.max(self.coverage.beyond),
                loading: None,
            },
        }
    }

    /// How many blocks are still to be read.
    pub const fn remaining(&self) -> usize {
        self.blocks.len()
    }

    /// The next block, one hour older than the last; `None` after the oldest.
    ///
    /// # Errors
    /// [`Rejected`]: the file is damaged, and nothing in it is to be trusted.
    pub fn next_block(&mut self) -> Result<Option<Restored>, Rejected> {
        let Some((key, _)) = self.blocks.pop() else { return Ok(None) };
        let (columns, frames) = keys(key);
        let bytes = self.archive.read(columns)?;
        let frames = match self.archive.read(frames) {
            Ok(bytes) => Some(Frames::read(&bytes).ok_or(Rejected::Missing(frames))?),
            Err(Rejected::Missing(_)) => None,
            Err(error) => return Err(error),
        };
        let sealed = Sealed::read(&bytes, frames).ok_or(Rejected::Missing(columns))?;
        self.last = Some(key);
        Ok(Some(Restored { key, sealed }))
    }

    /// The file again, when all is read, for the next save.
    pub fn into_archive(self) -> Archive {
        self.archive
    }
}

fn keys(key: BlockKey) -> (Key, Key) {
    let block = key.number();
    (Key { block, part: COLUMNS }, Key { block, part: FRAMES })
}

impl Keeper {
    /// Takes in a block that was saved.
    pub fn restore(&mut self, block: Restored) {
        self.adopt(block.key, block.sealed, false);
    }

    /// Writes what has changed since the last save, and `note`.
    ///
    /// # Errors
    /// [`SaveError`]. The next save writes everything.
    pub fn save(&mut self, archive: &mut Archive, note: &[u8]) -> Result<Saved, SaveError> {
        let names = self.names();
        let head = Head {
            nodes: names.node_keys().iter().map(|key| *key.as_bytes()).collect(),
            observers: names.observer_rows().to_vec(),
            texts: names.texts().iter().map(|text| text.as_ref().to_owned()).collect(),
            since: self.coverage().since.map(UnixMillis::get),
            beyond: self.coverage().beyond,
            highest: self.saved_blocks().map(|(_, block, _)| block.summary().ids.1).collect(),
            note: note.to_vec(),
        };
        // It is of numbers and texts only, which can always be written.
        let head = postcard::to_allocvec(&head).unwrap_or_default();
        let mut live = BTreeSet::new();
        for (key, block, _) in self.saved_blocks() {
            let (columns, frames) = keys(key);
            live.insert(columns);
            let has_frames = match block {
                Block::Live(_) => true,
                Block::Sealed(sealed) => sealed.frames().is_some(),
            };
            if has_frames {
                live.insert(frames);
            }
        }
        let changed = self.saved_blocks().filter(|(_, _, unsaved)| *unsaved).flat_map(|(key, block, _)| {
            let sealed = match block {
                Block::Live(live) => Arc::new(live.seal()),
                Block::Sealed(sealed) => Arc::clone(sealed),
            };
            let (columns, frames) = keys(key);
            let frames = sealed.frames().map(|bytes| (frames, bytes.bytes().clone()));
            std::iter::once((columns, sealed.bytes().clone())).chain(frames)
        });
        let saved = archive.save(&head, changed, &live);
        self.mark_saved(saved.is_ok());
        saved
    }
}
