//! Packets made up for one question.

use meshcore_store::db::{Job, NodeAdvert, ObserverStatus, PacketWrite, Presence, Radio, Write};
use meshcore_store::{Direction, Reception, Signal, UnixMillis, path_json};

use crate::world::NOW;

/// The time this many seconds before now.
pub(crate) fn ago(seconds: i64) -> UnixMillis {
    NOW.plus_millis(-1000 * seconds)
}

/// Packet `number`, heard by `observer` without hops: a direct message nobody can read.
pub(crate) fn packet(number: u64, observer: &str, at: UnixMillis) -> PacketWrite {
    PacketWrite {
        reception: Reception {
            received_at: at,
            observer: observer.parse().unwrap(),
            observer_name: None,
            region: None,
            direction: Some(Direction::Rx),
            signal: Signal::default(),
        },
        raw_hex: "0A00".into(),
        hash: format!("{number:016x}").parse().unwrap(),
        route_type: 2,
        payload_type: 2,
        payload_version: 0,
        decoded_json: r#"{"type":"TXT_MSG"}"#.into(),
        path_json: path_json(&[]),
        channel_hash: None,
        scope_name: None,
        advert: None,
        clock_skew: None,
    }
}

/// Advert `number`, of a node with this key and name.
pub(crate) fn advert(number: u64, key: &str, name: &str, at: UnixMillis) -> PacketWrite {
    let advert = NodeAdvert {
        public_key: key.parse().unwrap(),
        name: Some(name.into()),
        role: Some("repeater".into()),
        position: None,
        battery_mv: None,
        temperature_c: None,
        foreign: None,
    };
    PacketWrite { payload_type: 4, route_type: 1, advert: Some(advert), ..packet(number, "Roof", at) }
}

/// A status message that says nothing.
pub(crate) fn status(observer: &str, at: UnixMillis) -> ObserverStatus {
    ObserverStatus {
        id: observer.parse().unwrap(),
        received_at: at,
        presence: Presence::Live,
        name: None,
        region: None,
        model: None,
        firmware: None,
        client_version: None,
        radio: None,
        can_relay: None,
        readings: Radio::default(),
    }
}

/// A packet on its way to the file.
pub(crate) fn store(packet: PacketWrite) -> Job {
    Job { ticket: 0, write: Write::Packet(Box::new(packet)) }
}

/// Changes to [`packet`] that many tests make.
pub(crate) trait Heard {
    /// By an observer of this region.
    fn in_region(self, region: &str) -> Self;
    /// After these hops.
    fn over(self, hops: &[&str]) -> Self;
    /// Which way.
    fn going(self, direction: Direction) -> Self;
    /// Sent to everybody.
    fn flooded(self) -> Self;
}

impl Heard for PacketWrite {
    fn in_region(mut self, region: &str) -> Self {
        self.reception.region = Some(region.into());
        self
    }

    fn over(mut self, hops: &[&str]) -> Self {
        let hops: Vec<String> = hops.iter().map(|hop| (*hop).to_owned()).collect();
        self.path_json = path_json(&hops);
        self
    }

    fn going(mut self, direction: Direction) -> Self {
        self.reception.direction = Some(direction);
        self
    }

    fn flooded(mut self) -> Self {
        self.route_type = 1;
        self
    }
}
