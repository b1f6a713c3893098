//! A filter over a block: columns answer what they can, and only the rows that are left are looked at one by one.

use super::block::{BestSignal, Block, Column};
use super::column::whole;
use super::row_set::RowSet;
use super::snapshot::Snapshot;
use super::subject::{Backing, Row};
use crate::filter::{Comparison, Expr, NumberField, NumberTest, Term, TextField, TextTest};

impl Snapshot {
    /// Takes out the rows that do not match.
    pub(super) fn filter(
        &self,
        block: &Block,
        expr: &Expr,
        rows: &mut RowSet,
        backing: Option<&dyn Backing>,
    ) {
        match expr {
            Expr::All => {}
            Expr::And(parts) => {
                // What columns answer comes first: it costs next to nothing and leaves little for the rest.
                let (cheap, dear): (Vec<_>, Vec<_>) = parts.iter().partition(|part| is_of_columns(part));
                for part in cheap.into_iter().chain(dear) {
                    if rows.is_empty() {
                        return;
                    }
                    self.filter(block, part, rows, backing);
                }
            }
            Expr::Or(parts) => {
                let mut any = RowSet::none(rows.universe());
                for part in parts {
                    let mut matching = rows.clone();
                    self.filter(block, part, &mut matching, backing);
                    any.or(&matching);
                }
                *rows = any;
            }
            Expr::Not(inner) => {
                let mut matching = rows.clone();
                self.filter(block, inner, &mut matching, backing);
                matching.invert();
                rows.and(&matching);
            }
            Expr::Term(term) => match self.of_columns(block, term) {
                Some(matching) => rows.and(&matching),
                None => rows.retain(|row| term.matches(&Row::new(self, block, row, backing))),
            },
        }
    }

    /// The rows that pass a test, when columns can tell.
    fn of_columns(&self, block: &Block, term: &Term) -> Option<RowSet> {
        let len = block.len();
        let any = |column: Column, numbers: &mut dyn Iterator<Item = i64>| {
            let mut rows = RowSet::none(len);
            numbers.for_each(|number| rows.or(&block.select(column, number..=number)));
            rows
        };
        match term {
            Term::Type(codes) => {
                Some(any(Column::PayloadType, &mut codes.iter().map(|code| i64::from(code) + 1)))
            }
            Term::Route(codes) => Some(any(Column::Route, &mut codes.iter().map(|code| i64::from(code) + 1))),
            Term::Number { field: NumberField::Snr, test } => {
                let (low, high) = range(test)?;
                Some(block.select_best(BestSignal::Snr, low..=high))
            }
            Term::Number { field: NumberField::Rssi, test } => {
                let (low, high) = range(test)?;
                Some(block.select_best(BestSignal::Rssi, low..=high))
            }
            Term::Number { field: NumberField::Size, test } => {
                let (low, high) = range(test)?;
                // A length of 0 says that there is no frame.
                Some(block.select(Column::FrameLength, whole(low.ceil()).max(1)..=whole(high.floor())))
            }
            Term::Number { field: NumberField::Hops, test } => {
                let (low, high) = range(test)?;
                let mut rows = block.select(Column::Hops, whole(low.ceil())..=whole(high.floor()));
                // A packet nobody observed has no hops, not even none.
                rows.retain(|row| block.observation_count(row) > 0);
                Some(rows)
            }
            Term::Text {
                field: field @ (TextField::Channel | TextField::Scope),
                test: TextTest::Is(name),
            } => {
                let column = if *field == TextField::Channel { Column::Channel } else { Column::Scope };
                let texts = (1_i64..).zip(self.names.texts());
                let mut named =
                    texts.filter(|(_, text)| text.to_lowercase() == *name).map(|(number, _)| number);
                Some(any(column, &mut named))
            }
            _ => None,
        }
    }
}

fn is_of_columns(expr: &Expr) -> bool {
    let Expr::Term(term) = expr else { return false };
    match term {
        Term::Type(_) | Term::Route(_) => true,
        Term::Number { field, test } => {
            matches!(field, NumberField::Snr | NumberField::Rssi | NumberField::Size | NumberField::Hops)
                && range(test).is_some()
        }
        Term::Text { field, test } => {
            matches!(field, TextField::Channel | TextField::Scope) && matches!(test, TextTest::Is(_))
        }
        _ => false,
    }
}

/// The numbers that pass, both ends included.
fn range(test: &NumberTest) -> Option<(f64, f64)> {
    match *test {
        NumberTest::Is(Comparison::Eq, number) => Some((number, number)),
        NumberTest::Is(Comparison::Lt, number) => Some((f64::NEG_INFINITY, number.next_down())),
        NumberTest::Is(Comparison::Le, number) => Some((f64::NEG_INFINITY, number)),
        NumberTest::Is(Comparison::Gt, number) => Some((number.next_up(), f64::INFINITY)),
        NumberTest::Is(Comparison::Ge, number) => Some((number, f64::INFINITY)),
        NumberTest::Between(low, high) => Some((low, high)),
        _ => None,
    }
}
