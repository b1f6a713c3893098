//! A packet in memory, as a filter asks for it. Only what is asked for is decoded.

use std::borrow::Cow;
use std::cell::OnceCell;

use meshcore_proto::{KeyRing, Packet as Frame};
use serde_json::Value as Json;

use super::block::{Best, Block};
use super::names::{NodeNo, ObserverNo};
use super::row::Observation;
use super::snapshot::Snapshot;
use crate::UnixMillis;
use crate::decoded::{DecodedPayload, Signatures, anomaly};
use crate::filter::{Flag, NodePart, NodeRef, NumberField, Subject, TextField};
use crate::geo::Position;

/// What is not in memory.
pub trait Backing {
    /// The frame of a packet.
    fn frame(&self, packet: i64) -> Option<Vec<u8>>;
    /// The decoded payload of a packet, as stored.
    fn json(&self, packet: i64) -> Option<String>;
    /// Channel keys.
    fn keys(&self) -> &KeyRing;
}

/// A row of a block.
pub(super) struct Row<'a> {
    snapshot: &'a Snapshot,
    block: &'a Block,
    row: usize,
    backing: Option<&'a dyn Backing>,
    best: Option<Best>,
    frame: OnceCell<Option<Cow<'a, [u8]>>>,
    payload: OnceCell<Json>,
    observations: OnceCell<Vec<Observation>>,
}

/// One of its observations.
struct Reception<'r, 'a> {
    row: &'r Row<'a>,
    observation: &'r Observation,
}

impl<'a> Row<'a> {
    pub(super) fn new(
        snapshot: &'a Snapshot,
        block: &'a Block,
        row: usize,
        backing: Option<&'a dyn Backing>,
    ) -> Self {
        let (frame, payload, observations) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
        Self { snapshot, block, row, backing, best: block.best(row), frame, payload, observations }
    }

    fn frame(&self) -> Option<&[u8]> {
        let find = || match self.block.frame(self.row) {
            Some(frame) => Some(Cow::Borrowed(frame)),
            None => self.backing?.frame(self.block.id(self.row)).map(Cow::Owned),
        };
        self.frame.get_or_init(find).as_deref()
    }

    fn decoded(&self) -> &Json {
        self.payload.get_or_init(|| {
            let decode = || {
                let backing = self.backing?;
                if self.block.has_own_json(self.row) {
                    return serde_json::from_str(&backing.json(self.block.id(self.row))?).ok();
                }
                let frame = Frame::parse_lax(self.frame()?).ok()?;
                serde_json::to_value(DecodedPayload::of(&frame, backing.keys(), Signatures::Ignore)).ok()
            };
            decode().unwrap_or(Json::Null)
        })
    }

    fn observations(&self) -> &[Observation] {
        self.observations.get_or_init(|| self.block.observations(self.row))
    }

    /// The observation that lends the packet its path.
    fn best_observation(&self) -> Option<&Observation> {
        Observation::best(self.observations())
    }

    fn said(&self, key: &str) -> Option<&str> {
        self.decoded().get(key)?.as_str()
    }

    fn position_of(&self, node: NodeNo) -> Option<Position> {
        self.snapshot.people.node(node)?.position
    }

    fn sender_position(&self) -> Option<Position> {
        self.position_of(self.block.originator(self.row)?)
    }

    fn observer_text(&self, observer: Option<ObserverNo>, field: TextField) -> Option<Cow<'_, str>> {
        let observer = self.snapshot.people.observer(observer?)?;
        match field {
            TextField::Observer => observer.name.as_deref(),
            TextField::ObserverId => Some(observer.id.as_ref()),
            _ => observer.iata.as_deref(),
        }
        .map(Cow::Borrowed)
    }

    fn distance(&self, observer: Option<ObserverNo>) -> Option<f64> {
        let key = self.snapshot.people.observer(observer?)?.id.parse().ok()?;
        let observer = self.position_of(self.snapshot.names.find_node(&key)?)?;
        Some(self.sender_position()?.distance_km(observer))
    }

    fn path_text(&self, observation: &Observation, field: TextField) -> String {
        if field == TextField::Path {
            return observation.path.iter().map(hex::encode_upper).collect::<Vec<_>>().join(" → ");
        }
        let shown = observation.resolved.iter().flatten().filter(|node| !self.snapshot.people.hides(**node));
        let keys = shown.filter_map(|node| self.snapshot.names.node(*node));
        keys.map(ToString::to_string).collect::<Vec<_>>().join(",")
    }

    fn path_number(observation: &Observation, field: NumberField) -> f64 {
        (if field == NumberField::HashSize {
            observation.path.size()
        } else {
            observation.path.bytes().len()
        }) as f64
    }

    fn delay(&self, observation: &Observation) -> Option<f64> {
        let first = self.observations().iter().map(|other| other.at).min()?;
        Some((observation.at.get() - first.get()) as f64)
    }

    fn is_node(&self, node: NodeNo, test: &mut dyn FnMut(NodeRef<'_>) -> bool) -> bool {
        let people = &self.snapshot.people;
        let name = people.node(node).and_then(|node| node.name.as_deref());
        let key = self.snapshot.names.node(node).filter(|_| !people.hides(node));
        key.is_some_and(|key| test(NodeRef { name, key: key.as_bytes() }))
    }

    /// Asks about the hops of an observation.
    fn any_hop(
        &self,
        observation: &Observation,
        part: NodePart,
        test: &mut dyn FnMut(NodeRef<'_>) -> bool,
    ) -> bool {
        let len = observation.path.len();
        let places = match part {
            NodePart::FirstHop => 0..len.min(1),
            NodePart::LastHop => len.saturating_sub(1)..len,
            _ => 0..len,
        };
        let hops = observation.path.iter().enumerate().skip(places.start).take(places.len());
        for (place, hop) in hops {
            let node = observation.resolved.get(place).copied().flatten();
            let node = node.filter(|node| !self.snapshot.people.hides(*node));
            let matches = match node {
                Some(node) => self.is_node(node, test),
                None => test(NodeRef { name: None, key: hop }),
            };
            if matches {
                return true;
            }
        }
        false
    }

    fn is_from(&self, test: &mut dyn FnMut(NodeRef<'_>) -> bool) -> bool {
        if let Some(node) = self.block.originator(self.row) {
            return self.is_node(node, test);
        }
        self.said("sender").is_some_and(|name| test(NodeRef { name: Some(name), key: &[] }))
            || self.is_prefix("srcHash", test)
    }

    /// Whether the packet names the beginning of a key under `field` that passes.
    fn is_prefix(&self, field: &str, test: &mut dyn FnMut(NodeRef<'_>) -> bool) -> bool {
        let key = self.said(field).and_then(|digits| hex::decode(digits).ok());
        key.is_some_and(|key| test(NodeRef { name: None, key: &key }))
    }
}

impl Subject for Row<'_> {
    fn payload_type(&self) -> Option<u8> {
        self.block.kind(self.row).payload
    }

    fn route(&self) -> Option<u8> {
        self.block.kind(self.row).route
    }

    fn number(&self, field: NumberField) -> Option<f64> {
        let known = |bytes: u16| (self.block.frame_len(self.row) > 0).then(|| f64::from(bytes));
        match field {
            NumberField::Size => known(self.block.frame_len(self.row)),
            NumberField::PayloadBytes => known(self.block.payload_len(self.row)),
            NumberField::Snr => self.best?.snr,
            NumberField::Rssi => self.best?.rssi,
            NumberField::Hops => Some(self.best?.hops as f64),
            NumberField::Observations => Some(self.block.observation_count(self.row) as f64),
            NumberField::HashSize | NumberField::PathLen => {
                Some(Self::path_number(self.best_observation()?, field))
            }
            NumberField::Distance => self.distance(self.best?.observer),
            NumberField::Delay => self.delay(self.best_observation()?),
            NumberField::Lat => self.sender_position().map(Position::lat),
            NumberField::Lon => self.sender_position().map(Position::lon),
            NumberField::Airtime => None, // the radio's settings are not known here
        }
    }

    fn text(&self, field: TextField) -> Option<Cow<'_, str>> {
        let names = &self.snapshot.names;
        let frame = || Frame::parse_lax(self.frame()?).ok();
        match field {
            TextField::Hash => Some(self.block.hash(self.row).to_string().into()),
            TextField::Raw => self.frame().map(|frame| hex::encode(frame).into()),
            TextField::PayloadHex => frame().map(|frame| hex::encode(frame.payload_bytes()).into()),
            TextField::Observer | TextField::ObserverId | TextField::Region => {
                self.observer_text(self.best?.observer, field)
            }
            TextField::Path | TextField::RoutedThrough => {
                Some(self.path_text(self.best_observation()?, field).into())
            }
            TextField::Code1 | TextField::Code2 => {
                let [code1, code2] = frame()?.transport()?.wire_text().map(|code| code.to_string());
                Some(if field == TextField::Code1 { code1 } else { code2 }.into())
            }
            TextField::Channel => names.text(self.block.channel(self.row)?).map(Cow::Borrowed),
            TextField::Scope => names.text(self.block.scope(self.row)?).map(Cow::Borrowed),
            TextField::Text => self.said("text").map(Cow::Borrowed),
            TextField::Role => {
                let node = self.snapshot.people.node(self.block.originator(self.row)?)?;
                node.role.as_deref().map(Cow::Borrowed)
            }
            TextField::Anomaly => anomaly(&frame()?).map(Cow::Borrowed),
            TextField::Name => self.said("name").or_else(|| self.said("sender")).map(Cow::Borrowed),
            TextField::Area => None, // areas are the server's
        }
    }

    fn flag(&self, flag: Flag) -> Option<bool> {
        match flag {
            Flag::Encrypted => {
                let payload = self.decoded().as_object()?;
                let status = payload.get("decryptionStatus").and_then(Json::as_str);
                let is_closed = payload.contains_key("encryptedData") || payload.contains_key("pathData");
                let is_trace = payload.get("type").and_then(Json::as_str) == Some("TRACE");
                Some(status.map_or(is_closed && !is_trace, |status| status != "decrypted"))
            }
            Flag::Signature => {
                let frame = Frame::parse_lax(self.frame()?).ok()?;
                match DecodedPayload::of(&frame, &KeyRing::new(), Signatures::Verify) {
                    DecodedPayload::Advert(advert) => advert.signature_valid,
                    _ => None,
                }
            }
            Flag::NewNode => None, // which packet of a node was the first is not known here
        }
    }

    fn time(&self) -> Option<UnixMillis> {
        Some(self.block.first_seen(self.row))
    }

    fn any_node(&self, part: NodePart, test: &mut dyn FnMut(NodeRef<'_>) -> bool) -> bool {
        match part {
            NodePart::From => self.is_from(test),
            NodePart::To => self.is_prefix("destHash", test),
            NodePart::Via | NodePart::FirstHop | NodePart::LastHop => {
                self.best_observation().is_some_and(|best| self.any_hop(best, part, test))
            }
            NodePart::Any => {
                self.is_from(test)
                    || self.is_prefix("destHash", test)
                    || self.observations().iter().any(|o| self.any_hop(o, NodePart::Via, test))
            }
        }
    }

    fn payload(&self, path: &[String]) -> Option<Cow<'_, Json>> {
        path.iter().try_fold(self.decoded(), |value, key| value.get(key)).map(Cow::Borrowed)
    }

    fn any_observation(&self, test: &mut dyn FnMut(&dyn Subject) -> bool) -> bool {
        self.observations().iter().any(|observation| test(&Reception { row: self, observation }))
    }
}

impl Subject for Reception<'_, '_> {
    fn number(&self, field: NumberField) -> Option<f64> {
        match field {
            NumberField::Snr => self.observation.snr,
            NumberField::Rssi => self.observation.rssi,
            NumberField::Hops => Some(self.observation.path.len() as f64),
            NumberField::HashSize | NumberField::PathLen => Some(Row::path_number(self.observation, field)),
            NumberField::Distance => self.row.distance(self.observation.observer),
            NumberField::Delay => self.row.delay(self.observation),
            _ => None,
        }
    }

    fn text(&self, field: TextField) -> Option<Cow<'_, str>> {
        match field {
            TextField::Observer | TextField::ObserverId | TextField::Region => {
                self.row.observer_text(self.observation.observer, field)
            }
            TextField::Path | TextField::RoutedThrough => {
                Some(self.row.path_text(self.observation, field).into())
            }
            _ => None,
        }
    }

    fn time(&self) -> Option<UnixMillis> {
        Some(self.observation.at)
    }

    fn any_node(&self, part: NodePart, test: &mut dyn FnMut(NodeRef<'_>) -> bool) -> bool {
        self.row.any_hop(self.observation, part, test)
    }
}
