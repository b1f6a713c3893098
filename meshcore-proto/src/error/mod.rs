//! What can be wrong, in layers: frame, payload, advert data, cryptography,
//! decrypted contents, encoding.
//!
//! Every error is `Copy`: refusing a packet costs nothing. The text says what,
//! where and the two numbers that disagree; `kind()` is the stable name that
//! counters, logs and the test vectors use. It is the name of the variant,
//! except for:
//!
//! | Variant | `kind()` |
//! |---|---|
//! | [`HexError::OddLength`], [`HexError::InvalidDigit`] | `InvalidHex` |
//! | [`HexError::WrongLength`], [`HexError::TooLong`] | `InvalidLength` |
//! | [`AppDataError::Missing`], [`AppDataError::Truncated`] | `AppDataMissing`, `AppDataTruncated` |
//! | [`CryptoError::NoSecret`] | `NoKey` |
//! | [`EncodeError::MisroutedTrace`] | `InvalidTracePath` |
//! | [`EncodeError::RecordOutOfRange`] | `FieldOutOfRange` |

mod encode;
mod secret;

pub use encode::EncodeError;
pub use secret::{ContentError, CryptoError};

use crate::field::Field;
use crate::hex::HexError;

/// A short read: internal form of every `Truncated` variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Truncation {
    pub(crate) field: Field,
    pub(crate) offset: usize,
    pub(crate) need: usize,
    pub(crate) have: usize,
}

macro_rules! from_truncation {
    ($($error:ty),*) => {$(
        impl From<Truncation> for $error {
            fn from(Truncation { field, offset, need, have }: Truncation) -> Self {
                Self::Truncated { field, offset, need, have }
            }
        }
    )*};
}

from_truncation!(FrameError, PayloadError, AppDataError, CryptoError, ContentError);

/// Any of the errors, for callers who go through several layers.
///
/// Text and [`kind`](Self::kind) are those of the layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not hex.
    #[error(transparent)]
    Hex(#[from] HexError),
    /// The bytes are not a frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The payload has no structure.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// An advert says nothing about its node.
    #[error(transparent)]
    AppData(#[from] AppDataError),
    /// Something could not be decrypted, or a key or signature not used.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// A decrypted text is not what its packet type promises.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// A packet is not written.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

impl Error {
    /// The stable name of this kind of error.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Hex(err) => err.kind(),
            Self::Frame(err) => err.kind(),
            Self::Payload(err) => err.kind(),
            Self::AppData(err) => err.kind(),
            Self::Crypto(err) => err.kind(),
            Self::Content(err) => err.kind(),
            Self::Encode(err) => err.kind(),
        }
    }
}

/// Why bytes are not a frame.
///
/// The checks run in a fixed order, so that a frame with two faults always
/// reports the same one (firmware `src/Dispatcher.cpp`, `tryParsePacket`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The input ended inside `field`.
    #[error("{field} at byte {offset}: needs {need} bytes, {have} left")]
    Truncated {
        /// What was being read.
        field: Field,
        /// Where it starts, in bytes from the start of the frame.
        offset: usize,
        /// Its size in bytes.
        need: usize,
        /// Bytes that were left.
        have: usize,
    },

    /// The version bits are not 0, the only version there is.
    #[error("header byte {header:#04x}: payload version {version}, only 0 exists")]
    UnsupportedVersion {
        /// The whole header byte.
        header: u8,
        /// Its two version bits, 1 to 3.
        version: u8,
    },

    /// The path-length byte asks for 4-byte hashes, which the firmware reserves.
    #[error("path length byte {byte:#04x}: hash size code 3 is reserved")]
    ReservedHashSize {
        /// The path-length byte.
        byte: u8,
    },

    /// The path-length byte promises more than 64 bytes.
    #[error("path length byte {byte:#04x}: {len} path bytes, at most {max}")]
    PathTooLong {
        /// The path-length byte.
        byte: u8,
        /// Hash count times hash size.
        len: usize,
        /// The limit, 64.
        max: usize,
    },

    /// More bytes after the path than a packet can carry.
    #[error("payload at byte {offset}: {len} bytes, at most {max}")]
    PayloadTooLong {
        /// Where the payload starts.
        offset: usize,
        /// Bytes found.
        len: usize,
        /// The limit, normally 184.
        max: usize,
    },
}

impl FrameError {
    /// The stable name of this kind of error.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Truncated { .. } => "Truncated",
            Self::UnsupportedVersion { .. } => "UnsupportedVersion",
            Self::ReservedHashSize { .. } => "ReservedHashSize",
            Self::PathTooLong { .. } => "PathTooLong",
            Self::PayloadTooLong { .. } => "PayloadTooLong",
        }
    }
}

/// Why the payload of a good frame has no structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// Shorter than the smallest payload of this type that the firmware handles.
    #[error("{field} at byte {offset} of the payload: needs {need} bytes, {have} left")]
    Truncated {
        /// What was being read.
        field: Field,
        /// Where it starts, in bytes from the start of the payload.
        offset: usize,
        /// Its size in bytes.
        need: usize,
        /// Bytes that were left.
        have: usize,
    },

    /// A `TRACE` whose path-length byte has size bits: its path is one signed
    /// byte per hop, and nodes drop anything else.
    #[error("trace with path length byte {path_len:#04x}: at most 0x3f")]
    InvalidTracePath {
        /// The path-length byte of the frame.
        path_len: u8,
    },
}

impl PayloadError {
    /// The stable name of this kind of error.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Truncated { .. } => "Truncated",
            Self::InvalidTracePath { .. } => "InvalidTracePath",
        }
    }
}

/// Why an advert says nothing about its node. Key, timestamp and signature of
/// the advert stay usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AppDataError {
    /// Not one byte of advert data.
    #[error("no advert data")]
    Missing,

    /// The flags promise a field that is not there; nothing of it is used.
    #[error("{field} at byte {offset} of the advert data: needs {need} bytes, {have} left")]
    Truncated {
        /// What was being read.
        field: Field,
        /// Where it starts, in bytes from the start of the advert data.
        offset: usize,
        /// Its size in bytes.
        need: usize,
        /// Bytes that were left.
        have: usize,
    },
}

impl AppDataError {
    /// The stable name of this kind of error.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Missing => "AppDataMissing",
            Self::Truncated { .. } => "AppDataTruncated",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn texts_say_what_where_and_the_two_numbers() {
        let short = FrameError::Truncated { field: Field::Path, offset: 2, need: 4, have: 2 };
        assert_eq!(short.to_string(), "path at byte 2: needs 4 bytes, 2 left");
        let codes = EncodeError::TransportCodesMismatch { route: "FLOOD", given: true };
        assert_eq!(codes.to_string(), "route FLOOD: transport codes given, but it has none");
    }

    #[test]
    fn advert_data_kinds_are_prefixed() {
        assert_eq!(AppDataError::Missing.kind(), "AppDataMissing");
    }
}
