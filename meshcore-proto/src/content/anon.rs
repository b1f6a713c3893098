//! The plaintext of `ANON_REQ`: a login, or a question of a stranger.

use core::fmt;

use crate::content::{MAX_ANON_PLAINTEXT, check_plaintext, split_nul};
use crate::error::{ContentError, EncodeError};
use crate::field::Field;
use crate::parse::{Reader, at_least, byte, bytes, u32_le};
use crate::path::{PathHashes, PathLen};
use crate::write::Writer;

/// Most bytes of a password.
const MAX_PASSWORD: usize = 15;

/// A request from a node that the receiver need not know.
///
/// ```text
/// [timestamp 4] [password]                           login to a repeater or sensor
/// [timestamp 4] [sync since 4] [password]            login to a room server
/// [timestamp 4] [1..=3] [path length 1] [path]       question to a repeater
/// ```
///
/// Which it is depends on the role of the receiver: every reading that the bytes
/// allow is offered (firmware `src/helpers/BaseChatMesh.cpp`, `sendLogin`;
/// `examples/simple_repeater/MyMesh.cpp`, `examples/simple_room_server/MyMesh.cpp`).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AnonRequest<'a> {
    timestamp: u32,
    body: &'a [u8],
}

impl<'a> AnonRequest<'a> {
    /// Reads a plaintext; padding counts as body.
    ///
    /// # Errors
    /// [`ContentError::Truncated`] below 4 bytes.
    pub fn parse(plaintext: &'a [u8]) -> Result<Self, ContentError> {
        let (timestamp, body) =
            Reader::new(plaintext).read((u32_le(Field::Timestamp), at_least(Field::Body, 0)))?;
        Ok(Self { timestamp, body })
    }

    /// A request of any kind.
    ///
    /// # Errors
    /// [`EncodeError::PlaintextTooLong`] above 132 bytes.
    pub fn new(timestamp: u32, body: &'a [u8]) -> Result<Self, EncodeError> {
        check_plaintext(4 + body.len(), MAX_ANON_PLAINTEXT)?;
        Ok(Self { timestamp, body })
    }

    /// A login to a repeater or sensor; [`RoomLogin`] is the one to a room.
    ///
    /// Of the password the 15 bytes are sent that nodes compare, up to a NUL.
    /// Without one it asks whether the sender is known.
    ///
    /// # Errors
    /// [`EncodeError::AmbiguousPassword`] when it starts with a control
    /// character: nodes would read a question.
    pub fn login(timestamp: u32, password: &'a str) -> Result<Self, EncodeError> {
        let body = to_password(password.as_bytes());
        match body.first() {
            Some(&first @ ..0x20) => Err(EncodeError::AmbiguousPassword { first }),
            _ => Ok(Self { timestamp, body }),
        }
    }

    /// Unix seconds by the sender's clock.
    pub const fn timestamp(&self) -> u32 {
        self.timestamp
    }

    /// The byte by which repeaters tell logins from questions; `None` when the
    /// plaintext ends before it.
    pub const fn selector(&self) -> Option<u8> {
        self.body.first().copied()
    }

    /// What follows the timestamp, padding included.
    pub const fn body(&self) -> &'a [u8] {
        self.body
    }

    /// The password as a repeater or sensor reads it, 0 to 15 bytes, UTF-8
    /// expected but not enforced. `None` when it sees no login: with a selector
    /// of 0x01 to 0x1f.
    pub fn login_password(&self) -> Option<&'a [u8]> {
        match self.selector() {
            Some(0x01..=0x1f) => None,
            _ => Some(to_password(self.body)),
        }
    }

    /// The login as a room server reads it. `None` when the body is too short
    /// for it.
    pub fn room_login(&self) -> Option<RoomLogin<'a>> {
        let (sync_since, password) = self.body.split_first_chunk()?;
        Some(RoomLogin { sync_since: u32::from_le_bytes(*sync_since), password: to_password(password) })
    }

    /// The question as a repeater reads it. `None` when it sees none, or when
    /// its reply path is not whole.
    pub fn question(&self) -> Option<AnonQuestion<'a>> {
        let mut fields = Reader::new(self.body);
        let (selector, path_len) = fields.read((byte(Field::Selector), byte(Field::PathLen))).ok()?;
        let kind = AnonQuestionKind::from_byte(selector)?;
        let path_len = PathLen::try_from(path_len).ok()?;
        let path = fields.read(bytes(Field::Path, path_len.byte_len())).ok()?;
        Some(AnonQuestion { kind, path_len, path })
    }

    /// Exact size of the plaintext.
    pub const fn encoded_len(&self) -> usize {
        4 + self.body.len()
    }

    /// Writes the plaintext to the start of `out` and returns its length.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`].
    pub fn encode_into(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        let mut plaintext = Writer::new(out, self.encoded_len())?;
        plaintext.put(&self.timestamp.to_le_bytes())?;
        plaintext.put(self.body)?;
        Ok(plaintext.written())
    }
}

/// A login to a room server.
///
/// Its plaintext becomes an [`AnonRequest`] to be sealed; the same goes for an
/// [`AnonQuestion`] and for a [`RequestBody`](crate::content::RequestBody).
///
/// ```
/// # #[cfg(feature = "ed25519")]
/// # fn main() -> Result<(), meshcore_proto::Error> {
/// use meshcore_proto::content::{AnonRequest, LoginOk, Response, RoomLogin};
/// use meshcore_proto::{Identity, MAX_PAYLOAD, Packet, Payload, Route};
///
/// let (client, room) = (Identity::from_seed(&[1; 32]), Identity::from_seed(&[2; 32]));
/// let mut plaintext = [0; MAX_PAYLOAD];
/// let len = RoomLogin::new(0, "hello").encode_plaintext(1_700_000_000, &mut plaintext)?;
/// let login = AnonRequest::parse(&plaintext[..len])?;
/// let frame = Route::flood(1)?.frame(&client.link(&room.public_key())?.seal(&login))?;
///
/// let Payload::AnonReq(request) = Packet::parse(&frame)?.payload()? else { panic!("a login was sent") };
/// let mut buf = [0; MAX_PAYLOAD];
/// let (plaintext, back) = request.decrypt(&room, &mut buf)?;
/// let login = AnonRequest::parse(plaintext)?.room_login().expect("long enough");
/// assert_eq!(login.password(), b"hello");
///
/// let mut body = [0; 16];
/// let len = LoginOk::new(0, 2, [7; 4], 1).encode_into(&mut body)?;
/// let answer = Response::new(1_700_000_001, &body[..len])?;
/// let frame = Route::flood(1)?.frame(&back.seal(&answer))?;
/// # assert!(Packet::parse(&frame).is_ok());
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "ed25519"))]
/// # fn main() {}
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RoomLogin<'a> {
    sync_since: u32,
    password: &'a [u8],
}

impl<'a> RoomLogin<'a> {
    /// A login of a client that has all posts up to `sync_since`. The password
    /// is cut as in [`AnonRequest::login`].
    pub fn new(sync_since: u32, password: &'a str) -> Self {
        Self { sync_since, password: to_password(password.as_bytes()) }
    }

    /// Time of the last post the client has, Unix seconds by the server's clock.
    pub const fn sync_since(&self) -> u32 {
        self.sync_since
    }

    /// The password, 0 to 15 bytes, UTF-8 expected but not enforced.
    pub const fn password(&self) -> &'a [u8] {
        self.password
    }

    /// Writes the plaintext to the start of `out` and returns its length, 8 to 23.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`].
    pub fn encode_plaintext(&self, timestamp: u32, out: &mut [u8]) -> Result<usize, EncodeError> {
        let mut plaintext = Writer::new(out, 8 + self.password.len())?;
        plaintext.put(&timestamp.to_le_bytes())?;
        plaintext.put(&self.sync_since.to_le_bytes())?;
        plaintext.put(self.password)?;
        Ok(plaintext.written())
    }
}

/// What a stranger may ask a repeater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AnonQuestionKind {
    /// Which regions it forwards for.
    Regions,
    /// Its name and its owner.
    Owner,
    /// Its clock and what it can do.
    Clock,
}

impl AnonQuestionKind {
    /// From the selector; `None` for those that are reserved or mean a login.
    pub const fn from_byte(selector: u8) -> Option<Self> {
        match selector {
            0x01 => Some(Self::Regions),
            0x02 => Some(Self::Owner),
            0x03 => Some(Self::Clock),
            _ => None,
        }
    }

    /// The selector on the wire.
    pub const fn get(self) -> u8 {
        match self {
            Self::Regions => 0x01,
            Self::Owner => 0x02,
            Self::Clock => 0x03,
        }
    }

    /// The firmware's name: `REGIONS`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Regions => "REGIONS",
            Self::Owner => "OWNER",
            Self::Clock => "CLOCK",
        }
    }
}

/// A question of a stranger, answered along the path it brings. Repeaters take
/// it by direct route only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnonQuestion<'a> {
    kind: AnonQuestionKind,
    path_len: PathLen,
    path: &'a [u8],
}

impl<'a> AnonQuestion<'a> {
    /// A question to be answered along `path`.
    ///
    /// # Errors
    /// [`EncodeError::PathMismatch`] when `path` is not as long as `path_len` says.
    pub fn new(kind: AnonQuestionKind, path_len: PathLen, path: &'a [u8]) -> Result<Self, EncodeError> {
        path_len.check(path)?;
        Ok(Self { kind, path_len, path })
    }

    /// What is asked.
    pub const fn kind(&self) -> AnonQuestionKind {
        self.kind
    }

    /// Hash size and hop count of the reply path.
    pub const fn path_len(&self) -> PathLen {
        self.path_len
    }

    /// The reply path as bytes.
    pub const fn path_bytes(&self) -> &'a [u8] {
        self.path
    }

    /// The reply path, the hop nearest to the repeater first.
    pub const fn hops(&self) -> PathHashes<'a> {
        PathHashes::new(self.path, self.path_len)
    }

    /// Writes the plaintext to the start of `out` and returns its length, 6 to 70.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`].
    pub fn encode_plaintext(&self, timestamp: u32, out: &mut [u8]) -> Result<usize, EncodeError> {
        let mut plaintext = Writer::new(out, 6 + self.path.len())?;
        plaintext.put(&timestamp.to_le_bytes())?;
        plaintext.put(&[self.kind.get(), self.path_len.get()])?;
        plaintext.put(self.path)?;
        Ok(plaintext.written())
    }
}

/// What nodes compare: 15 bytes at most, up to a NUL. Cut anywhere, also within
/// a character, for the other side does the same.
fn to_password(text: &[u8]) -> &[u8] {
    let (text, _) = split_nul(text);
    text.get(..MAX_PASSWORD).unwrap_or(text)
}

// passwords are not for logs

impl fmt::Debug for AnonRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AnonRequest(at {}, {} bytes …)", self.timestamp, self.body.len())
    }
}

impl fmt::Debug for RoomLogin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RoomLogin(since {}, …)", self.sync_since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn a_login_is_a_password_of_15_bytes() {
        let mut out = [0; 32];
        let len = AnonRequest::login(1, "a-password-longer-than-15").unwrap().encode_into(&mut out).unwrap();
        assert_eq!(out[..len], hex!("01000000 612d70617373776f72642d6c6f6e67"));
        let request = AnonRequest::parse(&out).unwrap();
        assert_eq!(request.login_password(), Some(&b"a-password-long"[..]));
        assert_eq!((request.selector(), request.question()), (Some(b'a'), None));
    }

    #[test]
    fn an_empty_password_asks_whether_one_is_known() {
        let request = AnonRequest::login(1, "").unwrap();
        assert_eq!(request, AnonRequest::parse(&hex!("01000000")).unwrap());
        assert_eq!(AnonRequest::login(1, "\x01"), Err(EncodeError::AmbiguousPassword { first: 1 }));
        assert_eq!((request.selector(), request.login_password()), (None, Some(&[][..])));
        assert_eq!(request.room_login(), None);
        let padded = AnonRequest::parse(&hex!("01000000 00000000")).unwrap();
        assert_eq!(padded.login_password(), Some(&[][..]));
    }

    #[test]
    fn a_room_reads_a_time_before_the_password() {
        let mut out = [0; 32];
        let login = RoomLogin::new(5, "roomroomroomroom!");
        let len = login.encode_plaintext(1, &mut out).unwrap();
        assert_eq!(out[..len], hex!("01000000 05000000 726f6f6d726f6f6d726f6f6d726f6f"));
        let request = AnonRequest::parse(&out).unwrap();
        assert_eq!((request.room_login(), request.login_password()), (Some(login), None));
    }

    #[test]
    fn a_question_brings_the_way_back() {
        let plaintext = hex!("5a0c5465 03 42 01020304 0000");
        let question = AnonRequest::parse(&plaintext).unwrap().question().unwrap();
        assert_eq!((question.kind(), question.hops().len()), (AnonQuestionKind::Clock, 2));
        let mut out = [0; 10];
        assert_eq!(question.encode_plaintext(0x6554_0c5a, &mut out), Ok(10));
        assert_eq!(out, plaintext[..10]);
        let err = AnonQuestion::new(AnonQuestionKind::Owner, question.path_len(), &[1]).unwrap_err();
        assert_eq!(err, EncodeError::PathMismatch { need: 4, have: 1 });
    }

    #[test]
    fn a_question_without_its_whole_path_is_none() {
        for plaintext in [hex!("01000000 01 02 01"), hex!("01000000 01 c0 01"), hex!("01000000 04 00 00")] {
            let request = AnonRequest::parse(&plaintext).unwrap();
            assert_eq!((request.question(), request.login_password()), (None, None));
        }
    }

    #[test]
    fn more_than_fits_is_refused() {
        assert!(AnonRequest::new(1, &[9; 132]).is_ok());
        let err = AnonRequest::new(1, &[9; 133]).unwrap_err();
        assert_eq!(err, EncodeError::PlaintextTooLong { len: 137, max: 136 });
        assert_eq!(AnonRequest::parse(&[0; 3]).unwrap_err().kind(), "Truncated");
    }
}
