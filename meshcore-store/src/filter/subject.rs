//! What a filter asks of a packet, or of one of its observations.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::field::{Flag, NodePart, NumberField, TextField};
use crate::UnixMillis;

/// Something a filter can be asked about. Only what an expression names is asked for: a test on a number decodes nothing.
///
/// What is not overridden is missing. An observation is asked only for fields of which
/// [`Field::is_of_observation`](super::Field::is_of_observation) says that each has its own.
pub trait Subject {
    /// 0 to 15.
    fn payload_type(&self) -> Option<u8> {
        None
    }

    /// 0 to 3.
    fn route(&self) -> Option<u8> {
        None
    }

    /// In the unit that the field says.
    fn number(&self, field: NumberField) -> Option<f64> {
        let _ = field;
        None
    }

    /// In any case.
    fn text(&self, field: TextField) -> Option<Cow<'_, str>> {
        let _ = field;
        None
    }

    /// Whether something holds, as far as is known.
    fn flag(&self, flag: Flag) -> Option<bool> {
        let _ = flag;
        None
    }

    /// When it was heard.
    fn time(&self) -> Option<UnixMillis> {
        None
    }

    /// Whether `test` holds for a node in that part of the packet.
    fn any_node(&self, part: NodePart, test: &mut dyn FnMut(NodeRef<'_>) -> bool) -> bool {
        let _ = (part, test);
        false
    }

    /// A value of the decoded payload, by its keys from the outside in.
    fn payload(&self, path: &[String]) -> Option<Cow<'_, Json>> {
        let _ = path;
        None
    }

    /// Whether `test` holds for an observation.
    fn any_observation(&self, test: &mut dyn FnMut(&dyn Subject) -> bool) -> bool {
        let _ = test;
        false
    }
}

/// A node as a packet shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeRef<'a> {
    /// Its name, when it is known.
    pub name: Option<&'a str>,
    /// Its public key, or the first bytes of it when more is not known.
    pub key: &'a [u8],
}
