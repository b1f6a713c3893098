//! From a configuration to a broker at work, and to its end.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use anyhow::Context;
use tokio::runtime;
use tokio::sync::watch;
use tracing::{error, info, warn};

use super::house::House;
use super::listener::Port;
use super::{BrokerOptions, BrokerReport, Door, tls};
use crate::config::Config;
use crate::pipeline::{Clock, Inlet};

/// Threads of the broker, which are not those of the web server.
const WORKERS: usize = 2;

/// Bound ports: whatever is wrong with them is known before a database is opened. Connections wait until the start.
pub struct BoundBroker {
    options: BrokerOptions,
    port: Port,
    tls: Option<Port>,
}

/// A broker at work. Ends with [`stop`](Self::stop).
pub struct RunningBroker {
    door: Door,
    thread: JoinHandle<()>,
}

/// The broker that `config` wants in this process; `None`: another program has its port, and nobody asked for ours.
///
/// # Errors
/// When a port, a certificate or a password cannot be had; the message names it.
pub fn bind(config: &Config) -> anyhow::Result<Option<BoundBroker>> {
    if !config.wants_broker() {
        return Ok(None);
    }
    let options = config.broker.resolve()?;
    let port = options.listen.port();
    match BoundBroker::bind(options) {
        Ok(bound) => Ok(Some(bound)),
        Err(error) if config.broker.is_optional() && is_taken(&error) => {
            info!(port, "another program listens on the port of MQTT: connecting to it");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn is_taken(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::AddrInUse)
}

impl BoundBroker {
    /// Takes the ports and reads the certificate.
    ///
    /// # Errors
    /// When that cannot be done; the message names port or file.
    pub fn bind(options: BrokerOptions) -> anyhow::Result<Self> {
        let listen = |address: SocketAddr| {
            TcpListener::bind(address).with_context(|| {
                format!("the broker cannot listen on {} port {}", address.ip(), address.port())
            })
        };
        let port = Port { listener: listen(options.listen)?, tls: None };
        let tls = options
            .tls
            .as_ref()
            .map(|tls| anyhow::Ok(Port { listener: listen(tls.listen)?, tls: Some(tls::acceptor(tls)?) }));
        Ok(Self { port, tls: tls.transpose()?, options })
    }

    /// Where plain MQTT is spoken.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.port.listener.local_addr()
    }

    /// Where encrypted MQTT is spoken, if anywhere.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn tls_address(&self) -> io::Result<Option<SocketAddr>> {
        self.tls.as_ref().map(|port| port.listener.local_addr()).transpose()
    }

    /// Lets clients in; what they publish goes to `inlet`.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(self, inlet: Inlet, clock: Clock) -> anyhow::Result<RunningBroker> {
        let (address, tls) = (self.address()?, self.tls_address()?);
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .thread_name("broker")
            .enable_all()
            .build()
            .context("the broker gets no threads")?;
        let (close, closing) = watch::channel(false);
        let Self { options, port, tls: tls_port } = self;
        let web = options.web_socket;
        if options.accounts.anonymous && !address.ip().is_loopback() {
            warn!(%address, "anybody who reaches this address may publish to the broker (broker.anonymous)");
        }
        let house = Arc::new(House::new(options, inlet, clock, closing));
        let door = Door::new(&house, runtime.handle().clone(), close);
        let ports = [Some(port), tls_port].into_iter().flatten();
        let thread = thread::Builder::new()
            .name("broker".into())
            .spawn({
                let ports: Vec<Port> = ports.collect();
                move || house.run(&runtime, ports)
            })
            .context("the broker gets no thread")?;
        info!(%address, tls = tls.map(tracing::field::display), web, "the broker is open");
        Ok(RunningBroker { door, thread })
    }

    /// Whether it is open to WebSockets of the web server.
    pub fn is_open_to_the_web(&self) -> bool {
        self.options.web_socket
    }
}

impl RunningBroker {
    /// The way in for WebSockets.
    pub fn door(&self) -> Door {
        self.door.clone()
    }

    /// The counts.
    pub fn report(&self) -> BrokerReport {
        self.door.report()
    }

    /// Lets nobody in any more, says goodbye, and waits until everybody has left: 4 seconds at most.
    pub async fn stop(self) {
        let Self { door, thread } = self;
        door.close();
        let ended = tokio::task::spawn_blocking(move || thread.join()).await;
        if !matches!(ended, Ok(Ok(()))) {
            error!("the broker ended with a panic");
        }
        let report = door.report();
        info!(
            logins = report.accepted,
            messages = report.published,
            held_back = report.held_back,
            refused = ?report.refused,
            "the broker is closed"
        );
    }
}
