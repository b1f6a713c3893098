//! Packets as the API reads them: filters, pages, and one rule for the best observation.

use meshcore_proto::PacketHash;
use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params_from_iter};

use super::hidden::{self, SHOWN_OF_ALL, SHOWN_OF_FEW};
use super::observers::time;
use super::{raw_hex, resolved_paths};
use crate::{ObserverId, UnixMillis};

/// Ids per `IN (…)` list; SQLite takes 32,766.
const IDS_PER_STATEMENT: usize = 1_000;

/// A transmission with its observations.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "columns of the table, explained at PacketWrite")]
pub struct PacketRow {
    pub id: i64,
    pub hash: String,
    pub raw_hex: String,
    pub first_seen: Option<UnixMillis>,
    /// Newest observation.
    pub last_seen: Option<UnixMillis>,
    pub route_type: Option<u8>,
    pub payload_type: Option<u8>,
    pub payload_version: Option<u8>,
    pub decoded_json: Option<String>,
    pub scope_name: Option<String>,
    /// In the order they were stored.
    pub observations: Vec<ObservationRow>,
}

/// One reception of a transmission.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "columns of the table, explained at Reception")]
pub struct ObservationRow {
    pub id: i64,
    pub transmission_id: i64,
    pub observer_id: Option<String>,
    pub observer_name: Option<String>,
    pub observer_iata: Option<String>,
    pub direction: Option<String>,
    pub snr: Option<f64>,
    pub rssi: Option<f64>,
    pub score: Option<f64>,
    /// As stored; `[]` for none.
    pub path_json: Option<String>,
    /// The same, read.
    pub path: Vec<String>,
    pub resolved_path: Option<Vec<Option<String>>>,
    /// The same as it is stored by this program, until it is filled in.
    pub(super) resolved_nodes: Option<Vec<u8>>,
    /// This observer's frame: as stored, else put together from the packet's frame and this path.
    pub raw_hex: Option<String>,
    pub timestamp: UnixMillis,
}

/// Which packets, and which page of them. Empty lists and `None` mean no filter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PacketFilter {
    /// Payload type.
    pub payload_type: Option<u8>,
    /// Route type.
    pub route_type: Option<u8>,
    /// Heard by one of these observers, any case.
    pub observers: Vec<String>,
    /// Heard by an observer of one of these regions, upper case.
    pub regions: Vec<String>,
    /// This content hash, lower case.
    pub hash: Option<String>,
    /// Grouping key of a channel.
    pub channel: Option<String>,
    /// Has an observation at or after.
    pub since: Option<UnixMillis>,
    /// Has an observation at or before.
    pub until: Option<UnixMillis>,
    /// Newest observation first, instead of newest id.
    pub by_latest: bool,
    /// Oldest id first; not with `by_latest`.
    pub ascending: bool,
    /// Rows of a page.
    pub limit: u32,
    /// Rows skipped.
    pub offset: u32,
}

/// One page of packets.
#[derive(Clone, Debug, PartialEq)]
pub struct PacketPage {
    /// The page.
    pub packets: Vec<PacketRow>,
    /// Packets that match, on all pages.
    pub total: i64,
}

/// How a packet is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketId {
    /// By content hash, current or replaced.
    Hash(PacketHash),
    /// By row id of the transmission.
    Transmission(i64),
    /// By row id of one of its observations.
    Observation(i64),
}

impl PacketRow {
    /// The observation that lends the packet its path, signal and observer: the longest path, the one stored first
    /// among equals, and the observer's own transmissions only when there is nothing else.
    pub fn best(&self) -> Option<&ObservationRow> {
        self.observations.iter().reduce(|best, other| if other.rank() > best.rank() { other } else { best })
    }

    /// How many observers heard it. Unknown observers count as one.
    pub fn observer_count(&self) -> usize {
        let mut ids: Vec<_> = self.observations.iter().map(|o| o.observer_id.as_deref()).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.len()
    }

    /// The regions it was heard in, sorted.
    pub fn regions(&self) -> Vec<String> {
        let known = self.observations.iter().filter_map(|o| o.observer_iata.clone());
        let mut regions: Vec<String> = known.filter(|iata| !iata.is_empty()).collect();
        regions.sort_unstable();
        regions.dedup();
        regions
    }
}

impl ObservationRow {
    /// Greater is better.
    fn rank(&self) -> (bool, usize) {
        (self.direction.as_deref() != Some("tx"), self.path.len())
    }
}

pub(super) const PACKET_COLUMNS: &str = "t.id, t.hash, t.raw_hex, t.first_seen, t.last_seen, t.route_type, t.payload_type, \
                              t.payload_version, t.decoded_json, t.scope_name";

pub(super) const OBSERVATION_COLUMNS: &str = "o.id AS observation_id, o.transmission_id, b.id AS observer_id, b.name AS observer_name, \
     b.iata AS observer_iata, o.direction, o.snr, o.rssi, o.score, o.path_json, o.resolved_path, \
     o.raw_hex AS observation_raw_hex, o.timestamp, o.resolved_nodes";

/// One page of the packets that match, with all their observations.
pub(super) fn page(connection: &Connection, filter: &PacketFilter) -> rusqlite::Result<PacketPage> {
    let (wheres, mut values) = conditions(filter)?;
    let total = connection
        .prepare_cached(&format!("SELECT COUNT(*) FROM transmissions t WHERE {wheres}"))?
        .query_row(params_from_iter(&values), |row| row.get(0))?;
    let order = match (filter.by_latest, filter.ascending) {
        (true, _) => "t.last_seen DESC, t.id DESC",
        (false, true) => "t.id ASC",
        (false, false) => "t.id DESC",
    };
    values.push(filter.limit.into());
    values.push(filter.offset.into());
    // Ids first, so that sorting does not drag frames and JSON along.
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {PACKET_COLUMNS} FROM
            (SELECT t.id AS page_id FROM transmissions t WHERE {wheres} ORDER BY {order} LIMIT ? OFFSET ?)
           JOIN transmissions t ON t.id = page_id ORDER BY {order}"
    ))?;
    let mut packets: Vec<PacketRow> =
        statement.query_map(params_from_iter(&values), read_packet)?.collect::<Result<_, _>>()?;
    load_observations(connection, &mut packets)?;
    Ok(PacketPage { packets, total })
}

/// One packet with its observations.
pub(super) fn packet(connection: &Connection, id: PacketId) -> rusqlite::Result<Option<PacketRow>> {
    let (condition, value): (&str, ToSqlOutput<'_>) = match id {
        PacketId::Hash(hash) => (
            "t.hash = ?1 OR t.hash = (SELECT hash FROM hash_aliases WHERE old_hash = ?1)",
            hash.to_string().into(),
        ),
        PacketId::Transmission(id) => ("t.id = ?1", id.into()),
        PacketId::Observation(id) => {
            ("t.id = (SELECT transmission_id FROM all_observations WHERE id = ?1)", id.into())
        }
    };
    let found = connection
        .prepare_cached(&format!(
            "SELECT {PACKET_COLUMNS} FROM transmissions t WHERE ({condition}) AND {SHOWN_OF_FEW} LIMIT 1"
        ))?
        .query_row([value], read_packet)
        .optional()?;
    let Some(packet) = found else { return Ok(None) };
    let mut packets = [packet];
    load_observations(connection, &mut packets)?;
    let [packet] = packets;
    Ok(Some(packet))
}

/// The filter as SQL over `transmissions t`, with its values.
fn conditions(filter: &PacketFilter) -> rusqlite::Result<(String, Vec<ToSqlOutput<'_>>)> {
    let mut wheres = format!("t.hash <> '' AND t.first_seen <> '' AND {SHOWN_OF_ALL}");
    let mut values: Vec<ToSqlOutput<'_>> = Vec::new();
    if let Some(payload_type) = filter.payload_type {
        wheres.push_str(" AND t.payload_type = ?");
        values.push(payload_type.into());
    }
    if let Some(route_type) = filter.route_type {
        wheres.push_str(" AND t.route_type = ?");
        values.push(route_type.into());
    }
    if let Some(since) = filter.since {
        wheres.push_str(" AND t.last_seen >= ?");
        values.push(since.seconds().into());
    }
    if let Some(until) = filter.until {
        wheres.push_str(" AND unixepoch(t.first_seen) <= ?");
        values.push(until.seconds().into());
    }
    if let Some(hash) = &filter.hash {
        wheres.push_str(" AND t.hash = ?");
        values.push(hash.to_sql()?);
    }
    if let Some(channel) = &filter.channel {
        wheres.push_str(" AND t.payload_type = 5 AND t.channel_hash = ?");
        values.push(channel.to_sql()?);
    }
    for (column, wanted) in [("lower(b.id)", &filter.observers), ("b.iata", &filter.regions)] {
        if wanted.is_empty() {
            continue;
        }
        let marks = vec!["?"; wanted.len()].join(", ");
        wheres.push_str(&format!(
            " AND (EXISTS (SELECT 1 FROM observations o JOIN observers b ON b.rowid = o.observer_idx
                            WHERE o.transmission_id = t.id AND {column} IN ({marks}))
                OR EXISTS (SELECT 1 FROM packed_observations p, json_each(inflate(p.packed)) r
                             JOIN observers b ON b.rowid = r.value ->> 1
                            WHERE p.transmission_id = t.id AND {column} IN ({marks})))"
        ));
        for value in wanted.iter().chain(wanted) {
            values.push(value.to_sql()?);
        }
    }
    Ok((wheres, values))
}

/// Fills in the observations of `packets`.
pub(super) fn load_observations(connection: &Connection, packets: &mut [PacketRow]) -> rusqlite::Result<()> {
    let mut of: std::collections::HashMap<i64, Vec<ObservationRow>> = std::collections::HashMap::new();
    for chunk in packets.chunks(IDS_PER_STATEMENT) {
        let marks = vec!["?"; chunk.len()].join(", ");
        let mut statement = connection.prepare_cached(&format!(
            "SELECT {OBSERVATION_COLUMNS} FROM all_observations o LEFT JOIN observers b ON b.rowid = o.observer_idx
              WHERE o.transmission_id IN ({marks}) ORDER BY o.id"
        ))?;
        let rows =
            statement.query_map(params_from_iter(chunk.iter().map(|packet| packet.id)), read_observation)?;
        for row in rows {
            let row = row?;
            of.entry(row.transmission_id).or_default().push(row);
        }
    }
    for packet in packets {
        let mut observations = of.remove(&packet.id).unwrap_or_default();
        complete(connection, packet, &mut observations)?;
        packet.observations = observations;
    }
    Ok(())
}

/// Fills in what is stored once for many observations: their frames, and who their hops were.
pub(super) fn complete(
    connection: &Connection,
    packet: &PacketRow,
    observations: &mut [ObservationRow],
) -> rusqlite::Result<()> {
    for observation in observations.iter_mut().filter(|observation| observation.raw_hex.is_none()) {
        let path = observation.path_json.as_deref().unwrap_or_default();
        observation.raw_hex = raw_hex::rebuilt(&packet.raw_hex, path);
    }
    resolved_paths::fill(connection, observations)?;
    hidden::hide_hops(connection, observations)
}

pub(super) fn read_packet(row: &Row<'_>) -> rusqlite::Result<PacketRow> {
    let last_seen: i64 = row.get("last_seen")?;
    Ok(PacketRow {
        id: row.get("id")?,
        hash: row.get("hash")?,
        raw_hex: row.get("raw_hex")?,
        first_seen: time(row, "first_seen")?,
        last_seen: (last_seen > 0).then(|| UnixMillis::from_seconds(last_seen)),
        route_type: row.get("route_type")?,
        payload_type: row.get("payload_type")?,
        payload_version: row.get("payload_version")?,
        decoded_json: row.get("decoded_json")?,
        scope_name: row.get("scope_name")?,
        observations: Vec::new(),
    })
}

pub(super) fn read_observation(row: &Row<'_>) -> rusqlite::Result<ObservationRow> {
    let path_json: Option<String> = row.get("path_json")?;
    let resolved_path: Option<String> = row.get("resolved_path")?;
    Ok(ObservationRow {
        id: row.get("observation_id")?,
        transmission_id: row.get("transmission_id")?,
        observer_id: row.get::<_, Option<String>>("observer_id")?.map(|id| ObserverId::display_of(&id)),
        observer_name: row.get("observer_name")?,
        observer_iata: row.get("observer_iata")?,
        direction: row.get("direction")?,
        snr: row.get("snr")?,
        rssi: row.get("rssi")?,
        score: row.get("score")?,
        path: path_json.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default(),
        path_json,
        resolved_path: resolved_path.and_then(|text| serde_json::from_str(&text).ok()),
        resolved_nodes: row.get("resolved_nodes")?,
        raw_hex: row.get("observation_raw_hex")?,
        timestamp: UnixMillis::from_seconds(row.get("timestamp")?),
    })
}
