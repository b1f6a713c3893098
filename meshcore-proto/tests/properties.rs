//! Laws that hold for any input. The strategies lean on the edges: 0 and 63
//! hops, 64 path bytes, 0, 1 and 184 payload bytes.

use meshcore_proto::content::{GroupData, GroupText, MAX_TEXT};
use meshcore_proto::payload::{Advert, AppData, GroupDatagram, LatLonE6, MAX_APP_DATA, Payload};
use meshcore_proto::{
    ChannelKey, DecodeOptions, Header, Identity, KeyRing, MAX_FRAME, MAX_PAYLOAD, NodeType, Packet, Path,
    PathLen, PayloadType, RouteType, TransportCodes,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// Bytes of a length between 0 and `max`, often 0, 1, `max - 1` or `max`.
fn bytes_to(max: usize) -> impl Strategy<Value = Vec<u8>> {
    let len = prop_oneof![Just(0), Just(1), Just(max - 1), Just(max), 0..=max];
    len.prop_flat_map(|len| vec(any::<u8>(), len))
}

fn path_len() -> impl Strategy<Value = PathLen> {
    (1_u8..=3)
        .prop_flat_map(|size| {
            let most = [63, 32, 21][usize::from(size) - 1];
            (Just(size), prop_oneof![Just(0), Just(1), Just(most), 0..=most])
        })
        .prop_map(|(size, count)| PathLen::new(size, count).unwrap())
}

/// The bytes of a frame that nodes accept.
fn frame() -> impl Strategy<Value = Vec<u8>> {
    (0_u8..4, 0_u8..16, any::<[u8; 4]>(), path_len(), bytes_to(MAX_PAYLOAD))
        .prop_flat_map(|(route, payload_type, codes, path_len, payload)| {
            let path = vec(any::<u8>(), path_len.byte_len());
            (Just((route, payload_type, codes, path_len, payload)), path)
        })
        .prop_map(|((route, payload_type, codes, path_len, payload), path)| {
            let mut raw = vec![payload_type << 2 | route];
            if route == 0 || route == 3 {
                raw.extend(codes);
            }
            raw.push(path_len.get());
            raw.extend(path);
            raw.extend(payload);
            raw
        })
}

/// A payload long enough for its type to be more than an error.
fn likely_payload() -> impl Strategy<Value = Vec<u8>> {
    let control = (prop_oneof![0x80_u8..=0x9f, any::<u8>()], bytes_to(40));
    let multipart = (prop_oneof![Just(0x13_u8), any::<u8>()], bytes_to(7));
    prop_oneof![
        bytes_to(MAX_PAYLOAD),
        vec(any::<u8>(), 99..=140),
        control.prop_map(|(first, rest)| [&[first][..], &rest].concat()),
        multipart.prop_map(|(first, rest)| [&[first][..], &rest].concat()),
    ]
}

fn channel_key() -> impl Strategy<Value = ChannelKey> {
    prop_oneof![
        any::<[u8; 16]>().prop_map(ChannelKey::from_16),
        any::<[u8; 32]>().prop_map(ChannelKey::from_32),
    ]
}

fn app_data_name() -> impl Strategy<Value = Option<String>> {
    proptest::option::of(prop_oneof!["[^\0]{0,40}", "[a-z]{22,32}é", "名{0,12}"])
}

/// Looks at everything a payload offers.
fn touch(payload: &Payload<'_>) {
    let _ = format!("{payload:?}");
    match payload {
        Payload::Advert(advert) => {
            let _ = advert.app_data().map(|data| data.name_str().map(str::len));
        }
        Payload::Ack(ack) => assert_eq!(ack.attempt().is_some(), ack.extra().len() >= 2),
        Payload::Trace(trace) => {
            let route = trace.route();
            assert_eq!(route.iter().count(), route.len());
            assert!(trace.remainder().len() < trace.entry_size());
            assert_eq!(route.get(route.len()), None);
        }
        Payload::Multipart(multipart) => {
            assert_eq!(multipart.ack().is_some(), multipart.inner_type() == PayloadType::Ack);
        }
        Payload::Control(control) => assert!(control.sub_type() < 16),
        _ => {}
    }
}

proptest! {
    /// No byte string panics the decoder, and what decodes encodes back to itself.
    #[test]
    fn any_bytes_are_a_frame_or_an_error(raw in bytes_to(300), check_version: bool) {
        let options = DecodeOptions { check_version, ..DecodeOptions::default() };
        if let Ok(packet) = Packet::parse_with(&raw, options) {
            let mut out = [0; MAX_FRAME];
            let len = packet.encode_into(&mut out).unwrap();
            prop_assert_eq!(&out[..len], &raw[..]);
            if let Ok(payload) = packet.payload() {
                touch(&payload);
            }
        }
    }

    #[test]
    fn any_payload_of_any_type_is_read_or_refused(bits in 0_u8..16, payload in likely_payload()) {
        let path_len = PathLen::new(1, 0).unwrap();
        if let Ok(payload) = Payload::parse(PayloadType::from_bits(bits), path_len, &payload) {
            touch(&payload);
        }
    }

    #[test]
    fn a_good_frame_decodes_and_encodes_to_itself(raw in frame()) {
        let packet = Packet::parse(&raw).unwrap();
        let mut out = vec![0; packet.encoded_len()];
        prop_assert_eq!(packet.encode_into(&mut out), Ok(raw.len()));
        prop_assert_eq!(&out, &raw);
        prop_assert!(packet.encode_into(&mut vec![0; raw.len() - 1]).is_err());

        match packet.path() {
            Path::Hashes(hops) => {
                prop_assert_eq!(hops.len(), usize::from(packet.path_len().count()));
                prop_assert_eq!(hops.iter().count(), hops.len());
                let joined: Vec<u8> = hops.iter().flat_map(|hop| hop.as_bytes().to_vec()).collect();
                prop_assert_eq!(joined, packet.path_bytes());
            }
            Path::Snrs(snrs) => prop_assert_eq!(snrs.len(), packet.path_bytes().len()),
        }
    }

    #[test]
    fn every_beginning_of_a_frame_is_handled(raw in frame(), cut in any::<prop::sample::Index>()) {
        let cut = cut.index(raw.len());
        if let Err(err) = Packet::parse(&raw[..cut]) {
            prop_assert_eq!(err.kind(), "Truncated");
        }
    }

    #[test]
    fn what_was_built_decodes_to_the_same(
        bits in (0_u8..4, 0_u8..16),
        codes in any::<(u16, u16)>(),
        path_len in path_len(),
        path in vec(any::<u8>(), 64),
        payload in bytes_to(MAX_PAYLOAD),
    ) {
        let route = RouteType::from_bits(bits.0);
        let header = Header::new(route, PayloadType::from_bits(bits.1));
        let codes = TransportCodes { scope: codes.0, home: codes.1 };
        let transport = route.has_transport_codes().then_some(codes);
        let path = &path[..path_len.byte_len()];
        let packet = Packet::new(header, transport, path_len, path, &payload).unwrap();
        let mut out = [0; MAX_FRAME];
        let len = packet.encode_into(&mut out).unwrap();
        prop_assert_eq!(Packet::parse(&out[..len]), Ok(packet));
    }

    #[test]
    fn only_traces_are_told_apart_by_their_path(raw in frame(), path_len in path_len()) {
        let packet = Packet::parse(&raw).unwrap();
        let path = vec![0; path_len.byte_len()];
        let moved =
            Packet::new(packet.header(), packet.transport(), path_len, &path, packet.payload_bytes()).unwrap();
        let same_path = path_len == packet.path_len();
        let is_trace = packet.header().payload_type() == PayloadType::Trace;
        prop_assert_eq!(packet.packet_hash() == moved.packet_hash(), same_path || !is_trace);
    }

    #[test]
    fn what_was_sealed_opens(key in channel_key(), plaintext in bytes_to(GroupDatagram::MAX_PLAINTEXT)) {
        prop_assume!(!plaintext.is_empty());
        let mut payload = [0; MAX_PAYLOAD];
        let len = GroupDatagram::seal(&key, &plaintext, &mut payload).unwrap();
        let datagram = GroupDatagram::parse(&payload[..len]).unwrap();
        let ring: KeyRing = [("public", ChannelKey::public()), ("this", key)].into_iter().collect();
        let mut buf = [0; MAX_PAYLOAD];
        let (opened, key) = datagram.decrypt(&ring, &mut buf).unwrap();
        prop_assert_eq!(&key.name, "this");
        let (text, padding) = opened.split_at(plaintext.len());
        prop_assert_eq!(text, &plaintext[..]);
        prop_assert!(padding.len() < 16 && padding.iter().all(|&byte| byte == 0));
    }

    #[test]
    fn decryption_of_anything_does_not_panic(payload in bytes_to(MAX_PAYLOAD), buf_len in 0_usize..200) {
        // every hash byte has a key
        let ring: KeyRing = (0..=255_u8).map(|n| ("", ChannelKey::from_16([n; 16]))).collect();
        if let Ok(datagram) = GroupDatagram::parse(&payload)
            && let Ok((plaintext, _)) = datagram.decrypt(&ring, &mut vec![0; buf_len])
        {
            let _ = (GroupText::parse(plaintext), GroupData::parse(plaintext));
        }
    }

    #[test]
    fn a_composed_text_reads_back_or_is_cut(sender in "[^\0:\\[\\]]{1,12}", message in "[^\0]{0,200}") {
        let mut out = [0; 5 + MAX_TEXT];
        let len = GroupText::compose(7, &sender, &message, &mut out).unwrap();
        let text = GroupText::parse(&out[..len]).unwrap();
        let whole = format!("{sender}: {message}");
        let read = text.text().unwrap();
        prop_assert!(whole.starts_with(read));
        if whole.len() <= MAX_TEXT {
            prop_assert_eq!(text.sender(), Some(&*sender));
            prop_assert_eq!(text.message(), Some(&*message));
        } else {
            prop_assert!(read.len() > MAX_TEXT - 4, "cut by more than a character");
        }
    }

    #[test]
    fn group_data_reads_back(data_type: u16, data in bytes_to(GroupData::MAX_DATA)) {
        let group_data = GroupData::new(data_type, &data).unwrap();
        let mut out = [0; 3 + GroupData::MAX_DATA];
        let len = group_data.encode_into(&mut out).unwrap();
        prop_assert_eq!(GroupData::parse(&out[..len]), Ok(group_data));
    }

    #[test]
    fn app_data_reads_back(
        node_type in 0_u8..16,
        position in proptest::option::of(any::<(i32, i32)>()),
        feat1 in proptest::option::of(1_u16..),
        feat2 in proptest::option::of(1_u16..),
        name in app_data_name(),
    ) {
        let app_data = AppData {
            position: position.map(|(lat, lon)| LatLonE6 { lat, lon }),
            feat1,
            feat2,
            name: name.as_ref().map(|name| name.as_bytes()),
            ..AppData::new(NodeType::from_bits(node_type))
        };
        let mut out = [0; MAX_APP_DATA];
        let len = app_data.encode_into(&mut out).unwrap();
        let read = AppData::parse(&out[..len]).unwrap();
        prop_assert_eq!(
            (read.node_type, read.position, read.feat1, read.feat2),
            (app_data.node_type, app_data.position, feat1, feat2)
        );
        let read_name = read.name.map_or(Some(""), |_| read.name_str()).unwrap();
        prop_assert!(name.unwrap_or_default().starts_with(read_name));

        let mut again = [0; MAX_APP_DATA];
        let len_again = read.encode_into(&mut again).unwrap();
        prop_assert_eq!(&again[..len_again], &out[..len], "what was written once is written the same again");
    }

    #[test]
    fn what_was_signed_verifies_until_a_bit_flips(
        seed: [u8; 32],
        timestamp: u32,
        app_data in bytes_to(MAX_APP_DATA),
        bit in any::<prop::sample::Index>(),
    ) {
        let mut out = [0; MAX_PAYLOAD];
        let len = Advert::sign_into(&Identity::from_seed(&seed), timestamp, &app_data, &mut out).unwrap();
        prop_assert!(Advert::parse(&out[..len]).unwrap().verify().is_ok());
        let bit = bit.index(len * 8);
        out[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(Advert::parse(&out[..len]).unwrap().verify().is_err());
    }
}
