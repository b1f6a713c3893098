//! Transmissions: columns filled from what else is stored.

use rusqlite::{Connection, Transaction};

use super::super::StoreError;
use super::count;
use super::report::Reporter;

/// A value of `decoded_json`; nothing when that is no JSON.
macro_rules! decoded {
    ($path:literal) => {
        concat!("CASE WHEN json_valid(decoded_json) THEN json_extract(decoded_json, '", $path, "') END")
    };
}

/// Adverts whose originator has not been looked for.
pub(super) fn rows_without_originator(connection: &Connection) -> rusqlite::Result<u64> {
    count(connection, "SELECT COUNT(*) FROM transmissions WHERE payload_type = 4 AND from_pubkey IS NULL")
}

/// Takes the originator of adverts `first..=last` from what was decoded; empty when it says none.
pub(super) fn fill_originator(connection: &Connection, first: i64, last: i64) -> rusqlite::Result<u64> {
    let changed = connection
        .prepare_cached(concat!(
            "UPDATE transmissions SET from_pubkey = COALESCE(lower(",
            decoded!("$.pubKey"),
            "), '') WHERE id BETWEEN ?1 AND ?2 AND payload_type = 4 AND from_pubkey IS NULL"
        ))?
        .execute((first, last))?;
    Ok(changed as u64)
}

/// Channel messages without channel.
pub(super) fn rows_without_channel(connection: &Connection) -> rusqlite::Result<u64> {
    count(connection, "SELECT COUNT(*) FROM transmissions WHERE payload_type = 5 AND channel_hash IS NULL")
}

/// Takes the channel of messages `first..=last` from what was decoded: its name, or its hash when it is encrypted.
pub(super) fn fill_channel(connection: &Connection, first: i64, last: i64) -> rusqlite::Result<u64> {
    let changed = connection
        .prepare_cached(
            "UPDATE transmissions SET channel_hash = c.channel
               FROM (SELECT id, CASE json_extract(decoded_json, '$.type')
                                WHEN 'CHAN' THEN json_extract(decoded_json, '$.channel')
                                WHEN 'GRP_TXT' THEN 'enc_' || json_extract(decoded_json, '$.channelHashHex')
                                END AS channel
                       FROM transmissions
                      WHERE id BETWEEN ?1 AND ?2 AND payload_type = 5 AND channel_hash IS NULL
                        AND json_valid(decoded_json)) AS c
              WHERE transmissions.id = c.id AND c.channel IS NOT NULL",
        )?
        .execute((first, last))?;
    Ok(changed as u64)
}

/// Messages of the public channel in its old spelling.
pub(super) fn rows_public(connection: &Connection) -> rusqlite::Result<u64> {
    count(connection, "SELECT COUNT(*) FROM transmissions WHERE payload_type = 5 AND channel_hash = 'public'")
}

pub(super) fn spell_public(connection: &Connection, first: i64, last: i64) -> rusqlite::Result<u64> {
    let changed = connection
        .prepare_cached(
            "UPDATE transmissions SET channel_hash = 'Public'
              WHERE id BETWEEN ?1 AND ?2 AND payload_type = 5 AND channel_hash = 'public'",
        )?
        .execute((first, last))?;
    Ok(changed as u64)
}

/// Packets without the time of their newest observation.
pub(super) fn rows_without_last_seen(connection: &Connection) -> rusqlite::Result<u64> {
    count(connection, "SELECT COUNT(*) FROM transmissions WHERE last_seen = 0")
}

pub(super) fn fill_last_seen(connection: &Connection, first: i64, last: i64) -> rusqlite::Result<u64> {
    let changed = connection
        .prepare_cached(
            "UPDATE transmissions SET last_seen = n.newest
               FROM (SELECT t.id, (SELECT MAX(o.timestamp) FROM observations o WHERE o.transmission_id = t.id) AS newest
                       FROM transmissions t WHERE t.id BETWEEN ?1 AND ?2 AND t.last_seen = 0) AS n
              WHERE transmissions.id = n.id AND n.newest > 0",
        )?
        .execute((first, last))?;
    Ok(changed as u64)
}

/// Packets that nothing can find: without hash or time.
const UNUSABLE: &str = "FROM transmissions WHERE hash = '' OR first_seen = ''";

pub(super) fn rows_unusable(connection: &Connection) -> rusqlite::Result<u64> {
    count(connection, &format!("SELECT COUNT(*) {UNUSABLE}"))
}

pub(super) fn delete_unusable(
    transaction: &Transaction<'_>,
    _: &mut Reporter<'_>,
) -> Result<u64, StoreError> {
    transaction
        .execute(&format!("DELETE FROM observations WHERE transmission_id IN (SELECT id {UNUSABLE})"), [])?;
    Ok(transaction.execute(&format!("DELETE {UNUSABLE}"), [])? as u64)
}
