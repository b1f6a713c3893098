//! Forgetting edges, and the hours of old evidence.

use rusqlite::Connection;

use super::hours::HourRow;
use super::{NeighborBuilder, UnixMillis};
use crate::db::{Component, StoreError};
use crate::graph::{EdgeKey, NeighborGraph};

/// Rows touched by one errand.
const ROWS: usize = 2_000;

/// Days after which the hours of an edge are added up.
const HOURS_KEPT_DAYS: i64 = 30;

/// What was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Edges with their hours.
    pub edges: usize,
    /// Edges whose old hours were added up.
    pub folded: usize,
    /// Rows of the roll-up.
    pub rolled_up: usize,
}

impl NeighborBuilder {
    /// Forgets edges not seen for the configured days, in the graph and in both tables, and adds up the hours of the
    /// others that are more than 30 days old. In errands of some thousand rows.
    ///
    /// # Errors
    /// [`StoreError`]; what was done before stays done.
    pub fn prune(&mut self, now: UnixMillis) -> Result<Pruned, StoreError> {
        let result = self.prune_all(now);
        self.graph.forget_unused_ends();
        self.ends.clear(); // they may have new numbers
        self.publish();
        result
    }

    fn prune_all(&mut self, now: UnixMillis) -> Result<Pruned, StoreError> {
        let cutoff = self.options.cutoff(now);
        let mut pruned = Pruned::default();

        let expired = sized(&self.graph, self.graph.expired(cutoff).into_iter());
        for batch in batches(&expired) {
            let edges: Vec<_> = batch.iter().map(|(key, _)| self.graph.texts(*key)).collect();
            self.writer.run(Component::Neighbors, move |transaction| {
                edges
                    .iter()
                    .try_for_each(|(node_a, node_b)| delete_hours(transaction, node_a, node_b, i64::MAX))
            })?;
            for (key, _) in batch {
                self.graph.remove(*key);
            }
            pruned.edges += batch.len();
        }

        let hour = super::seconds(now.seconds() - HOURS_KEPT_DAYS * 24 * 3600) / 3600;
        let old = self.graph.edges().filter(|edge| edge.folded_before(hour).is_some()).map(|edge| edge.key());
        let old = sized(&self.graph, old);
        for batch in batches(&old) {
            let folded = |(key, _): &(EdgeKey, usize)| {
                let sum = self.graph.get(*key)?.folded_before(hour)?;
                Some((self.graph.texts(*key), HourRow::new(&self.graph, *key, &sum)))
            };
            let rows: Vec<_> = batch.iter().filter_map(folded).collect();
            self.writer.run(Component::Neighbors, move |transaction| {
                rows.iter().try_for_each(|((node_a, node_b), sum)| {
                    delete_hours(transaction, node_a, node_b, i64::from(hour))?;
                    sum.write(transaction)
                })
            })?;
            for (key, _) in batch {
                self.graph.fold_before(*key, hour);
            }
            pruned.folded += batch.len();
        }

        pruned.rolled_up = self.prune_roll_up(cutoff)?;
        Ok(pruned)
    }

    /// The roll-up also holds edges that other programs counted: its own times decide.
    fn prune_roll_up(&self, cutoff: u32) -> Result<usize, StoreError> {
        let old: Vec<(String, String)> = self
            .connection
            .prepare_cached("SELECT node_a, node_b FROM neighbor_edges WHERE unixepoch(last_seen) < ?1")?
            .query_map([cutoff], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        let mut deleted = 0;
        for batch in old.chunks(ROWS) {
            let batch = batch.to_vec();
            deleted += self.writer.run(Component::Neighbors, move |transaction| {
                let mut delete = transaction.prepare_cached(
                    "DELETE FROM neighbor_edges WHERE node_a = ?1 AND node_b = ?2 AND unixepoch(last_seen) < ?3",
                )?;
                batch.iter().try_fold(0, |n, (a, b)| Ok(n + delete.execute((a, b, cutoff))?))
            })?;
        }
        Ok(deleted)
    }
}

/// Edges with the number of rows they have.
fn sized(graph: &NeighborGraph, keys: impl Iterator<Item = EdgeKey>) -> Vec<(EdgeKey, usize)> {
    keys.map(|key| (key, graph.get(key).map_or(0, |edge| edge.hours().len()))).collect()
}

/// Cut so that each part has at most [`ROWS`] rows, or is one edge.
fn batches(edges: &[(EdgeKey, usize)]) -> impl Iterator<Item = &[(EdgeKey, usize)]> {
    let mut rows = 0;
    edges.chunk_by(move |(_, before), (_, next)| {
        rows += before;
        let fits = rows + next <= ROWS;
        if !fits {
            rows = 0;
        }
        fits
    })
}

fn delete_hours(connection: &Connection, node_a: &str, node_b: &str, before: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM neighbor_edge_hours WHERE node_a = ?1 AND node_b = ?2 AND hour < ?3")?
        .execute((node_a, node_b, before))?;
    Ok(())
}
