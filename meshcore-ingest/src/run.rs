//! Putting the parts together: what both binaries start.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use meshcore_store::UnixMillis;
use meshcore_store::db::migrate::{self, BackfillFigures, MigrationOptions};
use meshcore_store::db::{
    self, Commit, NeighborKeeper, Progress, Schedule, StoreError, Task, Ticket, WriterHandle, WriterOptions,
};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{debug, error, info, warn};

use crate::accounting::Accounting;
use crate::caretaker::Caretaker;
use crate::config::{Broker, Config};
use crate::intake::{Intake, Memory};
use crate::pipeline::{Clock, Pipeline};
use crate::{demo, replay, source};

/// Where messages come from.
#[derive(Clone, Debug)]
pub enum Feed {
    /// The configured brokers.
    Brokers,
    /// A recording.
    Replay {
        /// The file.
        file: PathBuf,
        /// Times the recorded pace; 0 = without pauses.
        speed: f64,
    },
    /// A mesh made up, so that a page has something to show without a broker.
    Demo {
        /// Times the recorded pace; 0 = without pauses.
        speed: f64,
    },
}

/// Ingest at work. Call [`stop`](Self::stop) to end it in order.
pub struct Ingest {
    /// Before the pipeline, which it uses: whichever way this ends, it ends first.
    caretaker: Caretaker,
    pipeline: Pipeline,
    memory: Arc<Memory>,
    backfills: Arc<BackfillFigures>,
    sources: JoinSet<()>,
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
    /// `on_commit` is called after each transaction, on the writing thread.
    ///
    /// # Errors
    /// When the configuration, the recording or the database cannot be used.
    pub fn start(
        config: &Config,
        feed: &Feed,
        on_commit: impl FnMut(&Commit) + Send + 'static,
    ) -> anyhow::Result<Self> {
        let brokers = match feed {
            Feed::Brokers => config.brokers().context("configuration")?,
            Feed::Replay { .. } | Feed::Demo { .. } => Vec::new(),
        };
        let accounting = Arc::<Accounting>::default();
        let brokers: Vec<(Ticket, Broker)> =
            brokers.into_iter().map(|broker| (accounting.add(&broker.name), broker)).collect();
        let recording = recording(feed)?;
        for warning in config.warnings() {
            warn!("{warning}");
        }
        let (path, clock) = (config.db_path(), system_clock());
        let keeper = NeighborKeeper::new(&path, config.neighbors());
        let intake = Intake::new(config, brokers.iter().map(|(ticket, broker)| (*ticket, broker)));
        let memory = Arc::clone(intake.memory());
        let pipeline = Pipeline::start(
            &path,
            writer_options(config, clock()),
            intake,
            Arc::clone(&accounting),
            config.buffer_size(),
            Arc::clone(&clock),
            prepare(&path, config, &keeper, clock()),
            on_commit,
        )?;
        let backfills = Arc::<BackfillFigures>::default();
        let mut schedule = schedule(config, &path, &keeper, pipeline.writer(), clock());
        let regions_configured = !config.hash_regions.is_empty();
        finish_upgrade(&mut schedule, pipeline.writer(), regions_configured, &backfills);
        let caretaker = Caretaker::start(schedule, clock)?;
        let (stop, stopped) = watch::channel(false);
        let mut ingest = Self { caretaker, pipeline, memory, backfills, sources: JoinSet::new(), stop };
        ingest.listen(brokers, &stopped);
        let named = |name| ingest.pipeline.inlet(accounting.add(name));
        match *feed {
            Feed::Brokers => {}
            Feed::Demo { speed } => {
                let (messages, inlet) = (demo::messages(system_clock()(), speed), named("demo"));
                ingest
                    .sources
                    .spawn(async move { told(replay::play(messages, speed, inlet, stopped).await) });
            }
            Feed::Replay { speed, .. } => {
                if let Some(recording) = recording {
                    let inlet = named("replay");
                    ingest
                        .sources
                        .spawn(async move { told(replay::run(recording, speed, inlet, stopped).await) });
                }
            }
        }
        Ok(ingest)
    }

    /// The figures.
    pub fn accounting(&self) -> Arc<Accounting> {
        Arc::clone(self.pipeline.accounting())
    }

    /// What intake remembers.
    pub fn memory(&self) -> Arc<Memory> {
        Arc::clone(&self.memory)
    }

    /// How far the upgrade of an older file is.
    pub fn backfills(&self) -> Arc<BackfillFigures> {
        Arc::clone(&self.backfills)
    }

    /// Says farewell to the brokers and stores what has arrived.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.sources.join_next().await.is_some() {}
        drop(self.caretaker);
        drop(self.pipeline);
    }

    fn listen(&mut self, brokers: Vec<(Ticket, Broker)>, stopped: &watch::Receiver<bool>) {
        for (ticket, broker) in brokers {
            self.sources.spawn(source::run(broker, self.pipeline.inlet(ticket), stopped.clone()));
        }
    }
}

fn writer_options(config: &Config, now: UnixMillis) -> WriterOptions {
    let default = WriterOptions::default();
    WriterOptions {
        sample_interval_s: config.metrics.sample_interval_sec,
        slow_after: config.slow_writer.unwrap_or(default.slow_after),
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
