//! The view gives what a scan over the same rows gives, whatever happened to them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use meshcore_proto::PacketHash;
use proptest::prelude::*;
use proptest::sample::Index;

use super::archive::Identity;
use super::block::LiveRow;
use super::partial::{Partial, Sign};
use super::testing::{HOUR, observation, packet};
use super::*;
use crate::filter::{Context, Filter, NumberField, Subject, TextField};
use crate::{UnixMillis, Visibility};

const HOUR_MILLIS: i64 = 3_600_000;

/// What happens to a view.
#[derive(Clone, Debug)]
enum Step {
    /// A packet comes, in an hour, perhaps in the place of one that is there.
    Put(Box<Packet>, i64, Option<Index>),
    /// An observation comes, perhaps late.
    Observe(Index, Box<Observation>),
    /// A packet goes.
    Remove(Index),
    /// Minutes pass, and readers see.
    Publish(i64),
    /// Memory gets short: this part of it, in percent, may stay.
    Shrink(usize),
    /// History is forgotten, up to an hour.
    Forget(i64),
    /// The process starts again from its snapshot file.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let put = (packet(), 0_i64..6, prop::option::weighted(0.2, any::<Index>()));
    prop_oneof![
        12 => put.prop_map(|(packet, hour, place)| Step::Put(Box::new(packet), hour, place)),
        8 => (any::<Index>(), observation()).prop_map(|(at, observation)| Step::Observe(at, Box::new(observation))),
        2 => any::<Index>().prop_map(Step::Remove),
        3 => (0_i64..2000).prop_map(Step::Publish),
        1 => (1_usize..100).prop_map(Step::Shrink),
        1 => (0_i64..3).prop_map(Step::Forget),
        1 => Just(Step::Restart),
    ]
}

/// Rows kept the simple way.
#[derive(Debug, Default)]
struct Model {
    packets: BTreeMap<i64, Packet>,
    /// Removed, not forgotten.
    gone: BTreeSet<i64>,
    ids: i64,
    observations: i64,
}

impl Model {
    fn some(&self, index: &Index) -> Option<i64> {
        (!self.packets.is_empty()).then(|| *index.get(&self.packets.keys().copied().collect::<Vec<_>>()))
    }

    fn digest(packet: &Packet) -> LiveRow {
        LiveRow::new(packet.clone())
    }

    /// The ids that match, in order.
    fn find(&self, selection: &Selection, order: Order, hidden: &BTreeSet<u32>) -> Vec<i64> {
        let matches = |packet: &&Packet| {
            let row = Self::digest(packet);
            let heard = |list: &Option<Vec<ObserverNo>>| {
                let heard_by =
                    |one: &ObserverNo| packet.observations.iter().any(|o| o.observer == Some(*one));
                list.as_ref().is_none_or(|list| list.iter().any(heard_by))
            };
            let touched = |node: &NodeNo| {
                let hop =
                    |o: &Observation| o.path.iter().zip(&o.resolved).any(|(_, hop)| *hop == Some(*node));
                packet.originator == Some(*node) || packet.observations.iter().any(hop)
            };
            !packet.originator.is_some_and(|node| hidden.contains(&node.get()))
                && selection.payload_type.is_none_or(|wanted| packet.kind.payload == Some(wanted))
                && selection.route.is_none_or(|wanted| packet.kind.route == Some(wanted))
                && selection.hash.is_none_or(|wanted| packet.hash == wanted)
                && match selection.channel {
                    None => true,
                    Some(Known::Nowhere) => false,
                    Some(Known::As(text)) => packet.channel == Some(text) && packet.kind.payload == Some(5),
                }
                && heard(&selection.observers)
                && heard(&selection.region)
                && selection.nodes.as_ref().is_none_or(|nodes| nodes.iter().any(touched))
                && selection
                    .origin
                    .as_ref()
                    .is_none_or(|nodes| packet.originator.is_some_and(|n| nodes.contains(&n)))
                && selection.hop.as_ref().is_none_or(|prefix| {
                    packet.observations.iter().any(|o| {
                        let nodes = o.resolved.iter().copied().chain(std::iter::repeat(None));
                        o.path.iter().zip(nodes).any(|(hop, node)| match node {
                            Some(node) => key(node.get()).as_bytes().starts_with(prefix),
                            None => hop.starts_with(prefix),
                        })
                    })
                })
                && selection.since.is_none_or(|since| row.digest.last_seen >= since)
                && selection.until.is_none_or(|until| packet.first_seen <= until)
        };
        let mut found: Vec<&Packet> = self.packets.values().filter(matches).collect();
        found.sort_by_key(|packet| match order {
            Order::Newest => (-packet.id, 0),
            Order::Oldest => (packet.id, 0),
            Order::LatestHeard => (-packet.last_seen().get(), -packet.id),
        });
        found.into_iter().map(|packet| packet.id).collect()
    }
}

/// A view, the same rows kept the simple way, and a clock.
struct Bench {
    keeper: Keeper,
    model: Model,
    now: UnixMillis,
    folder: tempfile::TempDir,
}

const IDENTITY: Identity = Identity { database: 7, encoding: ENCODING };

impl Bench {
    fn new() -> Self {
        let numbering = Arc::new(Numbering::default());
        for n in 1..9 {
            numbering.node(&key(n)).unwrap();
        }
        let keeper = Keeper::new(numbering);
        let now = UnixMillis::new(HOUR);
        Self { keeper, model: Model::default(), now, folder: tempfile::tempdir().unwrap() }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Put(packet, hour, place) => self.put(*packet, hour, place),
            Step::Observe(at, observation) => self.observe(&at, *observation),
            Step::Remove(at) => {
                if let Some(id) = self.model.some(&at) {
                    self.keeper.remove(id, self.now);
                    self.model.packets.remove(&id);
                    self.model.gone.insert(id);
                }
            }
            Step::Publish(minutes) => {
                self.now = self.now.plus_millis(minutes * 60_000);
                self.keeper.settle(self.now);
                self.keeper.publish();
            }
            Step::Shrink(percent) => {
                self.keeper.shrink_to(self.keeper.bytes() * percent / 100);
                self.forget();
            }
            Step::Forget(hours) => {
                self.keeper.forget_before(UnixMillis::new(HOUR + hours * HOUR_MILLIS));
                self.forget();
            }
            Step::Restart => self.restart(),
        }
    }

    fn put(&mut self, mut packet: Packet, hour: i64, place: Option<Index>) {
        let old = place.and_then(|place| self.model.some(&place));
        packet.id = old.unwrap_or_else(|| {
            self.model.ids += 1;
            self.model.ids
        });
        let hash = old.and_then(|id| self.model.packets.get(&id)).map(|packet| packet.hash);
        packet.hash = hash.unwrap_or_else(|| PacketHash::from_bytes(hash_of(packet.id)));
        let shift = |time: UnixMillis| time.plus_millis(hour * HOUR_MILLIS);
        packet.first_seen = shift(packet.first_seen);
        for observation in &mut packet.observations {
            self.model.observations += 1;
            observation.id = self.model.observations;
            observation.at = shift(observation.at);
        }
        packet.normalise();
        self.keeper.put(packet.clone(), self.now);
        self.model.packets.insert(packet.id, packet);
        self.forget();
    }

    fn observe(&mut self, at: &Index, mut observation: Observation) {
        let Some(id) = self.model.some(at) else { return };
        let packet = self.model.packets.get_mut(&id).unwrap();
        self.model.observations += 1;
        observation.id = self.model.observations;
        observation.at = packet.first_seen.plus_millis(observation.at.get());
        packet.observations.push(observation.clone());
        packet.normalise();
        self.keeper.observe(id, vec![observation], self.now).unwrap();
    }

    /// The model forgets what the view says that it does not cover.
    fn forget(&mut self) {
        if let Some(since) = self.keeper.coverage().since {
            self.model.packets.retain(|_, packet| packet.first_seen >= since);
        }
    }

    fn restart(&mut self) {
        let path = self.folder.path().join("view");
        let mut archive =
            Archive::open(&path, IDENTITY).unwrap().unwrap_or_else(|| Archive::new(&path, IDENTITY));
        self.keeper.save(&mut archive, b"note").unwrap();
        let archive = Archive::open(&path, IDENTITY).unwrap().unwrap();
        let mut restoring = Restoring::new(archive).unwrap();
        assert_eq!(restoring.note(), b"note");
        let mut keeper = Keeper::new(Arc::new(Numbering::new(restoring.names().clone())));
        while let Some(block) = restoring.next_block().unwrap() {
            keeper.restore(block);
        }
        keeper.set_coverage(restoring.covered());
        // What memory has forgotten of frames is not in the file either.
        self.keeper = keeper;
    }

    /// Readers see what the model says.
    fn check(&mut self, selection: &Selection, page: Range<usize>, hidden: &BTreeSet<u32>) {
        self.keeper.publish();
        let snapshot = self.keeper.view().snapshot();
        for order in [Order::Newest, Order::Oldest, Order::LatestHeard] {
            let expected = self.model.find(selection, order, hidden);
            let found = snapshot.packets(selection, order, page.clone());
            let ids: Vec<i64> = found.packets.iter().map(PacketRef::id).collect();
            let end = page.end.min(expected.len());
            assert_eq!(ids, expected[page.start.min(end)..end], "{order:?}");
            assert_eq!(snapshot.count(selection), expected.len());
        }
        let mut totals = Totals::default();
        for packet in self.model.packets.values() {
            let row = Model::digest(packet);
            totals.apply(&row.packet, &row.digest, Sign::Add);
            let found = [snapshot.by_id(packet.id), snapshot.by_hash(packet.hash)];
            if packet.originator.is_some_and(|node| hidden.contains(&node.get())) {
                assert!(found.iter().all(Option::is_none));
                continue;
            }
            for found in found {
                let found = found.unwrap();
                let mut expected = packet.observations.clone();
                for hop in expected.iter_mut().flat_map(|o| &mut o.resolved) {
                    *hop = hop.filter(|node| !hidden.contains(&node.get()));
                }
                assert_eq!(found.observations(), expected);
                assert_eq!((found.first_seen(), found.last_seen()), (packet.first_seen, packet.last_seen()));
                assert!(found.frame().is_none_or(|frame| Some(frame) == packet.frame.as_deref()));
            }
        }
        assert_eq!(snapshot.totals(), &totals);
        self.check_figures(&snapshot, hidden);
        let beyond = snapshot.coverage().beyond;
        assert!(
            (beyond + 1..=self.model.ids)
                .all(|id| { self.model.gone.contains(&id) || self.model.packets.contains_key(&id) })
        );
        assert_eq!(snapshot.by_id(self.model.ids + 1).map(|packet| packet.id()), None);
    }
}

impl Bench {
    /// Windows whose edges lie within hours, counted directly.
    fn check_figures(&self, snapshot: &Snapshot, hidden: &BTreeSet<u32>) {
        let at = |minutes: i64| UnixMillis::new(HOUR + minutes * 60_000 + 7);
        for window in [at(0)..at(360), at(17)..at(18), at(100)..at(260), at(-600)..at(100_000)] {
            let mut expected = Traffic::default();
            for packet in self.model.packets.values() {
                for observation in packet.observations.iter().filter(|o| window.contains(&o.at)) {
                    let observer = observation.observer.map_or(0, ObserverNo::get);
                    expected.add((Hour::of(observation.at), observer, packet.kind.payload.unwrap_or(255)), 1);
                }
            }
            assert_eq!(snapshot.traffic(window.clone()), expected);
            let count: i64 = expected.iter().map(|(_, count)| count).sum();
            assert_eq!(snapshot.observations_in(window.clone()), count);
            assert_eq!(snapshot.observers_in(window).iter().map(|(_, count)| count).sum::<i64>(), count);
        }
        for node in (1..9).filter_map(NodeNo::new) {
            let mut expected: BTreeMap<Hour, usize> = BTreeMap::new();
            let selection = Selection { nodes: Some(vec![node]), ..Selection::default() };
            for id in self.model.find(&selection, Order::Oldest, hidden) {
                let first_seen = self.model.packets[&id].first_seen;
                if first_seen >= at(90) && !hidden.contains(&node.get()) {
                    *expected.entry(Hour::of(first_seen)).or_default() += 1;
                }
            }
            assert_eq!(snapshot.node_hours(node, at(90)), expected.into_iter().collect::<Vec<_>>());
        }
        for channel in snapshot.channels(&Selection::default()) {
            let selection = Selection { channel: Some(Known::As(channel.name)), ..Selection::default() };
            let found = self.model.find(&selection, Order::LatestHeard, hidden);
            assert_eq!(found.first(), Some(&channel.last.id()));
        }
    }
}

/// The key of a node.
fn key(node: u32) -> meshcore_proto::PublicKey {
    meshcore_proto::PublicKey::from_bytes([u8::try_from(node).unwrap(); 32])
}

fn hash_of(id: i64) -> [u8; 8] {
    (id as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()
}

fn selection() -> impl Strategy<Value = Selection> {
    let time =
        prop::option::weighted(0.2, (0..7 * HOUR_MILLIS).prop_map(|millis| UnixMillis::new(HOUR + millis)));
    let observers = || {
        prop::option::weighted(
            0.3,
            prop::collection::vec((1_u16..9).prop_map(|n| ObserverNo::new(n).unwrap()), 0..3),
        )
    };
    let nodes = || {
        prop::option::weighted(
            0.3,
            prop::collection::vec((1_u32..9).prop_map(|n| NodeNo::new(n).unwrap()), 0..3),
        )
    };
    let channel = prop::option::weighted(0.2, (0_u32..6).prop_map(|n| Known::from(TextNo::new(n))));
    let hash = prop::option::weighted(0.1, (1_i64..30).prop_map(|id| PacketHash::from_bytes(hash_of(id))));
    let small = |high: u8| prop::option::weighted(0.2, 0..high);
    let hop = prop::option::weighted(0.2, prop::collection::vec(0_u8..4, 1..3));
    (
        small(16),
        small(4),
        hash,
        channel,
        (observers(), observers()),
        (nodes(), nodes(), hop),
        (time.clone(), time),
    )
        .prop_map(
            |(
                payload_type,
                route,
                hash,
                channel,
                (observers, region),
                (nodes, origin, hop),
                (since, until),
            )| {
                Selection {
                    payload_type,
                    route,
                    hash,
                    channel,
                    observers,
                    region,
                    nodes,
                    origin,
                    since,
                    until,
                    hop,
                    filter: None,
                }
            },
        )
}

/// A row of the model, asked the simple way.
struct Plain<'a>(&'a Packet);

/// One of its observations.
struct PlainReception<'a>(&'a Observation);

impl Subject for Plain<'_> {
    fn payload_type(&self) -> Option<u8> {
        self.0.kind.payload
    }

    fn route(&self) -> Option<u8> {
        self.0.kind.route
    }

    fn number(&self, field: NumberField) -> Option<f64> {
        let best = self.0.best();
        match field {
            NumberField::Size => (self.0.frame_len > 0).then(|| f64::from(self.0.frame_len)),
            NumberField::Observations => Some(self.0.observations.len() as f64),
            _ => PlainReception(best?).number(field),
        }
    }

    fn text(&self, field: TextField) -> Option<Cow<'_, str>> {
        (field == TextField::Hash).then(|| self.0.hash.to_string().into())
    }

    fn time(&self) -> Option<UnixMillis> {
        Some(self.0.first_seen)
    }

    fn any_observation(&self, test: &mut dyn FnMut(&dyn Subject) -> bool) -> bool {
        self.0.observations.iter().any(|observation| test(&PlainReception(observation)))
    }
}

impl Subject for PlainReception<'_> {
    fn number(&self, field: NumberField) -> Option<f64> {
        match field {
            NumberField::Snr => self.0.snr,
            NumberField::Rssi => self.0.rssi,
            NumberField::Hops => Some(self.0.path.len() as f64),
            NumberField::HashSize => Some(self.0.path.size() as f64),
            _ => None,
        }
    }
}

/// Expressions over what [`Plain`] knows.
fn expression() -> impl Strategy<Value = String> {
    let number = prop::sample::select(vec!["snr", "rssi", "hops", "size", "observations", "hash_size"]);
    let op = prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">="]);
    let one = prop_oneof![
        (number, op, -100_i32..40)
            .prop_map(|(field, op, value)| format!("{field} {op} {}", f64::from(value) / 2.0)),
        prop::sample::select(vec![
            "type == ADVERT",
            "type:advert,trace",
            "route == FLOOD",
            "transport",
            "snr:-5..5",
            "hops between 1 3",
            "obs.snr > 2",
            "all(obs.rssi < -40)",
            "count(obs) > 3",
            "count(obs.hops > 2) >= 2",
            "snr",
            "hash contains \"a\"",
            "time after \"2026-05-01T02:00:00Z\"",
        ])
        .prop_map(str::to_owned),
    ];
    one.prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} && {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} || {b})")),
            inner.prop_map(|a| format!("!({a})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn a_filter_over_columns_is_a_filter_over_rows(
        steps in prop::collection::vec(step(), 1..40),
        expressions in prop::collection::vec(expression(), 1..8),
    ) {
        let mut bench = Bench::new();
        steps.into_iter().for_each(|step| bench.take(step));
        bench.keeper.publish();
        let snapshot = bench.keeper.view().snapshot();
        for text in expressions {
            let filter = Arc::new(Filter::parse(&text, &Context::at(bench.now)).unwrap());
            let plain = |packet: &&Packet| filter.matches(&Plain(packet));
            let expected: Vec<i64> = bench.model.packets.values().filter(plain).map(|packet| packet.id).collect();
            let selection = Selection { filter: Some(Arc::clone(&filter)), ..Selection::default() };
            let found = snapshot.packets(&selection, Order::Oldest, 0..1_000).packets;
            let found: Vec<i64> = found.iter().map(PacketRef::id).collect();
            prop_assert_eq!(found, expected, "{}", text);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn it_gives_what_a_scan_gives(
        steps in prop::collection::vec(step(), 1..60),
        selections in prop::collection::vec((selection(), 0_usize..20, 0_usize..20), 1..4),
        hidden in prop::collection::btree_set(1_u32..8, 0..2),
    ) {
        let mut bench = Bench::new();
        steps.into_iter().for_each(|step| bench.take(step));
        bench.keeper.publish();
        // Nodes are known by their keys only, so those are what is hidden.
        let listed: Vec<String> = hidden.iter().map(|n| key(*n).to_string()).collect();
        let rules = Visibility::new(&listed, [""; 0], [""; 0]);
        let names = bench.keeper.view().snapshot().names().clone();
        bench.keeper.set_people(People::of(&names, [], [], &rules));
        for (selection, start, len) in selections {
            bench.check(&selection, start..start + len, &hidden);
        }
        bench.check(&Selection::default(), 0..100, &hidden);
    }
}

#[test]
fn an_observation_of_a_packet_that_is_not_there_comes_back() {
    let mut keeper = Keeper::new(Arc::default());
    assert_eq!(keeper.observe(1, vec![], UnixMillis::default()), Err(vec![]));
}
