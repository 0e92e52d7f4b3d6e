//! What a node does to rotated channels.

use crate::graph::{Graph, NodeId, Product, ValueId};
use crate::ops::Op;

/// What a node does to channels along the last axis that are rotated block by block.
pub(super) enum Role {
    /// It multiplies with weights: its input channels end, and others begin.
    Product(Product),
    /// `f(x R) = f(x) R`.
    Commutes {
        /// The places of its inputs that have the channels; constants there are rotated too.
        inputs: Vec<usize>,
        /// The outputs that have them.
        outputs: Vec<ValueId>,
    },
    /// It looks at extents alone.
    Extents,
}

/// The role of a node, or why rotations do not get through.
///
/// Values whose last extent is no multiple of the block are refused elsewhere; with that, what only cuts, joins or renames runs of
/// neighbours moves whole blocks.
pub(super) fn role(graph: &Graph, id: NodeId, block: usize) -> Result<Role, String> {
    let node = graph.node(id);
    let refuse = |why: &str| Err(format!("`{}` ({}) {why}", node.name, node.op.name()));
    if let Some(product) = Product::of(graph, id, node) {
        if product.is_convolution() {
            return refuse("is a convolution");
        }
        if product.weight_quantizer.is_some() || product.bias_quantizer.is_some() {
            return refuse("is quantized already: rotations come first");
        }
        return Ok(Role::Product(product));
    }
    let is_single = |at: usize| {
        node.input(at).is_some_and(|id| graph.data(id).is_some_and(|data| data.len() == 1))
    };
    let rank = |at: usize| node.input(at).and_then(|id| graph.value(id).fact.rank());
    let is_last =
        |axis: i64, at: usize| axis == -1 || rank(at).is_none_or(|rank| axis == rank as i64 - 1);
    let mut outputs: Vec<ValueId> = node.outputs.iter().take(1).flatten().copied().collect();
    let inputs = match &node.op {
        Op::Shape(_) | Op::Size(_) => return Ok(Role::Extents),
        Op::Add(_) | Op::Sub(_) => vec![0, 1],
        Op::Mul(_) | Op::Div(_) if is_single(1) => vec![0],
        Op::Mul(_) if is_single(0) => vec![1],
        Op::Identity(_)
        | Op::Dropout(_)
        | Op::Reshape(_)
        | Op::Flatten(_)
        | Op::Squeeze(_)
        | Op::Unsqueeze(_)
        | Op::Expand(_) => vec![0],
        Op::Concat(_) => (0..node.inputs.len()).collect(),
        Op::Split(_) => {
            outputs = node.outputs.iter().flatten().copied().collect();
            vec![0]
        }
        Op::Transpose(op) => match rank(0).map(|rank| op.order(rank)) {
            Some(Ok(order)) if order.last() == Some(&(order.len() - 1)) => vec![0],
            _ => return refuse("moves the channels to another axis"),
        },
        Op::Slice(_) => {
            let axes = node.input(3).and_then(|axes| graph.data(axes)?.integers().ok());
            if axes.is_none_or(|axes| axes.iter().any(|&axis| is_last(axis, 0))) {
                return refuse("cuts the channels");
            }
            vec![0]
        }
        Op::Gather(op) => {
            if is_last(op.axis, 0) {
                return refuse("picks channels");
            }
            vec![0]
        }
        Op::RMSNormalization(op) => {
            let scale = node.input(1).and_then(|scale| graph.data(scale)?.get::<f32>().ok());
            let Some(scale) = scale else { return refuse("has factors that are computed") };
            let mut scale = scale.iter();
            let first = scale.next();
            if !is_last(op.axis, 0) {
                return refuse("is over more than the channels");
            }
            if scale.any(|s| Some(s) != first) {
                return refuse("has factors: they are merged first (merge norm affine)");
            }
            vec![0]
        }
        Op::Attention(op) => {
            let values = node.input(2).map(|v| &graph.value(v).fact);
            let last = values.and_then(|fact| fact.shape.as_ref()?.last()?.size());
            let heads = match values.and_then(|fact| fact.rank()) {
                Some(3) => op.key_heads,
                _ => 1,
            };
            let fits = |last: usize| heads > 0 && last.is_multiple_of(heads * block);
            if !last.is_some_and(fits) {
                return refuse("mixes channels of one head alone");
            }
            if node.input(5).is_some() || node.output(2).is_some() {
                return refuse("keeps values for later calls");
            }
            vec![2]
        }
        Op::MatMul(_) => vec![1],
        _ => return refuse("does not commute with rotations"),
    };
    Ok(Role::Commutes { inputs, outputs })
}
