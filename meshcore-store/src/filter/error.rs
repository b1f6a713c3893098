//! What is wrong with an expression, and where.

use std::ops::Range;

/// An expression that is no filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}{}", suggestion(.nearest.as_deref()))]
pub struct FilterError {
    /// The bytes at fault; empty where something is missing.
    pub at: Range<usize>,
    /// What is wrong.
    pub problem: Problem,
    /// What may have been meant.
    pub nearest: Option<String>,
}

/// What is wrong. Quoted parts of the expression are cut and escaped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// No field has this name.
    #[error("unknown field `{0}`; quote it to search for the words")]
    UnknownField(String),
    /// The field cannot be asked that.
    #[error("`{field}` cannot be asked with `{operator}`, only with {expected}")]
    Operator {
        /// As written.
        field: String,
        /// As written.
        operator: &'static str,
        /// What can be used.
        expected: &'static str,
    },
    /// A value that the field cannot have.
    #[error("`{value}` is not {expected}")]
    Value {
        /// As written.
        value: String,
        /// What would be.
        expected: &'static str,
    },
    /// Something has to follow.
    #[error("expected {expected}, found {found}")]
    Unexpected {
        /// What is there instead.
        found: String,
        /// What should be.
        expected: &'static str,
    },
    /// A quote, slash or parenthesis without its counterpart.
    #[error("`{0}` is never closed")]
    Unclosed(char),
    /// A regular expression that is none, or too large.
    #[error("regular expression: {0}")]
    Pattern(String),
    /// The field belongs to the packet.
    #[error("`{0}` is of the packet, not of an observation")]
    NotOfObservation(String),
    /// Longer than a filter may be.
    #[error("longer than {max} bytes")]
    TooLong {
        /// The limit.
        max: usize,
    },
    /// Parentheses, `not` and functions within each other.
    #[error("nested deeper than {max}")]
    TooDeep {
        /// The limit.
        max: usize,
    },
    /// More tests than a filter may have.
    #[error("more than {max} {what}")]
    TooMany {
        /// The limit.
        max: usize,
        /// Of what.
        what: &'static str,
    },
}

impl FilterError {
    /// Nothing to suggest.
    pub(super) fn new(at: Range<usize>, problem: Problem) -> Self {
        Self { at, problem, nearest: None }
    }

    /// With what may have been meant: the closest of `known` to `written`, if it is close.
    pub(super) fn near<'a>(mut self, written: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        if written.len() > SHOWN_MAX {
            return self; // no name is so long, and comparing takes the product of both lengths
        }
        let written = written.to_lowercase();
        let distance = |name: &str| strsim::osa_distance(&written, &name.to_lowercase());
        // half of the letters wrong is another word
        let limit = (written.chars().count() / 2).min(3);
        let closest =
            known.into_iter().map(|name| (distance(name), name)).min_by_key(|(distance, _)| *distance);
        self.nearest = closest.filter(|(distance, _)| *distance <= limit).map(|(_, name)| name.to_owned());
        self
    }
}

/// Characters of the expression that are shown.
const SHOWN_MAX: usize = 40;

/// A part of the expression as it may be shown: cut, without control characters.
pub(super) fn shown(text: &str) -> String {
    let cut: String = text.chars().take(SHOWN_MAX).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN_MAX).is_some() { cut + "…" } else { cut }
}

fn suggestion(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suggestion_is_close_or_is_none() {
        let error = |written| {
            let problem = Problem::UnknownField(shown(written));
            FilterError::new(0..1, problem).near(written, ["observer", "hops", "snr"]).nearest
        };
        assert_eq!(error("obsever").as_deref(), Some("observer"));
        assert_eq!(error("HOP").as_deref(), Some("hops"));
        assert_eq!(error("temperature"), None);
        assert_eq!(error("x"), None);
    }

    #[test]
    fn what_is_shown_of_an_expression_is_short_and_one_line() {
        assert_eq!(shown("a\nb\u{202e}"), r"a\nb\u{202e}");
        assert_eq!(shown(&"é".repeat(41)), "é".repeat(40) + "…");
    }
}
