//! Laws of keys, paths and time on air, for any input.

use meshcore_proto::airtime::{LoraParams, firmware_estimate_ms, time_on_air_us};
use meshcore_proto::payload::{Advert, AnonReq, GroupDatagram, MAX_APP_DATA, PeerDatagram};
use meshcore_proto::{
    ChannelKey, CryptoError, EncodeError, Header, Identity, MAX_PAYLOAD, NodeHash, Packet, PathBuf, PathLen,
    PayloadType, PeerLink, Peers, PublicKey, RegionKey, RouteType, SharedSecret, TransportCodes,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// Bytes of a length between 0 and `max`, often 0, 1, `max - 1` or `max`.
fn bytes_to(max: usize) -> impl Strategy<Value = Vec<u8>> {
    let len = prop_oneof![Just(0), Just(1), Just(max - 1), Just(max), 0..=max];
    len.prop_flat_map(|len| vec(any::<u8>(), len))
}

fn lora() -> impl Strategy<Value = LoraParams> {
    let bandwidth = prop_oneof![Just(62_500), Just(125_000), Just(250_000), Just(500_000), 1_u32..1_000_000];
    (5_u8..=12, bandwidth, 5_u8..=8, 0_u16..100).prop_map(
        |(spreading_factor, bandwidth_hz, coding_rate, preamble)| LoraParams {
            spreading_factor,
            bandwidth_hz,
            coding_rate,
            preamble,
        },
    )
}

fn hop(size: usize) -> impl Strategy<Value = NodeHash> {
    vec(any::<u8>(), size).prop_map(|bytes| NodeHash::new(&bytes).unwrap())
}

proptest! {
    #[test]
    fn both_ends_compute_one_secret(seeds: [[u8; 32]; 2]) {
        let [alice, bob] = seeds.map(|seed| Identity::from_seed(&seed));
        let secret = alice.shared_secret(&bob.public_key()).unwrap();
        prop_assert_eq!(bob.shared_secret(&alice.public_key()), Ok(secret));
    }

    /// About half of all keys are points on the curve.
    #[test]
    fn any_key_gives_a_secret_or_an_error(seed: [u8; 32], key: [u8; 32]) {
        let secret = Identity::from_seed(&seed).shared_secret(&PublicKey::from_bytes(key));
        prop_assert!(matches!(secret, Ok(_) | Err(CryptoError::InvalidPublicKey)));
    }

    #[test]
    fn what_was_sealed_for_a_peer_opens(
        keys: [[u8; 32]; 2],
        secret: [u8; 32],
        plaintext in bytes_to(PeerDatagram::MAX_PLAINTEXT),
        decoy: [u8; 32],
    ) {
        prop_assume!(!plaintext.is_empty() && secret != decoy);
        let [alice, bob] = keys.map(PublicKey::from_bytes);
        let secret = SharedSecret::from_bytes(secret);
        let mut payload = [0; MAX_PAYLOAD];
        let link = PeerLink::new(alice, bob, secret.clone());
        let len = PeerDatagram::seal(&link, &plaintext, &mut payload).unwrap();

        // the decoy comes last: its MAC may fit by chance
        let peers: Peers = [secret, SharedSecret::from_bytes(decoy)]
            .map(|secret| PeerLink::new(bob, alice, secret))
            .into_iter()
            .collect();
        let mut buf = [0; MAX_PAYLOAD];
        let datagram = PeerDatagram::parse(&payload[..len]).unwrap();
        let (opened, found) = datagram.decrypt(&peers, &mut buf).unwrap();
        prop_assert_eq!((found.remote(), found.secret()), (&alice, link.secret()));
        let (text, padding) = opened.split_at(plaintext.len());
        prop_assert_eq!(text, &plaintext[..]);
        prop_assert!(padding.len() < 16 && padding.iter().all(|&byte| byte == 0));
    }

    #[test]
    fn what_a_stranger_sealed_opens(
        seeds: [[u8; 32]; 2],
        plaintext in bytes_to(AnonReq::MAX_PLAINTEXT),
    ) {
        prop_assume!(!plaintext.is_empty());
        let [alice, bob] = seeds.map(|seed| Identity::from_seed(&seed));
        let link = alice.link(&bob.public_key()).unwrap();
        let mut payload = [0; MAX_PAYLOAD];
        let len = AnonReq::seal(&link, &plaintext, &mut payload).unwrap();
        let request = AnonReq::parse(&payload[..len]).unwrap();
        prop_assert_eq!(request.sender_public_key(), alice.public_key());
        let mut buf = [0; MAX_PAYLOAD];
        let (opened, back) = request.decrypt(&bob, &mut buf).unwrap();
        prop_assert_eq!(back, bob.link(&alice.public_key()).unwrap());
        prop_assert_eq!(&opened[..plaintext.len()], &plaintext[..]);
    }

    #[test]
    fn decryption_of_anything_does_not_panic(payload in bytes_to(MAX_PAYLOAD), buf_len in 0_usize..200) {
        if let Ok(datagram) = PeerDatagram::parse(&payload) {
            let [dest, src] = [datagram.dest_hash(), datagram.src_hash()].map(|byte| PublicKey::from([byte; 32]));
            let links = [PeerLink::new(dest, src, SharedSecret::from_bytes([7; 32]))];
            let _ = datagram.decrypt(&links[..], &mut vec![0; buf_len]);
        }
        if let Ok(request) = AnonReq::parse(&payload) {
            let _ = request.open_with(&SharedSecret::from_bytes([7; 32]), &mut vec![0; buf_len]);
        }
    }

    #[test]
    fn a_region_covers_what_carries_its_code(key: [u8; 16], bits in 0_u8..16, payload in bytes_to(MAX_PAYLOAD)) {
        let key = RegionKey::from_bytes(key);
        let payload_type = PayloadType::from_bits(bits);
        let scope = key.code_for(payload_type, &payload);
        prop_assert!(scope != 0 && scope != 0xffff);
        let covers = |scope| {
            let header = Header::new(RouteType::TransportFlood, payload_type);
            let codes = Some(TransportCodes { scope, home: 0 });
            key.covers(&Packet::new(header, codes, PathLen::new(1, 0).unwrap(), &[], &payload).unwrap())
        };
        prop_assert_eq!(covers(scope), !payload.is_empty() && !key.is_null());
        prop_assert!(!covers(scope ^ 1) && !covers(0));
    }

    #[test]
    fn a_public_region_has_its_lead_or_is_given_it(name in "[^#$].{0,20}") {
        prop_assert_eq!(RegionKey::public(&name), RegionKey::public(&format!("#{name}")));
        prop_assert_eq!(RegionKey::public(&format!("${name}")), None);
    }

    /// A path is a queue that refuses what a frame cannot carry.
    #[test]
    fn a_path_is_a_bounded_queue(
        (size, hops) in (1_usize..=3).prop_flat_map(|size| (Just(size), vec(hop(size), 0..70))),
        stranger in (1_usize..=3).prop_flat_map(hop),
        pops in 0_usize..70,
    ) {
        let most = [63, 32, 21][size - 1];
        let mut path = PathBuf::new(size.try_into().unwrap()).unwrap();
        for (index, hop) in hops.iter().enumerate() {
            let before = path;
            let pushed = path.push(*hop);
            if index < most {
                prop_assert_eq!(pushed, Ok(()));
            } else {
                prop_assert_eq!(pushed.unwrap_err().kind(), "PathTooLong");
                prop_assert_eq!(path, before);
            }
        }
        let mut kept = hops[..hops.len().min(most)].to_vec();
        prop_assert_eq!(path.hops().iter().collect::<Vec<_>>(), &kept[..]);
        prop_assert_eq!(PathBuf::from(path.hops()), path);
        prop_assert_eq!(path.path_len().byte_len(), path.as_bytes().len());
        if hops.len() <= most && !hops.is_empty() {
            prop_assert_eq!(PathBuf::from_hops(hops), Ok(path));
        }
        if usize::from(stranger.size()) != size {
            let is_mixed = matches!(path.push(stranger), Err(EncodeError::MixedHashSizes { .. }));
            prop_assert!(is_mixed);
        }
        for _ in 0..pops {
            let first = (!kept.is_empty()).then(|| kept.remove(0));
            prop_assert_eq!(path.pop_front(), first);
        }
        prop_assert_eq!(path.hops().iter().collect::<Vec<_>>(), &kept[..]);
        let mut rebuilt = PathBuf::new(size.try_into().unwrap()).unwrap();
        kept.into_iter().for_each(|hop| rebuilt.push(hop).unwrap());
        prop_assert_eq!(rebuilt, path);
    }

    #[test]
    fn longer_frames_take_longer(params in lora(), len in 0_usize..255) {
        let times = [len, len + 1].map(|len| time_on_air_us(len, &params));
        prop_assert!(times[0] <= times[1] || times[1].is_none());
        if let [Some(us), _] = times {
            let ms = firmware_estimate_ms(len, &params).unwrap();
            prop_assert!(ms <= us / 1000, "nodes round down");
        }
        let estimates = [len, len + 1].map(|len| firmware_estimate_ms(len, &params));
        prop_assert!(estimates[0] <= estimates[1] || estimates[1].is_none());
    }

    #[test]
    fn nothing_is_refused_but_what_radios_cannot_do(params in lora(), factor: u8, rate: u8, len in 0_usize..256) {
        let params = LoraParams { spreading_factor: factor, coding_rate: rate, ..params };
        let exists = (5..=12).contains(&factor) && (5..=8).contains(&rate);
        let time = firmware_estimate_ms(len, &params);
        prop_assert_eq!(time.is_some(), exists);
    }
}

/// Flips each bit of `payload` from byte `start` on.
fn flips(payload: &[u8], start: usize) -> impl Iterator<Item = Vec<u8>> {
    (start * 8..payload.len() * 8).map(|bit| {
        let mut flipped = payload.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        flipped
    })
}

// A MAC of two bytes misses one flip in 65536; with the keys here, none.

#[test]
fn a_flipped_bit_between_peers_is_refused() {
    let [alice, bob] = [[1; 32], [2; 32]].map(|seed| Identity::from_seed(&seed));
    let links = [bob.link(&alice.public_key()).unwrap()];
    let mut payload = [0; MAX_PAYLOAD];
    let link = alice.link(&bob.public_key()).unwrap();
    let len = PeerDatagram::seal(&link, &[0x5a; PeerDatagram::MAX_PLAINTEXT], &mut payload).unwrap();
    let mut count = 0;
    for flipped in flips(&payload[..len], 2) {
        let datagram = PeerDatagram::parse(&flipped).unwrap();
        let err = datagram.decrypt(&links[..], &mut [0; MAX_PAYLOAD]).unwrap_err();
        assert_eq!(err, CryptoError::MacMismatch);
        count += 1;
    }
    assert_eq!(count, 8 * (2 + 176));
}

#[test]
fn a_flipped_bit_in_a_channel_is_refused() {
    let keys = [ChannelKey::public()];
    let mut payload = [0; MAX_PAYLOAD];
    let len = GroupDatagram::seal(&keys[0], &[0x5a; GroupDatagram::MAX_PLAINTEXT], &mut payload).unwrap();
    for flipped in flips(&payload[..len], 0) {
        let datagram = GroupDatagram::parse(&flipped).unwrap();
        let err = datagram.decrypt(&keys[..], &mut [0; MAX_PAYLOAD]).unwrap_err();
        let expected = if flipped[0] == payload[0] { "MacMismatch" } else { "NoKey" };
        assert_eq!(err.kind(), expected);
    }
}

#[test]
fn a_flipped_bit_of_an_advert_is_refused() {
    let mut payload = [0; MAX_PAYLOAD];
    let identity = Identity::from_seed(&[1; 32]);
    let len = Advert::sign_into(&identity, 1_700_000_000, &[0x81; MAX_APP_DATA], &mut payload).unwrap();
    assert_eq!(Advert::parse(&payload[..len]).unwrap().verify(), Ok(()));
    for flipped in flips(&payload[..len], 0) {
        assert_eq!(Advert::parse(&flipped).unwrap().verify(), Err(CryptoError::InvalidSignature));
    }
}

/// The sender's key counts too, except for its sign bit.
#[test]
fn a_flipped_bit_of_a_stranger_is_refused() {
    let [alice, bob] = [[1; 32], [2; 32]].map(|seed| Identity::from_seed(&seed));
    let link = alice.link(&bob.public_key()).unwrap();
    let mut payload = [0; MAX_PAYLOAD];
    let len = AnonReq::seal(&link, b"a login", &mut payload).unwrap();
    let opened: Vec<_> = flips(&payload[..len], 0)
        .enumerate()
        .filter(|(_, flipped)| AnonReq::parse(flipped).unwrap().decrypt(&bob, &mut [0; MAX_PAYLOAD]).is_ok())
        .map(|(bit, _)| bit)
        .collect();
    assert_eq!(opened, [33 * 8 - 1]);
}
