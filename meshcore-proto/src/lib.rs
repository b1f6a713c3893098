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
//! * `ChannelKey` opens channels, `PeerLink` what two nodes say to each other,
//!   and [`content`] says what was inside.
//! * [`Route`] makes frames of payloads: the sending side.
//! * `RegionKey` bounds how far a packet travels, [`routing`] says who passes
//!   it on, [`airtime`] how long that takes.
//! * [`error`]: one type per layer, each with the field, the byte and a stable
//!   `kind()`; [`Error`] is any of them.
//!
//! Some words are close: [`Path`] is the hops of a frame as read, [`PathBuf`]
//! the same to build and change, [`Route`] how a packet sets out,
//! [`content::PathReturn`] what a `PATH` packet says. [`payload::AnonReq`] is an
//! encrypted payload, [`content::AnonRequest`] what is inside; so for the others.
//! A region is called scope where its code is meant.
//!
//! Examples that need keys want the features `alloc` and `ed25519`.
//!
//! # Reading
//!
//! [`Packet::parse`] is as strict as a node; [`Packet::parse_lax`] is for
//! analyzers and keeps frames of other versions. Both read in place.
//!
//! ```
//! use meshcore_proto::{Packet, Path, Payload, RouteType};
//!
//! # fn main() -> Result<(), Box<dyn core::error::Error>> {
//! let raw = [0x0d, 0x42, 0x84, 0xe4, 0x5a, 0x6c, 0x08, 0x40, 0xd5, 0xa4];
//! let packet = Packet::parse(&raw)?;
//! assert_eq!(packet.header().route(), RouteType::Flood);
//! if let Path::Hashes(hops) = packet.path() {
//!     assert!(hops.iter().map(|hop| hop.to_string()).eq(["84E4", "5A6C"]));
//! }
//! if let Payload::Ack(ack) = packet.payload()? {
//!     assert_eq!(ack.checksum(), 0xa4d5_4008);
//! }
//!
//! let error = Packet::parse(&raw[..3]).unwrap_err();
//! assert_eq!(error.to_string(), "path at byte 2: needs 4 bytes, 1 left");
//! assert_eq!(error.kind(), "Truncated");
//! # Ok(())
//! # }
//! ```
//!
//! # Channels
//!
//! ```
//! # #[cfg(all(feature = "alloc", feature = "crypto"))]
//! # fn main() -> Result<(), Box<dyn core::error::Error>> {
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
//! `KeyRing` finds the keys of a hash byte at once and knows their names;
//! `FixedKeys` and plain slices do without allocation.
//!
//! # From node to node, there and back
//!
//! ```
//! # #[cfg(feature = "ed25519")]
//! # fn main() -> Result<(), Box<dyn core::error::Error>> {
//! use meshcore_proto::content::TextMessage;
//! use meshcore_proto::payload::Ack;
//! use meshcore_proto::{Identity, MAX_PAYLOAD, Packet, Payload, RegionKey, Route};
//!
//! let (alice, bob) = (Identity::from_seed(&[1; 32]), Identity::from_seed(&[2; 32]));
//! let europe = RegionKey::public("#Europe").expect("not a private region");
//!
//! // Alice writes to Bob, in two-byte hops and in one region only.
//! let to_bob = alice.link(&bob.public_key())?;
//! let message = TextMessage::plain(1_700_000_000, 0, "on the ridge at six?")?;
//! let frame = Route::flood(2)?.in_region(&europe).frame(&to_bob.seal(&message))?;
//!
//! // Bob reads it and acknowledges.
//! let packet = Packet::parse(&frame)?;
//! assert!(europe.covers(&packet));
//! let Payload::TxtMsg(datagram) = packet.payload()? else { panic!("a text was sent") };
//! let mut buf = [0; MAX_PAYLOAD];
//! let links = [bob.link(&alice.public_key())?];
//! let (plaintext, link) = datagram.decrypt(&links, &mut buf)?;
//! let text = TextMessage::parse(plaintext)?;
//! assert_eq!(text.text(), Some("on the ridge at six?"));
//!
//! let checksum = text.ack_checksum(link.remote(), &bob.public_key()).expect("plain texts are acknowledged");
//! let answer = Route::flood(2)?.frame(&Ack::new(checksum, &[]))?;
//! assert_eq!(answer.len(), 6);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "ed25519"))]
//! # fn main() {}
//! ```
//!
//! # Features
//!
//! | Feature | Adds |
//! |---|---|
//! | `std` (default) | `alloc`, and tables that make signatures faster |
//! | `alloc` | `Packet::to_vec`; with `crypto` also `KeyRing`, `Peers` and `Regions` |
//! | `bytes` | `OwnedFrame` |
//! | `crypto` | packet hashes, channel and region keys, encryption, checksums |
//! | `ed25519` | `crypto`, and `Identity`: signatures, shared secrets |
//! | `serde` | [`PublicKey`], [`NodeHash`], [`PacketHash`] as text |
//!
//! Without an allocator, on a node, `default-features = false` with `crypto` or
//! `ed25519` leaves `FixedKeys`, arrays and slices as stores of keys; everything
//! writes into buffers of the caller, or into a [`FrameBuf`] in place.
//!
//! Time, randomness and keys are arguments: nothing here asks the system.
//!
//! # Sources
//!
//! Field layouts follow the firmware's `docs/packet_format.md`,
//! `docs/payloads.md`, `src/Packet.cpp` and `src/Mesh.cpp`; where documents and
//! firmware (v1.17.1) disagree, the firmware is right. Integers are little-endian unless
//! a field says otherwise.

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
pub use error::{AppDataError, ContentError, CryptoError, EncodeError, Error, FrameError, PayloadError};
pub use field::Field;
#[cfg(feature = "crypto")]
pub use fixed_keys::FixedKeys;
#[cfg(feature = "bytes")]
pub use frame::OwnedFrame;
pub use hash::PacketHash;
pub use header::{Header, PayloadType, ReservedType, RouteType};
pub use id::{NodeHash, PublicKey};
#[cfg(feature = "ed25519")]
pub use identity::Identity;
#[cfg(all(feature = "alloc", feature = "crypto"))]
pub use keyring::{KeyRing, NamedKey};
pub use node_type::{NodeType, ReservedNodeType};
pub use packet::{DecodeOptions, MAX_FRAME, MAX_PAYLOAD, Packet, TransportCodes, WireCode};
pub use path::{Path, PathHashes, PathLen, PathSnrs};
pub use path_buf::PathBuf;
#[doc(inline)]
pub use payload::Payload;
#[cfg(feature = "crypto")]
pub use peer::{PeerLink, PeerSecrets, SharedSecret};
#[cfg(all(feature = "alloc", feature = "crypto"))]
pub use peers::Peers;
#[cfg(feature = "crypto")]
pub use region::RegionKey;
#[cfg(all(feature = "alloc", feature = "crypto"))]
pub use regions::{NamedRegion, Regions};
#[cfg(feature = "ed25519")]
pub use send::NewAdvert;
#[cfg(feature = "crypto")]
pub use send::{ChannelContent, PeerContent, ToChannel, ToPeer};
pub use send::{EncodePayload, FrameBuf, Route};
pub use snr::SnrQuarterDb;

/// The examples of the README are run too.
#[cfg(all(doctest, feature = "std", feature = "ed25519"))]
#[doc = include_str!("../README.md")]
struct Readme;
