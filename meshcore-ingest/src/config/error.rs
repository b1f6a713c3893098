//! Why a configuration cannot be used, and where a value came from.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Longest reason that is shown: a value can be a whole file.
const MOST_SHOWN: usize = 300;

/// Why the configuration cannot be used. The message names file, line and key, or variable or flag and key.
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

    /// The text is not JSON, or a value cannot be used. It is known where that was written.
    #[error("{origin}: {key}{}{}", if key.is_empty() { "" } else { ": " }, cut(reason))]
    Invalid {
        /// Where it was written.
        origin: Origin,
        /// `mqttSources[0].topics`, or empty at the top.
        key: String,
        /// What is wrong, and what would be right.
        reason: String,
    },

    /// A value of the right type that cannot be used, before it is known where it was written.
    #[error("{key}: {}", cut(reason))]
    Value {
        /// The key.
        key: String,
        /// What is wrong, and what would be right.
        reason: String,
    },
}

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nowhere.
    Default,
    /// In the file, and where there.
    File {
        /// The file.
        path: PathBuf,
        /// Where in it, if that is known.
        at: Option<Position>,
    },
    /// In an environment variable.
    Environment(String),
    /// In this flag.
    Flag(String),
}

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// From 1, in bytes.
    pub column: usize,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, at: None } => write!(f, "{}", path.display()),
            Self::File { path, at: Some(Position { line, column }) } => {
                write!(f, "{} line {line} column {column}", path.display())
            }
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

fn cut(reason: &str) -> String {
    match reason.char_indices().nth(MOST_SHOWN) {
        Some((end, _)) => format!("{}…", &reason[..end]),
        None => reason.to_owned(),
    }
}
