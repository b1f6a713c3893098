//! Nodes and edges: keys in one case, what cannot be a node, counts and regions from the adverts.

use rusqlite::{Connection, Transaction};

use super::super::{StoreError, schema};
use super::count;
use super::report::Reporter;

const NODE_TABLES: [&str; 2] = ["nodes", "inactive_nodes"];

/// Keys with capitals.
pub(super) fn rows_with_capitals(connection: &Connection) -> rusqlite::Result<u64> {
    let mut rows = 0;
    for table in NODE_TABLES {
        if schema::table_exists(connection, table)? {
            rows += count(
                connection,
                &format!(
                    "SELECT COUNT(*) FROM {table} WHERE typeof(public_key) = 'text' AND public_key <> lower(public_key)"
                ),
            )?;
        }
    }
    Ok(rows)
}

/// Makes keys lower case; a node that is there in both cases becomes one row with what either knows.
///
/// Each row counted other adverts, so their counts are added. Of two values that differ, the one of the row that was
/// heard last stays.
pub(super) fn lower_case_keys(
    transaction: &Transaction<'_>,
    _: &mut Reporter<'_>,
) -> Result<u64, StoreError> {
    let mut changed = 0;
    for table in NODE_TABLES {
        let keys: Vec<String> = transaction
            .prepare(&format!(
                "SELECT public_key FROM {table}
                  WHERE typeof(public_key) = 'text' AND public_key <> lower(public_key) ORDER BY public_key"
            ))?
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for key in keys {
            transaction
                .prepare_cached(&format!(
                    "UPDATE {table} AS k
                        SET name = IIF(u.last_seen > k.last_seen, COALESCE(NULLIF(u.name, ''), k.name),
                                       COALESCE(NULLIF(k.name, ''), u.name)),
                            role = IIF(u.last_seen > k.last_seen, COALESCE(u.role, k.role), COALESCE(k.role, u.role)),
                            lat = IIF(u.last_seen > k.last_seen, COALESCE(u.lat, k.lat), COALESCE(k.lat, u.lat)),
                            lon = IIF(u.last_seen > k.last_seen, COALESCE(u.lon, k.lon), COALESCE(k.lon, u.lon)),
                            battery_mv = IIF(u.last_seen > k.last_seen, COALESCE(u.battery_mv, k.battery_mv),
                                             COALESCE(k.battery_mv, u.battery_mv)),
                            temperature_c = IIF(u.last_seen > k.last_seen,
                                                COALESCE(u.temperature_c, k.temperature_c),
                                                COALESCE(k.temperature_c, u.temperature_c)),
                            default_scope = COALESCE(k.default_scope, u.default_scope),
                            foreign_advert = MAX(COALESCE(k.foreign_advert, 0), COALESCE(u.foreign_advert, 0)),
                            multibyte_evidence = IIF(u.multibyte_sup > k.multibyte_sup, u.multibyte_evidence,
                                                     k.multibyte_evidence),
                            multibyte_sup = MAX(k.multibyte_sup, u.multibyte_sup),
                            advert_count = COALESCE(k.advert_count, 0) + COALESCE(u.advert_count, 0),
                            first_seen = MIN(COALESCE(k.first_seen, u.first_seen), COALESCE(u.first_seen, k.first_seen)),
                            last_seen = MAX(COALESCE(k.last_seen, u.last_seen), COALESCE(u.last_seen, k.last_seen))
                       FROM {table} AS u
                      WHERE k.public_key = lower(?1) AND u.public_key = ?1"
                ))?
                .execute([&key])?;
            // With a row of this key in lower case the first statement did it all.
            transaction
                .prepare_cached(&format!(
                    "UPDATE OR IGNORE {table} SET public_key = lower(?1) WHERE public_key = ?1"
                ))?
                .execute([&key])?;
            transaction
                .prepare_cached(&format!("DELETE FROM {table} WHERE public_key = ?1"))?
                .execute([&key])?;
            changed += 1;
        }
    }
    Ok(changed)
}

/// Rows that are no nodes: phantoms with part of a key, and positions outside the globe.
const CORRUPT: &str = "length(public_key) <= 16 OR public_key GLOB '*[^0-9A-Fa-f]*'
    OR lat NOT BETWEEN -90 AND 90 OR lon NOT BETWEEN -180 AND 180";

pub(super) fn rows_corrupt(connection: &Connection) -> rusqlite::Result<u64> {
    let mut rows = 0;
    for table in NODE_TABLES {
        if schema::table_exists(connection, table)? {
            rows += count(connection, &format!("SELECT COUNT(*) FROM {table} WHERE {CORRUPT}"))?;
        }
    }
    Ok(rows)
}

pub(super) fn delete_corrupt(transaction: &Transaction<'_>, _: &mut Reporter<'_>) -> Result<u64, StoreError> {
    let mut deleted = 0;
    for table in NODE_TABLES {
        deleted += transaction.execute(&format!("DELETE FROM {table} WHERE {CORRUPT}"), [])?;
    }
    Ok(deleted as u64)
}

/// Edges with one end.
pub(super) fn rows_blank_edges(connection: &Connection) -> rusqlite::Result<u64> {
    if !schema::table_exists(connection, "neighbor_edges")? {
        return Ok(0);
    }
    count(connection, "SELECT COUNT(*) FROM neighbor_edges WHERE node_a = '' OR node_b = ''")
}

pub(super) fn delete_blank_edges(
    transaction: &Transaction<'_>,
    _: &mut Reporter<'_>,
) -> Result<u64, StoreError> {
    Ok(transaction.execute("DELETE FROM neighbor_edges WHERE node_a = '' OR node_b = ''", [])? as u64)
}

/// All nodes: each is counted.
pub(super) fn rows(connection: &Connection) -> rusqlite::Result<u64> {
    count(connection, "SELECT COUNT(*) FROM nodes")
}

/// Raises the counts of nodes `first..=last` to the adverts that are stored. Never lowers one: adverts are forgotten.
pub(super) fn count_adverts(connection: &Connection, first: i64, last: i64) -> rusqlite::Result<u64> {
    let changed = connection
        .prepare_cached(
            "UPDATE nodes SET advert_count = c.adverts
               FROM (SELECT n.rowid AS node, (SELECT COUNT(*) FROM transmissions t
                                               WHERE t.from_pubkey = n.public_key AND t.payload_type = 4) AS adverts
                       FROM nodes n WHERE n.rowid BETWEEN ?1 AND ?2) AS c
              WHERE nodes.rowid = c.node AND COALESCE(nodes.advert_count, 0) < c.adverts",
        )?
        .execute((first, last))?;
    Ok(changed as u64)
}

/// Adverts that name a region.
pub(super) fn rows_with_scope(connection: &Connection) -> rusqlite::Result<u64> {
    count(connection, "SELECT COUNT(*) FROM transmissions WHERE scope_name > '' AND payload_type = 4")
}

/// Gives nodes `first..=last` the region of their newest advert that has one.
pub(super) fn fill_default_scope(connection: &Connection, first: i64, last: i64) -> rusqlite::Result<u64> {
    let changed = connection
        .prepare_cached(
            "UPDATE nodes SET default_scope = s.scope
               FROM (SELECT n.rowid AS node, (SELECT t.scope_name FROM transmissions t
                                               WHERE t.from_pubkey = n.public_key AND t.payload_type = 4
                                                 AND t.scope_name > ''
                                               ORDER BY t.first_seen DESC LIMIT 1) AS scope
                       FROM nodes n WHERE n.rowid BETWEEN ?1 AND ?2) AS s
              WHERE nodes.rowid = s.node AND s.scope IS NOT NULL AND nodes.default_scope IS NOT s.scope",
        )?
        .execute((first, last))?;
    Ok(changed as u64)
}
