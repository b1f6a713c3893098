//! An hour of packets that still changes: rows as they came.

use std::ops::RangeInclusive;
use std::sync::Arc;

use foldhash::quality::RandomState;
use meshcore_proto::PacketHash;

use super::super::digest::{Digest, Hop};
use super::super::names::{NodeNo, ObserverNo};
use super::super::partial::{Partial, Partials, Sign};
use super::super::row::{Observation, Packet};
use super::super::row_set::RowSet;
use super::Best;
use super::sealed::{BestSignal, Column, Sealed, Summary};

/// An hour of packets that still changes. Cloning copies pointers, not packets.
#[derive(Clone, Debug, Default)]
pub(crate) struct Live {
    /// Ascending by id.
    rows: Vec<Arc<LiveRow>>,
    ids: std::collections::HashMap<PacketHash, i64, RandomState>,
    partials: Partials,
}

/// A packet with what follows from it.
#[derive(Clone, Debug)]
pub(crate) struct LiveRow {
    pub(crate) packet: Packet,
    pub(crate) digest: Digest,
}

impl LiveRow {
    /// Normalises `packet`.
    pub(crate) fn new(mut packet: Packet) -> Self {
        packet.normalise();
        let digest = Digest::of(&packet);
        Self { packet, digest }
    }

    pub(crate) fn best(&self) -> Option<Best> {
        let best = self.packet.observations.get(self.digest.best?)?;
        Some(Best { observer: best.observer, snr: best.snr, rssi: best.rssi, hops: best.path.len() })
    }

    /// What of it is a column of a sealed block.
    fn column(&self, column: Column) -> i64 {
        let packet = &self.packet;
        let field = |field: Option<u8>| field.map_or(0, |field| i64::from(field) + 1);
        match column {
            Column::Route => field(packet.kind.route),
            Column::PayloadType => field(packet.kind.payload),
            Column::Channel => packet.channel.map_or(0, |text| i64::from(text.get())),
            Column::Scope => packet.scope.map_or(0, |text| i64::from(text.get())),
            Column::FrameLength => i64::from(packet.frame_len),
            Column::Hops => self.best().map_or(0, |best| best.hops as i64),
        }
    }

    fn size(&self) -> usize {
        let packet = &self.packet;
        let frame = packet.frame.as_ref().map_or(0, |frame| frame.len() + 16);
        let observations = packet.observations.capacity() * size_of::<Observation>();
        let spilled: usize = packet.observations.iter().map(Observation::spilled_bytes).sum();
        let nodes =
            if self.digest.nodes.spilled() { self.digest.nodes.capacity() * size_of::<NodeNo>() } else { 0 };
        size_of::<Self>() + 16 + frame + observations + spilled + nodes
    }
}

impl Live {
    /// A sealed block, opened to be changed.
    pub(crate) fn of(sealed: &Sealed) -> Self {
        let mut live = Self::default();
        for packet in sealed.packets() {
            live.put(packet);
        }
        live
    }

    /// Puts a packet in, in the place of one with its id; gives what was there, and what is there now.
    pub(crate) fn put(&mut self, packet: Packet) -> (Option<Arc<LiveRow>>, Arc<LiveRow>) {
        let row = Arc::new(LiveRow::new(packet));
        self.partials.apply(&row.packet, &row.digest, Sign::Add);
        let before = match self.place(row.packet.id) {
            Ok(place) => {
                let before = std::mem::replace(&mut self.rows[place], Arc::clone(&row));
                self.forget(&before);
                Some(before)
            }
            Err(place) => {
                self.rows.insert(place, Arc::clone(&row));
                None
            }
        };
        self.ids.insert(row.packet.hash, row.packet.id);
        (before, row)
    }

    /// Takes a packet out.
    pub(crate) fn remove(&mut self, id: i64) -> Option<Arc<LiveRow>> {
        let place = self.place(id).ok()?;
        let row = self.rows.remove(place);
        self.forget(&row);
        Some(row)
    }

    fn forget(&mut self, row: &LiveRow) {
        self.partials.apply(&row.packet, &row.digest, Sign::Retract);
        if self.ids.get(&row.packet.hash) == Some(&row.packet.id) {
            self.ids.remove(&row.packet.hash);
        }
    }

    fn place(&self, id: i64) -> Result<usize, usize> {
        self.rows.binary_search_by_key(&id, |row| row.packet.id)
    }

    /// Everything in columns.
    pub(crate) fn seal(&self) -> Sealed {
        let packets: Vec<Packet> = self.rows.iter().map(|row| row.packet.clone()).collect();
        Sealed::of(&packets)
    }

    pub(crate) fn rows(&self) -> &[Arc<LiveRow>] {
        &self.rows
    }

    pub(crate) fn row(&self, row: usize) -> Option<&LiveRow> {
        self.rows.get(row).map(AsRef::as_ref)
    }

    pub(crate) fn row_of(&self, id: i64) -> Option<usize> {
        self.place(id).ok()
    }

    pub(crate) fn row_with(&self, hash: PacketHash) -> Option<usize> {
        self.row_of(*self.ids.get(&hash)?)
    }

    pub(crate) const fn partials(&self) -> &Partials {
        &self.partials
    }

    /// What a sealed block says of itself; walks over all packets.
    pub(crate) fn summary(&self) -> Summary {
        let packets = || self.rows.iter().map(|row| &row.packet);
        Summary::of(packets(), self.rows.iter().map(|row| &row.digest), &self.partials)
    }

    fn rows_where(&self, mut test: impl FnMut(&LiveRow) -> bool) -> RowSet {
        RowSet::of(self.rows.len(), |row| self.rows.get(row).is_some_and(|row| test(row)))
    }

    pub(crate) fn select(&self, column: Column, range: RangeInclusive<i64>) -> RowSet {
        self.rows_where(|row| range.contains(&row.column(column)))
    }

    pub(crate) fn select_best(&self, signal: BestSignal, range: RangeInclusive<f64>) -> RowSet {
        self.rows_where(|row| {
            let value = row.best().and_then(|best| match signal {
                BestSignal::Snr => best.snr,
                BestSignal::Rssi => best.rssi,
            });
            value.is_some_and(|value| range.contains(&value))
        })
    }

    pub(crate) fn heard_by(&self, observer: ObserverNo) -> RowSet {
        self.rows_where(|row| row.digest.observers.binary_search(&observer).is_ok())
    }

    pub(crate) fn touched_by(&self, node: NodeNo) -> RowSet {
        self.rows_where(|row| {
            row.packet.originator == Some(node) || row.digest.nodes.binary_search(&node).is_ok()
        })
    }

    pub(crate) fn passed_by_stranger(&self, prefix: Hop) -> RowSet {
        self.rows_where(|row| row.digest.strangers.iter().any(|hop| hop.begins_with(prefix)))
    }

    /// Bytes in memory.
    pub(crate) fn size(&self) -> usize {
        let rows: usize = self.rows.iter().map(|row| row.size()).sum();
        rows + self.rows.capacity() * 8 + self.ids.capacity() * 18 + self.partials.size()
    }
}
