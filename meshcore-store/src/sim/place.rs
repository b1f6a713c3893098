//! Where nodes stand: metres from the middle of the mesh, and degrees only on the air.

use meshcore_proto::payload::LatLonE6;

/// Metres in a degree of latitude.
const DEGREE_M: i64 = 111_195;

/// A place: metres east and north of the middle of the mesh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) x: i32,
    pub(super) y: i32,
}

impl Place {
    /// Metres squared.
    pub(super) const fn distance_squared(self, other: Self) -> u64 {
        let (dx, dy) = (self.x.abs_diff(other.x) as u64, self.y.abs_diff(other.y) as u64);
        dx * dx + dy * dy
    }

    /// What of the way from here to `other` lies behind after `permille` thousandths.
    pub(super) const fn towards(self, other: Self, permille: i32) -> Self {
        Self {
            x: self.x + (other.x - self.x) / 1000 * permille,
            y: self.y + (other.y - self.y) / 1000 * permille,
        }
    }

    /// As nodes send it, on a flat map around `center`.
    pub(super) fn position(self, center: LatLonE6) -> LatLonE6 {
        let north = i64::from(self.y) * 1_000_000 / DEGREE_M;
        let east = i64::from(self.x) * 1_000_000 / DEGREE_M * 10_000 / cosine(center.lat);
        LatLonE6 { lat: degrees(i64::from(center.lat) + north), lon: degrees(i64::from(center.lon) + east) }
    }

    /// The place at `position`, on the same map.
    pub(super) fn of(position: LatLonE6, center: LatLonE6) -> Self {
        let north = (i64::from(position.lat) - i64::from(center.lat)) * DEGREE_M / 1_000_000;
        let east = (i64::from(position.lon) - i64::from(center.lon)) * cosine(center.lat) / 10_000 * DEGREE_M
            / 1_000_000;
        Self { x: degrees(east), y: degrees(north) }
    }
}

fn degrees(wide: i64) -> i32 {
    i32::try_from(wide).unwrap_or(if wide < 0 { i32::MIN } else { i32::MAX })
}

/// The cosine of millionths of a degree, times 10,000: Bhaskara's approximation, good to 0.2 % and all integers.
fn cosine(lat: i32) -> i64 {
    let milli = i64::from(lat / 1000).abs().min(89_000);
    let (right, square) = (32_400_000_000, milli * milli);
    10_000 * (right - 4 * square) / (right + square)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_again_on_the_map() {
        let center = LatLonE6 { lat: 47_400_000, lon: 8_600_000 };
        let place = Place { x: -23_456, y: 12_345 };
        let again = Place::of(place.position(center), center);
        assert!(place.distance_squared(again) < 100, "{again:?}");
        // 41 m off: 8.288357 by the cosine itself
        assert_eq!(place.position(center), LatLonE6 { lat: 47_511_021, lon: 8_287_815 });
    }

    #[test]
    fn half_way_is_in_the_middle() {
        let (a, b) = (Place { x: 0, y: 1000 }, Place { x: 4000, y: -1000 });
        assert_eq!(a.towards(b, 500), Place { x: 2000, y: 0 });
        assert_eq!((a.towards(b, 0), a.towards(b, 1000)), (a, b));
    }
}
