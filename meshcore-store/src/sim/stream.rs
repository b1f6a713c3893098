//! The mesh in motion.

use std::sync::Arc;

use meshcore_proto::FrameBuf;

use super::agenda::Agenda;
use super::air::{Air, Notice, airtime_ms};
use super::contacts::{Contacts, Line};
use super::envelope::{Envelopes, Times};
use super::flight::{FlightCopy, Parcel};
use super::mesh::World;
use super::message;
use super::observer::Counters;
use super::observer::Dialect;
use super::options::TrafficOptions;
use super::pace::{Pace, hour};
use super::radio::Heard;
use super::random::Random;
use super::traffic::{Then, advert_period};
use super::truth::Truth;
use crate::{Direction, Reception, UnixMillis};

/// Between two status messages of an observer.
const STATUS_EVERY_MS: i64 = 300_000;

/// Floods tried out to guess how much is observed.
const TRIALS: u32 = 24;

/// One MQTT message.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When it is published; never before the event before.
    pub at: UnixMillis,
    /// `meshcore/IATA/KEY/packets` or `/status`.
    pub topic: String,
    /// A JSON object.
    pub payload: Vec<u8>,
    /// What really happened. `None` for status messages, and for packet messages without a frame.
    pub truth: Option<Truth>,
    /// What a packet message says, without its JSON. `None` where `raw` is missing or the frame of another packet.
    pub report: Option<Report>,
}

/// A packet message, as whoever reads its JSON understands it.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The frame.
    pub frame: FrameBuf,
    /// Whether `raw` is in upper case.
    pub is_upper: bool,
    /// Who reports it; received when the message is published.
    pub reception: Reception,
}

/// What a stream has yielded so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Packets that were sent, heard by an observer or not.
    pub packets: u64,
    /// Packets that at least one observer heard: the transmissions of a database.
    pub packets_heard: u64,
    /// Times a frame was sent, by origins and relays.
    pub radio_transmissions: u64,
    /// Messages about frames heard: the observations of a database.
    pub observations: u64,
    /// Messages about frames observers sent themselves.
    pub sent_reports: u64,
    /// Status messages.
    pub statuses: u64,
}

/// What observers of a mesh publish: an endless iterator, made by [`Mesh::stream`](super::Mesh::stream).
///
/// It simulates a packet as a whole when its origin sends it, and keeps what observers heard of it until its time has
/// come: some seconds of traffic, whatever was yielded before.
#[derive(Debug)]
pub struct Stream {
    pub(super) world: Arc<World>,
    pub(super) random: Random,
    pub(super) tasks: Agenda<Task>,
    pub(super) contacts: Contacts,
    pub(super) pace: Pace,
    start: i64,
    air: Air,
    air_random: Random,
    envelopes: Envelopes,
    noticed: Agenda<Noticed>,
    counters: Vec<Counters>,
    counts: Counts,
}

/// Something to be done at a time.
#[derive(Debug)]
pub(super) enum Task {
    FloodAdvert(u32),
    LocalAdvert(u32),
    Exchange,
    Text(Line, u8),
    Send(Box<(Parcel, Then)>),
    Status(u16),
}

/// A message about a frame, not yet written.
#[derive(Debug)]
struct Noticed {
    copy: FlightCopy,
    observer: u16,
    heard: Option<Heard>,
    /// When it was heard, or began to be sent.
    at: i64,
}

impl Stream {
    pub(super) fn new(world: Arc<World>, start: UnixMillis, options: TrafficOptions) -> Self {
        let (seed, start) = (world.options.seed, start.get());
        let mut air = Air::new(&world);
        let mut air_random = Random::new(seed, 10);
        let observed = try_out(&world, &mut air, &mut air_random, start);
        let mut stream = Self {
            random: Random::new(seed, 11),
            tasks: Agenda::new(),
            contacts: Contacts::new(&world),
            pace: Pace::new(&world, options.observations_per_second, observed, u64::from(TRIALS)),
            envelopes: Envelopes::new(&world),
            counters: vec![Counters::default(); world.observers.len()],
            noticed: Agenda::new(),
            counts: Counts::default(),
            world,
            start,
            air,
            air_random,
        };
        stream.begin();
        stream
    }

    /// What was yielded so far.
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Tasks and messages that wait for their time: what a stream remembers beyond its mesh.
    pub fn backlog(&self) -> usize {
        self.tasks.len() + self.noticed.len()
    }

    /// Enters what goes on for ever.
    fn begin(&mut self) {
        let world = Arc::clone(&self.world);
        for (node, number) in world.nodes.iter().zip(0..) {
            for is_flood in [true, false] {
                if let Some(period) = advert_period(node.node_type, node.key.as_bytes()[31], is_flood) {
                    let period = u32::try_from(self.pace.faster(period)).unwrap_or(u32::MAX);
                    let at = self.start + i64::from(self.random.below(period));
                    self.tasks.enter(
                        at,
                        if is_flood { Task::FloodAdvert(number) } else { Task::LocalAdvert(number) },
                    );
                }
            }
        }
        for (_, observer) in world.observers.iter().zip(0..) {
            let spread = self.random.below(if observer == 0 { 1 } else { 60_000 });
            self.tasks.enter(self.start + i64::from(spread), Task::Status(observer));
        }
        self.tasks.enter(self.start, Task::Exchange);
    }

    /// Lets a packet fly and notes who heard it.
    pub(super) fn send(&mut self, at: i64, parcel: Parcel, then: Then) {
        let world = Arc::clone(&self.world);
        let (flight, arrival) = self.air.fly(&world, &mut self.air_random, &parcel, at);
        self.counts.packets += 1;
        self.counts.radio_transmissions += flight.transmissions.len() as u64;
        let mut heard_by = 0;
        for Notice { observer, transmission, at, heard } in self.air.notices.drain(..) {
            heard_by += u64::from(heard.is_some());
            let copy = FlightCopy { flight: Arc::clone(&flight), transmission };
            let due = at + world.observers[usize::from(observer)].latency;
            self.noticed.enter(due, Noticed { copy, observer, heard, at });
        }
        self.counts.packets_heard += u64::from(heard_by > 0);
        self.pace.observe(heard_by);
        self.follow(then, at, arrival);
    }

    fn perform(&mut self, at: i64, task: Task) -> Option<Event> {
        match task {
            Task::FloodAdvert(node) => self.advert(node, at, true),
            Task::LocalAdvert(node) => self.advert(node, at, false),
            Task::Text(line, attempt) => self.text(line, at, attempt),
            Task::Send(what) => {
                let (parcel, then) = *what;
                self.send(at, parcel, then);
            }
            Task::Exchange => {
                self.exchange(at);
                let natural = self.random.gap(self.pace.exchange_every(at));
                let gap = self.pace.faster(natural);
                self.pace.pass(at, gap);
                self.tasks.enter(at + gap, Task::Exchange);
            }
            Task::Status(observer) => return Some(self.status(observer, at)),
        }
        None
    }

    fn status(&mut self, index: u16, at: i64) -> Event {
        let observer = &self.world.observers[usize::from(index)];
        let counters = &mut self.counters[usize::from(index)];
        // once in two days or so a node is taken down
        let goes_down = self.random.happens(2) && self.counts.statuses > 1000;
        let pause =
            if goes_down { i64::from(self.random.between(600_000, 3_600_000)) } else { STATUS_EVERY_MS };
        if goes_down {
            counters.silent_until = at + pause;
        }
        // fullest in the afternoon
        let off = hour(at).abs_diff(15);
        let fullness = i32::try_from(12 - off.min(24 - off)).unwrap_or(0);
        let battery =
            if observer.has_battery { 3_720 + 35 * fullness + self.random.between(-8, 8) } else { 0 };
        let noise = observer.noise_floor + self.random.between(-2, 3);
        let times = Times { at, elapsed: at - self.start };
        self.counts.statuses += 1;
        let (topic, text) =
            self.envelopes.status(&self.world, index, times, (!goes_down, battery, noise), counters);
        self.tasks.enter(at + pause, Task::Status(index));
        Event { at: UnixMillis::new(at), topic, payload: text.into_bytes(), truth: None, report: None }
    }

    /// Writes the message; `None` while the observer is switched off.
    fn report(&mut self, at: i64, noticed: Noticed) -> Option<Event> {
        let Noticed { copy, observer, heard, at: heard_at } = noticed;
        let counters = &mut self.counters[usize::from(observer)];
        if at < counters.silent_until {
            return None;
        }
        let times = Times { at, elapsed: at - self.start };
        let airtime = airtime_ms(&self.world, copy.packet().encoded_len());
        let dialect = self.world.observers[usize::from(observer)].dialect;
        let report = (heard.is_some() || dialect != Dialect::Texts).then(|| Report {
            frame: FrameBuf::of(&copy.packet()).expect("a packet fits a frame"),
            is_upper: dialect != Dialect::Units,
            reception: self.envelopes.reception(&self.world, observer, at, &copy, heard),
        });
        let ((topic, text), truth) = if let Some(heard) = heard {
            counters.received += 1;
            counters.rx_air_ms += airtime;
            counters.errors += u64::from(counters.received.is_multiple_of(37));
            self.counts.observations += 1;
            let message = self.envelopes.received(&self.world, observer, times, &copy, heard);
            let truth = self.truth(&copy, heard_at, Direction::Rx, false);
            self.counters[usize::from(observer)].last = Some(copy);
            (message, Some(truth))
        } else {
            counters.sent += 1;
            counters.tx_air_ms += airtime;
            self.counts.sent_reports += 1;
            let last = counters.last.clone();
            let message = self.envelopes.sent(&self.world, observer, times, &copy, last.as_ref());
            let truth = match dialect {
                Dialect::Texts => last.map(|last| self.truth(&last, heard_at, Direction::Tx, true)),
                _ => Some(self.truth(&copy, heard_at, Direction::Tx, false)),
            };
            (message, truth)
        };
        Some(Event { at: UnixMillis::new(at), topic, payload: text.into_bytes(), truth, report })
    }

    fn truth(&self, copy: &FlightCopy, heard_at: i64, direction: Direction, is_stale: bool) -> Truth {
        let key = |node: u32| self.world.node(node).key;
        let origin = copy.flight.origin();
        Truth {
            packet: copy.hash(),
            originator: key(origin.node),
            transmitter: key(copy.transmission().node),
            hops: copy.hops().into_iter().map(key).collect(),
            sent_at: UnixMillis::new(origin.at),
            heard_at: UnixMillis::new(heard_at),
            direction,
            is_stale,
        }
    }
}

impl Iterator for Stream {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        loop {
            // tasks never come to an end, and what they make is not due before them
            let task_at = self.tasks.next_at()?;
            let event = if self.noticed.next_at().is_some_and(|at| at <= task_at) {
                let (at, noticed) = self.noticed.take()?;
                self.report(at, noticed)
            } else {
                let (at, task) = self.tasks.take()?;
                self.perform(at, task)
            };
            if event.is_some() {
                return event;
            }
        }
    }
}

/// How often floods of some nodes are observed in all.
fn try_out(world: &World, air: &mut Air, random: &mut Random, at: i64) -> u64 {
    (0..TRIALS)
        .map(|_| {
            let from = random.below(world.options.nodes);
            let node = world.node(from);
            let frame = message::ack([0; 4], false, &message::flood(world, node), random);
            let parcel = Parcel { frame, from, to: None, route: Vec::new(), region: node.scope };
            air.fly(world, random, &parcel, at);
            air.notices.iter().filter(|notice| notice.heard.is_some()).count() as u64
        })
        .sum()
}
