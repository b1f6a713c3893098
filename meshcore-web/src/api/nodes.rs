//! `/api/nodes`: who is there.

use actix_web::web;
use meshcore_store::UnixMillis;
use meshcore_store::db::{NodeCounts, NodeFilter, NodeOrder, NodeRow};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::params;
use crate::app::App;
use crate::error::{ApiError, Problem};

/// Nodes per page when the client does not say.
const PAGE: u32 = 50;

/// Which nodes.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, rename_all = "camelCase")]
pub struct NodeParams {
    /// Page size; 50 when absent.
    #[param(value_type = Option<u32>)]
    limit: Option<String>,
    /// Rows to skip.
    #[param(value_type = Option<u32>)]
    offset: Option<String>,
    /// Exact role.
    role: Option<String>,
    /// Part of the name.
    search: Option<String>,
    /// First seen at or before this time.
    before: Option<String>,
    /// `1h`, `6h`, `24h`, `7d` or `30d`: heard within.
    last_heard: Option<String>,
    /// `lastSeen`, `name` or `packetCount`.
    sort_by: Option<String>,
    /// Heard in one of these regions, comma-separated.
    region: Option<String>,
    /// Refused: not supported by this version.
    area: Option<String>,
}

/// A page of nodes.
#[derive(Debug, Serialize, ToSchema)]
pub struct NodeList {
    nodes: Vec<Node>,
    /// Nodes that match, on all pages.
    total: i64,
    /// All nodes by role.
    counts: RoleCounts,
}

/// Nodes by role.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoleCounts {
    repeaters: i64,
    rooms: i64,
    companions: i64,
    sensors: i64,
}

/// A node: what its newest advert says, and when it was heard.
#[derive(Debug, Serialize, ToSchema)]
pub struct Node {
    /// 64 hex digits, lower case.
    public_key: String,
    #[schema(required)]
    name: Option<String>,
    #[schema(required)]
    role: Option<String>,
    /// Degrees north.
    #[schema(required)]
    lat: Option<f64>,
    /// Degrees east.
    #[schema(required)]
    lon: Option<f64>,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    first_seen: Option<UnixMillis>,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    last_seen: Option<UnixMillis>,
    /// As `last_seen`.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    last_heard: Option<UnixMillis>,
    /// Distinct adverts.
    advert_count: i64,
    #[schema(required)]
    battery_mv: Option<i64>,
    #[schema(required)]
    temperature_c: Option<f64>,
    /// An advert of it came from outside the configured area.
    foreign: bool,
    #[schema(required)]
    default_scope: Option<String>,
}

/// Nodes, the one heard last first.
#[utoipa::path(
    get,
    path = "/api/nodes",
    operation_id = "list_nodes",
    params(NodeParams),
    responses(
        (status = 200, body = NodeList, description = "a page"),
        (status = 400, body = Problem, description = "a parameter has a value it cannot have")
    )
)]
pub(crate) async fn list(
    app: web::Data<App>,
    params: web::Query<NodeParams>,
) -> Result<web::Json<NodeList>, ApiError> {
    let filter = params.filter(app.config().list_limits.nodes(), app.now())?;
    let (page, counts) = app.read(move |reader| Ok((reader.nodes(&filter)?, reader.node_counts()?))).await?;
    let nodes = page.nodes.into_iter().map(Node::from).collect();
    Ok(web::Json(NodeList { nodes, total: page.total, counts: counts.into() }))
}

impl NodeParams {
    fn filter(&self, max: u32, now: UnixMillis) -> Result<NodeFilter, ApiError> {
        params::refuse(&[("area", &self.area)])?;
        let text = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        let hours = match self.last_heard.as_deref() {
            Some("1h") => Some(1),
            Some("6h") => Some(6),
            Some("24h") => Some(24),
            Some("7d") => Some(7 * 24),
            Some("30d") => Some(30 * 24),
            _ => None,
        };
        Ok(NodeFilter {
            role: text(&self.role),
            search: text(&self.search),
            before: params::time("before", self.before.as_deref())?,
            heard_since: hours.map(|hours: i64| now.plus_millis(-hours * 3_600_000)),
            regions: params::regions(self.region.as_deref()),
            order: match self.sort_by.as_deref() {
                Some("name") => NodeOrder::Name,
                Some("packetCount") => NodeOrder::AdvertCount,
                _ => NodeOrder::LastSeen,
            },
            limit: params::limit(self.limit.as_deref(), PAGE, max),
            offset: params::offset(self.offset.as_deref()),
        })
    }
}

impl From<NodeRow> for Node {
    fn from(row: NodeRow) -> Self {
        Self {
            public_key: row.public_key,
            name: row.name,
            role: row.role,
            lat: row.lat,
            lon: row.lon,
            first_seen: row.first_seen,
            last_seen: row.last_seen,
            last_heard: row.last_seen,
            advert_count: row.advert_count,
            battery_mv: row.battery_mv,
            temperature_c: row.temperature_c,
            foreign: row.foreign,
            default_scope: row.default_scope,
        }
    }
}

impl From<NodeCounts> for RoleCounts {
    fn from(counts: NodeCounts) -> Self {
        let NodeCounts { repeaters, rooms, companions, sensors } = counts;
        Self { repeaters, rooms, companions, sensors }
    }
}
