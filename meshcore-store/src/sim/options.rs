//! What can be chosen of a mesh and of its traffic.

use meshcore_proto::airtime::LoraParams;
use meshcore_proto::payload::LatLonE6;

/// An airport: observers take the code of the nearest one as their region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Airport {
    /// Three upper-case letters.
    pub iata: &'static str,
    /// Where it is.
    pub position: LatLonE6,
    /// The scope that repeaters around it let pass, with its `#`.
    pub region: &'static str,
}

/// The airports of the presets: between Upper Rhine and Alps.
pub const AIRPORTS: &[Airport] = &[
    airport("ZRH", 47_458_000, 8_548_000, "#mittelland"),
    airport("BSL", 47_590_000, 7_529_000, "#oberrhein"),
    airport("FDH", 47_671_000, 9_511_000, "#Bodensee"),
    airport("BRN", 46_914_000, 7_497_000, "#mittelland"),
    airport("STR", 48_690_000, 9_222_000, "#schwaben"),
    airport("LUG", 46_004_000, 8_911_000, "#ticino"),
    airport("INN", 47_260_000, 11_344_000, "#alpen"),
];

const fn airport(iata: &'static str, lat: i32, lon: i32, region: &'static str) -> Airport {
    Airport { iata, position: LatLonE6 { lat, lon }, region }
}

/// A mesh to be made. Equal options make equal meshes.
///
/// Shares are in thousandths of [`nodes`](Self::nodes); what remains are companions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeshOptions {
    /// All chance comes from it.
    pub seed: u64,
    /// Nodes in all, 2 to 65,000.
    pub nodes: u32,
    /// How many are repeaters.
    pub repeaters_permille: u32,
    /// How many are room servers; one in three of them repeats.
    pub rooms_permille: u32,
    /// How many are sensors.
    pub sensors_permille: u32,
    /// Nodes that report what they hear: repeaters and rooms mostly, some companions.
    pub observers: u16,
    /// The middle of the mesh.
    pub center: LatLonE6,
    /// Metres from the middle to each side of the area.
    pub half_width_m: i32,
    /// Places where nodes crowd.
    pub towns: u32,
    /// Where regions and scopes come from. Not empty.
    pub airports: &'static [Airport],
    /// The radio settings of all nodes.
    pub radio: LoraParams,
    /// How many nodes send paths with hashes of 1, 2 and 3 bytes: weights.
    pub hash_sizes: [u32; 3],
}

impl MeshOptions {
    /// 20 nodes and 3 observers around one town: for tests.
    pub const fn small() -> Self {
        Self {
            nodes: 20,
            repeaters_permille: 450,
            rooms_permille: 100,
            sensors_permille: 50,
            observers: 3,
            half_width_m: 6_000,
            towns: 2,
            ..Self::real()
        }
    }

    /// 150 nodes and 8 observers: a town and what is around it.
    pub const fn town() -> Self {
        Self { nodes: 150, observers: 8, half_width_m: 17_000, towns: 6, ..Self::real() }
    }

    /// As many nodes (760) and observers (31) as a real deployment that was recorded, and about as many observations
    /// of each packet: 24. With other seeds it is 14 to 49.
    pub const fn real() -> Self {
        Self {
            seed: 8,
            nodes: 760,
            repeaters_permille: 480,
            rooms_permille: 60,
            sensors_permille: 30,
            observers: 31,
            center: LatLonE6 { lat: 47_420_000, lon: 8_600_000 },
            half_width_m: 60_000,
            towns: 30,
            airports: AIRPORTS,
            radio: LoraParams::new(8, 62_500, 8),
            hash_sizes: [70, 22, 8],
        }
    }

    /// 3,000 nodes and 100 observers: the largest deployment published. 16 observations of each packet.
    pub const fn largest() -> Self {
        Self { nodes: 3_000, observers: 100, half_width_m: 140_000, towns: 110, ..Self::real() }
    }

    /// The same mesh by another seed: other nodes at other places.
    #[must_use]
    pub const fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }
}

/// How busy a mesh is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrafficOptions {
    /// Receptions per second of simulated time, as a mean over a day. `None` for what the nodes send by themselves.
    ///
    /// Busier is done by making everything more frequent, so the mix stays the same. An advert of a repeater that
    /// goes out every 12 hours may then go out every minute.
    pub observations_per_second: Option<u32>,
}

impl TrafficOptions {
    /// About `observations_per_second` receptions.
    pub const fn rate(observations_per_second: u32) -> Self {
        Self { observations_per_second: Some(observations_per_second) }
    }
}
