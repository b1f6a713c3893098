//! Which packets changed in a way that no new row tells: for readers who keep packets in memory.
//!
//! New rows have higher ids, so a reader finds them by itself. What is changed or removed is noted in `changed_packets`, a
//! table of ours, by triggers that belong to the writer's connection: whoever writes through it is seen, and no other program
//! meets them. Of each packet only the newest note is kept, of all of them the newest [`KEPT`].

use std::path::Path;

use rusqlite::{Connection, OptionalExtension};

use super::{StoreError, open, schema};

/// Notes that are kept. A reader who missed more reads everything again. A packet that goes takes a number for each of its
/// observations, so that these are some 2,000 packets.
const KEPT: i64 = 50_000;
/// Old notes are removed when this many have come.
const TRIM_EVERY: i64 = 1_000;

/// Keys in `_state`.
const DATABASE: &str = "database_id";
const EPOCH: &str = "database_epoch";

/// Columns of a transmission of which a change is noted. Not among them: `last_seen`, which every observation moves, and
/// `first_seen`, which is written with it and seldom changes.
const OF_TRANSMISSION: &[&str] = &[
    "hash",
    "raw_hex",
    "route_type",
    "payload_type",
    "payload_version",
    "decoded_json",
    "from_pubkey",
    "channel_hash",
    "scope_name",
];

/// Columns of an observation. An observation heard again writes them all, and changes none.
const OF_OBSERVATION: &[&str] = &[
    "transmission_id",
    "observer_idx",
    "direction",
    "snr",
    "rssi",
    "score",
    "path_json",
    "timestamp",
    "resolved_path",
    "raw_hex",
];

/// Has the connection note changes from now on. To be called again when its temporary objects are gone.
pub(super) fn watch(connection: &Connection) -> rusqlite::Result<()> {
    let list = |prefix: &str, columns: &[&str]| {
        columns.iter().map(|column| format!("{prefix}{column}")).collect::<Vec<_>>().join(", ")
    };
    // The conflict clause of a statement counts in its triggers, too: OR REPLACE would become its OR IGNORE.
    let note = |id: &str| {
        format!(
            "DELETE FROM changed_packets WHERE transmission_id = {id};
             INSERT INTO changed_packets (transmission_id) VALUES ({id});"
        )
    };
    connection.execute_batch(&format!(
        "CREATE TEMP TRIGGER IF NOT EXISTS note_transmission_deleted AFTER DELETE ON main.transmissions BEGIN
             {old_transmission}
         END;
         CREATE TEMP TRIGGER IF NOT EXISTS note_transmission_updated
         AFTER UPDATE OF {transmission} ON main.transmissions BEGIN
             {old_transmission}
         END;
         CREATE TEMP TRIGGER IF NOT EXISTS note_transmission_earlier AFTER UPDATE OF first_seen ON main.transmissions
         WHEN OLD.first_seen IS NOT NEW.first_seen BEGIN
             {old_transmission}
         END;
         -- One that is deleted because it is packed is still there.
         CREATE TEMP TRIGGER IF NOT EXISTS note_observation_deleted AFTER DELETE ON main.observations
         WHEN NOT EXISTS (SELECT 1 FROM main.packed_observations WHERE transmission_id = OLD.transmission_id) BEGIN
             {old_observation}
         END;
         CREATE TEMP TRIGGER IF NOT EXISTS note_observation_updated AFTER UPDATE ON main.observations
         WHEN ({old}) IS NOT ({new}) BEGIN
             {old_observation}
             {new_observation}
         END;
         CREATE TEMP TRIGGER IF NOT EXISTS trim_changed_packets AFTER INSERT ON main.changed_packets
         WHEN NEW.number % {TRIM_EVERY} = 0 BEGIN
             DELETE FROM changed_packets WHERE number <= NEW.number - {KEPT};
         END;",
        old_transmission = note("OLD.id"),
        old_observation = note("OLD.transmission_id"),
        new_observation = note("NEW.transmission_id"),
        transmission = list("", OF_TRANSMISSION),
        old = list("OLD.", OF_OBSERVATION),
        new = list("NEW.", OF_OBSERVATION),
    ))
}

/// Gives the file an identity if it has none.
pub(super) fn identify(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .execute("INSERT OR IGNORE INTO _state (key, value) VALUES (?1, hex(randomblob(8)))", [DATABASE])
        .map(drop)
}

/// Gives the file another identity, if it has one: it goes its own way from now on.
pub(super) fn identify_anew(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute("UPDATE _state SET value = hex(randomblob(8)) WHERE key = ?1", [DATABASE]).map(drop)
}

/// Says that much may change in this transaction and is not noted: who remembers what the database held reads everything
/// again at the next start. Nobody remembers a file without identity.
pub(super) fn begin_epoch(connection: &Connection) -> rusqlite::Result<()> {
    if !schema::table_exists(connection, "_state")? {
        return Ok(());
    }
    connection
        .execute(
            "INSERT INTO _state (key, value)
             SELECT ?1, '1' WHERE EXISTS (SELECT 1 FROM _state WHERE key = ?2)
             ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + 1",
            [EPOCH, DATABASE],
        )
        .map(drop)
}

/// Tells one database, at one epoch, from all others. 0 for a file that no writer of ours has opened.
///
/// # Errors
/// [`StoreError`], when the file cannot be read.
pub(super) fn identity(path: &Path) -> Result<u64, StoreError> {
    Ok(identity_of(&open::for_reading(path)?)?)
}

/// The same of a file that is open.
pub(super) fn identity_of(connection: &Connection) -> rusqlite::Result<u64> {
    let mut statement = connection.prepare_cached("SELECT value FROM _state WHERE key = ?1")?;
    let mut state = |key: &str| -> rusqlite::Result<Option<String>> {
        statement.query_row([key], |row| row.get(0)).optional()
    };
    let database = state(DATABASE)?.and_then(|text| u64::from_str_radix(&text, 16).ok()).unwrap_or(0);
    let epoch = state(EPOCH)?.and_then(|text| text.parse().ok()).unwrap_or(0);
    Ok(database.wrapping_add(epoch))
}

/// Number of the newest note.
pub(super) fn newest(connection: &Connection) -> rusqlite::Result<i64> {
    let mut statement =
        connection.prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'changed_packets'")?;
    Ok(statement.query_row([], |row| row.get(0)).optional()?.unwrap_or(0))
}

/// Whether notes after number `seen` may have been removed.
pub(super) const fn are_lost(seen: i64, newest: i64) -> bool {
    seen < newest - newest % TRIM_EVERY - KEPT
}

/// Packets noted after number `seen`, with the numbers, in order.
pub(super) fn after(connection: &Connection, seen: i64, limit: usize) -> rusqlite::Result<Vec<(i64, i64)>> {
    connection
        .prepare_cached(
            "SELECT number, transmission_id FROM changed_packets WHERE number > ?1 ORDER BY number LIMIT ?2",
        )?
        .query_map((seen, i64::try_from(limit).unwrap_or(i64::MAX)), |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::migrate::{self, MigrationOptions};
    use crate::db::{Writer, WriterOptions};

    #[test]
    fn a_file_that_is_upgraded_without_a_writer_is_another_one_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mesh.db");
        let open_and_close = || drop(Writer::open(&path, WriterOptions::default(), |_| {}).unwrap());
        let upgrade = || drop(migrate::upgrade(&path, &MigrationOptions::default(), &mut |_| {}).unwrap());
        open_and_close();
        let first = identity(&path).unwrap();
        assert_ne!(first, 0);
        open_and_close();
        upgrade();
        assert_eq!(identity(&path).unwrap(), first, "nothing was done");
        let to_do = "DELETE FROM _migrations WHERE name = 'content_hash_v2';
                     INSERT INTO transmissions (raw_hex, hash, first_seen) VALUES ('1500', 'x', '2026-05-01T00:00:00Z')";
        Connection::open(&path).unwrap().execute_batch(to_do).unwrap();
        upgrade();
        assert_ne!(identity(&path).unwrap(), first);
    }
}
