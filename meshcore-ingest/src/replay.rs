//! Recorded messages through the same pipeline as live ones.
//!
//! A recording has one JSON object per line, in one of two forms:
//!
//! * a reception: `raw`, `observer_id`, `iata`, and where known `snr`, `rssi`, `observer_name`, `timestamp`;
//! * an MQTT message: `topic`, `payload`, and where known `timestamp`.
//!
//! `timestamp` (RFC 3339) paces the replay and is not passed on: a replayed message arrives now.

use std::io::{self, BufRead};
use std::time::Duration;

use meshcore_store::UnixMillis;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::sleep;
use tracing::{info, warn};

use crate::pipeline::Inlet;

/// Becomes `true` when the program ends.
pub type Stop = watch::Receiver<bool>;

/// Longest pause between two messages: recordings may span nights.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// How soon a full queue is looked at again.
const ROOM: Duration = Duration::from_millis(5);

/// A line of a recording.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Line {
    Message { topic: String, payload: Value, timestamp: Option<String> },
    Reception(RecordedReception),
}

#[derive(Debug, Deserialize)]
struct RecordedReception {
    raw: String,
    observer_id: String,
    iata: Option<String>,
    observer_name: Option<String>,
    snr: Option<f64>,
    rssi: Option<f64>,
    timestamp: Option<String>,
}

/// An MQTT message out of a recording, or one made up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recorded {
    pub(crate) topic: String,
    pub(crate) payload: Vec<u8>,
    /// When it was published; `None`: at once after the one before.
    pub(crate) at: Option<UnixMillis>,
}

/// Feeds `recording` at `speed` times the recorded pace; 0 = without pauses.
///
/// A line that cannot be read is warned about and skipped. When too many messages wait, so does the recording.
///
/// # Errors
/// [`io::Error`], when the recording cannot be read on.
pub async fn run(recording: impl BufRead, speed: f64, inlet: Inlet, stop: Stop) -> io::Result<()> {
    play((1_u64..).zip(recording.split(b'\n')).filter_map(read), speed, inlet, stop).await
}

/// A line of a recording; `None` for one that is empty or cannot be read.
fn read((number, line): (u64, io::Result<Vec<u8>>)) -> Option<io::Result<Recorded>> {
    let line = match line {
        Ok(line) => line,
        Err(error) => return Some(Err(error)),
    };
    if line.trim_ascii().is_empty() {
        return None;
    }
    match serde_json::from_slice::<Line>(&line) {
        Ok(line) => Some(Ok(Recorded::from(line))),
        Err(error) => {
            warn!(line = number, %error, "recording: line skipped");
            None
        }
    }
}

/// Where played messages go.
pub(crate) trait Outlet {
    /// Sends one message, as soon as there is room for it.
    fn send(&self, recorded: &Recorded) -> impl Future<Output = io::Result<()>> + Send;
}

impl Outlet for Inlet {
    async fn send(&self, recorded: &Recorded) -> io::Result<()> {
        while self.is_full() {
            sleep(ROOM).await;
        }
        self.offer(&recorded.topic, &recorded.payload, false);
        Ok(())
    }
}

/// Sends messages at `speed` times their pace.
pub(crate) async fn play(
    messages: impl Iterator<Item = io::Result<Recorded>>,
    speed: f64,
    outlet: impl Outlet,
    mut stop: Stop,
) -> io::Result<()> {
    let mut previous: Option<UnixMillis> = None;
    let mut played = 0_u64;
    for recorded in messages {
        let recorded = recorded?;
        if let (Some(before), Some(at)) = (previous, recorded.at) {
            let pause = pause(at.get() - before.get(), speed);
            if !pause.is_zero() {
                tokio::select! {
                    () = sleep(pause) => {}
                    _ = stop.changed() => return Ok(()),
                }
            }
        }
        previous = recorded.at.or(previous);
        tokio::select! {
            sent = outlet.send(&recorded) => sent?,
            _ = stop.changed() => return Ok(()),
        }
        played += 1;
    }
    info!(messages = played, "recording played to its end");
    Ok(())
}

fn pause(recorded_millis: i64, speed: f64) -> Duration {
    let recorded = Duration::from_millis(u64::try_from(recorded_millis).unwrap_or(0));
    if speed > 0.0 { recorded.div_f64(speed).min(LONGEST_PAUSE) } else { Duration::ZERO }
}

impl From<Line> for Recorded {
    fn from(line: Line) -> Self {
        let (topic, payload, timestamp) = match line {
            Line::Message { topic, payload, timestamp } => (topic, payload, timestamp),
            Line::Reception(r) => (
                format!("meshcore/{}/{}/packets", r.iata.unwrap_or_default(), r.observer_id),
                json!({"raw": r.raw, "SNR": r.snr, "RSSI": r.rssi, "origin": r.observer_name, "direction": "rx"}),
                r.timestamp,
            ),
        };
        let payload = payload.to_string().into_bytes();
        Self { topic, payload, at: timestamp.and_then(|text| text.parse().ok()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_follow_the_recording_and_the_speed_and_never_last_a_night() {
        assert_eq!(pause(1_000, 1.0), Duration::from_secs(1));
        assert_eq!(pause(1_000, 4.0), Duration::from_millis(250));
        assert_eq!(pause(1_000, 0.0), Duration::ZERO);
        assert_eq!(pause(-5, 1.0), Duration::ZERO);
        assert_eq!(pause(36_000_000, 1.0), LONGEST_PAUSE);
    }

    #[test]
    fn both_forms_of_a_line_become_a_message() {
        let reception = r#"{"raw":"0a","observer_id":"ab","iata":"SJC","snr":1.5,"hash":"x","timestamp":"2026-03-18T09:03:20Z"}"#;
        let recorded = Recorded::from(serde_json::from_str::<Line>(reception).unwrap());
        assert_eq!(recorded.topic, "meshcore/SJC/ab/packets");
        let payload: Value = serde_json::from_slice(&recorded.payload).unwrap();
        assert_eq!(payload["SNR"], 1.5);
        assert_eq!(recorded.at.unwrap().seconds(), 1_773_824_600);
        let message = r#"{"topic":"meshcore/SJC/ab/status","payload":{"status":"online"}}"#;
        assert_eq!(
            Recorded::from(serde_json::from_str::<Line>(message).unwrap()).topic,
            "meshcore/SJC/ab/status"
        );
    }
}
