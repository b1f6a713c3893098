//! What a topic says: `meshcore/{region}/{observer}/{kind}`.

use meshcore_store::{InvalidObserverId, ObserverId};

/// A topic, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Topic {
    /// Something from or about an observer.
    Observer(ObserverTopic),
    /// Published by a moving client about itself: `meshcore/client/{key}/…`.
    Client,
    /// A companion bridge: `meshcore/message/…`, `meshcore/advertisement`, `meshcore/self_info`.
    Companion,
    /// `meshcore/status` and `meshcore/events/connection`: about the bridge itself.
    Bridge,
    /// Nothing the mesh's observers publish.
    Unknown,
}

/// A topic of an observer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObserverTopic {
    /// Second level, upper case.
    pub region: String,
    /// Third level.
    pub observer: ObserverId,
    /// Fourth level is `status`.
    pub is_status: bool,
}

/// The third level is no observer id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadObserver;

impl From<InvalidObserverId> for BadObserver {
    fn from(_: InvalidObserverId) -> Self {
        Self
    }
}

impl Topic {
    /// Reads a topic. The first level may be anything.
    ///
    /// # Errors
    /// [`BadObserver`], when the level of the observer is empty or no id.
    pub fn parse(topic: &str) -> Result<Self, BadObserver> {
        let levels: Vec<&str> = topic.split('/').collect();
        Ok(match levels[..] {
            [_, "status"] | [_, "events", "connection"] => Self::Bridge,
            [_, "advertisement" | "self_info"] | [_, "message" | "traceroute", ..] => Self::Companion,
            [_, "client", _, ..] => Self::Client,
            [_, region, observer, ref kind @ ..] => Self::Observer(ObserverTopic {
                region: region.trim().to_uppercase(),
                observer: observer.parse()?,
                is_status: kind.first() == Some(&"status"),
            }),
            _ => Self::Unknown,
        })
    }
}

#[cfg(test)]
mod tests {
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
            (packets.region.as_str(), packets.observer.as_str(), packets.is_status),
            ("SJC", "kpabap", false)
        );
        assert!(observer("meshcore/SJC/kpabap/status").is_status);
        assert!(!observer("any/SJC/kpabap").is_status, "three levels are enough");
    }

    #[test]
    fn other_publishers_are_told_apart() {
        assert_eq!(Topic::parse("meshcore/status"), Ok(Topic::Bridge));
        assert_eq!(Topic::parse("meshcore/events/connection"), Ok(Topic::Bridge));
        assert_eq!(Topic::parse("meshcore/message/channel/0"), Ok(Topic::Companion));
        assert_eq!(Topic::parse("meshcore/client/ab/packets"), Ok(Topic::Client));
        assert_eq!(Topic::parse("weather"), Ok(Topic::Unknown));
    }

    #[test]
    fn an_empty_or_unprintable_observer_is_refused() {
        assert_eq!(Topic::parse("meshcore/SJC//packets"), Err(BadObserver));
        assert_eq!(Topic::parse("meshcore/SJC/a\u{7}/packets"), Err(BadObserver));
    }
}
