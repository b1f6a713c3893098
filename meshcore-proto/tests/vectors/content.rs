//! Decrypted contents between nodes.

use meshcore_proto::content::{
    AccessList, AnonRequest, LoginOk, LppReader, Neighbours, OwnerInfo, PathReturn, RepeaterStatus, Request,
    Response, RoomStatus, Status, TextMessage,
};
use meshcore_proto::{ContentError, Identity, MAX_PAYLOAD, Packet, Payload, PayloadType, Peers, PublicKey};
use serde_json::{Value, json};

use crate::crypto::identity;
use crate::{Outcome, bytes};

/// Keys of the neighbour vectors have this many bytes.
const PREFIX_LEN: u8 = 6;

pub(crate) fn lpp(input: &Value) -> Outcome {
    let data = bytes(&input["hex"]);
    let mut reader = LppReader::new(&data);
    let items: Vec<_> = reader
        .by_ref()
        .map(|item| {
            json!({
                "channel": item.channel(),
                "type": item.kind().get(),
                "raw": (0..item.len()).map(|index| item.raw(index)).collect::<Vec<_>>(),
                "divisor": item.kind().divisors(),
            })
        })
        .collect();
    Ok(json!({"items": items, "stop": reader.stop().name(), "rest": hex::encode(reader.rest())}))
}

pub(crate) fn response_body(input: &Value) -> Outcome {
    let plaintext = bytes(&input["plaintext"]);
    let response = Response::parse(&plaintext)?;
    let body = response.body();
    let mut out = [0; 163];
    let (mut value, written) = match input["as"].as_str().unwrap() {
        "repeater_status" => {
            let repeater = RepeaterStatus::parse(body)?;
            let mut value = status(&repeater.status);
            value["rx_airtime_s"] = json!(repeater.rx_airtime_secs);
            value["recv_errors"] = json!(repeater.recv_errors);
            (value, repeater.encode_into(&mut out)?)
        }
        "room_status" => {
            let room = RoomStatus::parse(body)?;
            let mut value = status(&room.status);
            value["posted"] = json!(room.posted);
            value["post_push"] = json!(room.post_push);
            (value, room.encode_into(&mut out)?)
        }
        "login_ok" => {
            let login = LoginOk::parse(body)?;
            let value = json!({
                "code": login.code,
                "keep_alive_secs": login.keep_alive_secs(),
                "is_admin": login.admin,
                "permissions": login.permissions,
                "firmware_ver_level": login.firmware_level,
            });
            (value, login.encode_into(&mut out)?)
        }
        "neighbours" => {
            let neighbours = Neighbours::parse(body, PREFIX_LEN)?;
            let entries: Vec<_> = neighbours
                .entries()
                .map(|entry| {
                    json!({
                        "prefix": hex::encode(entry.prefix),
                        "heard_secs_ago": entry.heard_secs_ago,
                        "snr_q4": entry.snr.get(),
                    })
                })
                .collect();
            assert_eq!(entries.len(), neighbours.len());
            let value = json!({"total": neighbours.total(), "prefix_len": neighbours.prefix_len(), "entries": entries});
            let written =
                Neighbours::encode_into(neighbours.total(), PREFIX_LEN, neighbours.entries(), &mut out)?;
            (value, written)
        }
        "access_list" => {
            let entries: Vec<_> = AccessList::new(body).entries().collect();
            let written = AccessList::encode_into(&entries, &mut out)?;
            let entries: Vec<_> = entries
                .iter()
                .map(|entry| json!({"prefix": hex::encode(entry.prefix), "permissions": entry.permissions}))
                .collect();
            (json!({"entries": entries}), written)
        }
        "owner_info" => {
            let owner = OwnerInfo::new(body);
            let lines = [owner.firmware_version(), owner.node_name(), owner.owner_info()];
            let [version, name, info] = lines.map(Option::unwrap_or_default);
            (json!({"text": owner.text()}), OwnerInfo::encode_into(version, name, info, &mut out)?)
        }
        unknown => panic!("a body this test does not know: {unknown}"),
    };
    assert_eq!(hex::encode(&out[..written]), hex::encode(&body[..written]), "does not encode back to itself");
    assert!(body[written..].iter().all(|byte| *byte == 0), "leaves more than padding");
    let tag = if value.get("code").is_some() { "server_time" } else { "tag" };
    value[tag] = json!(response.tag());
    Ok(value)
}

fn status(status: &Status) -> Value {
    json!({
        "batt_mv": status.batt_mv,
        "tx_queue": status.tx_queue,
        "noise_floor": status.noise_floor,
        "last_rssi": status.last_rssi,
        "packets_recv": status.packets_recv,
        "packets_sent": status.packets_sent,
        "tx_airtime_s": status.tx_airtime_secs,
        "uptime_s": status.uptime_secs,
        "sent_flood": status.sent_flood,
        "sent_direct": status.sent_direct,
        "recv_flood": status.recv_flood,
        "recv_direct": status.recv_direct,
        "err_events": status.err_events,
        "last_snr_q4": status.last_snr_q4,
        "direct_dups": status.direct_dups,
        "flood_dups": status.flood_dups,
    })
}

pub(crate) fn peer_decrypt(vector: &Value) -> Outcome {
    let receiver = identity(&vector["receiver"]);
    let peers = vector["peers"].as_array().unwrap().iter().map(|key| key.as_str().unwrap().parse().unwrap());
    let peers: Peers = peers.map(|key: PublicKey| receiver.link(&key).unwrap()).collect();
    let raw = bytes(&vector["raw_hex"]);
    let packet = Packet::parse(&raw)?;
    let mut buf = [0; MAX_PAYLOAD];
    match packet.payload()? {
        Payload::Req(peer) | Payload::Response(peer) | Payload::TxtMsg(peer) | Payload::Path(peer) => {
            let (plaintext, link) = peer.decrypt(&peers, &mut buf)?;
            Ok(opened(&packet, plaintext, link.remote(), link.secret().as_bytes(), &receiver))
        }
        Payload::AnonReq(request) => {
            let (plaintext, link) = request.decrypt(&receiver, &mut buf)?;
            Ok(opened(&packet, plaintext, link.remote(), link.secret().as_bytes(), &receiver))
        }
        other => panic!("not from node to node: {other:?}"),
    }
}

fn opened(
    packet: &Packet<'_>,
    plaintext: &[u8],
    sender: &PublicKey,
    secret: &[u8; 32],
    receiver: &Identity,
) -> Value {
    let payload_type = packet.header().payload_type();
    let content = content_of(payload_type, plaintext);
    json!({
        "sender_public_key": sender.to_string(),
        "shared_secret": hex::encode(secret),
        "plaintext_hex": hex::encode(plaintext),
        "content": content.as_ref().ok(),
        "content_error": content.as_ref().err().map(ContentError::kind),
        "ack_checksum": ack_checksum_of(payload_type, plaintext, sender, &receiver.public_key()),
    })
}

/// The plaintext of a packet of this type, as the key `content` has it.
fn content_of(payload_type: PayloadType, plaintext: &[u8]) -> Result<Value, ContentError> {
    Ok(match payload_type {
        PayloadType::TxtMsg => {
            let message = TextMessage::parse(plaintext)?;
            json!({
                "timestamp": message.timestamp(),
                "txt_type": message.txt_type().bits(),
                "attempt": message.attempt(),
                "author_prefix": message.author_prefix().map(hex::encode),
                "extended_attempt": message.extended_attempt(),
                "text_hex": hex::encode(message.text_bytes()),
                "text": message.text(),
            })
        }
        PayloadType::Req => {
            let request = Request::parse(plaintext)?;
            json!({
                "timestamp": request.timestamp(),
                "req_type": request.request_type(),
                "params": hex::encode(request.params()),
            })
        }
        PayloadType::Response => {
            let response = Response::parse(plaintext)?;
            json!({"tag": response.tag(), "body": hex::encode(response.body())})
        }
        PayloadType::Path => {
            let path = PathReturn::parse(plaintext)?;
            json!({
                "path_len": path.path_len().get(),
                "path": hex::encode(path.path_bytes()),
                "extra_type": path.extra_type().bits(),
                "extra_type_byte": path.extra_type_byte(),
                "extra": hex::encode(path.extra()),
            })
        }
        PayloadType::AnonReq => {
            let request = AnonRequest::parse(plaintext)?;
            let text = |bytes| std::str::from_utf8(bytes).ok();
            let room_login = request
                .room_login()
                .map(|login| json!({"sync_since": login.sync_since(), "password": text(login.password())}));
            let question = request.question();
            json!({
                "timestamp": request.timestamp(),
                "selector": request.selector(),
                "body": hex::encode(request.body()),
                "login_password": request.login_password().and_then(text),
                "room_login": room_login,
                "sub_type": question.map(|question| question.kind().get()),
                "reply_path_len": question.map(|question| question.path_len().get()),
                "reply_path": question.map(|question| hex::encode(question.path_bytes())),
            })
        }
        other => panic!("no peer content in {other}"),
    })
}

/// The checksum that acknowledges a message, in the order of the wire, as the
/// key `ack_checksum` has it.
fn ack_checksum_of(
    payload_type: PayloadType,
    plaintext: &[u8],
    sender: &PublicKey,
    recipient: &PublicKey,
) -> Option<String> {
    match payload_type {
        PayloadType::TxtMsg => TextMessage::parse(plaintext).ok()?.ack_checksum(sender, recipient),
        PayloadType::Req => Request::parse(plaintext).ok()?.ack_checksum(sender),
        _ => None,
    }
    .map(hex::encode)
}
