//! What all packets together say: how many, from whom, in which hours, in which channels.
//!
//! Hours that lie within a window are added up from what each block knows of itself; only the hours at its edges are
//! looked through.

use std::ops::Range;

use super::arrivals::Arrivals;
use super::names::{NodeNo, ObserverNo, TextNo};
use super::partial::{Activity, Counts, Hour, PayloadType, Traffic};
use super::query::{Known, Order, Selection};
use super::snapshot::{Entry, PacketRef, Snapshot};
use crate::UnixMillis;

const HOUR: i64 = 3_600_000;

/// How much is in memory, and how much came lately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Packets.
    pub packets: i64,
    /// Observations.
    pub observations: i64,
    /// Observations of the last 60 minutes.
    pub last_hour: i64,
    /// Observations of the last 24 hours.
    pub last_day: i64,
}

/// A channel and the message heard last in it.
#[derive(Clone, Copy, Debug)]
pub struct Channel<'a> {
    /// Its name.
    pub name: TextNo,
    /// Messages.
    pub messages: i64,
    /// The message that was heard last.
    pub last: PacketRef<'a>,
}

/// How the hours of a block lie to a window.
enum Overlap {
    Within,
    Edge,
    Outside,
}

fn overlap(hour: Hour, window: &Range<UnixMillis>) -> Overlap {
    let (start, end) = (hour.start(), hour.start().plus_millis(HOUR));
    if start >= window.start && end <= window.end {
        Overlap::Within
    } else if end <= window.start || start >= window.end {
        Overlap::Outside
    } else {
        Overlap::Edge
    }
}

/// The part of a window that lies in an hour.
fn cut(hour: Hour, window: &Range<UnixMillis>) -> Range<UnixMillis> {
    window.start.max(hour.start())..window.end.min(hour.start().plus_millis(HOUR))
}

impl Entry {
    fn arrivals(&self) -> &Arrivals {
        self.arrivals.get_or_init(|| Arrivals::of(&self.block))
    }
}

impl Snapshot {
    /// How much there is, and how much came in the hour and the day before `now`.
    pub fn stats(&self, now: UnixMillis) -> Stats {
        let after = |millis| now.plus_millis(1 - millis)..UnixMillis::new(i64::MAX);
        Stats {
            packets: self.totals.packets,
            observations: self.totals.observations,
            last_hour: self.observations_in(after(HOUR)),
            last_day: self.observations_in(after(24 * HOUR)),
        }
    }

    /// How many observations came in a window.
    pub fn observations_in(&self, window: Range<UnixMillis>) -> i64 {
        let mut count = 0;
        for entry in &self.entries {
            for (hour, observations) in &entry.summary.hours {
                count += match overlap(*hour, &window) {
                    Overlap::Within => i64::from(*observations),
                    Overlap::Edge => entry.arrivals().count(&cut(*hour, &window)) as i64,
                    Overlap::Outside => 0,
                };
            }
        }
        count
    }

    /// Observations in a window by hour, observer and payload type.
    pub fn traffic(&self, window: Range<UnixMillis>) -> Traffic {
        let mut traffic = Traffic::default();
        for entry in &self.entries {
            let hours = &entry.summary.hours;
            if hours.iter().all(|(hour, _)| matches!(overlap(*hour, &window), Overlap::Outside)) {
                continue;
            }
            for (key, count) in entry.block.partials().traffic.iter() {
                if matches!(overlap(key.0, &window), Overlap::Within) {
                    traffic.add(key, count);
                }
            }
            each_at_the_edge(entry, &window, |row, observer, at| {
                let payload: PayloadType = entry.block.kind(row).payload.unwrap_or(u8::MAX);
                traffic.add((Hour::of(at), observer.map_or(0, ObserverNo::get), payload), 1);
            });
        }
        traffic
    }

    /// Observations in a window by observer; 0 = unknown.
    pub fn observers_in(&self, window: Range<UnixMillis>) -> Counts<u16> {
        let mut counts = Counts::default();
        for entry in &self.entries {
            let mut has_whole_hours = false;
            for (hour, _) in &entry.summary.hours {
                match overlap(*hour, &window) {
                    Overlap::Within => has_whole_hours = true,
                    Overlap::Edge => {
                        let window = cut(*hour, &window);
                        let observers = entry.arrivals().observers(&window);
                        observers.for_each(|observer| counts.add(observer, 1));
                    }
                    Overlap::Outside => {}
                }
            }
            if has_whole_hours {
                for ((hour, observer, _), count) in entry.block.partials().traffic.iter() {
                    if matches!(overlap(hour, &window), Overlap::Within) {
                        counts.add(observer, count);
                    }
                }
            }
        }
        counts
    }

    /// What a node did, over everything in memory.
    pub fn node_activity(&self, node: NodeNo) -> Activity {
        if self.people.hides(node) { Activity::default() } else { self.totals.node(node) }
    }

    /// How many packets of a node were first heard in each hour since a time; hours without any are left out.
    pub fn node_hours(&self, node: NodeNo, since: UnixMillis) -> Vec<(Hour, usize)> {
        let mut hours: Vec<(Hour, usize)> = Vec::new();
        if self.people.hides(node) {
            return hours;
        }
        let selection = Selection { nodes: Some(vec![node]), ..Selection::default() };
        let first = Hour::of(since);
        for entry in self.entries.iter().filter(|entry| entry.key.hour >= first) {
            let mut rows = self.rows(entry, &selection, None);
            if entry.key.hour == first {
                rows.retain(|row| entry.block.first_seen(row) >= since);
            }
            match (rows.count(), hours.last_mut()) {
                (0, _) => {}
                (count, Some((hour, sum))) if *hour == entry.key.hour => *sum += count,
                (count, _) => hours.push((entry.key.hour, count)),
            }
        }
        hours
    }

    /// All channels with messages that `selection` lets through, the one heard last first.
    pub fn channels(&self, selection: &Selection) -> Vec<Channel<'_>> {
        let is_everything = *selection == Selection::default();
        let names = self.totals.by_channel.iter().filter_map(|(number, _)| TextNo::new(number));
        let mut channels: Vec<Channel<'_>> = names
            .filter_map(|name| {
                let selection = Selection { channel: Some(Known::As(name)), ..selection.clone() };
                let last = self.packets(&selection, Order::LatestHeard, 0..1).packets.pop()?;
                let messages = if is_everything {
                    self.totals.by_channel.get(name.get())
                } else {
                    i64::try_from(self.count(&selection)).unwrap_or(i64::MAX)
                };
                Some(Channel { name, messages, last })
            })
            .collect();
        channels.sort_by_key(|channel| std::cmp::Reverse((channel.last.last_seen(), channel.last.id())));
        channels
    }
}

/// Calls `each` with the receptions of a block that lie in the window, in hours that do not lie within it whole.
fn each_at_the_edge(
    entry: &Entry,
    window: &Range<UnixMillis>,
    mut each: impl FnMut(usize, Option<ObserverNo>, UnixMillis),
) {
    let is_edge = |hour: Hour| matches!(overlap(hour, window), Overlap::Edge);
    if entry.summary.hours.iter().any(|(hour, _)| is_edge(*hour)) {
        entry.block.each_reception(|row, observer, at| {
            if window.contains(&at) && is_edge(Hour::of(at)) {
                each(row, observer, at);
            }
        });
    }
}
