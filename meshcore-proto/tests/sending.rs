//! What is sent is received: payloads of every type, on every route, opened
//! with the keys they were sealed with.

use meshcore_proto::content::{
    AnonRequest, ChannelMessage, GroupData, GroupText, PathReturn, Request, Response, TextMessage,
};
use meshcore_proto::payload::{
    Ack, AppData, Control, DiscoverReq, DiscoverResp, LatLonE6, MAX_APP_DATA, Multipart, Payload, Trace,
};
use meshcore_proto::{
    ChannelKey, EncodeError, EncodePayload, Identity, MAX_PAYLOAD, NewAdvert, NodeHash, NodeType, Packet,
    PathBuf, PathLen, PayloadType, PeerLink, PublicKey, RegionKey, ReservedType, Route, SnrQuarterDb,
    TransportCodes,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// How a packet is sent, with what it needs to live as long.
#[derive(Debug)]
struct Way {
    /// `None` for a flood.
    path: Option<PathBuf>,
    hash_size: u8,
    codes: Option<TransportCodes>,
    region: Option<RegionKey>,
}

impl Way {
    fn send(&self, payload: &impl EncodePayload) -> Result<Vec<u8>, EncodeError> {
        let mut route = match &self.path {
            Some(path) => Route::direct(path),
            None => Route::flood(self.hash_size)?,
        };
        if let Some(codes) = self.codes {
            route = route.with_codes(codes);
        }
        if let Some(region) = &self.region {
            route = route.in_region(region);
        }
        Ok(route.frame(payload)?.to_vec())
    }

    /// Whether the frame says what was asked for.
    fn is_way_of(&self, packet: &Packet<'_>) -> bool {
        let is_flood = packet.header().route().is_flood();
        let path = match &self.path {
            Some(path) => {
                !is_flood && packet.path_len() == path.path_len() && packet.path_bytes() == path.as_bytes()
            }
            None => is_flood && packet.path_len() == PathLen::new(self.hash_size, 0).unwrap(),
        };
        path && match (&self.region, self.codes) {
            (Some(region), _) => region.covers(packet) != packet.payload_bytes().is_empty(),
            (None, codes) => packet.transport() == codes,
        }
    }
}

fn way() -> impl Strategy<Value = Way> {
    let path = (1_u8..=3).prop_flat_map(|size| {
        let most = [63, 32, 21][usize::from(size) - 1];
        vec(vec(any::<u8>(), usize::from(size)), 0..=most).prop_map(move |hops| {
            let mut path = PathBuf::new(size).unwrap();
            hops.iter().for_each(|hop| path.push(NodeHash::new(hop).unwrap()).unwrap());
            path
        })
    });
    let codes = any::<(u16, u16)>().prop_map(|(scope, home)| TransportCodes { scope, home });
    let region = "[a-z]{1,8}".prop_map(|name| RegionKey::public(&name).unwrap());
    (prop::option::of(path), 1_u8..=3, prop::option::of(codes), prop::option::weighted(0.3, region))
        .prop_map(|(path, hash_size, codes, region)| Way { path, hash_size, codes, region })
}

fn bytes_to(max: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![Just(0), Just(1), Just(max), 0..=max].prop_flat_map(|len| vec(any::<u8>(), len))
}

fn two_nodes() -> [Identity; 2] {
    [[1; 32], [2; 32]].map(|seed| Identity::from_seed(&seed))
}

fn links() -> [PeerLink; 2] {
    let [alice, bob] = two_nodes();
    [alice.link(&bob.public_key()).unwrap(), bob.link(&alice.public_key()).unwrap()]
}

/// The plaintext that arrives, and its type; padding is still there.
fn opened(raw: &[u8]) -> (PayloadType, Vec<u8>) {
    let packet = Packet::parse(raw).unwrap();
    let [_, bob] = two_nodes();
    let [_, link] = links();
    let mut buf = [0; MAX_PAYLOAD];
    let plaintext = match packet.payload().unwrap() {
        Payload::Req(peer) | Payload::Response(peer) | Payload::TxtMsg(peer) | Payload::Path(peer) => {
            peer.decrypt(&[link][..], &mut buf).unwrap().0
        }
        Payload::AnonReq(request) => request.decrypt(&bob, &mut buf).unwrap().0,
        Payload::GrpTxt(group) | Payload::GrpData(group) => {
            group.decrypt(&[ChannelKey::public()][..], &mut buf).unwrap().0
        }
        other => panic!("nothing to open in {other:?}"),
    };
    (packet.header().payload_type(), plaintext.to_vec())
}

proptest! {
    #[test]
    fn plain_payloads_arrive(
        way in way(),
        checksum: [u8; 4],
        extra in vec(any::<u8>(), 0..=2),
        remaining in 0_u8..=15,
        tag: u32,
        since: Option<u32>,
        snr: i8,
        bits: (u8, u8),
        key: [u8; 32],
        raw in bytes_to(MAX_PAYLOAD),
    ) {
        let key = PublicKey::from_bytes(key);
        let ack = Ack::new(checksum, &extra);
        let mut inner = [0; 6];
        let len = ack.encode_into(&mut inner).unwrap();
        let node_type = NodeType::from_bits(bits.1);
        let payloads = [
            Payload::Ack(ack),
            Payload::Multipart(Multipart::new(remaining, PayloadType::Ack, &inner[..len]).unwrap()),
            Payload::Control(DiscoverReq::new(bits.0 & 1 == 0, bits.1, tag, since).into()),
            Payload::Control(
                DiscoverResp::new(node_type, SnrQuarterDb::new(snr), tag, &key, bits.0 & 1 == 0).into(),
            ),
            Payload::Control(Control::Other { flags: bits.0 & 0x7f, data: &extra }),
            Payload::RawCustom(&raw),
            Payload::Reserved(ReservedType::new(12 + bits.0 % 3).unwrap(), &raw),
        ];
        for payload in payloads {
            let frame = way.send(&payload).unwrap();
            let packet = Packet::parse(&frame).unwrap();
            prop_assert_eq!(packet.payload(), Ok(payload));
            prop_assert!(way.is_way_of(&packet));
        }
    }

    #[test]
    fn adverts_arrive(
        way in way(),
        timestamp: u32,
        position: Option<(i32, i32)>,
        name in "[^\0]{0,12}",
        node_type in 0_u8..16,
    ) {
        let [alice, _] = two_nodes();
        let app_data = AppData {
            position: position.map(|(lat, lon)| LatLonE6 { lat, lon }),
            name: Some(name.as_bytes()),
            ..AppData::new(NodeType::from_bits(node_type))
        };
        let frame = way.send(&NewAdvert { identity: &alice, timestamp, app_data }).unwrap();
        let packet = Packet::parse(&frame).unwrap();
        prop_assert!(way.is_way_of(&packet));
        let Ok(Payload::Advert(advert)) = packet.payload() else { panic!("an advert was sent") };
        prop_assert!(advert.verify().is_ok());
        prop_assert_eq!((advert.public_key(), advert.timestamp()), (alice.public_key(), timestamp));
        prop_assert!(advert.app_data_bytes().len() <= MAX_APP_DATA);
        // what was received can be sent on, byte for byte
        prop_assert_eq!(way.send(&advert).unwrap(), frame);
    }

    #[test]
    fn traces_start_direct_and_empty(way in way(), exponent in 0_u32..4, entries in 0_usize..=21, tag: u32) {
        let entry_size = 1 << exponent;
        let route = vec![0x5a; entry_size * entries];
        let trace = Trace::new(tag, 0, entry_size, &route).unwrap();
        let frame = Route::zero_hop().frame(&trace).unwrap();
        prop_assert_eq!(Packet::parse(&frame).unwrap().payload(), Ok(Payload::Trace(trace)));
        let starts_so = way.path.is_some_and(|path| path.path_len().get() == 0);
        prop_assert_eq!(way.send(&trace).is_ok(), starts_so);
    }

    #[test]
    fn what_nodes_say_to_each_other_arrives(
        way in way(),
        timestamp: u32,
        attempt: u8,
        text in "[^\0]{1,40}",
        bytes in bytes_to(130),
        path in way(),
        random: [u8; 4],
    ) {
        let [link, _] = links();

        let message = TextMessage::plain(timestamp, attempt, &text).unwrap();
        let (payload_type, plaintext) = opened(&way.send(&link.seal(&message)).unwrap());
        prop_assert_eq!(payload_type, PayloadType::TxtMsg);
        prop_assert_eq!(TextMessage::parse(&plaintext), Ok(message));

        let request = Request::new(timestamp, attempt, &bytes).unwrap();
        let (payload_type, plaintext) = opened(&way.send(&link.seal(&request)).unwrap());
        prop_assert_eq!(payload_type, PayloadType::Req);
        let read = Request::parse(&plaintext).unwrap();
        prop_assert_eq!((read.timestamp(), read.request_type()), (timestamp, attempt));
        prop_assert!(read.params().starts_with(&bytes));

        // the smallest one that is read has a byte beyond its tag
        let response = Response::new(timestamp, &bytes).unwrap();
        let (payload_type, plaintext) = opened(&way.send(&link.seal(&response)).unwrap());
        prop_assert_eq!(payload_type, PayloadType::Response);
        let read = Response::parse(&plaintext).unwrap();
        prop_assert!(read.tag() == timestamp && read.body().starts_with(&bytes));

        let anon = AnonRequest::new(timestamp, &bytes).unwrap();
        let (payload_type, plaintext) = opened(&way.send(&link.seal(&anon)).unwrap());
        prop_assert_eq!(payload_type, PayloadType::AnonReq);
        let read = AnonRequest::parse(&plaintext).unwrap();
        prop_assert!(read.timestamp() == timestamp && read.body().starts_with(&bytes));

        let path = path.path.unwrap_or_else(|| PathBuf::new(1).unwrap());
        let returned = PathReturn::without_extra(path.path_len(), path.as_bytes(), &random).unwrap();
        let (payload_type, plaintext) = opened(&way.send(&link.seal(&returned)).unwrap());
        prop_assert_eq!(payload_type, PayloadType::Path);
        let read = PathReturn::parse(&plaintext).unwrap();
        prop_assert_eq!((read.path_len(), read.path_bytes()), (path.path_len(), path.as_bytes()));
    }

    #[test]
    fn what_is_said_in_a_channel_arrives(
        way in way(),
        timestamp: u32,
        sender in "[a-zé]{1,10}",
        message in "[^\0]{0,40}",
        data_type: u16,
        data in bytes_to(GroupData::MAX_DATA),
    ) {
        let key = ChannelKey::public();
        let text = ChannelMessage { timestamp, sender: &sender, message: &message };
        let (payload_type, plaintext) = opened(&way.send(&key.seal(&text)).unwrap());
        prop_assert_eq!(payload_type, PayloadType::GrpTxt);
        let read = GroupText::parse(&plaintext).unwrap();
        prop_assert_eq!((read.sender(), read.message()), (Some(&*sender), Some(&*message)));

        let data = GroupData::new(data_type, &data).unwrap();
        let (payload_type, plaintext) = opened(&way.send(&key.seal(&data)).unwrap());
        prop_assert_eq!(payload_type, PayloadType::GrpData);
        prop_assert_eq!(GroupData::parse(&plaintext), Ok(data));
    }
}
