//! When what is done, by a clock that is told.

mod database;

use std::sync::{Arc, Mutex};

use database::{DAY, Database, NOON, go_on};
use meshcore_store::UnixMillis;
use meshcore_store::db::{RetentionDays, Schedule, StoreError, Task};
use proptest::prelude::*;
use rstest::rstest;

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

const ALL: [Task; 12] = [
    Task::SilenceObservers,
    Task::Nodes,
    Task::Observers,
    Task::Metrics,
    Task::Packets,
    Task::ClientReceptions,
    Task::Requests,
    Task::NeighborBuild,
    Task::Migration,
    Task::Checkpoint,
    Task::Capability,
    Task::NeighborPrune,
];

/// What was done, and when.
type Notes = Arc<Mutex<Vec<(Task, i64)>>>;

/// A schedule that notes when it did what, in milliseconds since noon.
fn noting(tasks: &[Task]) -> (Schedule, Notes) {
    let mut schedule = Schedule::new(NOON);
    let done = Arc::new(Mutex::new(Vec::new()));
    for task in tasks.iter().copied() {
        let done = Arc::clone(&done);
        schedule.add(task, move |now: UnixMillis, _: &dyn Fn() -> bool| {
            done.lock().unwrap().push((task, now.get() - NOON.get()));
            Ok(())
        });
    }
    (schedule, done)
}

/// Lets the time run for `millis` as the driving thread does: from one due time to the next.
fn run_until(schedule: &mut Schedule, end: UnixMillis) {
    while let Some(due) = schedule.next_due().filter(|due| *due <= end) {
        schedule.tick(due, &go_on);
    }
}

#[rstest]
#[case(Task::SilenceObservers, &[0])]
#[case(Task::Migration, &[0])]
#[case(Task::Nodes, &[0, HOUR, 2 * HOUR, 3 * HOUR])]
#[case(Task::Observers, &[0, 90 * SECOND, DAY + 90 * SECOND, 2 * DAY + 90 * SECOND])]
#[case(Task::Metrics, &[0, DAY, 2 * DAY])]
#[case(Task::Packets, &[0, DAY, 2 * DAY])]
#[case(Task::ClientReceptions, &[0, DAY, 2 * DAY])]
#[case(Task::Requests, &[0, 15 * SECOND, 30 * SECOND])]
#[case(Task::NeighborBuild, &[0, MINUTE, 2 * MINUTE])]
#[case(Task::Checkpoint, &[30 * SECOND, HOUR + 30 * SECOND, 2 * HOUR + 30 * SECOND])]
#[case(Task::Capability, &[2 * MINUTE, 7 * MINUTE, 12 * MINUTE])]
#[case(Task::NeighborPrune, &[4 * MINUTE, DAY + 4 * MINUTE, 2 * DAY + 4 * MINUTE])]
fn each_task_has_its_times(#[case] task: Task, #[case] times: &[i64]) {
    let (mut schedule, done) = noting(&[task]);
    run_until(&mut schedule, NOON.plus_millis(*times.last().unwrap()));
    let done: Vec<i64> = done.lock().unwrap().iter().map(|(_, at)| *at).collect();
    assert_eq!(done, times);
}

#[test]
fn three_days_of_everything_are_as_many_runs_as_there_are_periods() {
    let (mut schedule, done) = noting(&ALL);
    run_until(&mut schedule, NOON.plus_millis(3 * DAY));
    let done = done.lock().unwrap();
    let count = |task| done.iter().filter(|(ran, _)| *ran == task).count();
    assert_eq!(count(Task::Requests), 3 * 24 * 60 * 4 + 1);
    assert_eq!(count(Task::NeighborBuild), 3 * 24 * 60 + 1);
    assert_eq!(count(Task::Nodes), 3 * 24 + 1);
    assert_eq!(count(Task::Checkpoint), 3 * 24);
    assert_eq!(count(Task::Observers), 1 + 3);
    assert_eq!((count(Task::Packets), count(Task::Migration)), (4, 1));
    assert!(done.is_sorted_by_key(|(_, at)| *at));
    let start: Vec<Task> = done.iter().take_while(|(_, at)| *at == 0).map(|(task, _)| *task).collect();
    assert_eq!(start, ALL[..9], "the order of the start");
}

#[test]
fn a_clock_set_forward_runs_what_became_due_once_and_then_goes_on() {
    let (mut schedule, done) = noting(&ALL);
    run_until(&mut schedule, NOON.plus_millis(10 * MINUTE));
    done.lock().unwrap().clear();
    let jumped = NOON.plus_millis(10 * MINUTE + DAY);
    let ran = schedule.tick(jumped, &go_on);
    assert_eq!(ran.len(), 10, "all but those that are done once: {ran:?}");
    assert!(schedule.tick(jumped, &go_on).is_empty(), "no loop");
    assert_eq!(schedule.next_due(), Some(jumped.plus_millis(15 * SECOND)));
    done.lock().unwrap().clear();
    run_until(&mut schedule, jumped.plus_millis(HOUR));
    let count = |task| done.lock().unwrap().iter().filter(|(ran, _)| *ran == task).count();
    assert_eq!((count(Task::Nodes), count(Task::Requests), count(Task::Packets)), (1, 240, 0));
}

#[test]
fn a_clock_set_back_leaves_everything_as_far_away_as_it_was() {
    let (mut schedule, done) = noting(&ALL);
    run_until(&mut schedule, NOON.plus_millis(30 * MINUTE));
    let wait = schedule.next_due().unwrap().get() - NOON.plus_millis(30 * MINUTE).get();
    done.lock().unwrap().clear();
    let jumped = NOON.plus_millis(30 * MINUTE - DAY);
    assert!(schedule.tick(jumped, &go_on).is_empty());
    assert_eq!(schedule.next_due(), Some(jumped.plus_millis(wait)), "no stall");
    run_until(&mut schedule, jumped.plus_millis(30 * MINUTE));
    let count = |task| done.lock().unwrap().iter().filter(|(ran, _)| *ran == task).count();
    assert_eq!((count(Task::Nodes), count(Task::NeighborBuild), count(Task::Packets)), (1, 30, 0));
    run_until(&mut schedule, jumped.plus_millis(DAY));
    assert_eq!((count(Task::Packets), count(Task::Observers)), (1, 1), "daily ones come after a day");
}

#[test]
fn a_clock_that_swings_by_a_day_makes_no_storm() {
    let (mut schedule, done) = noting(&ALL);
    schedule.tick(NOON, &go_on);
    done.lock().unwrap().clear();
    for swing in 1..=10 {
        schedule.tick(NOON.plus_millis(DAY + swing), &go_on);
        schedule.tick(NOON.plus_millis(swing), &go_on);
    }
    let packets = done.lock().unwrap().iter().filter(|(task, _)| *task == Task::Packets).count();
    assert!(packets <= 10, "once per day the clock shows, and never on the way back: {packets}");
}

proptest! {
    /// However the clock is set, what was done is not due again at once, and what is to come is never further away than
    /// its longest wait.
    #[test]
    fn no_clock_makes_a_task_loop_or_stall(
        task in prop::sample::select(ALL.to_vec()),
        steps in prop::collection::vec(-2 * DAY..2 * DAY, 1..40),
    ) {
        let (mut schedule, _) = noting(&[task]);
        let mut now = NOON;
        for step in steps {
            now = now.plus_millis(step);
            schedule.tick(now, &go_on);
            if let Some(due) = schedule.next_due() {
                prop_assert!(due > now && due <= now.plus_millis(DAY));
            }
        }
    }
}

#[test]
fn a_task_that_fails_is_tried_again_at_its_time_and_holds_up_nobody() {
    let mut schedule = Schedule::new(NOON);
    schedule.add(Task::Nodes, |_, _| Err(StoreError::WriterGone));
    schedule.add(Task::Metrics, |_, _| Ok(()));
    assert_eq!(schedule.tick(NOON, &go_on), [Task::Nodes, Task::Metrics]);
    assert_eq!(schedule.next_due(), Some(NOON.plus_millis(HOUR)));
    assert_eq!(schedule.tick(NOON.plus_millis(HOUR), &go_on), [Task::Nodes]);
}

#[test]
fn when_told_to_end_nothing_more_is_begun_and_nothing_is_forgotten() {
    let (mut schedule, done) = noting(&ALL);
    assert!(schedule.tick(NOON, &|| true).is_empty());
    assert!(done.lock().unwrap().is_empty());
    assert_eq!(schedule.tick(NOON, &go_on).len(), 9);
}

#[test]
fn a_start_keeps_the_file_in_order() {
    let database = Database::new();
    database.fill(300, 3);
    database.execute(
        "INSERT INTO nodes (public_key, last_seen) VALUES ('ab', '2026-01-01T00:00:00Z');
         INSERT INTO observers (id) VALUES ('UNWANTED')",
    );
    let writer = database.writer();
    let days = RetentionDays { packets: Some(30), ..RetentionDays::default() };
    let now = NOON.plus_millis(31 * DAY);
    let mut schedule =
        Schedule::of_database(now, &database.path, &writer.handle(), days, 1024, vec!["unwanted".into()]);
    let done = schedule.tick(now, &go_on);
    assert_eq!(
        done,
        [
            Task::SilenceObservers,
            Task::Nodes,
            Task::Observers,
            Task::Metrics,
            Task::Packets,
            Task::ClientReceptions,
            Task::Requests
        ]
    );
    assert_eq!(database.one::<i64>("SELECT COUNT(*) FROM inactive_nodes"), 1);
    assert_eq!(database.one::<i64>("SELECT COUNT(*) FROM transmissions"), 0);
    assert_eq!(database.one::<i64>("SELECT COUNT(*) FROM observers WHERE inactive = 1"), 4);
    assert_eq!(database.one::<i64>("PRAGMA freelist_count"), 0, "and free pages went back");
    let log = database.folder.path().join("mesh.db-wal");
    assert!(log.metadata().unwrap().len() > 0);
    assert_eq!(schedule.tick(now.plus_millis(30 * SECOND), &go_on), [Task::Requests, Task::Checkpoint]);
    assert_eq!(log.metadata().unwrap().len(), 0);
}
