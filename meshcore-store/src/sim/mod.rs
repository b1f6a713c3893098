//! A mesh made up: deterministic, with real frames, and the truth beside each observation.
//!
//! ```text
//!  Mesh: nodes, places, keys ──▶ Stream: who sends what ──▶ flights: every copy of a packet
//!                                                              │
//!  Event: topic, JSON, Truth ◀── observers: dialects, clocks ◀─┘
//! ```
//!
//! # Tour
//!
//! * [`MeshOptions`] has presets of four sizes; [`Mesh::new`] makes nodes, links and observers of it.
//! * [`Mesh::stream`] yields [`Event`]s in time order without end: what observers publish by MQTT.
//! * [`Truth`] says who sent, who forwarded and when, so that whoever has to guess can be scored.
//! * [`TrafficOptions::rate`] makes a mesh as busy as a test needs; [`Counts`] says what came of it.
//! * [`Report`] is a packet message without its JSON; `database` (feature `sqlite`) has the real writer store them in a
//!   file of a chosen size.
//!
//! ```
//! use meshcore_proto::Packet;
//! use meshcore_store::UnixMillis;
//! use meshcore_store::sim::{Mesh, MeshOptions, TrafficOptions};
//!
//! let mesh = Mesh::new(&MeshOptions::small().with_seed(7));
//! let start: UnixMillis = "2026-05-01T12:00:00Z".parse().unwrap();
//! let heard = mesh.stream(start, TrafficOptions::rate(5)).find(|event| event.truth.is_some()).unwrap();
//!
//! let envelope: serde_json::Value = serde_json::from_slice(&heard.payload).unwrap();
//! let raw = hex::decode(envelope["raw"].as_str().unwrap()).unwrap();
//! assert_eq!(Packet::parse(&raw).unwrap().packet_hash(), heard.truth.unwrap().packet);
//! ```
//!
//! # What is simulated
//!
//! * Nodes in towns, on hills and in valleys, with names, roles, hash sizes of 1 to 3 bytes, scopes; some companions
//!   move.
//! * Path loss, shadows, asymmetry, fading, and loss near the demodulation limit; time on air.
//! * Floods, direct packets and traces by the rules of [`meshcore_proto::routing`]: hop and loop limits, regions,
//!   random delays, several copies on several ways, short hashes that two nodes share.
//! * Signed adverts, encrypted texts, questions and answers, paths learned from floods, acknowledgements.
//! * Observers with wrong clocks, four dialects, status messages, pauses.
//!
//! # What is not
//!
//! * Collisions, duty-cycle limits and receivers that are sending: one packet in twenty is lost instead.
//! * Delays by signal strength, and acknowledgements that cross a multipart packet on its way.
//! * Repeaters that come, go, change name or key. Retained messages.
//!
//! # What is guaranteed
//!
//! Equal options, start and version of this crate give equal bytes on every machine: all decisions are made in
//! integers, no map is iterated in hash order, and the generator (PCG64-MCG) promises its stream. The one float, the
//! score in envelopes, takes part in no decision and uses operations that IEEE 754 rounds exactly. Another version of
//! this crate may make another stream.
//!
//! # Sources
//!
//! Rates of packet types, sizes of meshes and texts of observers are modelled on what deployments were seen to send;
//! all names, keys, places and messages are invented.

mod agenda;
mod air;
mod contacts;
#[cfg(feature = "sqlite")]
mod database;
mod envelope;
mod flight;
mod mesh;
mod message;
mod names;
mod observer;
mod options;
mod pace;
mod place;
mod radio;
mod random;
mod stream;
mod traffic;
mod truth;

#[cfg(feature = "sqlite")]
pub use database::{DatabaseReport, DatabaseSize, Scribe, database};
pub use mesh::{Mesh, Node};
pub use options::{AIRPORTS, Airport, MeshOptions, TrafficOptions};
pub use stream::{Counts, Event, Report, Stream};
pub use truth::Truth;
