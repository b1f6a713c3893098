//! All packets of one type, oldest first, without holding them all.

use rusqlite::Connection;

use super::StoreError;
use super::query::{self, PACKET_COLUMNS, PacketRow};

/// Packets per page.
const PAGE: u16 = 200;

/// Goes over all packets of one type, the one heard first before the others. Each page is of one moment; what is stored
/// meanwhile comes too, if its place is still ahead.
#[derive(Debug)]
pub struct PacketWalk<'a> {
    connection: &'a Connection,
    payload_type: u8,
    /// Where the last page ended: as it is stored, so that the index is followed.
    after: (String, i64),
}

impl<'a> PacketWalk<'a> {
    pub(super) fn new(connection: &'a Connection, payload_type: u8) -> Self {
        Self { connection, payload_type, after: (String::new(), i64::MAX) }
    }

    /// The next packets with their observations; empty at the end.
    ///
    /// # Errors
    /// [`StoreError::Sql`].
    pub fn next_page(&mut self) -> Result<Vec<PacketRow>, StoreError> {
        let moment = self.connection.unchecked_transaction()?;
        let mut statement = moment.prepare_cached(&format!(
            "SELECT {PACKET_COLUMNS}, t.first_seen AS place FROM transmissions t
              WHERE (t.first_seen, t.id) > (?1, ?2) AND t.payload_type = ?3 AND t.hash <> ''
              ORDER BY t.first_seen, t.id LIMIT ?4"
        ))?;
        let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>("place")?, query::read_packet(row)?));
        let found: Vec<(String, PacketRow)> = statement
            .query_map((&self.after.0, self.after.1, self.payload_type, PAGE), read)?
            .collect::<Result<_, _>>()?;
        if let Some((place, last)) = found.last() {
            self.after = (place.clone(), last.id);
        }
        let mut packets: Vec<PacketRow> = found.into_iter().map(|(_, packet)| packet).collect();
        query::load_observations(&moment, &mut packets)?;
        Ok(packets)
    }
}
