//! Who the hops of a path were, as far as could be told when the observation came.
//!
//! The answer belongs to its moment: what is learned later does not change it. It is kept beside the observation, in
//! `resolved_paths`, as numbers of nodes: a tenth of what the keys would need in `observations.resolved_path`, which is
//! left to rows of other programs. Observations none of whose hops is known have no row.
//!
//! | Column | |
//! | --- | --- |
//! | `observation_id` | `observations.id` |
//! | `nodes` | per hop the number of a node in `node_numbers` or 0, as LEB128 |

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::quality::RandomState;
use meshcore_proto::PublicKey;
use rusqlite::{Connection, OptionalExtension};
use smallvec::SmallVec;

use super::neighbors::{self, Neighbors};
use super::query::ObservationRow;
use crate::UnixMillis;
use crate::graph::NeighborGraph;
use crate::resolve::{HopIndex, PathContext, can_relay};
use crate::view::HopPath;

/// Works out who hops are. Belongs to the writer.
#[derive(Debug)]
pub(super) struct PathResolver {
    index: HopIndex,
    graph: Arc<NeighborGraph>,
    numbers: Numbers,
}

/// Numbers of nodes.
#[derive(Debug, Default)]
struct Numbers(HashMap<PublicKey, i64, RandomState>);

impl PathResolver {
    /// Knows the nodes of the file, and no neighbors yet.
    pub(super) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            index: neighbors::load_index(connection)?,
            graph: Arc::default(),
            numbers: Numbers::load(connection)?,
        })
    }

    /// Takes what is newly known of neighbors into account.
    pub(super) fn update(&mut self, neighbors: &Neighbors) {
        self.graph = neighbors.graph();
    }

    /// An advert said what a node is.
    pub(super) fn node_is(&mut self, key: PublicKey, role: &str) {
        // Positions and adverts counted play no part here, so a node that is in already need not be changed.
        if self.index.relay(&key).is_some() != can_relay(Some(role)) {
            self.index.set_node(key, Some(role), None, 0);
        }
    }

    /// A status said whether an observer repeats.
    pub(super) fn observer_repeats(&mut self, key: PublicKey, repeats: bool) {
        self.index.set_listener(key, !repeats);
    }

    /// Works out who the hops of a new observation are, and keeps it for readers.
    pub(super) fn resolve(
        &mut self,
        connection: &Connection,
        observation: i64,
        hops: &HopPath,
        context: PathContext,
        now: UnixMillis,
    ) -> rusqlite::Result<Vec<Option<PublicKey>>> {
        let nodes = self.index.stored_path(hops.iter(), context, &self.graph, now);
        if nodes.iter().any(Option::is_some) {
            let encoded = self.numbers.encode(connection, &nodes)?;
            connection
                .prepare_cached("INSERT INTO resolved_paths (observation_id, nodes) VALUES (?1, ?2)")?
                .execute((observation, &encoded[..]))?;
        }
        Ok(nodes)
    }
}

impl Numbers {
    fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let mut numbers = Self::default();
        let mut statement = connection.prepare("SELECT public_key, number FROM node_numbers")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            if let Ok(key) = row.get::<_, String>(0)?.parse() {
                numbers.0.insert(key, row.get(1)?);
            }
        }
        Ok(numbers)
    }

    /// The number of a node; it gets one when it has none.
    fn get(&mut self, connection: &Connection, key: PublicKey) -> rusqlite::Result<i64> {
        if let Some(number) = self.0.get(&key) {
            return Ok(*number);
        }
        connection
            .prepare_cached("INSERT INTO node_numbers (public_key) VALUES (?1)")?
            .execute([key.to_string()])?;
        let number = connection.last_insert_rowid();
        self.0.insert(key, number);
        Ok(number)
    }

    fn encode(
        &mut self,
        connection: &Connection,
        nodes: &[Option<PublicKey>],
    ) -> rusqlite::Result<SmallVec<[u8; 32]>> {
        let mut bytes = SmallVec::new();
        for node in nodes {
            let mut rest = match node {
                Some(key) => self.get(connection, *key)?,
                None => 0,
            };
            loop {
                let low = u8::try_from(rest & 0x7f).unwrap_or(0);
                rest >>= 7;
                bytes.push(if rest == 0 { low } else { low | 0x80 });
                if rest == 0 {
                    break;
                }
            }
        }
        Ok(bytes)
    }
}

/// Fills in who the hops were where an observation does not carry it itself.
pub(super) fn fill(connection: &Connection, observations: &mut [ObservationRow]) -> rusqlite::Result<()> {
    let mut names: HashMap<i64, Option<String>> = HashMap::new();
    for observation in observations.iter_mut().filter(|observation| observation.resolved_path.is_none()) {
        let Some(nodes) = observation.resolved_nodes.take() else { continue };
        let name = |number| -> rusqlite::Result<Option<String>> {
            if let Some(name) = names.get(&number) {
                return Ok(name.clone());
            }
            let name: Option<String> = connection
                .prepare_cached("SELECT public_key FROM node_numbers WHERE number = ?1")?
                .query_row([number], |row| row.get(0))
                .optional()?;
            names.insert(number, name.clone());
            Ok(name)
        };
        observation.resolved_path = Some(decode(&nodes).map(name).collect::<Result<_, _>>()?);
    }
    Ok(())
}

/// The numbers in `bytes`; what is no number is left out.
pub(super) fn decode(bytes: &[u8]) -> impl Iterator<Item = i64> {
    bytes
        .split_inclusive(|byte| byte & 0x80 == 0)
        .filter(|part| part.len() <= 8)
        .map(|part| part.iter().rev().fold(0, |number, byte| (number << 7) | i64::from(byte & 0x7f)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_any_size_come_back() {
        let connection = Connection::open_in_memory().unwrap();
        let key = |byte| PublicKey::from_bytes([byte; 32]);
        let known = [(key(1), 1), (key(2), 127), (key(3), 128), (key(4), 2_000_000)];
        let mut numbers = Numbers(known.into_iter().collect());
        let nodes = [Some(key(4)), None, Some(key(1)), Some(key(2)), Some(key(3))];
        let bytes = numbers.encode(&connection, &nodes).unwrap();
        assert_eq!(decode(&bytes).collect::<Vec<_>>(), [2_000_000, 0, 1, 127, 128]);
    }
}
