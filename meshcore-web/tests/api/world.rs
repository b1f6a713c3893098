//! A small mesh in a database of its own, and the app in front of it. Nothing here depends on the day of the test.

use std::path::PathBuf;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::web::{Bytes, Data};
use meshcore_ingest::accounting::Accounting;
use meshcore_ingest::config::Config as IngestConfig;
use meshcore_ingest::figures::{Snapshot, SourceFigures};
use meshcore_ingest::intake::{Inbound, Intake, Verdict};
use meshcore_store::db::{Job, ReadPool, Writer, WriterOptions};
use meshcore_store::{UnixMillis, Visibility};
use meshcore_web::{App, Build, Config, IngestFigures, routes};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The time at which all questions are asked: 2026-05-01T12:10:00Z, ten minutes after the recording began.
pub(crate) const NOW: UnixMillis = UnixMillis::from_seconds(1_777_637_400);

/// Invented nodes, real encoding.
const RECORDING: &str = include_str!("../../../meshcore-ingest/assets/demo.jsonl");

/// Lines of the recording that are played: some of every packet type in it.
const LINES: usize = 90;

/// A database and what ingest counted while it was filled.
pub(crate) struct World {
    folder: TempDir,
    accounting: Arc<Accounting>,
    intake: Intake,
    visibility: Visibility,
}

/// An answer of the app.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl World {
    /// Tables, and nothing in them.
    pub(crate) fn empty() -> Self {
        let folder = TempDir::with_prefix("corescope-api-").unwrap();
        let intake = Intake::new(&IngestConfig::default(), []);
        let world = Self { folder, accounting: Arc::default(), intake, visibility: Visibility::default() };
        world.accounting.add("demo");
        world.write([]);
        world
    }

    /// The beginning of the demonstration, each message arriving when it was recorded.
    pub(crate) fn recorded() -> Self {
        let world = Self::empty();
        world.write(world.recording());
        world
    }

    /// What the intake makes of the recording.
    pub(crate) fn recording(&self) -> Vec<Job> {
        RECORDING.lines().take(LINES).map(|line| self.digest(&inbound(line))).collect()
    }

    /// What the intake makes of a good message.
    pub(crate) fn digest(&self, inbound: &Inbound) -> Job {
        self.accounting.received(inbound.source, inbound.received_at);
        match self.intake.digest(inbound) {
            Verdict::Write(job) => job,
            refused => panic!("a sound message, but {refused:?}: {inbound:?}"),
        }
    }

    /// The same, where these nodes and observers are not shown.
    pub(crate) fn hiding(self, visibility: Visibility) -> Self {
        Self { visibility, ..self }
    }

    /// Stores these in this order, in the file when it returns.
    pub(crate) fn write(&self, jobs: impl IntoIterator<Item = Job>) {
        let accounting = Arc::clone(&self.accounting);
        let writer = Writer::open(&self.database(), WriterOptions::default(), move |commit| {
            accounting.committed(commit, NOW);
        });
        let writer = writer.unwrap();
        for job in jobs {
            writer.submit(job).unwrap();
        }
    }

    /// The file.
    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("mesh.db")
    }

    /// The app on this database, at [`NOW`].
    pub(crate) fn app(&self, config: Config) -> Data<App> {
        let visibility = Arc::new(self.visibility.clone());
        let readers = Arc::new(ReadPool::open(&self.database()).unwrap().hiding(visibility));
        let accounting = Arc::clone(&self.accounting);
        let ingest: IngestFigures = Arc::new(move |now| Some(figures(&accounting, now)));
        let app = App::new(readers, config, ingest, Arc::new(|| NOW), Build::current());
        Data::new(app.beside(Arc::clone(self.intake.memory())))
    }

    /// Asks an app with this configuration.
    pub(crate) async fn ask(&self, config: Config, request: TestRequest) -> Answer {
        let app = self.app(config);
        let service = init_service(actix_web::App::new().configure(|config| routes(config, app))).await;
        let response = call_service(&service, request.to_request()).await;
        Answer {
            status: response.status(),
            headers: response.headers().clone(),
            body: read_body(response).await,
        }
    }

    /// GET, without configuration.
    pub(crate) async fn get(&self, uri: &str) -> Answer {
        self.ask(Config::default(), TestRequest::get().uri(uri)).await
    }

    /// GET of what must be there, as JSON.
    pub(crate) async fn json(&self, uri: &str) -> Value {
        let answer = self.get(uri).await;
        assert_eq!(answer.status, StatusCode::OK, "{uri}: {}", answer.text());
        answer.json()
    }
}

impl Answer {
    /// The body, which must be JSON and say so.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.headers.get("content-type").unwrap(), "application/json", "{}", self.text());
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The body as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// A configuration from its keys.
pub(crate) fn config(keys: Value) -> Config {
    serde_json::from_value(keys).unwrap()
}

/// A line of the recording as the broker would have sent it.
fn inbound(line: &str) -> Inbound {
    let line: Value = serde_json::from_str(line).unwrap();
    let text = |key: &str| line[key].as_str().unwrap_or_default();
    let (topic, payload) = if line["topic"].is_string() {
        (text("topic").to_owned(), line["payload"].clone())
    } else {
        let payload = json!({"raw": line["raw"], "SNR": line["snr"], "RSSI": line["rssi"],
                             "origin": line["observer_name"], "direction": "rx"});
        (format!("meshcore/{}/{}/packets", text("iata"), text("observer_id")), payload)
    };
    Inbound {
        source: 0,
        topic,
        payload: payload.to_string().into(),
        retained: false,
        received_at: text("timestamp").parse().unwrap(),
    }
}

/// What ingest would tell if it ran.
fn figures(accounting: &Accounting, now: UnixMillis) -> Snapshot {
    let sources = accounting.report(now);
    Snapshot {
        sampled_at: now.to_rfc3339_millis(),
        source_liveness: sources.iter().map(|source| (source.name.clone(), source.into())).collect(),
        source_statuses: sources.into_iter().map(SourceFigures::from).collect(),
        ..Snapshot::default()
    }
}
