//! The layers whose rounding is learned, and what comes out.

use fewbit_formats::Format;
use ndarray::{Array2, ArrayView2};

use super::objective::Objective;
use crate::algorithms::error::check_finite;
use crate::algorithms::{AlgorithmError, Grid, Info, Solution};

/// A layer whose rounding is learned: its weights and their grid of integers.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// `[out, in]`.
    pub weights: ArrayView2<'a, f32>,
    /// Scales and zero points.
    pub grid: &'a Grid,
}

/// How learning went.
#[derive(Clone, Debug, PartialEq)]
pub struct LearnedInfo {
    /// The loss of each step that was descended along: over its samples, and for [`adaround`](super::adaround) of the weights
    /// between both neighbours.
    pub losses: Vec<f64>,
    /// The loss of rounding to nearest over all samples.
    pub nearest: f64,
    /// That of the result, at most `nearest`.
    pub best: f64,
    /// The step after which the result was met; 0 for rounding to nearest.
    pub best_step: usize,
}

/// The result: per layer the codes and values, and the grid that they belong to.
#[derive(Clone, Debug, PartialEq)]
pub struct Learned {
    /// One per layer.
    pub layers: Vec<Solution>,
    /// One per layer; those that were given unless scales were learned.
    pub grids: Vec<Grid>,
    /// How learning went.
    pub info: LearnedInfo,
}

/// A layer in units of its steps.
pub(super) struct Steps {
    pub(super) grid: Grid,
    pub(super) weights: Array2<f64>,
    /// Per element.
    pub(super) scale: Array2<f64>,
    pub(super) zero: Array2<f64>,
    pub(super) low: f64,
    pub(super) high: f64,
    mask: u32,
}

impl Steps {
    pub(super) fn new(target: &Target<'_>) -> Result<Self, AlgorithmError> {
        let (weights, grid) = (target.weights, target.grid);
        let (rows, cols) = weights.dim();
        if rows == 0 || cols == 0 {
            return Err(AlgorithmError::Empty { what: "the weight matrix", rows, cols });
        }
        check_finite("the weight matrix", weights, 0)?;
        let shape = (rows, cols.div_ceil(grid.group()));
        AlgorithmError::check_shape("the grid's table of scales", grid.scale().dim(), shape)?;
        let int = match grid.format() {
            Format::Int(int) if int.bits() <= 22 => int,
            other => {
                return Err(AlgorithmError::Constraint(format!(
                    "learned rounding chooses between neighbouring integers, but the grid is one of {other}"
                )));
            }
        };
        let expand = |m: ArrayView2<'_, f32>| {
            Array2::from_shape_fn((rows, cols), |(i, j)| f64::from(m[[i, j / grid.group()]]))
        };
        Ok(Self {
            scale: expand(grid.scale()),
            zero: grid.zero_point().map_or_else(|| Array2::zeros((rows, cols)), expand),
            weights: weights.mapv(f64::from),
            grid: grid.clone(),
            low: int.min() as f64,
            high: int.max() as f64,
            mask: ((1u64 << int.bits()) - 1) as u32,
        })
    }

    /// Codes and values of integer levels within the format.
    pub(super) fn rounded(&self, levels: &Array2<f64>) -> Solution {
        let codes = levels.mapv(|level| level as i32 as u32 & self.mask);
        let values =
            Array2::from_shape_fn(codes.dim(), |(i, j)| self.grid.dequantize(i, j, codes[[i, j]]));
        Solution { codes, values, info: Info::default() }
    }

    /// Levels of rounding to nearest.
    pub(super) fn nearest(&self) -> Array2<f64> {
        let mut levels = &self.weights / &self.scale + &self.zero;
        levels.mapv_inplace(|level| level.clamp(self.low, self.high).round_ties_even());
        levels
    }
}

/// The layers of all targets, held against what the objective expects.
pub(super) fn open(
    targets: &[Target<'_>],
    objective: &dyn Objective,
) -> Result<Vec<Steps>, AlgorithmError> {
    let shapes = objective.shapes();
    if targets.is_empty() || shapes.len() != targets.len() {
        return Err(AlgorithmError::Parameter {
            name: "the number of layers",
            value: targets.len() as f64,
            expected: "at least 1 and that of the objective",
        });
    }
    for (target, shape) in targets.iter().zip(shapes) {
        AlgorithmError::check_shape("a layer's weights", target.weights.dim(), shape)?;
    }
    targets.iter().map(Steps::new).collect()
}

/// The best candidate so far.
pub(super) struct Best {
    pub(super) layers: Vec<Solution>,
    pub(super) grids: Vec<Grid>,
    pub(super) info: LearnedInfo,
}

impl Best {
    /// Starts from rounding to nearest.
    pub(super) fn new(steps: &[Steps], objective: &dyn Objective) -> Self {
        let layers: Vec<_> = steps.iter().map(|s| s.rounded(&s.nearest())).collect();
        let nearest = loss(&layers, objective);
        Self {
            layers,
            grids: steps.iter().map(|s| s.grid.clone()).collect(),
            info: LearnedInfo { losses: Vec::new(), nearest, best: nearest, best_step: 0 },
        }
    }

    /// Keeps a candidate that is better.
    pub(super) fn offer(
        &mut self,
        step: usize,
        layers: Vec<Solution>,
        grids: impl FnOnce() -> Vec<Grid>,
        objective: &dyn Objective,
    ) {
        let loss = loss(&layers, objective);
        if loss < self.info.best {
            (self.info.best, self.info.best_step) = (loss, step);
            (self.layers, self.grids) = (layers, grids());
        }
    }

    pub(super) fn finish(self) -> Learned {
        Learned { layers: self.layers, grids: self.grids, info: self.info }
    }
}

fn loss(layers: &[Solution], objective: &dyn Objective) -> f64 {
    let values: Vec<_> = layers.iter().map(|layer| layer.values.mapv(f64::from)).collect();
    objective.evaluate(&values, None).loss
}
