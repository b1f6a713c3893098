//! Questions: which packets, in which order, which page of them.

use std::ops::Range;
use std::sync::Arc;

use meshcore_proto::PacketHash;

use super::block::{Block, Column};
use super::digest::Hop;
use super::names::{Names, NodeNo, ObserverNo, TextNo};
use super::partial::Totals;
use super::row::Observation;
use super::row_set::RowSet;
use super::snapshot::{Coverage, Entry, PacketRef, Snapshot};
use super::subject::Backing;
use crate::UnixMillis;
use crate::filter::Filter;

/// Which packets. Every part that is given must hold; the default lets all through.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    /// Payload type.
    pub payload_type: Option<u8>,
    /// Route type.
    pub route: Option<u8>,
    /// This content hash.
    pub hash: Option<PacketHash>,
    /// Grouping key of a channel; one that no packet has lets none through.
    pub channel: Option<Known<TextNo>>,
    /// Heard by one of these.
    pub observers: Option<Vec<ObserverNo>>,
    /// Heard by one of these as well: the observers of a region.
    pub region: Option<Vec<ObserverNo>>,
    /// Sent or passed on by one of these.
    pub nodes: Option<Vec<NodeNo>>,
    /// Passed on by a node whose key begins with these bytes, at most 8.
    pub hop: Option<Vec<u8>>,
    /// Sent by one of these: the nodes of an area.
    pub origin: Option<Vec<NodeNo>>,
    /// Has an observation at or after.
    pub since: Option<UnixMillis>,
    /// First heard at or before.
    pub until: Option<UnixMillis>,
    /// A filter expression as well.
    pub filter: Option<Arc<Filter>>,
}

/// Something asked for by name, which may have no number because no packet has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known<T> {
    /// Its number.
    As(T),
    /// Nothing has it.
    Nowhere,
}

impl<T> From<Option<T>> for Known<T> {
    fn from(number: Option<T>) -> Self {
        number.map_or(Self::Nowhere, Self::As)
    }
}

/// In which order. Ties are broken by id, the newest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Stored last, first.
    #[default]
    Newest,
    /// Stored first, first.
    Oldest,
    /// The newest observation first.
    LatestHeard,
}

/// One page of packets.
#[derive(Clone, Debug)]
pub struct Page<'a> {
    /// The packets of the page.
    pub packets: Vec<PacketRef<'a>>,
    /// Which part of the history was asked.
    pub coverage: Coverage,
}

/// Where a packet stands in an order: greater comes first.
type Rank = (i64, i64);

impl Order {
    fn rank(self, id: i64, last_seen: UnixMillis) -> Rank {
        match self {
            Self::Newest => (id, 0),
            Self::Oldest => (id.saturating_neg(), 0),
            Self::LatestHeard => (last_seen.get(), id),
        }
    }

    /// Ranks of a block's packets lie in this range, both ends included.
    fn span(self, entry: &Entry) -> (Rank, Rank) {
        let summary = &entry.summary;
        match self {
            Self::Newest => ((summary.ids.0, 0), (summary.ids.1, 0)),
            Self::Oldest => ((summary.ids.1.saturating_neg(), 0), (summary.ids.0.saturating_neg(), 0)),
            Self::LatestHeard => ((summary.last_seen.0, i64::MIN), (summary.last_seen.1, i64::MAX)),
        }
    }
}

impl Snapshot {
    /// The packets that `selection` lets through, in `order`, those at the places `page`.
    ///
    /// What a filter asks of a payload is in `backing`; without it that is missing.
    pub fn packets(&self, selection: &Selection, order: Order, page: Range<usize>) -> Page<'_> {
        self.packets_with(selection, order, page, None)
    }

    /// The same, with what is not in memory.
    pub fn packets_with(
        &self,
        selection: &Selection,
        order: Order,
        page: Range<usize>,
        backing: Option<&dyn Backing>,
    ) -> Page<'_> {
        let at_most = selection.at_most(&self.totals);
        let packets = self.page(order, page, at_most, |entry| self.rows(entry, selection, backing));
        Page { packets, coverage: self.coverage }
    }

    /// How many packets `selection` lets through.
    pub fn count(&self, selection: &Selection) -> usize {
        self.count_with(selection, None)
    }

    /// The same, with what is not in memory.
    pub fn count_with(&self, selection: &Selection, backing: Option<&dyn Backing>) -> usize {
        if *selection == Selection::default() && !self.people.hides_somebody() {
            return usize::try_from(self.totals.packets).unwrap_or(0);
        }
        self.entries.iter().map(|entry| self.rows(entry, selection, backing).count()).sum()
    }

    /// The rows of a block that `selection` lets through and that may be shown.
    pub(super) fn rows(&self, entry: &Entry, selection: &Selection, backing: Option<&dyn Backing>) -> RowSet {
        let (block, len) = (&entry.block, entry.block.len());
        if !selection.may_match(entry) {
            return RowSet::none(len);
        }
        let mut rows = RowSet::all(len);
        selection.narrow(entry, &self.names, &mut rows);
        if self.people.hides_somebody() {
            rows.retain(|row| !block.originator(row).is_some_and(|node| self.people.hides(node)));
        }
        if let Some(filter) = &selection.filter {
            self.filter(block, filter.expr(), &mut rows, backing);
        }
        rows
    }

    /// Walks over blocks in the order of their best packet. Packets that no later block can outrank are settled: those
    /// before the page are only counted, those on it are sorted. When as many were seen as there are at most, no block
    /// is asked any more.
    pub(super) fn page<'a>(
        &'a self,
        order: Order,
        page: Range<usize>,
        at_most: usize,
        rows: impl Fn(&'a Entry) -> RowSet,
    ) -> Vec<PacketRef<'a>> {
        let (mut skip, limit) = (page.start, page.len());
        let mut seen = 0;
        let mut found = Vec::new();
        let mut waiting: Vec<(Rank, PacketRef<'a>)> = Vec::new();
        let mut entries: Vec<(Rank, Rank, &Entry)> = self
            .entries
            .iter()
            .map(|entry| {
                let (low, high) = order.span(entry);
                (low, high, entry)
            })
            .collect();
        entries.sort_unstable_by_key(|(_, high, _)| std::cmp::Reverse(*high));
        for (place, (low, _, entry)) in entries.iter().enumerate() {
            if found.len() == limit {
                break;
            }
            let rows = rows(entry);
            let count = rows.count();
            seen += count;
            let next = entries.get(place + 1).filter(|_| seen < at_most).map(|(_, high, _)| *high);
            let outranks_all = next.is_none_or(|next| *low > next);
            if let Some(next) = next
                && waiting.len() + count <= skip
            {
                // All of this lies before the page: what is settled is counted and not kept.
                let settled = partition(&mut waiting, |(rank, _)| *rank > next);
                waiting.drain(..settled);
                skip -= settled;
                if outranks_all {
                    skip -= count;
                    continue;
                }
                rank_rows(&entry.block, order, &rows, |rank, row| {
                    if rank > next {
                        skip -= 1;
                    } else {
                        waiting.push((rank, self.at(&entry.block, row)));
                    }
                });
                continue;
            }
            rank_rows(&entry.block, order, &rows, |rank, row| {
                waiting.push((rank, self.at(&entry.block, row)))
            });
            let settled = match next {
                Some(next) => partition(&mut waiting, |(rank, _)| *rank > next),
                None => waiting.len(),
            };
            if settled <= skip && next.is_some() {
                skip -= settled;
                waiting.drain(..settled);
                continue;
            }
            let wanted = (skip + limit - found.len()).min(settled);
            let first = waiting.get_mut(..settled).unwrap_or_default();
            let by_rank = |a: &(Rank, PacketRef<'_>), b: &(Rank, PacketRef<'_>)| b.0.cmp(&a.0);
            if wanted < settled {
                first.select_nth_unstable_by(wanted, by_rank);
            }
            let first = first.get_mut(..wanted).unwrap_or_default();
            first.sort_unstable_by(by_rank);
            found.extend(first.iter().skip(skip).map(|(_, packet)| *packet));
            if next.is_none() {
                break;
            }
            skip = 0;
            waiting.drain(..settled);
        }
        found
    }
}

/// Calls `each` with rank and row.
fn rank_rows(block: &Block, order: Order, rows: &RowSet, mut each: impl FnMut(Rank, usize)) {
    if order == Order::LatestHeard {
        let latest = block.latest();
        for row in rows.iter() {
            if let Some((last_seen, id)) = latest.get(row) {
                each(order.rank(*id, *last_seen), row);
            }
        }
    } else {
        rows.iter().for_each(|row| each(order.rank(block.id(row), UnixMillis::default()), row));
    }
}

/// Moves what `comes_first` to the front; gives their number.
fn partition<T>(items: &mut [T], comes_first: impl Fn(&T) -> bool) -> usize {
    let mut first = 0;
    for place in 0..items.len() {
        if comes_first(&items[place]) {
            items.swap(first, place);
            first += 1;
        }
    }
    first
}

impl Selection {
    /// No more packets can match, as far as the figures say.
    fn at_most(&self, totals: &Totals) -> usize {
        let mut most = totals.packets;
        if let Some(nodes) = &self.nodes {
            most = most.min(nodes.iter().map(|node| totals.node(*node).packets).sum());
        }
        if let Some(Known::As(channel)) = self.channel {
            most = most.min(totals.by_channel.get(channel.get()));
        }
        if let Some(payload_type) = self.payload_type {
            most = most.min(totals.by_type.get(payload_type));
        }
        usize::try_from(most).unwrap_or(0)
    }

    /// Whether any packet of a block can match, as far as its summary says.
    fn may_match(&self, entry: &Entry) -> bool {
        let summary = &entry.summary;
        let channel = match self.channel {
            None => true,
            Some(Known::Nowhere) => false,
            Some(Known::As(text)) => {
                summary.channels.binary_search_by_key(&text.get(), |(channel, _)| *channel).is_ok()
            }
        };
        channel
            && self.since.is_none_or(|since| summary.last_seen.1 >= since.get())
            && self.until.is_none_or(|until| summary.first_seen.0 <= until.get())
            && self.nodes.as_ref().is_none_or(|nodes| nodes.iter().any(|node| entry.block.may_know(*node)))
    }

    /// Takes out the rows that do not match.
    fn narrow(&self, entry: &Entry, names: &Names, rows: &mut RowSet) {
        let (block, summary) = (&entry.block, &entry.summary);
        let mut equal = |column, value: i64| rows.and(&block.select(column, value..=value));
        if let Some(payload_type) = self.payload_type {
            equal(Column::PayloadType, i64::from(payload_type) + 1);
        }
        if let Some(route) = self.route {
            equal(Column::Route, i64::from(route) + 1);
        }
        if let Some(Known::As(channel)) = self.channel {
            equal(Column::Channel, i64::from(channel.get()));
            equal(Column::PayloadType, CHANNEL_TEXT + 1);
        }
        for observers in [&self.observers, &self.region].into_iter().flatten() {
            rows.and(&any(block, observers, |observer| block.heard_by(observer)));
        }
        if let Some(nodes) = &self.nodes {
            rows.and(&any(block, nodes, |node| block.touched_by(node)));
        }
        if let Some(prefix) = &self.hop {
            rows.and(&passed_by(block, names, prefix));
        }
        if let Some(nodes) = &self.origin {
            rows.retain(|row| block.originator(row).is_some_and(|node| nodes.contains(&node)));
        }
        if let Some(since) = self.since.filter(|since| summary.last_seen.0 < since.get()) {
            rows.retain(|row| block.last_seen(row) >= since);
        }
        if let Some(until) = self.until.filter(|until| summary.first_seen.1 > until.get()) {
            rows.retain(|row| block.first_seen(row) <= until);
        }
        if let Some(hash) = self.hash {
            rows.retain(|row| block.hash(row) == hash);
        }
    }
}

/// GRP_TXT.
const CHANNEL_TEXT: i64 = 5;

/// Rows with a hop whose node has a key that begins so, or of which only such bytes are known.
fn passed_by(block: &Block, names: &Names, prefix: &[u8]) -> RowSet {
    let mut all = block.passed_by_stranger(Hop::new(prefix));
    let nodes = (1..).map_while(NodeNo::new).zip(names.node_keys());
    for (node, _) in nodes.filter(|(_, key)| key.as_bytes().starts_with(prefix)) {
        let mut rows = block.touched_by(node);
        // What it sent itself it need not have passed on.
        rows.retain(|row| {
            let is_hop = |o: &Observation| o.resolved.contains(&Some(node));
            block.originator(row) != Some(node) || block.observations(row).iter().any(is_hop)
        });
        all.or(&rows);
    }
    all
}

/// Rows that any of these gives.
fn any<T: Copy>(block: &Block, of: &[T], rows: impl Fn(T) -> RowSet) -> RowSet {
    let mut all = RowSet::none(block.len());
    of.iter().for_each(|one| all.or(&rows(*one)));
    all
}
