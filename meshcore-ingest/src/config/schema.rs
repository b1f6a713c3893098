//! What a type reads: its keys, and what each may hold. Derived from the type, so that there is no second list.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Number, Value};

use super::key::{Step, join, steps};

/// The JSON schema of a type that reads keys, without references.
pub(super) struct Schema(Value);

impl Schema {
    pub(super) fn of<T: JsonSchema>() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
        Self(settings.into_generator().into_root_schema_for::<T>().to_value())
    }

    pub(super) fn root(&self) -> &Value {
        &self.0
    }

    /// What may be at `key`; `None` when the type does not read it.
    pub(super) fn at(&self, key: &str) -> Option<&Value> {
        steps(key).try_fold(&self.0, |schema, step| match step {
            Step::Name(name) => {
                properties(schema).and_then(|known| known.get(name)).or_else(|| values(schema))
            }
            Step::Index(_) => items(schema),
        })
    }
}

/// The keys that `T` reads, the deepest that have a name: `mqttSources[].topics`.
pub fn keys_of<T: JsonSchema>() -> Vec<String> {
    let mut keys = Vec::new();
    collect(Schema::of::<T>().root(), "", &mut keys);
    keys
}

/// The JSON schema of what `T` reads, for editors. Other keys are no mistake.
pub fn json_schema_of<T: JsonSchema>() -> Value {
    Schema::of::<T>().0
}

/// Adds to one schema what another one has beyond it: two parts may read keys of one object.
pub fn merge_schema(into: &mut Value, from: Value) {
    let (Value::Object(into), Value::Object(from)) = (into, from) else { return };
    for (name, value) in from {
        match into.get_mut(&name) {
            Some(known) => merge_schema(known, value),
            None => drop(into.insert(name, value)),
        }
    }
}

fn collect(schema: &Value, key: &str, keys: &mut Vec<String>) {
    if let Some(known) = properties(schema) {
        for (name, inner) in known {
            collect(inner, &join(key, name), keys);
        }
    } else if let Some(item) = items(schema).filter(|item| properties(item).is_some()) {
        collect(item, &format!("{key}[]"), keys);
    } else {
        keys.push(key.to_owned());
    }
}

/// The named members of an object.
pub(super) fn properties(schema: &Value) -> Option<&Map<String, Value>> {
    part(schema, "properties")?.as_object().filter(|known| !known.is_empty())
}

/// What the members of an object with names of the operator's choice may be.
pub(super) fn values(schema: &Value) -> Option<&Value> {
    part(schema, "additionalProperties").filter(|inner| **inner != Value::Bool(false))
}

/// What the items of a list may be.
pub(super) fn items(schema: &Value) -> Option<&Value> {
    part(schema, "items")
}

/// Whether the value is nobody else's business.
pub(super) fn is_secret(schema: &Value) -> bool {
    part(schema, "format").is_some_and(|format| format == "password")
}

/// Whether the value is a URL, which may have a password in it.
pub(super) fn is_url(schema: &Value) -> bool {
    part(schema, "format").is_some_and(|format| format == "uri")
}

/// `text` as the value that is expected. What cannot be read as one stays a text, so that the reader refuses it.
pub(super) fn typed(text: &str, schema: &Value) -> Value {
    let trimmed = text.trim();
    let read = || -> Option<Value> {
        if may_be(schema, "boolean") {
            trimmed.parse().ok().map(Value::Bool)
        } else if may_be(schema, "integer") || may_be(schema, "number") {
            serde_json::from_str::<Number>(trimmed).ok().map(Value::Number)
        } else if may_be(schema, "array") && !trimmed.starts_with('[') {
            let item = items(schema).unwrap_or(&Value::Null);
            let given = trimmed.split(',').map(str::trim).filter(|item| !item.is_empty());
            Some(given.map(|text| typed(text, item)).collect())
        } else if may_be(schema, "array") || may_be(schema, "object") {
            serde_json::from_str(trimmed).ok()
        } else {
            None
        }
    };
    read().unwrap_or_else(|| Value::String(text.to_owned()))
}

fn may_be(schema: &Value, name: &str) -> bool {
    match part(schema, "type") {
        Some(Value::Array(names)) => names.iter().any(|known| known == name),
        Some(known) => known == name,
        None => false,
    }
}

/// A keyword of the schema, or of its first alternative that has it: an optional object is `anyOf` it and null.
fn part<'a>(schema: &'a Value, keyword: &str) -> Option<&'a Value> {
    let alternatives = schema.get("anyOf").and_then(Value::as_array).into_iter().flatten();
    schema.get(keyword).or_else(|| alternatives.filter_map(|inner| inner.get(keyword)).next())
}
