//! The contents of packets: real ones, signed and encrypted by meshcore-proto.

use meshcore_proto::content::{
    AnonRequest, ChannelMessage, GroupData, LoginOk, LppType, LppWriter, OwnerInfo, PathReturn,
    RepeaterStatus, Request, RequestKind, Response, RoomStatus, Status, TextMessage,
};
use meshcore_proto::payload::{Ack, AppData, Multipart};
use meshcore_proto::{
    EncodePayload, FrameBuf, MAX_PAYLOAD, NewAdvert, NodeType, PathBuf, PayloadType, PeerLink, Route,
};

use super::mesh::{Node, World};
use super::names::TALK;
use super::random::Random;

/// Nothing made here is too long for a packet.
const FITS: &str = "made to fit";

pub(super) fn frame(route: &Route<'_>, payload: &impl EncodePayload) -> FrameBuf {
    route.frame(payload).expect(FITS)
}

/// The way a flood of `node` sets out.
pub(super) fn flood<'a>(world: &'a World, node: &Node) -> Route<'a> {
    let route = Route::flood(node.hash_size).expect("1 to 3");
    match node.scope {
        Some(region) => route.in_region(&world.regions[usize::from(region)].1),
        None => route,
    }
}

/// An advert at a time, in milliseconds since 1970.
pub(super) fn advert(world: &World, node: &Node, at: i64, route: &Route<'_>) -> FrameBuf {
    let position = node.place_at(at).position(world.options.center);
    let app_data = AppData {
        position: node.shows_position.then_some(position),
        name: Some(node.name.as_bytes()),
        ..AppData::new(node.node_type)
    };
    frame(route, &NewAdvert { identity: &node.identity, timestamp: clock(node, at), app_data })
}

/// A text to a channel, the first ones likeliest; now and then data.
pub(super) fn channel(world: &World, node: &Node, at: i64, random: &mut Random) -> FrameBuf {
    let (_, key) = &world.channels[random.weighted(&[45, 14, 10, 18, 8, 5])];
    let route = flood(world, node);
    if random.happens(25) {
        let data = random.bits().to_le_bytes();
        return frame(&route, &key.seal(&GroupData::new(0xff00, &data).expect(FITS)));
    }
    let message = random.pick(TALK);
    frame(&route, &key.seal(&ChannelMessage { timestamp: clock(node, at), sender: &node.name, message }))
}

/// A text to a person, and the acknowledgement that will tell it arrived.
pub(super) fn text(
    link: &PeerLink,
    at: i64,
    attempt: u8,
    route: &Route<'_>,
    random: &mut Random,
) -> (FrameBuf, [u8; 4]) {
    let text = TextMessage::plain(seconds(at), attempt, random.pick(TALK)).expect(FITS);
    let checksum = text.ack_checksum(link.local(), link.remote()).expect("plain texts are acknowledged");
    (frame(route, &link.seal(&text)), checksum)
}

/// An acknowledgement, in its six-byte form for newer nodes.
pub(super) fn ack(checksum: [u8; 4], is_long: bool, route: &Route<'_>, random: &mut Random) -> FrameBuf {
    let extra = [0, random.bits().to_le_bytes()[0]];
    frame(route, &Ack::new(checksum, if is_long { &extra } else { &[] }))
}

/// The first of two acknowledgements.
pub(super) fn multipart_ack(checksum: [u8; 4], route: &Route<'_>) -> FrameBuf {
    frame(route, &Multipart::new(1, PayloadType::Ack, &checksum).expect(FITS))
}

/// What comes back to a flood: the way it took, with an acknowledgement, a response, or nothing.
pub(super) fn path_return(
    link: &PeerLink,
    path: &PathBuf,
    extra: Option<(PayloadType, &[u8])>,
    route: &Route<'_>,
    random: &mut Random,
) -> FrameBuf {
    let [a, b, c, d, ..] = random.bits().to_le_bytes();
    let noise = [a, b, c, d];
    let (path_len, bytes) = (path.path_len(), path.as_bytes());
    let content = match extra {
        Some((extra_type, extra)) => PathReturn::new(path_len, bytes, extra_type, extra),
        None => PathReturn::without_extra(path_len, bytes, &noise),
    };
    frame(route, &link.seal(&content.expect(FITS)))
}

/// What a server can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    Login,
    Status,
    Telemetry,
    Owner,
    KeepAlive,
}

/// A question, and for one that is acknowledged instead of answered, by what.
pub(super) fn question(
    link: &PeerLink,
    question: Question,
    at: i64,
    route: &Route<'_>,
    random: &mut Random,
) -> (FrameBuf, [u8; 4]) {
    let [a, b, c, d, ..] = random.bits().to_le_bytes();
    let params = [0, 0, 0, 0, a, b, c, d];
    let request = match question {
        Question::Login => {
            return (
                frame(route, &link.seal(&AnonRequest::login(seconds(at), "hello").expect(FITS))),
                [0; 4],
            );
        }
        Question::Status => Request::new(seconds(at), RequestKind::GetStatus.get(), &params),
        Question::Telemetry => Request::new(seconds(at), RequestKind::GetTelemetry.get(), &params),
        Question::Owner => Request::new(seconds(at), RequestKind::GetOwnerInfo.get(), &[]),
        Question::KeepAlive => Request::new(seconds(at), RequestKind::KeepAlive.get(), &params[..4]),
    };
    let request = request.expect(FITS);
    let checksum = request.ack_checksum(link.local()).unwrap_or_default();
    (frame(route, &link.seal(&request)), checksum)
}

/// The plaintext of an answer of `server`, into `out`; its length.
pub(super) fn answer(
    server: &Node,
    question: Question,
    at: i64,
    random: &mut Random,
    out: &mut [u8; MAX_PAYLOAD],
) -> usize {
    let mut body = [0; MAX_PAYLOAD];
    let number = |random: &mut Random, limit| random.below(limit);
    let len = match question {
        Question::Login => {
            let [a, b, c, d, ..] = random.bits().to_le_bytes();
            LoginOk::new(0, 0, [a, b, c, d], 1).encode_into(&mut body)
        }
        Question::Telemetry => {
            let mut lpp = LppWriter::new(&mut body);
            let battery = i64::from(random.between(360, 418));
            let temperature = i64::from(random.between(-120, 320));
            lpp.push(1, LppType::Voltage, &[battery]).expect(FITS);
            lpp.push(1, LppType::Temperature, &[temperature]).expect(FITS);
            Ok(lpp.written())
        }
        Question::Owner => OwnerInfo::encode_into("v1.16.0", &server.name, "73 de HB9", &mut body),
        Question::Status | Question::KeepAlive => {
            let status = Status {
                batt_mv: 3700,
                noise_floor: -112,
                last_rssi: -90,
                packets_recv: number(random, 90_000),
                packets_sent: number(random, 30_000),
                uptime_secs: number(random, 900_000),
                err_events: Some(0),
                direct_dups: Some(3),
                flood_dups: Some(700),
                ..Status::default()
            };
            match server.node_type {
                NodeType::Room => {
                    RoomStatus { status, posted: Some(3), post_push: Some(9) }.encode_into(&mut body)
                }
                _ => RepeaterStatus { status, rx_airtime_secs: Some(4000), recv_errors: Some(12) }
                    .encode_into(&mut body),
            }
        }
    };
    let len = len.expect(FITS);
    Response::new(seconds(at), &body[..len]).and_then(|response| response.encode_into(out)).expect(FITS)
}

/// An answer on its own.
pub(super) fn response(link: &PeerLink, plaintext: &[u8], route: &Route<'_>) -> FrameBuf {
    let content = Response::parse(plaintext).expect(FITS);
    frame(route, &link.seal(&content))
}

/// Unix seconds by the clock of a node.
fn clock(node: &Node, at: i64) -> u32 {
    seconds(at + node.clock_offset * 1000)
}

/// Unix seconds.
pub(super) fn seconds(at: i64) -> u32 {
    u32::try_from(at / 1000).unwrap_or(0)
}
