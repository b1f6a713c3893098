//! Finding `config.json`, reading it, and saying where in it a key is.
//!
//! The text is JSON in which comments (`//`, `/* */`) and a comma too many are forgiven. Keys beginning with `_` are
//! comments of any type, at every level, and `null` is as good as absent.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::error::{ConfigError, Origin, Position};
use super::key::{Step, join, steps};

/// Where a file is looked for when none is named; the first that exists is the only one read.
const SEARCH: &[&str] = &["config.json", "data/config.json"];

/// The text of a configuration file. The default is an empty object without a file.
#[derive(Clone)]
pub struct ConfigFile {
    path: PathBuf,
    /// JSON without comments; what is left is where it was.
    text: String,
    exists: bool,
}

impl Default for ConfigFile {
    fn default() -> Self {
        Self { path: "config.json".into(), text: "{}".into(), exists: false }
    }
}

impl ConfigFile {
    /// Reads `named`, or the first of the usual places; without any, everything has its default.
    ///
    /// # Errors
    /// [`ConfigError::Unreadable`].
    pub fn find(named: Option<&Path>) -> Result<Self, ConfigError> {
        if let Some(path) = named {
            return Self::open(path);
        }
        for path in SEARCH.iter().map(Path::new) {
            if path.exists() {
                return Self::open(path);
            }
        }
        Ok(Self::default())
    }

    /// A configuration that is not in a file.
    pub fn from_text(path: impl Into<PathBuf>, text: impl AsRef<str>) -> Self {
        Self { path: path.into(), text: without_comments(text.as_ref()), exists: true }
    }

    /// The file; `None` when there is none.
    pub fn path(&self) -> Option<&Path> {
        self.exists.then_some(&self.path)
    }

    /// The folder that relative names beside the file refer to.
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or_else(|| Path::new(""))
    }

    /// What the file says, without comments.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`], naming line and column.
    pub fn read(&self) -> Result<Value, ConfigError> {
        let invalid = |error: serde_json::Error| ConfigError::Invalid {
            origin: Origin::File {
                path: self.path.clone(),
                at: Some(Position { line: error.line(), column: error.column() }),
            },
            key: String::new(),
            reason: reason(&error),
        };
        // As a map first, because a message that expects one is clearer than anything said later.
        serde_json::from_str::<Members<'_>>(&self.text).map_err(invalid)?;
        let mut value = serde_json::from_str(&self.text).map_err(invalid)?;
        strip(&mut value);
        Ok(value)
    }

    /// Keys that are there twice, by what they are called. The last one counts.
    pub(super) fn twice(&self) -> BTreeSet<String> {
        let mut twice = BTreeSet::new();
        collect_twice("", &self.text, &mut twice);
        twice
    }

    /// Where `key` is, or what is there of the way to it.
    pub(super) fn origin(&self, key: &str) -> Origin {
        Origin::File { path: self.path.clone(), at: self.locate(key) }
    }

    fn locate(&self, key: &str) -> Option<Position> {
        let mut found: &str = &self.text;
        for step in steps(key) {
            let Some(inner) = member(found, &step) else { break };
            found = inner;
        }
        // `found` lies within the text: every step gave a part of the one before.
        let offset = (found.as_ptr() as usize).checked_sub(self.text.as_ptr() as usize)?;
        let before = self.text.get(..offset)?;
        let line_begin = before.rfind('\n').map_or(0, |end| end + 1);
        (offset > 0)
            .then(|| Position { line: before.matches('\n').count() + 1, column: offset - line_begin + 1 })
    }

    fn open(path: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        Ok(Self::from_text(path, text))
    }
}

impl fmt::Debug for ConfigFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigFile").field("path", &self.path).finish_non_exhaustive() // there are passwords in it
    }
}

/// Reads a JSON object of names and texts, with comments as in [`ConfigFile`].
///
/// # Errors
/// [`ConfigError`], naming file, line and column.
pub(crate) fn read_texts(path: &Path) -> Result<BTreeMap<String, String>, ConfigError> {
    let file = ConfigFile::open(path)?;
    serde_path_to_error::deserialize(file.read()?).map_err(|error| {
        let key = error.path().to_string();
        ConfigError::Invalid { origin: file.origin(&key), key, reason: error.inner().to_string() }
    })
}

/// The text with spaces where comments and commas too many were.
fn without_comments(text: &str) -> String {
    let mut bytes = text.trim_start_matches('\u{feff}').as_bytes().to_vec();
    if json_strip_comments::strip_slice(&mut bytes).is_err() {
        return text.to_owned(); // the parser says where
    }
    // Ends of lines inside comments are made spaces too; lines are counted by them.
    let ends = text.trim_start_matches('\u{feff}').bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
    for (at, _) in ends {
        if let Some(byte) = bytes.get_mut(at) {
            *byte = b'\n';
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// The message without the place at its end.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).map(str::to_owned).unwrap_or(text)
}

/// Takes away keys that are comments, and those that are null.
fn strip(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, value| !name.starts_with('_') && !value.is_null());
            members.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

/// The text of one member of a JSON object or array. Of two with one name the last counts.
fn member<'a>(text: &'a str, step: &Step<'_>) -> Option<&'a str> {
    let raw = match step {
        Step::Name(name) => {
            let Members(members) = serde_json::from_str(text).ok()?;
            members.into_iter().rfind(|(known, _)| known == name)?.1
        }
        Step::Index(index) => serde_json::from_str::<Vec<&RawValue>>(text).ok()?.get(*index)?,
    };
    Some(raw.get())
}

/// Notes names below `key` that one object has twice.
fn collect_twice(key: &str, text: &str, twice: &mut BTreeSet<String>) {
    if let Ok(Members(members)) = serde_json::from_str(text) {
        let mut known = BTreeSet::new();
        for (name, value) in members.iter().filter(|(name, _)| !name.starts_with('_')) {
            let key = join(key, name);
            collect_twice(&key, value.get(), twice);
            if !known.insert(name) {
                twice.insert(key);
            }
        }
    } else if let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(text) {
        for (index, item) in items.iter().enumerate() {
            collect_twice(&format!("{key}[{index}]"), item.get(), twice);
        }
    }
}

/// The members of a JSON object as they were written: in their order, and all of them.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(MembersVisitor)
    }
}
