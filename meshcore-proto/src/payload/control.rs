//! `CONTROL`: unencrypted talk between neighbours.

use crate::error::{EncodeError, PayloadError};
use crate::field::Field;
use crate::id::PublicKey;
use crate::node_type::NodeType;
use crate::parse::{Reader, at_least, byte, u32_le};
use crate::snr::SnrQuarterDb;
use crate::write::put_all;

const DISCOVER_REQ: u8 = 0x8;
const DISCOVER_RESP: u8 = 0x9;
const PREFIX_ONLY: u8 = 0x01;

/// A control payload by its sub-type, the high nibble of its first byte.
///
/// Sub-types 8 and above are for direct neighbours only and never forwarded
/// (firmware `src/Mesh.cpp`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Control<'a> {
    /// Sub-type 8: who is there?
    DiscoverReq(DiscoverReq),
    /// Sub-type 9: I am.
    DiscoverResp(DiscoverResp<'a>),
    /// Any other sub-type.
    Other {
        /// The first byte.
        flags: u8,
        /// What follows it.
        data: &'a [u8],
    },
}

impl<'a> Control<'a> {
    /// Reads a payload.
    ///
    /// # Errors
    /// [`PayloadError::Truncated`] below 1 byte, 6 for a discovery request or
    /// 14 for its answer.
    pub fn parse(payload: &'a [u8]) -> Result<Self, PayloadError> {
        let mut fields = Reader::new(payload);
        let flags = fields.read(byte(Field::Flags))?;
        Ok(match flags >> 4 {
            DISCOVER_REQ => {
                let (type_filter, tag) = fields.read((byte(Field::TypeFilter), u32_le(Field::Tag)))?;
                let since = fields.rest().first_chunk().map(|since| u32::from_le_bytes(*since));
                Self::DiscoverReq(DiscoverReq { flags, type_filter, tag, since })
            }
            DISCOVER_RESP => {
                let (snr, tag) = fields.read((byte(Field::Snr), u32_le(Field::Tag)))?;
                let rest = fields.read(at_least(Field::PublicKey, 8))?;
                // a key cut anywhere between its prefix and its end counts as the prefix
                let key = rest.get(..32).or_else(|| rest.get(..8)).unwrap_or_default();
                Self::DiscoverResp(DiscoverResp { flags, snr: SnrQuarterDb::from_byte(snr), tag, key })
            }
            _ => Self::Other { flags, data: fields.rest() },
        })
    }

    /// The first byte: sub-type and flags.
    pub const fn flags(&self) -> u8 {
        match self {
            Self::DiscoverReq(request) => request.flags,
            Self::DiscoverResp(response) => response.flags,
            Self::Other { flags, .. } => *flags,
        }
    }

    /// The high nibble of the first byte, 0 to 15.
    pub const fn sub_type(&self) -> u8 {
        self.flags() >> 4
    }

    /// Writes the payload to the start of `out` and returns its length. Bytes
    /// that were ignored when it was read are not written.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`].
    pub fn encode_into(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        match self {
            Self::DiscoverReq(request) => request.encode_into(out),
            Self::DiscoverResp(response) => response.encode_into(out),
            Self::Other { flags, data } => put_all(out, &[&[*flags], data]),
        }
    }
}

impl From<DiscoverReq> for Control<'_> {
    fn from(request: DiscoverReq) -> Self {
        Self::DiscoverReq(request)
    }
}

impl<'a> From<DiscoverResp<'a>> for Control<'a> {
    fn from(response: DiscoverResp<'a>) -> Self {
        Self::DiscoverResp(response)
    }
}

/// Who is there? Asked without forwarding.
///
/// ```text
/// [0x80 | prefix only 1] [type filter 1] [tag 4] [since 4]?
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiscoverReq {
    flags: u8,
    type_filter: u8,
    tag: u32,
    since: Option<u32>,
}

impl DiscoverReq {
    /// A question to be sent: to node types with a bit in `type_filter`, which
    /// changed since `since` (Unix seconds), whose answers repeat `tag`.
    pub const fn new(prefix_only: bool, type_filter: u8, tag: u32, since: Option<u32>) -> Self {
        let prefix_only = if prefix_only { PREFIX_ONLY } else { 0 };
        Self { flags: DISCOVER_REQ << 4 | prefix_only, type_filter, tag, since }
    }

    /// Writes the payload to the start of `out` and returns its length, 6 or 10.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`].
    pub fn encode_into(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        let since = self.since.map(u32::to_le_bytes);
        let since = since.as_ref().map_or(&[][..], |since| since);
        put_all(out, &[&[self.flags, self.type_filter], &self.tag.to_le_bytes(), since])
    }

    /// Whether eight bytes of each key are enough.
    pub const fn prefix_only(&self) -> bool {
        self.flags & PREFIX_ONLY != 0
    }

    /// One bit per node type: `1 << number`.
    pub const fn type_filter(&self) -> u8 {
        self.type_filter
    }

    /// Whether nodes of this type should answer.
    pub const fn asks_for(&self, node_type: NodeType) -> bool {
        // types above 7 have no bit
        node_type.bits() < 8 && self.type_filter >> node_type.bits() & 1 != 0
    }

    /// What pairs question and answer.
    pub const fn tag(&self) -> u32 {
        self.tag
    }

    /// Only nodes changed since this time (Unix seconds); absent means all.
    pub const fn since(&self) -> Option<u32> {
        self.since
    }
}

/// The answer of a neighbour.
///
/// ```text
/// [0x90 | node type 1] [snr 1] [tag 4] [public key 8 or 32]
/// ```
///
/// Firmware `examples/simple_repeater/MyMesh.cpp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiscoverResp<'a> {
    flags: u8,
    snr: SnrQuarterDb,
    tag: u32,
    key: &'a [u8],
}

impl<'a> DiscoverResp<'a> {
    /// An answer to be sent, with the whole key or eight bytes of it.
    pub fn new(
        node_type: NodeType,
        snr: SnrQuarterDb,
        tag: u32,
        public_key: &'a PublicKey,
        prefix_only: bool,
    ) -> Self {
        let key = public_key.as_bytes();
        let key = if prefix_only { key.get(..8).unwrap_or(key) } else { key };
        Self { flags: DISCOVER_RESP << 4 | node_type.bits(), snr, tag, key }
    }

    /// Writes the payload to the start of `out` and returns its length, 14 or 38.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`].
    pub fn encode_into(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        put_all(out, &[&[self.flags, self.snr.get().cast_unsigned()], &self.tag.to_le_bytes(), self.key])
    }

    /// What the neighbour is.
    pub const fn node_type(&self) -> NodeType {
        NodeType::from_bits(self.flags)
    }

    /// How well it heard the question.
    pub const fn snr(&self) -> SnrQuarterDb {
        self.snr
    }

    /// What pairs question and answer.
    pub const fn tag(&self) -> u32 {
        self.tag
    }

    /// Its key: 8 bytes of it, or all 32.
    pub const fn key_bytes(&self) -> &'a [u8] {
        self.key
    }

    /// Its key, if it is there in full.
    pub fn public_key(&self) -> Option<PublicKey> {
        self.key.first_chunk().copied().map(PublicKey::from_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn a_question_may_say_since_when() {
        let Control::DiscoverReq(all) = Control::parse(&hex!("80 04 d0f631ca")).unwrap() else { panic!() };
        assert_eq!((all.prefix_only(), all.tag(), all.since()), (false, 0xca31_f6d0, None));
        assert!(all.asks_for(NodeType::Repeater));
        assert!(!all.asks_for(NodeType::Chat));
        assert!(!all.asks_for(NodeType::from_bits(10)));

        let payload = hex!("81 04 d0f631ca 01000000 ff");
        let Control::DiscoverReq(recent) = Control::parse(&payload).unwrap() else { panic!() };
        assert_eq!((recent.prefix_only(), recent.since()), (true, Some(1)));
    }

    #[test]
    fn an_answer_has_a_prefix_or_a_whole_key() {
        let payload = hex!("92 dc 01020304 e59f56795aa63f02c58d918b40b1a086e46e0274a42719c8a639b3f5b48a9b8d");
        for (len, key_len) in [(14, 8), (37, 8), (38, 32)] {
            let Control::DiscoverResp(answer) = Control::parse(&payload[..len]).unwrap() else { panic!() };
            assert_eq!((answer.node_type(), answer.snr().get()), (NodeType::Repeater, -36));
            assert_eq!(answer.key_bytes().len(), key_len);
            assert_eq!(answer.public_key().is_some(), key_len == 32);
        }
        let err = Control::parse(&payload[..13]).unwrap_err();
        assert_eq!(err, PayloadError::Truncated { field: Field::PublicKey, offset: 6, need: 8, have: 7 });
    }

    #[test]
    fn what_was_built_is_read() {
        let mut out = [0; 38];
        let question = DiscoverReq::new(true, 0x04, 0xca31_f6d0, Some(1));
        let len = Control::from(question).encode_into(&mut out).unwrap();
        assert_eq!(out[..len], hex!("81 04 d0f631ca 01000000"));
        assert_eq!(Control::parse(&out[..len]), Ok(question.into()));

        let key = PublicKey::from_bytes([0xe5; 32]);
        for (prefix_only, expected) in [(true, 14), (false, 38)] {
            let answer = DiscoverResp::new(NodeType::Repeater, SnrQuarterDb::new(-36), 7, &key, prefix_only);
            let len = Control::from(answer).encode_into(&mut out).unwrap();
            assert_eq!((len, &out[..6]), (expected, &hex!("92 dc 07000000")[..]));
            assert_eq!(Control::parse(&out[..len]), Ok(answer.into()));
        }
    }

    #[test]
    fn unknown_sub_types_keep_their_bytes() {
        let payload = hex!("a0 010203");
        let control = Control::parse(&payload).unwrap();
        assert_eq!(control, Control::Other { flags: 0xa0, data: &hex!("010203") });
        assert_eq!(control.sub_type(), 0xa);
    }
}
