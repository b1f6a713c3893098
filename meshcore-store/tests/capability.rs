//! Who is known to send hashes of more than one byte, and what is stored of it.

use std::path::{Path, PathBuf};

use meshcore_proto::PublicKey;
use meshcore_store::UnixMillis;
use meshcore_store::db::{
    Capability, MultibyteStatus, NeighborBuilder, NeighborOptions, Reader, Writer, WriterOptions,
};
use rstest::rstest;
use rusqlite::{Connection, params};
use serde_json::Value;
use tempfile::TempDir;

const NOW: UnixMillis = UnixMillis::from_seconds(1_777_636_800); // 2026-05-01T12:00:00Z
const DAY_S: i64 = 24 * 3600;
const NODE: &str = "a1b2c3";

fn key(start: &str) -> PublicKey {
    format!("{start:0<64}").parse().unwrap()
}

fn days_ago(days: i64) -> i64 {
    NOW.seconds() - days * DAY_S
}

/// A database with a writer and one node, in a folder of its own.
struct Database {
    folder: TempDir,
    path: PathBuf,
    writer: Writer,
}

impl Database {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mesh.db");
        let writer = Writer::open(&path, WriterOptions::default(), |_| {}).unwrap();
        let database = Self { folder, path, writer };
        database.execute("INSERT INTO observers (id) VALUES ('roof')");
        database.node("nodes", NODE, 0);
        database
    }

    fn execute(&self, sql: &str) {
        Connection::open(&self.path).unwrap().execute_batch(sql).unwrap();
    }

    fn node(&self, table: &str, start: &str, level: u8) {
        let evidence = ["NULL", "'path'", "'advert'"][usize::from(level)];
        self.execute(&format!(
            "INSERT INTO {table} (public_key, role, multibyte_sup, multibyte_evidence)
             VALUES ('{}', 'repeater', {level}, {evidence})",
            key(start)
        ));
    }

    /// Stores a packet with one observation.
    fn packet(&self, payload: u8, raw_hex: &str, from: Option<&str>, path: &[&str], at: i64) {
        let connection = Connection::open(&self.path).unwrap();
        connection
            .execute(
                "INSERT INTO transmissions (raw_hex, hash, first_seen, route_type, payload_type, from_pubkey)
                 VALUES (?1, lower(hex(randomblob(8))), ?2, 1, ?3, ?4)",
                params![
                    raw_hex,
                    UnixMillis::from_seconds(at).to_rfc3339_seconds(),
                    payload,
                    from.map(|start| key(start).to_string())
                ],
            )
            .unwrap();
        connection
            .execute(
                "INSERT INTO observations (transmission_id, observer_idx, path_json, timestamp)
                 VALUES (?1, 1, ?2, ?3)",
                params![connection.last_insert_rowid(), serde_json::to_string(path).unwrap(), at],
            )
            .unwrap();
    }

    /// Stores a flooded advert of `from` whose path would have hashes of this size.
    fn advert(&self, from: &str, size: u8, at: i64) {
        self.packet(4, &format!("11{:02x}00112233", (size - 1) << 6), Some(from), &[], at);
    }

    fn builder(&self) -> NeighborBuilder {
        NeighborBuilder::open(&self.path, self.writer.handle(), NeighborOptions::default(), NOW).unwrap()
    }

    /// `multibyte_sup` and `multibyte_evidence` of a node.
    fn stored(&self, table: &str, start: &str) -> (u8, Option<String>) {
        Connection::open(&self.path)
            .unwrap()
            .query_row(
                &format!("SELECT multibyte_sup, multibyte_evidence FROM {table} WHERE public_key = ?1"),
                [key(start).to_string()],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .unwrap()
    }

    fn snapshot(&self, text: &str) {
        let folder = self.folder.path().join("mbcap-snapshot");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("snapshot.json"), text).unwrap();
    }
}

fn known_of(builder: &NeighborBuilder, start: &str) -> Capability {
    builder.shared().capabilities().get(&key(start), NOW)
}

fn status_of(builder: &NeighborBuilder, start: &str) -> (MultibyteStatus, u8) {
    let known = known_of(builder, start);
    (known.status, known.max_hash_size)
}

#[test]
fn statuses_of_the_worked_example() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/spec/analytics-examples.json");
    let Ok(text) = std::fs::read_to_string(file) else {
        eprintln!("skipped: the worked examples are not here");
        return;
    };
    let all: Value = serde_json::from_str(&text).unwrap();
    let example = all["examples"].as_array().unwrap().iter().find(|one| one["id"] == "A15").unwrap();
    let cases = example["input"]["cases"].as_array().unwrap();
    assert!(!cases.is_empty());
    for (case, expected) in cases.iter().zip(example["expected"]["cases"].as_array().unwrap()) {
        let database = Database::new();
        for (i, size) in (0..).zip(case["advert_sizes"].as_array().unwrap()) {
            database.advert(NODE, u8::try_from(size.as_u64().unwrap()).unwrap(), NOW.seconds() - 60 + i);
        }
        for hit in case["path_hits"].as_array().unwrap() {
            let digits = 2 * usize::try_from(hit["hash_size"].as_u64().unwrap()).unwrap();
            let payload = u8::try_from(hit["payload_type"].as_u64().unwrap()).unwrap();
            database.packet(payload, "", None, &[&NODE.to_uppercase()[..digits]], NOW.seconds());
        }
        let mut builder = database.builder();
        builder.tick(NOW).unwrap();
        let known = known_of(&builder, NODE);
        assert_eq!(known.status.as_str(), expected["status"].as_str().unwrap(), "{case}");
        assert_eq!(known.evidence().unwrap_or_default(), expected["evidence"].as_str().unwrap(), "{case}");
        assert_eq!(u64::from(known.max_hash_size), expected["maxHashSize"].as_u64().unwrap(), "{case}");
    }
}

#[rstest]
#[case::flood("1140", Some(2))]
#[case::flood_with_hops("1182a1b2c3", Some(3))]
#[case::one_byte("1100", Some(1))]
#[case::scoped("1001020304 82", Some(3))]
#[case::used_up_direct("1240", None)]
#[case::direct("1241a1b2", Some(2))]
#[case::scoped_direct_used_up("1301020304 40", None)]
#[case::reserved("11c1", None)]
#[case::broken("11zz", None)]
#[case::cut("11", None)]
#[case::scoped_and_cut("10010203", None)]
#[case::of_a_companion_bridge("", None)]
fn the_frame_of_an_advert_says_its_size(#[case] raw_hex: &str, #[case] size: Option<u8>) {
    let database = Database::new();
    database.packet(4, &raw_hex.replace(' ', ""), Some(NODE), &[], NOW.seconds());
    let mut builder = database.builder();
    builder.tick(NOW).unwrap();
    let expected = match size {
        Some(size) if size > 1 => (MultibyteStatus::Confirmed, size),
        _ => (MultibyteStatus::Unknown, 1),
    };
    assert_eq!(status_of(&builder, NODE), expected);
}

#[rstest]
#[case::the_largest_of_the_week(&[(2, 1), (3, 2), (1, 0)], MultibyteStatus::Confirmed, 3)]
#[case::a_week_ago_to_the_second(&[(2, 7), (1, 0)], MultibyteStatus::Confirmed, 2)]
#[case::longer_ago_and_given_up(&[(2, 8), (1, 0)], MultibyteStatus::Unknown, 1)]
#[case::longer_ago_and_silent_since(&[(1, 9), (2, 8)], MultibyteStatus::Confirmed, 2)]
fn adverts_count_for_a_week_and_the_last_for_good(
    #[case] adverts: &[(u8, i64)],
    #[case] status: MultibyteStatus,
    #[case] size: u8,
) {
    let database = Database::new();
    let mut builder = database.builder();
    for (size, days) in adverts {
        database.advert(NODE, *size, days_ago(*days));
    }
    builder.tick(NOW).unwrap();
    assert_eq!(status_of(&builder, NODE), (status, size));
}

#[test]
fn a_new_file_is_read_back_as_far_as_adverts_count() {
    let database = Database::new();
    database.advert(NODE, 2, days_ago(7)); // edges are kept for 5 days
    let mut builder = database.builder();
    builder.tick(NOW).unwrap();
    assert_eq!(status_of(&builder, NODE), (MultibyteStatus::Confirmed, 2));
}

#[test]
fn a_hop_may_mean_several_nodes_and_says_how_many() {
    let database = Database::new();
    database.node("nodes", "a1b2ff", 0);
    database.packet(5, "", None, &["A1B2"], NOW.seconds());
    let mut builder = database.builder();
    builder.tick(NOW).unwrap();
    let index = builder.shared().index();
    for start in [NODE, "a1b2ff"] {
        assert_eq!(status_of(&builder, start), (MultibyteStatus::Suspected, 2));
        assert_eq!(known_of(&builder, start).shared_with(&index), 2);
    }
    database.packet(5, "", None, &["A1B2C3"], NOW.seconds());
    builder.tick(NOW).unwrap();
    assert_eq!(status_of(&builder, NODE), (MultibyteStatus::Suspected, 3));
    assert_eq!(known_of(&builder, NODE).shared_with(&index), 1);
    assert_eq!(known_of(&builder, "77").shared_with(&index), 0);
}

/// What is found, and what becomes of each stored level: acceptance of the guard.
#[rstest]
#[case::nothing(None, [(0, None), (1, Some("path")), (2, Some("advert"))])]
#[case::a_hop(Some(1), [(1, Some("path")); 3])]
#[case::an_advert(Some(2), [(2, Some("advert")); 3])]
fn unknown_never_overwrites_and_everything_else_does(
    #[case] found: Option<u8>,
    #[case] expected: [(u8, Option<&str>); 3],
    #[values("nodes", "inactive_nodes")] table: &str,
) {
    let database = Database::new();
    let mut builder = database.builder();
    let starts = ["b0b001", "b0b102", "b0b203"];
    for (level, start) in (0..).zip(starts) {
        // after the start, so that nothing counts as heard at it
        database.node(table, start, level);
        match found {
            Some(1) => database.packet(5, "", None, &[&start.to_uppercase()], NOW.seconds()),
            Some(_) => database.advert(start, 2, NOW.seconds()),
            None => {}
        }
    }
    builder.tick(NOW).unwrap();
    builder.persist_capabilities(NOW).unwrap();
    for (start, (level, evidence)) in starts.into_iter().zip(expected) {
        assert_eq!(database.stored(table, start), (level, evidence.map(str::to_owned)), "{start}");
    }
    assert_eq!(builder.persist_capabilities(NOW).unwrap(), 0, "what is stored is not stored again");
}

#[test]
fn a_node_in_neither_table_is_passed_over() {
    let database = Database::new();
    database.advert("77", 2, NOW.seconds());
    let mut builder = database.builder();
    builder.tick(NOW).unwrap();
    assert_eq!(builder.persist_capabilities(NOW).unwrap(), 0);
    assert_eq!(status_of(&builder, "77"), (MultibyteStatus::Confirmed, 2));
    database.node("nodes", "77", 0);
    assert_eq!(builder.persist_capabilities(NOW).unwrap(), 1, "it is stored as soon as it is there");
}

#[test]
fn what_is_stored_is_known_at_the_start_and_not_doubted_for_a_week() {
    let database = Database::new();
    database.node("nodes", "b0b1", 1);
    database.node("inactive_nodes", "b0b2", 2);
    let mut builder = database.builder();
    assert_eq!(status_of(&builder, "b0b1"), (MultibyteStatus::Suspected, 2));
    assert_eq!(status_of(&builder, "b0b2"), (MultibyteStatus::Confirmed, 2));
    let read = Reader::open(&database.path).unwrap().capabilities(NOW).unwrap();
    assert_eq!(read.get(&key("b0b2"), NOW).status, MultibyteStatus::Confirmed);

    // it was flashed anew: its adverts have one byte, its old hops are still around
    database.advert("b0b2", 1, NOW.seconds() + 1);
    database.packet(5, "", None, &["B0B2"], NOW.seconds() + 6 * DAY_S);
    builder.tick(NOW).unwrap();
    assert_eq!(status_of(&builder, "b0b2"), (MultibyteStatus::Confirmed, 2));
    builder.persist_capabilities(NOW).unwrap();
    assert_eq!(database.stored("inactive_nodes", "b0b2").0, 2);

    let later = NOW.plus_millis((7 * DAY_S + 1) * 1000);
    builder.persist_capabilities(later).unwrap();
    assert_eq!(database.stored("inactive_nodes", "b0b2"), (1, Some("path".into())));
    let much_later = NOW.plus_millis(20 * DAY_S * 1000);
    builder.persist_capabilities(much_later).unwrap();
    builder.tick(much_later).unwrap();
    let known = builder.shared().capabilities().get(&key("b0b2"), much_later);
    assert_eq!(known.status, MultibyteStatus::Suspected, "stored, though its evidence is gone");
}

#[test]
fn what_another_server_hands_over_is_stored_once() {
    let database = Database::new();
    let snapshot = |written_at: &str, status: &str| {
        let entries = serde_json::json!([
            {"public_key": key(NODE).to_string().to_uppercase(), "status": status, "evidence": "advert"},
            {"public_key": key("77").to_string(), "status": "confirmed"},
        ]);
        database.snapshot(&serde_json::json!({"writtenAt": written_at, "entries": entries}).to_string());
    };
    snapshot("2026-05-01T11:00:00Z", "confirmed");
    let mut builder = database.builder();
    assert_eq!(database.stored("nodes", NODE), (2, Some("advert".into())));
    assert_eq!(status_of(&builder, NODE), (MultibyteStatus::Confirmed, 2));

    database.execute("UPDATE nodes SET multibyte_sup = 0, multibyte_evidence = NULL");
    builder.persist_capabilities(NOW).unwrap();
    assert_eq!(database.stored("nodes", NODE).0, 2, "by our own evidence, as if heard at the start");
    drop(builder);
    database.execute("UPDATE nodes SET multibyte_sup = 0, multibyte_evidence = NULL");
    let mut builder = database.builder();
    assert_eq!(database.stored("nodes", NODE).0, 0, "the same file is not read again");
    snapshot("2026-05-01T11:15:00Z", "unknown");
    builder.persist_capabilities(NOW).unwrap();
    assert_eq!(database.stored("nodes", NODE).0, 0);
    snapshot("2026-05-01T11:30:00Z", "suspected");
    builder.persist_capabilities(NOW).unwrap();
    assert_eq!(database.stored("nodes", NODE), (1, Some("path".into())));
}

#[rstest]
#[case::empty("")]
#[case::no_entries(r#"{"writtenAt":"2026-05-01T11:00:00Z","entries":[]}"#)]
#[case::cut(r#"{"writtenAt":"2026-05-01T11:00:00Z","entr"#)]
#[case::another_shape(r#"[1]"#)]
fn a_snapshot_that_says_nothing_changes_nothing(#[case] text: &str) {
    let database = Database::new();
    database.snapshot(text);
    let mut builder = database.builder();
    assert_eq!(builder.persist_capabilities(NOW).unwrap(), 0);
    assert_eq!(database.stored("nodes", NODE), (0, None));
}
