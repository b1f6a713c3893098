//! Encrypt, then authenticate: how every secret payload is made.
//!
//! AES-128 in ECB mode under the first 16 bytes of a 32-byte secret, the
//! plaintext padded with zeros; then two bytes of HMAC-SHA256 under all 32
//! (firmware `src/Utils.cpp`). Weak by today's standards, but it is what is on
//! air. A 16-byte channel key is followed by zeros here, which HMAC does anyway.

use aes::Aes128;
use aes::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::error::{CryptoError, EncodeError};
use crate::field::Field;
use crate::write::Writer;

/// Bytes of a cipher block.
pub const BLOCK: usize = 16;
/// Bytes of the authentication code.
pub const MAC_LEN: usize = 2;

/// Size of MAC and ciphertext for a plaintext of `plaintext_len` bytes.
pub const fn sealed_len(plaintext_len: usize) -> usize {
    match plaintext_len.checked_next_multiple_of(BLOCK) {
        Some(ciphertext_len) => MAC_LEN.saturating_add(ciphertext_len),
        None => usize::MAX,
    }
}

/// Writes MAC and ciphertext of `plaintext` to the start of `out` and returns their length.
///
/// # Errors
/// [`EncodeError::BufferTooSmall`].
pub fn seal(secret: &[u8; 32], plaintext: &[u8], out: &mut [u8]) -> Result<usize, EncodeError> {
    let (need, have) = (sealed_len(plaintext.len()), out.len());
    let Some((mac, ciphertext)) = out.get_mut(..need).and_then(<[u8]>::split_first_chunk_mut::<MAC_LEN>)
    else {
        return Err(EncodeError::BufferTooSmall { need, have });
    };
    ciphertext.fill(0);
    for (byte, plain) in ciphertext.iter_mut().zip(plaintext) {
        *byte = *plain;
    }
    let (blocks, _) = ciphertext.as_chunks_mut::<BLOCK>();
    aes(secret).encrypt_blocks(Array::cast_slice_from_core_mut(blocks));
    *mac = mac_of(secret, ciphertext);
    Ok(need)
}

/// Writes a whole payload: `head`, then MAC and ciphertext.
pub(crate) fn seal_payload(
    head: &[&[u8]],
    secret: &[u8; 32],
    plaintext: &[u8],
    max_plaintext: usize,
    out: &mut [u8],
) -> Result<usize, EncodeError> {
    if plaintext.len() > max_plaintext {
        return Err(EncodeError::PlaintextTooLong { len: plaintext.len(), max: max_plaintext });
    }
    let head_len: usize = head.iter().map(|part| part.len()).sum();
    let mut payload = Writer::new(out, head_len + sealed_len(plaintext.len()))?;
    for part in head {
        payload.put(part)?;
    }
    Ok(head_len + seal(secret, plaintext, payload.into_rest())?)
}

/// Checks the MAC and decrypts into the start of `buf`.
///
/// The plaintext keeps its zero padding; nothing says where it ends.
///
/// # Errors
/// `Truncated` without ciphertext, `NotBlockAligned`, `MacMismatch`, in this
/// order; `BufferTooSmall`.
pub fn open<'b>(
    secret: &[u8; 32],
    mac: &[u8; MAC_LEN],
    ciphertext: &[u8],
    buf: &'b mut [u8],
) -> Result<&'b [u8], CryptoError> {
    check_blocks(ciphertext)?;
    if !mac_fits(secret, mac, ciphertext) {
        return Err(CryptoError::MacMismatch);
    }
    decrypt(secret, ciphertext, buf)
}

/// Whether the ciphertext can be one: at least a block, and whole blocks.
pub(crate) const fn check_blocks(ciphertext: &[u8]) -> Result<(), CryptoError> {
    let len = ciphertext.len();
    if len == 0 {
        return Err(CryptoError::Truncated { field: Field::Ciphertext, offset: MAC_LEN, need: 1, have: 0 });
    }
    if !len.is_multiple_of(BLOCK) {
        return Err(CryptoError::NotBlockAligned { len });
    }
    Ok(())
}

/// Compares in constant time.
pub(crate) fn mac_fits(secret: &[u8; 32], mac: &[u8; MAC_LEN], ciphertext: &[u8]) -> bool {
    mac_of(secret, ciphertext).ct_eq(mac).into()
}

/// Decrypts whole blocks; the MAC has been checked.
pub(crate) fn decrypt<'b>(
    secret: &[u8; 32],
    ciphertext: &[u8],
    buf: &'b mut [u8],
) -> Result<&'b [u8], CryptoError> {
    let (need, have) = (ciphertext.len(), buf.len());
    let plaintext = buf.get_mut(..need).ok_or(CryptoError::BufferTooSmall { need, have })?;
    plaintext.copy_from_slice(ciphertext);
    let (blocks, _) = plaintext.as_chunks_mut::<BLOCK>();
    aes(secret).decrypt_blocks(Array::cast_slice_from_core_mut(blocks));
    Ok(plaintext)
}

fn aes(secret: &[u8; 32]) -> Aes128 {
    let mut key = Array::default();
    for (byte, secret) in key.iter_mut().zip(secret) {
        *byte = *secret;
    }
    let cipher = Aes128::new(&key);
    key.zeroize();
    cipher
}

fn mac_of(secret: &[u8; 32], ciphertext: &[u8]) -> [u8; MAC_LEN] {
    short_mac(secret, &[ciphertext])
}

/// The first two bytes of HMAC-SHA256 under a key of at most 64 bytes.
pub(crate) fn short_mac(key: &[u8], parts: &[&[u8]]) -> [u8; MAC_LEN] {
    // a key of exactly one hash block cannot be refused; HMAC pads with zeros too
    let mut block = Array::default();
    for (byte, key) in block.iter_mut().zip(key) {
        *byte = *key;
    }
    let mut mac = Hmac::<Sha256>::new(&block);
    block.zeroize();
    for part in parts {
        mac.update(part);
    }
    let [a, b, ..]: [u8; 32] = mac.finalize().into_bytes().into();
    [a, b]
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const SECRET: [u8; 32] = hex!("8b44391cb28ca42bddfbf66b4be97cb0cb9d7665aed303fd468f8ebc7ab0fd4f");
    const SEALED: [u8; 18] = hex!("72ee efb1f8c567e96c445d15eb2ba80d85d2");

    #[test]
    fn one_byte_becomes_one_block() {
        let mut out = [0xaa; 20];
        assert_eq!(seal(&SECRET, &hex!("30"), &mut out), Ok(18));
        assert_eq!(out[..18], SEALED);
        assert_eq!(out[18..], [0xaa; 2]);
    }

    #[test]
    fn padding_stays_after_decryption() {
        let mut buf = [0; 16];
        let plaintext = open(&SECRET, &hex!("72ee"), &SEALED[2..], &mut buf);
        assert_eq!(plaintext, Ok(&hex!("30000000000000000000000000000000")[..]));
    }

    #[test]
    fn the_faults_have_an_order() {
        let mut buf = [0; 16];
        let mut kind = |mac, ciphertext| open(&SECRET, mac, ciphertext, &mut buf).unwrap_err().kind();
        assert_eq!(kind(&hex!("0000"), &[]), "Truncated");
        assert_eq!(kind(&hex!("0000"), &SEALED[3..]), "NotBlockAligned");
        assert_eq!(kind(&hex!("0000"), &SEALED[2..]), "MacMismatch");
        let mut small = [0; 15];
        let opened = open(&SECRET, &hex!("72ee"), &SEALED[2..], &mut small);
        assert_eq!(opened, Err(CryptoError::BufferTooSmall { need: 16, have: 15 }));
    }
}
