//! Base64, as channel keys are written: standard alphabet, padded.

use crate::error::CryptoError;

/// Decodes `text` into the start of `out` and returns that part.
///
/// `InvalidKeyLength` when the text holds more than `out` can take.
pub(crate) fn decode_key<'b>(text: &str, out: &'b mut [u8; 32]) -> Result<&'b [u8], CryptoError> {
    let digits = text.trim_end_matches('=').as_bytes();
    let padding = text.len() - digits.len();
    if padding > 2 || !text.len().is_multiple_of(4) {
        return Err(CryptoError::InvalidBase64 { offset: text.len() });
    }
    let len = digits.len() * 3 / 4;
    if len > out.len() {
        return Err(CryptoError::InvalidKeyLength { len });
    }
    for (group, (quad, bytes)) in digits.chunks(4).zip(out.chunks_mut(3)).enumerate() {
        let mut bits = 0_u32;
        for position in 0..4 {
            let digit = match quad.get(position) {
                Some(&byte) => {
                    value(byte).ok_or(CryptoError::InvalidBase64 { offset: group * 4 + position })?
                }
                None => 0,
            };
            bits = bits << 6 | u32::from(digit);
        }
        let [_, decoded @ ..] = bits.to_be_bytes();
        for (byte, decoded) in bytes.iter_mut().zip(decoded) {
            *byte = decoded;
        }
    }
    Ok(out.get(..len).unwrap_or_default())
}

const fn value(digit: u8) -> Option<u8> {
    match digit {
        b'A'..=b'Z' => Some(digit - b'A'),
        b'a'..=b'z' => Some(digit - b'a' + 26),
        b'0'..=b'9' => Some(digit - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode<'b>(text: &str, out: &'b mut [u8; 32]) -> Result<&'b [u8], CryptoError> {
        decode_key(text, out)
    }

    #[test]
    fn every_padding_decodes() {
        let mut out = [0; 32];
        for (text, bytes) in [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYmE=", "fooba")]
        {
            assert_eq!(decode(text, &mut out), Ok(bytes.as_bytes()));
        }
    }

    #[test]
    fn a_stray_character_is_found() {
        let mut out = [0; 32];
        assert_eq!(decode("Zm9vY-E=", &mut out), Err(CryptoError::InvalidBase64 { offset: 5 }));
        assert_eq!(decode("Zm9", &mut out), Err(CryptoError::InvalidBase64 { offset: 3 }));
        assert_eq!(decode("Z===", &mut out), Err(CryptoError::InvalidBase64 { offset: 4 }));
    }
}
