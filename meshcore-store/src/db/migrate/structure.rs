//! Tables, columns, indexes and the view: what `schema.sql` has and a file lacks.

use rusqlite::{Connection, OptionalExtension, Transaction};

use super::super::StoreError;
use super::super::schema::{self, DEDUP_INDEX, Index, VIEW, schema};
use super::count;
use super::report::Reporter;

/// Rows up to which a table gets its indexes while a start waits for it; with more they are made beside live writes.
const SMALL_TABLE: u64 = 1_000;

/// The index that has a migration of its own.
pub(super) const OBSERVER_TIME_INDEX: &str = "idx_observations_observer_idx_timestamp";

/// Indexes of older versions, and what took their place.
const REPLACED: &[(&str, &str)] =
    &[("idx_tx_last_seen", "idx_tx_last_seen_zero"), ("idx_client_recept_rxpk", "idx_client_recept_rxat")];

/// Tables, columns and indexes of small tables that are not there.
pub(super) fn rows_missing(connection: &Connection) -> rusqlite::Result<u64> {
    let missing = schema::missing(connection)?;
    let columns = missing.columns.iter().filter(|(_, column)| column.addition.is_some()).count();
    let mut rows = (missing.tables.len() + columns) as u64;
    for index in missing_indexes(connection)? {
        rows += u64::from(is_small(connection, &index.table)?);
    }
    Ok(rows)
}

/// Adds them.
pub(super) fn add_missing(transaction: &Transaction<'_>, _: &mut Reporter<'_>) -> Result<u64, StoreError> {
    let missing = schema::missing(transaction)?;
    let mut added = 0;
    for table in missing.tables {
        transaction.execute_batch(&table.create)?;
        added += 1;
    }
    for (table, column) in missing.columns {
        let Some(addition) = &column.addition else { continue };
        transaction.execute_batch(&format!("ALTER TABLE {} ADD COLUMN {addition}", table.name))?;
        added += 1;
    }
    for index in missing_indexes(transaction)? {
        if is_small(transaction, &index.table)? {
            transaction.execute_batch(&index.create)?;
            added += 1;
        }
    }
    Ok(added)
}

/// Indexes that are not there, but for those that have a step of their own.
pub(super) fn missing_indexes(connection: &Connection) -> rusqlite::Result<Vec<&'static Index>> {
    let mut missing = schema::missing_indexes(connection)?;
    missing.retain(|index| index.name != DEDUP_INDEX && index.name != OBSERVER_TIME_INDEX);
    Ok(missing)
}

/// Makes an index unless it is there.
pub(super) fn add_index(connection: &Connection, name: &str) -> rusqlite::Result<u64> {
    let Some(index) = schema().indexes.iter().find(|index| index.name == name) else { return Ok(0) };
    if schema::index_exists(connection, name)? {
        return Ok(0);
    }
    connection.execute_batch(&index.create)?;
    count(connection, &format!("SELECT COUNT(*) FROM {}", index.table))
}

/// Rows of the table of an index that is not there.
pub(super) fn rows_to_index(connection: &Connection, name: &str) -> rusqlite::Result<u64> {
    let Some(index) = schema().indexes.iter().find(|index| index.name == name) else { return Ok(0) };
    if schema::index_exists(connection, name)? || !schema::table_exists(connection, &index.table)? {
        return Ok(0);
    }
    count(connection, &format!("SELECT COUNT(*) FROM {}", index.table))
}

/// Whether a table, there or not, has few rows.
fn is_small(connection: &Connection, table: &str) -> rusqlite::Result<bool> {
    if !schema::table_exists(connection, table)? {
        return Ok(true);
    }
    Ok(count(connection, &format!("SELECT COUNT(*) FROM (SELECT 1 FROM {table} LIMIT {})", SMALL_TABLE + 1))?
        <= SMALL_TABLE)
}

/// Indexes that are there beside what took their place.
pub(super) fn rows_replaced(connection: &Connection) -> rusqlite::Result<u64> {
    Ok(replaced(connection)?.len() as u64)
}

pub(super) fn drop_replaced(connection: &Connection) -> rusqlite::Result<u64> {
    let replaced = replaced(connection)?;
    for index in &replaced {
        connection.execute_batch(&format!("DROP INDEX {index}"))?;
    }
    Ok(replaced.len() as u64)
}

fn replaced(connection: &Connection) -> rusqlite::Result<Vec<&'static str>> {
    let mut there = Vec::new();
    for (old, new) in REPLACED {
        if schema::index_exists(connection, old)? && schema::index_exists(connection, new)? {
            there.push(*old);
        }
    }
    Ok(there)
}

/// 1 when the view is not ours.
pub(super) fn rows_view(connection: &Connection) -> rusqlite::Result<u64> {
    let stored: Option<String> = connection
        .query_row("SELECT sql FROM sqlite_schema WHERE type = 'view' AND name = ?1", [VIEW], |row| {
            row.get(0)
        })
        .optional()?;
    Ok(u64::from(stored.as_deref() != Some(&*schema().view)))
}

/// Makes the view anew. One that is ours stays: dropping it would have every reader prepare its statements again.
pub(super) fn make_view(transaction: &Transaction<'_>, _: &mut Reporter<'_>) -> Result<u64, StoreError> {
    transaction.execute_batch(&format!("DROP VIEW IF EXISTS {VIEW}; {}", schema().view))?;
    Ok(1)
}

/// Rows of the table of a missing index, when they are so many that it is made beside live writes; else 0.
pub(super) fn rows_to_be_large(connection: &Connection, index: &Index) -> rusqlite::Result<u64> {
    if is_small(connection, &index.table)? {
        return Ok(0);
    }
    count(connection, &format!("SELECT COUNT(*) FROM {}", index.table))
}
