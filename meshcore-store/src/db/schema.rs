//! Which files can be used, and making a new one.

use std::path::Path;

use rusqlite::Connection;

use super::StoreError;

/// What the program reads and writes: a file that lacks any of it cannot be used.
///
/// Columns are listed only where older files lack them; a table stands for the columns it always had.
const REQUIRED: &[(&str, &[&str])] = &[
    ("transmissions", &["from_pubkey", "last_seen", "scope_name", "channel_hash", "payload_version"]),
    ("observations", &["observer_idx", "resolved_path", "raw_hex"]),
    (
        "nodes",
        &[
            "battery_mv",
            "temperature_c",
            "foreign_advert",
            "default_scope",
            "multibyte_sup",
            "multibyte_evidence",
        ],
    ),
    (
        "inactive_nodes",
        &[
            "battery_mv",
            "temperature_c",
            "foreign_advert",
            "default_scope",
            "multibyte_sup",
            "multibyte_evidence",
        ],
    ),
    (
        "observers",
        &[
            "iata",
            "inactive",
            "last_packet_at",
            "clock_skew_seconds",
            "clock_skew_count_24h",
            "clock_last_naive_at",
            "can_relay",
            "can_relay_seen",
        ],
    ),
    ("observer_metrics", &["packets_sent", "packets_recv"]),
    ("neighbor_edges", &[]),
    ("dropped_packets", &[]),
    ("client_receptions", &[]),
    ("client_observers", &[]),
];

/// The upsert of observations leans on this index.
const REQUIRED_INDEX: &str = "idx_observations_dedup";

/// Tables only this program has, and how to add them to a file of the other one.
const OURS: &[&str] = &[
    "_state",
    "neighbor_edge_hours",
    "hash_aliases",
    "packed_observations",
    "resolved_paths",
    "node_numbers",
];

const SCHEMA: &str = include_str!("schema.sql");

/// Makes the schema in an empty file, and adds our own tables to a complete file of the reference.
///
/// Files of older generations are refused, untouched: the message says what is missing.
pub(super) fn prepare(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    if is_empty(connection)? {
        let transaction = connection.transaction()?;
        transaction.execute_batch(SCHEMA)?;
        transaction.commit()?;
        return Ok(());
    }
    assert_ready(connection, path)?;
    let transaction = connection.transaction()?;
    for table in OURS {
        if !table_exists(&transaction, table)? {
            transaction.execute_batch(statement_for(table))?;
        }
    }
    transaction.commit()?;
    Ok(())
}

/// Fails with everything that is missing, not just the first thing.
pub(super) fn assert_ready(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let mut missing = Vec::new();
    for (table, columns) in REQUIRED {
        if !table_exists(connection, table)? {
            missing.push(format!("table {table}"));
            continue;
        }
        for column in *columns {
            if !connection.column_exists(None, *table, *column)? {
                missing.push(format!("column {table}.{column}"));
            }
        }
    }
    if !object_exists(connection, "index", REQUIRED_INDEX)? {
        missing.push(format!("index {REQUIRED_INDEX}"));
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

fn table_exists(connection: &Connection, table: &str) -> rusqlite::Result<bool> {
    object_exists(connection, "table", table)
}

fn object_exists(connection: &Connection, kind: &str, name: &str) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM sqlite_schema WHERE type = ?1 AND name = ?2")?
        .exists([kind, name])
}

/// The `CREATE TABLE` of `table`, out of the one schema text.
fn statement_for(table: &str) -> &'static str {
    let head = format!("CREATE TABLE {table} ");
    let start = SCHEMA.find(&head).expect("OURS names tables of schema.sql");
    let rest = &SCHEMA[start..];
    let end = rest.find(';').expect("statements of schema.sql end in a semicolon");
    &rest[..=end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema_dump(connection: &Connection) -> Vec<String> {
        let mut statement = connection
            .prepare("SELECT type || ' ' || name || ' ' || COALESCE(sql, '') FROM sqlite_schema ORDER BY 1")
            .unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn a_new_file_is_ready_and_a_second_start_changes_nothing() {
        let mut connection = Connection::open_in_memory().unwrap();
        let path = Path::new("test.db");
        prepare(&mut connection, path).unwrap();
        assert_ready(&connection, path).unwrap();
        let before = schema_dump(&connection);
        prepare(&mut connection, path).unwrap();
        assert_eq!(schema_dump(&connection), before);
    }

    #[test]
    fn our_tables_are_added_to_a_complete_file_that_lacks_them() {
        let mut connection = Connection::open_in_memory().unwrap();
        let path = Path::new("test.db");
        prepare(&mut connection, path).unwrap();
        let complete = schema_dump(&connection);
        for table in OURS {
            connection.execute_batch(&format!("DROP TABLE {table}")).unwrap();
        }
        prepare(&mut connection, path).unwrap();
        assert_eq!(schema_dump(&connection), complete);
    }

    #[test]
    fn a_file_of_an_older_generation_is_refused_with_all_that_is_missing() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "CREATE TABLE transmissions (id INTEGER PRIMARY KEY, hash TEXT, last_seen INTEGER);",
            )
            .unwrap();
        let before = schema_dump(&connection);
        let error = prepare(&mut connection, Path::new("old.db")).unwrap_err().to_string();
        for part in [
            "old.db",
            "column transmissions.from_pubkey",
            "table observations",
            "index idx_observations_dedup",
        ] {
            assert!(error.contains(part), "{part} is not in: {error}");
        }
        assert_eq!(schema_dump(&connection), before, "the file is untouched");
    }
}
