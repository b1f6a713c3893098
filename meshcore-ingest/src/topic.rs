//! What a topic says: `meshcore/{region}/{observer}/{kind}`, and a few others.

use meshcore_proto::PublicKey;
use meshcore_store::{InvalidObserverId, ObserverId};

use crate::message::{MAX_TEXT, printable};

/// A topic, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Topic<'t> {
    /// Something from or about an observer.
    Observer(ObserverTopic),
    /// What a moving client has heard: `meshcore/client/{key}/packets`.
    Client(PublicKey),
    /// A companion bridge passes something on.
    Companion(CompanionTopic<'t>),
    /// Of no use to an analyzer: `meshcore/status` and `meshcore/events/connection` are about a bridge itself.
    Ignored,
    /// Nothing the mesh's observers publish.
    Unknown,
}

/// A topic of an observer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ObserverTopic {
    /// Second level, upper case, without control characters, cut.
    pub(crate) region: String,
    /// Third level.
    pub(crate) observer: ObserverId,
    /// Fourth level.
    pub(crate) kind: Kind,
}

/// What an observer publishes. A frame is taken from any of them but a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What it says of itself.
    Status,
    /// Reports about the observer's program, and its remote control: of no use without a frame.
    Internal,
    /// Frames.
    Other,
}

/// What a companion bridge publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CompanionTopic<'t> {
    /// A channel text; with the place of the channel in the companion's list.
    Channel(Option<&'t str>),
    /// A text to the companion alone.
    Direct,
    /// A node whose advert it heard.
    Advertisement,
    /// The companion's own node.
    SelfInfo,
}

/// The third level is no observer id, or no client's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadObserver;

impl From<InvalidObserverId> for BadObserver {
    fn from(_: InvalidObserverId) -> Self {
        Self
    }
}

impl<'t> Topic<'t> {
    /// Reads a topic. The first level may be anything.
    ///
    /// # Errors
    /// [`BadObserver`], when the level of the observer is empty or no id.
    pub(crate) fn parse(topic: &'t str) -> Result<Self, BadObserver> {
        let levels: Vec<&str> = topic.split('/').collect();
        Ok(match levels[..] {
            [_, "status"] | [_, "events", "connection"] | [_, "traceroute", ..] => Self::Ignored,
            [_, "message", "channel", ref index @ ..] => {
                Self::Companion(CompanionTopic::Channel(index.first().copied()))
            }
            [_, "message", "direct", ..] => Self::Companion(CompanionTopic::Direct),
            [_, "advertisement"] => Self::Companion(CompanionTopic::Advertisement),
            [_, "self_info"] => Self::Companion(CompanionTopic::SelfInfo),
            [_, "client", key, "packets", ..] => Self::Client(key.trim().parse().map_err(|_| BadObserver)?),
            [_, "client" | "message", ..] => Self::Ignored,
            [_, region, observer, ref kind @ ..] => Self::Observer(ObserverTopic {
                region: printable(region, MAX_TEXT).to_uppercase(),
                observer: observer.parse()?,
                kind: Kind::of(kind.first().copied().unwrap_or_default()),
            }),
            _ => Self::Unknown,
        })
    }
}

impl Kind {
    fn of(level: &str) -> Self {
        match level {
            "status" => Self::Status,
            "debug" | "internal" | "serial" | "self_info" | "advertisement" | "traceroute" => Self::Internal,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn observer(topic: &str) -> ObserverTopic {
        match Topic::parse(topic) {
            Ok(Topic::Observer(observer)) => observer,
            other => panic!("{topic}: {other:?}"),
        }
    }

    #[test]
    fn observer_topics_say_region_id_and_kind() {
        let packets = observer("meshcore/sjc/kpabap/packets");
        assert_eq!(
            (packets.region.as_str(), packets.observer.as_str(), packets.kind),
            ("SJC", "kpabap", Kind::Other)
        );
        assert_eq!(observer("meshcore/SJC/kpabap/status").kind, Kind::Status);
        assert_eq!(observer("meshcore/SJC/kpabap/serial/commands").kind, Kind::Internal);
        assert_eq!(observer("meshcore/S\u{7}j\u{85}c /kpabap").region, "SJC");
        assert_eq!(observer(&format!("meshcore/{}/kpabap", "x".repeat(200))).region.len(), 128);
        assert_eq!(observer("any/SJC/kpabap").kind, Kind::Other, "three levels are enough");
    }

    #[rstest]
    #[case("meshcore/status", Topic::Ignored)]
    #[case("meshcore/events/connection", Topic::Ignored)]
    #[case("meshcore/traceroute/ab/cd", Topic::Ignored)]
    #[case("meshcore/client/ab/status", Topic::Ignored)]
    #[case("meshcore/message/channel/0", Topic::Companion(CompanionTopic::Channel(Some("0"))))]
    #[case("meshcore/message/channel", Topic::Companion(CompanionTopic::Channel(None)))]
    #[case("meshcore/message/direct/ab12", Topic::Companion(CompanionTopic::Direct))]
    #[case("meshcore/advertisement", Topic::Companion(CompanionTopic::Advertisement))]
    #[case("meshcore/self_info", Topic::Companion(CompanionTopic::SelfInfo))]
    #[case("weather", Topic::Unknown)]
    #[case("meshcore/SJC", Topic::Unknown)]
    #[case("", Topic::Unknown)]
    fn other_publishers_are_told_apart(#[case] topic: &str, #[case] expected: Topic<'_>) {
        assert_eq!(Topic::parse(topic), Ok(expected));
    }

    #[test]
    fn a_client_is_known_by_its_whole_key() {
        let key = "A1".repeat(32);
        let expected = Topic::Client(key.parse().unwrap());
        assert_eq!(Topic::parse(&format!("meshcore/client/ {key}/packets")), Ok(expected));
        assert_eq!(Topic::parse("meshcore/client/a1b2/packets"), Err(BadObserver));
    }

    #[test]
    fn an_empty_or_unprintable_observer_is_refused() {
        assert_eq!(Topic::parse("meshcore/SJC//packets"), Err(BadObserver));
        assert_eq!(Topic::parse("meshcore/SJC/a\u{7}/packets"), Err(BadObserver));
    }
}
