//! Whether a subject matches.
//!
//! There are two answers, not three: what is missing makes every test false, also `!=`. So `!(snr == 1)` is true of a
//! packet without SNR, and `snr != 1` is false of it.

use super::ast::{Expr, NumberTest, Quantifier, Term, TextTest};
use super::field::{NodePart, NumberField, TextField};
use super::pattern::lower;
use super::subject::{NodeRef, Subject};
use crate::geo::{Position, haversine_km};

/// Texts that words are searched in, besides names and keys of nodes; what costs least comes first.
const SEARCHED: [TextField; 6] = [
    TextField::Hash,
    TextField::Observer,
    TextField::ObserverId,
    TextField::Channel,
    TextField::Name,
    TextField::Text,
];

impl Expr {
    /// Whether `subject` matches.
    pub fn matches(&self, subject: &dyn Subject) -> bool {
        match self {
            Self::All => true,
            Self::And(parts) => parts.iter().all(|part| part.matches(subject)),
            Self::Or(parts) => parts.iter().any(|part| part.matches(subject)),
            Self::Not(inner) => !inner.matches(subject),
            Self::Term(term) => term.matches(subject),
        }
    }
}

impl Term {
    /// Whether `subject` passes.
    pub fn matches(&self, subject: &dyn Subject) -> bool {
        match self {
            Self::Type(codes) => subject.payload_type().is_some_and(|code| codes.contains(code)),
            Self::Route(codes) => subject.route().is_some_and(|code| codes.contains(code)),
            Self::Number { field, test } => subject.number(*field).is_some_and(|number| test.matches(number)),
            Self::Text { field, test } => subject.text(*field).is_some_and(|text| test.matches(&text)),
            Self::Flag { flag, holds } => subject.flag(*flag) == Some(*holds),
            Self::Time { from, until } => subject.time().is_some_and(|time| {
                from.is_none_or(|from| time >= from) && until.is_none_or(|until| time <= until)
            }),
            Self::Node { part, test } => test.matches_nodes(*part, subject),
            Self::Own { keys, .. } => {
                subject.any_node(NodePart::Any, &mut |node| keys.iter().any(|key| key.as_bytes() == node.key))
            }
            Self::Near { lat, lon, km } => {
                let sender =
                    Position::new(subject.number(NumberField::Lat), subject.number(NumberField::Lon));
                sender.is_some_and(|sender| haversine_km((sender.lat(), sender.lon()), (*lat, *lon)) <= *km)
            }
            Self::Payload { path, test } => subject.payload(path).is_some_and(|json| test.matches(&json)),
            Self::Observation { quantifier: Quantifier::Any, expr } => {
                subject.any_observation(&mut |observation| expr.matches(observation))
            }
            Self::Observation { quantifier: Quantifier::All, expr } => {
                let mut is_observed = false;
                let fails = subject.any_observation(&mut |observation| {
                    is_observed = true;
                    !expr.matches(observation)
                });
                is_observed && !fails
            }
            Self::Count { of, test } => {
                let mut count = 0_u32;
                subject.any_observation(&mut |observation| {
                    count = count.saturating_add(u32::from(of.matches(observation)));
                    false
                });
                test.matches(f64::from(count))
            }
            Self::Free(TextTest::IsNot(text)) => !TextTest::Is(text.clone()).is_found(subject),
            Self::Free(test) => test.is_found(subject),
        }
    }
}

impl NumberTest {
    /// Whether a known number passes.
    pub fn matches(&self, number: f64) -> bool {
        match self {
            Self::Present => number != 0.0,
            Self::Is(comparison, other) => comparison.holds(number, *other),
            Self::Between(least, most) => (*least..=*most).contains(&number),
            Self::Written(test) => test.matches(&number.to_string()),
        }
    }
}

impl TextTest {
    /// Whether a known text passes.
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Self::Present => !text.is_empty(),
            Self::Is(other) => lower(text) == other.as_str(),
            Self::IsNot(other) => lower(text) != other.as_str(),
            Self::Contains(part) => lower(text).contains(part),
            Self::StartsWith(start) => lower(text).starts_with(start),
            Self::EndsWith(end) => lower(text).ends_with(end),
            Self::Like(wildcard) => wildcard.matches(&lower(text)),
            Self::Matches(pattern) => pattern.matches(text),
        }
    }

    /// Whether any text that words are searched in passes.
    fn is_found(&self, subject: &dyn Subject) -> bool {
        SEARCHED.iter().any(|field| subject.text(*field).is_some_and(|text| self.matches(&text)))
            || self.matches_nodes(NodePart::Any, subject)
    }

    /// Whether a node in that part of the packet passes; for [`IsNot`](Self::IsNot) there is one, and none is it.
    fn matches_nodes(&self, part: NodePart, subject: &dyn Subject) -> bool {
        let Self::IsNot(other) = self else {
            return subject.any_node(part, &mut |node| self.matches_node(node));
        };
        let is = Self::Is(other.clone());
        subject.any_node(part, &mut |_| true) && !subject.any_node(part, &mut |node| is.matches_node(node))
    }

    /// By name, or by key: any beginning of a key stands for it.
    fn matches_node(&self, node: NodeRef<'_>) -> bool {
        if node.name.is_some_and(|name| self.matches(name)) {
            return true;
        }
        match self {
            Self::Present => true,
            Self::Is(start) | Self::Contains(start) | Self::StartsWith(start) => begins(node.key, start),
            Self::EndsWith(_) | Self::Like(_) | Self::Matches(_) => self.matches(&hex::encode(node.key)),
            Self::IsNot(_) => false,
        }
    }
}

/// Whether the hex digits of `key` begin with `start`, which is not empty.
fn begins(key: &[u8], start: &str) -> bool {
    let digits = start.bytes().map(|byte| char::from(byte).to_digit(16));
    let nibbles = key.iter().flat_map(|byte| [u32::from(byte >> 4), u32::from(byte & 0x0f)]);
    !start.is_empty()
        && start.len() <= 2 * key.len()
        && digits.zip(nibbles).all(|(digit, nibble)| digit == Some(nibble))
}
