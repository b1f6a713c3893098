//! Nodes that are heard because they pass packets on, which says that they live, though they send no adverts.

use std::collections::HashMap;

use foldhash::quality::RandomState;
use meshcore_proto::{PacketHash, PublicKey};
use rusqlite::Connection;

use super::packets::PacketWrite;
use super::raw_hex;
use crate::{Direction, UnixMillis};

/// A node's "last seen" is moved at most this often by what it passes on.
const DEBOUNCE_MILLIS: i64 = 5 * 60_000;

/// Direct packets whose copies are compared.
const REMEMBERED: usize = 4_096;

const TRACE: u8 = 9;

/// Who was heard passing packets on, and what is still to be written of it. Belongs to the writer.
#[derive(Debug, Default)]
pub(super) struct Relays {
    /// When a node was last noted.
    noted: HashMap<PublicKey, UnixMillis, RandomState>,
    due: Vec<(PublicKey, UnixMillis)>,
    direct: HashMap<PacketHash, Direct, RandomState>,
}

/// Copies of a packet on a fixed route. Each who passes it on takes itself from the front of the path.
#[derive(Debug)]
struct Direct {
    longest: Vec<Option<PublicKey>>,
    shortest: usize,
}

impl Relays {
    /// A new observation came, whose hops are `nodes`.
    pub(super) fn observe(&mut self, packet: &PacketWrite, nodes: &[Option<PublicKey>]) {
        let at = packet.reception.received_at;
        if packet.reception.direction == Some(Direction::Tx) {
            return; // the observer's own sending is no hop heard
        }
        if packet.payload_type == TRACE {
            let completed = raw_hex::path_count(&packet.raw_hex).unwrap_or(0);
            self.heard(nodes.iter().take(completed), at);
        } else if matches!(packet.route_type, 0 | 1) {
            self.heard(nodes.iter(), at);
        } else {
            let passed = self.passed(packet.hash, nodes);
            self.heard(passed.iter(), at);
        }
    }

    /// Those who took themselves from the path of a direct packet, as far as its copies show.
    fn passed(&mut self, packet: PacketHash, nodes: &[Option<PublicKey>]) -> Vec<Option<PublicKey>> {
        if self.direct.len() > REMEMBERED {
            self.direct.clear();
        }
        let direct = self
            .direct
            .entry(packet)
            .or_insert_with(|| Direct { longest: nodes.to_vec(), shortest: nodes.len() });
        if nodes.len() > direct.longest.len() {
            direct.longest = nodes.to_vec();
        }
        direct.shortest = direct.shortest.min(nodes.len());
        direct.longest.iter().take(direct.longest.len() - direct.shortest).copied().collect()
    }

    fn heard<'a>(&mut self, nodes: impl Iterator<Item = &'a Option<PublicKey>>, at: UnixMillis) {
        for node in nodes.flatten() {
            let noted = self.noted.entry(*node).or_insert(UnixMillis::new(i64::MIN));
            if at.get().saturating_sub(noted.get()) >= DEBOUNCE_MILLIS {
                *noted = at;
                self.due.push((*node, at));
            }
        }
    }

    /// Writes what is new; `now` is the newest arrival: no stored "last seen" may lie beyond it.
    pub(super) fn flush(&mut self, connection: &Connection, now: UnixMillis) -> rusqlite::Result<()> {
        for (node, at) in self.due.drain(..) {
            connection
                .prepare_cached(
                    "UPDATE nodes SET last_seen = MAX(MIN(COALESCE(last_seen, ''), ?2), ?3) WHERE public_key = ?1",
                )?
                .execute((node.to_string(), now.to_rfc3339_seconds(), at.to_rfc3339_seconds()))?;
        }
        Ok(())
    }
}
