//! Sources within this process, where time and faults can be chosen, at a real broker.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use meshcore_ingest::accounting::Accounting;
use meshcore_ingest::config::{Config, ConfigFile, IngestArgs};
use meshcore_ingest::intake::Intake;
use meshcore_ingest::pipeline::{Clock, Pipeline, PipelineOptions};
use meshcore_ingest::sources::Sources;
use meshcore_ingest::sources::status::StatusReport;
use meshcore_ingest::sources::watchdog::Timing;
use meshcore_ingest::system_clock;
use meshcore_store::db::WriterOptions;
use serde_json::json;
use support::broker::Mosquitto;
use support::{eventually, messages, server};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// One source called `quiet`, and what becomes of its messages.
struct Inside {
    runtime: Runtime,
    sources: Sources,
    pipeline: Pipeline,
    accounting: Arc<Accounting>,
    _folder: TempDir,
}

impl Inside {
    /// Connected when this returns. Messages are stamped by `clock`.
    fn listening(broker: &Mosquitto, clock: Clock, timing: Timing) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = json!({"name": "quiet", "broker": broker.url(), "clientId": "quiet"});
        let file = ConfigFile::from_text("c.json", json!({"mqttSources": [source]}).to_string());
        let (config, _) = Config::load(&file, &IngestArgs::default()).unwrap();
        let accounting = Arc::<Accounting>::default();
        let runtime = Runtime::new().unwrap();
        let mut sources = Sources::new(Arc::clone(&accounting), system_clock(), timing);
        sources.plan(config.brokers().unwrap());
        let intake = Intake::new(&config, sources.brokers());
        let options = PipelineOptions { writer: WriterOptions::default(), limits: config.buffer(), clock };
        let database = server::database(folder.path());
        let pipeline =
            Pipeline::start(&database, options, intake, Arc::clone(&accounting), |_| {}, |_| {}).unwrap();
        runtime.block_on(async { sources.start(|source| pipeline.inlet(source)) });
        let inside = Self { runtime, sources, pipeline, accounting, _folder: folder };
        eventually("it is connected", || inside.status().connected.then_some(()));
        inside
    }

    fn status(&self) -> StatusReport {
        self.sources.statuses().report().remove(0)
    }

    fn wait_for_stored(&self, stored: u64) {
        let is_stored = || self.accounting.report(system_clock()())[0].stored == stored;
        eventually("messages are stored", || is_stored().then_some(()));
    }

    fn stop(self) {
        self.runtime.block_on(self.sources.stop());
        drop(self.pipeline);
    }
}

#[test]
fn one_that_has_gone_silent_is_connected_again_by_the_watchdog() {
    let Some(broker) = Mosquitto::start() else { return };
    let timing =
        Timing { scan: Duration::from_millis(100), stall: Duration::from_secs(2), ..Timing::default() };
    let inside = Inside::listening(&broker, system_clock(), timing);
    broker.publisher().publish(&messages::made_up(1));
    inside.wait_for_stored(1);

    eventually("it is connected again", || {
        let status = inside.status();
        (status.connect_count == 2 && status.connected).then_some(())
    });
    let status = inside.status();
    assert_eq!((status.disconnect_count, status.last_error), (1, None));
    broker.log().wait_for_line("as quiet ", 2);
    broker.publisher().publish(&messages::made_up(2)[1..]);
    inside.wait_for_stored(2);
    assert!(inside.sources.watch_figures().last_tick_s() > 0);
    inside.stop();
}

#[test]
fn one_that_fails_by_a_fault_of_the_program_goes_on() {
    let Some(broker) = Mosquitto::start() else { return };
    let is_faulty = Arc::new(AtomicBool::new(false));
    let clock: Clock = {
        let (is_faulty, clock) = (Arc::clone(&is_faulty), system_clock());
        Arc::new(move || {
            assert!(!is_faulty.swap(false, Ordering::SeqCst), "a fault of the program, made on purpose");
            clock()
        })
    };
    let inside = Inside::listening(&broker, clock, Timing::default());
    let all = messages::made_up(2);
    is_faulty.store(true, Ordering::SeqCst);
    broker.publisher().publish(&all[..1]);
    let error = eventually("it has failed", || inside.status().last_error);
    assert_eq!(error, "a fault of this program");
    assert!(!inside.status().connected);

    eventually("it is connected again", || inside.status().connected.then_some(()));
    broker.publisher().publish(&all[1..]);
    inside.wait_for_stored(1);
    inside.stop();
}
