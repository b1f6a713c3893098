//! A new file has exactly the tables, columns and indexes that the specification lists.

use meshcore_store::db::INDEXES_LEFT_OUT;

use super::{assert_nothing_is_left, new_file};

/// Table and columns in their order: name, type, default, `!` for NOT NULL, `#` and a number for the primary key.
const TABLES: &[(&str, &[&str])] = &[
    (
        "transmissions",
        &[
            "id INTEGER #1",
            "raw_hex TEXT !",
            "hash TEXT !",
            "first_seen TEXT !",
            "route_type INTEGER",
            "payload_type INTEGER",
            "payload_version INTEGER",
            "decoded_json TEXT",
            "from_pubkey TEXT",
            "last_seen INTEGER ! =0",
            "created_at TEXT =datetime('now')",
            "channel_hash TEXT =NULL",
            "scope_name TEXT =NULL",
        ],
    ),
    (
        "observations",
        &[
            "id INTEGER #1",
            "transmission_id INTEGER !",
            "observer_idx INTEGER",
            "direction TEXT",
            "snr REAL",
            "rssi REAL",
            "score INTEGER",
            "path_json TEXT",
            "timestamp INTEGER !",
            "resolved_path TEXT",
            "raw_hex TEXT",
        ],
    ),
    ("nodes", NODES),
    ("inactive_nodes", NODES),
    (
        "observers",
        &[
            "id TEXT #1",
            "name TEXT",
            "iata TEXT",
            "last_seen TEXT",
            "first_seen TEXT",
            "packet_count INTEGER =0",
            "model TEXT",
            "firmware TEXT",
            "client_version TEXT",
            "radio TEXT",
            "battery_mv INTEGER",
            "uptime_secs INTEGER",
            "noise_floor REAL",
            "inactive INTEGER =0",
            "last_packet_at TEXT =NULL",
            "clock_skew_seconds INTEGER =NULL",
            "clock_skew_count_24h INTEGER =0",
            "clock_last_naive_at TEXT =NULL",
            "can_relay INTEGER =1",
            "can_relay_seen INTEGER =0",
        ],
    ),
    (
        "observer_metrics",
        &[
            "observer_id TEXT ! #1",
            "timestamp TEXT ! #2",
            "noise_floor REAL",
            "tx_air_secs INTEGER",
            "rx_air_secs INTEGER",
            "recv_errors INTEGER",
            "battery_mv INTEGER",
            "packets_sent INTEGER",
            "packets_recv INTEGER",
        ],
    ),
    ("neighbor_edges", &["node_a TEXT ! #1", "node_b TEXT ! #2", "count INTEGER =1", "last_seen TEXT"]),
    (
        "dropped_packets",
        &[
            "id INTEGER #1",
            "hash TEXT",
            "raw_hex TEXT",
            "reason TEXT !",
            "observer_id TEXT",
            "observer_name TEXT",
            "node_pubkey TEXT",
            "node_name TEXT",
            "dropped_at DATETIME =CURRENT_TIMESTAMP",
        ],
    ),
    (
        "client_receptions",
        &[
            "id INTEGER #1",
            "rx_pubkey TEXT !",
            "heard_key TEXT !",
            "heard_keylen INTEGER !",
            "rssi INTEGER",
            "snr REAL",
            "lat REAL !",
            "lon REAL !",
            "pos_acc_m REAL",
            "rx_at TEXT !",
            "ingested_at TEXT !",
            "src TEXT !",
        ],
    ),
    ("client_observers", &["pubkey TEXT #1", "name TEXT", "last_seen TEXT"]),
    ("_migrations", &["name TEXT #1"]),
    (
        "_async_migrations",
        &[
            "name TEXT #1",
            "status TEXT !",
            "started_at TEXT ! =datetime('now')",
            "ended_at TEXT",
            "error TEXT",
        ],
    ),
    ("_state", &["key TEXT ! #1", "value TEXT"]),
    (
        "neighbor_edge_hours",
        &[
            "node_a TEXT ! #1",
            "node_b TEXT ! #2",
            "hour INTEGER ! #3",
            "count INTEGER !",
            "snr_sum REAL",
            "snr_n INTEGER !",
            "modes TEXT",
            "observers TEXT",
            "prefix TEXT",
            "first_seen INTEGER !",
            "last_seen INTEGER !",
        ],
    ),
    ("hash_aliases", &["old_hash TEXT ! #1", "hash TEXT !"]),
];

const NODES: &[&str] = &[
    "public_key TEXT #1",
    "name TEXT",
    "role TEXT",
    "lat REAL",
    "lon REAL",
    "last_seen TEXT",
    "first_seen TEXT",
    "advert_count INTEGER =0",
    "battery_mv INTEGER",
    "temperature_c REAL",
    "foreign_advert INTEGER =0",
    "default_scope TEXT =NULL",
    "multibyte_sup INTEGER ! =0",
    "multibyte_evidence TEXT",
];

const INDEXES: &[&str] = &[
    "idx_client_recept_heard_geo client_receptions(heard_key, heard_keylen, lat, lon)",
    "idx_client_recept_latlon client_receptions(lat, lon)",
    "idx_client_recept_rxat client_receptions(rx_at)",
    "idx_dropped_node dropped_packets(node_pubkey)",
    "idx_dropped_observer dropped_packets(observer_id)",
    "idx_inactive_nodes_last_seen inactive_nodes(last_seen)",
    "idx_nodes_foreign_advert nodes(foreign_advert) partial",
    "idx_nodes_last_seen nodes(last_seen)",
    "idx_observations_dedup observations(transmission_id, observer_idx, ?) unique",
    "idx_observations_observer_idx_timestamp observations(observer_idx, timestamp)",
    "idx_observations_timestamp observations(timestamp)",
    "idx_observations_tx_ts observations(transmission_id, timestamp)",
    "idx_observer_metrics_timestamp observer_metrics(timestamp)",
    "idx_observers_last_seen observers(last_seen)",
    "idx_transmissions_first_seen transmissions(first_seen)",
    "idx_transmissions_from_pubkey transmissions(from_pubkey)",
    "idx_transmissions_payload_type transmissions(payload_type)",
    "idx_tx_channel_hash transmissions(channel_hash) partial",
    "idx_tx_last_seen_zero transmissions(id) partial",
    "idx_tx_scope_name transmissions(scope_name) partial",
];

#[test]
fn a_new_file_has_the_columns_of_the_specification_in_their_order() {
    let file = new_file();
    let connection = file.open();
    for (table, columns) in TABLES {
        let found: Vec<String> = connection
            .prepare(
                "SELECT name || ' ' || type || IIF(\"notnull\", ' !', '') || IIF(dflt_value IS NULL, '', ' =' || dflt_value)
                        || IIF(pk, ' #' || pk, '') FROM pragma_table_info(?1) ORDER BY cid",
            )
            .unwrap()
            .query_map([table], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(found, *columns, "{table}");
    }
    let tables: i64 =
        file.one("SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
    assert!(tables >= TABLES.len() as i64);
}

#[test]
fn a_new_file_has_the_indexes_of_the_specification_less_three() {
    let file = new_file();
    let connection = file.open();
    let found: Vec<String> = connection
        .prepare(
            "SELECT l.name || ' ' || m.tbl_name || '(' ||
                    (SELECT group_concat(COALESCE(i.name, '?'), ', ' ORDER BY i.seqno) FROM pragma_index_info(l.name) i) || ')'
                    || IIF(l.\"unique\", ' unique', '') || IIF(l.partial, ' partial', '')
               FROM sqlite_schema m JOIN pragma_index_list(m.tbl_name) l ON l.name = m.name
              WHERE m.type = 'index' AND m.sql IS NOT NULL ORDER BY 1",
        )
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(found, INDEXES);
    assert_eq!(
        INDEXES_LEFT_OUT,
        ["idx_transmissions_hash", "idx_observations_transmission_id", "idx_observations_observer_idx"]
    );
}

#[test]
fn a_new_file_needs_nothing_more() {
    let file = new_file();
    assert_eq!(file.one::<i64>("PRAGMA user_version"), 0);
    assert_eq!(file.one::<i64>("PRAGMA auto_vacuum"), 2);
    assert_eq!(file.one::<i64>("SELECT COUNT(*) FROM _async_migrations WHERE status = 'done'"), 2);
    assert_nothing_is_left(&file);
}

/// The other program looks for these names before it does the same work again.
#[test]
fn a_new_file_says_that_everything_was_done() {
    let file = new_file();
    for name in [
        "advert_count_unique_v1",
        "noise_floor_real_v1",
        "node_telemetry_v1",
        "obs_timestamp_index_v1",
        "observer_metrics_v1",
        "observer_metrics_ts_idx",
        "observers_inactive_v1",
        "observer_metrics_packets_v1",
        "channel_hash_v1",
        "dropped_packets_v1",
        "observers_last_packet_at_v1",
        "observers_clock_naive_v1",
        "cleanup_legacy_null_hash_ts",
        "foreign_advert_v1",
        "from_pubkey_v1",
        "channel_hash_casing_v1",
        "scope_name_v1",
        "nodes_default_scope_v1",
        "observations_raw_hex_v1",
        "obs_observer_ts_idx_v1",
        "backfill_path_json_from_raw_hex_v1",
        "backfill_default_scope_v1",
    ] {
        let noted: i64 = file.one(&format!("SELECT COUNT(*) FROM _migrations WHERE name = '{name}'"));
        assert_eq!(noted, 1, "{name}");
    }
}
