//! Databases full of a simulated mesh, written by the real writer.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use meshcore_proto::{KeyRing, Packet, PacketHash};
use serde_json::Value;

use super::options::{MeshOptions, TrafficOptions};
use super::stream::{Event, Report};
use super::{Counts, Mesh};
use crate::UnixMillis;
use crate::db::{
    Job, NeighborBuilder, NeighborOptions, ObserverStatus, Outcome, PacketWrite, Presence, Progress, Radio,
    StoreError, Write, Writer, WriterOptions,
};
use crate::decoded::{Decoded, Signatures};

/// Packets whose contents are remembered until the next copy comes.
const REMEMBERED: usize = 4_096;

/// Observations between two ticks of the neighbor graph; a mesh of R size takes an hour for them.
const BETWEEN_TICKS: u64 = 10_000;

/// How large a database is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatabaseSize {
    /// The mesh it is of.
    pub mesh: MeshOptions,
    /// Receptions to be written.
    pub observations: u64,
    /// Receptions per second of simulated time, as a mean over a day.
    pub per_second: u32,
    /// When the first message arrives.
    pub start: UnixMillis,
}

impl DatabaseSize {
    /// 2026-05-01T00:00:00Z.
    const START: UnixMillis = UnixMillis::from_seconds(1_777_593_600);

    /// 2,000 receptions in a small mesh: for tests.
    pub const fn small() -> Self {
        Self { mesh: MeshOptions::small(), observations: 2_000, per_second: 2, start: Self::START }
    }

    /// R: as large as a real deployment that was recorded, in eight days.
    pub const fn real() -> Self {
        Self { mesh: MeshOptions::real(), observations: 1_340_147, per_second: 2, start: Self::START }
    }

    /// XL: as large as the largest deployment published, in a month.
    pub const fn largest() -> Self {
        Self { mesh: MeshOptions::largest(), observations: 16_800_000, per_second: 6, start: Self::START }
    }
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DatabaseReport {
    /// Transmissions in the file.
    pub transmissions: u64,
    /// Observations in the file.
    pub observations: u64,
    /// When the last message arrived.
    pub end: UnixMillis,
    /// What the mesh did meanwhile.
    pub counts: Counts,
}

/// Writes a database of a simulated mesh to `path`, which must not exist or be empty.
///
/// Equal sizes give equal contents.
///
/// # Errors
/// [`StoreError`], when the file cannot be written.
pub fn database(
    path: &Path,
    size: &DatabaseSize,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<DatabaseReport, StoreError> {
    let written = Arc::new((AtomicU64::new(0), AtomicU64::new(0)));
    let counted = Arc::clone(&written);
    let writer = Writer::open(path, WriterOptions::default(), move |commit| {
        counted.1.fetch_add(commit.observations.len() as u64, Ordering::Relaxed);
        let is_new = |(_, outcome): &&(_, Outcome)| matches!(outcome, Outcome::Packet(stored) if stored.new_transmission);
        counted.0.fetch_add(commit.outcomes.iter().filter(is_new).count() as u64, Ordering::Relaxed);
    })?;
    let mut neighbors = NeighborBuilder::open(path, writer.handle(), NeighborOptions::default(), size.start)?;
    let mesh = Mesh::new(&size.mesh);
    let mut stream = mesh.stream(size.start, TrafficOptions::rate(size.per_second));
    let mut scribe = Scribe::new(&mesh);
    let mut end = size.start;
    let mut submitted = 0;
    while submitted < size.observations {
        let Some(event) = stream.next() else { break };
        end = event.at;
        let Some(write) = scribe.write(event) else { continue };
        if matches!(write, Write::Packet(_)) {
            submitted += 1;
            if submitted % BETWEEN_TICKS == 0 {
                neighbors.tick(end)?;
                on_progress(Progress { step: "simulate", done: submitted, total: size.observations });
            }
        }
        writer.submit(Job { ticket: 0, write }).map_err(|_| StoreError::WriterGone)?;
    }
    writer.flush().map_err(|_| StoreError::WriterGone)?;
    neighbors.tick(end)?;
    neighbors.persist_capabilities(end)?;
    drop(writer);
    Ok(DatabaseReport {
        transmissions: written.0.load(Ordering::Relaxed),
        observations: written.1.load(Ordering::Relaxed),
        end,
        counts: stream.counts(),
    })
}

/// Makes writes of events, as ingest does, but without reading their JSON for each copy of a packet.
#[derive(Debug)]
pub struct Scribe {
    keys: KeyRing,
    recent: HashMap<PacketHash, PacketWrite>,
}

impl Scribe {
    /// Knows the channels of `mesh`.
    pub fn new(mesh: &Mesh) -> Self {
        let mut keys = KeyRing::new();
        for (name, key) in mesh.channels() {
            keys.push(name, key.clone());
        }
        Self { keys, recent: HashMap::new() }
    }

    /// What ingest would have written; `None` for what it refuses.
    pub fn write(&mut self, event: Event) -> Option<Write> {
        match event.report {
            Some(report) => self.packet(report).map(|packet| Write::Packet(Box::new(packet))),
            None if event.topic.ends_with("/status") => {
                status(&event).map(|status| Write::Status(Box::new(status)))
            }
            None => None,
        }
    }

    fn packet(&mut self, report: Report) -> Option<PacketWrite> {
        let Report { frame, is_upper, reception } = report;
        let packet = Packet::parse_lax(&frame).ok()?;
        let raw_hex = if is_upper { hex::encode_upper(&*frame) } else { hex::encode(&*frame) };
        if let Some(known) = self.recent.get(&packet.packet_hash()) {
            let path_json = crate::path_json(&crate::hops_of(&packet));
            return Some(PacketWrite { reception, raw_hex, path_json, ..known.clone() });
        }
        if self.recent.len() >= REMEMBERED {
            self.recent.clear();
        }
        // All adverts of the simulator are signed; tests of the simulator check that.
        let decoded = Decoded::of(&packet, &self.keys, Signatures::Ignore);
        let write = PacketWrite::new(&packet, &decoded, raw_hex, reception).ok()?;
        self.recent.insert(write.hash, write.clone());
        Some(write)
    }
}

/// A status message, read from its JSON.
fn status(event: &Event) -> Option<ObserverStatus> {
    let json: Value = serde_json::from_slice(&event.payload).ok()?;
    let mut topic = event.topic.split('/').skip(1);
    let (region, id) = (topic.next()?, topic.next()?);
    let text = |name: &str| json[name].as_str().map(|text| text.trim().to_owned());
    let stats = &json["stats"];
    #[expect(clippy::cast_possible_truncation, reason = "the simulator's readings are small")]
    let whole = |name: &str| stats[name].as_f64().map(|number| number.round() as i64);
    Some(ObserverStatus {
        id: id.parse().ok()?,
        received_at: event.at,
        presence: if json["status"] == "online" { Presence::Live } else { Presence::Past },
        name: text("origin"),
        region: Some(region.to_owned()),
        model: text("model"),
        firmware: text("firmware_version"),
        client_version: text("client_version"),
        radio: text("radio"),
        can_relay: json["repeat"].as_bool().or_else(|| json["repeat"].as_str().map(|text| text == "on")),
        readings: Radio {
            battery_mv: whole("battery_mv"),
            uptime_s: whole("uptime_secs"),
            noise_floor: stats["noise_floor"].as_f64(),
            tx_air_s: whole("tx_air_secs"),
            rx_air_s: whole("rx_air_secs"),
            recv_errors: whole("recv_errors"),
            packets_sent: whole("packets_sent"),
            packets_recv: whole("packets_recv"),
        },
    })
}
