//! What an observer says of itself.

use meshcore_store::db::{ObserverStatus, Presence, Radio};
use meshcore_store::{ObserverId, UnixMillis};

use super::Message;
use super::value::{flag, number, rounded, text};

/// What an observer says of being there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liveness {
    /// It is.
    Online,
    /// It, or the broker for it, says farewell.
    Offline,
}

impl Liveness {
    /// The word that observers use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Offline => "offline",
        }
    }
}

impl Message<'_> {
    /// Whether its sender says to be there.
    pub(crate) fn liveness(&self) -> Option<Liveness> {
        let said = self.0.text("status")?.trim();
        let is = |liveness: &Liveness| said.eq_ignore_ascii_case(liveness.as_str());
        [Liveness::Online, Liveness::Offline].into_iter().find(is)
    }

    /// The status in it: what the observer `id` says of itself.
    ///
    /// A retained message, or a farewell, is true about the device but says nothing about the present: the broker
    /// keeps the last one for ever.
    pub(crate) fn status(
        &self,
        id: ObserverId,
        region: &str,
        received_at: UnixMillis,
        retained: bool,
    ) -> ObserverStatus {
        let message = &self.0;
        let stats = message.object("stats");
        let reading = |name: &str| {
            stats.and_then(|stats| stats.get(name)).or_else(|| message.get(name)).and_then(number)
        };
        let whole = |name: &str| reading(name).and_then(rounded);
        let is_past = retained || self.liveness() == Some(Liveness::Offline);
        ObserverStatus {
            id,
            received_at,
            presence: if is_past { Presence::Past } else { Presence::Live },
            name: text(message, "origin"),
            region: Some(region.to_owned()).filter(|region| !region.is_empty()),
            model: text(message, "model"),
            firmware: text(message, "firmware_version").or_else(|| text(message, "firmware")),
            client_version: text(message, "clientVersion").or_else(|| text(message, "client_version")),
            radio: text(message, "radio"),
            can_relay: message.get("repeat").and_then(flag),
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
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_status_is_read_from_stats_or_from_the_top() {
        let json = json!({"status": "online", "battery_mv": 1, "repeat": "off", "radio": "910.5,62.5,7,5\r",
                          "noise_floor": "-112 dBm", "model": "unknown",
                          "stats": {"battery_mv": 4102, "uptime_secs": 3605.7}})
        .to_string();
        let message = Message::parse(json.as_bytes()).unwrap();
        let status = message.status("kpabap".parse().unwrap(), "SJC", UnixMillis::new(0), false);
        assert_eq!(status.readings.battery_mv, Some(4102));
        assert_eq!(status.readings.uptime_s, Some(3606));
        assert_eq!(status.readings.noise_floor, Some(-112.0));
        assert_eq!(status.radio.as_deref(), Some("910.5,62.5,7,5"));
        assert_eq!((status.model, status.can_relay), (None, Some(false)));
    }

    #[test]
    fn of_two_versions_the_longer_name_or_the_newer_spelling_wins() {
        let json = json!({"firmware": "old", "firmware_version": "new", "client_version": "old",
                          "clientVersion": "new"})
        .to_string();
        let message = Message::parse(json.as_bytes()).unwrap();
        let status = message.status("kpabap".parse().unwrap(), "", UnixMillis::new(0), false);
        assert_eq!(status.firmware.as_deref(), Some("new"));
        assert_eq!(status.client_version.as_deref(), Some("new"));
        assert_eq!(status.region, None);
    }
}
