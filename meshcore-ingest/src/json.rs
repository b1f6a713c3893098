//! JSON as it comes, read in place and in one pass.
//!
//! Keys and texts without escapes are borrowed from the input, and nesting is bounded while reading, so that a hostile
//! payload costs no more than its length.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::Deserializer;
use serde_json::error::{Category, Error};

/// Deepest nesting of objects and lists.
const MAX_DEPTH: usize = 16;

/// Keys of a usual message.
const USUAL_KEYS: usize = 20;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// Any number. Integers beyond 2^53 lose their last digits.
    Number(f64),
    /// A text, escapes resolved.
    Text(Cow<'a, str>),
    /// A list. No message of ours has one, so what is in it is not kept.
    List,
    /// An object.
    Object(Object<'a>),
}

/// A JSON object, in the order of the input.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Object<'a>(Vec<(Cow<'a, str>, Json<'a>)>);

/// Why a text is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JsonError {
    /// It is no JSON object.
    NoObject,
    /// It nests deeper than 16 levels.
    TooDeep,
}

impl<'a> Object<'a> {
    /// Reads a text that is one object.
    ///
    /// # Errors
    /// [`JsonError`].
    pub(crate) fn parse(text: &'a [u8]) -> Result<Self, JsonError> {
        let mut json = Deserializer::from_slice(text);
        let read = Nested { depth: 0 }.deserialize(&mut json).and_then(|read| json.end().map(|()| read));
        match read {
            Ok(Json::Object(object)) => Ok(object),
            Ok(_) => Err(JsonError::NoObject),
            Err(error) => Err(JsonError::of(&error)),
        }
    }

    /// The value of `name`; of several the last.
    pub(crate) fn get(&self, name: &str) -> Option<&Json<'a>> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The text of `name`, when it is one.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.get(name)? {
            Json::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The object of `name`, when it is one.
    pub(crate) fn object(&self, name: &str) -> Option<&Self> {
        match self.get(name)? {
            Json::Object(object) => Some(object),
            _ => None,
        }
    }
}

impl JsonError {
    fn of(error: &Error) -> Self {
        // Anything is taken of any value, so depth is the only complaint that is not about syntax.
        if error.classify() == Category::Data { Self::TooDeep } else { Self::NoObject }
    }
}

/// The name of a value.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// Reads a value below so many brackets.
#[derive(Clone, Copy)]
struct Nested {
    depth: usize,
}

impl Nested {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth < MAX_DEPTH {
            Ok(Self { depth: self.depth + 1 })
        } else {
            Err(E::custom("nested too deep"))
        }
    }
}

impl<'de> DeserializeSeed<'de> for Nested {
    type Value = Json<'de>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Json<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Nested {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool(flag))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json<'de>, E> {
        Ok(Json::Number(number as f64))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json<'de>, E> {
        Ok(Json::Number(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json<'de>, E> {
        Ok(Json::Number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json<'de>, A::Error> {
        let inside = self.deeper()?;
        while list.next_element_seed(inside)?.is_some() {}
        Ok(Json::List)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json<'de>, A::Error> {
        let inside = self.deeper()?;
        let mut entries = Vec::with_capacity(USUAL_KEYS);
        while let Some(key) = map.next_key::<Key<'de>>()? {
            entries.push((key.0, map.next_value_seed(inside)?));
        }
        Ok(Json::Object(Object(entries)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::Index;
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    #[rstest]
    #[case(b"".as_slice(), JsonError::NoObject)]
    #[case(b"{\"raw\":", JsonError::NoObject)]
    #[case(b"{} x", JsonError::NoObject)]
    #[case(b"[1,2]", JsonError::NoObject)]
    #[case(b"\xff\xfe", JsonError::NoObject)]
    #[case(b"{\"a\": \"\xff\"}", JsonError::NoObject)]
    #[case(b"{\"a\": 1e999}", JsonError::NoObject)]
    #[case(&[b'['; 17], JsonError::TooDeep)]
    fn what_is_no_object_is_refused(#[case] text: &[u8], #[case] reason: JsonError) {
        assert_eq!(Object::parse(text), Err(reason));
    }

    #[test]
    fn sixteen_levels_are_read_and_brackets_in_texts_do_not_count() {
        let nested = |levels: usize| format!("{{\"a\":{}1{}}}", "[".repeat(levels), "]".repeat(levels));
        assert!(Object::parse(nested(15).as_bytes()).is_ok());
        assert_eq!(Object::parse(nested(16).as_bytes()), Err(JsonError::TooDeep));
        let text = format!(r#"{{"a": "{}\"{}"}}"#, "[{".repeat(20), "]".repeat(20));
        assert!(Object::parse(text.as_bytes()).is_ok());
    }

    #[test]
    fn of_two_values_with_one_name_the_last_counts() {
        let object = Object::parse(br#"{"a": 1, "b": {"c": "\u00e9"}, "a": [2], "n": null}"#).unwrap();
        assert_eq!(object.get("a"), Some(&Json::List));
        assert_eq!(object.object("b").and_then(|b| b.text("c")), Some("é"));
        assert_eq!((object.get("n"), object.get("x")), (Some(&Json::Null), None));
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            (-1e9..1e9).prop_map(Value::from),
            "\\PC{0,6}|[\"\\\\\n{}\\[\\],:]{0,4}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::hash_map(".{0,3}", inner, 0..5)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    /// Whether both say the same, lists aside.
    fn agree(ours: &Json<'_>, usual: &Value) -> bool {
        match (ours, usual) {
            (Json::Null, Value::Null) | (Json::List, Value::Array(_)) => true,
            (Json::Bool(ours), Value::Bool(usual)) => ours == usual,
            (Json::Number(ours), Value::Number(usual)) => usual.as_f64() == Some(*ours),
            (Json::Text(ours), Value::String(usual)) => ours == usual,
            (Json::Object(ours), Value::Object(usual)) => {
                ours.0.len() == usual.len()
                    && usual.iter().all(|(key, value)| ours.get(key).is_some_and(|ours| agree(ours, value)))
            }
            _ => false,
        }
    }

    proptest! {
        /// An object is read as others read it, and no part of one is an object.
        #[test]
        fn objects_are_what_others_take_for_one(value in any_value(), cut in any::<Index>()) {
            let text = serde_json::to_string(&json!({"value": value, "last": 1})).unwrap();
            let usual: Value = serde_json::from_str(&text).unwrap();
            let read = Object::parse(text.as_bytes()).unwrap();
            prop_assert!(agree(read.get("value").unwrap(), &usual["value"]), "{text}");
            prop_assert_eq!(Object::parse(&text.as_bytes()[..cut.index(text.len())]), Err(JsonError::NoObject));
        }
    }
}
