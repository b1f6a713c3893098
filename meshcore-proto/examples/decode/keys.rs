//! What opens encrypted payloads and gives names to codes.

use meshcore_proto::content::{AnonRequest, PathReturn, Request, Response, TextMessage};
use meshcore_proto::payload::{AnonReq, PeerDatagram};
use meshcore_proto::{
    ChannelKey, ContentError, CryptoError, Identity, KeyRing, MAX_PAYLOAD, Payload, PayloadType, PeerLink,
    Peers, PublicKey, RegionKey, Regions,
};

use crate::hidden;

/// All keys that were given.
#[derive(Default)]
pub(crate) struct Keys {
    pub(crate) channels: KeyRing,
    pub(crate) regions: Regions,
    nodes: Vec<Identity>,
    links: Peers,
}

impl Keys {
    /// Takes over the talk of `nodes` with `peers` and among themselves. Both
    /// ends have the same secret, so what a node sends is opened as well.
    ///
    /// The error is the first peer whose key is none.
    pub(crate) fn add_nodes(&mut self, nodes: Vec<Identity>, peers: &[PublicKey]) -> Result<(), PublicKey> {
        let own: Vec<_> = nodes.iter().map(Identity::public_key).collect();
        for node in &nodes {
            for peer in peers.iter().chain(&own).filter(|peer| **peer != node.public_key()) {
                let link = node.link(peer).map_err(|_| *peer)?;
                self.links.push(PeerLink::new(*link.remote(), *link.local(), link.secret().clone()));
                self.links.push(link);
            }
        }
        self.nodes.extend(nodes);
        Ok(())
    }

    /// Decrypts what one node says to another. `None` for other payloads, and
    /// when there is no node to do it for.
    pub(crate) fn open(&self, payload: &Payload<'_>) -> Option<Result<Opened, CryptoError>> {
        match payload {
            _ if self.nodes.is_empty() => None,
            Payload::Req(peer) | Payload::Response(peer) | Payload::TxtMsg(peer) | Payload::Path(peer) => {
                Some(self.open_peer(payload.payload_type(), peer))
            }
            Payload::AnonReq(request) => Some(self.open_anon(request)),
            _ => None,
        }
    }

    fn open_peer(&self, payload_type: PayloadType, peer: &PeerDatagram<'_>) -> Result<Opened, CryptoError> {
        let mut buf = [0; MAX_PAYLOAD];
        let (plaintext, link) = peer.decrypt(&self.links, &mut buf)?;
        Ok(Opened { to: *link.local(), from: *link.remote(), payload_type, plaintext: plaintext.to_vec() })
    }

    fn open_anon(&self, request: &AnonReq<'_>) -> Result<Opened, CryptoError> {
        let (dest_hash, from) = (request.dest_hash(), request.sender_public_key());
        let asked = self.nodes.iter().filter(|node| node.public_key().hash_byte() == dest_hash);
        let opened = asked.map(|node| {
            let mut buf = [0; MAX_PAYLOAD];
            let (plaintext, _) = request.decrypt(node, &mut buf)?;
            let (to, plaintext) = (node.public_key(), plaintext.to_vec());
            Ok(Opened { to, from, payload_type: PayloadType::AnonReq, plaintext })
        });
        let nobody = CryptoError::NoSecret { dest_hash, src_hash: from.hash_byte() };
        opened.reduce(Result::or).unwrap_or(Err(nobody))
    }
}

/// What one node said to another.
pub(crate) struct Opened {
    pub(crate) to: PublicKey,
    pub(crate) from: PublicKey,
    payload_type: PayloadType,
    plaintext: Vec<u8>,
}

/// The same, read.
pub(crate) enum Content<'a> {
    Text(TextMessage<'a>),
    Request(Request<'a>),
    Response(Response<'a>),
    Path(PathReturn<'a>),
    Anon(Anon),
}

/// A request of a stranger in every reading that its bytes allow, with nothing
/// in it that would be part of a password in one of them.
pub(crate) struct Anon {
    pub(crate) timestamp: u32,
    /// Bytes of the password, as a repeater reads it.
    pub(crate) login: Option<usize>,
    /// Bytes of the password, as a room reads it.
    pub(crate) room_login: Option<usize>,
    /// What is asked, and the hops of the way back.
    pub(crate) question: Option<(&'static str, u8)>,
}

impl Opened {
    pub(crate) fn content(&self) -> Result<Content<'_>, ContentError> {
        let plaintext = &self.plaintext;
        Ok(match self.payload_type {
            PayloadType::TxtMsg => Content::Text(TextMessage::parse(plaintext)?),
            PayloadType::Req => Content::Request(Request::parse(plaintext)?),
            PayloadType::Response => Content::Response(Response::parse(plaintext)?),
            PayloadType::Path => Content::Path(PathReturn::parse(plaintext)?),
            _ => Content::Anon(Anon::new(&AnonRequest::parse(plaintext)?)),
        })
    }

    /// The bytes, unless there may be a password among them.
    pub(crate) fn plaintext(&self) -> Option<&[u8]> {
        (self.payload_type != PayloadType::AnonReq).then_some(&self.plaintext)
    }
}

impl Anon {
    fn new(request: &AnonRequest<'_>) -> Self {
        Self {
            timestamp: request.timestamp(),
            login: request.login_password().map(<[u8]>::len),
            room_login: request.room_login().map(|login| login.password().len()),
            question: request
                .question()
                .map(|question| (question.kind().name(), question.path_len().count())),
        }
    }
}

/// `NAME=KEY` or `#NAME`.
pub(crate) fn channel(text: &str) -> Result<(String, ChannelKey), String> {
    let (name, key) = match text.split_once('=') {
        Some((name, key)) => (name, Some(key)),
        None => (text, None),
    };
    if name.trim_start_matches('#').trim().is_empty() {
        return Err("a channel needs a name".to_owned());
    }
    let key = match key {
        Some(key) => channel_key(key)?,
        None if name.starts_with('#') => ChannelKey::hashtag(name),
        None => return Err("a channel whose name has no # needs a key: NAME=KEY".to_owned()),
    };
    Ok((name.to_owned(), key))
}

/// Hex or base64. Nothing is both: base64 of 16 or 32 bytes ends with `=`.
fn channel_key(text: &str) -> Result<ChannelKey, String> {
    if !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return ChannelKey::from_base64(text).map_err(|err| format!("not hex, and as base64: {err}"));
    }
    match text.len() {
        32 => hidden::bytes(text).map(ChannelKey::from_16),
        64 => hidden::bytes(text).map(ChannelKey::from_32),
        len => Err(format!("{len} hex digits: 32 or 64 needed")),
    }
}

/// The name of a region and its key.
pub(crate) fn region(name: &str) -> Result<(String, RegionKey), String> {
    if name.trim_start_matches('#').trim().is_empty() {
        return Err("a region needs a name".to_owned());
    }
    let key =
        RegionKey::public(name).ok_or("regions with a $ are private: the name does not give the key")?;
    Ok((name.to_owned(), key))
}

/// A private key as nodes store it, also from its seed.
pub(crate) fn node(text: &str) -> Result<[u8; 64], String> {
    match text.len() {
        64 => hidden::bytes(text).map(|seed| Identity::expand_seed(&seed)),
        128 => hidden::bytes(text),
        len => Err(format!("{len} digits: 64 (a seed) or 128 (a private key) needed, all of them hex")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_key_is_written_in_many_ways() {
        let public = ChannelKey::public();
        for text in ["Public=8b3387e9c5cdea6ac9e5edbaa115cd72", "Public=izOH6cXN6mrJ5e26oRXNcg=="] {
            assert_eq!(channel(text), Ok(("Public".to_owned(), public.clone())));
        }
        assert_eq!(channel("#test").unwrap().1, ChannelKey::hashtag("#test"));
        assert_eq!(channel(&format!("long={}", "01".repeat(32))).unwrap().1, ChannelKey::from_32([1; 32]));
    }

    #[test]
    fn a_wrong_channel_is_told_why() {
        for (text, message) in [
            ("Public", "a channel whose name has no # needs a key: NAME=KEY"),
            ("#", "a channel needs a name"),
            ("=8b3387e9c5cdea6ac9e5edbaa115cd72", "a channel needs a name"),
            ("a=8b3387e9c5cdea6ac9e5edbaa115cd7", "31 hex digits: 32 or 64 needed"),
            ("a=", "0 hex digits: 32 or 64 needed"),
            ("a=!", "not hex, and as base64: character 1 of the channel key is not base64"),
        ] {
            assert_eq!(channel(text), Err(message.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_region_is_public_and_has_a_name() {
        assert_eq!(region("Europe").unwrap(), ("Europe".to_owned(), RegionKey::public("#Europe").unwrap()));
        assert!(region("$Europe").unwrap_err().contains("private"));
        assert!(region("").is_err() && region("#").is_err());
    }

    #[test]
    fn a_node_is_its_seed_or_its_private_key() {
        let expanded = Identity::expand_seed(&[7; 32]);
        assert_eq!(node(&"07".repeat(32)), Ok(expanded));
        assert_eq!(node(&meshcore_proto::hex::LowerHex(&expanded).to_string()), Ok(expanded));
        assert!(node(&"07".repeat(31)).is_err() && node(&"0x".repeat(32)).is_err());
    }
}
