//! Attributes of a node.

use std::path::Path;

use crate::ops::{Attribute, Attributes, OpError};

use super::super::OnnxError;
use super::super::proto::{AttributeProto, NodeProto, attribute_type as kind};
use super::tensor::tensor;

/// The attributes that are no graphs.
pub(super) fn attributes(
    node: &NodeProto,
    folder: Option<&Path>,
    wrong: &dyn Fn(OpError) -> OnnxError,
) -> Result<Attributes, OnnxError> {
    let mut all = Attributes::new();
    for attribute in &node.attribute {
        let name = attribute.name.as_deref().unwrap_or_default();
        if all.iter().any(|(other, _)| other == name) {
            return Err(wrong(OpError::attribute(name, "it is there twice")));
        }
        if attribute.ref_attr_name.as_deref().is_some_and(|name| !name.is_empty()) {
            return Err(wrong(OpError::attribute(name, "it refers to one of a function")));
        }
        if let Some(value) = value(attribute, name, folder, wrong)? {
            all.insert(name, value);
        }
    }
    Ok(all)
}

/// Its type, which old files leave out.
fn type_of(attribute: &AttributeProto) -> i32 {
    let present = [
        (kind::FLOAT, attribute.f.is_some()),
        (kind::INT, attribute.i.is_some()),
        (kind::STRING, attribute.s.is_some()),
        (kind::TENSOR, attribute.t.is_some()),
        (kind::GRAPH, attribute.g.is_some()),
        (kind::FLOATS, !attribute.floats.is_empty()),
        (kind::INTS, !attribute.ints.is_empty()),
        (kind::STRINGS, !attribute.strings.is_empty()),
    ];
    match attribute.r#type.unwrap_or_default() {
        0 => present.iter().find(|(_, there)| *there).map_or(0, |(kind, _)| *kind),
        given => given,
    }
}

fn value(
    attribute: &AttributeProto,
    name: &str,
    folder: Option<&Path>,
    wrong: &dyn Fn(OpError) -> OnnxError,
) -> Result<Option<Attribute>, OnnxError> {
    let text = |bytes: &[u8]| {
        let text = String::from_utf8(bytes.to_vec());
        text.map_err(|_| wrong(OpError::attribute(name, "it is no text")))
    };
    Ok(Some(match type_of(attribute) {
        kind::FLOAT => Attribute::Float(attribute.f.unwrap_or_default()),
        kind::INT => Attribute::Int(attribute.i.unwrap_or_default()),
        kind::STRING => Attribute::Text(text(attribute.s.as_deref().unwrap_or_default())?),
        kind::TENSOR => match &attribute.t {
            Some(value) => Attribute::Tensor(tensor(value, folder)?),
            None => return Err(wrong(OpError::attribute(name, "it has no value"))),
        },
        kind::GRAPH => return Ok(None),
        kind::FLOATS => Attribute::Floats(attribute.floats.clone()),
        kind::INTS => Attribute::Ints(attribute.ints.clone()),
        kind::STRINGS => {
            let texts = attribute.strings.iter().map(|bytes| text(bytes));
            Attribute::Texts(texts.collect::<Result<_, _>>()?)
        }
        other => {
            let problem = format!("its type is number {other}: numbers, texts, tensors, graphs");
            return Err(wrong(OpError::attribute(name, problem)));
        }
    }))
}
