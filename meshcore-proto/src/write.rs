//! The counterpart of the reader: fields put one after the other into a buffer.

use crate::error::EncodeError;

/// Writes `parts` to the start of `out` and returns their length.
pub(crate) fn put_all(out: &mut [u8], parts: &[&[u8]]) -> Result<usize, EncodeError> {
    let mut writer = Writer::new(out, parts.iter().map(|part| part.len()).sum())?;
    for part in parts {
        writer.put(part)?;
    }
    Ok(writer.written())
}

/// Fills a buffer from the front.
pub(crate) struct Writer<'b> {
    rest: &'b mut [u8],
    written: usize,
}

impl<'b> Writer<'b> {
    /// A writer for exactly `need` bytes at the start of `out`.
    pub(crate) fn new(out: &'b mut [u8], need: usize) -> Result<Self, EncodeError> {
        let have = out.len();
        match out.get_mut(..need) {
            Some(rest) => Ok(Self { rest, written: 0 }),
            None => Err(EncodeError::BufferTooSmall { need, have }),
        }
    }

    /// Appends `bytes`.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        let rest = core::mem::take(&mut self.rest);
        let have = rest.len();
        let Some((head, tail)) = rest.split_at_mut_checked(bytes.len()) else {
            return Err(EncodeError::BufferTooSmall {
                need: self.written + bytes.len(),
                have: self.written + have,
            });
        };
        head.copy_from_slice(bytes);
        self.rest = tail;
        self.written += bytes.len();
        Ok(())
    }

    /// What is still to be written.
    #[cfg(feature = "crypto")]
    pub(crate) fn into_rest(self) -> &'b mut [u8] {
        self.rest
    }

    /// Bytes written so far.
    pub(crate) const fn written(&self) -> usize {
        self.written
    }
}
