//! Propagation: the firmware's rules, transmission by transmission.
//!
//! * A flood is passed on once by every relay that hears it, with its hash appended, unless the hop limit, the loop
//!   limit or the region forbids it. Relays wait a random time first, so that several ways compete and the first copy
//!   to arrive need not be the shortest.
//! * A direct packet is passed on by whoever hears it and has the next hash: usually, not always, the node meant.
//! * A trace collects the strength at each hop.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use meshcore_proto::airtime::time_on_air_us;
use meshcore_proto::routing::{forwarded_direct, forwarded_flood, forwarded_trace};
use meshcore_proto::{Packet, PathBuf, PayloadType};

use super::flight::{Arrival, Flight, FlightCopy, Parcel, Transmission};
use super::mesh::{World, stay};
use super::radio::{Heard, Link};
use super::random::Random;

/// Retransmissions of a packet, at most: more than relays in reach of each other, few enough to end any loop.
const MOST_TRANSMISSIONS: usize = 20_000;

/// What an observer noticed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Notice {
    pub(super) observer: u16,
    pub(super) transmission: u32,
    /// End of the reception, or begin of the transmission.
    pub(super) at: i64,
    /// `None` for what it sent itself.
    pub(super) heard: Option<Heard>,
}

/// The medium. Holds room that is used again for each packet.
#[derive(Debug)]
pub(super) struct Air {
    /// The last packet each node saw.
    seen: Vec<u32>,
    current: u32,
    queue: BinaryHeap<Reverse<(i64, u32)>>,
    /// Where moving nodes were last, and who heard them there.
    moved: Vec<Option<(i64, Vec<Link>)>>,
    pub(super) notices: Vec<Notice>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    Flood,
    Direct,
    Trace,
    /// Heard by neighbours, passed on by nobody.
    Nobody,
}

impl Air {
    pub(super) fn new(world: &World) -> Self {
        Self {
            seen: vec![0; world.nodes.len()],
            current: 0,
            queue: BinaryHeap::new(),
            moved: world.nodes.iter().map(|_| None).collect(),
            notices: Vec::new(),
        }
    }

    /// Lets a packet fly. What observers noticed is in [`notices`](Self::notices) afterwards.
    pub(super) fn fly(
        &mut self,
        world: &World,
        random: &mut Random,
        parcel: &Parcel,
        at: i64,
    ) -> (Arc<Flight>, Option<Arrival>) {
        let packet = Packet::parse(&parcel.frame).expect("made by a Route");
        let mut flight = Flight::new(&packet, &parcel.route);
        let rule = rule_of(&packet);
        self.notices.clear();
        self.queue.clear();
        self.current = self.current.wrapping_add(1);
        self.seen[parcel.from as usize] = self.current;
        let path = match packet.path() {
            meshcore_proto::Path::Hashes(hops) => PathBuf::from(hops),
            meshcore_proto::Path::Snrs(_) => PathBuf::new(1).expect("1 is a size"),
        };
        flight.transmissions.push(Transmission { node: parcel.from, parent: 0, at, path });
        self.queue.push(Reverse((at, 0)));

        let mut first = None;
        while let Some(Reverse((start, index))) = self.queue.pop() {
            let sent = flight.transmissions[index as usize];
            let current = Packet::new(
                flight.header,
                flight.codes,
                sent.path.path_len(),
                sent.path.as_bytes(),
                &flight.payload,
            )
            .expect("what is passed on stays a packet");
            let airtime = airtime_ms(world, current.encoded_len());
            let end = start + airtime;
            if let Some(observer) = world.node(sent.node).observer
                && world.observers[usize::from(observer)].reports_sent
            {
                self.notices.push(Notice { observer, transmission: index, at: start, heard: None });
            }
            let hops = sent.path.path_len().count();
            let ends_here = match rule {
                Rule::Direct => hops == 0,
                Rule::Trace => usize::from(hops) == parcel.route.len(),
                Rule::Flood | Rule::Nobody => true,
            };
            // relays and observers are among the links below
            if let Some(to) =
                parcel.to.filter(|to| ends_here && first.is_none() && !world.node(*to).is_linked())
                && world.radio.receive(world.budget(sent.node, to, start), random.bits()).is_some()
            {
                first = Some((end, index));
            }
            if world.node(sent.node).is_mobile() {
                self.move_to(world, sent.node, start);
            }
            let links = match &self.moved[sent.node as usize] {
                Some((_, links)) => links,
                None => world.links(sent.node),
            };
            let mut next = Vec::new();
            for link in links {
                let Some(heard) = world.radio.receive(link.snr, random.bits()) else { continue };
                if let Some(observer) = link.observer {
                    self.notices.push(Notice { observer, transmission: index, at: end, heard: Some(heard) });
                }
                if Some(link.to) == parcel.to && ends_here {
                    first = first.or(Some((end, index)));
                    self.seen[link.to as usize] = self.current; // what is for oneself goes no further
                    continue;
                }
                if !link.is_relay || rule == Rule::Nobody {
                    continue;
                }
                let seen = &mut self.seen[link.to as usize];
                if *seen == self.current && rule != Rule::Trace {
                    continue;
                }
                let relay = world.node(link.to);
                let path = match rule {
                    Rule::Flood => {
                        *seen = self.current;
                        let allowed = sent.path.path_len().count() < relay.flood_max
                            && relay.loop_limit.allows(sent.path.hops(), &relay.key)
                            && parcel.region.is_none_or(|region| relay.regions >> region & 1 == 1);
                        allowed.then(|| forwarded_flood(&current, &relay.key).ok().flatten()).flatten()
                    }
                    Rule::Direct => forwarded_direct(&current, &relay.key),
                    Rule::Trace => forwarded_trace(&current, &relay.key, heard.snr).ok().flatten(),
                    Rule::Nobody => None,
                };
                if let Some(path) = path {
                    *seen = self.current;
                    next.push((link.to, path));
                }
            }
            for (node, path) in next {
                if flight.transmissions.len() >= MOST_TRANSMISSIONS {
                    break;
                }
                // stock delays: up to five half air times for floods, one for the rest
                let most = if rule == Rule::Flood { airtime * 5 / 2 } else { airtime / 2 };
                let delay = 20 + i64::from(random.below(u32::try_from(most + 1).unwrap_or(1)));
                let number = u32::try_from(flight.transmissions.len()).expect("few");
                flight.transmissions.push(Transmission { node, parent: index, at: end + delay, path });
                self.queue.push(Reverse((end + delay, number)));
            }
        }
        let flight = Arc::new(flight);
        let arrival = first.map(|(at, transmission)| Arrival {
            at,
            copy: FlightCopy { flight: Arc::clone(&flight), transmission },
        });
        (flight, arrival)
    }

    /// Brings the links of a moving node up to date.
    fn move_to(&mut self, world: &World, node: u32, at: i64) {
        let moved = &mut self.moved[node as usize];
        if moved.as_ref().is_none_or(|(known, _)| *known != stay(at)) {
            *moved = Some((stay(at), world.links_from(node, world.node(node).place_at(at))));
        }
    }
}

fn rule_of(packet: &Packet<'_>) -> Rule {
    let (route, payload_type) = (packet.header().route(), packet.header().payload_type());
    if payload_type == PayloadType::Trace {
        Rule::Trace
    } else if route.is_direct() {
        if packet.is_zero_hop() { Rule::Nobody } else { Rule::Direct }
    } else if payload_type.is_flood_forwarded() {
        Rule::Flood
    } else {
        Rule::Nobody
    }
}

/// Milliseconds a frame takes, rounded up.
pub(super) fn airtime_ms(world: &World, len: usize) -> i64 {
    time_on_air_us(len, &world.options.radio).map_or(0, |us| i64::from(us / 1000) + 1)
}
