//! Laws of what a server is told: its configuration, and messages by MQTT.

use std::sync::LazyLock;

use meshcore_ingest::broker::token;
use meshcore_ingest::config::{Config, ConfigFile, IngestArgs};
use meshcore_ingest::intake::{Inbound, Intake, Refused, Verdict};
use meshcore_store::db::{Heard, NodeAdvert, Write};
use meshcore_store::{Reception, UnixMillis};
use serde_json::{Map, Value};

const NOW: UnixMillis = UnixMillis::from_seconds(1_777_636_800);

/// By the default, with everything enabled, and with the other ways to do it.
static INTAKES: LazyLock<Vec<Intake>> = LazyLock::new(|| {
    let configs = [
        "{}",
        r##"{"clientRxCoverage": {"enabled": true}, "companion": {"storeDirect": true},
            "hashRegions": ["$mine", "#Europe"], "geo_filter": {"polygon": [[47, 8], [48, 8], [48, 9]], "bufferKm": 5}}"##,
        r#"{"clientRxCoverage": {"enabled": true}, "validateSignatures": false, "foreignAdverts": {"mode": "drop"},
            "geo_filter": {"latMin": 47, "latMax": 48, "lonMin": 8, "lonMax": 9}, "observerBlacklist": ["x"],
            "observerIATAWhitelist": ["ZRH", ""],
            "mqttSources": [{"broker": "mqtt://x", "iataFilter": ["zrh"], "region": "zrh"}]}"#,
    ];
    let intake = |text: &&str| {
        let (config, _) =
            Config::load(&ConfigFile::from_text("c.json", *text), &IngestArgs::default()).expect("good");
        Intake::new(&config, (0..).zip(&config.brokers().expect("good")))
    };
    configs.iter().map(intake).collect()
});

/// No text panics the configuration, and a refusal names the file.
pub fn config(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    match Config::load(&ConfigFile::from_text("c.json", text), &IngestArgs::default()) {
        Ok((config, _)) => assert!(config.brokers().is_ok(), "load checks the brokers"),
        Err(error) => assert!(error.to_string().starts_with("c.json")),
    }
}

/// No topic and payload panics intake, whatever is enabled; the same message is
/// judged the same again; what is written is within the limits of the database,
/// and what is logged is one line that deceives nobody.
///
/// `data` is a line with the topic, and the payload. A `!` before the topic
/// says that the broker had kept the message.
pub fn envelope(data: &[u8]) {
    let mut lines = data.splitn(2, |&byte| byte == b'\n');
    let topic = String::from_utf8_lossy(lines.next().unwrap_or_default());
    let retained = topic.starts_with('!');
    let topic = topic.trim_start_matches('!').to_owned();
    let payload = lines.next().unwrap_or_default().to_vec();

    let inbound = Inbound { source: 0, topic, payload: payload.into(), retained, received_at: NOW };
    for intake in INTAKES.iter() {
        let verdict = intake.digest(&inbound);
        assert_eq!(intake.digest(&inbound), verdict, "what is remembered changes nothing");
        let job = match verdict {
            Verdict::Write(job) => Some(job),
            Verdict::Reject(reason, job) => {
                check_name(reason.name());
                job
            }
            Verdict::Discard(reason, job) => {
                check_name(reason.name());
                job
            }
        };
        let line = Refused { inbound: &inbound, job: job.as_ref() }.to_string();
        assert!(line.len() < 8_192 && !line.contains(char::is_control), "{line:?}");
        if let Some(job) = job {
            check_write(&job.write);
        }
    }
}

fn check_name(name: &str) {
    assert!(!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
}

/// What the database is given is what its columns are for.
fn check_write(write: &Write) {
    match write {
        Write::Packet(packet) => {
            assert!(packet.raw_hex.len() <= 512);
            assert!(packet.raw_hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
            assert!(serde_json::from_str::<Vec<String>>(&packet.path_json).is_ok());
            assert!(serde_json::from_str::<Map<String, Value>>(&packet.decoded_json).is_ok());
            assert!(packet.scope_name.as_deref().is_none_or(|name| name.is_empty() || name == "#Europe"));
            check_reception(&packet.reception);
            packet.advert.iter().for_each(check_node);
        }
        Write::Status(status) => {
            let texts =
                [&status.name, &status.model, &status.firmware, &status.client_version, &status.radio];
            texts.into_iter().flatten().for_each(|text| check_text(text));
        }
        Write::Seen(reception) => check_reception(reception),
        Write::Dropped(dropped) => check_reception(&dropped.reception),
        Write::Node(sighting) => {
            check_reception(&sighting.reception);
            check_node(&sighting.node);
        }
        Write::ClientReception(heard) => {
            assert!(is_on_earth(heard.position) && heard.accuracy_m.is_none_or(|metres| metres >= 0.0));
            assert!(heard.heard_at <= heard.received_at);
            assert!(
                matches!(&heard.heard, Heard::LastHop(hop) if matches!(hop.len(), 2 | 3))
                    || matches!(heard.heard, Heard::Advert(key) if !key.is_zero())
            );
        }
    }
}

fn check_reception(reception: &Reception) {
    reception.observer_name.iter().chain(&reception.region).for_each(|text| check_text(text));
    assert!(reception.signal.snr.is_none_or(|snr| snr.abs() <= 100.0));
    assert!(reception.signal.rssi.is_none_or(|rssi| (-200.0..=50.0).contains(&rssi)));
    assert!(reception.signal.score.is_none_or(f64::is_finite));
}

fn check_node(node: &NodeAdvert) {
    assert!(!node.public_key.is_zero() && node.position.is_none_or(is_on_earth));
    let is_name = |name: &String| !name.is_empty() && name.len() <= 64;
    assert!(node.name.as_ref().is_none_or(is_name));
}

fn check_text(text: &str) {
    // an upper-case letter can be three characters where the lower-case one is one
    assert!(
        !text.is_empty() && text.chars().count() <= 3 * 128 && !text.contains(char::is_control),
        "{text:?}"
    );
}

fn is_on_earth((lat, lon): (f64, f64)) -> bool {
    lat.abs() <= 90.0 && lon.abs() <= 180.0
}

/// No user name and password panic the broker, and what is taken for a token is
/// none without its last digit or for another broker.
///
/// `data` is a line with the user name, and the password.
pub fn token(data: &[u8]) {
    let mut lines = data.splitn(2, |&byte| byte == b'\n');
    let username = String::from_utf8_lossy(lines.next().unwrap_or_default());
    let password = lines.next().unwrap_or_default();
    let Some(key) = token::claimed_key(&username) else { return };
    if token::verify(&key, password, &[], NOW).is_ok() {
        let (_, shorter) = password.split_last().expect("nothing is no token");
        assert!(token::verify(&key, shorter, &[], NOW).is_err());
        let other = ["another broker, which nobody has heard of".to_owned()];
        assert!(token::verify(&key, password, &other, NOW).is_err());
    }
}
