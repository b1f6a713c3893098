//! Which tables, columns and indexes there are, and what a file lacks of them.
//!
//! `schema.sql` is the one place that says it: a new file is made from it, an old one is compared with it.

use std::path::Path;
use std::sync::OnceLock;

use rusqlite::Connection;

use super::StoreError;

/// What a new file holds.
pub(super) const SCHEMA: &str = include_str!("schema.sql");

/// Indexes of other CoreScope programs that a new file does without, and files that have them keep.
///
/// Each is the beginning of a longer index, which answers the same questions; it costs 10 to 13 bytes per row:
/// `hash` has its UNIQUE constraint, `transmission_id` begins `idx_observations_tx_ts`, and `observer_idx` begins
/// `idx_observations_observer_idx_timestamp`.
pub const INDEXES_LEFT_OUT: &[&str] =
    &["idx_transmissions_hash", "idx_observations_transmission_id", "idx_observations_observer_idx"];

/// What makes two observations one. Only this index must be there: storing leans on it.
pub(super) const DEDUP_INDEX: &str = "idx_observations_dedup";

/// The view for people who look into the file with tools of their own.
pub(super) const VIEW: &str = "packets_v";

/// What `schema.sql` makes, read back from an empty database.
#[derive(Debug)]
pub(super) struct Schema {
    pub(super) tables: Vec<Table>,
    pub(super) indexes: Vec<Index>,
    /// The statement that makes [`VIEW`].
    pub(super) view: String,
}

#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: String,
    /// The statement that makes it.
    pub(super) create: String,
    pub(super) columns: Vec<Column>,
}

#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: String,
    /// What `ALTER TABLE … ADD COLUMN` takes; `None` when SQLite cannot add it to a table with rows.
    pub(super) addition: Option<String>,
}

#[derive(Debug)]
pub(super) struct Index {
    pub(super) name: String,
    pub(super) table: String,
    /// The statement that makes it.
    pub(super) create: String,
}

/// What a file lacks.
#[derive(Debug, Default)]
pub(super) struct Missing {
    pub(super) tables: Vec<&'static Table>,
    pub(super) columns: Vec<(&'static Table, &'static Column)>,
}

/// The schema as it should be.
pub(super) fn schema() -> &'static Schema {
    static READ: OnceLock<Schema> = OnceLock::new();
    READ.get_or_init(|| read_schema().expect("schema.sql makes a database in memory"))
}

fn read_schema() -> rusqlite::Result<Schema> {
    let connection = Connection::open_in_memory()?;
    connection.execute_batch(SCHEMA)?;
    let made = |kind: &str| -> rusqlite::Result<Vec<(String, String, String)>> {
        connection
            .prepare(
                "SELECT name, tbl_name, sql FROM sqlite_schema
                  WHERE type = ?1 AND sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid",
            )?
            .query_map([kind], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
            .collect()
    };
    let mut tables = Vec::new();
    for (name, _, create) in made("table")? {
        let columns = columns(&connection, &name)?;
        tables.push(Table { name, create, columns });
    }
    let indexes =
        made("index")?.into_iter().map(|(name, table, create)| Index { name, table, create }).collect();
    let view = made("view")?.into_iter().map(|(_, _, create)| create).collect();
    Ok(Schema { tables, indexes, view })
}

fn columns(connection: &Connection, table: &str) -> rusqlite::Result<Vec<Column>> {
    connection
        .prepare("SELECT name, type, \"notnull\", dflt_value FROM pragma_table_info(?1)")?
        .query_map([table], |row| {
            let (name, kind): (String, String) = (row.get(0)?, row.get(1)?);
            let (not_null, default): (bool, Option<String>) = (row.get(2)?, row.get(3)?);
            // A default that is computed cannot be added: old rows have none.
            let default = default.filter(|default| !default.contains('(') && default != "CURRENT_TIMESTAMP");
            let addition = (!not_null || default.is_some()).then(|| {
                let not_null = if not_null { " NOT NULL" } else { "" };
                let default = default.map(|default| format!(" DEFAULT {default}")).unwrap_or_default();
                format!("{name} {kind}{not_null}{default}")
            });
            Ok(Column { name, addition })
        })?
        .collect()
}

/// Tables and columns that are not there.
pub(super) fn missing(connection: &Connection) -> rusqlite::Result<Missing> {
    let mut missing = Missing::default();
    for table in &schema().tables {
        if !table_exists(connection, &table.name)? {
            missing.tables.push(table);
            continue;
        }
        for column in &table.columns {
            if !connection.column_exists(None, table.name.as_str(), column.name.as_str())? {
                missing.columns.push((table, column));
            }
        }
    }
    Ok(missing)
}

/// Indexes that are not there.
pub(super) fn missing_indexes(connection: &Connection) -> rusqlite::Result<Vec<&'static Index>> {
    let mut missing = Vec::new();
    for index in &schema().indexes {
        if !index_exists(connection, &index.name)? {
            missing.push(index);
        }
    }
    Ok(missing)
}

/// Fails with everything that is missing, not just the first thing.
///
/// Every table and column is asked for, so that none appears while somebody reads; of the indexes only the one that
/// storing needs: the others make reading fast, and may still be under way.
pub(super) fn assert_ready(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let lacks = missing(connection)?;
    let tables = lacks.tables.iter().map(|table| format!("table {}", table.name));
    let columns =
        lacks.columns.iter().map(|(table, column)| format!("column {}.{}", table.name, column.name));
    let mut missing: Vec<String> = tables.chain(columns).collect();
    if !index_exists(connection, DEDUP_INDEX)? {
        missing.push(format!("index {DEDUP_INDEX}"));
    }
    if missing.is_empty() {
        Ok(())
    } else {
        Err(StoreError::NotReady { path: path.to_owned(), missing: missing.join(", ") })
    }
}

/// Whether nothing has been made in the file yet.
pub(super) fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    let objects: i64 = connection.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(objects == 0)
}

pub(super) fn table_exists(connection: &Connection, table: &str) -> rusqlite::Result<bool> {
    object_exists(connection, "table", table)
}

pub(super) fn index_exists(connection: &Connection, index: &str) -> rusqlite::Result<bool> {
    object_exists(connection, "index", index)
}

fn object_exists(connection: &Connection, kind: &str, name: &str) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM sqlite_schema WHERE type = ?1 AND name = ?2")?
        .exists([kind, name])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(SCHEMA).unwrap();
        connection
    }

    #[test]
    fn a_new_file_lacks_nothing() {
        let connection = made();
        assert_ready(&connection, Path::new("test.db")).unwrap();
        assert!(missing_indexes(&connection).unwrap().is_empty());
        assert!(schema().view.starts_with("CREATE VIEW packets_v AS"));
    }

    #[test]
    fn what_is_left_out_is_the_beginning_of_an_index_that_is_there() {
        let connection = made();
        for (index, column) in INDEXES_LEFT_OUT.iter().zip(["hash", "transmission_id", "observer_idx"]) {
            assert!(!index_exists(&connection, index).unwrap());
            let table = if column == "hash" { "transmissions" } else { "observations" };
            let begins = connection
                .prepare(
                    "SELECT 1 FROM pragma_index_list(?1) l JOIN pragma_index_info(l.name) i
                      WHERE i.seqno = 0 AND i.name = ?2",
                )
                .unwrap()
                .exists([table, column])
                .unwrap();
            assert!(begins, "{column}");
        }
    }

    #[test]
    fn everything_that_is_missing_is_named() {
        let connection = made();
        connection
            .execute_batch(
                "DROP TABLE hash_aliases; DROP INDEX idx_observations_dedup; DROP VIEW packets_v;
                 ALTER TABLE observers DROP COLUMN can_relay; ALTER TABLE observers DROP COLUMN radio;",
            )
            .unwrap();
        let error = assert_ready(&connection, Path::new("old.db")).unwrap_err().to_string();
        assert!(
            error.ends_with(
                "old.db: not usable by this version, missing: table hash_aliases, column observers.radio, \
                 column observers.can_relay, index idx_observations_dedup"
            ),
            "{error}"
        );
    }

    #[test]
    fn columns_that_older_files_lack_can_be_added() {
        let added = |table: &str, column: &str| {
            let table = schema().tables.iter().find(|t| t.name == table).unwrap();
            table.columns.iter().find(|c| c.name == column).unwrap().addition.as_deref()
        };
        assert_eq!(added("transmissions", "last_seen"), Some("last_seen INTEGER NOT NULL DEFAULT 0"));
        assert_eq!(added("transmissions", "scope_name"), Some("scope_name TEXT DEFAULT NULL"));
        assert_eq!(added("transmissions", "created_at"), Some("created_at TEXT"));
        assert_eq!(added("transmissions", "hash"), None);
    }
}
