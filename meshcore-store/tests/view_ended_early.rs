//! A view that is ended before it has loaded everything.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use meshcore_store::db::{LiveView, LiveViewOptions};
use meshcore_store::sim::{DatabaseReport, DatabaseSize, database};
use meshcore_store::view::{Snapshot, View};

/// How long a small database may take.
const PATIENCE: Duration = Duration::from_secs(20);

fn start(path: &Path, report: &DatabaseReport) -> LiveView {
    let now = report.end;
    LiveView::start(LiveViewOptions::new(path, Arc::new(move || now))).unwrap()
}

fn complete(view: &View) -> Arc<Snapshot> {
    let begun = Instant::now();
    loop {
        let snapshot = view.snapshot();
        if snapshot.generation() > 0 && snapshot.coverage().loading.is_none() {
            return snapshot;
        }
        assert!(begun.elapsed() < PATIENCE, "still loading: {:?}", snapshot.coverage());
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_view_that_was_ended_while_it_loaded_has_everything_after_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mesh.db");
    let report = database(&path, &DatabaseSize::small(), &mut |_| {}).unwrap();
    let has_everything = || {
        let live = start(&path, &report);
        let snapshot = complete(live.view());
        assert_eq!(u64::try_from(snapshot.totals().packets), Ok(report.transmissions));
        assert_eq!(snapshot.coverage().since, None);
    };
    (0..10).for_each(|_| drop(start(&path, &report))); // while it reads the database
    has_everything();
    (0..10).for_each(|_| drop(start(&path, &report))); // while it reads the snapshot file
    has_everything();
}
