//! Memory is a promise: the process stays at the number it was given, and history that is deleted gives it back.
//!
//! A test of its own, because what is measured is the whole process.

use std::sync::Arc;

use meshcore_proto::PacketHash;
use meshcore_store::UnixMillis;
use meshcore_store::view::budget::{Budget, resident_bytes};
use meshcore_store::view::{
    HopPath, Hour, Keeper, Kind, NodeNo, Numbering, Observation, ObserverNo, Order, Packet, SealedHour,
    Selection,
};

const MIB: usize = 1 << 20;
const ALLOWED: usize = 48 * MIB;
const PACKETS_PER_HOUR: i64 = 1_000;
/// 2026-05-01T00:00:00Z.
const FIRST: Hour = Hour(493_776);

/// An hour of packets, none of which is like another.
fn hour(number: u32) -> Vec<Packet> {
    let hour = Hour(FIRST.0 + number);
    (0..PACKETS_PER_HOUR)
        .map(|n| {
            let id = i64::from(number) * PACKETS_PER_HOUR + n + 1;
            let noise = (id as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let frame: Vec<u8> = (0..25_u64)
                .flat_map(|k| noise.wrapping_mul(2 * k + 3).rotate_left(21).to_le_bytes())
                .collect();
            let path = HopPath::new(1, &noise.to_le_bytes()[..5]).unwrap();
            let first_seen = hour.start().plus_millis(n * 3_000);
            Packet {
                id,
                hash: PacketHash::from_bytes(noise.to_be_bytes()),
                first_seen,
                kind: Kind { route: Some(1), payload: Some((noise % 12) as u8), version: Some(0) },
                originator: None,
                channel: None,
                scope: None,
                frame_len: 200,
                payload_len: 193,
                frame: Some(frame.into()),
                has_own_json: false,
                observations: vec![Observation {
                    id,
                    observer: ObserverNo::new((noise % 30) as u16 + 1),
                    direction: None,
                    snr: Some((noise % 80) as f64 / 4.0),
                    rssi: Some(-((noise % 90) as f64)),
                    score: None,
                    resolved: path.iter().map(|hop| NodeNo::new(u32::from(hop[0]) + 1)).collect(),
                    path,
                    at: first_seen,
                    has_own_frame: false,
                }],
            }
        })
        .collect()
}

#[test]
fn the_process_stays_at_its_number_and_gives_back_what_is_deleted() {
    let Some(at_start) = resident_bytes() else {
        eprintln!("skipped: this system does not say how much memory a process occupies");
        return;
    };
    let mut keeper = Keeper::new(Arc::new(Numbering::default()));
    let mut budget = Budget::new(Some(ALLOWED));
    let (mut put_in, mut number, mut full) = (0, 0, None);
    while put_in < 10 * ALLOWED {
        let packets = hour(number);
        let now = Hour(FIRST.0 + number + 1).start();
        keeper.adopt_hour(SealedHour::of(Hour(FIRST.0 + number), &packets, now));
        let before = keeper.bytes();
        put_in += packets.iter().map(|packet| packet.frame_len as usize + 60).sum::<usize>();
        drop(packets);
        keeper.settle(now);
        budget.measure_again();
        let limit = budget.limit(before).unwrap();
        if keeper.shrink_to(limit) {
            full.get_or_insert(number);
        }
        keeper.publish();
        if full.is_some_and(|full| number > full + 3) {
            let resident = resident_bytes().unwrap();
            assert!(
                resident <= ALLOWED + ALLOWED / 10,
                "hour {number}: {resident} resident, {ALLOWED} allowed"
            );
            assert!(resident >= ALLOWED - ALLOWED / 10, "hour {number}: only {resident} used of {ALLOWED}");
        }
        number += 1;
    }
    assert!(full.is_some_and(|full| full < number / 2), "the budget was never reached");
    let snapshot = keeper.view().snapshot();
    assert!(snapshot.coverage().since > Some(FIRST.start()));
    assert_eq!(
        snapshot.packets(&Selection::default(), Order::Newest, 0..1).packets[0].id(),
        i64::from(number) * PACKETS_PER_HOUR
    );
    drop(snapshot);

    let held = keeper.bytes();
    keeper.forget_before(UnixMillis::new(i64::MAX));
    keeper.publish();
    let given_back = ALLOWED.saturating_sub(resident_bytes().unwrap());
    assert!(given_back > held * 8 / 10, "{given_back} of {held} given back; {at_start} at the start");
}
