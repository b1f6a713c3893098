//! Frames as people read them: a line of what it is, then its parts, indented.

use std::fmt::Display;
use std::io::{self, Write};

use meshcore_proto::content::{GroupData, GroupText, RequestKind, Response, TextMessage};
use meshcore_proto::hex::LowerHex;
use meshcore_proto::payload::{Ack, Advert, Control, GroupDatagram, Trace};
use meshcore_proto::{MAX_PAYLOAD, Packet, Path, PathHashes, Payload};

use crate::clean::Clean;
use crate::keys::{Anon, Content, Keys, Opened};

pub(crate) fn frame(out: &mut impl Write, packet: &Packet<'_>, keys: &Keys) -> io::Result<()> {
    let header = packet.header();
    let (route, payload_type, len) = (header.route(), header.payload_type(), packet.encoded_len());
    writeln!(out, "{route} {payload_type} ({len} bytes, hash {})", packet.packet_hash())?;

    let mut tree = Tree { out };
    if header.version() != 0 {
        tree.row("version", format_args!("{} (nodes drop this)", header.version()))?;
    }
    if let Some([scope, home]) = packet.transport().map(|codes| codes.wire_text()) {
        tree.row("scope, home", format_args!("{scope}, {home}"))?;
    }
    for region in keys.regions.matches(packet) {
        tree.row("region", Clean(&region.name))?;
    }
    match packet.path() {
        Path::Hashes(hops) => tree.hops("path", hops)?,
        Path::Snrs(snrs) if snrs.is_empty() => tree.row("heard at", "nowhere yet")?,
        Path::Snrs(snrs) => tree.row("heard at", format_args!("{} dB", list(snrs.iter())))?,
    }
    match packet.payload() {
        Ok(payload) => tree.payload(&payload, keys),
        Err(err) if packet.payload_bytes().is_empty() => tree.row("payload", err),
        Err(err) => tree.row("payload", format_args!("{err}: {}", LowerHex(packet.payload_bytes()))),
    }
}

struct Tree<'o, W> {
    out: &'o mut W,
}

impl<W: Write> Tree<'_, W> {
    fn row(&mut self, label: &str, value: impl Display) -> io::Result<()> {
        let value = value.to_string();
        writeln!(self.out, "  {label:<12} {}", if value.is_empty() { "(empty)" } else { &value })
    }

    fn hops(&mut self, label: &str, hops: PathHashes<'_>) -> io::Result<()> {
        if hops.is_empty() {
            return self.row(label, format_args!("empty, {}-byte hashes", hops.hash_size()));
        }
        self.row(label, list(hops.iter()))
    }

    fn payload(&mut self, payload: &Payload<'_>, keys: &Keys) -> io::Result<()> {
        match payload {
            Payload::Req(peer) | Payload::Response(peer) | Payload::TxtMsg(peer) | Payload::Path(peer) => {
                self.row("to, from", format_args!("{:02X}, {:02X}", peer.dest_hash(), peer.src_hash()))?;
                self.sealed(payload, peer.mac(), peer.ciphertext(), keys)
            }
            Payload::Ack(ack) => self.ack(ack),
            Payload::Advert(advert) => self.advert(advert),
            Payload::GrpTxt(group) => self.group(group, keys, true),
            Payload::GrpData(group) => self.group(group, keys, false),
            Payload::AnonReq(request) => {
                self.row("to", format_args!("{:02X}", request.dest_hash()))?;
                self.row("from", request.sender_public_key())?;
                self.sealed(payload, request.mac(), request.ciphertext(), keys)
            }
            Payload::Trace(trace) => self.trace(trace),
            Payload::Multipart(multipart) => {
                let (inner, remaining) = (multipart.inner_type(), multipart.remaining());
                self.row("inner", format_args!("{inner}, {remaining} to come"))?;
                match multipart.ack() {
                    Some(ack) => self.ack(&ack),
                    None => self.row("data", LowerHex(multipart.inner_bytes())),
                }
            }
            Payload::Control(control) => self.control(control),
            Payload::RawCustom(data) | Payload::Reserved(_, data) => self.row("data", LowerHex(data)),
            other => self.row("payload", Clean(&format!("{other:?}"))),
        }
    }

    /// What one node says to another, if the keys open it.
    fn sealed(
        &mut self,
        payload: &Payload<'_>,
        mac: &[u8],
        ciphertext: &[u8],
        keys: &Keys,
    ) -> io::Result<()> {
        let ciphertext = LowerHex(ciphertext);
        match keys.open(payload) {
            Some(Ok(opened)) => self.opened(&opened),
            Some(Err(err)) => {
                self.row("mac", LowerHex(mac))?;
                self.row("ciphertext", format_args!("{ciphertext} ({err})"))
            }
            None => {
                self.row("mac", LowerHex(mac))?;
                self.row("ciphertext", ciphertext)
            }
        }
    }

    fn opened(&mut self, opened: &Opened) -> io::Result<()> {
        self.row("receiver", opened.to)?;
        let content = opened.content();
        // a stranger brings its key in the clear: shown already
        if !matches!(content, Ok(Content::Anon(_))) {
            self.row("sender", opened.from)?;
        }
        match content {
            Ok(Content::Text(text)) => self.text(&text),
            Ok(Content::Request(request)) => {
                self.row("timestamp", request.timestamp())?;
                match request.kind() {
                    RequestKind::Other(number) => self.row("request", format_args!("{number:#04x}"))?,
                    kind => self.row("request", kind)?,
                }
                self.row("parameters", LowerHex(request.params()))
            }
            Ok(Content::Response(response)) => self.response(&response),
            Ok(Content::Path(path)) => {
                self.hops("way", path.hops())?;
                match (path.ack(), path.response()) {
                    (Some(ack), _) => self.row("brings ACK", format_args!("{:08x}", ack.checksum())),
                    (_, Some(response)) => self.response(&response),
                    (None, None) if path.extra_type_byte() == 0xff => Ok(()),
                    (None, None) => {
                        self.row("brings", format_args!("{} {}", path.extra_type(), LowerHex(path.extra())))
                    }
                }
            }
            Ok(Content::Anon(anon)) => self.anon(&anon),
            Err(err) => match opened.plaintext() {
                Some(plaintext) => self.row("plaintext", format_args!("{} ({err})", LowerHex(plaintext))),
                None => self.row("plaintext", err),
            },
        }
    }

    fn text(&mut self, text: &TextMessage<'_>) -> io::Result<()> {
        self.row("timestamp", text.timestamp())?;
        self.row("text type", text.txt_type())?;
        self.row("attempt", text.extended_attempt().unwrap_or_else(|| text.attempt()))?;
        if let Some(prefix) = text.author_prefix() {
            self.row("author", LowerHex(prefix))?;
        }
        self.message(text.text(), text.text_bytes())
    }

    fn message(&mut self, text: Option<&str>, bytes: &[u8]) -> io::Result<()> {
        match text {
            Some(text) => self.row("message", Clean(text)),
            None => self.row("message", format_args!("{} (not UTF-8)", LowerHex(bytes))),
        }
    }

    fn response(&mut self, response: &Response<'_>) -> io::Result<()> {
        self.row("tag", format_args!("{:08x}", response.tag()))?;
        self.row("body", LowerHex(response.body()))
    }

    fn anon(&mut self, anon: &Anon) -> io::Result<()> {
        self.row("timestamp", anon.timestamp)?;
        if let Some((question, hops)) = anon.question {
            self.row("question", format_args!("{question}, {hops} hops back"))?;
        }
        for (label, password_len) in [("login", anon.login), ("room login", anon.room_login)] {
            if let Some(len) = password_len {
                self.row(label, format_args!("password of {len} bytes"))?;
            }
        }
        Ok(())
    }

    fn ack(&mut self, ack: &Ack<'_>) -> io::Result<()> {
        self.row("checksum", format_args!("{:08x}", ack.checksum()))?;
        if ack.extra().is_empty() { Ok(()) } else { self.row("extra", LowerHex(ack.extra())) }
    }

    fn advert(&mut self, advert: &Advert<'_>) -> io::Result<()> {
        self.row("key", advert.public_key())?;
        self.row("timestamp", advert.timestamp())?;
        self.row("signature", if advert.verify().is_ok() { "good" } else { "bad" })?;
        let data = match advert.app_data() {
            Ok(data) => data,
            Err(err) => return self.row("data", err),
        };
        self.row("node type", data.node_type)?;
        if let Some(position) = data.position {
            self.row("position", format_args!("{}, {}", position.latitude(), position.longitude()))?;
        }
        for (label, word) in [("feature 1", data.feat1), ("feature 2", data.feat2)] {
            if let Some(word) = word {
                self.row(label, format_args!("{word:#06x}"))?;
            }
        }
        match (data.name, data.name_str()) {
            (_, Some(name)) => self.row("name", Clean(name)),
            (Some(name), None) => self.row("name", format_args!("{} (not UTF-8)", LowerHex(name))),
            (None, None) => Ok(()),
        }
    }

    fn group(&mut self, group: &GroupDatagram<'_>, keys: &Keys, is_text: bool) -> io::Result<()> {
        self.row("channel hash", format_args!("{:02x}", group.channel_hash()))?;
        let mut buf = [0; MAX_PAYLOAD];
        let (plaintext, channel) = match group.decrypt(&keys.channels, &mut buf) {
            Ok(opened) => opened,
            Err(err) => {
                return self.row("ciphertext", format_args!("{} ({err})", LowerHex(group.ciphertext())));
            }
        };
        self.row("channel", Clean(&channel.name))?;
        if is_text && let Ok(text) = GroupText::parse(plaintext) {
            self.row("timestamp", text.timestamp())?;
            self.row("sender", Clean(text.sender().unwrap_or("unknown")))?;
            self.message(text.message(), text.text_bytes())
        } else if !is_text && let Ok(data) = GroupData::parse(plaintext) {
            self.row("data type", format_args!("{:#06x}", data.data_type()))?;
            self.row("data", LowerHex(data.data()))
        } else {
            self.row("plaintext", LowerHex(plaintext))
        }
    }

    fn trace(&mut self, trace: &Trace<'_>) -> io::Result<()> {
        self.row("tag", format_args!("{:08x}", trace.tag()))?;
        self.row("auth code", format_args!("{:08x}", trace.auth_code()))?;
        self.row("route", list(trace.route().iter().map(LowerHex)))
    }

    fn control(&mut self, control: &Control<'_>) -> io::Result<()> {
        match control {
            Control::DiscoverReq(request) => {
                let (tag, types) = (request.tag(), request.type_filter());
                self.row("discover", format_args!("tag {tag:08x}, types {types:08b}"))?;
                request.since().map_or(Ok(()), |since| self.row("since", since))
            }
            Control::DiscoverResp(answer) => {
                let (tag, node_type) = (answer.tag(), answer.node_type());
                self.row("discovered", format_args!("tag {tag:08x}, {node_type}"))?;
                self.row("key", LowerHex(answer.key_bytes()))?;
                self.row("heard at", format_args!("{} dB", answer.snr()))
            }
            Control::Other { data, .. } => {
                self.row("control", format_args!("sub-type {:x}, {}", control.sub_type(), LowerHex(data)))
            }
            other => self.row("control", format_args!("sub-type {:x}", other.sub_type())),
        }
    }
}

fn list(items: impl Iterator<Item = impl Display>) -> String {
    items.map(|item| item.to_string()).collect::<Vec<_>>().join(" ")
}
