//! Frames in hex, as arguments or one per line on standard input, shown part by part.
//!
//! ```text
//! cargo run -p meshcore-proto --example decode --all-features -- 1500d9690030a5ce0449fcf0c44f2dd0db108c2fe6
//! ```
//!
//! Channel texts are decrypted with the key of `Public` and of a few well-known
//! hashtags.

#![expect(clippy::print_stdout, reason = "the output is the purpose")]

use std::io::{BufRead, stdin};
use std::process::ExitCode;

use meshcore_proto::content::{GroupData, GroupText};
use meshcore_proto::hex::{LowerHex, decode_into};
use meshcore_proto::payload::{Ack, Advert, AnonReq, Control, GroupDatagram, PeerDatagram, Trace};
use meshcore_proto::{ChannelKey, DecodeOptions, KeyRing, MAX_PAYLOAD, Packet, Path, Payload};

fn main() -> ExitCode {
    let mut keys = KeyRing::new();
    keys.push("Public", ChannelKey::public());
    keys.extend(["#test", "#bot", "#LongFast"].map(|name| (name, ChannelKey::hashtag(name))));

    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_good = |text: &String| show(text.trim(), &keys);
    let bad = if arguments.is_empty() {
        stdin().lock().lines().map_while(Result::ok).filter(|text| !is_good(text)).count()
    } else {
        arguments.iter().filter(|text| !is_good(text)).count()
    };
    if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Shows one frame; whether it was one.
fn show(text: &str, keys: &KeyRing) -> bool {
    let mut raw = [0; 512];
    let raw = match decode_into(text, &mut raw) {
        Ok(raw) => &*raw,
        Err(err) => {
            println!("not hex: {err}");
            return false;
        }
    };
    let packet = match Packet::parse_with(raw, DecodeOptions::analyzer()) {
        Ok(packet) => packet,
        Err(err) => {
            println!("not a frame: {err}");
            return false;
        }
    };

    let header = packet.header();
    println!(
        "{} {} ({} bytes, hash {})",
        header.route(),
        header.payload_type(),
        raw.len(),
        packet.packet_hash()
    );
    if header.version() != 0 {
        println!("  version      {} (nodes drop this)", header.version());
    }
    if let Some([scope, home]) = packet.transport().map(|codes| codes.wire_text()) {
        println!("  scope, home  {scope}, {home}");
    }
    match packet.path() {
        Path::Hashes(hops) if hops.is_empty() => {
            println!("  path         empty, {}-byte hashes", hops.hash_size())
        }
        Path::Hashes(hops) => println!("  path         {}", list(hops.iter())),
        Path::Snrs(snrs) => println!("  heard at     {} dB", list(snrs.iter())),
    }
    match packet.payload() {
        Ok(payload) => show_payload(&payload, keys),
        Err(err) => println!("  payload      {err}: {}", LowerHex(packet.payload_bytes())),
    }
    true
}

fn show_payload(payload: &Payload<'_>, keys: &KeyRing) {
    match payload {
        Payload::Req(peer) | Payload::Response(peer) | Payload::TxtMsg(peer) | Payload::Path(peer) => {
            show_peer(peer)
        }
        Payload::Ack(ack) => show_ack(ack),
        Payload::Advert(advert) => show_advert(advert),
        Payload::GrpTxt(group) => show_group(group, keys, true),
        Payload::GrpData(group) => show_group(group, keys, false),
        Payload::AnonReq(request) => show_anon(request),
        Payload::Trace(trace) => show_trace(trace),
        Payload::Multipart(multipart) => {
            println!("  inner        {}, {} to come", multipart.inner_type(), multipart.remaining());
            match multipart.ack() {
                Some(ack) => show_ack(&ack),
                None => println!("  data         {}", LowerHex(multipart.inner_bytes())),
            }
        }
        Payload::Control(control) => show_control(control),
        Payload::RawCustom(data) | Payload::Reserved(_, data) => {
            println!("  data         {}", LowerHex(data))
        }
    }
}

fn show_peer(peer: &PeerDatagram<'_>) {
    println!("  to, from     {:02X}, {:02X}", peer.dest_hash(), peer.src_hash());
    println!("  mac          {}", LowerHex(peer.mac()));
    println!("  ciphertext   {}", LowerHex(peer.ciphertext()));
}

fn show_ack(ack: &Ack<'_>) {
    println!("  checksum     {:08x}", ack.checksum());
    if !ack.extra().is_empty() {
        println!("  extra        {}", LowerHex(ack.extra()));
    }
}

fn show_advert(advert: &Advert<'_>) {
    println!("  key          {}", advert.public_key());
    println!("  timestamp    {}", advert.timestamp());
    println!("  signature    {}", if advert.verify().is_ok() { "good" } else { "bad" });
    let data = match advert.app_data() {
        Ok(data) => data,
        Err(err) => return println!("  data         {err}"),
    };
    println!("  node type    {}", data.node_type);
    if let Some(position) = data.position {
        println!("  position     {}, {}", position.latitude(), position.longitude());
    }
    for (name, word) in [("feature 1", data.feat1), ("feature 2", data.feat2)] {
        if let Some(word) = word {
            println!("  {name}    {word:#06x}");
        }
    }
    match (data.name, data.name_str()) {
        (_, Some(name)) => println!("  name         {name}"),
        (Some(name), None) => println!("  name         {} (not UTF-8)", LowerHex(name)),
        (None, None) => {}
    }
}

fn show_group(group: &GroupDatagram<'_>, keys: &KeyRing, is_text: bool) {
    println!("  channel hash {:02x}", group.channel_hash());
    let mut buf = [0; MAX_PAYLOAD];
    let (plaintext, channel) = match group.decrypt(keys, &mut buf) {
        Ok(opened) => opened,
        Err(err) => return println!("  ciphertext   {} ({err})", LowerHex(group.ciphertext())),
    };
    println!("  channel      {}", channel.name);
    if is_text && let Ok(text) = GroupText::parse(plaintext) {
        println!("  timestamp    {}", text.timestamp());
        println!("  sender       {}", text.sender().unwrap_or("unknown"));
        println!("  message      {}", text.message().unwrap_or("not UTF-8"));
    } else if let Ok(data) = GroupData::parse(plaintext) {
        println!("  data type    {:#06x}", data.data_type());
        println!("  data         {}", LowerHex(data.data()));
    } else {
        println!("  plaintext    {}", LowerHex(plaintext));
    }
}

fn show_anon(request: &AnonReq<'_>) {
    println!("  to           {:02X}", request.dest_hash());
    println!("  from         {}", request.sender_public_key());
    println!("  mac          {}", LowerHex(request.mac()));
    println!("  ciphertext   {}", LowerHex(request.ciphertext()));
}

fn show_trace(trace: &Trace<'_>) {
    println!("  tag          {:08x}", trace.tag());
    println!("  auth code    {:08x}", trace.auth_code());
    println!("  route        {}", list(trace.route().iter().map(LowerHex)));
}

fn show_control(control: &Control<'_>) {
    match control {
        Control::DiscoverReq(request) => {
            println!("  discover     tag {:08x}, types {:08b}", request.tag(), request.type_filter());
            if let Some(since) = request.since() {
                println!("  since        {since}");
            }
        }
        Control::DiscoverResp(answer) => {
            println!("  discovered   tag {:08x}, {}", answer.tag(), answer.node_type());
            println!("  key          {}", LowerHex(answer.key_bytes()));
            println!("  heard at     {} dB", answer.snr());
        }
        other => println!("  sub-type {:x}   {other:?}", other.sub_type()),
    }
}

fn list(items: impl Iterator<Item = impl ToString>) -> String {
    items.map(|item| item.to_string()).collect::<Vec<_>>().join(" ")
}
