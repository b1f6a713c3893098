//! One broker: what the file says, and what is used to connect.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::{ConfigError, Seconds, Secret};

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

/// A broker, ready to connect to.
#[derive(Clone, PartialEq, Eq)]
pub struct Broker {
    /// Label in logs and figures, unique.
    pub name: String,
    /// URL without credentials, with a port.
    pub url: String,
    /// Whether the connection is encrypted.
    pub tls: bool,
    /// Whether the broker's certificate is checked.
    pub verify: bool,
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

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broker").field("name", &self.name).field("url", &self.url).finish_non_exhaustive()
    }
}

impl Source {
    /// Everything the mesh's observers publish.
    pub(super) const DEFAULT_TOPIC: &'static str = "meshcore/#";

    /// Bytes that are read of a password file.
    const LONGEST_PASSWORD: u64 = 64 * 1024;

    /// Reads the password of the entry at `key` from its file, if it is in one.
    pub(super) fn read_password(&mut self, key: &str) -> Result<(), ConfigError> {
        let Some(path) = &self.password_file else { return Ok(()) };
        let wrong = |reason: String| ConfigError::Value { key: format!("{key}.passwordFile"), reason };
        if self.password.is_some() {
            return Err(wrong("there is a password too; use one of them".into()));
        }
        let mut text = String::new();
        File::open(path)
            .and_then(|file| file.take(Self::LONGEST_PASSWORD).read_to_string(&mut text))
            .map_err(|error| wrong(format!("{}: {error}", path.display())))?;
        match text.lines().next().filter(|line| !line.is_empty()) {
            Some(line) => self.password = Some(Secret::new(line)),
            None => return Err(wrong(format!("{}: there is no password on its first line", path.display()))),
        }
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
        let from_url = |text: &str| (!text.is_empty()).then(|| percent_decoded(text));
        Ok(Broker {
            name: self.name.clone().filter(|name| !name.is_empty()).unwrap_or_else(|| public.clone()),
            url: public,
            tls,
            verify: self.reject_unauthorized,
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
        })
    }
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
