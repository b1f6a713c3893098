//! Laws of what people type.

use meshcore_store::UnixMillis;
use meshcore_store::filter::{Context, Filter, Limits, Subject, complete};

const NOW: UnixMillis = UnixMillis::from_seconds(1_777_636_800);

/// Nothing is known of it.
struct Unknown;

impl Subject for Unknown {}

/// No text panics the filter language; what is wrong lies within the text, and
/// is said in one line. What a filter means is printed as an expression of the
/// same meaning. Completions replace a part of the text.
pub fn filter(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    for completion in complete(text, text.len() / 2, &()).into_iter().chain(complete(text, text.len(), &())) {
        assert!(text.get(completion.replaces).is_some(), "completions lie within the text");
    }
    let context = Context::at(NOW);
    match Filter::parse(text, &context) {
        Err(error) => {
            assert!(text.get(error.at.clone()).is_some(), "errors lie within the text");
            let message = error.to_string();
            assert!(message.len() < 1000 && !message.contains(char::is_control), "errors are one short line");
        }
        Ok(filter) => {
            filter.matches(&Unknown);
            let printed = filter.expr().to_string();
            // it may be longer: lists become alternatives, and words tests
            if printed.len() <= Limits::BYTES {
                assert_eq!(Filter::parse(&printed, &context), Ok(filter), "{printed:?}");
            }
        }
    }
}
