//! Products that stay in floats.

use crate::graph::{Graph, ValueId};
use crate::ops::{Concat, Gemm, Reshape, Shape};
use crate::tensor::Tensor;

/// Rows of values of any number of axes, and back: a `Gemm` takes matrices.
pub(in crate::passes) struct InFloats {
    /// The value as `[rows, width]`.
    pub(in crate::passes) rows: ValueId,
    /// The value itself where it is no matrix.
    shaped: Option<ValueId>,
}

impl InFloats {
    /// The rows of a value whose last axis has this extent.
    pub(in crate::passes) fn new(graph: &mut Graph, name: &str, x: ValueId, width: usize) -> Self {
        if graph.value(x).fact.rank() == Some(2) {
            return Self { rows: x, shaped: None };
        }
        let rows = reshape(graph, &format!("{name}.rows"), x, &[-1, width as i64]);
        Self { rows, shaped: Some(x) }
    }

    /// Rows of another width in the shape of the value.
    pub(in crate::passes) fn back(
        &self,
        graph: &mut Graph,
        name: &str,
        rows: ValueId,
        width: usize,
    ) -> ValueId {
        let Some(x) = self.shaped else { return rows };
        let lead = graph.add(&format!("{name}.lead"), Shape { start: 0, end: Some(-1) }, &[x]);
        let width = Tensor::vector(vec![width as i64]);
        let width = graph.add_constant(&format!("{name}.width"), width);
        let shape = graph.add(&format!("{name}.shape"), Concat { axis: 0 }, &[lead, width]);
        graph.add(&format!("{name}.shaped"), Reshape::default(), &[rows, shape])
    }
}

/// `alpha x A` of rows, A `[in, out]` or, transposed, `[out, in]`.
///
/// A `Gemm` whose alpha is not 1 is no [`Product`](crate::graph::Product): no quantizer, no solver and no accumulator takes it, in
/// this library's passes, and in ONNX it is an ordinary node of floats. So `alpha` must not be 1.
pub(in crate::passes) fn product_in_floats(
    graph: &mut Graph,
    name: &str,
    [rows, matrix]: [ValueId; 2],
    transpose_b: bool,
    alpha: f32,
) -> ValueId {
    graph.add(name, Gemm { alpha, transpose_b, ..Gemm::default() }, &[rows, matrix])
}

/// A reshape to constant extents.
pub(super) fn reshape(graph: &mut Graph, name: &str, x: ValueId, shape: &[i64]) -> ValueId {
    let shape = graph.add_constant(&format!("{name}.shape"), Tensor::vector(shape.to_vec()));
    graph.add(name, Reshape::default(), &[x, shape])
}
