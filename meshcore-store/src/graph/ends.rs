//! What edges end in, as small numbers.

use core::cmp::Ordering;
use core::fmt;
use std::sync::Arc;

use foldhash::quality::RandomState;
use meshcore_proto::PublicKey;

/// How the far end of an ambiguous edge begins in the database, before its prefix. No name may look like that.
pub(crate) const PREFIX_MARK: &str = "prefix:";

/// What an edge ends in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// A node.
    Key(PublicKey),
    /// An observer whose id is no public key: the id in lower case.
    Name(Arc<str>),
}

impl End {
    /// The end an observer is, or the one stored as `text`. `None` for an empty text and for one that would be taken
    /// for a prefix.
    pub fn from_text(text: &str) -> Option<Self> {
        if let Ok(key) = text.parse() {
            return Some(Self::Key(key));
        }
        let name = text.to_lowercase();
        let usable = !name.is_empty() && !name.starts_with(PREFIX_MARK);
        usable.then(|| Self::Name(name.into()))
    }

    /// Its text, as [`Display`](fmt::Display) has it, in a tenth of the time.
    pub(crate) fn to_text(&self) -> String {
        match self {
            Self::Key(key) => hex::encode(key.as_bytes()),
            Self::Name(name) => name.as_ref().to_owned(),
        }
    }

    /// The node, if it is one.
    pub const fn key(&self) -> Option<&PublicKey> {
        match self {
            Self::Key(key) => Some(key),
            Self::Name(_) => None,
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => key.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// The order of the texts, as the database has it.
impl Ord for End {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Key(a), Self::Key(b)) => a.cmp(b),
            (Self::Name(a), Self::Name(b)) => a.cmp(b),
            (Self::Key(a), Self::Name(b)) => a.to_string().as_str().cmp(b),
            (Self::Name(a), Self::Key(b)) => a.as_ref().cmp(b.to_string().as_str()),
        }
    }
}

impl PartialOrd for End {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The number of an [`End`]; means something only together with its [`Ends`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndId(u32);

impl EndId {
    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Numbers for ends. A number, once given, stays.
#[derive(Clone, Debug, Default)]
pub struct Ends {
    ids: std::collections::HashMap<End, EndId, RandomState>,
    list: Vec<End>,
}

impl Ends {
    /// The number of `end`, a new one if it has none.
    pub fn intern(&mut self, end: End) -> EndId {
        if let Some(id) = self.ids.get(&end) {
            return *id;
        }
        let id = EndId(u32::try_from(self.list.len()).expect("2^32 ends do not fit into memory"));
        self.list.push(end.clone());
        self.ids.insert(end, id);
        id
    }

    /// The number of `end`, if it has one.
    pub fn id(&self, end: &End) -> Option<EndId> {
        self.ids.get(end).copied()
    }

    /// Whose number it is.
    ///
    /// # Panics
    /// When the number is of other [`Ends`].
    pub fn get(&self, id: EndId) -> &End {
        self.list.get(id.index()).expect("numbers are asked of whoever gave them")
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("Roof North", Some("roof north"))]
    #[case(&"AB".repeat(32), Some(&*"ab".repeat(32)))]
    #[case("", None)]
    #[case("prefix:a1", None)]
    #[case("PREFIX:A1", None)]
    fn an_observer_is_an_end_by_its_lower_case_id(#[case] id: &str, #[case] end: Option<&str>) {
        assert_eq!(End::from_text(id).map(|end| end.to_string()).as_deref(), end);
    }

    #[test]
    fn an_end_keeps_its_number() {
        let mut ends = Ends::default();
        let (a, b) = (End::from_text("a").unwrap(), End::from_text("b").unwrap());
        let id = ends.intern(a.clone());
        assert_ne!(ends.intern(b), id);
        assert_eq!(ends.intern(a.clone()), id);
        assert_eq!((ends.get(id), ends.id(&a), ends.len()), (&a, Some(id), 2));
    }

    proptest! {
        #[test]
        fn ends_are_ordered_as_their_texts(a in "[0-9a-z]{1,3}|[0-9a-f]{64}", b in "[0-9a-z]{1,3}|[0-9a-f]{64}") {
            let (x, y) = (End::from_text(&a).unwrap(), End::from_text(&b).unwrap());
            prop_assert_eq!(x.cmp(&y), a.cmp(&b));
        }
    }
}
