//! The only file that knows `mqtt5`: how it speaks MQTT with one [`Guest`].
//!
//! Of the library we take the protocol, the subscriptions and what is retained. Its listeners are not used: they do
//! the handshakes of TLS and WebSocket one after another and without a limit of time. Its limits per client id are off,
//! because ours go by address and by key. There is no session after the connection, and nothing on disk.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use mqtt5::broker::auth::{AuthProvider, AuthResult};
use mqtt5::broker::client_handler::ClientHandler;
use mqtt5::broker::config::{BrokerConfig, StorageConfig};
use mqtt5::broker::events::{
    BrokerEventHandler, ClientConnectEvent, ClientDisconnectEvent, ClientPublishEvent, PublishAction,
};
use mqtt5::broker::resource_monitor::{ResourceLimits, ResourceMonitor};
use mqtt5::broker::router::MessageRouter;
use mqtt5::broker::storage::QueueLimits;
use mqtt5::broker::sys_topics::BrokerStats;
use mqtt5::broker::tls_acceptor::TlsStreamWrapper;
use mqtt5::broker::transport::BrokerTransport;
use mqtt5::broker::websocket_server::WebSocketStreamWrapper;
use mqtt5::packet::connect::ConnectPacket;
use mqtt5::packet::publish::PublishPacket;
use mqtt5::protocol::v5::reason_codes::ReasonCode;
use mqtt5::{MqttError, QoS};
use tokio::io::DuplexStream;
use tokio::net::TcpStream;
use tokio::sync::broadcast;
use tokio::time::interval;
use tokio_rustls::server::TlsStream;
use tokio_tungstenite::WebSocketStream;

use super::auth::Login;
use super::guest::{End, Fate, Guest, Will};

/// Messages that wait for one subscriber, and bytes of those it has to confirm.
const SUBSCRIBER_QUEUE: usize = 256;
const SUBSCRIBER_QUEUE_BYTES: usize = 1024 * 1024;

/// Retained messages. As many again may come from wills, which are not asked for.
const MOST_RETAINED: usize = 2048;
const LARGEST_RETAINED: usize = 16 * 1024;

/// Exchanges under way in each direction.
const IN_FLIGHT: u16 = 64;

/// What is kept of clients that left is looked through this often.
const SWEEP: Duration = Duration::from_secs(60);

/// The MQTT broker proper.
pub(crate) struct Library {
    config: BrokerConfig,
    router: Arc<MessageRouter>,
    stats: Arc<BrokerStats>,
    monitor: Arc<ResourceMonitor>,
    shutdown: broadcast::Sender<()>,
}

/// A connection on which MQTT is about to be spoken.
pub(crate) enum Stream {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    WebSocket(Box<WebSocketStream<DuplexStream>>),
}

impl Library {
    pub(crate) fn new(largest_packet: u32) -> Self {
        let config = BrokerConfig {
            bind_addresses: Vec::new(),
            max_packet_size: usize::try_from(largest_packet).unwrap_or(usize::MAX),
            topic_alias_maximum: 8, // each keeps a topic in memory
            shared_subscription_available: false,
            max_subscriptions_per_client: 32,
            max_retained_messages: 2 * MOST_RETAINED,
            max_retained_message_size: LARGEST_RETAINED,
            client_channel_capacity: SUBSCRIBER_QUEUE,
            max_outbound_inflight: IN_FLIGHT,
            server_receive_maximum: Some(IN_FLIGHT),
            storage_config: StorageConfig::default().with_persistence(false),
            sys_topics_enabled: false,
            ..BrokerConfig::default()
        };
        let queue = QueueLimits { max_messages: SUBSCRIBER_QUEUE, max_bytes: SUBSCRIBER_QUEUE_BYTES };
        let router = MessageRouter::new()
            .with_fallback_queue_limits(queue)
            .with_retained_limits(config.max_retained_messages, config.max_retained_message_size);
        let unlimited = ResourceLimits {
            max_message_rate_per_client: 0,
            max_bandwidth_per_client: 0,
            ..ResourceLimits::default()
        };
        Self {
            config,
            router: Arc::new(router),
            stats: Arc::new(BrokerStats::new()),
            monitor: Arc::new(ResourceMonitor::new(unlimited)),
            shutdown: broadcast::Sender::new(1),
        }
    }

    /// Speaks MQTT on `stream` until one side ends it.
    pub(crate) async fn serve(&self, stream: Stream, address: SocketAddr, guest: Arc<dyn Guest>) -> End {
        let transport = match stream {
            Stream::Tcp(stream) => BrokerTransport::tcp(stream),
            Stream::Tls(stream) => BrokerTransport::tls(TlsStreamWrapper::new(*stream)),
            Stream::WebSocket(stream) => BrokerTransport::websocket(WebSocketStreamWrapper::new(*stream)),
        };
        let hooks = Arc::new(Hooks { guest, router: Arc::clone(&self.router) });
        // Hooks of its own for each connection: which one an event is about need not be found out by its client id,
        // which two connections may share for a moment.
        let config = BrokerConfig { event_handler: Some(Arc::clone(&hooks) as _), ..self.config.clone() };
        let handler = ClientHandler::new(
            transport,
            address,
            Arc::new(config),
            Arc::clone(&self.router),
            hooks,
            None,
            Arc::clone(&self.stats),
            Arc::clone(&self.monitor),
            self.shutdown.subscribe(),
        );
        match handler.run().await {
            Ok(()) => End::Closed,
            Err(error) => end_of(&error),
        }
    }

    /// Says goodbye to everybody.
    pub(crate) fn close(&self) {
        // An error means that nobody is there.
        let _ = self.shutdown.send(());
    }

    /// Forgets what those who left have left behind, for ever.
    pub(crate) async fn keep_tidy(&self) {
        let mut ticks = interval(SWEEP);
        loop {
            ticks.tick().await;
            self.router.sweep_sessions().await;
            self.monitor.cleanup_expired_windows().await;
        }
    }
}

fn end_of(error: &MqttError) -> End {
    match error {
        MqttError::Timeout | MqttError::KeepAliveTimeout => End::Silent,
        MqttError::PacketTooLarge { .. } => End::Oversize,
        MqttError::ProtocolError(_)
        | MqttError::MalformedPacket(_)
        | MqttError::InvalidTopicName(_)
        | MqttError::InvalidTopicFilter(_)
        | MqttError::InvalidClientId(_)
        | MqttError::InvalidQoS(_)
        | MqttError::InvalidPacketType(_)
        | MqttError::InvalidReasonCode(_)
        | MqttError::InvalidPropertyId(_)
        | MqttError::DuplicatePropertyId(_)
        | MqttError::UnsupportedProtocolVersion => End::Protocol,
        _ => End::Closed, // by the client, or the refusal of its login, which is counted where it was decided
    }
}

/// What the library asks and tells, passed on to the guest.
struct Hooks {
    guest: Arc<dyn Guest>,
    router: Arc<MessageRouter>,
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl AuthProvider for Hooks {
    fn authenticate<'a>(
        &'a self,
        connect: &'a ConnectPacket,
        _: SocketAddr,
    ) -> Answer<'a, mqtt5::error::Result<AuthResult>> {
        let is_in = self.guest.log_in(Login {
            client_id: &connect.client_id,
            username: connect.username.as_deref(),
            password: connect.password.as_deref(),
        });
        // Without the name of a user: the library would tell it to subscribers.
        let result =
            if is_in { AuthResult::success() } else { AuthResult::fail(ReasonCode::BadUsernameOrPassword) };
        Box::pin(async { Ok(result) })
    }

    fn authorize_publish<'a>(&'a self, _: &str, _: Option<&'a str>, topic: &'a str) -> Answer<'a, bool> {
        Box::pin(async { self.guest.may_publish(topic) })
    }

    fn authorize_subscribe<'a>(&'a self, _: &str, _: Option<&'a str>, filter: &'a str) -> Answer<'a, bool> {
        Box::pin(async { self.guest.may_subscribe(filter) })
    }
}

impl BrokerEventHandler for Hooks {
    fn on_client_connect<'a>(&'a self, event: ClientConnectEvent) -> Answer<'a, ()> {
        let will = event.will_topic.map(|topic| Will {
            topic: topic.to_string(),
            payload: event.will_payload.map(Vec::from).unwrap_or_default(),
        });
        Box::pin(async { self.guest.connected(will) })
    }

    fn on_client_publish<'a>(&'a self, event: ClientPublishEvent) -> Answer<'a, PublishAction> {
        Box::pin(async move {
            match self.guest.published(&event.topic, &event.payload).await {
                Fate::Drop => PublishAction::Handled,
                Fate::HandOn if event.qos == QoS::ExactlyOnce => {
                    self.hand_on_at_once(event).await;
                    PublishAction::Handled
                }
                Fate::HandOn if event.retain && self.is_full_of_retained(&event).await => {
                    PublishAction::Transform(packet(&event, false))
                }
                Fate::HandOn => PublishAction::Continue,
            }
        })
    }

    fn on_client_disconnect<'a>(&'a self, event: ClientDisconnectEvent) -> Answer<'a, ()> {
        Box::pin(async move { self.guest.left(event.unexpected) })
    }
}

impl Hooks {
    /// Whether there is no room to keep this message for later. The library would refuse it altogether.
    async fn is_full_of_retained(&self, event: &ClientPublishEvent) -> bool {
        self.router.retained_count().await >= MOST_RETAINED
            && !self.router.has_retained_message(&event.topic).await
    }

    /// QoS 2 as QoS 1: a client that never ends the exchange would have the library keep each message until it does.
    async fn hand_on_at_once(&self, event: ClientPublishEvent) {
        let retain = event.retain && !self.is_full_of_retained(&event).await;
        let packet = PublishPacket { qos: QoS::AtLeastOnce, ..packet(&event, retain) };
        self.router.route_message(&packet, Some(&event.client_id)).await;
    }
}

/// The message as a packet, whose topic may keep it for later.
fn packet(event: &ClientPublishEvent, retain: bool) -> PublishPacket {
    let mut packet = PublishPacket::new(event.topic.to_string(), event.payload.clone(), event.qos);
    packet.packet_id = event.packet_id;
    packet.retain = retain;
    packet
}
