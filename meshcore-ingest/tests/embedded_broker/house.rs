//! A broker with a pipeline behind it, and clients.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use meshcore_ingest::accounting::{Accounting, SourceReport};
use meshcore_ingest::broker::{BoundBroker, BrokerReport, RunningBroker};
use meshcore_ingest::config::{Config, ConfigFile, IngestArgs};
use meshcore_ingest::intake::Intake;
use meshcore_ingest::pipeline::{Pipeline, PipelineOptions};
use meshcore_ingest::system_clock;
use meshcore_proto::Identity;
use meshcore_store::db::WriterOptions;
use paho_mqtt::{
    AsyncClient, ConnectOptionsBuilder, CreateOptionsBuilder, Message, PersistenceType, QOS_1,
    SslOptionsBuilder,
};
use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{DEADLINE, eventually};

/// A broker, open on free ports of this machine.
pub(crate) struct House {
    pub(crate) folder: TempDir,
    pub(crate) address: SocketAddr,
    pub(crate) tls: Option<SocketAddr>,
    accounting: Arc<Accounting>,
    broker: RunningBroker,
    pipeline: Pipeline,
    release: mpsc::Sender<()>,
}

impl House {
    /// Opens one with these keys of `broker`.
    pub(crate) fn open(broker: Value) -> Self {
        let house = Self::held(broker, 50_000);
        house.release();
        house
    }

    /// The same, but nothing is stored before it is [released](Self::release), and `capacity` messages may wait.
    pub(crate) fn held(broker: Value, capacity: usize) -> Self {
        Self::in_folder(tempfile::tempdir().unwrap(), broker, capacity)
    }

    /// The same, in a folder that may hold certificates.
    pub(crate) fn in_folder(folder: TempDir, mut broker: Value, capacity: usize) -> Self {
        broker["port"] = json!(0);
        broker["bind"] = json!("127.0.0.1");
        let text = json!({"broker": broker, "ingestBufferSize": capacity}).to_string();
        let (config, ignored) =
            Config::load(&ConfigFile::from_text("config.json", text), &IngestArgs::default()).unwrap();
        assert!(ignored.is_empty(), "{ignored:?}");
        let accounting = Arc::<Accounting>::default();
        let (release, released) = mpsc::channel();
        let pipeline = Pipeline::start(
            &database(folder.path()),
            PipelineOptions {
                writer: WriterOptions::default(),
                limits: config.buffer(),
                clock: system_clock(),
            },
            Intake::new(&config, []),
            Arc::clone(&accounting),
            move |_| released.recv().unwrap_or_default(),
            |_| {},
        )
        .unwrap();
        let bound = BoundBroker::bind(config.broker.resolve().unwrap()).unwrap();
        let (address, tls) = (bound.address().unwrap(), bound.tls_address().unwrap());
        let broker = bound.start(pipeline.inlet(accounting.add("local")), system_clock()).unwrap();
        Self { folder, address, tls, accounting, broker, pipeline, release }
    }

    /// Lets the database work.
    pub(crate) fn release(&self) {
        self.release.send(()).unwrap();
    }

    /// What the broker counted.
    pub(crate) fn report(&self) -> BrokerReport {
        self.broker.report()
    }

    /// How often something was turned away for this reason.
    pub(crate) fn refused(&self, reason: &str) -> u64 {
        self.report().refused.into_iter().find(|(name, _)| *name == reason).map_or(0, |(_, count)| count)
    }

    /// What became of the messages.
    pub(crate) fn messages(&self) -> SourceReport {
        self.accounting.report(system_clock()()).remove(0)
    }

    /// Waits until this many messages have reached their bucket.
    #[track_caller]
    pub(crate) fn settled(&self, count: u64) -> SourceReport {
        eventually(&format!("{count} messages are accounted for"), || {
            let report = self.messages();
            (report.received >= count && report.accounted() == report.received).then_some(report)
        })
    }

    /// Ends it as the program does. What became of the messages, and where they are.
    pub(crate) fn stop(self) -> (SourceReport, TempDir) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(self.broker.stop());
        drop(self.pipeline);
        (self.accounting.report(system_clock()()).remove(0), self.folder)
    }

    /// A client for the plain port.
    pub(crate) fn client(&self, id: &str) -> Client {
        Client::new(&format!("tcp://{}", self.address), id)
    }

    /// A client for the encrypted port.
    pub(crate) fn tls_client(&self, id: &str, trusted: &Path) -> Client {
        let client = Client::new(&format!("ssl://{}", self.tls.unwrap()), id);
        Client { trusted: Some(trusted.to_owned()), ..client }
    }
}

/// The database file in `folder`.
pub(crate) fn database(folder: &Path) -> std::path::PathBuf {
    folder.join("mesh.db")
}

/// One number out of the database in `folder`.
pub(crate) fn count(folder: &Path, what: &str) -> i64 {
    let connection = Connection::open(database(folder)).unwrap();
    connection.query_row(&format!("SELECT COUNT(*) FROM {what}"), [], |row| row.get(0)).unwrap()
}

/// How a client connects.
pub(crate) struct Client {
    url: String,
    id: String,
    version: u32,
    login: Option<(String, String)>,
    will: Option<Message>,
    trusted: Option<std::path::PathBuf>,
}

impl Client {
    fn new(url: &str, id: &str) -> Self {
        Self { url: url.into(), id: id.into(), version: 4, login: None, will: None, trusted: None }
    }

    pub(crate) fn with_login(self, name: &str, password: &str) -> Self {
        Self { login: Some((name.into(), password.into())), ..self }
    }

    /// With MQTT 5 instead of 3.1.1.
    pub(crate) fn with_version_5(self) -> Self {
        Self { version: 5, ..self }
    }

    pub(crate) fn with_will(self, topic: &str, payload: &str) -> Self {
        Self { will: Some(Message::new_retained(topic, payload, QOS_1)), ..self }
    }

    #[track_caller]
    pub(crate) fn connect(self) -> &'static AsyncClient {
        self.try_connect().unwrap()
    }

    /// A client that lives as long as the tests: one that is dropped just after an answer may be destroyed by its own
    /// network thread, which then waits for itself.
    pub(crate) fn try_connect(self) -> paho_mqtt::Result<&'static AsyncClient> {
        let options = CreateOptionsBuilder::new()
            .server_uri(&self.url)
            .client_id(&self.id)
            .mqtt_version(self.version)
            .persistence(PersistenceType::None)
            .finalize();
        let client: &'static AsyncClient = Box::leak(Box::new(AsyncClient::new(options)?));
        let mut options = match self.version {
            5 => ConnectOptionsBuilder::new_v5(),
            _ => ConnectOptionsBuilder::new_v3(),
        };
        match self.version {
            5 => options.clean_start(true),
            _ => options.clean_session(true),
        };
        options.keep_alive_interval(Duration::from_secs(60));
        if let Some((name, password)) = &self.login {
            options.user_name(name).password(password.as_str());
        }
        if let Some(will) = self.will {
            options.will_message(will);
        }
        if let Some(trusted) = &self.trusted {
            let tls = SslOptionsBuilder::new()
                .trust_store(trusted)?
                .enable_server_cert_auth(true)
                .verify(true)
                .finalize();
            options.ssl_options(tls);
        }
        client.connect(options.finalize()).wait_for(DEADLINE)?;
        Ok(client)
    }
}

/// Publishes with QoS 1, and waits until each is confirmed.
#[track_caller]
pub(crate) fn publish<'a>(client: &AsyncClient, topic: &str, payloads: impl IntoIterator<Item = &'a String>) {
    for payload in payloads {
        client.publish(Message::new(topic, payload.as_str(), QOS_1)).wait_for(DEADLINE).unwrap();
    }
}

/// A packet of its own for each number.
pub(crate) fn packet(number: u32) -> String {
    json!({"raw": format!("3E00{number:08X}"), "SNR": "5", "direction": "rx"}).to_string()
}

/// An observer that signs tokens.
pub(crate) struct Observer {
    identity: Identity,
    pub(crate) key: String,
}

impl Observer {
    pub(crate) fn new(seed: u8) -> Self {
        let identity = Identity::from_seed(&[seed; 32]);
        let key = hex::encode_upper(identity.public_key().as_bytes());
        Self { identity, key }
    }

    pub(crate) fn username(&self) -> String {
        format!("v1_{}", self.key)
    }

    pub(crate) fn topic(&self, kind: &str) -> String {
        format!("meshcore/SJC/{}/{kind}", self.key)
    }

    /// A token of the next hour, with these claims laid over it.
    pub(crate) fn token(&self, claims: &[(&str, Value)]) -> String {
        let now = system_clock()().seconds();
        let mut all = BTreeMap::from([
            ("publicKey", json!(self.key)),
            ("iat", json!(now)),
            ("exp", json!(now + 3600)),
            ("client", json!("meshcoretomqtt/1.0")),
        ]);
        all.extend(claims.iter().cloned());
        let part = |json: Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let signed = format!("{}.{}", part(json!({"alg": "Ed25519", "typ": "JWT"})), part(json!(all)));
        format!("{signed}.{}", hex::encode_upper(self.identity.sign(signed.as_bytes())))
    }
}
