//! Old files become new ones.

mod beside;
mod captured;
mod fresh;
mod generations;
mod refused;
mod steps;
#[path = "../support/mod.rs"]
mod support;

use std::path::Path;

use meshcore_store::UnixMillis;
use meshcore_store::db::migrate::{self, Generation, MigrationOptions, UpgradeReport};
use meshcore_store::db::{Reader, Writer, WriterOptions};
use support::File;

const NOW: UnixMillis = UnixMillis::from_seconds(1_777_636_800); // 2026-05-01T12:00:00Z

fn options() -> MigrationOptions {
    MigrationOptions { now: NOW, regions_configured: true, ..MigrationOptions::default() }
}

fn upgrade(path: &Path) -> UpgradeReport {
    migrate::upgrade(path, &options(), &mut |_| {}).unwrap()
}

/// A file as this program makes it.
fn new_file() -> File {
    let file = File::new();
    drop(Writer::open(&file.path, WriterOptions::default(), |_| {}).unwrap());
    file
}

/// What may not change when a file that is ready is opened again.
fn assert_nothing_is_left(file: &File) {
    let before = file.dump();
    let report = upgrade(&file.path);
    assert_eq!(report.applied, []);
    assert_eq!(report.generation, Generation::V3);
    assert_eq!(migrate::plan(&file.path).unwrap().steps, []);
    assert_eq!(file.dump(), before);
    drop(Writer::open(&file.path, WriterOptions::default(), |_| {}).unwrap());
    assert_eq!(file.dump(), before);
    Reader::open(&file.path).unwrap();
    assert_eq!(file.one::<String>("PRAGMA integrity_check"), "ok");
    assert_eq!(file.one::<i64>("SELECT COUNT(*) FROM pragma_foreign_key_check"), 0);
}
