//! The MeshCore wire format: read, verify, decrypt and write LoRa mesh packets.
//!
//! One LoRa frame is one packet:
//!
//! ```text
//! [header 1] [transport codes 4]? [path length 1] [path 0..=64] [payload 0..=184]
//! ```
//!
//! The header says how the packet travels and what the payload is. The path
//! holds the repeaters passed (flood) or still to pass (direct). Everything is
//! read in place: no copy, no allocation, no `unsafe`, and no input that panics.
//!
//! # Tour
//!
//! * [`Packet`] reads a frame and writes one. `OwnedFrame` (feature `bytes`) is
//!   the same in a shared buffer, to hand from thread to thread.
//! * [`Payload`] is what a packet carries, one view per type in [`payload`]:
//!   adverts, acknowledgements, traces, and the encrypted ones with their hashes.
//! * [`PublicKey`] is a node, [`NodeHash`] a hint at one, [`PacketHash`] what
//!   makes two receptions one packet.
//! * [`ChannelKey`] opens channels, a [`KeyRing`] finds the right one by the
//!   hash byte of the packet, and [`content`] says what was inside.
//! * An `Identity` shares a [`SharedSecret`] with each of its peers; a
//!   [`PeerLink`] opens what they send. A [`RegionKey`] tells which region a
//!   packet may travel in.
//! * [`routing`] is how packets are passed on, [`airtime`] how long that takes.
//! * [`error`]: one type per layer, each with the field, the byte and a stable
//!   `kind()`.
//!
//! # Example
//!
//! ```
//! # #[cfg(all(feature = "alloc", feature = "crypto"))]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use meshcore_proto::content::GroupText;
//! use meshcore_proto::{ChannelKey, KeyRing, MAX_PAYLOAD, Packet, Payload};
//!
//! let raw = [
//!     0x15, 0x00, 0xd9, 0x69, 0x00, 0x30, 0xa5, 0xce, 0x04, 0x49, 0xfc, 0xf0, 0xc4, 0x4f, 0x2d, 0xd0, 0xdb,
//!     0x10, 0x8c, 0x2f, 0xe6,
//! ];
//! let packet = Packet::parse(&raw)?;
//! assert_eq!(packet.header().payload_type().name(), "GRP_TXT");
//! assert_eq!(packet.packet_hash().to_string(), "2f6090de070fd1e5");
//!
//! let mut keys = KeyRing::new();
//! keys.push("Public", ChannelKey::public());
//! keys.push("#test", ChannelKey::hashtag("#test"));
//!
//! if let Payload::GrpTxt(datagram) = packet.payload()? {
//!     let mut buf = [0; MAX_PAYLOAD];
//!     let (plaintext, channel) = datagram.decrypt(&keys, &mut buf)?;
//!     let text = GroupText::parse(plaintext)?;
//!     assert_eq!(channel.name, "#test");
//!     assert_eq!((text.sender(), text.message()), (Some("a"), Some("b")));
//! }
//! # Ok(())
//! # }
//! # #[cfg(not(all(feature = "alloc", feature = "crypto")))]
//! # fn main() {}
//! ```
//!
//! # Features
//!
//! | Feature | Adds |
//! |---|---|
//! | `std` (default) | `alloc`, and tables that make signatures faster |
//! | `alloc` | `KeyRing`, `Peers`, `Regions` (with `crypto`) |
//! | `bytes` | `OwnedFrame` |
//! | `crypto` | packet hashes, channel and region keys, encryption |
//! | `ed25519` | signatures of adverts, secrets shared with other nodes |
//! | `serde` | identifiers as text |
//!
//! # Sources
//!
//! Field layouts follow the firmware's `docs/packet_format.md`,
//! `docs/payloads.md`, `src/Packet.cpp` and `src/Mesh.cpp`; where documents and
//! firmware disagree, the firmware is right. Integers are little-endian unless
//! a field says otherwise. What nodes drop is an error here, with one way out:
//! [`DecodeOptions::analyzer`].

#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(not(all(feature = "alloc", feature = "crypto")), allow(rustdoc::broken_intra_doc_links))]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod airtime;
#[cfg(feature = "crypto")]
mod base64;
#[cfg(feature = "crypto")]
mod channel;
#[cfg(feature = "crypto")]
mod checksum;
#[cfg(feature = "crypto")]
pub mod cipher;
pub mod content;
pub mod error;
mod field;
#[cfg(feature = "crypto")]
mod fixed_keys;
#[cfg(feature = "bytes")]
mod frame;
mod hash;
mod header;
pub mod hex;
mod id;
#[cfg(feature = "ed25519")]
mod identity;
#[cfg(all(feature = "alloc", feature = "crypto"))]
mod keyring;
mod node_type;
mod packet;
mod parse;
mod path;
mod path_buf;
pub mod payload;
#[cfg(feature = "crypto")]
mod peer;
#[cfg(all(feature = "alloc", feature = "crypto"))]
mod peers;
#[cfg(feature = "crypto")]
mod region;
#[cfg(all(feature = "alloc", feature = "crypto"))]
mod regions;
pub mod routing;
mod send;
#[cfg(feature = "serde")]
mod serde_text;
mod snr;
mod write;

#[cfg(feature = "crypto")]
pub use channel::{ChannelKey, ChannelKeys};
#[cfg(feature = "crypto")]
pub use checksum::of_prefix as ack_checksum;
#[doc(no_inline)]
pub use error::{AppDataError, ContentError, CryptoError, EncodeError, FrameError, PayloadError};
pub use field::Field;
#[cfg(feature = "crypto")]
pub use fixed_keys::FixedKeys;
#[cfg(feature = "bytes")]
pub use frame::OwnedFrame;
pub use hash::PacketHash;
pub use header::{Header, PayloadType, RouteType};
pub use id::{NodeHash, PublicKey};
#[cfg(feature = "ed25519")]
pub use identity::Identity;
#[cfg(all(feature = "alloc", feature = "crypto"))]
pub use keyring::{KeyRing, NamedKey};
pub use node_type::NodeType;
pub use packet::{DecodeOptions, MAX_FRAME, MAX_PAYLOAD, Packet, TransportCodes, WireCode};
pub use path::{Path, PathHashes, PathLen, PathSnrs};
pub use path_buf::PathBuf;
#[doc(no_inline)]
pub use payload::Payload;
#[cfg(feature = "crypto")]
pub use peer::{PeerLink, PeerSecrets, SharedSecret};
#[cfg(all(feature = "alloc", feature = "crypto"))]
pub use peers::Peers;
#[cfg(feature = "crypto")]
pub use region::RegionKey;
#[cfg(all(feature = "alloc", feature = "crypto"))]
pub use regions::{NamedRegion, Regions};
pub use snr::SnrQuarterDb;
