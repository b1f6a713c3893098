//! [`Visibility`] as SQL: the one place where readers leave out who is not shown.
//!
//! A node is hidden by its key or by the name it has now, so the condition asks the tables of nodes, those put aside
//! included. Functions and view are the connection's, as in `packing.rs`.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use serde_json::Value;

use super::query::ObservationRow;
use crate::Visibility;

/// Whether transmission `t` may be shown, when all are asked: the hidden nodes are collected once.
pub(super) const SHOWN_OF_ALL: &str =
    "(t.from_pubkey IS NULL OR t.from_pubkey NOT IN (SELECT public_key FROM hidden_nodes))";

/// The same when few are asked: each looks its own node up.
pub(super) const SHOWN_OF_FEW: &str = "(t.from_pubkey IS NULL OR NOT hides_node(t.from_pubkey, COALESCE(
    (SELECT name FROM nodes WHERE public_key = t.from_pubkey),
    (SELECT name FROM inactive_nodes WHERE public_key = t.from_pubkey))))";

/// Lets a connection ask `hides_node`, `hides_observer` and `hidden_nodes`.
pub(super) fn prepare(connection: &Connection, visibility: &Arc<Visibility>) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    let rules = Arc::clone(visibility);
    connection.create_scalar_function("hides_node", 2, flags, move |arguments| {
        let text = |index| arguments.get_raw(index).as_str_or_null().ok().flatten();
        Ok(text(0).is_some_and(|key| rules.hides_node(key, text(1))))
    })?;
    let rules = Arc::clone(visibility);
    connection.create_scalar_function("hides_observer", 1, flags, move |arguments| {
        let id = arguments.get_raw(0).as_str_or_null().ok().flatten();
        Ok(id.is_some_and(|id| rules.hides_observer(id)))
    })?;
    let listed = Value::from_iter(visibility.listed_nodes()).to_string();
    connection.create_scalar_function("listed_nodes", 0, flags, move |_| Ok(listed.clone()))?;
    connection.execute_batch(
        "CREATE TEMP VIEW IF NOT EXISTS hidden_nodes AS
         SELECT public_key FROM nodes WHERE hides_node(public_key, name) UNION ALL
         SELECT public_key FROM inactive_nodes WHERE hides_node(public_key, name) UNION ALL
         SELECT value FROM json_each(listed_nodes())",
    )
}

/// Hidden nodes among the resolved hops become unknown ones.
pub(super) fn hide_hops(
    connection: &Connection,
    observations: &mut [ObservationRow],
) -> rusqlite::Result<()> {
    let mut known: HashMap<String, bool> = HashMap::new();
    let hops = observations.iter_mut().flat_map(|observation| observation.resolved_path.iter_mut().flatten());
    for hop in hops {
        let Some(key) = hop else { continue };
        let is_hidden = match known.get(key) {
            Some(is_hidden) => *is_hidden,
            None => {
                let is_hidden = connection
                    .prepare_cached(
                        "SELECT hides_node(?1, COALESCE((SELECT name FROM nodes WHERE public_key = ?1),
                                                        (SELECT name FROM inactive_nodes WHERE public_key = ?1)))",
                    )?
                    .query_row([&*key], |row| row.get(0))?;
                known.insert(key.clone(), is_hidden);
                is_hidden
            }
        };
        if is_hidden {
            *hop = None;
        }
    }
    Ok(())
}
