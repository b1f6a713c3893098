//! Tests on when a packet was heard.

use std::ops::Range;

use jiff::tz::TimeZone;

use super::ast::{Comparison, Expr, Term};
use super::condition::Condition;
use super::error::FilterError;
use super::field::Field;
use super::literal::{Value, duration, number};
use super::meaning::{bad_operator, bad_value};
use super::time::{Clock, Span, as_f64};
use crate::UnixMillis;

const TIME: &str = "a time such as 2026-01-31, \"2026-01-31 10:00\", now-2h or today";
const DURATION: &str = "a duration such as 90s, 15m, 2h, 3d or 1w";
const TIME_OR_DURATION: &str = "a duration such as 15m, or a time such as 2026-01-31 or now-2h";

/// Bounds of a time, both included.
type Bounds = (Option<UnixMillis>, Option<UnixMillis>);

impl Clock<'_> {
    /// What `condition` means for [`Field::Time`], [`Field::Since`], [`Field::Until`] or [`Field::Age`].
    pub(super) fn meaning(
        &self,
        field: Field,
        word: &str,
        condition: &Condition<'_>,
        at: Range<usize>,
    ) -> Result<Expr, FilterError> {
        if let Condition::Bare = condition {
            return Ok(within((None, None)));
        }
        match field {
            Field::Age => self.age(word, condition, at),
            Field::Since | Field::Until => {
                let (Condition::Has(value) | Condition::Compare(Comparison::Eq, value)) = condition else {
                    return Err(bad_operator(word, condition, ":", at));
                };
                let span = match duration(&value.text) {
                    Some(seconds) => Span::instant(self.ago(seconds)),
                    None => self.span(&value.text).ok_or_else(|| bad_value(value, TIME_OR_DURATION))?,
                };
                let bounds =
                    if field == Field::Since { (Some(span.first), None) } else { (None, Some(span.last)) };
                Ok(within(bounds))
            }
            _ => self.time(word, condition, at),
        }
    }

    /// The moment a value of `after`, `before` or `between` stands for, in milliseconds.
    pub(super) fn moment(&self, value: &Value<'_>) -> Result<f64, FilterError> {
        Ok(as_f64(self.old_span(value)?.first))
    }

    /// Older operators read a date without time in UTC, and a time without zone where the reader is.
    fn old_span(&self, value: &Value<'_>) -> Result<Span, FilterError> {
        let is_date =
            value.text.parse::<jiff::civil::Date>().is_ok() && !value.text.contains([':', 'T', ' ']);
        let zone = if is_date { &TimeZone::UTC } else { self.zone };
        Clock { now: self.now, zone }.span(&value.text).ok_or_else(|| bad_value(value, TIME))
    }

    fn time(&self, word: &str, condition: &Condition<'_>, at: Range<usize>) -> Result<Expr, FilterError> {
        let of = |value: &Value<'_>| self.span(&value.text).ok_or_else(|| bad_value(value, TIME));
        let bounds = match condition {
            Condition::Compare(Comparison::Ne, value) => {
                let span = of(value)?;
                return Ok(Expr::or(
                    within((None, Some(before(span.first)))),
                    [within((Some(after(span.last)), None))],
                ));
            }
            Condition::Compare(Comparison::Eq, value) | Condition::Among(value) => whole(of(value)?),
            Condition::Compare(order, value) => compared(*order, of(value)?.first),
            Condition::After(value) => (Some(after(self.old_span(value)?.first)), None),
            Condition::Before(value) => (None, Some(before(self.old_span(value)?.first))),
            Condition::Between(one, other) => {
                let (one, other) = (self.old_span(one)?.first, self.old_span(other)?.first);
                (Some(one.min(other)), Some(one.max(other)))
            }
            Condition::Has(value) => match value.range() {
                Some(ends) => self.range(ends).ok_or_else(|| bad_value(value, TIME))?,
                None => whole(of(value)?),
            },
            other => return Err(bad_operator(word, other, "== != < <= > >= : in after before between", at)),
        };
        Ok(within(bounds))
    }

    /// From the first to the last moment of what is written.
    fn range(&self, (from, to): (&str, &str)) -> Option<Bounds> {
        let end = |text: &str| if text.is_empty() { Some(None) } else { self.span(text).map(Some) };
        let (from, to) = (end(from)?, end(to)?);
        Some((from.map(|span| span.first), to.map(|span| span.last)))
    }

    fn age(&self, word: &str, condition: &Condition<'_>, at: Range<usize>) -> Result<Expr, FilterError> {
        let seconds = |text: &str| duration(text).or_else(|| number(text));
        let of = |value: &Value<'_>| seconds(&value.text).ok_or_else(|| bad_value(value, DURATION));
        // the older it is, the earlier it was heard
        let ages = |least: f64, most: f64| (Some(self.ago(most)), Some(self.ago(least)));
        // as old as that in whole seconds
        let exactly = |seconds: f64| (Some(after(self.ago(seconds + 1.0))), Some(self.ago(seconds)));
        let bounds = match condition {
            Condition::Compare(Comparison::Ne, value) => {
                let (from, until) = exactly(of(value)?);
                return Ok(Expr::or(within((None, from.map(before))), [within((until.map(after), None))]));
            }
            Condition::Compare(Comparison::Eq, value) | Condition::Among(value) => exactly(of(value)?),
            Condition::Compare(order, value) => compared(order.reversed(), self.ago(of(value)?)),
            Condition::Between(one, other) => {
                let (one, other) = (of(one)?, of(other)?);
                ages(one.min(other), one.max(other))
            }
            Condition::Has(value) => match value.range() {
                Some((least, "")) => {
                    (None, Some(self.ago(seconds(least).ok_or_else(|| bad_value(value, DURATION))?)))
                }
                Some((least, most)) => {
                    let least = if least.is_empty() { Some(0.0) } else { seconds(least) };
                    let ends = least.zip(seconds(most)).ok_or_else(|| bad_value(value, DURATION))?;
                    ages(ends.0.min(ends.1), ends.0.max(ends.1))
                }
                None => exactly(of(value)?),
            },
            other => return Err(bad_operator(word, other, "== != < <= > >= : in between", at)),
        };
        Ok(within(bounds))
    }
}

impl Comparison {
    /// As seen from the other side.
    const fn reversed(self) -> Self {
        match self {
            Self::Lt => Self::Gt,
            Self::Le => Self::Ge,
            Self::Gt => Self::Lt,
            Self::Ge => Self::Le,
            same @ (Self::Eq | Self::Ne) => same,
        }
    }
}

fn within((from, until): Bounds) -> Expr {
    Expr::Term(Term::Time { from, until })
}

const fn whole(span: Span) -> Bounds {
    (Some(span.first), Some(span.last))
}

/// Bounds of what stands so to `at`.
fn compared(order: Comparison, at: UnixMillis) -> Bounds {
    match order {
        Comparison::Lt => (None, Some(before(at))),
        Comparison::Le => (None, Some(at)),
        Comparison::Gt => (Some(after(at)), None),
        Comparison::Ge => (Some(at), None),
        Comparison::Eq | Comparison::Ne => (Some(at), Some(at)),
    }
}

const fn before(at: UnixMillis) -> UnixMillis {
    at.plus_millis(-1)
}

const fn after(at: UnixMillis) -> UnixMillis {
    at.plus_millis(1)
}
