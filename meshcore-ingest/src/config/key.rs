//! The way to a value: `mqttSources[0].topics`.

use serde_json::{Map, Value};

/// One step of the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// To a member of an object.
    Name(&'a str),
    /// To an item of a list, from 0.
    Index(usize),
}

/// The steps to `key`.
pub(super) fn steps(key: &str) -> impl Iterator<Item = Step<'_>> {
    key.split('.').flat_map(|part| {
        let (name, indexes) = match part.find('[') {
            Some(at) if part.ends_with(']') => part.split_at(at),
            _ => (part, ""),
        };
        let indexes = indexes.split(['[', ']']).filter_map(|index| index.parse().ok()).map(Step::Index);
        let name = (!name.is_empty()).then_some(Step::Name(name));
        name.into_iter().chain(indexes)
    })
}

/// `parent.name`, or `name` at the top.
pub(super) fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}.{name}") }
}

/// Whether `key` is `parent` or below it.
pub(super) fn is_within(key: &str, parent: &str) -> bool {
    key.strip_prefix(parent).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// Puts `value` at `key` and makes the objects on the way. Something else that is in the way stays.
pub(super) fn put(mut at: &mut Value, key: &str, value: Value) {
    for step in steps(key) {
        let next = match (step, at) {
            (Step::Name(name), Value::Object(members)) => {
                Some(members.entry(name).or_insert_with(|| Value::Object(Map::new())))
            }
            (Step::Index(index), Value::Array(items)) => items.get_mut(index),
            _ => None,
        };
        let Some(next) = next else { return };
        at = next;
    }
    *at = value;
}

/// What is at `key`.
pub(super) fn get<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    steps(key).try_fold(value, |at, step| match step {
        Step::Name(name) => at.get(name),
        Step::Index(index) => at.get(index),
    })
}
