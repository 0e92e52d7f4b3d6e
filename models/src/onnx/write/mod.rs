//! From graphs to ONNX files.

mod datatype;
mod external;
mod graph;
mod tensor;

use std::collections::BTreeSet;
use std::path::Path;

use prost::Message;

use crate::graph::{Graph, Node};
use crate::ops::Op;

use super::OnnxError;
use super::proto::{ModelProto, OperatorSetIdProto};
pub use external::ExternalData;
pub(crate) use tensor::raw_bytes;

/// The version of QONNX's operators; `Trunc` of five inputs is in version 1 alone, and everything else in both.
fn qonnx_version(graph: &Graph) -> i64 {
    let is_old = |node: &Node| match &node.op {
        Op::Trunc(_) => node.inputs.len() <= 5,
        op => op.graphs().into_iter().any(|graph| qonnx_version(graph) == 1),
    };
    if graph.nodes().any(|(_, node)| is_old(node)) { 1 } else { 2 }
}

/// IR version of each operator set, from 7 on: the one that came out with it (`VERSION_TABLE` of the PyPI package `onnx` 1.23.2).
const IR_VERSIONS: [i64; 19] = [3, 3, 4, 5, 6, 7, 7, 7, 8, 8, 8, 8, 9, 9, 10, 10, 11, 12, 13];

/// A graph as the bytes of a model, initializers inside.
///
/// # Errors
/// An operator set other than 7 to 25; an operator or a form of it that the operator set does not have; element types that
/// ONNX does not have; more than 2 GiB.
pub fn write_bytes(graph: &Graph, opset: i64) -> Result<Vec<u8>, OnnxError> {
    model_bytes(graph, opset, None)
}

/// The same, with the elements of some initializers in another file.
///
/// # Errors
/// As [`write_bytes`].
pub fn write_bytes_beside(
    graph: &Graph,
    opset: i64,
    external: &ExternalData,
) -> Result<Vec<u8>, OnnxError> {
    model_bytes(graph, opset, Some(external))
}

fn model_bytes(
    graph: &Graph,
    opset: i64,
    external: Option<&ExternalData>,
) -> Result<Vec<u8>, OnnxError> {
    let place = usize::try_from(opset - 7).ok().and_then(|place| IR_VERSIONS.get(place));
    let &ir_version = place.ok_or(OnnxError::Opset { found: opset })?;
    let mut domains = BTreeSet::from([""]);
    domains_of(graph, &mut domains);
    let import = |domain: &&str| OperatorSetIdProto {
        domain: Some((*domain).to_owned()),
        version: Some(if domain.is_empty() { opset } else { qonnx_version(graph) }),
    };
    let model = ModelProto {
        ir_version: Some(ir_version),
        producer_name: Some("fewbit".into()),
        producer_version: Some(env!("CARGO_PKG_VERSION").into()),
        graph: Some(graph::graph(graph, opset, external)?),
        opset_import: domains.iter().map(import).collect(),
        functions: Vec::new(),
    };
    match model.encoded_len() {
        size if size > i32::MAX as usize => {
            let problem = format!("{size} bytes, and a file of ONNX has at most 2 GiB");
            Err(OnnxError::Value { name: graph.name.clone(), problem })
        }
        _ => Ok(model.encode_to_vec()),
    }
}

fn domains_of<'a>(graph: &'a Graph, domains: &mut BTreeSet<&'a str>) {
    for (_, node) in graph.nodes() {
        domains.insert(node.op.domain());
        for graph in node.op.graphs() {
            domains_of(graph, domains);
        }
    }
}

/// Writes a graph to a file, whole or not at all.
///
/// # Errors
/// As [`write_bytes`]; a file that cannot be written.
pub fn write(graph: &Graph, opset: i64, path: &Path) -> Result<(), OnnxError> {
    let bytes = write_bytes(graph, opset)?;
    let problem = |error: std::io::Error| OnnxError::File {
        path: path.to_owned(),
        problem: error.to_string(),
    };
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.part", std::process::id()));
    let part = path.with_file_name(name);
    let written = std::fs::write(&part, bytes).and_then(|()| std::fs::rename(&part, path));
    written.map_err(|error| {
        // What is left of it is of no use; that it cannot be removed is not the error to report.
        let _ = std::fs::remove_file(&part);
        problem(error)
    })
}
