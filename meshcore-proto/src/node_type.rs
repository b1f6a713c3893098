//! What a node is for.

use core::fmt;

/// The role a node announces (firmware `src/helpers/AdvertDataHelpers.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NodeType {
    /// Nothing announced.
    None,
    /// A person's radio, also called companion.
    Chat,
    /// Forwards packets.
    Repeater,
    /// Keeps and hands out posts.
    Room,
    /// Measures.
    Sensor,
    /// 5 to 15: not assigned. Holds the number.
    Reserved(ReservedNodeType),
}

impl NodeType {
    /// From the low four bits; the others are ignored.
    pub const fn from_bits(bits: u8) -> Self {
        match bits & 0x0f {
            0 => Self::None,
            1 => Self::Chat,
            2 => Self::Repeater,
            3 => Self::Room,
            4 => Self::Sensor,
            number => Self::Reserved(ReservedNodeType(number)),
        }
    }

    /// 0 to 15, as in the flags byte.
    pub const fn bits(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Chat => 1,
            Self::Repeater => 2,
            Self::Room => 3,
            Self::Sensor => 4,
            Self::Reserved(number) => number.0,
        }
    }

    /// The firmware's name: `REPEATER`; `RESERVED` for 5 to 15.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Chat => "CHAT",
            Self::Repeater => "REPEATER",
            Self::Room => "ROOM",
            Self::Sensor => "SENSOR",
            Self::Reserved(_) => "RESERVED",
        }
    }
}

/// The number of a node type without a meaning: 5 to 15.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReservedNodeType(u8);

impl ReservedNodeType {
    /// `None` for other numbers.
    pub const fn new(number: u8) -> Option<Self> {
        match number {
            5..=15 => Some(Self(number)),
            _ => None,
        }
    }

    /// The number on the wire.
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl fmt::Display for NodeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_sixteen_numbers_survive() {
        for bits in 0..16 {
            assert_eq!(NodeType::from_bits(bits).bits(), bits);
            assert_eq!(ReservedNodeType::new(bits).is_some(), NodeType::from_bits(bits).name() == "RESERVED");
        }
    }
}
