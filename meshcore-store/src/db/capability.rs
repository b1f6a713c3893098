//! Who sends hashes of more than one byte.
//!
//! | Status | Evidence | When |
//! | --- | --- | --- |
//! | `confirmed` | `advert` | an ADVERT of the last 7 days had hashes of 2 or 3 bytes, or the last one ever had |
//! | `suspected` | `path` | a hop of 2 or 3 bytes, less than 7 days ago, may mean the node; never of a TRACE |
//! | `unknown` | | else |
//!
//! Statuses are stored with the node, and `unknown` never replaces another: what is stored lasts until something else
//! is found.
//!
//! # What a restart forgets
//!
//! Evidence is kept in memory and only statuses in the file, and observations are read once. After a restart a stored
//! `confirmed` counts as an advert with hashes of 2 bytes heard at the start, so that it is not doubted before 7 days
//! have been listened to; a stored `suspected` stands until something else is found. Forgotten is whether the size was
//! 2 or 3 (2 is reported until it is heard again), and a 2- or 3-byte hop of a node that was not known yet.

use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use foldhash::quality::RandomState;
use meshcore_proto::{NodeHash, PublicKey};
use rusqlite::{Connection, OptionalExtension};
use serde::Deserialize;

use super::{Component, StoreError, WriterHandle};
use crate::UnixMillis;
use crate::resolve::HopIndex;

/// Days for which evidence counts.
const WINDOW_DAYS: i64 = 7;

/// What is known of a node whose size of hashes was not stored.
const STORED_SIZE: u8 = 2;

/// `_state`: when the last hand-over file that was read had been written.
const SNAPSHOT_READ: &str = "multibyte_snapshot_written_at";

/// Whether a node sends hashes of more than one byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum MultibyteStatus {
    /// Nothing says so.
    #[default]
    Unknown,
    /// Its own prefix was seen among such hashes; so may be somebody else's.
    Suspected,
    /// Its adverts do.
    Confirmed,
}

impl MultibyteStatus {
    /// The word in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Suspected => "suspected",
            Self::Confirmed => "confirmed",
        }
    }

    /// The stored number: `multibyte_sup`.
    pub const fn level(self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::Suspected => 1,
            Self::Confirmed => 2,
        }
    }

    /// The stored evidence: `multibyte_evidence`.
    pub const fn evidence(self) -> Option<&'static str> {
        match self {
            Self::Unknown => None,
            Self::Suspected => Some("path"),
            Self::Confirmed => Some("advert"),
        }
    }

    fn from_text(text: &str) -> Self {
        match text {
            "confirmed" => Self::Confirmed,
            "suspected" => Self::Suspected,
            _ => Self::Unknown,
        }
    }

    const fn from_level(level: i64) -> Self {
        match level {
            2 => Self::Confirmed,
            1 => Self::Suspected,
            _ => Self::Unknown,
        }
    }
}

/// What is known of one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capability {
    /// Whether.
    pub status: MultibyteStatus,
    /// The most bytes seen, 1 to 3.
    pub max_hash_size: u8,
    /// Of a suspected one: the hop that may mean it. `None` when that was before the last start.
    pub hop: Option<NodeHash>,
}

impl Capability {
    /// `advert`, `path`, or none.
    pub const fn evidence(&self) -> Option<&'static str> {
        self.status.evidence()
    }

    /// How many relays the hop of a suspected one may mean; 0 for others.
    pub fn shared_with(&self, index: &HopIndex) -> usize {
        self.hop.map_or(0, |hop| index.candidates(hop.as_bytes()).len())
    }
}

/// Bytes per hash in the path field of a frame, of which at least the first 6 bytes are given as hex.
///
/// `None` when it says nothing: broken, reserved, or a direct route that is used up.
pub(super) fn advert_hash_size(hex: &str) -> Option<u8> {
    let mut head = [0; 6];
    let bytes = hex.len().min(12) / 2;
    hex::decode_to_slice(hex.get(..2 * bytes)?, head.get_mut(..bytes)?).ok()?;
    let route = meshcore_proto::RouteType::from_bits(*head.first()?);
    let at = if route.has_transport_codes() { 5 } else { 1 };
    let path_len = meshcore_proto::PathLen::try_from(*head.get(..bytes)?.get(at)?).ok()?;
    (route.is_flood() || path_len.count() > 0).then_some(path_len.hash_size())
}

/// When adverts of a node last had hashes of 1, 2 and 3 bytes; 0 is never. Seconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct AdvertSizes([u32; 3]);

impl AdvertSizes {
    fn add(&mut self, size: u8, at: u32) {
        if let Some(newest) = self.0.get_mut(usize::from(size).wrapping_sub(1)) {
            *newest = at.max(*newest);
        }
    }

    /// The largest size since `cutoff`, else the last one; `None` when that is 1.
    fn proven(&self, cutoff: u32) -> Option<u8> {
        let [one, two, three] = self.0;
        let since = |at: u32| at > 0 && at >= cutoff;
        match () {
            () if since(three) => Some(3),
            () if since(two) => Some(2),
            () if three > two && three > one => Some(3),
            () if two > one => Some(2),
            () => None,
        }
    }
}

/// What a slice of observations says about the size of hashes.
#[derive(Clone, Debug, Default)]
pub(super) struct CapabilityEvidence {
    adverts: Vec<(PublicKey, u8, u32)>,
    hops: HashMap<NodeHash, u32, RandomState>,
}

impl CapabilityEvidence {
    pub(super) fn add_advert(&mut self, node: PublicKey, size: u8, at: u32) {
        self.adverts.push((node, size, at));
    }

    /// The hops of a packet that is no TRACE.
    pub(super) fn add_path(&mut self, path: &[NodeHash], at: u32) {
        for hop in path.iter().filter(|hop| hop.size() > 1) {
            let newest = self.hops.entry(*hop).or_default();
            *newest = at.max(*newest);
        }
    }
}

/// Who sends hashes of more than one byte, as far as known.
#[derive(Clone, Debug, Default)]
pub struct Capabilities {
    adverts: HashMap<PublicKey, AdvertSizes, RandomState>,
    /// When a hop of more than one byte was last seen, seconds since 1970.
    hops: HashMap<NodeHash, u32, RandomState>,
    /// What the file says of nodes that are not unknown.
    stored: HashMap<PublicKey, MultibyteStatus, RandomState>,
}

impl Capabilities {
    /// What is known of a node. O(1).
    pub fn get(&self, node: &PublicKey, now: UnixMillis) -> Capability {
        let found = self.found(node, now);
        if found.status != MultibyteStatus::Unknown {
            return found;
        }
        match self.stored.get(node) {
            Some(status) => Capability { status: *status, max_hash_size: STORED_SIZE, hop: None },
            None => found,
        }
    }

    /// What evidence says, whatever is stored.
    fn found(&self, node: &PublicKey, now: UnixMillis) -> Capability {
        let cutoff = cutoff(now);
        if let Some(size) = self.adverts.get(node).and_then(|sizes| sizes.proven(cutoff)) {
            return Capability { status: MultibyteStatus::Confirmed, max_hash_size: size, hop: None };
        }
        let hop = [3, 2].into_iter().filter_map(|size| node.node_hash(size));
        let hop = hop.into_iter().find(|hop| self.hops.get(hop).is_some_and(|at| *at >= cutoff));
        match hop {
            Some(hop) => {
                Capability { status: MultibyteStatus::Suspected, max_hash_size: hop.size(), hop: Some(hop) }
            }
            None => Capability { status: MultibyteStatus::Unknown, max_hash_size: 1, hop: None },
        }
    }

    /// What the file knows.
    pub(super) fn load(connection: &Connection, now: UnixMillis) -> rusqlite::Result<Self> {
        let mut capabilities = Self::default();
        capabilities.take_stored(connection, now)?;
        Ok(capabilities)
    }

    fn take_stored(&mut self, connection: &Connection, now: UnixMillis) -> rusqlite::Result<()> {
        let heard_at = super::neighbors::seconds(now.seconds());
        self.stored.clear();
        for (key, status, _) in stored(connection)? {
            let Ok(key) = key.parse() else { continue };
            if status == MultibyteStatus::Confirmed {
                let unheard = || AdvertSizes([0, heard_at, 0]);
                self.adverts.entry(key).or_insert_with(unheard);
            }
            if status != MultibyteStatus::Unknown {
                self.stored.insert(key, status);
            }
        }
        Ok(())
    }

    pub(super) fn apply(&mut self, evidence: &CapabilityEvidence) {
        for (node, size, at) in &evidence.adverts {
            self.adverts.entry(*node).or_default().add(*size, *at);
        }
        for (hop, at) in &evidence.hops {
            let newest = self.hops.entry(*hop).or_default();
            *newest = (*at).max(*newest);
        }
    }

    /// Stores what differs from what is stored, after what another server handed over in `folder`. How many nodes
    /// changed by what was found here.
    pub(super) fn persist(
        &mut self,
        connection: &Connection,
        writer: &WriterHandle,
        folder: &Path,
        now: UnixMillis,
    ) -> Result<usize, StoreError> {
        if import_snapshot(folder, connection, writer)? {
            self.take_stored(connection, now)?;
        }
        let cutoff = cutoff(now);
        self.hops.retain(|_, at| *at >= cutoff);
        let mut changes = Vec::new();
        for (text, status, evidence) in stored(connection)? {
            let Ok(key) = text.parse::<PublicKey>() else { continue };
            let found = self.found(&key, now).status;
            let known = found == status && found.evidence() == evidence.as_deref();
            if found != MultibyteStatus::Unknown && !known {
                changes.push((key, text, found));
            }
        }
        if changes.is_empty() {
            return Ok(0);
        }
        let entries = changes.iter().map(|(_, text, status)| (text.clone(), *status)).collect::<Vec<_>>();
        let changed = writer.run(Component::Neighbors, move |transaction| write(transaction, &entries))?;
        self.stored.extend(changes.into_iter().map(|(key, _, status)| (key, status)));
        Ok(changed)
    }
}

/// Key, status and evidence of every node, put aside or not.
fn stored(connection: &Connection) -> rusqlite::Result<Vec<(String, MultibyteStatus, Option<String>)>> {
    connection
        .prepare_cached(
            "SELECT public_key, multibyte_sup, multibyte_evidence FROM nodes
              UNION ALL
             SELECT public_key, multibyte_sup, multibyte_evidence FROM inactive_nodes
              WHERE public_key NOT IN (SELECT public_key FROM nodes)",
        )?
        .query_map([], |row| Ok((row.get(0)?, MultibyteStatus::from_level(row.get(1)?), row.get(2)?)))?
        .collect()
}

/// Stores statuses, where the node is; `unknown` and nodes that are nowhere are passed over. How many were stored.
fn write(connection: &Connection, entries: &[(String, MultibyteStatus)]) -> rusqlite::Result<usize> {
    let update = |table: &str| {
        connection.prepare_cached(&format!(
            "UPDATE {table} SET multibyte_sup = ?2, multibyte_evidence = ?3 WHERE public_key = ?1"
        ))
    };
    let (mut nodes, mut inactive) = (update("nodes")?, update("inactive_nodes")?);
    let mut stored = 0;
    for (key, status) in entries {
        if *status == MultibyteStatus::Unknown {
            continue;
        }
        let values = (key, status.level(), status.evidence());
        stored += match nodes.execute(values)? {
            0 => inactive.execute(values)?,
            rows => rows,
        };
    }
    Ok(stored)
}

/// What a reference server hands over.
#[derive(Deserialize)]
struct Snapshot {
    #[serde(rename = "writtenAt")]
    written_at: String,
    #[serde(default)]
    entries: Vec<SnapshotEntry>,
}

#[derive(Deserialize)]
struct SnapshotEntry {
    public_key: String,
    status: String,
}

/// Stores what a reference server left in `mbcap-snapshot/snapshot.json` below `folder`, each file once; whether
/// there was something new. A file that is missing or empty says nothing, a broken one is named in the log.
pub(super) fn import_snapshot(
    folder: &Path,
    connection: &Connection,
    writer: &WriterHandle,
) -> Result<bool, StoreError> {
    let path = folder.join("mbcap-snapshot").join("snapshot.json");
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => {
            if error.kind() != ErrorKind::NotFound {
                tracing::warn!(path = %path.display(), %error, "capability snapshot cannot be read");
            }
            return Ok(false);
        }
    };
    if text.trim().is_empty() {
        return Ok(false);
    }
    let snapshot: Snapshot = match serde_json::from_str(&text) {
        Ok(snapshot) => snapshot,
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "capability snapshot is not understood");
            return Ok(false);
        }
    };
    let read: Option<String> = connection
        .prepare_cached("SELECT value FROM _state WHERE key = ?1")?
        .query_row([SNAPSHOT_READ], |row| row.get(0))
        .optional()?
        .flatten();
    if snapshot.entries.is_empty() || read.as_deref() == Some(&snapshot.written_at) {
        return Ok(false);
    }
    let entry =
        |entry: SnapshotEntry| (entry.public_key.to_lowercase(), MultibyteStatus::from_text(&entry.status));
    let entries: Vec<_> = snapshot.entries.into_iter().map(entry).collect();
    writer.run(Component::Neighbors, move |transaction| {
        write(transaction, &entries)?;
        transaction
            .prepare_cached(
                "INSERT INTO _state (key, value) VALUES (?1, ?2)
                 ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            )?
            .execute((SNAPSHOT_READ, snapshot.written_at))
    })?;
    Ok(true)
}

/// Seconds since 1970 before which evidence does not count.
pub(super) fn cutoff(now: UnixMillis) -> u32 {
    super::neighbors::seconds(now.seconds() - WINDOW_DAYS * 24 * 3600)
}
