//! Laws of frames and payloads.

use meshcore_proto::payload::{Advert, AppData, Control, MAX_APP_DATA, Multipart, Payload, Trace};
use meshcore_proto::routing::{LoopLimit, TraceProgress, forwarded_direct, forwarded_flood};
use meshcore_proto::{
    FrameBuf, Header, MAX_FRAME, MAX_PAYLOAD, NodeType, Packet, Path, PathLen, PayloadType, PublicKey,
    RegionKey, RouteType,
};

/// No byte string panics the decoder, and what decodes encodes back to itself.
pub fn frame(raw: &[u8]) {
    let Ok(packet) = Packet::parse_lax(raw) else {
        assert!(Packet::parse(raw).is_err(), "the strict parser takes less");
        return;
    };
    let mut out = [0; MAX_FRAME];
    let len = packet.encode_into(&mut out).expect("no frame is longer");
    assert_eq!(out[..len], *raw);
    assert_eq!(packet.encoded_len(), raw.len());
    assert!(packet.encode_into(&mut out[..len - 1]).is_err());

    // the strict parser differs in the version only
    assert_eq!(Packet::parse(raw).is_ok(), packet.header().version() == 0);

    match packet.path() {
        Path::Hashes(hops) => {
            assert_eq!(hops.len(), usize::from(packet.path_len().count()));
            assert!(
                hops.iter().flat_map(|hop| hop.as_bytes().to_vec()).eq(packet.path_bytes().iter().copied())
            );
            assert_eq!(hops.get(hops.len()), None);
        }
        Path::Snrs(snrs) => {
            assert_eq!(snrs.iter().count(), packet.path_bytes().len());
            assert!(snrs.iter().all(|snr| (-32.0..32.0).contains(&snr.db())));
        }
    }

    // a packet is what it carries, however it came here
    let hash = packet.packet_hash();
    assert_eq!(hash.to_string().parse(), Ok(hash));
    if packet.header().version() == 0 && packet.header().payload_type() != PayloadType::Trace {
        let header = Header::new(RouteType::Flood, packet.header().payload_type());
        let far = PathLen::new(2, 3).expect("6 bytes");
        let moved = Packet::new(header, None, far, b"abcdef", packet.payload_bytes()).expect("good parts");
        assert_eq!(moved.packet_hash(), hash);
    }
    forwarded(&packet);
    match packet.payload() {
        Ok(payload) => touch(&payload),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// What a node would make of it.
fn forwarded(packet: &Packet<'_>) {
    let own = PublicKey::from_bytes([0x84; 32]);
    let (count, size) = (packet.path_len().count(), packet.path_len().hash_size());
    match forwarded_flood(packet, &own) {
        Ok(Some(path)) => {
            assert_eq!(path.path_len(), PathLen::new(size, count + 1).expect("one more fits"));
            let next = packet.with_path(&path);
            assert_eq!((next.header(), next.payload_bytes()), (packet.header(), packet.payload_bytes()));
        }
        Ok(None) => {
            let header = packet.header();
            let passes = header.payload_type().is_flood_forwarded();
            assert!(header.route().is_direct() || !passes);
        }
        Err(_) => assert_eq!(PathLen::new(size, count + 1), None, "only a full path cannot grow"),
    }
    if let Some(path) = forwarded_direct(packet, &own) {
        assert!(packet.header().route().is_direct() && path.path_len().count() + 1 == count);
    }
    if let Path::Hashes(hops) = packet.path() {
        assert!(!LoopLimit::Strict.allows(hops, &own) || LoopLimit::Minimal.allows(hops, &own));
    }
    if let Some(progress) = TraceProgress::of(packet) {
        assert!(progress.is_complete() || progress.completed() < packet.payload_bytes().len());
    }
    let region = RegionKey::public("#Europe").expect("not a private region");
    assert!(!region.covers(packet) || packet.transport().is_some());
    assert!(!packet.is_share() || packet.is_zero_hop());
    if packet.payload_bytes().len() <= MAX_PAYLOAD {
        assert_eq!(*FrameBuf::of(packet).expect("no frame is longer"), *packet.to_vec());
    }
}

/// No payload of any type panics its reader, and what was read is written again.
///
/// The first byte of `data` is the payload type, the second the path length of
/// the frame around it.
pub fn payload(data: &[u8]) {
    let [payload_type, path_len, bytes @ ..] = data else { return };
    let Ok(path_len) = PathLen::try_from(*path_len) else { return };
    let payload_type = PayloadType::from_bits(*payload_type);
    let payload = match Payload::parse(payload_type, path_len, bytes) {
        Ok(payload) => payload,
        Err(error) => return assert!(!error.to_string().is_empty() && !error.kind().is_empty()),
    };
    assert_eq!(payload.payload_type(), payload_type);
    let mut out = vec![0; bytes.len()];
    let len = payload.encode_into(&mut out).expect("no longer than it was");
    // nodes ignore what follows a discovery
    assert!(len == bytes.len() || matches!(payload, Payload::Control(_)), "{payload:?}");
    assert!(bytes.starts_with(&out[..len]), "{payload:?}");
    assert_eq!(Payload::parse(payload_type, path_len, &out[..len]), Ok(payload));
    touch(&payload);
}

fn touch(payload: &Payload<'_>) {
    assert!(!format!("{payload:?}").is_empty());
    match payload {
        Payload::Ack(ack) => assert_eq!(ack.attempt().is_some(), ack.extra().len() >= 2),
        Payload::Advert(advert) => touch_advert(advert),
        Payload::Trace(trace) => touch_trace(trace),
        Payload::Multipart(multipart) => touch_multipart(multipart),
        Payload::Control(Control::DiscoverReq(request)) => {
            assert_eq!(request.asks_for(NodeType::Repeater), request.type_filter() & 4 != 0);
        }
        Payload::Control(Control::DiscoverResp(answer)) => {
            assert_eq!(answer.public_key().is_some(), answer.key_bytes().len() == 32);
        }
        _ => {}
    }
}

fn touch_advert(advert: &Advert<'_>) {
    assert!(advert.app_data_bytes().len() <= MAX_APP_DATA);
    assert!(advert.trailing().is_empty() || advert.app_data_bytes().len() == MAX_APP_DATA);
    let _ = advert.verify();
    let Ok(data) = advert.app_data() else { return };
    if let Some(position) = data.position {
        let (lat, lon) = (position.latitude(), position.longitude());
        assert_eq!(position.is_on_earth(), lat.abs() <= 90.0 && lon.abs() <= 180.0);
    }

    // what was written once is written the same again
    let (mut once, mut again) = ([0; MAX_APP_DATA], [0; MAX_APP_DATA]);
    let len = data.encode_into(&mut once).expect("32 bytes are enough");
    let read = AppData::parse(&once[..len]).expect("just written");
    assert_eq!(read.encode_into(&mut again), Ok(len));
    assert_eq!(once, again);
}

fn touch_trace(trace: &Trace<'_>) {
    let route = trace.route();
    assert_eq!(route.iter().count(), route.len());
    assert!(trace.remainder().len() < trace.entry_size());
    assert_eq!(route.get(route.len()), None);
    assert!(trace.is_complete(route.len() + 1), "one more covers the remainder");
}

fn touch_multipart(multipart: &Multipart<'_>) {
    assert_eq!(multipart.ack().is_some(), multipart.inner_type() == PayloadType::Ack);
}
