//! `TRACE`: a walk along given nodes that collects signal strengths.

use crate::error::{EncodeError, PayloadError};
use crate::field::Field;
use crate::parse::{Reader, at_least, byte, u32_le};
use crate::path::PathLen;
use crate::write::put_all;

/// A trace request on its way. The strengths collected are in the frame's path.
///
/// ```text
/// [tag 4] [auth code 4] [flags 1] [route 0..]
/// ```
///
/// Firmware `src/Mesh.cpp`, `createTrace`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace<'a> {
    tag: u32,
    auth_code: u32,
    flags: u8,
    route: &'a [u8],
}

impl<'a> Trace<'a> {
    /// Reads a payload.
    ///
    /// # Errors
    /// [`PayloadError::Truncated`] below 9 bytes.
    pub fn parse(payload: &'a [u8]) -> Result<Self, PayloadError> {
        let (tag, auth_code, flags, route) = Reader::new(payload).read((
            u32_le(Field::Tag),
            u32_le(Field::AuthCode),
            byte(Field::Flags),
            at_least(Field::Payload, 0),
        ))?;
        Ok(Self { tag, auth_code, flags, route })
    }

    /// A trace to be sent along `route`: the nodes one after the other, each as
    /// the first `entry_size` bytes of its key.
    ///
    /// # Errors
    /// [`EncodeError::InvalidTracePath`] unless `entry_size` is 1, 2, 4 or 8,
    /// divides the route, and there are at most 63 entries: each adds a byte to
    /// the path (firmware `examples/companion_radio/MyMesh.cpp`).
    ///
    /// ```
    /// use meshcore_proto::payload::Trace;
    /// use meshcore_proto::Route;
    ///
    /// // along 84e4.. and 5a6c.., and back
    /// let trace = Trace::new(7, 0, 2, &[0x84, 0xe4, 0x5a, 0x6c, 0x84, 0xe4]).unwrap();
    /// let frame = Route::zero_hop().frame(&trace).unwrap();
    /// assert_eq!(frame.to_string(), "260007000000000000000184e45a6c84e4");
    /// ```
    pub fn new(tag: u32, auth_code: u32, entry_size: usize, route: &'a [u8]) -> Result<Self, EncodeError> {
        let max = usize::from(PathLen::MAX_COUNT);
        let flags = match entry_size {
            1 => 0,
            2 => 1,
            4 => 2,
            8 => 3,
            _ => return Err(EncodeError::InvalidTracePath { len: route.len(), entry_size, max }),
        };
        if !route.len().is_multiple_of(entry_size) || route.len() / entry_size > max {
            return Err(EncodeError::InvalidTracePath { len: route.len(), entry_size, max });
        }
        Ok(Self { tag, auth_code, flags, route })
    }

    /// What pairs the trace with its origin's question.
    pub const fn tag(&self) -> u32 {
        self.tag
    }

    /// Opaque; 0 in practice.
    pub const fn auth_code(&self) -> u32 {
        self.auth_code
    }

    /// The flags byte; its low two bits are the entry size.
    pub const fn flags(&self) -> u8 {
        self.flags
    }

    /// Bytes per node of the route: 1, 2, 4 or 8. Unrelated to the hash size of paths.
    pub const fn entry_size(&self) -> usize {
        1 << (self.flags & 0x03)
    }

    /// The nodes to visit.
    pub fn route(&self) -> TraceRoute<'a> {
        let whole = self.route.len() - self.route.len() % self.entry_size();
        TraceRoute { bytes: self.route.get(..whole).unwrap_or_default(), entry_size: self.entry_size() }
    }

    /// What is left of the route after the last whole entry. Senders leave nothing.
    pub fn remainder(&self) -> &'a [u8] {
        self.route.get(self.route().bytes.len()..).unwrap_or_default()
    }

    /// Whether a trace with `hops` strengths collected has been everywhere.
    pub const fn is_complete(&self, hops: usize) -> bool {
        hops.saturating_mul(self.entry_size()) >= self.route.len()
    }

    /// Writes the payload to the start of `out` and returns its length.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`].
    pub fn encode_into(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        put_all(out, &[&self.tag.to_le_bytes(), &self.auth_code.to_le_bytes(), &[self.flags], self.route])
    }
}

/// The nodes a trace visits, as prefixes of their keys, read in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceRoute<'a> {
    bytes: &'a [u8],
    entry_size: usize,
}

impl<'a> TraceRoute<'a> {
    /// Number of nodes.
    pub const fn len(&self) -> usize {
        // an entry has at least one byte
        self.bytes.len() / self.entry_size
    }

    /// Whether there is no node to visit.
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Bytes per node: 1, 2, 4 or 8.
    pub const fn entry_size(&self) -> usize {
        self.entry_size
    }

    /// Node `index`, counted from 0.
    pub fn get(&self, index: usize) -> Option<&'a [u8]> {
        let start = index.checked_mul(self.entry_size)?;
        self.bytes.get(start..start.checked_add(self.entry_size)?)
    }

    /// The nodes in the order of the visit.
    pub fn iter(&self) -> core::slice::ChunksExact<'a, u8> {
        self.bytes.chunks_exact(self.entry_size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;
    use std::vec::Vec;

    #[test]
    fn the_flags_say_how_wide_an_entry_is() {
        let payload = hex!("01000000 02000000 01 aabb ccdd ee");
        let trace = Trace::parse(&payload).unwrap();
        assert_eq!((trace.tag(), trace.auth_code(), trace.entry_size()), (1, 2, 2));
        assert_eq!(trace.route().iter().collect::<Vec<_>>(), [hex!("aabb"), hex!("ccdd")]);
        assert_eq!(trace.route().get(1), Some(&hex!("ccdd")[..]));
        assert_eq!(trace.route().get(2), None);
        assert_eq!(trace.remainder(), hex!("ee"));
    }

    #[test]
    fn a_trace_is_complete_when_every_node_has_answered() {
        let payload = hex!("01000000 00000000 00 aabbcc");
        let trace = Trace::parse(&payload).unwrap();
        assert!(!trace.is_complete(2));
        assert!(trace.is_complete(3));
    }

    #[test]
    fn what_was_built_is_read() {
        let trace = Trace::new(1, 2, 2, &hex!("aabb ccdd")).unwrap();
        let mut out = [0; 13];
        assert_eq!(trace.encode_into(&mut out), Ok(13));
        assert_eq!(out, hex!("01000000 02000000 01 aabb ccdd"));
        assert_eq!(Trace::parse(&out), Ok(trace));
    }

    #[test]
    fn a_route_of_broken_or_too_many_entries_is_not_built() {
        let err = Trace::new(1, 0, 2, &[0; 3]).unwrap_err();
        assert_eq!(err, EncodeError::InvalidTracePath { len: 3, entry_size: 2, max: 63 });
        assert!(Trace::new(1, 0, 3, &[0; 3]).is_err());
        assert!(Trace::new(1, 0, 0, &[]).is_err());
        assert!(Trace::new(1, 0, 1, &[0; 63]).is_ok());
        assert!(Trace::new(1, 0, 1, &[0; 64]).is_err());
    }

    #[test]
    fn eight_bytes_are_too_short() {
        let err = Trace::parse(&hex!("01000000 00000000")).unwrap_err();
        assert_eq!(err, PayloadError::Truncated { field: Field::Flags, offset: 8, need: 1, have: 0 });
    }
}
