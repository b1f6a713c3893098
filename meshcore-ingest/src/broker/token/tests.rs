//! Tokens as observers make them, and what is made of everything else.

use meshcore_proto::Identity;
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;

const NOW: UnixMillis = UnixMillis::from_seconds(1_777_636_800);
const SEED: [u8; 32] = [7; 32];

/// A token as section 14.3 of the specification describes it, signed by `identity`.
fn token(identity: &Identity, header: &Value, claims: &Value) -> String {
    let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = hex::encode_upper(identity.sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

fn header() -> Value {
    json!({"alg": "Ed25519", "typ": "JWT"})
}

fn claims(identity: &Identity) -> Value {
    let key = hex::encode_upper(identity.public_key().as_bytes());
    let now = NOW.seconds();
    json!({
        "publicKey": key, "iat": now - 100, "exp": now + 3500, "aud": "mqtt.example",
        "owner": "ab", "email": "a@example", "client": "meshcoretomqtt/1.0.8",
    })
}

fn verified(header: &Value, claims: &Value, audience: &[&str]) -> Result<(), TokenError> {
    let identity = Identity::from_expanded(&Identity::expand_seed(&SEED));
    let audience: Vec<String> = audience.iter().map(ToString::to_string).collect();
    let token = token(&identity, header, claims);
    verify(&identity.public_key(), token.as_bytes(), &audience, NOW)
}

#[test]
fn a_token_signed_with_the_expanded_key_of_a_node_is_good() {
    let identity = Identity::from_expanded(&Identity::expand_seed(&SEED));
    assert_eq!(verified(&header(), &claims(&identity), &[]), Ok(()));
    assert_eq!(verified(&header(), &claims(&identity), &["other.example", "mqtt.example"]), Ok(()));
    let upper = format!("v1_{}", hex::encode_upper(identity.public_key().as_bytes()));
    assert_eq!(claimed_key(&upper), Some(identity.public_key()));
    assert_eq!(claimed_key(&upper.to_lowercase()), Some(identity.public_key()));
}

#[rstest]
#[case("exp", json!(NOW.seconds() - 59), Ok(()))] // our clock may be ahead
#[case("exp", json!(NOW.seconds() as f64 - 59.5), Ok(()))]
#[case("exp", json!(NOW.seconds() - 60), Err(TokenError::Expired))]
#[case("exp", json!(-1e300), Err(TokenError::Expired))]
#[case("exp", Value::Null, Err(TokenError::Malformed))]
#[case("exp", json!("tomorrow"), Err(TokenError::Malformed))]
#[case("aud", json!("elsewhere.example"), Err(TokenError::Audience))]
#[case("aud", json!(["elsewhere.example", "mqtt.example"]), Ok(()))]
#[case("aud", json!([]), Err(TokenError::Audience))]
#[case("aud", Value::Null, Err(TokenError::Audience))]
#[case("publicKey", json!("00".repeat(32)), Err(TokenError::OtherKey))]
#[case("publicKey", json!("no key"), Err(TokenError::OtherKey))]
#[case("publicKey", Value::Null, Err(TokenError::Malformed))]
#[case("iat", Value::Null, Ok(()))]
fn each_claim_counts(#[case] claim: &str, #[case] value: Value, #[case] expected: Result<(), TokenError>) {
    let identity = Identity::from_seed(&SEED);
    let mut claims = claims(&identity);
    claims[claim] = value;
    assert_eq!(verified(&header(), &claims, &["mqtt.example"]), expected);
}

#[test]
fn another_algorithm_is_refused_whatever_the_signature_says() {
    let claims = claims(&Identity::from_seed(&SEED));
    for alg in ["none", "HS256", "EdDSA", "ed25519", ""] {
        assert_eq!(verified(&json!({"alg": alg}), &claims, &[]), Err(TokenError::Malformed), "{alg}");
    }
}

#[test]
fn what_was_changed_after_signing_is_refused() {
    let identity = Identity::from_seed(&SEED);
    let key = identity.public_key();
    let good = token(&identity, &header(), &claims(&identity));
    let check = |token: &str| verify(&key, token.as_bytes(), &[], NOW);
    assert_eq!(check(&good), Ok(()));
    // By another node, in the name of this one.
    let forged = token(&Identity::from_seed(&[8; 32]), &header(), &claims(&identity));
    assert_eq!(check(&forged), Err(TokenError::Signature));
    let (signed, signature) = good.rsplit_once('.').unwrap();
    assert_eq!(check(&format!("{signed}.{}", signature.to_lowercase())), Ok(()), "case does not matter");
    for other in
        [signed, &format!("{signed}."), &format!("{signed}.{}", &signature[2..]), "", ".", "..", "a.b.c"]
    {
        assert_eq!(check(other), Err(TokenError::Malformed), "{other}");
    }
    assert_eq!(check(&format!("{good}.{signature}")), Err(TokenError::Malformed), "four parts");
    assert_eq!(check(&"a".repeat(LONGEST + 1)), Err(TokenError::Malformed));
}

#[rstest]
#[case("")]
#[case("v1_")]
#[case("v1_zz")]
#[case("v2_0000000000000000000000000000000000000000000000000000000000000000")]
#[case("0000000000000000000000000000000000000000000000000000000000000000")]
fn other_user_names_are_no_observers(#[case] username: &str) {
    assert_eq!(claimed_key(username), None);
}

proptest! {
    #[test]
    fn no_bytes_are_a_token_and_none_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(verify(&Identity::from_seed(&SEED).public_key(), &bytes, &[], NOW).is_err());
    }

    #[test]
    fn no_text_of_three_parts_is_a_token(header in ".{0,40}", claims in ".{0,200}", signature in "[0-9A-Fa-f.]{0,140}") {
        let token = format!("{}.{}.{signature}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        prop_assert!(verify(&Identity::from_seed(&SEED).public_key(), token.as_bytes(), &[], NOW).is_err());
    }

    #[test]
    fn a_token_with_one_other_byte_is_refused(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let identity = Identity::from_seed(&SEED);
        let good = token(&identity, &header(), &claims(&identity)).into_bytes();
        let mut other = good.clone();
        other[at.index(good.len())] = byte;
        let is_same = other.eq_ignore_ascii_case(&good) && other[..good.len() - 128] == good[..good.len() - 128];
        prop_assert_eq!(verify(&identity.public_key(), &other, &[], NOW).is_ok(), is_same);
    }

    #[test]
    fn no_user_name_makes_it_panic(username in ".{0,80}") {
        prop_assert_eq!(claimed_key(&username), None);
    }
}
