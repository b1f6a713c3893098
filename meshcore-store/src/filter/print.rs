//! A filter's meaning as an expression again: parsing it gives the same meaning.

use std::fmt::{self, Display, Formatter};

use super::ast::{Comparison, Expr, Literal, NumberTest, PayloadTest, Quantifier, Term, TextTest};
use super::codes::{Codes, Coding};
use super::field::{Field, Flag};
use super::reference::name_of;
use crate::UnixMillis;

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => Ok(()),
            Self::And(parts) => joined(f, parts, " and "),
            Self::Or(parts) => joined(f, parts, " or "),
            Self::Not(inner) => write!(f, "not {}", Part(inner)),
            Self::Term(term) => write!(f, "{term}"),
        }
    }
}

fn joined(f: &mut Formatter<'_>, parts: &[Expr], joint: &str) -> fmt::Result {
    for (i, part) in parts.iter().enumerate() {
        write!(f, "{}{}", if i > 0 { joint } else { "" }, Part(part))?;
    }
    Ok(())
}

/// An expression within another.
struct Part<'e>(&'e Expr);

impl Display for Part<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Expr::And(_) | Expr::Or(_) => write!(f, "({})", self.0),
            simple => write!(f, "{simple}"),
        }
    }
}

impl Display for Term {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type(codes) => write_codes(f, Field::Type, Coding::Type, *codes),
            Self::Route(codes) => write_codes(f, Field::Route, Coding::Route, *codes),
            Self::Number { field, test } => write!(f, "{}{test}", name_of(Field::Number(*field))),
            Self::Text { field, test } => write!(f, "{}{test}", name_of(Field::Text(*field))),
            Self::Flag { flag: Flag::Signature, holds } => {
                f.write_str(if *holds { "sig:valid" } else { "sig:invalid" })
            }
            Self::Flag { flag, holds } => write!(f, "{}:{holds}", name_of(Field::Flag(*flag))),
            Self::Time { from, until } => {
                f.write_str("time")?;
                match (from.map(Moment), until.map(Moment)) {
                    (None, None) => Ok(()),
                    (Some(from), None) => write!(f, " >= {from}"),
                    (None, Some(until)) => write!(f, " <= {until}"),
                    (Some(from), Some(until)) => write!(f, ":{from}..{until}"),
                }
            }
            Self::Node { part, test } => write!(f, "{}{test}", name_of(Field::Node(*part))),
            Self::Own { list, .. } => f.write_str(name_of(Field::Own(*list))),
            Self::Near { lat, lon, km } => write!(f, "near({lat}, {lon}, {km})"),
            Self::Payload { path, test } => write!(f, "payload.{}{test}", path.join(".")),
            Self::Observation { quantifier: Quantifier::Any, expr } => match expr.as_ref() {
                Expr::Term(term) => write!(f, "obs.{term}"),
                other => write!(f, "any({other})"),
            },
            Self::Observation { quantifier: Quantifier::All, expr } => write!(f, "all({expr})"),
            Self::Count { of, test } => match of.as_ref() {
                Expr::All => write!(f, "count(obs){test}"),
                other => write!(f, "count({other}){test}"),
            },
            Self::Free(TextTest::Contains(text)) => write!(f, "{}", Quoted(text)),
            Self::Free(test) => write!(f, "{}{test}", name_of(Field::Words)),
        }
    }
}

fn write_codes(f: &mut Formatter<'_>, field: Field, coding: Coding, codes: Codes) -> fmt::Result {
    f.write_str(name_of(field))?;
    if codes == coding.all() {
        return Ok(());
    }
    for (i, code) in codes.iter().enumerate() {
        f.write_str(if i > 0 { "," } else { ":" })?;
        match coding.name(code) {
            Some(name) => f.write_str(name)?,
            None => write!(f, "{code}")?,
        }
    }
    Ok(())
}

impl Display for NumberTest {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Present => Ok(()),
            Self::Is(comparison, number) => write!(f, " {} {number}", comparison.as_str()),
            Self::Between(least, most) => write!(f, ":{least}..{most}"),
            Self::Written(test) => write!(f, "{test}"),
        }
    }
}

impl Display for TextTest {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Present => Ok(()),
            Self::Is(text) => write!(f, " == {}", Quoted(text)),
            Self::IsNot(text) => write!(f, " != {}", Quoted(text)),
            Self::Contains(part) => write!(f, " contains {}", Quoted(part)),
            Self::StartsWith(start) => write!(f, " starts_with {}", Quoted(start)),
            Self::EndsWith(end) => write!(f, " ends_with {}", Quoted(end)),
            Self::Like(wildcard) => write!(f, ":{}", wildcard.as_str()),
            Self::Matches(pattern) => {
                let flag = if pattern.ignores_case() { "i" } else { "" };
                write!(f, " ~ /{}/{flag}", pattern.written())
            }
        }
    }
}

impl Display for PayloadTest {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Present => Ok(()),
            Self::Is(literal) => write!(f, " == {literal}"),
            Self::IsNot(literal) => write!(f, " != {literal}"),
            Self::Has(literal) => write!(f, ":{literal}"),
            Self::Moment(NumberTest::Between(least, most)) => write!(f, " between {least} {most}"),
            Self::Moment(NumberTest::Is(Comparison::Gt, millis)) => write!(f, " after {millis}"),
            Self::Moment(NumberTest::Is(_, millis)) => write!(f, " before {millis}"),
            Self::Text(TextTest::Is(text)) => write!(f, " in ({})", Quoted(text)),
            Self::Number(test) | Self::Moment(test) => write!(f, "{test}"),
            Self::Text(test) => write!(f, "{test}"),
        }
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{}", Quoted(text)),
            Self::Number(number) => write!(f, "{number}"),
            Self::Bool(truth) => write!(f, "{truth}"),
        }
    }
}

/// A text in quotes.
pub(super) struct Quoted<'t>(pub(super) &'t str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.replace('\\', r"\\").replace('"', "\\\""))
    }
}

/// 1970 to 9999.
const FOUR_DIGIT_YEARS: std::ops::Range<i64> = 0..253_402_300_800_000;

/// A time that reads back to the millisecond.
struct Moment(UnixMillis);

impl Display for Moment {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if FOUR_DIGIT_YEARS.contains(&self.0.get()) {
            f.write_str(&self.0.to_rfc3339_millis())
        } else {
            write!(f, "{}", self.0.get())
        }
    }
}
