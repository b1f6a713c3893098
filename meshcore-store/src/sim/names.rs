//! What people call their nodes, and what they say.

use meshcore_proto::NodeType;

use super::random::Random;

/// Most bytes of a name beside a position (firmware `src/helpers/AdvertDataHelpers.cpp`: 32 less flags and position).
const MAX_NAME: usize = 23;

const PLACES: &[&str] = &[
    "Ridge",
    "Hörnli",
    "Mill Pond",
    "Gasworks",
    "Quarry",
    "Station",
    "Weinberg",
    "Vineyard",
    "Water Tower",
    "Säntis",
    "Old Town",
    "Harbour",
    "Rüti",
    "Château",
    "Zürich",
    "Airfield",
    "Silo",
    "Church",
    "Čapek",
    "Łódź",
    "Dam",
    "Wald",
    "Grüt",
    "Bridge",
    "Käferberg",
    "Depot",
    "Alp",
    "Schloss",
    "Kanal",
    "Forsthaus",
];
const KINDS: &[&str] =
    &["North", "South", "West", "Ost", "RPT", "Repeater", "Relay", "Tower", "Solar", "1", "2", "II"];
const PEOPLE: &[&str] = &[
    "Ada",
    "Bo",
    "Eni",
    "Jürg",
    "Zoë",
    "Mika",
    "Noor",
    "Émile",
    "Søren",
    "Ines",
    "Kofi",
    "Lía",
    "Vreni",
    "Tomáš",
    "dispatch",
    "HB9 mobile",
    "Nachtschicht",
    "bike",
    "Yuki",
    "Oğuz",
];
const EMOJI: &[&str] = &["🗼", "🐰", "🌳", "🚲", "⛰️", "📡", "🔋", "🦊", "☀️"];
const ODD: &[&str] = &["חיפה צפון", "محطة الجبل", "Ретранслятор", "東京ノード", "نقطة 7", "🏔️🏔️🏔️"];

pub(super) const TALK: &[&str] = &[
    "good morning from the lake",
    "copy, 4 hops tonight",
    "anyone near the ridge with a spare battery?",
    "testing the new antenna, how do I read?",
    "loud and clear on the roof",
    "heading up, back in an hour",
    "thanks all, 73",
    "the pier repeater is back",
    "who turned up the fog? 🌫️",
    "ping",
    "pong",
    "Grüezi mitenand",
    "range test, please ack",
    "hop count please",
    "-2.5 C, wind 14 km/h NE",
    "snow line at 900 m",
    "sunny above the fog",
    "gusts on the pier, 52 km/h",
    "شكرا جزيلا",
    "moved the node to the window, 6 dB better",
    "meet at the usual place at six? bring the long cable and the small mast, the clamp is in the shed behind the bikes",
];

pub(super) fn name(node_type: NodeType, number: u32, random: &mut Random) -> String {
    let mut name = match random.below(40) {
        0 => random.pick(ODD).to_owned(),
        _ => match node_type {
            NodeType::Chat => match random.below(3) {
                0 => format!("{} {}", random.pick(PEOPLE), number % 97),
                _ => random.pick(PEOPLE).to_owned(),
            },
            NodeType::Room => format!("{} Room", random.pick(PLACES)),
            NodeType::Sensor => format!("{} Wx {}", random.pick(PLACES), number % 10),
            _ => format!("{} {}", random.pick(PLACES), random.pick(KINDS)),
        },
    };
    if random.happens(180) {
        name.push(' ');
        name.push_str(random.pick(EMOJI));
    }
    name.truncate(name.floor_char_boundary(MAX_NAME));
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_an_advert_and_differ() {
        let mut random = Random::new(7, 7);
        let names: Vec<String> = (0..500).map(|n| name(NodeType::Repeater, n, &mut random)).collect();
        assert!(names.iter().all(|name| (1..=MAX_NAME).contains(&name.len())));
        assert!(names.iter().any(|name| name.chars().any(|c| ('א'..='ת').contains(&c))));
        assert!(names.iter().any(|name| name.contains('ö')));
    }
}
