//! What an upgrade would do, without doing it.

use std::path::Path;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::super::StoreError;
use super::copy::Room;
use super::generation::{Generation, loses_something};
use super::steps::Step;
use super::structure;

/// What [`upgrade`](super::upgrade) would do to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What the file is.
    pub generation: Generation,
    /// What would be done, in this order. Steps that need region keys are among them.
    pub steps: Vec<PlannedStep>,
    /// Whether a copy of the file would be kept.
    pub keeps_copy: bool,
    /// Bytes the upgrade needs on the disk beside the file; 0 when nothing is taken away.
    pub needed_bytes: u64,
    /// Bytes the disk has.
    pub free_bytes: u64,
}

/// A step that has not been done to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedStep {
    /// Name of the migration or index.
    pub name: &'static str,
    /// Rows it would look at; `None` when that shows only after the steps before it.
    pub rows: Option<u64>,
}

/// Says what [`upgrade`](super::upgrade) would do. Reads only: the file and its folder stay as they are.
///
/// # Errors
/// [`StoreError::Open`] when there is no such file, [`StoreError::NotCoreScope`] for other people's files.
pub fn plan(path: &Path) -> Result<Plan, StoreError> {
    let failed = |source| StoreError::Open { path: path.to_owned(), source };
    let connection = look_at(path).map_err(failed)?;
    let generation = Generation::of(&connection, path)?;
    let keeps_copy = loses_something(generation, &connection)?;
    let room = Room::of(&connection, path)?;
    let mut steps = Vec::new();
    if generation == Generation::Empty {
        steps.push(PlannedStep { name: "schema", rows: Some(0) });
    } else {
        add(&mut steps, &connection, Step::at_start())?;
        for index in structure::missing_indexes(&connection)? {
            // Those of small tables come with the tables.
            match structure::rows_to_be_large(&connection, index)? {
                0 => {}
                rows => steps.push(PlannedStep { name: &index.name, rows: Some(rows) }),
            }
        }
        add(&mut steps, &connection, Step::beside())?;
    }
    Ok(Plan {
        generation,
        steps,
        keeps_copy,
        needed_bytes: if keeps_copy { room.needed } else { 0 },
        free_bytes: room.free,
    })
}

fn add(
    steps: &mut Vec<PlannedStep>,
    connection: &Connection,
    all: impl Iterator<Item = &'static Step>,
) -> rusqlite::Result<()> {
    for step in all {
        let rows = known((step.rows)(connection))?;
        // A step without rows that cannot be asked yet will have some: its table or column is made first.
        let pending = known(step.is_pending(connection))?.unwrap_or(true);
        if pending {
            steps.push(PlannedStep { name: step.name, rows });
        }
    }
    Ok(())
}

/// `None` when the question names what the file does not have yet.
fn known<T>(answer: rusqlite::Result<T>) -> rusqlite::Result<Option<T>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(rusqlite::Error::SqlInputError { .. }) => Ok(None),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::Unknown) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Opens the file so that nothing beside it is made: as one that does not change, unless a log says that it does.
fn look_at(path: &Path) -> rusqlite::Result<Connection> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = if Path::new(&log).exists() {
        Connection::open_with_flags(path, flags)?
    } else {
        Connection::open_with_flags(immutable(path), flags | OpenFlags::SQLITE_OPEN_URI)?
    };
    connection.pragma_update(None, "query_only", "ON")?;
    Ok(connection)
}

/// The path as a URI that says that nobody writes.
fn immutable(path: &Path) -> String {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-~".contains(byte) {
            uri.push(char::from(*byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri.push_str("?immutable=1");
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_path_can_be_a_uri() {
        assert_eq!(immutable(Path::new("/a b/c?d#é.db")), "file:/a%20b/c%3Fd%23%C3%A9.db?immutable=1");
    }
}
