//! Observations: those of the second generation made new, duplicates merged, hops read.

use meshcore_proto::{Packet, PayloadType};
use rusqlite::{Connection, OptionalExtension, Transaction};

use super::super::schema::{self, DEDUP_INDEX};
use super::super::{Progress, StoreError};
use super::report::Reporter;
use super::{column_or_null, count, frame, text};
use crate::{hops_of, path_json};

/// Name of the step of the second generation.
const V2: &str = "observations_v3";

/// Merges between two reports.
const REPORT_EVERY: usize = 1_000;

/// Observations that still name their observer by id.
pub(super) fn rows_of_v2(connection: &Connection) -> rusqlite::Result<u64> {
    if !schema::table_exists(connection, "observations")?
        || connection.column_exists(None, "observations", "observer_idx")?
    {
        return Ok(0);
    }
    count(connection, "SELECT MAX(1, (SELECT COUNT(*) FROM observations))")
}

/// Makes the table new, with the row of the observer and the time in seconds. Ids stay.
///
/// Rows whose packet is gone are left behind: nothing could show them.
pub(super) fn from_v2(transaction: &Transaction<'_>, _: &mut Reporter<'_>) -> Result<u64, StoreError> {
    let expected = count(
        transaction,
        "SELECT COUNT(*) FROM observations o WHERE EXISTS (SELECT 1 FROM transmissions t WHERE t.id = o.transmission_id)",
    )?;
    add_observers(transaction, "observations")?;
    let table = schema::schema().tables.iter().find(|table| table.name == "observations");
    let create = &table.expect("schema.sql has observations").create;
    transaction.execute_batch(&create.replacen("TABLE observations", "TABLE observations_v3", 1))?;
    let old = |column: &str| column_or_null(transaction, "observations", column);
    transaction.execute_batch(&format!(
        "INSERT INTO observations_v3 (id, transmission_id, observer_idx, direction, snr, rssi, score, path_json,
                                      timestamp, resolved_path, raw_hex)
         SELECT o.id, o.transmission_id, {observer}, {direction}, {snr}, {rssi}, {score}, {path_json}, {seconds},
                {resolved_path}, {raw_hex}
           FROM observations o WHERE EXISTS (SELECT 1 FROM transmissions t WHERE t.id = o.transmission_id)
          ORDER BY o.id",
        observer = OBSERVER_ROW,
        seconds = seconds(transaction, "observations")?,
        direction = old("direction")?,
        snr = old("snr")?,
        rssi = old("rssi")?,
        score = old("score")?,
        path_json = old("path_json")?,
        resolved_path = old("resolved_path")?,
        raw_hex = old("raw_hex")?,
    ))?;
    let found = count(transaction, "SELECT COUNT(*) FROM observations_v3")?;
    if found != expected {
        return Err(StoreError::Counts { step: V2, expected, found });
    }
    // The view would refer to a table that is gone for a moment.
    transaction.execute_batch(
        "DROP VIEW IF EXISTS packets_v;
         DROP TABLE observations;
         ALTER TABLE observations_v3 RENAME TO observations;",
    )?;
    raise_user_version(transaction)?;
    Ok(found)
}

/// Says that the file is of the third generation; never lowers a number.
pub(super) fn raise_user_version(connection: &Connection) -> rusqlite::Result<()> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version < 3 { connection.pragma_update(None, "user_version", 3) } else { Ok(()) }
}

/// The row of the observer that `o.observer_id` names, in whatever case.
pub(super) const OBSERVER_ROW: &str = "COALESCE(
    (SELECT b.rowid FROM observers b WHERE b.id = o.observer_id),
    (SELECT b.rowid FROM observers b WHERE lower(b.id) = lower(o.observer_id) ORDER BY b.rowid LIMIT 1))";

/// The time of row `o` of `table` in whole seconds: 0 when it says none that can be read.
pub(super) fn seconds(connection: &Connection, table: &str) -> rusqlite::Result<String> {
    let created_at = column_or_null(connection, table, "created_at")?;
    Ok(format!(
        "COALESCE(CASE WHEN typeof(o.timestamp) IN ('integer', 'real') THEN CAST(o.timestamp AS INTEGER)
                       ELSE unixepoch(o.timestamp) END, unixepoch({created_at}), 0)"
    ))
}

/// Makes the observers that rows of `table` name and that are not there.
pub(super) fn add_observers(connection: &Connection, table: &str) -> rusqlite::Result<()> {
    let name = column_or_null(connection, table, "observer_name")?;
    let seconds = seconds(connection, table)?;
    connection.execute_batch(&format!(
        "INSERT INTO observers (id, name, first_seen, last_seen)
         SELECT id, name, strftime('%Y-%m-%dT%H:%M:%SZ', first, 'unixepoch'),
                strftime('%Y-%m-%dT%H:%M:%SZ', last, 'unixepoch')
           FROM (SELECT MIN(o.observer_id) AS id, MAX({name}) AS name, MIN({seconds}) AS first, MAX({seconds}) AS last
                   FROM {table} o WHERE COALESCE(o.observer_id, '') <> '' GROUP BY lower(o.observer_id)) AS named
          WHERE NOT EXISTS (SELECT 1 FROM observers b WHERE lower(b.id) = lower(named.id))
          ORDER BY first, id",
    ))
}

/// Observations to look through for duplicates: all, while the index is not there.
pub(super) fn rows_without_index(connection: &Connection) -> rusqlite::Result<u64> {
    if schema::index_exists(connection, DEDUP_INDEX)? {
        return Ok(0);
    }
    count(connection, "SELECT MAX(1, (SELECT COUNT(*) FROM observations))")
}

/// Merges observations that are one, then makes the index that keeps it so.
pub(super) fn merge_duplicates(
    transaction: &Transaction<'_>,
    reporter: &mut Reporter<'_>,
) -> Result<u64, StoreError> {
    let duplicates: Vec<(i64, i64)> = transaction
        .prepare(
            "SELECT id, kept FROM (
                 SELECT id, FIRST_VALUE(id) OVER (
                     PARTITION BY transmission_id, observer_idx, COALESCE(path_json, '') ORDER BY id) AS kept
                   FROM observations)
              WHERE id <> kept ORDER BY kept, id",
        )?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let total = duplicates.len() as u64;
    for (done, (id, kept)) in duplicates.into_iter().enumerate() {
        fold(transaction, id, kept)?;
        if done % REPORT_EVERY == 0 {
            reporter.report(Progress { step: DEDUP_INDEX, done: done as u64, total });
        }
    }
    let index = schema::schema().indexes.iter().find(|index| index.name == DEDUP_INDEX);
    transaction.execute_batch(&index.expect("schema.sql has the index").create)?;
    Ok(total)
}

/// Puts what `kept` lacks and `id` has into `kept`, and deletes `id`. A reception replaces the report of a transmission.
pub(super) fn fold(connection: &Connection, id: i64, kept: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE observations AS k
                SET snr = COALESCE(k.snr, d.snr), rssi = COALESCE(k.rssi, d.rssi), score = COALESCE(k.score, d.score),
                    raw_hex = COALESCE(k.raw_hex, d.raw_hex),
                    resolved_path = COALESCE(k.resolved_path, d.resolved_path),
                    direction = CASE WHEN k.direction = 'tx' AND d.direction IS NOT 'tx' THEN d.direction
                                     ELSE k.direction END
               FROM observations AS d
              WHERE k.id = ?2 AND d.id = ?1",
        )?
        .execute((id, kept))?;
    connection.prepare_cached("DELETE FROM resolved_paths WHERE observation_id = ?1")?.execute([id])?;
    connection.prepare_cached("DELETE FROM observations WHERE id = ?1")?.execute([id])?;
    Ok(())
}

/// Another observation than `id` of this packet, observer and path. Observers nobody knows count as one.
pub(super) fn same(
    connection: &Connection,
    id: i64,
    transmission: i64,
    observer: Option<i64>,
    path_json: &str,
) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached(
            "SELECT id FROM observations
              WHERE transmission_id = ?2 AND observer_idx IS ?3 AND COALESCE(path_json, '') = ?4 AND id <> ?1
              ORDER BY id LIMIT 1",
        )?
        .query_row((id, transmission, observer, path_json), |row| row.get(0))
        .optional()
}

/// Observations whose hops can be read from their frame and have not been.
const WITHOUT_HOPS: &str = "FROM observations o JOIN transmissions t ON t.id = o.transmission_id
    WHERE COALESCE(o.path_json, '') = '' AND o.raw_hex <> '' AND t.payload_type IS NOT 9";

// A TRACE has no hops but signal strengths in its path.
const _: () = assert!(PayloadType::Trace.bits() == 9);

pub(super) fn rows_without_hops(connection: &Connection) -> rusqlite::Result<u64> {
    count(connection, &format!("SELECT COUNT(*) {WITHOUT_HOPS}"))
}

/// Reads the hops of observations `first..=last` from their frames; none for those that cannot be read.
pub(super) fn fill_hops(connection: &Connection, first: i64, last: i64) -> rusqlite::Result<u64> {
    let rows: Vec<(i64, i64, Option<i64>, String)> = connection
        .prepare_cached(&format!(
            "SELECT o.id, o.transmission_id, o.observer_idx, o.raw_hex {WITHOUT_HOPS} AND o.id BETWEEN ?1 AND ?2"
        ))?
        .query_map((first, last), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, text(row, 3)?)))?
        .collect::<Result<_, _>>()?;
    let changed = rows.len() as u64;
    for (id, transmission, observer, raw_hex) in rows {
        let bytes = frame(&raw_hex);
        let hops =
            bytes.as_deref().and_then(|bytes| Packet::parse_lax(bytes).ok()).map(|packet| hops_of(&packet));
        let path = path_json(&hops.unwrap_or_default());
        let mut kept = id;
        if let Some(other) = same(connection, id, transmission, observer, &path)? {
            kept = id.min(other);
            fold(connection, id.max(other), kept)?;
        }
        connection
            .prepare_cached("UPDATE observations SET path_json = ?2 WHERE id = ?1")?
            .execute((kept, path))?;
    }
    Ok(changed)
}
