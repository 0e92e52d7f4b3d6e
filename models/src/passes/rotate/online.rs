//! Rotations that are computed: nodes in front of a product.

use std::collections::BTreeMap;

use fewbit::algorithms::rotate::{HadamardOrder, Rotation, hadamard_matrix};
use ndarray::Array2;

use crate::graph::{Graph, Product, ValueId};
use crate::ops::{Pad, Transpose};
use crate::tensor::Tensor;

use super::super::PassError;
use super::constants::rotate_constants;
use super::in_floats::{InFloats, product_in_floats, reshape};
use super::stream::Use;

/// The greatest order whose matrix is multiplied with as it is.
const WHOLE: usize = 512;

/// Hadamard rotations of inputs, with what products share: matrices, and rotated inputs.
///
/// ```text
/// x H / √n        one Gemm with entries ±1 and alpha 1 / √n
/// x (A ⊗ B) / √n  for n beyond 512: X [a, b] -> Aᵀ X B, two Gemms of about √n columns each, with transposes between
/// ```
///
/// Operators of ONNX alone, so that other runtimes run it; entries are exact, and the factors take one rounding each.
#[derive(Default)]
pub(super) struct Online {
    matrices: BTreeMap<usize, ValueId>,
    rotated: BTreeMap<(ValueId, usize), ValueId>,
}

impl Online {
    /// Rotates the input of a product, padded with zeros to the order, and its weights alike. Gives the number of weights that had
    /// to be copied.
    pub(super) fn rotate(
        &mut self,
        graph: &mut Graph,
        product: &Product,
        order: usize,
    ) -> Result<usize, PassError> {
        let name = graph.node(product.node).name.clone();
        let wrong = PassError::algorithm(&name);
        let weights = graph.data(product.weight);
        let inputs = weights.map_or(0, |data| data.shape()[product.input_axis()]);
        let rotation = Rotation::hadamard(order).and_then(|r| r.padded(inputs)).map_err(&wrong)?;
        let copies = rotate_constants(graph, [Use::sink(product)].iter(), &rotation)?;
        let Some(x) = graph.node(product.node).input(0) else { return Ok(copies) };
        let turned = match self.rotated.get(&(x, order)) {
            Some(&turned) => turned,
            None => {
                let turned = self.nodes(graph, &name, x, [inputs, order]).map_err(&wrong)?;
                self.rotated.insert((x, order), turned);
                turned
            }
        };
        graph.node_mut(product.node).inputs[0] = Some(turned);
        Ok(copies)
    }

    /// The nodes that compute it.
    fn nodes(
        &mut self,
        graph: &mut Graph,
        product: &str,
        x: ValueId,
        [inputs, order]: [usize; 2],
    ) -> Result<ValueId, fewbit::algorithms::AlgorithmError> {
        let name = format!("{product}.rotation");
        let around = InFloats::new(graph, &name, x, inputs);
        let mut rows = around.rows;
        if order > inputs {
            let pads = Tensor::vector(vec![0, 0, 0, (order - inputs) as i64]);
            let pads = graph.add_constant(&format!("{name}.pads"), pads);
            rows = graph.add(&format!("{name}.padded"), Pad::default(), &[rows, pads]);
        }
        let (a, b) = factors(HadamardOrder::new(order)?);
        let part = |n: usize| 1.0 / (n as f32).sqrt();
        let turned = if b == 1 {
            let matrix = self.matrix(graph, a)?;
            product_in_floats(graph, &name, [rows, matrix], false, part(a))
        } else {
            let [left, right] = [self.matrix(graph, a)?, self.matrix(graph, b)?];
            let [wide, tall] = [a as i64, b as i64];
            let step = |what: &str| format!("{name}.{what}");
            let x = reshape(graph, &step("right.rows"), rows, &[-1, tall]);
            let x = product_in_floats(graph, &step("right"), [x, right], false, part(b));
            let x = reshape(graph, &step("right.blocks"), x, &[-1, wide, tall]);
            let swap = || Transpose { order: vec![0, 2, 1] };
            let x = graph.add(&step("left.transposed"), swap(), &[x]);
            let x = reshape(graph, &step("left.rows"), x, &[-1, wide]);
            let x = product_in_floats(graph, &step("left"), [x, left], false, part(a));
            let x = reshape(graph, &step("left.blocks"), x, &[-1, tall, wide]);
            let x = graph.add(&step("transposed"), swap(), &[x]);
            reshape(graph, &name, x, &[-1, order as i64])
        };
        Ok(around.back(graph, &name, turned, order))
    }

    /// The matrix of ±1 of an order.
    fn matrix(
        &mut self,
        graph: &mut Graph,
        order: usize,
    ) -> Result<ValueId, fewbit::algorithms::AlgorithmError> {
        if let Some(&id) = self.matrices.get(&order) {
            return Ok(id);
        }
        let matrix: Array2<f32> = hadamard_matrix(order)?.mapv(f32::from);
        let id = graph.add_constant(&format!("hadamard_{order}"), matrix);
        self.matrices.insert(order, id);
        Ok(id)
    }
}

/// `a b = n` with `H_n = H_a ⊗ H_b`, b a power of two near √n; b is 1 where n is small.
fn factors(order: HadamardOrder) -> (usize, usize) {
    let n = order.order();
    if n <= WHOLE {
        return (n, 1);
    }
    let half = n.ilog2() / 2;
    let b = 1 << half.min(order.log2());
    (n / b, b)
}
