//! When observations came, and their ids.
//!
//! Where one packet is to be read quickly, each packet has its own gaps. Folded, all observations of the block are one
//! sequence in the order of their ids, as they came: then ids and seconds hardly ever jump, and it is said whose turn it was,
//! which is one of the few packets that are on the air at a time.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::Range;

use smallvec::SmallVec;

use super::super::column::{Ints, take_varint, unzigzag, write_varint, zigzag};
use super::super::row::Packet;
use super::section::{Section, SectionWriter, Sections};

/// Writes the gaps of each packet.
pub(super) fn write(packets: &[Packet], out: &mut SectionWriter) {
    let (mut id_gaps, mut second_gaps) = (Vec::new(), Vec::new());
    for packet in packets {
        let (mut id, mut second) = (None, packet.first_seen.seconds());
        for observation in &packet.observations {
            id_gaps.push(id.map_or(0, |id: i64| observation.id.wrapping_sub(id).wrapping_sub(1)));
            second_gaps.push(observation.at.seconds().wrapping_sub(second));
            (id, second) = (Some(observation.id), observation.at.seconds());
        }
    }
    out.ints(Section::IdGaps, id_gaps);
    out.ints(Section::SecondGaps, second_gaps);
    let first_id = |packet: &Packet| packet.observations.first().map_or(0, |first| first.id);
    out.ints(Section::ObservationIds, packets.iter().map(first_id));
    let all = packets.iter().flat_map(|packet| &packet.observations);
    out.ints(Section::Millis, all.map(|o| o.at.get().rem_euclid(1000)));
}

/// The gaps as one sequence: what is to be in which part.
pub(super) fn fold(sections: &Sections) -> [(Section, Vec<u8>); 6] {
    let (times, counts) = (Times::of(sections), sections.ints(Section::ObservationCounts));
    let mut all = Vec::new();
    let mut start = 0_usize;
    for row in 0..counts.len() {
        let of_row = start..counts.size(row).saturating_add(start);
        start = of_row.end;
        all.extend(times.of_packet(row, of_row).into_iter().map(|(id, second)| (id, second, row)));
    }
    all.sort_by_key(|(id, _, _)| *id);
    let [mut whose, mut id_steps, mut second_steps] = [const { Vec::new() }; 3];
    let (mut turns, mut before) = (Turns::of(counts), (0_i64, 0_i64));
    for (id, second, row) in all {
        write_varint(&mut whose, turns.code(row));
        write_varint(&mut id_steps, id.wrapping_sub(before.0).cast_unsigned());
        write_varint(&mut second_steps, zigzag(second.wrapping_sub(before.1)));
        before = (id, second);
    }
    [
        (Section::Turns, whose),
        (Section::IdSteps, id_steps),
        (Section::SecondSteps, second_steps),
        (Section::IdGaps, Vec::new()),
        (Section::SecondGaps, Vec::new()),
        (Section::ObservationIds, Vec::new()),
    ]
}

/// Ids and seconds of the observations of a block.
#[derive(Debug)]
pub(super) struct Times<'a> {
    first_seconds: Ints<'a>,
    gaps: [Cow<'a, [u8]>; 3],
    /// All of them, when they were folded.
    walked: Option<Vec<(i64, i64)>>,
}

impl<'a> Times<'a> {
    pub(super) fn of(sections: &'a Sections) -> Self {
        let gaps = [Section::ObservationIds, Section::IdGaps, Section::SecondGaps];
        Self {
            first_seconds: sections.ints(Section::FirstSeconds),
            gaps: gaps.map(|section| sections.get(section)),
            walked: (sections.size(Section::Turns) > 0).then(|| walk(sections)),
        }
    }

    /// Those of packet `row`, whose observations are `those` of the block.
    pub(super) fn of_packet(&self, row: usize, those: Range<usize>) -> SmallVec<[(i64, i64); 32]> {
        if let Some(walked) = &self.walked {
            return walked.get(those).map(SmallVec::from_slice).unwrap_or_default();
        }
        let [first_ids, id_gaps, second_gaps] =
            self.gaps.each_ref().map(|bytes| Ints::read(bytes).unwrap_or_default());
        let (mut id, mut second) = (first_ids.get(row).wrapping_sub(1), self.first_seconds.get(row));
        let gaps = those.take(id_gaps.len()).map(|index| (id_gaps.get(index), second_gaps.get(index)));
        gaps.map(|(id_gap, second_gap)| {
            id = id.wrapping_add(id_gap).wrapping_add(1);
            second = second.wrapping_add(second_gap);
            (id, second)
        })
        .collect()
    }
}

/// Walks through the sequence.
fn walk(sections: &Sections) -> Vec<(i64, i64)> {
    let [whose, id_steps, second_steps] =
        [Section::Turns, Section::IdSteps, Section::SecondSteps].map(|section| sections.get(section));
    let [mut whose, mut id_steps, mut second_steps] = [&whose[..], &id_steps[..], &second_steps[..]];
    let counts = sections.ints(Section::ObservationCounts);
    let mut end = 0_usize;
    let mut next: Vec<usize> = Vec::with_capacity(counts.len());
    for row in 0..counts.len() {
        next.push(end);
        end = counts.size(row).saturating_add(end);
    }
    let mut walked = vec![(0, 0); end.min(whose.len())];
    let (mut turns, mut id, mut second) = (Turns::of(counts), 0_i64, 0_i64);
    while !whose.is_empty() {
        let row = turns.row(take_varint(&mut whose));
        id = id.wrapping_add(take_varint(&mut id_steps).cast_signed());
        second = second.wrapping_add(unzigzag(take_varint(&mut second_steps)));
        let Some(place) = row.and_then(|row| next.get_mut(row)) else { continue };
        if let Some(time) = walked.get_mut(*place) {
            *time = (id, second);
        }
        *place = place.saturating_add(1);
    }
    walked
}

/// Whose turn it is: 0 for the next packet that was not heard yet, else how lately it was heard; behind those, packets that
/// are heard before it would be their turn.
#[derive(Debug)]
struct Turns {
    /// The one heard last is the last.
    heard: Vec<usize>,
    waiting: VecDeque<usize>,
}

impl Turns {
    fn of(counts: Ints<'_>) -> Self {
        let waiting = (0..counts.len()).filter(|row| counts.size(*row) > 0).collect();
        Self { heard: Vec::new(), waiting }
    }

    fn code(&mut self, row: usize) -> u64 {
        let code = match self.waiting.binary_search(&row) {
            Ok(0) => 0,
            Ok(place) => self.heard.len() + place,
            Err(_) => self.heard.iter().rev().position(|heard| *heard == row).map_or(0, |age| age + 1),
        };
        self.row(code as u64);
        code as u64
    }

    fn row(&mut self, code: u64) -> Option<usize> {
        let code = usize::try_from(code).ok()?;
        if code == 0 || code > self.heard.len() {
            let row = self.waiting.remove(code.saturating_sub(self.heard.len()))?;
            self.heard.push(row);
        } else {
            let place = self.heard.len() - code;
            self.heard.get_mut(place..)?.rotate_left(1);
        }
        self.heard.last().copied()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::column::write_ints;
    use super::*;

    proptest! {
        #[test]
        fn turns_come_back(rows in prop::collection::vec(0_usize..20, 0..100)) {
            let count = |row: usize| rows.iter().filter(|other| **other == row).count() as i64;
            let mut counts = Vec::new();
            write_ints(&mut counts, (0..20).map(count));
            let counts = Ints::read(&counts).unwrap();
            let (mut written, mut read) = (Turns::of(counts), Turns::of(counts));
            for row in rows {
                prop_assert_eq!(read.row(written.code(row)), Some(row));
            }
        }
    }
}
