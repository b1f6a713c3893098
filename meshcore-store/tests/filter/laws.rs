//! What holds for any expression and any row.

use jiff::tz::TimeZone;
use meshcore_store::UnixMillis;
use meshcore_store::filter::{Context, Expr, Filter, complete};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::row::Row;

/// Pieces of the language, good and bad, in any order.
fn soup() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "snr",
        "type",
        "hops",
        "payload.a.b",
        "obs.",
        "obs.snr",
        "time",
        "age",
        "from",
        "mine",
        "words",
        "near",
        "all",
        "any",
        "count",
        "obs",
        "(",
        ")",
        ",",
        ":",
        "~",
        "/",
        "/x/i",
        "==",
        "!=",
        "<",
        ">=",
        "&&",
        "||",
        "!",
        "and",
        "OR",
        "not",
        "between",
        "in",
        "contains",
        "after",
        "\"",
        "'",
        "\"a b\"",
        "\\",
        "ADVERT",
        "dm",
        "-5",
        "1..5",
        "..",
        "15m",
        "today",
        "now-2h",
        "2026-01-01",
        "*",
        "k*",
        "é",
        "İ",
        " ",
        "\n",
        "4096",
        "true",
    ]);
    prop::collection::vec((pieces, "[ ]?"), 0..24)
        .prop_map(|pieces| pieces.into_iter().map(|(piece, blank)| piece.to_owned() + &blank).collect())
}

/// Tests that are expressions.
fn test() -> impl Strategy<Value = String> {
    let operator = prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">="]);
    let number = prop::sample::select(vec!["-7.5", "0", "1", "2", "6.25"]);
    let numbers =
        (prop::sample::select(vec!["snr", "hops", "obs.snr", "count(obs)", "payload.n"]), operator, number)
            .prop_map(|(field, operator, number)| format!("{field} {operator} {number}"));
    let others = prop::sample::select(vec![
        "type:advert,dm",
        "type != ack",
        "route",
        "name:K*",
        "name != bob",
        "ridge",
        "from:d7",
        "via != hill",
        "mine",
        "time:today",
        "age > 1h",
        "time != 2026-01-15",
        "all(snr > 0)",
        "any(snr > 0 hops:1,2)",
        "snr:-10..5",
        "payload.s contains x",
        "payload.s in (5, x)",
        "payload.b",
        "encrypted == false",
        "near(47, 8, 50)",
        "name ~ /^k/i",
    ]);
    prop_oneof![numbers, others.prop_map(str::to_owned)]
}

fn expression() -> impl Strategy<Value = String> {
    test().prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|part| format!("not ({part})")),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" && "))),
            prop::collection::vec(inner, 2..4).prop_map(|parts| format!("({})", parts.join(" or "))),
        ]
    })
}

fn row() -> impl Strategy<Value = Value> {
    let number = || prop::option::of(prop::sample::select(vec![-7.5, 0.0, 1.0, 2.0, 6.25]));
    let node = || {
        prop::sample::select(vec![json!(null), json!({"key": "d707"}), json!({"key": "11", "name": "Hill"})])
    };
    let observation = (number(), number()).prop_map(|(snr, hops)| json!({"snr": snr, "hops": hops}));
    let payload = prop::sample::select(vec![
        json!(null),
        json!({"s": "x", "n": 1, "b": true}),
        json!({"s": 5, "n": "2"}),
    ]);
    let name = prop::option::of(prop::sample::select(vec!["KD7 Ridge", "Bob", ""]));
    let time = prop::option::of(prop::sample::select(vec!["2026-01-15T11:59:00Z", "2026-01-14T00:00:00Z"]));
    let kind = prop::option::of(0..16_u8);
    (number(), number(), node(), node(), prop::collection::vec(observation, 0..3), payload, name, time, kind).prop_map(
        |(snr, hops, from, via, obs, payload, name, time, kind)| {
            json!({"snr": snr, "hops": hops, "from": from, "via": via, "obs": obs, "payload": payload, "name": name,
                "time": time, "type": kind, "route": kind.filter(|kind| *kind < 4), "lat": hops, "lon": snr})
        },
    )
}

fn context() -> Context {
    Context {
        zone: TimeZone::fixed(jiff::tz::offset(2)),
        ..Context::at("2026-01-15T12:00:00Z".parse::<UnixMillis>().unwrap())
    }
}

fn parse(text: &str) -> Expr {
    Filter::parse(text, &context()).unwrap_or_else(|error| panic!("{text:?}: {error}")).expr().clone()
}

/// Whatever is printed is read as the same.
fn reads_back(text: &str) -> Result<(), TestCaseError> {
    if let Ok(filter) = Filter::parse(text, &context()) {
        let printed = filter.expr().to_string();
        prop_assert_eq!(Filter::parse(&printed, &context()), Ok(filter), "{:?}", printed);
    }
    Ok(())
}

proptest! {
    #[test]
    fn no_text_breaks_the_parser_and_errors_lie_within(text in prop_oneof![soup(), any::<String>()]) {
        reads_back(&text)?;
        if let Err(error) = Filter::parse(&text, &context()) {
            prop_assert!(text.get(error.at.clone()).is_some(), "{:?}", error);
            prop_assert!(error.to_string().len() < 400 && !error.to_string().contains('\n'));
        }
    }

    #[test]
    fn no_text_breaks_completion(text in prop_oneof![soup(), any::<String>()], cursor in 0..60_usize) {
        for completion in complete(&text, cursor, &()) {
            prop_assert!(text.get(completion.replaces.clone()).is_some(), "{:?}", completion);
        }
    }

    #[test]
    fn what_is_printed_means_the_same(text in expression(), row in row()) {
        reads_back(&text)?;
        let expr = parse(&text);
        prop_assert_eq!(parse(&expr.to_string()).matches(&Row(&row)), expr.matches(&Row(&row)));
    }

    #[test]
    fn not_and_or_obey_de_morgan(a in expression(), b in expression(), row in row()) {
        let holds = |text: String| parse(&text).matches(&Row(&row));
        let (is_a, is_b) = (holds(a.clone()), holds(b.clone()));
        prop_assert_eq!(holds(format!("!({a})")), !is_a);
        prop_assert_eq!(holds(format!("({a}) ({b})")), is_a && is_b);
        prop_assert_eq!(holds(format!("({a}) or ({b})")), is_a || is_b);
        prop_assert_eq!(holds(format!("!(({a}) && ({b}))")), holds(format!("!({a}) || !({b})")));
    }

    #[test]
    fn a_missing_number_fails_every_comparison(
        operator in prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">="]),
        number in -10..10,
    ) {
        let (empty, test) = (json!({}), format!("snr {operator} {number}"));
        let (passes, fails) = (parse(&test).matches(&Row(&empty)), parse(&format!("!({test})")).matches(&Row(&empty)));
        prop_assert_eq!((passes, fails), (false, true));
    }

    #[test]
    fn of_two_opposite_comparisons_one_holds_for_a_known_number(number in -100..100, other in -100..100) {
        let row = json!({"hops": number});
        for (one, opposite) in [("==", "!="), ("<", ">="), (">", "<=")] {
            let holds = |operator| parse(&format!("hops {operator} {other}")).matches(&Row(&row));
            prop_assert!(holds(one) != holds(opposite));
        }
    }
}
