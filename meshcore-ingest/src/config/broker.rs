//! `broker`: the broker inside `corescope`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use meshcore_proto::PublicKey;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{ConfigError, Secret};
use crate::broker::{Accounts, BrokerOptions, Limits, TlsOptions, User};

/// `broker`. Without a key of it `corescope` starts a broker for this machine, when it is told of no other one.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct EmbeddedBroker {
    /// Whether there is one; default: when no other broker is configured.
    pub enabled: Option<bool>,
    /// TCP port of plain MQTT; default 1883, 0 = any that is free.
    pub port: Option<u16>,
    /// Address of the ports; default: this machine only, and all addresses as soon as users or tokens are configured.
    pub bind: Option<IpAddr>,
    /// MQTT over WebSocket on the port of the web page, at `/mqtt` and `/`; default true.
    pub web_socket: Option<bool>,
    /// Encrypted MQTT on a port of its own.
    pub tls: Option<BrokerTls>,
    /// Clients without a name. Default: true for programs on this machine while nobody else can connect, and neither
    /// users nor tokens are configured; on the port of the web page only when it says `true`, for behind a proxy
    /// every visitor looks like this machine.
    pub anonymous: Option<bool>,
    /// Who may connect with a password.
    pub users: Vec<BrokerUser>,
    /// Observers that sign in with their node's key.
    pub tokens: BrokerTokens,
    /// How much one client may do.
    pub limits: BrokerLimits,
}

/// `broker.tls`: files in PEM form.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct BrokerTls {
    /// TCP port; default 8883, 0 = any that is free.
    pub port: Option<u16>,
    /// The server's certificate, then those that lead to its root.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// An entry of `broker.users`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct BrokerUser {
    /// A name; 64 hex digits, perhaps after `v1_`, are an observer, which may publish only what is its own.
    pub username: String,
    /// Its password.
    pub password: Option<Secret>,
    /// A file whose first line is the password, in place of `password`.
    pub password_file: Option<PathBuf>,
    /// Where it may publish, as topic filters; default `meshcore/#`.
    pub topics: Vec<String>,
}

/// `broker.tokens`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct BrokerTokens {
    /// Whether a token opens the door. Everybody can make one: it proves which observer speaks, not that it is welcome.
    pub enabled: bool,
    /// Names of this broker, one of which a token must be made out to; empty: any token will do.
    pub audience: Vec<String>,
}

/// `broker.limits`. Programs on this machine are limited by `maxPacketBytes` alone.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct BrokerLimits {
    /// Connections from one address; default 16.
    pub connections_per_address: Option<u32>,
    /// Connections of one user or observer; default 4.
    pub connections_per_key: Option<u32>,
    /// Messages per second of one user, observer or nameless address, over ten seconds; default 100.
    pub messages_per_second: Option<u32>,
    /// Bytes of payload in the same way; default 131072.
    pub bytes_per_second: Option<u32>,
    /// Largest MQTT packet; default 65536.
    pub max_packet_bytes: Option<u32>,
}

impl EmbeddedBroker {
    const PORT: u16 = 1883;
    const TLS_PORT: u16 = 8883;

    /// Whether nothing asks for it, so that another program on its port may take its place.
    pub fn is_optional(&self) -> bool {
        self.enabled.is_none() && self.port.is_none() && self.tls.is_none()
    }

    /// Checks all keys, reads the passwords, and fills in what is left open.
    ///
    /// # Errors
    /// [`ConfigError`], naming the key.
    pub fn resolve(&self) -> Result<BrokerOptions, ConfigError> {
        let has_accounts = !self.users.is_empty() || self.tokens.enabled;
        let everywhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let address = self.bind.unwrap_or(if has_accounts { everywhere } else { here });
        let tls = self.tls.as_ref().map(|tls| tls.resolve(address)).transpose()?;
        Ok(BrokerOptions {
            listen: SocketAddr::new(address, self.port.unwrap_or(Self::PORT)),
            tls,
            web_socket: self.web_socket.unwrap_or(true),
            accounts: Accounts {
                anonymous: self.anonymous.unwrap_or_else(|| address.is_loopback() && !has_accounts),
                anonymous_on_the_web: self.anonymous == Some(true),
                users: self.users()?,
                tokens: self.tokens.enabled,
                audience: self.tokens.audience.clone(),
            },
            limits: self.limits.resolve()?,
        })
    }

    fn users(&self) -> Result<Vec<User>, ConfigError> {
        let mut users: Vec<User> = Vec::with_capacity(self.users.len());
        for (index, user) in self.users.iter().enumerate() {
            let key = format!("broker.users[{index}]");
            let user = user.resolve(&key)?;
            if users.iter().any(|other| other.name == user.name) {
                return Err(wrong(format!("{key}.username"), "another user has this name"));
            }
            users.push(user);
        }
        Ok(users)
    }
}

impl BrokerTls {
    fn resolve(&self, address: IpAddr) -> Result<TlsOptions, ConfigError> {
        for (key, path) in [("broker.tls.cert", &self.cert), ("broker.tls.key", &self.key)] {
            if path.as_os_str().is_empty() {
                return Err(wrong(key, "missing; expected the name of a PEM file"));
            }
        }
        Ok(TlsOptions {
            listen: SocketAddr::new(address, self.port.unwrap_or(EmbeddedBroker::TLS_PORT)),
            certificate: self.cert.clone(),
            key: self.key.clone(),
        })
    }
}

impl BrokerUser {
    fn resolve(&self, key: &str) -> Result<User, ConfigError> {
        if self.username.is_empty() {
            return Err(wrong(format!("{key}.username"), "missing"));
        }
        let password = match (&self.password, &self.password_file) {
            (Some(password), None) => password.clone(),
            (None, Some(path)) => {
                Secret::of_file(path).map_err(|reason| wrong(format!("{key}.passwordFile"), &reason))?
            }
            _ => return Err(wrong(key, "expected either `password` or `passwordFile`")),
        };
        if password.reveal().is_empty() {
            return Err(wrong(key, "the password is empty"));
        }
        if let Some(topic) = self.topics.iter().find(|topic| !is_filter(topic)) {
            return Err(wrong(
                format!("{key}.topics"),
                &format!("`{}` is no topic filter", topic.escape_debug()),
            ));
        }
        let observer = observer(&self.username).filter(|_| self.topics.is_empty());
        let topics = if self.topics.is_empty() { vec!["meshcore/#".to_owned()] } else { self.topics.clone() };
        Ok(User { name: self.username.clone(), password, observer, topics })
    }
}

impl BrokerLimits {
    /// Smaller packets would cut good messages, larger ones are none of a mesh.
    const PACKET_BYTES: std::ops::RangeInclusive<u32> = 1024..=1_048_576;

    fn resolve(&self) -> Result<Limits, ConfigError> {
        let positive = |name: &str, given: Option<u32>, default: u32| match given.unwrap_or(default) {
            0 => Err(wrong(format!("broker.limits.{name}"), "0 would let nobody in; use 1 or more")),
            limit => Ok(limit),
        };
        let packet_bytes = self.max_packet_bytes.unwrap_or(64 * 1024);
        if !Self::PACKET_BYTES.contains(&packet_bytes) {
            return Err(wrong(
                "broker.limits.maxPacketBytes",
                &format!("{packet_bytes} is not from 1024 to 1048576"),
            ));
        }
        Ok(Limits {
            connections_per_address: positive("connectionsPerAddress", self.connections_per_address, 16)?,
            connections_per_key: positive("connectionsPerKey", self.connections_per_key, 4)?,
            messages_per_second: positive("messagesPerSecond", self.messages_per_second, 100)?,
            bytes_per_second: positive("bytesPerSecond", self.bytes_per_second, 128 * 1024)?,
            packet_bytes,
        })
    }
}

/// The observer that a user name stands for.
fn observer(username: &str) -> Option<PublicKey> {
    username.strip_prefix("v1_").unwrap_or(username).parse().ok()
}

/// Whether `#` is the end if it is there, and wildcards stand alone.
fn is_filter(topic: &str) -> bool {
    let alone = topic.split('/').all(|level| level.len() <= 1 || !level.contains(['#', '+']));
    !topic.is_empty() && alone && !topic.contains("#/")
}

fn wrong(key: impl Into<String>, reason: &str) -> ConfigError {
    ConfigError::Value { key: key.into(), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn resolve(json: &str) -> Result<BrokerOptions, ConfigError> {
        serde_json::from_str::<EmbeddedBroker>(json).unwrap().resolve()
    }

    #[rstest]
    #[case("{}", "127.0.0.1:1883", true)]
    #[case(r#"{"bind": "0.0.0.0"}"#, "0.0.0.0:1883", false)]
    #[case(r#"{"bind": "::1", "port": 1884}"#, "[::1]:1884", true)]
    #[case(r#"{"tokens": {"enabled": true}}"#, "0.0.0.0:1883", false)]
    #[case(r#"{"users": [{"username": "a", "password": "b"}]}"#, "0.0.0.0:1883", false)]
    #[case(r#"{"tokens": {"enabled": true}, "bind": "127.0.0.1"}"#, "127.0.0.1:1883", false)]
    #[case(r#"{"tokens": {"enabled": true}, "anonymous": true}"#, "0.0.0.0:1883", true)]
    fn others_are_let_in_only_with_a_name_unless_it_is_said(
        #[case] json: &str,
        #[case] listen: &str,
        #[case] anonymous: bool,
    ) {
        let options = resolve(json).unwrap();
        assert_eq!((options.listen, options.accounts.anonymous), (listen.parse().unwrap(), anonymous));
        assert_eq!(options.accounts.anonymous_on_the_web, json.contains("anonymous"));
    }

    #[rstest]
    #[case(r#"{"users": [{"password": "b"}]}"#, "broker.users[0].username: missing")]
    #[case(
        r#"{"users": [{"username": "a"}]}"#,
        "broker.users[0]: expected either `password` or `passwordFile`"
    )]
    #[case(r#"{"users": [{"username": "a", "password": ""}]}"#, "broker.users[0]: the password is empty")]
    #[case(
        r#"{"users": [{"username": "a", "password": "b"}, {"username": "a", "password": "c"}]}"#,
        "broker.users[1].username: another user has this name"
    )]
    #[case(
        r#"{"users": [{"username": "a", "password": "b", "topics": ["a/#/b"]}]}"#,
        "broker.users[0].topics: `a/#/b` is no topic filter"
    )]
    #[case(r#"{"tls": {"cert": "c.pem"}}"#, "broker.tls.key: missing; expected the name of a PEM file")]
    #[case(
        r#"{"limits": {"connectionsPerKey": 0}}"#,
        "broker.limits.connectionsPerKey: 0 would let nobody in; use 1 or more"
    )]
    #[case(
        r#"{"limits": {"maxPacketBytes": 100}}"#,
        "broker.limits.maxPacketBytes: 100 is not from 1024 to 1048576"
    )]
    fn a_mistake_names_its_key(#[case] json: &str, #[case] message: &str) {
        assert_eq!(resolve(json).unwrap_err().to_string(), message);
    }

    #[test]
    fn a_user_named_by_a_key_is_an_observer_unless_topics_are_given() {
        let key = "7e7662676f7f0850a8a355baafbfc1eb7b4174c340442d7d7161c9474a2c9400";
        let user = |more: &str| {
            let json = format!(r#"{{"users": [{{"username": "v1_{key}", "password": "b"{more}}}]}}"#);
            resolve(&json).unwrap().accounts.users.remove(0).observer
        };
        assert_eq!(user(""), key.parse().ok());
        assert_eq!(user(r#", "topics": ["meshcore/#"]"#), None);
    }

    #[test]
    fn only_a_broker_nobody_asked_for_gives_way() {
        let is_optional = |json: &str| serde_json::from_str::<EmbeddedBroker>(json).unwrap().is_optional();
        assert!(is_optional("{}") && is_optional(r#"{"anonymous": true}"#));
        assert!(!is_optional(r#"{"enabled": true}"#) && !is_optional(r#"{"port": 1884}"#));
    }
}
