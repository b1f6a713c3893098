//! The packets first heard in one hour, with all their observations.
//!
//! A block is live while it changes, and sealed when nothing came for a while. Both answer the same questions.

mod buffer;
mod folding;
mod frames;
mod hops;
mod live;
mod observations;
mod paths;
mod postings;
mod sealed;
mod section;
mod signal;
mod times;

use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::sync::Arc;

use meshcore_proto::PacketHash;

use super::digest::Hop;
use super::names::{NodeNo, ObserverNo, TextNo};
use super::partial::Partials;
use super::row::{Kind, Observation};
use super::row_set::RowSet;
use crate::UnixMillis;

pub(crate) use buffer::Buffer;
pub(crate) use frames::Frames;
pub(crate) use live::{Live, LiveRow};
pub(crate) use sealed::{BestSignal, Column, Sealed, Summary};

/// The packets first heard in one hour.
#[derive(Clone, Debug)]
pub(crate) enum Block {
    /// It changes.
    Live(Arc<Live>),
    /// It does not.
    Sealed(Arc<Sealed>),
}

/// What the best observation lends its packet.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Best {
    /// Who heard it.
    pub observer: Option<ObserverNo>,
    /// dB.
    pub snr: Option<f64>,
    /// dBm.
    pub rssi: Option<f64>,
    /// Length of the path.
    pub hops: usize,
}

/// Asks either kind of block; a row that is not there has no value.
macro_rules! ask {
    ($self:ident, $row:ident, $live:ident => $of_live:expr, $name:ident) => {
        match $self {
            Self::Live(block) => block.row($row).map(|$live| $of_live).unwrap_or_default(),
            Self::Sealed(block) => block.$name($row),
        }
    };
}

impl Block {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Live(block) => block.rows().len(),
            Self::Sealed(block) => block.len(),
        }
    }

    pub(crate) fn summary(&self) -> Cow<'_, Summary> {
        match self {
            Self::Live(block) => Cow::Owned(block.summary()),
            Self::Sealed(block) => Cow::Borrowed(block.summary()),
        }
    }

    pub(crate) fn partials(&self) -> Cow<'_, Partials> {
        match self {
            Self::Live(block) => Cow::Borrowed(block.partials()),
            Self::Sealed(block) => Cow::Owned(block.partials()),
        }
    }

    /// Bytes in memory.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Live(block) => block.size(),
            Self::Sealed(block) => block.size(),
        }
    }

    pub(crate) fn row_of(&self, id: i64) -> Option<usize> {
        match self {
            Self::Live(block) => block.row_of(id),
            Self::Sealed(block) => block.row_of(id),
        }
    }

    pub(crate) fn id(&self, row: usize) -> i64 {
        ask!(self, row, live => live.packet.id, id)
    }

    pub(crate) fn hash(&self, row: usize) -> PacketHash {
        match self {
            Self::Live(block) => block.row(row).map_or(PacketHash::from_bytes([0; 8]), |row| row.packet.hash),
            Self::Sealed(block) => block.hash(row),
        }
    }

    pub(crate) fn first_seen(&self, row: usize) -> UnixMillis {
        ask!(self, row, live => live.packet.first_seen, first_seen)
    }

    pub(crate) fn last_seen(&self, row: usize) -> UnixMillis {
        ask!(self, row, live => live.digest.last_seen, last_seen)
    }

    pub(crate) fn kind(&self, row: usize) -> Kind {
        ask!(self, row, live => live.packet.kind, kind)
    }

    pub(crate) fn originator(&self, row: usize) -> Option<NodeNo> {
        ask!(self, row, live => live.packet.originator, originator)
    }

    pub(crate) fn channel(&self, row: usize) -> Option<TextNo> {
        ask!(self, row, live => live.packet.channel, channel)
    }

    pub(crate) fn scope(&self, row: usize) -> Option<TextNo> {
        ask!(self, row, live => live.packet.scope, scope)
    }

    pub(crate) fn frame_len(&self, row: usize) -> u16 {
        ask!(self, row, live => live.packet.frame_len, frame_len)
    }

    pub(crate) fn payload_len(&self, row: usize) -> u16 {
        ask!(self, row, live => live.packet.payload_len, payload_len)
    }

    pub(crate) fn frame(&self, row: usize) -> Option<&[u8]> {
        match self {
            Self::Live(block) => block.row(row)?.packet.frame.as_deref(),
            Self::Sealed(block) => block.frame(row),
        }
    }

    pub(crate) fn has_own_json(&self, row: usize) -> bool {
        ask!(self, row, live => live.packet.has_own_json, has_own_json)
    }

    pub(crate) fn observer_count(&self, row: usize) -> usize {
        ask!(self, row, live => live.digest.observer_count, observer_count)
    }

    pub(crate) fn observation_count(&self, row: usize) -> usize {
        ask!(self, row, live => live.packet.observations.len(), observation_count)
    }

    pub(crate) fn best(&self, row: usize) -> Option<Best> {
        ask!(self, row, live => live.best(), best)
    }

    /// The observations of a packet, ascending by id.
    pub(crate) fn observations(&self, row: usize) -> Vec<Observation> {
        ask!(self, row, live => live.packet.observations.clone(), observations)
    }

    /// All `(last_seen, id)`, by row.
    pub(crate) fn latest(&self) -> Vec<(UnixMillis, i64)> {
        match self {
            Self::Live(block) => {
                block.rows().iter().map(|row| (row.digest.last_seen, row.packet.id)).collect()
            }
            Self::Sealed(block) => block.latest().collect(),
        }
    }

    /// Calls `each` with (row, observer, time) of every observation.
    pub(crate) fn each_reception(&self, mut each: impl FnMut(usize, Option<ObserverNo>, UnixMillis)) {
        match self {
            Self::Live(block) => {
                for (row, live) in block.rows().iter().enumerate() {
                    live.packet.observations.iter().for_each(|o| each(row, o.observer, o.at));
                }
            }
            Self::Sealed(block) => block.each_reception(each),
        }
    }

    /// Rows whose column holds a number in `range`.
    pub(crate) fn select(&self, column: Column, range: RangeInclusive<i64>) -> RowSet {
        match self {
            Self::Live(block) => block.select(column, range),
            Self::Sealed(block) => block.select(column, range),
        }
    }

    /// Rows whose best observation has a value in `range`.
    pub(crate) fn select_best(&self, signal: BestSignal, range: RangeInclusive<f64>) -> RowSet {
        match self {
            Self::Live(block) => block.select_best(signal, range),
            Self::Sealed(block) => block.select_best(signal, range),
        }
    }

    /// Rows that an observer reported.
    pub(crate) fn heard_by(&self, observer: ObserverNo) -> RowSet {
        match self {
            Self::Live(block) => block.heard_by(observer),
            Self::Sealed(block) => block.heard_by(observer),
        }
    }

    /// Whether a node may have sent something or passed it on; quicker than to ask for the rows.
    pub(crate) fn may_know(&self, node: NodeNo) -> bool {
        match self {
            Self::Live(_) => true,
            Self::Sealed(block) => block.knows(node),
        }
    }

    /// Rows that a node sent or passed on.
    pub(crate) fn touched_by(&self, node: NodeNo) -> RowSet {
        match self {
            Self::Live(block) => block.touched_by(node),
            Self::Sealed(block) => block.touched_by(node),
        }
    }

    /// Rows that a node passed on of which is known only that its key begins like this.
    pub(crate) fn passed_by_stranger(&self, prefix: Hop) -> RowSet {
        match self {
            Self::Live(block) => block.passed_by_stranger(prefix),
            Self::Sealed(block) => block.passed_by_stranger(prefix),
        }
    }
}

#[cfg(test)]
mod tests;
