//! A view that keeps step with its database, on a thread of its own.
//!
//! At the start it takes what the snapshot file holds and what was committed since; without a usable file it reads the
//! database, the newest hours first. Readers are served from the first hour on. Then it follows: whoever commits in this
//! process wakes it, and commits of other processes are seen within 100 ms.

mod fill;
mod follow;
mod work;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Sender, bounded};
use meshcore_proto::KeyRing;

use super::StoreError;
use super::history::History;
use crate::view::View;
use crate::{UnixMillis, Visibility};
use work::{Kept, Work};

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> UnixMillis + Send + Sync>;

/// Which database to keep a view of, and how much of it.
#[derive(Clone)]
pub struct LiveViewOptions {
    /// The database.
    pub database: PathBuf,
    /// The snapshot file; `None`: none is read or written.
    pub snapshot: Option<PathBuf>,
    /// Channel keys.
    pub keys: Arc<KeyRing>,
    /// Who is not shown.
    pub visibility: Arc<Visibility>,
    /// Bytes that the process may take; `None`: no limit.
    pub budget: Option<usize>,
    /// Hours of history that are kept in memory; `None`: all.
    pub keep_hours: Option<u32>,
    /// The time.
    pub clock: Clock,
}

impl LiveViewOptions {
    /// Everything of `database`, shown to everybody, with a snapshot file beside it.
    pub fn new(database: &Path, clock: Clock) -> Self {
        let mut snapshot = database.as_os_str().to_owned();
        snapshot.push(".view");
        Self {
            database: database.to_owned(),
            snapshot: Some(snapshot.into()),
            keys: Arc::default(),
            visibility: Arc::default(),
            budget: None,
            keep_hours: None,
            clock,
        }
    }

    const fn kept(&self) -> Kept {
        Kept { budget: self.budget, hours: self.keep_hours }
    }
}

/// A view that keeps step with its database. Dropping it saves the snapshot file and ends it.
#[derive(Debug)]
pub struct LiveView {
    view: Arc<View>,
    history: Arc<History>,
    wake: Sender<()>,
    closing: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl LiveView {
    /// Starts to load. The view fills while readers use it; [`Coverage`](crate::view::Coverage) says how far it is.
    ///
    /// # Errors
    /// [`StoreError`], when the database cannot be read.
    pub fn start(options: LiveViewOptions) -> Result<Self, StoreError> {
        let (wake, woken) = bounded(1);
        let closing = Arc::new(AtomicBool::new(false));
        let mut work = Work::start(options, Arc::clone(&closing))?;
        let view = Arc::clone(work.keeper.view());
        let history = Arc::new(work.history());
        let thread = thread::Builder::new()
            .name("view".into())
            .spawn(move || work.run(&woken))
            .map_err(StoreError::Thread)?;
        Ok(Self { view, history, wake, closing, thread: Some(thread) })
    }

    /// What readers share.
    pub const fn view(&self) -> &Arc<View> {
        &self.view
    }

    /// Packets wherever they are.
    pub const fn history(&self) -> &Arc<History> {
        &self.history
    }

    /// Says that something was committed in this process.
    pub fn wake(&self) {
        // It is already awake when the channel is full.
        let _ = self.wake.try_send(());
    }

    /// The same for those who outlive a borrow.
    pub fn waker(&self) -> Sender<()> {
        self.wake.clone()
    }
}

impl Drop for LiveView {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Relaxed);
        self.wake();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the view ended with a panic");
        }
    }
}
