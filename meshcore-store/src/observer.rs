//! Who heard a packet.

use core::fmt;
use core::str::FromStr;

/// The id of an observer: a public key as 64 upper-case hex digits, or any other printable name of 1 to 64 characters.
///
/// Two ids are the same observer when they agree without regard to case; compare with [`key`](Self::key).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObserverId(String);

const COMPANION: &str = "companion";

/// The text cannot be an observer id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an observer id has 1 to 64 printable characters")]
pub struct InvalidObserverId;

impl ObserverId {
    /// The id as stored and shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The observer that stands for a companion bridge, whose messages name none.
    pub fn companion() -> Self {
        Self(COMPANION.to_owned())
    }

    /// The name an observer has until it says another.
    pub fn first_name(&self) -> Option<&'static str> {
        (self.0 == COMPANION).then_some("L1 Pro (BLE)")
    }

    /// The id as compared: lower case.
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }

    /// How an id of an old row is shown: keys in upper case, names as they are.
    pub fn display_of(stored: &str) -> String {
        if is_key(stored) { stored.to_ascii_uppercase() } else { stored.to_owned() }
    }
}

impl FromStr for ObserverId {
    type Err = InvalidObserverId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let length = text.chars().count();
        if !(1..=64).contains(&length) || text.chars().any(|c| c.is_control() || c == '/') {
            return Err(InvalidObserverId);
        }
        Ok(Self(Self::display_of(text)))
    }
}

impl fmt::Display for ObserverId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_key(id: &str) -> bool {
    id.len() == 64 && id.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn keys_are_shown_in_upper_case_and_names_as_sent() {
        let key: ObserverId = "ab".repeat(32).parse().unwrap();
        assert_eq!(key.as_str(), "AB".repeat(32));
        assert_eq!(key.key(), "ab".repeat(32));
        assert_eq!("Roof North".parse::<ObserverId>().unwrap().as_str(), "Roof North");
    }

    #[rstest]
    #[case("")]
    #[case("a\nb")]
    #[case(&"x".repeat(65))]
    fn what_cannot_be_an_id_is_refused(#[case] text: &str) {
        assert_eq!(text.parse::<ObserverId>(), Err(InvalidObserverId));
    }
}
