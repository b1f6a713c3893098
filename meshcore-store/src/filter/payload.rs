//! Tests on decoded payloads, whose values have no type known beforehand.

use std::borrow::Cow;

use jiff::tz::TimeZone;
use serde_json::Value as Json;

use super::ast::{Comparison, Literal, NumberTest, PayloadTest, TextTest};
use super::condition::Condition;
use super::error::FilterError;
use super::literal::{Value, duration, number};
use super::meaning::{bad_value, number_range};
use super::pattern::{Wildcard, lower};
use super::time::{Clock, as_f64};
use crate::UnixMillis;

const NUMBER: &str = "a number or a duration";

/// What `condition` means for a value of the payload.
pub(super) fn payload_test(clock: &Clock<'_>, condition: Condition<'_>) -> Result<PayloadTest, FilterError> {
    let of_text = |text: &str| number(text).or_else(|| duration(text));
    let of = |value: &Value<'_>| of_text(&value.text).ok_or_else(|| bad_value(value, NUMBER));
    let moment = |value: &Value<'_>| clock.moment(value);
    Ok(match condition {
        Condition::Bare => PayloadTest::Present,
        Condition::Compare(Comparison::Eq, value) => PayloadTest::Is(Literal::of(&value)),
        Condition::Compare(Comparison::Ne, value) => PayloadTest::IsNot(Literal::of(&value)),
        Condition::Compare(order, value) => PayloadTest::Number(NumberTest::Is(order, of(&value)?)),
        Condition::After(value) => PayloadTest::Moment(NumberTest::Is(Comparison::Gt, moment(&value)?)),
        Condition::Before(value) => PayloadTest::Moment(NumberTest::Is(Comparison::Lt, moment(&value)?)),
        Condition::Between(one, other) => {
            PayloadTest::Moment(NumberTest::between(moment(&one)?, moment(&other)?))
        }
        Condition::Among(value) => PayloadTest::Text(TextTest::Is(value.text.to_lowercase())),
        Condition::Text(operator, value) => PayloadTest::Text(operator.test(value.text.to_lowercase())),
        Condition::Matches(pattern) => PayloadTest::Text(TextTest::Matches(pattern)),
        Condition::Has(value) => match value.range().and_then(|ends| number_range(ends, of_text)) {
            Some(range) => PayloadTest::Number(range),
            None if value.is_wildcard() => PayloadTest::Text(TextTest::Like(Wildcard::new(&value.text))),
            None => PayloadTest::Has(Literal::within(&value)),
        },
    })
}

impl Literal {
    fn of(value: &Value<'_>) -> Self {
        let text = || Self::Text(value.text.to_lowercase());
        match value.text.as_ref() {
            _ if value.is_quoted => text(),
            "true" => Self::Bool(true),
            "false" => Self::Bool(false),
            word => number(word).or_else(|| duration(word)).map_or_else(text, Self::Number),
        }
    }

    /// To be looked for in a text as well: a number only where it is written like one in a text.
    fn within(value: &Value<'_>) -> Self {
        match Self::of(value) {
            Self::Number(number) if number.to_string() != value.text => Self::Text(value.text.to_lowercase()),
            other => other,
        }
    }

    /// Whether `json`, which is not null, is this.
    fn is(&self, json: &Json) -> bool {
        match (self, json) {
            (Self::Bool(this), Json::Bool(that)) => this == that,
            (Self::Bool(_), _) | (_, Json::Bool(_)) => false,
            (Self::Number(this), Json::Number(that)) => that.as_f64() == Some(*this),
            (Self::Number(this), other) => written(other).is_some_and(|text| text == this.to_string()),
            (Self::Text(this), other) => written(other).is_some_and(|text| lower(&text) == this.as_str()),
        }
    }

    /// Whether `json` is this, or a text with this within.
    fn is_in(&self, json: &Json) -> bool {
        match json {
            Json::String(_) | Json::Array(_) => {
                written(json).is_some_and(|text| lower(&text).contains(&self.to_text()))
            }
            other => self.is(other),
        }
    }

    fn to_text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Bool(truth) => truth.to_string(),
        }
    }
}

impl PayloadTest {
    /// Whether `json` passes; null is no value.
    pub(super) fn matches(&self, json: &Json) -> bool {
        if json.is_null() {
            return false;
        }
        match self {
            Self::Present => match json {
                Json::Bool(truth) => *truth,
                Json::Number(number) => number.as_f64() != Some(0.0),
                Json::String(text) => !text.is_empty(),
                _ => true,
            },
            Self::Is(literal) => literal.is(json),
            Self::IsNot(literal) => !literal.is(json),
            Self::Has(literal) => literal.is_in(json),
            Self::Number(test) => as_number(json).is_some_and(|number| test.matches(number)),
            Self::Moment(test) => as_moment(json).is_some_and(|millis| test.matches(millis)),
            Self::Text(test) => written(json).is_some_and(|text| test.matches(&text)),
        }
    }
}

fn as_number(json: &Json) -> Option<f64> {
    match json {
        Json::Number(that) => that.as_f64(),
        Json::String(text) => number(text.trim()),
        _ => None,
    }
}

/// Milliseconds since 1970. A time without zone in a packet is no reader's local time: it is UTC.
fn as_moment(json: &Json) -> Option<f64> {
    let clock = Clock { now: UnixMillis::default(), zone: &TimeZone::UTC };
    match json {
        Json::String(text) if text.starts_with(|first: char| first.is_ascii_digit()) => {
            Some(as_f64(clock.span(text)?.first))
        }
        other => as_number(other),
    }
}

/// A value as text: lists with commas between, objects not at all.
fn written(json: &Json) -> Option<Cow<'_, str>> {
    match json {
        Json::String(text) => Some(Cow::Borrowed(text)),
        Json::Number(number) => {
            let number = number.as_f64().map_or_else(|| number.to_string(), |number| number.to_string());
            Some(Cow::Owned(number))
        }
        Json::Bool(truth) => Some(Cow::Borrowed(if *truth { "true" } else { "false" })),
        Json::Array(items) => {
            let texts: Vec<_> = items.iter().map(|item| written(item).unwrap_or_default()).collect();
            Some(Cow::Owned(texts.join(",")))
        }
        Json::Null | Json::Object(_) => None,
    }
}
