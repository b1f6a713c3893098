//! Reading query parameters the way existing clients expect: what is absent or unreadable has its default, lists are
//! separated by commas, and what would silently give wrong rows is refused.

use meshcore_proto::{PayloadType, RouteType};
use meshcore_store::UnixMillis;

use crate::error::ApiError;

/// A page size: absent, unreadable or not positive means `default`; never above `max`.
pub fn limit(text: Option<&str>, default: u32, max: u32) -> u32 {
    let given = text.and_then(|text| text.trim().parse::<i64>().ok()).filter(|limit| *limit > 0);
    given.map_or(default, |limit| u32::try_from(limit).unwrap_or(u32::MAX)).min(max)
}

/// Rows to skip: absent, unreadable or negative means 0.
pub fn offset(text: Option<&str>) -> u32 {
    text.and_then(|text| text.trim().parse::<i64>().ok())
        .map_or(0, |n| u32::try_from(n.max(0)).unwrap_or(u32::MAX))
}

/// Region codes, upper case; `All` and nothing mean no filter.
pub fn regions(text: Option<&str>) -> Vec<String> {
    list(text).map(str::to_uppercase).filter(|code| code != "ALL").collect()
}

/// The non-empty parts of a comma-separated list, trimmed.
pub fn list(text: Option<&str>) -> impl Iterator<Item = &str> {
    text.unwrap_or_default().split(',').map(str::trim).filter(|part| !part.is_empty())
}

/// A point in time.
///
/// # Errors
/// [`ApiError::BadParameter`].
pub fn time(parameter: &'static str, text: Option<&str>) -> Result<Option<UnixMillis>, ApiError> {
    let parsed = present(text).map(str::parse).transpose();
    parsed.map_err(|_| bad(parameter, "expected a time such as 2026-03-18T09:03:20Z"))
}

/// A payload type by number or name.
///
/// # Errors
/// [`ApiError::BadParameter`].
pub fn payload_type(text: Option<&str>) -> Result<Option<u8>, ApiError> {
    let by_name =
        |name: &str| (0..16).find(|bits| PayloadType::from_bits(*bits).name().eq_ignore_ascii_case(name));
    number_or_name(
        "type",
        text,
        15,
        by_name,
        "expected a payload type by number (0 to 15) or name such as ADVERT",
    )
}

/// A route type by number or name.
///
/// # Errors
/// [`ApiError::BadParameter`].
pub fn route_type(text: Option<&str>) -> Result<Option<u8>, ApiError> {
    let by_name =
        |name: &str| (0..4).find(|bits| RouteType::from_bits(*bits).name().eq_ignore_ascii_case(name));
    number_or_name(
        "route",
        text,
        3,
        by_name,
        "expected a route type by number (0 to 3) or name such as FLOOD",
    )
}

/// Refuses parameters that would be ignored: a filter that does nothing shows wrong rows.
///
/// # Errors
/// [`ApiError::BadParameter`].
pub fn refuse(given: &[(&'static str, &Option<String>)]) -> Result<(), ApiError> {
    match given.iter().find(|(_, text)| present(text.as_deref()).is_some()) {
        Some((parameter, _)) => Err(bad(parameter, "this filter is not supported by this version")),
        None => Ok(()),
    }
}

fn number_or_name(
    parameter: &'static str,
    text: Option<&str>,
    max: u8,
    by_name: impl Fn(&str) -> Option<u8>,
    expected: &str,
) -> Result<Option<u8>, ApiError> {
    let Some(text) = present(text) else { return Ok(None) };
    let number = text.parse().ok().filter(|number| *number <= max);
    number.or_else(|| by_name(text)).map(Some).ok_or_else(|| bad(parameter, expected))
}

fn present(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

fn bad(parameter: &'static str, expected: &str) -> ApiError {
    ApiError::BadParameter { parameter, expected: expected.to_owned() }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(None, 50)]
    #[case(Some("0"), 50)]
    #[case(Some("-1"), 50)]
    #[case(Some("many"), 50)]
    #[case(Some("7"), 7)]
    #[case(Some("99999999999"), 10_000)]
    fn limits_are_clamped(#[case] text: Option<&str>, #[case] expected: u32) {
        assert_eq!(limit(text, 50, 10_000), expected);
    }

    #[test]
    fn negative_offsets_are_zero() {
        assert_eq!(offset(Some("-5")), 0);
        assert_eq!(offset(Some("99999999999")), u32::MAX);
    }

    #[test]
    fn all_regions_is_no_filter() {
        assert!(regions(Some("All")).is_empty());
        assert_eq!(regions(Some(" sjc, ,SFO")), ["SJC", "SFO"]);
    }

    #[test]
    fn types_come_as_numbers_or_names_and_garbage_is_refused() {
        assert_eq!(payload_type(Some("4")).unwrap(), Some(4));
        assert_eq!(payload_type(Some("advert")).unwrap(), Some(4));
        assert_eq!(payload_type(Some("")).unwrap(), None);
        assert_eq!(route_type(Some("TRANSPORT_DIRECT")).unwrap(), Some(3));
        for text in ["16", "x", "4,5"] {
            let error = payload_type(Some(text)).unwrap_err().to_string();
            assert!(error.starts_with("type: expected a payload type"), "{error}");
        }
    }
}
