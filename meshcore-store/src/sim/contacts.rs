//! What nodes know of each other: shared secrets and ways.

use meshcore_proto::{PathBuf, PeerLink};

use super::flight::FlightCopy;
use super::mesh::World;

/// A way to a node that was learned from a flood.
#[derive(Clone, Debug)]
pub(super) struct Way {
    pub(super) path: PathBuf,
    pub(super) nodes: Vec<u32>,
}

impl Way {
    /// The way a flood came: it works in the other direction of time, from its origin to where it arrived.
    pub(super) fn of(copy: &FlightCopy) -> Self {
        Self { path: copy.transmission().path, nodes: copy.hops() }
    }
}

/// One of two directions between a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) pair: u32,
    /// From the second to the first.
    pub(super) is_back: bool,
}

impl Line {
    pub(super) const fn reversed(self) -> Self {
        Self { pair: self.pair, is_back: !self.is_back }
    }
}

/// What is known on all lines; as much as there are pairs, however long it goes on.
#[derive(Debug)]
pub(super) struct Contacts {
    links: Vec<Option<Box<PeerLink>>>,
    ways: Vec<Option<Way>>,
    /// Pairs of two people, and of a person and a server.
    pub(super) friends: Vec<u32>,
    pub(super) servers: Vec<u32>,
}

impl Contacts {
    pub(super) fn new(world: &World) -> Self {
        let lines = world.pairs.len() * 2;
        let (friends, servers) = (0..).zip(&world.pairs).partition::<Vec<_>, _>(|(_, (_, other))| {
            world.node(*other).node_type == meshcore_proto::NodeType::Chat
        });
        let numbers = |pairs: Vec<(u32, &(u32, u32))>| pairs.into_iter().map(|(number, _)| number).collect();
        Self {
            links: vec![None; lines],
            ways: vec![None; lines],
            friends: numbers(friends),
            servers: numbers(servers),
        }
    }

    /// Sender and receiver.
    pub(super) fn ends(world: &World, line: Line) -> (u32, u32) {
        let (first, second) = world.pairs[line.pair as usize];
        if line.is_back { (second, first) } else { (first, second) }
    }

    /// The secret of a line, made when it is first needed.
    pub(super) fn link(&mut self, world: &World, line: Line) -> &PeerLink {
        self.links[index(line)].get_or_insert_with(|| {
            let (from, to) = Self::ends(world, line);
            let (from, to) = (world.node(from), world.node(to));
            Box::new(from.identity.link(&to.key).expect("keys of identities are good"))
        })
    }

    pub(super) fn way(&self, line: Line) -> Option<&Way> {
        self.ways[index(line)].as_ref()
    }

    pub(super) fn learn(&mut self, line: Line, way: Way) {
        self.ways[index(line)] = Some(way);
    }

    pub(super) fn forget(&mut self, line: Line) {
        self.ways[index(line)] = None;
    }
}

const fn index(line: Line) -> usize {
    line.pair as usize * 2 + line.is_back as usize
}
