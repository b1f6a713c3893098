//! What a reading process asks of the writing one.

mod database;

use std::fs;
use std::path::PathBuf;

use database::{DAY, Database, NOON, go_on};
use meshcore_store::db::{InvalidRequestId, RequestId, RequestState, Requests, delete_nodes};
use rstest::rstest;

fn key(n: u32) -> String {
    format!("{n:064x}")
}

/// A database with this many nodes, and its folder of requests.
fn with_nodes(nodes: u32) -> (Database, Requests, PathBuf) {
    let database = Database::new();
    let connection = database.connection();
    let mut insert = connection.prepare("INSERT INTO nodes (public_key) VALUES (?1)").unwrap();
    for n in 0..nodes {
        insert.execute([key(n)]).unwrap();
    }
    let requests = Requests::of(&database.path);
    let folder = database.folder.path().join("prune-requests");
    (database, requests, folder)
}

fn id(text: &str) -> RequestId {
    text.parse().unwrap()
}

#[rstest]
#[case("../x")]
#[case("")]
#[case("a/b")]
#[case("..")]
#[case("xyz")]
#[case(" ab")]
#[case(&"a".repeat(65))]
fn what_is_no_id_is_refused(#[case] text: &str) {
    assert_eq!(text.parse::<RequestId>(), Err(InvalidRequestId));
}

#[test]
fn an_id_is_hex_and_16_digits_when_made_here() {
    assert_eq!(RequestId::from_random([0xab; 8]).to_string(), "abababababababab");
    for text in ["a", "AB12", &"f".repeat(64)] {
        assert_eq!(id(text).to_string(), text);
    }
}

#[test]
fn a_request_of_1200_keys_deletes_them_all_and_its_packets_stay() {
    let (database, requests, folder) = with_nodes(1_300);
    database.execute("INSERT INTO inactive_nodes (public_key) SELECT public_key FROM nodes");
    database.fill(2, 1);
    let asked = id("ab12");
    assert_eq!(requests.state(&asked).unwrap(), None);
    let keys: Vec<String> = (0..1_200).chain([5_000]).map(key).collect();
    requests.submit(&asked, &keys, NOON).unwrap();
    assert_eq!(requests.state(&asked).unwrap(), Some(RequestState::Pending));
    let text = fs::read_to_string(folder.join("request-ab12.json")).unwrap();
    assert!(text.starts_with(
        r#"{"id":"ab12","requestedAt":"2026-05-01T12:00:00Z","reason":"geo-prune","pubkeys":["000"#
    ));
    let writer = database.writer();
    let later = NOON.plus_millis(15_000);
    assert_eq!(requests.process(&writer.handle(), later, &go_on).unwrap(), 1);
    assert_eq!(requests.state(&asked).unwrap(), Some(RequestState::Done { deleted: 1_200 }));
    assert_eq!(
        fs::read_to_string(folder.join("result-ab12.json")).unwrap(),
        r#"{"id":"ab12","requestedAt":"2026-05-01T12:00:00Z","completedAt":"2026-05-01T12:00:15Z","deleted":1200}"#
    );
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "the request is gone");
    assert_eq!(database.one::<i64>("SELECT COUNT(*) FROM nodes"), 100);
    assert_eq!(database.one::<i64>("SELECT COUNT(*) FROM inactive_nodes"), 1_300);
    assert_eq!(database.one::<i64>("SELECT COUNT(*) FROM transmissions"), 2);
}

#[test]
fn the_call_in_one_process_does_the_same() {
    let (database, _, folder) = with_nodes(600);
    let writer = database.writer();
    let keys: Vec<String> = (0..599).map(key).collect();
    assert_eq!(delete_nodes(&writer.handle(), &keys, &go_on).unwrap(), 599);
    assert_eq!(database.one::<i64>("SELECT COUNT(*) FROM nodes"), 1);
    assert!(!folder.exists());
}

#[test]
fn a_request_during_which_the_program_ends_is_done_at_the_next_start() {
    let (database, requests, _) = with_nodes(3);
    requests.submit(&id("1"), &[key(0)], NOON).unwrap();
    let writer = database.writer();
    assert_eq!(requests.process(&writer.handle(), NOON, &|| true).unwrap(), 0);
    assert_eq!(requests.state(&id("1")).unwrap(), Some(RequestState::Pending));
    assert_eq!(requests.process(&writer.handle(), NOON, &go_on).unwrap(), 1);
    assert_eq!(requests.state(&id("1")).unwrap(), Some(RequestState::Done { deleted: 1 }));
}

#[test]
fn a_request_whose_result_is_there_is_not_done_again() {
    let (database, requests, folder) = with_nodes(3);
    let writer = database.writer();
    requests.submit(&id("1"), &[key(0)], NOON).unwrap();
    let text = fs::read(folder.join("request-1.json")).unwrap();
    requests.process(&writer.handle(), NOON, &go_on).unwrap();
    fs::write(folder.join("request-1.json"), text).unwrap(); // killed before it was removed
    requests.process(&writer.handle(), NOON, &go_on).unwrap();
    assert_eq!(requests.state(&id("1")).unwrap(), Some(RequestState::Done { deleted: 1 }));
    assert!(!folder.join("request-1.json").exists());
}

#[test]
fn what_is_no_request_is_removed_and_the_others_are_done() {
    let (database, requests, folder) = with_nodes(3);
    requests.submit(&id("ff"), &[key(0)], NOON).unwrap();
    fs::write(folder.join("request-00.json"), "{").unwrap();
    fs::write(folder.join("request-zz.json"), fs::read(folder.join("request-ff.json")).unwrap()).unwrap();
    fs::write(
        folder.join("request-01.json"),
        r#"{"id":"01","requestedAt":"","reason":"else","pubkeys":["a"]}"#,
    )
    .unwrap();
    fs::write(folder.join("notes.txt"), "somebody's").unwrap();
    let writer = database.writer();
    assert_eq!(requests.process(&writer.handle(), NOON, &go_on).unwrap(), 1);
    let mut left: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["notes.txt", "result-ff.json"]);
}

#[test]
fn a_result_is_kept_for_seven_days() {
    let (database, requests, _) = with_nodes(1);
    let writer = database.writer();
    requests.submit(&id("1"), &[key(0)], NOON).unwrap();
    requests.process(&writer.handle(), NOON, &go_on).unwrap();
    requests.process(&writer.handle(), NOON.plus_millis(7 * DAY), &go_on).unwrap();
    assert!(requests.state(&id("1")).unwrap().is_some());
    requests.process(&writer.handle(), NOON.plus_millis(7 * DAY + 1_000), &go_on).unwrap();
    assert_eq!(requests.state(&id("1")).unwrap(), None);
}

#[test]
fn a_request_that_fails_says_why() {
    let (database, requests, _) = with_nodes(3);
    database
        .execute("CREATE TRIGGER t BEFORE DELETE ON nodes BEGIN SELECT RAISE(ABORT, 'not this one'); END");
    requests.submit(&id("1"), &[key(0)], NOON).unwrap();
    let writer = database.writer();
    requests.process(&writer.handle(), NOON, &go_on).unwrap();
    let Some(RequestState::Failed { deleted: 0, error }) = requests.state(&id("1")).unwrap() else {
        panic!()
    };
    assert!(error.contains("not this one"), "{error}");
}
