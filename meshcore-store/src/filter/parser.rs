//! The grammar: words become tests, tests are joined.

use std::ops::Range;

use super::ast::{Expr, Quantifier, Term};
use super::condition::WordOperator;
use super::error::{FilterError, Problem, shown};
use super::function::{Function, observations};
use super::lexer::{Due, Lexer, Token};
use super::literal::Value;
use super::meaning::free;
use super::reference::{Named, What, field_named, field_names};
use super::time::Clock;
use super::{Context, Limits};

/// Reads an expression from left to right; a place is never left backwards.
pub(super) struct Parser<'t, 'c> {
    pub(super) lexer: Lexer<'t>,
    pub(super) context: &'c Context,
    depth: usize,
    terms: usize,
    patterns: usize,
    /// Whether tests are on one observation.
    pub(super) in_observation: bool,
}

/// A word that joins tests, by itself no search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Joint {
    And,
    Or,
    Not,
}

impl Joint {
    fn of(token: Token<'_>) -> Option<Self> {
        match token {
            Token::And => Some(Self::And),
            Token::Or => Some(Self::Or),
            Token::Not => Some(Self::Not),
            Token::Word(word) if word.eq_ignore_ascii_case("and") => Some(Self::And),
            Token::Word(word) if word.eq_ignore_ascii_case("or") => Some(Self::Or),
            Token::Word(word) if word.eq_ignore_ascii_case("not") => Some(Self::Not),
            _ => None,
        }
    }
}

impl<'t, 'c> Parser<'t, 'c> {
    pub(super) const fn new(text: &'t str, context: &'c Context) -> Self {
        let lexer = Lexer::new(text);
        Self { lexer, context, depth: 0, terms: 0, patterns: 0, in_observation: false }
    }

    /// The whole text.
    pub(super) fn expression(mut self) -> Result<Expr, FilterError> {
        if self.lexer.peek(Due::Test)?.0 == Token::End {
            return Ok(Expr::All);
        }
        let expr = self.or()?;
        self.expect(Token::End, "`and`, `or` or the end")?;
        Ok(expr)
    }

    pub(super) fn or(&mut self) -> Result<Expr, FilterError> {
        let first = self.and()?;
        let mut rest = Vec::new();
        while Joint::of(self.lexer.peek(Due::Test)?.0) == Some(Joint::Or) {
            self.lexer.next(Due::Test)?;
            rest.push(self.and()?);
        }
        Ok(Expr::or(first, rest))
    }

    fn and(&mut self) -> Result<Expr, FilterError> {
        let mut all = vec![self.not()?];
        loop {
            let (token, _) = self.lexer.peek(Due::Test)?;
            match Joint::of(token) {
                Some(Joint::Or) => break,
                Some(Joint::And) => {
                    self.lexer.next(Due::Test)?;
                }
                _ if matches!(token, Token::Word(_) | Token::Quoted(_) | Token::Open | Token::Not) => {}
                _ => break,
            }
            all.push(self.not()?);
        }
        Ok(Expr::and(all))
    }

    fn not(&mut self) -> Result<Expr, FilterError> {
        let (token, at) = self.lexer.peek(Due::Test)?;
        if Joint::of(token) != Some(Joint::Not) {
            return self.test();
        }
        self.lexer.next(Due::Test)?;
        Ok(!self.deeper(&at, Self::not)?)
    }

    /// Parentheses, a function, a field with or without condition, or words to search for.
    fn test(&mut self) -> Result<Expr, FilterError> {
        let (token, at) = self.lexer.peek(Due::Test)?;
        match token {
            Token::Open => {
                self.lexer.next(Due::Test)?;
                self.closed(&at, Self::or)
            }
            Token::Quoted(inside) => {
                self.lexer.next(Due::Test)?;
                self.search(Value::quoted(inside, at))
            }
            Token::Word(word) if !matches!(Joint::of(token), Some(Joint::And | Joint::Or)) => {
                self.lexer.next(Due::Test)?;
                self.word(word, at)
            }
            _ => Err(self.unexpected("a test")?),
        }
    }

    fn word(&mut self, word: &'t str, at: Range<usize>) -> Result<Expr, FilterError> {
        let (next, _) = self.lexer.peek(Due::Test)?;
        if let (Some(function), Token::Open) = (Function::of(word), next) {
            return self.function(function, word, at);
        }
        match field_named(word) {
            Some(named) => self.field(&named, word, at),
            None if self.is_operator(next)? => {
                let error = FilterError::new(at, Problem::UnknownField(shown(word)));
                Err(error.near(word, field_names()))
            }
            None => self.search(Value::word(word, at)),
        }
    }

    /// Whether the word before `token` has to be a field. `in` is one where a list follows: people write it in texts.
    fn is_operator(&self, token: Token<'t>) -> Result<bool, FilterError> {
        Ok(match token {
            Token::Compare(_) | Token::Colon | Token::Tilde => true,
            Token::Word(word) => match WordOperator::of(word) {
                Some(WordOperator::In) => {
                    let mut ahead = self.lexer.clone();
                    ahead.next(Due::Test)?;
                    ahead.peek(Due::Test)?.0 == Token::Open
                }
                operator => operator.is_some(),
            },
            _ => false,
        })
    }

    fn field(&mut self, named: &Named<'t>, word: &'t str, at: Range<usize>) -> Result<Expr, FilterError> {
        let fits = matches!(named.what, What::Field(field) if field.is_of_observation());
        if (named.of_observation || self.in_observation) && !fits {
            return Err(FilterError::new(at, Problem::NotOfObservation(shown(word))));
        }
        let (conditions, condition_at) = self.conditions()?;
        let wraps = named.of_observation && !self.in_observation;
        let mut alternatives = Vec::new();
        for condition in conditions {
            let expr = self.meaning(named, word, condition, at.start..condition_at.end)?;
            self.count_terms(terms_of(&expr) + usize::from(wraps), &at)?;
            alternatives.push(if wraps { observations(Quantifier::Any, expr) } else { expr });
        }
        self.any_of(alternatives, &at)
    }

    /// Any of `alternatives`, as deep as when they are written one by one; types and routes become one set.
    pub(super) fn any_of(&self, alternatives: Vec<Expr>, at: &Range<usize>) -> Result<Expr, FilterError> {
        let mut joined: Vec<Expr> = Vec::new();
        for next in alternatives {
            match (joined.last_mut(), next) {
                (Some(Expr::Term(Term::Type(set))), Expr::Term(Term::Type(more)))
                | (Some(Expr::Term(Term::Route(set))), Expr::Term(Term::Route(more))) => {
                    *set = set.union(more)
                }
                (_, other) => joined.push(other),
            }
        }
        let mut joined = joined.into_iter();
        let expr = joined.next().map_or(Expr::All, |first| Expr::or(first, joined));
        match expr {
            Expr::Term(_) => Ok(expr),
            _ if self.depth == Limits::DEPTH => Err(too_deep(at)),
            _ => Ok(expr),
        }
    }

    fn search(&mut self, value: Value<'t>) -> Result<Expr, FilterError> {
        if self.in_observation {
            return Err(FilterError::new(value.at, Problem::NotOfObservation(shown(&value.text))));
        }
        self.count_terms(1, &value.at)?;
        Ok(Expr::Term(Term::Free(free(&value))))
    }

    /// How times are read.
    pub(super) fn clock(&self) -> Clock<'c> {
        Clock { now: self.context.now, zone: &self.context.zone }
    }

    /// What `inside` reads, and the parenthesis that closes the one at `open`.
    pub(super) fn closed(
        &mut self,
        open: &Range<usize>,
        inside: fn(&mut Self) -> Result<Expr, FilterError>,
    ) -> Result<Expr, FilterError> {
        let expr = self.deeper(open, inside)?;
        if self.lexer.peek(Due::Test)?.0 == Token::End {
            return Err(FilterError::new(open.clone(), Problem::Unclosed('(')));
        }
        self.expect(Token::Close, "`and`, `or` or `)`")?;
        Ok(expr)
    }

    fn deeper(
        &mut self,
        at: &Range<usize>,
        inside: fn(&mut Self) -> Result<Expr, FilterError>,
    ) -> Result<Expr, FilterError> {
        if self.depth == Limits::DEPTH {
            return Err(too_deep(at));
        }
        self.depth += 1;
        let expr = inside(self);
        self.depth -= 1;
        expr
    }

    pub(super) fn count_terms(&mut self, more: usize, at: &Range<usize>) -> Result<(), FilterError> {
        self.terms += more;
        limit(self.terms, Limits::TERMS, "tests", at)
    }

    pub(super) fn count_pattern(&mut self, at: &Range<usize>) -> Result<(), FilterError> {
        self.patterns += 1;
        limit(self.patterns, Limits::PATTERNS, "regular expressions", at)
    }

    pub(super) fn expect(&mut self, token: Token<'_>, expected: &'static str) -> Result<(), FilterError> {
        if self.lexer.peek(Due::Test)?.0 != token {
            return Err(self.unexpected(expected)?);
        }
        self.lexer.next(Due::Test)?;
        Ok(())
    }

    /// The error of finding what is next instead of `expected`.
    pub(super) fn unexpected(&self, expected: &'static str) -> Result<FilterError, FilterError> {
        let (token, at) = self.lexer.peek(Due::Test)?;
        let found = match token {
            Token::End => "the end".to_owned(),
            _ => format!("`{}`", shown(self.lexer.slice(at.clone()))),
        };
        Ok(FilterError::new(at, Problem::Unexpected { found, expected }))
    }
}

fn limit(count: usize, max: usize, what: &'static str, at: &Range<usize>) -> Result<(), FilterError> {
    if count > max {
        return Err(FilterError::new(at.clone(), Problem::TooMany { max, what }));
    }
    Ok(())
}

fn too_deep(at: &Range<usize>) -> FilterError {
    FilterError::new(at.clone(), Problem::TooDeep { max: Limits::DEPTH })
}

/// How many tests are in `expr`.
pub(super) fn terms_of(expr: &Expr) -> usize {
    match expr {
        Expr::All => 0,
        Expr::And(parts) | Expr::Or(parts) => parts.iter().map(terms_of).sum(),
        Expr::Not(inner) => terms_of(inner),
        Expr::Term(Term::Observation { expr: inner, .. } | Term::Count { of: inner, .. }) => {
            1 + terms_of(inner)
        }
        Expr::Term(_) => 1,
    }
}
