//! The answer to `GET_ACCESS_LIST`: who may do what.

use core::fmt;

use super::MAX_BODY;
use crate::content::check_plaintext;
use crate::error::EncodeError;
use crate::write::Writer;

/// Bytes of an entry.
const ENTRY_LEN: usize = 7;

/// What a client may do (firmware `src/helpers/ClientACL.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccessRole {
    /// What anybody may.
    Guest,
    /// Read.
    ReadOnly,
    /// Read and write.
    ReadWrite,
    /// Everything.
    Admin,
}

impl AccessRole {
    /// From the low two bits of the permissions; the others are ignored.
    pub const fn from_bits(bits: u8) -> Self {
        match bits & 0x03 {
            0 => Self::Guest,
            1 => Self::ReadOnly,
            2 => Self::ReadWrite,
            _ => Self::Admin,
        }
    }

    /// 0 to 3.
    pub const fn bits(self) -> u8 {
        match self {
            Self::Guest => 0,
            Self::ReadOnly => 1,
            Self::ReadWrite => 2,
            Self::Admin => 3,
        }
    }

    /// In words: `read-only`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::ReadOnly => "read-only",
            Self::ReadWrite => "read-write",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for AccessRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What one client may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessEntry {
    /// The first bytes of the client's key.
    pub prefix: [u8; 6],
    /// What it may do: its role in the low two bits.
    pub permissions: u8,
}

impl AccessEntry {
    /// What the client may do.
    pub const fn role(&self) -> AccessRole {
        AccessRole::from_bits(self.permissions)
    }
}

/// Who may do what.
///
/// ```text
/// ([key prefix 6] [permissions 1])*
/// ```
///
/// Ends with the data, or where an entry is all zeros: padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessList<'a> {
    body: &'a [u8],
}

impl<'a> AccessList<'a> {
    /// Takes the body of a response: any bytes are a list.
    pub const fn new(body: &'a [u8]) -> Self {
        Self { body }
    }

    /// The entries.
    pub fn entries(&self) -> impl Iterator<Item = AccessEntry> + use<'a> {
        let (entries, _padding) = self.body.as_chunks::<ENTRY_LEN>();
        entries.iter().take_while(|entry| **entry != [0; ENTRY_LEN]).map(|entry| {
            let [prefix @ .., permissions] = *entry;
            AccessEntry { prefix, permissions }
        })
    }

    /// Writes the body of an answer to the start of `out` and returns its length.
    ///
    /// # Errors
    /// [`EncodeError::PlaintextTooLong`] above 23 entries;
    /// [`EncodeError::BufferTooSmall`].
    pub fn encode_into(entries: &[AccessEntry], out: &mut [u8]) -> Result<usize, EncodeError> {
        let len = entries.len() * ENTRY_LEN;
        check_plaintext(len, MAX_BODY)?;
        let mut body = Writer::new(out, len)?;
        for entry in entries {
            body.put(&entry.prefix)?;
            body.put(&[entry.permissions])?;
        }
        Ok(body.written())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;
    use std::vec::Vec;

    #[test]
    fn a_list_ends_at_its_padding() {
        let body = hex!("d1571e44a39a 03 57a62103acfc 82 00000000000000 f4c0efea58d7 02");
        let entries: Vec<_> = AccessList::new(&body).entries().collect();
        assert_eq!(entries.len(), 2);
        assert_eq!((entries[0].prefix, entries[0].role()), (hex!("d1571e44a39a"), AccessRole::Admin));
        assert_eq!((entries[1].permissions, entries[1].role()), (0x82, AccessRole::ReadWrite));
        let mut out = [0; 14];
        assert_eq!(AccessList::encode_into(&entries, &mut out), Ok(14));
        assert_eq!(out, body[..14]);
    }

    #[test]
    fn a_guest_is_not_padding_and_a_cut_entry_is_none() {
        assert_eq!(AccessList::new(&hex!("000000000001 00 57a62103acfc")).entries().count(), 1);
        assert_eq!(AccessList::new(&[]).entries().count(), 0);
    }

    #[test]
    fn more_clients_than_fit_are_refused() {
        let entry = AccessEntry { prefix: [1; 6], permissions: 0 };
        assert_eq!(AccessList::encode_into(&[entry; 23], &mut [0; 161]), Ok(161));
        let err = AccessList::encode_into(&[entry; 24], &mut [0; 200]).unwrap_err();
        assert_eq!(err, EncodeError::PlaintextTooLong { len: 168, max: 163 });
    }

    #[test]
    fn all_roles_survive() {
        for bits in 0..4 {
            assert_eq!(AccessRole::from_bits(bits).bits(), bits);
        }
    }
}
