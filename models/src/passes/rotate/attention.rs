//! Where values of attention are rotated, head by head.

use crate::graph::{Graph, Product, ValueId};
use crate::ops::Op;

/// The values that attention sums, each with the size of a head: the third input of `Attention`, and the second factor of a
/// product of two computed values, of which rotations of its rows are rotations of the product's.
pub(super) fn attention_values(graph: &Graph) -> Vec<(ValueId, usize)> {
    let mut found = Vec::new();
    for (id, node) in graph.nodes() {
        let place = match &node.op {
            Op::Attention(_) => 2,
            Op::MatMul(_) if Product::of(graph, id, node).is_none() => 1,
            _ => continue,
        };
        let Some(values) = node.input(place) else { continue };
        let Some(dims) = graph.value(values).fact.shape.as_deref() else { continue };
        let Some(last) = dims.last().and_then(|dim| dim.size()) else { continue };
        let size = match (&node.op, dims.len()) {
            (Op::Attention(op), 3) => last / op.key_heads.max(1),
            (_, 3..) => last,
            _ => continue,
        };
        if size > 1 {
            found.push((values, size));
        }
    }
    found
}
