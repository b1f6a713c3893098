//! Frames as JSON, in the words of the test vectors.
//!
//! | Key | Value |
//! |---|---|
//! | `header` | `byte`, `route_type`, `route`, `payload_type`, `payload_name`, `version` |
//! | `transport_codes` | `[scope, home]` as numbers, or null |
//! | `regions` | names of the given regions whose code the packet carries |
//! | `path` | `len_byte`, `hash_size`, `hash_count`, `hex`, `hops` (null for `TRACE`) |
//! | `payload_hex`, `packet_hash`, `total_len` | the payload's bytes, what identifies the packet, the frame's length |
//! | `payload` | `kind` and the fields of that kind, or null |
//! | `payload_error` | kind of the error, or null |
//! | `decrypted` | what a message says, see below; null when no key fits |
//! | `decrypt_error` | kind of the error, or null; of messages between nodes only when a node was given |
//!
//! | Message | `decrypted` |
//! |---|---|
//! | `GRP_TXT`, `GRP_DATA` | `channel`, `plaintext`, and `text` or `data` |
//! | between nodes | `to` and `from`, public keys; `plaintext`; `content_error`, kind or null; and what follows |
//! | `TXT_MSG` | `text`: `timestamp`, `txt_type`, `attempt`, `author_prefix`, `text` (null unless UTF-8), `text_hex` |
//! | `REQ` | `request`: `timestamp`, `request_type`, `name`, `params` |
//! | `RESPONSE` | `response`: `tag`, `body` |
//! | `PATH` | `path`: `hash_size`, `hops`, `extra_type`, `extra`, and `ack` or `response` |
//! | `ANON_REQ` | `timestamp`; `login`, `room_login`, `question`: each reading it allows, with lengths for passwords |
//!
//! The `plaintext` of `ANON_REQ` is null: there may be a password in it.
//!
//! Bytes are lower-case hex, `*_q4` quarter decibels, `*_e6` millionths of a
//! degree. What was not a frame has one key, `error`, with `layer`, `kind`,
//! `message` and `line`, its number, or null for an argument.

use std::io::{self, Write};

use meshcore_proto::content::{GroupData, GroupText, PathReturn, Response, TextMessage};
use meshcore_proto::hex::LowerHex;
use meshcore_proto::payload::{Ack, Advert, Control, GroupDatagram, Trace};
use meshcore_proto::{CryptoError, MAX_PAYLOAD, Packet, Path, PathHashes, Payload};
use serde_json::{Value, json};

use crate::clean::is_unseen;
use crate::keys::{Content, Keys, Opened};
use crate::line::LineError;

/// Writes a line of JSON that a terminal can be shown as well.
pub(crate) fn write(out: &mut impl Write, value: &Value) -> io::Result<()> {
    let mut line = String::new();
    for c in value.to_string().chars() {
        // all of them are in strings, and none is beyond the first 65 536
        if is_unseen(c) {
            line.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            line.push(c);
        }
    }
    writeln!(out, "{line}")
}

pub(crate) fn error(err: &LineError, line: Option<usize>) -> Value {
    let (layer, kind) = err.layer_and_kind();
    json!({"error": {"layer": layer, "kind": kind, "message": err.to_string(), "line": line}})
}

pub(crate) fn frame(packet: &Packet<'_>, keys: &Keys) -> Value {
    let header = packet.header();
    let hops = match packet.path() {
        Path::Hashes(hops) => json!(hashes(hops)),
        Path::Snrs(_) => Value::Null,
    };
    let payload = packet.payload();
    let decrypted = payload.as_ref().ok().and_then(|payload| decrypted(payload, keys));
    json!({
        "header": {
            "byte": header.get(),
            "route_type": header.route().bits(),
            "route": header.route().name(),
            "payload_type": header.payload_type().bits(),
            "payload_name": header.payload_type().name(),
            "version": header.version(),
        },
        "transport_codes": packet.transport().map(|codes| [codes.scope, codes.home]),
        "regions": keys.regions.matches(packet).map(|region| &region.name).collect::<Vec<_>>(),
        "path": {
            "len_byte": packet.path_len().get(),
            "hash_size": packet.path_len().hash_size(),
            "hash_count": packet.path_len().count(),
            "hex": hex(packet.path_bytes()),
            "hops": hops,
        },
        "payload_hex": hex(packet.payload_bytes()),
        "packet_hash": packet.packet_hash().to_string(),
        "total_len": packet.encoded_len(),
        "payload": payload.as_ref().ok().map(|inner| fields(packet, inner)),
        "payload_error": payload.as_ref().err().map(|err| err.kind()),
        "decrypted": decrypted.as_ref().and_then(|opened| opened.as_ref().ok()),
        "decrypt_error": decrypted.as_ref().and_then(|opened| opened.as_ref().err()).map(CryptoError::kind),
    })
}

fn fields(packet: &Packet<'_>, payload: &Payload<'_>) -> Value {
    let mut value = match payload {
        Payload::Req(peer) | Payload::Response(peer) | Payload::TxtMsg(peer) | Payload::Path(peer) => json!({
            "dest_hash": hex(&[peer.dest_hash()]),
            "src_hash": hex(&[peer.src_hash()]),
            "mac": hex(peer.mac()),
            "ciphertext": hex(peer.ciphertext()),
        }),
        Payload::Ack(inner) => ack(inner),
        Payload::Advert(inner) => advert(inner),
        Payload::GrpTxt(group) | Payload::GrpData(group) => json!({
            "channel_hash": hex(&[group.channel_hash()]),
            "mac": hex(group.mac()),
            "ciphertext": hex(group.ciphertext()),
        }),
        Payload::AnonReq(request) => json!({
            "dest_hash": hex(&[request.dest_hash()]),
            "sender_public_key": request.sender_public_key().to_string(),
            "mac": hex(request.mac()),
            "ciphertext": hex(request.ciphertext()),
        }),
        Payload::Trace(inner) => trace(packet, inner),
        Payload::Multipart(multipart) => json!({
            "remaining": multipart.remaining(),
            "inner_type": multipart.inner_type().bits(),
            "inner_hex": hex(multipart.inner_bytes()),
            "ack": multipart.ack().as_ref().map(ack),
        }),
        Payload::Control(inner) => control(inner),
        Payload::RawCustom(data) | Payload::Reserved(_, data) => json!({"data": hex(data)}),
        // a type this program is older than: the bytes are beside it
        _ => json!({}),
    };
    value["kind"] = json!(packet.header().payload_type().name());
    value
}

fn ack(ack: &Ack<'_>) -> Value {
    json!({
        "checksum": ack.checksum(),
        "checksum_hex": hex(&ack.checksum_bytes()),
        "extra": hex(ack.extra()),
    })
}

fn advert(advert: &Advert<'_>) -> Value {
    let data = advert.app_data();
    json!({
        "public_key": advert.public_key().to_string(),
        "timestamp": advert.timestamp(),
        "signature": hex(advert.signature()),
        "signature_valid": advert.verify().is_ok(),
        "app_data_hex": hex(advert.app_data_bytes()),
        "trailing": hex(advert.trailing()),
        "app_data": data.as_ref().ok().map(|data| json!({
            "flags": data.flags,
            "node_type": data.node_type.bits(),
            "lat_e6": data.position.map(|position| position.lat),
            "lon_e6": data.position.map(|position| position.lon),
            "feat1": data.feat1,
            "feat2": data.feat2,
            "name": data.name_str(),
            "name_hex": data.name.map(hex),
        })),
        "app_data_error": data.as_ref().err().map(|err| err.kind()),
    })
}

fn trace(packet: &Packet<'_>, trace: &Trace<'_>) -> Value {
    let snrs = match packet.path() {
        Path::Snrs(snrs) => snrs.iter().map(|snr| snr.get()).collect(),
        Path::Hashes(_) => Vec::new(),
    };
    json!({
        "tag": trace.tag(),
        "auth_code": trace.auth_code(),
        "flags": trace.flags(),
        "entry_size": trace.entry_size(),
        "route": trace.route().iter().map(hex).collect::<Vec<_>>(),
        "remainder": hex(trace.remainder()),
        "snr_q4": snrs,
    })
}

fn control(control: &Control<'_>) -> Value {
    let mut value = match control {
        Control::DiscoverReq(request) => json!({
            "control": "DISCOVER_REQ",
            "prefix_only": request.prefix_only(),
            "type_filter": request.type_filter(),
            "tag": request.tag(),
            "since": request.since(),
        }),
        Control::DiscoverResp(answer) => json!({
            "control": "DISCOVER_RESP",
            "node_type": answer.node_type().bits(),
            "snr_q4": answer.snr().get(),
            "tag": answer.tag(),
            "public_key": hex(answer.key_bytes()),
        }),
        Control::Other { data, .. } => json!({"control": "OTHER", "data": hex(data)}),
        _ => json!({"control": "OTHER"}),
    };
    value["flags"] = json!(control.flags());
    value["sub_type"] = json!(control.sub_type());
    value
}

/// What a message says, if one of the keys opens it.
fn decrypted(payload: &Payload<'_>, keys: &Keys) -> Option<Result<Value, CryptoError>> {
    match payload {
        Payload::GrpTxt(group) => Some(channel_message(group, keys, true)),
        Payload::GrpData(group) => Some(channel_message(group, keys, false)),
        sealed => Some(keys.open(sealed)?.map(|opened| node_message(&opened))),
    }
}

fn channel_message(group: &GroupDatagram<'_>, keys: &Keys, is_text: bool) -> Result<Value, CryptoError> {
    let mut buf = [0; MAX_PAYLOAD];
    let (plaintext, channel) = group.decrypt(&keys.channels, &mut buf)?;
    let text = GroupText::parse(plaintext).ok().filter(|_| is_text);
    let data = GroupData::parse(plaintext).ok().filter(|_| !is_text);
    Ok(json!({
        "channel": channel.name,
        "plaintext": hex(plaintext),
        "text": text.map(|text| json!({
            "timestamp": text.timestamp(),
            "attempt": text.attempt(),
            "text": text.text(),
            "sender": text.sender(),
            "message": text.message(),
        })),
        "data": data.map(|data| json!({"data_type": data.data_type(), "data": hex(data.data())})),
    }))
}

fn node_message(opened: &Opened) -> Value {
    let mut value = json!({
        "to": opened.to.to_string(),
        "from": opened.from.to_string(),
        "plaintext": opened.plaintext().map(hex),
        "content_error": null,
    });
    match opened.content() {
        Ok(Content::Text(message)) => value["text"] = text(&message),
        Ok(Content::Request(request)) => {
            value["request"] = json!({
                "timestamp": request.timestamp(),
                "request_type": request.request_type(),
                "name": request.kind().name(),
                "params": hex(request.params()),
            });
        }
        Ok(Content::Response(answer)) => value["response"] = response(&answer),
        Ok(Content::Path(path)) => value["path"] = path_return(&path),
        Ok(Content::Anon(anon)) => {
            let login = |password_len: Option<usize>| password_len.map(|len| json!({"password_len": len}));
            value["timestamp"] = json!(anon.timestamp);
            value["login"] = json!(login(anon.login));
            value["room_login"] = json!(login(anon.room_login));
            value["question"] =
                json!(anon.question.map(|(name, hops)| json!({"name": name, "hash_count": hops})));
        }
        Err(err) => value["content_error"] = json!(err.kind()),
    }
    value
}

fn text(text: &TextMessage<'_>) -> Value {
    json!({
        "timestamp": text.timestamp(),
        "txt_type": text.txt_type().name(),
        "attempt": text.extended_attempt().unwrap_or_else(|| text.attempt()),
        "author_prefix": text.author_prefix().map(|prefix| hex(prefix)),
        "text": text.text(),
        "text_hex": hex(text.text_bytes()),
    })
}

fn response(response: &Response<'_>) -> Value {
    json!({"tag": response.tag(), "body": hex(response.body())})
}

fn path_return(path: &PathReturn<'_>) -> Value {
    json!({
        "hash_size": path.path_len().hash_size(),
        "hops": hashes(path.hops()),
        "extra_type": path.extra_type_byte(),
        "extra": hex(path.extra()),
        "ack": path.ack().as_ref().map(ack),
        "response": path.response().as_ref().map(response),
    })
}

fn hashes(hops: PathHashes<'_>) -> Vec<String> {
    hops.iter().map(|hop| hex(hop.as_bytes())).collect()
}

fn hex(bytes: &[u8]) -> String {
    LowerHex(bytes).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_stays_json() {
        let value = json!({"name": "a\u{1b}[2J\u{9b}\u{202e}\u{7f}\u{200b}\u{feff}é"});
        let mut line = Vec::new();
        write(&mut line, &value).unwrap();
        assert!(String::from_utf8_lossy(&line).trim_end().chars().all(|c| !is_unseen(c)));
        assert_eq!(serde_json::from_slice::<Value>(&line).unwrap(), value);
    }
}
