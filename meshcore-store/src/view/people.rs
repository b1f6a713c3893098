//! Who the numbers are: names, roles, places, and who is not shown.

use std::sync::Arc;

use super::names::{Names, NodeNo, ObserverNo};
use crate::Visibility;
use crate::geo::{Area, Position};

/// A node, as far as packets are asked about it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeInfo {
    /// The name it has now.
    pub name: Option<Arc<str>>,
    /// Its role as stored.
    pub role: Option<Arc<str>>,
    /// Where it is, when it says so.
    pub position: Option<Position>,
}

/// An observer, as far as packets are asked about it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ObserverInfo {
    /// The id as stored.
    pub id: Arc<str>,
    /// The name it has now.
    pub name: Option<Arc<str>>,
    /// Its region, upper case.
    pub iata: Option<Arc<str>>,
}

/// Who the numbers are at one moment.
#[derive(Clone, Debug, Default)]
pub struct People {
    nodes: Vec<Option<NodeInfo>>,
    observers: Vec<Option<ObserverInfo>>,
    hidden_nodes: Vec<bool>,
    hides_somebody: bool,
}

impl People {
    /// From what is known of each, under the rules of who is shown.
    pub fn of(
        names: &Names,
        nodes: impl IntoIterator<Item = (NodeNo, NodeInfo)>,
        observers: impl IntoIterator<Item = (ObserverNo, ObserverInfo)>,
        visibility: &Visibility,
    ) -> Self {
        let mut people = Self::default();
        for (number, node) in nodes {
            put(&mut people.nodes, number.index(), node);
        }
        for (number, observer) in observers {
            if !visibility.hides_observer(&observer.id) {
                put(&mut people.observers, number.index(), observer);
            }
        }
        people.hidden_nodes = (names.node_keys().iter().enumerate())
            .map(|(index, key)| {
                let known = people.nodes.get(index).and_then(Option::as_ref);
                visibility.hides_node(&key.to_string(), known.and_then(|node| node.name.as_deref()))
            })
            .collect();
        people.hides_somebody = people.hidden_nodes.contains(&true);
        people
    }

    /// What is known of a node that may be shown.
    pub fn node(&self, node: NodeNo) -> Option<&NodeInfo> {
        if self.hides(node) { None } else { self.nodes.get(node.index())?.as_ref() }
    }

    /// What is known of an observer that may be shown.
    pub fn observer(&self, observer: ObserverNo) -> Option<&ObserverInfo> {
        self.observers.get(observer.index())?.as_ref()
    }

    /// Whether a node must not be shown: packets it sent are left out, and as a hop it is unknown.
    pub fn hides(&self, node: NodeNo) -> bool {
        self.hidden_nodes.get(node.index()).copied().unwrap_or(false)
    }

    /// Whether anybody is hidden.
    pub(crate) const fn hides_somebody(&self) -> bool {
        self.hides_somebody
    }

    /// The nodes that lie in an area and may be shown.
    pub fn nodes_in(&self, area: &Area) -> Vec<NodeNo> {
        self.find_nodes(|node| node.position.is_some_and(|position| area.contains(position)))
    }

    /// The nodes that may be shown for which `test` says so.
    pub fn find_nodes(&self, test: impl Fn(&NodeInfo) -> bool) -> Vec<NodeNo> {
        let numbers = (1..=u32::MAX).map_while(NodeNo::new).zip(&self.nodes);
        numbers
            .filter(|(number, node)| !self.hides(*number) && node.as_ref().is_some_and(&test))
            .map(|(number, _)| number)
            .collect()
    }

    /// The observers that may be shown for which `test` says so.
    pub fn find_observers(&self, test: impl Fn(&ObserverInfo) -> bool) -> Vec<ObserverNo> {
        let numbers = (1..=u16::MAX).map_while(ObserverNo::new).zip(&self.observers);
        numbers
            .filter(|(_, observer)| observer.as_ref().is_some_and(&test))
            .map(|(number, _)| number)
            .collect()
    }

    /// Bytes in memory.
    pub(crate) fn size(&self) -> usize {
        self.nodes.capacity() * size_of::<Option<NodeInfo>>()
            + self.observers.capacity() * size_of::<Option<ObserverInfo>>()
            + self.hidden_nodes.capacity()
    }
}

fn put<T>(list: &mut Vec<Option<T>>, index: usize, value: T) {
    if list.len() <= index {
        list.resize_with(index + 1, || None);
    }
    list[index] = Some(value);
}
