//! What really happened: for scoring those who have to guess.

use meshcore_proto::{PacketHash, PublicKey};

use crate::{Direction, UnixMillis};

/// The truth of one packet message, always about the frame in its `raw`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truth {
    /// What makes two receptions one packet.
    pub packet: PacketHash,
    /// Who made the packet.
    pub originator: PublicKey,
    /// Who sent this copy: the originator, or whoever forwarded it last.
    pub transmitter: PublicKey,
    /// The nodes meant by the hops of the frame, in their order: those who passed a flood on, those a direct packet
    /// has still to pass, all of a trace's route.
    ///
    /// A direct packet names its hops by hash only, so another node with that hash may have passed it on too.
    pub hops: Vec<PublicKey>,
    /// When the originator began to send.
    pub sent_at: UnixMillis,
    /// When this copy was received, or its sending began.
    pub heard_at: UnixMillis,
    /// Whether the observer heard this copy or sent it.
    pub direction: Direction,
    /// The message is about a frame the observer sent, but `raw` repeats the last one it received, as
    /// meshcoretomqtt does. The truth is about the latter.
    pub is_stale: bool,
}
