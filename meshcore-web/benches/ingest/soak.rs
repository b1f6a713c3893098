//! Half an hour of traffic with quality of service 1, while the broker is restarted every two minutes: is anything lost,
//! and does memory grow?

use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use meshcore_proto::Packet;
use meshcore_store::sim::{Event, Mesh, MeshOptions, TrafficOptions};
use meshcore_store::{hops_of, path_json};
use serde_json::json;

use super::support::broker::Mosquitto;
use super::support::server::Server;
use super::{NOON, OBSERVERS, observer, resident_kb, try_connect, write_publish};

/// Messages per second.
const RATE: u32 = 500;

/// Ten times a second so many messages are published and confirmed.
const TICK: Duration = Duration::from_millis(100);
const PER_TICK: usize = 50;

const BETWEEN_RESTARTS: Duration = Duration::from_secs(120);
const BETWEEN_LOOKS: Duration = Duration::from_secs(30);

/// Caches fill at first.
const WARM_UP: Duration = Duration::from_secs(300);

pub(super) fn run(minutes: u64) {
    let folder = tempfile::tempdir().unwrap();
    let lines = format!("persistence true\npersistence_location {}/", folder.path().display());
    let mut broker = Mosquitto::with_listener(folder, &lines).expect("mosquitto is installed");
    let folder = tempfile::tempdir().unwrap();
    let source =
        json!({"name": "soak", "broker": broker.url(), "clientId": "soak", "persistentSession": true});
    let corescope = Server::configured(folder.path(), &json!({"mqttSources": [source]}));
    corescope.process.wait_for_line("connected to broker", 1);

    let mesh = Mesh::new(&MeshOptions { observers: OBSERVERS, ..MeshOptions::real() });
    let mut events = mesh.stream(NOON, TrafficOptions::rate(RATE)).filter(|event| event.report.is_some());
    let mut publisher = Publisher { port: broker.port(), socket: None, repeated: 0 };
    let (mut published, mut different) = (0_u64, HashSet::new());
    let mut memory: Vec<(f64, f64)> = Vec::new();
    let (begun, mut restarts) = (Instant::now(), 0_u32);
    for tick in 1_u32.. {
        let age = begun.elapsed();
        if age >= Duration::from_secs(60 * minutes) {
            break;
        }
        if age >= BETWEEN_RESTARTS * (restarts + 1) {
            broker.end();
            broker.restart();
            restarts += 1;
        }
        if memory.len() as u64 <= age.as_secs() / BETWEEN_LOOKS.as_secs() {
            memory.push((age.as_secs_f64(), resident_kb(corescope.process.id(), "VmRSS:") / 1024.0));
        }
        let some: Vec<Event> = events.by_ref().take(PER_TICK).collect();
        publisher.publish(&some);
        published += some.len() as u64;
        different.extend(some.iter().map(identity));
        thread::sleep((begun + tick * TICK).saturating_duration_since(Instant::now()));
    }
    let figures = corescope.settled(published);
    let steady: Vec<_> = memory.iter().filter(|(at, _)| *at >= WARM_UP.as_secs_f64()).copied().collect();
    println!("soak: {RATE} messages per second for {minutes} min, the broker restarted {restarts} times");
    println!(
        "  published, different     {published} {}, {} of them again",
        different.len(),
        publisher.repeated
    );
    println!("  received                 {}", figures.received);
    println!("  stored, duplicate        {} {}", figures.stored, figures.duplicate);
    println!("  rejected, dropped        {:?} {:?}", figures.rejected, figures.dropped);
    println!("  memory                   {:.1} to {:.1} MB", steady[0].1, steady[steady.len() - 1].1);
    for (at, megabytes) in memory.iter().step_by(10) {
        println!("  after {:>4.0} min           {megabytes:.1} MB", at / 60.0);
    }
    println!("  grows by                 {:.2} MB in ten minutes", slope(&steady) * 600.0);
    println!("  sessions                 {}", corescope.status_of("soak"));
    assert_eq!(figures.stored, different.len() as u64, "what was confirmed is stored, once");
    corescope.stop();
}

/// What makes a message a row of its own.
fn identity(event: &Event) -> (u64, String, String) {
    let frame = &event.report.as_ref().expect("filtered").frame;
    let packet = Packet::parse_lax(frame).expect("the simulator makes good frames");
    let hash = u64::from_be_bytes(*packet.packet_hash().as_bytes());
    (hash, path_json(&hops_of(&packet)), observer(&event.topic).to_owned())
}

/// Publishes until it is confirmed, whatever the broker does.
struct Publisher {
    port: u16,
    socket: Option<TcpStream>,
    /// Messages sent more than once.
    repeated: u64,
}

impl Publisher {
    fn publish(&mut self, events: &[Event]) {
        while let Err(error) = self.try_publish(events) {
            assert!(!matches!(error.kind(), io::ErrorKind::InvalidData), "{error}");
            self.socket = None;
            self.repeated += events.len() as u64;
            thread::sleep(TICK);
        }
    }

    fn try_publish(&mut self, events: &[Event]) -> io::Result<()> {
        let socket = match &mut self.socket {
            Some(socket) => socket,
            none => none.insert(try_connect(self.port, "soak-publisher")?),
        };
        let mut packets = Vec::new();
        for (id, event) in (1_u16..).zip(events) {
            write_publish(&mut packets, &event.topic, &event.payload, Some(id));
        }
        socket.write_all(&packets)?;
        for _ in events {
            let mut confirmed = [0; 4];
            socket.read_exact(&mut confirmed)?;
            if confirmed[..2] != [0x40, 2] {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "not a confirmation"));
            }
        }
        Ok(())
    }
}

/// Least squares: units per second.
fn slope(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let above: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    above / points.iter().map(|point| (point.0 - x).powi(2)).sum::<f64>()
}
