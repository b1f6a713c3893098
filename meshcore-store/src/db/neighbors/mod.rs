//! Keeping the neighbor graph: from observations to edges, in memory and in the file.
//!
//! [`NeighborBuilder`] reads new observations on a connection of its own, works out what they say, and has the writer
//! add it: rows of `neighbor_edge_hours`, the roll-up `neighbor_edges` that other programs read, and the id of the
//! last observation read, all in one transaction per slice. Only what is committed is added to the graph in memory,
//! so that file and graph agree whenever a kill comes.
//!
//! ```text
//!  observations > watermark ─▶ Delta ─▶ errand of the writer ─▶ NeighborGraph ─▶ Neighbors (shared snapshots)
//! ```
//!
//! | `_state` | |
//! | --- | --- |
//! | `neighbor_edges_obs_id` | newest observation whose evidence is in `neighbor_edge_hours` |
//! | `neighbor_edges_rolled_id` | observations up to this one were counted in `neighbor_edges` by another program |
//!
//! An observation is read once. What a later copy of the same message adds to its row (a signal, that it was heard and
//! not sent) comes too late to be evidence.
//!
//! A file without the first is one that no builder has seen: the hours are built anew from the observations of the
//! last days. What is in `neighbor_edges` already is not counted there a second time.

mod hours;
mod keeper;
mod observations;
mod prune;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use meshcore_proto::PublicKey;
use rusqlite::{Connection, OptionalExtension};

use self::hours::Slice;
use self::observations::{Evidence, KnownEnds};
use super::capability::Capabilities;
use super::{Component, StoreError, WriterHandle, capability, open, schema};
use crate::UnixMillis;
use crate::geo::Position;
use crate::graph::{DEFAULT_MAX_EDGE_KM, NeighborGraph};
use crate::resolve::HopIndex;

pub use keeper::NeighborKeeper;
pub use prune::Pruned;

/// Most observations per errand.
const SLICE: u32 = 5_000;

/// Rows of an edge and hour after which an errand takes no more observations: they are what keeps the writer, and so
/// many do for less than the 50 ms it may be kept.
const SLICE_ROWS: usize = 1_500;

/// A tick that takes longer is named in the log.
const SLOW_TICK: Duration = Duration::from_secs(5);

const WATERMARK: &str = "neighbor_edges_obs_id";
const ROLLED: &str = "neighbor_edges_rolled_id";

/// How the graph is kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NeighborOptions {
    /// Days after which an edge not seen is forgotten. Older observations say nothing.
    pub max_age_days: u32,
    /// Kilometers beyond which two ends are no neighbors; `None` is no limit.
    pub max_edge_km: Option<f64>,
}

impl Default for NeighborOptions {
    fn default() -> Self {
        Self { max_age_days: 5, max_edge_km: Some(DEFAULT_MAX_EDGE_KM) }
    }
}

impl NeighborOptions {
    /// Seconds since 1970 before which nothing counts.
    fn cutoff(self, now: UnixMillis) -> u32 {
        seconds(now.seconds() - i64::from(self.max_age_days) * 24 * 3600)
    }
}

/// What a tick did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tick {
    /// Observations read.
    pub observations: u64,
    /// Transactions it took.
    pub slices: u64,
}

/// The newest snapshots, for any thread to take without waiting.
#[derive(Debug, Default)]
pub struct Neighbors {
    graph: ArcSwap<NeighborGraph>,
    capabilities: ArcSwap<Capabilities>,
    index: ArcSwap<HopIndex>,
}

impl Neighbors {
    /// The graph after the last tick.
    pub fn graph(&self) -> Arc<NeighborGraph> {
        self.graph.load_full()
    }

    /// Who is known to send long hashes, after the last tick.
    pub fn capabilities(&self) -> Arc<Capabilities> {
        self.capabilities.load_full()
    }

    /// The nodes as the last tick found them.
    pub fn index(&self) -> Arc<HopIndex> {
        self.index.load_full()
    }
}

/// Builds and keeps the neighbor graph of one file, and the multi-byte capabilities with it. There must be one only.
#[derive(Debug)]
pub struct NeighborBuilder {
    connection: Connection,
    writer: WriterHandle,
    options: NeighborOptions,
    index: HopIndex,
    graph: NeighborGraph,
    capabilities: Capabilities,
    ends: KnownEnds,
    /// Newest observation whose evidence is in file and graph.
    watermark: i64,
    /// Up to here another program has counted in `neighbor_edges`.
    rolled: i64,
    /// Where the database is.
    folder: PathBuf,
    shared: Arc<Neighbors>,
}

impl NeighborBuilder {
    /// Loads what the file at `path` holds. A file no builder has seen is prepared; the first [`tick`](Self::tick)
    /// then reads the observations of the last days.
    ///
    /// # Errors
    /// [`StoreError`], when the file cannot be read or the writer has ended.
    pub fn open(
        path: &Path,
        writer: WriterHandle,
        options: NeighborOptions,
        now: UnixMillis,
    ) -> Result<Self, StoreError> {
        let connection = open::for_reading(path)?;
        schema::assert_ready(&connection, path)?;
        Start::make_sure(&connection, &writer, options, now)?;
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        capability::import_snapshot(folder, &connection, &writer)?;
        let mut builder = Self {
            capabilities: Capabilities::load(&connection, now)?,
            connection,
            writer,
            options,
            index: HopIndex::new(),
            graph: NeighborGraph::new(),
            ends: KnownEnds::default(),
            watermark: 0,
            rolled: 0,
            folder: folder.to_owned(),
            shared: Arc::default(),
        };
        builder.reload()?;
        refresh_index(&builder.connection, &mut builder.index)?;
        builder.publish();
        builder.writer.use_neighbors(builder.shared());
        Ok(builder)
    }

    /// Where the snapshots are published.
    pub fn shared(&self) -> Arc<Neighbors> {
        Arc::clone(&self.shared)
    }

    /// The graph as it is in the file.
    pub fn graph(&self) -> &NeighborGraph {
        &self.graph
    }

    /// Reads all new observations, adds what they say, and publishes it.
    ///
    /// # Errors
    /// [`StoreError`]; what was committed before stays, and the next tick goes on from there.
    pub fn tick(&mut self, now: UnixMillis) -> Result<Tick, StoreError> {
        self.tick_while(now, || true)
    }

    /// As [`tick`](Self::tick), and stops between two slices when `go_on` says no.
    ///
    /// # Errors
    /// As [`tick`](Self::tick).
    pub fn tick_while(
        &mut self,
        now: UnixMillis,
        mut go_on: impl FnMut() -> bool,
    ) -> Result<Tick, StoreError> {
        let begun = Instant::now();
        Start::make_sure(&self.connection, &self.writer, self.options, now)?;
        if watermark(&self.connection)? != Some(self.watermark) {
            self.reload()?; // an errand that failed for us may have been done all the same
        }
        refresh_index(&self.connection, &mut self.index)?;
        let mut tick = Tick::default();
        let result = loop {
            if !go_on() {
                break Ok(());
            }
            match self.slice(now) {
                Ok(0) => break Ok(()),
                Ok(observations) => {
                    tick.observations += observations;
                    tick.slices += 1;
                }
                Err(error) => break Err(error),
            }
        };
        self.publish();
        if begun.elapsed() > SLOW_TICK {
            let duration_ms = begun.elapsed().as_millis();
            tracing::warn!(duration_ms, tick.observations, "a slow neighbor tick");
        }
        result.map(|()| tick)
    }

    /// Stores what is newly known of multi-byte capabilities; how many nodes changed.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is stored then.
    pub fn persist_capabilities(&mut self, now: UnixMillis) -> Result<usize, StoreError> {
        self.capabilities.persist(&self.connection, &self.writer, &self.folder, now)
    }

    /// Reads one slice and has it written; how many observations it was.
    fn slice(&mut self, now: UnixMillis) -> Result<u64, StoreError> {
        let cutoff = self.options.cutoff(now);
        // what must not be counted in neighbor_edges and what must are never in one slice
        let end = if self.watermark < self.rolled { self.rolled } else { i64::MAX };
        let evidence = {
            let ends = self.graph.ends_mut();
            let mut evidence =
                Evidence::new(ends, &mut self.ends, &self.index, self.options.max_edge_km, cutoff);
            evidence.read(&self.connection, self.watermark, end, SLICE)?;
            evidence.finish()
        };
        let Some(last) = evidence.last_id else {
            if self.watermark < self.rolled {
                self.rolled = self.watermark; // nothing is left below it
                return self.slice(now);
            }
            return Ok(0);
        };
        let slice = Slice::new(&self.graph, &evidence.edges, last, self.watermark >= self.rolled);
        self.writer.run(Component::Neighbors, move |transaction| slice.write(transaction))?;
        self.graph.apply(&evidence.edges);
        self.capabilities.apply(&evidence.capabilities);
        self.watermark = last;
        Ok(evidence.observations)
    }

    /// Takes graph and watermark from the file.
    fn reload(&mut self) -> Result<(), StoreError> {
        let moment = self.connection.unchecked_transaction()?;
        self.watermark = watermark(&moment)?.unwrap_or(0);
        self.rolled = state(&moment, ROLLED)?.unwrap_or(0);
        self.graph = hours::load(&moment)?;
        self.ends.clear(); // their numbers were of the old graph
        Ok(())
    }

    fn publish(&mut self) {
        self.shared.graph.store(Arc::new(self.graph.clone()));
        self.shared.capabilities.store(Arc::new(self.capabilities.clone()));
        self.shared.index.store(Arc::new(self.index.clone()));
    }
}

/// The graph in the file, without what was not seen for `max_age_days`: for the process that only reads.
pub(super) fn load_graph(
    connection: &Connection,
    now: UnixMillis,
    max_age_days: u32,
) -> rusqlite::Result<NeighborGraph> {
    let mut graph = hours::load(connection)?;
    graph.evict(NeighborOptions { max_age_days, ..NeighborOptions::default() }.cutoff(now));
    Ok(graph)
}

/// Nodes and listeners as they are in the file now.
pub(super) fn load_index(connection: &Connection) -> rusqlite::Result<HopIndex> {
    let mut index = HopIndex::new();
    refresh_index(connection, &mut index)?;
    Ok(index)
}

/// Brings `index` in line with the file: some thousand rows, and nothing changes for those that did not.
fn refresh_index(connection: &Connection, index: &mut HopIndex) -> rusqlite::Result<()> {
    let mut gone: std::collections::HashSet<PublicKey> = index.nodes().copied().collect();
    let mut statement =
        connection.prepare_cached("SELECT public_key, role, lat, lon, advert_count FROM nodes")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let Some(key) = row.get_ref(0)?.as_str().ok().and_then(|text| text.parse().ok()) else { continue };
        let role = row.get_ref(1)?.as_str_or_null().ok().flatten();
        let position = Position::new(row.get(2)?, row.get(3)?);
        let adverts = row.get::<_, Option<i64>>(4)?.unwrap_or(0);
        index.set_node(key, role, position, u32::try_from(adverts.max(0)).unwrap_or(u32::MAX));
        gone.remove(&key);
    }
    gone.iter().for_each(|key| index.remove_node(key));

    let mut relay_again: std::collections::HashSet<PublicKey> = index.listeners().copied().collect();
    let mut statement = connection
        .prepare_cached("SELECT id FROM observers WHERE can_relay = 0 AND COALESCE(inactive, 0) = 0")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let Some(key) = row.get_ref(0)?.as_str().ok().and_then(|text| text.parse().ok()) else { continue };
        index.set_listener(key, true);
        relay_again.remove(&key);
    }
    relay_again.into_iter().for_each(|key| index.set_listener(key, false));
    Ok(())
}

/// Where a builder starts in a file that none has seen.
#[derive(Clone, Copy, Debug)]
struct Start {
    watermark: i64,
    rolled: i64,
}

impl Start {
    /// Prepares a file that no builder has seen.
    fn make_sure(
        connection: &Connection,
        writer: &WriterHandle,
        options: NeighborOptions,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        if watermark(connection)?.is_some() {
            return Ok(());
        }
        // adverts may count for longer than edges; what is too old for an edge is passed over
        let start = Self::find(connection, options.cutoff(now).min(capability::cutoff(now)))?;
        writer.run(Component::Neighbors, move |transaction| start.write(transaction))
    }

    fn find(connection: &Connection, cutoff: u32) -> rusqlite::Result<Self> {
        let newest_edge: Option<i64> =
            connection
                .query_row("SELECT MAX(unixepoch(last_seen)) FROM neighbor_edges", [], |row| row.get(0))?;
        let newest_before = |at: i64| {
            connection
                .query_row(
                    "SELECT id FROM observations WHERE timestamp <= ?1 ORDER BY timestamp DESC, id DESC LIMIT 1",
                    [at],
                    |row| row.get(0),
                )
                .optional()
        };
        let rolled = newest_edge.map_or(Ok(None), newest_before)?.unwrap_or(0);
        let watermark = connection.query_row(
            "SELECT COALESCE((SELECT MIN(id) - 1 FROM observations WHERE timestamp >= ?1),
                             (SELECT MAX(id) FROM observations), 0)",
            [cutoff],
            |row| row.get(0),
        )?;
        Ok(Self { watermark, rolled })
    }

    /// Hours of an unknown past would be counted twice.
    fn write(self, connection: &Connection) -> rusqlite::Result<()> {
        connection.execute("DELETE FROM neighbor_edge_hours", [])?;
        set_state(connection, WATERMARK, self.watermark)?;
        set_state(connection, ROLLED, self.rolled)
    }
}

fn watermark(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    state(connection, WATERMARK)
}

fn state(connection: &Connection, key: &str) -> rusqlite::Result<Option<i64>> {
    let value: Option<String> = connection
        .prepare_cached("SELECT value FROM _state WHERE key = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()?
        .flatten();
    Ok(value.and_then(|text| text.parse().ok()))
}

fn set_state(connection: &Connection, key: &str, value: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO _state (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        )?
        .execute((key, value.to_string()))?;
    Ok(())
}

/// Seconds since 1970 as the graph has them: from 1970 to 2106.
pub(super) fn seconds(seconds: i64) -> u32 {
    u32::try_from(seconds.max(0)).unwrap_or(u32::MAX)
}
