//! Every route, asked in process, on databases small enough to know what must come out.

mod client_config;
mod http;
mod live;
mod made;
mod nodes;
mod observers;
mod openapi;
mod packets;
mod pages;
mod stats;
mod visibility;
mod world;

use serde_json::Value;

/// Compares an answer with `tests/snapshots/api__<name>.snap`.
#[track_caller]
fn snapshot(name: &str, answer: &Value) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_sort_maps(true);
    settings.bind(|| insta::assert_json_snapshot!(format!("api__{name}"), answer));
}

/// One field of every row of a list.
fn column(rows: &Value, field: &str) -> Vec<Value> {
    rows.as_array().expect("a list").iter().map(|row| row[field].clone()).collect()
}
