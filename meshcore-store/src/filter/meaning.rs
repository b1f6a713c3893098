//! From a field and what is written after it to a typed test.

use std::ops::Range;

use super::ast::{Comparison, Expr, NumberTest, Term, TextTest};
use super::codes::{Codes, Coding};
use super::condition::{Condition, TextOperator};
use super::error::{FilterError, Problem, shown};
use super::field::{Field, Flag, NumberField, Own, ROLES, TextField};
use super::literal::{Value, duration, number, truth};
use super::parser::Parser;
use super::pattern::Wildcard;
use super::payload::payload_test;
use super::reference::{Named, What};
use crate::decoded::Role;

const NUMBER: &str = "a number such as 5, a range such as 1..5, or one of < <= > >= and a number";

impl Parser<'_, '_> {
    /// What `condition` means for a field; `word` is how the field was written, `at` is all of it.
    pub(super) fn meaning(
        &self,
        named: &Named<'_>,
        word: &str,
        condition: Condition<'_>,
        at: Range<usize>,
    ) -> Result<Expr, FilterError> {
        let field = match &named.what {
            What::Field(field) => *field,
            What::Payload(path) => {
                let path = path.iter().map(|&key| key.to_owned()).collect();
                let test = payload_test(&self.clock(), condition)?;
                return Ok(Expr::Term(Term::Payload { path, test }));
            }
        };
        let term = match field {
            Field::Type => Term::Type(codes(Coding::Type, word, "a payload type", &condition, at)?),
            Field::Route => Term::Route(codes(Coding::Route, word, "a route type", &condition, at)?),
            Field::Transport => Term::Route(transport(holds(word, None, &condition, at)?)),
            Field::Flag(flag) => Term::Flag { flag, holds: holds(word, Some(flag), &condition, at)? },
            Field::Number(field) => {
                Term::Number { field, test: number_test(word, field.per_second(), condition, at)? }
            }
            Field::Text(field) => {
                let test = text_test(word, condition, field == TextField::Role, at)?;
                Term::Text { field, test }
            }
            Field::Node(part) => Term::Node { part, test: text_test(word, condition, false, at)? },
            Field::Words => Term::Free(text_test(word, condition, false, at)?),
            Field::Own(list) => {
                let keys = match list {
                    Own::Mine => self.context.mine.clone(),
                    Own::Favourites => self.context.favourites.clone(),
                };
                let own = Expr::Term(Term::Own { list, keys });
                return Ok(if holds(word, None, &condition, at)? { own } else { !own });
            }
            Field::Time | Field::Since | Field::Until | Field::Age => {
                return self.clock().meaning(field, word, &condition, at);
            }
        };
        Ok(Expr::Term(term))
    }
}

impl NumberField {
    /// How many of the field's units are a second; where it is no time, durations are seconds.
    const fn per_second(self) -> f64 {
        match self {
            Self::Airtime | Self::Delay => 1000.0,
            _ => 1.0,
        }
    }
}

fn codes(
    coding: Coding,
    word: &str,
    expected: &'static str,
    condition: &Condition<'_>,
    at: Range<usize>,
) -> Result<Codes, FilterError> {
    let one = |value: &Value<'_>| {
        coding.find(&value.text).ok_or_else(|| {
            let names = coding.names().chain(coding.labels()).map(|(_, name)| name);
            bad_value(value, expected).near(&value.text, names)
        })
    };
    let select = |value: &Value<'_>, test: &dyn Fn(&str) -> bool| {
        let found = coding.select(|name| test(&name.to_lowercase()));
        if found.is_empty() { Err(bad_value(value, expected)) } else { Ok(found) }
    };
    match condition {
        Condition::Bare => Ok(coding.all()),
        Condition::Has(value) if value.is_wildcard() => {
            let wildcard = Wildcard::new(&value.text);
            select(value, &|name| wildcard.matches(name))
        }
        Condition::Compare(Comparison::Eq, value) | Condition::Has(value) | Condition::Among(value) => {
            one(value)
        }
        Condition::Compare(Comparison::Ne, value) => Ok(one(value)?.but(coding.all())),
        Condition::Text(operator, value) => {
            let part = value.text.to_lowercase();
            select(value, &|name| match operator {
                TextOperator::Contains => name.contains(&part),
                TextOperator::StartsWith => name.starts_with(&part),
                TextOperator::EndsWith => name.ends_with(&part),
            })
        }
        other => Err(bad_operator(word, other, "== != : in contains starts_with ends_with", at)),
    }
}

fn transport(holds: bool) -> Codes {
    if holds { Codes::of([0, 3]) } else { Codes::of([1, 2]) }
}

/// Whether a flag has to hold. A signature is valid or invalid, too.
fn holds(
    word: &str,
    flag: Option<Flag>,
    condition: &Condition<'_>,
    at: Range<usize>,
) -> Result<bool, FilterError> {
    let is_signature = flag == Some(Flag::Signature);
    let expected = if is_signature { "valid or invalid" } else { "true or false" };
    let read = |value: &Value<'_>| {
        let is = |name: &str| is_signature && value.text.eq_ignore_ascii_case(name);
        let own_words = || if is("valid") { Some(true) } else { is("invalid").then_some(false) };
        truth(&value.text).or_else(own_words).ok_or_else(|| bad_value(value, expected))
    };
    match condition {
        Condition::Bare => Ok(true),
        Condition::Compare(Comparison::Eq, value) | Condition::Has(value) | Condition::Among(value) => {
            read(value)
        }
        Condition::Compare(Comparison::Ne, value) => Ok(!read(value)?),
        other => Err(bad_operator(word, other, "== != :", at)),
    }
}

/// A test on a number of which `per_second` are a second.
pub(super) fn number_test(
    word: &str,
    per_second: f64,
    condition: Condition<'_>,
    at: Range<usize>,
) -> Result<NumberTest, FilterError> {
    let of_text = |text: &str| number(text).or_else(|| Some(duration(text)? * per_second));
    let of = |value: &Value<'_>| of_text(&value.text).ok_or_else(|| bad_value(value, NUMBER));
    Ok(match condition {
        Condition::Bare => NumberTest::Present,
        Condition::Compare(comparison, value) => NumberTest::Is(comparison, of(&value)?),
        Condition::Among(value) => NumberTest::Is(Comparison::Eq, of(&value)?),
        Condition::After(value) => NumberTest::Is(Comparison::Gt, of(&value)?),
        Condition::Before(value) => NumberTest::Is(Comparison::Lt, of(&value)?),
        Condition::Between(one, other) => NumberTest::between(of(&one)?, of(&other)?),
        Condition::Has(value) => match value.range() {
            Some(ends) => number_range(ends, of_text).ok_or_else(|| bad_value(&value, NUMBER))?,
            None => NumberTest::Is(Comparison::Eq, of(&value)?),
        },
        written @ (Condition::Text(..) | Condition::Matches(_)) => {
            NumberTest::Written(text_test(word, written, false, at)?)
        }
    })
}

/// `1..5`, `1..` and `..5`.
pub(super) fn number_range(
    (from, to): (&str, &str),
    number: impl Fn(&str) -> Option<f64>,
) -> Option<NumberTest> {
    match (from, to) {
        ("", to) => Some(NumberTest::Is(Comparison::Le, number(to)?)),
        (from, "") => Some(NumberTest::Is(Comparison::Ge, number(from)?)),
        (from, to) => Some(NumberTest::between(number(from)?, number(to)?)),
    }
}

impl NumberTest {
    /// Between two numbers in any order.
    pub(super) fn between(one: f64, other: f64) -> Self {
        Self::Between(one.min(other), one.max(other))
    }
}

/// A test on a text; a role has to be one there is.
pub(super) fn text_test(
    word: &str,
    condition: Condition<'_>,
    is_role: bool,
    at: Range<usize>,
) -> Result<TextTest, FilterError> {
    let whole = |value: Value<'_>| {
        if is_role && Role::from_word(&value.text.to_lowercase()).is_none() {
            return Err(bad_value(&value, "a role").near(&value.text, ROLES));
        }
        Ok(value.text.to_lowercase())
    };
    Ok(match condition {
        Condition::Bare => TextTest::Present,
        Condition::Compare(Comparison::Eq, value) | Condition::Among(value) => TextTest::Is(whole(value)?),
        Condition::Compare(Comparison::Ne, value) => TextTest::IsNot(whole(value)?),
        Condition::Has(value) if value.is_wildcard() => TextTest::Like(Wildcard::new(&value.text)),
        Condition::Has(value) if is_role => TextTest::Is(whole(value)?),
        Condition::Has(value) => TextTest::Contains(value.text.to_lowercase()),
        Condition::Text(operator, value) => operator.test(value.text.to_lowercase()),
        Condition::Matches(pattern) => TextTest::Matches(pattern),
        other => {
            let expected = "== != : ~ in contains starts_with ends_with";
            return Err(bad_operator(word, &other, expected, at));
        }
    })
}

impl TextOperator {
    pub(super) fn test(self, part: String) -> TextTest {
        match self {
            Self::Contains => TextTest::Contains(part),
            Self::StartsWith => TextTest::StartsWith(part),
            Self::EndsWith => TextTest::EndsWith(part),
        }
    }
}

/// Words to search for.
pub(super) fn free(value: &Value<'_>) -> TextTest {
    if value.is_wildcard() {
        TextTest::Like(Wildcard::new(&value.text))
    } else {
        TextTest::Contains(value.text.to_lowercase())
    }
}

pub(super) fn bad_value(value: &Value<'_>, expected: &'static str) -> FilterError {
    FilterError::new(value.at.clone(), Problem::Value { value: shown(&value.text), expected })
}

pub(super) fn bad_operator(
    word: &str,
    condition: &Condition<'_>,
    expected: &'static str,
    at: Range<usize>,
) -> FilterError {
    FilterError::new(at, Problem::Operator { field: shown(word), operator: condition.operator(), expected })
}
