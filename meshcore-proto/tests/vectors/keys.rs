//! Secrets of peers, regions, acknowledgements, and time on air.

use meshcore_proto::airtime::{LoraParams, preamble_for, time_on_air_us};
use meshcore_proto::{Identity, Packet, PayloadType, PublicKey, RegionKey, Regions, ack_checksum};
use serde_json::{Value, json};

use crate::{Outcome, array, bytes, number, small};

pub(crate) fn ecdh(input: &Value) -> Outcome {
    let identity = Identity::from_expanded(&array(&input["private_key"]));
    let secret = identity.shared_secret(&PublicKey::from_bytes(array(&input["public_key"])))?;
    Ok(json!({"shared_secret": hex::encode(secret.as_bytes())}))
}

pub(crate) fn transport_code(input: &Value) -> Outcome {
    let key = RegionKey::public(input["region"].as_str().unwrap()).unwrap();
    let payload_type = PayloadType::from_bits(small(&input["payload_type"]));
    let code = key.code_for(payload_type, &bytes(&input["payload"]));
    Ok(json!({
        "region_key": hex::encode(key.as_bytes()),
        "code": code,
        "wire": hex::encode(code.to_le_bytes()),
    }))
}

pub(crate) fn region_match(input: &Value) -> Outcome {
    let raw = bytes(&input["raw_hex"]);
    let packet = Packet::parse(&raw)?;
    let names = input["regions"].as_array().unwrap().iter().map(|name| name.as_str().unwrap());
    let regions: Regions = names.map(|name| (name, RegionKey::public(name).unwrap())).collect();
    let matches: Vec<_> = regions.matches(&packet).map(|region| region.name.as_str()).collect();
    assert_eq!(regions.first_match(&packet).map(|region| region.name.as_str()), matches.first().copied());
    let codes = packet.transport().unwrap();
    Ok(json!({
        "transport_codes": [codes.scope, codes.home],
        "matches": matches,
        "corescope_code1": codes.wire_text()[0].to_string(),
    }))
}

pub(crate) fn checksum(input: &Value) -> Outcome {
    let key = PublicKey::from_bytes(array(&input["public_key"]));
    let checksum = ack_checksum(&bytes(&input["plaintext"]), &key);
    Ok(json!({"checksum_hex": hex::encode(checksum), "checksum": u32::from_le_bytes(checksum)}))
}

pub(crate) fn airtime(input: &Value) -> Outcome {
    let params = LoraParams {
        spreading_factor: small(&input["sf"]),
        bandwidth_hz: number(&input["bw_hz"]),
        coding_rate: small(&input["cr"]),
        preamble: number(&input["preamble"]).try_into().unwrap(),
    };
    let len = usize::try_from(number(&input["len"])).unwrap();
    Ok(match time_on_air_us(len, &params) {
        Some(us) => json!({"time_on_air_us": us, "ldro": params.low_data_rate()}),
        None => json!({"time_on_air_us": null}),
    })
}

pub(crate) fn preamble(input: &Value) -> Outcome {
    Ok(json!({"symbols": preamble_for(small(&input["sf"]))}))
}
