//! Points in time: milliseconds inside, RFC 3339 at the edges.

use core::fmt;
use core::str::FromStr;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// A point in time: milliseconds since 1970-01-01T00:00:00Z, never negative in practice.
///
/// ```
/// use meshcore_store::UnixMillis;
///
/// let heard: UnixMillis = "2026-03-18T09:03:20Z".parse().unwrap();
/// assert_eq!(heard.to_rfc3339_seconds(), "2026-03-18T09:03:20Z");
/// assert_eq!(heard.to_rfc3339_millis(), "2026-03-18T09:03:20.000Z");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(i64);

/// The text is none of the time formats found in databases and messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a time: expected RFC 3339 such as 2026-03-18T09:03:20Z")]
pub struct ParseTimeError;

impl UnixMillis {
    /// From milliseconds since 1970.
    pub const fn new(millis: i64) -> Self {
        Self(millis)
    }

    /// From whole seconds since 1970, as the integer columns hold them.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds since 1970.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, fractions cut.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This moment plus `millis`, which may be negative.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// `YYYY-MM-DDTHH:MM:SSZ`, the form of the text columns.
    pub fn to_rfc3339_seconds(self) -> String {
        self.civil().map_or_else(String::new, |t| t.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
    }

    /// `YYYY-MM-DDTHH:MM:SS.sssZ`, the form of every API answer.
    pub fn to_rfc3339_millis(self) -> String {
        self.civil().map_or_else(String::new, |t| t.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string())
    }

    /// `None` outside the years jiff can print (-9999 to 9999).
    fn civil(self) -> Option<DateTime> {
        Timestamp::from_millisecond(self.0).ok().map(|t| TimeZone::UTC.to_datetime(t))
    }

    /// Reads a time without zone as UTC: observers send local time that way, and old rows hold `YYYY-MM-DD HH:MM:SS`.
    ///
    /// # Errors
    /// [`ParseTimeError`] when it is no civil time.
    pub fn parse_naive(text: &str) -> Result<Self, ParseTimeError> {
        let civil: DateTime = text.parse().map_err(|_| ParseTimeError)?;
        let since_1970 = civil.duration_since(DateTime::constant(1970, 1, 1, 0, 0, 0, 0));
        Ok(Self(millis(since_1970)))
    }

    /// Reads a time that says its zone.
    ///
    /// # Errors
    /// [`ParseTimeError`] when the zone is missing or the text is no time.
    pub fn parse_zoned(text: &str) -> Result<Self, ParseTimeError> {
        let timestamp: Timestamp = text.parse().map_err(|_| ParseTimeError)?;
        Ok(Self(timestamp.as_millisecond()))
    }
}

fn millis(duration: SignedDuration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl FromStr for UnixMillis {
    type Err = ParseTimeError;

    /// All forms met in databases: with zone, without zone (UTC), with a blank for the `T`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        Self::parse_zoned(text).or_else(|_| Self::parse_naive(text))
    }
}

impl fmt::Display for UnixMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339_millis())
    }
}

impl serde::Serialize for UnixMillis {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_rfc3339_millis())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("2026-03-18T09:03:20Z", "2026-03-18T09:03:20.000Z")]
    #[case("2026-03-18T09:03:20.123Z", "2026-03-18T09:03:20.123Z")]
    #[case("2026-03-18T09:03:20.123456+02:00", "2026-03-18T07:03:20.123Z")]
    #[case("2026-03-18 09:03:20", "2026-03-18T09:03:20.000Z")]
    #[case("2026-03-29T10:28:41.618221", "2026-03-29T10:28:41.618Z")]
    fn every_stored_form_is_read(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(text.parse::<UnixMillis>().unwrap().to_rfc3339_millis(), expected);
    }

    #[rstest]
    #[case("")]
    #[case("yesterday")]
    #[case("2026-13-01T00:00:00Z")]
    fn what_is_no_time_is_refused(#[case] text: &str) {
        assert_eq!(text.parse::<UnixMillis>(), Err(ParseTimeError));
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(millis in 0_i64..4_102_444_800_000) {
            let time = UnixMillis::new(millis);
            prop_assert_eq!(time.to_rfc3339_millis().parse(), Ok(time));
            prop_assert_eq!(time.to_rfc3339_seconds().parse(), Ok(UnixMillis::from_seconds(time.seconds())));
        }
    }

    #[test]
    fn times_far_outside_the_calendar_print_nothing_and_do_not_panic() {
        assert_eq!(UnixMillis::new(i64::MAX).to_rfc3339_seconds(), "");
        assert_eq!(UnixMillis::from_seconds(i64::MAX).get(), i64::MAX);
    }
}
