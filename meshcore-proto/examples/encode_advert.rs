//! Makes the frame of a signed advert and prints it in hex.
//!
//! ```text
//! cargo run -p meshcore-proto --example encode_advert --all-features -- \
//!     --seed 0707070707070707070707070707070707070707070707070707070707070707 --name "Hill" --lat 47.1 --lon 8.6
//! ```
//!
//! `decode` reads what it prints.

use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Parser;
use meshcore_proto::hex::{LowerHex, decode_into};
use meshcore_proto::payload::{Advert, AppData, LatLonE6, MAX_APP_DATA};
use meshcore_proto::{
    Header, Identity, MAX_FRAME, MAX_PAYLOAD, NodeType, Packet, PathLen, PayloadType, RouteType,
};

/// Prints the frame of a signed advert.
#[derive(Parser)]
struct Arguments {
    /// The node's seed, 64 hex digits
    #[arg(long, value_parser = hex::<32>, required_unless_present = "private_key")]
    seed: Option<[u8; 32]>,

    /// The node's private key as the firmware exports it, 128 hex digits
    #[arg(long, value_parser = hex::<64>, conflicts_with = "seed")]
    private_key: Option<[u8; 64]>,

    /// The node's name; what does not fit is cut off
    #[arg(long)]
    name: Option<String>,

    /// What the node is: none, chat, repeater, room, sensor, or a number up to 15
    #[arg(long = "type", default_value = "chat", value_parser = node_type)]
    node_type: NodeType,

    /// Latitude in degrees
    #[arg(long, requires = "lon", allow_negative_numbers = true)]
    lat: Option<f64>,

    /// Longitude in degrees
    #[arg(long, requires = "lat", allow_negative_numbers = true)]
    lon: Option<f64>,

    /// Unix seconds; now, if not given
    #[arg(long)]
    timestamp: Option<u32>,

    /// Bytes per hop that repeaters will add to the path
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=3))]
    hash_size: u8,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    let identity = match (&arguments.private_key, &arguments.seed) {
        (Some(private_key), _) => Identity::from_expanded(private_key),
        (None, seed) => Identity::from_seed(&seed.unwrap_or_default()),
    };
    let timestamp = match arguments.timestamp {
        Some(timestamp) => timestamp,
        None => SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs().try_into()?,
    };
    let app_data = AppData {
        position: arguments.lat.zip(arguments.lon).map(|(lat, lon)| LatLonE6::from_degrees(lat, lon)),
        name: arguments.name.as_deref().map(str::as_bytes),
        ..AppData::new(arguments.node_type)
    };

    let mut data = [0; MAX_APP_DATA];
    let data_len = app_data.encode_into(&mut data)?;
    let mut payload = [0; MAX_PAYLOAD];
    let payload_len = Advert::sign_into(&identity, timestamp, &data[..data_len], &mut payload)?;
    let header = Header::new(RouteType::Flood, PayloadType::Advert);
    let path_len = PathLen::try_new(arguments.hash_size, 0)?;
    let packet = Packet::new(header, None, path_len, &[], &payload[..payload_len])?;
    let mut frame = [0; MAX_FRAME];
    let len = packet.encode_into(&mut frame)?;
    writeln!(io::stdout(), "{}", LowerHex(&frame[..len]))?;
    Ok(())
}

fn hex<const N: usize>(text: &str) -> Result<[u8; N], String> {
    let mut bytes = [0; N];
    match decode_into(text, &mut bytes) {
        Ok(all) if all.len() == N => Ok(bytes),
        Ok(part) => Err(format!("{} digits where {} are needed", part.len() * 2, N * 2)),
        Err(err) => Err(err.to_string()),
    }
}

fn node_type(text: &str) -> Result<NodeType, String> {
    let by_name = (0..5).map(NodeType::from_bits).find(|known| known.name().eq_ignore_ascii_case(text));
    let by_number = || text.parse().ok().filter(|&number: &u8| number < 16).map(NodeType::from_bits);
    by_name.or_else(by_number).ok_or_else(|| "not a type of node".into())
}
