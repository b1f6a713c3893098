//! Figures that can be added up and taken back: per hour block, and for everything.
//!
//! What a packet contributes is a sum, so it can be retracted exactly when the packet changes (a late observation, a
//! longer path) or leaves. Each block carries its own sums; a window is a merge of blocks, and forgetting a block is a
//! merge with the opposite sign.
//!
//! A new figure implements [`Partial`] and becomes a field of [`Partials`].

use foldhash::quality::RandomState;
use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::names::{NodeNo, ObserverNo};
use super::row::Packet;
use crate::UnixMillis;

/// Whether something comes or goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    /// It comes.
    Add,
    /// It goes.
    Retract,
}

/// A sum over packets.
pub(crate) trait Partial {
    /// Adds what `packet` contributes, or takes it back.
    fn apply(&mut self, packet: &Packet, digest: &Digest, sign: Sign);

    /// Adds another sum, or takes it back.
    fn merge(&mut self, other: &Self, sign: Sign);
}

/// How many of each key; keys that come to nothing are forgotten.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Counts<K: Eq + std::hash::Hash>(std::collections::HashMap<K, i64, RandomState>);

/// Hours since 1970 (UTC).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Hour(pub u32);

/// Payload type as stored; 255 for a row without.
pub type PayloadType = u8;

/// Observations by hour, observer (0 = unknown) and payload type.
pub type Traffic = Counts<(Hour, u16, PayloadType)>;

/// What a node did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// Packets it sent or passed on.
    pub packets: i64,
    /// Observations of these packets.
    pub observations: i64,
    /// Packets it sent.
    pub sent: i64,
}

/// All figures of a block.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Partials {
    pub(crate) traffic: Traffic,
    pub(crate) totals: Totals,
}

/// Figures without their hours: of a block, or of everything in memory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// Packets.
    pub packets: i64,
    /// Their observations.
    pub observations: i64,
    /// Packets by type.
    pub by_type: Counts<PayloadType>,
    /// Observations by observer; 0 = unknown.
    pub by_observer: Counts<u16>,
    /// Messages by channel.
    pub by_channel: Counts<u32>,
    nodes: std::collections::HashMap<u32, Activity, RandomState>,
}

impl Sign {
    const fn of(self, count: i64) -> i64 {
        match self {
            Self::Add => count,
            Self::Retract => -count,
        }
    }
}

impl Hour {
    /// The hour of a time; times before 1970 count as 1970.
    pub fn of(time: UnixMillis) -> Self {
        Self(u32::try_from(time.get().div_euclid(3_600_000).max(0)).unwrap_or(u32::MAX))
    }

    /// Its first moment.
    pub const fn start(self) -> UnixMillis {
        UnixMillis::from_seconds(self.0 as i64 * 3600)
    }
}

impl<K: Eq + std::hash::Hash> Default for Counts<K> {
    fn default() -> Self {
        Self(std::collections::HashMap::default())
    }
}

impl<K: Eq + std::hash::Hash + Copy> Counts<K> {
    /// How many of `key`.
    pub fn get(&self, key: K) -> i64 {
        self.0.get(&key).copied().unwrap_or(0)
    }

    /// All keys with their counts, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (K, i64)> {
        self.0.iter().map(|(key, count)| (*key, *count))
    }

    /// How many keys.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes in memory: a slot holds key and count, and a byte of the table beside.
    fn size(&self) -> usize {
        self.0.capacity() * (size_of::<(K, i64)>() + 1)
    }

    pub(crate) fn add(&mut self, key: K, count: i64) {
        let sum = self.0.entry(key).or_default();
        *sum += count;
        if *sum == 0 {
            self.0.remove(&key);
        }
    }

    fn merge(&mut self, other: &Self, sign: Sign) {
        other.iter().for_each(|(key, count)| self.add(key, sign.of(count)));
    }
}

impl Totals {
    /// What a node did.
    pub fn node(&self, node: NodeNo) -> Activity {
        self.nodes.get(&node.get()).copied().unwrap_or_default()
    }

    /// How many packets an observer reported, and how often.
    pub fn observer(&self, observer: ObserverNo) -> i64 {
        self.by_observer.get(observer.get())
    }

    fn add_node(&mut self, node: u32, activity: Activity, sign: Sign) {
        let sum = self.nodes.entry(node).or_default();
        sum.packets += sign.of(activity.packets);
        sum.observations += sign.of(activity.observations);
        sum.sent += sign.of(activity.sent);
        if *sum == Activity::default() {
            self.nodes.remove(&node);
        }
    }
}

/// The type of a packet as the figures count it.
pub(crate) fn payload_type(packet: &Packet) -> PayloadType {
    packet.kind.payload.unwrap_or(u8::MAX)
}

impl Partial for Traffic {
    fn apply(&mut self, packet: &Packet, _: &Digest, sign: Sign) {
        for observation in &packet.observations {
            let observer = observation.observer.map_or(0, ObserverNo::get);
            self.add((Hour::of(observation.at), observer, payload_type(packet)), sign.of(1));
        }
    }

    fn merge(&mut self, other: &Self, sign: Sign) {
        Self::merge(self, other, sign);
    }
}

impl Partial for Totals {
    fn apply(&mut self, packet: &Packet, digest: &Digest, sign: Sign) {
        let observations = packet.observations.len() as i64;
        self.packets += sign.of(1);
        self.observations += sign.of(observations);
        self.by_type.add(payload_type(packet), sign.of(1));
        for observation in &packet.observations {
            self.by_observer.add(observation.observer.map_or(0, ObserverNo::get), sign.of(1));
        }
        if let Some(channel) = packet.channel {
            self.by_channel.add(channel.get(), sign.of(1));
        }
        let passed = Activity { packets: 1, observations, sent: 0 };
        for node in digest.nodes.iter().filter(|node| packet.originator != Some(**node)) {
            self.add_node(node.get(), passed, sign);
        }
        if let Some(node) = packet.originator {
            self.add_node(node.get(), Activity { sent: 1, ..passed }, sign);
        }
    }

    fn merge(&mut self, other: &Self, sign: Sign) {
        self.packets += sign.of(other.packets);
        self.observations += sign.of(other.observations);
        self.by_type.merge(&other.by_type, sign);
        self.by_observer.merge(&other.by_observer, sign);
        self.by_channel.merge(&other.by_channel, sign);
        other.nodes.iter().for_each(|(node, activity)| self.add_node(*node, *activity, sign));
    }
}

impl Partials {
    /// Bytes in memory.
    pub(crate) fn size(&self) -> usize {
        self.traffic.size() + self.totals.size()
    }
}

impl Totals {
    /// Bytes in memory.
    pub(crate) fn size(&self) -> usize {
        let nodes = self.nodes.capacity() * (size_of::<(u32, Activity)>() + 1);
        nodes + self.by_type.size() + self.by_observer.size() + self.by_channel.size()
    }
}

impl Partial for Partials {
    fn apply(&mut self, packet: &Packet, digest: &Digest, sign: Sign) {
        self.traffic.apply(packet, digest, sign);
        self.totals.apply(packet, digest, sign);
    }

    fn merge(&mut self, other: &Self, sign: Sign) {
        self.traffic.merge(&other.traffic, sign);
        self.totals.merge(&other.totals, sign);
    }
}
