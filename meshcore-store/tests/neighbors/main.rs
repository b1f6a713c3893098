//! The neighbor graph of a file: built, kept, loaded and forgotten.

mod support;

use std::path::Path;

use meshcore_store::UnixMillis;
use meshcore_store::db::{NeighborBuilder, NeighborOptions, Reader, StoreError, Writer, WriterOptions};
use meshcore_store::graph::{End, Tally};
use proptest::prelude::*;
use rusqlite::Connection;
use support::{DAY_S, Database, NOW, OBSERVERS, Seen, built_at_once, dump, key, observation, options};

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Ticks at any moment, restarts between any two of them: file and memory are what one pass over all would make.
    #[test]
    fn however_it_is_cut_the_graph_is_the_same(
        all in prop::collection::vec(observation(), 0..60),
        cuts in prop::collection::vec((0_usize..60, any::<bool>()), 0..5),
    ) {
        let database = Database::new();
        let mut builder = database.builder();
        let mut cuts: Vec<_> = cuts.into_iter().filter(|(at, _)| *at < all.len()).collect();
        cuts.sort_unstable();
        let mut begin = 0;
        for (cut, restart) in cuts {
            database.insert(&all[begin..cut.max(begin)]);
            begin = cut.max(begin);
            builder.tick(NOW).unwrap();
            if restart {
                builder = database.builder();
            }
        }
        database.insert(&all[begin..]);
        builder.tick(NOW).unwrap();

        let expected = dump(&built_at_once(&all));
        prop_assert_eq!(&dump(builder.graph()), &expected);
        prop_assert_eq!(&dump(&builder.shared().graph()), &expected);
        prop_assert_eq!(&dump(&database.graph_in_file()), &expected);
        let sightings: i64 = database.one("SELECT COALESCE(SUM(count), 0) FROM neighbor_edges");
        let resolved: i64 = database
            .one("SELECT COALESCE(SUM(count), 0) FROM neighbor_edge_hours WHERE node_b NOT LIKE 'prefix:%'");
        prop_assert_eq!(sightings, resolved);
    }

    #[test]
    fn what_was_added_can_be_evicted(all in prop::collection::vec(observation(), 0..60), age in 0_i64..5 * 3600) {
        let mut graph = built_at_once(&all);
        let cutoff = u32::try_from(NOW.seconds() - age).unwrap();
        let kept = graph.edges().filter(|edge| edge.total().last_seen() >= cutoff).count();
        graph.evict(cutoff);
        prop_assert_eq!(graph.len(), kept);
        graph.evict(u32::MAX);
        prop_assert!(graph.is_empty());
        for observer in OBSERVERS {
            let end = End::from_text(observer).and_then(|end| graph.ends().id(&end));
            prop_assert_eq!(end.map_or(0, |end| graph.edges_of(end).count()), 0);
        }
    }
}

#[test]
fn a_tick_adds_what_is_new_and_nothing_twice() {
    let database = Database::new();
    let mut builder = database.builder();
    database.insert(&[Seen::text(), Seen { path: vec!["B2"], ..Seen::text() }]);
    assert_eq!(builder.tick(NOW).unwrap().observations, 2);
    assert_eq!(builder.tick(NOW).unwrap().observations, 0);
    database.insert(&[Seen { at: NOW.seconds() + 5, ..Seen::text() }]);
    assert_eq!(builder.tick(NOW).unwrap().observations, 1);

    let later = NOW.plus_millis(5000).to_rfc3339_seconds();
    assert_eq!(database.rolled_up(), [("a100".into(), "e100".into(), 2, later)]);
    assert_eq!(database.one::<i64>("SELECT COUNT(*) FROM neighbor_edge_hours"), 2);
    assert_eq!(
        database.one::<String>("SELECT node_b FROM neighbor_edge_hours WHERE prefix = 'b2'"),
        "prefix:b2"
    );
    assert_eq!(database.one::<String>("SELECT value FROM _state WHERE key = 'neighbor_edges_obs_id'"), "3");
}

#[test]
fn rows_say_only_what_is_not_obvious() {
    let database = Database::new();
    let row = |columns: &str| -> String {
        database
            .one(&format!("SELECT json_array({columns}) FROM neighbor_edge_hours WHERE node_b NOT LIKE 'p%'"))
    };
    let mut builder = database.builder();
    database.insert(&[Seen::text()]);
    builder.tick(NOW).unwrap();
    assert_eq!(row("count, snr_sum, snr_n, modes, observers, prefix"), r#"[1,5.0,1,null,"[1]","a1"]"#);
    database.insert(&[
        Seen { path: vec!["A100"], snr: None, ..Seen::text() },
        // the advert of a node that also observes, by way of A1, heard by the roof
        Seen { payload: 4, originator: Some("E1"), observer: 1, ..Seen::text() },
    ]);
    builder.tick(NOW).unwrap();
    let edges: i64 = database.one("SELECT COUNT(*) FROM neighbor_edge_hours");
    assert_eq!(edges, 2, "A1 with E1, and with the roof");
    let columns = "SELECT json_array(count, snr_sum, snr_n, modes, observers)
                     FROM neighbor_edge_hours WHERE node_b LIKE 'e1%'";
    assert_eq!(database.one::<String>(columns), r#"[3,5.0,1,"{\"1\":2,\"2\":1}","[1,\"roof north\"]"]"#);
}

#[test]
fn an_errand_that_fails_leaves_memory_as_the_file_is() {
    let database = Database::new();
    let mut builder = database.builder();
    database.insert(&[Seen::text()]);
    database.execute(
        "CREATE TRIGGER refuse BEFORE INSERT ON neighbor_edges BEGIN SELECT RAISE(ABORT, 'not now'); END",
    );
    assert!(matches!(builder.tick(NOW), Err(StoreError::Sql(_))));
    assert!(builder.graph().is_empty());
    assert_eq!(database.one::<i64>("SELECT COUNT(*) FROM neighbor_edge_hours"), 0);
    database.execute("DROP TRIGGER refuse");
    assert_eq!(builder.tick(NOW).unwrap().observations, 1);
    assert_eq!(dump(builder.graph()), dump(&database.graph_in_file()));
}

#[test]
fn a_tick_stops_between_two_slices_and_goes_on_later() {
    let database = Database::new();
    database.insert(&vec![Seen::text(); 20_000]);
    let mut builder = database.builder();
    let mut asked = 0;
    let tick = builder
        .tick_while(NOW, || {
            asked += 1;
            asked <= 1
        })
        .unwrap();
    assert_eq!(tick.slices, 1);
    assert!(tick.observations < 20_000);
    assert_eq!(dump(&database.graph_in_file()), dump(builder.graph()), "half of it is consistent too");
    drop(builder); // and the process with it
    let rest = database.builder().tick(NOW).unwrap();
    assert_eq!(tick.observations + rest.observations, 20_000);
    assert_eq!(database.one::<i64>("SELECT SUM(count) FROM neighbor_edge_hours"), 20_000);
    assert_eq!(database.rolled_up()[0].2, 20_000);
}

/// Where a child process finds its database, and after how many slices it dies.
const DIES: &str = "CORESCOPE_TEST_DIES_AT";

/// Not a test of its own: what the child process of the next one does.
#[test]
fn a_child_that_dies_between_two_slices() {
    let Ok(order) = std::env::var(DIES) else { return };
    let (slices, path) = order.split_once(' ').unwrap();
    let mut left: u32 = slices.parse().unwrap();
    let writer = Writer::open(Path::new(path), WriterOptions::default(), |_| {}).unwrap();
    let mut builder = NeighborBuilder::open(Path::new(path), writer.handle(), options(), NOW).unwrap();
    builder
        .tick_while(NOW, || {
            if left == 0 {
                std::process::abort();
            }
            left -= 1;
            true
        })
        .unwrap();
}

#[test]
fn a_kill_between_two_slices_loses_and_doubles_nothing() {
    let database = Database::new();
    let kinds = [Seen::text(), Seen { path: vec!["B2"], observer: 1, ..Seen::text() }];
    let all: Vec<Seen> = kinds.into_iter().cycle().take(20_000).collect();
    database.insert(&all);
    let Database { folder, path, writer } = database;
    drop(writer);
    for slices in [0, 1, 1] {
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_child_that_dies_between_two_slices"])
            .env(DIES, format!("{slices} {}", path.display()))
            .output()
            .unwrap();
        assert!(!child.status.success(), "it dies");
    }
    let writer = Writer::open(&path, WriterOptions::default(), |_| {}).unwrap();
    let database = Database { folder, path, writer };
    let mut builder = database.builder();
    let before = builder.graph().edges().map(|edge| edge.total().count()).sum::<u32>();
    assert_eq!(before, 10_000, "two slices were committed");
    assert_eq!(builder.tick(NOW).unwrap().observations, 10_000);
    assert_eq!(dump(builder.graph()), dump(&built_at_once(&all)));
    assert_eq!(dump(&database.graph_in_file()), dump(builder.graph()));
    assert_eq!(database.rolled_up()[0].2, 10_000);
}

#[test]
fn a_file_whose_watermark_is_lost_is_read_again_and_not_doubled() {
    let database = Database::new();
    let mut builder = database.builder();
    database.insert(&a_day_of_texts());
    builder.tick(NOW).unwrap();
    database.execute("DELETE FROM _state");
    builder.tick(NOW).unwrap();
    assert_eq!(database.one::<i64>("SELECT SUM(count) FROM neighbor_edge_hours"), 7);
    assert_eq!(database.rolled_up()[0].2, 7, "its last edge is as new as the last observation");
    assert_eq!(dump(builder.graph()), dump(&built_at_once(&a_day_of_texts())));
}

/// Seven observations an hour apart, the oldest first.
fn a_day_of_texts() -> Vec<Seen> {
    (0..7).map(|i| Seen { at: NOW.seconds() - (6 - i) * 3600, ..Seen::text() }).collect()
}

#[test]
fn a_file_of_another_program_has_its_hours_built_and_its_edges_not_counted_again() {
    let database = Database::new();
    let mut all = a_day_of_texts();
    all.insert(0, Seen { at: NOW.seconds() - 6 * DAY_S, ..Seen::text() }); // too old to say anything
    database.insert(&all);
    let until = NOW.plus_millis(-2 * 3_600_000).to_rfc3339_seconds(); // five of the seven
    database.execute(&format!(
        "INSERT INTO neighbor_edges VALUES ('{}', '{}', 40, '{until}')",
        key("a1"),
        key("e1")
    ));
    let mut builder = database.builder();
    builder.tick_while(NOW, || false).unwrap(); // stopped at once, and killed
    builder = database.builder();
    builder.tick(NOW).unwrap();
    assert_eq!(database.rolled_up()[0].2, 42);
    assert_eq!(database.one::<i64>("SELECT SUM(count) FROM neighbor_edge_hours"), 7);
    assert_eq!(dump(builder.graph()), dump(&built_at_once(&all[1..])));
}

#[test]
fn a_file_without_edges_starts_with_the_observations_of_the_last_days() {
    let database = Database::new();
    let mut all = a_day_of_texts();
    all.insert(0, Seen { at: NOW.seconds() - 6 * DAY_S, ..Seen::text() });
    database.insert(&all);
    database.builder().tick(NOW).unwrap();
    assert_eq!(database.rolled_up()[0].2, 7);
    assert_eq!(database.one::<i64>("SELECT SUM(count) FROM neighbor_edge_hours"), 7);
}

#[test]
fn edges_not_seen_for_days_are_forgotten_everywhere() {
    let database = Database::new();
    let border = NOW.seconds() - 5 * DAY_S;
    let old = |path, age| Seen { path: vec![path], at: border - age, ..Seen::text() };
    let mut builder = database.builder();
    database.insert(&[old("A1", 1), old("B2FF", 0), old("77", 1)]);
    builder.tick(NOW.plus_millis(-3_600_000)).unwrap();
    assert_eq!(builder.graph().len(), 3);
    database.execute(
        "INSERT INTO neighbor_edges VALUES ('x', 'y', 1, '2020-01-01 00:00:00'), ('x', 'z', 1, NULL)",
    );

    let pruned = builder.prune(NOW).unwrap();
    assert_eq!((pruned.edges, pruned.rolled_up), (2, 2));
    assert_eq!(database.one::<i64>("SELECT COUNT(*) FROM neighbor_edge_hours"), 1);
    let left: Vec<String> = database.rolled_up().into_iter().map(|(a, b, ..)| a + "-" + &b).collect();
    assert_eq!(left, ["b2ff-e100", "x-z"], "seen at the border is not yet too old");
    assert_eq!(dump(builder.graph()), dump(&database.graph_in_file()));
    assert_eq!(builder.shared().graph().len(), 1);

    database.insert(&[Seen::text()]);
    builder.tick(NOW).unwrap();
    assert_eq!(dump(builder.graph()), dump(&database.graph_in_file()), "it goes on after that");
}

#[test]
fn hours_of_a_month_ago_are_added_up() {
    let database = Database::new();
    let ages = [40 * DAY_S, 35 * DAY_S, 31 * DAY_S, 29 * DAY_S, 0];
    let all: Vec<Seen> =
        ages.into_iter().map(|age| Seen { at: NOW.seconds() - age, ..Seen::text() }).collect();
    database.insert(&all);
    let options = NeighborOptions { max_age_days: 60, ..options() };
    let mut builder = NeighborBuilder::open(&database.path, database.writer.handle(), options, NOW).unwrap();
    builder.tick(NOW).unwrap();
    let total = dump(builder.graph())[0].clone();

    assert_eq!(builder.prune(NOW).unwrap().folded, 1);
    let edge = builder.graph().edges().next().unwrap();
    let counts: Vec<u32> = edge.hours().iter().map(Tally::count).collect();
    assert_eq!(counts, [3, 1, 1]);
    assert_eq!(dump(builder.graph())[0], total, "all together it is the same");
    assert_eq!(dump(&database.graph_in_file()), dump(builder.graph()));
    assert_eq!(builder.prune(NOW).unwrap().folded, 0, "once");
}

#[test]
fn listeners_and_nodes_are_looked_up_anew_at_each_tick() {
    let database = Database::new();
    let mut builder = database.builder();
    let mut edges = |path| {
        database.insert(&[Seen { path: vec![path], ..Seen::text() }]);
        builder.tick(NOW).unwrap();
        dump(builder.graph()).len() / 2
    };
    assert_eq!(edges("B2"), 1, "two could be meant");
    database.execute("UPDATE observers SET can_relay = 0, can_relay_seen = 1 WHERE rowid = 3"); // B2
    assert_eq!(edges("B2"), 2, "one of them only listens");
    database.execute("UPDATE observers SET inactive = 1 WHERE rowid = 3");
    database.execute("DELETE FROM nodes WHERE public_key LIKE 'b2ff%'");
    assert_eq!(edges("B2"), 3, "that one is meant when the other is gone");
    let index = Reader::open(&database.path).unwrap().hop_index().unwrap();
    assert_eq!(index.relays().len(), 2);
}

#[test]
fn rows_that_make_no_sense_say_nothing() {
    let database = Database::new();
    database.insert(&[Seen::text(), Seen::text(), Seen::text(), Seen::text(), Seen::text()]);
    database.execute(
        r#"UPDATE observations SET path_json = NULL WHERE id = 1;
           UPDATE observations SET path_json = '["A1' WHERE id = 2;
           UPDATE observations SET path_json = '["A1B2C3D4"]' WHERE id = 3;
           UPDATE transmissions SET route_type = NULL WHERE id = 4;
           UPDATE observations SET snr = 'loud', observer_idx = 77 WHERE id = 5;
           UPDATE observations SET timestamp = 'yesterday' WHERE id = 5;"#,
    );
    database.insert(&[Seen::text()]);
    let mut builder = database.builder();
    assert_eq!(builder.tick(NOW).unwrap().observations, 6, "they are passed over, not stumbled upon");
    assert_eq!(builder.graph().edges().map(|edge| edge.total().count()).sum::<u32>(), 1);
}

#[test]
fn broken_hours_do_not_keep_the_others_from_being_loaded() {
    let database = Database::new();
    let mut builder = database.builder();
    database.insert(&[Seen::text(), Seen { path: vec!["B2FF"], ..Seen::text() }]);
    builder.tick(NOW).unwrap();
    for broken in
        ["observers = '[7]'", "observers = '{'", "modes = '{\"9\":1}'", "prefix = 'zz'", "node_a = ''"]
    {
        database.execute(&format!("UPDATE neighbor_edge_hours SET {broken} WHERE node_a LIKE 'b2%'"));
        assert_eq!(database.graph_in_file().len(), 1, "{broken}");
    }
}

#[test]
fn the_captured_file_gets_a_graph() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/golden/rich/rich.db");
    if !source.exists() {
        eprintln!("skipped: the captured database is not here");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rich.db");
    std::fs::copy(&source, &path).unwrap();
    let newest = {
        let connection = Connection::open(&path).unwrap();
        connection
            .query_row("SELECT MAX(timestamp) FROM observations", [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    let now = UnixMillis::from_seconds(newest + 60);
    let writer = match Writer::open(&path, WriterOptions::default(), |_| {}) {
        Ok(writer) => writer,
        Err(error @ StoreError::NotReady { .. }) => {
            eprintln!("skipped: {error}");
            return;
        }
        Err(error) => panic!("{error}"),
    };
    let mut builder = NeighborBuilder::open(&path, writer.handle(), options(), now).unwrap();
    let tick = builder.tick(now).unwrap();
    assert!(tick.observations > 0);
    assert!(!builder.graph().is_empty());
    let loaded = Reader::open(&path).unwrap().neighbor_graph(now, 5).unwrap();
    assert_eq!(dump(&loaded), dump(builder.graph()));
}
