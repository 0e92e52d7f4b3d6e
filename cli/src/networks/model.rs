//! Reading a network, and saying what is in it.

use std::collections::BTreeMap;
use std::path::Path;

use fewbit_models::graph::{Graph, products};
use fewbit_models::import::recognize_quantizers;
use fewbit_models::language::{BuildOptions, SavedModel};
use fewbit_models::ops::Op;
use serde::Serialize;

use super::error::NetworkError;
use super::language::{checkpoint, is_language_model, language_graph, saved_model};
use super::perceptron;
use crate::error::CliError;
use crate::io::input::Input;
use crate::io::log::InputLog;

/// The network of an ONNX file, of a `.safetensors` file with a chain of linear layers, or of a language model's checkpoint.
///
/// # Errors
/// A file that cannot be read, or is no network that runs here.
pub(crate) fn read_model(path: &Path, log: &InputLog) -> Result<Graph, CliError> {
    if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("safetensors")) {
        return perceptron::read(path, log);
    }
    if is_language_model(path) {
        return language_graph(&*checkpoint(path, log)?, &BuildOptions::default());
    }
    if SavedModel::is_in(path) {
        return Ok(saved_model(path, log)?.graph);
    }
    let mut input = Input::open(path, log)?;
    let (mut bytes, length) = (Vec::new(), input.length);
    input.check_memory(length)?;
    input.read(length, &mut bytes)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let graph = read_bytes(bytes, Some(folder.unwrap_or(Path::new("."))));
    graph.map_err(|error| input.wrong(error.to_string()))
}

/// The network of an ONNX file's bytes; its external tensors are in this folder.
///
/// # Errors
/// Bytes that are no network that runs here.
pub(crate) fn read_bytes(bytes: Vec<u8>, folder: Option<&Path>) -> Result<Graph, NetworkError> {
    let mut graph = fewbit_models::onnx::read_bytes(bytes, folder)?;
    recognize_quantizers(&mut graph)?;
    graph.infer()?;
    Ok(graph)
}

/// What is in a network.
#[derive(Debug, Serialize)]
pub(crate) struct Description {
    /// Its name.
    name: String,
    /// Inputs with types and shapes.
    inputs: Vec<ValueDescription>,
    /// Outputs.
    outputs: Vec<ValueDescription>,
    /// How many nodes there are of each operator.
    operators: BTreeMap<String, usize>,
    /// Elements of all initializers that are floats.
    parameters: usize,
    /// Multiply-accumulates of one sample, where shapes are known.
    macs: Option<u64>,
    /// Nodes in the order in which they run.
    nodes: Vec<NodeDescription>,
}

#[derive(Debug, Serialize)]
struct ValueDescription {
    name: String,
    #[serde(rename = "type")]
    element: String,
    shape: String,
}

#[derive(Debug, Serialize)]
struct NodeDescription {
    name: String,
    op: String,
    output: String,
    weights: Option<Vec<usize>>,
    quantizer: Option<String>,
    accumulator: Option<String>,
}

/// What is in a network.
pub(crate) fn describe(graph: &Graph) -> Description {
    let value = |id| {
        let value = graph.value(id);
        ValueDescription {
            name: value.name.clone(),
            element: value.fact.element.map_or_else(|| "?".into(), |e| e.to_string()),
            shape: shape(graph, id),
        }
    };
    let mut operators = BTreeMap::new();
    for (_, node) in graph.nodes() {
        *operators.entry(node.op.name().to_owned()).or_default() += 1;
    }
    let products = products(graph);
    let mut macs = Some(0u64);
    for product in &products {
        let weights =
            graph.data(product.weight).map(|data| data.shape().to_vec()).unwrap_or_default();
        let positions = graph.value(product.output).fact.shape.as_ref().and_then(|shape| {
            let skip = if product.is_convolution() { 2 } else { 1 };
            let dims = shape.get(skip..)?;
            let dims =
                if product.is_convolution() { dims } else { &dims[..dims.len().saturating_sub(1)] };
            dims.iter().map(|dim| dim.size().map(|n| n as u64)).product::<Option<u64>>()
        });
        let elements: u64 = weights.iter().map(|&n| n as u64).product();
        macs = macs.zip(positions).map(|(macs, positions)| macs + positions * elements);
    }
    let nodes = graph.nodes().map(|(id, node)| {
        let product = products.iter().find(|product| product.node == id);
        NodeDescription {
            name: node.name.clone(),
            op: node.op.name().into(),
            output: node.output(0).map(|output| shape(graph, output)).unwrap_or_default(),
            weights: product.and_then(|p| graph.data(p.weight)).map(|data| data.shape().to_vec()),
            quantizer: match &node.op {
                Op::Quantize(op) => Some(op.quantizer.scheme().format.to_string()),
                _ => None,
            },
            accumulator: graph.accumulator(id).map(ToString::to_string),
        }
    });
    let parameters = graph.values().filter_map(|(_, value)| value.data.as_ref());
    Description {
        name: graph.name.clone(),
        inputs: graph.inputs().iter().map(|&id| value(id)).collect(),
        outputs: graph.outputs().iter().map(|&id| value(id)).collect(),
        operators,
        parameters: parameters.filter(|t| t.get::<f32>().is_ok()).map(|t| t.len()).sum(),
        macs,
        nodes: nodes.collect(),
    }
}

fn shape(graph: &Graph, id: fewbit_models::graph::ValueId) -> String {
    match &graph.value(id).fact.shape {
        None => "?".into(),
        Some(dims) => {
            let dims: Vec<_> = dims.iter().map(ToString::to_string).collect();
            format!("[{}]", dims.join(", "))
        }
    }
}

impl Description {
    /// As tables.
    pub(crate) fn text(&self) -> String {
        let values = |values: &[ValueDescription]| {
            let all: Vec<_> =
                values.iter().map(|v| format!("{} {}{}", v.name, v.element, v.shape)).collect();
            all.join(", ")
        };
        let mut table = crate::output::texts(&["node", "operator", "weights", "output", "codes"]);
        for node in &self.nodes {
            table.add_row([
                node.name.clone(),
                node.op.clone(),
                node.weights.as_ref().map(|w| format!("{w:?}")).unwrap_or_default(),
                node.output.clone(),
                match (&node.quantizer, &node.accumulator) {
                    (Some(text), _) | (None, Some(text)) => text.clone(),
                    (None, None) => String::new(),
                },
            ]);
        }
        let macs =
            self.macs.map(|n| format!(", {n} multiply-accumulates a sample")).unwrap_or_default();
        format!(
            "{}: {} nodes, {} parameters{macs}\ninputs: {}\noutputs: {}\n{table}",
            self.name,
            self.nodes.len(),
            self.parameters,
            values(&self.inputs),
            values(&self.outputs),
        )
    }
}
