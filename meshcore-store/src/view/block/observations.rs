//! Observations in columns, packet after packet, those of a packet in the order of their ids.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::super::column::{Dictionary, Ints};
use super::super::names::ObserverNo;
use super::super::row::{Kind, Observation, Packet};
use super::hops::{Candidates, HopTable};
use super::paths::{PathColumns, PathReader, PathWriter, Resolution};
use super::section::{Section, SectionWriter, Sections};
use super::signal::Score;
use crate::{Direction, UnixMillis};

/// Writes the observations of all packets.
pub(super) fn write(packets: &[Packet], out: &mut SectionWriter) {
    let all = || packets.iter().flat_map(|packet| &packet.observations);
    let mut numbers: Vec<u16> = all().filter_map(|o| o.observer).map(ObserverNo::get).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let observer = |o: &Observation| o.observer.and_then(|o| numbers.binary_search(&o.get()).ok());
    out.ints(Section::ObserverNumbers, numbers.iter().map(|number| i64::from(*number)));
    out.ints(Section::Observers, all().map(|o| observer(o).map_or(0, |place| place as i64 + 1)));
    write_times(packets, out);
    write_signals(packets, out);

    let candidates = Candidates::of(packets);
    let (mut paths, mut flag_bits) = (PathWriter::default(), Vec::new());
    for packet in packets {
        paths.next_packet();
        flag_bits.extend(packet.observations.iter().map(|o| flags(o, paths.put(o, &candidates))));
    }
    out.ints(Section::Flags, flag_bits);
    paths.finish(out);
    candidates.write(out);
}

fn write_times(packets: &[Packet], out: &mut SectionWriter) {
    let (mut starts, mut id_gaps, mut second_gaps) = (vec![0], Vec::new(), Vec::new());
    for packet in packets {
        let (mut id, mut second) = (None, packet.first_seen.seconds());
        for observation in &packet.observations {
            id_gaps.push(id.map_or(0, |id: i64| observation.id.wrapping_sub(id).wrapping_sub(1)));
            second_gaps.push(observation.at.seconds().wrapping_sub(second));
            (id, second) = (Some(observation.id), observation.at.seconds());
        }
        starts.push(id_gaps.len() as i64);
    }
    out.ints(Section::ObservationStarts, starts);
    out.ints(Section::IdGaps, id_gaps);
    out.ints(Section::SecondGaps, second_gaps);
    let all = || packets.iter().flat_map(|packet| &packet.observations);
    out.ints(Section::Millis, all().map(|o| o.at.get().rem_euclid(1000)));
}

fn write_signals(packets: &[Packet], out: &mut SectionWriter) {
    let all = || packets.iter().flat_map(|packet| &packet.observations);
    let (snr, rssi) =
        (Dictionary::of(all().filter_map(|o| o.snr)), Dictionary::of(all().filter_map(|o| o.rssi)));
    let score = |packet: &Packet, o: &Observation| {
        Score::of(o.score, o.snr, packet.kind.frame_len(&o.path, packet.payload_len))
    };
    let mut scores = Vec::new();
    for packet in packets {
        scores.extend(packet.observations.iter().map(|o| score(packet, o)));
    }
    let other_scores = Dictionary::of(scores.iter().filter_map(|score| score.other()));
    out.ints(Section::Snr, all().map(|o| snr.code(o.snr)));
    out.ints(Section::Rssi, all().map(|o| rssi.code(o.rssi)));
    out.ints(Section::Scores, scores.iter().map(|score| score.code(&other_scores)));
    snr.write(out.part(Section::SnrValues));
    rssi.write(out.part(Section::RssiValues));
    other_scores.write(out.part(Section::ScoreValues));
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
    cold: [Cow<'a, [u8]>; COLD.len()],
    observers: Ints<'a>,
    snr: Dictionary,
    rssi: Dictionary,
    scores: Dictionary,
}

/// The cold sections that make an observation, in the order of `ObservationColumns::cold`.
const COLD: [Section; 17] = [
    Section::IdGaps,
    Section::SecondGaps,
    Section::Millis,
    Section::Observers,
    Section::Flags,
    Section::Snr,
    Section::Rssi,
    Section::Scores,
    Section::PathAges,
    Section::OwnHops,
    Section::HopSizes,
    Section::HopValues,
    Section::HopWidths,
    Section::CandidateEnds,
    Section::Candidates,
    Section::PathBytes,
    Section::ResolvedCodes,
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

    /// The observations of packet `row`, ascending by id. Its header and the length of its payload help.
    pub(super) fn of_packet(&self, row: usize, kind: Kind, payload_len: u16) -> Vec<Observation> {
        let [
            id_gaps,
            second_gaps,
            millis,
            observers,
            flags,
            snr,
            rssi,
            scores,
            ages,
            own,
            sizes,
            values,
            widths,
            ends,
            candidates,
        ] = std::array::from_fn(|column| {
            self.cold.get(column).and_then(|bytes| Ints::read(bytes)).unwrap_or_default()
        });
        let [.., path_bytes, codes] = &self.cold;
        let start = |starts| self.sections.ints(starts).size(row);
        let mut paths = PathReader::new(PathColumns {
            ages,
            own,
            sizes,
            bytes: path_bytes.get(start(Section::PathStarts)..).unwrap_or_default(),
            codes: codes.get(start(Section::CodeStarts)..).unwrap_or_default(),
            hops: HopTable::of([values, widths, ends, candidates]),
        });
        let starts = self.sections.ints(Section::ObservationStarts);
        let times = ids_and_seconds(self.sections, row, id_gaps, second_gaps);
        let read = |(index, (id, second))| {
            let flags = flags.get(index);
            let (path, resolved) = paths.next(index, Resolution::from_bits(flags >> 3));
            let observer = observers.size(index).checked_sub(1).map(|place| self.observers.get(place));
            let snr = self.snr.value(snr.get(index));
            let frame_len = kind.frame_len(&path, payload_len);
            Observation {
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
                resolved,
                at: UnixMillis::from_seconds(second).plus_millis(millis.get(index)),
                has_own_frame: flags & 4 != 0,
            }
        };
        span(starts, row, observers.len()).zip(times).map(read).collect()
    }
}

/// Which of `all` observations are those of a packet.
pub(super) fn span(starts: Ints<'_>, row: usize, all: usize) -> std::ops::Range<usize> {
    starts.size(row).min(all)..starts.size(row + 1).min(all)
}

/// Ids and seconds of a packet's observations.
pub(super) fn ids_and_seconds(
    sections: &Sections,
    row: usize,
    id_gaps: Ints<'_>,
    second_gaps: Ints<'_>,
) -> SmallVec<[(i64, i64); 32]> {
    let starts = sections.ints(Section::ObservationStarts);
    let mut id = sections.ints(Section::ObservationIds).get(row).wrapping_sub(1);
    let mut second = sections.ints(Section::FirstSeconds).get(row);
    let gaps = span(starts, row, id_gaps.len()).map(|index| (id_gaps.get(index), second_gaps.get(index)));
    gaps.map(|(id_gap, second_gap)| {
        id = id.wrapping_add(id_gap).wrapping_add(1);
        second = second.wrapping_add(second_gap);
        (id, second)
    })
    .collect()
}
