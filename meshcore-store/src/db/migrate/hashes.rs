//! Content hashes made anew: older programs computed them by other formulas.

use meshcore_proto::{FrameError, Header, Packet, PacketHash, PathLen, PayloadType};
use rusqlite::{Connection, OptionalExtension};

use super::observations::{fold, same};
use super::{count, frame, text};

/// In front of the id of a row that waits for its hash: its old one is another row's.
const WAITING: &str = "waiting:";

/// The hash of a stored frame; `None` when it cannot be read: then the stored hash is as good as any.
///
/// Older programs took frames whose path is longer than a node sends; the path does not count but for TRACE.
pub(super) fn hash_of(raw_hex: &str) -> Option<String> {
    let bytes = frame(raw_hex)?;
    let hash = match Packet::parse_lax(&bytes) {
        Ok(packet) => packet.packet_hash(),
        Err(FrameError::PathTooLong { len, .. }) => {
            let header = Header::from(*bytes.first()?);
            let before = if header.route().has_transport_codes() { 6 } else { 2 };
            let payload = bytes.get(before + len..)?;
            if header.payload_type() == PayloadType::Trace {
                return None;
            }
            PacketHash::of(header.payload_type(), PathLen::NONE, payload)
        }
        Err(_) => return None,
    };
    Some(hash.to_string())
}

/// Packets with a frame.
pub(super) fn rows(connection: &Connection) -> rusqlite::Result<u64> {
    count(connection, "SELECT COUNT(*) FROM transmissions WHERE raw_hex <> ''")
}

/// Corrects the hashes of packets `first..=last`, and merges packets that turn out to be one.
pub(super) fn correct(connection: &Connection, first: i64, last: i64) -> rusqlite::Result<u64> {
    let wrong: Vec<i64> = connection
        .prepare_cached(
            "SELECT id, raw_hex, hash FROM transmissions WHERE id BETWEEN ?1 AND ?2 AND raw_hex <> ''",
        )?
        .query_map((first, last), |row| Ok((row.get::<_, i64>(0)?, text(row, 1)?, text(row, 2)?)))?
        .filter_map(|row| match row {
            Ok((id, raw_hex, stored)) => {
                let is_wrong = hash_of(&raw_hex).is_some_and(|hash| hash != stored);
                is_wrong.then_some(Ok(id))
            }
            Err(error) => Some(Err(error)),
        })
        .collect::<Result<_, _>>()?;
    let mut changed = 0;
    for id in wrong {
        changed += settle(connection, id)?;
    }
    Ok(changed)
}

/// Gives packet `id` its hash, and those that were in its way theirs.
fn settle(connection: &Connection, id: i64) -> rusqlite::Result<u64> {
    let mut changed = 0;
    let mut next = Some(id);
    while let Some(id) = next.take() {
        let Some((raw_hex, stored)) = frame_and_hash(connection, id)? else { break }; // merged meanwhile
        let Some(hash) = hash_of(&raw_hex).filter(|hash| *hash != stored) else { break };
        changed += 1;
        let mut kept = id;
        if let Some(other) = holder_of(connection, &hash)? {
            let (raw_hex, _) = frame_and_hash(connection, other)?.unwrap_or_default();
            if hash_of(&raw_hex).is_none_or(|others| others == hash) {
                kept = id.min(other);
                merge(connection, id.max(other), kept)?;
            } else {
                // It holds our hash by an old formula, and has one of its own.
                connection
                    .prepare_cached("UPDATE transmissions SET hash = ?2 WHERE id = ?1")?
                    .execute((other, format!("{WAITING}{other}")))?;
                next = Some(other);
            }
        }
        connection
            .prepare_cached("UPDATE transmissions SET hash = ?2 WHERE id = ?1")?
            .execute((kept, &hash))?;
        alias(connection, &stored, &hash)?;
    }
    Ok(changed)
}

/// Notes that links with hash `old` mean `hash`, and that `hash` itself needs no note.
pub(super) fn alias(connection: &Connection, old: &str, hash: &str) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM hash_aliases WHERE old_hash = ?1")?.execute([hash])?;
    if old.is_empty() || old == hash || old.starts_with(WAITING) {
        return Ok(());
    }
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO hash_aliases (old_hash, hash)
             SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM transmissions WHERE hash = ?1)",
        )?
        .execute([old, hash])?;
    Ok(())
}

/// Moves the observations of packet `gone` to `kept`, keeps what either knows, and deletes `gone`.
fn merge(connection: &Connection, gone: i64, kept: i64) -> rusqlite::Result<()> {
    let observations: Vec<(i64, Option<i64>, String)> = connection
        .prepare_cached(
            "SELECT id, observer_idx, path_json FROM observations WHERE transmission_id = ?1 ORDER BY id",
        )?
        .query_map([gone], |row| Ok((row.get(0)?, row.get(1)?, text(row, 2)?)))?
        .collect::<Result<_, _>>()?;
    for (id, observer, path_json) in observations {
        let mut stays = id;
        if let Some(other) = same(connection, id, kept, observer, &path_json)? {
            stays = id.min(other);
            fold(connection, id.max(other), stays)?;
        }
        connection
            .prepare_cached(
                "UPDATE observations SET transmission_id = ?2 WHERE id = ?1 AND transmission_id <> ?2",
            )?
            .execute((stays, kept))?;
    }
    connection
        .prepare_cached(
            "UPDATE transmissions AS k
                SET first_seen = MIN(k.first_seen, g.first_seen), last_seen = MAX(k.last_seen, g.last_seen),
                    decoded_json = COALESCE(k.decoded_json, g.decoded_json),
                    from_pubkey = COALESCE(NULLIF(k.from_pubkey, ''), g.from_pubkey, k.from_pubkey),
                    channel_hash = COALESCE(k.channel_hash, g.channel_hash),
                    scope_name = COALESCE(NULLIF(k.scope_name, ''), g.scope_name, k.scope_name)
               FROM transmissions AS g
              WHERE k.id = ?2 AND g.id = ?1",
        )?
        .execute((gone, kept))?;
    connection.prepare_cached("DELETE FROM transmissions WHERE id = ?1")?.execute([gone])?;
    Ok(())
}

fn frame_and_hash(connection: &Connection, id: i64) -> rusqlite::Result<Option<(String, String)>> {
    connection
        .prepare_cached("SELECT raw_hex, hash FROM transmissions WHERE id = ?1")?
        .query_row([id], |row| Ok((text(row, 0)?, text(row, 1)?)))
        .optional()
}

fn holder_of(connection: &Connection, hash: &str) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT id FROM transmissions WHERE hash = ?1")?
        .query_row([hash], |row| row.get(0))
        .optional()
}
