//! Rows as the view takes them: packets with all their observations, read in the order of their ids.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

use foldhash::fast::RandomState;
use meshcore_proto::{KeyRing, Packet as Frame, PublicKey};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, Statement, Transaction, params_from_iter};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::{StoreError, changes, open, packing, resolved_paths, schema};
use crate::decoded::{DecodedPayload, Signatures};
use crate::geo::Position;
use crate::view::{
    HopPath, Kind, NodeInfo, NodeNo, Numbering, Observation, ObserverInfo, ObserverNo, Packet,
};
use crate::{Direction, UnixMillis};

/// How far the database is: the highest ids given out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watermarks {
    /// `transmissions.id`.
    pub packet: i64,
    /// `observations.id`.
    pub observation: i64,
    /// Number of the newest note of a changed packet.
    pub change: i64,
}

/// Nodes and observers as the database knows them.
#[derive(Clone, Debug, Default)]
pub struct PeopleRows {
    /// Nodes, those put aside included.
    pub nodes: Vec<(NodeNo, NodeInfo)>,
    /// Observers, inactive ones included.
    pub observers: Vec<(ObserverNo, ObserverInfo)>,
}

/// Reads rows for the view. Each thread that loads has one of its own; all share the numbers.
#[derive(Debug)]
pub struct Loader {
    connection: Connection,
    numbering: Arc<Numbering>,
    keys: Arc<KeyRing>,
    /// Numbers of nodes in the file as numbers in the view.
    node_numbers: RefCell<Vec<Option<NodeNo>>>,
    /// Observers met so far: the shared numbers have a lock.
    observers: RefCell<HashMap<i64, Option<ObserverNo>, RandomState>>,
}

/// Columns of a packet, in the order [`Loader::packet`] reads them. Whether a stored payload was decrypted is asked of
/// channel messages only: their JSON is all that is looked into.
const PACKET: &str =
    "id, hash, raw_hex, first_seen, route_type, payload_type, payload_version, from_pubkey, channel_hash,
    scope_name, CASE WHEN payload_type IN (5, 6)
         THEN instr(decoded_json, '\"decrypted\"') > 0 OR instr(decoded_json, '\"CHAN\"') > 0 END";

/// Columns of an observation, in the order [`Loader::observation`] reads them.
const OBSERVATION: &str =
    "o.transmission_id, o.id, o.observer_idx, o.direction, o.snr, o.rssi, o.score, o.path_json,
    o.timestamp, o.resolved_path, o.raw_hex IS NOT NULL";

impl Loader {
    /// Opens `path`, which must exist and be complete.
    ///
    /// # Errors
    /// [`StoreError::Open`] or [`StoreError::NotReady`].
    pub fn open(path: &Path, numbering: &Arc<Numbering>, keys: &Arc<KeyRing>) -> Result<Self, StoreError> {
        let connection = open::for_reading(path)?;
        schema::assert_ready(&connection, path)?;
        let (numbering, keys) = (Arc::clone(numbering), Arc::clone(keys));
        let (node_numbers, observers) = (RefCell::default(), RefCell::default());
        Ok(Self { connection, numbering, keys, node_numbers, observers })
    }

    /// The highest ids, at one moment.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn watermarks(&self) -> Result<Watermarks, StoreError> {
        let moment = self.moment()?;
        let watermarks = self.read_watermarks()?;
        moment.finish()?;
        Ok(watermarks)
    }

    pub(super) fn read_watermarks(&self) -> rusqlite::Result<Watermarks> {
        // The highest id ever given out: the newest row may be packed or gone, and its id does not come again.
        let mut statement = self.connection.prepare_cached(
            "SELECT MAX((SELECT COALESCE(MAX(id), 0) FROM transmissions),
                        COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'transmissions'), 0)),
                    MAX((SELECT COALESCE(MAX(id), 0) FROM observations),
                        COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'observations'), 0))",
        )?;
        let (packet, observation): (_, i64) =
            statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let observation = observation.max(packing::newest(&self.connection)?);
        Ok(Watermarks { packet, observation, change: changes::newest(&self.connection)? })
    }

    /// Reads of one moment, until it is finished or dropped.
    pub(super) fn moment(&self) -> rusqlite::Result<Transaction<'_>> {
        self.connection.unchecked_transaction()
    }

    pub(super) fn key_ring(&self) -> &KeyRing {
        &self.keys
    }

    pub(super) const fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(super) fn data_version(&self) -> rusqlite::Result<i64> {
        self.connection.pragma_query_value(None, "data_version", |row| row.get(0))
    }

    /// Packets and observations that may be in memory, at most as new as `watermarks`.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn counts(&self, watermarks: Watermarks) -> Result<(i64, i64), StoreError> {
        let counts = "SELECT (SELECT COUNT(*) FROM transmissions WHERE id <= ?1),
                             (SELECT COUNT(*) FROM observations WHERE id <= ?2)
                              + (SELECT COALESCE(SUM(observations), 0) FROM packed_observations)";
        let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        Ok(self.connection.query_row(counts, [watermarks.packet, watermarks.observation], read)?)
    }

    /// Ids of observations after one, in order, with their packets.
    pub(super) fn observations_after(&self, after: i64, limit: usize) -> rusqlite::Result<Vec<(i64, i64)>> {
        self.connection
            .prepare_cached(
                "SELECT id, transmission_id FROM observations WHERE id > ?1 ORDER BY id LIMIT ?2",
            )?
            .query_map((after, i64::try_from(limit).unwrap_or(i64::MAX)), |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?
            .collect()
    }

    /// Observations after `after` up to one, of packets known by then, by packet.
    pub(super) fn read_late(
        &self,
        after: Watermarks,
        up_to: i64,
    ) -> Result<Vec<(i64, Vec<Observation>)>, StoreError> {
        self.read_node_numbers()?;
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {OBSERVATION}, (SELECT nodes FROM resolved_paths WHERE observation_id = o.id)
               FROM observations o WHERE o.id > ?1 AND o.id <= ?2 AND o.transmission_id <= ?3"
        ))?;
        let mut rows = statement.query([after.observation, up_to, after.packet])?;
        let mut late: BTreeMap<i64, Vec<Observation>> = BTreeMap::new();
        while let Some(row) = rows.next()? {
            late.entry(row.get(0)?).or_default().push(self.observation(row)?);
        }
        Ok(late.into_iter().collect())
    }

    /// The packets with ids in a range, ascending. Rows without hash or time are left out, as everywhere.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn packets_in(&self, ids: RangeInclusive<i64>) -> Result<Vec<Packet>, StoreError> {
        let moment = self.moment()?;
        let packets = self.read_packets(ids)?;
        moment.finish()?;
        Ok(packets)
    }

    /// The same within a moment.
    pub(super) fn read_packets(&self, ids: RangeInclusive<i64>) -> Result<Vec<Packet>, StoreError> {
        self.read_node_numbers()?;
        let mut packets = Vec::new();
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {PACKET} FROM transmissions WHERE id BETWEEN ?1 AND ?2 ORDER BY id"
        ))?;
        let mut rows = statement.query([ids.start(), ids.end()])?;
        while let Some(row) = rows.next()? {
            packets.extend(self.packet(row)?);
        }
        drop(rows);
        drop(statement);

        let loose = format!(
            "SELECT {OBSERVATION}, (SELECT nodes FROM resolved_paths WHERE observation_id = o.id)
               FROM observations o WHERE o.transmission_id BETWEEN ?1 AND ?2 ORDER BY o.transmission_id"
        );
        self.add_observations(&mut *self.connection.prepare_cached(&loose)?, &ids, &mut packets)?;
        if self.connection.prepare_cached("SELECT 1 FROM packed_observations LIMIT 1")?.exists([])? {
            let packed = format!(
                "SELECT {OBSERVATION}, o.resolved_nodes FROM ({} WHERE p.transmission_id BETWEEN ?1 AND ?2) o
                  ORDER BY o.transmission_id",
                packing::UNPACKED
            );
            self.add_observations(&mut *self.connection.prepare_cached(&packed)?, &ids, &mut packets)?;
        }
        packets.iter_mut().for_each(Packet::normalise);
        Ok(packets)
    }

    /// These packets as they are now; `None` for those that are gone.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn packets(&self, ids: &[i64]) -> Result<Vec<(i64, Option<Packet>)>, StoreError> {
        ids.iter().map(|id| Ok((*id, self.packets_in(*id..=*id)?.pop()))).collect()
    }

    /// The id of a packet by the id of one of its observations.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn packet_of(&self, observation: i64) -> Result<Option<i64>, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT transmission_id FROM all_observations WHERE id = ?1")?;
        Ok(statement.query_row([observation], |row| row.get(0)).optional()?)
    }

    /// The frames of packets whose bytes have left memory.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn frames(&self, ids: &[i64]) -> Result<Vec<(i64, Vec<u8>)>, StoreError> {
        let marks = vec!["?"; ids.len()].join(", ");
        let mut statement = self
            .connection
            .prepare_cached(&format!("SELECT id, raw_hex FROM transmissions WHERE id IN ({marks})"))?;
        let mut rows = statement.query(params_from_iter(ids))?;
        let mut frames = Vec::with_capacity(ids.len());
        while let Some(row) = rows.next()? {
            if let Ok(frame) = hex::decode(row.get_ref(1)?.as_str().unwrap_or_default().trim()) {
                frames.push((row.get(0)?, frame));
            }
        }
        Ok(frames)
    }

    /// The decoded payload as stored.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn decoded_json(&self, packet: i64) -> Result<Option<String>, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT decoded_json FROM transmissions WHERE id = ?1")?;
        Ok(statement.query_row([packet], |row| row.get(0)).optional()?.flatten())
    }

    /// The observer's own frame in hex, where one is stored.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn own_frame(&self, observation: i64) -> Result<Option<String>, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT raw_hex FROM all_observations WHERE id = ?1")?;
        Ok(statement.query_row([observation], |row| row.get(0)).optional()?.flatten())
    }

    /// All nodes and observers. Some thousand rows: for once a second, not for each request.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn people(&self) -> Result<PeopleRows, StoreError> {
        let moment = self.connection.unchecked_transaction()?;
        let mut people = PeopleRows::default();
        let mut statement = moment.prepare_cached(
            "SELECT public_key, name, role, lat, lon FROM inactive_nodes UNION ALL
             SELECT public_key, name, role, lat, lon FROM nodes",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let Some(node) = self.node(row.get_ref(0)?) else { continue };
            let position = Position::new(real(row, 3)?, real(row, 4)?);
            people.nodes.push((node, NodeInfo { name: text(row, 1)?, role: text(row, 2)?, position }));
        }
        let mut statement = moment.prepare_cached("SELECT rowid, id, name, iata FROM observers")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (Some(observer), Some(id)) = (self.numbering.observer(row.get(0)?), text(row, 1)?) else {
                continue;
            };
            people.observers.push((observer, ObserverInfo { id, name: text(row, 2)?, iata: text(row, 3)? }));
        }
        Ok(people)
    }

    /// Reads the observations of `packets`; both ascend by packet.
    fn add_observations(
        &self,
        statement: &mut Statement<'_>,
        ids: &RangeInclusive<i64>,
        packets: &mut [Packet],
    ) -> Result<(), StoreError> {
        let mut rows = statement.query([ids.start(), ids.end()])?;
        let mut packets = packets.iter_mut().peekable();
        while let Some(row) = rows.next()? {
            let id: i64 = row.get(0)?;
            while packets.next_if(|packet| packet.id < id).is_some() {}
            if let Some(packet) = packets.peek_mut().filter(|packet| packet.id == id) {
                packet.observations.push(self.observation(row)?);
            }
        }
        Ok(())
    }

    /// Reads a row of [`PACKET`].
    fn packet(&self, row: &Row<'_>) -> rusqlite::Result<Option<Packet>> {
        let hash = row.get_ref(1)?.as_str().ok().and_then(|text| text.parse().ok());
        let first_seen = row.get_ref(3)?.as_str().ok().and_then(|text| text.parse().ok());
        let (Some(hash), Some(first_seen)) = (hash, first_seen) else { return Ok(None) };
        let field = |column| -> rusqlite::Result<Option<u8>> { Ok(small(row.get_ref(column)?)) };
        let kind = Kind { route: field(4)?, payload: field(5)?, version: field(6)? };
        let frame = row.get_ref(2)?.as_str().ok().and_then(|text| hex::decode(text.trim()).ok());
        let frame = frame.filter(|frame| !frame.is_empty());
        let was_decrypted = row.get::<_, Option<bool>>(10)?.unwrap_or(false);
        let (has_own_json, payload_len) = match frame.as_deref().map(Frame::parse_lax) {
            Some(Ok(packet)) => (was_decrypted && !self.opens(&packet), packet.payload_bytes().len()),
            _ => (true, 0),
        };
        let text = |column| -> rusqlite::Result<_> {
            Ok(row
                .get_ref(column)?
                .as_str_or_null()
                .ok()
                .flatten()
                .and_then(|text| self.numbering.text(text)))
        };
        Ok(Some(Packet {
            id: row.get(0)?,
            hash,
            first_seen,
            kind,
            originator: self.node(row.get_ref(7)?),
            channel: text(8)?,
            scope: text(9)?,
            frame_len: frame.as_ref().map_or(0, |frame| u16::try_from(frame.len()).unwrap_or(u16::MAX)),
            payload_len: u16::try_from(payload_len).unwrap_or(u16::MAX),
            frame: frame.map(Into::into),
            has_own_json,
            observations: Vec::new(),
        }))
    }

    /// Whether one of our keys opens a channel message.
    fn opens(&self, packet: &Frame<'_>) -> bool {
        match DecodedPayload::of(packet, &self.keys, Signatures::Ignore) {
            DecodedPayload::Channel(_) => true,
            DecodedPayload::GroupText(message) | DecodedPayload::GroupData(message) => {
                message.cipher.is_none()
            }
            _ => false,
        }
    }

    /// Reads a row of [`OBSERVATION`] with the numbers of its nodes.
    fn observation(&self, row: &Row<'_>) -> rusqlite::Result<Observation> {
        let path =
            row.get_ref(7)?.as_str_or_null().ok().flatten().and_then(HopPath::from_json).unwrap_or_default();
        let resolved = match (row.get_ref(11)?, row.get_ref(9)?) {
            (ValueRef::Blob(numbers), _) => {
                let known = self.node_numbers.borrow();
                let number = |number: i64| known.get(usize::try_from(number).ok()?).copied().flatten();
                resolved_paths::decode(numbers).map(number).collect()
            }
            (_, ValueRef::Text(json)) => self.resolved_json(json),
            _ => SmallVec::new(),
        };
        let observer: Option<i64> = row.get(2)?;
        Ok(Observation {
            id: row.get(1)?,
            observer: observer.and_then(|row| self.observer(row)),
            direction: row.get_ref(3)?.as_str_or_null().ok().flatten().and_then(Direction::from_text),
            snr: real(row, 4)?,
            rssi: real(row, 5)?,
            score: real(row, 6)?,
            path,
            resolved,
            at: UnixMillis::from_seconds(row.get(8)?),
            has_own_frame: row.get(10)?,
        })
    }

    /// A resolved path as other programs store it: keys or null as a JSON array.
    fn resolved_json(&self, json: &[u8]) -> SmallVec<[Option<NodeNo>; 8]> {
        let keys: Vec<Option<String>> = serde_json::from_slice(json).unwrap_or_default();
        let node = |key: Option<String>| self.numbering.node(&key?.parse().ok()?);
        keys.into_iter().map(node).collect()
    }

    fn observer(&self, row: i64) -> Option<ObserverNo> {
        *self.observers.borrow_mut().entry(row).or_insert_with(|| self.numbering.observer(row))
    }

    fn node(&self, key: ValueRef<'_>) -> Option<NodeNo> {
        let key: PublicKey = key.as_str_or_null().ok().flatten()?.parse().ok()?;
        self.numbering.node(&key)
    }

    /// Reads those that are new.
    fn read_node_numbers(&self) -> Result<(), StoreError> {
        let mut numbers = self.node_numbers.borrow_mut();
        let mut statement = self.connection.prepare_cached(
            "SELECT number, public_key FROM node_numbers WHERE number >= ?1 ORDER BY number",
        )?;
        let mut rows = statement.query([numbers.len() as i64])?;
        while let Some(row) = rows.next()? {
            // They are given out one by one, so that a list of all is a short one.
            let Ok(place) = usize::try_from(row.get::<_, i64>(0)?) else { continue };
            let key = row.get_ref(1)?.as_str().ok().and_then(|text| text.parse().ok());
            let node = key.and_then(|key| self.numbering.node(&key));
            numbers.resize(place.min(MOST_NODES), None);
            numbers.push(node);
        }
        Ok(())
    }
}

/// Numbers of nodes are not higher: a file in which they are is not ours.
const MOST_NODES: usize = 1 << 24;

fn text<T: for<'a> From<&'a str>>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>> {
    Ok(row.get_ref(column)?.as_str_or_null().ok().flatten().map(Into::into))
}

/// A number of either kind.
fn real(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<f64>> {
    Ok(match row.get_ref(column)? {
        ValueRef::Real(number) => Some(number),
        ValueRef::Integer(number) => Some(number as f64),
        _ => None,
    })
}

fn small(value: ValueRef<'_>) -> Option<u8> {
    value.as_i64_or_null().ok().flatten().and_then(|number| u8::try_from(number).ok())
}
