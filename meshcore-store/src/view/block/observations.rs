//! Observations in columns, packet after packet, those of a packet in the order of their ids.

use std::borrow::Cow;

use super::super::column::{Dictionary, Ints};
use super::super::names::ObserverNo;
use super::super::row::{Kind, Observation, Packet};
use super::hops::{Candidates, HopTable};
use super::paths::{PathColumns, PathReader, PathWriter, Style};
use super::section::{Section, SectionWriter, Sections};
use super::signal::{self, Score};
use super::times::{self, Times};
use crate::{Direction, UnixMillis};

/// Writes the observations of all packets.
pub(super) fn write(packets: &[Packet], out: &mut SectionWriter) {
    let all = || packets.iter().flat_map(|packet| &packet.observations);
    let mut numbers: Vec<u16> = all().filter_map(|o| o.observer).map(ObserverNo::get).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let place = |o: ObserverNo| numbers.binary_search(&o.get()).map_or(0, |place| place + 1);
    let places: Vec<usize> = all().map(|o| o.observer.map_or(0, place)).collect();
    out.ints(Section::ObserverNumbers, numbers.iter().map(|number| i64::from(*number)));
    out.ints(Section::Observers, places.iter().map(|place| *place as i64));
    out.ints(Section::ObservationCounts, packets.iter().map(|packet| packet.observations.len() as i64));
    times::write(packets, out);
    write_signals(packets, &places, numbers.len() + 1, out);

    let candidates = Candidates::of(packets);
    let (mut paths, mut flag_bits) = (PathWriter::default(), Vec::new());
    for packet in packets {
        flag_bits.extend(packet.observations.iter().map(|o| flags(o, paths.put(o, &candidates))));
        paths.end_packet();
    }
    out.ints(Section::Flags, flag_bits);
    paths.finish(out);
    candidates.write(out);
}

/// `places` are those of the observers, of which there are so many.
fn write_signals(packets: &[Packet], places: &[usize], observers: usize, out: &mut SectionWriter) {
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
    let mut signals = vec![Vec::new(); observers];
    for (o, place) in all().zip(places) {
        if let (Some(rssi), Some(snr), Some(signals)) = (o.rssi, o.snr, signals.get_mut(*place)) {
            signals.push((rssi, snr));
        }
    }
    let noises: Vec<i64> = signals.into_iter().map(|signals| signal::noise(signals.into_iter())).collect();
    let noise = |place: &usize| noises.get(*place).copied().unwrap_or(0);
    let codes = all().zip(places).map(|(o, place)| signal::rssi_code(o.rssi, o.snr, noise(place), &rssi));
    out.ints(Section::Rssi, codes);
    out.ints(Section::Noises, noises.iter().copied());
    out.ints(Section::Scores, scores.iter().map(|score| score.code(&other_scores)));
    snr.write(out.part(Section::SnrValues));
    rssi.write(out.part(Section::RssiValues));
    other_scores.write(out.part(Section::ScoreValues));
}

fn flags(observation: &Observation, style: Style) -> i64 {
    let direction = match observation.direction {
        None => 0,
        Some(Direction::Rx) => 1,
        Some(Direction::Tx) => 2,
    };
    direction | i64::from(observation.has_own_frame) << 2 | style.bits() << 3
}

/// The columns of a block's observations, unfolded.
#[derive(Debug)]
pub(super) struct ObservationColumns<'a> {
    counts: Ints<'a>,
    times: Times<'a>,
    cold: [Cow<'a, [u8]>; COLD.len()],
    observers: Ints<'a>,
    snr: Dictionary,
    rssi: Dictionary,
    scores: Dictionary,
}

/// The cold sections that make an observation, in the order of `ObservationColumns::cold`.
const COLD: [Section; 17] = [
    Section::PathLengths,
    Section::CodeLengths,
    Section::Millis,
    Section::Observers,
    Section::Flags,
    Section::Snr,
    Section::Rssi,
    Section::Scores,
    Section::PathAges,
    Section::OwnHops,
    Section::HopValues,
    Section::HopWidths,
    Section::CandidateEnds,
    Section::Candidates,
    Section::Noises,
    Section::PathBytes,
    Section::ResolvedCodes,
];

impl<'a> ObservationColumns<'a> {
    pub(super) fn of(sections: &'a Sections) -> Self {
        Self {
            counts: sections.ints(Section::ObservationCounts),
            times: Times::of(sections),
            cold: COLD.map(|section| sections.get(section)),
            observers: sections.ints(Section::ObserverNumbers),
            snr: Dictionary::read(&sections.get(Section::SnrValues)),
            rssi: Dictionary::read(&sections.get(Section::RssiValues)),
            scores: Dictionary::read(&sections.get(Section::ScoreValues)),
        }
    }

    /// Where those of packet `row` begin.
    pub(super) fn start_of(&self, row: usize) -> Start {
        let [lengths, code_lengths] = self.columns();
        Start {
            row,
            observation: self.counts.sum_before(row),
            path: lengths.sum_before(row),
            code: code_lengths.sum_before(row),
        }
    }

    /// The observations of the packet that starts there, ascending by id; then it starts at the next packet. Header and
    /// length of the payload help.
    pub(super) fn read(&self, start: &mut Start, kind: Kind, payload_len: u16) -> Vec<Observation> {
        let [
            lengths,
            code_lengths,
            millis,
            observers,
            flags,
            snr,
            rssi,
            scores,
            ages,
            own,
            values,
            widths,
            ends,
            candidates,
            noises,
        ] = self.columns();
        let [.., path_bytes, codes] = &self.cold;
        let mut paths = PathReader::new(PathColumns {
            ages,
            own,
            bytes: path_bytes.get(start.path..).unwrap_or_default(),
            codes: codes.get(start.code..).unwrap_or_default(),
            hops: HopTable::of([values, widths, ends, candidates]),
        });
        let end = start.observation.saturating_add(self.counts.size(start.row)).min(observers.len());
        let those = start.observation..end;
        let times = self.times.of_packet(start.row, those.clone());
        *start = Start {
            observation: end,
            path: start.path.saturating_add(lengths.size(start.row)),
            code: start.code.saturating_add(code_lengths.size(start.row)),
            row: start.row + 1,
        };
        let read = |(index, (id, second))| {
            let flags = flags.get(index);
            let (path, resolved) = paths.next(index, Style::from_bits(flags >> 3));
            let place = observers.size(index);
            let observer = place.checked_sub(1).map(|place| self.observers.get(place));
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
                rssi: signal::rssi(rssi.get(index), snr, noises.get(place), &self.rssi),
                score: Score::read(scores.get(index), snr, frame_len, &self.scores),
                path,
                resolved,
                at: UnixMillis::from_seconds(second).plus_millis(millis.get(index)),
                has_own_frame: flags & 4 != 0,
            }
        };
        those.zip(times).map(read).collect()
    }

    /// The first of the cold sections, which are columns.
    fn columns<const N: usize>(&self) -> [Ints<'_>; N] {
        let column = |place| self.cold.get(place).and_then(|bytes: &Cow<'_, [u8]>| Ints::read(bytes));
        std::array::from_fn(|place| column(place).unwrap_or_default())
    }
}

/// Where the observations of a packet begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    row: usize,
    observation: usize,
    path: usize,
    code: usize,
}
