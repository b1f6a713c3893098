//! Running steps: at a start, or beside live writes in slices.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};

use super::super::writer::{Component, WriterHandle};
use super::super::{Progress, StoreError, changes, open};
use super::report::{Applied, Reporter};
use super::steps::{FROM_PUBKEY, Note, Step, Walk, Work};
use super::{MigrationOptions, structure};
use crate::UnixMillis;

/// How long a slice should hold the writer, commit included.
const SLICE: Duration = Duration::from_millis(12);

/// Rows of the first slice, and fewest of any.
const FIRST_ROWS: u32 = 200;
const FEWEST_ROWS: u32 = 8;

/// A step that takes longer is named in the log.
const LONG: Duration = Duration::from_secs(1);

/// A pause ends within this time when the program stops.
const PAUSE_SLICE: Duration = Duration::from_millis(50);

/// Does what a start waits for and is not done yet.
pub(super) fn at_start(
    connection: &mut Connection,
    now: UnixMillis,
    reporter: &mut Reporter<'_>,
) -> Result<Vec<Applied>, StoreError> {
    let mut applied = Vec::new();
    for step in Step::at_start() {
        let Work::AtStart(work) = step.work else { continue };
        if !step.is_pending(connection)? {
            continue;
        }
        let begun = Instant::now();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let rows = work(&transaction, reporter)?;
        step.note_done(&transaction, now)?;
        changes::begin_epoch(&transaction)?;
        transaction.commit()?;
        reporter.report(Progress { step: step.name, done: rows, total: rows });
        applied.push(Applied { name: step.name, rows });
        log_long(step.name, rows, begun);
    }
    Ok(applied)
}

/// Whose connection the slices run on.
pub(super) enum Hand<'a> {
    /// Ours alone.
    Own(&'a mut Connection),
    /// The writer's, between its messages, and one to look with.
    Writer(&'a WriterHandle, Box<Connection>),
}

impl<'a> Hand<'a> {
    /// The hand of a running writer.
    pub(super) fn of(handle: &'a WriterHandle) -> Result<Self, StoreError> {
        let path = handle.run_alone(Component::Migration, |connection| {
            Ok(connection.path().map(str::to_owned).unwrap_or_default())
        })?;
        Ok(Self::Writer(handle, Box::new(open::for_reading(Path::new(&path))?)))
    }

    /// A connection to look with: nothing waits for it.
    fn eye(&self) -> &Connection {
        match self {
            Self::Own(connection) => connection,
            Self::Writer(_, reader) => reader,
        }
    }

    /// Does `work` in a transaction.
    fn run<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        match self {
            Self::Own(connection) => {
                let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
                let result = work(&transaction)?;
                changes::begin_epoch(&transaction)?;
                transaction.commit()?;
                Ok(result)
            }
            Self::Writer(handle, _) => handle.run(Component::Migration, work),
        }
    }

    /// Does `work`, which changes no row, in a transaction with its sorting on the disk.
    fn run_large<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let alone = move |connection: &mut Connection| {
            open::sort_on_disk(connection, true)?;
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let result = work(&transaction).and_then(|result| transaction.commit().map(|()| result));
            open::sort_on_disk(connection, false)?;
            Ok(result?)
        };
        match self {
            Self::Own(connection) => alone(connection),
            Self::Writer(handle, _) => handle.run_alone(Component::Migration, move |connection| {
                let result = alone(connection);
                open::equip(connection)?;
                result
            }),
        }
    }

    fn has_company(&self) -> bool {
        match self {
            Self::Own(_) => false,
            Self::Writer(handle, _) => handle.backlog() > 0,
        }
    }
}

/// The work beside live writes.
pub(super) struct Beside<'a, 'r> {
    pub(super) hand: Hand<'a>,
    pub(super) options: &'a MigrationOptions,
    pub(super) should_stop: &'a dyn Fn() -> bool,
    pub(super) reporter: &'a mut Reporter<'r>,
    pub(super) begun: Instant,
}

/// What a slice did.
struct Slice {
    is_last: bool,
    looked_at: u32,
    changed: u64,
    /// When it got the writer.
    begun: Instant,
}

impl Beside<'_, '_> {
    /// Does all that is not done yet, until it is told to stop: then `true`.
    pub(super) fn run(&mut self, applied: &mut Vec<Applied>) -> Result<bool, StoreError> {
        for index in structure::missing_indexes(self.hand.eye())? {
            if (self.should_stop)() {
                return Ok(true);
            }
            let begun = Instant::now();
            let rows = self.hand.run_large(|transaction| structure::add_index(transaction, &index.name))?;
            self.finished(&index.name, rows, begun, applied);
        }
        for step in Step::beside() {
            if !self.is_due(step)? {
                if step.name == FROM_PUBKEY {
                    self.options.figures.end_from_pubkey();
                }
                continue;
            }
            if (self.should_stop)() {
                return Ok(true);
            }
            let begun = Instant::now();
            match self.step(step) {
                Ok(Some(rows)) => self.finished(step.name, rows, begun, applied),
                Ok(None) => return Ok(true),
                Err(error) => {
                    if step.note == Note::Status {
                        let (text, now) = (error.to_string(), self.now());
                        // When not even this can be written, `pending_async` has the next start try again.
                        let noted =
                            self.hand.run(move |transaction| step.note_failed(transaction, &text, now));
                        if let Err(error) = noted {
                            tracing::warn!(step = step.name, %error, "the failure of a migration could not be noted");
                        }
                    }
                    return Err(error);
                }
            }
        }
        Ok(false)
    }

    fn is_due(&self, step: &Step) -> rusqlite::Result<bool> {
        if !step.is_pending(self.hand.eye())? {
            return Ok(false);
        }
        match step.work {
            // Without keys nothing can be filled, but where nothing is to be filled that is done.
            Work::Walk(Walk { needs_regions: true, .. }) if !self.options.regions_configured => {
                Ok((step.rows)(self.hand.eye())? == 0)
            }
            _ => Ok(true),
        }
    }

    /// Rows changed; `None` when it was told to stop.
    fn step(&mut self, step: &'static Step) -> Result<Option<u64>, StoreError> {
        let now = self.now();
        if step.note == Note::Status {
            self.hand.run(move |transaction| step.note_pending(transaction, now))?;
        }
        let total = (step.rows)(self.hand.eye())?;
        if step.name == FROM_PUBKEY {
            self.options.figures.begin_from_pubkey(total);
        }
        self.reporter.report(Progress { step: step.name, done: 0, total });
        let rows = match step.work {
            Work::Walk(walk) if total > 0 => self.walk(step, walk, total)?,
            Work::AtOnce(work) => Some(self.hand.run_large(move |transaction| {
                let rows = work(transaction)?;
                step.note_done(transaction, now)?;
                Ok(rows)
            })?),
            Work::Walk(_) | Work::AtStart(_) => {
                self.hand.run(move |transaction| step.note_done(transaction, now))?;
                Some(0)
            }
        };
        if step.name == FROM_PUBKEY && rows.is_some() {
            self.options.figures.end_from_pubkey();
        }
        Ok(rows)
    }

    /// Walks to the end of the table in slices that hold the writer for a moment each.
    fn walk(&mut self, step: &'static Step, walk: Walk, total: u64) -> Result<Option<u64>, StoreError> {
        let (mut rows, mut looked_at, mut changed) = (FIRST_ROWS.min(walk.most), 0_u64, 0);
        // What is written from now on needs nothing; running after it could take for ever.
        let newest = format!("SELECT COALESCE(MAX(rowid), 0) FROM {}", walk.table);
        let end: i64 = self.hand.eye().query_row(&newest, [], |row| row.get(0))?;
        loop {
            if (self.should_stop)() {
                return Ok(None);
            }
            let (limit, now) = (rows, self.now());
            let slice =
                self.hand.run(move |transaction| do_slice(transaction, step, walk, (end, limit), now))?;
            let took = slice.begun.elapsed();
            looked_at += u64::from(slice.looked_at);
            changed += slice.changed;
            self.options.figures.count(walk.counter, slice.changed);
            self.reporter.report(Progress { step: step.name, done: looked_at.min(total), total });
            if slice.is_last {
                return Ok(Some(changed));
            }
            rows = next_rows(slice.looked_at, took).min(walk.most);
            if self.hand.has_company() {
                self.pause(Duration::from_millis(walk.pause_ms));
            }
        }
    }

    fn pause(&self, pause: Duration) {
        let until = Instant::now() + pause;
        while !(self.should_stop)() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            thread::sleep(left.min(PAUSE_SLICE));
        }
    }

    fn finished(&mut self, name: &'static str, rows: u64, begun: Instant, applied: &mut Vec<Applied>) {
        self.reporter.report(Progress { step: name, done: rows, total: rows });
        applied.push(Applied { name, rows });
        log_long(name, rows, begun);
    }

    /// The time the caller gave, and what has passed since.
    fn now(&self) -> UnixMillis {
        let passed = i64::try_from(self.begun.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.options.now.plus_millis(passed)
    }
}

/// Does the next `limit` rows up to row `end`, and notes in the same transaction how far it is, or that it is through.
fn do_slice(
    transaction: &Transaction<'_>,
    step: &Step,
    walk: Walk,
    (end, limit): (i64, u32),
    now: UnixMillis,
) -> rusqlite::Result<Slice> {
    let begun = Instant::now();
    let key = step.state_key();
    let done: i64 = transaction
        .prepare_cached("SELECT CAST(value AS INTEGER) FROM _state WHERE key = ?1")?
        .query_row([&key], |row| row.get(0))
        .optional()?
        .unwrap_or(0);
    let (looked_at, last): (u32, Option<i64>) = transaction
        .prepare_cached(&format!(
            "SELECT COUNT(*), MAX(row)
               FROM (SELECT rowid AS row FROM {} WHERE rowid > ?1 AND rowid <= ?2 ORDER BY rowid LIMIT ?3)",
            walk.table
        ))?
        .query_row((done, end, limit), |row| Ok((row.get(0)?, row.get(1)?)))?;
    let changed = match last {
        Some(last) => (walk.slice)(transaction, done + 1, last)?,
        None => 0,
    };
    let is_last = looked_at < limit;
    if is_last {
        step.note_done(transaction, now)?;
    } else if let Some(last) = last {
        transaction
            .prepare_cached("INSERT OR REPLACE INTO _state (key, value) VALUES (?1, ?2)")?
            .execute((&key, last.to_string()))?;
    }
    Ok(Slice { is_last, looked_at, changed, begun })
}

/// Rows that take about as long as a slice may, as far as the last one can tell.
fn next_rows(rows: u32, took: Duration) -> u32 {
    let fits = u128::from(rows) * SLICE.as_micros() / took.as_micros().max(1);
    let fits = u32::try_from(fits).unwrap_or(u32::MAX);
    fits.clamp(rows / 4, rows.saturating_mul(2)).max(FEWEST_ROWS)
}

fn log_long(step: &'static str, rows: u64, begun: Instant) {
    let took = begun.elapsed();
    if took > LONG {
        tracing::info!(step, rows, duration_ms = took.as_millis(), "the database was upgraded by {step}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case(200, 12_000, 200)]
    #[case(200, 24_000, 100)]
    #[case(200, 10, 400)] // at most twice as many
    #[case(200, 2_000_000, 50)] // at least a quarter
    #[case(10, 2_000_000, FEWEST_ROWS)]
    fn slices_take_as_long_as_they_may(#[case] rows: u32, #[case] micros: u64, #[case] next: u32) {
        assert_eq!(next_rows(rows, Duration::from_micros(micros)), next);
    }
}
