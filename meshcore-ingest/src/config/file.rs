//! Finding and reading `config.json`.
//!
//! One file serves several parts of the program; each reads the keys it knows out of the same text. A key is unknown
//! when no part reads it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny, MapAccess, Visitor};

/// Where a file is looked for when none is named; the first that exists is the only one read.
const SEARCH: &[&str] = &["config.json", "data/config.json"];

/// Why the configuration cannot be used. The message names file, key and line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file is there but cannot be read, or was named and is not there.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },

    /// The text is not JSON, or a key has the wrong type.
    #[error("{}: {key}{source}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// `mqttSources[0].topics: `, or empty at the top.
        key: String,
        /// What is wrong, with line and column.
        source: serde_json::Error,
    },

    /// The type is right, the value is not.
    #[error("{key}: {reason}")]
    Value {
        /// The key, or the environment variable.
        key: String,
        /// What is wrong, and what would be right.
        reason: String,
    },
}

/// The text of a configuration file. The default is an empty object without a file.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    path: PathBuf,
    text: String,
}

impl Default for ConfigFile {
    fn default() -> Self {
        Self::from_text("config.json", "{}")
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
    pub fn from_text(path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into() }
    }

    /// The folder that relative names beside the file refer to.
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or_else(|| Path::new(""))
    }

    /// Reads the keys that `T` knows. The others are returned: `retention.nodeDays`.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`], naming key, line and column.
    pub fn read<T: DeserializeOwned>(&self) -> Result<(T, BTreeSet<String>), ConfigError> {
        let invalid = |key: String, source| ConfigError::Invalid { path: self.path.clone(), key, source };
        // Syntax first: what is wrong there has no key.
        serde_json::from_str::<BTreeMap<String, IgnoredAny>>(&self.text)
            .map_err(|error| invalid(String::new(), error))?;
        let mut ignored = BTreeSet::new();
        let mut json = serde_json::Deserializer::from_str(&self.text);
        let mut note = |path: serde_ignored::Path<'_>| {
            let path = path.to_string();
            if !path.split('.').any(|key| key.starts_with('_')) {
                ignored.insert(path);
            }
        };
        let read = serde_ignored::Deserializer::new(&mut json, &mut note);
        let value = serde_path_to_error::deserialize(read)
            .map_err(|error| invalid(format!("{}: ", error.path()), error.into_inner()))?;
        Ok((value, ignored))
    }

    fn open(path: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), text })
    }
}

/// The keys that neither of two parts reads: what one reads in part, the other may not read at all.
pub fn read_by_neither<'a>(one: &'a BTreeSet<String>, other: &'a BTreeSet<String>) -> BTreeSet<&'a str> {
    let is_within = |key: &str, keys: &BTreeSet<String>| {
        let mut parents = key.match_indices('.').map(|(end, _)| &key[..end]);
        keys.contains(key) || parents.any(|parent| keys.contains(parent))
    };
    let from_one = one.iter().filter(|key| is_within(key, other));
    from_one.chain(other.iter().filter(|key| is_within(key, one))).map(String::as_str).collect()
}

/// A JSON object of names and texts in which `_…` keys are comments of any type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts(pub BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextsVisitor;

        impl<'de> Visitor<'de> for TextsVisitor {
            type Value = Texts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of names and texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Texts, A::Error> {
                let mut texts = Texts::default();
                while let Some(name) = map.next_key::<String>()? {
                    if name.starts_with('_') {
                        map.next_value::<IgnoredAny>()?;
                    } else {
                        texts.0.insert(name, map.next_value()?);
                    }
                }
                Ok(texts)
            }
        }

        deserializer.deserialize_map(TextsVisitor)
    }
}
