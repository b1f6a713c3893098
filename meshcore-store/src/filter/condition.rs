//! What follows a field, as written: the operator and its values.

use std::ops::Range;

use super::ast::Comparison;
use super::error::{FilterError, Problem};
use super::lexer::{Due, Slashed, Token};
use super::literal::Value;
use super::parser::Parser;
use super::pattern::Pattern;

/// An operator that is a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextOperator {
    Contains,
    StartsWith,
    EndsWith,
}

/// A field's test as written, before it is known what it means for the field.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Condition<'t> {
    /// The field alone.
    Bare,
    /// `== != < <= > >=`
    Compare(Comparison, Value<'t>),
    /// `:`
    Has(Value<'t>),
    /// `contains`, `starts_with`, `ends_with`
    Text(TextOperator, Value<'t>),
    /// `~`
    Matches(Pattern),
    /// `after`
    After(Value<'t>),
    /// `before`
    Before(Value<'t>),
    /// `between`
    Between(Value<'t>, Value<'t>),
    /// One of the values of `in`.
    Among(Value<'t>),
}

impl Condition<'_> {
    /// The operator, for messages.
    pub(super) const fn operator(&self) -> &'static str {
        match self {
            Self::Bare => "nothing",
            Self::Compare(comparison, _) => comparison.as_str(),
            Self::Has(_) => ":",
            Self::Text(TextOperator::Contains, _) => "contains",
            Self::Text(TextOperator::StartsWith, _) => "starts_with",
            Self::Text(TextOperator::EndsWith, _) => "ends_with",
            Self::Matches(_) => "~",
            Self::After(_) => "after",
            Self::Before(_) => "before",
            Self::Between(..) => "between",
            Self::Among(_) => "in",
        }
    }
}

/// Operators that are words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WordOperator {
    Text(TextOperator),
    After,
    Before,
    Between,
    In,
}

impl WordOperator {
    /// In any case.
    pub(super) fn of(word: &str) -> Option<Self> {
        const WORDS: [(&str, WordOperator); 7] = [
            ("contains", WordOperator::Text(TextOperator::Contains)),
            ("starts_with", WordOperator::Text(TextOperator::StartsWith)),
            ("ends_with", WordOperator::Text(TextOperator::EndsWith)),
            ("after", WordOperator::After),
            ("before", WordOperator::Before),
            ("between", WordOperator::Between),
            ("in", WordOperator::In),
        ];
        WORDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, operator)| *operator)
    }
}

impl<'t> Parser<'t, '_> {
    /// What follows a field: alternatives, of which any may hold, and where they are.
    pub(super) fn conditions(&mut self) -> Result<(Vec<Condition<'t>>, Range<usize>), FilterError> {
        let (token, at) = self.lexer.peek(Due::Test)?;
        let conditions = match token {
            Token::Compare(comparison) => {
                self.lexer.next(Due::Test)?;
                vec![Condition::Compare(comparison, self.value("a value")?)]
            }
            Token::Colon => {
                self.lexer.next(Due::Test)?;
                self.list(Self::has)?
            }
            Token::Tilde => {
                self.lexer.next(Due::Test)?;
                vec![self.matches()?]
            }
            Token::Word(word) => match WordOperator::of(word) {
                Some(operator) => {
                    self.lexer.next(Due::Test)?;
                    self.after_word(operator)?
                }
                None => vec![Condition::Bare],
            },
            _ => vec![Condition::Bare],
        };
        Ok((conditions, at.start..self.lexer.place()))
    }

    fn after_word(&mut self, operator: WordOperator) -> Result<Vec<Condition<'t>>, FilterError> {
        let one = match operator {
            WordOperator::Text(operator) => Condition::Text(operator, self.value("a text")?),
            WordOperator::After => Condition::After(self.value("a time")?),
            WordOperator::Before => Condition::Before(self.value("a time")?),
            WordOperator::Between => {
                Condition::Between(self.value("two values")?, self.value("a second value")?)
            }
            WordOperator::In => {
                self.expect(Token::Open, "`(` and values")?;
                let values = self.list(|parser| Ok(Condition::Among(parser.value("a value")?)))?;
                self.expect(Token::Close, "`,` or `)`")?;
                return Ok(values);
            }
        };
        Ok(vec![one])
    }

    /// What follows a colon: a value, or a comparison as in `hops:>3`.
    fn has(&mut self) -> Result<Condition<'t>, FilterError> {
        if let (Token::Compare(comparison), _) = self.lexer.peek(Due::Value)? {
            self.lexer.next(Due::Value)?;
            return Ok(Condition::Compare(comparison, self.value("a value")?));
        }
        Ok(Condition::Has(self.value("a value")?))
    }

    fn matches(&mut self) -> Result<Condition<'t>, FilterError> {
        let Some(Slashed { inside, ignores_case, at }) = self.lexer.regex()? else {
            return Err(self.unexpected("a regular expression between slashes")?);
        };
        self.count_pattern(&at)?;
        let pattern = Pattern::new(inside, ignores_case)
            .map_err(|reason| FilterError::new(at, Problem::Pattern(reason)))?;
        Ok(Condition::Matches(pattern))
    }

    /// What `one` reads, once or more with commas between.
    pub(super) fn list<T>(
        &mut self,
        one: impl Fn(&mut Self) -> Result<T, FilterError>,
    ) -> Result<Vec<T>, FilterError> {
        let mut all = vec![one(self)?];
        while self.lexer.peek(Due::Test)?.0 == Token::Comma {
            self.lexer.next(Due::Test)?;
            all.push(one(self)?);
        }
        Ok(all)
    }

    pub(super) fn value(&mut self, expected: &'static str) -> Result<Value<'t>, FilterError> {
        let value = match self.lexer.peek(Due::Value)? {
            (Token::Word(word), at) => Value::word(word, at),
            (Token::Quoted(inside), at) => Value::quoted(inside, at),
            _ => return Err(self.unexpected(expected)?),
        };
        self.lexer.next(Due::Value)?;
        Ok(value)
    }
}
