//! A real broker on a free port of this machine, and a plain client that publishes to it.

use std::env;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use paho_mqtt::{
    AsyncClient, ConnectOptionsBuilder, CreateOptionsBuilder, PersistenceType, QOS_1, SslOptionsBuilder,
};
use tempfile::TempDir;

use super::DEADLINE;
use super::messages::Message;
use super::process::Process;

/// Messages under way at once: as many as the client library holds.
const WINDOW: usize = 100;

/// A mosquitto of our own. Ends with this value.
pub(crate) struct Mosquitto {
    process: Process,
    folder: TempDir,
    port: u16,
    /// A second listener, and the lines of `mosquitto.conf` that make it another one.
    other: Option<(u16, String)>,
}

impl Mosquitto {
    /// Starts it; `None`, with a line that says so, where it is not installed. In CI it must be.
    pub(crate) fn start() -> Option<Self> {
        is_installed().then(|| Self::launch(tempfile::tempdir().unwrap(), None))
    }

    /// Starts it with a second listener that obeys `lines`; files they name are looked for in `folder`.
    pub(crate) fn with_listener(folder: TempDir, lines: &str) -> Option<Self> {
        is_installed().then(|| Self::launch(folder, Some((free_port(), lines.to_owned()))))
    }

    fn launch(folder: TempDir, other: Option<(u16, String)>) -> Self {
        let port = free_port();
        let process = launch(&folder, port, other.as_ref());
        Self { process, folder, port, other }
    }

    /// Its address, as the program is told.
    pub(crate) fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }

    /// Its port, on this machine.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The port of its second listener.
    pub(crate) fn other_port(&self) -> u16 {
        self.other.as_ref().expect("it was started with a second listener").0
    }

    /// What it says of its clients.
    pub(crate) fn log(&self) -> &Process {
        &self.process
    }

    /// Ends it at once: connections break, retained messages are gone.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    /// Ends it in order: what it is told to keep is on disk then.
    pub(crate) fn end(&mut self) {
        self.process.terminate();
        self.process.wait_for_end();
    }

    /// Starts it again on the same port.
    pub(crate) fn restart(&mut self) {
        self.process = launch(&self.folder, self.port, self.other.as_ref());
    }

    /// A client that is connected.
    pub(crate) fn publisher(&self) -> Publisher {
        Publisher::connected(&format!("tcp://127.0.0.1:{}", self.port), 4, None)
    }
}

/// A connected MQTT client, in the place of observers.
pub(crate) struct Publisher {
    client: AsyncClient,
}

impl Publisher {
    /// Connected to `url` with this version of the protocol: 4 is MQTT 3.1.1, 5 is 5. An encrypted server has to show the
    /// certificate that is `trusted`.
    pub(crate) fn connected(url: &str, version: u32, trusted: Option<&Path>) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let options = CreateOptionsBuilder::new()
            .server_uri(url)
            .client_id(format!("observer-{}", NUMBER.fetch_add(1, Ordering::Relaxed)))
            .mqtt_version(version)
            .persistence(PersistenceType::None)
            .finalize();
        let client = AsyncClient::new(options).unwrap();
        let mut options = match (version, url.starts_with("ws")) {
            (5, false) => ConnectOptionsBuilder::new_v5(),
            (5, true) => ConnectOptionsBuilder::new_ws_v5(),
            (_, false) => ConnectOptionsBuilder::new_v3(),
            (_, true) => ConnectOptionsBuilder::new_ws(),
        };
        if let Some(trusted) = trusted {
            let tls = SslOptionsBuilder::new().trust_store(trusted).unwrap().verify(true).finalize();
            options.ssl_options(tls);
        }
        client.connect(options.finalize()).wait_for(DEADLINE).expect("the broker takes a connection");
        Self { client }
    }

    /// Publishes in this order. Returns when the broker has confirmed every message.
    pub(crate) fn publish(&self, messages: &[Message]) {
        for window in messages.chunks(WINDOW) {
            let sent: Vec<_> = window
                .iter()
                .map(|message| {
                    let mqtt = paho_mqtt::MessageBuilder::new()
                        .topic(&message.topic)
                        .payload(message.payload.clone())
                        .qos(QOS_1)
                        .retained(message.retain);
                    self.client.publish(mqtt.finalize())
                })
                .collect();
            for delivery in sent {
                delivery.wait_for(DEADLINE).expect("the broker confirms");
            }
        }
    }
}

/// Whether there is a mosquitto; says so where there is none. In CI there must be.
fn is_installed() -> bool {
    let known = Command::new("mosquitto").arg("-h").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if known.is_err() {
        assert!(env::var_os("CI").is_none(), "mosquitto is not installed");
        eprintln!("skipped: mosquitto is not installed");
    }
    known.is_ok()
}

fn launch(folder: &TempDir, port: u16, other: Option<&(u16, String)>) -> Process {
    let config = folder.path().join("mosquitto.conf");
    // Its limits of what may wait for a slow reader are lifted: what is lost here would be the broker's doing.
    let mut text = format!(
        "per_listener_settings true\npersistence false\nuser root\nmax_queued_messages 0\n\
         max_inflight_messages 0\nlog_dest stderr\nlistener {port} 127.0.0.1\nallow_anonymous true\n"
    );
    if let Some((port, lines)) = other {
        text.push_str(&format!("listener {port} 127.0.0.1\n{lines}\n"));
    }
    fs::write(&config, text).unwrap();
    let process = Process::start(Command::new("mosquitto").arg("-c").arg(&config).current_dir(folder.path()));
    process.wait_for_line(" running", 1);
    process
}

/// A port nobody listens on now.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}
