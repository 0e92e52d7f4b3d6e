//! The codes of the weights, chosen by an algorithm for what the layer's inputs are.

use std::borrow::Cow;

use fewbit::accumulate::bounds::{InputRange, Inputs};
use fewbit::algorithms::layer::{AccumulatorConstraint, LayerSolver};
use fewbit::algorithms::{
    Axe, Collector, Constraint, Effort, Grid, Precision, Problem, ScaleChoice, SoftThreshold,
    Solution, Statistics, gpfq, gptaq, gptq, joint, qronos, rtn,
};
use fewbit::formats::Format;
use fewbit::quantize::{Parameters, Quantizer};
use fewbit::tensor::Granularity;
use ndarray::{Array2, ArrayD, ArrayView2};
use rayon::prelude::*;
use serde::Serialize;

use crate::exec::Patches;
use crate::graph::{Graph, NodeId, Product, ProductLayout, ValueId, products};
use crate::ops::Op;
use crate::tensor::Tensor;

use super::bias_correction::correct;
use super::walk::Walk;
use super::weights::{fixed, weights_of};
use super::{ChannelMeans, PassError, PassReport};

/// Parameters of [`solve`].
#[derive(Clone, Debug, PartialEq)]
pub struct SolveParams {
    /// The algorithm.
    pub solver: LayerSolver,
    /// What the codes must keep of each product's accumulator, if it has one.
    pub constraint: AccumulatorConstraint,
    /// How much work `joint` may be.
    pub effort: Effort,
}

/// What became of a layer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SolvedLayer {
    /// The node.
    pub name: String,
    /// Inputs that were zero in every sample.
    pub dead_inputs: usize,
    /// What was added to the diagonal of the Gram matrix.
    pub damping: f64,
}

/// Chooses the codes of every product's weights, in the order in which the products run.
///
/// ```text
/// for each product: X from the float network, X~ from the quantized one so far, sample by sample
///                   -> Gram matrices (of the patches of a convolution, one per group) -> codes
/// ```
///
/// A solver that takes no pairs of inputs (GPTQ) runs the quantized network alone. With `means`, the bias of each product is
/// corrected as soon as its codes are chosen, so that what follows sees that too.
///
/// Transposed convolutions keep the nearest codes.
///
/// Scales are those that the weights' quantizers have, but under [`AccumulatorConstraint::Joint`], which chooses both.
/// `progress` hears how many products are done, of how many.
///
/// # Errors
/// Batches that the network cannot take; weights or inputs that the algorithm refuses.
pub fn solve(
    float: &Graph,
    graph: &mut Graph,
    batches: &[Vec<Tensor>],
    params: &SolveParams,
    means: Option<&ChannelMeans>,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<(PassReport, Vec<SolvedLayer>), PassError> {
    let all = products(graph);
    let total = all
        .iter()
        .filter(|product| {
            product.weight_quantizer.is_some() && product.layout != ProductLayout::ConvTranspose
        })
        .count();
    let mut walk = match params.solver {
        LayerSolver::Gptq(_) | LayerSolver::Rtn(_) => Walk::quantized(graph, batches)?,
        _ => Walk::pairs(float, graph, batches)?,
    };
    let mut solved = Vec::new();
    for id in graph.order().to_vec() {
        let product = all.iter().find(|product| product.node == id);
        if let Some(product) = product
            && let Some(quantizer) = product.weight_quantizer
            && product.layout != ProductLayout::ConvTranspose
        {
            progress(solved.len(), total);
            solved.push(solve_one(graph, &walk, product, quantizer, params)?);
            // The quantizer of the weights has run already: what it gave is not what it gives now.
            walk.rerun(graph, quantizer)?;
        }
        walk.step(graph, id)?;
        if let (Some(product), Some(means)) = (product, means)
            && product.weight_quantizer.is_some()
        {
            correct(means, graph, &mut walk, product)?;
        }
    }
    progress(total, total);
    graph.sort()?;
    let report = PassReport::new("solve", solved.len(), "products with quantized weights");
    Ok((report, solved))
}

fn solve_one(
    graph: &mut Graph,
    walk: &Walk<'_>,
    product: &Product,
    quantizer: NodeId,
    params: &SolveParams,
) -> Result<SolvedLayer, PassError> {
    let name = graph.node(product.node).name.clone();
    let weights = weights_of(graph, product)?;
    let matrix = product.matrix(&weights);
    let Op::Quantize(op) = graph.node(quantizer).op.clone() else {
        return Err(PassError::Missing(format!("`{name}` has no quantizer of its weights")));
    };
    let parameters =
        op.quantizer.parameters(&weights.view()).map_err(PassError::quantize(&name))?;
    let grid = grid(&op.quantizer, &parameters, product, &weights, &matrix)
        .map_err(PassError::algorithm(&name))?;
    let statistics = statistics(graph, walk, product, &name)?;
    let axe = axe(graph, product, &matrix, params).map_err(PassError::algorithm(&name))?;
    let problem = Problem {
        weights: matrix.view(),
        statistics: &statistics,
        grid: &grid,
        constraint: axe.as_ref().map(|axe| axe as &dyn Constraint),
    };
    let (solution, scale) =
        run(&problem, axe.as_ref(), params).map_err(PassError::algorithm(&name))?;
    if let Some(scale) = scale {
        let mut parameters = parameters;
        if parameters.scale.len() == scale.len() {
            parameters.scale.iter_mut().zip(&scale).for_each(|(to, from)| *to = *from);
            let quantizer_op =
                fixed(&op.quantizer, parameters).map_err(PassError::quantize(&name))?;
            if let Op::Quantize(op) = &mut graph.node_mut(quantizer).op {
                op.quantizer = quantizer_op;
            }
        }
    }
    graph.set_data(product.weight, product.weights(&solution.values, weights.shape()));
    let (dead_inputs, damping) = (solution.info.dead_inputs, solution.info.damping);
    Ok(SolvedLayer { name, dead_inputs, damping })
}

/// The values that the weights may take, for their matrix.
pub(super) fn grid(
    quantizer: &Quantizer,
    parameters: &Parameters,
    product: &Product,
    weights: &ArrayD<f32>,
    matrix: &Array2<f32>,
) -> Result<Grid, fewbit::algorithms::AlgorithmError> {
    let (rows, cols) = matrix.dim();
    let scheme = quantizer.scheme();
    if let Granularity::Group { .. } = scheme.granularity
        && weights.ndim() == 2
        && product.output_axis() == 0
    {
        return Grid::of_scheme(scheme, parameters, (rows, cols));
    }
    // One scale for all, or one per output channel; of a transposed convolution, one per channel of a group.
    let per_row = |values: &ArrayD<f32>| {
        let flat: Vec<f32> = values.iter().copied().collect();
        Array2::from_shape_fn((rows, 1), |(row, _)| flat[row % flat.len().max(1)])
    };
    let zero_point = parameters.zero_point.as_ref().map(per_row);
    Grid::new(scheme.format, cols, per_row(&parameters.scale), zero_point, cols)
}

/// Parts of the batches whose statistics are collected side by side, whatever the number of threads.
const PARTS: usize = 8;
/// Inputs up to which it is parts, and not tiles of one matrix, that threads share.
const FEW_INPUTS: usize = 1024;

/// What is known of the inputs of a product.
pub(super) fn statistics(
    graph: &Graph,
    walk: &Walk<'_>,
    product: &Product,
    name: &str,
) -> Result<Statistics, PassError> {
    let float = walk.float_inputs(product.node, 0).transpose()?;
    let quantized = walk.values(graph, product.input)?;
    let missing = || PassError::Missing("no calibration data".into());
    let columns = Rows::of(graph, product, quantized.first().ok_or_else(missing)?, name)?.columns;
    let parts = if columns <= FEW_INPUTS { PARTS } else { 1 };
    let batches = quantized.len().div_ceil(parts);
    let collect = |(part, quantized): (usize, &[&Tensor])| -> Result<Statistics, PassError> {
        let failed = PassError::algorithm(name);
        let mut collector =
            Collector::new(columns, product.groups, Precision::Single).map_err(&failed)?;
        let (mut pairs, mut padded) = ([Vec::new(), Vec::new()], Vec::new());
        for (index, tensor) in quantized.iter().enumerate() {
            let rows = Rows::of(graph, product, tensor, name)?;
            let float = float.as_ref().and_then(|float| float.get(part * batches + index));
            let float = float.map(|float| Rows::of(graph, product, float, name)).transpose()?;
            for image in 0..rows.images {
                let [x, y] = &mut pairs;
                let x = rows.image(image, &mut padded, x);
                let pushed = match &float {
                    Some(float) => collector.push_pairs(x, float.image(image, &mut padded, y)),
                    None => collector.push(x),
                };
                pushed.map_err(&failed)?;
            }
        }
        Ok(collector.finish())
    };
    let parts: Vec<Result<Statistics, PassError>> =
        quantized.par_chunks(batches.max(1)).enumerate().map(collect).collect();
    // In order, so that threads change nothing.
    let mut parts = parts.into_iter();
    let first = parts.next().ok_or_else(missing)??;
    parts.try_fold(first, |all, part| all.merge(&part?).map_err(PassError::algorithm(name)))
}

/// The inputs of a product as rows that its matrix multiplies, image by image.
struct Rows<'a> {
    values: Cow<'a, [f32]>,
    /// Of a convolution.
    patches: Option<Patches>,
    channels: usize,
    images: usize,
    columns: usize,
}

impl<'a> Rows<'a> {
    fn of(graph: &Graph, product: &Product, x: &'a Tensor, name: &str) -> Result<Self, PassError> {
        let x = x.get::<f32>().map_err(PassError::tensor(name))?;
        let values = match x.as_slice() {
            Some(values) => Cow::Borrowed(values),
            None => Cow::Owned(x.iter().copied().collect()),
        };
        match Patches::of(graph, product, x.shape()) {
            Some(patches) => {
                let patches = patches
                    .map_err(|problem| PassError::Missing(format!("`{name}`: {problem}")))?;
                let (images, channels) = (x.shape()[0], x.shape()[1]);
                let columns = patches.columns(channels);
                Ok(Self { values, patches: Some(patches), channels, images, columns })
            }
            None => {
                let columns = x.shape().last().copied().unwrap_or(0);
                Ok(Self { values, patches: None, channels: 1, images: 1, columns })
            }
        }
    }

    /// The rows of one image; of what is no image, all of them.
    fn image<'b>(
        &'b self,
        image: usize,
        padded: &mut Vec<f32>,
        memory: &'b mut Vec<f32>,
    ) -> ArrayView2<'b, f32> {
        let rows: &[f32] = match &self.patches {
            None => &self.values,
            Some(patches) => {
                let size = self.values.len() / self.images.max(1);
                let image = &self.values[image * size..][..size];
                memory.resize(patches.positions() * self.columns, 0.0);
                patches.image_rows(image, self.channels, 0.0, padded, memory);
                memory
            }
        };
        let count = rows.len().checked_div(self.columns).unwrap_or(0);
        ArrayView2::from_shape((count, self.columns), &rows[..count * self.columns])
            .unwrap_or_else(|_| unreachable!("as many rows as there are"))
    }
}

/// The budgets of the product's accumulator.
fn axe(
    graph: &Graph,
    product: &Product,
    matrix: &Array2<f32>,
    params: &SolveParams,
) -> Result<Option<Axe>, fewbit::algorithms::AlgorithmError> {
    let soft = match params.constraint {
        AccumulatorConstraint::Joint | AccumulatorConstraint::Axe => SoftThreshold::On,
        AccumulatorConstraint::AxeStrict => SoftThreshold::Off,
        _ => return Ok(None),
    };
    let (Some(accumulator), Some(range)) =
        (graph.accumulator(product.node), input_range(graph, product.input))
    else {
        return Ok(None);
    };
    Axe::new(accumulator, &Inputs::Same(range), matrix.ncols(), soft).map(Some)
}

/// The codes that a value can have, if it comes from a quantizer of integers.
pub(crate) fn input_range(graph: &Graph, value: ValueId) -> Option<InputRange> {
    let (id, _) = source_quantizer(graph, value)?;
    let Op::Quantize(op) = &graph.node(id).op else { return None };
    match op.quantizer.scheme().format {
        Format::Int(int) => Some(InputRange::new(int.min(), int.max())),
        _ => None,
    }
}

/// The quantizer that a value comes from, back through what only moves values.
pub(crate) fn source_quantizer(graph: &Graph, value: ValueId) -> Option<(NodeId, ValueId)> {
    let (id, _) = graph.producer(value)?;
    let node = graph.node(id);
    match &node.op {
        Op::Quantize(_) => Some((id, value)),
        op if op.moves_values() => source_quantizer(graph, node.input(0)?),
        Op::Concat(_) => source_quantizer(graph, node.input(0)?),
        _ => None,
    }
}

type Solved = (Solution, Option<Array2<f32>>);

/// Runs the algorithm; with the scales, where it chose them.
fn run(
    problem: &Problem<'_>,
    axe: Option<&Axe>,
    params: &SolveParams,
) -> Result<Solved, fewbit::algorithms::AlgorithmError> {
    if params.constraint == AccumulatorConstraint::Joint
        && axe.is_some()
        && let Some(sequential) = params.solver.sequential()
    {
        let found = joint(problem, axe, sequential, ScaleChoice::Searched(&[]), params.effort)?;
        return Ok((found.solution, Some(found.scale)));
    }
    let solution = match &params.solver {
        LayerSolver::Gptq(p) => gptq(problem, p)?,
        LayerSolver::Gpfq(p) => gpfq(problem, p)?,
        LayerSolver::Qronos(p) => qronos(problem, p)?,
        LayerSolver::Gptaq(p) => gptaq(problem, p)?,
        LayerSolver::Rtn(p) => rtn(problem, p)?,
        other => {
            let name = other.name();
            return Err(fewbit::algorithms::AlgorithmError::Constraint(format!(
                "{name} does not run on networks: use rtn, gptq, gpfq, qronos or gptaq"
            )));
        }
    };
    Ok((solution, None))
}
