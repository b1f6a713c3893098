//! The read side: connections that cannot write.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rusqlite::{Connection, Transaction};

use super::nodes::{self, NodeCounts, NodeFilter, NodePage};
use super::observers::{self, ObserverRow};
use super::query::{self, PacketFilter, PacketId, PacketPage, PacketRow};
use super::stats::{self, Totals};
use super::{Capabilities, PacketWalk, StoreError, hidden, neighbors, open, schema};
use crate::graph::NeighborGraph;
use crate::resolve::HopIndex;
use crate::{UnixMillis, Visibility};

/// A read-only connection, one question at a time.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
}

impl Reader {
    /// Opens `path`, which must exist and be complete.
    ///
    /// # Errors
    /// [`StoreError::Open`] or [`StoreError::NotReady`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = open::for_reading(path)?;
        schema::assert_ready(&connection, path)?;
        Ok(Self { connection })
    }

    /// The same, which from now on leaves out who is not shown: their rows, packets they sent, their key as a hop.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn hiding(self, visibility: &Arc<Visibility>) -> Result<Self, StoreError> {
        hidden::prepare(&self.connection, visibility)?;
        Ok(self)
    }

    /// One page of packets.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn packets(&self, filter: &PacketFilter) -> Result<PacketPage, StoreError> {
        Ok(query::page(&*self.at_one_moment()?, filter)?)
    }

    /// One packet with its observations; `None` when it is not stored.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn packet(&self, id: PacketId) -> Result<Option<PacketRow>, StoreError> {
        Ok(query::packet(&*self.at_one_moment()?, id)?)
    }

    /// All packets of a payload type with their observations, oldest first, page after page.
    pub fn walk(&self, payload_type: u8) -> PacketWalk<'_> {
        PacketWalk::new(&self.connection, payload_type)
    }

    /// One page of nodes.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn nodes(&self, filter: &NodeFilter) -> Result<NodePage, StoreError> {
        Ok(nodes::list(&*self.at_one_moment()?, filter)?)
    }

    /// All nodes by role.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn node_counts(&self) -> Result<NodeCounts, StoreError> {
        Ok(nodes::counts(&self.connection, None)?)
    }

    /// Active observers, the one heard last first.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn observers(&self, now: UnixMillis) -> Result<Vec<ObserverRow>, StoreError> {
        Ok(observers::list(&self.connection, now)?)
    }

    /// How much is stored.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn totals(&self, now: UnixMillis) -> Result<Totals, StoreError> {
        Ok(stats::totals(&*self.at_one_moment()?, now)?)
    }

    /// The neighbor graph in the file, without edges not seen for `max_age_days`. Reads all of it: to be kept.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn neighbor_graph(&self, now: UnixMillis, max_age_days: u32) -> Result<NeighborGraph, StoreError> {
        Ok(neighbors::load_graph(&self.connection, now, max_age_days)?)
    }

    /// Nodes and listeners in the file, for resolving hops. Reads all of them: to be kept.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn hop_index(&self) -> Result<HopIndex, StoreError> {
        Ok(neighbors::load_index(&*self.at_one_moment()?)?)
    }

    /// Who sends long hashes, as stored. Reads all nodes: to be kept.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn capabilities(&self, now: UnixMillis) -> Result<Capabilities, StoreError> {
        Ok(Capabilities::load(&self.connection, now)?)
    }

    /// All statements of one answer see the same state, however much is written meanwhile.
    fn at_one_moment(&self) -> rusqlite::Result<Transaction<'_>> {
        self.connection.unchecked_transaction()
    }
}

/// Readers for many threads: each borrows one and gives it back.
#[derive(Debug)]
pub struct ReadPool {
    path: PathBuf,
    visibility: Arc<Visibility>,
    idle: Mutex<Vec<Reader>>,
}

impl ReadPool {
    /// Readers kept open while nobody uses them.
    const MAX_IDLE: usize = 4;

    /// Opens the first reader, so that a file that cannot be used is found at start.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let idle = Mutex::new(vec![Reader::open(path)?]);
        Ok(Self { path: path.to_owned(), visibility: Arc::default(), idle })
    }

    /// The same, whose readers leave out who is not shown.
    #[must_use]
    pub fn hiding(self, visibility: Arc<Visibility>) -> Self {
        Self { visibility, idle: Mutex::default(), ..self }
    }

    /// A reader of one's own until it is dropped; opens another when all are in use.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn get(&self) -> Result<Lease<'_>, StoreError> {
        let idle = self.lock().pop();
        let reader = match idle {
            Some(reader) => reader,
            None => Reader::open(&self.path)?.hiding(&self.visibility)?,
        };
        Ok(Lease { reader: Some(reader), pool: self })
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Reader>> {
        // Nothing can panic while it is held, so a poisoned lock guards sound data.
        self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// A borrowed [`Reader`].
#[derive(Debug)]
pub struct Lease<'a> {
    reader: Option<Reader>,
    pool: &'a ReadPool,
}

impl Deref for Lease<'_> {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        self.reader.as_ref().expect("the reader is taken out only when the lease is dropped")
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if let Some(reader) = self.reader.take() {
            let mut idle = self.pool.lock();
            if idle.len() < ReadPool::MAX_IDLE {
                idle.push(reader);
            }
        }
    }
}
