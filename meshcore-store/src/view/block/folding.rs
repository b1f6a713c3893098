//! Compression of what is rarely read.

use std::io;

use zstd::bulk::Compressor;
use zstd::zstd_safe::{CParameter, Strategy};

/// Compression of sequences: the highest level that takes no longer than what else a block needs.
const LEVEL: i32 = 9;

/// How a part is folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Folding {
    /// Things recur.
    Sequences,
    /// Symbols of which some are frequent, in no order: short sequences that recur by chance would cost more than their
    /// symbols.
    Symbols,
}

impl Folding {
    pub(super) fn fold(self, part: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Sequences => zstd::bulk::compress(part, LEVEL),
            Self::Symbols => {
                let mut compressor = Compressor::new(1)?;
                for parameter in [
                    CParameter::Strategy(Strategy::ZSTD_fast),
                    CParameter::MinMatch(7),
                    CParameter::HashLog(6),
                ] {
                    compressor.set_parameter(parameter)?;
                }
                compressor.compress(part)
            }
        }
    }
}

/// A part as it was; `len` is how long. What a checksum let pass can be unfolded; else the part is empty.
pub(super) fn unfold(part: &[u8], len: usize) -> Vec<u8> {
    zstd::bulk::decompress(part, len).unwrap_or_default()
}
