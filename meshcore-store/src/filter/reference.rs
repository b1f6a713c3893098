//! The language as a table: what the parser looks names up in is what the help shows.

use serde::Serialize;

use super::field::{Field, Flag, NodePart, NumberField, Own, TextField};

/// A field, as the help shows it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct FieldEntry {
    /// The field.
    #[serde(skip)]
    pub field: Field,
    /// Its name.
    pub name: &'static str,
    /// Other names for the same.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub aliases: &'static [&'static str],
    /// What it is, with its unit.
    pub description: &'static str,
    /// An expression that uses it.
    pub example: &'static str,
}

/// An operator, as the help shows it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct OperatorEntry {
    /// As written.
    pub operator: &'static str,
    /// What it asks.
    pub description: &'static str,
    /// An expression that uses it.
    pub example: &'static str,
}

/// The language, for the help.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Reference {
    /// Every field but the values of the payload.
    pub fields: &'static [FieldEntry],
    /// Every operator, joint and function.
    pub operators: &'static [OperatorEntry],
}

/// The whole language.
pub const REFERENCE: Reference = Reference { fields: FIELDS, operators: OPERATORS };

const fn entry(
    field: Field,
    name: &'static str,
    aliases: &'static [&'static str],
    description: &'static str,
    example: &'static str,
) -> FieldEntry {
    FieldEntry { field, name, aliases, description, example }
}

const fn operator(operator: &'static str, description: &'static str, example: &'static str) -> OperatorEntry {
    OperatorEntry { operator, description, example }
}

/// In the order in which they are offered.
#[rustfmt::skip] // a table
const FIELDS: &[FieldEntry] = &[
    entry(Field::Type, "type", &[], "payload type", "type:advert,trace"),
    entry(Field::Node(NodePart::From), "from", &["sender"], "sender: name, key, or beginning of a key", "from:ridge"),
    entry(Field::Node(NodePart::To), "to", &["recipient"], "recipient, likewise", "to:a1b2"),
    entry(Field::Node(NodePart::Any), "node", &[], "sender, recipient or hop", "node:d707b5"),
    entry(Field::Node(NodePart::Via), "via", &["hop"], "any hop", "via:\"north ridge\""),
    entry(Field::Text(TextField::Channel), "channel", &[], "channel of a message", "channel == \"#test\""),
    entry(Field::Text(TextField::Text), "text", &[], "what was said", "text ~ /hello|hi/i"),
    entry(Field::Number(NumberField::Snr), "snr", &[], "signal to noise, dB", "snr:-10..5"),
    entry(Field::Number(NumberField::Rssi), "rssi", &[], "received strength, dBm", "rssi > -90"),
    entry(Field::Number(NumberField::Hops), "hops", &[], "number of hops", "hops:>3"),
    entry(Field::Number(NumberField::Observations), "observations", &[], "number of observations", "observations >= 2"),
    entry(Field::Time, "time", &["timestamp"], "when it was heard", "time:today"),
    entry(Field::Age, "age", &[], "seconds since it was heard", "age < 1h"),
    entry(Field::Since, "since", &[], "heard at or after", "since:15m"),
    entry(Field::Until, "until", &[], "heard at or before", "until:2026-01-31"),
    entry(Field::Text(TextField::Observer), "observer", &[], "name of the observer", "observer:SJC"),
    entry(Field::Text(TextField::ObserverId), "observer_id", &[], "id of the observer", "observer_id starts_with \"a1\""),
    entry(Field::Text(TextField::Region), "region", &["iata", "observer_iata"], "region code of the observer", "region:SJC,SFO"),
    entry(Field::Text(TextField::Area), "area", &[], "area in which the sender is", "area:valley"),
    entry(Field::Text(TextField::Scope), "scope", &[], "region the packet is for", "scope == \"#europe\""),
    entry(Field::Route, "route", &[], "route type", "route == T_FLOOD"),
    entry(Field::Transport, "transport", &[], "the route carries transport codes", "transport && code1 == \"AABB\""),
    entry(Field::Text(TextField::Code1), "code1", &[], "first transport code, hex", "code1 == \"AABB\""),
    entry(Field::Text(TextField::Code2), "code2", &[], "second transport code, hex", "code2 != \"0000\""),
    entry(Field::Text(TextField::Name), "name", &[], "name of the sender", "name:KD*"),
    entry(Field::Text(TextField::Role), "role", &[], "role of the sender", "role:repeater"),
    entry(Field::Own(Own::Mine), "mine", &[], "one of your nodes has part in it", "mine and type:ack"),
    entry(Field::Own(Own::Favourites), "fav", &[], "one of your favourites has part in it", "fav or mine"),
    entry(Field::Flag(Flag::NewNode), "new_node", &[], "first packet of its sender", "new_node"),
    entry(Field::Text(TextField::Hash), "hash", &[], "content hash", "hash starts_with \"c40e\""),
    entry(Field::Number(NumberField::Size), "size", &[], "bytes of the frame", "size:20..40"),
    entry(Field::Number(NumberField::PayloadBytes), "payload_bytes", &[], "bytes of the payload", "payload_bytes > 100"),
    entry(Field::Text(TextField::Raw), "raw", &[], "the frame, hex", "raw contains \"dead\""),
    entry(Field::Text(TextField::PayloadHex), "payload_hex", &[], "the payload, hex", "payload_hex starts_with \"01\""),
    entry(Field::Text(TextField::Path), "path", &["path_prefixes"], "hops, joined by →", "path contains \"A1 → B2\""),
    entry(Field::Text(TextField::RoutedThrough), "routed_through", &[], "keys of the hops, as far as known", "routed_through contains \"d707b5\""),
    entry(Field::Node(NodePart::FirstHop), "first_hop", &[], "hop next to the sender", "first_hop:ridge"),
    entry(Field::Node(NodePart::LastHop), "last_hop", &[], "hop next to the observer", "last_hop:a1"),
    entry(Field::Number(NumberField::HashSize), "hash_size", &[], "bytes per hop", "hash_size > 1"),
    entry(Field::Number(NumberField::PathLen), "path_len", &[], "bytes of the path", "path_len > 32"),
    entry(Field::Number(NumberField::Airtime), "airtime", &[], "time on air, ms", "airtime > 500ms"),
    entry(Field::Number(NumberField::Delay), "delay", &[], "after the first observation, ms", "obs.delay > 2s"),
    entry(Field::Number(NumberField::Distance), "distance", &[], "from sender to observer, km", "distance > 50"),
    entry(Field::Number(NumberField::Lat), "lat", &[], "latitude of the sender", "lat:47..48"),
    entry(Field::Number(NumberField::Lon), "lon", &[], "longitude of the sender", "lon < 8.5"),
    entry(Field::Flag(Flag::Encrypted), "encrypted", &[], "no key of ours opens it", "not encrypted"),
    entry(Field::Flag(Flag::Signature), "sig", &[], "signature of an advert: valid or invalid", "sig:invalid"),
    entry(Field::Text(TextField::Anomaly), "anomaly", &[], "what is odd about the frame", "anomaly"),
    entry(Field::Words, "words", &[], "names, text, hash, channel and keys, as bare words search them", "words ~ /ridge [0-9]/i"),
];

#[rustfmt::skip] // a table
const OPERATORS: &[OperatorEntry] = &[
    operator(":", "text contains, anything else is; also ranges, lists, wildcards and comparisons", "snr:-10..5 type:advert,trace name:KD* hops:>3"),
    operator("==", "is, in any case", "type == ADVERT"),
    operator("!=", "is known and is not", "route != DIRECT"),
    operator("<", "less", "hops < 2"),
    operator("<=", "at most", "hops <= 2"),
    operator(">", "more", "snr > 5 && rssi > -90"),
    operator(">=", "at least", "(type == TRACE || type == ACK) && snr >= 2"),
    operator("contains", "has it within", "payload.name contains \"ridge\""),
    operator("starts_with", "begins with", "hash starts_with \"c40e\""),
    operator("ends_with", "ends with", "observer ends_with \"roof\""),
    operator("~", "matches a regular expression; i after it for any case", "text ~ /^cq\\b/i"),
    operator("in", "is one of", "iata in (\"SJC\",\"SFO\")"),
    operator("between", "from one to the other, in any order", "time between \"2026-01-01\" \"2026-02-01\""),
    operator("after", "later than", "time after \"2026-01-01\""),
    operator("before", "earlier than", "time before now-2h"),
    operator("and", "both; also && or nothing", "type:advert snr>5 hops<3"),
    operator("or", "either; also ||", "mine or fav"),
    operator("not", "the opposite; also !", "!transport"),
    operator("obs.", "an observation", "obs.region:SJC and not obs.region:SFO"),
    operator("any()", "an observation, of which all of this is true", "any(snr > 5 and region:SJC)"),
    operator("all()", "every observation", "all(obs.snr > 0)"),
    operator("count()", "number of observations", "count(obs) > 3 count(snr > 0) >= 2"),
    operator("near()", "sender within km of a latitude and longitude", "near(47.37, 8.54, 25)"),
    operator("payload.", "a value of the decoded payload", "payload.flags.repeater == true"),
];

/// What a name stands for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Named<'t> {
    pub(super) what: What<'t>,
    /// With `obs.` before it.
    pub(super) of_observation: bool,
}

/// A field of the table, or a path in the payload.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum What<'t> {
    Field(Field),
    Payload(Vec<&'t str>),
}

/// By name or alias, in any case; keys in the payload are taken as they are.
pub(super) fn field_named(word: &str) -> Option<Named<'_>> {
    let rest = strip(word, "obs.");
    let (word, of_observation) = (rest.unwrap_or(word), rest.is_some());
    let what = match strip(word, "payload.") {
        Some(path) => {
            let path: Vec<_> = path.split('.').collect();
            What::Payload(Some(path).filter(|path| path.iter().all(|key| !key.is_empty()))?)
        }
        None => What::Field(FIELDS.iter().find(|entry| entry.is_called(word))?.field),
    };
    Some(Named { what, of_observation })
}

fn strip<'t>(word: &'t str, prefix: &str) -> Option<&'t str> {
    let start = word.get(..prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then(|| &word[prefix.len()..])
}

impl FieldEntry {
    fn is_called(&self, word: &str) -> bool {
        self.names().any(|name| name.eq_ignore_ascii_case(word))
    }

    /// Name and aliases.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }
}

/// Every name of a field.
pub(super) fn field_names() -> impl Iterator<Item = &'static str> {
    FIELDS.iter().flat_map(FieldEntry::names)
}

/// The name of a field.
pub(super) fn name_of(field: Field) -> &'static str {
    FIELDS.iter().find(|entry| entry.field == field).map_or("", |entry| entry.name)
}
