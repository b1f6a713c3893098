//! The reception of a frame.

use meshcore_proto::PacketHash;
use meshcore_store::{Direction, ObserverId, Signal, UnixMillis};

use super::Message;
use super::value::{first, number, text};
use crate::accounting::Reject;
use crate::clock::EnvelopeTime;
use crate::json::{Json, Object};

/// Longest frame, hex digits: twice the 254 bytes a frame can have, and a little.
const MAX_RAW: usize = 512;

/// A packet message.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PacketMessage<'m> {
    /// The frame in hex, blanks and line breaks removed, case as sent.
    pub(crate) raw: String,
    /// What the radio measured.
    pub(crate) signal: Signal,
    /// Which way the frame went.
    pub(crate) direction: Option<Direction>,
    /// Name of the observer.
    pub(crate) origin: Option<String>,
    /// Region, upper case; wins over the topic.
    pub(crate) region: Option<String>,
    /// When it was sent.
    pub(crate) time: EnvelopeTime,
    /// The observer, as the message names it.
    origin_id: Option<&'m str>,
    /// Hash of the packet, as the message knows it.
    hash: Option<PacketHash>,
    /// Bytes of the frame, as the message counts them.
    len: Option<f64>,
    /// Payload type, as the message names it.
    packet_type: Option<f64>,
}

impl Message<'_> {
    /// The packet in it; `None` when it carries no frame.
    ///
    /// # Errors
    /// [`Reject::RawTooLong`].
    pub(crate) fn packet(&self, now: UnixMillis) -> Result<Option<PacketMessage<'_>>, Reject> {
        let message = &self.0;
        let Some(raw) = message.text("raw").filter(|raw| !raw.is_empty()) else { return Ok(None) };
        let raw = without_blanks(raw);
        if raw.len() > MAX_RAW {
            return Err(Reject::RawTooLong);
        }
        let counted = |name| message.get(name).and_then(number);
        Ok(Some(PacketMessage {
            raw,
            signal: signal(message),
            direction: direction(message),
            origin: text(message, "origin"),
            region: text(message, "region").map(|region| region.to_uppercase()),
            time: EnvelopeTime::of(message.get("timestamp"), now),
            origin_id: message.text("origin_id"),
            hash: message.text("hash").and_then(|hash| hash.parse().ok()),
            len: counted("len"),
            packet_type: counted("packet_type"),
        }))
    }
}

impl PacketMessage<'_> {
    /// Whether `raw` is not the frame the message talks about: some publishers repeat the last received frame when
    /// they report a transmission.
    pub(crate) fn is_stale(&self, frame_len: usize, payload_type: u8) -> bool {
        let differs = |said: Option<f64>, is: f64| said.is_some_and(|said| said != is);
        self.direction == Some(Direction::Tx)
            && (differs(self.len, frame_len as f64) || differs(self.packet_type, f64::from(payload_type)))
    }

    /// Whether the message names another observer than its topic.
    pub(crate) fn is_of_another(&self, observer: &ObserverId) -> bool {
        self.origin_id.is_some_and(|id| !id.trim().eq_ignore_ascii_case(observer.as_str()))
    }

    /// Whether the message knows the packet by another hash.
    pub(crate) fn has_another_hash(&self, hash: PacketHash) -> bool {
        self.hash.is_some_and(|said| said != hash)
    }
}

/// What the radio measured; values no radio can measure are absent.
pub(super) fn signal(message: &Object<'_>) -> Signal {
    let measured = |names: &[&str]| first(message, names).and_then(number);
    Signal {
        snr: measured(&["SNR", "snr"]).filter(|snr| snr.abs() <= 100.0),
        rssi: measured(&["RSSI", "rssi"]).filter(|rssi| (-200.0..=50.0).contains(rssi)),
        score: measured(&["score", "Score"]),
    }
}

/// Which way the frame went.
pub(super) fn direction(message: &Object<'_>) -> Option<Direction> {
    match first(message, &["direction", "Direction"])? {
        Json::Text(text) => Direction::from_text(text.trim()),
        _ => None,
    }
}

fn without_blanks(raw: &str) -> String {
    let is_blank = |c| matches!(c, ' ' | '\r' | '\n');
    if raw.contains(is_blank) { raw.replace(is_blank, "") } else { raw.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read<T>(json: Value, question: impl FnOnce(PacketMessage<'_>) -> T) -> T {
        let payload = json.to_string();
        let message = Message::parse(payload.as_bytes()).unwrap();
        question(message.packet(UnixMillis::new(0)).unwrap().unwrap())
    }

    fn snr(json: Value) -> Option<f64> {
        read(json, |packet| packet.signal.snr)
    }

    #[test]
    fn the_capital_spelling_wins_even_if_it_cannot_be_read() {
        assert_eq!(snr(json!({"raw": "00", "SNR": "x", "snr": 3})), None);
        assert_eq!(snr(json!({"raw": "00", "snr": 3})), Some(3.0));
    }

    #[test]
    fn values_no_radio_can_measure_are_absent() {
        let signal = read(json!({"raw": "00", "SNR": 101, "RSSI": 51}), |packet| packet.signal);
        assert_eq!((signal.snr, signal.rssi), (None, None));
    }

    #[test]
    fn blanks_in_the_frame_are_removed_and_long_ones_refused() {
        assert_eq!(read(json!({"raw": "0a 0B\r\n0c"}), |packet| packet.raw), "0a0B0c");
        let long = json!({"raw": "0".repeat(513)}).to_string();
        let long = Message::parse(long.as_bytes()).unwrap();
        assert_eq!(long.packet(UnixMillis::new(0)), Err(Reject::RawTooLong));
    }

    #[test]
    fn a_transmission_whose_length_or_type_differs_repeats_an_older_frame() {
        read(json!({"raw": "00", "direction": "tx", "len": "123", "packet_type": "4"}), |report| {
            assert!(report.is_stale(122, 4));
            assert!(report.is_stale(123, 5));
            assert!(!report.is_stale(123, 4));
        });
        let received = json!({"raw": "00", "direction": "rx", "len": "123"});
        assert!(!read(received, |report| report.is_stale(122, 4)));
    }

    #[test]
    fn who_sends_and_what_is_sent_can_disagree_with_what_the_message_says() {
        let hash = PacketHash::from_bytes([0xab; 8]);
        let said = json!({"raw": "00", "origin_id": "ROOF", "hash": "ABABABABABABABAB"});
        read(said, |packet| {
            assert!(!packet.is_of_another(&"Roof".parse().unwrap()));
            assert!(packet.is_of_another(&"Hill".parse().unwrap()));
            assert!(!packet.has_another_hash(hash));
            assert!(packet.has_another_hash(PacketHash::from_bytes([0; 8])));
        });
        read(json!({"raw": "00", "hash": "unknown"}), |packet| {
            assert!(!packet.is_of_another(&"Roof".parse().unwrap()) && !packet.has_another_hash(hash));
        });
    }
}
