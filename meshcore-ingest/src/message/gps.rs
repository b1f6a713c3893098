//! Where a moving client is.

use super::Message;
use crate::json::{Json, Object};

/// A position of a satellite receiver.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Gps {
    /// Degrees north and east.
    pub(crate) position: (f64, f64),
    /// How exact that is, metres.
    pub(crate) accuracy_m: Option<f64>,
}

impl Message<'_> {
    /// The position of the sender; `None` when there is none on this earth.
    pub(crate) fn gps(&self) -> Option<Gps> {
        let gps = self.0.object("gps")?;
        let (lat, lon) = (number(gps, "lat")?, number(gps, "lon")?);
        let is_on_earth = lat.abs() <= 90.0 && lon.abs() <= 180.0;
        is_on_earth.then(|| Gps {
            position: (lat, lon),
            accuracy_m: number(gps, "acc_m").filter(|metres| *metres >= 0.0),
        })
    }
}

/// A number, and no text of one.
fn number(object: &Object<'_>, name: &str) -> Option<f64> {
    match object.get(name)? {
        Json::Number(number) => Some(*number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    #[rstest]
    #[case(json!({"lat": 37.5, "lon": -122, "acc_m": 8}), Some(Some(8.0)))]
    #[case(json!({"lat": 37.5, "lon": -122, "acc_m": -1}), Some(None))]
    #[case(json!({"lat": 37.5, "lon": -122}), Some(None))]
    #[case(json!({"lat": 90.1, "lon": 0}), None)]
    #[case(json!({"lat": 0, "lon": -180.5}), None)]
    #[case(json!({"lat": "37.5", "lon": -122}), None)]
    #[case(json!({"lat": 37.5}), None)]
    #[case(json!(null), None)]
    fn a_position_is_two_numbers_on_this_earth(#[case] gps: Value, #[case] accuracy: Option<Option<f64>>) {
        let payload = json!({"gps": gps}).to_string();
        let gps = Message::parse(payload.as_bytes()).unwrap().gps();
        assert_eq!(gps.map(|gps| gps.accuracy_m), accuracy);
    }
}
