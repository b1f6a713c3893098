//! A child process: its log, and its end.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use super::{DEADLINE, eventually};

/// A running child process. It is killed when this is dropped, and a failing test shows its log.
pub(crate) struct Process {
    child: Child,
    log: Arc<Log>,
}

/// What it said on standard error, line by line.
#[derive(Default)]
struct Log {
    said: Mutex<Said>,
    more: Condvar,
}

#[derive(Default)]
struct Said {
    lines: Vec<String>,
    is_over: bool,
}

impl Process {
    /// Starts `command` and reads along what it says.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let stderr = child.stderr.take().expect("it is piped");
        let log = Arc::new(Log::default());
        let writer = Arc::clone(&log);
        thread::spawn(move || writer.follow(stderr));
        Self { child, log }
    }

    /// The id the system knows it by.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its resident memory; `None` where the system does not tell.
    pub(crate) fn resident_kib(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().trim_end_matches(" kB").parse().ok()
    }

    /// Waits for the `nth` line (from 1) with this text in it. Fails when the process ends before.
    #[track_caller]
    pub(crate) fn wait_for_line(&self, text: &str, nth: usize) -> String {
        let end = Instant::now() + DEADLINE;
        let mut said = self.log.said();
        loop {
            if let Some(line) = said.lines.iter().filter(|line| line.contains(text)).nth(nth - 1) {
                return line.clone();
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero() && !said.is_over, "{nth}. `{text}` was not logged: {:#?}", said.lines);
            said = self.log.more.wait_timeout(said, left).unwrap().0;
        }
    }

    /// Everything said so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.log.said().lines.clone()
    }

    /// How many lines so far have this text in them.
    pub(crate) fn count(&self, text: &str) -> usize {
        self.lines().iter().filter(|line| line.contains(text)).count()
    }

    /// Whether it has not ended.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Ends it at once, without a chance to say or write anything.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end, as an operator does.
    pub(crate) fn terminate(&mut self) {
        self.signal("TERM");
    }

    /// Asks it to read its configuration again.
    pub(crate) fn hang_up(&mut self) {
        self.signal("HUP");
    }

    fn signal(&mut self, name: &str) {
        assert!(self.is_running(), "it has ended by itself: {:#?}", self.lines());
        // Not yet waited for, so the id still belongs to it.
        let sent = Command::new("sh")
            .args(["-c", "kill -s \"$0\" \"$1\"", name, &self.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Waits for its end; gives its exit code (`None` when a signal ended it) and all it said.
    #[track_caller]
    pub(crate) fn wait_for_end(&mut self) -> (Option<i32>, String) {
        let status = eventually("the process ends", || self.child.try_wait().unwrap());
        let lines = eventually("the last words are read", || {
            let said = self.log.said();
            said.is_over.then(|| said.lines.join("\n"))
        });
        (status.code(), lines)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("--- process {}:\n{}", self.child.id(), self.lines().join("\n"));
        }
    }
}

impl Log {
    /// A test that failed while it looked does not keep the others from looking.
    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn follow(&self, stderr: impl Read) {
        for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
            self.said().lines.push(String::from_utf8_lossy(&line).into_owned());
            self.more.notify_all();
        }
        self.said().is_over = true;
        self.more.notify_all();
    }
}
