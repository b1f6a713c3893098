//! The filter language by a table of cases, which tests of the page read too.

mod laws;
mod row;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use meshcore_proto::PublicKey;
use meshcore_store::UnixMillis;
use meshcore_store::filter::{Context, Filter, Limits, Problem, REFERENCE};
use serde::Deserialize;
use serde_json::Value;

use row::Row;

#[derive(Deserialize)]
struct Table {
    context: Reader,
    rows: BTreeMap<String, Value>,
    cases: Vec<Case>,
    errors: Vec<Mistake>,
}

#[derive(Deserialize)]
struct Reader {
    now: String,
    zone: String,
    mine: Vec<String>,
    fav: Vec<String>,
}

/// An expression with the rows it matches, or a heading.
#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Case {
    Heading {
        #[expect(dead_code, reason = "for people")]
        about: String,
    },
    Matches {
        expr: String,
        matches: Vec<String>,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mistake {
    expr: String,
    at: (usize, usize),
    message: Option<String>,
    #[serde(default, deserialize_with = "said")]
    nearest: Option<Option<String>>,
}

/// `null` is something said: that nothing is suggested.
fn said<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

fn table() -> Table {
    serde_json::from_str(include_str!("cases.json")).unwrap()
}

impl Reader {
    fn context(&self) -> Context {
        let keys = |texts: &[String]| texts.iter().map(|text| text.parse::<PublicKey>().unwrap()).collect();
        Context {
            now: self.now.parse().unwrap(),
            zone: TimeZone::posix(&self.zone).unwrap(),
            mine: keys(&self.mine),
            favourites: keys(&self.fav),
        }
    }
}

#[test]
fn every_expression_matches_the_rows_that_the_table_says() {
    let table = table();
    let context = table.context.context();
    let mut wrong = Vec::new();
    for case in &table.cases {
        let Case::Matches { expr, matches } = case else { continue };
        let found = match Filter::parse(expr, &context) {
            Ok(filter) => table
                .rows
                .iter()
                .filter(|(_, row)| filter.matches(&Row(row)))
                .map(|(name, _)| name.clone())
                .collect(),
            Err(error) => vec![format!("{error} at {:?}", error.at)],
        };
        if found != *matches {
            wrong.push(format!("{expr:?}: {found:?}, not {matches:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_mistake_is_found_where_the_table_says() {
    let table = table();
    let context = table.context.context();
    let mut wrong = Vec::new();
    for Mistake { expr, at, message, nearest } in &table.errors {
        let found = match Filter::parse(expr, &context) {
            Ok(filter) => format!("{:?}", filter.expr()),
            Err(error) => {
                let is_right = error.at == (at.0..at.1)
                    && message.as_ref().is_none_or(|message| *message == error.to_string())
                    && nearest.as_ref().is_none_or(|nearest| *nearest == error.nearest);
                if is_right {
                    continue;
                }
                format!("{error} at {:?}", error.at)
            }
        };
        wrong.push(format!("{expr:?}: {found}"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_printed_meaning_reads_back() {
    let table = table();
    let context = table.context.context();
    for case in &table.cases {
        let Case::Matches { expr, .. } = case else { continue };
        let filter = Filter::parse(expr, &context).unwrap();
        let printed = filter.expr().to_string();
        assert_eq!(Filter::parse(&printed, &context), Ok(filter), "{expr:?} is printed as {printed:?}");
    }
}

#[test]
fn every_example_of_the_help_is_an_expression() {
    let context = Context::at(UnixMillis::from_seconds(1_768_478_400));
    let fields = REFERENCE.fields.iter().map(|field| field.example);
    for example in fields.chain(REFERENCE.operators.iter().map(|operator| operator.example)) {
        if let Err(error) = Filter::parse(example, &context) {
            panic!("{example:?}: {error} at {:?}", error.at);
        }
    }
}

#[test]
fn a_filter_has_limits() {
    let context = Context::at(UnixMillis::default());
    let problem = |text: &str| Filter::parse(text, &context).unwrap_err().problem;
    let nested = |depth| format!("{}snr{}", "(".repeat(depth), ")".repeat(depth));
    let many = |count| vec!["snr"; count].join(" ");
    let patterns = |count| vec!["text ~ /x/"; count].join(" ");

    assert_eq!(problem(&"é".repeat(2049)), Problem::TooLong { max: 4096 });
    assert!(Filter::parse(&nested(Limits::DEPTH), &context).is_ok());
    assert_eq!(problem(&nested(Limits::DEPTH + 1)), Problem::TooDeep { max: 64 });
    assert_eq!(problem(&"!".repeat(4000)), Problem::TooDeep { max: 64 });
    assert!(Filter::parse(&many(Limits::TERMS), &context).is_ok());
    assert_eq!(problem(&many(Limits::TERMS + 1)), Problem::TooMany { max: 256, what: "tests" });
    assert_eq!(
        problem(&format!("hops:{}", vec!["1"; 257].join(","))),
        Problem::TooMany { max: 256, what: "tests" }
    );
    assert!(Filter::parse(&patterns(Limits::PATTERNS), &context).is_ok());
    assert_eq!(problem(&patterns(17)), Problem::TooMany { max: 16, what: "regular expressions" });
}
