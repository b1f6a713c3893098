//! The filter language: which packets somebody wants to see.
//!
//! ```text
//! text ─▶ lexer ─▶ parser ─▶ Expr ─▶ matches(&dyn Subject)
//!                   │ condition: operator and values, as written
//!                   └ meaning, moment, payload: what they mean for the field
//! ```
//!
//! # Tour
//!
//! * [`Filter::parse`] reads an expression, or says what is wrong and where ([`FilterError`]).
//! * [`Expr`] and [`Term`] are what it means, typed, for planners. Printed, they are an expression of the same meaning.
//! * [`Subject`] is what can be asked: a packet, or one of its observations. Nothing is asked that no test needs.
//! * [`complete`] says what can come next while somebody types; [`REFERENCE`] is the language as a table.
//!
//! # The language
//!
//! ```text
//! expr       = and { ("||" | "or") and }
//! and        = not { ["&&" | "and"] not }
//! not        = ("!" | "not") not | "(" expr ")" | test
//! test       = field [ condition ] | "obs." field [ condition ] | word | string
//!            | ("any" | "all") "(" expr ")" | "count" "(" ("obs" | expr) ")" condition
//!            | "near" "(" number "," number "," number ")"
//! condition  = ("==" | "=" | "!=" | "<" | "<=" | ">" | ">=") value | ":" has { "," has }
//!            | ("contains" | "starts_with" | "ends_with" | "after" | "before") value | "~" "/" regex "/" ["i"]
//!            | "between" value value | "in" "(" value { "," value } ")"
//! has        = value | range | wildcard | comparison value
//! ```
//!
//! Words of the language are read in any case, blanks may be line breaks. Text is compared in any case.
//!
//! *A word alone* is a test when it names a field (true when the field is neither missing nor empty, 0 or false), else it
//! is searched in names, text, hash, channel and keys. A word before an operator has to be a field.
//!
//! *Missing values* fail every test, `!=` too; so `!(snr == 1)` is true of a packet without SNR.
//!
//! *Times* without zone are read in [`Context::zone`]. Only after `after`, `before` and `between` a date without time is
//! midnight UTC, as it always was there. A time as precise as it is written covers a span: `time:2026-01-31` is that day
//! and `time:2026-01-01..2026-01-31` ends with it; where times are ordered the span's first moment counts. Relative
//! times are fixed when the expression is read: who keeps a filter parses its text again.
//!
//! # Older expressions
//!
//! What earlier versions accepted means what it meant, with these exceptions, all of which never matched anything: a name
//! that is no field, a type that does not exist and an operator that a field has no use for (`hash > 5`) are errors;
//! `type in (…)` knows labels such as `dm`; `time == "…"` and `time > "…"` read dates; a duration in `between` is one.
//! The payload fields are of the payload itself, wherever it begins. In quotes `\"` is a quote.

mod ast;
mod codes;
mod complete;
mod condition;
mod error;
mod evaluation;
mod field;
mod function;
mod lexer;
mod literal;
mod meaning;
mod moment;
mod parser;
mod pattern;
mod payload;
mod print;
mod reference;
mod subject;
mod time;

use std::sync::Arc;

use jiff::tz::TimeZone;
use meshcore_proto::PublicKey;

use crate::UnixMillis;

pub use ast::{Comparison, Expr, Literal, NumberTest, PayloadTest, Quantifier, Term, TextTest};
pub use codes::Codes;
pub use complete::{COMPLETIONS_MAX, Completion, CompletionKind, NameKind, Names, complete};
pub use error::{FilterError, Problem};
pub use field::{Field, Flag, NodePart, NumberField, Own, ROLES, TextField};
pub use pattern::{Pattern, Wildcard};
pub use reference::{FieldEntry, OperatorEntry, REFERENCE, Reference};
pub use subject::{NodeRef, Subject};

/// What an expression means depends on who reads it, and when.
#[derive(Clone, Debug)]
pub struct Context {
    /// For `age`, `since`, `now` and `today`.
    pub now: UnixMillis,
    /// In which times without zone are read.
    pub zone: TimeZone,
    /// The reader's own nodes.
    pub mine: Arc<[PublicKey]>,
    /// Nodes the reader has marked.
    pub favourites: Arc<[PublicKey]>,
}

impl Context {
    /// Of a reader in UTC without nodes.
    pub fn at(now: UnixMillis) -> Self {
        Self { now, zone: TimeZone::UTC, mine: Arc::default(), favourites: Arc::default() }
    }
}

/// How large a filter may be.
pub struct Limits;

impl Limits {
    /// Bytes of text.
    pub const BYTES: usize = 4096;
    /// Parentheses, `not` and functions within each other.
    pub const DEPTH: usize = 64;
    /// Tests.
    pub const TERMS: usize = 256;
    /// Regular expressions, each of which takes up to half a MiB.
    pub const PATTERNS: usize = 16;
}

/// An expression that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    expr: Expr,
}

impl Filter {
    /// Reads `text`; an empty one matches everything.
    ///
    /// # Errors
    /// [`FilterError`] with the first thing that is wrong, and where.
    pub fn parse(text: &str, context: &Context) -> Result<Self, FilterError> {
        if text.len() > Limits::BYTES {
            let problem = Problem::TooLong { max: Limits::BYTES };
            return Err(FilterError::new(text.floor_char_boundary(Limits::BYTES)..text.len(), problem));
        }
        Ok(Self { expr: parser::Parser::new(text, context).expression()? })
    }

    /// What it means.
    pub const fn expr(&self) -> &Expr {
        &self.expr
    }

    /// Whether `subject` is wanted.
    pub fn matches(&self, subject: &dyn Subject) -> bool {
        self.expr.matches(subject)
    }
}
