//! Observers keep their observations when a full vacuum gives them other row ids.
//!
//! `observations.observer_idx` is the hidden row id of an observer, and SQLite does not promise that `VACUUM` keeps
//! those (today it does, because the table has an index). So they are noted in the file before, and compared after.
//! A kill in between leaves the note; the next start follows it before anything is written.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Transaction};

use super::{changes, packing};

/// Key in `_state`: a JSON object of observer id to row id.
const NOTE: &str = "observer_rows_before_vacuum";

type Rows = HashMap<String, i64>;

/// Notes which observer has which row.
pub(super) fn note(connection: &Connection) -> rusqlite::Result<()> {
    let rows = serde_json::json!(current(connection)?).to_string();
    connection.execute("INSERT OR REPLACE INTO _state (key, value) VALUES (?1, ?2)", [NOTE, &rows])?;
    Ok(())
}

/// Lets observations follow observers that have another row than noted, and drops the note: both or nothing.
///
/// Gives the number of observers that moved; nothing happens without a note.
pub(super) fn follow(connection: &mut Connection) -> rusqlite::Result<usize> {
    let transaction = connection.transaction()?;
    let noted: Option<String> = transaction
        .query_row("SELECT value FROM _state WHERE key = ?1", [NOTE], |row| row.get(0))
        .optional()?;
    let Some(noted) = noted else { return Ok(0) };
    let noted: Rows = serde_json::from_str(&noted).unwrap_or_else(|error| {
        tracing::error!(%error, "the note of observer rows cannot be read; observations are left as they are");
        Rows::new()
    });
    let now = current(&transaction)?;
    let moved = noted.iter().filter(|(id, row)| now.get(*id) != Some(row)).count();
    if moved > 0 {
        rewrite(&transaction, &noted, &now)?;
        changes::begin_epoch(&transaction)?;
    }
    transaction.execute("DELETE FROM _state WHERE key = ?1", [NOTE])?;
    transaction.commit()?;
    Ok(moved)
}

/// Whether a vacuum was killed before observations could follow.
pub(super) fn is_noted(connection: &Connection) -> rusqlite::Result<bool> {
    let has_state = connection.prepare("SELECT 1 FROM sqlite_schema WHERE name = '_state'")?.exists([])?;
    Ok(has_state && connection.prepare("SELECT 1 FROM _state WHERE key = ?1")?.exists([NOTE])?)
}

fn current(connection: &Connection) -> rusqlite::Result<Rows> {
    connection
        .prepare("SELECT id, rowid FROM observers")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

/// Old row to new row by way of negative numbers: two observers may have changed places, and the unique index of
/// observations allows no moment in which both have the same row. Rows of nobody become unknown.
fn rewrite(transaction: &Transaction<'_>, noted: &Rows, now: &Rows) -> rusqlite::Result<()> {
    transaction.execute_batch(
        "CREATE TEMP TABLE moved_observers (old_row INTEGER PRIMARY KEY, new_row INTEGER NOT NULL)",
    )?;
    {
        let mut insert =
            transaction.prepare("INSERT INTO moved_observers (old_row, new_row) VALUES (?1, ?2)")?;
        for (id, old_row) in noted {
            if let Some(new_row) = now.get(id) {
                insert.execute([old_row, new_row])?;
            }
        }
    }
    packing::unpack_all(transaction)?; // their rows name observers too
    transaction.execute_batch(
        "UPDATE observations
            SET observer_idx = (SELECT -new_row FROM moved_observers WHERE old_row = observer_idx)
          WHERE observer_idx IS NOT NULL;
         UPDATE observations SET observer_idx = -observer_idx WHERE observer_idx < 0;
         DROP TABLE moved_observers;",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two observers who heard the same packet on the same path, a third, and one that is unknown.
    fn database() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(include_str!("schema.sql")).unwrap();
        connection
            .execute_batch(
                "INSERT INTO observers (rowid, id) VALUES (1, 'a'), (2, 'b'), (3, 'c');
                 INSERT INTO transmissions (id, raw_hex, hash, first_seen) VALUES (1, '', 'h', '');
                 INSERT INTO observations (id, transmission_id, observer_idx, path_json, timestamp)
                 VALUES (1, 1, 1, '[]', 0), (2, 1, 2, '[]', 0), (3, 1, 3, '[]', 0), (4, 1, NULL, '[]', 0),
                        (5, 1, 77, '[]', 0);",
            )
            .unwrap();
        packing::prepare(&connection).unwrap();
        connection
    }

    fn heard_by(connection: &Connection) -> Vec<Option<String>> {
        let mut statement = connection
            .prepare("SELECT b.id FROM observations o LEFT JOIN observers b ON b.rowid = o.observer_idx ORDER BY o.id")
            .unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    /// As a vacuum would that numbers anew: a and b change places, c goes to the row of nobody.
    fn renumber(connection: &Connection) {
        connection
            .execute_batch(
                "DELETE FROM observers;
                 INSERT INTO observers (rowid, id) VALUES (2, 'a'), (1, 'b'), (77, 'c');",
            )
            .unwrap();
    }

    #[test]
    fn observations_follow_observers_that_changed_places() {
        let mut connection = database();
        let before = heard_by(&connection);
        note(&connection).unwrap();
        renumber(&connection);
        assert_ne!(heard_by(&connection), before);
        assert_eq!(follow(&mut connection).unwrap(), 3);
        assert_eq!(heard_by(&connection), before, "the row of nobody was not taken for the new observer's");
        assert_eq!(follow(&mut connection).unwrap(), 0, "the note is gone");
    }

    #[test]
    fn nothing_is_rewritten_when_all_stayed() {
        let mut connection = database();
        note(&connection).unwrap();
        assert_eq!(follow(&mut connection).unwrap(), 0);
        let dangling: i64 = connection
            .query_row("SELECT observer_idx FROM observations WHERE id = 5", [], |row| row.get(0))
            .unwrap();
        assert_eq!(dangling, 77);
    }

    #[test]
    fn an_observer_that_is_gone_leaves_its_observations_unknown() {
        let mut connection = database();
        note(&connection).unwrap();
        connection
            .execute_batch(
                "DELETE FROM observers WHERE id = 'a'; UPDATE observers SET rowid = 1 WHERE id = 'b'",
            )
            .unwrap();
        assert_eq!(follow(&mut connection).unwrap(), 2);
        let heard = heard_by(&connection);
        assert_eq!(
            heard.iter().map(Option::as_deref).collect::<Vec<_>>(),
            [None, Some("b"), Some("c"), None, None]
        );
    }

    #[test]
    fn a_note_that_cannot_be_read_changes_nothing_and_goes() {
        let mut connection = database();
        connection.execute("INSERT INTO _state (key, value) VALUES (?1, 'x')", [NOTE]).unwrap();
        let before = heard_by(&connection);
        assert_eq!(follow(&mut connection).unwrap(), 0);
        assert_eq!(heard_by(&connection), before);
    }
}
