//! Values in all their spellings.

use crate::json::{Json, Object};

/// Longest text kept, characters.
pub(crate) const MAX_TEXT: usize = 128;

/// The first of `names` that is there, even if it cannot be read.
pub(super) fn first<'j, 'a>(object: &'j Object<'a>, names: &[&str]) -> Option<&'j Json<'a>> {
    names.iter().find_map(|name| object.get(name))
}

/// A text without control characters, trimmed and cut; `unknown` and nothing are absent.
pub(super) fn text(object: &Object<'_>, name: &str) -> Option<String> {
    let clean = printable(object.text(name)?, MAX_TEXT);
    (!clean.is_empty() && !clean.eq_ignore_ascii_case("unknown")).then_some(clean)
}

/// `text` without control characters, at most so many characters, and no blanks around them.
pub(crate) fn printable(text: &str, most: usize) -> String {
    let text = text.trim();
    if text.len() <= most && !text.chars().any(char::is_control) {
        return text.to_owned();
    }
    let clean: String = text.chars().filter(|c| !c.is_control()).take(most).collect();
    clean.trim().to_owned()
}

/// A number, or a text of one with a unit: `10.75 dB`, `-110dBm`.
pub(super) fn number(value: &Json<'_>) -> Option<f64> {
    let number = match value {
        Json::Number(number) => Some(*number),
        Json::Text(text) => {
            let text = text.trim();
            text.parse().ok().or_else(|| without_unit(text)?.trim_end().parse().ok())
        }
        _ => None,
    };
    number.filter(|number: &f64| number.is_finite())
}

fn without_unit(text: &str) -> Option<&str> {
    const UNITS: &[&str] = &["dbm", "db", "mw", "km", "mi", "m"];
    UNITS.iter().find_map(|unit| {
        let (bare, end) = text.split_at_checked(text.len().checked_sub(unit.len())?)?;
        end.eq_ignore_ascii_case(unit).then_some(bare)
    })
}

/// Half away from zero; absent when it does not fit a counter.
pub(super) fn rounded(number: f64) -> Option<i64> {
    whole(number.round())
}

/// Towards zero; absent when it does not fit a counter.
pub(crate) fn truncated(number: f64) -> Option<i64> {
    whole(number.trunc())
}

fn whole(number: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "checked to be a whole number below 2^53")]
    (number.abs() < 9_007_199_254_740_992.0).then_some(number as i64)
}

/// A switch in any of its spellings.
pub(super) fn flag(value: &Json<'_>) -> Option<bool> {
    match value {
        Json::Bool(flag) => Some(*flag),
        Json::Number(number) => Some(*number != 0.0),
        Json::Text(text) => {
            let text = text.trim();
            let is_one_of = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
            if is_one_of(&["on", "true", "1", "yes"]) {
                Some(true)
            } else {
                is_one_of(&["off", "false", "0", "no"]).then_some(false)
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(Json::Number(-3.25), Some(-3.25))]
    #[case(Json::Text("6".into()), Some(6.0))]
    #[case(Json::Text("10.75 dB".into()), Some(10.75))]
    #[case(Json::Text(" -110dBm ".into()), Some(-110.0))]
    #[case(Json::Text("2 KM".into()), Some(2.0))]
    #[case(Json::Text("dB".into()), None)]
    #[case(Json::Text("é".into()), None)]
    #[case(Json::Text("loud".into()), None)]
    #[case(Json::Text("NaN".into()), None)]
    #[case(Json::Text("inf".into()), None)]
    #[case(Json::Null, None)]
    fn numbers_come_as_numbers_or_as_text_with_a_unit(
        #[case] value: Json<'static>,
        #[case] expected: Option<f64>,
    ) {
        assert_eq!(number(&value), expected);
    }

    #[rstest]
    #[case(Json::Text(" Off".into()), Some(false))]
    #[case(Json::Text("YES".into()), Some(true))]
    #[case(Json::Number(0.0), Some(false))]
    #[case(Json::Bool(true), Some(true))]
    #[case(Json::Text("maybe".into()), None)]
    #[case(Json::List, None)]
    fn a_switch_has_many_spellings(#[case] value: Json<'static>, #[case] expected: Option<bool>) {
        assert_eq!(flag(&value), expected);
    }

    #[test]
    fn counters_are_rounded_away_from_zero_and_measurements_cut_towards_it() {
        assert_eq!((rounded(2.5), rounded(-2.5), rounded(1e300)), (Some(3), Some(-3), None));
        assert_eq!((truncated(-92.9), truncated(1e300)), (Some(-92), None));
    }

    #[test]
    fn texts_lose_what_cannot_be_seen() {
        let object =
            Object::parse(br#"{"a": " x\r\ny\u0085 ", "b": "Unknown", "c": "\u0007", "d": 5}"#).unwrap();
        assert_eq!(text(&object, "a").as_deref(), Some("xy"));
        for name in ["b", "c", "d", "e"] {
            assert_eq!(text(&object, name), None, "{name}");
        }
        assert_eq!(printable(&"é".repeat(200), MAX_TEXT).chars().count(), 128);
    }
}
