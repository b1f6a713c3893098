//! Which program, and of which time, made a file: told by its tables and columns.
//!
//! `user_version` says little: one of the programs wrote 3, the next one never wrote it.

use std::fmt;
use std::path::Path;

use rusqlite::Connection;

use super::super::StoreError;
use super::super::schema::{self, DEDUP_INDEX};

/// The generations of CoreScope databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Generation {
    /// Nothing in it yet.
    Empty,
    /// Before 2026-03-20: one row per reception in `packets`, hops in `paths`.
    V1,
    /// 2026-03-20 to 25: transmissions, and observations that name their observer by id and the time by text.
    V2,
    /// 2026-03-25 to 29: observations that name their observer by row, no neighbours yet.
    V3Node,
    /// Since then; any number of the later steps may be missing.
    V3,
    /// Columns of the third generation without its index of observations: made by tools around a capture.
    Capture,
}

impl Generation {
    /// Looks at the tables of a file; reads only.
    ///
    /// # Errors
    /// [`StoreError::NotCoreScope`] for other people's files, [`StoreError::Sql`] when it cannot be read.
    pub(super) fn of(connection: &Connection, path: &Path) -> Result<Self, StoreError> {
        if schema::is_empty(connection)? {
            return Ok(Self::Empty);
        }
        let refused = || StoreError::NotCoreScope { path: path.to_owned() };
        let has = |table: &str, columns: &[&str]| -> rusqlite::Result<bool> {
            if !schema::table_exists(connection, table)? {
                return Ok(false);
            }
            for column in columns {
                if !connection.column_exists(None, table, *column)? {
                    return Ok(false);
                }
            }
            Ok(true)
        };
        if !schema::table_exists(connection, "transmissions")? {
            return if has("packets", PACKETS)? { Ok(Self::V1) } else { Err(refused()) };
        }
        if !has("transmissions", &["id", "raw_hex", "hash", "first_seen", "payload_type", "decoded_json"])? {
            return Err(refused());
        }
        if !schema::table_exists(connection, "observations")? {
            return Ok(Self::V3); // stopped while its tables were made
        }
        if has("observations", &["id", "transmission_id", "observer_idx", "timestamp"])? {
            return if !schema::index_exists(connection, DEDUP_INDEX)? {
                Ok(Self::Capture)
            } else if schema::table_exists(connection, "neighbor_edges")? {
                Ok(Self::V3)
            } else {
                Ok(Self::V3Node)
            };
        }
        if has("observations", &["id", "transmission_id", "observer_id", "timestamp"])? {
            return Ok(Self::V2);
        }
        Err(refused())
    }
}

/// What `packets` of the first generation must have to be read.
const PACKETS: &[&str] = &["id", "raw_hex", "timestamp", "hash", "observer_id"];

/// Whether upgrading takes something away, so that a copy of the file is kept.
///
/// Beside the first two generations these are files in which a later program has put its tables next to the
/// history of the first.
pub(super) fn loses_something(generation: Generation, connection: &Connection) -> rusqlite::Result<bool> {
    Ok(match generation {
        Generation::V1 | Generation::V2 => true,
        Generation::Empty => false,
        Generation::V3Node | Generation::V3 | Generation::Capture => holds_packets(connection)?,
    })
}

/// Whether the file holds the history of the first generation.
pub(super) fn holds_packets(connection: &Connection) -> rusqlite::Result<bool> {
    if !schema::table_exists(connection, "packets")? {
        return Ok(false);
    }
    for column in PACKETS {
        if !connection.column_exists(None, "packets", *column)? {
            return Ok(false);
        }
    }
    Ok(true)
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "empty",
            Self::V1 => "v1",
            Self::V2 => "v2",
            Self::V3Node => "v3 (Node.js)",
            Self::V3 => "v3",
            Self::Capture => "v3 without index of observations",
        })
    }
}
