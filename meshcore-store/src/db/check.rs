//! Is this database in order? A report that changes nothing.

use std::path::Path;

use rusqlite::Connection;

use super::{StoreError, observer_rows, open, schema, vacuum};

/// Most problems of the file that are listed.
const PROBLEMS: u32 = 20;

/// Rows of one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableRows {
    /// Name of the table.
    pub table: String,
    /// How many rows it has.
    pub rows: i64,
}

/// The state of a database file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckReport {
    /// What this version needs and the file lacks, in one line; `None` when it can be used as it is.
    pub missing: Option<String>,
    /// What SQLite finds wrong with the file; empty when it is whole.
    pub problems: Vec<String>,
    /// Rows that refer to a row that is not there, as far as SQLite knows the references.
    pub broken_references: i64,
    /// Observations of a packet that is not there.
    pub observations_without_packet: i64,
    /// Observations of an observer that is not there; an unknown observer (none at all) is not counted.
    pub observations_without_observer: i64,
    /// Packets that nobody observed: possible, and no fault.
    pub packets_without_observation: i64,
    /// A full vacuum was interrupted; the next start of the writer ends it.
    pub vacuum_interrupted: bool,
    /// Rows of each table, by name.
    pub rows: Vec<TableRows>,
    /// Bytes of the database, its log folded in.
    pub bytes: u64,
    /// Bytes in pages that hold nothing.
    pub free_bytes: u64,
    /// Whether free pages are returned to the file system as time goes by.
    pub returns_free_pages: bool,
    /// `wal`, `delete` …
    pub journal_mode: String,
}

impl CheckReport {
    /// Whether nothing is missing and nothing is wrong.
    pub fn is_ok(&self) -> bool {
        self.missing.is_none()
            && self.problems.is_empty()
            && self.broken_references == 0
            && self.observations_without_packet == 0
            && self.observations_without_observer == 0
    }
}

/// Examines the database at `path`, as it is at one moment. Reads all of it.
///
/// # Errors
/// [`StoreError::Open`], when it cannot be read as a database at all.
pub fn check(path: &Path) -> Result<CheckReport, StoreError> {
    let connection = open::for_reading(path)?;
    let missing = match schema::assert_ready(&connection, path) {
        Ok(()) => None,
        Err(StoreError::NotReady { missing, .. }) => Some(missing),
        Err(error) => return Err(error.about(path)),
    };
    examine(&connection, missing).map_err(|error| StoreError::from(error).about(path))
}

fn examine(connection: &Connection, missing: Option<String>) -> rusqlite::Result<CheckReport> {
    let moment = connection.unchecked_transaction()?;
    // A file that lacks tables has none of their rows out of order.
    let count =
        |sql: &str| if missing.is_some() { Ok(0) } else { moment.query_row(sql, [], |row| row.get(0)) };
    Ok(CheckReport {
        problems: integrity_problems(&moment)?,
        broken_references: moment.query_row("SELECT COUNT(*) FROM pragma_foreign_key_check", [], |row| row.get(0))?,
        observations_without_packet: count(
            "SELECT COUNT(*) FROM observations o
              WHERE NOT EXISTS (SELECT 1 FROM transmissions t WHERE t.id = o.transmission_id)",
        )?,
        observations_without_observer: count(
            "SELECT COUNT(*) FROM observations o
              WHERE o.observer_idx IS NOT NULL AND NOT EXISTS (SELECT 1 FROM observers b WHERE b.rowid = o.observer_idx)",
        )?,
        packets_without_observation: count(
            "SELECT COUNT(*) FROM transmissions t
              WHERE NOT EXISTS (SELECT 1 FROM observations o WHERE o.transmission_id = t.id)",
        )?,
        vacuum_interrupted: missing.is_none() && observer_rows::is_noted(&moment)?,
        rows: rows_of_tables(&moment)?,
        bytes: vacuum::size(&moment)?,
        free_bytes: vacuum::free_size(&moment)?,
        returns_free_pages: vacuum::returns_free_pages(&moment)?,
        journal_mode: moment.pragma_query_value(None, "journal_mode", |row| row.get(0))?,
        missing,
    })
}

/// What `PRAGMA integrity_check` finds wrong.
pub(super) fn integrity_problems(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut check = connection.prepare(&format!("PRAGMA integrity_check({PROBLEMS})"))?;
    let found: Vec<String> = check.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(found.into_iter().filter(|line| line != "ok").collect())
}

/// Rows of each table, by name.
pub(super) fn rows_of_tables(connection: &Connection) -> rusqlite::Result<Vec<TableRows>> {
    let mut names = connection.prepare(
        r"SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY name",
    )?;
    let names: Vec<String> = names.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let count = |table: String| {
        let sql = format!("SELECT COUNT(*) FROM \"{}\"", table.replace('"', "\"\""));
        let rows = connection.query_row(&sql, [], |row| row.get(0))?;
        Ok(TableRows { table, rows })
    };
    names.into_iter().map(count).collect()
}
