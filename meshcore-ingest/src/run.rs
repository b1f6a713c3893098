//! Putting the parts together: what both binaries start.

use std::fs::File;
use std::io::{self, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use meshcore_store::UnixMillis;
use meshcore_store::db::migrate::{self, BackfillFigures, MigrationOptions};
use meshcore_store::db::{
    self, Commit, NeighborKeeper, Progress, Schedule, StoreError, Task, WriterHandle, WriterOptions,
};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{debug, error, info, warn};

use crate::accounting::{Accounting, UNCOUNTED};
use crate::broker::{BoundBroker, Door, RunningBroker};
use crate::caretaker::Caretaker;
use crate::config::{Broker, Config, ConfigError};
use crate::figures::{Figures, Parts, StatsFile, Ticker};
use crate::intake::{Intake, Memory};
use crate::pipeline::{Clock, Pipeline, PipelineOptions};
use crate::sources::status::Session;
use crate::sources::watchdog::Timing;
use crate::sources::{Changes, Sources};
use crate::{demo, replay};

/// Where messages come from.
#[derive(Clone, Debug)]
pub enum Feed {
    /// The configured brokers, or else one on this machine.
    Brokers,
    /// The configured brokers, if any: there is an embedded one too.
    Configured,
    /// A recording.
    Replay {
        /// The file.
        file: PathBuf,
        /// Times the recorded pace; 0 = without pauses.
        speed: f64,
    },
    /// A mesh made up, so that a page has something to show. It publishes to an embedded broker.
    Demo {
        /// Where that broker is.
        broker: SocketAddr,
        /// Times the recorded pace; 0 = without pauses.
        speed: f64,
    },
}

/// When brokers are listened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Listens {
    /// Without any configured, to the usual one.
    Always,
    /// When some are.
    WhenConfigured,
    Never,
}

/// Ingest at work. Call [`stop`](Self::stop) to end it in order.
pub struct Ingest {
    /// Before the pipeline, which it uses: whichever way this ends, it ends first.
    caretaker: Caretaker,
    broker: Option<RunningBroker>,
    pipeline: Pipeline,
    accounting: Arc<Accounting>,
    memory: Arc<Memory>,
    figures: Arc<Figures>,
    ticker: Ticker,
    /// Whether the brokers of the configuration are listened to.
    listens: Listens,
    sources: Sources,
    /// What plays a recording.
    players: JoinSet<()>,
    stop: watch::Sender<bool>,
}

/// The time of the operating system. Only the binaries and [`Ingest`] ask for it.
pub fn system_clock() -> Clock {
    Arc::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixMillis::new(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    })
}

impl Ingest {
    /// Opens the database and starts listening. Must be called within a tokio runtime.
    ///
    /// The figures are written to `stats` every second, for other processes. `on_commit` is called after each transaction, on the writing thread.
    ///
    /// # Errors
    /// When the configuration, the recording or the database cannot be used.
    pub fn start(
        config: &Config,
        feed: &Feed,
        stats: Option<StatsFile>,
        on_commit: impl FnMut(&Commit) + Send + 'static,
    ) -> anyhow::Result<Self> {
        let listens = Listens::of(feed);
        let brokers = listens.brokers(config).context("configuration")?;
        let recording = recording(feed)?;
        for warning in config.warnings() {
            warn!("{warning}");
        }
        let (path, clock) = (config.db_path(), system_clock());
        let accounting = Arc::<Accounting>::default();
        let mut sources = Sources::new(Arc::clone(&accounting), Arc::clone(&clock), Timing::default());
        sources.plan(brokers);
        let keeper = NeighborKeeper::new(&path, config.neighbors());
        let intake = Intake::new(config, sources.brokers());
        let memory = Arc::clone(intake.memory());
        let pipeline = Pipeline::start(
            &path,
            PipelineOptions {
                writer: writer_options(config, clock()),
                limits: config.buffer(),
                clock: Arc::clone(&clock),
            },
            intake,
            Arc::clone(&accounting),
            prepare(&path, config, &keeper, clock()),
            on_commit,
        )?;
        let backfills = Arc::<BackfillFigures>::default();
        let mut schedule = schedule(config, &path, &keeper, pipeline.writer(), clock());
        let regions_configured = !config.hash_regions.is_empty();
        finish_upgrade(&mut schedule, pipeline.writer(), regions_configured, &backfills);
        let caretaker = Caretaker::start(schedule, Arc::clone(&clock))?;
        let (stop, stopped) = watch::channel(false);
        let parts = Parts {
            accounting: Arc::clone(&accounting),
            memory: Arc::clone(&memory),
            statuses: sources.statuses(),
            watch: sources.watch_figures(),
            inlet: pipeline.inlet(UNCOUNTED),
            writer: pipeline.writer().clone(),
            backfills,
            clock,
        };
        let figures = Arc::new(Figures::new(parts, lost_before(stats.as_ref())));
        let ticker = Ticker::start(Arc::clone(&figures), stats)?;
        let mut ingest = Self {
            caretaker,
            broker: None,
            pipeline,
            accounting: Arc::clone(&accounting),
            memory,
            figures,
            ticker,
            listens,
            sources,
            players: JoinSet::new(),
            stop,
        };
        ingest.listen();
        match *feed {
            Feed::Brokers | Feed::Configured => {}
            Feed::Demo { broker, speed } => {
                let now = system_clock()();
                ingest.players.spawn(async move {
                    if let Err(error) = demo::run(broker, now, speed, stopped).await {
                        info!(%error, "the demonstration is over");
                    }
                });
            }
            Feed::Replay { speed, .. } => {
                if let Some(recording) = recording {
                    let inlet = ingest.pipeline.inlet(accounting.add("replay"));
                    ingest
                        .players
                        .spawn(async move { told(replay::run(recording, speed, inlet, stopped).await) });
                }
            }
        }
        Ok(ingest)
    }

    /// Opens the embedded broker; what is published to it are the messages of source `local`.
    ///
    /// # Errors
    /// When the system gives it no thread.
    pub fn embed(&mut self, broker: BoundBroker) -> anyhow::Result<Door> {
        let mut name = "local".to_owned();
        while self.accounting.report(system_clock()()).iter().any(|source| source.name == name) {
            name.push_str(" (2)");
        }
        let ticket = self.accounting.add(name.as_str());
        let url = format!("mqtt://{}", broker.address()?);
        let broker = broker.start(self.pipeline.inlet(ticket), system_clock())?;
        let status = self.sources.statuses().add(ticket, name, url);
        status.connected(system_clock()(), Session::Clean);
        let door = broker.door();
        self.figures.tell_of(door.clone());
        self.broker = Some(broker);
        Ok(door)
    }

    /// The figures.
    pub fn figures(&self) -> Arc<Figures> {
        Arc::clone(&self.figures)
    }

    /// What intake remembers.
    pub fn memory(&self) -> Arc<Memory> {
        Arc::clone(&self.memory)
    }

    /// Judges messages by `config` from the next one on, and listens to its brokers. Sources that connect in the same way
    /// as before notice nothing.
    ///
    /// # Errors
    /// [`ConfigError::Value`] for a source that cannot be used; then nothing changes.
    pub fn reload(&mut self, config: &Config) -> Result<Changes, ConfigError> {
        let changes = self.sources.plan(self.listens.brokers(config)?);
        let intake = Intake::new(config, self.sources.brokers());
        self.pipeline.reload(intake.remembering(self.memory()));
        self.listen();
        Ok(changes)
    }

    /// Says farewell to the brokers, and to the clients of our own, and stores what has arrived.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        self.sources.stop().await;
        while self.players.join_next().await.is_some() {}
        if let Some(broker) = self.broker {
            broker.stop().await;
        }
        drop(self.caretaker);
        drop(self.pipeline);
        drop(self.ticker); // last, so that the last figures are those of the end
    }

    fn listen(&mut self) {
        self.sources.start(|source| self.pipeline.inlet(source));
    }
}

impl Listens {
    fn of(feed: &Feed) -> Self {
        match feed {
            Feed::Brokers => Self::Always,
            Feed::Configured => Self::WhenConfigured,
            Feed::Replay { .. } | Feed::Demo { .. } => Self::Never,
        }
    }

    fn brokers(self, config: &Config) -> Result<Vec<Broker>, ConfigError> {
        match self {
            Self::Always => config.brokers(),
            Self::WhenConfigured if config.has_brokers() => config.brokers(),
            Self::WhenConfigured | Self::Never => Ok(Vec::new()),
        }
    }
}

fn writer_options(config: &Config, now: UnixMillis) -> WriterOptions {
    let default = WriterOptions::default();
    WriterOptions {
        sample_interval_s: config.metrics.sample_interval_sec.get(),
        slow_after: config.slow_writer().unwrap_or(default.slow_after),
        opened_at: now,
    }
}

/// What is done when to keep the file in order.
fn schedule(
    config: &Config,
    path: &Path,
    keeper: &NeighborKeeper,
    writer: &WriterHandle,
    now: UnixMillis,
) -> Schedule {
    let unwanted = config.observer_blacklist.clone();
    let mut schedule =
        Schedule::of_database(now, path, writer, config.retention.days(), config.vacuum_pages(), unwanted);
    schedule.keep_neighbors(keeper, writer);
    if let Some(hours) = config.pack_after_hours() {
        schedule.pack_after(hours, writer);
    }
    schedule
}

/// Adds what an upgrade leaves for later.
fn finish_upgrade(
    schedule: &mut Schedule,
    writer: &WriterHandle,
    regions_configured: bool,
    figures: &Arc<BackfillFigures>,
) {
    let (writer, figures) = (writer.clone(), Arc::clone(figures));
    schedule.add(Task::Migration, move |now, should_stop| {
        let options = MigrationOptions { now, regions_configured, figures: Arc::clone(&figures) };
        let finished =
            migrate::finish(&writer, &options, should_stop, &mut |Progress { step, done, total }| {
                debug!(step, done, total, "upgrading the database");
            })?;
        for step in finished.applied {
            info!(step = step.name, rows = step.rows, "the database is upgraded");
        }
        Ok(())
    });
}

/// What is done before the first message is written. A failure is logged: collecting is worth more than a tidy file.
fn prepare(
    path: &Path,
    config: &Config,
    keeper: &NeighborKeeper,
    now: UnixMillis,
) -> impl FnOnce(&WriterHandle) + Send + 'static {
    let (path, keeper, should_vacuum) = (path.to_owned(), keeper.clone(), config.db.vacuum_on_startup);
    move |writer| {
        // So that the hops of the first messages are worked out with all that is known of neighbors.
        if let Err(error) = keeper.build(writer, now, &|| false) {
            error!(db.path = %path.display(), %error, "the neighbor graph was not built; it is tried again");
        }
        if let Err(error) = teach_to_return_pages(&path, writer, should_vacuum) {
            error!(db.path = %path.display(), %error, "the database was not vacuumed");
        }
    }
}

fn teach_to_return_pages(path: &Path, writer: &WriterHandle, should_vacuum: bool) -> Result<(), StoreError> {
    if db::knows_free_pages(path)? {
        return Ok(());
    }
    if !should_vacuum {
        warn!(
            db.path = %path.display(),
            "this database does not give free space back to the disk; db.vacuumOnStartup changes that once"
        );
        return Ok(());
    }
    info!(db.path = %path.display(), "vacuuming the database; messages wait meanwhile");
    let vacuumed = db::vacuum_fully(writer, path)?;
    info!(?vacuumed, "the database is vacuumed");
    Ok(())
}

/// Messages that the run before this one had received and not stored when it was killed, as far as its figures tell.
fn lost_before(stats: Option<&StatsFile>) -> u64 {
    let Some(last) = stats.and_then(StatsFile::read).filter(|last| !last.stopped) else { return 0 };
    let lost = last.source_statuses.iter().map(|source| source.in_flight).sum();
    if lost > 0 {
        warn!(messages = lost, "the last run was killed with messages on their way");
    }
    lost
}

/// The recording to be played, opened before anything is started.
fn recording(feed: &Feed) -> anyhow::Result<Option<BufReader<File>>> {
    let Feed::Replay { file, .. } = feed else { return Ok(None) };
    let opened = File::open(file).with_context(|| format!("recording {}", file.display()))?;
    Ok(Some(BufReader::new(opened)))
}

fn told(played: io::Result<()>) {
    if let Err(error) = played {
        error!(%error, "the recording cannot be read on");
    }
}
