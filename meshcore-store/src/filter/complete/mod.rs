//! What can come next while an expression is typed: fields, then operators, then values.

mod offers;
mod place;

use std::ops::Range;

use serde::Serialize;

use place::Place;

/// Something that can be put into an expression.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Completion {
    /// The text to put in.
    pub insert: String,
    /// The bytes it takes the place of; empty where it only adds.
    pub replaces: Range<usize>,
    /// What it is.
    pub kind: CompletionKind,
    /// What it means, when that is not obvious.
    pub description: &'static str,
}

/// What a completion is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CompletionKind {
    /// A field, or the beginning of one.
    Field,
    /// A function.
    Function,
    /// An operator, or a word that joins tests.
    Operator,
    /// A value of the field before it.
    Value,
}

/// What is known by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NameKind {
    /// Nodes.
    Node,
    /// Channels.
    Channel,
    /// Observers.
    Observer,
    /// Ids of observers.
    ObserverId,
    /// Region codes of observers.
    Region,
    /// Areas on the map.
    Area,
    /// Regions that packets are for.
    Scope,
    /// Paths in decoded payloads, such as `flags.repeater`.
    PayloadKey,
}

/// Names that are known, to be offered as values.
pub trait Names {
    /// Some names of a kind that have `part` within, in any case, the best first and at most `most`.
    fn names(&self, kind: NameKind, part: &str, most: usize) -> Vec<String>;
}

/// Knows no names.
impl Names for () {
    fn names(&self, _kind: NameKind, _part: &str, _most: usize) -> Vec<String> {
        Vec::new()
    }
}

/// Completions offered at once.
pub const COMPLETIONS_MAX: usize = 12;

/// What can be put into `text` at byte `cursor`, the best first.
pub fn complete(text: &str, cursor: usize, names: &dyn Names) -> Vec<Completion> {
    let before = &text[..text.floor_char_boundary(cursor)];
    let place = Place::at_end(before);
    let mut offers = offers::at(&place, names);
    offers.truncate(COMPLETIONS_MAX);
    offers
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    struct Known;

    impl Names for Known {
        fn names(&self, kind: NameKind, part: &str, most: usize) -> Vec<String> {
            let all: &[&str] = match kind {
                NameKind::Node => &["Hill", "North \"N\" Ridge"],
                NameKind::Channel => &["#test", "Public"],
                NameKind::PayloadKey => &["flags.repeater", "name"],
                _ => &[],
            };
            let fits = |name: &&&str| name.to_lowercase().contains(&part.to_lowercase());
            all.iter().filter(fits).take(most).map(|name| (*name).to_owned()).collect()
        }
    }

    /// What `text` becomes, with the cursor at `|`, by each completion.
    fn results(text: &str) -> Vec<String> {
        let cursor = text.find('|').unwrap();
        let text = text.replace('|', "");
        let apply = |completion: Completion| {
            let mut text = text.clone();
            text.replace_range(completion.replaces, &completion.insert);
            text
        };
        complete(&text, cursor, &Known).into_iter().map(apply).collect()
    }

    #[rstest]
    #[case::a_field("rss|", &["rssi"])]
    #[case::in_any_case("RSS|", &["rssi"])]
    #[case::by_another_name("iat|", &["iata"])]
    #[case::after_a_joint("1 && observer_|", &["1 && observer_id", "1 && observer_iata"])]
    #[case::without_joint("snr>5 rss|", &["snr>5 rssi"])]
    #[case::in_parentheses("(rss|", &["(rssi"])]
    #[case::keeps_the_rest("rss| > 5", &["rssi > 5"])]
    #[case::a_value_of_a_type("type == adv|", &["type == ADVERT"])]
    #[case::by_label("type:dm|", &["type:TXT_MSG"])]
    #[case::in_a_list("type:ADVERT,tra|", &["type:ADVERT,TRACE"])]
    #[case::in_parentheses("type in (ADVERT, tra|", &["type in (ADVERT, TRACE"])]
    #[case::in_quotes("type == \"adv|", &["type == ADVERT"])]
    #[case::a_role("role:rep|", &["role:repeater"])]
    #[case::a_flag("encrypted == t|", &["encrypted == true"])]
    #[case::a_signature("sig:inv|", &["sig:invalid"])]
    #[case::a_time("time > yest|", &["time > yesterday"])]
    #[case::a_name("from:hi|", &["from:Hill"])]
    #[case::a_name_that_needs_quotes("from:ridge|", &["from:\"North \\\"N\\\" Ridge\""])]
    #[case::a_channel("channel == |", &["channel == \"#test\"", "channel == Public"])]
    #[case::of_an_observation("obs.rs|", &["obs.rssi"])]
    #[case::of_the_payload("payload.f|", &["payload.flags.repeater"])]
    #[case::after_a_field("since|", &["since:"])]
    #[case::an_operator("hash sta|", &["hash starts_with"])]
    #[case::nothing_fits("size > 1|", &[])]
    #[case::in_a_regular_expression("text ~ /ad|", &[])]
    fn what_is_typed_is_completed(#[case] text: &str, #[case] expected: &[&str]) {
        assert_eq!(results(text), expected);
    }

    #[test]
    fn a_field_is_followed_by_its_operators() {
        let operators =
            |text| complete(text, text.len(), &()).into_iter().map(|found| found.insert).collect::<Vec<_>>();
        assert_eq!(operators("since "), [":", "and", "or"]);
        assert_eq!(operators("encrypted "), ["==", "!=", "and", "or"]);
        assert_eq!(operators("age"), ["<", ">", ":", " between"], "at once, because it is a field already");
        assert!(operators("snr > 5 ").contains(&"and".to_owned()));
    }

    #[test]
    fn at_the_beginning_there_are_fields_and_not_too_many() {
        let offers = complete("", 0, &());
        assert_eq!(
            (offers.len(), offers[0].insert.as_str(), offers[0].kind),
            (12, "type", CompletionKind::Field)
        );
        assert!(offers.iter().all(|offer| !offer.description.is_empty()));
    }

    #[test]
    fn a_cursor_that_is_nowhere_is_moved() {
        assert_eq!(complete("é", 1, &()).len(), 12);
        assert_eq!(complete("rss", 99, &()).len(), 1);
    }
}
