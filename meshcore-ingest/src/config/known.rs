//! All keys there are, who reads them, and what is said about those that nobody does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde_json::Value;

use super::elsewhere;
use super::key::{is_within, join};
use super::schema::keys_of;

/// Who reads a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// The writing process.
    Ingest,
    /// The server.
    Server,
    /// A later version.
    Later,
    /// Nobody, in no version of CoreScope.
    Nobody,
}

/// All keys of this version and of other CoreScope programs, by name: `mqttSources[].topics`.
pub fn known_keys() -> &'static BTreeMap<String, Reader> {
    static KEYS: LazyLock<BTreeMap<String, Reader>> = LazyLock::new(|| {
        let elsewhere = elsewhere::KEYS
            .iter()
            .flat_map(|(reader, keys)| keys.iter().map(|key| ((*key).to_owned(), *reader)));
        let ours = keys_of::<super::Config>().into_iter().map(|key| (key, Reader::Ingest));
        elsewhere.chain(ours).collect()
    });
    &KEYS
}

/// What a file says that is not read.
#[derive(Default)]
pub(super) struct Unread {
    unknown: BTreeSet<String>,
    later: BTreeSet<String>,
    dead: BTreeSet<String>,
}

impl Unread {
    /// Looks at `value`, which is at `key`, and at what is below it.
    pub(super) fn look_at(&mut self, key: &str, value: &Value) {
        match value {
            Value::Object(members) if is_parent(key) => {
                for (name, inner) in members {
                    self.look_at(&join(key, name), inner);
                }
            }
            Value::Array(items) if is_parent(&format!("{key}[]")) => {
                for item in items {
                    self.look_at(&format!("{key}[]"), item);
                }
            }
            _ => self.note(key),
        }
    }

    /// Notes a key that is set.
    pub(super) fn note(&mut self, key: &str) {
        let name = without_indexes(key);
        let reader =
            known_keys().iter().find(|(known, _)| is_within(&name, known)).map(|(_, reader)| *reader);
        match reader {
            Some(Reader::Ingest | Reader::Server) => {}
            Some(Reader::Later) => drop(self.later.insert(unread_part(&name).to_owned())),
            Some(Reader::Nobody) => drop(self.dead.insert(name)),
            None if known_keys().keys().any(|known| is_within(known, &name)) => {} // its reader looks inside
            None => drop(self.unknown.insert(name)),
        }
    }

    /// One line for each unknown key, and one for each other kind.
    pub(super) fn warnings(&self) -> Vec<String> {
        let unknown = self.unknown.iter().map(|key| format!("unknown key {}{}", shown(key), meant(key)));
        let list = |keys: &BTreeSet<String>| keys.iter().map(|key| shown(key)).collect::<Vec<_>>().join(", ");
        let mut warnings: Vec<String> = unknown.collect();
        if !self.later.is_empty() {
            warnings.push(format!("not used by this version: {}", list(&self.later)));
        }
        if !self.dead.is_empty() {
            warnings.push(format!("without effect in any version, can be removed: {}", list(&self.dead)));
        }
        warnings
    }
}

/// Whether `key` can be set: it is read, or is above or below one that is.
pub(super) fn is_known(key: &str) -> bool {
    let name = without_indexes(key);
    known_keys().keys().any(|known| is_within(&name, known) || is_within(known, &name))
}

/// The key that a variable's name means: letters and digits count, neither case nor what is between words.
pub(super) fn spelled(name: &str) -> Option<&'static str> {
    let wanted = letters(name);
    let mut names = known_keys().keys().flat_map(|key| prefixes(key)).filter(|key| !key.contains('['));
    names.find(|key| letters(key) == wanted)
}

/// `; did you mean …?`, or nothing.
pub(super) fn meant(key: &str) -> String {
    nearest(key).map(|known| format!("; did you mean {known}?")).unwrap_or_default()
}

/// The known key that looks most like `key`, or is called like it at another place.
pub(super) fn nearest(key: &str) -> Option<&'static str> {
    let last = |key: &str| letters(key.rsplit('.').next().unwrap_or(key));
    let (whole, end) = (letters(key), last(key));
    let distance = |known: &str| {
        let as_whole = strsim::osa_distance(&whole, &letters(known));
        let elsewhere = strsim::osa_distance(&end, &last(known)) + 1;
        as_whole.min(elsewhere)
    };
    if key.len() > LONGEST {
        return None;
    }
    let names = known_keys().keys().flat_map(|known| prefixes(known)).filter(|known| !known.ends_with(']'));
    names
        .map(|known| (distance(known), known))
        .min()
        .filter(|(distance, _)| *distance <= 1.max(end.len() / 4))
        .map(|(_, known)| known)
}

/// Longest key that is compared and shown whole.
const LONGEST: usize = 100;

/// `mqttSources`, `mqttSources[]` and `mqttSources[].topics`.
fn prefixes(key: &str) -> impl Iterator<Item = &str> {
    let ends = key.match_indices(['.', '[']).map(|(end, _)| end).chain([key.len()]);
    ends.filter_map(|end| key.get(..end))
}

fn letters(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// Whether there are known keys below `key`.
fn is_parent(key: &str) -> bool {
    let is_below = |known: &String| known.strip_prefix(key).is_some_and(|rest| rest.starts_with('.'));
    key.is_empty() || known_keys().keys().any(is_below)
}

/// The widest part of `key` of which nothing is read: `db.load` of `db.load.chunkSize`.
fn unread_part(key: &str) -> &str {
    let is_read = |prefix: &&str| {
        known_keys().iter().any(|(known, reader)| {
            is_within(known, prefix) && matches!(reader, Reader::Ingest | Reader::Server)
        })
    };
    prefixes(key).find(|prefix| !is_read(prefix)).unwrap_or(key)
}

/// `mqttSources[0].topics[3]` as `mqttSources[].topics`.
fn without_indexes(key: &str) -> String {
    let mut name = String::with_capacity(key.len());
    for (index, part) in key.split('[').enumerate() {
        match part.split_once(']') {
            Some((_, rest)) if index > 0 => {
                name.push_str("[]");
                name.push_str(rest);
            }
            _ => name.push_str(part),
        }
    }
    name
}

/// A key as it may be in a log.
pub(super) fn shown(key: &str) -> String {
    let cut: String = key.chars().take(LONGEST).collect();
    cut.escape_debug().to_string()
}
