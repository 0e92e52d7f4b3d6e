//! Quantized constants that a file has as codes.

use fewbit::quantize::{Quantizer, ScaleSource, ZeroPoint, ZeroPointSource};
use ndarray::ArrayD;

use crate::graph::{Graph, GraphError, Node, NodeId, ValueId};
use crate::ops::{Inputs, Op, OpError, Quantize};
use crate::tensor::Tensor;

/// Makes constants of what files hold as codes in front of this crate's quantizers, and gives the quantizers the scales and zero
/// points that the file has as their inputs; how many there were.
///
/// ```text
/// W.codes, W.scale ── DequantizeLinear ── W ── Quantize(W.scale) ──     becomes     W ── Quantize(scales) ──
/// ```
///
/// # Errors
/// Codes, scales and zero points that do not go together.
pub fn load_stored_weights(graph: &mut Graph) -> Result<usize, GraphError> {
    let mut count = 0;
    for id in graph.order().to_vec() {
        let node = graph.node(id);
        let before = node.input(0).and_then(|input| graph.producer(input));
        let is_stored =
            node.inputs.len() > 1 || before.is_some_and(|(id, _)| is_constant(graph, id));
        if !matches!(node.op, Op::Quantize(_)) || !is_stored {
            continue;
        }
        let wrong = |graph: &Graph, id: NodeId, source: OpError| {
            let node = graph.node(id);
            GraphError::Node { node: node.name.clone(), op: node.op.name(), source }
        };
        if let Some((before, _)) = before.filter(|&(id, _)| is_constant(graph, id)) {
            let found = dequantized(graph, before);
            let (values, output) = found.map_err(|source| wrong(graph, before, source))?;
            graph.remove(before);
            graph.set_data(output, values);
        }
        let op = with_parameters(graph, graph.node(id));
        let op = op.map_err(|source| wrong(graph, id, source))?;
        let node = graph.node_mut(id);
        node.inputs.truncate(1);
        node.op = op.into();
        count += 1;
    }
    if count > 0 {
        graph.sort()?;
        *graph = graph.compacted();
    }
    Ok(count)
}

/// Whether a node dequantizes constants.
fn is_constant(graph: &Graph, id: NodeId) -> bool {
    let node = graph.node(id);
    let mut inputs = node.inputs.iter().flatten();
    matches!(node.op, Op::DequantizeLinear(_)) && inputs.all(|&input| graph.data(input).is_some())
}

/// The values of constant codes, and where they go.
fn dequantized(graph: &Graph, id: NodeId) -> Result<(Tensor, ValueId), OpError> {
    let node = graph.node(id);
    let inputs: Vec<Option<&Tensor>> =
        node.inputs.iter().map(|input| input.and_then(|id| graph.data(id))).collect();
    let found = node.op.run(Inputs::new(&inputs))?.into_iter().next().zip(node.output(0));
    found.ok_or_else(|| OpError::Unsupported("nobody uses what it makes".into()))
}

/// The quantizer of a node with the scales and zero points that are its inputs.
fn with_parameters(graph: &Graph, node: &Node) -> Result<Quantize, OpError> {
    let Op::Quantize(op) = &node.op else {
        return Err(OpError::Unsupported("it is no quantizer".into()));
    };
    let numbers = |place: usize, name: &'static str| -> Result<Option<ArrayD<f32>>, OpError> {
        let Some(id) = node.input(place) else { return Ok(None) };
        let problem = || OpError::Shape(format!("input {name} is no constant of numbers"));
        let data = graph.data(id).ok_or_else(problem)?;
        let values = crate::ops::numbers(data).into_iter().map(|x| x as f32).collect();
        ArrayD::from_shape_vec(data.shape(), values).map(Some).map_err(|_| problem())
    };
    let (scale, zero) = (numbers(1, "scale")?, numbers(2, "zero_point")?);
    let with = |quantizer: &Quantizer| {
        let (mut scheme, mut rule) = (quantizer.scheme().clone(), quantizer.scale_rule().clone());
        if let Some(scale) = scale {
            rule.source = ScaleSource::Given(scale);
        }
        if let (Some(zero), ZeroPoint::Shifted { source, .. }) = (zero, &mut scheme.zero_point) {
            *source = ZeroPointSource::Given(zero);
        }
        quantizer.clone().with_scheme(scheme)?.with_scale_rule(rule)
    };
    let quantizer = with(&op.quantizer).map_err(|error| OpError::Shape(error.to_string()))?;
    Ok(Quantize { quantizer, ..op.clone() })
}
