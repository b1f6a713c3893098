//! Reading a frame, its payload and what is inside, and writing it again, takes
//! no memory from the heap, even where there is one.
//!
//! On frames made for this project, and on captured ones where they lie next to
//! the workspace.

mod common;

use std::collections::BTreeSet;
use std::hint::black_box;

use allocation_counter::measure;
use meshcore_proto::content::{GroupData, GroupText};
use meshcore_proto::payload::{Ack, Advert, Control, GroupDatagram, Payload, Trace};
use meshcore_proto::{ChannelKey, Identity, KeyRing, MAX_FRAME, MAX_PAYLOAD, Packet, Path, PayloadType};

#[test]
fn frames_of_every_payload_type_are_read_and_written_without_allocating() {
    let mut frames = common::synthetic_frames();
    let mut keys = well_known();
    for vector in common::own_vectors("group_encrypt.json") {
        // some of these are refused
        if let Some(raw) = vector["expect"]["raw_hex"].as_str() {
            frames.push(hex::decode(raw).unwrap());
            keys.push("own", ChannelKey::from_slice(&common::frame(&vector["input"]["secret"])).unwrap());
        }
    }

    let seen = frames.iter().map(|raw| without_allocating(raw, &keys)).fold(Seen::default(), Seen::and);
    assert_eq!(seen.types.len(), 16, "a payload type is missing");
    assert!(seen.opened > 20, "only {} of the channel messages were opened", seen.opened);
}

#[test]
#[expect(clippy::print_stdout, reason = "the counts are the report of this test")]
fn captured_frames_are_read_and_written_without_allocating_where_they_are() {
    let frames = common::real_frames();
    let keys = well_known();
    let seen = frames.iter().map(|raw| without_allocating(raw, &keys)).fold(Seen::default(), Seen::and);
    println!("{} captured frames, {} channel messages opened", frames.len(), seen.opened);
    assert!(frames.is_empty() || seen.types.len() > 3, "few types among {} frames", frames.len());
}

/// Signing is for nodes too.
#[test]
fn an_advert_is_signed_without_allocating() {
    let identity = Identity::from_seed(&[7; 32]);
    let mut out = [0; MAX_PAYLOAD];
    let (mut len, data) = (0, b"\x82Hill");
    let info = measure(|| len = Advert::sign_into(&identity, 1_700_000_000, data, &mut out).unwrap());
    assert_eq!((info.count_total, len), (0, Advert::FIXED_LEN + data.len()));
}

/// The counter counts: a copy of a frame on the heap is one allocation.
#[test]
fn an_allocation_would_be_noticed() {
    let raw = [0x15, 0x00, 0x01];
    assert_eq!(measure(|| drop(black_box(raw.to_vec()))).count_total, 1);
}

/// What a set of frames contained.
#[derive(Default)]
struct Seen {
    types: BTreeSet<u8>,
    opened: usize,
}

impl Seen {
    fn and(mut self, mut other: Self) -> Self {
        self.types.append(&mut other.types);
        Self { opened: self.opened + other.opened, ..self }
    }
}

fn without_allocating(raw: &[u8], keys: &KeyRing) -> Seen {
    let mut outcome = None;
    let info = measure(|| outcome = Some(look_at(black_box(raw), keys)));
    assert_eq!(info.count_total, 0, "{}", hex::encode(raw));
    match outcome.flatten() {
        Some((payload_type, opened)) => {
            Seen { types: BTreeSet::from([payload_type.bits()]), opened: opened.into() }
        }
        None => Seen::default(),
    }
}

/// Keeps the compiler from leaving out what nobody uses.
fn look<T>(value: T) {
    let _ = black_box(value);
}

/// Reads everything, writes the frame again; its type, and whether a key opened it.
fn look_at(raw: &[u8], keys: &KeyRing) -> Option<(PayloadType, bool)> {
    let packet = Packet::parse_lax(raw).ok()?;
    let mut out = [0; MAX_FRAME];
    let len = packet.encode_into(&mut out).unwrap();
    assert!(out[..len] == *raw);
    look((packet.header(), packet.transport(), packet.packet_hash()));
    match packet.path() {
        Path::Hashes(hops) => hops.iter().for_each(look),
        Path::Snrs(snrs) => snrs.iter().for_each(|snr| look(snr.db())),
    }
    let payload_type = packet.header().payload_type();
    let opened = match packet.payload() {
        Ok(Payload::GrpTxt(group) | Payload::GrpData(group)) => open(&group, keys),
        Ok(payload) => {
            touch(&payload);
            false
        }
        Err(_) => false,
    };
    Some((payload_type, opened))
}

fn touch(payload: &Payload<'_>) {
    match payload {
        Payload::Req(peer) | Payload::Response(peer) | Payload::TxtMsg(peer) | Payload::Path(peer) => {
            look((peer.dest_hash(), peer.src_hash(), peer.mac(), peer.ciphertext()));
        }
        Payload::Ack(ack) => touch_ack(ack),
        Payload::Advert(advert) => {
            look((advert.public_key(), advert.timestamp(), advert.verify().is_ok(), advert.trailing()));
            look(advert.app_data().is_ok_and(|data| data.name_str().is_some()));
        }
        Payload::AnonReq(request) => {
            look((request.dest_hash(), request.sender_public_key(), request.ciphertext()));
        }
        Payload::Trace(trace) => touch_trace(trace),
        Payload::Multipart(multipart) => {
            look((multipart.remaining(), multipart.inner_type(), multipart.inner_bytes()));
            multipart.ack().iter().for_each(touch_ack);
        }
        Payload::Control(Control::DiscoverReq(request)) => {
            look((request.type_filter(), request.tag(), request.since()));
        }
        Payload::Control(Control::DiscoverResp(answer)) => {
            look((answer.node_type(), answer.snr(), answer.tag(), answer.public_key()));
        }
        other => look(other),
    }
}

fn touch_ack(ack: &Ack<'_>) {
    look((ack.checksum(), ack.extra(), ack.attempt()));
}

fn touch_trace(trace: &Trace<'_>) {
    look((trace.tag(), trace.auth_code(), trace.flags(), trace.remainder()));
    trace.route().iter().for_each(look);
}

fn open(group: &GroupDatagram<'_>, keys: &KeyRing) -> bool {
    let mut buf = [0; MAX_PAYLOAD];
    let Ok((plaintext, key)) = group.decrypt(keys, &mut buf) else { return false };
    let text = GroupText::parse(plaintext);
    look((&key.name, text.as_ref().map(GroupText::sender), text.as_ref().map(GroupText::message)));
    look(GroupData::parse(plaintext).is_ok());
    true
}

fn well_known() -> KeyRing {
    let mut keys: KeyRing =
        ["#test", "#bot", "#LongFast"].map(|name| (name, ChannelKey::hashtag(name))).into_iter().collect();
    keys.push("Public", ChannelKey::public());
    keys
}
