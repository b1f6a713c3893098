//! Text from the radio, made harmless for a terminal.

use std::fmt::{self, Write};

/// Shows a text with everything escaped that a terminal would obey or hide:
/// control characters, those that turn the direction of writing, and those
/// without width. The rest stays as it is, whatever the language.
pub(crate) struct Clean<'a>(pub(crate) &'a str);

impl fmt::Display for Clean<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            c if is_unseen(c) || c == '\\' => write!(f, "{}", c.escape_default()),
            c => f.write_char(c),
        })
    }
}

/// Whether a terminal does something else at this character than to show it.
pub(crate) fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_escaped_and_the_rest_is_not() {
        let text = "Zürich 山 🏔\u{1b}[2J\u{9b}1m\n\u{202e}txt\\n";
        assert_eq!(Clean(text).to_string(), r"Zürich 山 🏔\u{1b}[2J\u{9b}1m\n\u{202e}txt\\n");
    }

    #[test]
    fn what_a_terminal_would_hide_is_escaped() {
        let text = "a\u{200b}\u{200d}\u{2060}\u{feff}b";
        assert_eq!(Clean(text).to_string(), r"a\u{200b}\u{200d}\u{2060}\u{feff}b");
    }
}
