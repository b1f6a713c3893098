//! Text to tokens, on demand: what ends a word depends on whether a value is due.

use std::ops::Range;

use super::ast::Comparison;
use super::error::{FilterError, Problem};

/// A piece of the expression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Token<'t> {
    /// Anything without quotes: a name, a number, a keyword, a wildcard.
    Word(&'t str),
    /// What is between quotes, escapes as written.
    Quoted(&'t str),
    Compare(Comparison),
    Colon,
    Tilde,
    Open,
    Close,
    Comma,
    And,
    Or,
    Not,
    End,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// A test: operators end a word, so that `snr>5` is three tokens.
    Test,
    /// A value: `2026-01-01T10:00` and `-10..5` are one token each.
    Value,
}

/// A regular expression as written.
#[derive(Clone, Debug)]
pub(super) struct Slashed<'t> {
    /// Between the slashes.
    pub(super) inside: &'t str,
    /// Whether `i` follows.
    pub(super) ignores_case: bool,
    pub(super) at: Range<usize>,
}

/// A place in the expression.
#[derive(Clone, Debug)]
pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    pub(super) const fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// The token at this place, and where it is.
    pub(super) fn peek(&self, due: Due) -> Result<(Token<'t>, Range<usize>), FilterError> {
        self.clone().next(due)
    }

    /// The token at this place, which is then left behind.
    pub(super) fn next(&mut self, due: Due) -> Result<(Token<'t>, Range<usize>), FilterError> {
        let rest = self.skip_blanks();
        let start = self.at;
        let (token, len) = match (sign(rest), rest.chars().next()) {
            (_, None) => (Token::End, 0),
            (Some((token, len)), _) if due == Due::Test || is_in_values(token) => (token, len),
            (_, Some(quote @ ('"' | '\''))) => {
                let inside = quoted(rest, quote).ok_or_else(|| unclosed(quote, start, self.text.len()))?;
                (Token::Quoted(inside), inside.len() + 2)
            }
            _ => {
                let word = &rest[..word_len(rest, due)];
                (Token::Word(word), word.len())
            }
        };
        self.at = start + len;
        Ok((token, start..self.at))
    }

    /// The regular expression at this place.
    pub(super) fn regex(&mut self) -> Result<Option<Slashed<'t>>, FilterError> {
        let rest = self.skip_blanks();
        let start = self.at;
        if !rest.starts_with('/') {
            return Ok(None);
        }
        let inside = quoted(rest, '/').ok_or_else(|| unclosed('/', start, self.text.len()))?;
        let ignores_case = rest[inside.len() + 2..].starts_with(['i', 'I']);
        self.at = start + inside.len() + 2 + usize::from(ignores_case);
        Ok(Some(Slashed { inside, ignores_case, at: start..self.at }))
    }

    /// The byte at this place.
    pub(super) const fn place(&self) -> usize {
        self.at
    }

    /// A part of the expression, as a token said where it is.
    pub(super) fn slice(&self, at: Range<usize>) -> &'t str {
        self.text.get(at).unwrap_or_default()
    }

    /// What is left after the blanks at this place.
    fn skip_blanks(&mut self) -> &'t str {
        let rest = self.text[self.at..].trim_start();
        self.at = self.text.len() - rest.len();
        rest
    }
}

fn unclosed(quote: char, start: usize, end: usize) -> FilterError {
    FilterError::new(start..end, Problem::Unclosed(quote))
}

/// The sign that `rest` begins with, and its bytes.
fn sign(rest: &str) -> Option<(Token<'static>, usize)> {
    let two = match rest.as_bytes().get(..2) {
        Some(b"==") => Some(Token::Compare(Comparison::Eq)),
        Some(b"!=") => Some(Token::Compare(Comparison::Ne)),
        Some(b"<=") => Some(Token::Compare(Comparison::Le)),
        Some(b">=") => Some(Token::Compare(Comparison::Ge)),
        Some(b"&&") => Some(Token::And),
        Some(b"||") => Some(Token::Or),
        _ => None,
    };
    let one = || match rest.as_bytes().first()? {
        b'=' => Some(Token::Compare(Comparison::Eq)),
        b'<' => Some(Token::Compare(Comparison::Lt)),
        b'>' => Some(Token::Compare(Comparison::Gt)),
        b'!' => Some(Token::Not),
        b':' => Some(Token::Colon),
        b'~' => Some(Token::Tilde),
        b'(' => Some(Token::Open),
        b')' => Some(Token::Close),
        b',' => Some(Token::Comma),
        _ => None,
    };
    two.map(|token| (token, 2)).or_else(|| Some((one()?, 1)))
}

/// Whether a sign is one where a value is due; the others begin a word there. Comparisons are: `hops:>3`.
const fn is_in_values(token: Token<'_>) -> bool {
    !matches!(token, Token::Colon | Token::Tilde | Token::Not)
}

/// Bytes of the word that `rest` begins with, which is no sign.
fn word_len(rest: &str, due: Due) -> usize {
    let ends = |(at, character): (usize, char)| match character {
        '(' | ')' | ',' => true,
        '&' => rest[at..].starts_with("&&"),
        '|' => rest[at..].starts_with("||"),
        '=' | '<' | '>' | ':' | '~' => due == Due::Test,
        '!' => due == Due::Test && rest[at..].starts_with("!="),
        other => other.is_whitespace(),
    };
    rest.char_indices().skip(1).find(|place| ends(*place)).map_or(rest.len(), |(at, _)| at)
}

/// What is between the quote that `rest` begins with and its counterpart.
fn quoted(rest: &str, quote: char) -> Option<&str> {
    let inside = &rest[quote.len_utf8()..];
    let mut escaped = false;
    for (at, character) in inside.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return Some(&inside[..at]),
            _ => {}
        }
    }
    None
}

/// What a quoted text stands for. A backslash before anything that needs none stays, as in older expressions.
pub(super) fn unescape(inside: &str) -> String {
    let mut text = String::with_capacity(inside.len());
    let mut characters = inside.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            text.push(character);
            continue;
        }
        match characters.next() {
            Some(plain @ ('"' | '\'' | '\\')) => text.push(plain),
            Some('n') => text.push('\n'),
            Some('t') => text.push('\t'),
            Some(other) => text.extend(['\\', other]),
            None => text.push('\\'),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str, due: Due) -> Vec<Token<'_>> {
        let mut lexer = Lexer::new(text);
        let mut next = || lexer.next(due).unwrap().0;
        std::iter::from_fn(|| Some(next()).filter(|token| *token != Token::End)).collect()
    }

    #[test]
    fn operators_need_no_blanks() {
        use Token::{And, Close, Compare, Not, Open, Word};
        let expected = [
            Not,
            Open,
            Word("snr"),
            Compare(Comparison::Ge),
            Word("-5"),
            And,
            Word("a.b"),
            Compare(Comparison::Ne),
            Word("x"),
            Close,
        ];
        assert_eq!(tokens("!(snr>=-5&&a.b!=x)", Due::Test), expected);
    }

    #[test]
    fn a_value_may_look_like_operators() {
        use Token::{And, Close, Comma, Quoted, Word};
        let expected =
            [Word("10:00..11:00"), Comma, Quoted(r#"a\"b"#), Word("AT&T!"), Close, And, Word("~x=y")];
        assert_eq!(tokens(r#"10:00..11:00,"a\"b" AT&T!)&&~x=y"#, Due::Value), expected);
    }

    #[test]
    fn a_quote_that_is_never_closed_is_shown_to_the_end() {
        let error = Lexer::new("  'abc\\'").next(Due::Test).unwrap_err();
        assert_eq!((error.at, error.problem), (2..8, Problem::Unclosed('\'')));
    }

    #[test]
    fn only_escapes_that_are_needed_lose_their_backslash() {
        assert_eq!(unescape(r#"\"\\\'\n\t\d\"#), "\"\\'\n\t\\d\\");
    }
}
