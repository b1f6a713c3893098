//! What was committed since: new packets, further observations of known ones, and packets that changed or went.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use meshcore_proto::KeyRing;

use super::load::{Loader, Watermarks};
use super::{StoreError, changes, packing};
use crate::view::{Numbering, Observation, Packet};

/// What was committed since the last look, or a part of it: all of one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Packets to be put in the place of what was known of them; `None` for those that are gone. New ones come here too.
    pub packets: Vec<(i64, Option<Packet>)>,
    /// Further observations of packets that are known, with the packet's id.
    pub observations: Vec<(i64, Vec<Observation>)>,
    /// More has changed than is known: everything is to be read again.
    pub reload: bool,
    /// Where the reader was before: observations with higher ids are new.
    pub after: Watermarks,
    /// Nothing is left for another batch.
    pub is_last: bool,
}

/// Reads what is committed, in order, each thing once.
#[derive(Debug)]
pub struct Tail {
    loader: Loader,
    watermarks: Watermarks,
    /// Of the database, when it was opened.
    identity: u64,
    /// What was read is all there was at this version; `None`: more is left.
    complete_at: Option<i64>,
}

impl Tail {
    /// Starts behind `watermarks`.
    ///
    /// # Errors
    /// [`StoreError`], when the file cannot be read.
    pub fn open(
        path: &Path,
        numbering: &Arc<Numbering>,
        keys: &Arc<KeyRing>,
        watermarks: Watermarks,
    ) -> Result<Self, StoreError> {
        let loader = Loader::open(path, numbering, keys)?;
        let identity = changes::identity_of(loader.connection())?;
        Ok(Self { loader, watermarks, identity, complete_at: None })
    }

    /// What was read so far.
    pub const fn watermarks(&self) -> Watermarks {
        self.watermarks
    }

    /// Whether anything was committed that [`next`](Self::next) has not read yet. Costs one page read.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn has_changed(&self) -> Result<bool, StoreError> {
        Ok(self.complete_at != Some(self.loader.data_version()?))
    }

    /// What comes next: about `limit` observations, and as many changes. After an error the same comes again.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn next(&mut self, limit: usize) -> Result<Batch, StoreError> {
        let after = self.watermarks;
        let loader = &self.loader;
        let version = loader.data_version()?; // before the moment: what is committed between the two is looked for again
        let moment = loader.moment()?;
        let newest = loader.read_watermarks()?;
        let is_packed = packing::newest(loader.connection())? > after.observation; // where it is not looked for
        let is_another = changes::identity_of(loader.connection())? != self.identity;
        if is_packed || is_another || changes::are_lost(after.change, newest.change) {
            return Ok(Batch { reload: true, after, is_last: true, ..Batch::default() });
        }
        let notes = changes::after(loader.connection(), after.change, limit)?;
        let arrived = loader.observations_after(after.observation, limit)?;
        let (notes_are_all, arrived_are_all) = (notes.len() < limit, arrived.len() < limit);
        let observation = if arrived_are_all {
            newest.observation.max(after.observation)
        } else {
            arrived.last().map_or(after.observation, |(id, _)| *id)
        };
        // A packet is stored just before its first observation, so packets come in the order of their first ones.
        let packet = if arrived_are_all {
            newest.packet.max(after.packet)
        } else {
            arrived.iter().map(|(_, packet)| *packet).fold(after.packet, i64::max)
        };
        let change = if notes_are_all {
            newest.change
        } else {
            notes.last().map_or(after.change, |(number, _)| *number)
        };

        let mut packets: BTreeMap<i64, Option<Packet>> = BTreeMap::new();
        let changed: BTreeSet<i64> =
            notes.iter().map(|(_, packet)| *packet).filter(|id| *id <= packet).collect();
        for id in changed {
            packets.insert(id, loader.read_packets(id..=id)?.pop());
        }
        for new in loader.read_packets(after.packet + 1..=packet)? {
            packets.insert(new.id, Some(new));
        }
        // What is stored already but belongs to the next batch is told there.
        for known in packets.values_mut().flatten() {
            known.observations.retain(|o| o.id <= observation);
        }
        let late = arrived.iter().any(|(_, id)| *id <= after.packet);
        let mut observations = Vec::new();
        if late {
            observations = loader.read_late(after, observation)?;
            observations.retain(|(id, _)| !packets.contains_key(id));
        }
        moment.finish()?;
        let is_last = notes_are_all && arrived_are_all;
        self.watermarks = Watermarks { packet, observation, change };
        self.complete_at = is_last.then_some(version);
        Ok(Batch { packets: packets.into_iter().collect(), observations, reload: false, after, is_last })
    }
}
