//! The JSON that observers send, in all its dialects.
//!
//! Publishers differ in spelling (`SNR`, `snr`), in type (numbers as numbers or as text with a unit) and in what they
//! leave out. Here it becomes one typed message. What cannot be read counts as absent, except for the frame itself.

use meshcore_store::db::{ClockSkew, ObserverStatus, Presence, Radio};
use meshcore_store::{Direction, ObserverId, Signal, UnixMillis};
use serde_json::{Map, Value};

use crate::accounting::Reject;
use crate::clock;

/// Largest message, bytes.
pub const MAX_PAYLOAD: usize = 64 * 1024;

/// Longest frame, hex digits: twice the 254 bytes a frame can have, and a little.
const MAX_RAW: usize = 512;

/// Deepest nesting of a message.
const MAX_DEPTH: usize = 16;

/// Longest text kept, characters.
const MAX_TEXT: usize = 128;

/// A message as a JSON object, size and depth checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Message(Map<String, Value>);

/// A packet message.
#[derive(Clone, Debug, PartialEq)]
pub struct PacketMessage {
    /// The frame in hex, blanks and line breaks removed, case as sent.
    pub raw: String,
    /// What the radio measured.
    pub signal: Signal,
    /// Which way the frame went.
    pub direction: Option<Direction>,
    /// Name of the observer.
    pub origin: Option<String>,
    /// Region, upper case; wins over the topic.
    pub region: Option<String>,
    /// The sender's clock, when it is found wrong.
    pub clock_skew: Option<ClockSkew>,
    /// Bytes of the frame, as the message counts them.
    len: Option<f64>,
    /// Payload type, as the message names it.
    packet_type: Option<f64>,
}

impl Message {
    /// Reads the payload of an MQTT message.
    ///
    /// # Errors
    /// [`Reject::Oversize`], [`Reject::NotJson`], [`Reject::TooDeep`].
    pub fn parse(payload: &[u8]) -> Result<Self, Reject> {
        if payload.len() > MAX_PAYLOAD {
            return Err(Reject::Oversize);
        }
        if depth(payload) > MAX_DEPTH {
            return Err(Reject::TooDeep);
        }
        serde_json::from_slice(payload).map(Self).map_err(|_| Reject::NotJson)
    }

    /// The packet in it; `None` when it carries no frame.
    ///
    /// # Errors
    /// [`Reject::RawTooLong`].
    pub fn packet(&self, now: UnixMillis) -> Result<Option<PacketMessage>, Reject> {
        let Some(raw) = self.0.get("raw").and_then(Value::as_str).filter(|raw| !raw.is_empty()) else {
            return Ok(None);
        };
        let raw: String = raw.chars().filter(|c| !matches!(c, ' ' | '\r' | '\n')).collect();
        if raw.len() > MAX_RAW {
            return Err(Reject::RawTooLong);
        }
        let measured = |upper: &str, lower: &str| self.first(&[upper, lower]).and_then(number);
        Ok(Some(PacketMessage {
            raw,
            signal: Signal {
                snr: measured("SNR", "snr").filter(|snr| snr.abs() <= 100.0),
                rssi: measured("RSSI", "rssi").filter(|rssi| (-200.0..=50.0).contains(rssi)),
                score: measured("score", "Score"),
            },
            direction: self
                .first(&["direction", "Direction"])
                .and_then(Value::as_str)
                .and_then(|text| Direction::from_text(text.trim())),
            origin: self.text("origin"),
            region: self.text("region").map(|region| region.to_uppercase()),
            clock_skew: clock::skew(self.0.get("timestamp"), now),
            len: self.0.get("len").and_then(number),
            packet_type: self.0.get("packet_type").and_then(number),
        }))
    }

    /// The status in it: what the observer `id` says of itself.
    ///
    /// A retained message, or a farewell, is true about the device but says nothing about the present: the broker
    /// keeps the last one for ever.
    pub fn status(
        &self,
        id: ObserverId,
        region: &str,
        received_at: UnixMillis,
        retained: bool,
    ) -> ObserverStatus {
        let reading = |name: &str| {
            let stats = self.0.get("stats").and_then(Value::as_object);
            stats.and_then(|stats| stats.get(name)).or_else(|| self.0.get(name)).and_then(number)
        };
        let whole = |name: &str| reading(name).and_then(rounded);
        let is_farewell =
            self.0.get("status").and_then(Value::as_str).is_some_and(|s| s.eq_ignore_ascii_case("offline"));
        ObserverStatus {
            id,
            received_at,
            presence: if retained || is_farewell { Presence::Past } else { Presence::Live },
            name: self.text("origin"),
            region: Some(region.to_owned()).filter(|region| !region.is_empty()),
            model: self.text("model"),
            firmware: self.text("firmware_version").or_else(|| self.text("firmware")),
            client_version: self.text("clientVersion").or_else(|| self.text("client_version")),
            radio: self.text("radio"),
            can_relay: self.0.get("repeat").and_then(flag),
            readings: Radio {
                battery_mv: whole("battery_mv"),
                uptime_s: whole("uptime_secs"),
                noise_floor: reading("noise_floor"),
                tx_air_s: whole("tx_air_secs"),
                rx_air_s: whole("rx_air_secs"),
                recv_errors: whole("recv_errors"),
                packets_sent: whole("packets_sent"),
                packets_recv: whole("packets_recv"),
            },
        }
    }

    /// The first of `names` that is there, even if it cannot be read.
    fn first(&self, names: &[&str]) -> Option<&Value> {
        names.iter().find_map(|name| self.0.get(*name))
    }

    /// A text without control characters, trimmed and cut; `unknown` and nothing are absent.
    fn text(&self, name: &str) -> Option<String> {
        let text = self.0.get(name)?.as_str()?;
        let clean: String = text.chars().filter(|c| !c.is_control()).take(MAX_TEXT).collect();
        let clean = clean.trim();
        (!clean.is_empty() && !clean.eq_ignore_ascii_case("unknown")).then(|| clean.to_owned())
    }
}

impl PacketMessage {
    /// Whether `raw` is not the frame the message talks about: some publishers repeat the last received frame when
    /// they report a transmission.
    pub fn is_stale(&self, frame_len: usize, payload_type: u8) -> bool {
        let differs = |said: Option<f64>, is: f64| said.is_some_and(|said| said != is);
        #[expect(clippy::cast_precision_loss, reason = "a frame has at most 256 bytes")]
        let frame_len = frame_len as f64;
        self.direction == Some(Direction::Tx)
            && (differs(self.len, frame_len) || differs(self.packet_type, f64::from(payload_type)))
    }
}

/// A number, or a text of one with a unit: `10.75 dB`, `-110dBm`.
fn number(value: &Value) -> Option<f64> {
    const UNITS: &[&str] = &["dbm", "db", "mw", "km", "mi", "m"];
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => {
            let text = text.trim().to_ascii_lowercase();
            let bare = UNITS.iter().find_map(|unit| text.strip_suffix(unit)).unwrap_or(&text);
            bare.trim().parse().ok()
        }
        _ => None,
    };
    number.filter(|number| number.is_finite())
}

/// Half away from zero; absent when it does not fit a counter.
fn rounded(number: f64) -> Option<i64> {
    let rounded = number.round();
    #[expect(clippy::cast_possible_truncation, reason = "checked to be a whole number below 2^53")]
    (rounded.abs() < 9_007_199_254_740_992.0).then_some(rounded as i64)
}

/// A switch in any of its spellings.
fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => number.as_f64().map(|number| number != 0.0),
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "on" | "true" | "1" | "yes" => Some(true),
            "off" | "false" | "0" | "no" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// How deep brackets nest, those inside texts not counted.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn packet(json: Value) -> PacketMessage {
        let message = Message::parse(json.to_string().as_bytes()).unwrap();
        message.packet(UnixMillis::new(0)).unwrap().unwrap()
    }

    #[rstest]
    #[case(json!(-3.25), Some(-3.25))]
    #[case(json!("6"), Some(6.0))]
    #[case(json!("10.75 dB"), Some(10.75))]
    #[case(json!(" -110dBm "), Some(-110.0))]
    #[case(json!("loud"), None)]
    #[case(json!("NaN"), None)]
    #[case(json!("inf"), None)]
    #[case(json!(null), None)]
    fn numbers_come_as_numbers_or_as_text_with_a_unit(#[case] value: Value, #[case] expected: Option<f64>) {
        assert_eq!(number(&value), expected);
    }

    #[test]
    fn the_capital_spelling_wins_even_if_it_cannot_be_read() {
        assert_eq!(packet(json!({"raw": "00", "SNR": "x", "snr": 3})).signal.snr, None);
        assert_eq!(packet(json!({"raw": "00", "snr": 3})).signal.snr, Some(3.0));
    }

    #[test]
    fn values_no_radio_can_measure_are_absent() {
        let signal = packet(json!({"raw": "00", "SNR": 101, "RSSI": 51})).signal;
        assert_eq!((signal.snr, signal.rssi), (None, None));
    }

    #[test]
    fn blanks_in_the_frame_are_removed_and_long_ones_refused() {
        assert_eq!(packet(json!({"raw": "0a 0B\r\n0c"})).raw, "0a0B0c");
        let long = Message::parse(json!({"raw": "0".repeat(513)}).to_string().as_bytes()).unwrap();
        assert_eq!(long.packet(UnixMillis::new(0)), Err(Reject::RawTooLong));
    }

    #[test]
    fn a_transmission_whose_length_or_type_differs_repeats_an_older_frame() {
        let report = packet(json!({"raw": "00", "direction": "tx", "len": "123", "packet_type": "4"}));
        assert!(report.is_stale(122, 4));
        assert!(report.is_stale(123, 5));
        assert!(!report.is_stale(123, 4));
        assert!(!packet(json!({"raw": "00", "direction": "rx", "len": "123"})).is_stale(122, 4));
    }

    #[rstest]
    #[case(b"".as_slice(), Reject::NotJson)]
    #[case(b"{\"raw\":", Reject::NotJson)]
    #[case(b"[1,2]", Reject::NotJson)]
    #[case(b"\xff\xfe", Reject::NotJson)]
    #[case(&[b'['; 17], Reject::TooDeep)]
    #[case(&[b' '; MAX_PAYLOAD + 1], Reject::Oversize)]
    fn what_is_no_message_is_refused_with_a_reason(#[case] payload: &[u8], #[case] reason: Reject) {
        assert_eq!(Message::parse(payload), Err(reason));
    }

    #[test]
    fn brackets_in_texts_do_not_nest() {
        assert_eq!(depth(br#"{"a":"[[[\"[[","b":[{}]}"#), 3);
    }

    #[test]
    fn a_status_is_read_from_stats_or_from_the_top() {
        let json = json!({"status": "online", "battery_mv": 1, "repeat": "off", "radio": "910.5,62.5,7,5\r",
                          "model": "unknown", "stats": {"battery_mv": 4102, "uptime_secs": 3605.7}});
        let message = Message::parse(json.to_string().as_bytes()).unwrap();
        let status = message.status("kpabap".parse().unwrap(), "SJC", UnixMillis::new(0), false);
        assert_eq!(status.readings.battery_mv, Some(4102));
        assert_eq!(status.readings.uptime_s, Some(3606));
        assert_eq!(status.radio.as_deref(), Some("910.5,62.5,7,5"));
        assert_eq!((status.model, status.can_relay), (None, Some(false)));
    }
}
