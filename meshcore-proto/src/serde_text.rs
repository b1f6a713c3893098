//! Identifiers in serialized form are their text.

use core::fmt;
use core::marker::PhantomData;
use core::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::hash::PacketHash;
use crate::id::{NodeHash, PublicKey};

/// Reads a value from its text.
struct Text<T>(&'static str, PhantomData<T>);

impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

macro_rules! as_text {
    ($($id:ty: $expecting:literal),* $(,)?) => {$(
        impl Serialize for $id {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $id {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Text($expecting, PhantomData))
            }
        }
    )*};
}

as_text! {
    PublicKey: "64 hex digits",
    PacketHash: "16 hex digits",
    NodeHash: "2, 4 or 6 hex digits",
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn identifiers_are_their_text() {
        let hash: PacketHash = serde_json::from_str(r#""AB0B087C92F14FB4""#).unwrap();
        assert_eq!(serde_json::to_string(&hash).unwrap(), r#""ab0b087c92f14fb4""#);
        assert_eq!(serde_json::to_string(&NodeHash::new(&[0x84]).unwrap()).unwrap(), r#""84""#);
        let err = serde_json::from_str::<PublicKey>(r#""84""#).unwrap_err();
        assert!(err.to_string().starts_with("1 bytes of hex where 32 are needed"), "{err}");
    }
}
