//! Evidence as rows of `neighbor_edge_hours`.
//!
//! Two columns are short where they can be:
//!
//! | Column | Holds |
//! | --- | --- |
//! | `modes` | `NULL`: all sightings came with a prefix as long as `prefix` (or none). Else bytes → sightings |
//! | `observers` | `NULL`: none known. Else an array: `0` is `node_a`, `1` is `node_b`, a text is another id |

use core::fmt;
use std::collections::{BTreeMap, HashMap};

use meshcore_proto::NodeHash;
use rusqlite::{Connection, Row};
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{WATERMARK, seconds, set_state};
use crate::UnixMillis;
use crate::graph::{Delta, EdgeKey, End, EndId, Ends, Far, NeighborGraph, PREFIX_MARK, Tally};

/// How many bytes a prefix has → sightings.
type Modes = BTreeMap<u8, u32>;

/// An observer in the column: 0 is `node_a`, 1 is `node_b`, any other is written out.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Observer {
    A,
    B,
    Id(String),
}

impl Serialize for Observer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::A => serializer.serialize_u8(0),
            Self::B => serializer.serialize_u8(1),
            Self::Id(id) => serializer.serialize_str(id),
        }
    }
}

/// By hand: an untagged enum takes several times as long, and most of loading would be this.
impl<'de> Deserialize<'de> for Observer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Column;

        impl Visitor<'_> for Column {
            type Value = Observer;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("0, 1, or the id of an observer")
            }

            fn visit_u64<E: Error>(self, end: u64) -> Result<Observer, E> {
                match end {
                    0 => Ok(Observer::A),
                    1 => Ok(Observer::B),
                    other => Err(E::invalid_value(Unexpected::Unsigned(other), &self)),
                }
            }

            fn visit_str<E: Error>(self, id: &str) -> Result<Observer, E> {
                Ok(Observer::Id(id.to_owned()))
            }
        }

        deserializer.deserialize_any(Column)
    }
}

/// One hour of an edge, ready to be written.
#[derive(Debug)]
pub(super) struct HourRow {
    node_a: String,
    node_b: String,
    hour: u32,
    count: u32,
    snr: (f64, u32),
    modes: Option<String>,
    observers: Option<String>,
    prefix: Option<String>,
    seen: (u32, u32),
}

impl HourRow {
    /// `tally` is everything there is of this hour.
    pub(super) fn new(graph: &NeighborGraph, key: EdgeKey, tally: &Tally) -> Self {
        let (node_a, node_b) = graph.texts(key);
        let observer = |id| match graph.ends().get(id).to_text() {
            id if id == node_a => Observer::A,
            id if id == node_b => Observer::B,
            id => Observer::Id(id),
        };
        let observers: Vec<Observer> = tally.observers().iter().map(|id| observer(*id)).collect();
        let modes = || (0..).zip(tally.modes()).filter(|(_, count)| *count > 0).collect::<Modes>();
        Self {
            hour: tally.hour(),
            count: tally.count(),
            snr: tally.snr(),
            modes: (!tally.is_of_one_mode()).then(|| json(&modes())),
            observers: (!observers.is_empty()).then(|| json(&observers)),
            prefix: tally.prefix().map(|prefix| prefix.to_string().to_lowercase()),
            seen: (tally.first_seen(), tally.last_seen()),
            node_a,
            node_b,
        }
    }

    pub(super) fn write(&self, connection: &Connection) -> rusqlite::Result<()> {
        let (snr_sum, snr_n) = self.snr;
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO neighbor_edge_hours
                        (node_a, node_b, hour, count, snr_sum, snr_n, modes, observers, prefix, first_seen, last_seen)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?
            .execute((
                &self.node_a,
                &self.node_b,
                self.hour,
                self.count,
                (snr_n > 0).then_some(snr_sum),
                snr_n,
                &self.modes,
                &self.observers,
                &self.prefix,
                self.seen.0,
                self.seen.1,
            ))?;
        Ok(())
    }
}

/// What one errand writes.
#[derive(Debug)]
pub(super) struct Slice {
    hours: Vec<HourRow>,
    /// Ends, sightings and last second of edges in the roll-up.
    edges: Vec<(String, String, u32, u32)>,
    watermark: i64,
}

impl Slice {
    /// The rows as they are once `delta` is added to `graph`. `roll_up`: whether it counts in `neighbor_edges`.
    pub(super) fn new(graph: &NeighborGraph, delta: &Delta, watermark: i64, roll_up: bool) -> Self {
        let mut hours = Vec::with_capacity(delta.len());
        let mut edges: HashMap<EdgeKey, (u32, u32)> = HashMap::new();
        for (key, hour, added) in delta.hours() {
            let known = graph.get(key).and_then(|edge| edge.hour(hour)).cloned();
            let tally = known.map_or_else(
                || added.clone(),
                |mut known| {
                    known.merge(added);
                    known
                },
            );
            hours.push(HourRow::new(graph, key, &tally));
            if roll_up && let Far::End(_) = key.far() {
                let (count, last_seen) = edges.entry(key).or_default();
                *count = count.saturating_add(added.count());
                *last_seen = added.last_seen().max(*last_seen);
            }
        }
        // neighbors in the table are written one after the other
        hours.sort_unstable_by(|x, y| (&x.node_a, &x.node_b, x.hour).cmp(&(&y.node_a, &y.node_b, y.hour)));
        let row = |(key, (count, last_seen))| {
            let (node_a, node_b) = graph.texts(key);
            (node_a, node_b, count, last_seen)
        };
        let mut edges: Vec<_> = edges.into_iter().map(row).collect();
        edges.sort_unstable();
        Self { hours, edges, watermark }
    }

    pub(super) fn write(&self, connection: &Connection) -> rusqlite::Result<()> {
        for row in &self.hours {
            row.write(connection)?;
        }
        let mut upsert = connection.prepare_cached(
            "INSERT INTO neighbor_edges (node_a, node_b, count, last_seen) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (node_a, node_b) DO UPDATE
                SET count = COALESCE(count, 0) + excluded.count,
                    last_seen = MAX(COALESCE(last_seen, ''), excluded.last_seen)",
        )?;
        for (node_a, node_b, count, last_seen) in &self.edges {
            let last_seen = UnixMillis::from_seconds(i64::from(*last_seen)).to_rfc3339_seconds();
            upsert.execute((node_a, node_b, count, last_seen))?;
        }
        set_state(connection, WATERMARK, self.watermark)
    }
}

/// The graph that the table holds. Rows that cannot be read are named in the log and left out.
pub(super) fn load(connection: &Connection) -> rusqlite::Result<NeighborGraph> {
    let mut graph = NeighborGraph::new();
    let mut broken = 0_u64;
    let mut statement = connection.prepare_cached(
        "SELECT node_a, node_b, count, snr_sum, snr_n, modes, observers, prefix, first_seen, last_seen
           FROM neighbor_edge_hours",
    )?;
    let mut rows = statement.query([])?;
    let mut edge = LoadedEdge::default();
    while let Some(row) = rows.next()? {
        match edge.read(&mut graph, row) {
            Some((key, tally)) => graph.add(key, &tally),
            None => broken += 1,
        }
    }
    if broken > 0 {
        tracing::warn!(rows = broken, "rows of neighbor_edge_hours cannot be read and do not count");
    }
    Ok(graph)
}

/// The edge of the last row: the next is mostly of the same.
#[derive(Default)]
struct LoadedEdge {
    node_a: String,
    node_b: String,
    ends: Option<LoadedEnds>,
}

#[derive(Clone, Copy)]
struct LoadedEnds {
    key: EdgeKey,
    node_a: EndId,
    /// `None` of a prefix.
    node_b: Option<EndId>,
}

impl LoadedEdge {
    fn read(&mut self, graph: &mut NeighborGraph, row: &Row<'_>) -> Option<(EdgeKey, Tally)> {
        let text = |column| row.get_ref(column).ok()?.as_str().ok();
        let (node_a, node_b) = (text(0)?, text(1)?);
        let ends = graph.ends_mut();
        if node_a != self.node_a || node_b != self.node_b {
            self.ends = LoadedEnds::of(ends, node_a, node_b);
            node_a.clone_into(&mut self.node_a);
            node_b.clone_into(&mut self.node_b);
        }
        let edge = self.ends?;
        let prefix: Option<NodeHash> = match text(7) {
            Some(prefix) => Some(prefix.parse().ok()?),
            None => None,
        };
        let modes = match text(5) {
            None => Tally::one_mode(row.get(2).ok()?, prefix),
            Some(json) => {
                let stored: Modes = serde_json::from_str(json).ok()?;
                let mut modes = [0; 4];
                for (bytes, count) in stored {
                    *modes.get_mut(usize::from(bytes))? = count;
                }
                modes
            }
        };
        let stored: Vec<Observer> = match text(6) {
            Some(json) => serde_json::from_str(json).ok()?,
            None => Vec::new(),
        };
        let observer = |observer| match observer {
            Observer::A => Some(edge.node_a),
            Observer::B => edge.node_b,
            Observer::Id(id) => Some(ends.intern(End::from_text(&id)?)),
        };
        let observers = stored.into_iter().map(observer).collect::<Option<Vec<_>>>()?;
        let snr = (row.get::<_, Option<f64>>(3).ok()?.unwrap_or(0.0), row.get(4).ok()?);
        let seen = (seconds(row.get(8).ok()?), seconds(row.get(9).ok()?));
        Some((edge.key, Tally::from_parts(modes, seen, snr, prefix, observers)))
    }
}

impl LoadedEnds {
    fn of(ends: &mut Ends, node_a: &str, node_b: &str) -> Option<Self> {
        let near = ends.intern(End::from_text(node_a)?);
        if let Some(prefix) = node_b.strip_prefix(PREFIX_MARK) {
            return Some(Self {
                key: EdgeKey::ambiguous(near, prefix.parse().ok()?),
                node_a: near,
                node_b: None,
            });
        }
        let far = ends.intern(End::from_text(node_b)?);
        Some(Self { key: EdgeKey::between(near, far), node_a: near, node_b: Some(far) })
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("numbers and texts always become JSON")
}
