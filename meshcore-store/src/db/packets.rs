//! Storing packets: when two messages are one transmission, and when one observation.
//!
//! A transmission is one content hash. An observation is one (transmission, observer, path); hearing it again only
//! fills what was missing.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use meshcore_proto::{Packet, PacketHash, PayloadType};
use rusqlite::{Connection, OptionalExtension, named_params, params};

use super::nodes::{self, NodeAdvert};
use super::observers::{self, ClockSkew, ObserverEnd, Observers, Seen};
use super::{packing, raw_hex};
use crate::decoded::{Decoded, DecodedPayload};
use crate::{Direction, Reception, UnixMillis, path_json};

/// Transmissions remembered: the copies of a packet come within seconds of each other.
const REMEMBERED: usize = 8_192;

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

impl PacketWrite {
    /// What to store of a frame.
    ///
    /// `raw_hex` is the frame as it came; whose clock is wrong and which region a scope means is for the caller to add.
    ///
    /// # Errors
    /// [`serde_json::Error`], when the payload cannot be written as JSON.
    pub fn new(
        packet: &Packet<'_>,
        decoded: &Decoded,
        raw_hex: String,
        reception: Reception,
    ) -> Result<Self, serde_json::Error> {
        let header = packet.header();
        Ok(Self {
            reception,
            raw_hex,
            hash: packet.packet_hash(),
            route_type: header.route().bits(),
            payload_type: header.payload_type().bits(),
            payload_version: header.version(),
            decoded_json: serde_json::to_string(&decoded.payload)?,
            path_json: path_json(&decoded.path.hops),
            channel_hash: channel_hash(header.payload_type(), &decoded.payload),
            scope_name: packet.transport().filter(|codes| codes.scope != 0).map(|_| String::new()),
            advert: match &decoded.payload {
                DecodedPayload::Advert(advert) => Some(NodeAdvert::of(advert)),
                _ => None,
            },
            clock_skew: None,
        })
    }
}

/// The key channel messages are grouped by; data has none.
fn channel_hash(payload_type: PayloadType, payload: &DecodedPayload) -> Option<String> {
    match payload {
        DecodedPayload::Channel(message) => Some(message.channel.clone()),
        DecodedPayload::GroupText(message) if payload_type == PayloadType::GrpTxt => {
            Some(message.grouping_key())
        }
        _ => None,
    }
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

/// The packets a writer has just stored, and what the open transaction has still to write about them.
///
/// Holds for one transaction after the other as long as each is committed: forget it when one is rolled back.
#[derive(Debug, Default)]
pub(super) struct Transmissions {
    known: HashMap<PacketHash, Transmission>,
    /// Those heard again at another time.
    moved: Vec<PacketHash>,
}

/// A stored transmission.
#[derive(Debug)]
struct Transmission {
    id: i64,
    /// The frame that came first.
    raw_hex: String,
    /// `None`: the file holds something that is no time.
    first_seen: Option<UnixMillis>,
    last_seen: i64,
    is_moved: bool,
}

impl Transmissions {
    /// Stores one packet message: observer, transmission, node, observation, in this order. Says who heard it, too.
    ///
    /// `now` is the newest arrival of the batch: no stored "last seen" may lie beyond it.
    pub(super) fn store(
        &mut self,
        connection: &Connection,
        observers: &mut Observers,
        packet: &PacketWrite,
        now: UnixMillis,
    ) -> rusqlite::Result<(Stored, ObserverEnd)> {
        let received_at = packet.reception.received_at;
        let observer = observers.seen(connection, &packet.reception, Seen::WithPacket)?;
        if let Some(skew) = &packet.clock_skew {
            observers::record_skew(connection, observer.row, *skew, received_at)?;
        }
        let (transmission, new_transmission) = self.meet(connection, packet)?;
        if let Some(advert) = &packet.advert {
            nodes::upsert(connection, advert, received_at, now, new_transmission)?;
            if let Some(scope) = packet.scope_name.as_deref().filter(|scope| !scope.is_empty()) {
                nodes::set_default_scope(connection, advert.public_key, scope)?;
            }
        }
        let (observation_id, new_observation) =
            upsert_observation(connection, transmission, observer.row, packet)?;
        Ok((Stored { observation_id, new_transmission, new_observation }, observer))
    }

    /// Writes what is new about transmissions that were known.
    pub(super) fn flush(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        for hash in self.moved.drain(..) {
            let Some(transmission) = self.known.get_mut(&hash) else { continue };
            transmission.is_moved = false;
            connection
                .prepare_cached(
                    "UPDATE transmissions SET first_seen = COALESCE(?2, first_seen), last_seen = ?3 WHERE id = ?1",
                )?
                .execute((
                    transmission.id,
                    transmission.first_seen.map(UnixMillis::to_rfc3339_seconds),
                    transmission.last_seen,
                ))?;
        }
        if self.known.len() > REMEMBERED {
            self.known.clear();
        }
        Ok(())
    }

    /// The transmission of this content hash, and whether it is new.
    ///
    /// `first_seen` only moves back, `last_seen` only forward.
    fn meet(
        &mut self,
        connection: &Connection,
        packet: &PacketWrite,
    ) -> rusqlite::Result<(&Transmission, bool)> {
        let (transmission, is_new) = match self.known.entry(packet.hash) {
            Entry::Occupied(known) => (known.into_mut(), false),
            Entry::Vacant(place) => match find(connection, packet.hash)? {
                Some(stored) => (place.insert(stored), false),
                None => (place.insert(insert(connection, packet)?), true),
            },
        };
        let at = packet.reception.received_at;
        let is_first = transmission.first_seen.is_some_and(|first| at.seconds() < first.seconds());
        let is_last = at.seconds() > transmission.last_seen;
        if is_first {
            transmission.first_seen = Some(at);
        }
        if is_last {
            transmission.last_seen = at.seconds();
        }
        if (is_first || is_last) && !transmission.is_moved {
            transmission.is_moved = true;
            self.moved.push(packet.hash);
        }
        Ok((transmission, is_new))
    }
}

fn find(connection: &Connection, hash: PacketHash) -> rusqlite::Result<Option<Transmission>> {
    connection
        .prepare_cached(
            "SELECT id, raw_hex, first_seen, last_seen,
                    EXISTS (SELECT 1 FROM packed_observations WHERE transmission_id = t.id)
               FROM transmissions t WHERE hash = ?1",
        )?
        .query_row([hash.to_string()], |row| {
            if row.get(4)? {
                packing::unpack_one(connection, row.get(0)?)?;
            }
            Ok(Transmission {
                id: row.get(0)?,
                raw_hex: row.get(1)?,
                first_seen: row.get::<_, String>(2)?.parse().ok(),
                last_seen: row.get(3)?,
                is_moved: false,
            })
        })
        .optional()
}

fn insert(connection: &Connection, packet: &PacketWrite) -> rusqlite::Result<Transmission> {
    let received_at = packet.reception.received_at;
    connection
        .prepare_cached(
            "INSERT INTO transmissions (raw_hex, hash, first_seen, route_type, payload_type, payload_version,
                                        decoded_json, from_pubkey, last_seen, channel_hash, scope_name)
             VALUES (:raw_hex, :hash, :first_seen, :route_type, :payload_type, :payload_version,
                     :decoded_json, :from_pubkey, :last_seen, :channel_hash, :scope_name)",
        )?
        .execute(named_params! {
            ":raw_hex": packet.raw_hex,
            ":hash": packet.hash.to_string(),
            ":first_seen": received_at.to_rfc3339_seconds(),
            ":route_type": packet.route_type,
            ":payload_type": packet.payload_type,
            ":payload_version": packet.payload_version,
            ":decoded_json": packet.decoded_json,
            ":from_pubkey": packet.advert.as_ref().map(|advert| advert.public_key.to_string()),
            ":last_seen": received_at.seconds(),
            ":channel_hash": packet.channel_hash,
            ":scope_name": packet.scope_name,
        })?;
    Ok(Transmission {
        id: connection.last_insert_rowid(),
        raw_hex: packet.raw_hex.clone(),
        first_seen: Some(received_at),
        last_seen: received_at.seconds(),
        is_moved: false,
    })
}

/// The row of (transmission, observer, path), and whether it is new. A known one only gains what it lacks, except
/// that a reception replaces the report of a transmission.
fn upsert_observation(
    connection: &Connection,
    transmission: &Transmission,
    observer: i64,
    packet: &PacketWrite,
) -> rusqlite::Result<(i64, bool)> {
    let Reception { signal, direction, received_at, .. } = &packet.reception;
    let raw_hex = raw_hex::kept(&packet.raw_hex, &transmission.raw_hex, &packet.path_json);
    let direction = direction.map(Direction::as_str);
    let inserted = connection
        .prepare_cached(
            "INSERT INTO observations (transmission_id, observer_idx, direction, snr, rssi, score,
                                       path_json, timestamp, raw_hex)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT (transmission_id, observer_idx, COALESCE(path_json, '')) DO NOTHING",
        )?
        .execute(params![
            transmission.id,
            observer,
            direction,
            signal.snr,
            signal.rssi,
            signal.score,
            packet.path_json,
            received_at.seconds(),
            raw_hex,
        ])?;
    if inserted > 0 {
        return Ok((connection.last_insert_rowid(), true));
    }
    let known = connection
        .prepare_cached(
            "UPDATE observations
                SET snr = COALESCE(?4, snr), rssi = COALESCE(?5, rssi), score = COALESCE(?6, score),
                    raw_hex = COALESCE(?7, raw_hex),
                    direction = CASE WHEN direction = 'tx' AND ?8 IS NOT 'tx' THEN ?8 ELSE direction END
              WHERE transmission_id = ?1 AND observer_idx = ?2 AND COALESCE(path_json, '') = ?3
             RETURNING id",
        )?
        .query_row(
            params![
                transmission.id,
                observer,
                packet.path_json,
                signal.snr,
                signal.rssi,
                signal.score,
                raw_hex,
                direction,
            ],
            |row| row.get(0),
        )?;
    Ok((known, false))
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
