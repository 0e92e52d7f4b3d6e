//! What the weights of a network can do to its accumulators, whatever the input.

use fewbit::Accumulator;
use fewbit::accumulate::bounds::{Inputs, Layer};
use ndarray::Array2;
use serde::Serialize;

use crate::graph::{Graph, Node, NodeId, Product};
use crate::ops::Op;
use crate::passes::{input_range, source_quantizer};

/// The worst case of one product, row by row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NodeBounds {
    /// The node.
    pub name: String,
    /// Its accumulator.
    pub accumulator: String,
    /// Format of the input's codes.
    pub input: String,
    /// Format of the weights' codes.
    pub weights: String,
    /// Whether no input overflows any stage of it.
    pub fits: bool,
    /// The least width that no input overflows, per stage.
    pub required_bits: Vec<u32>,
    /// One per output channel.
    pub rows: Vec<RowBound>,
}

/// The worst case of one output channel.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RowBound {
    /// One per stage, innermost first.
    pub stages: Vec<StageBound>,
}

/// The worst case of one stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct StageBound {
    /// The least value that an input reaches.
    pub min: i128,
    /// The greatest value that an input reaches.
    pub max: i128,
    /// The width that holds both.
    pub required_bits: u32,
}

/// The worst cases of all products of integers with constant weights, in the order in which they run, those within loops too.
#[must_use]
pub fn network_bounds(graph: &Graph, accumulator: &Accumulator) -> Vec<NodeBounds> {
    let of = |(id, node): (NodeId, &Node)| {
        if let Op::Scan(scan) = &node.op {
            return network_bounds(&scan.body, accumulator);
        }
        let Some(product) = Product::of(graph, id, node) else { return Vec::new() };
        let own = graph.accumulator(id).unwrap_or(accumulator);
        bounds(graph, &product, own).into_iter().collect()
    };
    graph.nodes().flat_map(of).collect()
}

/// The levels of a product's weights as a matrix, `[out, in]`, and the name of their format.
pub(super) fn levels(graph: &Graph, product: &Product) -> Option<(Array2<i64>, String)> {
    let Op::Quantize(op) = &graph.node(product.weight_quantizer?).op else { return None };
    let weights = graph.data(product.weight)?.get::<f32>().ok()?;
    let tensor = op.codes(weights).ok()?;
    let ints = tensor.ints().ok()?.mapv(|x| x as f32);
    Some((product.matrix(&ints).mapv(|x| x as i64), tensor.format().to_string()))
}

/// The worst case of one product; `None` where codes are no integers or the accumulator sums none.
fn bounds(graph: &Graph, product: &Product, accumulator: &Accumulator) -> Option<NodeBounds> {
    let range = input_range(graph, product.input)?;
    let (source, _) = source_quantizer(graph, product.input)?;
    let Op::Quantize(op) = &graph.node(source).op else { return None };
    let (levels, weights) = levels(graph, product)?;
    let layer = Layer::new(levels.view(), Inputs::Same(range)).ok()?;
    let bounds = layer.bounds(accumulator).ok()?;
    let stages = accumulator.stages().len();
    let fits = bounds.rows().iter().all(|row| {
        row.stages.iter().zip(accumulator.stages()).all(|(bound, stage)| bound.fits(stage.register))
    });
    let row = |row: &fewbit::accumulate::bounds::RowBounds| RowBound {
        stages: row
            .stages
            .iter()
            .map(|stage| StageBound {
                min: stage.min,
                max: stage.max,
                required_bits: stage.required_bits,
            })
            .collect(),
    };
    Some(NodeBounds {
        name: graph.node(product.node).name.clone(),
        accumulator: accumulator.to_string(),
        input: op.quantizer.scheme().format.to_string(),
        weights,
        fits,
        required_bits: (0..stages).map(|stage| bounds.required_bits(stage)).collect(),
        rows: bounds.rows().iter().map(row).collect(),
    })
}
