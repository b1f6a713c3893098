//! What the tests of upgrades share.
#![allow(dead_code, reason = "each test file uses what it needs")]

pub(crate) mod old_files;

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::types::FromSql;
use tempfile::TempDir;

/// A database in a folder of its own.
pub(crate) struct File {
    pub(crate) folder: TempDir,
    pub(crate) path: PathBuf,
}

impl File {
    /// No file yet.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mesh.db");
        Self { folder, path }
    }

    /// A file made by `build`.
    pub(crate) fn made(build: impl FnOnce(&Connection)) -> Self {
        let file = Self::new();
        build(&Connection::open(&file.path).unwrap());
        file
    }

    /// A copy of a file of the shared data; `None`, with a word about it, when that is not here.
    ///
    /// The data lie beside the workspace, or where `MESHCORE_DATA` says.
    pub(crate) fn shared(name: &str) -> Option<Self> {
        let beside = || concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data").into();
        let from = Path::new(&std::env::var_os("MESHCORE_DATA").unwrap_or_else(beside)).join(name);
        if !from.exists() {
            eprintln!("skipped: {name} is not here");
            return None;
        }
        let file = Self::new();
        std::fs::write(&file.path, std::fs::read(&from).unwrap()).unwrap();
        Some(file)
    }

    pub(crate) fn open(&self) -> Connection {
        Connection::open(&self.path).unwrap()
    }

    pub(crate) fn execute(&self, sql: &str) {
        self.open().execute_batch(sql).unwrap();
    }

    pub(crate) fn one<T: FromSql>(&self, sql: &str) -> T {
        self.open().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    pub(crate) fn count(&self, table: &str) -> i64 {
        self.one(&format!("SELECT COUNT(*) FROM {table}"))
    }

    /// Everything in the file as text, but for times at which something was done.
    pub(crate) fn dump(&self) -> Vec<String> {
        old_files::dump(&self.open())
    }

    /// Names of the files in its folder, sorted.
    pub(crate) fn neighbours(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}
