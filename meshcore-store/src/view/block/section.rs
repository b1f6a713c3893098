//! The parts of a sealed block, and the buffer that holds them all.
//!
//! One buffer per block: a table of where each part is, then the parts. What lies in memory is what lies in the snapshot
//! file. Parts that are rarely asked for may be compressed; the table says how long they are when unfolded.

use std::borrow::Cow;

use super::super::column::Ints;
use super::Buffer;
use super::folding::{self, Folding};

/// Defines the parts, numbered in this order.
macro_rules! sections {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Section { $($(#[$doc])* $name,)* }

        impl Section {
            pub(super) const ALL: &[Self] = &[$(Self::$name,)*];
        }
    };
}

sections! {
    // One number per packet.
    /// Eight bytes each.
    Hashes,
    Ids,
    FirstSeconds,
    /// Milliseconds beside the seconds.
    FirstMillis,
    /// Seconds after the first second.
    LastSeconds,
    LastMillis,
    /// Header fields plus 1; 0 = none.
    Routes,
    PayloadTypes,
    Versions,
    Originators,
    Channels,
    Scopes,
    FrameLengths,
    PayloadLengths,
    /// 1 when the decoded payload is read from the database.
    OwnJson,
    ObserverCounts,
    /// The observation that lends the packet its signal.
    BestObservers,
    BestSnr,
    BestRssi,
    BestHops,
    ObservationCounts,

    // One number per packet, for its observations.
    /// The lowest id.
    ObservationIds,
    /// How many bytes of `PathBytes`.
    PathLengths,
    /// How many bytes of `ResolvedCodes`.
    CodeLengths,

    // One number per observation; a packet's ascend by id.
    /// How much higher than the one before, less 1.
    IdGaps,
    /// Seconds after the one before; the first after the packet's first second.
    SecondGaps,
    /// Instead of the gaps, in blocks that are folded: whose turn it was, in the order of all ids, ..
    Turns,
    /// .. how much higher the id, ..
    IdSteps,
    /// .. and how many seconds later than the one before; all as varints.
    SecondSteps,
    /// Milliseconds beside the seconds.
    Millis,
    /// Place in `ObserverNumbers` plus 1.
    Observers,
    /// Direction, own frame, how the path is written.
    Flags,
    Snr,
    /// As [`rssi_code`](super::signal::rssi_code) says.
    Rssi,
    /// As [`Score`](super::signal::Score) says.
    Scores,
    /// Where the path leaves the tree of those before: points of it that were used since.
    PathAges,
    /// Hops after that.
    OwnHops,
    /// Their bytes; in front of them the bytes per hop, where it differs from before.
    PathBytes,
    /// Which node a hop was: place in the list of its candidates, as varints.
    ResolvedCodes,

    // What the codes mean.
    ObserverNumbers,
    SnrValues,
    RssiValues,
    /// Noise of the observers, as [`noise`](super::signal::noise) says; that of the unknown first.
    Noises,
    /// Scores that do not follow from the SNR.
    ScoreValues,
    /// Hops that occur, ascending, with the nodes they were.
    HopValues,
    HopWidths,
    CandidateEnds,
    Candidates,

    // Indexes.
    /// Per observer in `ObserverNumbers` the rows it heard, as bits.
    ObserverRows,
    /// Nodes that sent packets or passed them on, ascending; where their rows end; the rows.
    Nodes,
    NodeEnds,
    NodeRows,
    /// The same for hops whose node is not known.
    StrangerValues,
    StrangerWidths,
    StrangerEnds,
    StrangerRows,

    // Figures.
    Summary,
    Partials,
}

impl Section {
    const fn place(self) -> usize {
        self as usize
    }

    /// How it is folded; `None` for what is read row by row while filtering.
    const fn folding(self) -> Option<Folding> {
        let place = self.place();
        let is_of_observations =
            place >= Self::ObservationIds.place() && place <= Self::ResolvedCodes.place();
        match self {
            Self::Turns | Self::Snr | Self::Rssi | Self::Scores | Self::PathAges | Self::OwnHops => {
                Some(Folding::Symbols)
            }
            Self::Noises
            | Self::ScoreValues
            | Self::HopValues
            | Self::HopWidths
            | Self::CandidateEnds
            | Self::Candidates
            | Self::Partials => Some(Folding::Sequences),
            _ if is_of_observations => Some(Folding::Sequences),
            _ => None,
        }
    }
}

/// Bytes of a table entry: offset, length as it lies, length unfolded (0 = it is not folded).
const ENTRY: usize = 12;
const TABLE: usize = ENTRY * Section::ALL.len();
/// No part is longer: one that claims so is broken.
const LONGEST: usize = 1 << 30;

/// The parts of one block.
#[derive(Clone, Debug)]
pub(super) struct Sections {
    bytes: Buffer,
    is_packed: bool,
}

/// Puts parts together.
#[derive(Debug)]
pub(super) struct SectionWriter(Vec<Vec<u8>>);

impl Default for SectionWriter {
    fn default() -> Self {
        Self(vec![Vec::new(); Section::ALL.len()])
    }
}

impl SectionWriter {
    /// The bytes of a part, to be written.
    pub(super) fn part(&mut self, section: Section) -> &mut Vec<u8> {
        &mut self.0[section.place()]
    }

    /// Writes a column.
    pub(super) fn ints<I>(&mut self, section: Section, values: I)
    where
        I: IntoIterator<Item = i64>,
        I::IntoIter: Clone,
    {
        super::super::column::write_ints(self.part(section), values);
    }

    /// All parts in one buffer.
    pub(super) fn finish(self) -> Sections {
        Sections::assemble(self.0.into_iter().map(|part| (part, 0)))
    }
}

impl Sections {
    fn assemble(parts: impl Iterator<Item = (Vec<u8>, usize)>) -> Self {
        let (mut table, mut body) = (Vec::with_capacity(TABLE), Vec::new());
        for (part, unfolded) in parts {
            for number in [TABLE + body.len(), part.len(), unfolded] {
                table.extend_from_slice(&u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes());
            }
            body.extend_from_slice(&part);
        }
        Self::indexed(Buffer::of(&[&table, &body]))
    }

    fn indexed(bytes: Buffer) -> Self {
        let mut sections = Self { bytes, is_packed: false };
        sections.is_packed = Section::ALL.iter().any(|section| sections.entry(*section).2 > 0);
        sections
    }

    /// From what [`bytes`](Self::bytes) gave; `None` when a part lies outside.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let sections = Self::indexed(Buffer::of(&[bytes]));
        for section in Section::ALL {
            let (at, len, unfolded) = sections.entry(*section);
            sections.bytes.get(at..at.checked_add(len)?)?;
            if unfolded > LONGEST {
                return None;
            }
        }
        Some(sections)
    }

    /// The whole buffer.
    pub(super) const fn bytes(&self) -> &Buffer {
        &self.bytes
    }

    fn entry(&self, section: Section) -> (usize, usize, usize) {
        let at = section.place() * ENTRY;
        let number = |n: usize| {
            let bytes = self.bytes.get(at + 4 * n..at + 4 * n + 4).and_then(|four| four.first_chunk::<4>());
            bytes.map_or(0, |four| u32::from_le_bytes(*four) as usize)
        };
        (number(0), number(1), number(2))
    }

    /// How many bytes a part takes as it lies.
    pub(super) fn size(&self, section: Section) -> usize {
        self.entry(section).1
    }

    /// A part, unfolded when it is folded.
    pub(super) fn get(&self, section: Section) -> Cow<'_, [u8]> {
        let (at, len, unfolded) = self.entry(section);
        let part = self.bytes.get(at..at + len).unwrap_or_default();
        if unfolded == 0 {
            return Cow::Borrowed(part);
        }
        Cow::Owned(folding::unfold(part, unfolded))
    }

    /// A column that is never folded.
    pub(super) fn ints(&self, section: Section) -> Ints<'_> {
        let (at, len, _) = self.entry(section);
        self.bytes.get(at..at + len).and_then(Ints::read).unwrap_or_default()
    }

    /// Whether cold parts are folded.
    pub(super) const fn is_packed(&self) -> bool {
        self.is_packed
    }

    /// The same with the cold parts folded, where that makes them smaller, and with `other` parts in the place of some.
    pub(super) fn packed(&self, other: &[(Section, Vec<u8>)]) -> Self {
        Self::assemble(Section::ALL.iter().map(|section| {
            let other = other.iter().find(|(other, _)| other == section);
            let part = other.map_or_else(|| self.get(*section).into_owned(), |(_, part)| part.clone());
            match section.folding().map(|folding| folding.fold(&part)) {
                Some(Ok(folded)) if folded.len() < part.len() => (folded, part.len()),
                _ => (part, 0),
            }
        }))
    }
}
