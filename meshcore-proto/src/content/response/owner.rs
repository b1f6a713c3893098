//! The answer to `GET_OWNER_INFO`: version, name and owner.

use core::str;

use super::MAX_BODY;
use crate::content::{check_plaintext, split_nul};
use crate::error::EncodeError;
use crate::write::Writer;

/// Version, name and owner of a node, a line each.
///
/// ```text
/// firmware version \n node name \n owner info
/// ```
///
/// UTF-8 expected but not enforced (firmware `examples/simple_repeater/MyMesh.cpp`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnerInfo<'a> {
    text: &'a [u8],
}

impl<'a> OwnerInfo<'a> {
    /// Takes the body of a response up to the first NUL.
    pub fn new(body: &'a [u8]) -> Self {
        Self { text: split_nul(body).0 }
    }

    /// All lines as bytes.
    pub const fn text_bytes(&self) -> &'a [u8] {
        self.text
    }

    /// All lines; `None` when they are not UTF-8.
    pub fn text(&self) -> Option<&'a str> {
        str::from_utf8(self.text).ok()
    }

    /// The first line, such as `v1.17.1`.
    pub fn firmware_version(&self) -> Option<&'a str> {
        self.line(0)
    }

    /// The second line.
    pub fn node_name(&self) -> Option<&'a str> {
        self.line(1)
    }

    /// The third line and all that follow.
    pub fn owner_info(&self) -> Option<&'a str> {
        self.line(2)
    }

    fn line(&self, index: usize) -> Option<&'a str> {
        self.text()?.splitn(3, '\n').nth(index)
    }

    /// Writes the body of an answer to the start of `out` and returns its length.
    ///
    /// # Errors
    /// [`EncodeError::PlaintextTooLong`] above 163 bytes in all;
    /// [`EncodeError::BufferTooSmall`].
    pub fn encode_into(
        firmware_version: &str,
        node_name: &str,
        owner_info: &str,
        out: &mut [u8],
    ) -> Result<usize, EncodeError> {
        let parts = [firmware_version, "\n", node_name, "\n", owner_info];
        let len = parts.iter().map(|part| part.len()).sum();
        check_plaintext(len, MAX_BODY)?;
        let mut body = Writer::new(out, len)?;
        for part in parts {
            body.put(part.as_bytes())?;
        }
        Ok(body.written())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_lines_say_it_all() {
        let owner = OwnerInfo::new(b"v1.17.1\nNode\nowner\nand more\0\0\0");
        assert_eq!((owner.firmware_version(), owner.node_name()), (Some("v1.17.1"), Some("Node")));
        assert_eq!(owner.owner_info(), Some("owner\nand more"));
        let mut out = [0; 32];
        let len = OwnerInfo::encode_into("v1.17.1", "Node", "owner\nand more", &mut out).unwrap();
        assert_eq!(&out[..len], owner.text_bytes());
    }

    #[test]
    fn missing_lines_are_none() {
        let owner = OwnerInfo::new(b"v1");
        assert_eq!(
            (owner.firmware_version(), owner.node_name(), owner.owner_info()),
            (Some("v1"), None, None)
        );
        assert_eq!(OwnerInfo::new(&[0xff]).text(), None);
        assert_eq!(OwnerInfo::new(&[]).text(), Some(""));
    }

    #[test]
    fn more_than_fits_is_refused() {
        let err = OwnerInfo::encode_into("v", "n", &"o".repeat(160), &mut [0; 200]).unwrap_err();
        assert_eq!(err, EncodeError::PlaintextTooLong { len: 164, max: 163 });
    }
}
