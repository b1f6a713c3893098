//! The collecting process alone reads its configuration again when it is told to.

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

/// The process, and its log as far as it has not been read. It is killed when this is dropped.
struct Ingest {
    process: Child,
    log: Lines<BufReader<ChildStderr>>,
}

impl Ingest {
    fn start(folder: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_meshcore-ingest"))
            .current_dir(folder)
            .envs([("DB_PATH", "mesh.db"), ("RUST_LOG", "info")])
            .env_remove("MQTT_BROKER")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(process.stderr.take().unwrap()).lines();
        Self { process, log }
    }

    fn tell(&self, signal: &str) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
    }

    /// The next line with this text in it. Fails when the process ends before.
    fn line(&mut self, text: &str) -> String {
        let [line] = self.lines([text]);
        line
    }

    /// The next line with each of these texts in it, in whatever order threads write them.
    fn lines<const N: usize>(&mut self, texts: [&str; N]) -> [String; N] {
        let mut found = texts.map(|_| None);
        while found.iter().any(Option::is_none) {
            let line = self.log.next().unwrap_or_else(|| panic!("it ended without: {texts:?}")).unwrap();
            for (text, found) in texts.iter().zip(&mut found).filter(|(_, found)| found.is_none()) {
                *found = line.contains(text).then(|| line.clone());
            }
        }
        found.map(Option::unwrap)
    }
}

impl Drop for Ingest {
    fn drop(&mut self) {
        // Nothing to do after a good end; after a failed test it must not stay.
        let _ = self.process.kill();
    }
}

#[test]
fn sources_come_and_go_and_a_faulty_file_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let configure = |sources: &str, packet_days: u32| {
        let text = format!(r#"{{"mqttSources": [{sources}], "retention": {{"packetDays": {packet_days}}}}}"#);
        fs::write(folder.path().join("config.json"), text).unwrap();
    };
    // Nobody listens at these ports.
    configure(r#"{"name": "a", "broker": "mqtt://127.0.0.1:1"}"#, 30);
    let mut ingest = Ingest::start(folder.path());
    ingest.line("collecting");

    configure(r#"{"name": "b", "broker": "mqtt://127.0.0.1:2"}"#, 7);
    ingest.tell("HUP");
    let [line, restart, _] = ingest.lines([
        "the configuration is reloaded",
        "need a restart",
        r#"cannot connect to broker mqtt.source="b""#,
    ]);
    assert!(line.contains(r#"sources.added="b""#) && line.contains(r#"sources.removed="a""#), "{line}");
    assert!(restart.contains("keys=retention"));

    configure("5", 7);
    ingest.tell("HUP");
    let line = ingest.line("the configuration is not reloaded");
    assert!(line.contains("mqttSources[0]"), "{line}");

    ingest.tell("TERM");
    ingest.line("stopping");
    assert!(ingest.process.wait().unwrap().success());
}
