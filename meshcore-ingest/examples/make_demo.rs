//! Makes `assets/demo.jsonl`, the recording that tests play.
//!
//! Every frame is encoded here: nodes, keys, places and texts are invented. The same program makes the same file.
//!
//! ```sh
//! cargo run -p meshcore-ingest --example make_demo > meshcore-ingest/assets/demo.jsonl
//! ```

#![expect(clippy::cast_possible_truncation, reason = "small numbers of our own making")]

use std::io::{self, Write};

use meshcore_proto::content::GroupText;
use meshcore_proto::payload::{Advert, AppData, GroupDatagram, LatLonE6};
use meshcore_proto::{
    ChannelKey, Header, Identity, MAX_FRAME, MAX_PAYLOAD, NodeType, Packet, PathLen, PayloadType, RouteType,
};
use meshcore_store::UnixMillis;
use serde_json::{Value, json};

/// Length of the recording.
const SECONDS: i64 = 600;
/// Transmissions that come at once, so that the page is not empty.
const AT_ONCE: usize = 40;
const TRANSMISSIONS: usize = 240;
/// 2026-05-01T12:00:00Z.
const START: i64 = 1_777_636_800_000;

const NODES: &[(&str, NodeType, f64, f64)] = &[
    ("Ridge North", NodeType::Repeater, 47.352, 8.492),
    ("Lighthouse 🗼", NodeType::Repeater, 47.655, 9.178),
    ("Mill Pond", NodeType::Repeater, 47.421, 8.621),
    ("Old Gasworks", NodeType::Repeater, 47.387, 8.518),
    ("Hörnli Gipfel", NodeType::Repeater, 47.371, 8.941),
    ("Quarry West", NodeType::Repeater, 47.489, 8.214),
    ("Station Roof", NodeType::Repeater, 47.377, 8.541),
    ("Border Post 7", NodeType::Repeater, 47.601, 8.611),
    ("Vineyard", NodeType::Repeater, 47.552, 8.872),
    ("Observatory", NodeType::Repeater, 47.463, 8.301),
    ("Harbour Board", NodeType::Room, 47.651, 9.481),
    ("Club Room", NodeType::Room, 47.379, 8.531),
    ("Wind at the pier", NodeType::Sensor, 47.649, 9.472),
    ("Greenhouse", NodeType::Sensor, 47.402, 8.602),
    ("Ada 🚲", NodeType::Chat, 47.391, 8.509),
    ("Bo", NodeType::Chat, 47.412, 8.561),
    ("Čapek", NodeType::Chat, 47.634, 9.171),
    ("dispatch-3", NodeType::Chat, 47.452, 8.583),
    ("Eni", NodeType::Chat, 47.501, 8.731),
];

const OBSERVERS: &[(usize, &str)] = &[(0, "ZRH"), (1, "FDH"), (4, "ZRH"), (7, "FDH"), (9, "BSL")];

const CHANNELS: &[(&str, &[&str])] = &[
    (
        "Public",
        &[
            "good morning from the lake",
            "copy, 4 hops tonight",
            "anyone near the ridge with a spare battery?",
            "testing the new antenna, how do I read?",
            "loud and clear on the roof",
            "heading up, back in an hour",
            "thanks all, 73",
            "the pier repeater is back",
            "who turned up the fog? 🌫️",
        ],
    ),
    ("#test", &["ping", "1 2 3", "range test, please ack", "pong from the vineyard", "hop count please"]),
    (
        "#weather",
        &[
            "-2.5 C, wind 14 km/h NE",
            "snow line at 900 m",
            "sunny above the fog",
            "gusts on the pier, 52 km/h",
        ],
    ),
];

/// A channel whose key is not part of the program: its messages stay closed.
const CLOSED: &str = "#a channel nobody else knows";

fn main() -> io::Result<()> {
    let mut demo = Demo { random: Random(0x6d65_7368), lines: Vec::new() };
    for &(node, region) in OBSERVERS {
        demo.status(node, region);
    }
    for number in 0..TRANSMISSIONS {
        demo.transmission(number);
    }
    demo.lines.sort_by_key(|(at, _)| *at);
    let mut out = io::stdout().lock();
    for (_, line) in demo.lines {
        writeln!(out, "{line}")?;
    }
    out.flush()
}

struct Demo {
    random: Random,
    /// Time and text of each line.
    lines: Vec<(i64, Value)>,
}

impl Demo {
    fn transmission(&mut self, number: usize) {
        let spaced = number.saturating_sub(AT_ONCE) as i64;
        let steps = (TRANSMISSIONS - AT_ONCE) as i64;
        let at = START + 500 + spaced * SECONDS * 1000 / steps + self.random.below(1_500) as i64;
        let (payload_type, route, payload) = self.message(at);
        // Floods leave one repeater after the other; an observer hears the frame somewhere along the way.
        let hash_size = if self.random.below(4) == 0 { 2 } else { 1 };
        let longest = if route == RouteType::Flood { self.random.below(7) } else { self.random.below(3) };
        let hops: Vec<[u8; 32]> = (0..longest).map(|_| key_of(self.random.below(10))).collect();
        let mut heard = 0;
        for (index, &(node, region)) in OBSERVERS.iter().enumerate() {
            let is_last = index + 1 == OBSERVERS.len();
            if self.random.below(100) < 45 && !(is_last && heard == 0) {
                continue;
            }
            heard += 1;
            let count = self.random.below(hops.len() + 1);
            let path: Vec<u8> = hops.iter().take(count).flat_map(|key| key[..hash_size].to_vec()).collect();
            self.reception(
                at + i64::from(heard) * 180,
                node,
                region,
                (payload_type, route),
                (hash_size, count, &path),
                &payload,
            );
        }
    }

    fn message(&mut self, at: i64) -> (PayloadType, RouteType, Vec<u8>) {
        let mut out = [0; MAX_PAYLOAD];
        let seconds = u32::try_from(at / 1000).expect("the recording is of this century");
        match self.random.below(100) {
            0..30 => {
                let (name, node_type, lat, lon) = NODES[self.random.below(NODES.len())];
                let node = NODES.iter().position(|known| known.0 == name).expect("taken from the list");
                let mut app_data = AppData::new(node_type);
                app_data.position = Some(LatLonE6::from_degrees(lat, lon));
                app_data.name = Some(name.as_bytes());
                let mut bytes = [0; 32];
                let length = app_data.encode_into(&mut bytes).expect("names are short enough");
                let length =
                    Advert::sign_into(&identity(node), seconds, &bytes[..length], &mut out).expect("fits");
                let route = if self.random.below(5) == 0 { RouteType::Direct } else { RouteType::Flood };
                (PayloadType::Advert, route, out[..length].to_vec())
            }
            30..62 => {
                let (channel, texts) = CHANNELS[self.random.below(CHANNELS.len())];
                let key =
                    if channel == "Public" { ChannelKey::public() } else { ChannelKey::hashtag(channel) };
                let text = texts[self.random.below(texts.len())];
                (PayloadType::GrpTxt, RouteType::Flood, self.group_text(&key, seconds, text))
            }
            62..70 => {
                let text = self.group_text(&ChannelKey::hashtag(CLOSED), seconds, "nobody reads this");
                (PayloadType::GrpTxt, RouteType::Flood, text)
            }
            70..80 => (PayloadType::TxtMsg, RouteType::Direct, self.noise(36)),
            80..86 => (PayloadType::Req, RouteType::Flood, self.noise(20)),
            86..91 => (PayloadType::Response, RouteType::Direct, self.noise(68)),
            91..95 => (PayloadType::Ack, RouteType::Flood, self.noise(4)),
            95..98 => (PayloadType::Path, RouteType::Flood, self.noise(20)),
            _ => {
                let mut request = vec![0x80, 0x04];
                request.extend(self.noise(4));
                (PayloadType::Control, RouteType::Direct, request)
            }
        }
    }

    fn group_text(&mut self, key: &ChannelKey, seconds: u32, text: &str) -> Vec<u8> {
        let sender = NODES[14 + self.random.below(5)].0;
        let (mut plain, mut out) = ([0; MAX_PAYLOAD], [0; MAX_PAYLOAD]);
        let length = GroupText::compose(seconds, sender, text, &mut plain).expect("fits");
        let length = GroupDatagram::seal(key, &plain[..length], &mut out).expect("fits");
        out[..length].to_vec()
    }

    fn reception(
        &mut self,
        at: i64,
        node: usize,
        region: &str,
        (payload_type, route): (PayloadType, RouteType),
        (hash_size, count, path): (usize, usize, &[u8]),
        payload: &[u8],
    ) {
        let path_len = PathLen::new(hash_size as u8, count as u8).expect("paths are short");
        let packet = Packet::new(Header::new(route, payload_type), None, path_len, path, payload)
            .expect("a good frame");
        let mut raw = [0; MAX_FRAME];
        let length = packet.encode_into(&mut raw).expect("fits");
        let snr = (self.random.below(100) as f64 - 40.0) / 4.0;
        let rssi = -128 + (snr + 12.0) as i64 * 2 + self.random.below(6) as i64;
        let line = json!({
            "timestamp": UnixMillis::new(at).to_rfc3339_millis(),
            "iata": region,
            "observer_id": hex::encode_upper(key_of(node)),
            "observer_name": NODES[node].0,
            "snr": snr,
            "rssi": rssi,
            "raw": hex::encode_upper(&raw[..length]),
        });
        self.lines.push((at, line));
    }

    fn status(&mut self, node: usize, region: &str) {
        let line = json!({
            "timestamp": UnixMillis::new(START).to_rfc3339_millis(),
            "topic": format!("meshcore/{region}/{}/status", hex::encode_upper(key_of(node))),
            "payload": {
                "status": "online", "origin": NODES[node].0, "model": "demo board", "firmware_version": "v1.17.1",
                "client_version": "demo/1", "radio": "869.618,62.5,8,5", "repeat": true,
                "stats": {
                    "battery_mv": 3900 + self.random.below(300), "uptime_secs": 3600 + self.random.below(90_000),
                    "noise_floor": -118 + self.random.below(14) as i64, "packets_recv": self.random.below(9_000),
                },
            },
        });
        self.lines.push((START, line));
    }

    fn noise(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.random.below(256) as u8).collect()
    }
}

fn identity(node: usize) -> Identity {
    let mut seed = *b"corescope demo: nobody's secret!";
    seed[31] = u8::try_from(node).expect("few nodes");
    Identity::from_seed(&seed)
}

fn key_of(node: usize) -> [u8; 32] {
    *identity(node).public_key().as_bytes()
}

/// The `SplitMix64` generator: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }
}
