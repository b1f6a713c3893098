//! SIGHUP: the configuration is read again, and what can change while the program runs does.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{error, info, warn};

use crate::Ingest;
use crate::config::{Config, ConfigError, ConfigFile};

/// Keys of the file that take effect at a reload; all others do at the next start.
const AT_ONCE: &[&str] = &[
    "channelKeys",
    "channelKeysPath",
    "clientRxCoverage",
    "companion",
    "foreignAdverts",
    "geo_filter",
    "hashChannels",
    "hashRegions",
    "mqtt",
    "mqttSources",
    "observerBlacklist",
    "observerIATAWhitelist",
    "validateSignatures",
];

/// The file's keys at the top, with their values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Keys(BTreeMap<String, Value>);

impl Keys {
    /// Those of `file`; comments are left out.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`], when the file is no JSON object.
    pub fn of(file: &ConfigFile) -> Result<Self, ConfigError> {
        let keys = match file.read()? {
            Value::Object(keys) => keys.into_iter().collect(),
            _ => BTreeMap::new(),
        };
        Ok(Self(keys))
    }

    /// The keys whose values differ.
    fn differing<'a>(&'a self, other: &'a Self) -> BTreeSet<&'a str> {
        let all = self.0.keys().chain(other.0.keys());
        all.filter(|key| self.0.get(*key) != other.0.get(*key)).map(String::as_str).collect()
    }
}

/// The configuration a program runs by, and the signal to read it again.
pub struct Reloads {
    /// Absent when the system gives none.
    hangups: Option<Signal>,
    /// What the program was started with.
    started: Keys,
    /// What was read last.
    current: Keys,
}

impl Reloads {
    /// From here on SIGHUP does not end the program. `started`: the file it starts with. Must be called within a tokio
    /// runtime.
    pub fn new(started: Keys) -> Self {
        let hangups = signal(SignalKind::hangup())
            .inspect_err(
                |error| warn!(%error, "SIGHUP cannot be received: a new configuration needs a restart"),
            )
            .ok();
        Self { hangups, current: started.clone(), started }
    }

    /// Has `ingest` follow what `load` gives at each SIGHUP. Never returns; may be dropped at any time.
    pub async fn follow(
        &mut self,
        ingest: &mut Ingest,
        load: impl Fn() -> Result<(Config, Keys), ConfigError>,
    ) {
        loop {
            match &mut self.hangups {
                Some(hangups) => drop(hangups.recv().await),
                None => std::future::pending().await,
            }
            if let Err(error) = load().and_then(|(config, keys)| self.take(ingest, &config, keys)) {
                error!(%error, "the configuration is not reloaded; the one before goes on");
            }
        }
    }

    fn take(&mut self, ingest: &mut Ingest, config: &Config, keys: Keys) -> Result<(), ConfigError> {
        let changes = ingest.reload(config)?;
        let changed: Vec<&str> =
            self.current.differing(&keys).into_iter().filter(|key| is_at_once(key)).collect();
        info!(
            keys = changed.join(" "),
            sources.added = changes.added.join(" "),
            sources.changed = changes.changed.join(" "),
            sources.removed = changes.removed.join(" "),
            sources.unchanged = changes.unchanged,
            "the configuration is reloaded"
        );
        let waiting: Vec<&str> =
            self.started.differing(&keys).into_iter().filter(|key| !is_at_once(key)).collect();
        if !waiting.is_empty() {
            let keys = waiting.join(" ");
            warn!(keys = %keys.escape_debug(), "these keys have changed and need a restart");
        }
        self.current = keys;
        Ok(())
    }
}

fn is_at_once(key: &str) -> bool {
    AT_ONCE.contains(&key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(json: &str) -> Keys {
        Keys::of(&ConfigFile::from_text("c.json", json)).unwrap()
    }

    #[test]
    fn keys_that_came_went_or_changed_differ_and_comments_do_not() {
        let before = keys(r#"{"dbPath": "a.db", "port": 1, "mqttSources": [], "_note": 1}"#);
        let after = keys(r#"{"dbPath": "b.db", "mqttSources": [], "hashChannels": ["x"], "_note": 2}"#);
        let differing: Vec<&str> = before.differing(&after).into_iter().collect();
        assert_eq!(differing, ["dbPath", "hashChannels", "port"]);
        assert!(before.differing(&before).is_empty());
    }

    #[test]
    fn what_is_reloaded_is_what_ingest_reads() {
        let value = |key: &str| match key {
            "channelKeys" | "mqtt" | "clientRxCoverage" | "companion" | "foreignAdverts" | "geo_filter" => {
                "{}"
            }
            "channelKeysPath" => "\"x\"",
            "validateSignatures" => "true",
            _ => "[]",
        };
        for key in AT_ONCE {
            let file = ConfigFile::from_text("c.json", format!("{{\"{key}\": {}}}", value(key)));
            let (_, ignored) = Config::load(&file, &crate::config::IngestArgs::default()).unwrap();
            assert!(ignored.is_empty(), "{key} is a key of nobody");
        }
    }
}
