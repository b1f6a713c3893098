//! What was wrong with a connection, in words an operator can act on.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use paho_mqtt::ConnectReturnCode;

/// Why there is no connection. Without credentials, and without anything a broker wrote.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// The name leads nowhere.
    #[error("the name {host} cannot be resolved: {source}")]
    Unresolved { host: String, source: io::Error },

    /// The other end takes no connection.
    #[error("{0}")]
    Unreachable(io::Error),

    /// A file of `tls` is not there.
    #[error("tls.{key}: {}: {source}", path.display())]
    File { key: &'static str, path: PathBuf, source: io::Error },

    /// The port is open; encryption was not agreed on.
    #[error(
        "the TLS handshake failed: the broker's certificate is not trusted for this name (tls.caFile, \
         rejectUnauthorized), or it asks for a certificate of ours (tls.certFile)"
    )]
    Handshake,

    /// The port is open; what answers speaks something else, or hangs up.
    #[error("what answers there hung up, or does not speak MQTT")]
    HungUp,

    /// The broker said no.
    #[error("the broker refuses the connection: {}", refusal(*.0))]
    Refused(ConnectReturnCode),

    /// Something is under way for too long.
    #[error("no answer within {} s", .0.as_secs())]
    Silent(Duration),

    /// None of the subscriptions was granted.
    #[error("the broker refuses every topic")]
    AllTopicsRefused,

    /// The connection was there, and is not any more.
    #[error("connection lost")]
    Lost,

    /// Whatever else the library says.
    #[error("{0}")]
    Library(paho_mqtt::Error),
}

impl Fault {
    /// Whether the library's client may be in a state that cannot be trusted.
    pub(super) fn spoils_client(&self) -> bool {
        !matches!(
            self,
            Self::Unresolved { .. }
                | Self::Unreachable(_)
                | Self::File { .. }
                | Self::Handshake
                | Self::HungUp
                | Self::Refused(_)
                | Self::Lost
        )
    }
}

fn refusal(code: ConnectReturnCode) -> &'static str {
    match code {
        ConnectReturnCode::Accepted => "accepted", // not a refusal; the library does not give it as one
        ConnectReturnCode::UnacceptableProtocolVersion => "it does not speak MQTT 3.1.1",
        ConnectReturnCode::IdentifierRejected => "client id rejected",
        ConnectReturnCode::ServerUnavailable => "service unavailable",
        ConnectReturnCode::BadUserNameOrPassword => "bad user name or password",
        ConnectReturnCode::NotAuthorized => "not authorized (user name or password)",
    }
}
