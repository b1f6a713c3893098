//! The history of the first generation: one row of `packets` per reception, hashes made anew.

use rusqlite::{Connection, OptionalExtension, Transaction};

use super::super::{Progress, StoreError, schema};
use super::generation::holds_packets;
use super::hashes::{alias, hash_of};
use super::observations::{OBSERVER_ROW, add_observers, raise_user_version, same, seconds};
use super::report::Reporter;
use super::{column_or_null, count, text};

/// Name of the step.
pub(super) const STEP: &str = "packets_v1";

/// Rows between two reports.
const REPORT_EVERY: usize = 500;

/// Tables of the first generations that nothing reads any more, those that refer to others first.
const OLD_TABLES: &[&str] = &["paths", "packets", "schema_version"];

/// Rows to take over and tables to drop.
pub(super) fn rows(connection: &Connection) -> rusqlite::Result<u64> {
    let mut rows = 0;
    if holds_packets(connection)? {
        rows += count(connection, "SELECT COUNT(*) FROM packets")?;
    } else if schema::table_exists(connection, "packets")? {
        return Ok(0); // somebody else's table
    }
    for table in OLD_TABLES {
        rows += u64::from(schema::table_exists(connection, table)?);
    }
    Ok(rows)
}

/// Takes over `packets`, oldest row first, and drops the old tables when every row is accounted for.
///
/// A row that is stored already (by the program that came after) is merged like any duplicate.
pub(super) fn take_over(
    transaction: &Transaction<'_>,
    reporter: &mut Reporter<'_>,
) -> Result<u64, StoreError> {
    let mut stored = 0;
    if holds_packets(transaction)? {
        let before = count(transaction, "SELECT COUNT(*) FROM observations")?;
        stored = Import::new(transaction)?.run(reporter)?;
        let (expected, found) = (before + stored, count(transaction, "SELECT COUNT(*) FROM observations")?);
        if expected != found {
            return Err(StoreError::Counts { step: STEP, expected, found });
        }
        raise_user_version(transaction)?;
    }
    for table in OLD_TABLES {
        transaction.execute_batch(&format!("DROP TABLE IF EXISTS {table}"))?;
    }
    Ok(stored)
}

/// The statements of the import, made for the columns this file has.
struct Import<'a> {
    connection: &'a Connection,
    read: String,
    insert_transmission: String,
    insert_observation: String,
    fill_observation: String,
    seconds: String,
}

/// What decides where a row goes.
struct Row {
    raw_hex: String,
    stored_hash: String,
    path_json: String,
    observer: Option<i64>,
    seconds: i64,
}

impl<'a> Import<'a> {
    fn new(connection: &'a Connection) -> rusqlite::Result<Self> {
        add_observers(connection, "packets")?;
        let old = |column: &str| column_or_null(connection, "packets", column);
        let seconds = seconds(connection, "packets")?;
        let heard = [old("direction")?, old("snr")?, old("rssi")?, old("score")?, old("path_json")?];
        let [direction, snr, rssi, score, path_json] = &heard;
        Ok(Self {
            connection,
            read: format!(
                "SELECT o.raw_hex, o.hash, {path_json}, {OBSERVER_ROW}, {seconds} FROM packets o WHERE o.id = ?1"
            ),
            insert_transmission: format!(
                "INSERT INTO transmissions (raw_hex, hash, first_seen, route_type, payload_type, payload_version,
                                            decoded_json, last_seen, created_at)
                 SELECT COALESCE(o.raw_hex, ''), ?2, strftime('%Y-%m-%dT%H:%M:%SZ', {seconds}, 'unixepoch'), {}, {}, {},
                        {}, {seconds}, {}
                   FROM packets o WHERE o.id = ?1",
                old("route_type")?,
                old("payload_type")?,
                old("payload_version")?,
                old("decoded_json")?,
                old("created_at")?,
            ),
            insert_observation: format!(
                "INSERT INTO observations (transmission_id, observer_idx, direction, snr, rssi, score, path_json, timestamp)
                 SELECT ?2, ?3, {}, {seconds} FROM packets o WHERE o.id = ?1",
                heard.join(", ")
            ),
            fill_observation: format!(
                "UPDATE observations AS k
                    SET snr = COALESCE(k.snr, {snr}), rssi = COALESCE(k.rssi, {rssi}),
                        score = COALESCE(k.score, {score}),
                        direction = CASE WHEN k.direction = 'tx' AND {direction} IS NOT 'tx' THEN {direction}
                                         ELSE k.direction END
                   FROM packets o WHERE o.id = ?1 AND k.id = ?2"
            ),
            seconds,
        })
    }

    /// Observations made; the other rows were duplicates, or of no use.
    fn run(&self, reporter: &mut Reporter<'_>) -> rusqlite::Result<u64> {
        let ids: Vec<i64> = self
            .connection
            .prepare(&format!("SELECT o.id FROM packets o ORDER BY {}, o.id", self.seconds))?
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let (total, mut stored, mut unusable) = (ids.len() as u64, 0, 0_u64);
        for (done, id) in ids.into_iter().enumerate() {
            match self.take(id)? {
                Some(new) => stored += u64::from(new),
                None => unusable += 1,
            }
            if done % REPORT_EVERY == 0 {
                reporter.report(Progress { step: STEP, done: done as u64, total });
            }
        }
        if unusable > 0 {
            tracing::warn!(
                rows = unusable,
                "rows of the old table packets have neither a readable frame nor a hash: left behind"
            );
        }
        Ok(stored)
    }

    /// Whether the row became a new observation; `None` when nothing says which packet it is.
    fn take(&self, id: i64) -> rusqlite::Result<Option<bool>> {
        let row = self.connection.prepare_cached(&self.read)?.query_row([id], |row| {
            Ok(Row {
                raw_hex: text(row, 0)?,
                stored_hash: text(row, 1)?,
                path_json: text(row, 2)?,
                observer: row.get(3)?,
                seconds: row.get(4)?,
            })
        })?;
        let hash = hash_of(&row.raw_hex).unwrap_or_else(|| row.stored_hash.clone());
        if hash.is_empty() {
            return Ok(None);
        }
        let transmission = self.transmission(id, &row, &hash)?;
        let Some(known) = same(self.connection, 0, transmission, row.observer, &row.path_json)? else {
            self.connection.prepare_cached(&self.insert_observation)?.execute((
                id,
                transmission,
                row.observer,
            ))?;
            return Ok(Some(true));
        };
        self.connection.prepare_cached(&self.fill_observation)?.execute((id, known))?;
        Ok(Some(false))
    }

    /// The packet with this hash; the first row that has it makes it.
    fn transmission(&self, id: i64, row: &Row, hash: &str) -> rusqlite::Result<i64> {
        let known: Option<i64> = self
            .connection
            .prepare_cached("SELECT id FROM transmissions WHERE hash = ?1")?
            .query_row([hash], |row| row.get(0))
            .optional()?;
        let transmission = if let Some(known) = known {
            self.connection
                .prepare_cached(
                    "UPDATE transmissions
                        SET first_seen = MIN(first_seen, strftime('%Y-%m-%dT%H:%M:%SZ', ?2, 'unixepoch')),
                            last_seen = MAX(last_seen, ?2)
                      WHERE id = ?1",
                )?
                .execute((known, row.seconds))?;
            known
        } else {
            self.connection.prepare_cached(&self.insert_transmission)?.execute((id, hash))?;
            self.connection.last_insert_rowid()
        };
        alias(self.connection, &row.stored_hash, hash)?;
        Ok(transmission)
    }
}
