//! Frames as people keep them: a line of hex, or a JSON object with hex in it.

use std::path::Path;

use meshcore_proto::FrameError;
use meshcore_proto::hex::{HexError, decode_into};
use serde_json::Value;

/// Editors of one system start files with it.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Why a line is not a frame.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LineError {
    // a line of ours is all that the other one was given
    #[error("not JSON: {}", .0.to_string().replace(" at line 1 ", " at "))]
    Json(#[from] serde_json::Error),
    #[error("no field `raw` or `raw_hex` with a text in it")]
    NoFrame,
    #[error("not hex: {0}")]
    Hex(#[from] HexError),
    #[error("not hex; to read a file use `< FILE`")]
    FileName,
    #[error("not a frame: {0}")]
    Frame(#[from] FrameError),
}

impl LineError {
    /// Where it failed and the stable name of the failure.
    pub(crate) const fn layer_and_kind(&self) -> (&'static str, &'static str) {
        match self {
            Self::Json(_) => ("line", "InvalidJson"),
            Self::NoFrame => ("line", "NoFrame"),
            Self::Hex(err) => ("hex", err.kind()),
            Self::FileName => ("hex", "InvalidHex"),
            Self::Frame(err) => ("frame", err.kind()),
        }
    }
}

/// Whether there is nothing to see on a line.
pub(crate) fn is_blank(line: &str) -> bool {
    line.chars().all(|c| c.is_whitespace() || c == BYTE_ORDER_MARK)
}

/// The bytes of a frame on a line.
pub(crate) fn read(line: &str) -> Result<Vec<u8>, LineError> {
    let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
    if !line.trim_start().starts_with('{') {
        return Ok(read_hex(line)?);
    }
    let object: Value = serde_json::from_str(line)?;
    let field = ["raw", "raw_hex"].iter().find_map(|name| object[*name].as_str());
    Ok(read_hex(field.ok_or(LineError::NoFrame)?)?)
}

/// The bytes of a frame in an argument, which files are mistaken for.
pub(crate) fn read_argument(text: &str) -> Result<Vec<u8>, LineError> {
    read(text).map_err(|err| match err {
        LineError::Hex(_) if text == "-" || Path::new(text).exists() => LineError::FileName,
        err => err,
    })
}

/// Reads hex digits with blanks around and between them, perhaps after `0x`.
fn read_hex(text: &str) -> Result<Vec<u8>, HexError> {
    let trimmed = text.trim_start();
    let digits = trimmed.strip_prefix("0x").or_else(|| trimmed.strip_prefix("0X")).unwrap_or(trimmed);
    if let Some(offset) = digits.find(|c: char| !c.is_ascii_hexdigit() && !c.is_whitespace()) {
        return Err(HexError::InvalidDigit { offset: text.len() - digits.len() + offset });
    }
    let digits: String = digits.split_whitespace().collect();
    let mut bytes = vec![0; digits.len() / 2];
    decode_into(&digits, &mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_written_in_many_ways() {
        for line in [
            "1500a1",
            "\u{feff}1500A1",
            "0x1500a1",
            " 15 00\ta1\r",
            "0X15 00 a1",
            r#"{"raw": "15 00 a1"}"#,
            "\u{feff} {\"raw_hex\": \"0x1500a1\"}",
        ] {
            assert_eq!(read(line).unwrap(), [0x15, 0x00, 0xa1], "{line:?}");
        }
    }

    #[test]
    fn a_stray_character_is_found_where_it_stands() {
        let message = |line| read(line).unwrap_err().to_string();
        assert_eq!(message("0x15 0g"), "not hex: character at byte 6 is not a hex digit");
        assert_eq!(message("15 0"), "not hex: 3 hex digits: an even number needed");
        assert_eq!(message("{"), "not JSON: EOF while parsing an object at column 1");
        assert_eq!(message("{}"), "no field `raw` or `raw_hex` with a text in it");
    }

    #[test]
    fn the_name_of_a_file_is_no_frame() {
        for text in ["-", env!("CARGO_MANIFEST_DIR")] {
            assert!(matches!(read_argument(text), Err(LineError::FileName)), "{text}");
        }
        assert!(matches!(read_argument("no-such-file"), Err(LineError::Hex(_))));
    }

    #[test]
    fn a_byte_order_mark_alone_is_blank() {
        assert!(is_blank("") && is_blank("\u{feff} \r") && !is_blank("\u{feff}0"));
    }
}
