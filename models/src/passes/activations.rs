//! Bounded activations.

use crate::graph::{Graph, Node};
use crate::ops::{Op, Relu};
use crate::tensor::Tensor;

use super::{PassError, PassReport};

/// Replaces `Clip` from 0 to 6 by `Relu`: the quantizer behind it cuts off what the calibration finds too large.
///
/// # Errors
/// A graph that cannot be put in order.
pub fn relu6_to_relu(graph: &mut Graph) -> Result<PassReport, PassError> {
    let clips: Vec<_> =
        graph.nodes().filter(|(_, node)| is_relu6(graph, node)).map(|(id, _)| id).collect();
    for &id in &clips {
        let node = graph.node_mut(id);
        node.op = Op::Relu(Relu::default());
        node.inputs.truncate(1);
    }
    graph.sort()?;
    Ok(PassReport::new("relu6 to relu", clips.len(), "clips from 0 to 6"))
}

fn is_relu6(graph: &Graph, node: &Node) -> bool {
    matches!(node.op, Op::Clip(_)) && bounds(graph, node) == (Some(0.0), Some(6.0))
}

/// The constant bounds of a `Clip`.
pub(super) fn bounds(graph: &Graph, node: &Node) -> (Option<f32>, Option<f32>) {
    let number = |at: usize| {
        let tensor: &Tensor = graph.data(node.input(at)?)?;
        tensor.get::<f32>().ok()?.iter().next().copied()
    };
    (number(1), number(2))
}
