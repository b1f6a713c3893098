//! Who sends what, and what is said in return.
//!
//! | What | Packets |
//! |---|---|
//! | adverts | flooded every 6 to 48 hours, to neighbours every 4 by some repeaters |
//! | channels | one flooded text or datagram |
//! | a text to a person | flooded until a way is known, answered by the way it came with an acknowledgement, whose own way is sent back; then direct, acknowledged by one or two packets; again flooded when it does not arrive |
//! | a question to a server | flooded or direct, answered likewise; a keep-alive by an acknowledgement of 5 bytes |
//! | traces, discoveries, raw packets | now and then |

use meshcore_proto::payload::{Ack, DiscoverReq, DiscoverResp, Payload, Trace};
use meshcore_proto::{FrameBuf, MAX_PAYLOAD, NodeType, PayloadType, PeerLink, Route};

use super::contacts::{Contacts, Line, Way};
use super::flight::{Arrival, Parcel};
use super::message::{self, Question};
use super::random::Random;
use super::stream::{Stream, Task};

const HOUR_MS: u64 = 3_600_000;

/// What follows when a packet arrives, or does not.
#[derive(Clone, Debug)]
pub(super) enum Then {
    Nothing,
    /// A text is acknowledged.
    Text {
        line: Line,
        checksum: [u8; 4],
        attempt: u8,
    },
    /// A question is answered.
    Question {
        line: Line,
        question: Question,
        checksum: [u8; 4],
    },
    /// The way of `line` came back to where the line begins, which may tell the way this came.
    Way {
        line: Line,
        way: Way,
        is_told: bool,
    },
}

impl Stream {
    /// The advert of a node, and when it sends the next.
    pub(super) fn advert(&mut self, node: u32, at: i64, is_flood: bool) {
        let world = self.world.clone();
        let sender = world.node(node);
        let route = if is_flood { message::flood(&world, sender) } else { Route::zero_hop() };
        let frame = message::advert(&world, sender, at, &route);
        let region = sender.scope.filter(|_| is_flood);
        self.send(at, Parcel { frame, from: node, to: None, route: Vec::new(), region }, Then::Nothing);
        if let Some(period) = advert_period(sender.node_type, sender.key.as_bytes()[31], is_flood) {
            let spread = u64::from(self.random.below(100)) + 950; // clocks of nodes differ
            let next = at + self.pace.faster(period / 1000 * spread);
            self.tasks.enter(next, if is_flood { Task::FloodAdvert(node) } else { Task::LocalAdvert(node) });
        }
    }

    /// Somebody begins something.
    pub(super) fn exchange(&mut self, at: i64) {
        let world = self.world.clone();
        let node = self.random.below(world.options.nodes);
        match self.random.weighted(&[560, 75, 330, 40, 34, 14, 3]) {
            0 => {
                let speaker = self.somebody(NodeType::Chat);
                let sender = world.node(speaker);
                let frame = message::channel(&world, sender, at, &mut self.random);
                let parcel =
                    Parcel { frame, from: speaker, to: None, route: Vec::new(), region: sender.scope };
                self.send(at, parcel, Then::Nothing);
            }
            1 if !self.contacts.friends.is_empty() => {
                let pair = pick_regular(&mut self.random, &self.contacts.friends);
                let is_back = self.random.happens(500);
                self.text(Line { pair, is_back }, at, 0);
            }
            kind @ (2 | 3) if !self.contacts.servers.is_empty() => {
                let pair = pick_regular(&mut self.random, &self.contacts.servers);
                let question = match kind {
                    3 => Question::Login,
                    _ => self.random.pick(&[
                        Question::Status,
                        Question::Status,
                        Question::Telemetry,
                        Question::Owner,
                        Question::KeepAlive,
                    ]),
                };
                self.question(Line { pair, is_back: false }, question, at);
            }
            4 => self.trace(at),
            5 => self.discover(node, at),
            _ => {
                let bytes = self.random.bits().to_le_bytes();
                let frame = message::frame(&Route::zero_hop(), &Payload::RawCustom(&bytes));
                self.send(
                    at,
                    Parcel { frame, from: node, to: None, route: Vec::new(), region: None },
                    Then::Nothing,
                );
            }
        }
    }

    /// What an arrival, or its absence, leads to.
    pub(super) fn follow(&mut self, then: Then, at: i64, arrival: Option<Arrival>) {
        match (then, arrival) {
            (Then::Text { line, checksum, .. }, Some(arrival)) => self.acknowledge(line, checksum, &arrival),
            (Then::Text { line, attempt, .. }, None) if attempt < 1 => {
                self.contacts.forget(line);
                let later = at + 8_000 + i64::from(self.random.below(5_000));
                self.tasks.enter(later, Task::Text(line, attempt + 1));
            }
            (Then::Question { line, question, checksum }, Some(arrival)) => {
                self.answer(line, question, checksum, &arrival);
            }
            (Then::Question { line, .. }, None) => self.contacts.forget(line),
            (Then::Way { line, way, is_told }, Some(arrival)) => {
                let is_flood = !arrival.copy.flight.header.route().is_direct();
                if is_told && is_flood {
                    let came = Way::of(&arrival.copy);
                    let world = self.world.clone();
                    let link = self.contacts.link(&world, line);
                    let route = Route::direct(&way.path);
                    let frame = message::path_return(link, &came.path, None, &route, &mut self.random);
                    let back = Then::Way { line: line.reversed(), way: came, is_told: false };
                    self.reply(line, frame, Some(&way), false, arrival.at, back);
                }
                self.contacts.learn(line, way);
            }
            _ => {}
        }
    }

    pub(super) fn text(&mut self, line: Line, at: i64, attempt: u8) {
        if attempt > 0 || self.random.happens(40) {
            self.contacts.forget(line);
        }
        self.ask(line, at, |link, route, random| {
            let (frame, checksum) = message::text(link, at, attempt, route, random);
            (frame, Then::Text { line, checksum, attempt })
        });
    }

    /// Sends what one end of `line` says to the other, by the way it knows or by flood.
    fn ask(
        &mut self,
        line: Line,
        at: i64,
        say: impl FnOnce(&PeerLink, &Route<'_>, &mut Random) -> (FrameBuf, Then),
    ) {
        let world = self.world.clone();
        let (from, to) = Contacts::ends(&world, line);
        let way = self.contacts.way(line).cloned();
        let route = way
            .as_ref()
            .map_or_else(|| message::flood(&world, world.node(from)), |way| Route::direct(&way.path));
        let (frame, then) = say(self.contacts.link(&world, line), &route, &mut self.random);
        let region = world.node(from).scope.filter(|_| way.is_none());
        let route = way.map_or_else(Vec::new, |way| way.nodes);
        self.send(at, Parcel { frame, from, to: Some(to), route, region }, then);
    }

    fn acknowledge(&mut self, line: Line, checksum: [u8; 4], arrival: &Arrival) {
        let world = self.world.clone();
        let (back, receiver) = (line.reversed(), world.node(Contacts::ends(&world, line).1));
        if !arrival.copy.flight.header.route().is_direct() {
            let way = Way::of(&arrival.copy);
            let route = message::flood(&world, receiver);
            let link = self.contacts.link(&world, back);
            let extra = Some((PayloadType::Ack, &checksum[..]));
            let frame = message::path_return(link, &way.path, extra, &route, &mut self.random);
            self.reply(back, frame, None, true, arrival.at, Then::Way { line, way, is_told: true });
            return;
        }
        let way = self.contacts.way(back).cloned();
        let route =
            way.as_ref().map_or_else(|| message::flood(&world, receiver), |way| Route::direct(&way.path));
        let is_flood = way.is_none();
        if receiver.multi_acks && !is_flood {
            let frame = message::multipart_ack(checksum, &route);
            self.reply(back, frame, way.as_ref(), is_flood, arrival.at, Then::Nothing);
        }
        let frame = message::ack(checksum, receiver.multi_acks, &route, &mut self.random);
        self.reply(back, frame, way.as_ref(), is_flood, arrival.at + 300, Then::Nothing);
    }

    fn question(&mut self, line: Line, question: Question, at: i64) {
        if question == Question::Login || self.random.happens(80) {
            self.contacts.forget(line);
        }
        self.ask(line, at, |link, route, random| {
            let (frame, checksum) = message::question(link, question, at, route, random);
            (frame, Then::Question { line, question, checksum })
        });
    }

    fn answer(&mut self, line: Line, question: Question, checksum: [u8; 4], arrival: &Arrival) {
        let world = self.world.clone();
        let (back, server) = (line.reversed(), world.node(Contacts::ends(&world, line).1));
        let is_direct = arrival.copy.flight.header.route().is_direct();
        let way = self.contacts.way(back).filter(|_| is_direct).cloned();
        let route =
            way.as_ref().map_or_else(|| message::flood(&world, server), |way| Route::direct(&way.path));
        if question == Question::KeepAlive && is_direct {
            let posts = [u8::try_from(self.random.below(4)).unwrap_or(0)];
            let frame = message::frame(&route, &Ack::new(checksum, &posts));
            self.reply(back, frame, way.as_ref(), way.is_none(), arrival.at, Then::Nothing);
            return;
        }
        let mut plaintext = [0; MAX_PAYLOAD];
        let len = message::answer(server, question, arrival.at, &mut self.random, &mut plaintext);
        let link = self.contacts.link(&world, back);
        if is_direct {
            let frame = message::response(link, &plaintext[..len], &route);
            self.reply(back, frame, way.as_ref(), way.is_none(), arrival.at, Then::Nothing);
        } else {
            let came = Way::of(&arrival.copy);
            let extra = Some((PayloadType::Response, &plaintext[..len]));
            let frame = message::path_return(link, &came.path, extra, &route, &mut self.random);
            self.reply(back, frame, None, true, arrival.at, Then::Way { line, way: came, is_told: true });
        }
    }

    /// There and back over two relays.
    fn trace(&mut self, at: i64) {
        let world = self.world.clone();
        let from = self.somebody(NodeType::Chat);
        let relays = |node: u32| {
            world.links(node).iter().filter(|link| link.is_relay).max_by_key(|link| (link.snr, link.to))
        };
        let Some(first) = relays(from).map(|link| link.to) else { return };
        let beyond: Vec<u32> = world
            .links(first)
            .iter()
            .filter(|link| link.is_relay && link.snr > 0)
            .map(|link| link.to)
            .collect();
        let mut route = vec![first];
        if !beyond.is_empty() {
            route.extend([self.random.pick(&beyond), first]);
        }
        let size = if self.random.happens(300) { 2 } else { 1 };
        let hashes: Vec<u8> =
            route.iter().flat_map(|node| world.node(*node).key.as_bytes()[..size].to_vec()).collect();
        let tag = message::seconds(at).wrapping_mul(2_654_435_761) ^ from;
        let trace = Trace::new(tag, 0, size, &hashes).expect("three entries");
        let frame = message::frame(&Route::zero_hop(), &trace);
        self.send(at, Parcel { frame, from, to: Some(from), route, region: None }, Then::Nothing);
    }

    /// Who is there? Some of the relays around answer.
    fn discover(&mut self, from: u32, at: i64) {
        let world = self.world.clone();
        let tag = u32::try_from(self.random.bits() >> 32).unwrap_or(0);
        let prefix_only = self.random.happens(500);
        let question = DiscoverReq::new(prefix_only, 1 << NodeType::Repeater.bits(), tag, None);
        let frame = message::frame(&Route::zero_hop(), &question);
        self.send(at, Parcel { frame, from, to: None, route: Vec::new(), region: None }, Then::Nothing);
        for link in world.links(from) {
            let node = world.node(link.to);
            let Some(heard) = world.radio.receive(link.snr, self.random.bits()) else { continue };
            if node.node_type != NodeType::Repeater {
                continue;
            }
            let answer = DiscoverResp::new(node.node_type, heard.snr, tag, &node.key, prefix_only);
            let frame = message::frame(&Route::zero_hop(), &answer);
            let parcel = Parcel { frame, from: link.to, to: None, route: Vec::new(), region: None };
            let later = at + 1_000 + i64::from(self.random.below(6_000));
            self.tasks.enter(later, Task::Send(Box::new((parcel, Then::Nothing))));
        }
    }

    /// Sends `frame` along a line a moment after `at`.
    fn reply(&mut self, line: Line, frame: FrameBuf, way: Option<&Way>, is_flood: bool, at: i64, then: Then) {
        let (from, to) = Contacts::ends(&self.world, line);
        let region = self.world.node(from).scope.filter(|_| is_flood);
        let route = way.map_or_else(Vec::new, |way| way.nodes.clone());
        let later = at + 200 + i64::from(self.random.below(500));
        let parcel = Parcel { frame, from, to: Some(to), route, region };
        self.tasks.enter(later, Task::Send(Box::new((parcel, then))));
    }

    /// A node of a role, or any where there is none.
    fn somebody(&mut self, node_type: NodeType) -> u32 {
        let nodes = self.world.options.nodes;
        (0..40)
            .map(|_| self.random.below(nodes))
            .find(|node| self.world.node(*node).node_type == node_type)
            .unwrap_or(0)
    }
}

/// One of `pairs`: seven times in ten of the first sixteenth, who poll and talk all day.
fn pick_regular(random: &mut Random, pairs: &[u32]) -> u32 {
    let regulars = pairs.get(..pairs.len().div_ceil(16)).unwrap_or(pairs);
    if random.happens(700) { random.pick(regulars) } else { random.pick(pairs) }
}

/// Natural milliseconds between two adverts of a node; `taste` is a byte that differs among nodes.
pub(super) fn advert_period(node_type: NodeType, taste: u8, is_flood: bool) -> Option<u64> {
    let hours = match (node_type, is_flood) {
        (NodeType::Repeater, true) => [12, 12, 12, 12, 24, 24, 48, 6][usize::from(taste & 7)],
        (NodeType::Room, true) => 12,
        (NodeType::Sensor, true) => 6,
        (_, true) => [18, 36][usize::from(taste & 1)],
        (NodeType::Repeater, false) if taste & 0x78 == 0 => 4,
        _ => return None,
    };
    Some(hours * HOUR_MS)
}
