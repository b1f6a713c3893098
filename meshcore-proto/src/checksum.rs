//! What an acknowledgement names its message by.

use sha2::{Digest, Sha256};

use crate::id::PublicKey;

/// As [`of_prefix`] over parts that lie apart.
pub(crate) fn ack_checksum(parts: &[&[u8]], key: &PublicKey) -> [u8; 4] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    let [a, b, c, d, ..]: [u8; 32] = hasher.chain_update(key.as_bytes()).finalize().into();
    [a, b, c, d]
}

/// The four bytes by which an `ACK` names the message it acknowledges, in the
/// order of the wire: the start of SHA-256 over the message and a key.
///
/// | Message | `plaintext_prefix` | `key` |
/// |---|---|---|
/// | `TXT_MSG`, plain | timestamp, flags with the attempt as sent, text up to its NUL | the sender's |
/// | `TXT_MSG`, signed | timestamp, flags, author prefix, text up to its NUL | the recipient's |
/// | `REQ`, keep alive | 9 bytes: timestamp, `02`, time (0 if absent) | the sender's |
///
/// Neither the padding nor what follows the text is covered. The firmware calls
/// it a CRC in places (firmware `src/helpers/BaseChatMesh.cpp`,
/// `examples/simple_room_server/MyMesh.cpp`).
pub fn of_prefix(plaintext_prefix: &[u8], key: &PublicKey) -> [u8; 4] {
    ack_checksum(&[plaintext_prefix], key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const KEY: PublicKey =
        PublicKey::from_bytes(hex!("e5f2bf7bfda470d1a1af416bc748cd5258d08dc163705cdd5234be765a95ded3"));

    #[test]
    fn an_empty_text_has_a_checksum() {
        assert_eq!(of_prefix(&hex!("805abb64 00"), &KEY), hex!("5a6bf4f3"));
    }

    #[test]
    fn it_does_not_matter_where_the_parts_are_cut() {
        let whole = of_prefix(b"timestamp, flags, text", &KEY);
        assert_eq!(ack_checksum(&[b"timestamp, ", b"", b"flags, text"], &KEY), whole);
    }
}
