//! Arguments that may be secret.

use std::ffi::OsStr;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use clap::{Arg, Command};
use meshcore_proto::hex::{HexError, decode_into};

/// Reads an argument with this function. Where clap's own errors repeat the
/// text, which may be a key with a typo, these only say what is wrong with it.
#[derive(Clone)]
pub(crate) struct Hidden<F>(pub(crate) F);

impl<F, T> TypedValueParser for Hidden<F>
where
    F: Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static,
    T: Clone + Send + Sync + 'static,
{
    type Value = T;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<T, clap::Error> {
        let read = value.to_str().ok_or_else(|| "not UTF-8".to_owned()).and_then(&self.0);
        read.map_err(|err| {
            let name = arg.map(ToString::to_string).unwrap_or_default();
            command.clone().error(ErrorKind::ValueValidation, format!("{name}: {err}"))
        })
    }
}

/// Exactly `N` bytes of hex; errors count digits, as those who typed them do.
pub(crate) fn bytes<const N: usize>(text: &str) -> Result<[u8; N], String> {
    let mut bytes = [0; N];
    match decode_into(text, &mut bytes) {
        Ok(all) if all.len() == N => Ok(bytes),
        Err(err @ HexError::InvalidDigit { .. }) => Err(err.to_string()),
        _ => Err(format!("{} hex digits: {} needed", text.len(), N * 2)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_count_digits() {
        assert_eq!(bytes("0aFF"), Ok([0x0a, 0xff]));
        for text in ["0af", "0a", "0aff00"] {
            assert_eq!(bytes::<2>(text), Err(format!("{} hex digits: 4 needed", text.len())));
        }
        assert_eq!(bytes::<2>("0aFx"), Err("character at byte 3 is not a hex digit".to_owned()));
    }

    #[test]
    fn errors_do_not_repeat_the_text() {
        let arg = Arg::new("key").long("key").value_parser(Hidden(bytes::<4>));
        let err =
            Command::new("test").arg(arg).try_get_matches_from(["test", "--key", "deadbee"]).unwrap_err();
        let message = err.to_string();
        assert!(
            message.contains("--key <key>: 7 hex digits: 8 needed") && !message.contains("deadbee"),
            "{message}"
        );
    }
}
