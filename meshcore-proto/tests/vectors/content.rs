//! Decrypted contents between nodes.

use std::fs;
use std::path::Path;

use meshcore_proto::content::{
    AccessList, AnonRequest, LoginOk, LppReader, Neighbours, OwnerInfo, PathReturn, RepeaterStatus, Request,
    Response, RoomLogin, RoomStatus, Status, TextMessage, TextType,
};
use meshcore_proto::{ContentError, EncodeError, Header, PathLen, PayloadType, PublicKey};
use serde_json::{Value, json};

use crate::{Outcome, array, bytes, number, small};

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

/// The plaintext of a packet of this type, as the key `content` has it.
pub(crate) fn content_of(payload_type: PayloadType, plaintext: &[u8]) -> Result<Value, ContentError> {
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
pub(crate) fn ack_checksum_of(
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

/// The plaintext that operation `encode/<op>` encrypts; `None` for operations
/// between other than two nodes.
pub(crate) fn plaintext_of(op: &str, input: &Value) -> Option<Result<Vec<u8>, EncodeError>> {
    let mut out = [0; 184];
    let len = match op {
        "text" => encode_text(input, &mut out),
        "request" => {
            let params = [bytes(&input["reserved"]), bytes(&input["random"])].concat();
            Request::new(number(&input["timestamp"]), small(&input["req_type"]), &params)
                .and_then(|request| request.encode_into(&mut out))
        }
        "request_raw" => {
            let data = bytes(&input["data"]);
            Request::new(number(&input["timestamp"]), data[0], &data[1..])
                .and_then(|request| request.encode_into(&mut out))
        }
        "response" => {
            let data = bytes(&input["data"]);
            let (tag, body) = data.split_first_chunk().unwrap();
            Response::new(u32::from_le_bytes(*tag), body).and_then(|response| response.encode_into(&mut out))
        }
        "path_return" => encode_path_return(input, &mut out),
        "login" => {
            let (timestamp, password) = (number(&input["timestamp"]), input["password"].as_str().unwrap());
            if input["room"] == true {
                RoomLogin::new(number(&input["sync_since"]), password).encode_into(timestamp, &mut out)
            } else {
                AnonRequest::login(timestamp, password).encode_into(&mut out)
            }
        }
        "anon_request" => AnonRequest::new(number(&input["timestamp"]), &bytes(&input["data"]))
            .and_then(|request| request.encode_into(&mut out)),
        _ => return None,
    };
    Some(len.map(|len| out[..len].to_vec()))
}

fn encode_text(input: &Value, out: &mut [u8]) -> Result<usize, EncodeError> {
    let (timestamp, attempt) = (number(&input["timestamp"]), small(&input["attempt"]));
    let text = input["text"].as_str().unwrap();
    match TextType::from_bits(small(&input["txt_type"])).unwrap() {
        TextType::Plain => TextMessage::plain(timestamp, attempt, text)?.encode_into(out),
        TextType::CliData => TextMessage::cli(timestamp, text)?.with_attempt(attempt)?.encode_into(out),
        TextType::SignedPlain => {
            let author = array(&input["author_prefix"]);
            TextMessage::signed(timestamp, attempt, &author, text)?.encode_into(out)
        }
    }
}

fn encode_path_return(input: &Value, out: &mut [u8]) -> Result<usize, EncodeError> {
    let path_len = PathLen::try_from(small(&input["path_len"])).unwrap();
    let (path, extra) = (bytes(&input["path"]), bytes(&input["extra"]));
    if extra.is_empty() {
        return PathReturn::without_extra(path_len, &path, &array(&input["random"]))?.encode_into(out);
    }
    let extra_type = PayloadType::from_bits(small(&input["extra_type"]));
    PathReturn::new(path_len, &path, extra_type, &extra)?.encode_into(out)
}

fn own_vectors(file: &str) -> Vec<Value> {
    let file = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors")).join(file);
    let document: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    document["vectors"].as_array().unwrap().clone()
}

#[test]
fn contents_between_nodes_are_written_as_their_plaintext() {
    let mut checked = 0;
    for vector in own_vectors("encode.json") {
        let Some(plaintext) = plaintext_of(vector["op"].as_str().unwrap(), &vector["input"]) else {
            continue;
        };
        let expect = &vector["expect"];
        let error = plaintext.as_ref().err().map(EncodeError::kind);
        assert_eq!(json!(error), expect["error"]["kind"], "{}", vector["id"]);
        assert_eq!(json!(plaintext.ok().map(hex::encode)), expect["plaintext_hex"], "{}", vector["id"]);
        checked += 1;
    }
    assert!(checked > 80, "the vectors are gone");
}

#[test]
fn contents_between_nodes_are_read_from_their_plaintext() {
    let mut checked = 0;
    for vector in own_vectors("peer_decrypt.json") {
        let expect = &vector["expect"];
        if !expect["error"].is_null() {
            continue;
        }
        let payload_type = Header::from(bytes(&vector["raw_hex"])[0]).payload_type();
        let plaintext = bytes(&expect["plaintext_hex"]);
        let content = content_of(payload_type, &plaintext);
        let content_error = content.as_ref().err().map(ContentError::kind);
        assert_eq!(json!(content.ok()), expect["content"], "{}", vector["id"]);
        assert_eq!(json!(content_error), expect["content_error"], "{}", vector["id"]);
        let key = |value: &Value| value.as_str().unwrap().parse().unwrap();
        let (sender, recipient) = (key(&expect["sender_public_key"]), key(&vector["receiver"]["public_key"]));
        let checksum = ack_checksum_of(payload_type, &plaintext, &sender, &recipient);
        assert_eq!(json!(checksum), expect["ack_checksum"], "{}", vector["id"]);
        checked += 1;
    }
    assert!(checked > 90, "the vectors are gone");
}
