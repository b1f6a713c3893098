//! Questions with random arguments.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use meshcore_proto::PacketHash;
use meshcore_store::UnixMillis;
use meshcore_store::filter::{Context, Filter};
use meshcore_store::view::{NodeNo, ObserverNo, Order, PacketRef, Page, Selection, Snapshot, TextNo};
use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::Rng as _;

use crate::latency::Latency;
use crate::process::{Facts, Said};
use crate::start;

const TIMES: usize = 2_000;
const PAGE: usize = 50;
const DAY_MILLIS: i64 = 86_400_000;

/// Reads what a list shows of its packets.
pub(crate) fn show(page: &Page<'_>) {
    for packet in &page.packets {
        black_box((packet.id(), packet.hash(), packet.first_seen(), packet.last_seen(), packet.kind()));
        black_box((packet.originator(), packet.channel(), packet.frame(), packet.best()));
        black_box((packet.observation_count(), packet.observer_count()));
    }
}

/// Asks everything the goals name, and what lies near.
pub(crate) fn measure(database: &Path, facts: &Facts) -> Result<()> {
    let live = start::start(database, None, facts)?;
    let snapshot = start::complete(&live);
    let asked = Asked::of(&snapshot)?;
    let all = Selection::default();
    let newest = |selection: &Selection| show(&snapshot.packets(selection, Order::Newest, 0..PAGE));
    let deep = asked.packets.min(1_000_000).saturating_sub(PAGE);

    tell("newest 50, flat", 20.0, |_| newest(&all))?;
    tell("newest 50, grouped", 20.0, |_| show(&snapshot.packets(&all, Order::LatestHeard, 0..PAGE)))?;
    tell("by hash", 2.0, |n| show_one(snapshot.by_hash(asked.picks[n].1)))?;
    tell("by id", 2.0, |n| show_one(snapshot.by_id(asked.picks[n].0)))?;
    tell("by hash, with its observations", 50.0, |n| {
        black_box(snapshot.by_hash(asked.picks[n].1).map(|packet| packet.observations()));
    })?;
    tell("node's newest 50", 50.0, |n| newest(&asked.sent_or_passed_on(n)))?;
    tell("observer's newest 50", 50.0, |n| newest(&asked.heard(n)))?;
    tell("channel's newest 50", 50.0, |n| newest(&asked.said(n)))?;
    tell("three terms, newest 50", 2_000.0, |n| newest(&asked.three(n)))?;
    tell("three terms, all", 30_000.0, |n| {
        black_box(snapshot.count(&asked.three(n)));
    })?;
    tell(&format!("offset {deep}, flat"), 5_000.0, |_| {
        show(&snapshot.packets(&all, Order::Newest, deep..deep + PAGE));
    })?;
    tell(&format!("offset {deep}, grouped"), 5_000.0, |_| {
        show(&snapshot.packets(&all, Order::LatestHeard, deep..deep + PAGE));
    })?;
    let now = UnixMillis::new(facts.now);
    let day = Selection { since: Some(now.plus_millis(-DAY_MILLIS)), ..Selection::default() };
    tell("number of all packets", 50.0, |_| {
        black_box(snapshot.count(&all));
    })?;
    tell("number of a day's packets", 50.0, |_| {
        black_box(snapshot.count(&day));
    })?;
    tell("stats: all, last hour, last day", 50.0, |_| {
        black_box(snapshot.stats(now));
    })?;
    let hour = now.plus_millis(-DAY_MILLIS / 24)..UnixMillis::new(i64::MAX);
    tell("observers' last hour", 50.0, |_| {
        black_box(snapshot.observers_in(hour.clone()));
    })?;
    let context = Context::at(now);
    let filter = Filter::parse("type == ADVERT && snr > 5 && hops < 4", &context)?;
    let filtered = Selection { filter: Some(Arc::new(filter)), ..Selection::default() };
    tell("filter expression of three terms, newest 50", 2_000.0, |_| newest(&filtered))?;
    tell("filter expression of three terms, all", 30_000.0, |_| {
        black_box(snapshot.count(&filtered));
    })?;
    tell("packets by type, observer, channel", 50.0, |_| {
        let totals = snapshot.totals();
        black_box(totals.by_type.iter().chain(totals.by_channel.iter().map(|_| (0, 0))).count());
        black_box(totals.by_observer.iter().count());
    })
}

fn tell(name: &str, goal: f64, ask: impl FnMut(usize)) -> Result<()> {
    Said::Latency(Latency::measure(name, Some(goal), TIMES, ask)).tell()
}

fn show_one(packet: Option<PacketRef<'_>>) {
    black_box(packet.map(|packet| (packet.id(), packet.kind(), packet.first_seen(), packet.frame())));
}

/// What is asked about: drawn once, so that drawing is not measured.
struct Asked {
    packets: usize,
    /// Of packets that are there.
    picks: Vec<(i64, PacketHash)>,
    nodes: Vec<NodeNo>,
    observers: Vec<ObserverNo>,
    channels: Vec<TextNo>,
    types: Vec<u8>,
}

impl Asked {
    /// Every packet, node, observer and channel that packets name is as likely as any other.
    fn of(snapshot: &Snapshot) -> Result<Self> {
        let mut random = Pcg64Mcg::new(0xA5C);
        let mut draw = |below: usize| usize::try_from(random.next_u64() % below as u64).unwrap_or(0);
        let packets = snapshot.count(&Selection::default());
        ensure!(packets > 0, "the database has no packets");
        let pick = |at| snapshot.packets(&Selection::default(), Order::Newest, at..at + 1).packets.pop();
        let picks = (0..TIMES)
            .filter_map(|_| pick(draw(packets)))
            .map(|packet| (packet.id(), packet.hash()))
            .collect();
        let totals = snapshot.totals();
        let nodes: Vec<NodeNo> =
            (1..).map_while(NodeNo::new).take(snapshot.names().node_keys().len()).collect();
        let observers: Vec<ObserverNo> =
            totals.by_observer.iter().filter_map(|(observer, _)| ObserverNo::new(observer)).collect();
        let channels: Vec<TextNo> =
            totals.by_channel.iter().filter_map(|(channel, _)| TextNo::new(channel)).collect();
        let types: Vec<u8> = totals.by_type.iter().map(|(payload, _)| payload).collect();
        let some = |len: usize, what| (len > 0).then_some(len).context(what);
        let mut drawn =
            Self { packets, picks, nodes: vec![], observers: vec![], channels: vec![], types: vec![] };
        for _ in 0..TIMES {
            drawn.nodes.push(nodes[draw(some(nodes.len(), "no packet names a node")?)]);
            drawn.observers.push(observers[draw(some(observers.len(), "no packet names an observer")?)]);
            drawn.channels.push(channels[draw(some(channels.len(), "no packet has a channel")?)]);
            drawn.types.push(types[draw(some(types.len(), "no packet has a type")?)]);
        }
        Ok(drawn)
    }

    fn sent_or_passed_on(&self, n: usize) -> Selection {
        Selection { nodes: Some(vec![self.nodes[n]]), ..Selection::default() }
    }

    fn heard(&self, n: usize) -> Selection {
        Selection { observers: Some(vec![self.observers[n]]), ..Selection::default() }
    }

    fn said(&self, n: usize) -> Selection {
        Selection { channel: Some(Some(self.channels[n]).into()), ..Selection::default() }
    }

    fn three(&self, n: usize) -> Selection {
        Selection {
            payload_type: Some(self.types[n]),
            nodes: self.sent_or_passed_on(n).nodes,
            ..self.heard(n)
        }
    }
}
