//! Reading stored frames again with today's decoder and keys.
//!
//! Frames are read and decoded beside the writer, which then only changes the rows that turn out different, in small
//! errands. How far it is lies in `_state` in the same transaction as the rows: after a kill the next run goes on there,
//! if it reads with the same keys, and both together do what one would have done.
//!
//! What was known is not lost: a message that was readable stays readable when today's keys do not open it, and a named
//! region keeps its name.

use std::path::Path;

use meshcore_proto::{KeyRing, Packet};
use rusqlite::{Connection, OptionalExtension, Transaction, named_params};
use serde_json::Value;

use super::pace::Pace;
use super::progress::{OnProgress, Progress};
use super::writer::{Component, WriterHandle};
use super::{PacketWrite, StoreError, open, schema};
use crate::decoded::{Decoded, Signatures};
use crate::{Reception, Signal, UnixMillis};

/// Key in `_state`: `[plan, last id done, last id to do]`.
const STATE: &str = "reprocess";

/// Rows read at once.
const ROWS: u16 = 500;

/// What a run found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reprocessed {
    /// Packets with a frame that were read.
    pub read: u64,
    /// Of these, those that are stored otherwise now.
    pub changed: u64,
    /// Of these, channel messages that were closed before.
    pub opened: u64,
    /// Packets whose frame cannot be decoded; they stay as they are.
    pub unreadable: u64,
    /// The id up to which an earlier run had come.
    pub resumed_after: Option<i64>,
    /// Whether it came to the end.
    pub is_finished: bool,
}

/// How frames are read.
pub struct Reading<'a> {
    /// Keys of channels.
    pub keys: &'a KeyRing,
    /// Whether adverts are verified.
    pub signatures: Signatures,
    /// The name of the region a packet is scoped to, when that is known.
    pub region: &'a dyn Fn(&Packet<'_>) -> Option<String>,
    /// Names all of these: a run that was interrupted is resumed by one with the same plan only.
    pub plan: &'a str,
}

impl Reading<'_> {
    /// What would be stored of a frame in hex; `None` when it is none.
    fn decode(&self, raw_hex: &str) -> Option<PacketWrite> {
        let frame = hex::decode(raw_hex.trim()).ok()?;
        let packet = Packet::parse_lax(&frame).ok()?;
        let decoded = Decoded::of(&packet, self.keys, self.signatures);
        // Who heard it, and when, is stored already, and not looked at.
        let reception = Reception {
            received_at: UnixMillis::default(),
            observer: "reprocess".parse().ok()?,
            observer_name: None,
            region: None,
            direction: None,
            signal: Signal::default(),
        };
        let mut write = PacketWrite::new(&packet, &decoded, String::new(), reception).ok()?;
        if write.scope_name.is_some()
            && let Some(region) = (self.region)(&packet)
        {
            write.scope_name = Some(region);
        }
        Some(write)
    }
}

/// Reads all stored frames again, and changes what comes out otherwise; without a writer it only counts.
///
/// Stops between two errands when `should_stop` says so.
///
/// # Errors
/// [`StoreError`], when the file cannot be read or written; what was done stays done.
pub fn reprocess(
    path: &Path,
    writer: Option<&WriterHandle>,
    reading: &Reading<'_>,
    should_stop: &dyn Fn() -> bool,
    on_progress: OnProgress<'_>,
) -> Result<Reprocessed, StoreError> {
    let connection = open::for_reading(path)?;
    schema::assert_ready(&connection, path)?;
    let mut report = Reprocessed::default();
    let (mut after, end) = match writer.map(|_| resumed(&connection, reading.plan)).transpose()?.flatten() {
        Some((after, end)) => {
            report.resumed_after = Some(after);
            (after, end)
        }
        // What is stored from now on is decoded as it should be.
        None => (0, newest(&connection)?),
    };
    let mut pace = writer.map(|writer| Pace::new(writer, Component::Reprocessing, ROWS.into(), should_stop));
    let total = rows(&connection, after, end)?;
    loop {
        on_progress(Progress { step: "reprocess", done: report.read.min(total), total });
        if should_stop() {
            return Ok(report);
        }
        let batch = read(&connection, after, end)?;
        let Some(last) = batch.last().map(|row| row.id) else { break };
        let mut changes = Vec::new();
        for row in &batch {
            report.read += 1;
            let Some(packet) = reading.decode(&row.raw_hex) else {
                report.unreadable += 1;
                continue;
            };
            if let Some(change) = Change::between(row, packet) {
                report.changed += 1;
                report.opened += u64::from(change.is_opened);
                changes.push(change);
            }
        }
        if let Some(pace) = &mut pace
            && !changes.is_empty()
            && !write(pace, changes, reading.plan, (last, end))?
        {
            return Ok(report);
        }
        after = last;
    }
    if let Some(writer) = writer {
        writer.run(Component::Reprocessing, |transaction| {
            transaction.execute("DELETE FROM _state WHERE key = ?1", [STATE])
        })?;
    }
    report.is_finished = true;
    Ok(report)
}

/// A packet as it is stored.
struct Row {
    id: i64,
    raw_hex: String,
    columns: Columns,
}

/// What is read from a frame.
#[derive(Clone, Debug, PartialEq)]
struct Columns {
    route_type: Option<u8>,
    payload_type: Option<u8>,
    payload_version: Option<u8>,
    decoded_json: Option<String>,
    from_pubkey: Option<String>,
    channel_hash: Option<String>,
    scope_name: Option<String>,
}

/// A packet that is to be stored otherwise.
struct Change {
    id: i64,
    before: Columns,
    after: Columns,
    /// A message that was closed and is readable now.
    is_opened: bool,
}

impl Change {
    /// `None` when both say the same.
    fn between(row: &Row, packet: PacketWrite) -> Option<Self> {
        let before = &row.columns;
        let mut after = Columns {
            route_type: Some(packet.route_type),
            payload_type: Some(packet.payload_type),
            payload_version: Some(packet.payload_version),
            decoded_json: Some(packet.decoded_json),
            from_pubkey: match &packet.advert {
                Some(advert) => Some(advert.public_key.to_string()),
                None => before.from_pubkey.clone(),
            },
            channel_hash: packet.channel_hash,
            scope_name: packet.scope_name,
        };
        let (was, is) = (json(before), json(&after));
        if was == is || (is_open(&was) && !is_open(&is)) {
            after.decoded_json.clone_from(&before.decoded_json);
        }
        if is_open(&was) && !is_open(&is) {
            after.channel_hash.clone_from(&before.channel_hash);
        }
        if after.scope_name.as_deref() == Some("") && before.scope_name.is_some() {
            after.scope_name.clone_from(&before.scope_name);
        }
        let is_opened = packet.payload_type == GRP_TXT && !is_open(&was) && is_open(&is);
        (after != *before).then(|| Self { id: row.id, before: before.clone(), after, is_opened })
    }

    /// Writes it, unless somebody else has changed the row meanwhile.
    fn apply(&self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        let Columns {
            route_type,
            payload_type,
            payload_version,
            decoded_json,
            from_pubkey,
            channel_hash,
            scope_name,
        } = &self.after;
        transaction
            .prepare_cached(
                "UPDATE transmissions
                    SET route_type = :route_type, payload_type = :payload_type, payload_version = :payload_version,
                        decoded_json = :decoded_json, from_pubkey = :from_pubkey, channel_hash = :channel_hash,
                        scope_name = :scope_name
                  WHERE id = :id AND decoded_json IS :before",
            )?
            .execute(named_params! {
                ":id": self.id,
                ":before": self.before.decoded_json,
                ":route_type": route_type,
                ":payload_type": payload_type,
                ":payload_version": payload_version,
                ":decoded_json": decoded_json,
                ":from_pubkey": from_pubkey,
                ":channel_hash": channel_hash,
                ":scope_name": scope_name,
            })?;
        Ok(())
    }
}

/// Channel texts.
const GRP_TXT: u8 = 5;

/// What was decoded; the order of its fields means nothing.
fn json(columns: &Columns) -> Value {
    let text = columns.decoded_json.as_deref().unwrap_or_default();
    serde_json::from_str(text).unwrap_or(Value::Null)
}

/// Whether a channel message is readable.
fn is_open(decoded: &Value) -> bool {
    decoded["type"] == "CHAN" || decoded["decryptionStatus"] == "decrypted"
}

/// Where a run with the same plan was interrupted, and where it was to end.
fn resumed(connection: &Connection, plan: &str) -> rusqlite::Result<Option<(i64, i64)>> {
    let state: Option<String> = connection
        .query_row("SELECT value FROM _state WHERE key = ?1", [STATE], |row| row.get(0))
        .optional()?;
    let state = state.and_then(|text| serde_json::from_str::<(String, i64, i64)>(&text).ok());
    Ok(state.filter(|(of, _, _)| of == plan).map(|(_, after, end)| (after, end)))
}

fn newest(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT COALESCE(MAX(id), 0) FROM transmissions", [], |row| row.get(0))
}

fn rows(connection: &Connection, after: i64, end: i64) -> rusqlite::Result<u64> {
    let sql = "SELECT COUNT(*) FROM transmissions WHERE id > ?1 AND id <= ?2 AND raw_hex <> ''";
    let rows: i64 = connection.query_row(sql, [after, end], |row| row.get(0))?;
    Ok(u64::try_from(rows).unwrap_or(0))
}

/// The next packets that have a frame.
fn read(connection: &Connection, after: i64, end: i64) -> rusqlite::Result<Vec<Row>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, raw_hex, route_type, payload_type, payload_version, decoded_json, from_pubkey, channel_hash, scope_name
           FROM transmissions WHERE id > ?1 AND id <= ?2 AND raw_hex <> '' ORDER BY id LIMIT ?3",
    )?;
    let row = |row: &rusqlite::Row<'_>| {
        Ok(Row {
            id: row.get(0)?,
            raw_hex: row.get(1)?,
            columns: Columns {
                route_type: row.get(2)?,
                payload_type: row.get(3)?,
                payload_version: row.get(4)?,
                decoded_json: row.get(5)?,
                from_pubkey: row.get(6)?,
                channel_hash: row.get(7)?,
                scope_name: row.get(8)?,
            },
        })
    };
    statement.query_map((after, end, ROWS), row)?.collect()
}

/// Writes changes in errands, each with how far it comes; `false` when it is to stop. After the last one all up to
/// `last` is done.
fn write(
    pace: &mut Pace<'_>,
    mut changes: Vec<Change>,
    plan: &str,
    (last, end): (i64, i64),
) -> Result<bool, StoreError> {
    while !changes.is_empty() {
        let part: Vec<Change> = changes.drain(..pace.items().min(changes.len())).collect();
        let place = match part.last() {
            Some(change) if !changes.is_empty() => change.id,
            _ => last,
        };
        let state = serde_json::json!([plan, place, end]).to_string();
        let written = pace.errand(move |transaction, _| {
            part.iter().try_for_each(|change| change.apply(transaction))?;
            transaction
                .execute("INSERT OR REPLACE INTO _state (key, value) VALUES (?1, ?2)", [STATE, &state])?;
            Ok((part.len(), ()))
        })?;
        if written.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}
