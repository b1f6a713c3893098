//! The program as a broker, and observers of another make.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::process::Process;
use super::server::{self, Server};

/// A `corescope` that is a broker itself.
pub(crate) struct Embedded {
    pub(crate) server: Server,
    /// Port of plain MQTT.
    pub(crate) port: u16,
    /// Port of encrypted MQTT, if there is one.
    pub(crate) tls: Option<u16>,
}

impl Embedded {
    /// Starts it on `database(folder)` with these keys of `broker`, on free ports of this machine.
    #[track_caller]
    pub(crate) fn open(folder: &Path, mut broker: Value) -> Self {
        broker["enabled"] = json!(true);
        broker["port"] = json!(0);
        broker["bind"] = json!("127.0.0.1");
        let config = folder.join("config.json");
        fs::write(&config, json!({"broker": broker, "retention": {"packetDays": 0}}).to_string()).unwrap();
        Self::started(server::corescope(folder).arg("--db").arg(server::database(folder)))
    }

    /// Waits until `command` says where its broker is.
    #[track_caller]
    pub(crate) fn started(command: &mut Command) -> Self {
        let server = Server::open(command);
        let line = server.process.wait_for_line("the broker is open", 1);
        let port = |key: &str| {
            let rest = line.split_once(key)?.1;
            let (address, _) = rest.split_once(' ').unwrap_or((rest, ""));
            address.rsplit_once(':').and_then(|(_, port)| port.parse().ok())
        };
        let found = port(" address=").unwrap_or_else(|| panic!("no port in: {line}"));
        Self { port: found, tls: port(" tls="), server }
    }
}

/// A Python with the MQTT library of observers; says so where there is none. In CI there must be.
pub(crate) fn python() -> Option<PathBuf> {
    let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".cache")));
    let own = cache.map(|cache| cache.join("corescope/python/bin/python3"));
    let knows_mqtt = |python: &PathBuf| {
        let mut command = Command::new(python);
        command.args(["-c", "import paho.mqtt.client"]).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let found = own.into_iter().chain([PathBuf::from("python3")]).find(knows_mqtt);
    if found.is_none() {
        assert!(env::var_os("CI").is_none(), "paho-mqtt for Python is not installed");
        eprintln!("skipped: paho-mqtt for Python is not installed (.ci/setup test installs it)");
    }
    found
}

/// Starts the observer of `observer.py`.
pub(crate) fn observer(python: &Path, options: &Value) -> Process {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/observer.py");
    Process::start(Command::new(python).arg(script).arg(options.to_string()))
}
