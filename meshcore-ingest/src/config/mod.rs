//! What ingest reads from `config.json`, the environment and the command line.
//!
//! ```text
//! file ─┐
//! environment ─┼─▶ Layers ─▶ Config (here), the server's part (meshcore-web)
//! flags ─┘
//! ```
//!
//! A flag is stronger than the environment, that is stronger than the file, and `{}` is a valid file. Loading can be
//! done again while the program runs: it gives a whole, valid configuration, or an error.

mod broker;
mod connect;
mod duration;
mod elsewhere;
mod environment;
mod error;
mod file;
mod keeping;
mod key;
mod known;
mod layers;
mod policy;
mod schema;
mod secret;
mod show;
mod source;
mod tls;

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::pipeline::Limits;

pub use broker::{BrokerLimits, BrokerTls, BrokerTokens, BrokerUser, EmbeddedBroker};
pub use connect::{Broker, Identity, Qos};
pub use duration::{Days, Hours, Length, Millis, Seconds};
pub use environment::Environment;
pub use error::{ConfigError, Origin, Position};
pub use file::ConfigFile;
pub(crate) use file::read_texts;
pub use keeping::{Database, NeighborGraph, RetentionKeys};
pub use known::{Reader, known_keys};
pub use layers::Layers;
pub use policy::{ClientRxCoverage, Companion, ForeignAdverts, ForeignMode, GeoFilter};
pub use schema::{json_schema_of, keys_of, merge_schema};
pub use secret::Secret;
pub use show::Setting;
pub(crate) use source::covers;
pub use source::{LegacyMqtt, Source};
pub use tls::TlsFiles;

/// The ingest part of `config.json`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Config {
    /// The database file; relative to the working directory.
    #[schemars(extend("default" = Self::DB_PATH))]
    pub db_path: Option<PathBuf>,
    /// Brokers to listen to.
    pub mqtt_sources: Vec<Source>,
    /// One broker in the old form; counts only when `mqttSources` is empty.
    pub mqtt: LegacyMqtt,
    /// The broker inside `corescope`.
    pub broker: EmbeddedBroker,
    /// Channel name to key: 32 or 64 hex digits.
    pub channel_keys: BTreeMap<String, Secret>,
    /// A JSON file like `channelKeys`; default `channel-rainbow.json` beside the configuration file, if it exists.
    pub channel_keys_path: Option<PathBuf>,
    /// Channels whose key follows from their name.
    pub hash_channels: Vec<String>,
    /// Regions that may report; empty: all.
    #[serde(rename = "observerIATAWhitelist")]
    pub observer_iata_whitelist: Vec<String>,
    /// Observers that may not.
    pub observer_blacklist: Vec<String>,
    /// The area of the mesh.
    #[serde(rename = "geo_filter")]
    pub geo_filter: Option<GeoFilter>,
    /// What becomes of adverts from outside that area.
    pub foreign_adverts: ForeignAdverts,
    /// Regions whose key follows from their name.
    pub hash_regions: Vec<String>,
    /// What moving clients hear.
    pub client_rx_coverage: ClientRxCoverage,
    /// What companion bridges publish.
    pub companion: Companion,
    /// Refuse adverts with a wrong signature.
    pub validate_signatures: bool,
    /// Messages that wait while the database is busy; below 1 means 250000.
    pub ingest_buffer_size: i64,
    /// Memory.
    pub runtime: Runtime,
    /// Sampling of observer readings.
    pub metrics: Metrics,
    /// After how many days what goes.
    pub retention: RetentionKeys,
    /// Care of the file.
    pub db: Database,
    /// Edges between neighbors.
    pub neighbor_graph: NeighborGraph,
    /// Old name of `neighborGraph.maxAgeDays`; counts when that one is absent.
    pub neighbor_edges_max_age_days: Option<Days>,
}

/// `runtime`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Runtime {
    /// Megabytes the program should get by with; below 1: not said.
    #[serde(rename = "maxMemoryMB")]
    pub max_memory_mb: i64,
}

/// `metrics`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Metrics {
    /// Seconds between two stored samples of an observer.
    pub sample_interval_sec: Seconds,
}

/// What the command line and the environment say, each stronger than the file.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct IngestArgs {
    /// Configuration file [default: config.json, else data/config.json, else none]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Database file [default: data/meshcore.db] [env: `DB_PATH`]
    #[arg(long, value_name = "FILE")]
    pub db: Option<PathBuf>,

    /// Listen to this broker only, whatever the file says [env: `MQTT_BROKER`]
    #[arg(long, value_name = "URL")]
    pub mqtt_broker: Option<String>,

    /// Topic at that broker [env: `MQTT_TOPIC`]
    #[arg(long, value_name = "FILTER")]
    pub mqtt_topic: Option<String>,

    /// File of channel keys [env: `CHANNEL_KEYS_PATH`]
    #[arg(long, value_name = "FILE")]
    pub channel_keys: Option<PathBuf>,

    /// Name in the log whatever holds the database for longer than this [default: 500]
    #[arg(long, value_name = "MS")]
    pub db_slow_writer_ms: Option<String>,

    /// Set any key of the configuration, such as retention.packetDays=30; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,

    /// The variables of the process.
    #[arg(skip = Environment::current())]
    pub environment: Environment,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            db_path: None,
            mqtt_sources: Vec::new(),
            mqtt: LegacyMqtt::default(),
            broker: EmbeddedBroker::default(),
            channel_keys: BTreeMap::new(),
            channel_keys_path: None,
            hash_channels: Vec::new(),
            observer_iata_whitelist: Vec::new(),
            observer_blacklist: Vec::new(),
            geo_filter: None,
            foreign_adverts: ForeignAdverts::default(),
            hash_regions: Vec::new(),
            client_rx_coverage: ClientRxCoverage::default(),
            companion: Companion::default(),
            validate_signatures: true,
            ingest_buffer_size: Self::BUFFER,
            runtime: Runtime::default(),
            metrics: Metrics::default(),
            retention: RetentionKeys::default(),
            db: Database::default(),
            neighbor_graph: NeighborGraph::default(),
            neighbor_edges_max_age_days: None,
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self { sample_interval_sec: Seconds::new(300) }
    }
}

impl Config {
    /// The database when none is configured.
    const DB_PATH: &str = "data/meshcore.db";

    /// Messages that wait when nothing is configured.
    const BUFFER: i64 = 250_000;
    /// Bytes they may take when nothing is said of memory.
    const BUFFER_BYTES: usize = 64 * 1024 * 1024;

    /// Reads the file and lays `args` over it. Also gives what should be said about keys and variables nobody reads.
    ///
    /// # Errors
    /// [`ConfigError`], naming file, key and line.
    pub fn load(file: &ConfigFile, args: &IngestArgs) -> Result<(Self, Vec<String>), ConfigError> {
        let layers = Layers::new(file, args)?;
        Ok((Self::read(&layers)?, layers.warnings()))
    }

    /// The ingest part of `layers`.
    ///
    /// # Errors
    /// [`ConfigError`], naming file, key and line.
    pub fn read(layers: &Layers) -> Result<Self, ConfigError> {
        let mut config: Self = layers.read()?;
        let beside = layers.file().folder().join("channel-rainbow.json");
        config.channel_keys_path = config.channel_keys_path.or_else(|| beside.exists().then_some(beside));
        config.check().map_err(|error| layers.placed(error))?;
        Ok(config)
    }

    /// The database file.
    pub fn db_path(&self) -> PathBuf {
        self.db_path.clone().unwrap_or_else(|| Self::DB_PATH.into())
    }

    /// How much may wait in front of the decoder.
    pub fn buffer(&self) -> Limits {
        let messages = if self.ingest_buffer_size > 0 { self.ingest_buffer_size } else { Self::BUFFER };
        let told = usize::try_from(self.runtime.max_memory_mb).ok().filter(|megabytes| *megabytes > 0);
        let bytes = told.map_or(Self::BUFFER_BYTES, |megabytes| megabytes.saturating_mul(1024 * 1024) / 10);
        Limits { messages: usize::try_from(messages).unwrap_or(usize::MAX), bytes }
    }

    /// Whether brokers to listen to are configured.
    pub fn has_brokers(&self) -> bool {
        !self.mqtt_sources.is_empty() || !self.mqtt.broker.is_empty()
    }

    /// Whether `corescope` is to be a broker itself.
    pub fn wants_broker(&self) -> bool {
        self.broker.enabled.unwrap_or_else(|| !self.has_brokers())
    }

    /// The brokers to listen to: those of the list, else the old form, else one on this machine.
    ///
    /// # Errors
    /// [`ConfigError::Value`] for a URL that cannot be used.
    pub fn brokers(&self) -> Result<Vec<Broker>, ConfigError> {
        let sources = if !self.mqtt_sources.is_empty() {
            self.mqtt_sources.clone()
        } else if self.mqtt.broker.is_empty() {
            vec![Source {
                name: Some("local".into()),
                broker: "mqtt://localhost:1883".into(),
                ..Source::default()
            }]
        } else {
            let topics = [self.mqtt.topic.as_str(), Source::DEFAULT_TOPIC];
            vec![Source {
                name: Some("default".into()),
                broker: self.mqtt.broker.clone(),
                topics: topics.iter().filter(|topic| !topic.is_empty()).map(ToString::to_string).collect(),
                ..Source::default()
            }]
        };
        let mut brokers: Vec<Broker> = Vec::with_capacity(sources.len());
        for (index, source) in sources.iter().enumerate() {
            let mut broker = source.resolve(&format!("mqttSources[{index}]"))?;
            while brokers.iter().any(|other| other.name == broker.name) {
                broker.name.push_str(" (2)");
            }
            brokers.push(broker);
        }
        connect::check_client_ids(&brokers)?;
        Ok(brokers)
    }

    fn check(&mut self) -> Result<(), ConfigError> {
        for (index, source) in self.mqtt_sources.iter_mut().enumerate() {
            source.read_password(&format!("mqttSources[{index}]"))?;
        }
        keeping::check(self)?;
        self.brokers().map(drop)
    }
}

#[cfg(test)]
mod tests;
