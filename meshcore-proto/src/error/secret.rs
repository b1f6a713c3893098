//! Errors of what needs a key.

use crate::field::Field;

/// Why something could not be decrypted, or a key or signature not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CryptoError {
    /// Not one byte of ciphertext, which the firmware refuses.
    #[error("{field} at byte {offset}: needs {need} bytes, {have} left")]
    Truncated {
        /// What was being read.
        field: Field,
        /// Where it starts, in bytes from the start of MAC and ciphertext.
        offset: usize,
        /// Its size in bytes.
        need: usize,
        /// Bytes that were left.
        have: usize,
    },

    /// No key in the store has this channel hash.
    #[error("no key for channel hash {hash:02x}")]
    NoKey {
        /// The hash byte of the datagram.
        hash: u8,
    },

    /// No shared secret goes with these two node hashes.
    #[error("no secret for a message from {src_hash:02x} to {dest_hash:02x}")]
    NoSecret {
        /// First byte of the receiver's key.
        dest_hash: u8,
        /// First byte of the sender's key.
        src_hash: u8,
    },

    /// Not a whole number of cipher blocks, so not made by a MeshCore node.
    #[error("ciphertext of {len} bytes: not a multiple of 16")]
    NotBlockAligned {
        /// Length of the ciphertext in bytes.
        len: usize,
    },

    /// Keys were tried, and the MAC fits none of them.
    #[error("mac fits no key")]
    MacMismatch,

    /// A channel key that is neither 16 nor 32 bytes long.
    #[error("channel key of {len} bytes: 16 or 32 needed")]
    InvalidKeyLength {
        /// Its length in bytes.
        len: usize,
    },

    /// A channel key in text form that is not base64.
    #[error("character {offset} of the channel key is not base64")]
    InvalidBase64 {
        /// Byte offset in the text.
        offset: usize,
    },

    /// Not a point on the curve, or one with which no secret can be shared.
    #[error("public key is not usable")]
    InvalidPublicKey,

    /// The signature is not by this key over these bytes.
    #[error("signature does not verify")]
    InvalidSignature,

    /// The caller's buffer cannot hold the plaintext.
    #[error("plaintext needs {need} bytes, the buffer has {have}")]
    BufferTooSmall {
        /// Bytes needed.
        need: usize,
        /// Bytes given.
        have: usize,
    },
}

impl CryptoError {
    /// The stable name of this kind of error.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Truncated { .. } => "Truncated",
            Self::NoKey { .. } | Self::NoSecret { .. } => "NoKey",
            Self::NotBlockAligned { .. } => "NotBlockAligned",
            Self::MacMismatch => "MacMismatch",
            Self::InvalidKeyLength { .. } => "InvalidKeyLength",
            Self::InvalidBase64 { .. } => "InvalidBase64",
            Self::InvalidPublicKey => "InvalidPublicKey",
            Self::InvalidSignature => "InvalidSignature",
            Self::BufferTooSmall { .. } => "BufferTooSmall",
        }
    }
}

/// Why a decrypted text is not what its packet type promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContentError {
    /// The plaintext ended inside `field`.
    #[error("{field} at byte {offset} of the plaintext: needs {need} bytes, {have} left")]
    Truncated {
        /// What was being read.
        field: Field,
        /// Where it starts, in bytes from the start of the plaintext.
        offset: usize,
        /// Its size in bytes.
        need: usize,
        /// Bytes that were left.
        have: usize,
    },

    /// A text type that receivers drop.
    #[error("text type {txt_type}: not one that receivers accept")]
    UnsupportedTextType {
        /// The upper six bits of the flags byte.
        txt_type: u8,
    },

    /// A path-length byte inside the plaintext that no path can have.
    #[error("path length byte {byte:#04x}: no such path")]
    InvalidPathLen {
        /// The path-length byte.
        byte: u8,
    },

    /// A length field that reaches beyond the plaintext.
    #[error("data length {need}, but {have} bytes follow")]
    LengthMismatch {
        /// What the length field says.
        need: usize,
        /// Bytes that follow it.
        have: usize,
    },
}

impl ContentError {
    /// The stable name of this kind of error.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Truncated { .. } => "Truncated",
            Self::UnsupportedTextType { .. } => "UnsupportedTextType",
            Self::InvalidPathLen { .. } => "InvalidPathLen",
            Self::LengthMismatch { .. } => "LengthMismatch",
        }
    }
}
