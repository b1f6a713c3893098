//! Random packets for tests: few names and values, so that things meet.

use std::ops::Range;

use meshcore_proto::PacketHash;
use proptest::prelude::*;

use super::names::{NodeNo, ObserverNo, TextNo};
use super::row::{HopPath, Kind, Observation, Packet};
use crate::{Direction, UnixMillis};

/// An hour in 2026, in milliseconds.
pub(crate) const HOUR: i64 = 1_777_593_600_000;

/// Packets with distinct, ascending ids from 1.
pub(crate) fn packets(count: Range<usize>) -> impl Strategy<Value = Vec<Packet>> {
    prop::collection::vec(packet(), count).prop_map(|mut packets| {
        let mut observation_id = 0;
        for (packet, id) in packets.iter_mut().zip(1..) {
            packet.id = id;
            packet.hash =
                PacketHash::from_bytes((id as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
            for observation in &mut packet.observations {
                observation_id += 1;
                observation.id += observation_id;
            }
        }
        packets
    })
}

/// A packet with id 0, whose observations have ids that only count.
pub(crate) fn packet() -> impl Strategy<Value = Packet> {
    let kind = (prop::option::of(0_u8..4), prop::option::of(0_u8..16), prop::option::of(0_u8..2))
        .prop_map(|(route, payload, version)| Kind { route, payload, version });
    let time = prop_oneof![3 => (0_i64..3600).prop_map(|s| s * 1000), 1 => 0_i64..3_600_000];
    let names = (prop::option::of(1_u32..8), prop::option::of(1_u32..5), prop::option::of(1_u32..5));
    let frame = prop::option::of(prop::collection::vec(any::<u8>(), 1..40));
    (kind, time, names, frame, any::<bool>(), prop::collection::vec(observation(), 0..12)).prop_map(
        |(kind, time, (originator, channel, scope), frame, has_own_json, mut observations)| {
            let first_seen = UnixMillis::new(HOUR + time);
            for observation in &mut observations {
                observation.at = first_seen.plus_millis(observation.at.get());
            }
            Packet {
                id: 0,
                hash: PacketHash::from_bytes([0; 8]),
                first_seen,
                kind,
                originator: originator.and_then(NodeNo::new),
                channel: channel.and_then(TextNo::new),
                scope: scope.and_then(TextNo::new),
                frame_len: frame.as_ref().map_or(7, |frame| u16::try_from(frame.len()).unwrap()),
                payload_len: frame.as_ref().map_or(0, |frame| u16::try_from(frame.len() / 2).unwrap()),
                frame: frame.map(Into::into),
                has_own_json,
                observations,
            }
        },
    )
}

/// An observation with id 0, at a time after its packet.
pub(crate) fn observation() -> impl Strategy<Value = Observation> {
    let path = (1_u8..4, prop::collection::vec(0_u8..4, 0..7)).prop_map(|(size, hops)| {
        let bytes: Vec<u8> =
            hops.iter().flat_map(|hop| std::iter::repeat_n(*hop, usize::from(size))).collect();
        HopPath::new(size, &bytes).unwrap()
    });
    let nodes = prop::collection::vec(prop::option::of(1_u32..8), 0..7);
    let direction = prop_oneof![Just(None), Just(Some(Direction::Rx)), Just(Some(Direction::Tx))];
    let signal = (
        prop::option::of((-40_i32..40).prop_map(|quarters| f64::from(quarters) / 4.0)),
        prop::option::of((-120_i32..-20).prop_map(f64::from)),
        prop::option::of((0_i32..1000).prop_map(f64::from)),
    );
    let late = prop_oneof![5 => (0_i64..60).prop_map(|s| s * 1000), 1 => -5000_i64..200_000_000];
    (prop::option::of(1_u16..8), direction, signal, path, nodes, late, any::<bool>()).prop_map(
        |(observer, direction, (snr, rssi, score), path, nodes, late, has_own_frame)| Observation {
            id: 0,
            observer: observer.and_then(ObserverNo::new),
            direction,
            snr,
            rssi,
            score,
            path,
            resolved: nodes.into_iter().map(|node| node.and_then(NodeNo::new)).collect(),
            at: UnixMillis::new(late),
            has_own_frame,
        },
    )
}
