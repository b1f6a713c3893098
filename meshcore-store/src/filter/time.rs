//! Times as people write them, in the zone they read them in.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::literal::{duration, number};
use crate::UnixMillis;

/// Now, and how times are read.
#[derive(Clone, Debug)]
pub(super) struct Clock<'c> {
    pub(super) now: UnixMillis,
    pub(super) zone: &'c TimeZone,
}

/// The milliseconds that a time covers as precisely as it is written: both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) first: UnixMillis,
    pub(super) last: UnixMillis,
}

impl Span {
    pub(super) const fn instant(at: UnixMillis) -> Self {
        Self { first: at, last: at }
    }
}

impl Clock<'_> {
    /// `now`, `now-2h`, `today`, `yesterday`, milliseconds since 1970, a date, or a date and time with or without zone.
    pub(super) fn span(&self, text: &str) -> Option<Span> {
        let word = text.to_ascii_lowercase();
        match word.as_str() {
            "now" => return Some(Span::instant(self.now)),
            "today" => return self.day(self.today()?),
            "yesterday" => return self.day(self.today()?.yesterday().ok()?),
            _ => {}
        }
        if let Some(offset) = word.strip_prefix("now") {
            let seconds = duration(offset).filter(|_| offset.starts_with(['+', '-']))?;
            return Some(Span::instant(self.now.plus_millis(millis(seconds))));
        }
        if let Some(at) = number(text) {
            return text.parse().ok().or_else(|| Some(round(at))).map(UnixMillis::new).map(Span::instant);
        }
        self.civil(text.trim())
    }

    /// The moment so many seconds ago.
    pub(super) fn ago(&self, seconds: f64) -> UnixMillis {
        self.now.plus_millis(millis(seconds).saturating_neg())
    }

    fn civil(&self, text: &str) -> Option<Span> {
        let Some((_, clock)) = text.split_once(['T', 't', ' ']) else { return self.day(text.parse().ok()?) };
        let first = match text.parse::<Timestamp>() {
            Ok(zoned) => zoned,
            Err(_) => self.zone.to_timestamp(text.parse::<DateTime>().ok()?).ok()?,
        };
        let colons = clock.split(['+', '-', 'Z', 'z']).next().unwrap_or_default().matches(':').count();
        let covers = match colons {
            _ if clock.contains('.') => 1,
            0 => 3_600_000,
            1 => 60_000,
            _ => 1_000,
        };
        let first = UnixMillis::new(first.as_millisecond());
        Some(Span { first, last: first.plus_millis(covers - 1) })
    }

    fn today(&self) -> Option<Date> {
        Some(self.zone.to_datetime(Timestamp::from_millisecond(self.now.get()).ok()?).date())
    }

    /// A day here, which has 23 hours in spring.
    fn day(&self, date: Date) -> Option<Span> {
        let midnight =
            |date: Date| self.zone.to_timestamp(date.at(0, 0, 0, 0)).ok().map(Timestamp::as_millisecond);
        let next = date.tomorrow().ok()?;
        Some(Span { first: UnixMillis::new(midnight(date)?), last: UnixMillis::new(midnight(next)? - 1) })
    }
}

/// Milliseconds since 1970 as a number.
#[expect(clippy::cast_precision_loss, reason = "milliseconds of 285,000 years are exact")]
pub(super) const fn as_f64(at: UnixMillis) -> f64 {
    at.get() as f64
}

/// Whole milliseconds of a duration in seconds, at the end of what can be told where it is longer.
fn millis(seconds: f64) -> i64 {
    round(seconds * 1000.0)
}

#[expect(clippy::cast_possible_truncation, reason = "a cast of a float stays within the integer's bounds")]
fn round(number: f64) -> i64 {
    number.round() as i64
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// In summer, two hours ahead of UTC.
    fn span(text: &str) -> Option<(String, String)> {
        let now = "2026-07-01T22:30:00Z".parse().unwrap();
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let span = Clock { now, zone: &zone }.span(text)?;
        Some((span.first.to_rfc3339_millis(), span.last.to_rfc3339_millis()))
    }

    #[rstest]
    #[case("now", "2026-07-01T22:30:00.000Z", "2026-07-01T22:30:00.000Z")]
    #[case("NOW-2h", "2026-07-01T20:30:00.000Z", "2026-07-01T20:30:00.000Z")]
    #[case("now+1.5s", "2026-07-01T22:30:01.500Z", "2026-07-01T22:30:01.500Z")]
    #[case("today", "2026-07-01T22:00:00.000Z", "2026-07-02T21:59:59.999Z")]
    #[case("yesterday", "2026-06-30T22:00:00.000Z", "2026-07-01T21:59:59.999Z")]
    #[case("2026-01-01", "2025-12-31T23:00:00.000Z", "2026-01-01T22:59:59.999Z")]
    #[case("2026-03-29", "2026-03-28T23:00:00.000Z", "2026-03-29T21:59:59.999Z")]
    #[case("2026-01-01T10:00", "2026-01-01T09:00:00.000Z", "2026-01-01T09:00:59.999Z")]
    #[case("2026-01-01 10:00:05", "2026-01-01T09:00:05.000Z", "2026-01-01T09:00:05.999Z")]
    #[case("2026-01-01T10:00:05.25Z", "2026-01-01T10:00:05.250Z", "2026-01-01T10:00:05.250Z")]
    #[case("2026-01-01T10:00+05:30", "2026-01-01T04:30:00.000Z", "2026-01-01T04:30:59.999Z")]
    #[case("1767225600000", "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000Z")]
    fn a_time_is_read_in_the_zone_of_the_reader(#[case] text: &str, #[case] first: &str, #[case] last: &str) {
        assert_eq!(span(text), Some((first.into(), last.into())));
    }

    #[rstest]
    #[case("")]
    #[case("tomorrowish")]
    #[case("2026-13-01")]
    #[case("now2h")]
    #[case("now-2")]
    #[case("15m")]
    fn what_is_no_time_is_refused(#[case] text: &str) {
        assert_eq!(span(text), None);
    }
}
