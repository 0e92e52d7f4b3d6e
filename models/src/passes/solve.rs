//! The codes of the weights, chosen by an algorithm for what the layer's inputs are.

use fewbit::accumulate::bounds::{InputRange, Inputs};
use fewbit::algorithms::layer::{AccumulatorConstraint, LayerSolver};
use fewbit::algorithms::{
    Axe, Constraint, Effort, Grid, Problem, ScaleChoice, SoftThreshold, Solution, gpfq, gptaq,
    gptq, joint, polish, qronos, rtn,
};
use fewbit::formats::Format;
use fewbit::quantize::{Parameters, Quantizer};
use fewbit::tensor::Granularity;
use ndarray::{Array2, ArrayD};
use serde::Serialize;

use crate::graph::{Graph, NodeId, Product, ValueId};
use crate::ops::Op;
use crate::tensor::Tensor;

use super::choose::{Beside, ChooseJob, Known, Weights};
use super::journal::{Chosen, Journal};
use super::{ChannelMeans, PassError, PassReport, SolveInputs};

/// Parameters of [`solve`].
#[derive(Clone, Debug, PartialEq)]
pub struct SolveParams {
    /// The algorithm.
    pub solver: LayerSolver,
    /// What the codes must keep of each product's accumulator, if it has one.
    pub constraint: AccumulatorConstraint,
    /// How much work choosing codes may be besides the algorithm itself: of `joint`, and of descent from the codes of any other
    /// algorithm but rounding to nearest. With none codes are those that the algorithm is published with.
    pub effort: Effort,
    /// What products see of the quantized network.
    pub inputs: SolveInputs,
}

impl SolveParams {
    /// Whether codes go on from where the algorithm leaves them.
    fn descends(&self) -> bool {
        self.effort > Effort::NONE && !matches!(self.solver, LayerSolver::Rtn(_))
    }
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
/// From what an algorithm leaves, codes then descend on the same error by moves of single levels and pairs of them, within the
/// accumulator's budget (see [`polish`]): GPTQ and its like never go back to a code, and this does.
///
/// A solver that takes no pairs of inputs (GPTQ) runs the quantized network alone. With `means`, the bias of each product is
/// corrected as soon as its codes are chosen, so that what follows sees that too.
///
/// Scales are those that the weights' quantizers have, but under [`AccumulatorConstraint::Joint`], which chooses both where every
/// output channel has scales of its own that may be any numbers.
/// What the journal has of a product is taken from there. `progress` hears how many products are done, of how many.
///
/// # Errors
/// Batches that the network cannot take; weights or inputs that the algorithm refuses.
pub fn solve(
    float: &Graph,
    graph: &mut Graph,
    batches: &[Vec<Tensor>],
    params: &SolveParams,
    means: Option<&ChannelMeans>,
    journal: &mut dyn Journal,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<(PassReport, Vec<SolvedLayer>), PassError> {
    let name = params.solver.name();
    let beside = match params.solver {
        LayerSolver::Gptq(_) | LayerSolver::Rtn(_) => Beside::Nothing,
        _ => Beside::Float(float),
    };
    let mut solved = Vec::new();
    let job = ChooseJob { beside, batches, inputs: params.inputs, means };
    job.run(graph, progress, &mut |graph, known| {
        let chosen = match journal.chosen(name, &known.name)? {
            Some(chosen) => chosen,
            None => {
                let chosen = solve_one(graph, known, params)?;
                journal.keep(name, &known.name, &chosen)?;
                chosen
            }
        };
        known.set(graph, &chosen)?;
        let name = known.name.clone();
        solved.push(SolvedLayer { name, dead_inputs: chosen.count, damping: chosen.damping });
        Ok(())
    })?;
    let mut report = PassReport::new("solve", solved.len(), "products with quantized weights");
    if params.descends() && params.constraint != AccumulatorConstraint::Joint {
        report.detail +=
            &format!(", then descent over moves of codes (effort {})", params.effort.level());
    }
    Ok((report, solved))
}

/// The codes of one product.
fn solve_one(
    graph: &Graph,
    known: &mut Known<'_, '_>,
    params: &SolveParams,
) -> Result<Chosen, PassError> {
    let name = known.name.clone();
    let own = known.weights(graph)?;
    let Weights { weights, matrix, quantizer, parameters } = &own;
    let grid = grid(quantizer, parameters, known.product, weights, matrix)
        .map_err(PassError::algorithm(&name))?;
    let axe = axe(graph, known.product, matrix, params).map_err(PassError::algorithm(&name))?;
    let statistics = known.statistics(graph)?;
    let problem = Problem {
        weights: matrix.view(),
        statistics: &statistics,
        grid: &grid,
        constraint: axe.as_ref().map(|axe| axe as &dyn Constraint),
    };
    let scales = match own.fixed_scales(&grid) {
        None => ScaleChoice::Searched(&[]),
        Some(_) => ScaleChoice::Fixed,
    };
    let found = run(&problem, axe.as_ref(), scales, params);
    let (solution, scale) = found.map_err(PassError::algorithm(&name))?;
    let (count, damping) = (solution.info.dead_inputs, solution.info.damping);
    Ok(Chosen { values: solution.values, scale, count, damping })
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
    scales: ScaleChoice<'_>,
    params: &SolveParams,
) -> Result<Solved, fewbit::algorithms::AlgorithmError> {
    if params.constraint == AccumulatorConstraint::Joint
        && axe.is_some()
        && let Some(sequential) = params.solver.sequential()
    {
        let found = joint(problem, axe, sequential, scales, params.effort)?;
        return Ok((found.solution, Some(found.scale)));
    }
    let found = match &params.solver {
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
    if !params.descends() || !problem.grid.has_levels() {
        return Ok((found, None));
    }
    let codes = found.codes.view();
    let settled = polish(problem, axe, codes, ScaleChoice::Fixed, params.effort)?;
    Ok((Solution { info: found.info, ..settled.solution }, None))
}
