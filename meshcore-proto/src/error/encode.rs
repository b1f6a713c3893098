//! Errors of writing.

use crate::field::Field;

/// Why a packet is not written: a node would drop it, or it does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The output buffer cannot hold the result.
    #[error("needs {need} bytes, the buffer has {have}")]
    BufferTooSmall {
        /// Bytes needed.
        need: usize,
        /// Bytes given.
        have: usize,
    },

    /// Only version 0 may be sent.
    #[error("payload version {version}: only 0 exists")]
    UnsupportedVersion {
        /// The header's version bits.
        version: u8,
    },

    /// Transport codes without a route that carries them, or the reverse.
    #[error("route {route}: transport codes {}", if *.given { "given, but it has none" } else { "missing" })]
    TransportCodesMismatch {
        /// Name of the route type.
        route: &'static str,
        /// Whether codes were given.
        given: bool,
    },

    /// Hashes are 1, 2 or 3 bytes.
    #[error("hash size {size}: 1 to 3 exist")]
    InvalidHashSize {
        /// The size asked for.
        size: u8,
    },

    /// More hops than the path can hold.
    #[error("path of {count} hashes of {size} bytes: at most 63 hashes and 64 bytes")]
    PathTooLong {
        /// Hashes asked for.
        count: u8,
        /// Bytes per hash.
        size: u8,
    },

    /// A path whose hops have different sizes.
    #[error("path with hashes of {first} and of {other} bytes: one size per path")]
    MixedHashSizes {
        /// Size of the first hash in bytes.
        first: u8,
        /// The size that differs.
        other: u8,
    },

    /// The path bytes are not as many as the path-length byte says.
    #[error("path of {have} bytes where the path length says {need}")]
    PathMismatch {
        /// Bytes by the path-length byte.
        need: usize,
        /// Bytes given.
        have: usize,
    },

    /// More payload than a packet can carry.
    #[error("payload of {len} bytes: at most {max}")]
    PayloadTooLong {
        /// Bytes given.
        len: usize,
        /// The limit, 184.
        max: usize,
    },

    /// Less payload than a node reads.
    #[error("payload of {len} bytes: at least {min}")]
    PayloadTooShort {
        /// Bytes given.
        len: usize,
        /// The smallest that is read.
        min: usize,
    },

    /// More plaintext than fits after encryption.
    #[error("plaintext of {len} bytes: at most {max}")]
    PlaintextTooLong {
        /// Bytes given.
        len: usize,
        /// The limit of this packet type.
        max: usize,
    },

    /// More text than nodes show.
    #[error("text of {len} bytes: at most {max}")]
    TextTooLong {
        /// Bytes given.
        len: usize,
        /// The limit: 160, or 158 from the fourth attempt on.
        max: usize,
    },

    /// A trace that cannot collect a strength from every node it visits.
    #[error(
        "trace route of {len} bytes in entries of {entry_size}: whole entries of 1, 2, 4 or 8 bytes, at most {max}"
    )]
    InvalidTracePath {
        /// Bytes of the route.
        len: usize,
        /// Bytes per entry.
        entry_size: usize,
        /// Most entries, 63.
        max: usize,
    },

    /// A trace that does not start as one: direct and with an empty path.
    #[error("trace sent as {route} with {hops} hops: it must start direct, with an empty path")]
    MisroutedTrace {
        /// Name of the route type.
        route: &'static str,
        /// Hops in the path.
        hops: u8,
    },

    /// A password that nodes would take for a question.
    #[error("password that starts with byte {first:#04x}: nodes read a question")]
    AmbiguousPassword {
        /// Its first byte, 0x01 to 0x1f.
        first: u8,
    },

    /// A number that its bits cannot hold.
    #[error("{field} {value}: at most {max}")]
    FieldOutOfRange {
        /// What was to be written.
        field: Field,
        /// The number given.
        value: u32,
        /// The largest that fits.
        max: u32,
    },

    /// A measurement that readers would take for something else.
    #[error("record on channel {channel} with {have} numbers: channels 1 to 255, {need} numbers")]
    InvalidRecord {
        /// The channel; 0 ends the data.
        channel: u8,
        /// Numbers given.
        have: usize,
        /// Numbers of the record's type; 0 for a polyline, which cannot be written.
        need: usize,
    },

    /// A number that its measurement cannot hold.
    #[error("record with the number {value}: {min} to {max}")]
    RecordOutOfRange {
        /// The number given.
        value: i64,
        /// The smallest that fits.
        min: i64,
        /// The largest that fits.
        max: i64,
    },

    /// More advert data than nodes read.
    #[error("advert data of {len} bytes: at most {max}")]
    AppDataTooLong {
        /// Bytes given.
        len: usize,
        /// The limit, 32.
        max: usize,
    },
}

impl EncodeError {
    /// The stable name of this kind of error.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::BufferTooSmall { .. } => "BufferTooSmall",
            Self::UnsupportedVersion { .. } => "UnsupportedVersion",
            Self::TransportCodesMismatch { .. } => "TransportCodesMismatch",
            Self::InvalidHashSize { .. } => "InvalidHashSize",
            Self::PathTooLong { .. } => "PathTooLong",
            Self::MixedHashSizes { .. } => "MixedHashSizes",
            Self::PathMismatch { .. } => "PathMismatch",
            Self::PayloadTooLong { .. } => "PayloadTooLong",
            Self::PayloadTooShort { .. } => "PayloadTooShort",
            Self::PlaintextTooLong { .. } => "PlaintextTooLong",
            Self::TextTooLong { .. } => "TextTooLong",
            Self::InvalidTracePath { .. } | Self::MisroutedTrace { .. } => "InvalidTracePath",
            Self::AmbiguousPassword { .. } => "AmbiguousPassword",
            Self::FieldOutOfRange { .. } | Self::RecordOutOfRange { .. } => "FieldOutOfRange",
            Self::InvalidRecord { .. } => "InvalidRecord",
            Self::AppDataTooLong { .. } => "AppDataTooLong",
        }
    }
}
