//! What ingest reads from `config.json`, the environment and the command line.
//!
//! Precedence: command line, environment, file, default. `{}` is a valid file; keys beginning with `_` are comments.

mod file;
mod keeping;
mod policy;
mod source;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

pub use file::{ConfigError, ConfigFile, Texts, read_by_neither};
pub use keeping::{Database, NeighborGraph, RetentionKeys};
pub use policy::{ClientRxCoverage, Companion, ForeignAdverts, ForeignMode, GeoFilter};
pub use source::{Broker, Source};

/// The ingest part of `config.json`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Config {
    /// The database file; relative to the working directory.
    pub db_path: Option<PathBuf>,
    /// Brokers to listen to.
    pub mqtt_sources: Vec<Source>,
    /// One broker in the old form; counts only when `mqttSources` is empty.
    pub mqtt: LegacyMqtt,
    /// Channel name to key: 32 or 64 hex digits.
    pub channel_keys: Texts,
    /// A JSON file like `channelKeys`; default `channel-rainbow.json` beside the configuration file, if it exists.
    pub channel_keys_path: Option<PathBuf>,
    /// Channels whose key follows from their name.
    pub hash_channels: Vec<String>,
    /// Regions that may report; empty: all.
    #[serde(rename = "observerIATAWhitelist")]
    pub observer_iata_whitelist: Vec<String>,
    /// Observers that may not, and are not shown.
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
    /// Keys of nodes that are not shown. They are stored all the same.
    pub node_blacklist: Vec<String>,
    /// Beginnings of names of nodes that are not shown.
    pub hidden_name_prefixes: Vec<String>,
    /// Refuse adverts with a wrong signature.
    pub validate_signatures: bool,
    /// Messages that wait while the database is busy; below 1 means the default.
    pub ingest_buffer_size: i64,
    /// Sampling of observer readings.
    pub metrics: Metrics,
    /// After how many days what goes.
    pub retention: RetentionKeys,
    /// Care of the file.
    pub db: Database,
    /// Edges between neighbors.
    pub neighbor_graph: NeighborGraph,
    /// Old name of `neighborGraph.maxAgeDays`; counts when that one is absent.
    pub neighbor_edges_max_age_days: Option<i64>,
    /// Whoever holds the writer for longer is named in the log; not in the file.
    #[serde(skip)]
    pub slow_writer: Option<Duration>,
}

/// `mqtt`: the form before there were several sources.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct LegacyMqtt {
    /// Broker URL.
    pub broker: String,
    /// A topic beside `meshcore/#`.
    pub topic: String,
}

/// `metrics`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Metrics {
    /// Seconds between two stored samples of an observer.
    pub sample_interval_sec: i64,
}

/// What the command line and the environment say, each stronger than the file.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct IngestArgs {
    /// Configuration file [default: config.json, else data/config.json, else none]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Database file [default: data/meshcore.db]
    #[arg(long, value_name = "FILE", env = "DB_PATH")]
    pub db: Option<PathBuf>,

    /// Listen to this broker only, whatever the file says
    #[arg(long, value_name = "URL", env = "MQTT_BROKER")]
    pub mqtt_broker: Option<String>,

    /// Topic at that broker
    #[arg(long, value_name = "FILTER", env = "MQTT_TOPIC")]
    pub mqtt_topic: Option<String>,

    /// File of channel keys
    #[arg(long, value_name = "FILE", env = "CHANNEL_KEYS_PATH")]
    pub channel_keys: Option<PathBuf>,

    /// Name in the log whatever holds the database for longer than this [default: 500]
    #[arg(long, value_name = "MS", env = "CORESCOPE_DB_SLOW_WRITER_MS")]
    pub db_slow_writer_ms: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            db_path: None,
            mqtt_sources: Vec::new(),
            mqtt: LegacyMqtt::default(),
            channel_keys: Texts::default(),
            channel_keys_path: None,
            hash_channels: Vec::new(),
            observer_iata_whitelist: Vec::new(),
            observer_blacklist: Vec::new(),
            geo_filter: None,
            foreign_adverts: ForeignAdverts::default(),
            hash_regions: Vec::new(),
            client_rx_coverage: ClientRxCoverage::default(),
            companion: Companion::default(),
            node_blacklist: Vec::new(),
            hidden_name_prefixes: vec!["🚫".into()],
            validate_signatures: true,
            ingest_buffer_size: 0,
            metrics: Metrics::default(),
            retention: RetentionKeys::default(),
            db: Database::default(),
            neighbor_graph: NeighborGraph::default(),
            neighbor_edges_max_age_days: None,
            slow_writer: None,
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self { sample_interval_sec: 300 }
    }
}

impl Config {
    /// Messages that wait when nothing is configured.
    const BUFFER: usize = 50_000;

    /// Reads the file and lays `args` over it. Also gives the keys nobody read here.
    ///
    /// # Errors
    /// [`ConfigError`], naming file, key and line.
    pub fn load(file: &ConfigFile, args: &IngestArgs) -> Result<(Self, BTreeSet<String>), ConfigError> {
        let (mut config, ignored): (Self, _) = file.read()?;
        let given = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        let path = |path: &Option<PathBuf>| path.clone().filter(|path| !path.as_os_str().is_empty());
        if let Some(db) = path(&args.db) {
            config.db_path = Some(db);
        }
        if let Some(broker) = given(&args.mqtt_broker) {
            let topics = given(&args.mqtt_topic).into_iter().collect();
            config.mqtt_sources =
                vec![Source { name: Some("env".into()), broker, topics, ..Source::default() }];
        }
        let beside = file.folder().join("channel-rainbow.json");
        config.channel_keys_path = path(&args.channel_keys)
            .or(config.channel_keys_path)
            .or_else(|| beside.exists().then_some(beside));
        config.slow_writer =
            given(&args.db_slow_writer_ms).map(|text| keeping::slow_writer(&text)).transpose()?;
        config.check()?;
        Ok((config, ignored))
    }

    /// The database file.
    pub fn db_path(&self) -> PathBuf {
        self.db_path.clone().unwrap_or_else(|| "data/meshcore.db".into())
    }

    /// Messages that may wait in front of the decoder.
    pub fn buffer_size(&self) -> usize {
        usize::try_from(self.ingest_buffer_size).ok().filter(|size| *size > 0).unwrap_or(Self::BUFFER)
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
        Ok(brokers)
    }

    fn check(&self) -> Result<(), ConfigError> {
        if self.metrics.sample_interval_sec < 1 {
            return Err(ConfigError::Value {
                key: "metrics.sampleIntervalSec".into(),
                reason: format!("{} is no interval; use 1 or more seconds", self.metrics.sample_interval_sec),
            });
        }
        keeping::check(self)?;
        self.brokers().map(drop)
    }
}

#[cfg(test)]
mod tests;
