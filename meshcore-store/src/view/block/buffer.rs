//! Bytes that are written once and kept for long.
//!
//! The allocator keeps what is freed between two things that stay, and a view frees its oldest hours while the newest
//! stay: memory would fall to pieces, and the system would not get back what was forgotten. So large buffers get
//! pages of their own from the system, which takes them back as a whole.

use std::ops::Deref;
use std::sync::Arc;

use memmap2::{Mmap, MmapMut};

/// Shorter buffers are not worth pages of their own: half a page is lost by each.
const OWN_PAGES: usize = 32 * 1024;

/// Bytes that are written once. Clones share them.
#[derive(Clone, Debug)]
pub(crate) enum Buffer {
    Short(Arc<[u8]>),
    Long(Arc<Mmap>),
}

impl Buffer {
    /// A copy of the parts, one after another. Where the system gives no pages, the allocator has to do.
    pub(crate) fn of(parts: &[&[u8]]) -> Self {
        let len = parts.iter().map(|part| part.len()).sum();
        if len >= OWN_PAGES
            && let Ok(pages) = MmapMut::map_anon(len).and_then(|mut pages| {
                let mut rest = &mut pages[..];
                for part in parts {
                    let (here, behind) = rest.split_at_mut(part.len());
                    here.copy_from_slice(part);
                    rest = behind;
                }
                pages.make_read_only()
            })
        {
            return Self::Long(Arc::new(pages));
        }
        Self::Short(parts.concat().into())
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Short(bytes) => bytes,
            Self::Long(pages) => pages,
        }
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_buffers_hold_what_was_written() {
        for len in [0, 1, OWN_PAGES - 1, OWN_PAGES, OWN_PAGES * 3 + 5] {
            let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(len).collect();
            let (front, back) = bytes.split_at(len / 3);
            assert_eq!(&*Buffer::of(&[front, back]), &bytes[..]);
        }
    }
}
