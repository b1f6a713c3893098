//! The thread that turns commits into frames.
//!
//! It reads new rows by id, so it works beside the writer and in another process alike. In one process the writer says
//! what it committed, and when each message arrived; else the file is asked every 100 ms whether anything was
//! committed, which costs one page read.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use meshcore_store::db::{Commit, Follower, StoreError};
use meshcore_store::{UnixMillis, Visibility};

use super::frame::LiveFrame;
use super::hub::Hub;

/// How often the file is asked when nobody tells, and how soon the feed sees that it should end.
const POLL: Duration = Duration::from_millis(100);

/// Most observations per look.
const BATCH: u32 = 500;

/// New observations: row id and arrival.
type Arrivals = Vec<(i64, UnixMillis)>;

/// How the feed learns that there is something new.
#[derive(Debug)]
pub enum News {
    /// The writer of this process tells.
    Commits(Receiver<Arrivals>),
    /// The file is asked.
    Poll,
}

/// The writer's end of [`News::Commits`].
#[derive(Clone, Debug)]
pub struct Notices(Sender<Arrivals>);

impl Notices {
    /// Both ends.
    pub fn new() -> (Self, News) {
        let (sender, receiver) = channel();
        (Self(sender), News::Commits(receiver))
    }

    /// Tells about a commit.
    pub fn tell(&self, commit: &Commit) {
        if !commit.observations.is_empty() {
            // An error means that the feed has ended: the program is stopping.
            let _ = self.0.send(commit.observations.clone());
        }
    }
}

/// The running feed. Dropping it ends it.
#[derive(Debug)]
pub struct Feed {
    thread: Option<JoinHandle<()>>,
    closing: Arc<AtomicBool>,
}

impl Feed {
    /// Starts to follow `database` and to send to `hub` what is new and may be shown.
    ///
    /// # Errors
    /// [`StoreError`], when the database cannot be read.
    pub fn start(
        database: &Path,
        visibility: &Arc<Visibility>,
        hub: Hub,
        news: News,
    ) -> Result<Self, StoreError> {
        let closing = Arc::new(AtomicBool::new(false));
        let follower = Follower::open(database)?.hiding(visibility)?;
        let mut relay = Relay { follower, hub, closing: Arc::clone(&closing) };
        let thread = thread::Builder::new()
            .name("live-feed".into())
            .spawn(move || match news {
                News::Commits(commits) => relay.run_told(&commits),
                News::Poll => relay.run_asking(),
            })
            .map_err(StoreError::Thread)?;
        Ok(Self { thread: Some(thread), closing })
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the live feed ended with a panic");
        }
    }
}

/// What the feed thread owns.
struct Relay {
    follower: Follower,
    hub: Hub,
    closing: Arc<AtomicBool>,
}

impl Relay {
    fn run_told(&mut self, commits: &Receiver<Arrivals>) {
        while !self.closing.load(Ordering::Relaxed) {
            let first = match commits.recv_timeout(POLL) {
                Ok(first) => first,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return, // the writer has ended
            };
            let arrivals: HashMap<i64, UnixMillis> =
                first.into_iter().chain(commits.try_iter().flatten()).collect();
            // Rows whose notice is still under way are left for it: it knows their milliseconds.
            let newest = arrivals.keys().copied().max().unwrap_or_default();
            self.relay(newest, &arrivals);
        }
    }

    fn run_asking(&mut self) {
        while !self.closing.load(Ordering::Relaxed) {
            match self.follower.has_changed() {
                Ok(true) => self.relay(i64::MAX, &HashMap::new()),
                Ok(false) => {}
                Err(error) => tracing::error!(%error, "the live feed cannot ask the database"),
            }
            thread::sleep(POLL);
        }
    }

    /// Sends everything new up to row `newest`.
    fn relay(&mut self, newest: i64, arrivals: &HashMap<i64, UnixMillis>) {
        if let Err(error) = self.try_relay(newest, arrivals) {
            tracing::error!(%error, "the live feed cannot read the database");
        }
    }

    fn try_relay(&mut self, newest: i64, arrivals: &HashMap<i64, UnixMillis>) -> Result<(), StoreError> {
        if self.hub.listeners() == 0 {
            return self.follower.skip();
        }
        loop {
            let new = self.follower.next(newest, BATCH)?;
            let is_last = new.len() < BATCH as usize;
            for live in new {
                let observed_at = arrivals.get(&live.observation.id).copied();
                match serde_json::to_string(&LiveFrame::of(live, observed_at)) {
                    Ok(frame) => self.hub.send(frame.into()),
                    Err(error) => tracing::error!(%error, "a live frame cannot be written"),
                }
            }
            if is_last {
                return Ok(());
            }
        }
    }
}
