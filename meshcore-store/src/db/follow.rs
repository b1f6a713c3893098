//! What is new since the last look.
//!
//! A follower reads observations by row id, so it works the same beside the writer and in another process: there it
//! watches `PRAGMA data_version`, which changes whenever another connection commits.

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use super::hidden::{self, SHOWN_OF_FEW};
use super::query::{OBSERVATION_COLUMNS, ObservationRow, PacketRow, complete, read_observation, read_packet};
use super::{StoreError, open, schema};
use crate::Visibility;

/// A new observation, with its packet as it was at that moment.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveObservation {
    /// The packet; its list of observations is left empty.
    pub packet: PacketRow,
    /// The observation.
    pub observation: ObservationRow,
    /// Observations of the packet up to and including this one.
    pub observation_count: i64,
    /// Distinct observers among them; unknown ones count as one.
    pub observer_count: i64,
}

/// Reads observations in the order they were stored, each once.
#[derive(Debug)]
pub struct Follower {
    connection: Connection,
    /// Newest observation already seen.
    watermark: i64,
    data_version: i64,
}

impl Follower {
    /// Starts behind the newest observation of `path`.
    ///
    /// # Errors
    /// [`StoreError`], when the file cannot be read.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = open::for_reading(path)?;
        schema::assert_ready(&connection, path)?;
        let mut follower = Self { connection, watermark: 0, data_version: 0 };
        follower.skip()?;
        follower.has_changed()?;
        Ok(follower)
    }

    /// The same, which from now on passes over packets of hidden nodes.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn hiding(self, visibility: &Arc<Visibility>) -> Result<Self, StoreError> {
        hidden::prepare(&self.connection, visibility)?;
        Ok(self)
    }

    /// Whether anything was committed since this was asked last. Costs one page read.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn has_changed(&mut self) -> Result<bool, StoreError> {
        let version = self.connection.pragma_query_value(None, "data_version", |row| row.get(0))?;
        let changed = version != self.data_version;
        self.data_version = version;
        Ok(changed)
    }

    /// Up to `limit` new observations, none newer than row `newest`.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn next(&mut self, newest: i64, limit: u32) -> Result<Vec<LiveObservation>, StoreError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT t.id, t.hash, t.raw_hex, t.first_seen, t.last_seen, t.route_type, t.payload_type,
                    t.payload_version, t.decoded_json, t.scope_name, {OBSERVATION_COLUMNS},
                    (SELECT COUNT(*) FROM observations e
                      WHERE e.transmission_id = t.id AND e.id <= o.id) AS observation_count,
                    (SELECT COUNT(DISTINCT COALESCE(e.observer_idx, -1)) FROM observations e
                      WHERE e.transmission_id = t.id AND e.id <= o.id) AS observer_count
               FROM loose_observations o JOIN transmissions t ON t.id = o.transmission_id
               LEFT JOIN observers b ON b.rowid = o.observer_idx
              WHERE o.id > ?1 AND o.id <= ?2 AND {SHOWN_OF_FEW} ORDER BY o.id LIMIT ?3"
        ))?;
        let mut new: Vec<LiveObservation> = statement
            .query_map((self.watermark, newest, limit), |row| {
                Ok(LiveObservation {
                    packet: read_packet(row)?,
                    observation: read_observation(row)?,
                    observation_count: row.get("observation_count")?,
                    observer_count: row.get("observer_count")?,
                })
            })?
            .collect::<Result<_, _>>()?;
        for LiveObservation { packet, observation, .. } in &mut new {
            complete(&self.connection, packet, std::slice::from_mut(observation))?;
        }
        if let Some(last) = new.last() {
            self.watermark = last.observation.id;
        }
        Ok(new)
    }

    /// Passes over everything there is: nobody is listening.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn skip(&mut self) -> Result<(), StoreError> {
        self.watermark =
            self.connection
                .query_row("SELECT COALESCE(MAX(id), 0) FROM observations", [], |row| row.get(0))?;
        Ok(())
    }
}
