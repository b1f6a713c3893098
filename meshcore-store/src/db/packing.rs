//! Old observations in a fraction of the space, for who asks for it.
//!
//! A row of `observations` and its index entries need some 200 bytes, and nobody touches it again once its packet has
//! died away. Packing puts all observations of a transmission into one value in `packed_observations`, a table
//! of ours. Nothing is lost: a packet that is heard again is unpacked first, and [`unpack`] brings all rows back, for
//! programs that do not know the table. Readers ask the view `all_observations`.
//!
//! The value is a JSON array of rows, compressed (zlib); a row is `[id, observer_idx, path, seconds, snr, rssi, score,
//! direction, resolved_path, raw_hex, resolved_nodes]`, ids and times counted from the first one, and cut behind the
//! last field that is there.

use std::io::{self, Read as _, Write as _};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row};
use serde_json::Value;

use super::{Component, StoreError, WriterHandle};
use crate::UnixMillis;

/// Transmissions packed or unpacked at once: some 20 ms of the writer.
const PER_ERRAND: u32 = 20;

/// Key in `_state`: the highest id of an observation that was packed.
const NEWEST: &str = "newest_packed_observation";

/// No transmission has that many bytes of observations; a value that unfolds to more is broken.
const MOST_BYTES: u64 = 64 << 20;

/// Packed rows as rows of `observations`.
pub(super) const UNPACKED: &str = "
    SELECT p.first_id + (r.value ->> 0) AS id, p.transmission_id, r.value ->> 1 AS observer_idx,
           r.value ->> 7 AS direction, r.value ->> 4 AS snr, r.value ->> 5 AS rssi, r.value ->> 6 AS score,
           r.value ->> 2 AS path_json, p.first_timestamp + (r.value ->> 3) AS timestamp,
           r.value ->> 8 AS resolved_path, r.value ->> 9 AS raw_hex, unhex(r.value ->> 10) AS resolved_nodes
      FROM packed_observations p, json_each(inflate(p.packed)) r";

/// The columns of `observations`, in the order of [`UNPACKED`], which has one more.
const COLUMNS: &str = "id, transmission_id, observer_idx, direction, snr, rssi, score, path_json, timestamp, \
                       resolved_path, raw_hex";

/// Lets a connection ask `loose_observations`, and `all_observations`, packed or not. Both have the column
/// `resolved_nodes` beside those of the table.
///
/// Views and function are the connection's, not the file's: other programs do not know them.
pub(super) fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("inflate", 1, flags, |context| {
        inflate(context.get_raw(0).as_blob()?)
            .map_err(|error| rusqlite::Error::UserFunctionError(error.into()))
    })?;
    connection.execute_batch(&format!(
        "CREATE TEMP VIEW IF NOT EXISTS loose_observations AS
         SELECT {COLUMNS}, (SELECT nodes FROM resolved_paths WHERE observation_id = id) AS resolved_nodes
           FROM observations;
         CREATE TEMP VIEW IF NOT EXISTS all_observations AS
         SELECT * FROM loose_observations UNION ALL {UNPACKED}"
    ))
}

fn deflate(text: &str) -> io::Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes())?;
    encoder.finish()
}

fn inflate(bytes: &[u8]) -> io::Result<String> {
    let mut text = String::new();
    ZlibDecoder::new(bytes).take(MOST_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

/// Packs the observations of transmissions last heard before `before`; gives the number of observations.
///
/// Works in small errands, and stops between two when `should_stop` says so. Observations that the neighbor graph has
/// not seen yet stay where they are, and all do while an upgrade of the file may still merge packets.
///
/// # Errors
/// [`StoreError`], from the first errand that fails; what was packed before stays packed.
pub fn pack(
    handle: &WriterHandle,
    before: UnixMillis,
    should_stop: &dyn Fn() -> bool,
) -> Result<u64, StoreError> {
    repeat(handle, should_stop, move |connection| {
        let ready = ids(
            connection,
            "WITH seen (id) AS (SELECT CAST(value AS INTEGER) FROM _state WHERE key = 'neighbor_edges_obs_id')
             SELECT DISTINCT o.transmission_id
               FROM seen, observations o JOIN transmissions t ON t.id = o.transmission_id
              WHERE o.timestamp < ?1 AND t.last_seen < ?1
                AND EXISTS (SELECT 1 FROM _migrations WHERE name = 'content_hash_v2')
                AND NOT EXISTS (SELECT 1 FROM observations n WHERE n.transmission_id = t.id AND n.id > seen.id)
              LIMIT ?2",
            (before.seconds(), PER_ERRAND),
        )?;
        note_newest(connection, &ready)?;
        ready.into_iter().map(|transmission| pack_one(connection, transmission)).sum()
    })
}

/// Brings all packed observations back; gives their number.
///
/// # Errors
/// [`StoreError`], from the first errand that fails; what was unpacked before stays unpacked.
pub fn unpack(handle: &WriterHandle, should_stop: &dyn Fn() -> bool) -> Result<u64, StoreError> {
    repeat(handle, should_stop, |connection| {
        let packed =
            ids(connection, "SELECT transmission_id FROM packed_observations LIMIT ?1", [PER_ERRAND])?;
        packed.into_iter().map(|transmission| unpack_one(connection, transmission)).sum()
    })
}

/// Brings all packed observations back within one transaction.
pub(super) fn unpack_all(connection: &Connection) -> rusqlite::Result<()> {
    let packed = ids(connection, "SELECT transmission_id FROM packed_observations", [])?;
    packed.into_iter().try_for_each(|transmission| unpack_one(connection, transmission).map(drop))
}

/// Has `some` done again and again until it finds nothing to do.
fn repeat(
    handle: &WriterHandle,
    should_stop: &dyn Fn() -> bool,
    some: impl Fn(&Connection) -> rusqlite::Result<u64> + Copy + Send + 'static,
) -> Result<u64, StoreError> {
    let mut all = 0;
    while !should_stop() {
        match handle.run(Component::Packing, move |transaction| some(transaction))? {
            0 => break,
            done => all += done,
        }
    }
    Ok(all)
}

fn ids(connection: &Connection, sql: &str, params: impl rusqlite::Params) -> rusqlite::Result<Vec<i64>> {
    connection.prepare_cached(sql)?.query_map(params, |row| row.get(0))?.collect()
}

/// Notes how new observations were that are packed now: whoever looks for new rows finds none of those.
fn note_newest(connection: &Connection, transmissions: &[i64]) -> rusqlite::Result<()> {
    let mut newest = newest(connection)?;
    let mut of_one = connection
        .prepare_cached("SELECT COALESCE(MAX(id), 0) FROM observations WHERE transmission_id = ?1")?;
    for transmission in transmissions {
        newest = newest.max(of_one.query_row([transmission], |row| row.get(0))?);
    }
    connection
        .prepare_cached(
            "INSERT INTO _state (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        )?
        .execute((NEWEST, newest.to_string()))
        .map(drop)
}

/// The highest id of an observation that was ever packed.
pub(super) fn newest(connection: &Connection) -> rusqlite::Result<i64> {
    let mut statement =
        connection.prepare_cached("SELECT CAST(value AS INTEGER) FROM _state WHERE key = ?1")?;
    Ok(statement.query_row([NEWEST], |row| row.get(0)).optional()?.unwrap_or(0))
}

/// Moves the observations of one transmission into one value.
fn pack_one(connection: &Connection, transmission: i64) -> rusqlite::Result<u64> {
    unpack_one(connection, transmission)?; // another program may have added to a packed one
    let mut statement = connection.prepare_cached(
        "SELECT id, observer_idx, path_json, timestamp, snr, rssi, score, direction, resolved_path, raw_hex,
                NULLIF(hex(resolved_nodes), '')
           FROM loose_observations WHERE transmission_id = ?1 ORDER BY id",
    )?;
    let mut rows = statement.query([transmission])?;
    let (mut packed, mut first) = (Vec::new(), None);
    while let Some(row) = rows.next()? {
        let (first_id, first_timestamp) =
            *first.get_or_insert((row.get::<_, i64>(0)?, row.get::<_, i64>(3)?));
        packed.push(Value::Array(fields(row, first_id, first_timestamp)?));
    }
    let Some((first_id, first_timestamp)) = first else { return Ok(0) };
    let count = packed.len() as u64;
    let packed = deflate(&Value::Array(packed).to_string())
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    connection
        .prepare_cached(
            "INSERT INTO packed_observations (transmission_id, first_id, first_timestamp, observations, packed)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute((transmission, first_id, first_timestamp, i64::try_from(count).unwrap_or(i64::MAX), packed))?;
    connection
        .prepare_cached(
            "DELETE FROM resolved_paths
              WHERE observation_id IN (SELECT id FROM observations WHERE transmission_id = ?1)",
        )?
        .execute([transmission])?;
    connection
        .prepare_cached("DELETE FROM observations WHERE transmission_id = ?1")?
        .execute([transmission])?;
    Ok(count)
}

/// The fields of a row in packed order, without what is missing at the end.
fn fields(row: &Row<'_>, first_id: i64, first_timestamp: i64) -> rusqlite::Result<Vec<Value>> {
    let mut fields = Vec::with_capacity(11);
    for column in 0..11 {
        fields.push(match (column, row.get_ref(column)?) {
            (_, ValueRef::Null) => Value::Null,
            (0, ValueRef::Integer(id)) => (id - first_id).into(),
            (3, ValueRef::Integer(seconds)) => (seconds - first_timestamp).into(),
            (_, ValueRef::Integer(number)) => number.into(),
            (_, ValueRef::Real(number)) => number.into(),
            (2 | 8, ValueRef::Text(text)) => array_or_text(&String::from_utf8_lossy(text)),
            (_, ValueRef::Text(bytes) | ValueRef::Blob(bytes)) => String::from_utf8_lossy(bytes).into(),
        });
    }
    while fields.last().is_some_and(Value::is_null) {
        fields.pop();
    }
    Ok(fields)
}

/// An array where that gives the same text again.
fn array_or_text(text: &str) -> Value {
    let array = serde_json::from_str(text).ok().filter(Value::is_array).unwrap_or(Value::Null);
    let again = array.to_string();
    if again == text { array } else { text.into() }
}

/// Brings the observations of one transmission back, if they were packed; gives their number. One that another program
/// has stored again stays as that stored it.
pub(super) fn unpack_one(connection: &Connection, transmission: i64) -> rusqlite::Result<u64> {
    let restored = connection
        .prepare_cached(&format!(
            "INSERT OR IGNORE INTO observations ({COLUMNS})
             SELECT {COLUMNS} FROM ({UNPACKED} WHERE p.transmission_id = ?1)"
        ))?
        .execute([transmission])?;
    connection
        .prepare_cached(&format!(
            "INSERT INTO resolved_paths (observation_id, nodes)
             SELECT id, resolved_nodes FROM ({UNPACKED} WHERE p.transmission_id = ?1)
              WHERE resolved_nodes IS NOT NULL AND id IN (SELECT id FROM observations)"
        ))?
        .execute([transmission])?;
    connection
        .prepare_cached("DELETE FROM packed_observations WHERE transmission_id = ?1")?
        .execute([transmission])?;
    Ok(restored as u64)
}
