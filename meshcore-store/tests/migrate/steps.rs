//! Each step alone, on a file that lacks just that one.

use rstest::rstest;

use super::support::{File, old_files};
use super::{assert_nothing_is_left, upgrade};

/// A file with everything done to it.
fn complete() -> File {
    let file = File::made(|connection| old_files::capture(connection, &old_files::receptions(60)));
    upgrade(&file.path);
    file
}

/// Schema without the order of columns, and all values by name of their column.
fn contents(file: &File) -> Vec<String> {
    let connection = file.open();
    let tables: Vec<String> = connection
        .prepare(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
        )
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let mut lines: Vec<String> = connection
        .prepare(
            "SELECT sql FROM sqlite_schema WHERE type IN ('index', 'view') AND sql IS NOT NULL ORDER BY name",
        )
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    for table in tables {
        let mut columns: Vec<String> = connection
            .prepare("SELECT name FROM pragma_table_info(?1)")
            .unwrap()
            .query_map([&table], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        columns.retain(|column| !matches!(column.as_str(), "started_at" | "ended_at"));
        columns.sort();
        let values =
            columns.iter().map(|column| format!("quote({column})")).collect::<Vec<_>>().join(" || '|' || ");
        let mut rows: Vec<String> = connection
            .prepare(&format!("SELECT '{table} ' || {values} FROM {table}"))
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        rows.sort();
        lines.push(format!("{table} ({})", columns.join(", ")));
        lines.extend(rows);
    }
    lines
}

/// Undoes a step, upgrades, and finds the file as it was and that step among what was done, alone or with what needs it.
#[rstest]
// tables and columns
#[case("DROP TABLE neighbor_edge_hours; DROP TABLE hash_aliases", "schema", "hash_aliases")]
#[case("DROP TABLE observer_metrics; DROP TABLE dropped_packets", "schema", "")]
#[case("DROP TABLE client_receptions; DROP TABLE client_observers", "schema", "")]
#[case("DROP TABLE inactive_nodes", "schema", "")]
#[case("ALTER TABLE observer_metrics DROP COLUMN packets_sent", "schema", "")]
#[case("ALTER TABLE observations DROP COLUMN resolved_path", "schema", "")]
#[case("DROP VIEW packets_v; ALTER TABLE observers DROP COLUMN inactive", "schema packets_v", "")]
#[case("ALTER TABLE observers DROP COLUMN clock_skew_seconds", "schema", "")]
#[case("ALTER TABLE observers DROP COLUMN clock_skew_count_24h", "schema", "")]
#[case("ALTER TABLE observers DROP COLUMN clock_last_naive_at", "schema", "")]
#[case("ALTER TABLE observers DROP COLUMN can_relay", "schema", "")]
#[case("ALTER TABLE observers DROP COLUMN can_relay_seen", "schema", "")]
#[case("ALTER TABLE nodes DROP COLUMN default_scope", "schema", "")]
#[case("ALTER TABLE nodes DROP COLUMN multibyte_sup", "schema", "")]
#[case("ALTER TABLE inactive_nodes DROP COLUMN multibyte_evidence", "schema", "")]
#[case("ALTER TABLE nodes DROP COLUMN battery_mv", "schema", "")]
#[case("DROP INDEX idx_nodes_foreign_advert; ALTER TABLE nodes DROP COLUMN foreign_advert", "schema", "")]
#[case("DROP INDEX idx_tx_scope_name; ALTER TABLE transmissions DROP COLUMN scope_name", "schema", "")]
#[case("DROP INDEX idx_observations_tx_ts; DROP INDEX idx_transmissions_first_seen", "schema", "")]
#[case(
    "DROP INDEX idx_transmissions_from_pubkey; ALTER TABLE transmissions DROP COLUMN from_pubkey",
    "schema from_pubkey",
    ""
)]
#[case(
    "DROP INDEX idx_tx_channel_hash; ALTER TABLE transmissions DROP COLUMN channel_hash;
     DELETE FROM _migrations WHERE name LIKE 'channel_hash%'",
    "schema channel_hash_v1 channel_hash_casing_v1",
    ""
)]
#[case(
    "DROP INDEX idx_tx_last_seen_zero; ALTER TABLE transmissions DROP COLUMN last_seen;
     DELETE FROM _async_migrations WHERE name = 'tx_last_seen_backfill_v1'",
    "schema tx_last_seen_backfill_v1",
    ""
)]
#[case(
    "ALTER TABLE observers DROP COLUMN last_packet_at; DELETE FROM _migrations WHERE name = 'observers_last_packet_at_v1'",
    "schema observers_last_packet_at_v1",
    ""
)]
#[case("DROP VIEW packets_v", "packets_v", "")]
#[case("DROP VIEW packets_v; CREATE VIEW packets_v AS SELECT 1", "packets_v", "")]
// indexes
#[case("CREATE INDEX idx_tx_last_seen ON transmissions(last_seen)", "replaced_indexes", "")]
#[case("CREATE INDEX idx_client_recept_rxpk ON client_receptions(rx_pubkey)", "replaced_indexes", "")]
#[case(
    "DROP INDEX idx_observations_observer_idx_timestamp;
     DELETE FROM _migrations WHERE name = 'obs_observer_ts_idx_v1'; DELETE FROM _async_migrations
      WHERE name = 'obs_observer_ts_idx_v1'",
    "obs_observer_ts_idx_v1",
    ""
)]
#[case(
    "DROP INDEX idx_observations_dedup;
     INSERT INTO observations (transmission_id, observer_idx, direction, snr, path_json, timestamp, raw_hex)
     SELECT transmission_id, observer_idx, direction, snr, path_json, timestamp + 9, raw_hex FROM observations",
    "idx_observations_dedup",
    ""
)]
// rows
#[case("UPDATE nodes SET public_key = upper(public_key)", "lower_case_keys", "")]
#[case(
    "INSERT INTO nodes (public_key, lat) VALUES ('abcdef0123456789', 1), ('zz' || hex(zeroblob(31)), 1),
                                               (lower(hex(zeroblob(32))), 91);
     INSERT INTO inactive_nodes (public_key) VALUES ('ab'); DELETE FROM _migrations
      WHERE name = 'cleanup_corrupt_nodes_v1'",
    "cleanup_corrupt_nodes_v1",
    ""
)]
#[case(
    "INSERT INTO neighbor_edges (node_a, node_b) VALUES ('', 'aa'), ('aa', '');
     DELETE FROM _migrations WHERE name = 'neighbor_edges_blank_v1'",
    "neighbor_edges_blank_v1",
    ""
)]
#[case(
    "INSERT INTO transmissions (id, raw_hex, hash, first_seen, last_seen) VALUES (900, '', '', '2026', 1), (901, '', 'x', '', 1);
     INSERT INTO observations (transmission_id, timestamp) VALUES (900, 1), (901, 1);
     DELETE FROM _migrations WHERE name = 'cleanup_legacy_null_hash_ts'",
    "cleanup_legacy_null_hash_ts",
    ""
)]
#[case(
    "UPDATE transmissions SET channel_hash = 'public' WHERE channel_hash = 'Public';
     DELETE FROM _migrations WHERE name = 'channel_hash_casing_v1'",
    "channel_hash_casing_v1",
    ""
)]
#[case(
    "UPDATE nodes SET advert_count = 1; DELETE FROM _migrations WHERE name = 'advert_count_unique_v1'",
    "advert_count_unique_v1",
    "nodes"
)]
#[case(
    "UPDATE observations SET path_json = IIF(id % 2, NULL, '');
     DELETE FROM _migrations WHERE name = 'backfill_path_json_from_raw_hex_v1'",
    "backfill_path_json_from_raw_hex_v1",
    ""
)]
#[case(
    "UPDATE transmissions SET hash = 'wrong ' || id; DELETE FROM hash_aliases;
     DELETE FROM _migrations WHERE name = 'content_hash_v2'",
    "content_hash_v2",
    "hash_aliases"
)]
#[case(
    "UPDATE observers SET noise_floor = -110 WHERE noise_floor IS NOT NULL; DELETE FROM _migrations WHERE name = 'noise_floor_real_v1'",
    "noise_floor_real_v1",
    ""
)]
#[case("DELETE FROM _migrations WHERE name = 'backfill_default_scope_v1'", "backfill_default_scope_v1", "")]
// names only
#[case("DELETE FROM _migrations WHERE name = 'node_telemetry_v1'", "node_telemetry_v1", "")]
#[case("DELETE FROM _migrations WHERE name = 'scope_name_v1'", "scope_name_v1", "")]
fn a_step_that_is_missing_is_done_alone(#[case] undo: &str, #[case] steps: &str, #[case] differs: &str) {
    let file = complete();
    let before = contents(&file);
    file.execute(undo);
    assert_ne!(contents(&file), before, "the step is undone");
    let applied: Vec<&str> = upgrade(&file.path).applied.iter().map(|step| step.name).collect();
    assert_eq!(applied.join(" "), steps);
    let after = contents(&file);
    let same = |line: &&String| differs.is_empty() || !line.starts_with(differs);
    let other: Vec<_> =
        after.iter().filter(same).zip(before.iter().filter(same)).filter(|(a, b)| a != b).collect();
    assert!(other.is_empty(), "{other:#?}");
    assert_nothing_is_left(&file);
}

#[test]
fn a_node_in_both_cases_becomes_one_with_what_either_knows() {
    let file = complete();
    file.execute(&format!(
        "INSERT INTO nodes (public_key, name, role, lat, first_seen, last_seen, advert_count, multibyte_sup) VALUES
             ('{lower}', 'Old name', 'repeater', 1.5, '2026-01-02T00:00:00Z', '2026-02-01T00:00:00Z', 3, 2),
             ('{upper}', 'New name', NULL, NULL, '2026-01-03T00:00:00Z', '2026-03-01T00:00:00Z', 4, 1)",
        lower = "bc".repeat(32),
        upper = "BC".repeat(32),
    ));
    upgrade(&file.path);
    assert_eq!(
        file.one::<String>(&format!(
            "SELECT concat_ws(' ', name, role, lat, first_seen, last_seen, advert_count, multibyte_sup)
               FROM nodes WHERE lower(public_key) = '{}'",
            "bc".repeat(32)
        )),
        "New name repeater 1.5 2026-01-02T00:00:00Z 2026-03-01T00:00:00Z 7 2"
    );
}

#[test]
fn a_merged_observation_keeps_its_id_and_gains_what_it_lacked() {
    let file = complete();
    file.execute(
        "DROP INDEX idx_observations_dedup;
         DELETE FROM observations WHERE transmission_id = 1;
         INSERT INTO observations (id, transmission_id, observer_idx, direction, snr, rssi, path_json, timestamp) VALUES
             (501, 1, 2, 'tx', NULL, -90, NULL, 100), (502, 1, 2, 'rx', 7.5, -80, '', 101),
             (503, 1, 2, 'tx', NULL, NULL, NULL, 99), (504, 1, NULL, 'rx', 1, 1, '[]', 5), (505, 1, NULL, 'rx', 1, 1, '[]', 6),
             (506, 1, 2, 'rx', NULL, NULL, '[]', 5)",
    );
    upgrade(&file.path);
    assert_eq!(
        file.one::<String>(
            "SELECT group_concat(concat_ws(' ', id, direction, snr, rssi, timestamp), ', ' ORDER BY id)
               FROM observations WHERE transmission_id = 1"
        ),
        "501 rx 7.5 -90.0 100, 504 rx 1.0 1.0 5, 506 rx 5",
    );
}

/// Rows whose right hash another row holds by an old formula: nobody is merged with a stranger.
#[test]
fn hashes_that_changed_hands_find_their_packets() {
    let file = complete();
    let right: Vec<String> = (1..=3)
        .map(|n| file.one(&format!("SELECT hash FROM transmissions ORDER BY id LIMIT 1 OFFSET {n}")))
        .collect();
    let id =
        |n: usize| file.one::<i64>(&format!("SELECT id FROM transmissions ORDER BY id LIMIT 1 OFFSET {n}"));
    let ids = [id(1), id(2), id(3)];
    let rows = (file.count("transmissions"), file.count("observations"));
    // The first holds the hash of the second, that one of the third, that one of the first.
    file.execute(&format!(
        "UPDATE transmissions SET hash = 'a' || id WHERE id IN ({0}, {1}, {2});
         UPDATE transmissions SET hash = '{4}' WHERE id = {0};
         UPDATE transmissions SET hash = '{5}' WHERE id = {1};
         UPDATE transmissions SET hash = '{3}' WHERE id = {2};
         DELETE FROM hash_aliases; DELETE FROM _migrations WHERE name = 'content_hash_v2'",
        ids[0], ids[1], ids[2], right[0], right[1], right[2]
    ));
    upgrade(&file.path);
    for (id, hash) in ids.iter().zip(&right) {
        assert_eq!(file.one::<String>(&format!("SELECT hash FROM transmissions WHERE id = {id}")), *hash);
    }
    assert_eq!((file.count("transmissions"), file.count("observations")), rows);
    assert_eq!(file.count("hash_aliases"), 0, "each old hash is another packet's");
}

#[test]
fn a_packet_that_is_there_twice_becomes_one_with_all_its_observations() {
    let file = complete();
    let rows = (file.count("transmissions"), file.count("observations"));
    file.execute(
        "INSERT INTO transmissions (id, raw_hex, hash, first_seen, payload_type, last_seen)
         SELECT 900, raw_hex, 'old formula', '2020-01-01T00:00:00Z', payload_type, 1900000000 FROM transmissions WHERE id = 1;
         INSERT INTO observations (transmission_id, observer_idx, path_json, timestamp, rssi)
         SELECT 900, observer_idx, path_json, timestamp, -77 FROM observations WHERE transmission_id = 1;
         INSERT INTO observations (transmission_id, observer_idx, path_json, timestamp) VALUES (900, 3, '[\"FF\"]', 7);
         DELETE FROM _migrations WHERE name = 'content_hash_v2'",
    );
    upgrade(&file.path);
    assert_eq!((file.count("transmissions"), file.count("observations")), (rows.0, rows.1 + 1));
    assert_eq!(
        file.one::<String>("SELECT first_seen || ' ' || last_seen FROM transmissions WHERE id = 1"),
        "2020-01-01T00:00:00Z 1900000000"
    );
    assert_eq!(file.one::<f64>("SELECT MIN(rssi) FROM observations WHERE transmission_id = 1"), -77.0);
    assert_eq!(
        file.one::<String>("SELECT hash FROM hash_aliases WHERE old_hash = 'old formula'"),
        file.one::<String>("SELECT hash FROM transmissions WHERE id = 1")
    );
}

#[test]
fn counts_of_adverts_are_never_lowered() {
    let file = complete();
    file.execute(
        "UPDATE nodes SET advert_count = 4000; DELETE FROM _migrations WHERE name = 'advert_count_unique_v1'",
    );
    upgrade(&file.path);
    assert_eq!(file.one::<i64>("SELECT advert_count FROM nodes"), 4000);
}

#[test]
fn a_node_gets_the_region_of_its_newest_advert_that_has_one() {
    let file = complete();
    file.execute(
        "UPDATE transmissions SET scope_name = IIF(id % 2, '#east', '#west') WHERE payload_type = 4;
         UPDATE transmissions SET scope_name = '' WHERE id = (SELECT MAX(id) FROM transmissions WHERE payload_type = 4);
         DELETE FROM _migrations WHERE name = 'backfill_default_scope_v1'",
    );
    let newest: String = file.one(
        "SELECT scope_name FROM transmissions WHERE payload_type = 4 AND scope_name > '' ORDER BY first_seen DESC LIMIT 1",
    );
    upgrade(&file.path);
    assert_eq!(file.one::<String>("SELECT default_scope FROM nodes"), newest);
}
