//! The configuration as it is in force, with where each value was written. Secrets are masked.

use std::fmt;

use schemars::JsonSchema;
use serde_json::Value;

use super::error::Origin;
use super::key::join;
use super::layers::Layers;
use super::schema::{Schema, is_secret, is_url, items, properties, values};

const MASK: &str = "***";

/// A key and its value in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// `mqttSources[0].topics`.
    pub key: String,
    /// The value as JSON; secrets are masked. `None`: there is none.
    pub value: Option<String>,
    /// Where it was written.
    pub origin: Origin,
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, value, origin } = self;
        write!(f, "{} = {} ({origin})", key.escape_debug(), value.as_deref().unwrap_or("not set"))
    }
}

impl Layers {
    /// The values of all keys that `T` reads.
    pub fn settings<T: JsonSchema>(&self) -> Vec<Setting> {
        let schema = Schema::of::<T>();
        let value = self.values(&schema);
        let mut settings = Vec::new();
        self.collect("", schema.root(), Some(&value), &mut settings);
        settings
    }

    fn collect(&self, key: &str, schema: &Value, value: Option<&Value>, settings: &mut Vec<Setting>) {
        if let Some(known) = properties(schema) {
            for (name, inner) in known {
                self.collect(&join(key, name), inner, value.and_then(|value| value.get(name)), settings);
            }
            return;
        }
        match (value, values(schema), items(schema)) {
            (Some(Value::Object(members)), Some(inner), _) if !members.is_empty() => {
                for (name, value) in members {
                    self.collect(&join(key, name), inner, Some(value), settings);
                }
            }
            (Some(Value::Array(list)), _, Some(item)) if properties(item).is_some() && !list.is_empty() => {
                for (index, value) in list.iter().enumerate() {
                    self.collect(&format!("{key}[{index}]"), item, Some(value), settings);
                }
            }
            _ => settings.push(Setting {
                key: key.to_owned(),
                value: shown(schema, value),
                origin: self.origin(key),
            }),
        }
    }
}

/// A value as JSON, or the default.
fn shown(schema: &Value, value: Option<&Value>) -> Option<String> {
    let value = value.or_else(|| schema.get("default")).filter(|value| !value.is_null())?;
    match value {
        _ if is_secret(schema) => Some(MASK.to_owned()),
        Value::String(text) if is_url(schema) => Some(Value::from(without_credentials(text)).to_string()),
        value => Some(value.to_string()),
    }
}

/// `mqtt://***@host:1883`.
fn without_credentials(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://{MASK}@{host}"),
        (None, Some((_, host))) => format!("{MASK}@{host}"),
        _ => url.to_owned(),
    }
}
