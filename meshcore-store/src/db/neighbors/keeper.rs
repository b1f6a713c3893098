//! The builder as the schedule needs it: opened when it is first asked, and again after an error.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::super::{StoreError, WriterHandle};
use super::{NeighborBuilder, NeighborOptions, Tick};
use crate::UnixMillis;

/// Keeps the neighbor graph of a file. Cheap to clone: all clones share one builder.
#[derive(Clone, Debug)]
pub struct NeighborKeeper {
    builder: Arc<Mutex<Option<NeighborBuilder>>>,
    path: PathBuf,
    options: NeighborOptions,
}

impl NeighborKeeper {
    /// For the database at `path`. Reads nothing yet.
    pub fn new(path: impl Into<PathBuf>, options: NeighborOptions) -> Self {
        Self { builder: Arc::default(), path: path.into(), options }
    }

    /// Turns new observations into edges, until there are none or `should_stop` says so.
    ///
    /// # Errors
    /// [`StoreError`]; what was committed stays, and the next time goes on from there.
    pub fn build(
        &self,
        writer: &WriterHandle,
        now: UnixMillis,
        should_stop: &dyn Fn() -> bool,
    ) -> Result<Tick, StoreError> {
        self.with(writer, now, |builder| builder.tick_while(now, || !should_stop()))
    }

    /// Forgets old edges.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    pub fn prune(&self, writer: &WriterHandle, now: UnixMillis) -> Result<(), StoreError> {
        self.with(writer, now, |builder| builder.prune(now)).map(drop)
    }

    /// Stores what is newly known of multi-byte capabilities.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    pub fn persist_capabilities(&self, writer: &WriterHandle, now: UnixMillis) -> Result<(), StoreError> {
        self.with(writer, now, |builder| builder.persist_capabilities(now)).map(drop)
    }

    fn with<T>(
        &self,
        writer: &WriterHandle,
        now: UnixMillis,
        work: impl FnOnce(&mut NeighborBuilder) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut builder = self.lock();
        let opened = match builder.take() {
            Some(opened) => opened,
            None => NeighborBuilder::open(&self.path, writer.clone(), self.options, now)?,
        };
        work(builder.insert(opened)).inspect_err(|_| *builder = None)
    }

    fn lock(&self) -> MutexGuard<'_, Option<NeighborBuilder>> {
        // A builder that panicked is not trusted: it is opened again.
        self.builder.lock().unwrap_or_else(|poisoned: PoisonError<_>| {
            let mut builder = poisoned.into_inner();
            *builder = None;
            builder
        })
    }
}
