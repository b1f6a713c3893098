//! What a reading process may ask the writing one to do: delete these nodes.
//!
//! In two processes the requests are files in the folder `prune-requests` beside the database. The reader writes
//! `request-ID.json`; the writer does it, writes `result-ID.json`, and removes the request. In one process the same
//! work is a call, [`delete_nodes`]. The list of keys is taken as it is: whoever asks has decided.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use rusqlite::params_from_iter;
use serde::{Deserialize, Serialize};

use super::writer::{Component, WriterHandle};
use super::{StoreError, disk};
use crate::UnixMillis;

/// Folder of the files, beside the database.
const FOLDER: &str = "prune-requests";

/// The only thing that can be asked for; the files of existing installations hold the same words.
const REASON: &str = "geo-prune";

/// Keys per statement, and per errand.
const KEYS_AT_ONCE: usize = 500;

/// A result nobody asked for is kept this long.
const RESULT_MILLIS: i64 = 7 * 24 * 3_600_000;

/// Name of a request: 1 to 64 hex digits, and so never a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(String);

/// The text is no [`RequestId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a request: expected 1 to 64 hex digits")]
pub struct InvalidRequestId;

/// How far a request is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestState {
    /// The writer has not done it yet.
    Pending,
    /// Done: so many nodes were deleted.
    Done {
        /// Nodes.
        deleted: u64,
    },
    /// The writer could not do all of it.
    Failed {
        /// Nodes that were deleted before it failed.
        deleted: u64,
        /// Why.
        error: String,
    },
}

/// The folder of requests of one database.
#[derive(Clone, Debug)]
pub struct Requests {
    folder: PathBuf,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    id: String,
    requested_at: String,
    reason: String,
    pubkeys: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    id: String,
    requested_at: String,
    completed_at: String,
    deleted: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl RequestId {
    /// Of 8 random bytes: 16 digits.
    pub fn from_random(bytes: [u8; 8]) -> Self {
        Self(hex::encode(bytes))
    }
}

impl FromStr for RequestId {
    type Err = InvalidRequestId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_hex = text.bytes().all(|digit| digit.is_ascii_hexdigit());
        if is_hex && (1..=64).contains(&text.len()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidRequestId)
        }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Requests {
    /// Of the database at `path`.
    pub fn of(path: &Path) -> Self {
        Self { folder: disk::folder_of(path).join(FOLDER) }
    }

    /// Asks for the deletion of the nodes with these keys. The reading side.
    ///
    /// # Errors
    /// [`StoreError::File`], when the request cannot be written.
    pub fn submit(&self, id: &RequestId, keys: &[String], now: UnixMillis) -> Result<(), StoreError> {
        fs::create_dir_all(&self.folder).map_err(disk::failed(&self.folder))?;
        let request = Request {
            id: id.to_string(),
            requested_at: now.to_rfc3339_seconds(),
            reason: REASON.to_owned(),
            pubkeys: keys.to_vec(),
        };
        write_json(&self.request(id), &request)
    }

    /// How far a request is; `None` when there is no such request (any more). The reading side.
    ///
    /// # Errors
    /// [`StoreError::File`], when the folder cannot be read.
    pub fn state(&self, id: &RequestId) -> Result<Option<RequestState>, StoreError> {
        // The result is written before the request goes: looked for in this order, one of them is there.
        if self.request(id).exists() && !self.result(id).exists() {
            return Ok(Some(RequestState::Pending));
        }
        let Some(answer) = read_json::<Answer>(&self.result(id))? else { return Ok(None) };
        let Answer { deleted, error, .. } = answer;
        Ok(Some(match error {
            Some(error) => RequestState::Failed { deleted, error },
            None => RequestState::Done { deleted },
        }))
    }

    /// Does all requests that wait, by name, and removes results older than 7 days; says how many were done. The
    /// writing side.
    ///
    /// A request that cannot be read is logged and removed. One during which the program ends is done at the next start.
    ///
    /// # Errors
    /// [`StoreError::File`], when the folder cannot be used; [`StoreError::WriterGone`].
    pub fn process(
        &self,
        handle: &WriterHandle,
        now: UnixMillis,
        should_stop: &dyn Fn() -> bool,
    ) -> Result<usize, StoreError> {
        let mut done = 0;
        for path in self.files("request-")? {
            if should_stop() {
                break;
            }
            if let Some((id, request)) = self.read_request(&path)? {
                if !self.result(&id).exists() && !self.answer(handle, &id, request, now, should_stop)? {
                    break;
                }
                done += 1;
            }
            disk::remove(&path)?;
        }
        self.remove_old_results(now)?;
        Ok(done)
    }

    /// Does one request and writes its result; `false` when the program ends first.
    fn answer(
        &self,
        handle: &WriterHandle,
        id: &RequestId,
        request: Request,
        now: UnixMillis,
        should_stop: &dyn Fn() -> bool,
    ) -> Result<bool, StoreError> {
        let keys = request.pubkeys.len();
        let (deleted, error) = match delete_counted(handle, &request.pubkeys, should_stop) {
            (_, Ok(false)) => return Ok(false),
            (_, Err(StoreError::WriterGone)) => return Err(StoreError::WriterGone),
            (deleted, outcome) => (deleted, outcome.err().map(|error| error.to_string())),
        };
        match &error {
            None => tracing::info!(request = %id, keys, deleted, "nodes deleted on request"),
            Some(error) => {
                tracing::error!(request = %id, keys, deleted, error, "nodes could not be deleted on request")
            }
        }
        let answer = Answer {
            id: id.to_string(),
            requested_at: request.requested_at,
            completed_at: now.to_rfc3339_seconds(),
            deleted,
            error,
        };
        write_json(&self.result(id), &answer)?;
        Ok(true)
    }

    /// `None` when it is no request; the log says so.
    fn read_request(&self, path: &Path) -> Result<Option<(RequestId, Request)>, StoreError> {
        let id = id_of(path, "request-");
        let request = read_json::<Request>(path)?.filter(|request| request.reason == REASON);
        let both = id.zip(request);
        if both.is_none() {
            tracing::warn!(file = %path.display(), "this is no request; removed");
        }
        Ok(both)
    }

    fn remove_old_results(&self, now: UnixMillis) -> Result<(), StoreError> {
        let kept_since = now.plus_millis(-RESULT_MILLIS);
        for path in self.files("result-")? {
            let completed =
                read_json::<Answer>(&path)?.and_then(|answer| answer.completed_at.parse::<UnixMillis>().ok());
            if completed.is_none_or(|at| at < kept_since) {
                disk::remove(&path)?;
            }
        }
        Ok(())
    }

    /// Files whose name begins with `head` and ends in `.json`, by name.
    fn files(&self, head: &str) -> Result<Vec<PathBuf>, StoreError> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(disk::failed(&self.folder)(error)),
        };
        let is_ours = |path: &PathBuf| {
            path.file_name()
                .and_then(|name| name.to_str())
                .is_some_and(|name| name.starts_with(head) && name.ends_with(".json"))
        };
        let mut files: Vec<PathBuf> =
            entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_ours).collect();
        files.sort();
        Ok(files)
    }

    fn request(&self, id: &RequestId) -> PathBuf {
        self.folder.join(format!("request-{id}.json"))
    }

    fn result(&self, id: &RequestId) -> PathBuf {
        self.folder.join(format!("result-{id}.json"))
    }
}

/// Deletes the nodes with these keys, in small errands; says how many there were. Their packets stay.
///
/// # Errors
/// [`StoreError`], when the file cannot be written; nodes of earlier errands are gone then.
pub fn delete_nodes(
    handle: &WriterHandle,
    keys: &[String],
    should_stop: &dyn Fn() -> bool,
) -> Result<u64, StoreError> {
    let (deleted, outcome) = delete_counted(handle, keys, should_stop);
    outcome.map(|_| deleted)
}

/// How many were deleted, and whether that were all: `false` when the program ends first.
fn delete_counted(
    handle: &WriterHandle,
    keys: &[String],
    should_stop: &dyn Fn() -> bool,
) -> (u64, Result<bool, StoreError>) {
    let mut deleted = 0;
    for keys in keys.chunks(KEYS_AT_ONCE) {
        if should_stop() {
            return (deleted, Ok(false));
        }
        let keys = keys.to_vec();
        let rows = handle.run(Component::Requests, move |transaction| {
            let marks = vec!["?"; keys.len()].join(", ");
            transaction
                .prepare(&format!("DELETE FROM nodes WHERE public_key IN ({marks})"))?
                .execute(params_from_iter(keys))
        });
        match rows {
            Ok(rows) => deleted += rows as u64,
            Err(error) => return (deleted, Err(error)),
        }
    }
    (deleted, Ok(true))
}

fn id_of(path: &Path, head: &str) -> Option<RequestId> {
    path.file_name()?.to_str()?.strip_prefix(head)?.strip_suffix(".json")?.parse().ok()
}

/// Whoever reads the file sees all of it or none.
fn write_json(path: &Path, value: &impl Serialize) -> Result<(), StoreError> {
    let partial = disk::with_suffix(path, ".tmp");
    let text = serde_json::to_vec(value).map_err(|error| disk::failed(path)(error.into()))?;
    fs::write(&partial, text).map_err(disk::failed(&partial))?;
    disk::sync(&partial)?;
    disk::rename(&partial, path)
}

/// `None` when there is no such file, or it is not what it should be.
fn read_json<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<Option<T>, StoreError> {
    match fs::read(path) {
        Ok(text) => Ok(serde_json::from_slice(&text).ok()),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::IsADirectory) => {
            Ok(None)
        }
        Err(error) => Err(disk::failed(path)(error)),
    }
}
