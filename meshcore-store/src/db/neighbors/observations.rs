//! Observations as evidence.

use std::collections::HashMap;

use meshcore_proto::{NodeHash, PayloadType, PublicKey, RouteType};
use rusqlite::{Connection, OptionalExtension, Row};

use super::super::capability::{self, CapabilityEvidence};
use super::{SLICE_ROWS, seconds};
use crate::graph::{Delta, End, EndId, Ends, Heard};
use crate::resolve::HopIndex;

/// The ends that observers are, by `observers.rowid`. `None`: one that is no end.
pub(super) type KnownEnds = HashMap<i64, Option<EndId>>;

/// Reads rows and collects what they say.
pub(super) struct Evidence<'a> {
    ends: &'a mut Ends,
    known: &'a mut KnownEnds,
    index: &'a HopIndex,
    max_km: Option<f64>,
    cutoff: u32,
    path: Vec<NodeHash>,
    found: Found,
}

/// What a slice of observations says.
#[derive(Default)]
pub(super) struct Found {
    pub(super) edges: Delta,
    pub(super) capabilities: CapabilityEvidence,
    pub(super) observations: u64,
    /// The last one read; `None` when there was none.
    pub(super) last_id: Option<i64>,
}

impl<'a> Evidence<'a> {
    pub(super) fn new(
        ends: &'a mut Ends,
        known: &'a mut KnownEnds,
        index: &'a HopIndex,
        max_km: Option<f64>,
        cutoff: u32,
    ) -> Self {
        Self { ends, known, index, max_km, cutoff, path: Vec::new(), found: Found::default() }
    }

    pub(super) fn finish(self) -> Found {
        self.found
    }

    /// Reads up to `limit` observations after row `after`, none beyond row `end`, until they make enough rows.
    pub(super) fn read(
        &mut self,
        connection: &Connection,
        after: i64,
        end: i64,
        limit: u32,
    ) -> rusqlite::Result<()> {
        // Texts that only adverts need are not even read for the others.
        let mut statement = connection.prepare_cached(
            "SELECT o.id, o.timestamp, o.direction, o.snr, o.path_json, o.observer_idx, t.route_type, t.payload_type,
                    CASE WHEN t.payload_type = 4 THEN t.from_pubkey END,
                    CASE WHEN t.payload_type = 4 AND COALESCE(t.from_pubkey, '') = '' THEN t.decoded_json END,
                    CASE WHEN t.payload_type = 4 THEN substr(t.raw_hex, 1, 12) END,
                    CASE WHEN t.payload_type = 4 THEN unixepoch(t.first_seen) END
               FROM observations o JOIN transmissions t ON t.id = o.transmission_id
              WHERE o.id > ?1 AND o.id <= ?2 ORDER BY o.id LIMIT ?3",
        )?;
        let mut rows = statement.query((after, end, limit))?;
        while let Some(row) = rows.next()? {
            self.found.last_id = Some(row.get(0)?);
            self.found.observations += 1;
            self.add(connection, row)?;
            if self.found.edges.len() >= SLICE_ROWS {
                break;
            }
        }
        Ok(())
    }

    /// Rows that cannot be understood say nothing.
    fn add(&mut self, connection: &Connection, row: &Row<'_>) -> rusqlite::Result<()> {
        let (Ok(route), Ok(payload)) = (row.get::<_, u8>(6), row.get::<_, u8>(7)) else { return Ok(()) };
        let (route, payload) = (RouteType::from_bits(route), PayloadType::from_bits(payload));
        let Ok(at) = row.get(1).map(seconds) else { return Ok(()) };
        let originator = if payload == PayloadType::Advert { originator(row) } else { None };
        if let (Some(node), Ok(head)) = (originator, row.get_ref(10)?.as_str()) {
            let sent_at = row.get(11).map_or(at, seconds);
            if let Some(size) = capability::advert_hash_size(head) {
                self.found.capabilities.add_advert(node, size, sent_at);
            }
        }
        let Ok(path_json) = row.get_ref(4)?.as_str() else { return Ok(()) };
        if payload == PayloadType::Trace || !read_path(path_json, &mut self.path) {
            return Ok(());
        }
        self.found.capabilities.add_path(&self.path, at);
        if at < self.cutoff {
            return Ok(());
        }
        let observer = match row.get::<_, Option<i64>>(5) {
            Ok(Some(observer)) => self.observer(connection, observer)?,
            _ => None,
        };
        let heard = Heard {
            payload,
            route,
            sent: row.get_ref(2)?.as_str() == Ok("tx"),
            path: &self.path,
            originator,
            observer,
            snr: row.get(3).unwrap_or(None),
            at,
        };
        self.found.edges.observe(&heard, self.ends, self.index, self.max_km);
        Ok(())
    }

    /// The end that an observer is; asked of the file once.
    fn observer(&mut self, connection: &Connection, row: i64) -> rusqlite::Result<Option<EndId>> {
        if let Some(end) = self.known.get(&row) {
            return Ok(*end);
        }
        let id: Option<String> = connection
            .prepare_cached("SELECT id FROM observers WHERE rowid = ?1")?
            .query_row([row], |row| row.get(0))
            .optional()?;
        let end = id.and_then(|id| End::from_text(&id)).map(|end| self.ends.intern(end));
        self.known.insert(row, end);
        Ok(end)
    }
}

/// Whose advert it is.
fn originator(row: &Row<'_>) -> Option<PublicKey> {
    #[derive(serde::Deserialize)]
    struct Advert {
        #[serde(rename = "pubKey")]
        key: PublicKey,
    }
    let stored = row.get_ref(8).ok()?.as_str().ok().and_then(|text| text.parse().ok());
    stored.or_else(|| {
        let decoded = row.get_ref(9).ok()?.as_str().ok()?;
        serde_json::from_str::<Advert>(decoded).ok().map(|advert| advert.key)
    })
}

/// Reads the hops; whether they could be read. Hops of more than 3 bytes cannot: only traces have them.
fn read_path(json: &str, path: &mut Vec<NodeHash>) -> bool {
    path.clear();
    if json == "[]" {
        return true;
    }
    match serde_json::from_str::<Vec<NodeHash>>(json) {
        Ok(hops) => {
            *path = hops;
            true
        }
        Err(_) => false,
    }
}
