//! Texts that stand for many: wildcards and regular expressions.

use std::borrow::Cow;

use regex::{Regex, RegexBuilder};

/// A text in which `*` stands for any text. Lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wildcard(String);

impl Wildcard {
    /// From a text with `*` in it.
    pub(super) fn new(text: &str) -> Self {
        Self(text.to_lowercase())
    }

    /// As written, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether all of `text`, which is lower case, is such a text. Linear: each part is taken where it first occurs.
    pub(super) fn matches(&self, text: &str) -> bool {
        let Some((first, rest)) = self.0.split_once('*') else { return self.0 == text };
        let Some(mut left) = text.strip_prefix(first) else { return false };
        let (middle, last) = rest.rsplit_once('*').unwrap_or(("", rest));
        for part in middle.split('*') {
            let Some(at) = left.find(part) else { return false };
            left = left.get(at + part.len()..).unwrap_or_default();
        }
        left.ends_with(last)
    }
}

/// A regular expression, within limits.
#[derive(Clone, Debug)]
pub struct Pattern {
    source: String,
    ignores_case: bool,
    regex: Regex,
}

impl Pattern {
    /// Bytes a compiled expression may take, and its lazily built automaton: enough for anything a person writes.
    const COMPILED_MAX: usize = 256 * 1024;

    /// Groups within groups.
    const NESTING_MAX: u32 = 32;

    /// Compiles what is written between slashes, with `\/` for a slash.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub(super) fn new(written: &str, ignores_case: bool) -> Result<Self, String> {
        let source = written.replace(r"\/", "/");
        let regex = RegexBuilder::new(&source)
            .case_insensitive(ignores_case)
            .size_limit(Self::COMPILED_MAX)
            .dfa_size_limit(Self::COMPILED_MAX)
            .nest_limit(Self::NESTING_MAX)
            .build()
            .map_err(|error| reason(&error))?;
        Ok(Self { source, ignores_case, regex })
    }

    /// The expression.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The expression as written between slashes.
    pub(super) fn written(&self) -> String {
        self.source.replace('/', r"\/")
    }

    /// Whether `i` follows the slash.
    pub const fn ignores_case(&self) -> bool {
        self.ignores_case
    }

    /// Whether it matches somewhere within `text`.
    pub(super) fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        (&self.source, self.ignores_case) == (&other.source, other.ignores_case)
    }
}

/// The last line of a report that draws the expression with a marker below it.
fn reason(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
        other => {
            let report = other.to_string();
            let last = report.lines().last().unwrap_or_default();
            last.strip_prefix("error: ").unwrap_or(last).to_owned()
        }
    }
}

/// `text` in lower case.
pub(super) fn lower(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.to_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("kd*", "kd7abc", true)]
    #[case("kd*", "akd7abc", false)]
    #[case("*ridge", "north ridge", true)]
    #[case("*ridge", "ridge 2", false)]
    #[case("a*b*c", "abbc", true)]
    #[case("a*b*c", "acb", false)]
    #[case("ab*ba", "aba", false)]
    #[case("*", "", true)]
    #[case("**", "x", true)]
    fn a_star_stands_for_any_text(#[case] wildcard: &str, #[case] text: &str, #[case] matches: bool) {
        assert_eq!(Wildcard::new(wildcard).matches(text), matches);
    }

    #[rstest]
    #[case("(", "unclosed group")]
    #[case(r"\w{9999}", "it is too large")]
    #[case(r"(a)\1", "backreferences are not supported")]
    fn what_is_wrong_with_an_expression_is_said_in_one_line(#[case] source: &str, #[case] reason: &str) {
        assert_eq!(Pattern::new(source, false).unwrap_err(), reason);
    }
}
