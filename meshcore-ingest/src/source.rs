//! One broker: connect, subscribe, forward, for ever.
//!
//! The loop is ours rather than the library's: its own reconnect has been reported to go quiet, and subscriptions of
//! a clean session have to be renewed after each connection anyway. The event stream is unbounded because a bounded
//! one drops messages without saying so; the bound, and the count of what is dropped, are in the queue behind it.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use paho_mqtt::{
    AsyncClient, AsyncReceiver, ConnectOptions, ConnectOptionsBuilder, CreateOptionsBuilder, Event,
    PersistenceType, QOS_0, SslOptionsBuilder,
};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use crate::config::Broker;
use crate::pipeline::Inlet;

const KEEP_ALIVE: Duration = Duration::from_secs(30);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
const DISCONNECT: Duration = Duration::from_secs(5);

/// Becomes `true` when the program ends.
pub type Stop = watch::Receiver<bool>;

/// Listens to `broker` until `stop`.
pub async fn run(broker: Broker, inlet: Inlet, mut stop: Stop) {
    let (client, events) = match open(&broker) {
        Ok(opened) => opened,
        Err(error) => {
            warn!(mqtt.source = broker.name, %error, "cannot use this broker");
            return;
        }
    };
    let mut pause = FIRST_PAUSE;
    while !*stop.borrow() {
        let connected = tokio::select! {
            connected = connect(&client, &broker) => connected,
            _ = stop.changed() => break,
        };
        match connected {
            Ok(()) => {
                info!(
                    mqtt.source = broker.name,
                    mqtt.url = broker.url,
                    topics = broker.topics.join(" "),
                    "connected to broker"
                );
                pause = FIRST_PAUSE;
                forward(&events, &inlet, &mut stop).await;
                if *stop.borrow() {
                    break;
                }
                warn!(mqtt.source = broker.name, "connection to broker lost");
            }
            Err(error) => {
                warn!(mqtt.source = broker.name, mqtt.url = broker.url, %error, retry_s = pause.as_secs(), "cannot connect to broker");
            }
        }
        tokio::select! {
            () = sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
            _ = stop.changed() => {}
        }
    }
    if client.is_connected() && timeout(DISCONNECT, client.disconnect(None)).await.is_err() {
        warn!(mqtt.source = broker.name, "the broker did not answer the farewell");
    }
    // What arrived before the farewell is still ours.
    while let Ok(event) = events.try_recv() {
        take(&event, &inlet);
    }
}

fn open(broker: &Broker) -> paho_mqtt::Result<(AsyncClient, AsyncReceiver<Event>)> {
    let random = RandomState::new().build_hasher().finish() & 0xffff_ffff;
    let options = CreateOptionsBuilder::new()
        .server_uri(&broker.url)
        .client_id(format!("corescope-{random:08x}"))
        .persistence(PersistenceType::None)
        .finalize();
    let mut client = AsyncClient::new(options)?;
    let events = client.get_event_stream(None);
    Ok((client, events))
}

async fn connect(client: &AsyncClient, broker: &Broker) -> paho_mqtt::Result<()> {
    client.connect(connect_options(broker)).await?;
    let qos = vec![QOS_0; broker.topics.len()];
    if let Err(error) = client.subscribe_many(&broker.topics, &qos).await {
        // Connected but deaf is worse than not connected: start over.
        let _ = client.disconnect(None).await;
        return Err(error);
    }
    Ok(())
}

fn connect_options(broker: &Broker) -> ConnectOptions {
    let mut options = if broker.url.starts_with("ws") {
        ConnectOptionsBuilder::new_ws()
    } else {
        ConnectOptionsBuilder::new_v3()
    };
    options
        .clean_session(true)
        .keep_alive_interval(KEEP_ALIVE)
        .connect_timeout(Duration::from_secs(broker.connect_timeout_s));
    if let Some(username) = &broker.username {
        options.user_name(username);
    }
    if let Some(password) = &broker.password {
        options.password(password.as_str());
    }
    if broker.tls {
        options.ssl_options(
            SslOptionsBuilder::new().enable_server_cert_auth(broker.verify).verify(broker.verify).finalize(),
        );
    }
    options.finalize()
}

/// Hands messages on until the connection is lost or the program ends.
async fn forward(events: &AsyncReceiver<Event>, inlet: &Inlet, stop: &mut Stop) {
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            _ = stop.changed() => return,
        };
        match event {
            Ok(Event::ConnectionLost | Event::Disconnected { .. } | Event::Shutdown) | Err(_) => return,
            Ok(event) => take(&event, inlet),
        }
    }
}

fn take(event: &Event, inlet: &Inlet) {
    if let Event::Message(message) = event {
        inlet.offer(message.topic(), message.payload(), message.retained());
    }
}
