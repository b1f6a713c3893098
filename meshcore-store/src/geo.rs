//! Positions on the earth, and how far they are apart.

/// Mean radius of the earth, km.
const EARTH_RADIUS_KM: f64 = 6371.0;

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
}
