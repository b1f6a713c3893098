//! The frames of a block, one after another. They leave memory before anything else does.

use super::super::column::{Ints, write_ints};
use super::Buffer;

/// The frames of a block.
#[derive(Clone, Debug)]
pub(crate) struct Frames {
    /// Where each frame ends, as a column, then the frames. A frame of length 0 is none.
    bytes: Buffer,
    ends: usize,
}

impl Frames {
    pub(crate) fn of<'a>(frames: impl Iterator<Item = Option<&'a [u8]>> + Clone) -> Self {
        let mut end = 0;
        let ends: Vec<i64> = frames
            .clone()
            .map(|frame| {
                end += frame.map_or(0, <[u8]>::len) as i64;
                end
            })
            .collect();
        let mut bytes = vec![0; 4];
        write_ints(&mut bytes, ends);
        let ends = bytes.len();
        bytes[..4].copy_from_slice(&u32::try_from(ends).unwrap_or(u32::MAX).to_le_bytes());
        frames.flatten().for_each(|frame| bytes.extend_from_slice(frame));
        Self { bytes: Buffer::of(&[&bytes]), ends }
    }

    /// From what [`bytes`](Self::bytes) gave; `None` when it is something else.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let ends = u32::from_le_bytes(*bytes.first_chunk::<4>()?) as usize;
        Ints::read(bytes.get(4..ends)?)?;
        Some(Self { bytes: Buffer::of(&[bytes]), ends })
    }

    /// The buffer that [`read`](Self::read) takes.
    pub(crate) const fn bytes(&self) -> &Buffer {
        &self.bytes
    }

    pub(crate) fn get(&self, row: usize) -> Option<&[u8]> {
        let ends = self.bytes.get(4..self.ends).and_then(Ints::read)?;
        let start = row.checked_sub(1).map_or(0, |before| ends.size(before));
        let frame = self.bytes.get(self.ends + start..self.ends + ends.size(row))?;
        (!frame.is_empty()).then_some(frame)
    }

    /// Bytes in memory.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len()
    }
}
