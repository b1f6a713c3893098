//! The answer to a login.

use super::{AccessRole, BODY_OFFSET};
use crate::error::{ContentError, EncodeError};
use crate::field::Field;
use crate::parse::{Reader, array, byte};
use crate::write::Writer;

/// The code of a login that succeeded (firmware `RESP_SERVER_LOGIN_OK`).
const OK: u8 = 0;

/// The whole answer of old repeaters.
const LEGACY: [u8; 2] = *b"OK";

/// A login succeeded: a failed one is not answered.
///
/// ```text
/// [code 1] [keep alive 1] [admin 1] [permissions 1] [random 4] [firmware level 1]?
/// ```
///
/// Before it, in [`Response::tag`](super::Response::tag), is the server's clock
/// (firmware `examples/simple_repeater/MyMesh.cpp`, `handleLoginReq`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginOk {
    /// 0 for OK. An old repeater has the letter `O` here.
    pub code: u8,
    /// How often the client should show itself, in units of 16 seconds; no longer
    /// used, 0. An old repeater has the letter `K` here.
    pub keep_alive: u8,
    /// 1 for an admin, 0 for others; 2 for a guest of a room, who may only read.
    pub admin: u8,
    /// What the client may do: its role in the low two bits.
    pub permissions: u8,
    /// Makes the packets of equal answers differ.
    pub random: [u8; 4],
    /// Which features the server has, counted upwards. `None` or 0 from servers
    /// that do not say.
    pub firmware_level: Option<u8>,
}

impl LoginOk {
    /// A login that succeeded.
    pub const fn new(admin: u8, permissions: u8, random: [u8; 4], firmware_level: u8) -> Self {
        Self { code: OK, keep_alive: 0, admin, permissions, random, firmware_level: Some(firmware_level) }
    }

    /// Reads the body of a response.
    ///
    /// # Errors
    /// [`ContentError::Truncated`] below 8 bytes, or 2 for the answer of an old
    /// repeater. Any code is accepted: see [`is_ok`](Self::is_ok).
    pub fn parse(body: &[u8]) -> Result<Self, ContentError> {
        let mut fields = Reader::behind(BODY_OFFSET, body);
        let (code, keep_alive) = fields.read((byte(Field::Body), byte(Field::Body)))?;
        if [code, keep_alive] == LEGACY {
            let random = [0; 4];
            return Ok(Self { code, keep_alive, admin: 0, permissions: 0, random, firmware_level: None });
        }
        let (admin, permissions, random) =
            fields.read((byte(Field::Body), byte(Field::Body), array(Field::Body)))?;
        let firmware_level = fields.rest().first().copied();
        Ok(Self { code, keep_alive, admin, permissions, random: *random, firmware_level })
    }

    /// Whether this answers a login at all.
    pub const fn is_ok(&self) -> bool {
        self.code == OK || self.is_legacy()
    }

    /// Whether this is the answer of an old repeater, which says nothing but OK.
    pub const fn is_legacy(&self) -> bool {
        let [code, keep_alive] = LEGACY;
        self.code == code && self.keep_alive == keep_alive
    }

    /// How often the client should show itself, in seconds; 0 for not at all.
    pub const fn keep_alive_secs(&self) -> u16 {
        if self.is_legacy() { 0 } else { self.keep_alive as u16 * 16 }
    }

    /// Whether the client may administer the server.
    pub const fn is_admin(&self) -> bool {
        self.admin == 1
    }

    /// What the client may do.
    pub const fn role(&self) -> AccessRole {
        AccessRole::from_bits(self.permissions)
    }

    /// Writes the body to the start of `out` and returns its length, 8 or 9; 2
    /// for that of an old repeater.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`].
    pub fn encode_into(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        if self.is_legacy() {
            let mut body = Writer::new(out, LEGACY.len())?;
            body.put(&LEGACY)?;
            return Ok(body.written());
        }
        let mut body = Writer::new(out, 8 + self.firmware_level.map_or(0, |_| 1))?;
        body.put(&[self.code, self.keep_alive, self.admin, self.permissions])?;
        body.put(&self.random)?;
        if let Some(level) = self.firmware_level {
            body.put(&[level])?;
        }
        Ok(body.written())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn a_login_says_what_the_client_may_do() {
        let body = hex!("00 00 01 03 52414e44 02 000000");
        let login = LoginOk::parse(&body).unwrap();
        assert_eq!(login, LoginOk::new(1, 3, *b"RAND", 2));
        assert!(login.is_ok() && login.is_admin() && !login.is_legacy());
        assert_eq!((login.role(), login.keep_alive_secs()), (AccessRole::Admin, 0));
        let mut out = [0; 9];
        assert_eq!(login.encode_into(&mut out), Ok(9));
        assert_eq!(out, body[..9]);
    }

    #[test]
    fn an_old_server_says_less() {
        let login = LoginOk::parse(&hex!("00 01 00 02 52414e44")).unwrap();
        assert_eq!((login.firmware_level, login.keep_alive_secs()), (None, 16));
        let err = LoginOk::parse(&hex!("00 01 00 02 52414e")).unwrap_err();
        assert_eq!(err, ContentError::Truncated { field: Field::Body, offset: 8, need: 4, have: 3 });
    }

    #[test]
    fn an_old_repeater_says_ok() {
        for body in [&b"OK"[..], b"OK\0\0\0\0\0\0\0\0\0\0"] {
            let login = LoginOk::parse(body).unwrap();
            assert!(login.is_ok() && login.is_legacy() && !login.is_admin());
            assert_eq!((login.keep_alive_secs(), login.firmware_level), (0, None));
            let mut out = [0; 9];
            assert_eq!(login.encode_into(&mut out), Ok(2));
            assert_eq!(&out[..2], b"OK");
        }
        assert!(!LoginOk::parse(&[7; 12]).unwrap().is_ok());
    }
}
