//! What is written like a call: tests on observations, and on places.

use std::ops::{Range, RangeInclusive};

use super::ast::{Expr, Quantifier, Term};
use super::error::{FilterError, Problem, shown};
use super::lexer::{Due, Token};
use super::literal::number;
use super::meaning::number_test;
use super::parser::{Parser, terms_of};

/// Something that is written like a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Observations(Quantifier),
    Count,
    Near,
}

impl Function {
    pub(super) const NAMES: [(&str, Self); 4] = [
        ("any", Self::Observations(Quantifier::Any)),
        ("all", Self::Observations(Quantifier::All)),
        ("count", Self::Count),
        ("near", Self::Near),
    ];

    pub(super) fn of(word: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, function)| *function)
    }
}

impl Parser<'_, '_> {
    pub(super) fn function(
        &mut self,
        function: Function,
        word: &str,
        at: Range<usize>,
    ) -> Result<Expr, FilterError> {
        if self.in_observation {
            return Err(FilterError::new(at, Problem::NotOfObservation(shown(word))));
        }
        let (_, open) = self.lexer.next(Due::Test)?;
        match function {
            Function::Near => {
                self.count_terms(1, &at)?;
                Ok(Expr::Term(self.near()?))
            }
            Function::Observations(quantifier) => {
                self.count_terms(1, &at)?;
                Ok(observations(quantifier, self.closed(&open, Self::of_observation)?))
            }
            Function::Count => {
                let of = self.closed(&open, Self::counted)?;
                self.counts(&of, &at)
            }
        }
    }

    fn of_observation(&mut self) -> Result<Expr, FilterError> {
        self.in_observation = true;
        let expr = self.or();
        self.in_observation = false;
        expr
    }

    /// `obs` for all of them, or a condition.
    fn counted(&mut self) -> Result<Expr, FilterError> {
        let mut ahead = self.lexer.clone();
        let (first, _) = ahead.next(Due::Test)?;
        if matches!(first, Token::Word(word) if word.eq_ignore_ascii_case("obs"))
            && ahead.peek(Due::Test)?.0 == Token::Close
        {
            self.lexer = ahead;
            return Ok(Expr::All);
        }
        self.of_observation()
    }

    fn counts(&mut self, of: &Expr, at: &Range<usize>) -> Result<Expr, FilterError> {
        let (conditions, condition_at) = self.conditions()?;
        let mut alternatives = Vec::new();
        for condition in conditions {
            let test = number_test("count", 1.0, condition, at.start..condition_at.end)?;
            let copies = if alternatives.is_empty() { 0 } else { terms_of(of) };
            self.count_terms(1 + copies, at)?;
            alternatives.push(Expr::Term(Term::Count { of: Box::new(of.clone()), test }));
        }
        self.any_of(alternatives, at)
    }

    /// The arguments of `near`, and the parenthesis after them.
    fn near(&mut self) -> Result<Term, FilterError> {
        let lat = self.argument("degrees north, -90 to 90", -90.0..=90.0)?;
        self.expect(Token::Comma, "`,` and degrees east")?;
        let lon = self.argument("degrees east, -180 to 180", -180.0..=180.0)?;
        self.expect(Token::Comma, "`,` and a distance in km")?;
        let km = self.argument("a distance in km", 0.0..=f64::MAX)?;
        self.expect(Token::Close, "`)`")?;
        Ok(Term::Near { lat, lon, km })
    }

    fn argument(&mut self, expected: &'static str, range: RangeInclusive<f64>) -> Result<f64, FilterError> {
        let value = self.value(expected)?;
        let problem =
            || FilterError::new(value.at.clone(), Problem::Value { value: shown(&value.text), expected });
        number(&value.text).filter(|number| range.contains(number)).ok_or_else(problem)
    }
}

/// Observations of which so many meet `expr`.
pub(super) fn observations(quantifier: Quantifier, expr: Expr) -> Expr {
    Expr::Term(Term::Observation { quantifier, expr: Box::new(expr) })
}
