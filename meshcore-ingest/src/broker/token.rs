//! Observer tokens: an observer says who it is by a signature of its node.
//!
//! Its user name is `v1_` and the node's public key, its password a JWT whose signature is written in hex: header,
//! claims and signature with dots between, the first two in base64url.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use meshcore_proto::PublicKey;
use meshcore_store::UnixMillis;
use serde::Deserialize;

/// What the user name of an observer begins with.
const PREFIX: &str = "v1_";

/// Longer passwords are no tokens.
const LONGEST: usize = 4096;

/// How far an observer's clock may be behind ours.
const CLOCK_SKEW_MILLIS: i64 = 60_000;

/// Why a token does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenError {
    /// It is not what a token looks like.
    Malformed,
    /// It is about another key than the user name.
    OtherKey,
    /// The key's owner did not sign it.
    Signature,
    /// Its time is over.
    Expired,
    /// It was made for another broker.
    Audience,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
}

#[derive(Deserialize)]
struct Claims {
    #[serde(rename = "publicKey")]
    public_key: String,
    /// Unix seconds; a fraction is allowed.
    exp: f64,
    aud: Option<Audience>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// The observer that a user name stands for; `None` when it is not of that form.
pub fn claimed_key(username: &str) -> Option<PublicKey> {
    username.strip_prefix(PREFIX)?.parse().ok()
}

/// Whether `token` shows at `now` that its bearer owns `key`. Made out to one of `audience`, unless that is empty.
///
/// # Errors
/// [`TokenError`]; the signature is looked at before what it signs is believed.
pub fn verify(key: &PublicKey, token: &[u8], audience: &[String], now: UnixMillis) -> Result<(), TokenError> {
    let token = std::str::from_utf8(token).map_err(|_| TokenError::Malformed)?;
    if token.len() > LONGEST {
        return Err(TokenError::Malformed);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
    let (header, claims) = signed.split_once('.').ok_or(TokenError::Malformed)?;
    let header: Header = decode(header)?;
    let claims: Claims = decode(claims)?;
    let mut bytes = [0; 64];
    hex::decode_to_slice(signature, &mut bytes).map_err(|_| TokenError::Malformed)?;
    if header.alg != "Ed25519" {
        return Err(TokenError::Malformed);
    }
    if claims.public_key.parse() != Ok(*key) {
        return Err(TokenError::OtherKey);
    }
    key.verify(signed.as_bytes(), &bytes).map_err(|_| TokenError::Signature)?;
    if is_past(claims.exp, now) {
        return Err(TokenError::Expired);
    }
    if !audience.is_empty() && !claims.aud.is_some_and(|aud| aud.is_one_of(audience)) {
        return Err(TokenError::Audience);
    }
    Ok(())
}

fn decode<T: serde::de::DeserializeOwned>(part: &str) -> Result<T, TokenError> {
    let json = URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed)?;
    serde_json::from_slice(&json).map_err(|_| TokenError::Malformed)
}

fn is_past(seconds: f64, now: UnixMillis) -> bool {
    // Whole numbers are exact up to 2^53, which milliseconds reach in 285 thousand years.
    seconds * 1000.0 + CLOCK_SKEW_MILLIS as f64 <= now.get() as f64
}

impl Audience {
    fn is_one_of(&self, names: &[String]) -> bool {
        match self {
            Self::One(name) => names.contains(name),
            Self::Many(given) => given.iter().any(|name| names.contains(name)),
        }
    }
}

#[cfg(test)]
mod tests;
