//! Batches of messages taken in, while somebody asks.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use meshcore_store::UnixMillis;
use meshcore_store::view::{Keeper, Observation, Order, Packet, Selection, View};

use crate::ask::show;
use crate::latency::Latency;
use crate::load::Source;
use crate::process::Said;

/// The newest packets, which come as messages.
const PACKETS: i64 = 3_000;
/// Messages per batch.
const BATCH: usize = 200;
const QUIET: Duration = Duration::from_secs(2);

/// What an observer's message brings.
enum Message {
    New(Packet),
    Further(i64, Observation),
}

/// Takes in the newest packets as the follower does: a message per observation, in the order they were stored.
pub(crate) fn measure(database: &Path) -> Result<()> {
    let mut source = Source::open(database)?;
    let last = source.newest - PACKETS;
    source.load(last)?;
    let messages = messages(source.packets_after(last)?);
    let view = source.keeper.view().clone();

    let (before, ()) = while_asking(&view, || thread::sleep(QUIET));
    let (meanwhile, batches) = while_asking(&view, || take_in(&mut source.keeper, messages));
    Said::Latency(Latency::of("newest 50, flat, while nothing changes", None, before)).tell()?;
    Said::Latency(Latency::of("newest 50, flat, while batches are taken in", None, meanwhile)).tell()?;
    Said::Latency(Latency::of("a batch of 200 messages", Some(2_000.0), batches)).tell()
}

/// Ordered by the id of the observation; the first one of a packet brings it.
fn messages(packets: Vec<Packet>) -> Vec<(i64, UnixMillis, Message)> {
    let mut messages = Vec::new();
    for mut packet in packets {
        let further = packet.observations.split_off(packet.observations.len().min(1));
        let (id, first) = (packet.id, packet.observations.first().map_or(0, |observation| observation.id));
        messages.push((first, packet.first_seen, Message::New(packet)));
        messages.extend(further.into_iter().map(|o| (o.id, o.at, Message::Further(id, o))));
    }
    messages.sort_by_key(|(observation, ..)| *observation);
    messages
}

fn take_in(keeper: &mut Keeper, messages: Vec<(i64, UnixMillis, Message)>) -> Vec<Duration> {
    let mut messages = messages.into_iter();
    let mut times = Vec::new();
    loop {
        let batch: Vec<_> = messages.by_ref().take(BATCH).collect();
        let Some((_, now, _)) = batch.last() else { return times };
        let (now, begun) = (*now, Instant::now());
        let mut further: BTreeMap<i64, Vec<Observation>> = BTreeMap::new();
        for (_, _, message) in batch {
            match message {
                Message::New(packet) => keeper.put(packet, now),
                Message::Further(packet, observation) => further.entry(packet).or_default().push(observation),
            }
        }
        for (packet, observations) in further {
            keeper.observe(packet, observations, now).expect("the packet came before");
        }
        keeper.publish();
        times.push(begun.elapsed());
        keeper.settle(now);
    }
}

/// Does `work`, and says how long the answers took meanwhile.
fn while_asking<T>(view: &View, work: impl FnOnce() -> T) -> (Vec<Duration>, T) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut times = Vec::new();
            while !done.load(Ordering::Relaxed) {
                let asked = Instant::now();
                show(&view.snapshot().packets(&Selection::default(), Order::Newest, 0..50));
                times.push(asked.elapsed());
            }
            times
        });
        let worked = work();
        done.store(true, Ordering::Relaxed);
        (reader.join().expect("readers do not panic"), worked)
    })
}
