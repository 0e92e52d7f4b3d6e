//! Learned rounding: which neighbour each weight is rounded to, by gradient descent on the error of its layer (AdaRound,
//! Nagel et al. 2020; SignRound, Cheng et al. 2023).

use std::ops::Range;

use fewbit::algorithms::learned::{
    AdaroundParams, Gate, LayerObjective, Learned, Objective, Optimizer, Schedule, SignRoundParams,
    Target, adaround, sign_round,
};
use fewbit::algorithms::{AlgorithmError, Grid, Statistics};
use ndarray::{Array2, ArrayView2, s};
use rayon::prelude::*;

use crate::graph::Graph;
use crate::tensor::Tensor;

use super::choose::{Beside, ChooseJob, FixedScales, Known, Weights};
use super::journal::{Chosen, Journal};
use super::scaled_round::{Descent, ScaleParams, learn_with_scales};
use super::solve::grid;
use super::{ChannelMeans, PassError, PassReport, SolveInputs};

/// What is learned of each weight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RoundingMethod {
    /// An offset of at most half a step before rounding: `linear_round`.
    #[default]
    Linear,
    /// A number between both neighbours, `clip(1.2 σ(V) - 0.1, 0, 1)`: `hard_sigmoid_round`.
    HardSigmoid,
    /// The same as `σ(V)`: `sigmoid_round`.
    Sigmoid,
}

/// What is minimised.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum RoundingLoss {
    /// The squared error of the layer's output, summed over channels, a mean over positions and images.
    Mse,
    /// That, and `weight * sum(1 - |2h - 1|^β)` over all weights, which drives h to 0 or 1.
    ///
    /// β falls from the first to the second number, linearly, after the warm-up, in which there is no such summand. An offset
    /// ([`RoundingMethod::Linear`]) is no h: it has the plain error.
    RegularisedMse {
        /// Of the summand.
        weight: f64,
        /// First and last β.
        beta: (f64, f64),
        /// A share of the steps.
        warm_up: f64,
    },
}

impl Default for RoundingLoss {
    fn default() -> Self {
        Self::RegularisedMse { weight: 0.01, beta: (20.0, 2.0), warm_up: 0.2 }
    }
}

/// What becomes of the scales of weights.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum LearnedScales {
    /// They stay.
    #[default]
    Kept,
    /// Each gets a factor between a least one and 1, which is learned as offsets are (SignRound).
    Factors {
        /// The least factor.
        least: f64,
    },
    /// They are learned by gradient descent with momentum, as Brevitas's `learned_round_scale`; needs a scale per channel or group.
    Descent(ScaleParams),
}

/// Parameters of [`learn_rounding`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LearnedRoundParams {
    /// What is learned.
    pub method: RoundingMethod,
    /// What is minimised.
    pub loss: RoundingLoss,
    /// Steps per layer.
    pub steps: usize,
    /// Of the optimizer, in the first step.
    pub rate: f64,
    /// Of the rate.
    pub schedule: Schedule,
    /// How gradients become steps.
    pub optimizer: Optimizer,
    /// Whether scales are learned as well, for [`RoundingMethod::Linear`].
    pub scales: LearnedScales,
}

impl Default for LearnedRoundParams {
    /// Brevitas's for vision, with the method that is named first there.
    fn default() -> Self {
        Self {
            method: RoundingMethod::default(),
            loss: RoundingLoss::default(),
            steps: 1000,
            rate: 1e-3,
            schedule: Schedule::Constant,
            optimizer: Optimizer::ADAM,
            scales: LearnedScales::default(),
        }
    }
}

impl RoundingMethod {
    /// Rows of a matrix that are learned together.
    ///
    /// Rows do not depend on each other, so that this is work for a thread, and each part keeps the best of what it has met.
    fn rows(self) -> usize {
        match self {
            Self::Linear => 4,
            _ => 16,
        }
    }

    /// Steps between two looks at the rounded weights on all samples, where these are no more work than a step.
    ///
    /// Offsets wander around ties for ever: one meets more among few rows, and looks often.
    pub(super) fn check_every(self) -> usize {
        match self {
            Self::Linear => 2,
            _ => 20,
        }
    }
}

/// Learns the rounding of every product's weights, in the order in which the products run.
///
/// ```text
/// for each product: X from the float network, X~ from the quantized one so far, sample by sample
///                   -> Gram matrices (of the patches of a convolution, one per group)
///                   -> min over roundings of |X Wᵀ - X~ W~ᵀ|² by its gradient, 2 (W~ H - W Gᵀ)
/// ```
///
/// The error of a layer is quadratic in its weights, so that its gradient over all samples is exact and no sample is drawn.
/// Codes differ by at most one from the nearest ones, and the error on the calibration data is never greater. With `means`, the bias
/// of each product is corrected as soon as its codes are chosen. What the journal has of a
/// product is taken from there.
///
/// # Errors
/// Batches that the network cannot take; weights on a grid that is not one of integers; parameters out of their range.
pub fn learn_rounding(
    float: &Graph,
    graph: &mut Graph,
    batches: &[Vec<Tensor>],
    params: &LearnedRoundParams,
    means: Option<&ChannelMeans>,
    journal: &mut dyn Journal,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<PassReport, PassError> {
    let (mut count, mut total, mut changed) = (0, 0, 0);
    let job =
        ChooseJob { beside: Beside::Float(float), batches, inputs: SolveInputs::Rounded, means };
    job.run(graph, progress, &mut |graph, known| {
        let chosen = match journal.chosen(NAME, &known.name)? {
            Some(chosen) => chosen,
            None => {
                let chosen = learn_one(graph, known, params)?;
                journal.keep(NAME, &known.name, &chosen)?;
                chosen
            }
        };
        known.set(graph, &chosen)?;
        count += 1;
        total += chosen.values.len();
        changed += chosen.count;
        Ok(())
    })?;
    let mut report = PassReport::new(NAME, count, "products with quantized weights");
    if count > 0 {
        report.detail += &format!(": {changed} of {total} codes are not the nearest");
    }
    Ok(report)
}

/// The name of the pass.
pub(super) const NAME: &str = "learned round";

/// Learns the rounding of one product.
fn learn_one(
    graph: &Graph,
    known: &mut Known<'_, '_>,
    params: &LearnedRoundParams,
) -> Result<Chosen, PassError> {
    let name = known.name.clone();
    let own = known.weights(graph)?;
    let Weights { weights, matrix, quantizer, parameters } = &own;
    let product = known.product;
    let grid = grid(quantizer, parameters, product, weights, matrix)
        .map_err(PassError::algorithm(&name))?;
    check_scales(&name, params, &grid, &own)?;
    let parts = parts(matrix, product.groups, params.method.rows());
    let statistics = known.statistics(graph)?;
    let statistics: &Statistics = &statistics;
    let width = matrix.nrows() / product.groups.max(1);
    let learn = |(group, rows): &(usize, Range<usize>)| {
        let part = part_of(&grid, rows.clone())?;
        let one = group_of(statistics, *group);
        learn_part(matrix.slice(s![rows.clone(), ..]), &part, &one, width, params)
    };
    let found: Result<Vec<Learned>, AlgorithmError> = parts.par_iter().map(learn).collect();
    let found = found.map_err(PassError::algorithm(&name))?;
    let mut values = Array2::<f32>::zeros(matrix.dim());
    let mut scale = grid.scale().to_owned();
    let mut changed = 0;
    for ((_, rows), learned) in parts.iter().zip(&found) {
        let (Some(solution), Some(part)) = (learned.layers.first(), learned.grids.first()) else {
            continue;
        };
        values.slice_mut(s![rows.clone(), ..]).assign(&solution.values);
        scale.slice_mut(s![rows.clone(), ..]).assign(&part.scale());
        changed += not_nearest(&grid, matrix.view(), rows.start, solution.codes.view());
    }
    let scale = (params.scales != LearnedScales::Kept).then_some(scale);
    Ok(Chosen { values, scale, count: changed, damping: 0.0 })
}

/// How many codes, of rows from one on, are not the nearest.
pub(super) fn not_nearest(
    grid: &Grid,
    matrix: ArrayView2<'_, f32>,
    first: usize,
    codes: ArrayView2<'_, u32>,
) -> usize {
    let differs = |((row, column), &code): ((usize, usize), &u32)| {
        let at = first + row;
        let (mut nearest, mut value) = ([0], [0.0]);
        grid.round(at, column, &[matrix[[at, column]]], &mut nearest, &mut value);
        usize::from(nearest != [code])
    };
    codes.indexed_iter().map(differs).sum()
}

/// Groups and rows that are learned on their own.
fn parts(matrix: &Array2<f32>, groups: usize, rows: usize) -> Vec<(usize, Range<usize>)> {
    let per_group = matrix.nrows() / groups.max(1);
    let of_group = |group: usize| {
        let (start, end) = (group * per_group, (group + 1) * per_group);
        (start..end).step_by(rows).map(move |row| (group, row..(row + rows).min(end)))
    };
    (0..groups.max(1)).flat_map(of_group).collect()
}

/// The grid of some rows.
fn part_of(grid: &Grid, rows: Range<usize>) -> Result<Grid, AlgorithmError> {
    let some = |table: ArrayView2<'_, f32>| table.slice(s![rows.clone(), ..]).to_owned();
    let (_, inputs) = grid.dim();
    let (scale, zero_point) = (some(grid.scale()), grid.zero_point().map(some));
    Grid::new(grid.format(), inputs, scale, zero_point, grid.group())
}

/// The statistics of one group of inputs.
fn group_of(statistics: &Statistics, group: usize) -> Statistics {
    Statistics {
        samples: statistics.samples,
        grams: statistics.grams.get(group).cloned().into_iter().collect(),
        quantized: statistics.quantized.clone(),
        float: statistics.float.clone(),
    }
}

fn learn_part(
    weights: ArrayView2<'_, f32>,
    grid: &Grid,
    statistics: &Statistics,
    width: usize,
    params: &LearnedRoundParams,
) -> Result<Learned, AlgorithmError> {
    let objective = LayerObjective::new(weights, statistics)?;
    let check_every = params.method.check_every();
    learn(&[Target { weights, grid }], &objective, params, Extent { width, check_every })
}

/// How large an objective is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    /// Channels over which its loss is a sum.
    pub(super) width: usize,
    /// Steps between two looks at the rounded weights on all samples.
    pub(super) check_every: usize,
}

/// Refuses to learn scales that many rows share, and such as may not be any numbers.
pub(super) fn check_scales(
    name: &str,
    params: &LearnedRoundParams,
    grid: &Grid,
    weights: &Weights,
) -> Result<(), PassError> {
    if params.scales == LearnedScales::Kept {
        return Ok(());
    }
    let problem = match weights.fixed_scales(grid) {
        None => return Ok(()),
        Some(FixedScales::Shared(count)) => format!(
            "scales are learned per channel or group, and its weights have {count}: choose per_channel or per_group, or do not learn scales"
        ),
        Some(FixedScales::Restricted) => {
            "its scales may not be any numbers, and are not learned: choose float scales, or do not learn scales".into()
        }
    };
    Err(PassError::Missing(format!("`{name}`: {problem}")))
}

/// Learns the rounding of some layers together.
pub(super) fn learn(
    targets: &[Target<'_>],
    objective: &dyn Objective,
    params: &LearnedRoundParams,
    Extent { width, check_every }: Extent,
) -> Result<Learned, AlgorithmError> {
    if let LearnedScales::Descent(scale) = params.scales
        && params.method == RoundingMethod::Linear
    {
        let (steps, rate, schedule) = (params.steps, params.rate, params.schedule);
        let descent = Descent { steps, rate, schedule, scale, width, check_every };
        return learn_with_scales(targets, objective, &descent);
    }
    let gate = match params.method {
        RoundingMethod::HardSigmoid => Gate::HardSigmoid,
        RoundingMethod::Sigmoid => Gate::Sigmoid,
        _ => {
            let params = SignRoundParams {
                steps: params.steps,
                rate: Some(params.rate),
                schedule: params.schedule,
                optimizer: params.optimizer,
                least_factor: match params.scales {
                    LearnedScales::Factors { least } => Some(least),
                    _ => None,
                },
                check_every,
            };
            return sign_round(targets, objective, &params);
        }
    };
    let (lambda, (beta_start, beta_end), warm_up) = match params.loss {
        RoundingLoss::RegularisedMse { weight, beta, warm_up } => {
            // Per weight and in units of the error of rounding to nearest, as AdaRound's parameter is.
            let nearest = nearest_loss(objective, targets)?;
            let unit = if nearest > 0.0 { 1.0 / nearest } else { 1.0 };
            let count: usize = targets.iter().map(|target| target.weights.len()).sum();
            (weight * unit * count as f64, beta, warm_up)
        }
        RoundingLoss::Mse => (0.0, (2.0, 2.0), 0.0),
    };
    let params = AdaroundParams {
        steps: params.steps,
        gate,
        rate: params.rate,
        schedule: params.schedule,
        optimizer: params.optimizer,
        lambda,
        beta_start,
        beta_end,
        warm_up,
        check_every,
    };
    adaround(targets, objective, &params)
}

/// The loss of rounding to nearest.
fn nearest_loss(objective: &dyn Objective, targets: &[Target<'_>]) -> Result<f64, AlgorithmError> {
    let none = AdaroundParams { steps: 0, ..AdaroundParams::default() };
    Ok(adaround(targets, objective, &none)?.info.nearest)
}
