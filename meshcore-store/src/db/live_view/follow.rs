//! What was committed since, applied and shown.

use std::time::{Duration, Instant};

use super::super::StoreError;
use super::super::tail::Batch;
use super::work::Work;
use crate::view::People;

/// Observations applied at once: readers see them together.
const BATCH: usize = 2_000;
/// Names and places of nodes are looked at again after an advert, but not more often than this.
const PEOPLE_AGAIN: Duration = Duration::from_secs(1);
/// The same without an advert: nodes may be put aside or deleted.
const PEOPLE_AT_LEAST: Duration = Duration::from_secs(30);
/// How often readers are shown what has been loaded so far.
pub(super) const SHOW_EVERY: Duration = Duration::from_millis(50);

impl Work {
    /// Applies what was committed since, and shows it.
    pub(super) fn follow(&mut self) -> Result<(), StoreError> {
        if self.tail.has_changed()? {
            self.catch_up()?;
        }
        let age = self.people_at.map_or(Duration::MAX, |at| at.elapsed());
        if age >= PEOPLE_AT_LEAST || (self.has_adverts && age >= PEOPLE_AGAIN) {
            self.refresh_people()?;
        }
        self.settle();
        Ok(())
    }

    pub(super) fn catch_up(&mut self) -> Result<(), StoreError> {
        loop {
            let batch = self.tail.next(BATCH)?;
            if batch.reload && !self.is_loading {
                return self.reload();
            }
            let is_last = batch.is_last;
            self.apply(batch)?;
            // While hours are taken in by the hundred, showing each would cost more than taking it in.
            if !self.is_loading || self.shown_at.elapsed() >= SHOW_EVERY {
                self.keeper.publish();
                self.shown_at = Instant::now();
            }
            if is_last {
                return Ok(());
            }
        }
    }

    pub(super) fn apply(&mut self, batch: Batch) -> Result<(), StoreError> {
        let now = self.now();
        for (id, packet) in batch.packets {
            let Some(packet) = packet else {
                self.keeper.remove(id, now);
                self.deferred.remove(&id);
                continue;
            };
            let is_covered = self.keeper.coverage().since.is_none_or(|since| packet.first_seen >= since);
            if self.is_loading && !is_covered {
                self.deferred.insert(id);
            }
            self.has_adverts |= packet.originator.is_some();
            for observation in packet.observations.iter().filter(|o| o.id > batch.after.observation) {
                self.keeper.note(id, observation.id);
            }
            self.keeper.put(packet, now);
        }
        for (id, observations) in batch.observations {
            observations.iter().for_each(|observation| self.keeper.note(id, observation.id));
            // A packet that is not in memory is read with all its observations when it is asked for, or when it is loaded.
            if self.keeper.observe(id, observations, now).is_err() && self.is_loading {
                self.deferred.insert(id);
            }
        }
        Ok(())
    }

    /// Seals, forgets what is too old or too much, and shows it.
    pub(super) fn settle(&mut self) {
        let now = self.now();
        if let Some(hours) = self.options.keep_hours {
            self.keeper.forget_before(now.plus_millis(-i64::from(hours) * 3_600_000));
        }
        self.keeper.settle(now);
        self.shrink();
        self.keeper.publish();
    }

    /// Stays within the budget; says whether an hour had to go.
    pub(super) fn shrink(&mut self) -> bool {
        self.budget.limit(self.keeper.bytes()).is_some_and(|limit| self.keeper.shrink_to(limit))
    }

    pub(super) fn refresh_people(&mut self) -> Result<(), StoreError> {
        let rows = self.loader.people()?;
        let names = self.numbering.names();
        let people = People::of(&names, rows.nodes, rows.observers, &self.options.visibility);
        self.keeper.set_people(people);
        self.people_at = Some(Instant::now());
        self.has_adverts = false;
        Ok(())
    }
}
