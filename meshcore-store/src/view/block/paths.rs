//! The paths of a packet as a tree.
//!
//! A flooded packet spreads like a tree, and the paths under which it was heard are ways from the root to some point of it.
//! An observation says at which point its path leaves the tree as it was before, and the hops after that. Points are named
//! by how lately they were used: mostly a path is one that was heard just now, or a hop longer.

use smallvec::SmallVec;

use super::super::column::{Ints, take_varint, write_varint};
use super::super::digest::Hop;
use super::super::names::NodeNo;
use super::super::row::{HopPath, Observation};
use super::hops::{Candidates, HopTable};
use super::section::{Section, SectionWriter};

/// How a path is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    resolution: Resolution,
    /// The bytes per hop differ from those before: they stand in front of the hops.
    is_resized: bool,
}

/// How it is written who the hops were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Resolution {
    /// No hop is known.
    Unknown = 0,
    /// Hops in the tree were who they are there; the others are coded.
    Follows = 1,
    /// All hops are coded.
    Whole = 2,
}

/// Hops and who they were.
type Hops = SmallVec<[(Hop, Option<NodeNo>); 16]>;

#[derive(Debug)]
struct Tree {
    points: Vec<Point>,
    /// All points; the one that was used last is the last.
    used: Vec<usize>,
    /// Bytes of the hop that was added last.
    size: u8,
}

#[derive(Clone, Copy, Debug)]
struct Point {
    parent: usize,
    hop: Hop,
    node: Option<NodeNo>,
}

const ROOT: usize = 0;

impl Default for Tree {
    fn default() -> Self {
        let root = Point { parent: usize::MAX, hop: Hop { size: 0, value: 0 }, node: None };
        Self { points: vec![root], used: vec![ROOT], size: 1 }
    }
}

impl Tree {
    /// Where a path leaves the tree: how many points were used since that one.
    fn age_of(&self, path: &HopPath) -> usize {
        let mut at = ROOT;
        for hop in path.iter().map(Hop::new) {
            let is_next = |point: &Point| point.parent == at && point.hop == hop;
            let Some(next) = self.points.iter().position(is_next) else { break };
            at = next;
        }
        self.used.iter().rev().position(|point| *point == at).unwrap_or(0)
    }

    /// Its place in `used`; of one that is not there, the first.
    const fn place(&self, age: usize) -> usize {
        self.used.len().saturating_sub(1).saturating_sub(age)
    }

    /// From the root to the point of that age.
    fn way_to(&self, age: usize) -> Hops {
        let mut at = self.used.get(self.place(age)).copied().unwrap_or(ROOT);
        let mut hops = Hops::new();
        while let Some(point) = self.points.get(at).filter(|_| at != ROOT) {
            hops.push((point.hop, point.node));
            at = point.parent;
        }
        hops.reverse();
        hops
    }

    /// Adds a path that leaves the tree at the point of that age, after `shared` hops. Where it `knows` who they were, they
    /// are that from now on.
    fn add(&mut self, age: usize, hops: &[(Hop, Option<NodeNo>)], shared: usize, knows: bool) {
        let place = self.place(age);
        if let Some(latest) = self.used.get_mut(place..) {
            latest.rotate_left(1);
        }
        let mut at = self.used.last().copied().unwrap_or(ROOT);
        let (old, new) = hops.split_at_checked(shared).unwrap_or((hops, &[]));
        if knows {
            let mut up = at;
            for (_, node) in old.iter().rev() {
                let Some(point) = self.points.get_mut(up) else { break };
                (point.node, up) = (*node, point.parent);
            }
        }
        for (hop, node) in new {
            self.points.push(Point { parent: at, hop: *hop, node: *node });
            (at, self.size) = (self.points.len() - 1, hop.size);
            self.used.push(at);
        }
    }
}

/// Writes paths, packet after packet.
#[derive(Debug, Default)]
pub(super) struct PathWriter {
    tree: Tree,
    ages: Vec<i64>,
    own: Vec<i64>,
    bytes: Vec<u8>,
    codes: Vec<u8>,
    /// Where bytes and codes of the packet begin.
    start: (usize, usize),
    lengths: Vec<i64>,
    code_lengths: Vec<i64>,
}

impl PathWriter {
    /// What follows is of the next packet.
    pub(super) fn end_packet(&mut self) {
        let (bytes, codes) = (self.bytes.len() - self.start.0, self.codes.len() - self.start.1);
        self.lengths.push(bytes as i64);
        self.code_lengths.push(codes as i64);
        self.start = (self.bytes.len(), self.codes.len());
        self.tree = Tree::default();
    }

    /// Writes the path of an observation.
    pub(super) fn put(&mut self, observation: &Observation, candidates: &Candidates) -> Style {
        let (path, resolved) = (&observation.path, &observation.resolved);
        let age = self.tree.age_of(path);
        let way = self.tree.way_to(age);
        let shared = way.len();
        let resolution = if resolved.is_empty() {
            Resolution::Unknown
        } else if way.iter().map(|(_, node)| node).eq(resolved.iter().take(shared)) {
            Resolution::Follows
        } else {
            Resolution::Whole
        };
        let node = |place| resolved.get(place).copied().flatten();
        let hops: Hops =
            path.iter().map(Hop::new).enumerate().map(|(place, hop)| (hop, node(place))).collect();
        for (hop, node) in hops.iter().skip(resolution.coded_from(shared, hops.len())) {
            write_varint(&mut self.codes, candidates.code(*hop, *node));
        }
        let size = hops.get(shared).map(|(hop, _)| hop.size).filter(|size| *size != self.tree.size);
        self.tree.add(age, &hops, shared, resolution != Resolution::Unknown);
        self.ages.push(age as i64);
        self.own.push((hops.len() - shared) as i64);
        self.bytes.extend(size);
        self.bytes.extend(path.bytes().iter().skip(shared * path.size()));
        Style { resolution, is_resized: size.is_some() }
    }

    pub(super) fn finish(self, out: &mut SectionWriter) {
        out.ints(Section::PathAges, self.ages);
        out.ints(Section::OwnHops, self.own);
        out.ints(Section::PathLengths, self.lengths);
        out.ints(Section::CodeLengths, self.code_lengths);
        *out.part(Section::PathBytes) = self.bytes;
        *out.part(Section::ResolvedCodes) = self.codes;
    }
}

impl Style {
    /// In three bits.
    pub(super) fn bits(self) -> i64 {
        i64::from(self.is_resized) << 2 | self.resolution as i64
    }

    pub(super) const fn from_bits(bits: i64) -> Self {
        let resolution = match bits & 3 {
            0 => Resolution::Unknown,
            1 => Resolution::Follows,
            _ => Resolution::Whole,
        };
        Self { resolution, is_resized: bits & 4 != 0 }
    }
}

impl Resolution {
    /// The first of `hops` whose node is coded.
    const fn coded_from(self, shared: usize, hops: usize) -> usize {
        match self {
            Self::Unknown => hops,
            Self::Follows => shared,
            Self::Whole => 0,
        }
    }
}

/// The columns of paths.
#[derive(Clone, Copy, Debug)]
pub(super) struct PathColumns<'a> {
    pub(super) ages: Ints<'a>,
    pub(super) own: Ints<'a>,
    pub(super) bytes: &'a [u8],
    pub(super) codes: &'a [u8],
    pub(super) hops: HopTable<'a>,
}

/// Reads the paths of one packet.
#[derive(Debug)]
pub(super) struct PathReader<'a> {
    columns: PathColumns<'a>,
    tree: Tree,
}

impl<'a> PathReader<'a> {
    /// Of a packet whose bytes and codes begin where those of `columns` begin.
    pub(super) fn new(columns: PathColumns<'a>) -> Self {
        Self { columns, tree: Tree::default() }
    }

    /// The path of the next observation, and who its hops were.
    pub(super) fn next(&mut self, index: usize, style: Style) -> (HopPath, SmallVec<[Option<NodeNo>; 8]>) {
        let (columns, resolution) = (&mut self.columns, style.resolution);
        let age = columns.ages.size(index);
        let mut hops = self.tree.way_to(age);
        let shared = hops.len();
        let mut size = self.tree.size;
        if style.is_resized
            && let Some((new, rest)) = columns.bytes.split_first()
        {
            (size, columns.bytes) = (*new, rest);
        }
        for _ in 0..columns.own.size(index) {
            let Some((hop, rest)) = columns.bytes.split_at_checked(usize::from(size.max(1))) else { break };
            columns.bytes = rest;
            hops.push((Hop::new(hop), None));
        }
        let coded = resolution.coded_from(shared, hops.len());
        for (hop, node) in hops.iter_mut().skip(coded) {
            *node = columns.hops.node(*hop, take_varint(&mut columns.codes));
        }
        let is_known = resolution != Resolution::Unknown;
        self.tree.add(age, &hops, shared, is_known);
        let mut bytes: SmallVec<[u8; 64]> = SmallVec::new();
        for (hop, _) in &hops {
            let value = hop.value.to_be_bytes();
            bytes.extend_from_slice(value.get(8 - usize::from(hop.size)..).unwrap_or_default());
        }
        let size = hops.first().map_or(0, |(hop, _)| hop.size);
        let resolved = hops.iter().filter(|_| is_known).map(|(_, node)| *node).collect();
        (HopPath::new(size, &bytes).unwrap_or_default(), resolved)
    }
}
