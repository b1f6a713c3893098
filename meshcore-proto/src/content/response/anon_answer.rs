//! The answer to the question of a stranger: regions, owner or clock.

use core::str;

use super::{BODY_OFFSET, MAX_BODY};
use crate::content::{check_plaintext, split_nul};
use crate::error::{ContentError, EncodeError};
use crate::field::Field;
use crate::parse::{Reader, at_least, u32_le};
use crate::write::Writer;

/// What a repeater tells a stranger.
///
/// ```text
/// [server time 4] [region names, comma-separated]
/// [server time 4] [name \n info]
/// [server time 4] [features 1]
/// ```
///
/// Which it is depends on the question: every reading is offered (firmware
/// `examples/simple_repeater/MyMesh.cpp`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnonAnswer<'a> {
    server_time: u32,
    data: &'a [u8],
}

impl<'a> AnonAnswer<'a> {
    /// Reads the body of a response; padding counts as data.
    ///
    /// # Errors
    /// [`ContentError::Truncated`] below 4 bytes.
    pub fn parse(body: &'a [u8]) -> Result<Self, ContentError> {
        let (server_time, data) =
            Reader::behind(BODY_OFFSET, body).read((u32_le(Field::Timestamp), at_least(Field::Body, 0)))?;
        Ok(Self { server_time, data })
    }

    /// An answer: the text `a,b,c` or `name\ninfo`, or a byte of features.
    ///
    /// # Errors
    /// [`EncodeError::PlaintextTooLong`] above 159 bytes.
    pub fn new(server_time: u32, data: &'a [u8]) -> Result<Self, EncodeError> {
        check_plaintext(4 + data.len(), MAX_BODY)?;
        Ok(Self { server_time, data })
    }

    /// Unix seconds by the repeater's clock.
    pub const fn server_time(&self) -> u32 {
        self.server_time
    }

    /// What follows the time, padding included.
    pub const fn data(&self) -> &'a [u8] {
        self.data
    }

    /// The names of the regions it forwards for, without `#`; `*` is no region at
    /// all. None when they are not UTF-8.
    pub fn regions(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.text().unwrap_or_default().split(',').filter(|name| !name.is_empty())
    }

    /// The name of the node; `None` when the answer is not UTF-8.
    pub fn node_name(&self) -> Option<&'a str> {
        self.text()?.split('\n').next()
    }

    /// What follows the name: who owns the node.
    pub fn owner_info(&self) -> Option<&'a str> {
        Some(self.text()?.split_once('\n')?.1)
    }

    /// What the repeater can do; `None` when the answer ends before it.
    pub fn features(&self) -> Option<ServerFeatures> {
        self.data.first().copied().map(ServerFeatures::from_bits)
    }

    fn text(&self) -> Option<&'a str> {
        str::from_utf8(split_nul(self.data).0).ok()
    }

    /// Writes the body to the start of `out` and returns its length.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`].
    pub fn encode_into(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        let mut body = Writer::new(out, 4 + self.data.len())?;
        body.put(&self.server_time.to_le_bytes())?;
        body.put(self.data)?;
        Ok(body.written())
    }
}

/// How a repeater reaches a second network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Bridge {
    /// By wire.
    Uart,
    /// By ESP-NOW.
    EspNow,
}

/// What a repeater can do, one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ServerFeatures(u8);

impl ServerFeatures {
    /// Takes the byte as it is.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// The byte on the wire.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The bridge to a second network, if it has one.
    pub const fn bridge(self) -> Option<Bridge> {
        match self.0 & 0x03 {
            0x01 => Some(Bridge::Uart),
            0x03 => Some(Bridge::EspNow),
            _ => None,
        }
    }

    /// Whether it forwards packets.
    pub const fn forwards(self) -> bool {
        self.0 & 0x80 == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;
    use std::vec::Vec;

    #[test]
    fn regions_are_separated_by_commas() {
        let body = hex!("00f15365 2a2c65752c756b 00");
        let answer = AnonAnswer::parse(&body).unwrap();
        assert_eq!(answer.server_time(), 1_700_000_000);
        assert_eq!(answer.regions().collect::<Vec<_>>(), ["*", "eu", "uk"]);
        let none = AnonAnswer::new(1, b"").unwrap();
        assert_eq!((none.regions().count(), none.features()), (0, None));
    }

    #[test]
    fn an_owner_follows_the_name() {
        let answer = AnonAnswer::new(1, b"Node\ninfo\nmore\0\0").unwrap();
        assert_eq!((answer.node_name(), answer.owner_info()), (Some("Node"), Some("info\nmore")));
        let answer = AnonAnswer::new(1, b"Node").unwrap();
        assert_eq!((answer.node_name(), answer.owner_info()), (Some("Node"), None));
        assert_eq!(AnonAnswer::new(1, &[0xff]).unwrap().node_name(), None);
    }

    #[test]
    fn features_are_bits() {
        for (bits, bridge, forwards) in
            [(0x00, None, true), (0x01, Some(Bridge::Uart), true), (0x83, Some(Bridge::EspNow), false)]
        {
            let data = [bits];
            let answer = AnonAnswer::new(1, &data).unwrap();
            let mut out = [0; 5];
            assert_eq!(answer.encode_into(&mut out), Ok(5));
            let features = AnonAnswer::parse(&out).unwrap().features().unwrap();
            assert_eq!((features.bridge(), features.forwards()), (bridge, forwards));
        }
    }

    #[test]
    fn what_is_too_short_or_too_long_is_refused() {
        let err = AnonAnswer::parse(&[0; 3]).unwrap_err();
        assert_eq!(err, ContentError::Truncated { field: Field::Timestamp, offset: 4, need: 4, have: 3 });
        assert!(AnonAnswer::new(1, &[b'a'; 159]).is_ok());
        assert_eq!(AnonAnswer::new(1, &[b'a'; 160]).unwrap_err().kind(), "PlaintextTooLong");
    }
}
