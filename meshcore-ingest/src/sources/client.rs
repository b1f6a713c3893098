//! The MQTT library, as a connection needs it.
//!
//! The event stream is unbounded because a bounded one drops messages without saying so; the bound, and the count of what
//! is dropped, are in the queue behind it.
//!
//! The library acknowledges a message of QoS 1 when it puts it into that stream; it offers no way to do so after the commit.
//! So a sudden end loses what is in the stream (it is emptied at once), in the queue and in the open transaction.
//!
//! It takes every topic for UTF-8, as the standard asks of brokers, and ends the process at one that is not.

use std::fs::File;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::thread;
use std::time::Duration;

use paho_mqtt::{
    AsyncClient, AsyncReceiver, ConnectOptions, ConnectOptionsBuilder, CreateOptionsBuilder, Error, Event,
    Message, MqttVersion, PersistenceType, QOS_0, QOS_1, SslOptions, SslOptionsBuilder,
};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::fault::Fault;
use super::status::Session;
use crate::config::{Broker, Identity, Qos};

/// How long a name may take to be resolved, a subscription to be answered, a port to be tried.
const ANSWER: Duration = Duration::from_secs(10);

/// The library looks at its own time limits every few seconds only.
const LENIENCE: Duration = Duration::from_secs(10);

/// What arrived.
pub(super) enum Incoming {
    /// A message.
    Message(Message),
    /// Nothing more: the connection is gone.
    Lost,
}

/// One client of the library, connected or not.
pub(super) struct Client {
    /// Absent only while this is dropped.
    mqtt: Option<AsyncClient>,
    events: AsyncReceiver<Event>,
}

/// Looks at what would be wrong whatever the library does. It says little of why it fails, and while it waits for a
/// name to be resolved no other client of this process is served.
pub(super) async fn check(broker: &Broker) -> Result<(), Fault> {
    for (key, path) in broker.tls_files.files() {
        File::open(path).map_err(|source| Fault::File { key, path: path.clone(), source })?;
    }
    if broker.host.parse::<IpAddr>().is_ok() {
        return Ok(());
    }
    let unresolved = |source| Fault::Unresolved { host: broker.host.clone(), source };
    let (answer, answered) = oneshot::channel();
    let host = (broker.host.clone(), broker.port);
    // A thread of its own, because a runtime does not end before its blocking threads do.
    thread::Builder::new()
        .name("resolve".into())
        .spawn(move || answer.send(host.to_socket_addrs().map(drop)))
        .map_err(unresolved)?;
    match timeout(ANSWER, answered).await {
        Ok(Ok(resolved)) => resolved.map_err(unresolved),
        Ok(Err(_)) | Err(_) => Err(unresolved(io::ErrorKind::TimedOut.into())),
    }
}

impl Client {
    /// A client that is not connected.
    pub(super) fn open(broker: &Broker, id: &str) -> Result<Self, Fault> {
        let options = CreateOptionsBuilder::new()
            .server_uri(&broker.url)
            .client_id(id)
            .persistence(PersistenceType::None)
            .finalize();
        let mut client = AsyncClient::new(options).map_err(Fault::Library)?;
        let events = client.get_event_stream(None);
        Ok(Self { mqtt: Some(client), events })
    }

    /// Connects; says what became of the session.
    pub(super) async fn connect(&self, broker: &Broker) -> Result<Session, Fault> {
        let options = connect_options(broker).map_err(Fault::Library)?;
        let longest = Duration::from_secs(broker.connect_timeout_s);
        let answer = match timeout(longest + LENIENCE, self.mqtt().connect(options)).await {
            Err(_) => return Err(Fault::Silent(longest)),
            Ok(Err(error)) => return Err(explain(error, broker, longest).await),
            Ok(Ok(answer)) => answer,
        };
        let is_present = answer.connect_response().is_some_and(|response| response.session_present);
        Ok(match broker.identity {
            Identity::Random | Identity::Named(_) => Session::Clean,
            Identity::Persistent(_) if is_present => Session::Resumed,
            Identity::Persistent(_) => Session::Lost,
        })
    }

    /// Subscribes to every topic; gives those that were refused.
    ///
    /// One request each: the library says of a request for several only what the first answer was when it was refused.
    pub(super) async fn subscribe<'a>(&self, broker: &'a Broker) -> Result<Vec<&'a str>, Fault> {
        let qos = match broker.qos {
            Qos::AtMostOnce => QOS_0,
            Qos::AtLeastOnce => QOS_1,
        };
        let asked: Vec<_> =
            broker.topics.iter().map(|topic| (topic, self.mqtt().subscribe(topic.as_str(), qos))).collect();
        let mut refused = Vec::new();
        for (topic, request) in asked {
            match timeout(ANSWER, request).await {
                Err(_) => return Err(Fault::Silent(ANSWER)),
                Ok(Ok(_)) => {}
                // This is how the library tells the refusal of one subscription.
                Ok(Err(Error::Failure)) => refused.push(topic.as_str()),
                Ok(Err(error)) => return Err(Fault::Library(error)),
            }
        }
        if refused.len() == broker.topics.len() { Err(Fault::AllTopicsRefused) } else { Ok(refused) }
    }

    /// Waits for what arrives next. May be given up and begun again: nothing is lost.
    pub(super) async fn next(&self) -> Incoming {
        loop {
            match self.events.recv().await {
                Ok(Event::Message(message)) => return Incoming::Message(message),
                Ok(Event::Connected) => {}
                Ok(Event::ConnectionLost | Event::Disconnected { .. } | Event::Shutdown) | Err(_) => {
                    return Incoming::Lost;
                }
            }
        }
    }

    /// What has arrived and not been taken, once there is no connection.
    pub(super) fn rest(&self) -> impl Iterator<Item = Message> {
        std::iter::from_fn(|| self.events.try_recv().ok()).filter_map(|event| match event {
            Event::Message(message) => Some(message),
            Event::Connected | Event::ConnectionLost | Event::Disconnected { .. } | Event::Shutdown => None,
        })
    }

    /// Says farewell, for at most `longest`. Subscriptions of a persistent session stay. Whether the broker was reached.
    pub(super) async fn disconnect(&self, longest: Duration) -> bool {
        matches!(timeout(longest, self.mqtt().disconnect(None)).await, Ok(Ok(_)))
    }

    fn mqtt(&self) -> &AsyncClient {
        self.mqtt.as_ref().expect("it is there until this is dropped")
    }
}

impl Drop for Client {
    /// The library may wait for its threads: not here.
    fn drop(&mut self) {
        let mqtt = self.mqtt.take();
        // Without a thread it is dropped at once after all.
        let _ = thread::Builder::new().name("mqtt-close".into()).spawn(move || drop(mqtt));
    }
}

fn connect_options(broker: &Broker) -> paho_mqtt::Result<ConnectOptions> {
    let mut options = ConnectOptionsBuilder::with_mqtt_version(MqttVersion::V3_1_1);
    options
        .clean_session(!matches!(broker.identity, Identity::Persistent(_)))
        .keep_alive_interval(Duration::from_secs(broker.keep_alive_s.into()))
        .connect_timeout(Duration::from_secs(broker.connect_timeout_s));
    if let Some(username) = &broker.username {
        options.user_name(username);
    }
    if let Some(password) = &broker.password {
        options.password(password.as_str());
    }
    if broker.tls {
        options.ssl_options(ssl_options(broker)?);
    }
    Ok(options.finalize())
}

/// The authorities of the system are trusted too: OpenSSL's default paths.
fn ssl_options(broker: &Broker) -> paho_mqtt::Result<SslOptions> {
    let mut options = SslOptionsBuilder::new();
    options.enable_server_cert_auth(broker.verify).verify(broker.verify);
    if let Some(file) = &broker.tls_files.ca_file {
        options.trust_store(file)?;
    }
    if let Some(file) = &broker.tls_files.cert_file {
        options.key_store(file)?;
    }
    if let Some(file) = broker.tls_files.key_file.as_ref().or(broker.tls_files.cert_file.as_ref()) {
        options.private_key(file)?;
    }
    Ok(options.finalize())
}

/// Why the library could not connect. It does not tell, so the port is tried once more.
async fn explain(error: Error, broker: &Broker, longest: Duration) -> Fault {
    match error {
        Error::ConnectReturn(code) => Fault::Refused(code),
        Error::TcpConnectTimeout => Fault::Silent(longest),
        Error::TcpTlsConnectFailure | Error::TcpConnectCompletionFailure | Error::SocketError(_) => {
            match timeout(ANSWER, TcpStream::connect((broker.host.as_str(), broker.port))).await {
                Err(_) => Fault::Silent(ANSWER),
                Ok(Err(error)) => Fault::Unreachable(error),
                Ok(Ok(_)) if broker.tls => Fault::Handshake,
                Ok(Ok(_)) => Fault::HungUp,
            }
        }
        other => Fault::Library(other),
    }
}
