//! The stats file: what the server reads when ingest is another process.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use meshcore_store::UnixMillis;
use rustix::fs::OFlags;

use super::snapshot::Snapshot;
use crate::config::Environment;

/// Name in the system's folder for temporary files.
const NAME: &str = "corescope-ingestor-stats.json";

/// A sample older than this is of a process that is no more.
const FRESH_MILLIS: i64 = 5_000;

/// Where the figures are kept for other processes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatsFile(PathBuf);

impl StatsFile {
    /// This file.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The file that the environment names.
    pub fn named(environment: &Environment) -> Option<Self> {
        environment.get(Environment::STATS_FILE).map(Self::new)
    }

    /// That one, or the usual one in the system's folder for temporary files.
    pub fn of(environment: &Environment) -> Self {
        Self::named(environment).unwrap_or_else(|| Self(std::env::temp_dir().join(NAME)))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// What it says; `None` when it is not there or cannot be understood.
    pub fn read(&self) -> Option<Snapshot> {
        serde_json::from_slice(&fs::read(&self.0).ok()?).ok()
    }

    /// What it says of a process that runs: one that ended, or whose figures are older than five seconds, does not.
    pub fn read_fresh(&self, now: UnixMillis) -> Option<Snapshot> {
        self.read().filter(|snapshot| {
            let sampled: Option<UnixMillis> = snapshot.sampled_at.parse().ok();
            !snapshot.stopped && sampled.is_some_and(|at| (now.get() - at.get()).abs() <= FRESH_MILLIS)
        })
    }

    /// Replaces it in one step. The folder may belong to everybody: a link in the way is replaced and never followed,
    /// and nobody else can read the file.
    ///
    /// # Errors
    /// [`io::Error`], when the folder cannot be written or somebody has put a link where the new file is made.
    pub fn write(&self, snapshot: &Snapshot) -> io::Result<()> {
        let mut new = self.0.clone().into_os_string();
        new.push(".tmp");
        let mut file = create(Path::new(&new))?;
        file.write_all(&serde_json::to_vec(snapshot)?)?;
        drop(file);
        fs::rename(&new, &self.0)
    }
}

fn create(path: &Path) -> io::Result<File> {
    let no_follow = OFlags::NOFOLLOW.bits().cast_signed();
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .custom_flags(no_follow)
        .open(path)?;
    file.set_permissions(fs::Permissions::from_mode(0o600))?; // one that was left behind may be open to others
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn sampled(at: &str) -> Snapshot {
        Snapshot { sampled_at: at.into(), tx_inserted: 3, ..Snapshot::default() }
    }

    #[test]
    fn what_is_written_is_read_and_is_nobody_elses() {
        let folder = tempfile::tempdir().unwrap();
        let file = StatsFile::new(folder.path().join("stats.json"));
        assert_eq!(file.read(), None);
        let snapshot = sampled("2026-05-01T12:00:00.000Z");
        file.write(&snapshot).unwrap();
        assert_eq!(file.read(), Some(snapshot));
        assert_eq!(fs::metadata(file.path()).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_sample_is_good_for_five_seconds() {
        let folder = tempfile::tempdir().unwrap();
        let file = StatsFile::new(folder.path().join("stats.json"));
        file.write(&sampled("2026-05-01T12:00:00.000Z")).unwrap();
        let at = |text: &str| file.read_fresh(text.parse().unwrap());
        assert!(at("2026-05-01T12:00:05Z").is_some());
        assert!(at("2026-05-01T12:00:06Z").is_none());
        file.write(&Snapshot { stopped: true, ..sampled("2026-05-01T12:00:00.000Z") }).unwrap();
        assert!(at("2026-05-01T12:00:00Z").is_none(), "it has ended");
    }

    #[test]
    fn a_planted_link_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("precious");
        fs::write(&target, "precious").unwrap();
        let file = StatsFile::new(folder.path().join("stats.json"));
        symlink(&target, file.path()).unwrap();
        file.write(&Snapshot::default()).unwrap();
        assert!(!fs::symlink_metadata(file.path()).unwrap().is_symlink(), "the link is replaced");

        symlink(&target, folder.path().join("stats.json.tmp")).unwrap();
        let refused = file.write(&Snapshot::default()).unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(rustix::io::Errno::LOOP.raw_os_error()));
        assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
    }
}
