//! Laws of what is encrypted, and of what is inside.

use meshcore_proto::content::{
    AccessList, AnonAnswer, AnonRequest, GroupData, GroupText, LegacySensorTelemetry, LoginOk, LppReader,
    LppType, LppWriter, Neighbours, OwnerInfo, PathReturn, RepeaterStatus, Request, Response, RoomStatus,
    Series, TextMessage, is_plausible_text,
};
use meshcore_proto::payload::{AnonReq, GroupDatagram, PeerDatagram};
use meshcore_proto::{ChannelKey, MAX_PAYLOAD, PeerLink, PublicKey, SharedSecret};

const LOCAL: PublicKey = PublicKey::from_bytes([0x84; 32]);
const REMOTE: PublicKey = PublicKey::from_bytes([0xe5; 32]);

/// No ciphertext and no key panics decryption, what was sealed opens again, and
/// no plaintext panics its readers.
///
/// The first 32 bytes of `data` are the key, the rest is tried as a payload of
/// each encrypted type and as a plaintext.
pub fn decrypt(data: &[u8]) {
    let Some((secret, bytes)) = data.split_first_chunk() else { return };
    if bytes.len() <= MAX_PAYLOAD {
        opened(secret, bytes);
        sealed(secret, bytes);
    }
    read(bytes);
}

fn opened(secret: &[u8; 32], bytes: &[u8]) {
    let mut buf = [0; MAX_PAYLOAD];
    let (keys, secret) = ([ChannelKey::from_stored(*secret)], SharedSecret::from_bytes(*secret));
    if let Ok(datagram) = GroupDatagram::parse(&[&[keys[0].hash()], bytes].concat()) {
        let _ = datagram.decrypt(&keys[..], &mut buf);
    }
    let links = [PeerLink::new(LOCAL, REMOTE, secret.clone())];
    if let Ok(datagram) = PeerDatagram::parse(&[&[0x84, 0xe5], bytes].concat()) {
        let _ = datagram.decrypt(&links[..], &mut buf);
    }
    if let Ok(request) = AnonReq::parse(bytes) {
        let _ = request.open_with(&secret, &mut buf);
    }
}

fn sealed(secret: &[u8; 32], bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    let (mut payload, mut buf) = ([0; MAX_PAYLOAD], [0; MAX_PAYLOAD]);
    let check = |plaintext: &[u8]| {
        assert!(plaintext.starts_with(bytes));
        assert!(plaintext[bytes.len()..].iter().all(|&byte| byte == 0));
    };

    let keys = [ChannelKey::from_stored(*secret)];
    match GroupDatagram::seal(&keys[0], bytes, &mut payload) {
        Ok(len) => {
            let datagram = GroupDatagram::parse(&payload[..len]).expect("sealed");
            check(datagram.decrypt(&keys[..], &mut buf).expect("sealed").0);
        }
        Err(_) => assert!(bytes.len() > GroupDatagram::MAX_PLAINTEXT),
    }

    let secret = SharedSecret::from_bytes(*secret);
    let link = PeerLink::new(LOCAL, REMOTE, secret.clone());
    match PeerDatagram::seal(&link, bytes, &mut payload) {
        Ok(len) => {
            let datagram = PeerDatagram::parse(&payload[..len]).expect("sealed");
            let links = [PeerLink::new(REMOTE, LOCAL, secret.clone())];
            check(datagram.decrypt(&links[..], &mut buf).expect("sealed").0);
        }
        Err(_) => assert!(bytes.len() > PeerDatagram::MAX_PLAINTEXT),
    }
    match AnonReq::seal(&link, bytes, &mut payload) {
        Ok(len) => {
            let request = AnonReq::parse(&payload[..len]).expect("sealed");
            assert_eq!(request.sender_public_key(), LOCAL);
            check(request.open_with(&secret, &mut buf).expect("sealed"));
        }
        Err(_) => assert!(bytes.len() > AnonReq::MAX_PLAINTEXT),
    }
}

/// As each content; what is read in full is written again.
fn read(plaintext: &[u8]) {
    let mut out = vec![0; plaintext.len() + 8];
    if let Ok(text) = GroupText::parse(plaintext) {
        assert_eq!(text.message().is_some(), text.text().is_some());
        assert_eq!(text.is_plausible(), is_plausible_text(text.text_bytes()));
        assert!(text.sender().is_none() || text.message().is_some());
    }
    if let Ok(data) = GroupData::parse(plaintext) {
        let len = data.encode_into(&mut out).expect("as long as it was");
        assert!(plaintext.starts_with(&out[..len]) && !data.kind().name().is_empty());
    }
    if let Ok(message) = TextMessage::parse(plaintext) {
        let len = message.encode_into(&mut out).expect("as long as it was");
        assert!(plaintext.starts_with(&out[..len]));
        let _ = message.ack_checksum(&LOCAL, &REMOTE);
    }
    if let Ok(request) = Request::parse(plaintext) {
        let len = request.encode_into(&mut out).expect("as long as it was");
        assert_eq!(&out[..len], plaintext);
        assert_eq!(request.body().kind(), request.kind());
        let _ = request.ack_checksum(&LOCAL);
    }
    if let Ok(path) = PathReturn::parse(plaintext) {
        let len = path.encode_into(&mut out).expect("as long as it was");
        assert_eq!(&out[..len], plaintext);
        assert_eq!(path.hops().iter().count(), usize::from(path.path_len().count()));
        let _ = (path.ack(), path.response().map(|response| read_answer(response.body())));
    }
    if let Ok(request) = AnonRequest::parse(plaintext) {
        let _ = request.room_login();
        assert!(request.question().is_none() || request.login_password().is_none());
    }
    if let Ok(response) = Response::parse(plaintext) {
        read_answer(response.body());
    }
    let _ = LegacySensorTelemetry::parse(plaintext);
}

fn read_answer(body: &[u8]) {
    let mut out = [0; 64];
    if let Ok(login) = LoginOk::parse(body) {
        login.encode_into(&mut out).expect("a few bytes");
    }
    if let Ok(status) = RepeaterStatus::parse(body) {
        status.encode_into(&mut out).expect("56 bytes");
    }
    if let Ok(status) = RoomStatus::parse(body) {
        status.encode_into(&mut out).expect("52 bytes");
    }
    for prefix_len in [0, 4, 32, 255] {
        if let Ok(neighbours) = Neighbours::parse(body, prefix_len) {
            assert_eq!(neighbours.entries().count(), neighbours.len());
        }
    }
    assert!(AccessList::new(body).entries().count() <= body.len() / 7);
    if let Ok(series) = Series::parse(body) {
        assert!(series.items().count() <= body.len());
    }
    let owner = OwnerInfo::new(body);
    assert!(owner.text().is_some() || owner.node_name().is_none());
    if let Ok(answer) = AnonAnswer::parse(body) {
        assert!(answer.regions().count() <= body.len());
        let _ = (answer.node_name(), answer.owner_info(), answer.features());
    }
}

/// No telemetry panics its reader; what was read is written again, and nothing
/// is lost between what was read and the rest.
pub fn lpp(data: &[u8]) {
    let mut reader = LppReader::new(data);
    let stop = reader.stop();
    let mut out = vec![0; data.len()];
    let mut writer = LppWriter::new(&mut out);
    let mut is_whole = true;
    for item in reader.by_ref() {
        let numbers: Vec<i64> = (0..item.len()).filter_map(|index| item.raw(index)).collect();
        assert_eq!(item.values().count(), numbers.len());
        assert_eq!(item.raw(item.len()), None);
        if item.kind() == LppType::Polyline {
            is_whole = false;
        } else {
            writer.push(item.channel(), item.kind(), &numbers).expect("it was read");
        }
    }
    assert_eq!(reader.stop(), stop);
    assert!(data.ends_with(reader.rest()));
    if is_whole {
        let written = writer.written();
        assert_eq!(written + reader.rest().len(), data.len());
        assert_eq!(out[..written], data[..written]);
    }
}
