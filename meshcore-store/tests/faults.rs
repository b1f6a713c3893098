//! What happens when the file does not take what is written: nothing acknowledged is lost, and the error says why.

#![expect(clippy::print_stdout, reason = "tests say what they skip and how often they asked")]

mod database;

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use meshcore_store::UnixMillis;
use meshcore_store::db::{
    Commit, Job, Outcome, PacketFilter, Reader, StoreError, Write, Writer, WriterOptions,
};
use meshcore_store::sim::{Mesh, MeshOptions, Scribe, TrafficOptions};

use database::Database;

const START: UnixMillis = UnixMillis::from_seconds(1_777_593_600); // 2026-05-01T00:00:00Z
const DAY: i64 = 86_400_000;

/// Messages of the child.
const MESSAGES: usize = 5_000;

/// Messages readers look at.
const LOAD: i64 = 60_000;

/// Tells the child which database to write.
const DATABASE: &str = "CORESCOPE_FAULT_DATABASE";

/// What observers of a small mesh send, without end.
fn writes(start: UnixMillis) -> impl Iterator<Item = Write> {
    let mesh = Mesh::new(&MeshOptions::small());
    let mut scribe = Scribe::new(&mesh);
    mesh.stream(start, TrafficOptions::rate(5)).filter_map(move |event| scribe.write(event))
}

/// A writer, and the outcomes of each commit.
fn writer(database: &Database) -> (Writer, Receiver<Vec<Outcome>>) {
    let (told, commits) = channel();
    let tell = move |commit: &Commit| {
        let _ = told.send(commit.outcomes.iter().map(|(_, outcome)| *outcome).collect());
    };
    (Writer::open(&database.path, WriterOptions::default(), tell).unwrap(), commits)
}

/// Writes `count` messages and closes the file.
fn fill(database: &Database, start: UnixMillis, count: usize) -> Vec<Outcome> {
    let (writer, commits) = writer(database);
    submit(&writer, writes(start).take(count));
    drop(writer);
    commits.into_iter().flatten().collect()
}

fn submit(writer: &Writer, writes: impl Iterator<Item = Write>) {
    for write in writes {
        writer.submit(Job { ticket: 0, write }).unwrap();
    }
}

/// Not a test of its own: the writing process of those below.
#[test]
#[ignore = "started by other tests"]
fn child() {
    let Ok(path) = std::env::var(DATABASE) else { return };
    tracing_subscriber::fmt().with_ansi(false).with_writer(std::io::stdout).init();
    let acknowledge = |commit: &Commit| {
        use std::io::Write as _;
        let stored = commit.outcomes.iter().filter(|(_, outcome)| *outcome != Outcome::Failed).count();
        writeln!(std::io::stdout(), "stored {stored}").unwrap(); // past the harness, which keeps what is printed
    };
    match Writer::open(Path::new(&path), WriterOptions::default(), acknowledge) {
        Ok(writer) => submit(&writer, writes(START).take(MESSAGES)),
        Err(error) => println!("refused: {error}"),
    }
}

/// A command that runs [`child`] out of `program`, a copy of this test, behind `shell` commands.
fn child_command(program: &Path, shell: &str, database: &Path) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("{shell} exec \"$0\" --exact child --ignored --nocapture")])
        .arg(program)
        .env(DATABASE, database)
        .stdout(Stdio::piped());
    command
}

fn is_installed(program: &str) -> bool {
    let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
    let found = found.is_ok_and(|output| output.status.success());
    if !found {
        println!("skipped: {program} is not installed");
    }
    found
}

#[test]
fn a_full_disk_makes_the_writer_wait_and_loses_nothing() {
    if !is_installed("prlimit") {
        return;
    }
    let database = Database::new();
    // files of at most 300 KiB; the write that goes beyond fails instead of ending the process
    let limit = "trap '' XFSZ; ulimit -S -f 600;";
    let mut child = child_command(&std::env::current_exe().unwrap(), limit, &database.path).spawn().unwrap();
    let mut stored = 0;
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut count = |line: &str| {
        let number = line.split_once("stored ").and_then(|(_, number)| number.trim().parse::<usize>().ok());
        stored += number.unwrap_or(0);
    };
    let failure = lines.by_ref().inspect(|line| count(line)).find(|line| line.contains("cannot write"));
    let failure = failure.expect("the limit is reached and said to be");
    assert!(failure.contains("I/O") || failure.contains("full"), "{failure}");

    let pid = child.id().to_string();
    let lifted = Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited"]).status().unwrap();
    assert!(lifted.success());
    let recovery =
        lines.by_ref().inspect(|line| count(line)).find(|line| line.contains("takes writes again"));
    assert!(recovery.is_some());
    lines.for_each(|line| count(&line));
    assert!(child.wait().unwrap().success());
    assert_eq!(stored, MESSAGES);
    assert_eq!(database.one::<String>("PRAGMA integrity_check"), "ok");
    let whole = Database::new();
    fill(&whole, START, MESSAGES);
    for table in ["transmissions", "observations", "observer_metrics"] {
        let count = format!("SELECT COUNT(*) FROM {table}");
        assert_eq!(database.one::<i64>(&count), whole.one::<i64>(&count), "{table}");
    }
}

#[test]
fn a_file_that_may_only_be_read_is_refused_by_name_and_left_alone() {
    if !is_installed("setpriv") || !is_root() {
        return;
    }
    let database = Database::new();
    fill(&database, START, 100);
    let folder = database.path.parent().unwrap();
    let program = folder.join("child"); // this test may lie where nobody else can read
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    set_mode(&program, 0o755);
    set_mode(&database.path, 0o444);
    set_mode(&folder.join("mesh.db.writer.lock"), 0o666);
    set_mode(folder, 0o755);
    let before = std::fs::read(&database.path).unwrap();
    let nobody = "exec setpriv --reuid=65534 --regid=65534 --clear-groups";
    let mut command = Command::new("sh");
    let output = command
        .args(["-c", &format!("{nobody} \"$0\" --exact child --ignored --nocapture")])
        .arg(&program)
        .env(DATABASE, &database.path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let refusal = said.lines().find(|line| line.contains("refused:")).unwrap_or_else(|| panic!("{said}"));
    assert!(refusal.contains("mesh.db") && refusal.contains("readonly"), "{refusal}");
    assert_eq!(std::fs::read(&database.path).unwrap(), before);
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    let is_root = id.stdout.trim_ascii() == b"0";
    if !is_root {
        println!("skipped: only root can become somebody else");
    }
    is_root
}

fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_second_writer_is_refused_and_the_first_goes_on() {
    let database = Database::new();
    let (first, commits) = writer(&database);
    let error = Writer::open(&database.path, WriterOptions::default(), |_| {}).unwrap_err();
    assert!(matches!(error, StoreError::AlreadyWritten { .. }), "{error}");
    submit(&first, writes(START).take(10));
    drop(first);
    assert_eq!(commits.into_iter().flatten().count(), 10);
}

#[test]
fn a_corrupt_page_makes_messages_fail_loudly_and_the_rest_stays_readable() {
    let database = Database::new();
    fill(&database, START, 500);
    let stored: i64 = database.one("SELECT COUNT(*) FROM observations NOT INDEXED");
    let page: i64 = database.one("SELECT rootpage FROM sqlite_schema WHERE name = 'idx_observations_dedup'");
    overwrite_page(&database.path, page);

    let outcomes = fill(&database, START.plus_millis(DAY), 20);
    assert!(outcomes.contains(&Outcome::Failed), "{outcomes:?}");
    assert!(!outcomes.iter().any(|outcome| matches!(outcome, Outcome::Packet(_))), "nothing is claimed");
    assert_eq!(database.one::<i64>("SELECT COUNT(*) FROM observations NOT INDEXED"), stored);
    assert_ne!(database.one::<String>("PRAGMA integrity_check"), "ok");
}

fn overwrite_page(path: &Path, page: i64) {
    use std::os::unix::fs::FileExt as _;
    let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    let offset = u64::try_from((page - 1) * 4096).unwrap();
    file.write_all_at(&[0xff; 4096], offset).unwrap();
}

/// The clock of the server jumps a day ahead and back again: what was written meanwhile lies in the future until it
/// is heard again, and no message is lost or counted twice.
#[test]
fn a_clock_that_jumps_a_day_loses_nothing_and_is_mended_when_nodes_are_heard_again() {
    let database = Database::new();
    fill(&database, START, 400);
    let observers: i64 = database.one("SELECT COUNT(*) FROM observers");
    let outcomes = fill(&database, START.plus_millis(DAY), 400);
    assert!(outcomes.iter().all(|outcome| *outcome != Outcome::Failed));
    let ahead: String = database.one("SELECT MAX(last_seen) FROM observers");
    assert!(ahead > START.plus_millis(DAY).to_rfc3339_seconds());

    let back = START.plus_millis(3_600_000);
    let outcomes = fill(&database, back, 4_000);
    assert!(outcomes.iter().all(|outcome| *outcome != Outcome::Failed));
    let newest: String = database.one("SELECT MAX(last_seen) FROM observers");
    assert!(newest < START.plus_millis(DAY).to_rfc3339_seconds(), "{newest}");
    assert_eq!(database.one::<i64>("SELECT COUNT(*) FROM observers"), observers);
    let unordered = "SELECT COUNT(*) FROM transmissions WHERE unixepoch(first_seen) > last_seen";
    assert_eq!(database.one::<i64>(unordered), 0);
    let behind = "SELECT COUNT(*) FROM transmissions t WHERE last_seen <
                  (SELECT MAX(timestamp) FROM observations o WHERE o.transmission_id = t.id)";
    assert_eq!(database.one::<i64>(behind), 0);
}

/// Twice as many messages as 500 a second for a minute, as fast as they go, and readers all the while.
#[test]
fn readers_see_no_busy_and_no_stale_file_while_it_is_written() {
    let database = Database::new();
    let (writer, commits) = writer(&database);
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let reader = Reader::open(&database.path).unwrap();
            std::thread::spawn(move || {
                let mut asked = 0_u32;
                let filter = PacketFilter { limit: 20, ..PacketFilter::default() };
                loop {
                    let totals = reader.totals(START).unwrap();
                    let page = reader.packets(&filter).unwrap();
                    assert!(page.packets.iter().all(|packet| !packet.observations.is_empty()));
                    asked += 1;
                    if totals.observations >= LOAD / 2 {
                        return asked;
                    }
                }
            })
        })
        .collect();
    let load = usize::try_from(LOAD).unwrap();
    submit(&writer, writes(START).take(load));
    drop(writer);
    assert_eq!(commits.into_iter().flatten().count(), load);
    for reader in readers {
        println!("a reader asked {} times", reader.join().unwrap());
    }
}
