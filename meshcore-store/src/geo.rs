//! Positions on the earth, how far they are apart, and in which area they lie.

/// Mean radius of the earth, km.
const EARTH_RADIUS_KM: f64 = 6371.0;

/// Length of a degree on a flat map, km.
const KM_PER_DEGREE: f64 = 111.0;

/// A known position: degrees north and east, never (0, 0), which is what a device without a fix reports.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    lat: f64,
    lon: f64,
}

impl Position {
    /// `None` unless both are known, finite, and not both zero.
    pub fn new(lat: Option<f64>, lon: Option<f64>) -> Option<Self> {
        let (lat, lon) = (lat?, lon?);
        let known = lat.is_finite() && lon.is_finite() && (lat != 0.0 || lon != 0.0);
        known.then_some(Self { lat, lon })
    }

    /// Degrees north.
    pub const fn lat(self) -> f64 {
        self.lat
    }

    /// Degrees east.
    pub const fn lon(self) -> f64 {
        self.lon
    }

    /// Great-circle distance in km.
    pub fn distance_km(self, other: Self) -> f64 {
        haversine_km((self.lat, self.lon), (other.lat, other.lon))
    }

    /// Distance on a flat map, in radians: good for telling which of some places nearby is nearest, and cheap.
    pub fn flat_distance(self, other: Self) -> f64 {
        let mid_lat = ((self.lat + other.lat) / 2.0).to_radians();
        let north = (self.lat - other.lat).to_radians();
        let east = (self.lon - other.lon).to_radians() * mid_lat.cos();
        north.hypot(east)
    }

    /// The mean latitude and longitude; `None` of none.
    pub(crate) fn mean(positions: impl Iterator<Item = Self>) -> Option<Self> {
        let (n, lat, lon) =
            positions.fold((0.0, 0.0, 0.0), |(n, lat, lon), p| (n + 1.0, lat + p.lat, lon + p.lon));
        (n > 0.0).then(|| Self { lat: lat / n, lon: lon / n })
    }
}

/// An area on the map: what lies outside is foreign.
#[derive(Clone, Debug, PartialEq)]
pub enum Area {
    /// Inside a polygon, or near its border.
    Polygon {
        /// Corners: degrees north and east.
        corners: Vec<(f64, f64)>,
        /// How far outside still counts as inside, km.
        buffer_km: f64,
    },
    /// Between two latitudes and two longitudes.
    Box {
        /// Degrees north, from and to.
        lat: (f64, f64),
        /// Degrees east, from and to.
        lon: (f64, f64),
    },
}

impl Area {
    /// Whether `position` lies in it.
    pub fn contains(&self, position: Position) -> bool {
        match self {
            Self::Polygon { corners, buffer_km } => {
                is_inside(corners, position)
                    || edges(corners).any(|edge| edge_km(edge, position) <= *buffer_km)
            }
            Self::Box { lat, lon } => {
                (lat.0..=lat.1).contains(&position.lat) && (lon.0..=lon.1).contains(&position.lon)
            }
        }
    }
}

/// The sides of a polygon, the one from its last corner to its first too.
fn edges(corners: &[(f64, f64)]) -> impl Iterator<Item = ((f64, f64), (f64, f64))> {
    corners.iter().copied().zip(corners.iter().copied().cycle().skip(1))
}

/// Whether a ray to the north crosses the border an odd number of times.
fn is_inside(corners: &[(f64, f64)], Position { lat, lon }: Position) -> bool {
    let crosses = |(from, to): &((f64, f64), (f64, f64))| {
        (from.1 > lon) != (to.1 > lon) && lat < (to.0 - from.0) * (lon - from.1) / (to.1 - from.1) + from.0
    };
    edges(corners).filter(crosses).count() % 2 == 1
}

/// Distance to a side of a polygon on a flat map, km.
fn edge_km((from, to): ((f64, f64), (f64, f64)), position: Position) -> f64 {
    let shrink = ((from.0 + to.0) / 2.0).to_radians().cos();
    let flat = |(lat, lon): (f64, f64)| (lon * KM_PER_DEGREE * shrink, lat * KM_PER_DEGREE);
    let ((x, y), (from_x, from_y), (to_x, to_y)) = (flat((position.lat, position.lon)), flat(from), flat(to));
    let (side_x, side_y) = (to_x - from_x, to_y - from_y);
    let length = side_x * side_x + side_y * side_y;
    let along = if length > 0.0 { ((x - from_x) * side_x + (y - from_y) * side_y) / length } else { 0.0 };
    let along = along.clamp(0.0, 1.0);
    (x - from_x - along * side_x).hypot(y - from_y - along * side_y)
}

/// Great-circle distance in km between two (degrees north, degrees east), whatever they are.
pub fn haversine_km(from: (f64, f64), to: (f64, f64)) -> f64 {
    let half_lat = (to.0 - from.0).to_radians() / 2.0;
    let half_lon = (to.1 - from.1).to_radians() / 2.0;
    let a =
        half_lat.sin().powi(2) + from.0.to_radians().cos() * to.0.to_radians().cos() * half_lon.sin().powi(2);
    // rounding can push opposite points a hair beyond 1, whose root of the rest would be no number
    let a = a.clamp(0.0, 1.0);
    2.0 * EARTH_RADIUS_KM * a.sqrt().atan2((1.0 - a).sqrt())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case((37.0, -122.0), (37.01, -122.01), 1.423006)]
    #[case((37.0, -122.0), (40.0, -120.0), 376.229859)]
    #[case((0.0, 0.0), (0.0, 180.0), 20_015.086796)]
    #[case((51.05, 3.72), (51.05, 3.72), 0.0)]
    fn distances_are_great_circles(#[case] from: (f64, f64), #[case] to: (f64, f64), #[case] km: f64) {
        assert!((haversine_km(from, to) - km).abs() < 1e-6, "{}", haversine_km(from, to));
    }

    #[rstest]
    #[case(None, Some(3.0), false)]
    #[case(Some(0.0), Some(0.0), false)]
    #[case(Some(f64::NAN), Some(3.0), false)]
    #[case(Some(0.0), Some(3.0), true)]
    fn no_fix_is_no_position(#[case] lat: Option<f64>, #[case] lon: Option<f64>, #[case] known: bool) {
        assert_eq!(Position::new(lat, lon).is_some(), known);
    }

    #[test]
    fn on_a_flat_map_a_degree_east_shrinks_towards_the_poles() {
        let at = |lat, lon| Position::new(Some(lat), Some(lon)).unwrap();
        assert!((at(0.0, 1.0).flat_distance(at(0.0, 2.0)) - 1_f64.to_radians()).abs() < 1e-12);
        assert!((at(60.0, 1.0).flat_distance(at(60.0, 2.0)) - 0.5_f64.to_radians()).abs() < 1e-12);
    }

    fn square(buffer_km: f64) -> Area {
        Area::Polygon { corners: vec![(47.0, 8.0), (48.0, 8.0), (48.0, 9.0), (47.0, 9.0)], buffer_km }
    }

    /// Like a C that is open to the east.
    fn bay() -> Area {
        let corners = vec![
            (0.0, 0.0),
            (3.0, 0.0),
            (3.0, 3.0),
            (2.0, 3.0),
            (2.0, 1.0),
            (1.0, 1.0),
            (1.0, 3.0),
            (0.0, 3.0),
        ];
        Area::Polygon { corners, buffer_km: 0.0 }
    }

    #[rstest]
    #[case::inside(square(0.0), (47.5, 8.5), true)]
    #[case::north(square(0.0), (48.1, 8.5), false)]
    #[case::west(square(0.0), (47.5, 7.9), false)]
    #[case::near_the_north(square(12.0), (48.1, 8.5), true)] // 11.1 km
    #[case::not_near_enough(square(11.0), (48.1, 8.5), false)]
    #[case::a_degree_east_is_shorter(square(8.0), (47.5, 9.1), true)] // 7.5 km
    #[case::near_a_corner(square(14.0), (48.1, 9.1), true)] // 11.1 and 7.4 km: 13.4
    #[case::not_near_a_corner(square(13.0), (48.1, 9.1), false)]
    #[case::the_closing_side_counts(square(8.0), (46.95, 8.5), true)] // 5.6 km
    #[case::in_an_arm(bay(), (2.5, 2.0), true)]
    #[case::in_the_bay(bay(), (1.5, 2.0), false)]
    #[case::in_the_box(Area::Box { lat: (-1.0, 1.0), lon: (8.0, 9.0) }, (1.0, 8.0), true)]
    #[case::outside_the_box(Area::Box { lat: (-1.0, 1.0), lon: (8.0, 9.0) }, (1.1, 8.0), false)]
    fn an_area_has_an_inside(#[case] area: Area, #[case] (lat, lon): (f64, f64), #[case] inside: bool) {
        assert_eq!(area.contains(Position::new(Some(lat), Some(lon)).unwrap()), inside);
    }

    #[test]
    fn a_polygon_that_is_a_point_has_a_buffer_only() {
        let point = Area::Polygon { corners: vec![(47.0, 8.0); 3], buffer_km: 2.0 };
        let at = |lat| Position::new(Some(lat), Some(8.0)).unwrap();
        assert!(point.contains(at(47.01)) && !point.contains(at(47.02)));
    }
}
