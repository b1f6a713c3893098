//! Packets wherever they are: in memory, and in the database where memory does not reach.
//!
//! What is not in memory is read into a small view of its own and asked there, so that there is one engine, one set of
//! rules of who is shown, and one order.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use meshcore_proto::KeyRing;
use rusqlite::OptionalExtension;

use super::query::PacketId;
use super::{Loader, StoreError};
use crate::UnixMillis;
use crate::view::{Backing, Keeper, Numbering, Order, Packet, Selection, Snapshot, View};

/// Packets read at once from the database.
const CHUNK: i64 = 1_000;
/// Packets that one question may read from the database; what lies further back is not looked at, and the answer says so.
const MOST_READ: i64 = 100_000;
/// Connections kept open while nobody asks.
const MOST_IDLE: usize = 4;

/// Packets wherever they are. Shared by all requests.
#[derive(Debug)]
pub struct History {
    view: Arc<View>,
    database: PathBuf,
    numbering: Arc<Numbering>,
    keys: Arc<KeyRing>,
    idle: Mutex<Vec<Loader>>,
}

/// A page of packets, and what it is a page of.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryPage {
    /// The packets.
    pub packets: Vec<Packet>,
    /// How many match, as far as the question reached.
    pub total: usize,
    /// Packets first heard before this were not looked at; `None`: all were.
    pub covered_since: Option<UnixMillis>,
}

impl History {
    pub(super) fn new(
        view: Arc<View>,
        database: PathBuf,
        numbering: Arc<Numbering>,
        keys: Arc<KeyRing>,
    ) -> Self {
        Self { view, database, numbering, keys, idle: Mutex::default() }
    }

    /// What is in memory.
    pub const fn view(&self) -> &Arc<View> {
        &self.view
    }

    /// One packet as it may be shown.
    ///
    /// # Errors
    /// [`StoreError`], when it is not in memory and the database cannot be read.
    pub fn packet(&self, id: PacketId) -> Result<Option<Packet>, StoreError> {
        let snapshot = self.view.snapshot();
        let in_memory = match id {
            PacketId::Hash(hash) => snapshot.by_hash(hash),
            PacketId::Transmission(id) => snapshot.by_id(id),
            PacketId::Observation(_) => None,
        };
        if let Some(packet) = in_memory {
            return Ok(Some(packet.to_packet()));
        }
        self.with_loader(|loader| {
            let Some(id) = loader.id_of(id)? else { return Ok(None) };
            if let Some(packet) = snapshot.by_id(id) {
                return Ok(Some(packet.to_packet()));
            }
            let aside = self.aside(&snapshot, loader.packets_in(id..=id)?);
            Ok(aside.by_id(id).map(|packet| packet.to_packet()))
        })
    }

    /// A page of the packets that match. Memory is asked first; the database only when the page reaches beyond it.
    ///
    /// Newest packets have the highest ids, so the database is read by ids; where times are in disorder, packets of the
    /// same thousand are in order among themselves.
    ///
    /// # Errors
    /// [`StoreError`], when the database cannot be read.
    pub fn page(
        &self,
        selection: &Selection,
        order: Order,
        page: Range<usize>,
    ) -> Result<HistoryPage, StoreError> {
        let snapshot = self.view.snapshot();
        let of_memory = |page: Range<usize>, backing: Option<&dyn Backing>| -> Vec<Packet> {
            let found = snapshot.packets_with(selection, order, page, backing).packets;
            found.iter().map(|packet| packet.to_packet()).collect()
        };
        let covered_since = snapshot.coverage().since;
        // The whole page, when it does not reach beyond memory; else how many packets are in memory.
        let within_memory = |backing: Option<&dyn Backing>| {
            let total = snapshot.count_with(selection, backing);
            let is_within = covered_since.is_none() || (page.end <= total && order != Order::Oldest);
            if is_within {
                return Ok(HistoryPage { packets: of_memory(page.clone(), backing), total, covered_since });
            }
            Err(total)
        };
        // Payloads that a filter asks for need a connection, and so do older packets.
        if selection.filter.is_none()
            && let Ok(found) = within_memory(None)
        {
            return Ok(found);
        }
        self.with_loader(|loader| {
            let in_memory = match within_memory(Some(loader)) {
                Ok(found) => return Ok(found),
                Err(in_memory) => in_memory,
            };
            let mut older;
            if order == Order::Oldest {
                older = self.older(loader, &snapshot, selection, order, page.clone())?;
                if older.covered_since.is_none() {
                    let rest = page.start.saturating_sub(older.total)..page.end.saturating_sub(older.total);
                    older.packets.extend(of_memory(rest, Some(loader)));
                }
            } else {
                let rest = page.start.saturating_sub(in_memory)..page.end.saturating_sub(in_memory);
                older = self.older(loader, &snapshot, selection, order, rest)?;
                older.packets.splice(0..0, of_memory(page.clone(), Some(loader)));
            }
            older.total += in_memory;
            Ok(older)
        })
    }

    /// A page of what matches among the packets that are in the database only.
    fn older(
        &self,
        loader: &Loader,
        snapshot: &Snapshot,
        selection: &Selection,
        order: Order,
        page: Range<usize>,
    ) -> Result<HistoryPage, StoreError> {
        let newest = snapshot.coverage().beyond;
        let mut found = HistoryPage { packets: Vec::new(), total: 0, covered_since: None };
        let mut read = 0;
        for step in 0..=newest / CHUNK {
            let ids = match order {
                Order::Oldest => step * CHUNK + 1..=(step + 1) * CHUNK,
                _ => newest - (step + 1) * CHUNK + 1..=newest - step * CHUNK,
            };
            let mut packets = loader.packets_in(ids)?;
            let oldest = packets.iter().map(|packet| packet.first_seen).min();
            packets.retain(|packet| snapshot.find(packet.id).is_none());
            read += packets.len() as i64;
            let aside = self.aside(snapshot, packets);
            let skip = page.start.saturating_sub(found.total);
            let wanted = page.len().saturating_sub(found.packets.len());
            let more = aside.packets_with(selection, order, skip..skip + wanted, Some(loader)).packets;
            found.packets.extend(more.iter().map(|packet| packet.to_packet()));
            found.total += aside.count_with(selection, Some(loader));
            // A page that is full needs no more, and does not say how many there are.
            if read >= MOST_READ || found.packets.len() == page.len() {
                found.covered_since = oldest;
                break;
            }
        }
        Ok(found)
    }

    /// Packets as a view of their own, under the rules of `snapshot`.
    fn aside(&self, snapshot: &Snapshot, packets: Vec<Packet>) -> Arc<Snapshot> {
        let mut keeper = Keeper::new(Arc::clone(&self.numbering));
        keeper.share_people(snapshot);
        packets.into_iter().for_each(|packet| keeper.put(packet, UnixMillis::default()));
        keeper.publish();
        keeper.view().snapshot()
    }

    /// The frame of a packet, from the database when it has left memory.
    ///
    /// # Errors
    /// [`StoreError`], when the database cannot be read.
    pub fn frame(&self, packet: &Packet) -> Result<Option<Arc<[u8]>>, StoreError> {
        if packet.frame.is_some() || packet.frame_len == 0 {
            return Ok(packet.frame.clone());
        }
        let frames = self.with_loader(|loader| loader.frames(&[packet.id]))?;
        Ok(frames.into_iter().next().map(|(_, frame)| frame.into()))
    }

    /// Does something with a connection of one's own.
    ///
    /// # Errors
    /// Those of `ask`, and [`StoreError`] when the database cannot be opened.
    pub fn with_loader<T>(
        &self,
        ask: impl FnOnce(&Loader) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let loader = match idle {
            Some(loader) => loader,
            None => Loader::open(&self.database, &self.numbering, &self.keys)?,
        };
        let answer = ask(&loader)?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MOST_IDLE {
            idle.push(loader);
        }
        Ok(answer)
    }
}

impl Backing for Loader {
    fn frame(&self, packet: i64) -> Option<Vec<u8>> {
        // What cannot be read is missing, as for every filter.
        self.frames(&[packet]).ok()?.into_iter().next().map(|(_, frame)| frame)
    }

    fn json(&self, packet: i64) -> Option<String> {
        self.decoded_json(packet).ok().flatten()
    }

    fn keys(&self) -> &KeyRing {
        self.key_ring()
    }
}

impl Loader {
    /// The row id of a packet, however it is asked for.
    fn id_of(&self, id: PacketId) -> Result<Option<i64>, StoreError> {
        match id {
            PacketId::Transmission(id) => Ok(Some(id)),
            PacketId::Observation(id) => self.packet_of(id),
            PacketId::Hash(hash) => {
                let mut statement = self.connection().prepare_cached(
                    "SELECT id FROM transmissions
                      WHERE hash = ?1 OR hash = (SELECT hash FROM hash_aliases WHERE old_hash = ?1) LIMIT 1",
                )?;
                Ok(statement.query_row([hash.to_string()], |row| row.get(0)).optional()?)
            }
        }
    }
}
