//! How many packets per second does the decoder do, and what does it cost to
//! recognise, decrypt, verify and make one?
//!
//! `synthetic` is one frame of every payload type and route, made here. `real`
//! are captured frames, used where they lie next to the workspace.

#[path = "../tests/common/mod.rs"]
mod common;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ed25519_dalek::{Signature, Verifier, VerifyingKey};
use meshcore_proto::content::{ChannelMessage, GroupText, TextMessage};
use meshcore_proto::payload::{Ack, Advert, AppData, GroupDatagram, Payload};
use meshcore_proto::{
    ChannelKey, Header, Identity, KeyRing, MAX_PAYLOAD, NewAdvert, NodeType, Packet, PathLen, PayloadType,
    RegionKey, Route, RouteType, TransportCodes,
};

const SEED: [u8; 32] = [7; 32];

/// One frame per payload type and route, with 0 to 10 hops.
fn synthetic() -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    for route in (0..4).map(RouteType::from_bits) {
        for payload_type in (0..16).map(PayloadType::from_bits) {
            // a trace has one byte per hop
            let hash_size = if payload_type == PayloadType::Trace { 1 } else { 1 + route.bits() % 3 };
            let path_len = PathLen::new(hash_size, payload_type.bits() % 11).expect("at most 30 bytes");
            let path: Vec<u8> = (0..64).take(path_len.byte_len()).collect();
            let transport = route.has_transport_codes().then_some(TransportCodes { scope: 0x1afa, home: 0 });
            let payload = payload(payload_type);
            let header = Header::new(route, payload_type);
            let packet = Packet::new(header, transport, path_len, &path, &payload).expect("parts fit");
            let mut raw = vec![0; packet.encoded_len()];
            packet.encode_into(&mut raw).expect("the buffer has its size");
            frames.push(raw);
        }
    }
    frames
}

fn payload(payload_type: PayloadType) -> Vec<u8> {
    match payload_type {
        PayloadType::Ack => vec![1, 2, 3, 4],
        PayloadType::Advert => advert(),
        PayloadType::GrpTxt | PayloadType::GrpData => group_text(&ChannelKey::public()),
        PayloadType::Trace => vec![1, 0, 0, 0, 0, 0, 0, 0, 0, 0x5f, 0x84, 0xe5],
        PayloadType::Multipart => vec![0x13, 1, 2, 3, 4],
        PayloadType::Control => [&[0x92, 0xdc, 1, 2, 3, 4][..], &SEED].concat(),
        _ => (0..68).collect(),
    }
}

fn advert() -> Vec<u8> {
    let app_data = b"\x92\x60\xe3\x16\x00\xa0\x25\x26\x00A repeater on a hill";
    let mut out = [0; MAX_PAYLOAD];
    let identity = Identity::from_seed(&SEED);
    let len = Advert::sign_into(&identity, 1_700_000_000, app_data, &mut out).expect("28 bytes fit");
    out[..len].to_vec()
}

fn group_text(key: &ChannelKey) -> Vec<u8> {
    let (mut plaintext, mut out) = ([0; MAX_PAYLOAD], [0; MAX_PAYLOAD]);
    let text = "is anybody on the ridge this afternoon?";
    let len = GroupText::compose(1_700_000_000, "alice", text, &mut plaintext).expect("a short text");
    let len = GroupDatagram::seal(key, &plaintext[..len], &mut out).expect("a short text");
    out[..len].to_vec()
}

fn decode(c: &mut Criterion) {
    let corpora = [("synthetic", synthetic()), ("real", common::real_frames())];
    for (name, corpus) in &corpora {
        if corpus.is_empty() {
            continue;
        }
        let mut group = c.benchmark_group(format!("decode/{name}"));
        group.throughput(Throughput::Elements(corpus.len() as u64));
        group.bench_function("frame", |b| {
            b.iter(|| corpus.iter().filter(|raw| Packet::parse(black_box(raw)).is_ok()).count());
        });
        group.bench_function("frame and payload", |b| {
            b.iter(|| corpus.iter().filter(|raw| is_whole(black_box(raw))).count());
        });
        group.bench_function("frame and packet hash", |b| {
            let is_zero = |raw: &Vec<u8>| {
                Packet::parse(raw).map(|packet| *packet.packet_hash().as_bytes()) == Ok([0; 8])
            };
            b.iter(|| black_box(corpus).iter().filter(|raw| is_zero(raw)).count());
        });
        group.finish();
    }
}

fn is_whole(raw: &[u8]) -> bool {
    match Packet::parse(raw).map(|packet| packet.payload()) {
        Ok(Ok(Payload::Advert(advert))) => advert.app_data().is_ok(),
        Ok(payload) => payload.is_ok(),
        Err(_) => false,
    }
}

/// As many keys as an analyzer of a busy region has.
fn decrypt(c: &mut Criterion) {
    let keys: KeyRing =
        (0..448).map(|n| (format!("#channel-{n}"), ChannelKey::hashtag(&format!("#channel-{n}")))).collect();
    let known = group_text(&ChannelKey::hashtag("#channel-300"));
    let unknown = group_text(&ChannelKey::hashtag("#nobody-listens-here"));

    let mut group = c.benchmark_group("decrypt/448 keys");
    group.throughput(Throughput::Elements(1));
    for (name, payload) in [("known channel", &known), ("unknown channel", &unknown)] {
        let datagram = GroupDatagram::parse(payload).expect("sealed above");
        group.bench_function(name, |b| {
            let mut buf = [0; MAX_PAYLOAD];
            b.iter(|| black_box(&datagram).decrypt(&keys, &mut buf).is_ok());
        });
    }
    group.finish();
}

/// What our part of a verification costs.
fn verify(c: &mut Criterion) {
    let payload = advert();
    let advert = Advert::parse(&payload).expect("signed above");
    let mut group = c.benchmark_group("advert");
    group.throughput(Throughput::Elements(1));
    group.bench_function("verify", |b| b.iter(|| black_box(&advert).verify().is_ok()));

    let public_key = advert.public_key();
    let message =
        [public_key.as_bytes(), &advert.timestamp().to_le_bytes()[..], advert.app_data_bytes()].concat();
    let signature = Signature::from_bytes(advert.signature());
    group.bench_function("ed25519-dalek alone", |b| {
        b.iter(|| {
            let key = VerifyingKey::from_bytes(black_box(public_key.as_bytes()))?;
            key.verify(black_box(&message), black_box(&signature))
        });
    });
    group.finish();
}

/// What a node or a simulator pays.
fn make(c: &mut Criterion) {
    let (alice, bob) = (Identity::from_seed(&SEED), Identity::from_seed(&[8; 32]));
    let link = alice.link(&bob.public_key()).expect("a key from a seed");
    let message = TextMessage::plain(1_700_000_000, 0, "on the ridge at six?").expect("a short text");
    let said = ChannelMessage { timestamp: 1_700_000_000, sender: "alice", message: "on the ridge at six?" };
    let key = ChannelKey::public();
    let flood = Route::flood(2).expect("two bytes");
    let app_data = AppData { name: Some(b"A repeater on a hill"), ..AppData::new(NodeType::Repeater) };
    let advert = NewAdvert { identity: &alice, timestamp: 1_700_000_000, app_data };

    let mut group = c.benchmark_group("make");
    group.throughput(Throughput::Elements(1));
    group.bench_function("acknowledgement", |b| {
        b.iter(|| flood.frame(black_box(&Ack::new([1, 2, 3, 4], &[]))))
    });
    group.bench_function("channel text", |b| b.iter(|| flood.frame(&key.seal(black_box(&said)))));
    group.bench_function("text to a node", |b| b.iter(|| flood.frame(&link.seal(black_box(&message)))));
    group.bench_function("signed advert", |b| b.iter(|| flood.frame(black_box(&advert))));
    group.bench_function("shared secret", |b| b.iter(|| alice.shared_secret(black_box(&bob.public_key()))));
    group.finish();

    let region = RegionKey::public("#Europe").expect("not a private region");
    let frame = flood.in_region(&region).frame(&key.seal(&said)).expect("a short text");
    let packet = Packet::parse(&frame).expect("made above");
    let mut group = c.benchmark_group("region");
    group.bench_function("one key against one packet", |b| b.iter(|| region.covers(black_box(&packet))));
    group.finish();
}

criterion_group!(benches, decode, decrypt, verify, make);
criterion_main!(benches);
