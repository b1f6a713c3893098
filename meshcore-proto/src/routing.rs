//! How nodes pass packets on: what an analyzer or a simulator needs to know of it.
//!
//! Floods grow a path, direct packets use one up, traces collect a signal
//! strength per hop. Forwarders change the path and nothing else. The functions
//! here say what the next frame's path would be; [`Packet::with_path`] makes it.
//!
//! A repeater that hears a flood drops it unless all of this holds: it has not
//! sent this [`PacketHash`](crate::PacketHash) before; the packet has fewer hops
//! than its limit ([`DEFAULT_FLOOD_MAX`]); the path is no loop ([`LoopLimit`]);
//! if there are transport codes, one of its regions covers them
//! (`RegionKey::covers`); and [`forwarded_flood`] gives it a path.
//!
//! ```
//! use meshcore_proto::routing::{self, LoopLimit};
//! use meshcore_proto::{EncodeError, FrameBuf, Packet, Path, PublicKey};
//!
//! /// What this repeater sends when it hears `packet`, which it has not sent before.
//! fn forward(packet: &Packet<'_>, own: &PublicKey) -> Result<Option<FrameBuf>, EncodeError> {
//!     let Path::Hashes(hops) = packet.path() else { return Ok(None) };
//!     if packet.path_len().count() >= routing::DEFAULT_FLOOD_MAX || !LoopLimit::Moderate.allows(hops, own) {
//!         return Ok(None);
//!     }
//!     let path = routing::forwarded_flood(packet, own)?;
//!     path.map(|path| FrameBuf::of(&packet.with_path(&path))).transpose()
//! }
//!
//! let own = PublicKey::from_bytes([0xed; 32]);
//! let heard = [0x0d, 0x42, 0x84, 0xe4, 0x5a, 0x6c, 0x08, 0x40, 0xd5, 0xa4];
//! let sent = forward(&Packet::parse(&heard).unwrap(), &own).unwrap().unwrap();
//! assert_eq!(sent.to_string(), "0d4384e45a6ceded0840d5a4");
//! ```

use crate::error::EncodeError;
use crate::header::{PayloadType, RouteType};
use crate::id::{NodeHash, PublicKey};
use crate::packet::{Packet, TransportCodes};
use crate::path::{Path, PathHashes, PathSnrs};
use crate::path_buf::PathBuf;
use crate::payload::{Payload, Trace};
use crate::snr::SnrQuarterDb;

/// Hops after which a repeater lets a flood end, unless configured otherwise
/// (firmware `src/helpers/RoutingPolicy.h`, `flood_max`): it forwards with fewer.
/// One more than a path can count, so as it stands it never bites.
pub const DEFAULT_FLOOD_MAX: u8 = 64;

impl RouteType {
    /// Whether the path is a route that shrinks on the way (otherwise it grows).
    pub const fn is_direct(self) -> bool {
        !self.is_flood()
    }
}

impl PayloadType {
    /// Whether nodes pass on floods of this type.
    ///
    /// Those between nodes and to channels are, adverts and acknowledgements too.
    /// `TRACE`, `MULTIPART` and `RAW_CUSTOM` travel direct only, `CONTROL` is for
    /// neighbours, and nodes pass on no type they do not know (firmware
    /// `src/Mesh.cpp`, `onRecvPacket`). A payload too short for its type goes
    /// nowhere either; that shows when it is parsed.
    pub const fn is_flood_forwarded(self) -> bool {
        match self {
            Self::Req
            | Self::Response
            | Self::TxtMsg
            | Self::Ack
            | Self::Advert
            | Self::GrpTxt
            | Self::GrpData
            | Self::AnonReq
            | Self::Path => true,
            Self::Trace | Self::Multipart | Self::Control | Self::RawCustom | Self::Reserved(_) => false,
        }
    }
}

impl Packet<'_> {
    /// Whether nobody forwards the packet: direct, with no hop left. It was sent
    /// to neighbours only (firmware `src/Mesh.cpp`, `sendZeroHop`: the path
    /// length is then 0x00), or is on its last leg.
    ///
    /// Never so for a `TRACE`, whose path is not its route.
    pub fn is_zero_hop(&self) -> bool {
        self.header().route().is_direct()
            && self.header().payload_type() != PayloadType::Trace
            && self.path_len().count() == 0
    }

    /// Whether a neighbour shows another node's advert around: a zero-hop
    /// advert with both transport codes 0, not to be passed on (firmware
    /// `src/helpers/BaseChatMesh.cpp`, `shareContactZeroHop`;
    /// `examples/simple_repeater/MyMesh.cpp`, `isShare`).
    pub fn is_share(&self) -> bool {
        self.header().payload_type() == PayloadType::Advert
            && self.transport() == Some(TransportCodes { scope: 0, home: 0 })
            && self.is_zero_hop()
    }
}

/// How often a repeater lets a flood come back to it (firmware
/// `examples/simple_repeater/MyMesh.cpp`).
///
/// Short hashes are shared by many nodes: what looks like a loop may be none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LoopLimit {
    /// Ends at the 4th, 2nd or 1st own hash of 1, 2 or 3 bytes.
    Minimal,
    /// Ends at the 2nd, 1st or 1st.
    Moderate,
    /// Ends at the 1st, whatever its size.
    Strict,
}

impl LoopLimit {
    /// How many own hashes of `hash_size` bytes in a path end a flood.
    pub const fn limit(self, hash_size: u8) -> usize {
        match (self, hash_size) {
            (Self::Minimal, 1) => 4,
            (Self::Minimal, 2) | (Self::Moderate, 1) => 2,
            _ => 1,
        }
    }

    /// Whether the node `own` passes on a flood that came along `path`.
    pub fn allows(self, path: PathHashes<'_>, own: &PublicKey) -> bool {
        path.iter().filter(|hop| own.has_hash(*hop)).count() < self.limit(path.hash_size())
    }
}

/// The path of a flood after the node `own` forwarded it: with the node's hash
/// at its end, in the size the origin chose (firmware `src/Mesh.cpp`,
/// `routeRecvPacket`). `None` for direct packets, and for payloads that
/// [are not passed on](PayloadType::is_flood_forwarded).
///
/// # Errors
/// [`EncodeError::PathTooLong`] when the path is full.
pub fn forwarded_flood(packet: &Packet<'_>, own: &PublicKey) -> Result<Option<PathBuf>, EncodeError> {
    let header = packet.header();
    if header.route().is_direct() || !header.payload_type().is_flood_forwarded() {
        return Ok(None);
    }
    let mut path = PathBuf::from(PathHashes::new(packet.path_bytes(), packet.path_len()));
    let size = packet.path_len().hash_size();
    path.push(own.node_hash(size).ok_or(EncodeError::InvalidHashSize { size })?)?;
    Ok(Some(path))
}

/// The path of a direct packet after the node `own` forwarded it: without its
/// first hop, if that is the node (firmware `src/Mesh.cpp`,
/// `removeSelfFromPath`). `None` otherwise, when no hop is left, for floods and
/// traces, and for `CONTROL` with the top bit of its first byte set, which is
/// for neighbours.
pub fn forwarded_direct(packet: &Packet<'_>, own: &PublicKey) -> Option<PathBuf> {
    let Path::Hashes(hops) = packet.path() else { return None };
    let is_control = packet.header().payload_type() == PayloadType::Control;
    let is_for_neighbours =
        is_control && packet.payload_bytes().first().is_some_and(|flags| flags & 0x80 != 0);
    if packet.header().route().is_flood() || is_for_neighbours {
        return None;
    }
    let mut path = PathBuf::from(hops);
    path.pop_front().filter(|next| own.has_hash(*next)).map(|_| path)
}

/// How far a `TRACE` has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceProgress<'a> {
    trace: Trace<'a>,
    snrs: PathSnrs<'a>,
}

impl<'a> TraceProgress<'a> {
    /// `None` unless `packet` is a well-formed `TRACE`.
    pub fn of(packet: &Packet<'a>) -> Option<Self> {
        match (packet.payload(), packet.path()) {
            (Ok(Payload::Trace(trace)), Path::Snrs(snrs)) => Some(Self { trace, snrs }),
            _ => None,
        }
    }

    /// The nodes to visit, and what pairs the trace with its question.
    pub const fn trace(&self) -> Trace<'a> {
        self.trace
    }

    /// Hops that left their signal strength, 0 to 63.
    pub const fn completed(&self) -> usize {
        self.snrs.len()
    }

    /// The nodes visited, as prefixes of their keys, and how well each heard the trace.
    pub fn visited(&self) -> impl Iterator<Item = (&'a [u8], SnrQuarterDb)> + use<'a> {
        self.trace.route().iter().zip(self.snrs.iter())
    }

    /// Nodes to visit in all.
    pub fn total(&self) -> usize {
        self.trace.route().len()
    }

    /// The key prefix of the node to be visited next: 1, 2, 4 or 8 bytes.
    /// `None` when all were, also when a broken entry is left that no node can be.
    pub fn next_hop(&self) -> Option<&'a [u8]> {
        self.trace.route().get(self.completed())
    }

    /// Whether the trace has been everywhere.
    pub const fn is_complete(&self) -> bool {
        self.trace.is_complete(self.completed())
    }
}

/// The path of a `TRACE` after the node `own`, which heard it with `heard`,
/// forwarded it: one signal strength longer, if the node is next (firmware
/// `src/Mesh.cpp`, `onRecvPacket`). `None` otherwise, and for anything that is
/// not a trace on a direct route.
///
/// # Errors
/// [`EncodeError::PathTooLong`] for the 64th strength. Nodes append it, and the
/// count overflows into the hash size.
pub fn forwarded_trace(
    packet: &Packet<'_>,
    own: &PublicKey,
    heard: SnrQuarterDb,
) -> Result<Option<PathBuf>, EncodeError> {
    let next = TraceProgress::of(packet).and_then(|progress| progress.next_hop());
    if packet.header().route().is_flood() || !next.is_some_and(|next| own.as_bytes().starts_with(next)) {
        return Ok(None);
    }
    // the size of a trace's path is 1, and one byte is a hash of that size
    let mut path = PathBuf::from(PathHashes::new(packet.path_bytes(), packet.path_len()));
    if let Some(strength) = NodeHash::new(&[heard.get().cast_unsigned()]) {
        path.push(strength)?;
    }
    Ok(Some(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::Header;
    use crate::path::PathLen;
    use hex_literal::hex;

    const OWN: PublicKey =
        PublicKey::from_bytes(hex!("84e4740f49d30949e20e47992218bbcda7fe966f1080ec7ee418db917c15eec8"));

    fn packet(raw: &[u8]) -> Packet<'_> {
        Packet::parse(raw).unwrap()
    }

    #[test]
    fn a_route_is_a_flood_or_direct() {
        let direct = [0, 1, 2, 3].map(|bits| RouteType::from_bits(bits).is_direct());
        assert_eq!(direct, [false, false, true, true]);
    }

    #[test]
    fn direct_without_a_hop_left_goes_nowhere() {
        assert!(packet(&hex!("0e 00 01020304")).is_zero_hop());
        assert!(packet(&hex!("0e 40 01020304")).is_zero_hop());
        assert!(!packet(&hex!("0e 01 84 01020304")).is_zero_hop());
        assert!(!packet(&hex!("0d 00 01020304")).is_zero_hop());
        assert!(!packet(&hex!("26 00 01000000 00000000 00 84")).is_zero_hop());
    }

    #[test]
    fn a_share_is_a_zero_hop_advert_with_codes_of_zero() {
        assert!(packet(&hex!("13 00000000 00 e1")).is_share());
        assert!(!packet(&hex!("13 01000000 00 e1")).is_share());
        assert!(!packet(&hex!("13 00000000 01 84 e1")).is_share());
        assert!(!packet(&hex!("10 00000000 00 e1")).is_share());
        assert!(!packet(&hex!("12 00 e1")).is_share());
        assert!(!packet(&hex!("0f 00000000 00 e1")).is_share());
    }

    #[test]
    fn floods_of_the_first_nine_types_are_passed_on() {
        for bits in 0..16 {
            assert_eq!(PayloadType::from_bits(bits).is_flood_forwarded(), bits <= 8);
        }
    }

    #[test]
    fn a_loop_is_tolerated_as_often_as_the_limit_says() {
        let bytes = hex!("84e474").repeat(4);
        for (limit, most) in [
            (LoopLimit::Minimal, [4, 2, 1]),
            (LoopLimit::Moderate, [2, 1, 1]),
            (LoopLimit::Strict, [1, 1, 1]),
        ] {
            for (size, most) in (1..=3).zip(most) {
                assert_eq!(limit.limit(size), most);
                let own = OWN.node_hash(size).unwrap();
                for count in 0..=4 {
                    let path = PathBuf::from_hops(std::iter::repeat_n(own, count)).unwrap();
                    assert_eq!(limit.allows(path.hops(), &OWN), count < most);
                }
            }
        }
        let others = PathHashes::new(&bytes[1..4], PathLen::new(1, 3).unwrap());
        assert!(!LoopLimit::Strict.allows(others, &OWN), "e4 74 84");
        assert!(LoopLimit::Moderate.allows(others, &OWN));
    }

    #[test]
    fn a_flood_grows_by_the_size_its_origin_chose() {
        let path = forwarded_flood(&packet(&hex!("15 41 5a6c e1")), &OWN).unwrap().unwrap();
        assert_eq!((path.path_len().get(), path.as_bytes()), (0x42, &hex!("5a6c84e4")[..]));
        let path = forwarded_flood(&packet(&hex!("15 80 e1")), &OWN).unwrap().unwrap();
        assert_eq!((path.path_len().get(), path.as_bytes()), (0x81, &hex!("84e474")[..]));
    }

    #[test]
    fn what_is_no_flood_to_pass_on_gets_no_path() {
        for raw in [&hex!("16 40 e1")[..], &hex!("3d 40 e1"), &hex!("2d 00 80")] {
            assert_eq!(forwarded_flood(&packet(raw), &OWN), Ok(None));
        }
    }

    #[test]
    fn a_full_path_does_not_overflow() {
        let header = Header::new(RouteType::Flood, PayloadType::Ack);
        let full = Packet::new(header, None, PathLen::new(1, 63).unwrap(), &[1; 63], &[0; 4]).unwrap();
        assert_eq!(forwarded_flood(&full, &OWN), Err(EncodeError::PathTooLong { count: 64, size: 1 }));
    }

    #[test]
    fn only_the_next_hop_takes_itself_off_a_direct_path() {
        let path = forwarded_direct(&packet(&hex!("16 42 84e45a6c e1")), &OWN).unwrap();
        assert_eq!((path.path_len().get(), path.as_bytes()), (0x41, &hex!("5a6c")[..]));
        assert_eq!(forwarded_direct(&packet(&hex!("16 42 5a6c84e4 e1")), &OWN), None);
        assert_eq!(forwarded_direct(&packet(&hex!("16 40 e1")), &OWN), None);
        assert_eq!(forwarded_direct(&packet(&hex!("15 41 84e4 e1")), &OWN), None);
        assert_eq!(forwarded_direct(&packet(&hex!("2e 01 84 80 04 01020304")), &OWN), None);
        assert!(forwarded_direct(&packet(&hex!("2e 01 84 10")), &OWN).is_some());
        assert_eq!(forwarded_direct(&packet(&hex!("26 01 84 01000000 00000000 00 84")), &OWN), None);
    }

    #[test]
    fn a_trace_collects_a_strength_from_each_node_in_turn() {
        let raw = hex!("26 01 20 01000000 00000000 01 5a6c 84e4");
        let progress = TraceProgress::of(&packet(&raw)).unwrap();
        assert_eq!((progress.completed(), progress.total(), progress.is_complete()), (1, 2, false));
        assert_eq!(progress.next_hop(), Some(&hex!("84e4")[..]));
        assert_eq!(progress.trace().tag(), 1);
        let path = forwarded_trace(&packet(&raw), &OWN, SnrQuarterDb::new(-29)).unwrap().unwrap();
        assert_eq!((path.path_len().get(), path.as_bytes()), (2, &hex!("20e3")[..]));

        let done = hex!("26 02 20e3 01000000 00000000 01 5a6c 84e4");
        let progress = TraceProgress::of(&packet(&done)).unwrap();
        assert_eq!((progress.next_hop(), progress.is_complete()), (None, true));
        assert_eq!(forwarded_trace(&packet(&done), &OWN, SnrQuarterDb::new(0)), Ok(None));
    }

    #[test]
    fn what_is_not_a_trace_for_this_node_is_left_alone() {
        for raw in [
            &hex!("26 00 01000000 00000000 01 5a6c 84e4")[..],
            &hex!("25 00 01000000 00000000 01 84e4"),
            &hex!("26 40 01000000 00000000 01 84e4"),
            &hex!("16 01 84 e1"),
        ] {
            assert_eq!(forwarded_trace(&packet(raw), &OWN, SnrQuarterDb::new(0)), Ok(None));
        }
        assert_eq!(TraceProgress::of(&packet(&hex!("16 01 84 e1"))), None);
    }

    #[test]
    fn the_64th_strength_is_refused() {
        let header = Header::new(RouteType::Direct, PayloadType::Trace);
        let payload = [&[0; 9][..], &[0x84; 64]].concat();
        let full = Packet::new(header, None, PathLen::new(1, 63).unwrap(), &[1; 63], &payload).unwrap();
        let err = forwarded_trace(&full, &OWN, SnrQuarterDb::new(0)).unwrap_err();
        assert_eq!(err, EncodeError::PathTooLong { count: 64, size: 1 });
    }
}
