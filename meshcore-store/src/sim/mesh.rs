//! The mesh: nodes and where they stand, who hears whom, keys and contacts.

use std::sync::Arc;

use meshcore_proto::payload::LatLonE6;
use meshcore_proto::routing::{DEFAULT_FLOOD_MAX, LoopLimit};
use meshcore_proto::{ChannelKey, Identity, NodeType, PublicKey, RegionKey};

use super::names;
use super::observer::Observer;
use super::options::{MeshOptions, TrafficOptions};
use super::place::Place;
use super::radio::{End, Link, Radio};
use super::random::{Random, mix};
use super::stream::Stream;
use crate::UnixMillis;

/// Channels whose texts the mesh exchanges, the busiest first.
const CHANNELS: &[&str] = &["Public", "#test", "#weather", "#wardriving", "#bot", "#Zürich"];

/// How long a node on the move stays at one place.
const STAY_MS: i64 = 600_000;

/// Stays from one end of a way to the other.
const STAYS: i64 = 36;

/// A mesh that does not exist.
///
/// Made of [`MeshOptions`], never changed, cheap to clone. [`stream`](Self::stream) sets it in motion.
#[derive(Clone, Debug)]
pub struct Mesh {
    pub(super) world: Arc<World>,
}

/// What a [`Mesh`] is.
#[derive(Debug)]
pub(super) struct World {
    pub(super) options: MeshOptions,
    pub(super) radio: Radio,
    pub(super) nodes: Vec<Node>,
    pub(super) observers: Vec<Observer>,
    /// Relays and observers in reach of each node, where it stands first.
    links: Vec<Vec<Link>>,
    pub(super) channels: Vec<(&'static str, ChannelKey)>,
    pub(super) regions: Vec<(&'static str, RegionKey)>,
    /// Who has business with whom: a companion, and another or a server.
    pub(super) pairs: Vec<(u32, u32)>,
}

/// A node of the mesh.
#[derive(Debug)]
pub struct Node {
    pub(super) identity: Identity,
    pub(super) key: PublicKey,
    pub(super) node_type: NodeType,
    pub(super) name: String,
    pub(super) place: Place,
    /// The other end of its way, when it moves.
    pub(super) other_end: Option<Place>,
    pub(super) shows_position: bool,
    pub(super) hash_size: u8,
    /// Antenna, height and surroundings: quarter dB.
    pub(super) gain: i16,
    pub(super) is_relay: bool,
    /// One bit per region whose packets it passes on.
    pub(super) regions: u32,
    /// The region its own floods stay in.
    pub(super) scope: Option<u8>,
    pub(super) loop_limit: LoopLimit,
    /// Hops after which it lets a flood end.
    pub(super) flood_max: u8,
    pub(super) airport: u8,
    /// What its clock is wrong by: seconds.
    pub(super) clock_offset: i64,
    /// Announces an acknowledgement by a multipart one.
    pub(super) multi_acks: bool,
    pub(super) observer: Option<u16>,
    position: LatLonE6,
}

impl Mesh {
    /// Makes a mesh. Generating the keys takes longest: 20 µs a node.
    ///
    /// # Panics
    /// With fewer than 2 or more than 65,000 nodes, more observers than nodes, or no airport.
    pub fn new(options: &MeshOptions) -> Self {
        assert!((2..=65_000).contains(&options.nodes), "a mesh has 2 to 65000 nodes");
        assert!(u32::from(options.observers) <= options.nodes, "observers are nodes");
        assert!((1..=32).contains(&options.airports.len()), "regions come from 1 to 32 airports");
        let mut regions: Vec<(&'static str, RegionKey)> = Vec::new();
        for airport in options.airports {
            if !regions.iter().any(|(name, _)| *name == airport.region) {
                let key = RegionKey::public(airport.region).expect("the regions of airports are public");
                regions.push((airport.region, key));
            }
        }
        let mut nodes = make_nodes(options, &regions);
        let observers = Observer::choose(options, &mut nodes);
        let radio = Radio::new(options.seed, &options.radio);
        let channels = CHANNELS.iter().map(|name| match *name {
            "Public" => (*name, ChannelKey::public()),
            _ => (*name, ChannelKey::hashtag(name)),
        });
        let mut world = World {
            options: *options,
            radio,
            pairs: make_pairs(options, &nodes),
            links: Vec::new(),
            channels: channels.collect(),
            regions,
            nodes,
            observers,
        };
        world.links = (0..options.nodes).map(|node| world.links_from(node, world.node(node).place)).collect();
        Self { world: Arc::new(world) }
    }

    /// What happens from `start` on, in time order and without end.
    ///
    /// Equal meshes, starts and options make equal streams.
    pub fn stream(&self, start: UnixMillis, options: TrafficOptions) -> Stream {
        Stream::new(Arc::clone(&self.world), start, options)
    }

    /// What it was made of.
    pub fn options(&self) -> &MeshOptions {
        &self.world.options
    }

    /// All nodes: repeaters first, then rooms, sensors, companions.
    pub fn nodes(&self) -> &[Node] {
        &self.world.nodes
    }

    /// Those who report, with their airports.
    pub fn observers(&self) -> impl ExactSizeIterator<Item = (&Node, &'static str)> {
        self.world.observers.iter().map(|observer| (self.world.node(observer.node), observer.iata))
    }

    /// Names and keys of the channels that can be read.
    pub fn channels(&self) -> impl ExactSizeIterator<Item = (&'static str, &ChannelKey)> {
        self.world.channels.iter().map(|(name, key)| (*name, key))
    }

    /// Names and keys of the regions packets may be bound to.
    pub fn regions(&self) -> impl ExactSizeIterator<Item = (&'static str, &RegionKey)> {
        self.world.regions.iter().map(|(name, key)| (*name, key))
    }
}

impl Node {
    /// Its identity.
    pub const fn public_key(&self) -> PublicKey {
        self.key
    }

    /// What it is for.
    pub const fn node_type(&self) -> NodeType {
        self.node_type
    }

    /// What it calls itself.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it stands; where its way begins, when it moves. Not all adverts say so.
    pub const fn position(&self) -> LatLonE6 {
        self.position
    }

    /// Bytes of each hash in the paths of its packets, 1 to 3.
    pub const fn hash_size(&self) -> u8 {
        self.hash_size
    }

    /// Whether it passes packets on.
    pub const fn is_relay(&self) -> bool {
        self.is_relay
    }

    /// Whether it is carried around.
    pub const fn is_mobile(&self) -> bool {
        self.other_end.is_some()
    }

    /// Whether it is among the [`World::links`] of others.
    pub(super) const fn is_linked(&self) -> bool {
        self.is_relay || self.observer.is_some()
    }

    /// Where it is at a time, in milliseconds since 1970.
    pub(super) fn place_at(&self, at: i64) -> Place {
        let Some(end) = self.other_end else { return self.place };
        let step = stay(at).rem_euclid(2 * STAYS);
        let there = i32::try_from(step.min(2 * STAYS - step) * 1000 / STAYS).unwrap_or(0);
        self.place.towards(end, there)
    }
}

/// Which stay of a moving node this is.
pub(super) const fn stay(at: i64) -> i64 {
    at.div_euclid(STAY_MS)
}

impl World {
    pub(super) fn node(&self, node: u32) -> &Node {
        &self.nodes[node as usize]
    }

    /// Relays and observers in reach of a node that does not move.
    pub(super) fn links(&self, node: u32) -> &[Link] {
        &self.links[node as usize]
    }

    /// Relays and observers in reach of a node at `place`. One pass over all nodes.
    pub(super) fn links_from(&self, node: u32, place: Place) -> Vec<Link> {
        let from = End { node, place, gain: self.node(node).gain };
        (0..)
            .zip(&self.nodes)
            .filter(|(to, other)| *to != node && (other.is_linked()))
            .filter_map(|(to, other)| {
                let snr = self.radio.budget(from, End { node: to, place: other.place, gain: other.gain });
                let link = Link { to, snr, is_relay: other.is_relay, observer: other.observer };
                self.radio.reaches(snr).then_some(link)
            })
            .collect()
    }

    /// SNR of one node hearing another at a time, before fading.
    pub(super) fn budget(&self, from: u32, to: u32, at: i64) -> i16 {
        let end = |node: u32| End { node, place: self.node(node).place_at(at), gain: self.node(node).gain };
        self.radio.budget(end(from), end(to))
    }
}

struct Town {
    place: Place,
    sigma: i32,
    /// Hill towns hear more than those in valleys: quarter dB.
    gain: i32,
}

fn make_nodes(options: &MeshOptions, regions: &[(&'static str, RegionKey)]) -> Vec<Node> {
    let mut random = Random::new(options.seed, 1);
    let half = options.half_width_m;
    let anywhere =
        |random: &mut Random| Place { x: random.between(-half, half), y: random.between(-half, half) };
    let towns: Vec<Town> = town_places(options.towns.max(1), half, &mut random)
        .into_iter()
        .map(|place| Town {
            place,
            sigma: random.between(4_000, 8_000).min(half / 2),
            gain: random.between(-16, 4),
        })
        .collect();
    // the first towns are the largest, the more so the fewer there are
    let flat = (options.towns / 10).max(1);
    let weights: Vec<u32> = (0..options.towns.max(1)).map(|rank| 100_000 / (rank + flat)).collect();
    let places: Vec<Place> =
        options.airports.iter().map(|airport| Place::of(airport.position, options.center)).collect();
    let share = |permille: u32| options.nodes * permille / 1000;
    let repeaters = share(options.repeaters_permille);
    let rooms = repeaters + share(options.rooms_permille);
    let sensors = rooms + share(options.sensors_permille);

    (0..options.nodes)
        .map(|number| {
            let node_type = match number {
                n if n < repeaters => NodeType::Repeater,
                n if n < rooms => NodeType::Room,
                n if n < sensors => NodeType::Sensor,
                _ => NodeType::Chat,
            };
            let is_hill = node_type == NodeType::Repeater && random.happens(150);
            let town = &towns[random.weighted(&weights)];
            let (place, gain) = if is_hill {
                (anywhere(&mut random), random.between(12, 32))
            } else {
                let x = town.place.x + random.bell(town.sigma);
                let y = town.place.y + random.bell(town.sigma);
                let own = match node_type {
                    NodeType::Repeater => random.between(-4, 14),
                    NodeType::Room => random.between(-8, 8),
                    NodeType::Sensor => random.between(-16, 0),
                    _ => random.between(-24, -4),
                };
                (Place { x, y }, town.gain + own)
            };
            let mut near: Vec<(u64, u8)> =
                places.iter().map(|airport| airport.distance_squared(place)).zip(0..).collect();
            near.sort_unstable();
            let region = |airport: u8| {
                let name = options.airports[usize::from(airport)].region;
                regions
                    .iter()
                    .zip(0_u8..)
                    .find(|((known, _), _)| *known == name)
                    .map_or(0, |(_, index)| index)
            };
            let home = region(near[0].1);
            let second = near.get(1).map_or(home, |(_, airport)| region(*airport));
            let is_chat = node_type == NodeType::Chat;
            let identity = make_identity(options.seed, number);
            Node {
                key: identity.public_key(),
                identity,
                node_type,
                name: names::name(node_type, number, &mut random),
                place,
                other_end: (is_chat && random.happens(120)).then(|| {
                    let reach = (half / 3).min(20_000);
                    Place {
                        x: place.x + random.between(-reach, reach),
                        y: place.y + random.between(-reach, reach),
                    }
                }),
                shows_position: random.happens(if is_chat { 450 } else { 930 }),
                hash_size: u8::try_from(random.weighted(&options.hash_sizes) + 1).expect("three sizes"),
                gain: i16::try_from(gain).expect("some decibels"),
                is_relay: node_type == NodeType::Repeater
                    || (node_type == NodeType::Room && random.happens(333)),
                regions: 1 << home | if random.happens(250) { 1 << second } else { 0 },
                scope: (is_chat && random.happens(250)).then_some(home),
                loop_limit: random.pick(&[
                    LoopLimit::Minimal,
                    LoopLimit::Minimal,
                    LoopLimit::Minimal,
                    LoopLimit::Moderate,
                    LoopLimit::Strict,
                ]),
                flood_max: if random.happens(120) { 8 } else { DEFAULT_FLOOD_MAX },
                airport: near[0].1,
                clock_offset: match random.below(20) {
                    0 => -i64::from(random.between(100_000, 40_000_000)), // never set
                    1 | 2 => i64::from(random.between(-3_000, 3_000)),
                    _ => i64::from(random.between(-30, 30)),
                },
                multi_acks: random.happens(300),
                observer: None,
                position: place.position(options.center),
            }
        })
        .collect()
}

/// Places of towns: one in each cell of a grid, so that no seed crowds them all into one corner; in random order.
fn town_places(towns: u32, half: i32, random: &mut Random) -> Vec<Place> {
    let columns = i32::try_from(towns.isqrt()).unwrap_or(1).max(1);
    let rows = (i32::try_from(towns).unwrap_or(1) + columns - 1) / columns;
    let (width, height) = (2 * half / columns, 2 * half / rows);
    let mut places: Vec<(u64, Place)> = (0..rows * columns)
        .map(|cell| {
            let x = cell % columns * width - half + random.between(width / 5, width * 4 / 5);
            let y = cell / columns * height - half + random.between(height / 5, height * 4 / 5);
            (random.bits(), Place { x, y })
        })
        .collect();
    places.sort_unstable_by_key(|(order, _)| *order);
    places.into_iter().take(towns as usize).map(|(_, place)| place).collect()
}

/// The identity of a node: the first whose hash is not reserved.
fn make_identity(seed: u64, number: u32) -> Identity {
    let mut random = Random::new(seed, mix(u64::from(number) << 8 | 2));
    loop {
        let mut bytes = [0; 32];
        for part in bytes.chunks_exact_mut(8) {
            part.copy_from_slice(&random.bits().to_le_bytes());
        }
        let identity = Identity::from_seed(&bytes);
        if !identity.public_key().has_reserved_hash() {
            return identity;
        }
    }
}

/// Each companion has business with three companions and two servers; who is near is likelier.
fn make_pairs(options: &MeshOptions, nodes: &[Node]) -> Vec<(u32, u32)> {
    let mut random = Random::new(options.seed, 3);
    let number = |filter: &dyn Fn(&Node) -> bool| -> Vec<u32> {
        (0..).zip(nodes).filter(|(_, node)| filter(node)).map(|(number, _)| number).collect()
    };
    let people = number(&|node| node.node_type == NodeType::Chat);
    let servers = number(&|node| node.node_type != NodeType::Chat);
    let mut pairs = Vec::new();
    for &person in &people {
        for (others, count) in [(&people, 3), (&servers, 2)] {
            if others.is_empty() {
                continue;
            }
            for _ in 0..count {
                let from = nodes[person as usize].place;
                let nearest = (0..8)
                    .map(|_| random.pick(others))
                    .min_by_key(|other| (nodes[*other as usize].place.distance_squared(from), *other));
                let other = nearest.expect("eight were drawn");
                if other != person && !pairs.contains(&(person, other)) {
                    pairs.push((person, other));
                }
            }
        }
    }
    pairs
}
