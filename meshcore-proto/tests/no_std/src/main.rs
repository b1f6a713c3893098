//! A program without std, as on a node: it reads, writes, decrypts and signs,
//! and ends with 0 when everything came out right.
//!
//! That it links is the proof. With std anywhere in it there would be two
//! panic handlers, and with `alloc` no allocator: either is an error of the
//! compiler. Only C's start code and memory functions are used.

#![no_std]
#![no_main]

use core::ffi::c_int;

use meshcore_proto::airtime::{LoraParams, time_on_air_us};
use meshcore_proto::payload::Trace;
use meshcore_proto::{MAX_FRAME, Packet, Path, Payload, PayloadType, Route, RouteType};

#[link(name = "c")]
unsafe extern "C" {
    safe fn _exit(code: c_int) -> !;
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    _exit(1)
}

/// Mentioned by the `core` that comes ready built for hosts; never called.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

#[unsafe(no_mangle)]
extern "C" fn main() -> c_int {
    reads_and_writes();
    #[cfg(feature = "crypto")]
    decrypts();
    #[cfg(feature = "ed25519")]
    signs();
    #[cfg(feature = "ed25519")]
    talks();
    0
}

/// A text on `#test`, flooded over two hops: `a` says `b`.
const FRAME: [u8; 23] = [
    0x15, 0x02, 0xa1, 0xb2, 0xd9, 0x69, 0x00, 0x30, 0xa5, 0xce, 0x04, 0x49, 0xfc, 0xf0, 0xc4, 0x4f, 0x2d,
    0xd0, 0xdb, 0x10, 0x8c, 0x2f, 0xe6,
];

fn reads_and_writes() {
    let packet = Packet::parse(&FRAME).unwrap();
    assert_eq!(packet.header().route(), RouteType::Flood);
    assert_eq!(packet.header().payload_type(), PayloadType::GrpTxt);
    assert!(matches!(packet.path(), Path::Hashes(hops) if hops.iter().count() == 2));
    assert!(matches!(packet.payload(), Ok(Payload::GrpTxt(group)) if group.channel_hash() == 0xd9));

    let mut out = [0; MAX_FRAME];
    let len = packet.encode_into(&mut out).unwrap();
    assert_eq!(out[..len], FRAME);
    assert!(Packet::parse(&FRAME[..3]).is_err());

    let trace = Trace::new(7, 0, 1, &[0xa1, 0xb2]).unwrap();
    let frame = Route::zero_hop().frame(&trace).unwrap();
    assert!(Packet::parse(&frame).unwrap().payload() == Ok(Payload::Trace(trace)));
    assert!(time_on_air_us(frame.len(), &LoraParams::new(10, 250_000, 5)).is_some());
}

#[cfg(feature = "crypto")]
fn decrypts() {
    use meshcore_proto::content::GroupText;
    use meshcore_proto::{ChannelKey, MAX_PAYLOAD};

    let packet = Packet::parse(&FRAME).unwrap();
    assert_eq!(packet.packet_hash().as_bytes(), &[0x2f, 0x60, 0x90, 0xde, 0x07, 0x0f, 0xd1, 0xe5]);
    let Ok(Payload::GrpTxt(group)) = packet.payload() else { panic!() };
    let keys = [ChannelKey::public(), ChannelKey::hashtag("#test")];
    let mut buf = [0; MAX_PAYLOAD];
    let (plaintext, key) = group.decrypt(&keys[..], &mut buf).unwrap();
    assert!(*key == keys[1]);
    let text = GroupText::parse(plaintext).unwrap();
    assert_eq!((text.sender(), text.message()), (Some("a"), Some("b")));
}

#[cfg(feature = "ed25519")]
fn signs() {
    use meshcore_proto::payload::Advert;
    use meshcore_proto::{Identity, MAX_PAYLOAD};

    let identity = Identity::from_seed(&[7; 32]);
    let mut payload = [0; MAX_PAYLOAD];
    let len = Advert::sign_into(&identity, 1_700_000_000, b"\x82Hill", &mut payload).unwrap();
    let advert = Advert::parse(&payload[..len]).unwrap();
    assert_eq!(advert.app_data().unwrap().name_str(), Some("Hill"));
    assert!(advert.verify().is_ok());

    payload[len - 1] ^= 1;
    assert!(Advert::parse(&payload[..len]).unwrap().verify().is_err());
}

/// One node writes to another, in a region.
#[cfg(feature = "ed25519")]
fn talks() {
    use meshcore_proto::content::TextMessage;
    use meshcore_proto::{Identity, MAX_PAYLOAD, RegionKey};

    let (alice, bob) = (Identity::from_seed(&[1; 32]), Identity::from_seed(&[2; 32]));
    let (to_bob, to_alice) = (alice.link(&bob.public_key()).unwrap(), bob.link(&alice.public_key()).unwrap());
    let region = RegionKey::public("#Europe").unwrap();
    let message = TextMessage::plain(1_700_000_000, 0, "on the ridge at six?").unwrap();
    let frame = Route::flood(2).unwrap().in_region(&region).frame(&to_bob.seal(&message)).unwrap();

    let packet = Packet::parse(&frame).unwrap();
    assert!(region.covers(&packet));
    let Ok(Payload::TxtMsg(datagram)) = packet.payload() else { panic!() };
    let mut buf = [0; MAX_PAYLOAD];
    let (plaintext, _) = datagram.decrypt(&[to_alice][..], &mut buf).unwrap();
    assert!(TextMessage::parse(plaintext) == Ok(message));
}
