//! Laws of the wire format.

use arbitrary::{Arbitrary, Unstructured};
use meshcore_proto::content::{GroupData, GroupText, MAX_TEXT, is_plausible_text};
use meshcore_proto::payload::{
    Ack, Advert, AppData, Control, GroupDatagram, LatLonE6, MAX_APP_DATA, Multipart, Payload, Trace,
};
use meshcore_proto::{
    ChannelKey, DecodeOptions, Header, Identity, MAX_FRAME, MAX_PAYLOAD, NodeType, Packet, Path, PathLen,
    PayloadType, RouteType, TransportCodes,
};

/// No byte string panics the decoder, and what decodes encodes back to itself.
pub fn frame(raw: &[u8]) {
    let Ok(packet) = Packet::parse_with(raw, DecodeOptions::analyzer()) else {
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
    match packet.payload() {
        Ok(payload) => touch(&payload),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// No payload of any type panics its reader, and its parts add up to it.
///
/// The first byte of `data` is the payload type, the second the path length of
/// the frame around it.
pub fn payload(data: &[u8]) {
    let [payload_type, path_len, bytes @ ..] = data else { return };
    let Ok(path_len) = PathLen::try_from(*path_len) else { return };
    match Payload::parse(PayloadType::from_bits(*payload_type), path_len, bytes) {
        Ok(payload) => {
            let rebuilt = rebuilt(&payload);
            assert!(bytes.starts_with(&rebuilt), "{payload:?}");
            // nodes ignore what follows a discovery
            assert!(rebuilt.len() == bytes.len() || matches!(payload, Payload::Control(_)), "{payload:?}");
            touch(&payload);
        }
        Err(error) => assert!(!error.to_string().is_empty() && !error.kind().is_empty()),
    }
}

/// The payload's bytes put together again from its parts.
fn rebuilt(payload: &Payload<'_>) -> Vec<u8> {
    let ack = |ack: &Ack<'_>| [ack.checksum_bytes(), ack.extra()].concat();
    match payload {
        Payload::Req(peer) | Payload::Response(peer) | Payload::TxtMsg(peer) | Payload::Path(peer) => {
            [&[peer.dest_hash(), peer.src_hash()], &peer.mac()[..], peer.ciphertext()].concat()
        }
        Payload::Ack(inner) => ack(inner),
        Payload::Advert(advert) => [
            &advert.public_key().as_bytes()[..],
            &advert.timestamp().to_le_bytes(),
            advert.signature(),
            advert.app_data_bytes(),
            advert.trailing(),
        ]
        .concat(),
        Payload::GrpTxt(group) | Payload::GrpData(group) => {
            [&[group.channel_hash()], &group.mac()[..], group.ciphertext()].concat()
        }
        Payload::AnonReq(request) => [
            &[request.dest_hash()],
            &request.sender_public_key().as_bytes()[..],
            request.mac(),
            request.ciphertext(),
        ]
        .concat(),
        Payload::Trace(trace) => {
            let head = [trace.tag().to_le_bytes(), trace.auth_code().to_le_bytes()].concat();
            [
                &head,
                &[trace.flags()][..],
                &trace.route().iter().collect::<Vec<_>>().concat(),
                trace.remainder(),
            ]
            .concat()
        }
        Payload::Multipart(multipart) => {
            let first = multipart.remaining() << 4 | multipart.inner_type().bits();
            let inner = multipart.ack().as_ref().map_or_else(|| multipart.inner_bytes().to_vec(), ack);
            [&[first], &inner[..]].concat()
        }
        Payload::Control(control) => rebuilt_control(control),
        Payload::RawCustom(data) | Payload::Reserved(_, data) => data.to_vec(),
    }
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

fn rebuilt_control(control: &Control<'_>) -> Vec<u8> {
    match control {
        Control::DiscoverReq(request) => {
            let since = request.since().map_or_else(Vec::new, |since| since.to_le_bytes().to_vec());
            let head = [control.flags(), request.type_filter()];
            [&head[..], &request.tag().to_le_bytes(), &since].concat()
        }
        Control::DiscoverResp(answer) => {
            let head = [control.flags(), answer.snr().get().cast_unsigned()];
            [&head[..], &answer.tag().to_le_bytes(), answer.key_bytes()].concat()
        }
        Control::Other { data, .. } => [&[control.flags()], *data].concat(),
        other => panic!("a control payload without a law: {other:?}"),
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
    assert_eq!(route.is_empty(), route.len() == 0);
    assert!(trace.is_complete(route.len() + 1), "one more covers the remainder");
}

fn touch_multipart(multipart: &Multipart<'_>) {
    assert_eq!(multipart.ack().is_some(), multipart.inner_type() == PayloadType::Ack);
}

/// No ciphertext and no key panics decryption, and what was sealed opens again.
///
/// The first 32 bytes of `data` are the key, the rest is tried both as a
/// payload of this channel and as a plaintext.
pub fn decrypt(data: &[u8]) {
    let Some((secret, bytes)) = data.split_first_chunk() else { return };
    let keys = [ChannelKey::from_stored(*secret)];
    let mut buf = [0; MAX_PAYLOAD];

    if bytes.len() < MAX_PAYLOAD {
        let payload = [&[keys[0].hash()], bytes].concat();
        if let Ok(datagram) = GroupDatagram::parse(&payload) {
            let _ = datagram.decrypt(&keys[..], &mut buf);
        }
    }

    if let Ok(text) = GroupText::parse(bytes) {
        assert_eq!(text.message().is_some(), text.text().is_some());
        assert_eq!(text.is_plausible(), is_plausible_text(text.text_bytes()));
        assert!(text.sender().is_none() || text.message().is_some());
    }
    if let Ok(data) = GroupData::parse(bytes) {
        assert!(bytes[3..].starts_with(data.data()));
    }

    if bytes.is_empty() {
        return;
    }
    let mut payload = [0; MAX_PAYLOAD];
    let Ok(len) = GroupDatagram::seal(&keys[0], bytes, &mut payload) else {
        assert!(bytes.len() > GroupDatagram::MAX_PLAINTEXT);
        return;
    };
    let datagram = GroupDatagram::parse(&payload[..len]).expect("sealed");
    let (plaintext, _) = datagram.decrypt(&keys[..], &mut buf).expect("sealed");
    assert!(plaintext.starts_with(bytes));
    assert!(plaintext[bytes.len()..].iter().all(|&byte| byte == 0));
}

/// Parts of something to send.
#[derive(Arbitrary)]
enum Parts<'a> {
    Frame { header: u8, codes: (u16, u16), path: (u8, u8, [u8; 64]), payload: &'a [u8] },
    Advert { seed: [u8; 32], timestamp: u32, data: DataParts<'a>, flip: u16 },
    GroupText { timestamp: u32, sender: &'a str, message: &'a str },
    GroupData { data_type: u16, data: &'a [u8] },
}

#[derive(Arbitrary)]
struct DataParts<'a> {
    node_type: u8,
    position: Option<(i32, i32)>,
    feat1: Option<u16>,
    feat2: Option<u16>,
    name: Option<&'a [u8]>,
}

/// What is built of any parts is refused or reads back as those parts.
pub fn roundtrip(data: &[u8]) {
    match Parts::arbitrary_take_rest(Unstructured::new(data)) {
        Ok(Parts::Frame { header, codes, path: (hash_size, count, path), payload }) => {
            let codes = TransportCodes { scope: codes.0, home: codes.1 };
            // sizes that there are, mostly
            build_frame(Header::from(header), codes, (hash_size % 5, count % 65), &path, payload);
        }
        Ok(Parts::Advert { seed, timestamp, data, flip }) => build_advert(&seed, timestamp, &data, flip),
        Ok(Parts::GroupText { timestamp, sender, message }) => build_text(timestamp, sender, message),
        Ok(Parts::GroupData { data_type, data }) => build_data(data_type, data),
        Err(_) => {}
    }
}

fn build_frame(header: Header, codes: TransportCodes, path: (u8, u8), bytes: &[u8; 64], payload: &[u8]) {
    let (hash_size, count) = path;
    let Some(path_len) = PathLen::new(hash_size, count) else {
        let is_good = (1..=3).contains(&hash_size) && count < 64;
        assert!(!is_good || usize::from(hash_size) * usize::from(count) > 64, "{hash_size} x {count}");
        return;
    };
    let path = &bytes[..path_len.byte_len()];
    let transport = header.route().has_transport_codes().then_some(codes);
    let Ok(packet) = Packet::new(header, transport, path_len, path, payload) else {
        assert!(header.version() != 0 || payload.len() > MAX_PAYLOAD);
        return;
    };
    let mut out = [0; MAX_FRAME];
    let len = packet.encode_into(&mut out).expect("no frame is longer");
    assert_eq!(Packet::parse(&out[..len]), Ok(packet));
}

fn build_advert(seed: &[u8; 32], timestamp: u32, parts: &DataParts<'_>, flip: u16) {
    let data = AppData {
        position: parts.position.map(|(lat, lon)| LatLonE6 { lat, lon }),
        feat1: parts.feat1,
        feat2: parts.feat2,
        name: parts.name,
        ..AppData::new(NodeType::from_bits(parts.node_type))
    };
    let mut app_data = [0; MAX_APP_DATA];
    let len = data.encode_into(&mut app_data).expect("32 bytes are enough");
    let app_data = &app_data[..len];
    let read = AppData::parse(app_data).expect("just written");
    assert_eq!((read.node_type, read.position), (data.node_type, data.position));
    // 0 is as good as absent
    assert_eq!((read.feat1, read.feat2), (parts.feat1.filter(|&n| n != 0), parts.feat2.filter(|&n| n != 0)));
    assert!(parts.name.unwrap_or_default().starts_with(read.name.unwrap_or_default()));

    let mut payload = [0; MAX_PAYLOAD];
    let identity = Identity::from_seed(seed);
    let len = Advert::sign_into(&identity, timestamp, app_data, &mut payload).expect("32 bytes fit");
    let advert = Advert::parse(&payload[..len]).expect("just written");
    assert_eq!((advert.public_key(), advert.timestamp()), (identity.public_key(), timestamp));
    assert_eq!(advert.app_data_bytes(), app_data);
    assert!(advert.verify().is_ok());

    let bit = usize::from(flip) % (len * 8);
    payload[bit / 8] ^= 1 << (bit % 8);
    assert!(Advert::parse(&payload[..len]).expect("as long as before").verify().is_err());
}

fn build_text(timestamp: u32, sender: &str, message: &str) {
    let mut out = [0; 5 + MAX_TEXT];
    let len = GroupText::compose(timestamp, sender, message, &mut out).expect("cut to what fits");
    let text = GroupText::parse(&out[..len]).expect("just written");
    assert_eq!(text.timestamp(), timestamp);
    let whole = format!("{sender}: {message}");
    let read = text.text().expect("cut between characters");
    assert!(whole.starts_with(read));
    // whole unless it was too long or has a NUL
    assert!(read == whole || whole.len() > MAX_TEXT || whole.contains('\0'));
}

fn build_data(data_type: u16, data: &[u8]) {
    let Ok(group_data) = GroupData::new(data_type, data) else {
        assert!(data.len() > GroupData::MAX_DATA);
        return;
    };
    let mut out = [0; 3 + GroupData::MAX_DATA];
    let len = group_data.encode_into(&mut out).expect("no data are longer");
    assert_eq!(GroupData::parse(&out[..len]), Ok(group_data));
}
