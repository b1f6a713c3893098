//! No topic and payload panics intake, and what it writes is within the limits of the database.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use meshcore_ingest::config::Config;
use meshcore_ingest::intake::{Inbound, Intake, Verdict};
use meshcore_store::UnixMillis;
use meshcore_store::db::Write;

static INTAKE: LazyLock<Intake> = LazyLock::new(|| {
    let config = Config::default();
    let brokers = config.brokers().expect("the default is a good one");
    Intake::new(&config, &brokers)
});

fuzz_target!(|input: (String, Vec<u8>, bool)| {
    let (topic, payload, retained) = input;
    let received_at = UnixMillis::from_seconds(1_777_636_800);
    let inbound = Inbound { source: 0, topic, payload: payload.into(), retained, received_at };
    let Verdict::Write(job) = INTAKE.digest(&inbound) else { return };
    if let Write::Packet(packet) = job.write {
        assert!(packet.raw_hex.len() <= 512);
        assert!(packet.path_json.starts_with('[') && packet.path_json.ends_with(']'));
        assert!(packet.decoded_json.starts_with('{'));
    }
});
