//! Nodes: what their adverts say.

use meshcore_proto::PublicKey;
use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, Row, ToSql, named_params};

use super::observers::time;
use crate::decoded::DecodedAdvert;
use crate::{Reception, UnixMillis};

/// What an accepted advert says about its node. Absent fields keep what is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeAdvert {
    /// The node.
    pub public_key: PublicKey,
    /// Never empty.
    pub name: Option<String>,
    /// Word of the role vocabulary; absent when the advert's app data is broken.
    pub role: Option<String>,
    /// Degrees north and east.
    pub position: Option<(f64, f64)>,
    /// Millivolt.
    pub battery_mv: Option<u16>,
    /// Degrees Celsius.
    pub temperature_c: Option<f64>,
    /// Whether it lies outside the configured area; `None` when that cannot be said.
    pub foreign: Option<bool>,
}

impl NodeAdvert {
    /// What a decoded advert says; whether it is foreign is for the caller to add.
    pub fn of(advert: &DecodedAdvert) -> Self {
        Self {
            public_key: advert.public_key,
            name: advert.name.clone().filter(|name| !name.is_empty()),
            role: advert.role.map(|role| role.to_string()),
            position: advert.lat.zip(advert.lon),
            battery_mv: advert.battery_mv,
            temperature_c: advert.temperature_c,
            foreign: None,
        }
    }
}

/// A node that an observer knows, told without the advert that would prove it.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeSighting {
    /// Who tells it, and when.
    pub reception: Reception,
    /// What it says of the node.
    pub node: NodeAdvert,
}

/// A node as listed.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "columns of the table, explained at NodeAdvert")]
pub struct NodeRow {
    pub public_key: String,
    pub name: Option<String>,
    pub role: Option<String>,
    pub lat: Option<f64>,
    pub lon: Option<f64>,
    pub first_seen: Option<UnixMillis>,
    pub last_seen: Option<UnixMillis>,
    pub advert_count: i64,
    pub battery_mv: Option<i64>,
    pub temperature_c: Option<f64>,
    /// An advert of it came from outside the configured area.
    pub foreign: bool,
    pub default_scope: Option<String>,
}

/// Which nodes, and in which order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeFilter {
    /// Exact role.
    pub role: Option<String>,
    /// Part of the name, ASCII case ignored.
    pub search: Option<String>,
    /// First seen at or before.
    pub before: Option<UnixMillis>,
    /// Last seen at or after.
    pub heard_since: Option<UnixMillis>,
    /// Heard, with an ADVERT, by an observer of one of these regions (upper case). Empty: no filter.
    pub regions: Vec<String>,
    /// Order of the list.
    pub order: NodeOrder,
    /// Rows of a page.
    pub limit: u32,
    /// Rows skipped.
    pub offset: u32,
}

/// Orders of the node list; ties go by key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NodeOrder {
    /// Heard last first.
    #[default]
    LastSeen,
    /// By name.
    Name,
    /// Most adverts first.
    AdvertCount,
}

/// One page of nodes.
#[derive(Clone, Debug, PartialEq)]
pub struct NodePage {
    /// The page.
    pub nodes: Vec<NodeRow>,
    /// Nodes that match, on all pages.
    pub total: i64,
}

/// Nodes by role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "a number per role")]
pub struct NodeCounts {
    pub repeaters: i64,
    pub rooms: i64,
    pub companions: i64,
    pub sensors: i64,
}

/// All columns, by name: their order differs between files.
macro_rules! columns {
    () => {
        "public_key, name, role, lat, lon, last_seen, first_seen, advert_count, battery_mv, temperature_c, \
         foreign_advert, default_scope, multibyte_sup, multibyte_evidence"
    };
}

const COLUMNS: &str = columns!();

/// Copies the node in row `:key` to those put aside if it was last heard before `:cutoff` (Unix seconds).
pub(super) const PUT_ASIDE: &str = concat!(
    "INSERT OR REPLACE INTO inactive_nodes (",
    columns!(),
    ") SELECT ",
    columns!(),
    " FROM nodes WHERE rowid = :key AND unixepoch(last_seen) < :cutoff"
);

/// Stores what an advert says. A node that was put aside comes back with its history.
///
/// `counts` is whether this advert is a new transmission; repeats of one advert count once.
pub(super) fn upsert(
    connection: &Connection,
    advert: &NodeAdvert,
    at: UnixMillis,
    now: UnixMillis,
    counts: bool,
) -> rusqlite::Result<()> {
    let key = advert.public_key.to_string();
    if update(connection, &key, advert, at, now, counts)? {
        return Ok(());
    }
    let revived = connection
        .prepare_cached(&format!(
            "INSERT INTO nodes ({COLUMNS}) SELECT {COLUMNS} FROM inactive_nodes WHERE public_key = ?1"
        ))?
        .execute([&key])?;
    if revived > 0 {
        connection.prepare_cached("DELETE FROM inactive_nodes WHERE public_key = ?1")?.execute([&key])?;
    } else {
        connection
            .prepare_cached("INSERT INTO nodes (public_key, role, first_seen) VALUES (?1, 'none', ?2)")?
            .execute((&key, at.to_rfc3339_seconds()))?;
    }
    update(connection, &key, advert, at, now, counts)?;
    Ok(())
}

/// Whether the node is there, with what the advert says.
fn update(
    connection: &Connection,
    key: &str,
    advert: &NodeAdvert,
    at: UnixMillis,
    now: UnixMillis,
    counts: bool,
) -> rusqlite::Result<bool> {
    let rows = connection
        .prepare_cached(
            "UPDATE nodes
                SET name = COALESCE(:name, name), role = COALESCE(:role, role),
                    lat = COALESCE(:lat, lat), lon = COALESCE(:lon, lon),
                    last_seen = MAX(MIN(COALESCE(last_seen, ''), :now), :at),
                    advert_count = COALESCE(advert_count, 0) + :counts,
                    battery_mv = COALESCE(:battery_mv, battery_mv),
                    temperature_c = COALESCE(:temperature_c, temperature_c),
                    foreign_advert = COALESCE(:foreign, foreign_advert)
              WHERE public_key = :key",
        )?
        .execute(named_params! {
            ":key": key,
            ":name": advert.name,
            ":role": advert.role,
            ":lat": advert.position.map(|(lat, _)| lat),
            ":lon": advert.position.map(|(_, lon)| lon),
            ":at": at.to_rfc3339_seconds(),
            ":now": now.to_rfc3339_seconds(),
            ":counts": counts,
            ":battery_mv": advert.battery_mv,
            ":temperature_c": advert.temperature_c,
            ":foreign": advert.foreign,
        })?;
    Ok(rows > 0)
}

/// Notes the region that a node's advert was bound to.
pub(super) fn set_default_scope(
    connection: &Connection,
    key: PublicKey,
    scope: &str,
) -> rusqlite::Result<()> {
    for table in ["nodes", "inactive_nodes"] {
        connection
            .prepare_cached(&format!(
                "UPDATE {table} SET default_scope = ?2 WHERE public_key = ?1 AND default_scope IS NOT ?2"
            ))?
            .execute((key.to_string(), scope))?;
    }
    Ok(())
}

/// One page of the nodes that match, and how many there are.
pub(super) fn list(connection: &Connection, filter: &NodeFilter) -> rusqlite::Result<NodePage> {
    let mut wheres = String::from("NOT hides_node(public_key, name)");
    let mut values: Vec<ToSqlOutput<'_>> = Vec::new();
    let pattern = filter.search.as_ref().map(|part| format!("%{}%", escape_like(part)));
    if let Some(role) = &filter.role {
        wheres.push_str(" AND role = ?");
        values.push(role.to_sql()?);
    }
    if let Some(pattern) = &pattern {
        wheres.push_str(r" AND name LIKE ? ESCAPE '\'");
        values.push(pattern.to_sql()?);
    }
    if let Some(before) = filter.before {
        wheres.push_str(" AND unixepoch(first_seen) <= ?");
        values.push(before.seconds().into());
    }
    if let Some(since) = filter.heard_since {
        wheres.push_str(" AND unixepoch(last_seen) >= ?");
        values.push(since.seconds().into());
    }
    if !filter.regions.is_empty() {
        let marks = vec!["?"; filter.regions.len()].join(", ");
        wheres.push_str(&format!(
            " AND public_key IN (SELECT t.from_pubkey FROM transmissions t
                 JOIN all_observations o ON o.transmission_id = t.id JOIN observers b ON b.rowid = o.observer_idx
                WHERE t.payload_type = 4 AND t.from_pubkey <> '' AND b.iata IN ({marks}))"
        ));
        for region in &filter.regions {
            values.push(region.to_sql()?);
        }
    }
    let order = match filter.order {
        NodeOrder::LastSeen => "last_seen DESC",
        NodeOrder::Name => "name COLLATE NOCASE",
        NodeOrder::AdvertCount => "advert_count DESC",
    };
    let total = connection
        .prepare_cached(&format!("SELECT COUNT(*) FROM nodes WHERE {wheres}"))?
        .query_row(rusqlite::params_from_iter(&values), |row| row.get(0))?;
    values.push(filter.limit.into());
    values.push(filter.offset.into());
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM nodes WHERE {wheres} ORDER BY {order}, public_key LIMIT ? OFFSET ?"
    ))?;
    let nodes = statement.query_map(rusqlite::params_from_iter(&values), read)?.collect::<Result<_, _>>()?;
    Ok(NodePage { nodes, total })
}

/// Nodes by role; with `since`, only those heard since.
pub(super) fn counts(connection: &Connection, since: Option<UnixMillis>) -> rusqlite::Result<NodeCounts> {
    connection
        .prepare_cached(
            "SELECT COUNT(*) FILTER (WHERE role = 'repeater'), COUNT(*) FILTER (WHERE role = 'room'),
                    COUNT(*) FILTER (WHERE role = 'companion'), COUNT(*) FILTER (WHERE role = 'sensor')
               FROM nodes
              WHERE (?1 IS NULL OR unixepoch(last_seen) >= ?1) AND NOT hides_node(public_key, name)",
        )?
        .query_row([since.map(UnixMillis::seconds)], |row| {
            Ok(NodeCounts {
                repeaters: row.get(0)?,
                rooms: row.get(1)?,
                companions: row.get(2)?,
                sensors: row.get(3)?,
            })
        })
}

fn read(row: &Row<'_>) -> rusqlite::Result<NodeRow> {
    Ok(NodeRow {
        public_key: row.get::<_, String>("public_key")?.to_lowercase(),
        name: row.get("name")?,
        role: row.get("role")?,
        lat: row.get("lat")?,
        lon: row.get("lon")?,
        first_seen: time(row, "first_seen")?,
        last_seen: time(row, "last_seen")?,
        advert_count: row.get::<_, Option<i64>>("advert_count")?.unwrap_or(0),
        battery_mv: row.get("battery_mv")?,
        temperature_c: row.get("temperature_c")?,
        foreign: row.get::<_, Option<bool>>("foreign_advert")?.unwrap_or(false),
        default_scope: row.get::<_, Option<String>>("default_scope")?.filter(|scope| !scope.is_empty()),
    })
}

/// `%` and `_` of a search mean themselves.
fn escape_like(part: &str) -> String {
    part.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_")
}
