//! What is written.

use meshcore_proto::content::{GroupData, GroupText};
use meshcore_proto::payload::{Advert, AppData, GroupDatagram, LatLonE6, MAX_APP_DATA};
use meshcore_proto::{
    EncodeError, Header, Identity, MAX_PAYLOAD, NodeType, Packet, PathLen, PayloadType, RouteType,
    TransportCodes,
};
use serde_json::{Value, json};

use crate::crypto::{identity, secret};
use crate::{Outcome, bytes, number, small};

fn frame(
    header: Header,
    transport: Option<TransportCodes>,
    hash_size: u8,
    path: &[u8],
    payload: &[u8],
) -> Result<Vec<u8>, EncodeError> {
    // a hash size of 0 must reach the check
    let count = path.len() / usize::from(hash_size.max(1));
    let path_len = PathLen::try_new(hash_size, count.try_into().unwrap())?;
    let packet = Packet::new(header, transport, path_len, path, payload)?;
    let mut out = vec![0; packet.encoded_len()];
    packet.encode_into(&mut out)?;
    Ok(out)
}

fn route(input: &Value) -> RouteType {
    let name = input["route"].as_str().unwrap();
    (0..4).map(RouteType::from_bits).find(|route| route.name() == name).unwrap()
}

fn transport(input: &Value) -> Option<TransportCodes> {
    let codes = input["transport_codes"].as_array()?;
    let code = |index: usize| codes[index].as_u64().unwrap().try_into().unwrap();
    Some(TransportCodes { scope: code(0), home: code(1) })
}

pub(crate) fn encode_frame(input: &Value) -> Outcome {
    let header = Header::new(route(input), PayloadType::from_bits(small(&input["payload_type"])));
    let path: Vec<u8> = input["hops"].as_array().unwrap().iter().flat_map(bytes).collect();
    let payload = bytes(&input["payload"]);
    let raw = frame(header, transport(input), small(&input["hash_size"]), &path, &payload)?;
    Ok(json!({"raw_hex": hex::encode(raw)}))
}

pub(crate) fn encode_payload(payload_type: PayloadType, payload: &[u8], input: &Value) -> Outcome {
    let path = input["path"].as_str().map_or_else(Vec::new, |text| hex::decode(text).unwrap());
    let header = Header::new(route(input), payload_type);
    let raw = frame(header, transport(input), small(&input["path_hash_size"]), &path, payload)?;
    Ok(json!({"raw_hex": hex::encode(raw)}))
}

pub(crate) fn frame_len(input: &Value) -> Outcome {
    let length = |key: &str| usize::try_from(input[key].as_u64().unwrap()).unwrap();
    let hash_size = small(&input["hash_size"]);
    let path = vec![0; length("hop_count") * usize::from(hash_size)];
    let header = Header::new(RouteType::Flood, PayloadType::RawCustom);
    let raw = frame(header, None, hash_size, &path, &vec![0; length("payload_len")])?;
    Ok(json!({"raw_hex": hex::encode(raw)}))
}

pub(crate) fn encode_advert(input: &Value) -> Outcome {
    let mut out = [0; MAX_PAYLOAD];
    let app_data = bytes(&input["app_data"]);
    let len = Advert::sign_into(&identity(&input["node"]), number(&input["timestamp"]), &app_data, &mut out)?;
    encode_payload(PayloadType::Advert, &out[..len], input)
}

pub(crate) fn advert_len(input: &Value) -> Outcome {
    let app_data = vec![0; usize::try_from(input["app_data_len"].as_u64().unwrap()).unwrap()];
    Advert::sign_into(&Identity::from_seed(&[1; 32]), 0, &app_data, &mut [0; 512])?;
    Ok(Value::Null)
}

pub(crate) fn encode_app_data(input: &Value) -> Outcome {
    let feature = |key: &str| input[key].as_u64().map(|word| word.try_into().unwrap());
    let degrees = |key: &str| input[key].as_f64();
    let app_data = AppData {
        position: degrees("lat").zip(degrees("lon")).map(|(lat, lon)| LatLonE6::from_degrees(lat, lon)),
        feat1: feature("feat1"),
        feat2: feature("feat2"),
        name: input["name"].as_str().map(str::as_bytes),
        ..AppData::new(NodeType::from_bits(small(&input["node_type"])))
    };
    let mut out = [0; MAX_APP_DATA];
    let len = app_data.encode_into(&mut out)?;
    Ok(json!({"app_data": hex::encode(&out[..len])}))
}

pub(crate) fn group_plaintext(input: &Value) -> Outcome {
    let mut payload = [0; MAX_PAYLOAD];
    let len = GroupDatagram::seal(&secret(&input["secret"]), &bytes(&input["plaintext"]), &mut payload)?;
    let name = input["payload_type"].as_str().unwrap();
    let payload_type = (0..16).map(PayloadType::from_bits).find(|kind| kind.name() == name).unwrap();
    encode_payload(payload_type, &payload[..len], input)
}

pub(crate) fn group_plaintext_len(input: &Value) -> Outcome {
    let plaintext = vec![0; usize::try_from(input["plaintext_len"].as_u64().unwrap()).unwrap()];
    GroupDatagram::seal(&secret(&input["secret"]), &plaintext, &mut [0; 512])?;
    Ok(Value::Null)
}

pub(crate) fn group_encrypt(input: &Value) -> Outcome {
    let mut plaintext = [0; MAX_PAYLOAD];
    let (payload_type, len) = if input["payload_type"] == "GRP_TXT" {
        let (sender, text) = (input["sender"].as_str().unwrap(), input["text"].as_str().unwrap());
        let len = GroupText::compose(number(&input["timestamp"]), sender, text, &mut plaintext)?;
        (PayloadType::GrpTxt, len)
    } else {
        let data_type = number(&input["data_type"]).try_into().unwrap();
        let len = GroupData::new(data_type, &bytes(&input["data"]))?.encode_into(&mut plaintext)?;
        (PayloadType::GrpData, len)
    };
    let mut payload = [0; MAX_PAYLOAD];
    let sealed = GroupDatagram::seal(&secret(&input["secret"]), &plaintext[..len], &mut payload)?;
    let raw = frame(Header::new(RouteType::Flood, payload_type), None, 1, &[], &payload[..sealed])?;
    Ok(json!({
        "plaintext_hex": hex::encode(&plaintext[..len]),
        "payload_hex": hex::encode(&payload[..sealed]),
        "raw_hex": hex::encode(raw),
    }))
}
