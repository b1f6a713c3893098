//! From the start of a process to its first correct answer, and to everything.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use meshcore_store::UnixMillis;
use meshcore_store::db::{LiveView, LiveViewOptions};
use meshcore_store::view::{Order, Selection, Snapshot};

use crate::process::{Facts, Loaded, Memory, Said};

/// How often it is asked whether the answer is there.
const LOOK: Duration = Duration::from_micros(200);

/// Starts, tells what is there when, and ends when its input does, which saves the snapshot file.
pub(crate) fn measure(database: &Path, snapshot: &Path, facts: &Facts) -> Result<()> {
    let live = start(database, Some(snapshot), facts)?;
    let view = live.view();
    while newest(&view.snapshot(), facts.newest.len()) != facts.newest {
        thread::sleep(LOOK);
    }
    Said::Answered.tell()?;
    let snapshot = complete(&live);
    let memory = Memory::now()?;
    let (packets, observations) = (snapshot.totals().packets, snapshot.totals().observations);
    ensure!(packets == facts.packets, "{packets} packets are in memory, {} in the database", facts.packets);
    Said::Complete(Loaded { packets, observations, bytes: snapshot.bytes(), memory }).tell()?;
    let mut columns = BTreeMap::<String, usize>::new();
    snapshot.sizes(|name, bytes| *columns.entry(name).or_default() += bytes);
    let mut columns: Vec<_> = columns.into_iter().filter(|(_, bytes)| *bytes > 0).collect();
    columns.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    columns.into_iter().try_for_each(|(name, bytes)| Said::Column { name, bytes }.tell())?;
    Said::Told.tell()?;
    std::io::read_to_string(std::io::stdin())?;
    drop(live);
    Ok(())
}

/// A view at the time of the newest packet.
pub(crate) fn start(database: &Path, snapshot: Option<&Path>, facts: &Facts) -> Result<LiveView> {
    let now = UnixMillis::new(facts.now);
    let mut options = LiveViewOptions::new(database, Arc::new(move || now));
    options.snapshot = snapshot.map(Path::to_owned);
    Ok(LiveView::start(options)?)
}

/// Waits until everything is in memory.
pub(crate) fn complete(live: &LiveView) -> Arc<Snapshot> {
    loop {
        let snapshot = live.view().snapshot();
        // The first one that is shown is of an empty view.
        if snapshot.generation() > 0 && snapshot.coverage().loading.is_none() && snapshot.totals().packets > 0
        {
            return snapshot;
        }
        thread::sleep(LOOK);
    }
}

fn newest(snapshot: &Snapshot, count: usize) -> Vec<i64> {
    let page = snapshot.packets(&Selection::default(), Order::Newest, 0..count);
    page.packets.iter().map(|packet| packet.id()).collect()
}
