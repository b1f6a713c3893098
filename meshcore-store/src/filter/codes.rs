//! Sets of payload types and route types, and what people call them.

use meshcore_proto::{PayloadType, RouteType};

/// Which of the types 0 to 15.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Codes(u16);

impl Codes {
    /// Those of `codes` below 16.
    pub fn of(codes: impl IntoIterator<Item = u8>) -> Self {
        Self(codes.into_iter().filter(|code| *code < 16).fold(0, |set, code| set | 1 << code))
    }

    /// Whether `code` is among them.
    pub const fn contains(self, code: u8) -> bool {
        code < 16 && self.0 >> code & 1 == 1
    }

    /// Ascending.
    pub fn iter(self) -> impl Iterator<Item = u8> {
        (0..16).filter(move |code| self.contains(*code))
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those of either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those of `all` that are not among these.
    #[must_use]
    pub const fn but(self, all: Self) -> Self {
        Self(all.0 & !self.0)
    }
}

/// The two enumerations: payload types and route types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Type,
    Route,
}

/// Labels of payload types, in any case, by number.
const TYPE_LABELS: [(u8, &str); 20] = [
    (0, "Request"),
    (1, "Response"),
    (2, "Direct Msg"),
    (2, "DM"),
    (3, "Ack"),
    (4, "Advert"),
    (5, "Channel Msg"),
    (5, "Channel"),
    (6, "Group Data"),
    (7, "Anon Req"),
    (8, "Path"),
    (9, "Trace"),
    (10, "Multipart"),
    (11, "Control"),
    (12, "Unknown"),
    (13, "Unknown"),
    (14, "Unknown"),
    (15, "Raw Custom"),
    (15, "Raw"),
    (15, "Custom"),
];

/// Short names of route types.
const ROUTE_LABELS: [(u8, &str); 2] = [(0, "t_flood"), (3, "t_direct")];

impl Coding {
    /// Every code there is.
    pub(super) fn all(self) -> Codes {
        match self {
            Self::Type => Codes::of(0..16),
            Self::Route => Codes::of(0..4),
        }
    }

    /// The official name of a code; `None` for one that has no meaning.
    pub(super) fn name(self, code: u8) -> Option<&'static str> {
        match self {
            Self::Type => match PayloadType::from_bits(code) {
                PayloadType::Reserved(_) => None,
                known => Some(known.name()),
            },
            Self::Route => Some(RouteType::from_bits(code).name()),
        }
    }

    /// Official names with their codes.
    pub(super) fn names(self) -> impl Iterator<Item = (u8, &'static str)> {
        self.all().iter().filter_map(move |code| Some((code, self.name(code)?)))
    }

    /// Other names with their codes.
    pub(super) fn labels(self) -> impl Iterator<Item = (u8, &'static str)> {
        let labels: &[_] = match self {
            Self::Type => &TYPE_LABELS,
            Self::Route => &ROUTE_LABELS,
        };
        labels.iter().copied()
    }

    /// By official name, label or number; some labels are of several.
    pub(super) fn find(self, text: &str) -> Option<Codes> {
        let same = |(_, name): &(u8, &str)| name.eq_ignore_ascii_case(text);
        let named = Codes::of(self.names().chain(self.labels()).filter(same).map(|(code, _)| code));
        let numbered =
            || text.parse().ok().filter(|code| self.all().contains(*code)).map(|code| Codes::of([code]));
        Some(named).filter(|named| !named.is_empty()).or_else(numbered)
    }

    /// Those whose official name passes `test`; where none does, those with a label that does.
    pub(super) fn select(self, test: impl Fn(&str) -> bool) -> Codes {
        let codes = |(code, name): (u8, &str)| test(name).then_some(code);
        let by_name = Codes::of(self.names().filter_map(codes));
        if by_name.is_empty() { Codes::of(self.labels().filter_map(codes)) } else { by_name }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_found_by_name_label_and_number() {
        let found = |coding: Coding, text| coding.find(text).map(|codes| codes.iter().collect::<Vec<_>>());
        for (text, code) in
            [("grp_txt", 5), ("channel msg", 5), ("DM", 2), ("custom", 15), ("13", 13), ("path", 8)]
        {
            assert_eq!(found(Coding::Type, text), Some(vec![code]), "{text}");
        }
        assert_eq!(found(Coding::Type, "unknown"), Some(vec![12, 13, 14]));
        assert_eq!((found(Coding::Type, "16"), found(Coding::Type, "")), (None, None));
        assert_eq!(
            (found(Coding::Route, "T_FLOOD"), found(Coding::Route, "3")),
            (Some(vec![0]), Some(vec![3]))
        );
        assert_eq!(found(Coding::Route, "4"), None);
    }

    #[test]
    fn labels_count_only_where_no_name_does() {
        let with =
            |part: &'static str| Coding::Type.select(move |name| name.to_ascii_lowercase().contains(part));
        assert_eq!(with("msg"), Codes::of([2]), "TXT_MSG, as ever, and not Channel Msg");
        assert_eq!(with("channel msg"), Codes::of([5]));
        assert!(with("nothing").is_empty());
    }

    #[test]
    fn a_set_knows_what_it_lacks() {
        let set = Codes::of([0, 3, 200]);
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 3]);
        assert_eq!(set.but(Coding::Route.all()), Codes::of([1, 2]));
        assert_eq!(set.union(Codes::of([1, 2])), Coding::Route.all());
    }
}
