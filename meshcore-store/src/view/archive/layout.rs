//! How the bytes of a snapshot file are laid out; integers are little-endian.
//!
//! ```text
//! 0     superblock  [magic 8] [version 4] [encoding 4] [database 8] [generation 8] [catalogue: place 16] [checksum 4]
//! 4096  superblock  of the state before, or of the one after
//! 8192  records and catalogues, in the order they were written
//!
//! catalogue  [records 4] ([block 8] [part 1] [place 16])* [head]
//! place      [offset 8] [len 4] [checksum 4]
//! ```
//!
//! The two superblocks lie in different pages, so that writing one cannot harm the other.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use super::{Identity, Key, Part, Rejected};

/// Where records begin.
pub(super) const BEGIN: u64 = 2 * PAGE;

/// No record and no catalogue is longer: a length that says more is damaged, and nothing is allocated for it.
pub(super) const LONGEST: u32 = 64 << 20;

const PAGE: u64 = 4096;
const MAGIC: &[u8; 8] = b"CScpView";
const VERSION: u32 = 1;

/// Which state of the file counts, and where its catalogue is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Superblock {
    pub(super) identity: Identity,
    /// Counts the saves: the greater one is the newer, and its parity says which of the two places it has.
    pub(super) generation: u64,
    pub(super) catalogue: Place,
}

impl Superblock {
    pub(super) const LEN: usize = 8 + 4 + 4 + 8 + 8 + Place::LEN + 4;

    /// Those that are whole, the newest first; never none.
    pub(super) fn read_all(file: &File) -> Result<Vec<Self>, Rejected> {
        let size = file.metadata()?.len();
        if size < BEGIN {
            return Err(Rejected::Truncated { part: Part::Superblock, end: BEGIN, size });
        }
        let mut whole = Vec::new();
        let mut rejected = Rejected::NoSnapshot;
        for offset in [0, PAGE] {
            let mut bytes = [0; Self::LEN];
            read_at(file, &mut bytes, offset, Part::Superblock)?;
            match Self::decode(&bytes, offset) {
                Ok(superblock) => whole.push(superblock),
                Err(Rejected::NoSnapshot) => {} // the other one knows better
                Err(error) => rejected = error,
            }
        }
        if whole.is_empty() {
            return Err(rejected);
        }
        whole.sort_by_key(|superblock| std::cmp::Reverse(superblock.generation));
        Ok(whole)
    }

    /// Where it is in the file.
    pub(super) const fn offset(&self) -> u64 {
        (self.generation & 1) * PAGE
    }

    /// Whether the file is the one looked for.
    pub(super) fn check(&self, identity: Identity) -> Result<(), Rejected> {
        let Identity { database, encoding } = identity;
        if self.identity.encoding != encoding {
            return Err(Rejected::Version { found: self.identity.encoding, expected: encoding });
        }
        if self.identity.database != database {
            return Err(Rejected::Foreign { found: self.identity.database, expected: database });
        }
        Ok(())
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::LEN);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&self.identity.encoding.to_le_bytes());
        bytes.extend_from_slice(&self.identity.database.to_le_bytes());
        bytes.extend_from_slice(&self.generation.to_le_bytes());
        self.catalogue.encode(&mut bytes);
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8; Self::LEN], offset: u64) -> Result<Self, Rejected> {
        let damaged = || Rejected::Damaged { part: Part::Superblock, offset };
        let mut fields = Fields(bytes);
        if fields.take::<8>() != Some(*MAGIC) {
            return Err(Rejected::NoSnapshot);
        }
        let version = fields.u32().ok_or_else(damaged)?;
        if version != VERSION {
            return Err(Rejected::Version { found: version, expected: VERSION });
        }
        let read = |fields: &mut Fields<'_>| {
            let (encoding, database) = (fields.u32()?, fields.u64()?);
            let identity = Identity { database, encoding };
            let superblock = Self { identity, generation: fields.u64()?, catalogue: fields.place()? };
            Some((superblock, fields.u32()?))
        };
        let (superblock, checksum) = read(&mut fields).ok_or_else(damaged)?;
        let (content, _) = bytes.split_at(Self::LEN - 4);
        // In the other's place it is a copy that went astray.
        let whole = checksum == crc32fast::hash(content) && superblock.offset() == offset;
        whole.then_some(superblock).ok_or_else(damaged)
    }
}

/// Where the records are.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    pub(super) places: BTreeMap<Key, Place>,
    /// The caller's.
    pub(super) head: Vec<u8>,
}

impl Catalogue {
    pub(super) fn read(file: &File, superblock: &Superblock) -> Result<Self, Rejected> {
        let place = superblock.catalogue;
        let bytes = place.read(file, Part::Catalogue)?;
        Self::decode(&bytes).ok_or(Rejected::Damaged { part: Part::Catalogue, offset: place.offset })
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(4 + self.places.len() * (9 + Place::LEN) + self.head.len());
        // More records than that make a catalogue that is too long to be written.
        bytes.extend_from_slice(&u32::try_from(self.places.len()).unwrap_or(u32::MAX).to_le_bytes());
        for (key, place) in &self.places {
            bytes.extend_from_slice(&key.block.to_le_bytes());
            bytes.push(key.part);
            place.encode(&mut bytes);
        }
        bytes.extend_from_slice(&self.head);
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        let mut places = BTreeMap::new();
        for _ in 0..fields.u32()? {
            let key = Key { block: fields.u64()?, part: u8::from_le_bytes(fields.take()?) };
            places.insert(key, fields.place()?);
        }
        Some(Self { places, head: fields.0.to_vec() })
    }

    /// Bytes of all records.
    pub(super) fn live(&self) -> u64 {
        self.places.values().map(|place| u64::from(place.len)).sum()
    }
}

/// Bytes in the file, and how to know them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) offset: u64,
    pub(super) len: u32,
    pub(super) checksum: u32,
}

impl Place {
    const LEN: usize = 8 + 4 + 4;

    /// For `bytes` at `offset`; `None` when they are too many.
    pub(super) fn of(bytes: &[u8], offset: u64) -> Option<Self> {
        let len = u32::try_from(bytes.len()).ok().filter(|len| *len <= LONGEST)?;
        Some(Self { offset, len, checksum: crc32fast::hash(bytes) })
    }

    /// Behind its last byte.
    pub(super) fn end(&self) -> u64 {
        self.offset.saturating_add(u64::from(self.len))
    }

    pub(super) fn read(&self, file: &File, part: Part) -> Result<Vec<u8>, Rejected> {
        let damaged = Rejected::Damaged { part, offset: self.offset };
        let size = file.metadata()?.len();
        if self.offset < BEGIN || self.len > LONGEST {
            return Err(damaged);
        }
        if self.end() > size {
            return Err(Rejected::Truncated { part, end: self.end(), size });
        }
        let mut bytes = vec![0; usize::try_from(self.len).unwrap_or(usize::MAX)];
        read_at(file, &mut bytes, self.offset, part)?;
        if crc32fast::hash(&bytes) == self.checksum { Ok(bytes) } else { Err(damaged) }
    }

    fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.offset.to_le_bytes());
        bytes.extend_from_slice(&self.len.to_le_bytes());
        bytes.extend_from_slice(&self.checksum.to_le_bytes());
    }
}

/// Integers one after another.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn place(&mut self) -> Option<Place> {
        Some(Place { offset: self.u64()?, len: self.u32()?, checksum: self.u32()? })
    }
}

/// A file that became shorter while it was read is a truncated one.
fn read_at(file: &File, bytes: &mut [u8], offset: u64, part: Part) -> Result<(), Rejected> {
    file.read_exact_at(bytes, offset).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => Rejected::Truncated {
            part,
            end: offset.saturating_add(bytes.len() as u64),
            size: file.metadata().map_or(0, |metadata| metadata.len()),
        },
        _ => error.into(),
    })
}
