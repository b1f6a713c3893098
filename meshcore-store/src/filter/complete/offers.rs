//! What is offered at a place.

use std::ops::Range;

use super::place::{Expected, Kind, Place};
use super::{COMPLETIONS_MAX, Completion, CompletionKind, NameKind, Names};
use crate::filter::codes::Coding;
use crate::filter::condition::WordOperator;
use crate::filter::field::{Field, Flag, ROLES, TextField};
use crate::filter::function::Function;
use crate::filter::print::Quoted;
use crate::filter::reference::{REFERENCE, field_named};

/// Everything that fits, the best first.
pub(super) fn at(place: &Place<'_>, names: &dyn Names) -> Vec<Completion> {
    let mut offers = Offers { place, all: Vec::new() };
    match place.expected {
        Expected::Pattern => {}
        Expected::Test => offers.tests(names),
        Expected::Value(kind) => offers.values(kind, names),
        Expected::AfterValue(_) => {
            offers.joints();
            offers.tests(names);
        }
        Expected::Operator(kind) => {
            offers.operators(kind, place.at.clone());
            offers.joints();
            if !place.typed.is_empty() {
                offers.tests(names);
            }
        }
    }
    offers.all
}

struct Offers<'p, 't> {
    place: &'p Place<'t>,
    all: Vec<Completion>,
}

impl Offers<'_, '_> {
    fn push(&mut self, kind: CompletionKind, insert: impl Into<String>, description: &'static str) {
        self.all.push(Completion {
            insert: insert.into(),
            replaces: self.place.at.clone(),
            kind,
            description,
        });
    }

    fn tests(&mut self, names: &dyn Names) {
        let typed = self.place.typed;
        if let Some(Kind::Field(field)) = field_named(typed).map(|named| Kind::of(&named)) {
            // a field already: what comes after it
            let end = self.place.at.end;
            self.operators(Kind::Field(field), end..end);
        }
        match typed.split_once('.') {
            Some((start, rest)) if start.eq_ignore_ascii_case("payload") => {
                for key in names.names(NameKind::PayloadKey, rest, COMPLETIONS_MAX) {
                    self.push(
                        CompletionKind::Field,
                        format!("payload.{key}"),
                        "value of the decoded payload",
                    );
                }
            }
            Some((start, rest)) if start.eq_ignore_ascii_case("obs") => {
                self.fields("obs.", rest, |field| field.is_of_observation());
            }
            _ => {
                self.fields("", typed, |_| true);
                self.functions();
            }
        }
    }

    fn fields(&mut self, prefix: &str, typed: &str, fits: impl Fn(Field) -> bool) {
        for entry in REFERENCE.fields.iter().filter(|entry| fits(entry.field)) {
            let is_meant = |name: &&str| starts(name, typed) && !name.eq_ignore_ascii_case(typed);
            if let Some(name) = entry.names().find(is_meant) {
                self.push(CompletionKind::Field, format!("{prefix}{name}"), entry.description);
            }
        }
    }

    fn functions(&mut self) {
        for (name, _) in Function::NAMES {
            if starts(name, self.place.typed) {
                self.push(CompletionKind::Function, format!("{name}("), describe(&format!("{name}()")));
            }
        }
        for prefix in ["payload.", "obs."] {
            if starts(prefix, self.place.typed) {
                self.push(CompletionKind::Field, prefix, describe(prefix));
            }
        }
    }

    /// Those that begin with what they replace; right after a field, words need a blank.
    fn operators(&mut self, kind: Kind, replaces: Range<usize>) {
        let typed = if replaces.is_empty() { "" } else { self.place.typed };
        let is_glued = replaces != self.place.at;
        for operator in kind.operators().iter().filter(|operator| starts(operator, typed)) {
            let blank = if is_glued && WordOperator::of(operator).is_some() { " " } else { "" };
            self.all.push(Completion {
                insert: format!("{blank}{operator}"),
                replaces: replaces.clone(),
                kind: CompletionKind::Operator,
                description: describe(operator),
            });
        }
    }

    fn joints(&mut self) {
        for joint in ["and", "or"] {
            if starts(joint, self.place.typed) {
                self.push(CompletionKind::Operator, joint, describe(joint));
            }
        }
    }

    fn values(&mut self, kind: Kind, names: &dyn Names) {
        let Kind::Field(field) = kind else { return };
        let typed = self.place.typed;
        match field {
            Field::Type => self.codes(Coding::Type),
            Field::Route => self.codes(Coding::Route),
            Field::Text(TextField::Role) => self.words(&ROLES),
            Field::Flag(Flag::Signature) => self.words(&["valid", "invalid"]),
            Field::Flag(_) | Field::Transport | Field::Own(_) => self.words(&["true", "false"]),
            Field::Time => self.words(&["today", "yesterday", "now-1h", "now-1d", "now"]),
            Field::Since | Field::Until | Field::Age => self.words(&["5m", "15m", "1h", "6h", "1d", "1w"]),
            Field::Text(_) | Field::Node(_) | Field::Words => {
                let Some(kind) = NameKind::of(field) else { return };
                for name in names.names(kind, typed, COMPLETIONS_MAX) {
                    self.push(CompletionKind::Value, as_value(&name), "");
                }
            }
            Field::Number(_) => {}
        }
    }

    fn words(&mut self, words: &[&'static str]) {
        for word in words.iter().filter(|word| starts(word, self.place.typed)) {
            self.push(CompletionKind::Value, *word, "");
        }
    }

    /// By name, or by any of the labels.
    fn codes(&mut self, coding: Coding) {
        let typed = self.place.typed;
        for (code, name) in coding.names() {
            let labels = || coding.labels().filter(|(of, _)| *of == code).map(|(_, label)| label);
            if starts(name, typed) || labels().any(|label| starts(label, typed)) {
                self.push(CompletionKind::Value, name, labels().next().unwrap_or_default());
            }
        }
    }
}

impl Kind {
    /// In the order in which they are offered.
    const fn operators(self) -> &'static [&'static str] {
        match self {
            Self::Payload => {
                &["==", "!=", ":", "contains", "starts_with", "ends_with", "~", ">", "<", "in", "between"]
            }
            Self::Field(field) => match field {
                Field::Type | Field::Route => &["==", "!=", ":", "in"],
                Field::Number(_) => &[">", "<", ":", ">=", "<=", "==", "!=", "between", "in"],
                Field::Text(_) | Field::Node(_) | Field::Words => {
                    &[":", "==", "!=", "contains", "starts_with", "ends_with", "~", "in"]
                }
                Field::Transport | Field::Flag(_) | Field::Own(_) => &["==", "!="],
                Field::Time => &[">", "<", ":", ">=", "<=", "after", "before", "between"],
                Field::Age => &["<", ">", ":", "between"],
                Field::Since | Field::Until => &[":"],
            },
        }
    }
}

impl NameKind {
    /// The names that are values of a field.
    const fn of(field: Field) -> Option<Self> {
        match field {
            Field::Node(_) | Field::Text(TextField::Name) => Some(Self::Node),
            Field::Text(TextField::Channel) => Some(Self::Channel),
            Field::Text(TextField::Observer) => Some(Self::Observer),
            Field::Text(TextField::ObserverId) => Some(Self::ObserverId),
            Field::Text(TextField::Region) => Some(Self::Region),
            Field::Text(TextField::Area) => Some(Self::Area),
            Field::Text(TextField::Scope) => Some(Self::Scope),
            _ => None,
        }
    }
}

fn describe(operator: &str) -> &'static str {
    REFERENCE.operators.iter().find(|entry| entry.operator == operator).map_or("", |entry| entry.description)
}

/// A name as a value: in quotes unless it is one plain word.
fn as_value(name: &str) -> String {
    let is_plain = |character: char| character.is_alphanumeric() || matches!(character, '_' | '-');
    if !name.is_empty() && name.chars().all(is_plain) { name.to_owned() } else { Quoted(name).to_string() }
}

/// Whether `name` begins with `start`, in any case.
fn starts(name: &str, start: &str) -> bool {
    name.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start))
}
