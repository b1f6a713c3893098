//! Laws of what is built.

use arbitrary::{Arbitrary, Unstructured};
use meshcore_proto::content::{GroupData, GroupText, MAX_TEXT, PathReturn, TextMessage};
use meshcore_proto::payload::{Advert, AppData, LatLonE6, MAX_APP_DATA, Payload, Trace};
use meshcore_proto::{
    EncodeError, EncodePayload, Header, Identity, MAX_FRAME, MAX_PAYLOAD, NodeHash, NodeType, Packet,
    PathBuf, PathLen, PayloadType, PeerLink, PublicKey, Route, SharedSecret, TransportCodes,
};

const LOCAL: PublicKey = PublicKey::from_bytes([0x84; 32]);
const REMOTE: PublicKey = PublicKey::from_bytes([0xe5; 32]);

/// Parts of something to send.
#[derive(Arbitrary)]
enum Parts<'a> {
    Frame { header: u8, codes: (u16, u16), path: (u8, u8, [u8; 64]), payload: &'a [u8] },
    Advert { seed: [u8; 32], timestamp: u32, data: DataParts<'a>, flip: u16 },
    GroupText { timestamp: u32, sender: &'a str, message: &'a str },
    GroupData { data_type: u16, data: &'a [u8] },
    Text { timestamp: u32, attempt: u8, text: &'a str, route: RouteParts },
    PathReturn { path: RouteParts, extra: &'a [u8], route: RouteParts },
    Trace { tag: u32, entry_size: u8, nodes: &'a [u8], route: RouteParts },
}

/// A route: how many bytes of which hops.
#[derive(Arbitrary)]
struct RouteParts {
    hash_size: u8,
    hops: Option<[u8; 12]>,
    codes: Option<(u16, u16)>,
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
        Ok(Parts::Text { timestamp, attempt, text, route }) => {
            build_message(timestamp, attempt, text, &route)
        }
        Ok(Parts::PathReturn { path, extra, route }) => build_path_return(&path, extra, &route),
        Ok(Parts::Trace { tag, entry_size, nodes, route }) => build_trace(tag, entry_size, nodes, &route),
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

/// The path of a direct route, whose hops are as long as they say.
fn path_of(parts: &RouteParts) -> Option<PathBuf> {
    let size = 1 + parts.hash_size % 3;
    let mut path = PathBuf::new(size).expect("1 to 3");
    for hop in parts.hops?.chunks_exact(size.into()) {
        path.push(NodeHash::new(hop)?).expect("at most 12");
    }
    Some(path)
}

/// Sends `payload` and reads what arrives.
fn sent(parts: &RouteParts, payload: &impl EncodePayload) -> Result<Vec<u8>, EncodeError> {
    let path = path_of(parts);
    let mut route = match &path {
        Some(path) => Route::direct(path),
        None => Route::flood(parts.hash_size)?,
    };
    if let Some((scope, home)) = parts.codes {
        route = route.with_codes(TransportCodes { scope, home });
    }
    let frame = route.frame(payload)?;
    let packet = Packet::parse(&frame).expect("a node would read it");
    assert_eq!(packet.header().payload_type(), payload.payload_type());
    assert_eq!(packet.transport().map(|codes| (codes.scope, codes.home)), parts.codes);
    assert_eq!(packet.path_bytes(), path.as_ref().map_or(&[][..], |path| path.as_bytes()));
    Ok(frame.to_vec())
}

fn opened(raw: &[u8]) -> Vec<u8> {
    let (Ok(Payload::TxtMsg(peer)) | Ok(Payload::Path(peer))) = Packet::parse(raw).expect("sent").payload()
    else {
        panic!("not from node to node")
    };
    let mut buf = [0; MAX_PAYLOAD];
    let links = [PeerLink::new(REMOTE, LOCAL, SharedSecret::from_bytes([7; 32]))];
    peer.decrypt(&links[..], &mut buf).expect("sealed with this secret").0.to_vec()
}

fn build_message(timestamp: u32, attempt: u8, text: &str, route: &RouteParts) {
    let Ok(message) = TextMessage::plain(timestamp, attempt, text) else {
        return assert!(text.len() > 158);
    };
    let link = PeerLink::new(LOCAL, REMOTE, SharedSecret::from_bytes([7; 32]));
    match sent(route, &link.seal(&message)) {
        Ok(raw) => {
            let plaintext = opened(&raw);
            // an empty text fills its block; a NUL ends a text
            let read = TextMessage::parse(&plaintext).expect("sent");
            assert_eq!(read, message);
        }
        Err(_) => assert!(!(1..=3).contains(&route.hash_size)),
    }
}

fn build_path_return(path: &RouteParts, extra: &[u8], route: &RouteParts) {
    let path = path_of(path).unwrap_or_else(|| PathBuf::new(1).expect("1 to 3"));
    let Ok(returned) = PathReturn::new(path.path_len(), path.as_bytes(), PayloadType::Response, extra) else {
        return assert!(extra.len() < 4 || extra.len() > 140);
    };
    let link = PeerLink::new(LOCAL, REMOTE, SharedSecret::from_bytes([7; 32]));
    if let Ok(raw) = sent(route, &link.seal(&returned)) {
        let plaintext = opened(&raw);
        let read = PathReturn::parse(&plaintext).expect("sent");
        assert_eq!((read.path_len(), read.path_bytes()), (path.path_len(), path.as_bytes()));
        assert!(read.extra().starts_with(extra));
    }
}

fn build_trace(tag: u32, entry_size: u8, nodes: &[u8], route: &RouteParts) {
    let Ok(trace) = Trace::new(tag, 0, entry_size.into(), nodes) else {
        let is_size = [1, 2, 4, 8].contains(&entry_size);
        return assert!(!is_size || !nodes.len().is_multiple_of(entry_size.into()) || nodes.len() > 63);
    };
    if let Ok(raw) = sent(route, &trace) {
        let packet = Packet::parse(&raw).expect("sent");
        assert_eq!(packet.payload(), Ok(Payload::Trace(trace)));
        assert!(packet.header().route().is_direct() && packet.path_bytes().is_empty());
    }
}
