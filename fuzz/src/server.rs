//! Laws of what a server is told: its configuration, and messages by MQTT.

use std::sync::LazyLock;

use meshcore_ingest::broker::token;
use meshcore_ingest::config::{Config, ConfigFile, IngestArgs};
use meshcore_ingest::intake::{Inbound, Intake, Verdict};
use meshcore_store::UnixMillis;
use meshcore_store::db::Write;

const NOW: UnixMillis = UnixMillis::from_seconds(1_777_636_800);

static INTAKE: LazyLock<Intake> = LazyLock::new(|| {
    let config = Config::default();
    let brokers = config.brokers().expect("the default is a good one");
    Intake::new(&config, (0..).zip(&brokers))
});

/// No text panics the configuration, and a refusal names the file.
pub fn config(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    match Config::load(&ConfigFile::from_text("c.json", text), &IngestArgs::default()) {
        Ok((config, _)) => assert!(config.brokers().is_ok(), "load checks the brokers"),
        Err(error) => assert!(error.to_string().starts_with("c.json")),
    }
}

/// No topic and payload panics intake, and what it writes is within the limits
/// of the database.
///
/// `data` is a line with the topic, and the payload. A `!` before the topic
/// says that the broker had kept the message.
pub fn message(data: &[u8]) {
    let mut lines = data.splitn(2, |&byte| byte == b'\n');
    let topic = String::from_utf8_lossy(lines.next().unwrap_or_default());
    let retained = topic.starts_with('!');
    let topic = topic.trim_start_matches('!').to_owned();
    let payload = lines.next().unwrap_or_default().to_vec();

    let received_at = NOW;
    let inbound = Inbound { source: 0, topic, payload: payload.into(), retained, received_at };
    let Verdict::Write(job) = INTAKE.digest(&inbound) else { return };
    if let Write::Packet(packet) = job.write {
        assert!(packet.raw_hex.len() <= 512);
        assert!(packet.path_json.starts_with('[') && packet.path_json.ends_with(']'));
        assert!(packet.decoded_json.starts_with('{'));
    }
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
