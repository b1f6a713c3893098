//! What is used to connect to a broker.

use super::{ConfigError, TlsFiles};

/// A broker, ready to connect to.
#[derive(Clone, PartialEq, Eq)]
pub struct Broker {
    /// Label in logs and figures, unique.
    pub name: String,
    /// URL without credentials, with a port.
    pub url: String,
    /// The host of that URL.
    pub host: String,
    /// The port of that URL.
    pub port: u16,
    /// Whether the connection is encrypted.
    pub tls: bool,
    /// Whether the broker's certificate is checked.
    pub verify: bool,
    /// Certificates and keys.
    pub tls_files: TlsFiles,
    /// User name.
    pub username: Option<String>,
    /// Password; never printed.
    pub password: Option<String>,
    /// Topic filters, none covered by another.
    pub topics: Vec<String>,
    /// Regions whose packets are taken, upper case; empty: all.
    pub iata_filter: Vec<String>,
    /// Region of observers that name none, upper case.
    pub region: Option<String>,
    /// Seconds to wait for a connection.
    pub connect_timeout_s: u64,
    /// Seconds between signs of life.
    pub keep_alive_s: u16,
    /// How often a message may arrive.
    pub qos: Qos,
    /// Who we are to it.
    pub identity: Identity,
}

/// What a subscription asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Qos {
    /// QoS 0: what is on its way when the connection is lost is lost too.
    AtMostOnce,
    /// QoS 1: the broker repeats what was not acknowledged.
    AtLeastOnce,
}

/// Who we are to a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// An id made up at the start, a clean session.
    Random,
    /// This client id, a clean session.
    Named(String),
    /// This client id; the broker keeps subscriptions and messages while we are away.
    Persistent(String),
}

impl std::fmt::Debug for Broker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Broker").field("name", &self.name).field("url", &self.url).finish_non_exhaustive()
    }
}

impl Broker {
    /// Whether a connection to `self` serves `other` as well: they differ at most in what is done with its messages.
    pub fn is_same_connection(&self, other: &Self) -> bool {
        let (iata_filter, region) = (other.iata_filter.clone(), other.region.clone());
        Self { iata_filter, region, ..self.clone() } == *other
    }

    /// The client id, unless it is made up.
    pub fn client_id(&self) -> Option<&str> {
        match &self.identity {
            Identity::Random => None,
            Identity::Named(id) | Identity::Persistent(id) => Some(id),
        }
    }
}

/// Two sources with one client id at one broker would push each other out for ever.
pub(super) fn check_client_ids(brokers: &[Broker]) -> Result<(), ConfigError> {
    for (index, broker) in brokers.iter().enumerate() {
        let rival = brokers[..index].iter().find(|other| {
            other.client_id().is_some()
                && other.client_id() == broker.client_id()
                && (&other.host, other.port) == (&broker.host, broker.port)
        });
        if let Some(rival) = rival {
            return Err(ConfigError::Value {
                key: format!("mqttSources[{index}].clientId"),
                reason: format!("source `{}` has the same at this broker", rival.name.escape_debug()),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Seconds, Secret, Source};

    #[test]
    fn only_what_concerns_the_connection_makes_another_connection() {
        let source = Source { broker: "mqtt://a.example".into(), ..Source::default() };
        let broker = |source: Source| source.resolve("s").unwrap();
        let before = broker(source.clone());
        let filtered =
            Source { iata_filter: vec!["SJC".into()], region: Some("SFO".into()), ..source.clone() };
        assert!(before.is_same_connection(&broker(filtered)));
        for other in [
            Source { topics: vec!["a/#".into()], ..source.clone() },
            Source { password: Some(Secret::new("new")), ..source.clone() },
            Source { keep_alive_sec: Seconds::new(10), ..source.clone() },
            Source { client_id: Some("me".into()), ..source },
        ] {
            assert!(!before.is_same_connection(&broker(other)));
        }
    }

    #[test]
    fn one_client_id_is_for_one_connection_per_broker() {
        let named = |broker: &str| {
            let source = Source { broker: broker.into(), client_id: Some("me".into()), ..Source::default() };
            source.resolve("s").unwrap()
        };
        assert!(check_client_ids(&[named("mqtt://a.example"), named("mqtt://b.example")]).is_ok());
        let error = check_client_ids(&[named("mqtt://a.example"), named("tcp://a.example")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "mqttSources[1].clientId: source `tcp://a.example:1883` has the same at this broker"
        );
    }
}
