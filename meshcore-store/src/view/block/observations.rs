//! Observations in columns. Those of one packet are sorted by path, so that each says only how its path differs from the
//! one before.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::HashMap;

use foldhash::fast::RandomState;
use smallvec::SmallVec;

use super::super::column::{Dictionary, Ints, take_varint, write_varint};
use super::super::digest::Hop;
use super::super::names::{NodeNo, ObserverNo};
use super::super::row::{HopPath, Kind, Observation, Packet};
use super::section::{Section, SectionWriter, Sections};
use super::signal::Score;
use crate::{Direction, UnixMillis};

/// How the resolved path of an observation is written, in bits 3 and 4 of its flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Resolution {
    /// No hop is known.
    Unknown,
    /// Shared hops were who they were before; the others are coded.
    Follows,
    /// All hops are coded.
    Whole,
}

/// Which nodes each hop was in this block, ascending by hop, the most frequent node first; 0 = unknown.
#[derive(Debug, Default)]
struct Candidates {
    places: HashMap<Hop, usize, RandomState>,
    nodes: Vec<(Hop, Nodes)>,
}

/// Nodes and how often.
type Nodes = SmallVec<[(u32, u32); 4]>;

impl Candidates {
    fn of(packets: &[Packet]) -> Self {
        let mut counts: HashMap<Hop, Nodes, RandomState> = HashMap::default();
        for observation in packets.iter().flat_map(|packet| &packet.observations) {
            for (hop, node) in observation.path.iter().zip(&observation.resolved) {
                let node = node.map_or(0, NodeNo::get);
                let nodes = counts.entry(Hop::new(hop)).or_default();
                match nodes.iter_mut().find(|(known, _)| *known == node) {
                    Some((_, count)) => *count += 1,
                    None => nodes.push((node, 1)),
                }
            }
        }
        let mut nodes: Vec<(Hop, Nodes)> = counts.into_iter().collect();
        nodes.sort_unstable_by_key(|(hop, _)| *hop);
        nodes
            .iter_mut()
            .for_each(|(_, nodes)| nodes.sort_unstable_by_key(|(node, count)| (Reverse(*count), *node)));
        Self { places: nodes.iter().map(|(hop, _)| *hop).zip(0..).collect(), nodes }
    }

    fn code(&self, hop: Hop, node: Option<NodeNo>) -> u64 {
        let node = node.map_or(0, NodeNo::get);
        let nodes = self.places.get(&hop).and_then(|place| self.nodes.get(*place));
        let code = nodes.and_then(|(_, nodes)| nodes.iter().position(|(known, _)| *known == node));
        code.unwrap_or(0) as u64
    }

    fn write(&self, out: &mut SectionWriter) {
        out.ints(Section::HopValues, self.nodes.iter().map(|(hop, _)| hop.value.cast_signed()));
        out.ints(Section::HopWidths, self.nodes.iter().map(|(hop, _)| i64::from(hop.size)));
        let mut end = 0;
        let ends = self.nodes.iter().map(|(_, nodes)| {
            end += nodes.len() as i64;
            end
        });
        out.ints(Section::CandidateEnds, ends.collect::<Vec<_>>());
        let nodes = self.nodes.iter().flat_map(|(_, nodes)| nodes).map(|(node, _)| i64::from(*node));
        out.ints(Section::Candidates, nodes);
    }
}

/// Writes the observations of all packets, and per packet the places of its observations in the order they are written.
pub(super) fn write(packets: &[Packet], out: &mut SectionWriter) -> Vec<Vec<usize>> {
    let all = || packets.iter().flat_map(|packet| &packet.observations);
    let mut numbers: Vec<u16> = all().filter_map(|o| o.observer).map(ObserverNo::get).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let values = |of: fn(&Observation) -> Option<f64>| Dictionary::of(all().filter_map(of));
    let (snr, rssi) = (values(|o| o.snr), values(|o| o.rssi));
    let scores = packets.iter().flat_map(|packet| packet.observations.iter().map(|o| score(packet, o)));
    let other_scores = Dictionary::of(scores.filter_map(Score::other));
    let candidates = Candidates::of(packets);

    let mut orders = Vec::with_capacity(packets.len());
    let (mut starts, mut path_starts, mut code_starts) = (vec![0], Vec::new(), Vec::new());
    let mut columns: [Vec<i64>; 10] = Default::default();
    let (mut id_gaps, mut second_gaps) = (Vec::new(), Vec::new());
    let (mut path_bytes, mut codes) = (Vec::new(), Vec::new());
    for packet in packets {
        let mut order: Vec<usize> = (0..packet.observations.len()).collect();
        order.sort_by_key(|place| packet.observations.get(*place).map(|o| (o.path.size(), o.path.bytes())));
        let gaps = packet.observations.windows(2).filter_map(|pair| Some((pair.first()?, pair.get(1)?)));
        let gaps =
            gaps.map(|(before, next)| (next.id - before.id - 1, next.at.seconds() - before.at.seconds()));
        let first = packet.observations.first().map(|o| (0, o.at.seconds() - packet.first_seen.seconds()));
        for (id_gap, second_gap) in first.into_iter().chain(gaps) {
            id_gaps.push(id_gap);
            second_gaps.push(second_gap);
        }
        path_starts.push(path_bytes.len() as i64);
        code_starts.push(codes.len() as i64);
        let mut before: Option<&Observation> = None;
        for (place, observation) in
            order.iter().filter_map(|place| Some((*place, packet.observations.get(*place)?)))
        {
            let path = &observation.path;
            let shared = before.map_or(0, |before| shared_hops(&before.path, path));
            let resolution = match before {
                _ if observation.resolved.is_empty() => Resolution::Unknown,
                Some(before) if before.resolved.get(..shared) == observation.resolved.get(..shared) => {
                    Resolution::Follows
                }
                _ => Resolution::Whole,
            };
            let coded = match resolution {
                Resolution::Unknown => path.len(),
                Resolution::Follows => shared,
                Resolution::Whole => 0,
            };
            for (hop, node) in path.iter().zip(&observation.resolved).skip(coded) {
                write_varint(&mut codes, candidates.code(Hop::new(hop), *node));
            }
            path_bytes.extend_from_slice(&path.bytes()[shared * path.size()..]);
            let observer = observation.observer.and_then(|o| numbers.binary_search(&o.get()).ok());
            let row = [
                place as i64,
                observation.at.get().rem_euclid(1000),
                observer.map_or(0, |place| place as i64 + 1),
                flags(observation, resolution),
                snr.code(observation.snr),
                rssi.code(observation.rssi),
                score(packet, observation).code(&other_scores),
                path.size() as i64,
                shared as i64,
                (path.len() - shared) as i64,
            ];
            for (column, value) in columns.iter_mut().zip(row) {
                column.push(value);
            }
            before = Some(observation);
        }
        starts.push(columns[0].len() as i64);
        orders.push(order);
    }

    const COLUMNS: [Section; 10] = [
        Section::Places,
        Section::Millis,
        Section::Observers,
        Section::Flags,
        Section::Snr,
        Section::Rssi,
        Section::Scores,
        Section::HopSizes,
        Section::SharedHops,
        Section::OwnHops,
    ];
    for (section, column) in COLUMNS.into_iter().zip(columns) {
        out.ints(section, column);
    }
    out.ints(Section::IdGaps, id_gaps);
    out.ints(Section::SecondGaps, second_gaps);
    out.ints(Section::ObservationStarts, starts);
    out.ints(Section::PathStarts, path_starts);
    out.ints(Section::CodeStarts, code_starts);
    out.ints(Section::ObserverNumbers, numbers.iter().map(|number| i64::from(*number)));
    *out.part(Section::PathBytes) = path_bytes;
    *out.part(Section::ResolvedCodes) = codes;
    snr.write(out.part(Section::SnrValues));
    rssi.write(out.part(Section::RssiValues));
    other_scores.write(out.part(Section::ScoreValues));
    candidates.write(out);
    orders
}

fn score(packet: &Packet, observation: &Observation) -> Score {
    let len = packet.kind.frame_len(&observation.path, packet.payload_len);
    Score::of(observation.score, observation.snr, len)
}

fn shared_hops(before: &HopPath, path: &HopPath) -> usize {
    if before.size() == path.size() {
        before.iter().zip(path.iter()).take_while(|(a, b)| a == b).count()
    } else {
        0
    }
}

fn flags(observation: &Observation, resolution: Resolution) -> i64 {
    let direction = match observation.direction {
        None => 0,
        Some(Direction::Rx) => 1,
        Some(Direction::Tx) => 2,
    };
    direction | i64::from(observation.has_own_frame) << 2 | (resolution as i64) << 3
}

/// The columns of a block's observations, unfolded.
#[derive(Debug)]
pub(super) struct ObservationColumns<'a> {
    sections: &'a Sections,
    cold: [Cow<'a, [u8]>; 18],
    observers: Ints<'a>,
    snr: Dictionary,
    rssi: Dictionary,
    scores: Dictionary,
}

/// The cold sections that make an observation, in the order of `ObservationColumns::cold`.
const COLD: [Section; 18] = [
    Section::Places,
    Section::IdGaps,
    Section::SecondGaps,
    Section::Millis,
    Section::Observers,
    Section::Flags,
    Section::Snr,
    Section::Rssi,
    Section::Scores,
    Section::HopSizes,
    Section::SharedHops,
    Section::OwnHops,
    Section::PathBytes,
    Section::ResolvedCodes,
    Section::HopValues,
    Section::HopWidths,
    Section::CandidateEnds,
    Section::Candidates,
];

impl<'a> ObservationColumns<'a> {
    pub(super) fn of(sections: &'a Sections) -> Self {
        Self {
            sections,
            cold: COLD.map(|section| sections.get(section)),
            observers: sections.ints(Section::ObserverNumbers),
            snr: Dictionary::read(&sections.get(Section::SnrValues)),
            rssi: Dictionary::read(&sections.get(Section::RssiValues)),
            scores: Dictionary::read(&sections.get(Section::ScoreValues)),
        }
    }

    /// The observations of packet `row`, in the order they are written: by path. Header and length of its payload help.
    pub(super) fn by_path(&self, row: usize, kind: Kind, payload_len: u16) -> Vec<Observation> {
        let [places, id_gaps, second_gaps, millis, observers, flags, snr, rssi, scores, sizes, shared, own] =
            std::array::from_fn(|column| Ints::read(&self.cold[column]).unwrap_or_default());
        let [path_bytes, codes] = [&self.cold[12][..], &self.cold[13][..]];
        let starts = self.sections.ints(Section::ObservationStarts);
        let by_id = ids_and_seconds(self.sections, row, id_gaps, second_gaps);
        let at = self.sections.ints(Section::PathStarts).size(row);
        let mut path_bytes = path_bytes.get(at..).unwrap_or_default();
        let at = self.sections.ints(Section::CodeStarts).size(row);
        let mut codes = codes.get(at..).unwrap_or_default();
        let hops =
            HopTable::of([14, 15, 16, 17].map(|part| Ints::read(&self.cold[part]).unwrap_or_default()));

        let mut bytes: SmallVec<[u8; 64]> = SmallVec::new();
        let mut resolved: SmallVec<[Option<NodeNo>; 8]> = SmallVec::new();
        let mut observations =
            Vec::with_capacity(starts.size(row + 1).saturating_sub(starts.size(row)).min(4096));
        for index in span(starts, row, places.len()) {
            let (size, shared, own) = (sizes.size(index), shared.size(index), own.size(index));
            bytes.truncate(shared * size);
            let (new, rest) = path_bytes.split_at_checked(own * size).unwrap_or((path_bytes, &[]));
            path_bytes = rest;
            bytes.extend_from_slice(new);
            let flags = flags.get(index);
            let keep = match flags >> 3 {
                0 => {
                    resolved.clear();
                    None
                }
                1 => Some(shared),
                _ => Some(0),
            };
            if let Some(keep) = keep {
                resolved.truncate(keep);
                for hop in bytes.chunks_exact(size.max(1)).skip(resolved.len()) {
                    resolved.push(hops.node(Hop::new(hop), take_varint(&mut codes)));
                }
            }
            let (id, second) = by_id.get(places.size(index)).copied().unwrap_or_default();
            let observer = observers.size(index).checked_sub(1).map(|place| self.observers.get(place));
            let path =
                u8::try_from(size).ok().and_then(|size| HopPath::new(size, &bytes)).unwrap_or_default();
            let snr = self.snr.value(snr.get(index));
            let frame_len = kind.frame_len(&path, payload_len);
            observations.push(Observation {
                id,
                observer: observer.and_then(|number| u16::try_from(number).ok()).and_then(ObserverNo::new),
                direction: match flags & 3 {
                    1 => Some(Direction::Rx),
                    2 => Some(Direction::Tx),
                    _ => None,
                },
                snr,
                rssi: self.rssi.value(rssi.get(index)),
                score: Score::read(scores.get(index), snr, frame_len, &self.scores),
                path,
                resolved: resolved.clone(),
                at: UnixMillis::from_seconds(second).plus_millis(millis.get(index)),
                has_own_frame: flags & 4 != 0,
            });
        }
        observations
    }
}

/// Which of `all` observations are those of a packet.
pub(super) fn span(starts: Ints<'_>, row: usize, all: usize) -> std::ops::Range<usize> {
    starts.size(row).min(all)..starts.size(row + 1).min(all)
}

/// Ids and seconds of a packet's observations, in the order of the ids.
pub(super) fn ids_and_seconds(
    sections: &Sections,
    row: usize,
    id_gaps: Ints<'_>,
    second_gaps: Ints<'_>,
) -> SmallVec<[(i64, i64); 32]> {
    let starts = sections.ints(Section::ObservationStarts);
    let mut id = sections.ints(Section::ObservationIds).get(row).wrapping_sub(1);
    let mut second = sections.ints(Section::FirstSeconds).get(row);
    let gaps =
        (starts.size(row)..starts.size(row + 1)).map(|index| (id_gaps.get(index), second_gaps.get(index)));
    gaps.map(|(id_gap, second_gap)| {
        id = id.wrapping_add(id_gap).wrapping_add(1);
        second = second.wrapping_add(second_gap);
        (id, second)
    })
    .collect()
}

/// Which nodes a hop was.
struct HopTable<'a> {
    values: Ints<'a>,
    widths: Ints<'a>,
    ends: Ints<'a>,
    candidates: Ints<'a>,
}

impl<'a> HopTable<'a> {
    const fn of([values, widths, ends, candidates]: [Ints<'a>; 4]) -> Self {
        Self { values, widths, ends, candidates }
    }

    fn node(&self, hop: Hop, code: u64) -> Option<NodeNo> {
        let key = |place| (self.widths.get(place), self.values.get(place).cast_unsigned());
        let place = partition_point(self.values.len(), |place| key(place) < (i64::from(hop.size), hop.value));
        let start = place.checked_sub(1).map_or(0, |before| self.ends.size(before));
        let code = usize::try_from(code).unwrap_or(0);
        u32::try_from(self.candidates.get(start + code)).ok().and_then(NodeNo::new)
    }
}

/// The first place below `len` for which `is_before` does not hold.
pub(super) fn partition_point(len: usize, is_before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, len);
    while low < high {
        let mid = low.midpoint(high);
        if is_before(mid) { low = mid + 1 } else { high = mid }
    }
    low
}
