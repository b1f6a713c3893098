//! Makes the frame of a signed advert and prints it in hex.
//!
//! ```text
//! cargo run -p meshcore-proto --example encode_advert --all-features -- \
//!     --seed 0707070707070707070707070707070707070707070707070707070707070707 --name "Hill" --lat 47.1 --lon 8.6
//! ```
//!
//! `decode` reads what it prints. Other users of the machine can see the key on
//! a command line.

use std::error::Error;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{ArgGroup, Parser};
use meshcore_proto::payload::{AppData, LatLonE6, MAX_APP_DATA};
use meshcore_proto::{FrameBuf, Identity, NewAdvert, NodeType, Route};

#[path = "decode/hidden.rs"]
mod hidden;

use hidden::Hidden;

/// Prints the frame of a signed advert.
#[derive(Parser)]
#[command(group = ArgGroup::new("key").args(["seed", "private_key"]).required(true))]
struct Arguments {
    /// The node's seed, 64 hex digits
    #[arg(long, value_parser = Hidden(hidden::bytes::<32>))]
    seed: Option<[u8; 32]>,

    /// The node's private key as the firmware exports it, 128 hex digits
    #[arg(long, value_parser = Hidden(hidden::bytes::<64>))]
    private_key: Option<[u8; 64]>,

    /// The node's name; what does not fit is cut off
    #[arg(long)]
    name: Option<String>,

    /// What the node is: none, chat, repeater, room, sensor, or a number up to 15
    #[arg(long = "type", default_value = "chat", value_parser = node_type)]
    node_type: NodeType,

    /// Latitude in degrees, -90 to 90
    #[arg(long, requires = "lon", allow_negative_numbers = true)]
    lat: Option<f64>,

    /// Longitude in degrees, -180 to 180
    #[arg(long, requires = "lat", allow_negative_numbers = true)]
    lon: Option<f64>,

    /// Unix seconds; now, if not given
    #[arg(long)]
    timestamp: Option<u32>,

    /// Bytes per hop that repeaters will add to the path
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=3))]
    hash_size: u8,

    /// To direct neighbours only: no repeater passes it on
    #[arg(long, conflicts_with = "hash_size")]
    zero_hop: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let written = frame(&arguments).and_then(|frame| match writeln!(io::stdout(), "{frame}") {
        // whoever read this has read enough
        Err(err) if err.kind() != ErrorKind::BrokenPipe => Err(err.into()),
        _ => Ok(()),
    });
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            let _ = writeln!(io::stderr(), "error: {err}");
            ExitCode::FAILURE
        }
    }
}

fn frame(arguments: &Arguments) -> Result<FrameBuf, Box<dyn Error>> {
    let identity = match (&arguments.private_key, &arguments.seed) {
        (Some(private_key), _) => Identity::from_expanded(private_key),
        (None, Some(seed)) => Identity::from_seed(seed),
        (None, None) => return Err("no key".into()),
    };
    let timestamp = match arguments.timestamp {
        Some(timestamp) => timestamp,
        None => SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs().try_into()?,
    };
    let position = arguments.lat.zip(arguments.lon).map(|(lat, lon)| position(lat, lon)).transpose()?;
    let app_data = AppData {
        position,
        name: arguments.name.as_deref().map(str::as_bytes),
        ..AppData::new(arguments.node_type)
    };
    if let Some(warning) = name_warning(&app_data)? {
        let _ = writeln!(io::stderr(), "warning: {warning}");
    }
    let route = if arguments.zero_hop { Route::zero_hop() } else { Route::flood(arguments.hash_size)? };
    Ok(route.frame(&NewAdvert { identity: &identity, timestamp, app_data })?)
}

fn position(lat: f64, lon: f64) -> Result<LatLonE6, String> {
    let position = LatLonE6::from_degrees(lat, lon);
    if !lat.is_finite() || !lon.is_finite() || !position.is_on_earth() {
        return Err(format!("{lat}, {lon} is not on Earth: latitude -90 to 90, longitude -180 to 180"));
    }
    Ok(position)
}

/// What of the name is not sent, if anything.
fn name_warning(app_data: &AppData<'_>) -> Result<Option<String>, Box<dyn Error>> {
    let Some(name) = app_data.name else { return Ok(None) };
    let mut buf = [0; MAX_APP_DATA];
    let len = app_data.encode_into(&mut buf)?;
    let sent = AppData::parse(&buf[..len])?.name.unwrap_or_default();
    Ok(match (sent.len(), name.len()) {
        (_, 0) => Some("an empty name is not sent".to_owned()),
        (fits, all) if fits < all => Some(format!("the name is cut: {fits} of its {all} bytes fit")),
        _ => None,
    })
}

fn node_type(text: &str) -> Result<NodeType, &'static str> {
    let by_name = (0..5).map(NodeType::from_bits).find(|known| known.name().eq_ignore_ascii_case(text));
    let by_number = || text.parse().ok().filter(|&number: &u8| number < 16).map(NodeType::from_bits);
    by_name.or_else(by_number).ok_or("one of none, chat, repeater, room, sensor, or a number up to 15")
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshcore_proto::{Packet, Payload, RouteType};

    const SEED: [&str; 2] = ["--seed", "0707070707070707070707070707070707070707070707070707070707070707"];

    fn parse(arguments: &[&str]) -> Result<Arguments, String> {
        Arguments::try_parse_from(["encode_advert"].iter().chain(arguments)).map_err(|err| err.to_string())
    }

    fn with_seed(arguments: &[&str]) -> Result<FrameBuf, String> {
        frame(&parse(&[&SEED[..], arguments].concat())?).map_err(|err| err.to_string())
    }

    #[test]
    fn the_frame_says_what_was_asked_for() {
        let frame =
            with_seed(&["--name", "Hill", "--lat", "-47.1", "--lon", "8.6", "--type", "Room"]).unwrap();
        let packet = Packet::parse(&frame).unwrap();
        let Ok(Payload::Advert(advert)) = packet.payload() else { panic!("an advert was asked for") };
        assert!(advert.verify().is_ok());
        let data = advert.app_data().unwrap();
        assert_eq!((data.name_str(), data.node_type), (Some("Hill"), NodeType::Room));
        assert_eq!(data.position, Some(LatLonE6 { lat: -47_100_000, lon: 8_600_000 }));

        let frame = with_seed(&["--zero-hop"]).unwrap();
        assert_eq!(Packet::parse(&frame).unwrap().header().route(), RouteType::Direct);
    }

    #[test]
    fn a_seed_is_its_private_key() {
        let expanded = meshcore_proto::hex::LowerHex(&Identity::expand_seed(&[7; 32])).to_string();
        let arguments = parse(&["--private-key", &expanded, "--timestamp", "1"]).unwrap();
        assert_eq!(frame(&arguments).unwrap(), with_seed(&["--timestamp", "1"]).unwrap());
    }

    #[test]
    fn exactly_one_key_of_the_right_length_is_needed() {
        assert!(parse(&[]).is_err());
        let private_key = "07".repeat(64);
        assert!(
            parse(&[&SEED[..], &["--private-key", &private_key]].concat())
                .err()
                .unwrap()
                .contains("cannot be used with")
        );
        let err = parse(&["--seed", "deadbee"]).err().unwrap();
        assert!(err.contains("7 hex digits: 64 needed") && !err.contains("deadbee"), "{err}");
    }

    #[test]
    fn a_position_is_whole_and_on_earth() {
        for (lat, lon) in [("nan", "8"), ("47", "inf"), ("91", "8"), ("47", "-180.1")] {
            let err = with_seed(&["--lat", lat, "--lon", lon]).unwrap_err();
            assert!(err.contains("is not on Earth"), "{err}");
        }
        assert!(with_seed(&["--lat", "47"]).unwrap_err().contains("--lon"));
    }

    #[test]
    fn what_is_not_sent_of_a_name_is_told() {
        let warning = |name: &'static str| {
            let name = Some(name.as_bytes());
            name_warning(&AppData { name, ..AppData::new(NodeType::Chat) }).unwrap()
        };
        assert_eq!(warning("Hill"), None);
        assert_eq!(warning("").as_deref(), Some("an empty name is not sent"));
        let cut = warning("zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzé");
        assert_eq!(cut.as_deref(), Some("the name is cut: 30 of its 32 bytes fit"));
    }

    #[test]
    fn a_wrong_type_is_told_the_right_ones() {
        assert!(with_seed(&["--type", "foo"]).unwrap_err().contains("none, chat, repeater, room, sensor"));
        assert!(with_seed(&["--type", "16"]).is_err() && with_seed(&["--type", "15"]).is_ok());
    }
}
