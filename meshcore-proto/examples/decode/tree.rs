//! Frames as people read them: a line of what it is, then its parts, indented.

use std::fmt::Display;
use std::io::{self, Write};

use meshcore_proto::content::{GroupData, GroupText};
use meshcore_proto::hex::LowerHex;
use meshcore_proto::payload::{Ack, Advert, AnonReq, Control, GroupDatagram, PeerDatagram, Trace};
use meshcore_proto::{KeyRing, MAX_PAYLOAD, Packet, Path, Payload};

use crate::clean::Clean;

pub(crate) fn frame(out: &mut impl Write, packet: &Packet<'_>, keys: &KeyRing) -> io::Result<()> {
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
    match packet.path() {
        Path::Hashes(hops) if hops.is_empty() => {
            tree.row("path", format_args!("empty, {}-byte hashes", hops.hash_size()))?;
        }
        Path::Hashes(hops) => tree.row("path", list(hops.iter()))?,
        Path::Snrs(snrs) if snrs.is_empty() => tree.row("heard at", "nowhere yet")?,
        Path::Snrs(snrs) => tree.row("heard at", format_args!("{} dB", list(snrs.iter())))?,
    }
    match packet.payload() {
        Ok(payload) => tree.payload(&payload, keys),
        Err(err) => tree.row("payload", format_args!("{err}: {}", LowerHex(packet.payload_bytes()))),
    }
}

struct Tree<'o, W> {
    out: &'o mut W,
}

impl<W: Write> Tree<'_, W> {
    fn row(&mut self, label: &str, value: impl Display) -> io::Result<()> {
        writeln!(self.out, "  {label:<12} {value}")
    }

    fn payload(&mut self, payload: &Payload<'_>, keys: &KeyRing) -> io::Result<()> {
        match payload {
            Payload::Req(peer) | Payload::Response(peer) | Payload::TxtMsg(peer) | Payload::Path(peer) => {
                self.peer(peer)
            }
            Payload::Ack(ack) => self.ack(ack),
            Payload::Advert(advert) => self.advert(advert),
            Payload::GrpTxt(group) => self.group(group, keys, true),
            Payload::GrpData(group) => self.group(group, keys, false),
            Payload::AnonReq(request) => self.anon(request),
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
        }
    }

    fn peer(&mut self, peer: &PeerDatagram<'_>) -> io::Result<()> {
        self.row("to, from", format_args!("{:02X}, {:02X}", peer.dest_hash(), peer.src_hash()))?;
        self.row("mac", LowerHex(peer.mac()))?;
        self.row("ciphertext", LowerHex(peer.ciphertext()))
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

    fn group(&mut self, group: &GroupDatagram<'_>, keys: &KeyRing, is_text: bool) -> io::Result<()> {
        self.row("channel hash", format_args!("{:02x}", group.channel_hash()))?;
        let mut buf = [0; MAX_PAYLOAD];
        let (plaintext, channel) = match group.decrypt(keys, &mut buf) {
            Ok(opened) => opened,
            Err(err) => {
                return self.row("ciphertext", format_args!("{} ({err})", LowerHex(group.ciphertext())));
            }
        };
        self.row("channel", Clean(&channel.name))?;
        if is_text && let Ok(text) = GroupText::parse(plaintext) {
            self.row("timestamp", text.timestamp())?;
            self.row("sender", Clean(text.sender().unwrap_or("unknown")))?;
            match text.message() {
                Some(message) => self.row("message", Clean(message)),
                None => self.row("message", format_args!("{} (not UTF-8)", LowerHex(text.text_bytes()))),
            }
        } else if !is_text && let Ok(data) = GroupData::parse(plaintext) {
            self.row("data type", format_args!("{:#06x}", data.data_type()))?;
            self.row("data", LowerHex(data.data()))
        } else {
            self.row("plaintext", LowerHex(plaintext))
        }
    }

    fn anon(&mut self, request: &AnonReq<'_>) -> io::Result<()> {
        self.row("to", format_args!("{:02X}", request.dest_hash()))?;
        self.row("from", request.sender_public_key())?;
        self.row("mac", LowerHex(request.mac()))?;
        self.row("ciphertext", LowerHex(request.ciphertext()))
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
