//! Values as written: numbers, durations, ranges.

use std::borrow::Cow;
use std::ops::Range;

use super::lexer::unescape;

/// A value as written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Value<'t> {
    /// Without quotes, escapes resolved.
    pub(super) text: Cow<'t, str>,
    pub(super) is_quoted: bool,
    pub(super) at: Range<usize>,
}

impl<'t> Value<'t> {
    pub(super) fn word(text: &'t str, at: Range<usize>) -> Self {
        Self { text: Cow::Borrowed(text), is_quoted: false, at }
    }

    pub(super) fn quoted(inside: &'t str, at: Range<usize>) -> Self {
        Self { text: Cow::Owned(unescape(inside)), is_quoted: true, at }
    }

    /// The ends of a range `a..b`, either of which may be empty. Quoted texts are no ranges.
    pub(super) fn range(&self) -> Option<(&str, &str)> {
        if self.is_quoted { None } else { self.text.split_once("..").filter(|ends| *ends != ("", "")) }
    }

    /// Whether `*` stands for any text in it.
    pub(super) fn is_wildcard(&self) -> bool {
        !self.is_quoted && self.text.contains('*')
    }
}

/// A finite decimal number.
pub(super) fn number(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let starts_well = digits.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    (starts_well && is_plain).then(|| text.parse().ok()).flatten().filter(|number: &f64| number.is_finite())
}

/// Units of a duration, in seconds.
const UNITS: [(&str, f64); 6] =
    [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0), ("d", 86_400.0), ("w", 604_800.0)];

/// A duration with its unit, in seconds.
pub(super) fn duration(text: &str) -> Option<f64> {
    UNITS
        .iter()
        .find_map(|(unit, seconds)| Some(number(text.strip_suffix(unit)?)? * seconds))
        .filter(|seconds| seconds.is_finite())
}

/// `true`, `false`, `yes` or `no`, in any case.
pub(super) fn truth(text: &str) -> Option<bool> {
    let is = |words: [&str; 2]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is(["true", "yes"]) { Some(true) } else { is(["false", "no"]).then_some(false) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_decimal_and_finite() {
        for (text, value) in [("-5", -5.0), ("+0.5", 0.5), (".5", 0.5), ("12", 12.0), ("5.", 5.0)] {
            assert_eq!(number(text), Some(value), "{text}");
        }
        for text in ["", "-", "inf", "NaN", "1e5", "0x10", "1.2.3", "--1", &"9".repeat(400)] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn durations_have_a_unit() {
        for (text, seconds) in [("90s", 90.0), ("1.5h", 5400.0), ("250ms", 0.25), ("-2d", -172_800.0)] {
            assert_eq!(duration(text), Some(seconds), "{text}");
        }
        for text in ["5", "h", "5y", "5 m"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn a_range_may_be_open_at_one_end() {
        let range = |text| Value::word(text, 0..0).range().map(|(from, to)| (from.to_owned(), to.to_owned()));
        assert_eq!(range("-10..5"), Some(("-10".into(), "5".into())));
        assert_eq!(range("..5"), Some((String::new(), "5".into())));
        assert_eq!((range(".."), range("5")), (None, None));
    }
}
