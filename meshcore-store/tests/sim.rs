//! What the simulator promises: the same bytes again, good frames, and a truth that is true.

use std::collections::{BTreeMap, BTreeSet};

use meshcore_proto::content::GroupText;
use meshcore_proto::payload::LatLonE6;
use meshcore_proto::{KeyRing, MAX_PAYLOAD, NodeType, Packet, Path, Payload, PublicKey};
use meshcore_store::sim::{Event, Mesh, MeshOptions, TrafficOptions, Truth};
use meshcore_store::{Direction, UnixMillis};
use rstest::rstest;
use serde_json::Value;

/// 2026-05-01T10:00:00Z: noon where the mesh is.
const START: UnixMillis = UnixMillis::new(1_777_629_600_000);

/// A packet message, read.
struct Report {
    topic: String,
    envelope: Value,
    raw: Vec<u8>,
    truth: Truth,
}

impl Report {
    fn of(event: Event) -> Option<Self> {
        let envelope: Value = serde_json::from_slice(&event.payload).unwrap();
        let raw = hex::decode(envelope["raw"].as_str()?).unwrap();
        Some(Self { topic: event.topic, envelope, raw, truth: event.truth.unwrap() })
    }

    fn packet(&self) -> Packet<'_> {
        Packet::parse(&self.raw).unwrap()
    }

    fn is_received(&self) -> bool {
        self.truth.direction == Direction::Rx
    }

    fn observer(&self) -> PublicKey {
        self.topic.split('/').nth(2).unwrap().parse().unwrap()
    }

    /// Signal to noise in dB, in whichever dialect.
    fn snr(&self) -> f64 {
        match self.envelope.get("SNR").or_else(|| self.envelope.get("snr")).unwrap() {
            Value::String(text) => text.trim_end_matches(" dB").parse().unwrap(),
            number => number.as_f64().unwrap(),
        }
    }
}

fn town() -> Mesh {
    Mesh::new(&MeshOptions::town())
}

fn reports(mesh: &Mesh, events: usize) -> Vec<Report> {
    mesh.stream(START, TrafficOptions::rate(50)).take(events).filter_map(Report::of).collect()
}

#[test]
fn equal_seeds_give_equal_streams_and_others_do_not() {
    let stream = |seed| {
        let mesh = Mesh::new(&MeshOptions::small().with_seed(seed));
        mesh.stream(START, TrafficOptions::rate(5)).take(400).collect::<Vec<Event>>()
    };
    let first = stream(1);
    assert_eq!(first, stream(1));
    assert_ne!(first, stream(2));
}

/// A change of these bytes changes every demo and every figure made with them: do it on purpose.
#[test]
fn the_stream_is_the_one_it_was() {
    let mesh = Mesh::new(&MeshOptions::small());
    let mut sum = 0xcbf2_9ce4_8422_2325_u64; // FNV-1a
    for event in mesh.stream(START, TrafficOptions::rate(5)).take(2_000) {
        for byte in event.payload {
            sum = (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    assert_eq!(sum, 9_770_439_741_322_746_068);
}

#[test]
fn every_frame_is_good_every_advert_signed_every_channel_open() {
    let mesh = town();
    let mut keys = KeyRing::new();
    for (name, key) in mesh.channels() {
        keys.push(name, key.clone());
    }
    let (mut adverts, mut texts) = (0, 0);
    for report in reports(&mesh, 4_000) {
        let packet = report.packet();
        assert_eq!(packet.packet_hash(), report.truth.packet);
        if let Some(hash) = report.envelope["hash"].as_str() {
            assert_eq!(hash, report.truth.packet.to_string().to_uppercase());
        }
        match packet.payload().unwrap() {
            Payload::Advert(advert) => {
                advert.verify().unwrap();
                assert_eq!(advert.public_key(), report.truth.originator);
                let app_data = advert.app_data().unwrap();
                let node = mesh.nodes().iter().find(|node| node.public_key() == advert.public_key()).unwrap();
                assert_eq!((app_data.node_type, app_data.name_str()), (node.node_type(), Some(node.name())));
                adverts += 1;
            }
            Payload::GrpTxt(datagram) => {
                let mut buf = [0; MAX_PAYLOAD];
                let (plaintext, _) = datagram.decrypt(&keys, &mut buf).unwrap();
                let text = GroupText::parse(plaintext).unwrap();
                let node = mesh.nodes().iter().find(|n| n.public_key() == report.truth.originator).unwrap();
                assert_eq!(text.sender(), Some(node.name()));
                texts += 1;
            }
            _ => {}
        }
    }
    assert!(adverts > 200 && texts > 200, "{adverts} {texts}");
}

#[test]
fn the_hops_of_a_frame_are_those_of_the_truth() {
    let mesh = town();
    let mut sizes = BTreeSet::new();
    let mut longest = 0;
    for report in reports(&mesh, 6_000) {
        let (packet, truth) = (report.packet(), &report.truth);
        match packet.path() {
            Path::Hashes(hops) => {
                assert_eq!(hops.len(), truth.hops.len());
                assert!(hops.iter().zip(&truth.hops).all(|(hop, key)| key.has_hash(hop)));
                assert!(hops.len() <= 63 && hops.as_bytes().len() <= 64);
                longest = longest.max(hops.len());
                if packet.header().route().is_flood() {
                    assert_eq!(truth.transmitter, truth.hops.last().copied().unwrap_or(truth.originator));
                    assert_eq!(
                        truth.hops.iter().collect::<BTreeSet<_>>().len(),
                        hops.len(),
                        "each passes it on once"
                    );
                    sizes.insert(hops.hash_size());
                }
            }
            Path::Snrs(snrs) => {
                let Ok(Payload::Trace(trace)) = packet.payload() else {
                    panic!("only traces collect strengths")
                };
                assert_eq!(trace.route().len(), truth.hops.len());
                assert!(
                    trace.route().iter().zip(&truth.hops).all(|(hop, key)| key.as_bytes().starts_with(hop))
                );
                assert!(snrs.len() <= trace.route().len());
            }
        }
        assert!(truth.sent_at <= truth.heard_at);
    }
    assert_eq!(sizes, [1, 2, 3].into());
    assert!(longest > 4, "{longest}");
}

#[test]
fn a_scoped_packet_carries_the_code_of_a_region() {
    let mesh = town();
    let mut scoped = 0;
    for report in reports(&mesh, 4_000) {
        let packet = report.packet();
        if packet.transport().is_some() {
            assert!(mesh.regions().any(|(_, key)| key.covers(&packet)));
            scoped += 1;
        }
    }
    assert!(scoped > 100, "{scoped}");
}

#[test]
fn what_is_near_is_heard_better() {
    let mesh = town();
    let position = |key: PublicKey| {
        let node = mesh.nodes().iter().find(|node| node.public_key() == key).unwrap();
        (!node.is_mobile()).then(|| node.position())
    };
    let (mut near, mut far) = (Vec::new(), Vec::new());
    for report in reports(&mesh, 8_000).iter().filter(|report| report.is_received()) {
        if let (Some(a), Some(b)) = (position(report.observer()), position(report.truth.transmitter)) {
            match distance_m(a, b) {
                ..2_000.0 => near.push(report.snr()),
                6_000.0.. => far.push(report.snr()),
                _ => {}
            }
        }
    }
    let mean = |snrs: &[f64]| snrs.iter().sum::<f64>() / snrs.len() as f64;
    assert!(near.len() > 100 && far.len() > 100, "{} {}", near.len(), far.len());
    assert!(mean(&near) > mean(&far) + 3.0, "{} {}", mean(&near), mean(&far));
}

fn distance_m(a: LatLonE6, b: LatLonE6) -> f64 {
    let (dlat, dlon) = (a.latitude() - b.latitude(), a.longitude() - b.longitude());
    111_195.0 * dlat.hypot(dlon * a.latitude().to_radians().cos())
}

#[test]
fn all_types_of_payload_come_by() {
    let mesh = town();
    let mut missing: BTreeSet<&str> = [
        "REQ",
        "RESPONSE",
        "TXT_MSG",
        "ACK",
        "ADVERT",
        "GRP_TXT",
        "GRP_DATA",
        "ANON_REQ",
        "PATH",
        "TRACE",
        "MULTIPART",
        "CONTROL",
        "RAW_CUSTOM",
    ]
    .into();
    let mut events = 0;
    for event in mesh.stream(START, TrafficOptions::rate(50)) {
        if missing.is_empty() {
            break;
        }
        events += 1;
        assert!(events < 60_000, "not seen: {missing:?}");
        if let Some(report) = Report::of(event) {
            missing.remove(report.packet().header().payload_type().name());
        }
    }
}

#[test]
fn routes_are_flooded_direct_and_scoped_and_adverts_say_where() {
    let mesh = town();
    let mut routes = BTreeMap::new();
    for report in reports(&mesh, 6_000) {
        *routes.entry(report.packet().header().route().name()).or_insert(0) += 1;
    }
    assert!(
        ["FLOOD", "TRANSPORT_FLOOD", "DIRECT"].iter().all(|route| routes.contains_key(route)),
        "{routes:?}"
    );
    let center = mesh.options().center;
    assert!(mesh.nodes().iter().all(|node| distance_m(node.position(), center) < 60_000.0));
    let roles: BTreeSet<u8> = mesh.nodes().iter().map(|node| node.node_type().bits()).collect();
    assert_eq!(
        roles,
        [NodeType::Chat, NodeType::Repeater, NodeType::Room, NodeType::Sensor].map(NodeType::bits).into()
    );
}

#[rstest]
#[case(None)]
#[case(Some(1))]
#[case(Some(1_000))]
fn time_never_goes_back_and_nothing_piles_up(#[case] observations_per_second: Option<u32>) {
    let mesh = Mesh::new(&MeshOptions::small());
    let mut stream = mesh.stream(START, TrafficOptions { observations_per_second });
    let mut before = START;
    let mut most = [0; 2];
    for number in 0..20_000 {
        let event = stream.next().unwrap();
        assert!(event.at >= before);
        before = event.at;
        let half = &mut most[number / 10_000];
        *half = stream.backlog().max(*half);
    }
    assert!(most[1] < most[0] * 2 + 200, "{most:?}");
    assert!(most[1] < 100 + 20 * observations_per_second.unwrap_or(5) as usize, "{most:?}");
}

#[test]
fn the_rate_is_about_what_was_asked_for() {
    let mesh = town();
    let mut stream = mesh.stream(START, TrafficOptions::rate(2));
    let end = START.plus_millis(3_600_000);
    stream.by_ref().find(|event| event.at >= end).unwrap();
    let counts = stream.counts();
    // around noon a mesh is a quarter busier than on average
    assert!((5_000..=13_000).contains(&counts.observations), "{counts:?}");
    assert!(counts.packets_heard <= counts.packets && counts.packets <= counts.radio_transmissions);
    assert!((90..=110).contains(&(counts.statuses / mesh.observers().len() as u64 * 8)), "{counts:?}");
}

#[test]
fn observers_write_in_their_dialects() {
    let mesh = Mesh::new(&MeshOptions { observers: 24, ..MeshOptions::town() });
    let mut seen = BTreeSet::new();
    for event in mesh.stream(START, TrafficOptions::rate(50)).take(6_000) {
        let envelope: Value = serde_json::from_slice(&event.payload).unwrap();
        let key = event.topic.split('/').nth(2).unwrap();
        assert_eq!(key, key.to_uppercase());
        if event.topic.ends_with("/status") {
            assert!(envelope["stats"]["noise_floor"].as_f64().is_some_and(|noise| noise < -90.0));
            seen.insert("status");
            continue;
        }
        let timestamp = envelope["timestamp"].as_str().unwrap();
        timestamp.parse::<UnixMillis>().unwrap();
        let direction = envelope.get("direction").or_else(|| envelope.get("Direction")).unwrap().as_str();
        assert_eq!(
            direction == Some("rx"),
            event.truth.as_ref().is_some_and(|t| t.direction == Direction::Rx)
        );
        seen.insert(match (&envelope["SNR"], &envelope["snr"]) {
            (Value::String(_), _) => "texts",
            (_, Value::String(_)) => "units",
            (Value::Number(_), _) if timestamp.ends_with('Z') => "numbers",
            (Value::Number(_), _) => "naive",
            _ if event.truth.is_some_and(|truth| truth.is_stale) => "stale",
            _ => "sent",
        });
    }
    assert_eq!(seen, ["naive", "numbers", "sent", "stale", "status", "texts", "units"].into());
}

#[test]
fn a_mesh_has_what_was_asked_for() {
    let mesh = town();
    assert_eq!((mesh.nodes().len(), mesh.observers().len()), (150, 8));
    let airports: BTreeSet<&str> = mesh.options().airports.iter().map(|airport| airport.iata).collect();
    assert!(mesh.observers().all(|(node, iata)| !node.is_mobile() && airports.contains(iata)));
    assert!(mesh.nodes().iter().any(|node| node.is_mobile()));
    assert!(mesh.nodes().iter().all(|node| !node.public_key().has_reserved_hash()));
}
