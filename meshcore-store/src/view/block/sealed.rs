//! An hour of packets that does not change any more: columns in one buffer, and indexes over them.

use std::sync::Arc;

use meshcore_proto::PacketHash;
use serde::{Deserialize, Serialize};

use super::super::column::{Dictionary, Ints, partition_point};
use super::super::digest::{Digest, Hop};
use super::super::names::{NodeNo, ObserverNo, TextNo};
use super::super::partial::{Hour, Partial, Partials, Sign};
use super::super::row::{Kind, Observation, Packet};
use super::super::row_set::RowSet;
use super::observations::{self, ObservationColumns};
use super::postings;
use super::section::{Section, SectionWriter, Sections};
use super::times::{self, Times};
use super::{Best, Buffer, Frames};
use crate::UnixMillis;

/// An hour of packets that does not change any more.
#[derive(Clone, Debug)]
pub(crate) struct Sealed {
    sections: Sections,
    len: usize,
    summary: Summary,
    frames: Option<Arc<Frames>>,
}

/// What is asked of a block before anything in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) observations: usize,
    /// Ids of its packets, first and last.
    pub(crate) ids: (i64, i64),
    /// Milliseconds: earliest and latest first reception.
    pub(crate) first_seen: (i64, i64),
    /// Milliseconds: earliest and latest `last_seen`.
    pub(crate) last_seen: (i64, i64),
    /// Observations by the hour they came in.
    pub(crate) hours: Vec<(Hour, u32)>,
    /// Messages by channel.
    pub(crate) channels: Vec<(u32, u32)>,
}

impl Sealed {
    /// Seals `packets`, which ascend by id and are normalised.
    pub(crate) fn of(packets: &[Packet]) -> Self {
        let digests: Vec<Digest> = packets.iter().map(Digest::of).collect();
        let mut out = SectionWriter::default();
        observations::write(packets, &mut out);
        write_packets(packets, &digests, &mut out);
        write_indexes(packets, &digests, &mut out);
        let mut partials = Partials::default();
        for (packet, digest) in packets.iter().zip(&digests) {
            partials.apply(packet, digest, Sign::Add);
        }
        let summary = Summary::of(packets.iter(), digests.iter(), &partials);
        // Both are of numbers only, which can always be written.
        *out.part(Section::Summary) = postcard::to_allocvec(&summary).unwrap_or_default();
        *out.part(Section::Partials) = postcard::to_allocvec(&partials).unwrap_or_default();
        let frames = packets.iter().map(|packet| packet.frame.as_deref());
        Self {
            sections: out.finish(),
            len: packets.len(),
            summary,
            frames: Some(Arc::new(Frames::of(frames))),
        }
    }

    /// From the bytes of a block and of its frames, as they were given out; `None` when they are something else.
    pub(crate) fn read(bytes: &[u8], frames: Option<Frames>) -> Option<Self> {
        let sections = Sections::read(bytes)?;
        let summary = postcard::from_bytes(&sections.get(Section::Summary)).ok()?;
        let len = sections.ints(Section::Ids).len();
        (sections.get(Section::Hashes).len() == len * 8).then(|| Self {
            sections,
            len,
            summary,
            frames: frames.map(Arc::new),
        })
    }

    /// The buffer that [`read`](Self::read) takes.
    pub(crate) const fn bytes(&self) -> &Buffer {
        self.sections.bytes()
    }

    /// The frames, while they are in memory.
    pub(crate) fn frames(&self) -> Option<&Arc<Frames>> {
        self.frames.as_ref()
    }

    /// The same without its frames.
    pub(crate) fn without_frames(&self) -> Self {
        Self { frames: None, ..self.clone() }
    }

    /// The same with what is rarely asked for in less space.
    pub(crate) fn packed(&self) -> Self {
        Self { sections: self.sections.packed(&times::fold(&self.sections)), ..self.clone() }
    }

    /// Whether it was packed.
    pub(crate) const fn is_packed(&self) -> bool {
        self.sections.is_packed()
    }

    pub(crate) const fn summary(&self) -> &Summary {
        &self.summary
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn id(&self, row: usize) -> i64 {
        self.sections.ints(Section::Ids).get(row)
    }

    /// The row of a packet by its id.
    pub(crate) fn row_of(&self, id: i64) -> Option<usize> {
        let ids = self.sections.ints(Section::Ids);
        let row = partition_point(self.len, |row| ids.get(row) < id);
        (row < self.len && ids.get(row) == id).then_some(row)
    }

    pub(crate) fn hash(&self, row: usize) -> PacketHash {
        let hashes = self.sections.get(Section::Hashes);
        let bytes = hashes.get(row * 8..).and_then(|rest| rest.first_chunk::<8>());
        PacketHash::from_bytes(bytes.copied().unwrap_or_default())
    }

    pub(crate) fn first_seen(&self, row: usize) -> UnixMillis {
        self.time(Section::FirstSeconds, Section::FirstMillis, row)
    }

    pub(crate) fn last_seen(&self, row: usize) -> UnixMillis {
        let first = UnixMillis::from_seconds(self.sections.ints(Section::FirstSeconds).get(row));
        first.plus_millis(self.time(Section::LastSeconds, Section::LastMillis, row).get())
    }

    /// All `(last_seen, id)`, by row.
    pub(crate) fn latest(&self) -> impl Iterator<Item = (UnixMillis, i64)> + '_ {
        let [first, seconds, millis, ids] =
            [Section::FirstSeconds, Section::LastSeconds, Section::LastMillis, Section::Ids]
                .map(|section| self.sections.ints(section));
        (0..self.len).map(move |row| {
            let at = UnixMillis::from_seconds(first.get(row) + seconds.get(row)).plus_millis(millis.get(row));
            (at, ids.get(row))
        })
    }

    fn time(&self, seconds: Section, millis: Section, row: usize) -> UnixMillis {
        let (seconds, millis) = (self.sections.ints(seconds).get(row), self.sections.ints(millis).get(row));
        UnixMillis::from_seconds(seconds).plus_millis(millis)
    }

    pub(crate) fn kind(&self, row: usize) -> Kind {
        let field = |section| u8::try_from(self.sections.ints(section).get(row) - 1).ok();
        Kind {
            route: field(Section::Routes),
            payload: field(Section::PayloadTypes),
            version: field(Section::Versions),
        }
    }

    fn number(&self, section: Section, row: usize) -> u32 {
        u32::try_from(self.sections.ints(section).get(row)).unwrap_or(0)
    }

    pub(crate) fn originator(&self, row: usize) -> Option<NodeNo> {
        NodeNo::new(self.number(Section::Originators, row))
    }

    pub(crate) fn channel(&self, row: usize) -> Option<TextNo> {
        TextNo::new(self.number(Section::Channels, row))
    }

    pub(crate) fn scope(&self, row: usize) -> Option<TextNo> {
        TextNo::new(self.number(Section::Scopes, row))
    }

    pub(crate) fn frame_len(&self, row: usize) -> u16 {
        u16::try_from(self.sections.ints(Section::FrameLengths).get(row)).unwrap_or(0)
    }

    pub(crate) fn payload_len(&self, row: usize) -> u16 {
        u16::try_from(self.sections.ints(Section::PayloadLengths).get(row)).unwrap_or(0)
    }

    pub(crate) fn has_own_json(&self, row: usize) -> bool {
        self.sections.ints(Section::OwnJson).get(row) != 0
    }

    pub(crate) fn observer_count(&self, row: usize) -> usize {
        self.sections.ints(Section::ObserverCounts).size(row)
    }

    pub(crate) fn observation_count(&self, row: usize) -> usize {
        self.sections.ints(Section::ObservationCounts).size(row)
    }

    pub(crate) fn best(&self, row: usize) -> Option<Best> {
        let get = |section| self.sections.ints(section).get(row);
        if self.observation_count(row) == 0 {
            return None;
        }
        let value = |values, section| Dictionary::value_in(&self.sections.get(values), get(section));
        Some(Best {
            observer: u16::try_from(get(Section::BestObservers)).ok().and_then(ObserverNo::new),
            snr: value(Section::SnrValues, Section::BestSnr),
            rssi: value(Section::RssiValues, Section::BestRssi),
            hops: usize::try_from(get(Section::BestHops)).unwrap_or(0),
        })
    }

    /// The observations of a packet, ascending by id.
    pub(crate) fn observations(&self, row: usize) -> Vec<Observation> {
        let columns = ObservationColumns::of(&self.sections);
        columns.read(&mut columns.start_of(row), self.kind(row), self.payload_len(row))
    }

    /// All packets whole.
    pub(crate) fn packets(&self) -> Vec<Packet> {
        let columns = ObservationColumns::of(&self.sections);
        let mut start = columns.start_of(0);
        let mut observations = |row| columns.read(&mut start, self.kind(row), self.payload_len(row));
        (0..self.len).map(|row| self.packet_with(row, observations(row))).collect()
    }

    fn packet_with(&self, row: usize, observations: Vec<Observation>) -> Packet {
        Packet {
            id: self.id(row),
            hash: self.hash(row),
            first_seen: self.first_seen(row),
            kind: self.kind(row),
            originator: self.originator(row),
            channel: self.channel(row),
            scope: self.scope(row),
            frame: self.frame(row).map(Into::into),
            frame_len: self.frame_len(row),
            payload_len: self.payload_len(row),
            has_own_json: self.has_own_json(row),
            observations,
        }
    }

    /// The frame of a packet, while frames are in memory.
    pub(crate) fn frame(&self, row: usize) -> Option<&[u8]> {
        self.frames.as_ref()?.get(row)
    }

    /// Calls `each` with (row, observer, time) of every observation.
    pub(crate) fn each_reception(&self, mut each: impl FnMut(usize, Option<ObserverNo>, UnixMillis)) {
        let parts = [Section::Millis, Section::Observers].map(|section| self.sections.get(section));
        let [millis, observers] = parts.each_ref().map(|bytes| Ints::read(bytes).unwrap_or_default());
        let (times, counts) = (Times::of(&self.sections), self.sections.ints(Section::ObservationCounts));
        let numbers = self.sections.ints(Section::ObserverNumbers).iter();
        let number = |number| u16::try_from(number).ok().and_then(ObserverNo::new);
        let numbers: Vec<Option<ObserverNo>> = numbers.map(number).collect();
        let mut start = 0_usize;
        for row in 0..self.len {
            let those = start..start.saturating_add(counts.size(row)).min(observers.len());
            start = those.end;
            for (index, (_, second)) in those.clone().zip(times.of_packet(row, those)) {
                let at = UnixMillis::from_seconds(second).plus_millis(millis.get(index));
                let place = observers.size(index).checked_sub(1);
                each(row, place.and_then(|place| numbers.get(place).copied().flatten()), at);
            }
        }
    }

    /// The block's figures.
    pub(crate) fn partials(&self) -> Partials {
        postcard::from_bytes(&self.sections.get(Section::Partials)).unwrap_or_default()
    }

    /// Rows whose column holds a number in `range`.
    pub(crate) fn select(&self, column: Column, range: std::ops::RangeInclusive<i64>) -> RowSet {
        self.sections.ints(column.section()).select(self.len, range)
    }

    /// Rows whose best observation has a value in `range`.
    pub(crate) fn select_best(&self, signal: BestSignal, range: std::ops::RangeInclusive<f64>) -> RowSet {
        let (values, codes) = match signal {
            BestSignal::Snr => (Section::SnrValues, Section::BestSnr),
            BestSignal::Rssi => (Section::RssiValues, Section::BestRssi),
        };
        let values = Dictionary::read(&self.sections.get(values));
        let low = values.values().partition_point(|value| value < range.start()) as i64 + 1;
        let high = values.values().partition_point(|value| value <= range.end()) as i64;
        self.sections.ints(codes).select(self.len, low..=high)
    }

    /// Rows that an observer reported.
    pub(crate) fn heard_by(&self, observer: ObserverNo) -> RowSet {
        let numbers = self.sections.ints(Section::ObserverNumbers);
        let wanted = i64::from(observer.get());
        let place = partition_point(numbers.len(), |place| numbers.get(place) < wanted);
        if place == numbers.len() || numbers.get(place) != wanted {
            return RowSet::none(self.len);
        }
        let each = self.len.div_ceil(64) * 8;
        let rows = self.sections.get(Section::ObserverRows);
        RowSet::from_bytes(self.len, rows.get(place * each..(place + 1) * each).unwrap_or_default())
    }

    /// Rows that a node sent or passed on.
    pub(crate) fn touched_by(&self, node: NodeNo) -> RowSet {
        let mut rows = RowSet::none(self.len);
        if let Some(place) = self.place_of(node) {
            self.read_postings(Section::NodeEnds, Section::NodeRows, place, &mut rows);
        }
        rows
    }

    /// Whether a node sent anything or passed it on.
    pub(crate) fn knows(&self, node: NodeNo) -> bool {
        self.place_of(node).is_some()
    }

    fn place_of(&self, node: NodeNo) -> Option<usize> {
        let nodes = self.sections.ints(Section::Nodes);
        let wanted = i64::from(node.get());
        let place = partition_point(nodes.len(), |place| nodes.get(place) < wanted);
        (place < nodes.len() && nodes.get(place) == wanted).then_some(place)
    }

    /// Rows that a node passed on of which is known only that its key begins like this.
    pub(crate) fn passed_by_stranger(&self, prefix: Hop) -> RowSet {
        let values = self.sections.ints(Section::StrangerValues);
        let widths = self.sections.ints(Section::StrangerWidths);
        let mut rows = RowSet::none(self.len);
        for place in 0..values.len() {
            let size = u8::try_from(widths.get(place)).unwrap_or(0);
            if (Hop { value: values.get(place).cast_unsigned(), size }).begins_with(prefix) {
                self.read_postings(Section::StrangerEnds, Section::StrangerRows, place, &mut rows);
            }
        }
        rows
    }

    fn read_postings(&self, ends: Section, bytes: Section, place: usize, rows: &mut RowSet) {
        let ends = self.sections.ints(ends);
        let start = place.checked_sub(1).map_or(0, |before| ends.size(before));
        let all = self.sections.get(bytes);
        postings::read(all.get(start..ends.size(place)).unwrap_or_default()).for_each(|row| rows.insert(row));
    }

    /// Bytes of each part, for those who want to know what costs what.
    pub(crate) fn sizes(&self) -> impl Iterator<Item = (String, usize)> + '_ {
        let frames = self.frames.iter().map(|frames| ("Frames".to_owned(), frames.size()));
        let parts = Section::ALL.iter().map(|section| (format!("{section:?}"), self.sections.size(*section)));
        parts.chain(frames)
    }

    /// Bytes in memory.
    pub(crate) fn size(&self) -> usize {
        let summary = self.summary.hours.len() * 8 + self.summary.channels.len() * 8;
        let frames = self.frames.as_ref().map_or(0, |frames| frames.size());
        size_of::<Self>() + self.bytes().len() + summary + frames
    }
}

/// Columns of packets that can be asked for a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    /// Route plus 1; 0 = none.
    Route,
    /// Payload type plus 1; 0 = none.
    PayloadType,
    /// Number of the text; 0 = none.
    Channel,
    /// Number of the text; 0 = none.
    Scope,
    /// Bytes.
    FrameLength,
    /// Hops of the best observation.
    Hops,
}

/// Signals of the best observation that can be asked for a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BestSignal {
    /// dB.
    Snr,
    /// dBm.
    Rssi,
}

impl Column {
    const fn section(self) -> Section {
        match self {
            Self::Route => Section::Routes,
            Self::PayloadType => Section::PayloadTypes,
            Self::Channel => Section::Channels,
            Self::Scope => Section::Scopes,
            Self::FrameLength => Section::FrameLengths,
            Self::Hops => Section::BestHops,
        }
    }
}

impl Summary {
    pub(super) fn of<'a>(
        packets: impl Iterator<Item = &'a Packet> + Clone,
        digests: impl Iterator<Item = &'a Digest>,
        partials: &Partials,
    ) -> Self {
        let mut hours = std::collections::BTreeMap::<Hour, i64>::new();
        for ((hour, _, _), count) in partials.traffic.iter() {
            *hours.entry(hour).or_default() += count;
        }
        let mut channels: Vec<_> = partials.totals.by_channel.iter().collect();
        channels.sort_unstable();
        let range = |values: &mut dyn Iterator<Item = i64>| {
            values.fold((i64::MAX, i64::MIN), |(min, max), value| (min.min(value), max.max(value)))
        };
        let count = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
        Self {
            observations: packets.clone().map(|packet| packet.observations.len()).sum(),
            ids: range(&mut packets.clone().map(|packet| packet.id)),
            first_seen: range(&mut packets.map(|packet| packet.first_seen.get())),
            last_seen: range(&mut digests.map(|digest| digest.last_seen.get())),
            hours: hours.into_iter().map(|(hour, n)| (hour, count(n))).collect(),
            channels: channels.into_iter().map(|(channel, n)| (channel, count(n))).collect(),
        }
    }
}

fn write_packets(packets: &[Packet], digests: &[Digest], out: &mut SectionWriter) {
    let hashes = packets.iter().flat_map(|packet| *packet.hash.as_bytes());
    out.part(Section::Hashes).extend(hashes);
    out.ints(Section::Ids, packets.iter().map(|p| p.id));
    out.ints(Section::FirstSeconds, packets.iter().map(|p| p.first_seen.seconds()));
    out.ints(Section::FirstMillis, packets.iter().map(|p| p.first_seen.get().rem_euclid(1000)));
    let rows = || packets.iter().zip(digests);
    out.ints(Section::LastSeconds, rows().map(|(p, d)| d.last_seen.seconds() - p.first_seen.seconds()));
    out.ints(Section::LastMillis, digests.iter().map(|d| d.last_seen.get().rem_euclid(1000)));
    let field = |field: Option<u8>| field.map_or(0, |field| i64::from(field) + 1);
    out.ints(Section::Routes, packets.iter().map(|p| field(p.kind.route)));
    out.ints(Section::PayloadTypes, packets.iter().map(|p| field(p.kind.payload)));
    out.ints(Section::Versions, packets.iter().map(|p| field(p.kind.version)));
    out.ints(Section::Originators, packets.iter().map(|p| p.originator.map_or(0, |n| i64::from(n.get()))));
    out.ints(Section::Channels, packets.iter().map(|p| p.channel.map_or(0, |n| i64::from(n.get()))));
    out.ints(Section::Scopes, packets.iter().map(|p| p.scope.map_or(0, |n| i64::from(n.get()))));
    out.ints(Section::FrameLengths, packets.iter().map(|p| i64::from(p.frame_len)));
    out.ints(Section::PayloadLengths, packets.iter().map(|p| i64::from(p.payload_len)));
    out.ints(Section::OwnJson, packets.iter().map(|p| i64::from(p.has_own_json)));
    out.ints(Section::ObserverCounts, digests.iter().map(|d| d.observer_count as i64));
    let best: Vec<Option<&Observation>> =
        rows().map(|(packet, digest)| packet.observations.get(digest.best?)).collect();
    let best = || best.iter().copied();
    out.ints(
        Section::BestObservers,
        best().map(|o| o.and_then(|o| o.observer).map_or(0, |n| i64::from(n.get()))),
    );
    out.ints(Section::BestHops, best().map(|o| o.map_or(0, |o| o.path.len() as i64)));
    let snr = Dictionary::read(out.part(Section::SnrValues));
    out.ints(Section::BestSnr, best().map(|o| snr.code(o.and_then(|o| o.snr))));
    let rssi = Dictionary::read(out.part(Section::RssiValues));
    out.ints(Section::BestRssi, best().map(|o| rssi.code(o.and_then(|o| o.rssi))));
}

fn write_indexes(packets: &[Packet], digests: &[Digest], out: &mut SectionWriter) {
    let numbers = Ints::read(out.part(Section::ObserverNumbers)).unwrap_or_default();
    let numbers: Vec<i64> = numbers.iter().collect();
    let mut heard = vec![RowSet::none(packets.len()); numbers.len()];
    for (row, digest) in digests.iter().enumerate() {
        for observer in &digest.observers {
            let place = numbers.binary_search(&i64::from(observer.get()));
            if let Some(rows) = place.ok().and_then(|place| heard.get_mut(place)) {
                rows.insert(row);
            }
        }
    }
    heard.iter().for_each(|rows| out.part(Section::ObserverRows).extend(rows.bytes()));

    let mut nodes = std::collections::BTreeMap::<NodeNo, Vec<usize>>::new();
    let mut strangers = std::collections::BTreeMap::<Hop, Vec<usize>>::new();
    for (row, digest) in digests.iter().enumerate() {
        let sender = packets.get(row).and_then(|packet| packet.originator);
        let sender = sender.filter(|node| digest.nodes.binary_search(node).is_err());
        digest.nodes.iter().copied().chain(sender).for_each(|node| nodes.entry(node).or_default().push(row));
        digest.strangers.iter().for_each(|hop| strangers.entry(*hop).or_default().push(row));
    }
    out.ints(Section::Nodes, nodes.keys().map(|node| i64::from(node.get())));
    write_postings(nodes.values(), Section::NodeEnds, Section::NodeRows, out);
    out.ints(Section::StrangerValues, strangers.keys().map(|hop| hop.value.cast_signed()));
    out.ints(Section::StrangerWidths, strangers.keys().map(|hop| i64::from(hop.size)));
    write_postings(strangers.values(), Section::StrangerEnds, Section::StrangerRows, out);
}

/// Lists of ascending rows, and where they end.
fn write_postings<'a>(
    lists: impl Iterator<Item = &'a Vec<usize>>,
    ends: Section,
    bytes: Section,
    out: &mut SectionWriter,
) {
    let mut places = Vec::new();
    for list in lists {
        let part = out.part(bytes);
        postings::write(list, part);
        places.push(part.len() as i64);
    }
    out.ints(ends, places);
}
