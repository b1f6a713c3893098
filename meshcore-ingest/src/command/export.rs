//! Channel messages on their way out: one after the other, none kept.

use std::io::{self, Write};

use meshcore_store::UnixMillis;
use meshcore_store::db::PacketRow;
use serde::Serialize;

use super::html;
use crate::log_text::is_treacherous;

/// How messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// An array of objects
    Json,
    /// A line per message
    Log,
    /// One page that needs nothing else, with search
    Html,
}

/// What somebody said in a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) channel: String,
    pub(super) sender: Option<String>,
    /// With the sender in front, as it was sent.
    pub(super) text: String,
    /// The sender's clock, Unix seconds.
    pub(super) sender_time: Option<u32>,
}

/// A message as it is written down. Signal and path are those of the best observation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Message<'a> {
    /// When it was heard first, RFC 3339.
    pub(super) time: Option<String>,
    pub(super) channel: &'a str,
    /// As the text claims: nothing proves it.
    pub(super) sender: Option<&'a str>,
    /// Without the sender.
    pub(super) text: &'a str,
    /// The sender's clock, RFC 3339.
    pub(super) sender_time: Option<String>,
    pub(super) hash: &'a str,
    /// How many observers heard it.
    pub(super) observers: usize,
    pub(super) hops: usize,
    /// Upper-case hex.
    pub(super) path: &'a [String],
    /// dB.
    pub(super) snr: Option<f64>,
    /// dBm.
    pub(super) rssi: Option<f64>,
}

impl<'a> Message<'a> {
    fn of(packet: &'a PacketRow, said: &'a Said) -> Self {
        let best = packet.best();
        let path = best.map_or(&[][..], |observation| &observation.path);
        let sender = said.sender.as_deref();
        let after = sender.and_then(|sender| said.text.strip_prefix(sender)?.strip_prefix(": "));
        Self {
            time: packet.first_seen.map(UnixMillis::to_rfc3339_seconds),
            channel: &said.channel,
            sender,
            text: after.unwrap_or(&said.text),
            sender_time: said
                .sender_time
                .map(|seconds| UnixMillis::from_seconds(seconds.into()).to_rfc3339_seconds()),
            hash: &packet.hash,
            observers: packet.observer_count(),
            hops: path.len(),
            path,
            snr: best.and_then(|observation| observation.snr),
            rssi: best.and_then(|observation| observation.rssi),
        }
    }
}

/// A file that is being written.
pub(super) struct Export<W> {
    format: Format,
    out: W,
    messages: u64,
}

impl<W: Write> Export<W> {
    pub(super) fn begin(format: Format, mut out: W) -> io::Result<Self> {
        match format {
            Format::Json => write!(out, "[")?,
            Format::Log => {}
            Format::Html => html::begin(&mut out)?,
        }
        Ok(Self { format, out, messages: 0 })
    }

    pub(super) fn message(&mut self, packet: &PacketRow, said: &Said) -> io::Result<()> {
        let message = Message::of(packet, said);
        match self.format {
            Format::Json => {
                write!(self.out, "{}\n  ", if self.messages == 0 { "" } else { "," })?;
                serde_json::to_writer(&mut self.out, &message).map_err(io::Error::from)?;
            }
            Format::Log => {
                let time = message.time.as_deref().unwrap_or("-");
                let sender = message.sender.map(|sender| format!("{sender}: ")).unwrap_or_default();
                writeln!(
                    self.out,
                    "{time} {} {}{}",
                    clean(message.channel),
                    clean(&sender),
                    clean(message.text)
                )?;
            }
            Format::Html => html::message(&mut self.out, &message)?,
        }
        self.messages += 1;
        Ok(())
    }

    /// Gives the number of messages.
    pub(super) fn end(mut self) -> io::Result<u64> {
        match self.format {
            Format::Json => writeln!(self.out, "\n]")?,
            Format::Log => {}
            Format::Html => html::end(&mut self.out)?,
        }
        self.out.flush()?;
        Ok(self.messages)
    }
}

/// A text from the air on one line: blanks where lines end, and nothing that steers a terminal or turns the text around.
pub(super) fn clean(text: &str) -> String {
    let blanks = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c });
    blanks.filter(|c| !is_treacherous(*c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_from_the_air_stays_on_its_line() {
        assert_eq!(clean("a\r\nforged\u{85}\u{2028}\u{1b}[31m\0b\u{202e}c"), "a  forged  [31mbc");
    }
}
