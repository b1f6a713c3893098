//! Who the hops of a path were, as far as could be told when the observation came.
//!
//! Many observations ask the same question: this path, heard by this observer, of this node's advert. Its answer is
//! kept once, in `resolved_paths`, and again only when it changes; an observation finds the answer that held when it
//! came by its id. An answer that needs neither observer nor advert is kept for all who ask about the path: of the two
//! the newer one counts. (Rows of other programs carry their answer themselves, in `observations.resolved_path`.)
//!
//! | Column | |
//! | --- | --- |
//! | `path` | bytes per hop, then the hops |
//! | `observer` | `observers.rowid`; 0 where it plays no part: off a flood, or an observer that is no node |
//! | `originator` | number of the node that sent the advert, else 0 |
//! | `since` | the first observation this is the answer for |
//! | `nodes` | per hop the number of a node or 0, as LEB128; empty when no hop is known |
//!
//! Numbers of nodes are those of `node_numbers`. An answer in use is written again after [`RENEWED_AFTER`]
//! observations, so that what is older than the oldest observation by as much can be deleted.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use foldhash::quality::RandomState;
use meshcore_proto::PublicKey;
use rusqlite::{Connection, OptionalExtension};
use smallvec::SmallVec;

use super::neighbors::{self, Neighbors};
use super::query::{ObservationRow, PacketRow};
use crate::UnixMillis;
use crate::graph::NeighborGraph;
use crate::resolve::{HopIndex, PathContext, can_relay};

/// Observations after which an answer still in use is written again. Retention counts by the same number.
pub(super) const RENEWED_AFTER: i64 = 1 << 20;

/// Answers remembered.
const REMEMBERED: usize = 1 << 16;

/// Bytes per hop, then the hops.
type PathBytes = SmallVec<[u8; 32]>;

/// What decides who the hops are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    path: PathBytes,
    observer: i64,
    originator: Option<PublicKey>,
}

/// An observer as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ObserverEnd {
    /// `observers.rowid`.
    pub(super) row: i64,
    /// `None`: its id is no key, so it is nobody's neighbor.
    pub(super) key: Option<PublicKey>,
}

/// Answers, and what is needed to find them. Belongs to the writer.
#[derive(Debug)]
pub(super) struct PathResolver {
    index: HopIndex,
    graph: Arc<NeighborGraph>,
    /// Grows with every change of graph or index.
    version: u64,
    known: HashMap<PathBytes, KnownPath, RandomState>,
    /// Answers in `known`.
    remembered: usize,
    numbers: Numbers,
}

/// What is written about a path, and the answers of those who asked.
#[derive(Debug)]
struct KnownPath {
    for_all: Written,
    answers: SmallVec<[Answer; 1]>,
}

#[derive(Debug)]
struct Answer {
    observer: i64,
    originator: Option<PublicKey>,
    nodes: Vec<Option<PublicKey>>,
    /// Which graph and index gave it.
    version: u64,
    written: Written,
}

/// A row of the table, the newest of its kind; `since` is 0 when there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Written {
    since: i64,
    nodes: SmallVec<[u8; 16]>,
}

/// Numbers of nodes.
#[derive(Debug, Default)]
struct Numbers(HashMap<PublicKey, i64, RandomState>);

impl Question {
    /// `None` when there is no hop, or no path that can be read.
    pub(super) fn new(
        path_json: &str,
        is_flood: bool,
        observer: Option<ObserverEnd>,
        originator: Option<PublicKey>,
    ) -> Option<Self> {
        let hops = path_json.bytes().filter(|byte| *byte == b'"').count() / 2;
        let digits: SmallVec<[u8; 128]> = path_json.bytes().filter(u8::is_ascii_hexdigit).collect();
        let size = digits.len().checked_div(2 * hops)?;
        if size == 0 || digits.len() != 2 * hops * size {
            return None;
        }
        let mut path = SmallVec::from_elem(0, 1 + hops * size);
        let (length, bytes) = path.split_first_mut()?;
        *length = u8::try_from(size).ok()?;
        hex::decode_to_slice(&digits, bytes).ok()?;
        let observer = observer.filter(|observer| is_flood && observer.key.is_some());
        Some(Self { path, observer: observer.map_or(0, |observer| observer.row), originator })
    }

    fn hops(&self) -> std::slice::ChunksExact<'_, u8> {
        match self.path.split_first() {
            Some((size, hops)) if *size > 0 => hops.chunks_exact(usize::from(*size)),
            _ => [].chunks_exact(1),
        }
    }
}

impl PathResolver {
    /// Knows the nodes of the file, and no neighbors yet.
    pub(super) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            index: neighbors::load_index(connection)?,
            graph: Arc::default(),
            version: 0,
            known: HashMap::default(),
            remembered: 0,
            numbers: Numbers::load(connection)?,
        })
    }

    /// Takes what is newly known of neighbors into account. Cheap when nothing is.
    pub(super) fn update(&mut self, neighbors: &Neighbors) {
        let graph = neighbors.graph();
        if !Arc::ptr_eq(&graph, &self.graph) {
            self.graph = graph;
            self.version += 1;
        }
    }

    /// An advert said what a node is.
    pub(super) fn node_is(&mut self, key: PublicKey, role: &str) {
        // Positions and adverts counted play no part here, so a node that is in already need not be changed.
        if self.index.relay(&key).is_some() != can_relay(Some(role)) {
            self.index.set_node(key, Some(role), None, 0);
            self.version += 1;
        }
    }

    /// A status said whether an observer repeats.
    pub(super) fn observer_repeats(&mut self, key: PublicKey, repeats: bool) {
        let before = self.index.epoch();
        self.index.set_listener(key, !repeats);
        self.version += u64::from(self.index.epoch() != before);
    }

    /// Works out who the hops of a new observation are, and keeps it for readers.
    pub(super) fn resolve(
        &mut self,
        connection: &Connection,
        observation: i64,
        question: &Question,
        observer: ObserverEnd,
        now: UnixMillis,
    ) -> rusqlite::Result<&[Option<PublicKey>]> {
        if self.remembered >= REMEMBERED {
            self.known.clear();
            self.remembered = 0;
        }
        let Self { index, graph, version, known, remembered, numbers } = self;
        let Question { path, originator, .. } = question;
        let path_number = match originator {
            Some(key) => numbers.get(connection, *key)?,
            None => 0,
        };
        let known = match known.entry(path.clone()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let for_all = Written::newest(connection, path, 0, 0)?;
                new.insert(KnownPath { for_all, answers: SmallVec::new() })
            }
        };
        let asked =
            |answer: &Answer| (answer.observer, answer.originator) == (question.observer, *originator);
        let place = match known.answers.iter().position(asked) {
            Some(place) => place,
            None => {
                *remembered += 1;
                known.answers.push(Answer {
                    observer: question.observer,
                    originator: *originator,
                    nodes: Vec::new(),
                    version: u64::MAX,
                    written: Written::newest(connection, path, question.observer, path_number)?,
                });
                known.answers.len() - 1
            }
        };
        let KnownPath { for_all, answers } = known;
        let Some(answer) = answers.get_mut(place) else { return Ok(&[]) }; // it was just put there

        let context = PathContext {
            originator: *originator,
            is_advert: originator.is_some(),
            observer: observer.key.filter(|_| question.observer != 0),
        };
        let find = |context| index.stored_path(question.hops(), context, graph, now);
        if answer.version != *version {
            (answer.nodes, answer.version) = (find(context), *version);
        }
        let holds = if for_all.since > answer.written.since { &*for_all } else { &answer.written };
        let nodes = numbers.encode(connection, &answer.nodes)?;
        let is_old = holds.since > 0 && observation - holds.since >= RENEWED_AFTER;
        if holds.nodes != nodes || is_old {
            let for_nobody = PathContext::default();
            let is_for_all = context == for_nobody || find(for_nobody) == answer.nodes;
            let (row, by, of) = if is_for_all {
                (for_all, 0, 0)
            } else {
                (&mut answer.written, question.observer, path_number)
            };
            *row = Written { since: observation, nodes };
            row.write(connection, path, by, of)?;
        }
        Ok(&answer.nodes)
    }
}

impl Written {
    fn newest(
        connection: &Connection,
        path: &[u8],
        observer: i64,
        originator: i64,
    ) -> rusqlite::Result<Self> {
        let newest = connection
            .prepare_cached(
                "SELECT since, nodes FROM resolved_paths WHERE path = ?1 AND observer = ?2 AND originator = ?3
                  ORDER BY since DESC LIMIT 1",
            )?
            .query_row((path, observer, originator), |row| {
                Ok(Self { since: row.get(0)?, nodes: row.get_ref(1)?.as_blob()?.into() })
            })
            .optional()?;
        Ok(newest.unwrap_or_default())
    }

    fn write(
        &self,
        connection: &Connection,
        path: &[u8],
        observer: i64,
        originator: i64,
    ) -> rusqlite::Result<()> {
        connection
            .prepare_cached(
                "INSERT INTO resolved_paths (path, observer, originator, since, nodes) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute((path, observer, originator, self.since, &self.nodes[..]))?;
        Ok(())
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

    /// Numbers as LEB128; nothing when no hop is known.
    fn encode(
        &mut self,
        connection: &Connection,
        nodes: &[Option<PublicKey>],
    ) -> rusqlite::Result<SmallVec<[u8; 16]>> {
        let mut bytes = SmallVec::new();
        if nodes.iter().all(Option::is_none) {
            return Ok(bytes);
        }
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

/// Answers for readers: fills in who the hops were where an observation does not carry it itself.
pub(super) fn fill(
    connection: &Connection,
    packet: &PacketRow,
    observations: &mut [ObservationRow],
) -> rusqlite::Result<()> {
    let mut names: HashMap<i64, Option<String>> = HashMap::new();
    let is_flood = matches!(packet.route_type, Some(0 | 1));
    for observation in observations.iter_mut().filter(|observation| observation.resolved_path.is_none()) {
        let key = observation.observer_id.as_deref().and_then(|id| id.parse().ok());
        let observer = observation.observer_row.map(|row| ObserverEnd { row, key });
        let path = observation.path_json.as_deref().unwrap_or_default();
        let Some(question) = Question::new(path, is_flood, observer, None) else { continue };
        let nodes: Option<Vec<u8>> = connection
            .prepare_cached(
                "WITH asked (originator) AS (SELECT COALESCE(
                     (SELECT n.number FROM transmissions t JOIN node_numbers n ON n.public_key = t.from_pubkey
                       WHERE t.id = ?4 AND t.payload_type = 4), 0))
                 SELECT nodes FROM (
                     SELECT * FROM (SELECT since, nodes FROM resolved_paths, asked
                        WHERE path = ?1 AND observer = ?2 AND resolved_paths.originator = asked.originator
                          AND since <= ?3 ORDER BY since DESC LIMIT 1)
                     UNION ALL
                     SELECT * FROM (SELECT since, nodes FROM resolved_paths
                        WHERE path = ?1 AND observer = 0 AND originator = 0 AND since <= ?3
                        ORDER BY since DESC LIMIT 1))
                  ORDER BY since DESC LIMIT 1",
            )?
            .query_row((&question.path[..], question.observer, observation.id, packet.id), |row| row.get(0))
            .optional()?;
        let Some(nodes) = nodes.filter(|nodes| !nodes.is_empty()) else { continue };
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
fn decode(bytes: &[u8]) -> impl Iterator<Item = i64> {
    bytes
        .split_inclusive(|byte| byte & 0x80 == 0)
        .filter(|part| part.len() <= 8)
        .map(|part| part.iter().rev().fold(0, |number, byte| (number << 7) | i64::from(byte & 0x7f)))
}
