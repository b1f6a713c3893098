//! `mqttSources[].tls`: whom to trust, and who we are.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::ConfigError;

/// PEM files for encrypted connections. They are read at each connect, so that renewed ones are used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct TlsFiles {
    /// Certificates of authorities to trust beside those of the system.
    pub ca_file: Option<PathBuf>,
    /// Our certificate, for brokers that ask for one, and what follows up to its authority.
    pub cert_file: Option<PathBuf>,
    /// The key of that certificate; default: it is in `certFile` too.
    pub key_file: Option<PathBuf>,
}

impl TlsFiles {
    /// Checks the object at `key`, which belongs to a URL that asks for encryption or does not.
    pub(super) fn check(&self, key: &str, is_encrypted: bool) -> Result<(), ConfigError> {
        let wrong = |name: &str, reason: &str| ConfigError::Value {
            key: format!("{key}.{name}"),
            reason: reason.to_owned(),
        };
        let mut given = self.files();
        if let Some((name, _)) = given.next()
            && !is_encrypted
        {
            return Err(wrong(
                name,
                "the connection is not encrypted; use a broker URL with mqtts:// or wss://",
            ));
        }
        if self.key_file.is_some() && self.cert_file.is_none() {
            return Err(wrong("keyFile", "a key without a certificate; give certFile too"));
        }
        Ok(())
    }

    /// The files that are given, with their keys.
    pub fn files(&self) -> impl Iterator<Item = (&'static str, &PathBuf)> {
        let files = [("caFile", &self.ca_file), ("certFile", &self.cert_file), ("keyFile", &self.key_file)];
        files.into_iter().filter_map(|(name, file)| Some((name, file.as_ref()?)))
    }
}
