//! Putting the parts together: what both binaries start.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use meshcore_store::UnixMillis;
use meshcore_store::db::{Commit, WriterOptions};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::error;

use crate::accounting::Accounting;
use crate::config::{Broker, Config};
use crate::intake::Intake;
use crate::pipeline::{Clock, Pipeline};
use crate::{replay, source};

/// A small recording made for this project, so that a page has something to show without a broker.
const DEMO: &[u8] = include_bytes!("../assets/demo.jsonl");

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
    /// The recording inside the program.
    Demo {
        /// Times the recorded pace; 0 = without pauses.
        speed: f64,
    },
}

/// Ingest at work. Call [`stop`](Self::stop) to end it in order.
pub struct Ingest {
    pipeline: Pipeline,
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
        let names: Vec<String> = match feed {
            Feed::Brokers => brokers.iter().map(|broker| broker.name.clone()).collect(),
            Feed::Replay { .. } => vec!["replay".into()],
            Feed::Demo { .. } => vec!["demo".into()],
        };
        let recording = recording(feed)?;
        let pipeline = Pipeline::start(
            &config.db_path(),
            WriterOptions {
                sample_interval_s: config.metrics.sample_interval_sec,
                opened_at: system_clock()(),
                ..WriterOptions::default()
            },
            Intake::new(config, &brokers),
            Arc::new(Accounting::new(names)),
            config.buffer_size(),
            system_clock(),
            on_commit,
        )?;
        let (stop, stopped) = watch::channel(false);
        let mut ingest = Self { pipeline, sources: JoinSet::new(), stop };
        ingest.listen(brokers, &stopped);
        if let Some((recording, speed)) = recording {
            let inlet = ingest.pipeline.inlet();
            ingest.sources.spawn(async move {
                if let Err(error) = replay::run(recording, speed, 0, inlet, stopped).await {
                    error!(%error, "the recording cannot be read on");
                }
            });
        }
        Ok(ingest)
    }

    /// The figures.
    pub fn accounting(&self) -> Arc<Accounting> {
        Arc::clone(self.pipeline.accounting())
    }

    /// Says farewell to the brokers and stores what has arrived.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.sources.join_next().await.is_some() {}
        drop(self.pipeline);
    }

    fn listen(&mut self, brokers: Vec<Broker>, stopped: &watch::Receiver<bool>) {
        for (index, broker) in (0..).zip(brokers) {
            self.sources.spawn(source::run(broker, index, self.pipeline.inlet(), stopped.clone()));
        }
    }
}

type Recording = Box<dyn BufRead + Send>;

fn recording(feed: &Feed) -> anyhow::Result<Option<(Recording, f64)>> {
    Ok(match feed {
        Feed::Brokers => None,
        Feed::Replay { file, speed } => {
            let opened = File::open(file).with_context(|| format!("recording {}", file.display()))?;
            Some((Box::new(BufReader::new(opened)), *speed))
        }
        Feed::Demo { speed } => Some((Box::new(Cursor::new(DEMO)), *speed)),
    })
}
