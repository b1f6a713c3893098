//! What the thread of a view owns, and when it does what.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use serde::{Deserialize, Serialize};
use tracing::{info, warn};

use super::super::history::History;
use super::super::load::{Loader, Watermarks};
use super::super::tail::Tail;
use super::super::{StoreError, changes};
use super::LiveViewOptions;
use super::follow::SHOW_EVERY;
use crate::UnixMillis;
use crate::view::archive::{Archive, Identity};
use crate::view::budget::Budget;
use crate::view::{ENCODING, Keeper, Numbering, Restoring};

/// How soon commits of another process are seen.
const POLL: Duration = Duration::from_millis(100);
/// Time between two attempts to load.
const RETRY: Duration = Duration::from_secs(2);
/// Time between two saves of the snapshot file.
const SAVE_EVERY: Duration = Duration::from_secs(300);

/// What the thread owns.
pub(super) struct Work {
    pub(super) options: LiveViewOptions,
    pub(super) closing: Arc<AtomicBool>,
    pub(super) numbering: Arc<Numbering>,
    pub(super) loader: Loader,
    pub(super) tail: Tail,
    pub(super) keeper: Keeper,
    pub(super) budget: Budget,
    pub(super) archive: Option<Archive>,
    pub(super) restoring: Option<Restoring>,
    /// Packets that changed before they were loaded: they are read again at the end.
    pub(super) deferred: BTreeSet<i64>,
    pub(super) is_loading: bool,
    pub(super) people_at: Option<Instant>,
    pub(super) has_adverts: bool,
    pub(super) saved_at: Instant,
    pub(super) shown_at: Instant,
}

/// What the snapshot file says for us.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Note {
    pub(super) watermarks: Watermarks,
    /// How much of the history was to be kept.
    pub(super) kept: Kept,
}

/// How much of the history is to be kept: a file with a part of it is of use only if as much is wanted now.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) budget: Option<usize>,
    pub(super) hours: Option<u32>,
}

impl Work {
    pub(super) fn start(options: LiveViewOptions, closing: Arc<AtomicBool>) -> Result<Self, StoreError> {
        let identity = Identity { database: changes::identity(&options.database)?, encoding: ENCODING };
        let restoring = options.snapshot.as_deref().and_then(|path| open_snapshot(path, identity));
        let archive = options.snapshot.as_deref().map(|path| Archive::new(path, identity));
        let numbering = match &restoring {
            Some((restoring, _)) => Numbering::new(restoring.names().clone()),
            None => Numbering::default(),
        };
        let numbering = Arc::new(numbering);
        let loader = Loader::open(&options.database, &numbering, &options.keys)?;
        let newest = loader.watermarks()?;
        let restoring = restoring.filter(|(restoring, note)| {
            let is_known =
                note.watermarks.packet <= newest.packet && note.watermarks.observation <= newest.observation;
            if !is_known {
                warn!("the snapshot file knows more than the database: it is not used");
            }
            let is_enough = restoring.coverage().since.is_none() || note.kept == options.kept();
            if !is_enough {
                info!("the snapshot file holds another part of the history than is wanted: it is not used");
            }
            is_known && is_enough
        });
        let (restoring, watermarks) =
            restoring.map_or((None, newest), |(r, note)| (Some(r), note.watermarks));
        let tail = Tail::open(&options.database, &numbering, &options.keys, watermarks)?;
        Ok(Self {
            keeper: Keeper::new(Arc::clone(&numbering)),
            budget: Budget::new(options.budget),
            closing,
            numbering,
            loader,
            tail,
            archive,
            restoring,
            deferred: BTreeSet::new(),
            is_loading: true,
            people_at: None,
            has_adverts: false,
            saved_at: Instant::now(),
            shown_at: Instant::now().checked_sub(SHOW_EVERY).unwrap_or_else(Instant::now),
            options,
        })
    }

    pub(super) fn history(&self) -> History {
        let LiveViewOptions { database, keys, .. } = &self.options;
        History::new(
            Arc::clone(self.keeper.view()),
            database.clone(),
            Arc::clone(&self.numbering),
            Arc::clone(keys),
        )
    }

    pub(super) fn now(&self) -> UnixMillis {
        (self.options.clock)()
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    pub(super) fn run(&mut self, woken: &Receiver<()>) {
        let mut filled = self.fill();
        while let Err(error) = filled {
            if self.is_closing() {
                return;
            }
            tracing::error!(%error, "the view cannot be loaded; it is tried again");
            thread::sleep(RETRY);
            filled = self.reload();
        }
        while !self.is_closing() {
            // Woken or not: what other processes commit is seen by looking.
            if let Err(RecvTimeoutError::Disconnected) = woken.recv_timeout(POLL) {
                thread::sleep(POLL);
            }
            if let Err(error) = self.follow() {
                tracing::error!(%error, "the view cannot follow the database");
                thread::sleep(POLL);
            }
            if self.saved_at.elapsed() >= SAVE_EVERY {
                self.save();
            }
        }
        self.save();
    }

    pub(super) fn save(&mut self) {
        self.saved_at = Instant::now();
        let Some(archive) = &mut self.archive else { return };
        if self.is_loading {
            return; // what is loaded is not all that there is
        }
        let note = Note { watermarks: self.tail.watermarks(), kept: self.options.kept() };
        let note = postcard::to_allocvec(&note).unwrap_or_default();
        match self.keeper.save(archive, &note) {
            Ok(saved) => tracing::debug!(written = saved.written, size = saved.size, "snapshot file saved"),
            Err(error) => warn!(%error, "the snapshot file cannot be saved"),
        }
    }
}

/// Opens the snapshot file; one that is of no use is ignored.
fn open_snapshot(path: &Path, identity: Identity) -> Option<(Restoring, Note)> {
    let archive = match Archive::open(path, identity) {
        Ok(archive) => archive?,
        Err(error) => {
            warn!(%error, "the snapshot file is not used");
            return None;
        }
    };
    let restoring = Restoring::new(archive);
    let note = restoring.as_ref().and_then(|restoring| postcard::from_bytes(restoring.note()).ok());
    if note.is_none() {
        warn!("the snapshot file is not understood, and not used");
    }
    Some((restoring?, note?))
}
