//! Frames and payloads.

use meshcore_proto::payload::{Ack, Advert, Control, Payload};
use meshcore_proto::{MAX_FRAME, Packet, Path};
use serde_json::{Value, json};

use crate::Outcome;

pub(crate) fn decode(raw: &[u8]) -> Outcome {
    let packet = Packet::parse(raw)?;
    let mut again = [0; MAX_FRAME];
    let len = packet.encode_into(&mut again)?;
    assert_eq!(hex::encode(&again[..len]), hex::encode(raw), "does not encode back to itself");

    let header = packet.header();
    let path = match packet.path() {
        Path::Hashes(hops) => {
            assert_eq!(hops.len(), usize::from(packet.path_len().count()));
            json!(hops.iter().map(|hop| hop.to_string().to_lowercase()).collect::<Vec<_>>())
        }
        _ => Value::Null,
    };
    let (payload, payload_error) = match packet.payload() {
        Ok(payload) => (decoded(&packet, &payload), Value::Null),
        Err(err) => (Value::Null, json!(err.kind())),
    };
    Ok(json!({
        "header": {
            "byte": u8::from(header),
            "route_type": header.route().bits(),
            "route": header.route().name(),
            "payload_type": header.payload_type().bits(),
            "payload_name": header.payload_type().name(),
            "version": header.version(),
        },
        "transport_codes": packet.transport().map(|codes| [codes.scope, codes.home]),
        "path": {
            "len_byte": packet.path_len().get(),
            "hash_size": packet.path_len().hash_size(),
            "hash_count": packet.path_len().count(),
            "hex": hex::encode(packet.path_bytes()),
            "hops": path,
        },
        "payload_hex": hex::encode(packet.payload_bytes()),
        "packet_hash": packet.packet_hash().to_string(),
        "total_len": packet.encoded_len(),
        "payload": payload,
        "payload_error": payload_error,
    }))
}

fn decoded(packet: &Packet<'_>, payload: &Payload<'_>) -> Value {
    let mut value = match payload {
        Payload::Req(peer) | Payload::Response(peer) | Payload::TxtMsg(peer) | Payload::Path(peer) => json!({
            "dest_hash": format!("{:02x}", peer.dest_hash()),
            "src_hash": format!("{:02x}", peer.src_hash()),
            "mac": hex::encode(peer.mac()),
            "ciphertext": hex::encode(peer.ciphertext()),
        }),
        Payload::Ack(ack) => decoded_ack(ack),
        Payload::Advert(advert) => decoded_advert(advert),
        Payload::GrpTxt(group) | Payload::GrpData(group) => json!({
            "channel_hash": format!("{:02x}", group.channel_hash()),
            "mac": hex::encode(group.mac()),
            "ciphertext": hex::encode(group.ciphertext()),
        }),
        Payload::AnonReq(request) => json!({
            "dest_hash": format!("{:02x}", request.dest_hash()),
            "sender_public_key": request.sender_public_key().to_string(),
            "mac": hex::encode(request.mac()),
            "ciphertext": hex::encode(request.ciphertext()),
        }),
        Payload::Trace(trace) => {
            let Path::Snrs(snrs) = packet.path() else { panic!("a trace collects SNRs") };
            json!({
                "tag": trace.tag(),
                "auth_code": trace.auth_code(),
                "flags": trace.flags(),
                "entry_size": trace.entry_size(),
                "route": trace.route().iter().map(hex::encode).collect::<Vec<_>>(),
                "remainder": hex::encode(trace.remainder()),
                "snr_q4": snrs.iter().map(|snr| snr.get()).collect::<Vec<_>>(),
            })
        }
        Payload::Multipart(multipart) => json!({
            "remaining": multipart.remaining(),
            "inner_type": multipart.inner_type().bits(),
            "inner_hex": hex::encode(multipart.inner_bytes()),
            "ack": multipart.ack().as_ref().map(decoded_ack),
        }),
        Payload::Control(control) => decoded_control(control),
        Payload::RawCustom(data) | Payload::Reserved(_, data) => json!({"data": hex::encode(data)}),
        other => panic!("a payload this test does not know: {other:?}"),
    };
    value["kind"] = json!(packet.header().payload_type().name());
    value
}

fn decoded_ack(ack: &Ack<'_>) -> Value {
    json!({
        "checksum": ack.checksum(),
        "checksum_hex": hex::encode(ack.checksum_bytes()),
        "extra": hex::encode(ack.extra()),
    })
}

fn decoded_advert(advert: &Advert<'_>) -> Value {
    let (app_data, app_data_error) = match advert.app_data() {
        Ok(data) => (
            json!({
                "flags": data.flags,
                "node_type": data.node_type.bits(),
                "lat_e6": data.position.map(|position| position.lat),
                "lon_e6": data.position.map(|position| position.lon),
                "feat1": data.feat1,
                "feat2": data.feat2,
                "name": data.name_str(),
                "name_hex": data.name.map(hex::encode),
            }),
            Value::Null,
        ),
        Err(err) => (Value::Null, json!(err.kind())),
    };
    json!({
        "public_key": advert.public_key().to_string(),
        "timestamp": advert.timestamp(),
        "signature": hex::encode(advert.signature()),
        "signature_valid": advert.verify().is_ok(),
        "app_data_hex": hex::encode(advert.app_data_bytes()),
        "trailing": hex::encode(advert.trailing()),
        "app_data": app_data,
        "app_data_error": app_data_error,
    })
}

fn decoded_control(control: &Control<'_>) -> Value {
    let mut value = match control {
        Control::DiscoverReq(request) => json!({
            "control": "DISCOVER_REQ",
            "prefix_only": request.prefix_only(),
            "type_filter": request.type_filter(),
            "tag": request.tag(),
            "since": request.since(),
        }),
        Control::DiscoverResp(response) => json!({
            "control": "DISCOVER_RESP",
            "node_type": response.node_type().bits(),
            "snr_q4": response.snr().get(),
            "tag": response.tag(),
            "public_key": hex::encode(response.key_bytes()),
        }),
        Control::Other { data, .. } => json!({"control": "OTHER", "data": hex::encode(data)}),
        _ => panic!("a control payload this test does not know"),
    };
    value["flags"] = json!(control.flags());
    value["sub_type"] = json!(control.sub_type());
    value
}

pub(crate) fn malformed(vector: &Value) -> Outcome {
    let text = ["raw_hex", "raw_text"].iter().find_map(|key| vector[key].as_str()).unwrap();
    let mut raw = [0; 512];
    let raw = meshcore_proto::hex::decode_into(text, &mut raw)?;
    Ok(json!(format!("{:?}", Packet::parse(raw)?)))
}

pub(crate) fn packet_hash(raw: &[u8]) -> Outcome {
    Ok(json!({"packet_hash": Packet::parse(raw)?.packet_hash().to_string()}))
}
