//! What a companion bridge tells, in the file: nodes without packets, texts without frames.

mod database;

use database::{Database, NOON, message};
use meshcore_proto::PublicKey;
use meshcore_store::db::{
    Job, NodeAdvert, NodeFilter, NodeSighting, PacketFilter, PacketWrite, Reader, Write,
};
use meshcore_store::{ObserverId, Reception, Signal, UnixMillis};

const KEY: [u8; 32] = [0xab; 32];

fn reception(observer_name: Option<&str>, received_at: UnixMillis) -> Reception {
    Reception {
        received_at,
        observer: ObserverId::companion(),
        observer_name: observer_name.map(str::to_owned),
        region: None,
        direction: None,
        signal: Signal::default(),
    }
}

fn node(name: Option<&str>, own_name: Option<&str>, at: UnixMillis) -> Write {
    let node = NodeAdvert {
        public_key: PublicKey::from_bytes(KEY),
        name: name.map(str::to_owned),
        role: Some("repeater".into()),
        position: Some((47.5, 8.5)),
        battery_mv: None,
        temperature_c: None,
        foreign: Some(true),
    };
    Write::Node(Box::new(NodeSighting { reception: reception(own_name, at), node }))
}

/// A text of a companion.
fn text(at: UnixMillis) -> Write {
    let Write::Packet(packet) = message(1, 1) else { unreachable!("made as a packet") };
    Write::Packet(Box::new(PacketWrite {
        reception: reception(None, at),
        raw_hex: String::new(),
        channel_hash: Some("ch2".into()),
        payload_type: 5,
        ..*packet
    }))
}

fn store(database: &Database, writes: impl IntoIterator<Item = Write>) {
    let writer = database.writer();
    for write in writes {
        writer.submit(Job { ticket: 0, write }).unwrap();
    }
}

#[test]
fn a_node_told_of_has_a_row_and_neither_packet_nor_advert() {
    let database = Database::new();
    let later = NOON.plus_millis(60_000);
    store(&database, [node(Some("Hill"), None, NOON), node(None, None, later)]);
    let page =
        Reader::open(&database.path).unwrap().nodes(&NodeFilter { limit: 9, ..<_>::default() }).unwrap();
    let hill = &page.nodes[0];
    assert_eq!((page.total, hill.public_key.as_str()), (1, &*"ab".repeat(32)));
    assert_eq!((hill.name.as_deref(), hill.role.as_deref()), (Some("Hill"), Some("repeater")));
    assert_eq!((hill.first_seen, hill.last_seen), (Some(NOON), Some(later)));
    assert_eq!((hill.advert_count, hill.foreign), (0, true));
    assert_eq!(database.one::<i64>("SELECT COUNT(*) FROM transmissions"), 0);
    assert_eq!(database.one::<i64>("SELECT packet_count FROM observers WHERE id = 'companion'"), 0);
}

#[test]
fn the_companion_has_a_name_of_its_kind_until_it_says_its_own() {
    let database = Database::new();
    let name = || database.one::<String>("SELECT name FROM observers WHERE id = 'companion'");
    store(&database, [text(NOON)]);
    assert_eq!(name(), "L1 Pro (BLE)");
    store(&database, [node(Some("Hill"), Some("Hill"), NOON), text(NOON.plus_millis(1_000))]);
    assert_eq!(name(), "Hill");
}

#[test]
fn a_text_without_a_frame_is_stored_once_and_shows_none() {
    let database = Database::new();
    store(&database, [text(NOON), text(NOON.plus_millis(5_000))]);
    let reader = Reader::open(&database.path).unwrap();
    let page = reader.packets(&PacketFilter { limit: 9, ..<_>::default() }).unwrap();
    assert_eq!((page.total, page.packets[0].observations.len()), (1, 1));
    assert_eq!(page.packets[0].observations[0].raw_hex, None);
    assert_eq!(database.one::<Option<String>>("SELECT raw_hex FROM observations"), None);
}
