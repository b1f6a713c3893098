//! Observers: their newest packet, and readings as numbers with a fraction.

use rusqlite::{Connection, Transaction};

use super::super::StoreError;
use super::count;
use super::report::Reporter;

/// Noise floors stored as whole numbers.
pub(super) fn rows_whole_noise(connection: &Connection) -> rusqlite::Result<u64> {
    count(connection, "SELECT COUNT(*) FROM observers WHERE typeof(noise_floor) = 'integer'")
}

pub(super) fn cast_noise(transaction: &Transaction<'_>, _: &mut Reporter<'_>) -> Result<u64, StoreError> {
    let changed = transaction.execute(
        "UPDATE observers SET noise_floor = CAST(noise_floor AS REAL) WHERE typeof(noise_floor) = 'integer'",
        [],
    )?;
    Ok(changed as u64)
}

/// Observers without the time of their newest packet.
pub(super) fn rows_without_packet_time(connection: &Connection) -> rusqlite::Result<u64> {
    count(connection, "SELECT COUNT(*) FROM observers WHERE last_packet_at IS NULL")
}

/// Observers `first..=last` that reported a packet did so when they were heard last, as far as anybody knows.
pub(super) fn fill_packet_time(connection: &Connection, first: i64, last: i64) -> rusqlite::Result<u64> {
    let changed = connection
        .prepare_cached(
            "UPDATE observers SET last_packet_at = last_seen
              WHERE rowid BETWEEN ?1 AND ?2 AND last_packet_at IS NULL AND last_seen IS NOT NULL
                AND EXISTS (SELECT 1 FROM observations o WHERE o.observer_idx = observers.rowid)",
        )?
        .execute((first, last))?;
    Ok(changed as u64)
}
