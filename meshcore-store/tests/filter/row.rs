//! A row of the table as a subject: what it does not say is missing.

use std::borrow::Cow;

use meshcore_store::UnixMillis;
use meshcore_store::filter::{Field, Flag, NodePart, NodeRef, NumberField, REFERENCE, Subject, TextField};
use serde_json::Value;

pub(crate) struct Row<'a>(pub(crate) &'a Value);

impl<'a> Row<'a> {
    /// Values are called as the language calls them.
    fn value(&self, field: Field) -> &'a Value {
        let entry = REFERENCE.fields.iter().find(|entry| entry.field == field).unwrap();
        &self.0[entry.name]
    }

    fn code(&self, field: Field) -> Option<u8> {
        self.value(field).as_u64().map(|code| u8::try_from(code).unwrap())
    }
}

impl Subject for Row<'_> {
    fn payload_type(&self) -> Option<u8> {
        self.code(Field::Type)
    }

    fn route(&self) -> Option<u8> {
        self.code(Field::Route)
    }

    fn number(&self, field: NumberField) -> Option<f64> {
        self.value(Field::Number(field)).as_f64()
    }

    fn text(&self, field: TextField) -> Option<Cow<'_, str>> {
        self.value(Field::Text(field)).as_str().map(Cow::Borrowed)
    }

    fn flag(&self, flag: Flag) -> Option<bool> {
        self.value(Field::Flag(flag)).as_bool()
    }

    fn time(&self) -> Option<UnixMillis> {
        self.value(Field::Time).as_str().map(|text| text.parse().unwrap())
    }

    fn any_node(&self, part: NodePart, test: &mut dyn FnMut(NodeRef<'_>) -> bool) -> bool {
        let all = |part| match self.value(Field::Node(part)) {
            Value::Array(nodes) => nodes.as_slice(),
            Value::Null => &[],
            node => std::slice::from_ref(node),
        };
        let hops = all(NodePart::Via);
        let nodes: Vec<_> = match part {
            NodePart::Any => [all(NodePart::From), all(NodePart::To), hops].concat(),
            NodePart::FirstHop => hops.first().cloned().into_iter().collect(),
            NodePart::LastHop => hops.last().cloned().into_iter().collect(),
            part => all(part).to_vec(),
        };
        nodes.iter().any(|node| {
            let key = hex::decode(node["key"].as_str().unwrap()).unwrap();
            test(NodeRef { name: node["name"].as_str(), key: &key })
        })
    }

    fn payload(&self, path: &[String]) -> Option<Cow<'_, Value>> {
        path.iter().try_fold(&self.0["payload"], |value, key| value.get(key)).map(Cow::Borrowed)
    }

    fn any_observation(&self, test: &mut dyn FnMut(&dyn Subject) -> bool) -> bool {
        let all = self.0["obs"].as_array();
        all.is_some_and(|all| all.iter().any(|observation| test(&Row(observation))))
    }
}
