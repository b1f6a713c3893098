//! Those who report: what they run, which clocks they have, and what they count.

use meshcore_proto::NodeType;

use super::flight::FlightCopy;
use super::mesh::Node;
use super::options::MeshOptions;
use super::random::Random;

/// How an observer writes its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// meshcoretomqtt: all numbers as text, whole decibels, UTC with microseconds.
    Texts,
    /// Numbers as numbers, local time without a zone.
    Naive,
    /// The firmware itself: few fields, numbers with units, lower case.
    Units,
    /// Numbers as numbers, UTC, its own transmissions as they were.
    Numbers,
}

/// A node with an uplink to a broker.
#[derive(Debug)]
pub(super) struct Observer {
    pub(super) node: u32,
    pub(super) iata: &'static str,
    pub(super) dialect: Dialect,
    pub(super) reports_sent: bool,
    /// From a reception to its message: milliseconds.
    pub(super) latency: i64,
    /// What the clock of the host is wrong by: milliseconds at the start, and millionths.
    clock_offset: i64,
    clock_drift: i64,
    /// Hours the local time of [`Dialect::Naive`] is ahead of UTC.
    pub(super) zone_hours: i64,
    /// What the clock of the node itself is wrong by: seconds.
    pub(super) device_offset: i64,
    /// dBm.
    pub(super) noise_floor: i32,
    /// Hours the node had been up when the stream began.
    pub(super) uptime_hours: i64,
    pub(super) has_battery: bool,
    pub(super) model: &'static str,
    pub(super) firmware: &'static str,
    pub(super) client: &'static str,
    pub(super) radio: String,
}

const MODELS: &[&str] =
    &["Heltec V3", "RAK 4631", "Xiao S3 WIO", "Station G2", "Heltec T114", "LilyGo T-Beam"];
const FIRMWARES: &[&str] = &["v1.14.1", "v1.16.0", "v1.15.0", "v1.17.1", "v1.12.0"];
const TEXT_CLIENTS: &[&str] =
    &["meshcoretomqtt/1.1.0.0-c0f8fc8", "meshcoretomqtt/1.0.8.0-e52c5ed", "meshcoretomqtt/1.0.6.2-71f0cc8"];

impl Observer {
    /// Makes observers of some nodes: relays and rooms nine times in ten, of those that do not move.
    pub(super) fn choose(options: &MeshOptions, nodes: &mut [Node]) -> Vec<Self> {
        let mut random = Random::new(options.seed, 4);
        let mut order: Vec<(u32, u32)> = (0..)
            .zip(nodes.iter())
            .filter(|(_, node)| !node.is_mobile())
            .map(|(number, node)| {
                let later = if node.node_type == NodeType::Chat { 1 << 30 } else { 0 };
                (later + random.below(1 << 30), number)
            })
            .collect();
        order.sort_unstable();
        let wanted = usize::from(options.observers);
        let companions = wanted / 10;
        let (front, back) = (wanted - companions, order.len().saturating_sub(companions));
        let mut chosen: Vec<u32> = order
            .iter()
            .take(front)
            .chain(order.iter().skip(back.max(front)))
            .map(|(_, node)| *node)
            .collect();
        chosen.sort_unstable();
        chosen
            .into_iter()
            .zip(0_u16..)
            .map(|(number, index)| {
                let node = &mut nodes[number as usize];
                node.observer = Some(index);
                Self::of(number, node, options, &mut random)
            })
            .collect()
    }

    fn of(number: u32, node: &Node, options: &MeshOptions, random: &mut Random) -> Self {
        let dialect = match random.weighted(&[58, 12, 12, 18]) {
            0 => Dialect::Texts,
            1 => Dialect::Naive,
            2 => Dialect::Units,
            _ => Dialect::Numbers,
        };
        let firmware = random.pick(FIRMWARES);
        let radio = &options.radio;
        let khz = f64::from(radio.bandwidth_hz) / 1000.0;
        let end = if dialect == Dialect::Units { "\r" } else { "" };
        Self {
            node: number,
            iata: options.airports[usize::from(node.airport)].iata,
            dialect,
            reports_sent: dialect != Dialect::Units && random.happens(400),
            latency: i64::from(random.between(20, 400)),
            clock_offset: match random.below(8) {
                0 => i64::from(random.between(-90_000, 30_000)),
                _ => i64::from(random.between(-300, 300)),
            },
            clock_drift: i64::from(random.between(-20, 20)),
            zone_hours: i64::from(random.between(1, 2)),
            device_offset: if random.happens(150) { -31_536_000 } else { i64::from(random.between(-40, 40)) },
            noise_floor: random.between(-120, -104),
            uptime_hours: i64::from(random.between(1, 900)),
            has_battery: random.happens(700),
            model: random.pick(MODELS),
            firmware,
            client: match dialect {
                Dialect::Texts => random.pick(TEXT_CLIENTS),
                Dialect::Naive => "meshcore-packet-capture/1.2.1-1bd909c",
                Dialect::Units => "meshcoremqtt/v1.16.0",
                Dialect::Numbers => "pyMC_repeater/1.0.8.dev49",
            },
            radio: format!("869.618,{khz},{},{}{end}", radio.spreading_factor, radio.coding_rate),
        }
    }

    /// What its host's clock shows `elapsed` milliseconds into the stream.
    pub(super) const fn clock(&self, at: i64, elapsed: i64) -> i64 {
        at + self.clock_offset + elapsed / 1000 * self.clock_drift / 1000
    }
}

/// What an observer has counted so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Counters {
    /// The last frame received: meshcoretomqtt repeats it when it reports one sent.
    pub(super) last: Option<FlightCopy>,
    pub(super) received: u64,
    pub(super) sent: u64,
    pub(super) rx_air_ms: i64,
    pub(super) tx_air_ms: i64,
    pub(super) errors: u64,
    /// It is switched off until then.
    pub(super) silent_until: i64,
}
