mod crash;
mod damage;
mod saves;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{Archive, Identity, Key, Rejected, SaveError, Saved};

const OURS: Identity = Identity { database: 0x5EED, encoding: 3 };

/// All that a file holds.
#[derive(Clone, Debug, Default, PartialEq)]
struct Content {
    head: Vec<u8>,
    records: BTreeMap<Key, Vec<u8>>,
}

impl Content {
    /// Records 1 to `count`, whose bytes follow from `seed`.
    fn of(count: u64, len: usize, seed: u8) -> Self {
        let record = |block: u64| (Key { block, part: 0 }, bytes(len, seed ^ block.to_le_bytes()[0]));
        Self { head: bytes(40, seed), records: (1..=count).map(record).collect() }
    }

    fn keys(&self) -> BTreeSet<Key> {
        self.records.keys().copied().collect()
    }

    /// Saves all of it.
    fn save(&self, archive: &mut Archive) -> Result<Saved, SaveError> {
        archive.save(&self.head, self.records.clone(), &self.keys())
    }

    /// Saves what is not as in `before`.
    fn save_changes(&self, archive: &mut Archive, before: &Self) -> Result<Saved, SaveError> {
        archive.save(&self.head, self.changes(before), &self.keys())
    }

    fn changes(&self, before: &Self) -> BTreeMap<Key, Vec<u8>> {
        let mut changes = self.records.clone();
        changes.retain(|key, bytes| before.records.get(key) != Some(bytes));
        changes
    }

    /// Everything in `archive`, if all of it can be read.
    fn read(archive: &Archive) -> Result<Self, Rejected> {
        let read = |(key, len)| {
            let bytes = archive.read(key)?;
            assert_eq!(bytes.len(), usize::try_from(len).unwrap());
            Ok::<_, Rejected>((key, bytes))
        };
        Ok(Self {
            head: archive.head().to_vec(),
            records: archive.records().map(read).collect::<Result<_, _>>()?,
        })
    }

    /// Everything in the file at `path`.
    fn open(path: &Path) -> Result<Self, Rejected> {
        Self::read(&Archive::open(path, OURS)?.expect("there is a file"))
    }
}

/// Bytes that do not repeat soon.
fn bytes(len: usize, seed: u8) -> Vec<u8> {
    let mut state = u32::from(seed) + 1;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..len).map(|_| next()).collect()
}

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mesh.db.view");
    (folder, path)
}
