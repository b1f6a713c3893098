//! `decrypt`: the messages of channels out of a database, for people and other programs.

use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use meshcore_proto::{ChannelKey, KeyRing, Packet, PayloadType};
use meshcore_store::db::{PacketRow, Reader};
use meshcore_store::decoded::{Decoded, DecodedPayload, Signatures};
use serde::Deserialize;

use super::export::{Export, Format, Said};
use super::{ConfigArgs, Display};
use crate::keys::key_ring;

/// Arguments of `decrypt`.
#[derive(Clone, Debug, clap::Args)]
pub struct Decrypt {
    /// The database
    file: PathBuf,

    /// Only this channel; of a hashtag channel the name is enough
    #[arg(long, value_name = "NAME")]
    channel: Option<String>,

    /// Only what this key opens (hex or base64), instead of the configured keys
    #[arg(long, value_name = "KEY", value_parser = key)]
    key: Option<ChannelKey>,

    #[command(flatten)]
    config: ConfigArgs,

    /// How it is written
    #[arg(long, value_enum, default_value_t = Format::Log)]
    format: Format,

    /// Where it is written, a file that does not exist [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Decrypt {
    pub(super) fn run(&self, display: &mut Display) -> anyhow::Result<()> {
        let selection = Selection::new(self)?;
        let reader = Reader::open(&self.file)?;
        match &self.out {
            None => {
                let written = selection.write(&reader, self.format, io::stdout().lock());
                match written {
                    Err(error) if is_broken_pipe(&error) => Ok(()), // who reads has seen enough
                    written => written.map(drop),
                }
            }
            Some(path) => {
                let file = File::create_new(path).with_context(|| new_file(path))?;
                let messages = selection.write(&reader, self.format, file)?;
                display.line(&format!("{}: {messages} messages", path.display()))?;
                Ok(())
            }
        }
    }
}

/// Which messages are wanted, and what opens them.
struct Selection {
    keys: KeyRing,
    /// Names that match; empty: all.
    channels: Vec<String>,
    /// What was readable when it was stored is wanted too.
    with_stored: bool,
}

impl Selection {
    fn new(args: &Decrypt) -> anyhow::Result<Self> {
        let name = args.channel.clone();
        if let Some(key) = &args.key {
            let keys = [(name.unwrap_or_else(|| "key".into()), key.clone())].into_iter().collect();
            return Ok(Self { keys, channels: Vec::new(), with_stored: false });
        }
        let mut keys = key_ring(&args.config.load()?);
        let mut channels: Vec<String> = name.into_iter().collect();
        // A shell takes `#` for a comment, so it may be left out.
        if let Some(bare) = channels.first().map(|name| name.trim_start_matches('#').to_owned()) {
            let hashtag = format!("#{bare}");
            keys.push(hashtag.as_str(), ChannelKey::hashtag(&hashtag));
            channels.push(hashtag);
        }
        Ok(Self { keys, channels, with_stored: true })
    }

    /// Writes all messages; gives their number.
    fn write(&self, reader: &Reader, format: Format, out: impl Write) -> anyhow::Result<u64> {
        let mut export = Export::begin(format, BufWriter::new(out))?;
        let mut packets = reader.walk(PayloadType::GrpTxt.bits());
        loop {
            let page = packets.next_page()?;
            if page.is_empty() {
                return Ok(export.end()?);
            }
            for packet in &page {
                if let Some(said) = self.read(packet).filter(|said| self.wants(&said.channel)) {
                    export.message(packet, &said)?;
                }
            }
        }
    }

    fn wants(&self, channel: &str) -> bool {
        self.channels.is_empty() || self.channels.iter().any(|name| name.eq_ignore_ascii_case(channel))
    }

    fn read(&self, packet: &PacketRow) -> Option<Said> {
        self.open(&packet.raw_hex).or_else(|| {
            let stored = packet.decoded_json.as_deref().filter(|_| self.with_stored)?;
            serde_json::from_str::<Stored>(stored).ok().filter(|stored| stored.kind == "CHAN").map(Said::from)
        })
    }

    /// What a frame says, if one of the keys opens it.
    fn open(&self, raw_hex: &str) -> Option<Said> {
        let frame = hex::decode(raw_hex).ok()?;
        let packet = Packet::parse_lax(&frame).ok()?;
        match Decoded::of(&packet, &self.keys, Signatures::Ignore).payload {
            DecodedPayload::Channel(message) => Some(Said {
                channel: message.channel,
                sender: message.sender,
                text: message.text,
                sender_time: Some(message.sender_timestamp),
            }),
            _ => None,
        }
    }
}

/// A message that was readable when it was stored.
#[derive(Deserialize)]
struct Stored {
    #[serde(rename = "type")]
    kind: String,
    channel: String,
    text: String,
    sender: Option<String>,
    sender_timestamp: Option<u32>,
}

impl From<Stored> for Said {
    fn from(stored: Stored) -> Self {
        let Stored { channel, text, sender, sender_timestamp, .. } = stored;
        Self { channel, text, sender, sender_time: sender_timestamp }
    }
}

fn key(text: &str) -> Result<ChannelKey, String> {
    text.trim().parse().map_err(|_| "expected 32 or 64 hex digits, or base64".to_owned())
}

fn new_file(path: &Path) -> String {
    if path.exists() {
        format!("{}: exists; choose another name", path.display())
    } else {
        path.display().to_string()
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}
