//! Frames that need not be kept: the copies of one packet differ in their path only.
//!
//! A transmission keeps the frame that came first. The frame of each later observation is put together again from
//! that one and the observation's own path, and is stored only where that would give another one: a trace, a changed
//! header, a changed transport code.

/// Hex digits of the frame before its path length: header, and transport codes where the route has them.
const fn before_path(route_type: u8) -> usize {
    if matches!(route_type, 0 | 3) { 10 } else { 2 }
}

/// Payload type whose path field holds measurements instead of hops.
const TRACE: u8 = 9;

/// Entries in the path field of a frame in hex: hops, or what a trace measured so far.
pub(super) fn path_count(frame: &str) -> Option<usize> {
    let header = u8::from_str_radix(frame.get(..2)?, 16).ok()?;
    let before = before_path(header & 3);
    let path_len = u8::from_str_radix(frame.get(before..before + 2)?, 16).ok()?;
    Some(usize::from(path_len & 63))
}

/// The frame of an observation with this path, made from the frame of its transmission; both in hex.
///
/// A trace is given back as it is, because its path is not in `path_json`. `None` when `transmission` is no frame, or
/// the path cannot be one of its.
pub(super) fn rebuilt(transmission: &str, path_json: &str) -> Option<String> {
    let header = u8::from_str_radix(transmission.get(..2)?, 16).ok()?;
    if (header >> 2) & 0x0f == TRACE {
        return Some(transmission.to_owned());
    }
    let before = before_path(header & 3);
    let path_len = u8::from_str_radix(transmission.get(before..before + 2)?, 16).ok()?;
    let hash_digits = 2 * (usize::from(path_len >> 6) + 1);
    let payload = transmission.get(before + 2 + usize::from(path_len & 63) * hash_digits..)?;

    let mut frame = String::with_capacity(transmission.len() + path_json.len());
    frame.push_str(&transmission[..before]);
    frame.push_str("..");
    frame.extend(path_json.chars().filter(char::is_ascii_hexdigit)); // the rest is brackets, quotes and commas
    let path_digits = frame.len() - before - 2;
    let hops = u8::try_from(path_digits / hash_digits).ok().filter(|hops| *hops < 64)?;
    if !path_digits.is_multiple_of(hash_digits) {
        return None;
    }
    frame.replace_range(before..before + 2, &format!("{:02X}", (path_len & 0xc0) | hops));
    frame.push_str(payload);
    Some(frame)
}

/// What to store of an observation's frame: `None` when it is put together again without a loss.
///
/// The case of hex digits is no information. What a companion has read comes without a frame.
pub(super) fn kept<'a>(raw_hex: &'a str, transmission: &str, path_json: &str) -> Option<&'a str> {
    if raw_hex.is_empty() {
        return None;
    }
    let again = rebuilt(transmission, path_json);
    (!again.is_some_and(|frame| frame.eq_ignore_ascii_case(raw_hex))).then_some(raw_hex)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("1500aabb", r#"["A1","B2"]"#, Some("1502A1B2aabb"))] // flood: the path grew
    #[case("1542a1b2c3d4aabb", "[]", Some("1540aabb"))] // 2-byte hashes stay 2-byte hashes
    #[case("140102030400aabb", r#"["A1"]"#, Some("140102030401A1aabb"))] // behind transport codes
    #[case("26021420aabb", r#"["11"]"#, Some("26021420aabb"))] // a trace has no hops there
    #[case("1542a1b2c3d4aabb", r#"["A1"]"#, None)] // a hop of another size
    #[case("", "[]", None)] // a message without a frame
    #[case("15", "[]", None)]
    #[case("1505aa", "[]", None)] // ends within its path
    #[case("ähä", "[]", None)]
    fn frames_are_put_together(#[case] transmission: &str, #[case] path: &str, #[case] frame: Option<&str>) {
        assert_eq!(rebuilt(transmission, path).as_deref(), frame);
    }

    #[rstest]
    #[case("1542a1b2c3d4aabb", Some(2))]
    #[case("14010203040399", Some(3))]
    #[case("14", None)]
    fn entries_of_a_path_are_counted(#[case] frame: &str, #[case] count: Option<usize>) {
        assert_eq!(path_count(frame), count);
    }

    #[test]
    fn what_differs_in_more_than_its_path_is_kept() {
        assert_eq!(kept("1501A1AABB", "1500aabb", r#"["A1"]"#), None);
        assert_eq!(kept("1501A1AACC", "1500aabb", r#"["A1"]"#), Some("1501A1AACC"));
        assert_eq!(kept("1601A1AABB", "1500aabb", r#"["A1"]"#), Some("1601A1AABB"));
        assert_eq!(kept("26021421aabb", "26021420aabb", r#"["11"]"#), Some("26021421aabb"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(transmission in ".{0,40}", path in ".{0,40}") {
            let _ = rebuilt(&transmission, &path);
        }
    }
}
