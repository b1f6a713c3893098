//! The one list of steps, in the order they run, and how it is noted that one was done.

use rusqlite::{Connection, OptionalExtension, Transaction};

use super::super::StoreError;
use super::super::schema::{self, DEDUP_INDEX, VIEW};
use super::report::Reporter;
use super::{hashes, nodes, observations, observers, packets, structure, transmissions};
use crate::UnixMillis;

/// One migration.
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) note: Note,
    pub(super) work: Work,
    /// Rows it would look at; what it needs may not be there yet.
    pub(super) rows: fn(&Connection) -> rusqlite::Result<u64>,
}

/// How it is known that a step was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Note {
    /// By looking: no rows are left to do.
    Nothing,
    /// By its name in `_migrations`.
    Marker,
    /// By its name in `_async_migrations`, with status `done`.
    Status,
}

/// What a step does.
#[derive(Clone, Copy)]
pub(super) enum Work {
    /// Before anything else uses the file, in one transaction.
    AtStart(fn(&Transaction<'_>, &mut Reporter<'_>) -> Result<u64, StoreError>),
    /// Beside live writes, at once.
    AtOnce(fn(&Connection) -> rusqlite::Result<u64>),
    /// Beside live writes, in slices.
    Walk(Walk),
}

/// A walk over a table by row id. How far it is, is stored with the rows it changed.
#[derive(Clone, Copy)]
pub(super) struct Walk {
    pub(super) table: &'static str,
    /// Name of the figure that counts its rows.
    pub(super) counter: &'static str,
    /// Most rows of a slice.
    pub(super) most: u32,
    /// Pause after a slice while others write.
    pub(super) pause_ms: u64,
    /// Does rows `first..=last`, and says how many it changed.
    pub(super) slice: fn(&Connection, i64, i64) -> rusqlite::Result<u64>,
    /// Only with region keys: without them the next start asks again.
    pub(super) needs_regions: bool,
}

/// Name of the step that fills `from_pubkey`; it has figures of its own.
pub(super) const FROM_PUBKEY: &str = "from_pubkey";

/// Everything there is to do to a file, in this order. `NAMED` are names of the reference without work left:
/// what they did is part of `schema.sql`.
pub(super) const STEPS: &[Step] = &[
    at_start("observations_v3", Note::Nothing, observations::rows_of_v2, observations::from_v2),
    at_start("schema", Note::Nothing, structure::rows_missing, structure::add_missing),
    at_start("lower_case_keys", Note::Nothing, nodes::rows_with_capitals, nodes::lower_case_keys),
    at_start(DEDUP_INDEX, Note::Nothing, observations::rows_without_index, observations::merge_duplicates),
    at_start(packets::STEP, Note::Nothing, packets::rows, packets::take_over),
    at_start("noise_floor_real_v1", Note::Marker, observers::rows_whole_noise, observers::cast_noise),
    at_start(
        "cleanup_legacy_null_hash_ts",
        Note::Marker,
        transmissions::rows_unusable,
        transmissions::delete_unusable,
    ),
    at_start("cleanup_corrupt_nodes_v1", Note::Marker, nodes::rows_corrupt, nodes::delete_corrupt),
    at_start("neighbor_edges_blank_v1", Note::Marker, nodes::rows_blank_edges, nodes::delete_blank_edges),
    named("node_telemetry_v1"),
    named("obs_timestamp_index_v1"),
    named("observer_metrics_v1"),
    named("observer_metrics_ts_idx"),
    named("observers_inactive_v1"),
    named("observer_metrics_packets_v1"),
    named("dropped_packets_v1"),
    named("observers_clock_naive_v1"),
    named("foreign_advert_v1"),
    named("from_pubkey_v1"),
    named("scope_name_v1"),
    named("nodes_default_scope_v1"),
    named("observations_raw_hex_v1"),
    at_start(VIEW, Note::Nothing, structure::rows_view, structure::make_view),
    // From here on beside live writes. Before this come the indexes of large tables, see `run.rs`.
    at_once("replaced_indexes", Note::Nothing, structure::rows_replaced, structure::drop_replaced),
    walk(
        FROM_PUBKEY,
        Note::Nothing,
        transmissions::rows_without_originator,
        Walk { slice: transmissions::fill_originator, counter: FROM_PUBKEY, ..OVER_TRANSMISSIONS },
    ),
    walk(
        "channel_hash_v1",
        Note::Marker,
        transmissions::rows_without_channel,
        Walk { slice: transmissions::fill_channel, counter: "channel_hash", ..OVER_TRANSMISSIONS },
    ),
    walk(
        "channel_hash_casing_v1",
        Note::Marker,
        transmissions::rows_public,
        Walk { slice: transmissions::spell_public, counter: "channel_hash_casing", ..OVER_TRANSMISSIONS },
    ),
    at_once(
        "obs_observer_ts_idx_v1",
        Note::Status,
        |connection| structure::rows_to_index(connection, structure::OBSERVER_TIME_INDEX),
        |connection| structure::add_index(connection, structure::OBSERVER_TIME_INDEX),
    ),
    walk(
        "content_hash_v2",
        Note::Marker,
        hashes::rows,
        Walk { slice: hashes::correct, counter: "content_hash", ..OVER_TRANSMISSIONS },
    ),
    walk(
        "tx_last_seen_backfill_v1",
        Note::Status,
        transmissions::rows_without_last_seen,
        Walk { slice: transmissions::fill_last_seen, counter: "last_seen", ..OVER_TRANSMISSIONS },
    ),
    walk(
        "observers_last_packet_at_v1",
        Note::Marker,
        observers::rows_without_packet_time,
        Walk {
            table: "observers",
            slice: observers::fill_packet_time,
            counter: "last_packet_at",
            ..OVER_TRANSMISSIONS
        },
    ),
    walk(
        "advert_count_unique_v1",
        Note::Marker,
        nodes::rows,
        Walk { table: "nodes", slice: nodes::count_adverts, counter: "advert_count", ..OVER_TRANSMISSIONS },
    ),
    walk(
        "backfill_path_json_from_raw_hex_v1",
        Note::Marker,
        observations::rows_without_hops,
        Walk {
            table: "observations",
            slice: observations::fill_hops,
            counter: "path_json",
            most: 1_000,
            pause_ms: 50,
            ..OVER_TRANSMISSIONS
        },
    ),
    walk(
        "backfill_default_scope_v1",
        Note::Marker,
        nodes::rows_with_scope,
        Walk {
            table: "nodes",
            slice: nodes::fill_default_scope,
            counter: "default_scope",
            needs_regions: true,
            ..OVER_TRANSMISSIONS
        },
    ),
];

const OVER_TRANSMISSIONS: Walk = Walk {
    table: "transmissions",
    counter: "",
    most: 5_000,
    pause_ms: 100,
    slice: |_, _, _| Ok(0),
    needs_regions: false,
};

const fn at_start(
    name: &'static str,
    note: Note,
    rows: fn(&Connection) -> rusqlite::Result<u64>,
    work: fn(&Transaction<'_>, &mut Reporter<'_>) -> Result<u64, StoreError>,
) -> Step {
    Step { name, note, rows, work: Work::AtStart(work) }
}

const fn at_once(
    name: &'static str,
    note: Note,
    rows: fn(&Connection) -> rusqlite::Result<u64>,
    work: fn(&Connection) -> rusqlite::Result<u64>,
) -> Step {
    Step { name, note, rows, work: Work::AtOnce(work) }
}

const fn walk(
    name: &'static str,
    note: Note,
    rows: fn(&Connection) -> rusqlite::Result<u64>,
    walk: Walk,
) -> Step {
    Step { name, note, rows, work: Work::Walk(walk) }
}

/// A name that other programs look for.
const fn named(name: &'static str) -> Step {
    at_start(name, Note::Marker, |_| Ok(0), |_, _| Ok(0))
}

impl Step {
    /// Steps a start waits for.
    pub(super) fn at_start() -> impl Iterator<Item = &'static Self> {
        STEPS.iter().filter(|step| matches!(step.work, Work::AtStart(_)))
    }

    /// Steps that run beside live writes.
    pub(super) fn beside() -> impl Iterator<Item = &'static Self> {
        STEPS.iter().filter(|step| !matches!(step.work, Work::AtStart(_)))
    }

    /// Whether it has not been done to this file.
    pub(super) fn is_pending(&self, connection: &Connection) -> rusqlite::Result<bool> {
        match self.note {
            Note::Nothing => Ok((self.rows)(connection)? > 0 || self.is_on_its_way(connection)?),
            Note::Marker => Ok(!has_marker(connection, self.name)?),
            Note::Status => {
                Ok(!has_marker(connection, self.name)? && !has_status_done(connection, self.name)?)
            }
        }
    }

    /// Whether a walk was interrupted, perhaps behind the last row that mattered.
    fn is_on_its_way(&self, connection: &Connection) -> rusqlite::Result<bool> {
        match self.work {
            Work::Walk(_) if schema::table_exists(connection, "_state")? => {
                connection.prepare_cached("SELECT 1 FROM _state WHERE key = ?1")?.exists([self.state_key()])
            }
            _ => Ok(false),
        }
    }

    /// Notes that it was done; belongs into the transaction of its last change.
    pub(super) fn note_done(&self, connection: &Connection, now: UnixMillis) -> rusqlite::Result<()> {
        if let Work::Walk(_) = self.work {
            connection.prepare_cached("DELETE FROM _state WHERE key = ?1")?.execute([self.state_key()])?;
        }
        // The reference looks for the first of the two in either table.
        if self.note == Note::Marker || self.name == "obs_observer_ts_idx_v1" {
            connection
                .prepare_cached("INSERT OR IGNORE INTO _migrations (name) VALUES (?1)")?
                .execute([self.name])?;
        }
        if self.note == Note::Status {
            connection
                .prepare_cached(
                    "INSERT INTO _async_migrations (name, status, started_at, ended_at)
                     VALUES (?1, 'done', datetime(?2, 'unixepoch'), datetime(?2, 'unixepoch'))
                     ON CONFLICT (name) DO UPDATE SET status = 'done', ended_at = excluded.ended_at, error = NULL",
                )?
                .execute((self.name, now.seconds()))?;
        }
        Ok(())
    }

    /// Notes that it has begun, or begins again.
    pub(super) fn note_pending(&self, connection: &Connection, now: UnixMillis) -> rusqlite::Result<()> {
        connection
            .prepare_cached(
                "INSERT INTO _async_migrations (name, status, started_at)
                 VALUES (?1, 'pending_async', datetime(?2, 'unixepoch'))
                 ON CONFLICT (name) DO UPDATE SET status = excluded.status, started_at = excluded.started_at,
                                                  ended_at = NULL, error = NULL",
            )?
            .execute((self.name, now.seconds()))?;
        Ok(())
    }

    /// Notes why it failed; the next start tries again.
    pub(super) fn note_failed(
        &self,
        connection: &Connection,
        error: &str,
        now: UnixMillis,
    ) -> rusqlite::Result<()> {
        connection
            .prepare_cached(
                "UPDATE _async_migrations SET status = 'failed', ended_at = datetime(?3, 'unixepoch'), error = ?2
                  WHERE name = ?1",
            )?
            .execute((self.name, error, now.seconds()))?;
        Ok(())
    }

    /// Key of `_state` under which a walk notes the last row it did.
    pub(super) fn state_key(&self) -> String {
        format!("migration.{}", self.name)
    }
}

fn has_marker(connection: &Connection, name: &str) -> rusqlite::Result<bool> {
    if !schema::table_exists(connection, "_migrations")? {
        return Ok(false);
    }
    connection.prepare_cached("SELECT 1 FROM _migrations WHERE name = ?1")?.exists([name])
}

fn has_status_done(connection: &Connection, name: &str) -> rusqlite::Result<bool> {
    if !schema::table_exists(connection, "_async_migrations")? {
        return Ok(false);
    }
    let status: Option<String> = connection
        .prepare_cached("SELECT status FROM _async_migrations WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    Ok(status.as_deref() == Some("done"))
}
