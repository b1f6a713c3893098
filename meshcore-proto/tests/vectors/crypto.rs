//! Keys, ciphers and signatures.

use meshcore_proto::content::{GroupData, GroupText};
use meshcore_proto::payload::{Advert, Payload};
use meshcore_proto::{
    ChannelKey, ContentError, CryptoError, Identity, MAX_PAYLOAD, Packet, PayloadType, PublicKey, cipher,
};
use serde_json::{Value, json};

use crate::{Outcome, array, bytes, number};

pub(crate) fn keypair(input: &Value) -> Outcome {
    let seed = array(&input["seed"]);
    let expanded = Identity::expand_seed(&seed);
    let key = Identity::from_seed(&seed).public_key();
    assert_eq!(Identity::from_expanded(&expanded).public_key(), key);
    let hashes: Vec<_> = (1..=3).map(|size| hex::encode(key.node_hash(size).unwrap().as_bytes())).collect();
    Ok(json!({
        "private_key": hex::encode(expanded),
        "public_key": key.to_string(),
        "node_hash": hashes[0],
        "path_hash": hashes,
    }))
}

pub(crate) fn channel_key(input: &Value) -> Outcome {
    let key = ChannelKey::hashtag(input["name"].as_str().unwrap());
    Ok(json!({"secret": hex::encode(key.secret()), "channel_hash": format!("{:02x}", key.hash())}))
}

pub(crate) fn channel_secret(input: &Value) -> Outcome {
    let key = ChannelKey::from_base64(input["base64"].as_str().unwrap())?;
    if let Some(secret) = input["secret"].as_str() {
        assert_eq!(hex::encode(key.secret()), secret);
    }
    Ok(json!({
        "stored": hex::encode(key.stored()),
        "channel_hash": format!("{:02x}", key.hash()),
        "key_bytes": key.secret().len(),
    }))
}

pub(crate) fn channel_stored(input: &Value) -> Outcome {
    let key = ChannelKey::from_stored(array(&input["stored"]));
    Ok(json!({"channel_hash": format!("{:02x}", key.hash()), "key_bytes": key.secret().len()}))
}

pub(crate) fn cipher_both_ways(input: &Value) -> Outcome {
    let secret = array(&input["secret"]);
    let mut out = [0; MAX_PAYLOAD + 16];
    let len = cipher::seal(&secret, &bytes(&input["plaintext"]), &mut out)?;
    let (mac, ciphertext) = out[..len].split_first_chunk().unwrap();
    let mut buf = [0; MAX_PAYLOAD];
    let decrypted = match cipher::open(&secret, mac, ciphertext, &mut buf) {
        Ok(plaintext) => json!(hex::encode(plaintext)),
        Err(CryptoError::Truncated { .. }) => Value::Null,
        Err(err) => return Err(err.into()),
    };
    Ok(json!({"mac_and_ciphertext": hex::encode(&out[..len]), "decrypted": decrypted}))
}

pub(crate) fn cipher_open(input: &Value) -> Outcome {
    let sealed = bytes(&input["mac_and_ciphertext"]);
    // less than a MAC is what a payload parser refuses, here as a missing ciphertext
    let (mac, ciphertext) = sealed.split_first_chunk().unwrap_or((&[0; 2], &[]));
    let mut buf = [0; MAX_PAYLOAD];
    let plaintext = cipher::open(&array(&input["secret"]), mac, ciphertext, &mut buf)?;
    Ok(json!(hex::encode(plaintext)))
}

pub(crate) fn group_decrypt(vector: &Value) -> Outcome {
    let raw = bytes(&vector["raw_hex"]);
    let packet = Packet::parse(&raw)?;
    let keys: Vec<_> = vector["keys"].as_array().unwrap().iter().map(|key| secret(&key["secret"])).collect();
    let (Ok(Payload::GrpTxt(datagram)) | Ok(Payload::GrpData(datagram))) = packet.payload() else {
        panic!("not a group payload")
    };
    let mut buf = [0; MAX_PAYLOAD];
    let (plaintext, key) = datagram.decrypt(&keys[..], &mut buf)?;
    let content = if packet.header().payload_type() == PayloadType::GrpTxt {
        GroupText::parse(plaintext).map(|text| {
            json!({
                "timestamp": text.timestamp(),
                "txt_type": text.txt_type(),
                "attempt": text.attempt(),
                "text_hex": hex::encode(text.text_bytes()),
                "text": text.text(),
                "sender": text.sender(),
                "message": text.message(),
            })
        })
    } else {
        GroupData::parse(plaintext).map(|data| {
            json!({
                "data_type": data.data_type(),
                "data_len": data.data().len(),
                "data": hex::encode(data.data()),
            })
        })
    };
    Ok(json!({
        "key_index": keys.iter().position(|candidate| std::ptr::eq(candidate, key)),
        "plaintext_hex": hex::encode(plaintext),
        "content": content.as_ref().ok(),
        "content_error": content.as_ref().err().map(ContentError::kind),
    }))
}

pub(crate) fn secret(value: &Value) -> ChannelKey {
    ChannelKey::from_slice(&bytes(value)).unwrap()
}

pub(crate) fn identity(node: &Value) -> Identity {
    let identity = Identity::from_expanded(&array(&node["private_key"]));
    let public_key: PublicKey = node["public_key"].as_str().unwrap().parse().unwrap();
    assert_eq!(identity.public_key(), public_key);
    identity
}

pub(crate) fn advert_sign(input: &Value, expect: &Value) -> Outcome {
    let mut out = [0; MAX_PAYLOAD];
    let app_data = bytes(&input["app_data"]);
    let len = Advert::sign_into(&identity(input), number(&input["timestamp"]), &app_data, &mut out)?;
    let advert = Advert::parse(&out[..len]).unwrap();
    assert!(advert.verify().is_ok(), "{expect}");
    Ok(json!({"signature": hex::encode(advert.signature()), "payload_hex": hex::encode(&out[..len])}))
}

pub(crate) fn advert_verify(input: &Value) -> Outcome {
    let payload = bytes(&input["payload_hex"]);
    let is_valid = Advert::parse(&payload).is_ok_and(|advert| advert.verify().is_ok());
    Ok(json!({"signature_valid": is_valid}))
}
