//! Names of the parts of a packet, for errors that say where.

use core::fmt;

/// A part of a frame, a payload or a decrypted text.
///
/// Errors name it, and its [`Display`](fmt::Display) is what a person reads:
/// `path at byte 2: needs 4 bytes, 2 left`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Field {
    /// Frame: route, payload type and version.
    Header,
    /// Frame: two 16-bit codes after the header.
    TransportCodes,
    /// Frame: hash size and hop count.
    PathLen,
    /// Frame: the hops.
    Path,
    /// Frame: everything after the path.
    Payload,
    /// Peer datagram, `ANON_REQ`: first byte of the receiver's key.
    DestHash,
    /// Peer datagram: first byte of the sender's key.
    SrcHash,
    /// Group datagram: first byte of the channel key's hash.
    ChannelHash,
    /// Encrypted payloads: truncated HMAC.
    Mac,
    /// Encrypted payloads: what the MAC covers.
    Ciphertext,
    /// `ACK`: the four bytes that name the acknowledged message.
    Checksum,
    /// A node's key, whole or as a prefix.
    PublicKey,
    /// Seconds since 1970, by the sender's clock.
    Timestamp,
    /// `ADVERT`: Ed25519 signature.
    Signature,
    /// A byte of flag bits.
    Flags,
    /// Advert data: latitude and longitude.
    Position,
    /// Advert data: first feature word.
    Feature1,
    /// Advert data: second feature word.
    Feature2,
    /// `TRACE`, discovery: the number that pairs question and answer.
    Tag,
    /// `TRACE`: authentication code.
    AuthCode,
    /// `MULTIPART`: packets to come, and the inner type.
    Sequence,
    /// `MULTIPART`: the payload inside.
    Inner,
    /// Discovery: which node types should answer.
    TypeFilter,
    /// Discovery: how well the question was heard.
    Snr,
    /// `GRP_DATA`: what the data are.
    DataType,
    /// `GRP_DATA`: how many bytes follow.
    DataLen,
    /// `TXT_MSG`: what is said.
    Text,
    /// `TXT_MSG`: how often it was sent before.
    Attempt,
    /// `TXT_MSG`, signed: the first bytes of its author's key.
    AuthorPrefix,
    /// `REQ`: what is asked for.
    RequestType,
    /// `REQ`: what the question needs to know.
    Params,
    /// `RESPONSE`: what the request asked for.
    Body,
    /// `ANON_REQ`: what is asked for.
    Selector,
    /// `ANON_REQ` to a room server: the time of the last post known.
    SyncSince,
    /// `PATH`: what is sent along.
    ExtraType,
    /// Telemetry: channel and type of a value.
    Record,
}

impl Field {
    /// The name in words, lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::TransportCodes => "transport codes",
            Self::PathLen => "path length",
            Self::Path => "path",
            Self::Payload => "payload",
            Self::DestHash => "destination hash",
            Self::SrcHash => "source hash",
            Self::ChannelHash => "channel hash",
            Self::Mac => "mac",
            Self::Ciphertext => "ciphertext",
            Self::Checksum => "checksum",
            Self::PublicKey => "public key",
            Self::Timestamp => "timestamp",
            Self::Signature => "signature",
            Self::Flags => "flags",
            Self::Position => "position",
            Self::Feature1 => "feature 1",
            Self::Feature2 => "feature 2",
            Self::Tag => "tag",
            Self::AuthCode => "auth code",
            Self::Sequence => "sequence byte",
            Self::Inner => "inner payload",
            Self::TypeFilter => "type filter",
            Self::Snr => "snr",
            Self::DataType => "data type",
            Self::DataLen => "data length",
            Self::Text => "text",
            Self::Attempt => "attempt",
            Self::AuthorPrefix => "author prefix",
            Self::RequestType => "request type",
            Self::Params => "parameters",
            Self::Body => "body",
            Self::Selector => "selector",
            Self::SyncSince => "sync time",
            Self::ExtraType => "extra type",
            Self::Record => "record",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
