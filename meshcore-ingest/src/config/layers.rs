//! The file with environment and command line laid over it.
//!
//! Each layer is stronger than the one before: the file; `CORESCOPE_<KEY>` variables; the variables that have names of
//! their own; `--set`; the other flags. Who reads the keys of one part gets them from here, and who finds a value wrong
//! learns here where it was written.

use std::fmt;
use std::path::Path;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::IngestArgs;
use super::environment::Environment;
use super::error::{ConfigError, Origin};
use super::file::ConfigFile;
use super::key::{get, is_within, join, put};
use super::known::{self, Unread};
use super::schema::{Schema, typed};

/// Variables with a name of their own, and the keys they set.
const VARIABLES: &[(&str, &str)] = &[
    ("DB_PATH", "dbPath"),
    ("CHANNEL_KEYS_PATH", "channelKeysPath"),
    ("PORT", "port"),
    ("CORS_ALLOWED_ORIGINS", "corsAllowedOrigins"),
];

/// A configuration, whoever reads it.
#[derive(Clone)]
pub struct Layers {
    file: ConfigFile,
    /// What the file says.
    said: Value,
    /// What was said elsewhere, the strongest last.
    over: Vec<Override>,
    /// How many of these were said in the file.
    in_file: usize,
    environment: Environment,
    warnings: Vec<String>,
}

/// A key that was set outside the file, or in the file by the name of a variable.
#[derive(Clone)]
struct Override {
    key: String,
    given: Given,
    origin: Origin,
}

#[derive(Clone)]
enum Given {
    /// To be read as what the key holds.
    Text(String),
    Json(Value),
}

impl Layers {
    /// Lays `args` and their environment over `file`.
    ///
    /// # Errors
    /// [`ConfigError`] when the file is not JSON, a variable it names is not set, or `--set` names no key.
    pub fn new(file: &ConfigFile, args: &IngestArgs) -> Result<Self, ConfigError> {
        let said = file.read()?;
        let environment = args.environment.clone();
        let mut layers = Self {
            file: file.clone(),
            said,
            over: Vec::new(),
            in_file: 0,
            environment,
            warnings: Vec::new(),
        };
        layers.expand("", &layers.said.clone())?;
        layers.in_file = layers.over.len();
        layers.lay_variables();
        layers.lay_source(args);
        for text in &args.set {
            layers.set(text)?;
        }
        layers.path("--db", "dbPath", args.db.as_deref())?;
        layers.path("--channel-keys", "channelKeysPath", args.channel_keys.as_deref())?;
        layers.flag("--db-slow-writer-ms", "db.slowWriterMs", args.db_slow_writer_ms.as_deref());
        Ok(layers)
    }

    /// The lowest layer.
    pub fn file(&self) -> &ConfigFile {
        &self.file
    }

    /// Lays the text of a flag over the rest; one that is blank counts as not given.
    pub fn flag(&mut self, flag: &str, key: &str, text: Option<&str>) {
        if let Some(text) = text.filter(|text| !text.trim().is_empty()) {
            self.lay(key, Given::Text(text.to_owned()), Origin::Flag(flag.to_owned()));
        }
    }

    fn path(&mut self, flag: &str, key: &str, path: Option<&Path>) -> Result<(), ConfigError> {
        let text = path.map(Path::to_str);
        if text == Some(None) {
            let origin = Origin::Flag(flag.to_owned());
            return Err(ConfigError::Invalid { origin, key: key.to_owned(), reason: "not UTF-8".into() });
        }
        self.flag(flag, key, text.flatten());
        Ok(())
    }

    /// Reads the keys that `T` knows.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`].
    pub fn read<T: DeserializeOwned + JsonSchema>(&self) -> Result<T, ConfigError> {
        let schema = Schema::of::<T>();
        // The file alone first: that a flag replaces a value does not make it a good one.
        let file = Self { over: self.over.iter().take(self.in_file).cloned().collect(), ..self.clone() };
        file.read_as::<T>(&schema)?;
        self.read_as(&schema)
    }

    fn read_as<T: DeserializeOwned>(&self, schema: &Schema) -> Result<T, ConfigError> {
        serde_path_to_error::deserialize(self.values(schema)).map_err(|error| {
            let key = error.path().to_string();
            let key = if key == "." { String::new() } else { key };
            ConfigError::Invalid { origin: self.blamed(&key), key, reason: error.inner().to_string() }
        })
    }

    /// The error with the place where its key was written.
    pub fn placed(&self, error: ConfigError) -> ConfigError {
        match error {
            ConfigError::Value { key, reason } => {
                ConfigError::Invalid { origin: self.blamed(&key), key, reason }
            }
            other => other,
        }
    }

    /// Where the value of `key` was written.
    pub fn origin(&self, key: &str) -> Origin {
        match self.over.iter().rev().find(|over| is_within(key, &over.key)) {
            Some(over) => over.origin.clone(),
            None if get(&self.said, key).is_some() => self.file.origin(key),
            None => Origin::Default,
        }
    }

    /// What the operator should know about keys and variables that are not read.
    pub fn warnings(&self) -> Vec<String> {
        let mut unread = Unread::default();
        unread.look_at("", &self.said);
        for over in &self.over {
            unread.note(&over.key);
        }
        let twice = self.file.twice().into_iter();
        let mut warnings: Vec<String> =
            twice.map(|key| format!("{} is there twice; the last one counts", known::shown(&key))).collect();
        warnings.extend(self.warnings.iter().cloned());
        warnings.extend(unread.warnings());
        let meaningless = self.environment.meaningless();
        if !meaningless.is_empty() {
            warnings.push(format!("environment variables without effect: {}", meaningless.join(", ")));
        }
        warnings
    }

    /// What all layers together say about the keys of `schema`.
    pub(super) fn values(&self, schema: &Schema) -> Value {
        let mut value = self.said.clone();
        for over in &self.over {
            let Some(expected) = schema.at(&over.key) else { continue };
            let given = match &over.given {
                Given::Text(text) => typed(text, expected),
                Given::Json(value) => value.clone(),
            };
            put(&mut value, &over.key, given);
        }
        value
    }

    /// Where a wrong value was written; at least the file.
    fn blamed(&self, key: &str) -> Origin {
        match self.origin(key) {
            Origin::Default => self.file.origin(key),
            origin => origin,
        }
    }

    fn lay(&mut self, key: &str, given: Given, origin: Origin) {
        self.over.push(Override { key: key.to_owned(), given, origin });
    }

    /// Puts variables in the place of texts that name them: `"${NAME}"`.
    fn expand(&mut self, key: &str, value: &Value) -> Result<(), ConfigError> {
        match value {
            Value::Object(members) => {
                members.iter().try_for_each(|(name, inner)| self.expand(&join(key, name), inner))
            }
            Value::Array(items) => items
                .iter()
                .enumerate()
                .try_for_each(|(index, inner)| self.expand(&format!("{key}[{index}]"), inner)),
            Value::String(text) => {
                let Some(name) = variable(text) else { return Ok(()) };
                let Some(content) = self.environment.get(name) else {
                    let reason = format!("the environment variable {name} is not set");
                    return Err(ConfigError::Invalid {
                        origin: self.file.origin(key),
                        key: key.to_owned(),
                        reason,
                    });
                };
                let given = Given::Text(content.to_owned());
                self.lay(key, given, Origin::Environment(name.to_owned()));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn lay_variables(&mut self) {
        let environment = self.environment.clone();
        for (name, short, text) in environment.ours() {
            match known::spelled(short) {
                Some(key) => {
                    self.lay(key, Given::Text(text.to_owned()), Origin::Environment(name.to_owned()))
                }
                None if Environment::is_meaningless(name) => {}
                None => self.warnings.push(format!(
                    "environment {}: no such key{}",
                    name.escape_debug(),
                    known::meant(short)
                )),
            }
        }
        for (name, key) in VARIABLES {
            if let Some(text) = environment.get(name) {
                self.lay(key, Given::Text(text.to_owned()), Origin::Environment((*name).to_owned()));
            }
        }
    }

    /// One broker instead of all others.
    fn lay_source(&mut self, args: &IngestArgs) {
        let given = |flag: &'static str, text: &Option<String>, name: &'static str| {
            let from_flag = text.clone().filter(|text| !text.trim().is_empty());
            let from_flag = from_flag.map(|text| (text, Origin::Flag(flag.to_owned())));
            let from_environment = self.environment.get(name).map(ToOwned::to_owned);
            from_flag.or_else(|| Some((from_environment?, Origin::Environment(name.to_owned()))))
        };
        let broker = given("--mqtt-broker", &args.mqtt_broker, "MQTT_BROKER");
        let topic = given("--mqtt-topic", &args.mqtt_topic, "MQTT_TOPIC");
        if let Some((broker, origin)) = broker {
            let topics: Vec<String> = topic.into_iter().map(|(topic, _)| topic).collect();
            let source = json!([{"name": "env", "broker": broker, "topics": topics}]);
            self.lay("mqttSources", Given::Json(source), origin);
        }
    }

    /// `KEY=VALUE` of the command line.
    fn set(&mut self, text: &str) -> Result<(), ConfigError> {
        let wrong = |key: &str, reason: String| {
            let origin = Origin::Flag("--set".into());
            Err(ConfigError::Invalid { origin, key: key.escape_debug().to_string(), reason })
        };
        let Some((key, given)) = text.split_once('=') else {
            return wrong(text, "no value; expected KEY=VALUE, such as retention.packetDays=30".into());
        };
        let key = key.trim();
        if !known::is_known(key) {
            return wrong(key, format!("unknown key{}", known::meant(key)));
        }
        self.lay(key, Given::Text(given.to_owned()), Origin::Flag("--set".into()));
        Ok(())
    }
}

impl fmt::Debug for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.over.iter().map(|over| &over.key).collect::<Vec<_>>();
        f.debug_struct("Layers").field("file", &self.file.path()).field("over", &keys).finish_non_exhaustive()
    }
}

/// The variable that a text stands for: `${NAME}`.
fn variable(text: &str) -> Option<&str> {
    let name = text.strip_prefix("${")?.strip_suffix('}')?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_name.then_some(name)
}
