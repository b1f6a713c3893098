//! Retention: what is older than its days goes.
//!
//! Which rows may be due is read by a connection of its own, so that the search never holds the writer; the writer
//! removes them in small errands and looks again at each row, because it may have been heard meanwhile. One row is
//! removed in one transaction, what depends on it first: a kill leaves no orphan, and the next run goes on.
//!
//! Times are stored as text in several forms (with and without fraction, blank for the `T`). They are compared as
//! times, in whole seconds; a text bound a day later lets the index skip what is surely younger. A time that cannot be
//! read is never older than anything: such rows stay.

use std::path::PathBuf;

use rusqlite::types::FromSql;
use rusqlite::{Connection, Statement, ToSql, Transaction};

use super::StoreError;
use super::nodes;
use super::open;
use super::pace::{Pace, Portion};
use super::writer::{Component, WriterHandle};
use crate::UnixMillis;

const DAY_MILLIS: i64 = 24 * 3_600_000;

/// Most rows that one errand removes; what belongs to a row goes with it.
const AT_ONCE: usize = 5_000;

/// After how many days what goes. `None`: never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionDays {
    /// Nodes not heard move to `inactive_nodes`.
    pub nodes: u32,
    /// Observers not heard are marked inactive.
    pub observers: Option<u32>,
    /// Readings of observers and refused adverts.
    pub metrics: u32,
    /// Packets and their observations, by the last time they were heard.
    pub packets: Option<u32>,
    /// Mobile receptions and their observers.
    pub client_receptions: Option<u32>,
}

impl Default for RetentionDays {
    /// Nothing is deleted that a person might want back: packets stay.
    fn default() -> Self {
        Self { nodes: 7, observers: Some(14), metrics: 30, packets: None, client_receptions: None }
    }
}

/// Removes what is older than its days from one database.
///
/// Each method removes what is due at `now`, makes room for messages in between, and says how many rows went. When
/// `should_stop` says so it ends early; the next run goes on.
#[derive(Clone, Debug)]
pub struct Retention {
    path: PathBuf,
    handle: WriterHandle,
    days: RetentionDays,
}

/// How rows of one table go. `:cutoff` are Unix seconds, `:bound` is a text later than any text before the cutoff.
struct Rule {
    component: Component,
    /// Keys of rows that are due.
    find: &'static str,
    /// Removes the row `:key` if it still is due: dependent rows first, the row itself last.
    remove: &'static [&'static str],
}

/// One node with all its columns, by name: their order differs between files.
const NODES: Rule = Rule {
    component: Component::PruneObservers,
    find: "SELECT rowid FROM nodes WHERE last_seen < :bound AND unixepoch(last_seen) < :cutoff",
    remove: &[nodes::PUT_ASIDE, "DELETE FROM nodes WHERE rowid = :key AND unixepoch(last_seen) < :cutoff"],
};

const OBSERVERS: Rule = Rule {
    component: Component::PruneObservers,
    find: "SELECT rowid FROM observers
            WHERE last_seen < :bound AND unixepoch(last_seen) < :cutoff AND COALESCE(inactive, 0) = 0",
    remove: &["UPDATE observers SET inactive = 1
                WHERE rowid = :key AND unixepoch(last_seen) < :cutoff AND COALESCE(inactive, 0) = 0"],
};

/// Readings of observers that are inactive or about to be.
const METRICS_OF_SILENT: Rule = Rule {
    component: Component::PruneMetrics,
    find: "SELECT rowid FROM observer_metrics
            WHERE lower(observer_id) IN (SELECT lower(id) FROM observers
                                          WHERE inactive = 1 OR unixepoch(last_seen) < :cutoff)",
    remove: &["DELETE FROM observer_metrics
                WHERE rowid = :key
                  AND EXISTS (SELECT 1 FROM observers b WHERE lower(b.id) = lower(observer_id)
                                 AND (b.inactive = 1 OR unixepoch(b.last_seen) < :cutoff))"],
};

const METRICS: Rule = Rule {
    component: Component::PruneMetrics,
    find: "SELECT rowid FROM observer_metrics WHERE timestamp < :bound AND unixepoch(timestamp) < :cutoff",
    remove: &["DELETE FROM observer_metrics WHERE rowid = :key AND unixepoch(timestamp) < :cutoff"],
};

const DROPPED: Rule = Rule {
    component: Component::PruneMetrics,
    find: "SELECT id FROM dropped_packets WHERE unixepoch(dropped_at) < :cutoff",
    remove: &["DELETE FROM dropped_packets WHERE id = :key AND unixepoch(dropped_at) < :cutoff"],
};

/// Heard last: the newest observation where a file of the other program has not filled `last_seen` yet.
macro_rules! packet_is_due {
    () => {
        "unixepoch(t.first_seen) < :cutoff
         AND CASE WHEN t.last_seen <> 0 THEN t.last_seen
                  ELSE COALESCE((SELECT MAX(o.timestamp) FROM observations o WHERE o.transmission_id = t.id), 0)
             END < :cutoff"
    };
}

const PACKETS: Rule = Rule {
    component: Component::PrunePackets,
    find: concat!("SELECT t.id FROM transmissions t WHERE t.first_seen < :bound AND ", packet_is_due!()),
    remove: &[
        concat!(
            "DELETE FROM resolved_paths WHERE observation_id IN (
                 SELECT o.id FROM observations o JOIN transmissions t ON t.id = o.transmission_id
                  WHERE t.id = :key AND ",
            packet_is_due!(),
            ")"
        ),
        concat!(
            "DELETE FROM observations
              WHERE transmission_id = (SELECT t.id FROM transmissions t WHERE t.id = :key AND ",
            packet_is_due!(),
            ")"
        ),
        concat!(
            "DELETE FROM packed_observations
              WHERE transmission_id = (SELECT t.id FROM transmissions t WHERE t.id = :key AND ",
            packet_is_due!(),
            ")"
        ),
        concat!("DELETE FROM transmissions AS t WHERE t.id = :key AND ", packet_is_due!()),
    ],
};

/// Old names of packets that are gone.
const ALIASES: Rule = Rule {
    component: Component::PrunePackets,
    find: "SELECT old_hash FROM hash_aliases a
            WHERE NOT EXISTS (SELECT 1 FROM transmissions t WHERE t.hash = a.hash)",
    remove: &[
        "DELETE FROM hash_aliases AS a
                WHERE a.old_hash = :key AND NOT EXISTS (SELECT 1 FROM transmissions t WHERE t.hash = a.hash)",
    ],
};

const CLIENT_RECEPTIONS: Rule = Rule {
    component: Component::PruneClientReceptions,
    find: "SELECT id FROM client_receptions WHERE rx_at < :bound AND unixepoch(rx_at) < :cutoff",
    remove: &["DELETE FROM client_receptions WHERE id = :key AND unixepoch(rx_at) < :cutoff"],
};

const CLIENT_OBSERVERS: Rule = Rule {
    component: Component::PruneClientReceptions,
    find: "SELECT rowid FROM client_observers WHERE unixepoch(last_seen) < :cutoff",
    remove: &["DELETE FROM client_observers WHERE rowid = :key AND unixepoch(last_seen) < :cutoff"],
};

impl Retention {
    /// For the database at `path`, which `handle` writes.
    pub fn new(path: impl Into<PathBuf>, handle: WriterHandle, days: RetentionDays) -> Self {
        Self { path: path.into(), handle, days }
    }

    /// Puts aside nodes that were not heard. An advert brings them back with their history.
    ///
    /// # Errors
    /// [`StoreError`], when the file cannot be read or written.
    pub fn nodes(&self, now: UnixMillis, should_stop: &dyn Fn() -> bool) -> Result<u64, StoreError> {
        self.prune::<i64>(&NODES, days_before(now, self.days.nodes), should_stop)
    }

    /// Marks observers that were not heard as inactive. If there are any, the readings of all inactive ones go first, so
    /// that an early end leaves something to be found again.
    ///
    /// # Errors
    /// As [`nodes`](Self::nodes).
    pub fn observers(&self, now: UnixMillis, should_stop: &dyn Fn() -> bool) -> Result<u64, StoreError> {
        let Some(days) = self.days.observers else { return Ok(0) };
        let cutoff = days_before(now, days);
        if due::<i64>(&open::for_reading(&self.path)?, &OBSERVERS, cutoff)?.is_empty() {
            return Ok(0);
        }
        self.prune::<i64>(&METRICS_OF_SILENT, cutoff, should_stop)?;
        if should_stop() {
            return Ok(0);
        }
        self.prune::<i64>(&OBSERVERS, cutoff, should_stop)
    }

    /// Removes old readings of observers and old traces of refused adverts.
    ///
    /// # Errors
    /// As [`nodes`](Self::nodes).
    pub fn metrics(&self, now: UnixMillis, should_stop: &dyn Fn() -> bool) -> Result<u64, StoreError> {
        let cutoff = days_before(now, self.days.metrics);
        let readings = self.prune::<i64>(&METRICS, cutoff, should_stop)?;
        Ok(readings + self.prune::<i64>(&DROPPED, cutoff, should_stop)?)
    }

    /// Removes packets last heard before the cutoff, with their observations and old hashes. Counts packets.
    ///
    /// # Errors
    /// As [`nodes`](Self::nodes).
    pub fn packets(&self, now: UnixMillis, should_stop: &dyn Fn() -> bool) -> Result<u64, StoreError> {
        let Some(days) = self.days.packets else { return Ok(0) };
        let cutoff = days_before(now, days);
        let packets = self.prune::<i64>(&PACKETS, cutoff, should_stop)?;
        self.prune::<String>(&ALIASES, cutoff, should_stop)?;
        Ok(packets)
    }

    /// Removes old mobile receptions and their observers.
    ///
    /// # Errors
    /// As [`nodes`](Self::nodes).
    pub fn client_receptions(
        &self,
        now: UnixMillis,
        should_stop: &dyn Fn() -> bool,
    ) -> Result<u64, StoreError> {
        let Some(days) = self.days.client_receptions else { return Ok(0) };
        let cutoff = days_before(now, days);
        let receptions = self.prune::<i64>(&CLIENT_RECEPTIONS, cutoff, should_stop)?;
        Ok(receptions + self.prune::<i64>(&CLIENT_OBSERVERS, cutoff, should_stop)?)
    }

    /// Removes what `rule` finds; says how many rows of its last statement went.
    fn prune<K: FromSql + ToSql + Clone + Send + 'static>(
        &self,
        rule: &'static Rule,
        cutoff: UnixMillis,
        should_stop: &dyn Fn() -> bool,
    ) -> Result<u64, StoreError> {
        let mut keys = due::<K>(&open::for_reading(&self.path)?, rule, cutoff)?.into_iter();
        let mut pace = Pace::new(&self.handle, rule.component, AT_ONCE, should_stop);
        let mut removed = 0;
        while !keys.as_slice().is_empty() {
            let portion: Vec<K> = keys.as_slice().iter().take(pace.items()).cloned().collect();
            let errand =
                pace.errand(move |transaction, limits| remove(transaction, rule, &portion, cutoff, limits))?;
            let Some((done, rows)) = errand else { break };
            keys.by_ref().take(done).for_each(drop);
            removed += rows;
        }
        Ok(removed)
    }
}

/// Marks the observers with these ids (in any case) as inactive: nobody listens to them. Says how many were not yet.
///
/// # Errors
/// [`StoreError`], when the file cannot be written.
pub fn silence_observers(handle: &WriterHandle, ids: &[String]) -> Result<u64, StoreError> {
    let ids: Vec<String> = ids.iter().map(|id| id.trim().to_lowercase()).collect();
    if ids.is_empty() {
        return Ok(0);
    }
    handle.run(Component::PruneObservers, move |transaction| {
        let mut update = transaction.prepare_cached(
            "UPDATE observers SET inactive = 1 WHERE lower(id) = ?1 AND COALESCE(inactive, 0) = 0",
        )?;
        ids.iter().try_fold(0, |marked, id| Ok(marked + update.execute([id])? as u64))
    })
}

/// `days` days before `now`, in whole seconds like the stored times.
fn days_before(now: UnixMillis, days: u32) -> UnixMillis {
    UnixMillis::from_seconds(now.plus_millis(-i64::from(days) * DAY_MILLIS).seconds())
}

/// Keys of the rows that are due, read at one moment.
fn due<K: FromSql>(connection: &Connection, rule: &Rule, cutoff: UnixMillis) -> rusqlite::Result<Vec<K>> {
    let mut find = connection.prepare(rule.find)?;
    // A day covers every zone a stored text may name; what is within that day is compared as time.
    let bound = cutoff.plus_millis(DAY_MILLIS).to_rfc3339_seconds();
    bind(&mut find, ":bound", &bound)?;
    bind(&mut find, ":cutoff", &cutoff.seconds())?;
    let mut rows = find.raw_query();
    let mut keys = Vec::new();
    while let Some(row) = rows.next()? {
        keys.push(row.get(0)?);
    }
    Ok(keys)
}

/// Removes rows until the errand has used up its time: how many were looked at, and how many went.
fn remove<K: ToSql>(
    transaction: &Transaction<'_>,
    rule: &Rule,
    keys: &[K],
    cutoff: UnixMillis,
    limits: Portion,
) -> rusqlite::Result<(usize, u64)> {
    let mut statements =
        rule.remove.iter().map(|sql| transaction.prepare_cached(sql)).collect::<Result<Vec<_>, _>>()?;
    let (mut looked_at, mut removed) = (0, 0);
    for key in keys.iter().take(limits.items) {
        let mut rows = 0;
        for statement in &mut statements {
            bind(statement, ":key", key)?;
            bind(statement, ":cutoff", &cutoff.seconds())?;
            rows = statement.raw_execute()?;
        }
        looked_at += 1;
        removed += rows as u64;
        if limits.is_used_up() {
            break;
        }
    }
    Ok((looked_at, removed))
}

/// Binds `name` where the statement asks for it.
fn bind(statement: &mut Statement<'_>, name: &str, value: &dyn ToSql) -> rusqlite::Result<()> {
    match statement.parameter_index(name)? {
        Some(index) => statement.raw_bind_parameter(index, value),
        None => Ok(()),
    }
}
