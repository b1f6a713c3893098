//! The answer to `GET_NEIGHBOURS`: which repeaters a node hears.

use core::iter;

use super::BODY_OFFSET;
use crate::error::{ContentError, EncodeError};
use crate::field::Field;
use crate::parse::{Reader, byte, bytes, i16_le, u32_le};
use crate::snr::SnrQuarterDb;
use crate::write::Writer;

/// Most bytes of entries in one answer (firmware `examples/simple_repeater/MyMesh.cpp`).
const MAX_ENTRIES: usize = 130;

/// Bytes of an entry behind the key.
const AFTER_PREFIX: usize = 5;

/// A repeater that a node hears directly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neighbour<'a> {
    /// The start of its key, as long as was asked for.
    pub prefix: &'a [u8],
    /// When it was heard last, seconds before the answer.
    pub heard_secs_ago: u32,
    /// How well.
    pub snr: SnrQuarterDb,
}

/// Which repeaters a node hears: some of them, as asked for.
///
/// ```text
/// [total 2] [results 2] ([key prefix] [seconds ago 4] [snr 1])*
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neighbours<'a> {
    total: i16,
    prefix_len: u8,
    count: usize,
    entries: &'a [u8],
}

impl<'a> Neighbours<'a> {
    /// Reads the body of a response. `prefix_len` is the one of the request: the
    /// answer does not say it.
    ///
    /// # Errors
    /// [`ContentError::Truncated`] below 4 bytes; [`ContentError::LengthMismatch`]
    /// when fewer entries are there than it says.
    pub fn parse(body: &'a [u8], prefix_len: u8) -> Result<Self, ContentError> {
        let mut fields = Reader::behind(BODY_OFFSET, body);
        let (total, results) = fields.read((i16_le(Field::Body), i16_le(Field::Body)))?;
        // a negative number of them is none
        let count = usize::try_from(results).unwrap_or_default();
        let (need, have) = (count * entry_len(prefix_len), fields.rest().len());
        match fields.rest().get(..need) {
            Some(entries) => Ok(Self { total, prefix_len, count, entries }),
            None => Err(ContentError::LengthMismatch { need, have }),
        }
    }

    /// Neighbours the node has, of which this is a part.
    pub const fn total(&self) -> i16 {
        self.total
    }

    /// Bytes of each key.
    pub const fn prefix_len(&self) -> u8 {
        self.prefix_len
    }

    /// Entries in this answer.
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether this answer has no entry.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The entries, in the order asked for.
    pub fn entries(&self) -> impl Iterator<Item = Neighbour<'a>> + use<'a> {
        let prefix_len = usize::from(self.prefix_len);
        let mut fields = Reader::new(self.entries);
        iter::from_fn(move || {
            let entry = (bytes(Field::PublicKey, prefix_len), u32_le(Field::Body), byte(Field::Snr));
            let (prefix, heard_secs_ago, snr) = fields.read(entry).ok()?;
            Some(Neighbour { prefix, heard_secs_ago, snr: SnrQuarterDb::from_byte(snr) })
        })
    }

    /// Writes the body of an answer to the start of `out` and returns its length.
    ///
    /// Entries that exceed 130 bytes are left out: they are asked for with an
    /// offset. `total` is how many the node has.
    ///
    /// # Errors
    /// [`EncodeError::FieldOutOfRange`] when a key is shorter than `prefix_len`;
    /// [`EncodeError::BufferTooSmall`]: 134 bytes are always enough.
    pub fn encode_into<'n>(
        total: i16,
        prefix_len: u8,
        neighbours: impl IntoIterator<Item = Neighbour<'n>>,
        out: &mut [u8],
    ) -> Result<usize, EncodeError> {
        let (header_len, entry_len) = (4, entry_len(prefix_len));
        let mut results = 0_i16;
        let mut written = header_len;
        for neighbour in neighbours.into_iter().take(MAX_ENTRIES / entry_len) {
            let Some(prefix) = neighbour.prefix.get(..usize::from(prefix_len)) else {
                return Err(EncodeError::FieldOutOfRange {
                    field: Field::PublicKey,
                    value: u32::from(prefix_len),
                    max: u32::try_from(neighbour.prefix.len()).unwrap_or(u32::MAX),
                });
            };
            let have = out.len();
            let too_small = EncodeError::BufferTooSmall { need: written + entry_len, have };
            let rest = out.get_mut(written..).ok_or(too_small)?;
            let mut entry = Writer::new(rest, entry_len).map_err(|_| too_small)?;
            entry.put(prefix)?;
            entry.put(&neighbour.heard_secs_ago.to_le_bytes())?;
            entry.put(&neighbour.snr.get().to_le_bytes())?;
            written += entry.written();
            results += 1;
        }
        let mut header = Writer::new(out, header_len)?;
        header.put(&total.to_le_bytes())?;
        header.put(&results.to_le_bytes())?;
        Ok(written)
    }
}

fn entry_len(prefix_len: u8) -> usize {
    usize::from(prefix_len) + AFTER_PREFIX
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;
    use std::vec::Vec;

    #[test]
    fn entries_are_as_long_as_was_asked_for() {
        let body = hex!("0500 0200 7f916a1acb50 dd2f0100 0a 9365750fbe50 49b90000 fc 0000");
        let neighbours = Neighbours::parse(&body, 6).unwrap();
        assert_eq!((neighbours.total(), neighbours.len(), neighbours.prefix_len()), (5, 2, 6));
        let entries: Vec<_> = neighbours.entries().collect();
        assert_eq!((entries[0].prefix, entries[0].heard_secs_ago), (&hex!("7f916a1acb50")[..], 77_789));
        assert_eq!((entries.len(), entries[1].snr.get()), (2, -4));

        let mut out = [0; 26];
        assert_eq!(Neighbours::encode_into(5, 6, entries, &mut out), Ok(26));
        assert_eq!(out, body[..26]);
    }

    #[test]
    fn fewer_entries_than_promised_are_refused() {
        let err = Neighbours::parse(&hex!("0500 0200 7f dd2f0100 0a"), 1).unwrap_err();
        assert_eq!(err, ContentError::LengthMismatch { need: 12, have: 6 });
        assert!(Neighbours::parse(&hex!("0500 ffff"), 1).unwrap().is_empty());
        assert_eq!(Neighbours::parse(&hex!("0500 00"), 1).unwrap_err().kind(), "Truncated");
    }

    #[test]
    fn an_answer_holds_130_bytes_of_entries() {
        let neighbour = Neighbour { prefix: &[7; 32], heard_secs_ago: 1, snr: SnrQuarterDb::new(-3) };
        for (prefix_len, fit) in [(0, 26), (4, 14), (6, 11), (8, 10), (32, 3)] {
            let mut out = [0; 134];
            let len = Neighbours::encode_into(99, prefix_len, [neighbour; 40], &mut out).unwrap();
            let answer = Neighbours::parse(&out[..len], prefix_len).unwrap();
            assert_eq!((answer.len(), answer.entries().count()), (fit, fit));
        }
        let err = Neighbours::encode_into(99, 33, [neighbour], &mut [0; 134]).unwrap_err();
        assert_eq!(err, EncodeError::FieldOutOfRange { field: Field::PublicKey, value: 33, max: 32 });
        let err = Neighbours::encode_into(99, 6, [neighbour], &mut [0; 14]).unwrap_err();
        assert_eq!(err, EncodeError::BufferTooSmall { need: 15, have: 14 });
    }
}
