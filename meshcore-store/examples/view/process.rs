//! Children that measure: what one of them allocates is not in the figures of another, and each can be killed.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use meshcore_store::UnixMillis;
use rusqlite::{Connection, OpenFlags};
use serde::{Deserialize, Serialize};

use crate::latency::Latency;

/// What a child tells its parent: a line of JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Said {
    /// The newest packets are answered, and those of the database.
    Answered,
    /// Everything is in memory.
    Complete(Loaded),
    /// How long something takes.
    Latency(Latency),
    /// What something costs: bytes in memory.
    Column { name: String, bytes: usize },
    /// Everything is told; it waits.
    Told,
}

/// How much is in memory, and what it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Loaded {
    pub(crate) packets: i64,
    pub(crate) observations: i64,
    /// Bytes, as the view counts them.
    pub(crate) bytes: usize,
    pub(crate) memory: Memory,
}

impl Said {
    /// Tells the parent.
    pub(crate) fn tell(&self) -> Result<()> {
        let mut out = std::io::stdout().lock();
        serde_json::to_writer(&mut out, self)?;
        out.write_all(b"\n")?;
        Ok(out.flush()?)
    }
}

/// What a child is told of the database, so that it need not look: that would be measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Facts {
    pub(crate) packets: i64,
    /// Ids of the newest packets, the newest first: the first correct answer.
    pub(crate) newest: Vec<i64>,
    /// When the newest was first heard, Unix milliseconds: the clock of what is measured.
    pub(crate) now: i64,
}

impl Facts {
    pub(crate) fn of(database: &Path) -> Result<Self> {
        let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let packets = connection.query_row("SELECT COUNT(*) FROM transmissions", [], |row| row.get(0))?;
        let mut statement = connection.prepare("SELECT id FROM transmissions ORDER BY id DESC LIMIT 50")?;
        let newest = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let last: String =
            connection.query_row("SELECT MAX(first_seen) FROM transmissions", [], |row| row.get(0))?;
        Ok(Self { packets, newest, now: last.parse::<UnixMillis>()?.get() })
    }
}

/// Memory of a process in kB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Memory {
    /// Resident now.
    pub(crate) resident: u64,
    /// Resident at most since it began.
    pub(crate) peak: u64,
}

impl Memory {
    /// Of this process.
    pub(crate) fn now() -> Result<Self> {
        let status = std::fs::read_to_string("/proc/self/status").context("/proc/self/status")?;
        let field = |name: &str| {
            let line =
                status.lines().find_map(|line| line.strip_prefix(name)).context("a line is missing")?;
            Ok::<_, anyhow::Error>(line.trim().trim_end_matches(" kB").parse()?)
        };
        Ok(Self { resident: field("VmRSS:")?, peak: field("VmHWM:")? })
    }
}

/// A child at work. Killed when dropped.
#[derive(Debug)]
pub(crate) struct Measuring {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
    begun: Instant,
}

impl Measuring {
    /// Starts this program again, to do `task` with the database.
    pub(crate) fn start(task: &str, database: &Path, snapshot: &Path, facts: &Facts) -> Result<Self> {
        let begun = Instant::now();
        let mut child = Command::new(std::env::current_exe()?)
            .arg(database)
            .args(["--task", task, "--facts", &serde_json::to_string(facts)?])
            .arg("--snapshot")
            .arg(snapshot)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("this program cannot be started again")?;
        let lines = BufReader::new(child.stdout.take().context("its output is a pipe")?).lines();
        Ok(Self { stdin: child.stdin.take(), child, lines, begun })
    }

    /// The next thing it says, and how long after its start; `None` when it has ended well.
    pub(crate) fn next(&mut self) -> Result<Option<(Duration, Said)>> {
        let Some(line) = self.lines.next() else {
            let status = self.child.wait()?;
            anyhow::ensure!(status.success(), "a child ended with {status}");
            return Ok(None);
        };
        Ok(Some((self.begun.elapsed(), serde_json::from_str(&line?)?)))
    }

    /// Lets it end, and says how long that took.
    pub(crate) fn end(mut self) -> Result<Duration> {
        let begun = Instant::now();
        drop(self.stdin.take());
        while self.next()?.is_some() {}
        Ok(begun.elapsed())
    }
}

impl Drop for Measuring {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended
        let _ = self.child.wait();
    }
}
