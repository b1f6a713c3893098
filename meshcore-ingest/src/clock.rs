//! What an observer's time says: when, and is its clock in another zone?
//!
//! Packets are stored with the server's time of arrival. The time in the message only tells whether the clock of its
//! sender can be trusted, and when a moving client heard something.

use meshcore_store::UnixMillis;
use meshcore_store::db::ClockSkew;

use crate::json::Json;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// A naive time further from now than this is a clock in another zone.
const NAIVE_TOLERANCE: i64 = 15 * MINUTE;
/// Beyond this in the future, or `OLDEST` in the past, a time is nonsense and says nothing about a zone.
const FARTHEST: i64 = 14 * HOUR;
const OLDEST: i64 = 30 * 24 * HOUR;

/// Larger numbers are milliseconds, not seconds.
const MOST_SECONDS: f64 = 1e11;

/// Characters of a naive time up to its seconds.
const NAIVE_LENGTH: usize = "2026-03-29T10:28:41".len();

/// The time of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EnvelopeTime {
    /// When it was sent, as far as that can be believed: else its arrival. Whole seconds.
    pub(crate) at: UnixMillis,
    /// How wrong the sender's clock is found.
    pub(crate) skew: Option<ClockSkew>,
}

impl EnvelopeTime {
    /// What `timestamp` says of a message that arrived `now`.
    pub(crate) fn of(timestamp: Option<&Json<'_>>, now: UnixMillis) -> Self {
        let arrival = Self { at: UnixMillis::from_seconds(now.seconds()), skew: None };
        let Some((said, is_naive)) = timestamp.and_then(read) else { return arrival };
        let off = said.get().saturating_sub(now.get());
        if !(-OLDEST..=FARTHEST).contains(&off) {
            return arrival;
        }
        if is_naive && off.abs() > NAIVE_TOLERANCE {
            return Self { skew: Some(ClockSkew { seconds: off / 1000 }), ..arrival };
        }
        if off > 0 { arrival } else { Self { at: UnixMillis::from_seconds(said.seconds()), skew: None } }
    }
}

/// A time, and whether it leaves open in which zone.
fn read(timestamp: &Json<'_>) -> Option<(UnixMillis, bool)> {
    match timestamp {
        Json::Text(text) => {
            let text = text.trim();
            if let Ok(zoned) = UnixMillis::parse_zoned(text) {
                return Some((zoned, false));
            }
            let is_whole = text.len() >= NAIVE_LENGTH && text.as_bytes().get(10) == Some(&b'T');
            UnixMillis::parse_naive(text).ok().filter(|_| is_whole).map(|naive| (naive, true))
        }
        Json::Number(number) if *number > 0.0 => {
            let millis = if *number > MOST_SECONDS { *number } else { number * 1000.0 };
            #[expect(
                clippy::cast_possible_truncation,
                reason = "`as` saturates, and what is far off is not believed"
            )]
            let millis = millis as i64;
            Some((UnixMillis::new(millis), false))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const NOW: &str = "2026-03-29T17:28:42Z";

    fn time(timestamp: &Json<'_>) -> (String, Option<i64>) {
        let EnvelopeTime { at, skew } = EnvelopeTime::of(Some(timestamp), NOW.parse().unwrap());
        (at.to_rfc3339_seconds(), skew.map(|skew| skew.seconds))
    }

    #[rstest]
    #[case::another_zone("2026-03-29T10:28:41.618221", NOW, Some(-25_200))]
    #[case::ahead("2026-03-29T19:28:42", NOW, Some(7_200))]
    #[case::naive_but_right("2026-03-29T17:20:00", "2026-03-29T17:20:00Z", None)]
    #[case::naive_and_a_little_ahead("2026-03-29T17:40:00", NOW, None)]
    #[case::zoned("2026-03-29T10:28:41.9-07:00", "2026-03-29T17:28:41Z", None)]
    #[case::old_but_zoned("2026-03-20T10:28:41Z", "2026-03-20T10:28:41Z", None)]
    #[case::in_the_future("2026-03-29T17:28:43Z", NOW, None)]
    #[case::more_than_14_hours_ahead("2026-03-30T10:28:41", NOW, None)]
    #[case::more_than_30_days_behind("2026-02-27T10:28:41", NOW, None)]
    #[case::a_day("2026-03-29", NOW, None)]
    #[case::no_time("soon", NOW, None)]
    #[case::nothing("", NOW, None)]
    fn a_time_is_believed_when_it_can_be_right(
        #[case] text: &str,
        #[case] at: &str,
        #[case] skew: Option<i64>,
    ) {
        assert_eq!(time(&Json::Text(text.into())), (at.to_owned(), skew));
    }

    #[rstest]
    #[case::seconds(1_774_800_000.9, "2026-03-29T16:00:00Z")]
    #[case::milliseconds(1_774_800_000_900.0, "2026-03-29T16:00:00Z")]
    #[case::in_the_future(1_774_900_000.0, NOW)]
    #[case::long_ago(5.0, NOW)]
    #[case::negative(-1e300, NOW)]
    #[case::huge(1e300, NOW)]
    fn numbers_are_unix_time_which_has_no_zone_to_be_wrong(#[case] number: f64, #[case] at: &str) {
        assert_eq!(time(&Json::Number(number)), (at.to_owned(), None));
    }

    #[test]
    fn without_a_time_it_is_the_arrival() {
        let now: UnixMillis = "2026-03-29T17:28:42.900Z".parse().unwrap();
        let (arrival, nothing) = (EnvelopeTime::of(None, now), EnvelopeTime::of(Some(&Json::List), now));
        assert_eq!(
            (arrival.at.to_rfc3339_millis().as_str(), arrival.skew),
            ("2026-03-29T17:28:42.000Z", None)
        );
        assert_eq!(nothing, arrival);
    }
}
