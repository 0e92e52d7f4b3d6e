//! What a file uses: operator sets, and operators that there are none of.

use std::collections::BTreeMap;

use crate::ops::Op;

use super::super::proto::{GraphProto, ModelProto, NodeProto};
use super::super::{OnnxError, UnknownOperator};

/// The operator sets that are supported.
pub(super) const OPSETS: std::ops::RangeInclusive<i64> = 7..=25;

/// The domain under which an operator is in the table.
pub(super) fn domain(domain: Option<&str>) -> &str {
    match domain.unwrap_or_default() {
        "ai.onnx" => "",
        "onnx.brevitas" | "finn.custom_op.general" => "qonnx.custom_op.general",
        other => other,
    }
}

/// The name under which a node's operator is in the table.
pub(super) fn operator(node: &NodeProto) -> &str {
    let name = node.op_type.as_deref().unwrap_or_default();
    match (domain(node.domain.as_deref()), name) {
        ("qonnx.custom_op.general", "IntQuant") => "Quant",
        _ => name,
    }
}

/// The operator set of each domain.
pub(super) fn opsets(model: &ModelProto) -> Result<BTreeMap<String, i64>, OnnxError> {
    let mut opsets = BTreeMap::new();
    for import in &model.opset_import {
        let version = import.version.unwrap_or_default();
        opsets.insert(domain(import.domain.as_deref()).to_owned(), version);
    }
    let found = opsets.get("").copied();
    // A file that imports none has no operator of ONNX's own, or is broken.
    match found.unwrap_or(*OPSETS.end()) {
        found if OPSETS.contains(&found) => Ok(opsets),
        found => Err(OnnxError::Opset { found }),
    }
}

/// A name for error messages.
pub(super) fn node_name(node: &NodeProto) -> String {
    let named = node.name.clone().filter(|name| !name.is_empty());
    named.unwrap_or_else(|| match node.output.iter().find(|output| !output.is_empty()) {
        Some(output) => format!("that of `{output}`"),
        None => "without a name".into(),
    })
}

/// Sees that there is every operator that is used.
pub(super) fn operators(model: &ModelProto, graph: &GraphProto) -> Result<(), OnnxError> {
    let mut unknown = Vec::new();
    walk(model, graph, &mut unknown)?;
    if unknown.is_empty() { Ok(()) } else { Err(OnnxError::UnknownOperators(unknown)) }
}

fn walk(
    model: &ModelProto,
    graph: &GraphProto,
    unknown: &mut Vec<UnknownOperator>,
) -> Result<(), OnnxError> {
    for node in &graph.node {
        let (domain, name) = (domain(node.domain.as_deref()), operator(node));
        let is_function = model.functions.iter().any(|function| {
            function.name.as_deref() == Some(name)
                && self::domain(function.domain.as_deref()) == domain
        });
        if is_function {
            return Err(OnnxError::Function(name.to_owned()));
        }
        let known = Op::is_known(domain, name);
        let listed = unknown.iter().any(|op| op.domain == domain && op.name == name);
        if !known && !listed {
            let (domain, name) = (domain.to_owned(), name.to_owned());
            unknown.push(UnknownOperator { domain, name, node: node_name(node) });
        }
        for attribute in &node.attribute {
            if let Some(graph) = &attribute.g {
                walk(model, graph, unknown)?;
            }
        }
    }
    Ok(())
}
