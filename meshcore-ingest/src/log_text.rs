//! Texts of strangers in log lines.
//!
//! What comes by radio or MQTT may try to look like a line of ours, or to turn a line around: whoever logs such a text
//! wraps it in a [`LogText`].

use std::fmt;

/// A text of a stranger, fit for a log line: characters that steer a terminal or the direction of writing become `?`,
/// and what is long is cut.
///
/// ```
/// use meshcore_ingest::log_text::LogText;
///
/// assert_eq!(LogText::new("Eve\r\nERROR").to_string(), "Eve??ERROR");
/// assert_eq!(LogText::id("B8714384B6A36139").to_string(), "B8714384…");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogText<'a> {
    text: &'a str,
    most: usize,
}

impl<'a> LogText<'a> {
    /// A name or anything else: 128 characters.
    pub const fn new(text: &'a str) -> Self {
        Self { text, most: 128 }
    }

    /// The id of an observer: 8 characters.
    pub const fn id(text: &'a str) -> Self {
        Self { text, most: 8 }
    }

    /// The key of a node: 16 characters.
    pub const fn key(text: &'a str) -> Self {
        Self { text, most: 16 }
    }
}

impl fmt::Display for LogText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.text.chars();
        for c in rest.by_ref().take(self.most) {
            fmt::Write::write_char(f, if is_treacherous(c) { '?' } else { c })?;
        }
        if rest.next().is_some() { f.write_str("…") } else { Ok(()) }
    }
}

/// Whether a character could end a line, steer a terminal or turn the text around.
pub(crate) fn is_treacherous(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{2028}' | '\u{2029}' // ends of lines and paragraphs
            | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' // directions
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("Hörnli Gipfel 🗼", "Hörnli Gipfel 🗼")]
    #[case("a\r\nb\tc\0d\u{7f}e\u{1b}[31m", "a??b?c?d?e?[31m")]
    #[case("a\u{85}b\u{2028}c\u{2029}d", "a?b?c?d")]
    #[case("a\u{202e}b\u{2066}c\u{200f}d\u{61c}e", "a?b?c?d?e")]
    fn what_could_deceive_a_reader_is_replaced(#[case] text: &str, #[case] shown: &str) {
        assert_eq!(LogText::new(text).to_string(), shown);
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let long = "é".repeat(129);
        assert_eq!(LogText::new(&long).to_string(), "é".repeat(128) + "…");
        assert_eq!(LogText::new(&long[2..]).to_string(), "é".repeat(128));
        let key = "ab".repeat(32);
        assert_eq!(LogText::key(&key).to_string(), "abababababababab…");
    }

    proptest! {
        #[test]
        fn no_text_makes_a_second_line(text in any::<String>()) {
            let shown = LogText::new(&text).to_string();
            prop_assert!(shown.chars().count() <= 129);
            prop_assert!(!shown.chars().any(is_treacherous));
        }
    }
}
