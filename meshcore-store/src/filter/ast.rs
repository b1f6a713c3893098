//! What a filter means, without its wording: what evaluation and planning work on.

use std::sync::Arc;

use meshcore_proto::PublicKey;

use super::codes::Codes;
use super::field::{Flag, NodePart, NumberField, Own, TextField};
use super::pattern::{Pattern, Wildcard};
use crate::UnixMillis;

/// A condition on a packet, or on one of its observations.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// Everything matches.
    All,
    /// All of these, at least two, none of them an `And`.
    And(Vec<Self>),
    /// Any of these, at least two, none of them an `Or`.
    Or(Vec<Self>),
    /// The opposite: true as well where a value is missing.
    Not(Box<Self>),
    /// One test.
    Term(Term),
}

/// One test. What is missing passes none.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// The payload type is one of these.
    Type(Codes),
    /// The route type is one of these.
    Route(Codes),
    /// A number.
    Number {
        /// Which.
        field: NumberField,
        /// In the field's own unit.
        test: NumberTest,
    },
    /// A text.
    Text {
        /// Which.
        field: TextField,
        /// In any case.
        test: TextTest,
    },
    /// Something is known to hold, or known not to.
    Flag {
        /// What.
        flag: Flag,
        /// Whether it has to hold.
        holds: bool,
    },
    /// Heard within these, both included; without either, heard at a time that is known.
    Time {
        /// At or after.
        from: Option<UnixMillis>,
        /// At or before.
        until: Option<UnixMillis>,
    },
    /// Any node in that part of the packet, by name or key.
    Node {
        /// Where.
        part: NodePart,
        /// [`TextTest::IsNot`] holds when there are nodes and it is none of them.
        test: TextTest,
    },
    /// A node of a list has part in the packet.
    Own {
        /// Whose wording it is.
        list: Own,
        /// The nodes of the list.
        keys: Arc<[PublicKey]>,
    },
    /// The sender is at most so far from a place.
    Near {
        /// Degrees north.
        lat: f64,
        /// Degrees east.
        lon: f64,
        /// Great-circle distance.
        km: f64,
    },
    /// A value in the decoded payload.
    Payload {
        /// Keys from the outside in, at least one.
        path: Vec<String>,
        /// What it has to be.
        test: PayloadTest,
    },
    /// Observations of the packet, of which there has to be one.
    Observation {
        /// How many of them.
        quantifier: Quantifier,
        /// A condition on one observation.
        expr: Box<Expr>,
    },
    /// The number of observations that meet a condition.
    Count {
        /// The condition on one observation.
        of: Box<Expr>,
        /// On their number.
        test: NumberTest,
    },
    /// Names, text, hash or keys.
    Free(TextTest),
}

/// How many observations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantifier {
    /// One or more.
    Any,
    /// Each.
    All,
}

/// How two values stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

/// A test on a number. Numbers are finite.
#[derive(Clone, Debug, PartialEq)]
pub enum NumberTest {
    /// Known, and not 0.
    Present,
    /// Compared with this.
    Is(Comparison, f64),
    /// Between these, both included, the lesser first.
    Between(f64, f64),
    /// Its decimal digits, as a text.
    Written(TextTest),
}

/// A test on a text, in any case: what is compared with is lower case.
#[derive(Clone, Debug, PartialEq)]
pub enum TextTest {
    /// Known, and not empty.
    Present,
    /// The same.
    Is(String),
    /// Known, and another.
    IsNot(String),
    /// Has this within.
    Contains(String),
    /// Begins with this.
    StartsWith(String),
    /// Ends with this.
    EndsWith(String),
    /// As a whole, `*` standing for any text.
    Like(Wildcard),
    /// Has a match of a regular expression within.
    Matches(Pattern),
}

/// A test on a JSON value, whose type is not known beforehand.
#[derive(Clone, Debug, PartialEq)]
pub enum PayloadTest {
    /// Known, and none of `false`, 0, null and the empty text.
    Present,
    /// The same: numbers as numbers, truth values only as such, all else as text.
    Is(Literal),
    /// Known, and another.
    IsNot(Literal),
    /// A text with this within, else the same.
    Has(Literal),
    /// A number, or a text that is one.
    Number(NumberTest),
    /// A number, or a text that is a time, in milliseconds since 1970.
    Moment(NumberTest),
    /// A scalar or a list, as text.
    Text(TextTest),
}

/// What a JSON value is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// Lower case.
    Text(String),
    /// Finite.
    Number(f64),
    /// A truth value.
    Bool(bool),
}

impl Expr {
    /// All of `parts`.
    pub fn and(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Vec::new();
        for part in parts {
            match part {
                Self::All => {}
                Self::And(inner) => all.extend(inner),
                other => all.push(other),
            }
        }
        if all.len() > 1 { Self::And(all) } else { all.pop().unwrap_or(Self::All) }
    }

    /// Any of `first` and `rest`.
    pub fn or(first: Self, rest: impl IntoIterator<Item = Self>) -> Self {
        let mut any = Vec::new();
        for part in std::iter::once(first).chain(rest) {
            match part {
                Self::All => return Self::All,
                Self::Or(inner) => any.extend(inner),
                other => any.push(other),
            }
        }
        if any.len() > 1 { Self::Or(any) } else { any.pop().unwrap_or(Self::All) }
    }
}

impl std::ops::Not for Expr {
    type Output = Self;

    fn not(self) -> Self {
        Self::Not(Box::new(self))
    }
}

impl Comparison {
    /// As written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
        }
    }

    /// Whether `left` stands so to `right`.
    pub fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::Eq => left == right,
            Self::Ne => left != right,
            Self::Lt => left < right,
            Self::Le => left <= right,
            Self::Gt => left > right,
            Self::Ge => left >= right,
        }
    }
}
