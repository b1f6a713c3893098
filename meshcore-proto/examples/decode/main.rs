//! Shows frames part by part, as a tree for people or as JSON for programs.
//!
//! ```text
//! cargo run -p meshcore-proto --example decode --all-features -- 1500d9690030a5ce0449fcf0c44f2dd0db108c2fe6
//! cargo run -p meshcore-proto --example decode --all-features -- --json < frames.jsonl
//! ```
//!
//! Ends with 1 when anything given was not a frame.

use std::io::{self, BufRead, ErrorKind, Write};
use std::process::ExitCode;

use clap::Parser;
use meshcore_proto::hex::decode_into;
use meshcore_proto::{ChannelKey, DecodeOptions, FrameError, KeyRing, Packet};
use serde_json::Value;

mod clean;
mod json;
mod tree;

/// Shows MeshCore frames part by part.
#[derive(Parser)]
struct Arguments {
    /// Frames: hex digits, or a JSON object with the field `raw` or `raw_hex`. Without any, one per line of
    /// standard input
    frames: Vec<String>,

    /// One JSON object per frame and line
    #[arg(long)]
    json: bool,

    /// A channel to decrypt, besides `Public` and a few well-known hashtags: `NAME=KEY` with the key in base64 or
    /// as 32 or 64 hex digits, or `#NAME` alone
    #[arg(long, value_name = "NAME[=KEY]", value_parser = channel)]
    channel: Vec<(String, ChannelKey)>,

    /// Refuse frames of other versions, as nodes do
    #[arg(long)]
    strict: bool,
}

/// Why a line is not a frame.
#[derive(Debug, thiserror::Error)]
enum LineError {
    #[error("not JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("no field `raw` or `raw_hex` with a text in it")]
    NoFrame,
    #[error("not hex: {0}")]
    Hex(#[from] meshcore_proto::hex::HexError),
    #[error("not a frame: {0}")]
    Frame(#[from] FrameError),
}

impl LineError {
    /// Where it failed and the stable name of the failure.
    const fn layer_and_kind(&self) -> (&'static str, &'static str) {
        match self {
            Self::Json(_) => ("line", "InvalidJson"),
            Self::NoFrame => ("line", "NoFrame"),
            Self::Hex(err) => ("hex", err.kind()),
            Self::Frame(err) => ("frame", err.kind()),
        }
    }
}

fn main() -> ExitCode {
    let mut arguments = Arguments::parse();
    match run(&mut arguments) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        // whoever read this has read enough
        Err(err) if err.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(err) => {
            let _ = writeln!(io::stderr(), "{err}");
            ExitCode::FAILURE
        }
    }
}

/// Shows everything; how many lines were not frames.
fn run(arguments: &mut Arguments) -> io::Result<usize> {
    let mut keys = KeyRing::new();
    keys.extend(arguments.channel.drain(..));
    keys.push("Public", ChannelKey::public());
    keys.extend(["#test", "#bot", "#LongFast"].map(|name| (name, ChannelKey::hashtag(name))));

    let mut bad = 0;
    let mut out = io::stdout().lock();
    let mut show = |line: &str| -> io::Result<()> {
        if !line.trim().is_empty() && !show(&mut out, line.trim(), &keys, arguments)? {
            bad += 1;
        }
        Ok(())
    };
    for frame in &arguments.frames {
        show(frame)?;
    }
    if arguments.frames.is_empty() {
        for line in io::stdin().lock().split(b'\n') {
            show(&String::from_utf8_lossy(&line?))?;
        }
    }
    Ok(bad)
}

/// Shows one frame; whether it was one.
fn show(out: &mut impl Write, line: &str, keys: &KeyRing, arguments: &Arguments) -> io::Result<bool> {
    let options = if arguments.strict { DecodeOptions::strict() } else { DecodeOptions::analyzer() };
    let mut raw = [0; 512];
    let read = hex_of(line).and_then(|hex| Ok(&*decode_into(&hex, &mut raw)?));
    let packet = read.and_then(|raw| Ok(Packet::parse_with(raw, options)?));
    match (&packet, arguments.json) {
        (Ok(packet), true) => json::write(out, &json::frame(packet, keys))?,
        (Ok(packet), false) => tree::frame(out, packet, keys)?,
        (Err(err), true) => json::write(out, &json::error(err))?,
        (Err(err), false) => writeln!(out, "{}", clean::Clean(&err.to_string()))?,
    }
    Ok(packet.is_ok())
}

/// The hex digits of a line, which are all of it or a field of its object.
fn hex_of(line: &str) -> Result<String, LineError> {
    if !line.starts_with('{') {
        return Ok(line.to_owned());
    }
    let object: Value = serde_json::from_str(line)?;
    let field = ["raw", "raw_hex"].iter().find_map(|name| object[*name].as_str());
    Ok(field.ok_or(LineError::NoFrame)?.to_owned())
}

fn channel(text: &str) -> Result<(String, ChannelKey), String> {
    let Some((name, key)) = text.split_once('=') else {
        return match text.strip_prefix('#') {
            Some(_) => Ok((text.to_owned(), ChannelKey::hashtag(text))),
            None => Err("a channel whose name has no # needs a key: NAME=KEY".into()),
        };
    };
    let mut secret = [0; 32];
    let key = match decode_into(key, &mut secret) {
        Ok(secret) if secret.len() >= 16 => ChannelKey::from_slice(secret),
        _ => ChannelKey::from_base64(key),
    };
    Ok((name.to_owned(), key.map_err(|err| err.to_string())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_key_is_written_in_many_ways() {
        let public = ChannelKey::public();
        for text in ["Public=8b3387e9c5cdea6ac9e5edbaa115cd72", "Public=izOH6cXN6mrJ5e26oRXNcg=="] {
            assert_eq!(channel(text), Ok(("Public".to_owned(), public.clone())));
        }
        assert_eq!(channel("#test").unwrap().1, ChannelKey::hashtag("#test"));
        assert!(channel("Public").is_err() && channel("a=00").is_err());
    }
}
