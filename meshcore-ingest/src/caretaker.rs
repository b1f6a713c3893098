//! The thread that keeps the file in order, by the system's clock.

use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, bounded};
use meshcore_store::db::{Schedule, StoreError};
use tracing::error;

use crate::pipeline::Clock;

/// The clock is looked at this often, so that one that was set is noticed.
const LONGEST_SLEEP: Duration = Duration::from_secs(15);

/// The running thread. Dropping it ends it: what it is doing is cut short after the errand under way.
pub(crate) struct Caretaker {
    /// Nothing is sent: it is gone when the thread is to end.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Caretaker {
    /// Does what `schedule` says, by `clock`.
    pub(crate) fn start(schedule: Schedule, clock: Clock) -> Result<Self, StoreError> {
        let (stop, stopped) = bounded(0);
        let thread = thread::Builder::new()
            .name("caretaker".into())
            .spawn(move || run(schedule, &clock, &stopped))
            .map_err(StoreError::Thread)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Caretaker {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            error!("the thread that keeps the database in order ended with a panic");
        }
    }
}

fn run(mut schedule: Schedule, clock: &Clock, stopped: &Receiver<()>) {
    let should_stop = || stopped.try_recv() == Err(TryRecvError::Disconnected);
    loop {
        schedule.tick(clock(), &should_stop);
        let until_due = schedule.next_due().map_or(i64::MAX, |due| due.get().saturating_sub(clock().get()));
        let sleep = Duration::from_millis(u64::try_from(until_due).unwrap_or(0)).min(LONGEST_SLEEP);
        if stopped.recv_timeout(sleep) == Err(RecvTimeoutError::Disconnected) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use meshcore_store::UnixMillis;
    use meshcore_store::db::Task;

    use super::*;

    const NOON: UnixMillis = UnixMillis::from_seconds(1_777_636_800);

    /// A caretaker at noon for ever, whose only task tells when it begins and goes on until it is told to end.
    fn at_work() -> (Caretaker, Receiver<()>) {
        let (begin, begun) = bounded(1);
        let mut schedule = Schedule::new(NOON);
        schedule.add(Task::Packets, move |_: UnixMillis, should_stop: &dyn Fn() -> bool| {
            begin.send(()).unwrap();
            while !should_stop() {
                thread::yield_now();
            }
            Ok(())
        });
        (Caretaker::start(schedule, Arc::new(|| NOON)).unwrap(), begun)
    }

    #[test]
    fn it_ends_within_a_second_in_the_middle_of_work() {
        let (caretaker, begun) = at_work();
        begun.recv().unwrap();
        let told = Instant::now();
        drop(caretaker);
        assert!(told.elapsed() < Duration::from_secs(1), "{:?}", told.elapsed());
    }

    #[test]
    fn it_ends_within_a_second_when_nothing_is_due_for_hours() {
        let mut schedule = Schedule::new(NOON);
        schedule.add(Task::NeighborPrune, |_: UnixMillis, _: &dyn Fn() -> bool| panic!("not due"));
        let caretaker = Caretaker::start(schedule, Arc::new(|| NOON)).unwrap();
        let told = Instant::now();
        drop(caretaker);
        assert!(told.elapsed() < Duration::from_secs(1), "{:?}", told.elapsed());
    }
}
