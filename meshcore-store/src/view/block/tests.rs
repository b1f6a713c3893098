use proptest::prelude::*;

use super::super::digest::Digest;
use super::super::partial::{Partial, Sign};
use super::super::row::Packet;
use super::super::testing::packets;
use super::*;

fn live(rows: &[Packet]) -> Live {
    let mut live = Live::default();
    for packet in rows {
        live.put(packet.clone());
    }
    live
}

proptest! {
    #[test]
    fn sealing_loses_nothing(rows in packets(0..60)) {
        let live = live(&rows);
        let normal: Vec<Packet> = live.rows().iter().map(|row| row.packet.clone()).collect();
        let sealed = live.seal();
        prop_assert_eq!(&sealed.packets(), &normal);
        let packed = sealed.packed();
        prop_assert_eq!(&packed.packets(), &normal);
        let frames = Frames::read(packed.frames().unwrap().bytes());
        let again = Sealed::read(packed.bytes(), frames).unwrap();
        prop_assert_eq!(&again.packets(), &normal);
        prop_assert_eq!(again.summary(), &live.summary());
        prop_assert_eq!(&again.partials(), live.partials());
    }

    #[test]
    fn live_and_sealed_blocks_answer_alike(rows in packets(1..60), number in 1_u16..8, low in -3_i64..8, span in 0_i64..5) {
        let live = live(&rows);
        let blocks = [Block::Sealed(Arc::new(live.seal().packed())), Block::Live(Arc::new(live))];
        let [a, b] = &blocks;
        prop_assert_eq!(a.len(), b.len());
        for row in 0..a.len() {
            prop_assert_eq!(a.observations(row), b.observations(row));
            prop_assert_eq!(a.best(row), b.best(row));
            prop_assert_eq!(a.last_seen(row), b.last_seen(row));
            prop_assert_eq!((a.observer_count(row), a.observation_count(row)), (b.observer_count(row), b.observation_count(row)));
            prop_assert_eq!(a.row_of(a.id(row)), Some(row));
            prop_assert_eq!(b.row_of(a.id(row)), Some(row));
        }
        prop_assert_eq!(a.latest(), b.latest());
        let columns = [Column::Route, Column::PayloadType, Column::Channel, Column::Scope,
                       Column::FrameLength, Column::Hops,];
        for column in columns {
            prop_assert_eq!(a.select(column, low..=low + span), b.select(column, low..=low + span));
        }
        let signal = (low as f64 * 3.0)..=((low + span) as f64 * 3.0);
        prop_assert_eq!(a.select_best(BestSignal::Snr, signal.clone()), b.select_best(BestSignal::Snr, signal.clone()));
        prop_assert_eq!(a.select_best(BestSignal::Rssi, signal.clone()), b.select_best(BestSignal::Rssi, signal));
        let (observer, node) = (ObserverNo::new(number).unwrap(), NodeNo::new(u32::from(number)).unwrap());
        prop_assert_eq!(a.heard_by(observer), b.heard_by(observer));
        prop_assert_eq!(a.touched_by(node), b.touched_by(node));
        let hop = Hop::new(&[u8::try_from(number % 4).unwrap()]);
        prop_assert_eq!(a.passed_by_stranger(hop), b.passed_by_stranger(hop));
        let receptions = |block: &Block| {
            let mut all = Vec::new();
            block.each_reception(|row, observer, at| all.push((row, observer, at)));
            all.sort_unstable();
            all
        };
        prop_assert_eq!(receptions(a), receptions(b));
    }

    #[test]
    fn figures_are_those_of_what_is_there(rows in packets(1..60), changed in packets(1..60), gone: Vec<prop::sample::Index>) {
        let mut live = live(&rows);
        for (packet, row) in changed.into_iter().zip(&rows) {
            live.put(Packet { id: row.id, ..packet });
        }
        for index in gone {
            live.remove(index.get(&rows).id);
        }
        let mut direct = Partials::default();
        for row in live.rows() {
            direct.apply(&row.packet, &Digest::of(&row.packet), Sign::Add);
        }
        prop_assert_eq!(live.partials(), &direct);
        direct.merge(live.partials(), Sign::Retract);
        prop_assert_eq!(direct, Partials::default());
    }

    #[test]
    fn no_bytes_make_a_block_panic(rows in packets(1..20), at: prop::sample::Index, flip in 1_u8..=255) {
        let sealed = live(&rows).seal();
        for whole in [sealed.packed(), sealed] {
            let mut bytes = whole.bytes().to_vec();
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            let Some(block) = Sealed::read(&bytes, None) else { continue };
            block.packets();
            block.packed();
            block.each_reception(|_, _, _| ());
            block.partials();
            block.heard_by(ObserverNo::new(1).unwrap());
            block.touched_by(NodeNo::new(1).unwrap());
            block.passed_by_stranger(Hop::new(&[1]));
        }
    }
}
