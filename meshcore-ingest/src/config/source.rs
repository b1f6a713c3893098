//! One source: what the file says about it.

use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::{Broker, ConfigError, Identity, Qos, Seconds, Secret, TlsFiles};

/// An entry of `mqttSources`.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Source {
    /// Label in logs and figures; default: the URL without credentials.
    pub name: Option<String>,
    /// `mqtt://` `tcp://` `mqtts://` `ssl://` `ws://` `wss://`.
    #[schemars(url)]
    pub broker: String,
    /// Credentials; those in the URL count when these are absent.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<Secret>,
    /// A file whose first line is the password.
    pub password_file: Option<PathBuf>,
    /// `false`: do not check the broker's certificate.
    pub reject_unauthorized: bool,
    /// Topic filters; empty: `meshcore/#`.
    pub topics: Vec<String>,
    /// Regions whose packets are taken; empty: all.
    pub iata_filter: Vec<String>,
    /// Region of observers that name none.
    pub region: Option<String>,
    /// Seconds to wait for a connection.
    pub connect_timeout_sec: Seconds,
    /// Seconds without traffic after which the broker is asked for a sign of life. A dead connection is noticed after at
    /// most two and a half times as long.
    pub keep_alive_sec: Seconds,
    /// 1: the broker repeats what was not acknowledged; default 0, and 1 with a persistent session.
    pub qos: Option<u8>,
    /// The id the broker knows us by; default: another one at each start.
    pub client_id: Option<String>,
    /// Have the broker keep what is published while we are not connected. Needs `clientId`.
    pub persistent_session: bool,
    /// Certificates and keys.
    pub tls: TlsFiles,
}

/// `mqtt`: the form before there were several sources.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct LegacyMqtt {
    /// Broker URL.
    #[schemars(url)]
    pub broker: String,
    /// A topic beside `meshcore/#`.
    pub topic: String,
}

impl Default for Source {
    fn default() -> Self {
        Self {
            name: None,
            broker: String::new(),
            username: None,
            password: None,
            password_file: None,
            reject_unauthorized: true,
            topics: Vec::new(),
            iata_filter: Vec::new(),
            region: None,
            connect_timeout_sec: Seconds::new(30),
            keep_alive_sec: Seconds::new(30),
            qos: None,
            client_id: None,
            persistent_session: false,
            tls: TlsFiles::default(),
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("name", &self.name).finish_non_exhaustive() // its URL may have a password
    }
}

impl fmt::Debug for LegacyMqtt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LegacyMqtt").field("topic", &self.topic).finish_non_exhaustive()
    }
}

impl Source {
    /// Everything the mesh's observers publish.
    pub(super) const DEFAULT_TOPIC: &'static str = "meshcore/#";

    /// Brokers must take 23 bytes, and all known ones take more.
    const LONGEST_CLIENT_ID: usize = 128;

    /// A dead connection is then noticed within two minutes.
    const LONGEST_KEEP_ALIVE_S: u16 = 45;

    /// Reads the password of the entry at `key` from its file, if it is in one.
    pub(super) fn read_password(&mut self, key: &str) -> Result<(), ConfigError> {
        let Some(path) = &self.password_file else { return Ok(()) };
        let wrong = |reason: String| ConfigError::Value { key: format!("{key}.passwordFile"), reason };
        if self.password.is_some() {
            return Err(wrong("there is a password too; use one of them".into()));
        }
        self.password = Some(Secret::of_file(path).map_err(wrong)?);
        Ok(())
    }

    /// Checks the entry at `key` and fills in what it leaves open.
    pub(super) fn resolve(&self, key: &str) -> Result<Broker, ConfigError> {
        let wrong = |reason: &str| ConfigError::Value {
            key: format!("{key}.broker"),
            reason: format!("{reason}; expected a URL such as mqtt://broker.example:1883"),
        };
        if self.broker.trim().is_empty() {
            return Err(wrong("missing"));
        }
        let url = Url::parse(self.broker.trim()).map_err(|error| wrong(&error.to_string()))?;
        let (scheme, tls, port) = match url.scheme() {
            "mqtt" | "tcp" => ("tcp", false, 1883),
            "mqtts" | "ssl" => ("ssl", true, 8883),
            "ws" => ("ws", false, 80),
            "wss" => ("wss", true, 443),
            other => return Err(wrong(&format!("unknown scheme `{other}`"))),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| wrong("no host"))?;
        let port = url.port().unwrap_or(port);
        let path = if scheme.starts_with("ws") { url.path() } else { "" };
        let public = format!("{scheme}://{host}:{port}{path}");
        self.tls.check(&format!("{key}.tls"), tls)?;
        let identity = self.identity(key)?;
        if let Some(index) = self.topics.iter().position(|topic| !is_filter(topic.trim())) {
            return Err(ConfigError::Value {
                key: format!("{key}.topics[{index}]"),
                reason: "no topic filter; expected one such as meshcore/# or meshcore/+/+/packets".into(),
            });
        }
        let from_url = |text: &str| (!text.is_empty()).then(|| percent_decoded(text));
        Ok(Broker {
            name: self.name.clone().filter(|name| !name.is_empty()).unwrap_or_else(|| public.clone()),
            url: public,
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            tls,
            verify: self.reject_unauthorized,
            tls_files: self.tls.clone(),
            username: self.username.clone().or_else(|| from_url(url.username())),
            password: self
                .password
                .as_ref()
                .map(|password| password.reveal().to_owned())
                .or_else(|| url.password().and_then(from_url)),
            topics: uncovered(&self.topics),
            iata_filter: self.iata_filter.iter().map(|code| code.trim().to_uppercase()).collect(),
            region: self.region.as_deref().map(str::trim).filter(|r| !r.is_empty()).map(str::to_uppercase),
            connect_timeout_s: self.connect_timeout_sec.positive().map_or(1, u64::from),
            keep_alive_s: self.keep_alive(key)?,
            qos: self.qos(key, &identity)?,
            identity,
        })
    }

    fn identity(&self, key: &str) -> Result<Identity, ConfigError> {
        let wrong = |name: &str, reason: String| ConfigError::Value { key: format!("{key}.{name}"), reason };
        let id = self.client_id.as_deref().map(str::trim).filter(|id| !id.is_empty());
        if let Some(id) = id
            && (id.chars().any(char::is_control) || id.len() > Self::LONGEST_CLIENT_ID)
        {
            let most = Self::LONGEST_CLIENT_ID;
            return Err(wrong(
                "clientId",
                format!("expected at most {most} bytes without control characters"),
            ));
        }
        match (id, self.persistent_session) {
            (None, false) => Ok(Identity::Random),
            (Some(id), false) => Ok(Identity::Named(id.to_owned())),
            (Some(id), true) => Ok(Identity::Persistent(id.to_owned())),
            (None, true) => Err(wrong(
                "persistentSession",
                "needs a clientId by which the broker finds the session again".to_owned(),
            )),
        }
    }

    fn qos(&self, key: &str, identity: &Identity) -> Result<Qos, ConfigError> {
        match self.qos {
            Some(0) => Ok(Qos::AtMostOnce),
            Some(1) => Ok(Qos::AtLeastOnce),
            None if matches!(identity, Identity::Persistent(_)) => Ok(Qos::AtLeastOnce),
            None => Ok(Qos::AtMostOnce),
            Some(other) => Err(ConfigError::Value {
                key: format!("{key}.qos"),
                reason: format!("{other} is not offered; use 0 or 1"),
            }),
        }
    }

    fn keep_alive(&self, key: &str) -> Result<u16, ConfigError> {
        let (given, most) = (self.keep_alive_sec.get(), Self::LONGEST_KEEP_ALIVE_S);
        if let Ok(seconds) = u16::try_from(given)
            && (1..=most).contains(&seconds)
        {
            return Ok(seconds);
        }
        Err(ConfigError::Value {
            key: format!("{key}.keepAliveSec"),
            reason: format!(
                "{given} seconds would notice a dead connection too late or never; use 1 to {most}"
            ),
        })
    }
}

/// Whether a broker takes this as a filter; it hangs up at one that is none.
fn is_filter(topic: &str) -> bool {
    let levels: Vec<&str> = topic.split('/').collect();
    let is_level = |(index, level): (usize, &&str)| match *level {
        "#" => index + 1 == levels.len(),
        "+" => true,
        level => !level.contains(['#', '+', '\0']),
    };
    topic.len() <= usize::from(u16::MAX) && levels.iter().enumerate().all(is_level)
}

/// Topic filters less those another one covers: a broker delivers a message once per matching subscription.
fn uncovered(topics: &[String]) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for topic in topics.iter().map(|topic| topic.trim()).filter(|topic| !topic.is_empty()) {
        if kept.iter().any(|other| covers(other, topic)) {
            continue;
        }
        kept.retain(|other| !covers(topic, other));
        kept.push(topic.to_owned());
    }
    if kept.is_empty() {
        kept.push(Source::DEFAULT_TOPIC.to_owned());
    }
    kept
}

/// Whether every topic that matches `narrow` matches `wide` too.
pub(crate) fn covers(wide: &str, narrow: &str) -> bool {
    let (mut wide, mut narrow) = (wide.split('/'), narrow.split('/'));
    loop {
        match (wide.next(), narrow.next()) {
            (Some("#"), _) | (None, None) => return true,
            (Some("+"), Some(level)) if level != "#" => {}
            (Some(a), Some(b)) if a == b => {}
            _ => return false,
        }
    }
}

fn percent_decoded(text: &str) -> String {
    // The URL crate keeps user and password percent-encoded; a form value of the same text decodes it.
    let encoded = text.replace('+', "%2B");
    url::form_urlencoded::parse(encoded.as_bytes())
        .map(|(key, _)| key.into_owned())
        .next()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("mqtt://a.example", "tcp://a.example:1883", false)]
    #[case("tcp://a.example:1884", "tcp://a.example:1884", false)]
    #[case("mqtts://a.example", "ssl://a.example:8883", true)]
    #[case("wss://a.example/mqtt", "wss://a.example:443/mqtt", true)]
    #[case("ws://[::1]:9001/", "ws://[::1]:9001/", false)]
    fn urls_get_scheme_and_port(#[case] given: &str, #[case] used: &str, #[case] tls: bool) {
        let source = Source { broker: given.into(), ..Source::default() };
        let broker = source.resolve("mqttSources[0]").unwrap();
        assert_eq!((broker.url.as_str(), broker.tls), (used, tls));
    }

    #[test]
    fn credentials_in_the_url_are_used_and_never_shown() {
        let source = Source { broker: "mqtt://ann:p%40ss+1@a.example".into(), ..Source::default() };
        let broker = source.resolve("mqttSources[0]").unwrap();
        assert_eq!(broker.username.as_deref(), Some("ann"));
        assert_eq!(broker.password.as_deref(), Some("p@ss+1"));
        let shown = format!("{broker:?} {} {}", broker.name, broker.url);
        assert!(!shown.contains("p@ss") && !shown.contains("p%40ss"), "{shown}");
    }

    #[rstest]
    #[case("", "mqttSources[3].broker: missing; expected a URL such as mqtt://broker.example:1883")]
    #[case(
        "localhost:1883",
        "mqttSources[3].broker: unknown scheme `localhost`; expected a URL such as mqtt://broker.example:1883"
    )]
    fn a_wrong_url_names_the_key(#[case] given: &str, #[case] message: &str) {
        let source = Source { broker: given.into(), ..Source::default() };
        assert_eq!(source.resolve("mqttSources[3]").unwrap_err().to_string(), message);
    }

    #[test]
    fn a_persistent_session_has_qos_1_and_an_id() {
        let source = Source {
            broker: "mqtt://a.example".into(),
            client_id: Some(" me ".into()),
            persistent_session: true,
            ..Source::default()
        };
        let broker = source.resolve("mqttSources[0]").unwrap();
        assert_eq!(broker.identity, Identity::Persistent("me".into()));
        assert_eq!(broker.qos, Qos::AtLeastOnce);
        let broker = Source { qos: Some(0), ..source.clone() }.resolve("mqttSources[0]").unwrap();
        assert_eq!(broker.qos, Qos::AtMostOnce, "what is written wins");
        let broker = Source { persistent_session: false, ..source }.resolve("mqttSources[0]").unwrap();
        assert_eq!((broker.identity, broker.qos), (Identity::Named("me".into()), Qos::AtMostOnce));
    }

    #[rstest]
    #[case(r#"{"qos": 2}"#, "s.qos: 2 is not offered; use 0 or 1")]
    #[case(
        r#"{"persistentSession": true}"#,
        "s.persistentSession: needs a clientId by which the broker finds the session again"
    )]
    #[case(
        r#"{"clientId": "a\u0000b"}"#,
        "s.clientId: expected at most 128 bytes without control characters"
    )]
    #[case(
        r#"{"topics": ["meshcore/#", "meshcore/#/packets"]}"#,
        "s.topics[1]: no topic filter; expected one such as meshcore/# or meshcore/+/+/packets"
    )]
    #[case(
        r#"{"topics": ["mesh+"]}"#,
        "s.topics[0]: no topic filter; expected one such as meshcore/# or meshcore/+/+/packets"
    )]
    #[case(
        r#"{"keepAliveSec": 0}"#,
        "s.keepAliveSec: 0 seconds would notice a dead connection too late or never; use 1 to 45"
    )]
    #[case(
        r#"{"tls": {"caFile": "ca.pem"}}"#,
        "s.tls.caFile: the connection is not encrypted; use a broker URL with mqtts:// or wss://"
    )]
    #[case(
        r#"{"broker": "mqtts://b.example", "tls": {"keyFile": "key.pem"}}"#,
        "s.tls.keyFile: a key without a certificate; give certFile too"
    )]
    fn what_cannot_work_is_answered_with_the_key(#[case] json: &str, #[case] message: &str) {
        let given: Source = serde_json::from_str(json).unwrap();
        let source = if given.broker.is_empty() {
            Source { broker: "mqtt://a.example".into(), ..given }
        } else {
            given
        };
        assert_eq!(source.resolve("s").unwrap_err().to_string(), message);
    }

    #[rstest]
    #[case(&[], &["meshcore/#"])]
    #[case(&["meshcore/#", "meshcore/+/+/packets"], &["meshcore/#"])]
    #[case(&["meshcore/+/+/packets", "meshcore/#"], &["meshcore/#"])]
    #[case(&["meshcore/SJC/+/packets", "meshcore/SFO/#"], &["meshcore/SJC/+/packets", "meshcore/SFO/#"])]
    fn covered_topics_are_left_out(#[case] given: &[&str], #[case] kept: &[&str]) {
        let given: Vec<String> = given.iter().map(ToString::to_string).collect();
        assert_eq!(uncovered(&given), kept);
    }
}
