//! Names as small numbers: inside the view a node, an observer, a channel is a number, and becomes text in the answer.

use std::num::{NonZeroU16, NonZeroU32};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::quality::RandomState;
use meshcore_proto::PublicKey;

type HashMap<K, V> = std::collections::HashMap<K, V, RandomState>;

/// Number of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeNo(NonZeroU32);

/// Number of an observer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObserverNo(NonZeroU16);

/// Number of a channel or a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TextNo(NonZeroU32);

macro_rules! number {
    ($name:ident, $int:ty, $nonzero:ty) => {
        impl $name {
            /// From what [`get`](Self::get) gave; 0 is nobody.
            pub fn new(number: $int) -> Option<Self> {
                <$nonzero>::new(number).map(Self)
            }

            /// The number, never 0.
            pub const fn get(self) -> $int {
                self.0.get()
            }

            /// The `index`-th.
            fn at(index: usize) -> Option<Self> {
                <$int>::try_from(index + 1).ok().and_then(Self::new)
            }

            /// Place in a list of all.
            pub fn index(self) -> usize {
                usize::try_from(self.0.get() - 1).unwrap_or(usize::MAX)
            }
        }
    };
}

number!(NodeNo, u32, NonZeroU32);
number!(ObserverNo, u16, NonZeroU16);
number!(TextNo, u32, NonZeroU32);

/// Everything that has a number. Only grows.
#[derive(Clone, Debug, Default)]
pub struct Names {
    nodes: Table<PublicKey>,
    /// `observers.rowid` in the database.
    observers: Table<i64>,
    texts: Table<Arc<str>>,
}

#[derive(Clone, Debug)]
struct Table<T> {
    names: Vec<T>,
    numbers: HashMap<T, usize>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { names: Vec::new(), numbers: HashMap::default() }
    }
}

impl<T: Clone + Eq + std::hash::Hash> Table<T> {
    fn of(names: Vec<T>) -> Self {
        let numbers = names.iter().cloned().zip(0..).collect();
        Self { names, numbers }
    }

    fn push(&mut self, name: T) -> usize {
        let index = self.names.len();
        self.names.push(name.clone());
        self.numbers.insert(name, index);
        index
    }
}

impl Names {
    /// From the lists that [`node_keys`](Self::node_keys) and its sisters gave, in the same order.
    pub fn of(nodes: Vec<PublicKey>, observers: Vec<i64>, texts: Vec<Arc<str>>) -> Self {
        Self { nodes: Table::of(nodes), observers: Table::of(observers), texts: Table::of(texts) }
    }

    /// The key of a node.
    pub fn node(&self, number: NodeNo) -> Option<&PublicKey> {
        self.nodes.names.get(number.index())
    }

    /// The row of an observer in the database.
    pub fn observer_row(&self, number: ObserverNo) -> Option<i64> {
        self.observers.names.get(number.index()).copied()
    }

    /// The name of a channel or a scope.
    pub fn text(&self, number: TextNo) -> Option<&str> {
        self.texts.names.get(number.index()).map(AsRef::as_ref)
    }

    /// The number of a node that has one.
    pub fn find_node(&self, key: &PublicKey) -> Option<NodeNo> {
        self.nodes.numbers.get(key).copied().and_then(NodeNo::at)
    }

    /// The number of a channel or scope that has one.
    pub fn find_text(&self, text: &str) -> Option<TextNo> {
        self.texts.numbers.get(text).copied().and_then(TextNo::at)
    }

    /// The number of an observer that has one.
    pub fn find_observer(&self, row: i64) -> Option<ObserverNo> {
        self.observers.numbers.get(&row).copied().and_then(ObserverNo::at)
    }

    /// All nodes, in the order of their numbers.
    pub fn node_keys(&self) -> &[PublicKey] {
        &self.nodes.names
    }

    /// All observers, in the order of their numbers.
    pub fn observer_rows(&self) -> &[i64] {
        &self.observers.names
    }

    /// All channels and scopes, in the order of their numbers.
    pub fn texts(&self) -> &[Arc<str>] {
        &self.texts.names
    }
}

/// The names while rows are read by several threads: gives numbers to new ones.
#[derive(Debug, Default)]
pub struct Numbering(Mutex<Arc<Names>>);

impl Numbering {
    /// Goes on from `names`.
    pub fn new(names: Names) -> Self {
        Self(Mutex::new(Arc::new(names)))
    }

    /// The names so far.
    pub fn names(&self) -> Arc<Names> {
        Arc::clone(&self.lock())
    }

    /// The number of a node.
    pub fn node(&self, key: &PublicKey) -> Option<NodeNo> {
        let mut names = self.lock();
        names.find_node(key).or_else(|| NodeNo::at(Arc::make_mut(&mut names).nodes.push(*key)))
    }

    /// The number of an observer; `None` when there are more than 65,535.
    pub fn observer(&self, row: i64) -> Option<ObserverNo> {
        let mut names = self.lock();
        if let Some(known) = names.find_observer(row) {
            return Some(known);
        }
        ObserverNo::at(names.observers.names.len())?;
        ObserverNo::at(Arc::make_mut(&mut names).observers.push(row))
    }

    /// The number of a channel or a scope.
    pub fn text(&self, text: &str) -> Option<TextNo> {
        let mut names = self.lock();
        names.find_text(text).or_else(|| TextNo::at(Arc::make_mut(&mut names).texts.push(text.into())))
    }

    fn lock(&self) -> MutexGuard<'_, Arc<Names>> {
        // Nothing can panic while it is held, so a poisoned lock guards sound data.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_number_and_numbers_come_back_from_lists() {
        let numbering = Numbering::default();
        let (a, b) = (PublicKey::from_bytes([1; 32]), PublicKey::from_bytes([2; 32]));
        let (first, second) = (numbering.node(&a).unwrap(), numbering.node(&b).unwrap());
        assert_eq!((first.get(), second.get(), numbering.node(&a)), (1, 2, Some(first)));
        let (row, text) = (numbering.observer(7).unwrap(), numbering.text("#test").unwrap());
        let names = numbering.names();
        let again =
            Names::of(names.node_keys().to_vec(), names.observer_rows().to_vec(), names.texts().to_vec());
        assert_eq!((again.find_node(&b), again.node(first)), (Some(second), Some(&a)));
        assert_eq!((again.observer_row(row), again.find_observer(7)), (Some(7), Some(row)));
        assert_eq!((again.text(text), again.find_text("#test")), (Some("#test"), Some(text)));
        assert_eq!(again.find_text("#other"), None);
    }
}
