//! What is sent: payloads made from their fields, on a route, as a frame.

use meshcore_proto::content::{AnonRequest, PathReturn, Request, Response, RoomLogin, TextMessage};
use meshcore_proto::payload::{Ack, DiscoverReq, DiscoverResp, Multipart, Payload, PeerDatagram, Trace};
use meshcore_proto::{
    EncodeError, EncodePayload, MAX_PAYLOAD, NodeHash, NodeType, PathBuf, PathLen, PayloadType, PeerLink,
    PublicKey, Route, SnrQuarterDb, TransportCodes,
};
use serde_json::{Value, json};

use crate::crypto::identity;
use crate::{Outcome, array, bytes, number, small};

/// The frame of `payload` on the route a vector asks for.
fn frame(payload: &impl EncodePayload, input: &Value) -> Result<Value, EncodeError> {
    let hash_size = small(&input["path_hash_size"]);
    let is_flood = input["route"].as_str().unwrap().ends_with("FLOOD");
    let mut path = PathBuf::new(hash_size)?;
    // of a flood, `path` is what a returned path tells
    if let (false, Some(hops)) = (is_flood, input["path"].as_str()) {
        for hop in hex::decode(hops).unwrap().chunks_exact(hash_size.into()) {
            path.push(NodeHash::new(hop).unwrap())?;
        }
    }
    let mut route = if is_flood { Route::flood(hash_size)? } else { Route::direct(&path) };
    if let Some(codes) = input["transport_codes"].as_array() {
        let code = |index: usize| codes[index].as_u64().unwrap().try_into().unwrap();
        route = route.with_codes(TransportCodes { scope: code(0), home: code(1) });
    }
    Ok(json!(route.frame(payload)?.to_string()))
}

fn link(input: &Value) -> PeerLink {
    let recipient = input["recipient_public_key"].as_str().unwrap().parse().unwrap();
    identity(&input["sender"]).link(&recipient).unwrap()
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap()
}

pub(crate) fn text(input: &Value) -> Outcome {
    let (timestamp, attempt) = (number(&input["timestamp"]), small(&input["attempt"]));
    let author = input["author_prefix"].as_str().map(|_| array(&input["author_prefix"])).unwrap_or_default();
    let text = text_of(&input["text"]);
    let message = match small(&input["txt_type"]) {
        0 => TextMessage::plain(timestamp, attempt, text)?,
        1 => TextMessage::cli(timestamp, text)?.with_attempt(attempt)?,
        _ => TextMessage::signed(timestamp, attempt, &author, text)?,
    };
    let link = link(input);
    let mut plaintext = [0; MAX_PAYLOAD];
    let len = message.encode_into(&mut plaintext)?;
    let checksum = message.ack_checksum(&identity(&input["sender"]).public_key(), link.remote());
    Ok(json!({
        "raw_hex": frame(&link.seal(&message), input)?,
        "plaintext_hex": hex::encode(&plaintext[..len]),
        "ack_checksum": checksum.map(hex::encode),
    }))
}

fn request_of(input: &Value, request_type: u8, params: &[u8]) -> Outcome {
    let request = Request::new(number(&input["timestamp"]), request_type, params)?;
    let mut plaintext = [0; MAX_PAYLOAD];
    let len = request.encode_into(&mut plaintext)?;
    let raw = frame(&link(input).seal(&request), input)?;
    Ok(json!({"raw_hex": raw, "plaintext_hex": hex::encode(&plaintext[..len])}))
}

pub(crate) fn request(input: &Value) -> Outcome {
    let params = [bytes(&input["reserved"]), bytes(&input["random"])].concat();
    request_of(input, small(&input["req_type"]), &params)
}

pub(crate) fn request_raw(input: &Value) -> Outcome {
    let data = bytes(&input["data"]);
    let (request_type, params) = data.split_first().unwrap();
    request_of(input, *request_type, params)
}

pub(crate) fn response(input: &Value) -> Outcome {
    let data = bytes(&input["data"]);
    let (tag, body) = data.split_first_chunk().unwrap();
    let response = Response::new(u32::from_le_bytes(*tag), body)?;
    let mut plaintext = [0; MAX_PAYLOAD];
    let len = response.encode_into(&mut plaintext)?;
    let raw = frame(&link(input).seal(&response), input)?;
    Ok(json!({"raw_hex": raw, "plaintext_hex": hex::encode(&plaintext[..len])}))
}

pub(crate) fn path_return(input: &Value) -> Outcome {
    let path_len = PathLen::try_from(small(&input["path_len"])).unwrap();
    let (path, extra) = (bytes(&input["path"]), bytes(&input["extra"]));
    let random = input["random"].as_str().map(|_| array(&input["random"])).unwrap_or_default();
    let returned = if extra.is_empty() {
        PathReturn::without_extra(path_len, &path, &random)?
    } else {
        PathReturn::new(path_len, &path, PayloadType::from_bits(small(&input["extra_type"])), &extra)?
    };
    let mut plaintext = [0; MAX_PAYLOAD];
    let len = returned.encode_into(&mut plaintext)?;
    let raw = frame(&link(input).seal(&returned), input)?;
    Ok(json!({"raw_hex": raw, "plaintext_hex": hex::encode(&plaintext[..len])}))
}

fn anon(input: &Value, request: &AnonRequest<'_>) -> Outcome {
    let mut plaintext = [0; MAX_PAYLOAD];
    let len = request.encode_into(&mut plaintext)?;
    let raw = frame(&link(input).seal(request), input)?;
    Ok(json!({"raw_hex": raw, "plaintext_hex": hex::encode(&plaintext[..len])}))
}

pub(crate) fn login(input: &Value) -> Outcome {
    let (timestamp, password) = (number(&input["timestamp"]), text_of(&input["password"]));
    if input["room"] != true {
        return anon(input, &AnonRequest::login(timestamp, password)?);
    }
    let mut plaintext = [0; MAX_PAYLOAD];
    let login = RoomLogin::new(number(&input["sync_since"]), password);
    let len = login.encode_plaintext(timestamp, &mut plaintext)?;
    anon(input, &AnonRequest::parse(&plaintext[..len])?)
}

pub(crate) fn anon_request(input: &Value) -> Outcome {
    anon(input, &AnonRequest::new(number(&input["timestamp"]), &bytes(&input["data"]))?)
}

pub(crate) fn trace(input: &Value) -> Outcome {
    let route: Vec<u8> = input["route_hashes"].as_array().unwrap().iter().flat_map(bytes).collect();
    let entry_size = 1 << small(&input["flags"]);
    let trace = Trace::new(number(&input["tag"]), number(&input["auth_code"]), entry_size, &route)?;
    Ok(json!({"raw_hex": Route::zero_hop().frame(&trace)?.to_string()}))
}

pub(crate) fn discover_req(input: &Value) -> Outcome {
    let since = input["since"].as_u64().map(|since| since.try_into().unwrap());
    let prefix_only = input["prefix_only"].as_bool().unwrap();
    let request = DiscoverReq::new(prefix_only, small(&input["type_filter"]), number(&input["tag"]), since);
    Ok(json!({"raw_hex": Route::zero_hop().frame(&request)?.to_string()}))
}

pub(crate) fn discover_resp(input: &Value) -> Outcome {
    let public_key: PublicKey = text_of(&input["public_key"]).parse().unwrap();
    let snr = SnrQuarterDb::new(input["snr_q4"].as_i64().unwrap().try_into().unwrap());
    let (node_type, tag) = (NodeType::from_bits(small(&input["node_type"])), number(&input["tag"]));
    let prefix_only = input["prefix_only"].as_bool().unwrap();
    let response = DiscoverResp::new(node_type, snr, tag, &public_key, prefix_only);
    Ok(json!({"raw_hex": Route::zero_hop().frame(&response)?.to_string()}))
}

pub(crate) fn ack(input: &Value) -> Outcome {
    let ack = bytes(&input["ack"]);
    let (checksum, extra) = ack.split_first_chunk().unwrap();
    Ok(json!({"raw_hex": frame(&Ack::new(*checksum, extra), input)?}))
}

pub(crate) fn raw_custom(input: &Value) -> Outcome {
    Ok(json!({"raw_hex": frame(&Payload::RawCustom(&bytes(&input["data"])), input)?}))
}

pub(crate) fn multipart_ack(input: &Value) -> Outcome {
    let ack = bytes(&input["ack"]);
    let multipart = Multipart::new(small(&input["remaining"]), PayloadType::Ack, &ack)?;
    Ok(json!({"raw_hex": frame(&multipart, input)?}))
}

pub(crate) fn peer_plaintext(input: &Value) -> Outcome {
    let plaintext = vec![0; usize::try_from(input["plaintext_len"].as_u64().unwrap()).unwrap()];
    PeerDatagram::seal(&link(input), &plaintext, &mut [0; 512])?;
    Ok(Value::Null)
}
