//! Nodes by prefix of their key.

use foldhash::quality::RandomState;
use meshcore_proto::PublicKey;

use crate::geo::Position;

type HashMap<K, V> = std::collections::HashMap<K, V, RandomState>;
type HashSet<K> = std::collections::HashSet<K, RandomState>;

/// Whether a node of this role passes packets on, so that it can be a hop. Companions and sensors never do.
pub fn can_relay(role: Option<&str>) -> bool {
    let Some(role) = role else { return false };
    let role = role.to_ascii_lowercase();
    role == "room" || role.contains("repeater") || role.contains("room_server")
}

/// A node that can be a hop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Relay {
    /// The node.
    pub key: PublicKey,
    /// Where it is, when it says so.
    pub position: Option<Position>,
    /// Distinct adverts heard of it.
    pub advert_count: u32,
}

/// What is known of a node, relay or not.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Node {
    relays: bool,
    position: Option<Position>,
    advert_count: u32,
}

/// Relay-capable nodes by any prefix of their keys.
///
/// Keys are sorted, and a table says where each first byte begins: a look-up is two binary searches among the keys
/// of one first byte, some dozens in the largest mesh. It allocates nothing.
///
/// Nodes that only listen (`repeat: off`) are no candidates. All nodes count for [`position`](Self::position).
#[derive(Clone, Debug)]
pub struct HopIndex {
    nodes: HashMap<PublicKey, Node>,
    listeners: HashSet<PublicKey>,
    /// Sorted by key.
    relays: Vec<Relay>,
    /// `starts[b]`: how many relays have a first byte below `b`.
    starts: [u32; 257],
    epoch: u64,
}

impl Default for HopIndex {
    fn default() -> Self {
        Self {
            nodes: HashMap::default(),
            listeners: HashSet::default(),
            relays: Vec::new(),
            starts: [0; 257],
            epoch: 0,
        }
    }
}

impl HopIndex {
    /// An index of no nodes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes what is known of a node: its role as stored, where it is, and how many adverts it sent.
    pub fn set_node(
        &mut self,
        key: PublicKey,
        role: Option<&str>,
        position: Option<Position>,
        advert_count: u32,
    ) {
        let node = Node { relays: can_relay(role), position, advert_count };
        let before = self.nodes.insert(key, node);
        if before == Some(node) {
            return;
        }
        // a number of adverts tells only which guess is shown
        if before.is_none_or(|before| Node { advert_count, ..before } != node) {
            self.epoch += 1;
        }
        self.place(&key);
    }

    /// Forgets a node.
    pub fn remove_node(&mut self, key: &PublicKey) {
        if self.nodes.remove(key).is_some() {
            self.epoch += 1;
            self.place(key);
        }
    }

    /// Notes whether the node with this key says that it only listens. It need not be known as a node yet.
    pub fn set_listener(&mut self, key: PublicKey, listens: bool) {
        let changed = if listens { self.listeners.insert(key) } else { self.listeners.remove(&key) };
        if changed {
            self.epoch += 1;
            self.place(&key);
        }
    }

    /// Grows with every change that can change what is counted, so that what was resolved before can be told from what
    /// is resolved now.
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The relays whose keys start with `prefix`, by key. None for an empty prefix.
    pub fn candidates(&self, prefix: &[u8]) -> &[Relay] {
        let Some(first) = prefix.first() else { return &[] };
        let from = self.start(usize::from(*first));
        let of_first = self.relays.get(from..self.start(usize::from(*first) + 1)).unwrap_or_default();
        let begin = of_first.partition_point(|relay| relay.key.as_bytes().as_slice() < prefix);
        let rest = of_first.get(begin..).unwrap_or_default();
        let end = rest.partition_point(|relay| relay.key.as_bytes().starts_with(prefix));
        rest.get(..end).unwrap_or_default()
    }

    /// The relay with this key.
    pub fn relay(&self, key: &PublicKey) -> Option<&Relay> {
        self.candidates(key.as_bytes()).first()
    }

    /// Where a node is, whatever its role.
    pub fn position(&self, key: &PublicKey) -> Option<Position> {
        self.nodes.get(key)?.position
    }

    /// Keys of all nodes, in no order.
    pub fn nodes(&self) -> impl Iterator<Item = &PublicKey> {
        self.nodes.keys()
    }

    /// Keys of those that say they only listen, in no order.
    pub fn listeners(&self) -> impl Iterator<Item = &PublicKey> {
        self.listeners.iter()
    }

    /// Relays that can be hops, by key.
    pub fn relays(&self) -> &[Relay] {
        &self.relays
    }

    fn start(&self, first: usize) -> usize {
        self.starts.get(first).map_or(self.relays.len(), |start| *start as usize)
    }

    /// Brings the sorted list in line with what is known of `key`.
    fn place(&mut self, key: &PublicKey) {
        let wanted = self.nodes.get(key).filter(|node| node.relays && !self.listeners.contains(key));
        let place = self.relays.binary_search_by_key(key, |relay| relay.key);
        match (wanted, place) {
            (Some(node), place) => {
                let relay = Relay { key: *key, position: node.position, advert_count: node.advert_count };
                match place {
                    Ok(at) => self.relays[at] = relay,
                    Err(at) => {
                        self.relays.insert(at, relay);
                        self.shift(key, |start| start + 1);
                    }
                }
            }
            (None, Ok(at)) => {
                self.relays.remove(at);
                self.shift(key, |start| start - 1);
            }
            (None, Err(_)) => {}
        }
    }

    /// Moves the starts of all first bytes after that of `key`.
    fn shift(&mut self, key: &PublicKey, by: impl Fn(u32) -> u32) {
        for start in self.starts.iter_mut().skip(usize::from(key.hash_byte()) + 1) {
            *start = by(*start);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn key(start: &[u8]) -> PublicKey {
        let mut bytes = [0; 32];
        bytes[..start.len()].copy_from_slice(start);
        PublicKey::from_bytes(bytes)
    }

    fn keys(relays: &[Relay]) -> Vec<PublicKey> {
        relays.iter().map(|relay| relay.key).collect()
    }

    #[rstest]
    #[case(Some("repeater"), true)]
    #[case(Some("Repeater"), true)]
    #[case(Some("room"), true)]
    #[case(Some("ROOM_SERVER"), true)]
    #[case(Some("companion"), false)]
    #[case(Some("sensor"), false)]
    #[case(Some("chatroom"), false)]
    #[case(None, false)]
    fn repeaters_and_rooms_relay(#[case] role: Option<&str>, #[case] relays: bool) {
        assert_eq!(can_relay(role), relays);
    }

    #[test]
    fn a_prefix_of_any_length_finds_its_relays() {
        let mut index = HopIndex::new();
        for start in [&[0xa1, 0x01][..], &[0xa1, 0x02], &[0xa2], &[0xff, 0xff], &[0x00]] {
            index.set_node(key(start), Some("repeater"), None, 0);
        }
        assert_eq!(keys(index.candidates(&[0xa1])), [key(&[0xa1, 1]), key(&[0xa1, 2])]);
        assert_eq!(keys(index.candidates(&[0xa1, 2])), [key(&[0xa1, 2])]);
        assert_eq!(keys(index.candidates(&[0xff])), [key(&[0xff, 0xff])]);
        assert_eq!(keys(index.candidates(key(&[0]).as_bytes())), [key(&[0])]);
        assert_eq!(index.candidates(&[0xa3]), []);
        assert_eq!(index.candidates(&[]), []);
        assert_eq!(index.candidates(&[0; 33]), []);
    }

    #[test]
    fn listeners_and_companions_are_no_candidates() {
        let mut index = HopIndex::new();
        index.set_listener(key(&[1]), true); // before it is known as a node
        index.set_node(key(&[1]), Some("repeater"), None, 0);
        index.set_node(key(&[1, 1]), Some("companion"), None, 0);
        assert_eq!(index.candidates(&[1]), []);
        index.set_listener(key(&[1]), false);
        assert_eq!(keys(index.candidates(&[1])), [key(&[1])]);
        index.set_node(key(&[1]), Some("companion"), None, 0);
        assert_eq!(index.candidates(&[1]), []);
    }

    #[test]
    fn the_epoch_grows_with_changes_only() {
        let mut index = HopIndex::new();
        index.set_node(key(&[1]), Some("repeater"), None, 0);
        let epoch = index.epoch();
        index.set_node(key(&[1]), Some("repeater"), None, 0);
        index.set_listener(key(&[1]), false);
        index.remove_node(&key(&[2]));
        index.set_node(key(&[1]), Some("repeater"), None, 7);
        assert_eq!(index.epoch(), epoch);
        assert_eq!(index.relay(&key(&[1])).unwrap().advert_count, 7);
        index.set_node(key(&[1]), Some("repeater"), Position::new(Some(1.0), Some(2.0)), 0);
        assert!(index.epoch() > epoch);
        assert!(index.relay(&key(&[1])).unwrap().position.is_some());
    }

    /// Keys that share prefixes of every length.
    fn crowded_key() -> impl Strategy<Value = PublicKey> {
        (0_u8..4, 0_u8..3, 0_u8..3).prop_map(|(a, b, c)| key(&[a.wrapping_sub(2), b, c, c]))
    }

    proptest! {
        #[test]
        fn the_index_finds_what_a_search_through_all_finds(
            steps in proptest::collection::vec((crowded_key(), 0_u8..5), 0..80),
            prefix in proptest::collection::vec(prop_oneof![0_u8..3, 254_u8..=255], 1..4),
        ) {
            let mut index = HopIndex::new();
            let mut relays = std::collections::BTreeMap::new();
            let mut listeners = std::collections::BTreeSet::new();
            for (key, step) in steps {
                match step {
                    0 | 1 => {
                        index.set_node(key, Some("repeater"), None, 0);
                        relays.insert(key, ());
                    }
                    2 => {
                        index.remove_node(&key);
                        relays.remove(&key);
                    }
                    3 => {
                        index.set_listener(key, true);
                        listeners.insert(key);
                    }
                    _ => {
                        index.set_listener(key, false);
                        listeners.remove(&key);
                    }
                }
            }
            let found = keys(index.candidates(&prefix));
            let expected: Vec<PublicKey> = relays
                .into_keys()
                .filter(|key| key.as_bytes().starts_with(&prefix) && !listeners.contains(key))
                .collect();
            prop_assert_eq!(found, expected);
        }
    }
}
