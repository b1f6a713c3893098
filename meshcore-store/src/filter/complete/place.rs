//! What an expression is waiting for where it ends.

use std::ops::Range;

use crate::filter::condition::WordOperator;
use crate::filter::field::Field;
use crate::filter::lexer::{Due, Lexer, Token};
use crate::filter::reference::{Named, What, field_named};

/// Where the cursor is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Place<'t> {
    pub(super) expected: Expected,
    /// What of it is already typed, without an opening quote.
    pub(super) typed: &'t str,
    /// Where that is, with the quote.
    pub(super) at: Range<usize>,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// A test.
    Test,
    /// An operator, or the next test.
    Operator(Kind),
    /// A value.
    Value(Kind),
    /// Another value of a list, or the next test.
    AfterValue(Kind),
    /// A regular expression, of which nothing is known.
    Pattern,
}

/// What operators and values depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Field(Field),
    Payload,
}

impl Kind {
    pub(super) const fn of(named: &Named<'_>) -> Self {
        match named.what {
            What::Field(field) => Self::Field(field),
            What::Payload(_) => Self::Payload,
        }
    }
}

impl<'t> Place<'t> {
    /// Where `text` ends.
    pub(super) fn at_end(text: &'t str) -> Self {
        let mut lexer = Lexer::new(text);
        let mut expected = Expected::Test;
        loop {
            let nothing = text.len()..text.len();
            if expected == Expected::Pattern {
                match lexer.regex() {
                    Ok(Some(_)) => expected = Expected::Test,
                    _ => return Self { expected, typed: "", at: nothing },
                }
            }
            let due = if matches!(expected, Expected::Value(_)) { Due::Value } else { Due::Test };
            match lexer.next(due) {
                Ok((Token::End, _)) => return Self { expected, typed: "", at: nothing },
                Ok((Token::Word(word), at)) if at.end == text.len() => {
                    return Self { expected, typed: word, at };
                }
                Ok((token, _)) => expected = expected.after(token),
                Err(unclosed) => {
                    let typed = text.get(unclosed.at.start + 1..).unwrap_or_default();
                    return Self { expected, typed, at: unclosed.at };
                }
            }
        }
    }
}

impl Expected {
    fn after(self, token: Token<'_>) -> Self {
        match (self, token) {
            (Self::Operator(_), Token::Tilde) => Self::Pattern,
            (Self::Operator(kind), Token::Compare(_) | Token::Colon) => Self::Value(kind),
            (Self::Operator(kind), Token::Word(word)) if WordOperator::of(word).is_some() => {
                Self::Value(kind)
            }
            (Self::Value(kind), Token::Word(_) | Token::Quoted(_)) => Self::AfterValue(kind),
            (Self::Value(kind), Token::Compare(_) | Token::Open) | (Self::AfterValue(kind), Token::Comma) => {
                Self::Value(kind)
            }
            (_, Token::Word(word)) => match field_named(word) {
                Some(named) => Self::Operator(Kind::of(&named)),
                None => Self::Test,
            },
            _ => Self::Test,
        }
    }
}
