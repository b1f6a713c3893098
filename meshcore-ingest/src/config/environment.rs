//! The environment variables the program was started with.

use std::collections::BTreeMap;
use std::fmt;

/// Variables of other CoreScope programs that mean nothing here.
const MEANINGLESS: &[&str] = &["GOMEMLIMIT", "ENABLE_PPROF", "PPROF_PORT"];

/// Variables with that beginning that set no key.
const OTHERS: &[&str] = &["CORESCOPE_BUILT_AT", "CORESCOPE_COMMIT", Environment::STATS_FILE];

/// How a variable begins that sets a key.
const PREFIX: &str = "CORESCOPE_";

/// Environment variables. The default has none.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Names the stats file.
    pub const STATS_FILE: &str = "CORESCOPE_INGESTOR_STATS";

    /// Those of this process.
    pub fn current() -> Self {
        let readable = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self(std::env::vars_os().filter_map(readable).collect())
    }

    /// The text of a variable; one that is blank counts as not set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|text| !text.trim().is_empty())
    }

    /// `CORESCOPE_…` variables that are set: the name, the name without that beginning, and the text.
    pub(super) fn ours(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        let set =
            self.0.iter().filter(|(name, text)| !OTHERS.contains(&name.as_str()) && !text.trim().is_empty());
        set.filter_map(|(name, text)| Some((name.as_str(), name.strip_prefix(PREFIX)?, text.as_str())))
    }

    /// Whether `name` is a variable that means nothing here.
    pub(super) fn is_meaningless(name: &str) -> bool {
        MEANINGLESS.contains(&name)
    }

    /// Variables that are set and mean nothing here.
    pub(super) fn meaningless(&self) -> Vec<&'static str> {
        MEANINGLESS.iter().copied().filter(|name| self.get(name).is_some()).collect()
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Environment").finish_non_exhaustive() // there are passwords in it
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(variables: [(&str, &str); N]) -> Self {
        Self(variables.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect())
    }
}
