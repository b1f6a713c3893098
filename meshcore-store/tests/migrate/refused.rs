//! Files that are left alone.

use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

use meshcore_store::db::migrate::{self, Generation, plan};
use meshcore_store::db::{StoreError, Writer, WriterOptions};
use rstest::rstest;

use super::options;
use super::support::{File, old_files};

/// Bytes and time of a file: what must not change.
fn state(path: &PathBuf) -> (Vec<u8>, SystemTime) {
    (fs::read(path).unwrap(), fs::metadata(path).unwrap().modified().unwrap())
}

#[rstest]
#[case("CREATE TABLE songs (id INTEGER PRIMARY KEY, title TEXT)")]
#[case("CREATE TABLE packets (id INTEGER PRIMARY KEY, sender TEXT)")]
#[case(
    "CREATE TABLE transmissions (id INTEGER PRIMARY KEY, channel TEXT); CREATE TABLE observations (id INTEGER)"
)]
#[case(
    "CREATE TABLE transmissions (id INTEGER PRIMARY KEY, raw_hex, hash, first_seen, payload_type, decoded_json);
     CREATE TABLE observations (id INTEGER PRIMARY KEY, note TEXT)"
)]
fn files_of_other_people_are_refused_untouched(#[case] schema: &str) {
    let file = File::made(|connection| connection.execute_batch(schema).unwrap());
    let before = state(&file.path);
    let refusals = [
        Writer::open(&file.path, WriterOptions::default(), |_| {}).map(drop),
        migrate::upgrade(&file.path, &options(), &mut |_| {}).map(drop),
        plan(&file.path).map(drop),
    ];
    for refusal in refusals {
        let error = refusal.unwrap_err();
        assert!(matches!(error, StoreError::NotCoreScope { .. }), "{error}");
        assert!(error.to_string().contains("not a CoreScope database"), "{error}");
    }
    assert_eq!(state(&file.path), before);
}

#[test]
fn what_is_no_database_is_refused_untouched() {
    let file = File::new();
    fs::write(&file.path, "not a database, but a text that is long enough to be looked at as one".repeat(20))
        .unwrap();
    let before = state(&file.path);
    let error = Writer::open(&file.path, WriterOptions::default(), |_| {}).unwrap_err();
    assert!(matches!(error, StoreError::Open { .. }), "{error}");
    assert_eq!(state(&file.path), before);
}

#[test]
fn a_file_somebody_writes_to_is_not_upgraded() {
    let file = File::new();
    let writer = Writer::open(&file.path, WriterOptions::default(), |_| {}).unwrap();
    let error = migrate::upgrade(&file.path, &options(), &mut |_| {}).unwrap_err();
    assert!(matches!(error, StoreError::AlreadyWritten { .. }), "{error}");
    drop(writer);
    // An old file under somebody's lock stays as it is.
    let old = File::made(|connection| old_files::v2(connection, &old_files::receptions(20)));
    let lock = fs::File::create(old.folder.path().join("mesh.db.writer.lock")).unwrap();
    lock.lock().unwrap();
    let before = state(&old.path);
    let error = Writer::open(&old.path, WriterOptions::default(), |_| {}).unwrap_err();
    assert!(matches!(error, StoreError::AlreadyWritten { .. }), "{error}");
    assert_eq!(state(&old.path), before);
}

#[test]
fn an_upgrade_makes_no_file_where_there_is_none() {
    let file = File::new();
    let error = migrate::upgrade(&file.path, &options(), &mut |_| {}).unwrap_err();
    assert!(matches!(error, StoreError::Open { .. }), "{error}");
    assert!(file.neighbours().is_empty());
}

#[test]
fn a_plan_names_the_steps_and_touches_nothing() {
    let receptions = old_files::receptions(100);
    let file = File::made(|connection| old_files::v2(connection, &receptions));
    let (before, neighbours) = (state(&file.path), file.neighbours());
    let folder = fs::metadata(file.folder.path()).unwrap().modified().unwrap();
    let planned = plan(&file.path).unwrap();
    assert_eq!(state(&file.path), before);
    assert_eq!(file.neighbours(), neighbours);
    assert_eq!(fs::metadata(file.folder.path()).unwrap().modified().unwrap(), folder);

    assert_eq!((planned.generation, planned.keeps_copy), (Generation::V2, true));
    assert_eq!(planned.needed_bytes, 2 * before.0.len() as u64);
    assert!(planned.free_bytes > 0);
    let rows = |name: &str| planned.steps.iter().find(|step| step.name == name).map(|step| step.rows);
    assert_eq!(rows("observations_v3"), Some(Some(100)));
    assert_eq!(rows("lower_case_keys"), Some(Some(1)));
    assert_eq!(rows("from_pubkey"), Some(None), "the column is not there yet");
    assert!(rows("content_hash_v2").unwrap().is_some_and(|rows| rows > 0));

    // What is planned is what is done.
    let done = migrate::upgrade(&file.path, &options(), &mut |_| {}).unwrap();
    for step in &done.applied {
        assert!(rows(step.name).is_some(), "{} was done and not planned", step.name);
    }
    let planned = plan(&file.path).unwrap();
    assert_eq!((planned.steps, planned.keeps_copy, planned.needed_bytes), (vec![], false, 0));
}

#[test]
fn a_plan_of_a_file_in_use_sees_what_is_in_its_log() {
    let file = File::new();
    let writer = Writer::open(&file.path, WriterOptions::default(), |_| {}).unwrap();
    assert!(file.neighbours().contains(&"mesh.db-wal".to_owned()));
    let planned = plan(&file.path).unwrap();
    assert_eq!((planned.generation, planned.steps), (Generation::V3, vec![]));
    drop(writer);
}
