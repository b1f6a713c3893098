//! No byte string panics the decoder, and what decodes encodes back to itself.

#![no_main]

use libfuzzer_sys::fuzz_target;
use meshcore_proto::{DecodeOptions, MAX_FRAME, Packet, Path, Payload};

fuzz_target!(|raw: &[u8]| {
    let Ok(packet) = Packet::parse_with(raw, DecodeOptions::analyzer()) else { return };
    let mut out = [0; MAX_FRAME];
    let len = packet.encode_into(&mut out).expect("no frame is longer");
    assert_eq!(&out[..len], raw);

    // the strict parser differs in the version only
    assert_eq!(Packet::parse(raw).is_ok(), packet.header().version() == 0);

    match packet.path() {
        Path::Hashes(hops) => assert_eq!(hops.iter().count(), usize::from(packet.path_len().count())),
        Path::Snrs(snrs) => assert_eq!(snrs.iter().count(), packet.path_bytes().len()),
    }
    let _ = packet.packet_hash();
    match packet.payload() {
        Ok(Payload::Advert(advert)) => {
            let _ = (advert.verify(), advert.app_data().map(|data| data.name_str().map(str::len)));
        }
        Ok(Payload::Trace(trace)) => assert_eq!(trace.route().iter().count(), trace.route().len()),
        Ok(payload) => drop(format!("{payload:?}")),
        Err(err) => drop(err.to_string()),
    }
});
