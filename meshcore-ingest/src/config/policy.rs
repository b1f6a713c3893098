//! What is wanted: areas, regions, coverage, companions, and who is not shown.

use meshcore_store::Visibility;
use meshcore_store::geo::Area;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Config;

/// Corners below which a polygon has no inside.
const FEWEST_CORNERS: usize = 3;

/// `geo_filter`: adverts from outside are foreign.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct GeoFilter {
    /// Corners of the area: degrees north and east.
    pub polygon: Vec<(f64, f64)>,
    /// How far outside the polygon still counts as inside, km.
    pub buffer_km: f64,
    /// The area without a polygon: all four count, or none.
    pub lat_min: Option<f64>,
    /// Degrees north.
    pub lat_max: Option<f64>,
    /// Degrees east.
    pub lon_min: Option<f64>,
    /// Degrees east.
    pub lon_max: Option<f64>,
}

/// `foreignAdverts`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ForeignAdverts {
    /// What becomes of adverts from outside the area.
    pub mode: ForeignMode,
}

/// `foreignAdverts.mode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ForeignMode {
    /// Stored, and their nodes are marked.
    #[default]
    Flag,
    /// Not stored.
    Drop,
}

/// `clientRxCoverage`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ClientRxCoverage {
    /// Store what moving clients hear.
    pub enabled: bool,
}

/// `companion`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Companion {
    /// Store the private texts that a companion bridge publishes.
    pub store_direct: bool,
}

impl GeoFilter {
    /// The area in force; `None` when everything is inside.
    pub fn area(&self) -> Option<Area> {
        if self.polygon.len() >= FEWEST_CORNERS {
            return Some(Area::Polygon { corners: self.polygon.clone(), buffer_km: self.buffer_km.max(0.0) });
        }
        Some(Area::Box { lat: (self.lat_min?, self.lat_max?), lon: (self.lon_min?, self.lon_max?) })
    }

    fn is_configured(&self) -> bool {
        let bounds = [self.lat_min, self.lat_max, self.lon_min, self.lon_max];
        !self.polygon.is_empty() || bounds.iter().any(Option::is_some)
    }
}

impl Config {
    /// The area whose adverts are at home; `None` when there is no outside.
    pub fn area(&self) -> Option<Area> {
        self.geo_filter.as_ref().and_then(GeoFilter::area)
    }

    /// Who is not shown.
    pub fn visibility(&self) -> Visibility {
        Visibility::new(&self.node_blacklist, &self.hidden_name_prefixes, &self.observer_blacklist)
    }

    /// What of these keys has no effect.
    pub(super) fn policy_warning(&self) -> Option<&'static str> {
        let filter = self.geo_filter.as_ref()?;
        (filter.is_configured() && filter.area().is_none())
            .then_some("geo_filter filters nothing: it needs a polygon of three corners, or all four bounds")
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn config(json: &str) -> Config {
        serde_json::from_str(json).unwrap()
    }

    #[rstest]
    #[case::none("{}", None, false)]
    #[case::null(r#"{"geo_filter": null}"#, None, false)]
    #[case::polygon(
        r#"{"geo_filter": {"polygon": [[47, 8], [48, 8], [48, 9]], "bufferKm": -1, "latMin": 1}}"#,
        Some(Area::Polygon { corners: vec![(47.0, 8.0), (48.0, 8.0), (48.0, 9.0)], buffer_km: 0.0 }),
        false
    )]
    #[case::bounds(
        r#"{"geo_filter": {"polygon": [[47, 8]], "latMin": 1, "latMax": 2, "lonMin": 3, "lonMax": 4}}"#,
        Some(Area::Box { lat: (1.0, 2.0), lon: (3.0, 4.0) }),
        false
    )]
    #[case::half_a_box(r#"{"geo_filter": {"latMin": 1, "latMax": 2}}"#, None, true)]
    #[case::two_corners(r#"{"geo_filter": {"polygon": [[47, 8], [48, 8]]}}"#, None, true)]
    fn an_area_is_a_polygon_or_all_four_bounds(
        #[case] json: &str,
        #[case] area: Option<Area>,
        #[case] is_void: bool,
    ) {
        let config = config(json);
        assert_eq!((config.area(), config.policy_warning().is_some()), (area, is_void));
    }

    #[test]
    fn nodes_with_a_forbidding_sign_are_hidden_unless_other_signs_are_named() {
        let hides = |json: &str, name: &str| config(json).visibility().hides_node("ab", Some(name));
        assert!(hides("{}", "🚫 Ann") && !hides("{}", "Ann"));
        assert!(!hides(r#"{"hiddenNamePrefixes": []}"#, "🚫 Ann"));
        assert!(hides(r#"{"hiddenNamePrefixes": ["x-"]}"#, "x-Ann"));
        assert!(hides(r#"{"nodeBlacklist": ["AB"]}"#, "Ann"));
        assert!(config(r#"{"observerBlacklist": ["Roof"]}"#).visibility().hides_observer("roof"));
    }

    #[test]
    fn foreign_adverts_are_flagged_unless_they_are_to_be_dropped() {
        assert_eq!(config("{}").foreign_adverts.mode, ForeignMode::Flag);
        assert_eq!(config(r#"{"foreignAdverts": {"mode": "drop"}}"#).foreign_adverts.mode, ForeignMode::Drop);
    }
}
