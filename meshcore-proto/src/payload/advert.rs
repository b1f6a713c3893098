//! `ADVERT`: a node announces itself, signed.

use crate::error::{AppDataError, EncodeError, PayloadError};
use crate::field::Field;
use crate::id::PublicKey;
use crate::parse::{Reader, array, at_least};
use crate::payload::app_data::{AppData, MAX_APP_DATA};
use crate::write::put_all;
#[cfg(feature = "ed25519")]
use crate::{error::CryptoError, identity::Identity};

/// A node's signed announcement.
///
/// ```text
/// [public key 32] [timestamp 4] [signature 64] [advert data 0..=32]
/// ```
///
/// Anything can be claimed in an advert; [`verify`](Self::verify) says whether
/// the owner of the key did (firmware `src/Mesh.cpp`, `createAdvert`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advert<'a> {
    public_key: &'a [u8; 32],
    timestamp: &'a [u8; 4],
    signature: &'a [u8; 64],
    app_data: &'a [u8],
    trailing: &'a [u8],
}

impl<'a> Advert<'a> {
    /// Bytes before the advert data.
    pub const FIXED_LEN: usize = 32 + 4 + 64;

    /// Reads a payload.
    ///
    /// # Errors
    /// [`PayloadError::Truncated`] below 100 bytes.
    pub fn parse(payload: &'a [u8]) -> Result<Self, PayloadError> {
        let (public_key, timestamp, signature, rest) = Reader::new(payload).read((
            array(Field::PublicKey),
            array(Field::Timestamp),
            array(Field::Signature),
            at_least(Field::Payload, 0),
        ))?;
        // the firmware clamps the length, for the signature as well as for reading
        let (app_data, trailing) = rest.split_at_checked(MAX_APP_DATA).unwrap_or((rest, &[]));
        Ok(Self { public_key, timestamp, signature, app_data, trailing })
    }

    /// Who announces.
    pub const fn public_key(&self) -> PublicKey {
        PublicKey::from_bytes(*self.public_key)
    }

    /// Unix seconds by the node's clock, which may be wrong or 0.
    pub const fn timestamp(&self) -> u32 {
        u32::from_le_bytes(*self.timestamp)
    }

    /// Ed25519 signature over key, timestamp and advert data.
    pub const fn signature(&self) -> &'a [u8; 64] {
        self.signature
    }

    /// The advert data, at most 32 bytes.
    pub const fn app_data_bytes(&self) -> &'a [u8] {
        self.app_data
    }

    /// What follows the 32nd byte of advert data: neither signed nor read.
    pub const fn trailing(&self) -> &'a [u8] {
        self.trailing
    }

    /// What the node says of itself.
    ///
    /// # Errors
    /// [`AppDataError`]: no data, or fewer than the flags promise.
    pub fn app_data(&self) -> Result<AppData<'a>, AppDataError> {
        AppData::parse(self.app_data)
    }

    /// Writes the payload as it was read to the start of `out` and returns its length.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`].
    pub fn encode_into(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        put_all(out, &[self.public_key, self.timestamp, self.signature, self.app_data, self.trailing])
    }

    /// What the signature covers, one after the other: key, timestamp and advert
    /// data. For those who verify it elsewhere.
    pub const fn signed_parts(&self) -> [&'a [u8]; 3] {
        [self.public_key, self.timestamp, self.app_data]
    }

    /// Whether the owner of the key made this advert. About 50 µs.
    ///
    /// # Errors
    /// [`CryptoError::InvalidSignature`], also when the key is not a point on
    /// the curve.
    #[cfg(feature = "ed25519")]
    pub fn verify(&self) -> Result<(), CryptoError> {
        let mut message = [0; SIGNED_MAX];
        let message = signed_message(self.public_key, self.timestamp, self.app_data, &mut message)
            .map_err(|_| CryptoError::InvalidSignature)?;
        self.public_key().verify(message, self.signature)
    }

    /// Writes a signed advert to the start of `out` and returns its length.
    ///
    /// # Errors
    /// [`EncodeError::AppDataTooLong`] above 32 bytes; [`EncodeError::BufferTooSmall`].
    #[cfg(feature = "ed25519")]
    pub fn sign_into(
        identity: &Identity,
        timestamp: u32,
        app_data: &[u8],
        out: &mut [u8],
    ) -> Result<usize, EncodeError> {
        let public_key = identity.public_key();
        let timestamp = timestamp.to_le_bytes();
        let mut message = [0; SIGNED_MAX];
        let message = signed_message(public_key.as_bytes(), &timestamp, app_data, &mut message)?;

        put_all(out, &[public_key.as_bytes(), &timestamp, &identity.sign(message), app_data])
    }
}

/// Size of the longest signed message.
#[cfg(feature = "ed25519")]
const SIGNED_MAX: usize = 32 + 4 + MAX_APP_DATA;

/// What an advert's signature covers.
#[cfg(feature = "ed25519")]
fn signed_message<'b>(
    public_key: &[u8; 32],
    timestamp: &[u8; 4],
    app_data: &[u8],
    out: &'b mut [u8; SIGNED_MAX],
) -> Result<&'b [u8], EncodeError> {
    if app_data.len() > MAX_APP_DATA {
        return Err(EncodeError::AppDataTooLong { len: app_data.len(), max: MAX_APP_DATA });
    }
    let written = put_all(out, &[public_key, timestamp, app_data])?;
    Ok(out.get(..written).unwrap_or_default())
}

#[cfg(all(test, feature = "ed25519"))]
mod tests {
    use super::*;
    use hex_literal::hex;

    const SEED: [u8; 32] = hex!("50b7d0fd20aedfab0db0ee3040c5ac3ae41cbbd77b1ca473e36da84044b29ce9");

    fn advert(app_data: &[u8], out: &mut [u8; 140]) -> usize {
        Advert::sign_into(&Identity::from_seed(&SEED), 1_700_010_000, app_data, out).unwrap()
    }

    #[test]
    fn what_was_signed_verifies() {
        let mut out = [0; 140];
        let len = advert(&hex!("81 416c696365"), &mut out);
        let advert = Advert::parse(&out[..len]).unwrap();
        assert_eq!(advert.timestamp(), 1_700_010_000);
        assert_eq!(advert.app_data().unwrap().name_str(), Some("Alice"));
        assert_eq!(advert.verify(), Ok(()));
    }

    #[test]
    fn a_changed_byte_does_not_verify() {
        let mut out = [0; 140];
        let len = advert(&hex!("81 416c696365"), &mut out);
        out[len - 1] ^= 1;
        let verified = Advert::parse(&out[..len]).unwrap().verify();
        assert_eq!(verified, Err(CryptoError::InvalidSignature));
    }

    #[test]
    fn bytes_beyond_the_32nd_are_neither_signed_nor_read() {
        let mut out = [0; 140];
        assert_eq!(advert(&[0x80; 32], &mut out), 132);
        let advert = Advert::parse(&out[..135]).unwrap();
        assert_eq!((advert.app_data_bytes().len(), advert.trailing().len()), (32, 3));
        assert_eq!(advert.verify(), Ok(()));
    }

    #[test]
    fn nothing_longer_than_32_bytes_is_signed() {
        let signed = Advert::sign_into(&Identity::from_seed(&SEED), 0, &[0; 33], &mut [0; 200]);
        assert_eq!(signed, Err(EncodeError::AppDataTooLong { len: 33, max: 32 }));
    }

    #[test]
    fn ninety_nine_bytes_are_too_short() {
        let err = Advert::parse(&[0; 99]).unwrap_err();
        assert_eq!(err, PayloadError::Truncated { field: Field::Signature, offset: 36, need: 64, have: 63 });
    }
}
