//! The writing thread at work.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvError, Sender, select_biased};
use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use super::super::lock::WriterLock;
use super::super::nodes::{self, NodeAdvert, NodeSighting};
use super::super::observers::{ObserverEnd, Observers, Seen};
use super::super::packets::{PacketWrite, Stored, Transmissions, store_dropped};
use super::super::relays::Relays;
use super::super::resolved_paths::PathResolver;
use super::super::{open, vacuum};
use super::errand::{Errand, Shared};
use super::figures::{Component, add};
use super::{BATCH, Commit, Job, Outcome, Write, WriterOptions};
use crate::UnixMillis;
use crate::resolve::PathContext;
use crate::view::HopPath;

/// Longest time in which messages are added to a transaction.
const LINGER: Duration = Duration::from_millis(250);

/// While messages wait they have the writer this many times as long as an errand had it.
const REST: u32 = 4;

/// Pause before a batch is tried again.
const RETRY: Duration = Duration::from_millis(500);

/// What waits in front of the writer.
pub(super) enum Queued {
    /// A job, and since when it waits.
    Job(Job, Instant),
    /// Somebody wants to know when everything before is committed.
    Flush(Sender<()>),
}

/// What the writing thread does next.
enum Next {
    Message(Queued),
    Errand(Errand),
}

/// What the writing thread owns.
pub(super) struct Session {
    connection: Connection,
    memory: Memory,
    options: WriterOptions,
    path: PathBuf,
    shared: Arc<Shared>,
    /// The program ends while the file takes no writes: nothing is tried any more.
    has_given_up: bool,
    _lock: WriterLock,
}

/// What is remembered from message to message. Forgotten when a transaction is rolled back, or others wrote.
#[derive(Debug, Default)]
struct Memory {
    observers: Observers,
    transmissions: Transmissions,
    relays: Relays,
    /// Loaded from the file when it is needed.
    resolver: Option<PathResolver>,
}

impl Session {
    pub(super) fn new(
        connection: Connection,
        lock: WriterLock,
        path: &Path,
        options: WriterOptions,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            connection,
            memory: Memory::default(),
            options,
            path: path.to_owned(),
            shared,
            has_given_up: false,
            _lock: lock,
        }
    }

    /// Writes until nobody can submit any more.
    pub(super) fn run(
        &mut self,
        jobs: &Receiver<Queued>,
        errands: &Receiver<Errand>,
        mut on_commit: impl FnMut(&Commit),
    ) {
        let mut batch = Vec::with_capacity(BATCH);
        let mut rest_until = Instant::now();
        loop {
            match next(jobs, errands, rest_until) {
                Ok(Next::Message(Queued::Flush(done))) => drop(done),
                Ok(Next::Message(Queued::Job(first, at))) => {
                    batch.push(first);
                    let flushed = collect(jobs, &mut batch);
                    self.shared.backlog.store(jobs.len(), Ordering::Relaxed);
                    self.write_all(&batch, at.elapsed(), errands, &mut on_commit);
                    drop(flushed);
                    batch.clear();
                }
                Ok(Next::Errand(errand)) => rest_until = self.do_errand(errand),
                Err(RecvError) => break,
            }
        }
        if self.has_given_up {
            return; // whoever keeps messages from being written keeps the log from being folded
        }
        match vacuum::checkpoint(&self.connection, open::BUSY_TIMEOUT) {
            Ok(checkpoint) => tracing::info!(?checkpoint, "the write-ahead log is folded into the database"),
            Err(error) => {
                tracing::warn!(%error, "the write-ahead log could not be folded into the database; the next start will");
            }
        }
    }

    /// Does the errand, and says until when messages come first.
    fn do_errand(&mut self, errand: Errand) -> Instant {
        let (component, wait, begun) = (errand.component, errand.asked_at.elapsed(), Instant::now());
        errand.run(&mut self.connection);
        self.memory.forget_what_changed(component);
        let hold = begun.elapsed();
        self.note(component, wait, hold, 0);
        Instant::now() + REST * hold
    }

    /// Writes the batch, in one transaction unless that takes too long.
    fn write_all(
        &mut self,
        batch: &[Job],
        wait: Duration,
        errands: &Receiver<Errand>,
        on_commit: &mut impl FnMut(&Commit),
    ) {
        let mut rest = batch;
        while !rest.is_empty() {
            let begun = Instant::now();
            let commit = self.write(rest, errands);
            self.note(Component::Messages, wait, begun.elapsed(), commit.outcomes.len());
            self.count(&commit, rest);
            rest = rest.get(commit.outcomes.len()..).unwrap_or_default();
            on_commit(&commit);
        }
    }

    /// Writes the beginning of the batch, again and again until the file takes it or the program ends. Whoever has an
    /// errand meanwhile is told so instead of waiting.
    fn write(&mut self, batch: &[Job], errands: &Receiver<Errand>) -> Commit {
        if self.has_given_up {
            return given_up(batch);
        }
        loop {
            match self.try_write(batch) {
                Ok(commit) => {
                    add(&self.shared.figures.commits, 1);
                    add(&self.shared.figures.flushes, 1);
                    if self.shared.failing.swap(false, Ordering::Relaxed) {
                        tracing::info!(db.path = %self.path.display(), "the database takes writes again");
                    }
                    return commit;
                }
                Err(error) => {
                    self.memory = Memory::default(); // rows of the rolled back transaction are gone
                    if !self.shared.failing.swap(true, Ordering::Relaxed) {
                        tracing::error!(db.path = %self.path.display(), %error, "cannot write to the database; trying again until it works");
                    }
                    errands.try_iter().for_each(Errand::refuse);
                    if self.shared.closing.load(Ordering::Relaxed) {
                        tracing::error!(
                            messages = batch.len(),
                            "messages lost: the program ends while the database takes no writes"
                        );
                        self.has_given_up = true;
                        return given_up(batch);
                    }
                    thread::sleep(RETRY);
                }
            }
        }
    }

    fn try_write(&mut self, batch: &[Job]) -> rusqlite::Result<Commit> {
        match self.write_together(batch) {
            Err(error) if !is_about_the_file(&error) => {
                self.memory = Memory::default();
                self.write_one_by_one(batch)
            }
            result => result,
        }
    }

    /// One transaction, no savepoints: any error is the error of all.
    fn write_together(&mut self, batch: &[Job]) -> rusqlite::Result<Commit> {
        let (begun, now) = (Instant::now(), newest(batch));
        let mut commit = Commit { outcomes: Vec::with_capacity(batch.len()), ..Commit::default() };
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        self.memory.prepare(&transaction, &self.shared)?;
        for job in batch {
            if begun.elapsed() > LINGER {
                break; // what is left goes into the next one
            }
            commit.add(job, self.memory.apply(&transaction, &job.write, now, self.options)?);
        }
        self.memory.flush(&transaction, now)?;
        transaction.commit()?;
        Ok(commit)
    }

    /// One transaction in which each message has a savepoint: one that fails does not take the others along.
    fn write_one_by_one(&mut self, batch: &[Job]) -> rusqlite::Result<Commit> {
        let now = newest(batch);
        let mut commit = Commit { outcomes: Vec::with_capacity(batch.len()), ..Commit::default() };
        let mut transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for job in batch {
            let savepoint = transaction.savepoint()?;
            self.memory.prepare(&savepoint, &self.shared)?;
            let applied = self.memory.apply(&savepoint, &job.write, now, self.options);
            let outcome =
                match applied.and_then(|outcome| self.memory.flush(&savepoint, now).map(|()| outcome)) {
                    Ok(outcome) => {
                        savepoint.commit()?;
                        outcome
                    }
                    Err(error) if is_about_the_file(&error) => return Err(error),
                    Err(error) => {
                        drop(savepoint); // rolls back
                        self.memory = Memory::default();
                        tracing::error!(%error, "a message could not be stored");
                        Outcome::Failed
                    }
                };
            commit.add(job, outcome);
        }
        transaction.commit()?;
        Ok(commit)
    }

    /// Notes who had the writer for how long; `messages` is 0 for errands.
    fn note(&self, component: Component, wait: Duration, hold: Duration, messages: usize) {
        self.shared.figures.used(component, wait, hold);
        if hold > self.options.slow_after {
            let (component, duration_ms) = (component.name(), hold.as_millis());
            tracing::warn!(
                component,
                duration_ms,
                messages,
                "[db-slow-writer] the database was held for long"
            );
        }
    }

    fn count(&self, commit: &Commit, batch: &[Job]) {
        let figures = &self.shared.figures;
        for ((_, outcome), job) in commit.outcomes.iter().zip(batch) {
            match (outcome, &job.write) {
                (Outcome::Failed, _) => add(&figures.write_errors, 1),
                (Outcome::Packet(stored), Write::Packet(packet)) => {
                    add(if stored.new_transmission { &figures.tx_inserted } else { &figures.tx_dupes }, 1);
                    add(&figures.obs_inserted, 1);
                    add(&figures.node_upserts, u64::from(packet.advert.is_some()));
                }
                (_, Write::Status(_)) => add(&figures.observer_upserts, 1),
                (_, Write::Node(_)) => add(&figures.node_upserts, 1),
                (_, Write::Dropped(_)) => add(&figures.sig_drops, 1),
                _ => {}
            }
        }
    }
}

impl Memory {
    /// Before a transaction: what others found out meanwhile.
    fn prepare(&mut self, connection: &Connection, shared: &Shared) -> rusqlite::Result<()> {
        let resolver = match &mut self.resolver {
            Some(resolver) => resolver,
            none => none.insert(PathResolver::load(connection)?),
        };
        if let Some(neighbors) = &*shared.neighbors.load() {
            resolver.update(neighbors);
        }
        Ok(())
    }

    /// After an errand, which may have changed rows that are remembered.
    fn forget_what_changed(&mut self, by: Component) {
        use Component::{Messages, Migration, Neighbors, PruneObservers, Requests, Vacuum};
        if matches!(by, Messages | Neighbors) {
            return;
        }
        (self.observers, self.transmissions) = <_>::default();
        if matches!(by, Migration | PruneObservers | Requests | Vacuum) {
            self.resolver = None;
        }
    }

    /// Works out whose hops a new observation came by.
    fn resolve(
        &mut self,
        connection: &Connection,
        packet: &PacketWrite,
        observation: i64,
        observer: ObserverEnd,
    ) -> rusqlite::Result<()> {
        let Some(resolver) = &mut self.resolver else { return Ok(()) };
        let is_flood = matches!(packet.route_type, 0 | 1);
        let nodes = match HopPath::from_json(&packet.path_json) {
            Some(hops) => {
                let context = PathContext {
                    originator: packet.advert.as_ref().map(|advert| advert.public_key),
                    is_advert: packet.advert.is_some(),
                    observer: observer.key.filter(|_| is_flood),
                };
                resolver.resolve(connection, observation, &hops, context, packet.reception.received_at)?
            }
            None => Vec::new(),
        };
        self.relays.observe(packet, &nodes);
        Ok(())
    }

    fn apply(
        &mut self,
        connection: &Connection,
        write: &Write,
        now: UnixMillis,
        options: WriterOptions,
    ) -> rusqlite::Result<Outcome> {
        match write {
            Write::Packet(packet) => {
                let (stored, observer) =
                    self.transmissions.store(connection, &mut self.observers, packet, now)?;
                if let Some(advert) = &packet.advert {
                    self.note_role(advert);
                }
                if stored.new_observation {
                    self.resolve(connection, packet, stored.observation_id, observer)?;
                }
                Ok(Outcome::Packet(stored))
            }
            Write::Status(status) => {
                self.observers.store_status(connection, status, now, options.sample_interval_s)?;
                if let (Some(repeats), Some(resolver), Ok(key)) =
                    (status.can_relay, &mut self.resolver, status.id.as_str().parse())
                {
                    resolver.observer_repeats(key, repeats);
                }
                Ok(Outcome::Status)
            }
            Write::Seen(reception) => {
                self.observers.seen(connection, reception, Seen::Only)?;
                Ok(Outcome::Noted)
            }
            Write::Dropped(dropped) => {
                self.observers.seen(connection, &dropped.reception, Seen::Only)?;
                store_dropped(connection, dropped)?;
                Ok(Outcome::Noted)
            }
            Write::ClientReception(reception) => {
                reception.store(connection)?;
                Ok(Outcome::Noted)
            }
            Write::Node(sighting) => {
                let NodeSighting { reception, node } = &**sighting;
                self.observers.seen(connection, reception, Seen::Only)?;
                nodes::upsert(connection, node, reception.received_at, now, false)?;
                self.note_role(node);
                Ok(Outcome::Noted)
            }
        }
    }

    /// Whoever resolves hops has to know who relays.
    fn note_role(&mut self, node: &NodeAdvert) {
        if let (Some(role), Some(resolver)) = (&node.role, &mut self.resolver) {
            resolver.node_is(node.public_key, role);
        }
    }

    /// Writes what was put off to the end of the transaction.
    fn flush(&mut self, connection: &Connection, now: UnixMillis) -> rusqlite::Result<()> {
        self.observers.flush(connection, now)?;
        self.relays.flush(connection, now)?;
        self.transmissions.flush(connection)
    }
}

impl Commit {
    fn add(&mut self, job: &Job, outcome: Outcome) {
        if let Outcome::Packet(Stored { observation_id, new_observation: true, .. }) = outcome {
            self.observations.push((observation_id, job.write.at()));
        }
        self.outcomes.push((job.ticket, outcome));
    }
}

/// None of these is stored.
fn given_up(batch: &[Job]) -> Commit {
    let outcomes = batch.iter().map(|job| (job.ticket, Outcome::Failed)).collect();
    Commit { outcomes, observations: Vec::new() }
}

/// Adds what waits to the batch. Ends behind a flush, which is answered by dropping it.
fn collect(jobs: &Receiver<Queued>, batch: &mut Vec<Job>) -> Option<Sender<()>> {
    while batch.len() < BATCH {
        match jobs.try_recv() {
            Ok(Queued::Job(job, _)) => batch.push(job),
            Ok(Queued::Flush(done)) => return Some(done),
            Err(_) => break,
        }
    }
    None
}

/// Messages first; errands when none waits, or after messages had the writer for a while.
fn next(jobs: &Receiver<Queued>, errands: &Receiver<Errand>, rest_until: Instant) -> Result<Next, RecvError> {
    if Instant::now() >= rest_until
        && let Ok(errand) = errands.try_recv()
    {
        return Ok(Next::Errand(errand));
    }
    select_biased! {
        recv(jobs) -> job => job.map(Next::Message),
        recv(errands) -> errand => errand.map(Next::Errand),
    }
}

/// The newest arrival of a batch: no stored "last seen" may lie beyond it.
fn newest(batch: &[Job]) -> UnixMillis {
    batch.iter().map(|job| job.write.at()).max().unwrap_or_default()
}

/// Whether the failure concerns the file, so that every message would fail.
fn is_about_the_file(error: &rusqlite::Error) -> bool {
    use ErrorCode::{
        CannotOpen, DatabaseBusy, DatabaseCorrupt, DatabaseLocked, DiskFull, NotADatabase, OutOfMemory,
        PermissionDenied, ReadOnly, SystemIoFailure,
    };
    matches!(
        error.sqlite_error_code(),
        Some(
            CannotOpen
                | DatabaseBusy
                | DatabaseCorrupt
                | DatabaseLocked
                | DiskFull
                | NotADatabase
                | OutOfMemory
                | PermissionDenied
                | ReadOnly
                | SystemIoFailure
        )
    )
}
