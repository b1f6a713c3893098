//! What every request may use.

use std::sync::{Arc, Mutex, PoisonError};

use actix_web::web;
use meshcore_ingest::broker::Door;
use meshcore_ingest::figures::Snapshot;
use meshcore_ingest::intake::Memory;
use meshcore_ingest::pipeline::Clock;
use meshcore_store::UnixMillis;
use meshcore_store::db::{ReadPool, Reader, StoreError, Totals};

use crate::config::Config;
use crate::error::ApiError;
use crate::live::hub::Hub;

/// How long counted totals are good for: each count walks an index.
const TOTALS_MILLIS: i64 = 2_000;

/// Which program this is.
#[derive(Clone, Debug)]
pub struct Build {
    /// Version of the package.
    pub version: &'static str,
    /// Short commit, or `unknown` for a build outside a repository.
    pub commit: &'static str,
    /// When it was built, RFC 3339.
    pub built_at: String,
}

impl Build {
    /// This program.
    pub fn current() -> Self {
        let built_at = env!("CORESCOPE_BUILT_AT").parse().map(UnixMillis::from_seconds).unwrap_or_default();
        Self {
            version: env!("CARGO_PKG_VERSION"),
            commit: env!("CORESCOPE_COMMIT"),
            built_at: built_at.to_rfc3339_seconds(),
        }
    }
}

/// Tells what ingest does at a time; `None` when it does not run. May read a file.
pub type IngestFigures = Arc<dyn Fn(UnixMillis) -> Option<Snapshot> + Send + Sync>;

/// What every request may use. One per process, shared.
pub struct App {
    readers: Arc<ReadPool>,
    config: Config,
    hub: Hub,
    ingest: IngestFigures,
    /// Absent without an embedded broker, and when it takes no WebSockets.
    door: Option<Door>,
    /// Absent when ingest is another process.
    memory: Option<Arc<Memory>>,
    clock: Clock,
    build: Build,
    totals: Mutex<Option<(UnixMillis, Totals)>>,
}

impl App {
    /// Puts the parts together.
    pub fn new(
        readers: Arc<ReadPool>,
        config: Config,
        ingest: IngestFigures,
        clock: Clock,
        build: Build,
    ) -> Self {
        let (hub, totals) = (Hub::default(), Mutex::new(None));
        Self { readers, config, hub, ingest, door: None, memory: None, clock, build, totals }
    }

    /// Lets MQTT clients pass to the broker behind `door`.
    #[must_use]
    pub fn with_broker(self, door: Option<Door>) -> Self {
        Self { door, ..self }
    }

    /// The same, beside the intake that remembers this.
    #[must_use]
    pub fn beside(self, memory: Arc<Memory>) -> Self {
        Self { memory: Some(memory), ..self }
    }

    /// Asks the database on a thread that may wait.
    ///
    /// # Errors
    /// [`ApiError::Store`].
    pub async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let readers = Arc::clone(&self.readers);
        let answer = web::block(move || readers.get().and_then(|reader| question(&reader)));
        Ok(answer.await.map_err(|_| ApiError::Stopping)??)
    }

    /// How much is stored, at most two seconds ago.
    ///
    /// # Errors
    /// [`ApiError::Store`].
    pub async fn totals(&self) -> Result<Totals, ApiError> {
        let now = self.now();
        let known = *self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, totals)) = known
            && now.get() - at.get() < TOTALS_MILLIS
        {
            return Ok(totals);
        }
        let totals = self.read(move |reader| reader.totals(now)).await?;
        *self.totals.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, totals));
        Ok(totals)
    }

    /// The time.
    pub fn now(&self) -> UnixMillis {
        (self.clock)()
    }

    /// The server's configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Who listens to the live feed.
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// What ingest does, in this process or another; `None` when it does not run.
    pub async fn ingest(&self) -> Option<Snapshot> {
        let (ingest, now) = (Arc::clone(&self.ingest), self.now());
        web::block(move || ingest(now)).await.ok().flatten()
    }

    /// The way to the embedded broker, where there is one.
    pub fn door(&self) -> Option<&Door> {
        self.door.as_ref()
    }

    /// What intake remembers, when it runs in this process.
    pub fn memory(&self) -> Option<&Memory> {
        self.memory.as_deref()
    }

    /// Which program this is.
    pub fn build(&self) -> &Build {
        &self.build
    }
}
