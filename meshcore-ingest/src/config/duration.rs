//! Lengths of time: a number in the unit that the key names, or a text with a unit of its own.

use std::borrow::Cow;
use std::fmt;

use jiff::{SpanRelativeTo, Unit};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};
use serde::ser::{Serialize, Serializer};

/// A length of time in units of `MILLIS` milliseconds: `7`, or `"30d"`, `"12h"`, `"5m"`, `"90s"`, `"250ms"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Length<const MILLIS: u64>(i64);

/// A number of days.
pub type Days = Length<86_400_000>;
/// A number of hours.
pub type Hours = Length<3_600_000>;
/// A number of seconds.
pub type Seconds = Length<1_000>;
/// A number of milliseconds.
pub type Millis = Length<1>;

impl<const MILLIS: u64> Length<MILLIS> {
    /// So many units.
    pub const fn new(number: i64) -> Self {
        Self(number)
    }

    /// The number of units; what 0 and less mean is the key's matter.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The number, if there is a length at all.
    pub fn positive(self) -> Option<u32> {
        u32::try_from(self.0).ok().filter(|number| *number > 0)
    }

    fn unit() -> &'static str {
        match MILLIS {
            86_400_000 => "days",
            3_600_000 => "hours",
            1_000 => "seconds",
            _ => "milliseconds",
        }
    }

    /// What a reader expects.
    fn expected(f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number of {}, or a text such as \"30d\", \"12h\", \"5m\" or \"90s\"", Self::unit())
    }

    /// `None` when the text is no length, or not a whole number of units.
    fn read(text: &str) -> Option<Self> {
        let span: jiff::Span = text.trim().parse().ok()?;
        let millis = span.total((Unit::Millisecond, SpanRelativeTo::days_are_24_hours())).ok()?;
        #[expect(clippy::cast_precision_loss, reason = "units are far below 2^53")]
        let number = millis / MILLIS as f64;
        if number.fract() != 0.0 || number.abs() > 9e15 {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "whole, and below 2^53")]
        Some(Self(number as i64))
    }
}

impl<'de, const MILLIS: u64> Deserialize<'de> for Length<MILLIS> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LengthVisitor<const MILLIS: u64>;

        impl<const MILLIS: u64> Visitor<'_> for LengthVisitor<MILLIS> {
            type Value = Length<MILLIS>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                Length::<MILLIS>::expected(f)
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
                Ok(Length(number))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
                let number = i64::try_from(number);
                number.map(Length).map_err(|_| E::custom("the number is too large"))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Length::read(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_any(LengthVisitor::<MILLIS>)
    }
}

impl<const MILLIS: u64> Serialize for Length<MILLIS> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0)
    }
}

impl<const MILLIS: u64> JsonSchema for Length<MILLIS> {
    fn schema_name() -> Cow<'static, str> {
        Self::unit().into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["integer", "string"] })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    #[rstest]
    #[case(json!(7), Some(7))]
    #[case(json!(-1), Some(-1))]
    #[case(json!("30d"), Some(30))]
    #[case(json!(" 48h "), Some(2))]
    #[case(json!("2 weeks"), Some(14))]
    #[case(json!("0d"), Some(0))]
    #[case(json!("36h"), None)]
    #[case(json!("7"), None)]
    #[case(json!("1 month"), None)]
    #[case(json!(""), None)]
    #[case(json!(1.5), None)]
    #[case(json!(u64::MAX), None)]
    fn days_are_numbers_or_texts(#[case] given: Value, #[case] days: Option<i64>) {
        assert_eq!(serde_json::from_value::<Days>(given).ok().map(Days::get), days);
    }

    #[rstest]
    #[case("5m", 300)]
    #[case("90s", 90)]
    #[case("1h 30m", 5_400)]
    fn minutes_are_no_months(#[case] text: &str, #[case] seconds: i64) {
        assert_eq!(Seconds::read(text), Some(Seconds::new(seconds)));
    }

    #[test]
    fn what_was_expected_is_said() {
        let error = serde_json::from_value::<Hours>(json!("90m")).unwrap_err().to_string();
        let expected = "a whole number of hours, or a text such as \"30d\", \"12h\", \"5m\" or \"90s\"";
        assert_eq!(error, format!("invalid value: string \"90m\", expected {expected}"));
    }
}
