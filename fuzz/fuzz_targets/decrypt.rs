//! No ciphertext and no key panics decryption, and what was sealed opens again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use meshcore_proto::content::{GroupData, GroupText};
use meshcore_proto::payload::GroupDatagram;
use meshcore_proto::{ChannelKey, MAX_PAYLOAD};

fuzz_target!(|input: ([u8; 32], &[u8])| {
    let (secret, bytes) = input;
    let keys = [ChannelKey::from_stored(secret)];
    let mut buf = [0; MAX_PAYLOAD];

    // as a payload of this channel
    if bytes.len() < MAX_PAYLOAD {
        let payload = [&[keys[0].hash()], bytes].concat();
        if let Ok(datagram) = GroupDatagram::parse(&payload) {
            let _ = datagram.decrypt(&keys[..], &mut buf);
        }
    }

    // as a plaintext
    if let Ok(text) = GroupText::parse(bytes) {
        assert_eq!(text.message().is_some(), text.text().is_some());
    }
    let _ = GroupData::parse(bytes);
    let mut payload = [0; MAX_PAYLOAD];
    if bytes.is_empty() {
        return;
    }
    let Ok(len) = GroupDatagram::seal(&keys[0], bytes, &mut payload) else {
        assert!(bytes.len() > GroupDatagram::MAX_PLAINTEXT);
        return;
    };
    let datagram = GroupDatagram::parse(&payload[..len]).expect("sealed");
    let (plaintext, _) = datagram.decrypt(&keys[..], &mut buf).expect("sealed");
    assert!(plaintext.starts_with(bytes));
});
