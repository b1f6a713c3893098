//! From a published message to a committed row: broker, generator and program on the cores of one machine.
//!
//! ```sh
//! cargo bench -p meshcore-web --bench ingest -- burst     # 200,000 messages at once
//! cargo bench -p meshcore-web --bench ingest -- steady    # 1,000 per second for half a minute
//! cargo bench -p meshcore-web --bench ingest -- latency   # 200 per second, each timed
//! cargo bench -p meshcore-web --bench ingest -- soak      # 500 per second for half an hour, the broker restarted often
//! ```
//!
//! The generator makes all messages first and writes plain MQTT to its sockets, so that it costs little.

#![expect(clippy::print_stdout, reason = "the report is for whoever started it")]

#[path = "../tests/support/mod.rs"]
mod support;

#[path = "ingest/soak.rs"]
mod soak;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use meshcore_store::UnixMillis;
use meshcore_store::sim::{Event, Mesh, MeshOptions, TrafficOptions};
use rusqlite::Connection;
use support::broker::Mosquitto;
use support::server::{self, Server};
use tempfile::TempDir;

const OBSERVERS: u16 = 30;
const NOON: UnixMillis = UnixMillis::from_seconds(1_777_636_800);

/// Messages written to one socket before the next one has its turn.
const TURN: usize = 20;

fn main() {
    // `cargo bench` adds `--bench`; `cargo test --benches` starts every benchmark to see that it starts.
    let mut arguments = env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let scenario = arguments.next();
    match scenario.as_deref() {
        Some("burst") => burst(200_000),
        Some("steady") => steady(1_000, 30),
        Some("latency") => latency(200, 30),
        Some("soak") => soak::run(arguments.next().map_or(30, |minutes| minutes.parse().expect("minutes"))),
        Some(other) => panic!("`{other}` is no scenario; expected burst, steady, latency or soak"),
        None => {
            burst(200_000);
            steady(1_000, 30);
            latency(200, 30);
        }
    }
}

/// Everything at once: how fast is it stored, and is anything lost?
fn burst(count: usize) {
    let messages = messages(count);
    let world = World::start();
    let mut publishers = Publishers::connect(&world.broker, &messages);
    let begun = Instant::now();
    publishers.publish(&messages);
    let published = begun.elapsed();
    let figures = world.corescope.settled(count as u64);
    let stored = begun.elapsed();
    let rate = |elapsed: Duration| count as f64 / elapsed.as_secs_f64();
    println!("burst: {count} messages of {OBSERVERS} observers");
    println!("  published at        {:>9.0} /s", rate(published));
    println!("  committed at        {:>9.0} /s", rate(stored));
    println!("  stored, duplicate   {:>9} {}", figures.stored, figures.duplicate);
    println!("  rejected, dropped   {:?} {:?}", figures.rejected, figures.dropped);
    println!("  rows                {:>9}", world.observations());
    world.report(count);
}

/// An even load: what does a message cost?
fn steady(per_second: usize, seconds: usize) {
    let messages = messages(per_second * seconds);
    let world = World::start();
    let mut publishers = Publishers::connect(&world.broker, &messages);
    let (begun, cpu) = (Instant::now(), world.cpu());
    for (tick, part) in (1_u32..).zip(messages.chunks(per_second / 100)) {
        publishers.publish(part);
        thread::sleep((begun + tick * Duration::from_millis(10)).saturating_duration_since(Instant::now()));
    }
    world.corescope.settled(messages.len() as u64);
    let share = (world.cpu() - cpu).as_secs_f64() / begun.elapsed().as_secs_f64();
    println!("steady: {per_second} messages per second for {seconds} s");
    println!("  share of one core   {:>9.1} %", share * 100.0);
    world.report(messages.len());
}

/// How long from publishing to the row that a reader sees?
fn latency(per_second: u32, seconds: u32) {
    let messages = messages((per_second * seconds) as usize);
    let world = World::start();
    let mut publishers = Publishers::connect(&world.broker, &messages);
    let database = server::read_only(world.folder.path());
    let mut times: Vec<Duration> = Vec::new();
    let begun = Instant::now();
    for (number, message) in (1_u32..).zip(&messages) {
        let before = processed(&database);
        let sent = Instant::now();
        publishers.publish(std::slice::from_ref(message));
        while processed(&database) == before {
            thread::sleep(Duration::from_micros(200));
        }
        times.push(sent.elapsed());
        thread::sleep(
            (begun + number * Duration::from_secs(1) / per_second).saturating_duration_since(Instant::now()),
        );
    }
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 1000].as_secs_f64() * 1000.0;
    println!("latency: {per_second} messages per second for {seconds} s, published to visible in the file");
    println!("  p50, p99, p99.9     {:>9.1} {:.1} {:.1} ms", at(500), at(990), at(999));
    world.report(messages.len());
}

/// A number that moves with every message that is committed.
fn processed(database: &Connection) -> i64 {
    server::value(database, "SELECT COALESCE(SUM(packet_count), 0) FROM observers")
}

/// A broker and a program that listens to it.
struct World {
    folder: TempDir,
    broker: Mosquitto,
    corescope: Server,
}

impl World {
    fn start() -> Self {
        let broker = Mosquitto::start().expect("mosquitto is installed");
        let folder = tempfile::tempdir().unwrap();
        let mut command = server::corescope(folder.path());
        command.args(["--mqtt-broker", &broker.url(), "--db"]).arg(server::database(folder.path()));
        let corescope = Server::open(&mut command);
        corescope.process.wait_for_line("connected to broker", 1);
        Self { folder, broker, corescope }
    }

    fn observations(&self) -> i64 {
        server::value(&server::read_only(self.folder.path()), "SELECT COUNT(*) FROM observations")
    }

    /// Processor time the program has had.
    fn cpu(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.corescope.process.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        let ticks: u64 = fields[11..13].iter().map(|ticks| ticks.parse::<u64>().unwrap()).sum();
        Duration::from_millis(ticks * 10) // 100 ticks per second, on every Linux there is
    }

    fn report(self, messages: usize) {
        let peak = resident_kb(self.corescope.process.id(), "VmHWM:");
        println!(
            "  processor time      {:>9.1} µs per message",
            self.cpu().as_secs_f64() * 1e6 / messages as f64
        );
        println!("  peak memory         {:>9.1} MB", peak / 1024.0);
        self.corescope.stop();
    }
}

/// Memory of a process, kB: `VmRSS:` now, `VmHWM:` at most.
fn resident_kb(process: u32, field: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Packet messages of a simulated mesh, all different.
fn messages(count: usize) -> Vec<Event> {
    let mesh = Mesh::new(&MeshOptions { observers: OBSERVERS, ..MeshOptions::real() });
    let stream = mesh.stream(NOON, TrafficOptions::rate(500));
    stream.filter(|event| event.report.is_some()).take(count).collect()
}

/// A connection of its own for each observer.
struct Publishers(BTreeMap<String, TcpStream>);

impl Publishers {
    fn connect(broker: &Mosquitto, messages: &[Event]) -> Self {
        let mut sockets = BTreeMap::new();
        for event in messages {
            let observer = observer(&event.topic);
            if !sockets.contains_key(observer) {
                sockets.insert(observer.to_owned(), connect(broker.port(), observer));
            }
        }
        Self(sockets)
    }

    /// Each observer's messages in their order.
    fn publish(&mut self, messages: &[Event]) {
        let mut waiting: BTreeMap<&str, (usize, Vec<u8>)> = BTreeMap::new();
        for event in messages {
            let observer = observer(&event.topic);
            let (count, bytes) = waiting.entry(observer).or_default();
            write_publish(bytes, &event.topic, &event.payload, None);
            *count += 1;
            if *count == TURN {
                self.0.get_mut(observer).unwrap().write_all(bytes).unwrap();
                bytes.clear();
                *count = 0;
            }
        }
        for (observer, (_, bytes)) in waiting {
            self.0.get_mut(observer).unwrap().write_all(&bytes).unwrap();
        }
    }
}

fn observer(topic: &str) -> &str {
    topic.split('/').nth(2).expect("observers have a topic of their own")
}

/// MQTT 3.1.1, clean session, no keep-alive.
fn connect(port: u16, name: &str) -> TcpStream {
    try_connect(port, name).expect("the broker takes a connection")
}

fn try_connect(port: u16, name: &str) -> io::Result<TcpStream> {
    let id = &name[..23.min(name.len())];
    let mut packet = vec![0x10];
    write_length(&mut packet, 10 + 2 + id.len());
    packet.extend([0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 0]);
    write_text(&mut packet, id);
    let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    socket.set_nodelay(true)?;
    socket.write_all(&packet)?;
    let mut answer = [0; 4];
    socket.read_exact(&mut answer)?;
    if answer == [0x20, 2, 0, 0] { Ok(socket) } else { Err(io::ErrorKind::ConnectionRefused.into()) }
}

/// With quality of service 1 if there is an id, else 0.
fn write_publish(out: &mut Vec<u8>, topic: &str, payload: &[u8], id: Option<u16>) {
    out.push(if id.is_some() { 0x32 } else { 0x30 });
    write_length(out, 2 + topic.len() + id.map_or(0, |_| 2) + payload.len());
    write_text(out, topic);
    out.extend(id.into_iter().flat_map(u16::to_be_bytes));
    out.extend_from_slice(payload);
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    out.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

fn write_length(out: &mut Vec<u8>, mut length: usize) {
    loop {
        let low = u8::try_from(length % 128).unwrap();
        length /= 128;
        out.push(if length > 0 { low | 0x80 } else { low });
        if length == 0 {
            return;
        }
    }
}
