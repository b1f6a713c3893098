//! What an observer's time says: is its clock in another zone?
//!
//! Packets are stored with the server's time of arrival. The time in the message only tells whether the clock of its
//! sender can be trusted.

use meshcore_store::UnixMillis;
use meshcore_store::db::ClockSkew;
use serde_json::Value;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// A naive time further from now than this is a clock in another zone.
const NAIVE_TOLERANCE: i64 = 15 * MINUTE;
/// Beyond this in the future, or `OLDEST` in the past, a time is nonsense and says nothing about a zone.
const FARTHEST: i64 = 14 * HOUR;
const OLDEST: i64 = 30 * 24 * HOUR;

/// The skew that a message's `timestamp` reveals, if it does.
pub(crate) fn skew(timestamp: Option<&Value>, now: UnixMillis) -> Option<ClockSkew> {
    let text = timestamp?.as_str()?.trim();
    if UnixMillis::parse_zoned(text).is_ok() {
        return None; // it says its zone
    }
    let off = UnixMillis::parse_naive(text).ok()?.get() - now.get();
    let is_plausible = (-OLDEST..=FARTHEST).contains(&off);
    (is_plausible && off.abs() > NAIVE_TOLERANCE).then_some(ClockSkew { seconds: off / 1000 })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case(json!("2026-03-29T10:28:41.618221"), Some(-25_200))]
    #[case(json!("2026-03-29T17:20:00"), None)] // naive, but right
    #[case(json!("2026-03-29T10:28:41Z"), None)] // wrong, but says its zone
    #[case(json!("2026-03-31T10:28:41"), None)] // more than 14 hours ahead
    #[case(json!("2026-01-29T10:28:41"), None)] // more than 30 days behind
    #[case(json!(1_774_805_321), None)]
    #[case(json!("soon"), None)]
    fn only_a_plausible_naive_time_reveals_a_skew(#[case] timestamp: Value, #[case] seconds: Option<i64>) {
        let now: UnixMillis = "2026-03-29T17:28:42Z".parse().unwrap();
        assert_eq!(skew(Some(&timestamp), now).map(|skew| skew.seconds), seconds);
    }
}
