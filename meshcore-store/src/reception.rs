//! One reception of one frame: what an observer adds to the bytes.

use meshcore_proto::{Packet, Path, Payload};

use crate::{ObserverId, UnixMillis};

/// Which way a frame passed the observer's radio.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Heard.
    Rx,
    /// Sent by the observer itself: kept and counted, but no evidence of who hears whom.
    Tx,
}

impl Direction {
    /// `rx` or `tx` in any case; anything else is unknown.
    pub fn from_text(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("rx") {
            Some(Self::Rx)
        } else if text.eq_ignore_ascii_case("tx") {
            Some(Self::Tx)
        } else {
            None
        }
    }

    /// The stored text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rx => "rx",
            Self::Tx => "tx",
        }
    }
}

/// What the observer's radio measured. Absent means "not reported".
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Signal {
    /// Signal to noise, dB.
    pub snr: Option<f64>,
    /// Received strength, dBm.
    pub rssi: Option<f64>,
    /// The firmware's score of the reception, times 1000.
    pub score: Option<f64>,
}

/// Where, when and how well a frame was received.
#[derive(Clone, Debug, PartialEq)]
pub struct Reception {
    /// Server time at which the message arrived. Observers' clocks are not trustworthy.
    pub received_at: UnixMillis,
    /// The observer.
    pub observer: ObserverId,
    /// Its name, when the message says one.
    pub observer_name: Option<String>,
    /// Its region, upper case, when one is known.
    pub region: Option<String>,
    /// Which way the frame went.
    pub direction: Option<Direction>,
    /// How well it was heard.
    pub signal: Signal,
}

/// The hops of a frame as upper-case hex, in path order.
///
/// A TRACE carries its route in the payload, all others in the path field. A TRACE that cannot be read has none.
pub fn hops_of(packet: &Packet<'_>) -> Vec<String> {
    match packet.path() {
        Path::Hashes(hashes) => hashes.iter().map(|hop| hop.to_string()).collect(),
        Path::Snrs(_) => match packet.payload() {
            Ok(Payload::Trace(trace)) => trace.route().iter().map(hex::encode_upper).collect(),
            _ => Vec::new(),
        },
    }
}

/// Hops as the text column holds them: a JSON array, `[]` for none.
pub fn path_json(hops: &[String]) -> String {
    let mut text = String::with_capacity(2 + hops.len() * 7);
    text.push('[');
    for (i, hop) in hops.iter().enumerate() {
        if i > 0 {
            text.push(',');
        }
        text.push('"');
        text.push_str(hop); // hex digits only: nothing to escape
        text.push('"');
    }
    text.push(']');
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_path_is_stored_as_a_json_array() {
        assert_eq!(path_json(&[]), "[]");
        assert_eq!(path_json(&["A1".into(), "B2".into()]), r#"["A1","B2"]"#);
    }

    proptest! {
        #[test]
        fn a_stored_path_reads_back_as_it_was(hops in proptest::collection::vec("[0-9A-F]{2}|[0-9A-F]{6}", 0..64)) {
            let read: Vec<String> = serde_json::from_str(&path_json(&hops)).unwrap();
            prop_assert_eq!(read, hops);
        }
    }

    #[test]
    fn directions_are_read_in_any_case() {
        assert_eq!(Direction::from_text("RX"), Some(Direction::Rx));
        assert_eq!(Direction::from_text("tx"), Some(Direction::Tx));
        assert_eq!(Direction::from_text("up"), None);
    }
}
