//! Packed observations are the same observations: for readers, for the writer, and when they are unpacked.

use std::path::PathBuf;

use meshcore_store::UnixMillis;
use meshcore_store::db::{
    Job, NodeFilter, PacketFilter, PacketId, PacketPage, Reader, Write, Writer, WriterOptions, pack, unpack,
};
use meshcore_store::sim::{Mesh, MeshOptions, Scribe, TrafficOptions};
use rusqlite::Connection;
use tempfile::TempDir;

const START: UnixMillis = UnixMillis::from_seconds(1_777_593_600); // 2026-05-01T00:00:00Z
const FAR_FUTURE: UnixMillis = UnixMillis::from_seconds(4_000_000_000);

/// A file with 3,000 messages of a small mesh, some of them in shapes that only old files hold.
struct Filled {
    _folder: TempDir,
    path: PathBuf,
    writes: Vec<Write>,
}

impl Filled {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mesh.db");
        let mesh = Mesh::new(&MeshOptions::small());
        let mut scribe = Scribe::new(&mesh);
        let stream = mesh.stream(START, TrafficOptions::rate(5));
        let writes: Vec<Write> = stream.filter_map(|event| scribe.write(event)).take(3_000).collect();
        let filled = Self { _folder: folder, path, writes };
        let writer = filled.writer();
        filled.submit(&writer, filled.writes.len());
        drop(writer);
        filled.execute(
            r#"UPDATE observations SET path_json = NULL, observer_idx = NULL WHERE id = 3;
               UPDATE observations SET path_json = '["A1", "B2"]' WHERE id = 4; -- not as we write it
               UPDATE observations SET resolved_path = '["ab",null]', score = 0.5 WHERE id = 5;
               UPDATE observations SET raw_hex = '1500', direction = NULL, snr = -7.25 WHERE id = 6;
               INSERT INTO _state (key, value) VALUES ('neighbor_edges_obs_id', '1000000000')
                   ON CONFLICT (key) DO UPDATE SET value = excluded.value;"#,
        );
        filled
    }

    fn writer(&self) -> Writer {
        Writer::open(&self.path, WriterOptions::default(), |_| {}).unwrap()
    }

    fn submit(&self, writer: &Writer, count: usize) {
        for write in &self.writes[..count] {
            writer.submit(Job { ticket: 0, write: write.clone() }).unwrap();
        }
        writer.flush().unwrap();
    }

    fn execute(&self, sql: &str) {
        Connection::open(&self.path).unwrap().execute_batch(sql).unwrap();
    }

    fn count(&self, table: &str) -> i64 {
        let sql = format!("SELECT COUNT(*) FROM {table}");
        Connection::open(&self.path).unwrap().query_row(&sql, [], |row| row.get(0)).unwrap()
    }

    /// Each row of `observations` as text with types, so that 7 and 7.0 differ.
    fn rows(&self) -> Vec<String> {
        let connection = Connection::open(&self.path).unwrap();
        let mut statement = connection.prepare("SELECT * FROM observations ORDER BY id").unwrap();
        let columns = statement.column_count();
        let read = |row: &rusqlite::Row<'_>| {
            Ok((0..columns).map(|column| format!("{:?} ", row.get_ref(column).unwrap())).collect())
        };
        statement.query_map([], read).unwrap().map(Result::unwrap).collect()
    }

    /// What readers get to see.
    fn answers(&self) -> (Vec<PacketPage>, String) {
        let reader = Reader::open(&self.path).unwrap();
        let all = PacketFilter { limit: 10_000, ..PacketFilter::default() };
        let observer = reader.observers(START).unwrap()[0].id.to_lowercase();
        let filters = [
            all.clone(),
            PacketFilter { observers: vec![observer], ..all.clone() },
            PacketFilter { regions: vec!["ZRH".into()], ..all.clone() },
            PacketFilter { regions: vec!["XXX".into()], ..all },
        ];
        let pages: Vec<PacketPage> = filters.iter().map(|filter| reader.packets(filter).unwrap()).collect();
        assert!(!pages[0].packets.is_empty() && pages[3].packets.is_empty());
        let packet = &pages[0].packets[7];
        let by_hash = reader.packet(PacketId::Hash(packet.hash.parse().unwrap())).unwrap();
        let by_observation = reader.packet(PacketId::Observation(packet.observations[0].id)).unwrap();
        assert_eq!(by_hash.as_ref(), Some(packet));
        assert_eq!(by_observation.as_ref(), Some(packet));
        let nodes = NodeFilter { regions: vec!["ZRH".into()], limit: 100, ..NodeFilter::default() };
        let nodes = reader.nodes(&nodes).unwrap();
        assert!(nodes.total > 0);
        (pages, format!("{nodes:?} {}", reader.totals(START).unwrap().observations))
    }
}

#[test]
fn readers_see_no_difference_and_unpacking_gives_the_same_rows() {
    let filled = Filled::new();
    let (rows, answers) = (filled.rows(), filled.answers());
    let writer = filled.writer();
    let packed = pack(&writer.handle(), FAR_FUTURE, &|| false).unwrap();
    assert_eq!(packed, rows.len() as u64);
    assert_eq!(
        (filled.count("observations"), filled.count("packed_observations")),
        (0, filled.count("transmissions"))
    );
    assert!(filled.answers() == answers);
    assert_eq!(pack(&writer.handle(), FAR_FUTURE, &|| false).unwrap(), 0, "all is packed");
    let unpacked = unpack(&writer.handle(), &|| false).unwrap();
    assert_eq!(unpacked, packed);
    assert_eq!(filled.count("packed_observations"), 0);
    assert_eq!(filled.rows(), rows);
    assert!(filled.answers() == answers);
}

#[test]
fn a_packed_packet_that_is_heard_again_is_the_same_packet() {
    let filled = Filled::new();
    let before = filled.rows().len();
    let writer = filled.writer();
    pack(&writer.handle(), FAR_FUTURE, &|| false).unwrap();
    filled.submit(&writer, 50);
    drop(writer);
    assert!(filled.count("packed_observations") > 0 && filled.count("observations") > 0);
    let writer = filled.writer();
    unpack(&writer.handle(), &|| false).unwrap();
    // rows 3 and 4 were given other paths above, so what was heard there is new
    let news = filled.rows().len() - before;
    assert!(news <= 2, "{news} observations are there twice");
}

#[test]
fn what_is_young_or_not_yet_seen_by_the_graph_stays() {
    let filled = Filled::new();
    let writer = filled.writer();
    assert_eq!(pack(&writer.handle(), START, &|| false).unwrap(), 0, "nothing is that old");
    filled.execute("UPDATE _state SET value = '100' WHERE key = 'neighbor_edges_obs_id'");
    let unseen = filled.count("observations WHERE id > 100");
    assert!(pack(&writer.handle(), FAR_FUTURE, &|| false).unwrap() > 0);
    assert_eq!(filled.count("observations WHERE id > 100"), unseen);
    assert_eq!(pack(&writer.handle(), FAR_FUTURE, &|| true).unwrap(), 0, "told to stop");
}

#[test]
fn what_another_program_adds_to_a_packed_packet_is_packed_with_the_rest() {
    let filled = Filled::new();
    let of_packet = "observations WHERE transmission_id = 9";
    let (all, before) = (filled.count("observations"), filled.count(of_packet));
    let writer = filled.writer();
    filled.execute(&format!("CREATE TABLE kept AS SELECT * FROM {of_packet}"));
    pack(&writer.handle(), FAR_FUTURE, &|| false).unwrap();
    drop(writer);
    // one it had already, by another id, and one that is new
    filled.execute(
        r#"INSERT INTO observations (transmission_id, observer_idx, path_json, timestamp)
               SELECT transmission_id, observer_idx, path_json, 1 FROM kept WHERE observer_idx > 0 LIMIT 1;
           INSERT INTO observations (transmission_id, observer_idx, path_json, timestamp) VALUES (9, 1, '["FFFF"]', 1);
           UPDATE transmissions SET last_seen = 2 WHERE id = 9;"#,
    );
    let writer = filled.writer();
    assert_eq!(pack(&writer.handle(), FAR_FUTURE, &|| false).unwrap(), before.unsigned_abs() + 1);
    unpack(&writer.handle(), &|| false).unwrap();
    assert_eq!(filled.count("observations"), all + 1);
}
