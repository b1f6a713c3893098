//! Storing packets: when two messages are one transmission, and when one observation.
//!
//! A transmission is one content hash. An observation is one (transmission, observer, path); hearing it again only
//! fills what was missing.

use meshcore_proto::PacketHash;
use rusqlite::{Connection, OptionalExtension, named_params};

use super::nodes::{self, NodeAdvert};
use super::observers::{self, ClockSkew, KnownObservers, Seen};
use crate::{Direction, Reception, UnixMillis};

/// One packet message, decoded and ready to be stored.
#[derive(Clone, Debug, PartialEq)]
pub struct PacketWrite {
    /// Who heard it, when and how well.
    pub reception: Reception,
    /// The frame in hex as it came, blanks removed.
    pub raw_hex: String,
    /// What makes two receptions one packet.
    pub hash: PacketHash,
    /// Header bits 0–1.
    pub route_type: u8,
    /// Header bits 2–5.
    pub payload_type: u8,
    /// Header bits 6–7.
    pub payload_version: u8,
    /// The decoded payload as JSON text.
    pub decoded_json: String,
    /// Hops as a JSON array of upper-case hex, `[]` for none.
    pub path_json: String,
    /// GRP_TXT only: name of the channel, or `enc_XX`.
    pub channel_hash: Option<String>,
    /// `None`: no scope. Empty: scoped, region unknown. Else the region's name.
    pub scope_name: Option<String>,
    /// What an ADVERT says about its node.
    pub advert: Option<NodeAdvert>,
    /// Set when the observer's clock was found wrong.
    pub clock_skew: Option<ClockSkew>,
}

/// What became of a packet message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// `observations.id` of the row made or filled.
    pub observation_id: i64,
    /// The packet was not known before.
    pub new_transmission: bool,
    /// This observer had not reported it with this path before.
    pub new_observation: bool,
}

/// An advert that is not stored because its signature is wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct DroppedAdvert {
    /// Who reported it, and when.
    pub reception: Reception,
    /// The frame.
    pub raw_hex: String,
    /// Its content hash.
    pub hash: PacketHash,
    /// The key it claims.
    pub node_key: String,
    /// The name it claims.
    pub node_name: Option<String>,
}

impl DroppedAdvert {
    /// The only reason there is; existing databases hold the same words.
    const REASON: &'static str = "invalid signature";
}

/// Stores one packet message: observer, transmission, node, observation, in this order.
///
/// `now` is the newest arrival of the batch: no stored "last seen" may lie beyond it.
pub(super) fn store(
    connection: &Connection,
    observers: &mut KnownObservers,
    packet: &PacketWrite,
    now: UnixMillis,
) -> rusqlite::Result<Stored> {
    let received_at = packet.reception.received_at;
    let observer = observers::seen(connection, observers, &packet.reception, Seen::WithPacket, now)?;
    if let Some(skew) = &packet.clock_skew {
        observers::record_skew(connection, observer, *skew, received_at)?;
    }
    let (transmission, new_transmission) = upsert_transmission(connection, packet)?;
    if let Some(advert) = &packet.advert {
        nodes::upsert(connection, advert, received_at, now, new_transmission)?;
    }
    let (observation_id, new_observation) = upsert_observation(connection, transmission, observer, packet)?;
    Ok(Stored { observation_id, new_transmission, new_observation })
}

/// The row of this content hash, and whether it is new. `first_seen` only moves back, `last_seen` only forward.
fn upsert_transmission(connection: &Connection, packet: &PacketWrite) -> rusqlite::Result<(i64, bool)> {
    let hash = packet.hash.to_string();
    let first_seen = packet.reception.received_at.to_rfc3339_seconds();
    let known: Option<i64> = connection
        .prepare_cached("SELECT id FROM transmissions WHERE hash = ?1")?
        .query_row([&hash], |row| row.get(0))
        .optional()?;
    if let Some(id) = known {
        connection
            .prepare_cached(
                "UPDATE transmissions SET first_seen = MIN(first_seen, ?2), last_seen = MAX(last_seen, ?3)
                  WHERE id = ?1 AND (first_seen > ?2 OR last_seen < ?3)",
            )?
            .execute((id, first_seen, packet.reception.received_at.seconds()))?;
        return Ok((id, false));
    }
    connection
        .prepare_cached(
            "INSERT INTO transmissions (raw_hex, hash, first_seen, route_type, payload_type, payload_version,
                                        decoded_json, from_pubkey, last_seen, channel_hash, scope_name)
             VALUES (:raw_hex, :hash, :first_seen, :route_type, :payload_type, :payload_version,
                     :decoded_json, :from_pubkey, :last_seen, :channel_hash, :scope_name)",
        )?
        .execute(named_params! {
            ":raw_hex": packet.raw_hex,
            ":hash": hash,
            ":first_seen": first_seen,
            ":route_type": packet.route_type,
            ":payload_type": packet.payload_type,
            ":payload_version": packet.payload_version,
            ":decoded_json": packet.decoded_json,
            ":from_pubkey": packet.advert.as_ref().map(|advert| advert.public_key.to_string()),
            ":last_seen": packet.reception.received_at.seconds(),
            ":channel_hash": packet.channel_hash,
            ":scope_name": packet.scope_name,
        })?;
    Ok((connection.last_insert_rowid(), true))
}

/// The row of (transmission, observer, path), and whether it is new. A known one only gains what it lacks, except
/// that a reception replaces the report of a transmission.
fn upsert_observation(
    connection: &Connection,
    transmission: i64,
    observer: i64,
    packet: &PacketWrite,
) -> rusqlite::Result<(i64, bool)> {
    let Reception { signal, direction, received_at, .. } = &packet.reception;
    let known: Option<i64> = connection
        .prepare_cached(
            "SELECT id FROM observations
              WHERE transmission_id = ?1 AND observer_idx = ?2 AND COALESCE(path_json, '') = ?3",
        )?
        .query_row((transmission, observer, &packet.path_json), |row| row.get(0))
        .optional()?;
    if let Some(id) = known {
        connection
            .prepare_cached(
                "UPDATE observations
                    SET snr = COALESCE(:snr, snr), rssi = COALESCE(:rssi, rssi), score = COALESCE(:score, score),
                        raw_hex = COALESCE(:raw_hex, raw_hex),
                        direction = CASE WHEN direction = 'tx' AND :is_tx = 0 THEN :direction ELSE direction END
                  WHERE id = :id",
            )?
            .execute(named_params! {
                ":id": id,
                ":snr": signal.snr,
                ":rssi": signal.rssi,
                ":score": signal.score,
                ":raw_hex": packet.raw_hex,
                ":is_tx": *direction == Some(Direction::Tx),
                ":direction": direction.map(Direction::as_str),
            })?;
        return Ok((id, false));
    }
    connection
        .prepare_cached(
            "INSERT INTO observations (transmission_id, observer_idx, direction, snr, rssi, score,
                                       path_json, timestamp, raw_hex)
             VALUES (:transmission, :observer, :direction, :snr, :rssi, :score, :path_json, :timestamp, :raw_hex)",
        )?
        .execute(named_params! {
            ":transmission": transmission,
            ":observer": observer,
            ":direction": direction.map(Direction::as_str),
            ":snr": signal.snr,
            ":rssi": signal.rssi,
            ":score": signal.score,
            ":path_json": packet.path_json,
            ":timestamp": received_at.seconds(),
            ":raw_hex": packet.raw_hex,
        })?;
    Ok((connection.last_insert_rowid(), true))
}

/// Keeps a trace of an advert with a wrong signature.
pub(super) fn store_dropped(connection: &Connection, dropped: &DroppedAdvert) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO dropped_packets (hash, raw_hex, reason, observer_id, observer_name, node_pubkey, node_name,
                                          dropped_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, datetime(?8, 'unixepoch'))",
        )?
        .execute((
            dropped.hash.to_string(),
            &dropped.raw_hex,
            DroppedAdvert::REASON,
            dropped.reception.observer.as_str(),
            &dropped.reception.observer_name,
            &dropped.node_key,
            &dropped.node_name,
            dropped.reception.received_at.seconds(),
        ))?;
    Ok(())
}
