//! The OpenAPI document: it is the committed one, whole, and true of what the server answers.

use std::collections::BTreeSet;
use std::path::Path;

use meshcore_web::api::Document;
use meshcore_web::live::frame::LiveFrame;
use serde_json::{Map, Value};
use utoipa::OpenApi;

use crate::http::ROUTES;
use crate::world::World;

const RENEW: &str = "cargo run -p meshcore-web --example openapi > public/openapi.json";

fn document() -> Value {
    serde_json::to_value(Document::openapi()).unwrap()
}

/// The schema behind a reference.
fn resolve<'a>(document: &'a Value, reference: &str) -> &'a Value {
    let pointer = reference.strip_prefix('#').expect("references stay inside the document");
    document.pointer(pointer).unwrap_or_else(|| panic!("{reference} is not in the document"))
}

#[test]
fn the_openapi_document_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../public/openapi.json");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    let current = Document::openapi().to_pretty_json().unwrap();
    assert!(
        committed.trim_end() == current,
        "public/openapi.json is not what the handlers say; renew it:\n{RENEW}"
    );
}

#[test]
fn every_reference_leads_somewhere() {
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let document = document();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 20);
    for reference in found {
        assert!(resolve(&document, reference).is_object(), "{reference}");
    }
}

#[test]
fn every_operation_has_a_name_of_its_own_and_every_answer_a_description() {
    let document = document();
    let mut names = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let operation = &item["get"];
        assert!(names.insert(operation["operationId"].as_str().unwrap()), "{path}");
        for (status, response) in operation["responses"].as_object().unwrap() {
            assert!(response["description"].as_str().is_some_and(|text| !text.is_empty()), "{path} {status}");
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(parameter["description"].is_string(), "{path} {}", parameter["name"]);
        }
    }
}

/// The routes as `api/mod.rs` registers them: `get("/nodes", …)`.
fn registered() -> BTreeSet<String> {
    let source = include_str!("../../src/api/mod.rs");
    let calls = source.split(".service(get(\"").skip(1);
    calls.map(|call| format!("/api{}", call.split('"').next().unwrap())).collect()
}

#[actix_web::test]
async fn every_route_is_in_the_document_and_the_other_way_round() {
    let document = document();
    let documented: BTreeSet<_> = document["paths"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(registered(), documented);
    let asked: BTreeSet<_> = ROUTES.iter().map(|uri| uri.replace("/packets/1", "/packets/{id}")).collect();
    assert_eq!(asked, documented);
    let world = World::recorded();
    for uri in ROUTES {
        assert_eq!(world.get(uri).await.status, 200, "{uri}");
    }
}

#[actix_web::test]
async fn every_answer_fits_its_schema() {
    let document = document();
    let schema = |path: &str, status: &str| {
        document["paths"][path]["get"]["responses"][status]["content"]["application/json"]["schema"].clone()
    };
    let (recorded, empty) = (World::recorded(), World::empty());
    for (uri, path) in [
        ("/api/packets?limit=1000", "/api/packets"),
        ("/api/packets?limit=1000&expand=observations", "/api/packets"),
        ("/api/packets?limit=1000&groupByHash=true", "/api/packets"),
        ("/api/nodes", "/api/nodes"),
        ("/api/observers", "/api/observers"),
        ("/api/stats", "/api/stats"),
        ("/api/healthz", "/api/healthz"),
        ("/api/mqtt/status", "/api/mqtt/status"),
        ("/api/config/client", "/api/config/client"),
    ] {
        for world in [&recorded, &empty] {
            fits(&document, &schema(path, "200"), &world.json(uri).await, uri).unwrap();
        }
    }
    let packet = recorded.json("/api/packets/1").await;
    fits(&document, &schema("/api/packets/{id}", "200"), &packet, "packet").unwrap();
    let problem = recorded.get("/api/packets/0").await.json();
    fits(&document, &schema("/api/packets/{id}", "404"), &problem, "problem").unwrap();
}

#[test]
fn every_live_frame_fits_its_schema() {
    let document = document();
    let schema = resolve(&document, "#/components/schemas/LiveFrame");
    for frame in crate::live::frames(&World::empty(), |world| world.write(world.recording())) {
        fits(&document, schema, &frame, "frame").unwrap();
    }
    let lagged = serde_json::to_value(LiveFrame::Lagged { dropped: 1 }).unwrap();
    fits(&document, schema, &lagged, "lagged").unwrap();
}

#[actix_web::test]
async fn a_changed_answer_does_not_fit() {
    let document = document();
    let schema = resolve(&document, "#/components/schemas/Packet");
    let packet = World::recorded().json("/api/packets/1").await["packet"].clone();
    fits(&document, schema, &packet, "packet").unwrap();
    for (key, wrong) in [("extra", Value::from(1)), ("id", Value::from("1")), ("hash", Value::Null)] {
        let mut changed = packet.clone();
        changed[key] = wrong;
        fits(&document, schema, &changed, "packet").expect_err(key);
    }
    let mut shorter = packet;
    shorter.as_object_mut().unwrap().remove("scope_name");
    fits(&document, schema, &shorter, "packet").unwrap_err();
}

/// As much of JSON Schema as the document uses. Keys that are not listed do not fit, so that the document is complete.
fn fits(document: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    if schema.as_object().is_some_and(Map::is_empty) {
        return Ok(()); // anything
    }
    if let Some(reference) = schema["$ref"].as_str() {
        return fits(document, resolve(document, reference), value, at);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let refusals: Vec<_> =
            choices.iter().filter_map(|choice| fits(document, choice, value, at).err()).collect();
        return if refusals.len() < choices.len() { Ok(()) } else { Err(refusals.join("; or ")) };
    }
    if !has_type(&schema["type"], value) && schema.get("allOf").is_none() {
        return Err(format!("{at}: {value} is not of type {}", schema["type"]));
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        return Err(format!("{at}: {value} is none of {words:?}"));
    }
    match value {
        Value::Array(items) => {
            items.iter().try_for_each(|item| fits(document, &schema["items"], item, &format!("{at}[]")))
        }
        Value::Object(fields) => {
            let shape = Shape::of(document, schema);
            if let Some(name) = shape.required.iter().find(|name| !fields.contains_key(**name)) {
                return Err(format!("{at}.{name}: absent"));
            }
            fields.iter().try_for_each(|(name, field)| {
                let at = format!("{at}.{name}");
                let schema = shape.properties.get(name.as_str()).or(shape.others.as_ref());
                fits(document, schema.ok_or_else(|| format!("{at}: unknown"))?, field, &at)
            })
        }
        _ => Ok(()),
    }
}

/// The keys of an object, those of `allOf` included.
#[derive(Default)]
struct Shape<'a> {
    properties: Map<String, Value>,
    required: Vec<&'a str>,
    others: Option<Value>,
}

impl<'a> Shape<'a> {
    fn of(document: &'a Value, schema: &'a Value) -> Self {
        let mut shape = Self::default();
        shape.add(document, schema);
        shape
    }

    fn add(&mut self, document: &'a Value, schema: &'a Value) {
        if let Some(reference) = schema["$ref"].as_str() {
            return self.add(document, resolve(document, reference));
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.add(document, part);
        }
        self.properties.extend(schema["properties"].as_object().cloned().unwrap_or_default());
        self.required.extend(schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str));
        self.others = self.others.take().or_else(|| schema.get("additionalProperties").cloned());
    }
}

/// `type` is a word, a list of words, or absent for anything.
fn has_type(types: &Value, value: &Value) -> bool {
    let is = |word: &Value| match word.as_str() {
        Some("null") => value.is_null(),
        Some("boolean") => value.is_boolean(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => false,
    };
    match types {
        Value::Null => true,
        Value::Array(words) => words.iter().any(is),
        word => is(word),
    }
}
