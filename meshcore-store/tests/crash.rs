//! The writer is killed, again and again: what it acknowledged is there, and the next one goes on.

#![expect(clippy::print_stdout, reason = "the count is the report of this test")]

use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use meshcore_store::UnixMillis;
use meshcore_store::db::{Commit, Job, Writer, WriterOptions};
use meshcore_store::sim::{Mesh, MeshOptions, Scribe, TrafficOptions};
use rusqlite::Connection;

/// Tells the child which database to write, and which round it is.
const DATABASE: &str = "CORESCOPE_CRASH_DATABASE";
const ROUND: &str = "CORESCOPE_CRASH_ROUND";

/// Marks a line of the child among those of the test harness.
const ACKNOWLEDGED: &str = "acknowledged";

/// Files, each written and killed over and over.
const FILES: u64 = 20;
const ROUNDS: u64 = 10;

/// What the writer said is in the file.
#[derive(Clone, Copy, Debug)]
struct Acknowledged {
    first: i64,
    last: i64,
    observations: i64,
}

/// Not a test of its own: the process that `a_writer_killed_at_any_moment_..` kills.
#[test]
#[ignore = "killed by another test"]
fn child() {
    let (Ok(database), Ok(round)) = (std::env::var(DATABASE), std::env::var(ROUND)) else { return };
    let writer = Writer::open(Path::new(&database), WriterOptions::default(), acknowledge).unwrap();
    let mesh = Mesh::new(&MeshOptions::small());
    let start = UnixMillis::from_seconds(1_777_593_600 + 86_400 * round.parse::<i64>().unwrap());
    let mut scribe = Scribe::new(&mesh);
    for event in mesh.stream(start, TrafficOptions::rate(5)) {
        let Some(write) = scribe.write(event) else { continue };
        writer.submit(Job { ticket: 0, write }).unwrap();
    }
}

/// Says what was committed, past the harness that would keep the output to itself.
fn acknowledge(commit: &Commit) {
    let ids: Vec<i64> = commit.observations.iter().map(|(id, _)| *id).collect();
    let (Some(first), Some(last)) = (ids.iter().min(), ids.iter().max()) else { return };
    let mut out = std::io::stdout().lock();
    writeln!(out, "{ACKNOWLEDGED} {first} {last} {}", ids.len()).unwrap();
    out.flush().unwrap();
}

fn start_child(database: &Path, round: u64) -> (Child, BufReader<ChildStdout>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--nocapture"])
        .env(DATABASE, database)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    (child, out)
}

fn read_acknowledged(line: &str) -> Option<Acknowledged> {
    let (_, numbers) = line.split_once(ACKNOWLEDGED)?;
    let mut numbers = numbers.split_whitespace().map(|number| number.parse().ok());
    Some(Acknowledged { first: numbers.next()??, last: numbers.next()??, observations: numbers.next()?? })
}

#[test]
fn a_writer_killed_at_any_of_200_moments_loses_nothing_it_acknowledged() {
    let mut chance = Chance(0x5eed);
    let mut observations = 0;
    for _ in 0..FILES {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("mesh.db");
        let mut newest = 0;
        for round in 0..ROUNDS {
            let acknowledged = write_and_kill(&database, round, &mut chance);
            if database.exists() {
                newest = check(&database, &acknowledged, newest);
            } else {
                assert!(acknowledged.is_empty(), "killed before it began");
            }
        }
        observations += newest;
    }
    println!("{} kills, {observations} observations stored", FILES * ROUNDS);
    assert!(observations > 20_000, "most rounds wrote something: {observations}");
}

/// Lets a child write, kills it, and says what it had acknowledged.
fn write_and_kill(database: &Path, round: u64, chance: &mut Chance) -> Vec<Acknowledged> {
    let (mut child, mut out) = start_child(database, round);
    // from before the first commit on, and then some microseconds into the next one
    let (commits, moment) = (chance.below(9), Duration::from_micros(chance.below(8_000)));
    let mut acknowledged = Vec::new();
    let mut line = String::new();
    while (acknowledged.len() as u64) < commits && out.read_line(&mut line).unwrap() > 0 {
        acknowledged.extend(read_acknowledged(&line));
        line.clear();
    }
    let until = Instant::now() + moment;
    while Instant::now() < until {
        std::hint::spin_loop();
    }
    child.kill().unwrap(); // SIGKILL
    child.wait().unwrap();
    // what it said before it died counts too
    acknowledged.extend(out.lines().map_while(Result::ok).filter_map(|line| read_acknowledged(&line)));
    acknowledged
}

/// The file is whole and holds what was acknowledged, behind what was there; gives its newest observation.
fn check(database: &Path, acknowledged: &[Acknowledged], newest: i64) -> i64 {
    let connection = Connection::open(database).unwrap();
    let one = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    let verdict: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
    for Acknowledged { first, last, observations } in acknowledged {
        assert!(*first > newest, "a restart goes on where the writer before it ended");
        let there = one(&format!("SELECT COUNT(*) FROM observations WHERE id BETWEEN {first} AND {last}"));
        assert_eq!(there, *observations, "{first} to {last}");
    }
    if one("SELECT COUNT(*) FROM sqlite_schema WHERE name = 'observations'") == 0 {
        return 0; // killed while it made the schema
    }
    let halves =
        one("SELECT COUNT(*) FROM transmissions WHERE id NOT IN (SELECT transmission_id FROM observations)");
    assert_eq!(halves, 0, "a packet without an observation is half a message");
    one("SELECT COALESCE(MAX(id), 0) FROM observations")
}

/// When to kill: other moments each time, the same ones in each run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}
