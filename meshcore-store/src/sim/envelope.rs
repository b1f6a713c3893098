//! The JSON that observers publish, in their dialects.
//!
//! | Dialect | Numbers | Keys | Time |
//! |---|---|---|---|
//! | `Texts` | text, whole decibels | `SNR` `RSSI` `score` `len` .. | UTC, microseconds, `+00:00` |
//! | `Naive` | numbers, quarter decibels | `SNR` `RSSI` `score` `hash` | local, no zone |
//! | `Units` | text with unit | `snr` `rssi` `Direction` `region` | UTC, seconds, `Z` |
//! | `Numbers` | numbers | `SNR` `RSSI` `score` `len` `hash` | UTC, milliseconds, `Z` |
//!
//! Written by hand: it is most of the work of a stream.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use meshcore_proto::airtime::{firmware_estimate_ms, reported_score};
use meshcore_proto::{MAX_FRAME, Packet, PayloadType};

use super::flight::FlightCopy;
use super::mesh::World;
use super::observer::{Counters, Dialect, Observer};
use super::radio::Heard;
use crate::{Direction, ObserverId, Reception, Signal, UnixMillis};

/// Writes messages; keeps what never changes.
#[derive(Debug)]
pub(super) struct Envelopes {
    fixed: Vec<Fixed>,
}

#[derive(Debug)]
struct Fixed {
    packets: String,
    status: String,
    id: ObserverId,
    /// `{"origin":..,"origin_id":..,"timestamp":"`
    start: String,
}

impl Envelopes {
    pub(super) fn new(world: &World) -> Self {
        let fixed = world.observers.iter().map(|observer| {
            let node = world.node(observer.node);
            let id = hex::encode_upper(node.key.as_bytes());
            let topic = format!("meshcore/{}/{id}", observer.iata);
            let name = serde_json::to_string(&node.name).expect("text is JSON");
            let start = match observer.dialect {
                Dialect::Units => format!(r#"{{"origin":{name},"timestamp":""#),
                _ => format!(r#"{{"origin":{name},"origin_id":"{id}","timestamp":""#),
            };
            let (packets, status) = (format!("{topic}/packets"), format!("{topic}/status"));
            Fixed { packets, status, id: id.parse().expect("a key is an id"), start }
        });
        Self { fixed: fixed.collect() }
    }

    /// Topic and text of a reception.
    pub(super) fn received(
        &self,
        world: &World,
        index: u16,
        times: Times,
        copy: &FlightCopy,
        heard: Heard,
    ) -> (String, String) {
        let (observer, fixed) = self.of(world, index);
        let (packet, rssi) = (copy.packet(), heard.rssi(observer.noise_floor));
        let len = packet.encoded_len();
        let mut out = String::with_capacity(len * 2 + 480);
        out.push_str(&fixed.start);
        times.put(&mut out, observer);
        match observer.dialect {
            Dialect::Texts => {
                put_text_fields(&mut out, observer, times, &packet, "rx");
                put_raw(&mut out, r#","raw":""#, &packet, true);
                let score = reported_score(heard.snr, len);
                let duration = firmware_estimate_ms(len, &world.options.radio).unwrap_or(0);
                let snr = i32::from(heard.snr.get()) / 4;
                put(
                    &mut out,
                    format_args!(
                        r#","SNR":"{snr}","RSSI":"{rssi}","score":"{score}","duration":"{duration}""#
                    ),
                );
                put(&mut out, format_args!(r#","hash":"{}""#, UpperHash(copy)));
                if packet.header().route().is_direct()
                    && let PayloadType::Req | PayloadType::Response | PayloadType::TxtMsg | PayloadType::Path =
                        packet.header().payload_type()
                    && let [to, from, ..] = packet.payload_bytes()
                {
                    put(&mut out, format_args!(r#","path":"{from:02X} -> {to:02X}""#));
                }
            }
            Dialect::Naive => {
                put_raw(&mut out, r#","type":"PACKET","direction":"rx","raw":""#, &packet, true);
                put_signal(&mut out, heard, rssi, len);
                put(&mut out, format_args!(r#","hash":"{}""#, UpperHash(copy)));
            }
            Dialect::Units => {
                put_raw(&mut out, r#","raw":""#, &packet, false);
                let snr = Quarters(heard.snr.get());
                put(&mut out, format_args!(r#","snr":"{snr} dB","rssi":"{rssi}dBm","Direction":"rx""#));
                put(&mut out, format_args!(r#","region":"{}""#, observer.iata));
            }
            Dialect::Numbers => {
                put_raw(&mut out, r#","type":"PACKET","direction":"rx","raw":""#, &packet, true);
                put_signal(&mut out, heard, rssi, len);
                put(&mut out, format_args!(r#","len":{len},"hash":"{}""#, UpperHash(copy)));
            }
        }
        out.push('}');
        (fixed.packets.clone(), out)
    }

    /// What the text of a reception, or of a transmission when nothing was heard, says.
    pub(super) fn reception(
        &self,
        world: &World,
        index: u16,
        at: i64,
        copy: &FlightCopy,
        heard: Option<Heard>,
    ) -> Reception {
        let (observer, fixed) = self.of(world, index);
        let signal = heard.map_or_else(Signal::default, |heard| {
            let snr = f64::from(heard.snr.get()) / 4.0;
            Signal {
                snr: Some(if observer.dialect == Dialect::Texts { snr.trunc() } else { snr }),
                rssi: Some(f64::from(heard.rssi(observer.noise_floor))),
                score: (observer.dialect != Dialect::Units)
                    .then(|| f64::from(reported_score(heard.snr, copy.packet().encoded_len()))),
            }
        });
        Reception {
            received_at: UnixMillis::new(at),
            observer: fixed.id.clone(),
            observer_name: Some(world.node(observer.node).name.clone()),
            region: Some(observer.iata.to_owned()),
            direction: Some(if heard.is_some() { Direction::Rx } else { Direction::Tx }),
            signal,
        }
    }

    /// Topic and text of a transmission. meshcoretomqtt writes the last frame received into `raw`.
    pub(super) fn sent(
        &self,
        world: &World,
        index: u16,
        times: Times,
        copy: &FlightCopy,
        last: Option<&FlightCopy>,
    ) -> (String, String) {
        let (observer, fixed) = self.of(world, index);
        let packet = copy.packet();
        let mut out = String::with_capacity(packet.encoded_len() * 2 + 480);
        out.push_str(&fixed.start);
        times.put(&mut out, observer);
        if observer.dialect == Dialect::Texts {
            put_text_fields(&mut out, observer, times, &packet, "tx");
            match last {
                Some(last) => put_raw(&mut out, r#","raw":""#, &last.packet(), true),
                None => out.push_str(r#","raw":null"#),
            }
        } else {
            put_raw(&mut out, r#","type":"PACKET","direction":"tx","raw":""#, &packet, true);
            put(&mut out, format_args!(r#","len":{},"hash":"{}""#, packet.encoded_len(), UpperHash(copy)));
        }
        out.push('}');
        (fixed.packets.clone(), out)
    }

    /// Topic and text of a status message; `battery` in millivolts, `noise` in dBm.
    pub(super) fn status(
        &self,
        world: &World,
        index: u16,
        times: Times,
        (is_online, battery, noise): (bool, i32, i32),
        counters: &Counters,
    ) -> (String, String) {
        let (observer, fixed) = self.of(world, index);
        let mut out = String::with_capacity(640);
        out.push_str(&fixed.start);
        times.put(&mut out, observer);
        let status = if is_online { "online" } else { "offline" };
        put(&mut out, format_args!(r#","status":"{status}","model":"{}""#, observer.model));
        put(&mut out, format_args!(r#","firmware_version":"{}""#, observer.firmware));
        let radio = serde_json::to_string(&observer.radio).expect("text is JSON");
        put(&mut out, format_args!(r#","client_version":"{}","radio":{radio}"#, observer.client));
        let relays = world.node(observer.node).is_relay;
        match observer.dialect {
            Dialect::Units => out.push_str(if relays { r#","repeat":"on""# } else { r#","repeat":"off""# }),
            Dialect::Numbers => put(&mut out, format_args!(r#","repeat":{relays}"#)),
            Dialect::Texts | Dialect::Naive => {}
        }
        if is_online {
            let uptime = observer.uptime_hours * 3600 + times.elapsed / 1000;
            let (tx, rx, errors) = (counters.tx_air_ms, counters.rx_air_ms, counters.errors);
            out.push_str(r#","stats":{"#);
            if battery > 0 {
                put(&mut out, format_args!(r#""battery_mv":{battery},"#));
            }
            if observer.dialect == Dialect::Units {
                let (tx, rx) = (Tenths(tx / 100), Tenths(rx / 100));
                put(&mut out, format_args!(r#""uptime_secs":{uptime}.5,"noise_floor":{noise}.5"#));
                put(
                    &mut out,
                    format_args!(r#","tx_air_secs":{tx},"rx_air_secs":{rx},"recv_errors":{errors}"#),
                );
            } else {
                let (tx, rx) = (tx / 1000, rx / 1000);
                put(&mut out, format_args!(r#""uptime_secs":{uptime},"queue_len":0,"debug_flags":0"#));
                put(
                    &mut out,
                    format_args!(r#","noise_floor":{noise},"tx_air_secs":{tx},"rx_air_secs":{rx}"#),
                );
                put(&mut out, format_args!(r#","recv_errors":{errors}"#));
            }
            if observer.dialect != Dialect::Texts {
                let (sent, received) = (counters.sent, counters.received);
                put(&mut out, format_args!(r#","packets_sent":{sent},"packets_recv":{received}"#));
            }
            out.push('}');
        }
        out.push('}');
        (fixed.status.clone(), out)
    }

    fn of<'a>(&'a self, world: &'a World, index: u16) -> (&'a Observer, &'a Fixed) {
        (&world.observers[usize::from(index)], &self.fixed[usize::from(index)])
    }
}

/// When a message is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// True time: milliseconds since 1970.
    pub(super) at: i64,
    /// Milliseconds since the stream began.
    pub(super) elapsed: i64,
}

impl Times {
    /// Appends the time the observer thinks it is, and the quote behind it.
    fn put(self, out: &mut String, observer: &Observer) {
        let clock = observer.clock(self.at, self.elapsed);
        match observer.dialect {
            Dialect::Texts => {
                put_time(out, clock);
                put(out, format_args!(".{:03}{:03}+00:00", clock.rem_euclid(1000), self.at.rem_euclid(991)));
            }
            Dialect::Naive => {
                put_time(out, clock + observer.zone_hours * 3_600_000);
                put(out, format_args!(".{:03}{:03}", clock.rem_euclid(1000), self.at.rem_euclid(991)));
            }
            Dialect::Units => {
                put_time(out, clock);
                out.push('Z');
            }
            Dialect::Numbers => {
                put_time(out, clock);
                put(out, format_args!(".{:03}Z", clock.rem_euclid(1000)));
            }
        }
        out.push('"');
    }
}

/// The fields of meshcoretomqtt that a sent and a received packet both have.
fn put_text_fields(
    out: &mut String,
    observer: &Observer,
    times: Times,
    packet: &Packet<'_>,
    direction: &str,
) {
    let device = civil(times.at + observer.device_offset * 1000);
    put(out, format_args!(r#","type":"PACKET","direction":"{direction}","time":""#));
    put_two(out, device.hour());
    out.push(':');
    put_two(out, device.minute());
    out.push(':');
    put_two(out, device.second());
    put(out, format_args!(r#"","date":"{}/{}/{}""#, device.day(), device.month(), device.year()));
    let route = if packet.header().route().is_direct() { 'D' } else { 'F' };
    let (len, payload_len) = (packet.encoded_len(), packet.payload_bytes().len());
    let payload_type = packet.header().payload_type().bits();
    put(
        out,
        format_args!(
            r#","len":"{len}","packet_type":"{payload_type}","route":"{route}","payload_len":"{payload_len}""#
        ),
    );
}

fn put_signal(out: &mut String, heard: Heard, rssi: i32, len: usize) {
    let (snr, score) = (Quarters(heard.snr.get()), reported_score(heard.snr, len));
    put(out, format_args!(r#","SNR":{snr},"RSSI":{rssi},"score":{score}"#));
}

/// The frame as hex, after `key`, which opens the quotes.
fn put_raw(out: &mut String, key: &str, packet: &Packet<'_>, is_upper: bool) {
    out.push_str(key);
    let mut frame = [0; MAX_FRAME];
    let len = packet.encode_into(&mut frame).expect("a packet fits a frame");
    let digits: &[u8; 16] = if is_upper { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
    for byte in &frame[..len] {
        out.push(char::from(digits[usize::from(byte >> 4)]));
        out.push(char::from(digits[usize::from(byte & 15)]));
    }
    out.push('"');
}

fn civil(at: i64) -> DateTime {
    let time = Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH);
    TimeZone::UTC.to_datetime(time)
}

/// `YYYY-MM-DDTHH:MM:SS`
fn put_time(out: &mut String, at: i64) {
    let time = civil(at);
    put(out, format_args!("{:04}", time.year()));
    for (before, number) in [
        ('-', time.month()),
        ('-', time.day()),
        ('T', time.hour()),
        (':', time.minute()),
        (':', time.second()),
    ] {
        out.push(before);
        put_two(out, number);
    }
}

fn put_two(out: &mut String, number: i8) {
    let number = number.unsigned_abs();
    out.push(char::from(b'0' + number / 10 % 10));
    out.push(char::from(b'0' + number % 10));
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("text takes text");
}

/// Quarter decibels as a number without needless zeros.
struct Quarters(i8);

impl std::fmt::Display for Quarters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let whole = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}{}{}", whole / 4, ["", ".25", ".5", ".75"][usize::from(whole % 4)])
    }
}

/// Tenths as a number.
struct Tenths(i64);

impl std::fmt::Display for Tenths {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.0 / 10, self.0 % 10)
    }
}

/// The packet hash in upper case.
struct UpperHash<'a>(&'a FlightCopy);

impl std::fmt::Display for UpperHash<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        meshcore_proto::hex::UpperHex(self.0.hash().as_bytes()).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quarters_are_written_as_people_write_them() {
        let text = [-29, -4, -1, 0, 2, 40, 55].map(|quarters| Quarters(quarters).to_string());
        assert_eq!(text, ["-7.25", "-1", "-0.25", "0", "0.5", "10", "13.75"]);
    }

    #[test]
    fn times_have_all_their_digits() {
        let mut out = String::new();
        put_time(&mut out, 1_773_824_600_000);
        assert_eq!(out, "2026-03-18T09:03:20");
    }
}
