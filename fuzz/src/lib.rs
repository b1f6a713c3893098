//! What must hold for any input, one function per fuzz target.
//!
//! Each takes bytes and panics when its law is broken. The programs in
//! `fuzz_targets/` hand them to libFuzzer, `tests/corpus.rs` replays what is in
//! `corpus/` without it. A new law is a function, a line in [`LAWS`], a program
//! of three lines with its entry in `Cargo.toml`, and a few inputs in `corpus/`.

#![forbid(unsafe_code)]

mod language;
mod roundtrip;
mod secret;
pub mod seeds;
mod server;
mod wire;

pub use language::filter;
pub use roundtrip::roundtrip;
pub use secret::{decrypt, lpp};
pub use server::{config, envelope, token};
pub use wire::{frame, payload};

/// A function that panics when `data` breaks its law.
pub type Law = fn(data: &[u8]);

/// All laws, by the name of their target and their folder in `corpus/`.
pub const LAWS: &[(&str, Law)] = &[
    ("config", config),
    ("decrypt", decrypt),
    ("envelope", envelope),
    ("filter", filter),
    ("frame", frame),
    ("lpp", lpp),
    ("payload", payload),
    ("roundtrip", roundtrip),
    ("token", token),
];
