//! Counting rows.

use rusqlite::Connection;

use super::nodes::{self, NodeCounts};
use crate::UnixMillis;

/// Days after which a node no longer counts as current.
const CURRENT_NODE_MILLIS: i64 = 7 * 24 * 3_600_000;

/// How much is stored. Hidden nodes and observers are not counted, what was sent and heard is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Packets.
    pub transmissions: i64,
    /// Receptions.
    pub observations: i64,
    /// Nodes heard in the last seven days.
    pub nodes: i64,
    /// Nodes ever, those put aside included.
    pub nodes_all_time: i64,
    /// Active observers.
    pub observers: i64,
    /// Receptions of the last hour.
    pub observations_last_hour: i64,
    /// Receptions of the last day.
    pub observations_last_day: i64,
    /// Adverts refused for their signature.
    pub signature_drops: i64,
    /// Adverts of an older file whose originator is still to be filled in.
    pub adverts_without_originator: i64,
    /// All content hashes are what they should be: the upgrade of an older file is through with them.
    pub hashes_are_current: bool,
    /// Current nodes by role.
    pub counts: NodeCounts,
}

/// Counts everything: each figure walks an index once.
pub(super) fn totals(connection: &Connection, now: UnixMillis) -> rusqlite::Result<Totals> {
    let current = now.plus_millis(-CURRENT_NODE_MILLIS);
    connection
        .prepare_cached(
            "SELECT (SELECT COUNT(*) FROM transmissions),
                    (SELECT COUNT(*) FROM observations)
                        + (SELECT COALESCE(SUM(observations), 0) FROM packed_observations),
                    (SELECT COUNT(*) FROM nodes
                      WHERE unixepoch(last_seen) >= ?1 AND NOT hides_node(public_key, name)),
                    (SELECT COUNT(*) FROM nodes WHERE NOT hides_node(public_key, name))
                        + (SELECT COUNT(*) FROM inactive_nodes WHERE NOT hides_node(public_key, name)),
                    (SELECT COUNT(*) FROM observers WHERE COALESCE(inactive, 0) = 0 AND NOT hides_observer(id)),
                    (SELECT COUNT(*) FROM observations WHERE timestamp >= ?2),
                    (SELECT COUNT(*) FROM observations WHERE timestamp >= ?3),
                    (SELECT COUNT(*) FROM dropped_packets),
                    (SELECT COUNT(*) FROM transmissions WHERE payload_type = 4 AND +from_pubkey IS NULL),
                    EXISTS (SELECT 1 FROM _migrations WHERE name = 'content_hash_v2')",
        )?
        .query_row(
            (
                current.seconds(),
                now.plus_millis(-3_600_000).seconds(),
                now.plus_millis(-24 * 3_600_000).seconds(),
            ),
            |row| {
                Ok(Totals {
                    transmissions: row.get(0)?,
                    observations: row.get(1)?,
                    nodes: row.get(2)?,
                    nodes_all_time: row.get(3)?,
                    observers: row.get(4)?,
                    observations_last_hour: row.get(5)?,
                    observations_last_day: row.get(6)?,
                    signature_drops: row.get(7)?,
                    adverts_without_originator: row.get(8)?,
                    hashes_are_current: row.get(9)?,
                    counts: NodeCounts::default(),
                })
            },
        )
        .and_then(|totals| Ok(Totals { counts: nodes::counts(connection, Some(current))?, ..totals }))
}
