//! Rounding and scales that are learned together.
//!
//! ```text
//! W~ = s (q - z), q = clip(round(W / s + z + V), n, p)
//! V <- V - rate sign(∂L/∂V), within half a step                           ∂W~/∂V = s, where nothing is clipped
//! u <- momentum u + ∂L/∂s, s <- s - scale rate u                          ∂W~/∂s = q - z - W / s, where nothing is clipped, else q - z
//! ```

use fewbit::algorithms::learned::{Learned, LearnedInfo, Objective, Schedule, Target};
use fewbit::algorithms::{AlgorithmError, Grid, Info, Solution};
use fewbit::formats::Format;
use ndarray::parallel::prelude::*;
use ndarray::{Array2, Axis, Zip};

/// A scale stays above this share of what it was.
const LEAST: f64 = 1e-2;

/// How scales are learned, by gradient descent with momentum on the mean squared error of each element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScaleParams {
    /// Of the first step.
    pub rate: f64,
    /// Of the gradients before.
    pub momentum: f64,
}

impl Default for ScaleParams {
    /// Brevitas's.
    fn default() -> Self {
        Self { rate: 0.01, momentum: 0.9 }
    }
}

/// What of rounding is asked for beside the scales.
#[derive(Clone, Copy, Debug)]
pub(super) struct Descent {
    pub(super) steps: usize,
    /// Of offsets.
    pub(super) rate: f64,
    pub(super) schedule: Schedule,
    pub(super) scale: ScaleParams,
    /// Elements over which the objective's loss is a sum, not a mean.
    pub(super) width: usize,
    /// Steps between two looks at the loss over all samples.
    pub(super) check_every: usize,
}

/// A layer on its way.
struct Layer {
    grid: Grid,
    weights: Array2<f64>,
    offsets: Array2<f64>,
    /// One per row and group, as all below.
    scale: Array2<f64>,
    least: Array2<f64>,
    velocity: Array2<f64>,
    zero: Array2<f64>,
    low: f64,
    high: f64,
    mask: u32,
}

impl Layer {
    fn new(target: &Target<'_>) -> Result<Self, AlgorithmError> {
        let grid = target.grid;
        let int = match grid.format() {
            Format::Int(int) if int.bits() <= 22 => int,
            other => {
                return Err(AlgorithmError::Constraint(format!(
                    "learned rounding chooses between neighbouring integers, but the grid is one of {other}"
                )));
            }
        };
        let scale = grid.scale().mapv(f64::from);
        let zero = grid.zero_point().map(|zero| zero.mapv(f64::from));
        Ok(Self {
            weights: target.weights.mapv(f64::from),
            offsets: Array2::zeros(target.weights.dim()),
            least: &scale * LEAST,
            velocity: Array2::zeros(scale.dim()),
            zero: zero.unwrap_or_else(|| Array2::zeros(scale.dim())),
            low: int.min() as f64,
            high: int.max() as f64,
            mask: ((1u64 << int.bits()) - 1) as u32,
            grid: grid.clone(),
            scale,
        })
    }

    /// Before clipping.
    fn raw(&self) -> Array2<f64> {
        let group = self.grid.group();
        let mut raw = self.weights.clone();
        Zip::indexed(&mut raw).and(&self.offsets).par_for_each(|(i, j), x, v| {
            let at = [i, j / group];
            *x = (*x / self.scale[at] + self.zero[at] + v).round_ties_even();
        });
        raw
    }

    /// The grid of the moment.
    fn current(&self) -> Result<Grid, AlgorithmError> {
        let scale = self.scale.mapv(|s| s as f32);
        let zero = self.grid.zero_point().map(|zero| zero.to_owned());
        Grid::new(self.grid.format(), self.weights.ncols(), scale, zero, self.grid.group())
    }

    fn rounded(&self, grid: &Grid) -> Solution {
        let mut codes = Array2::zeros(self.weights.dim());
        Zip::from(&mut codes).and(&self.raw()).par_for_each(|code, &raw| {
            *code = raw.clamp(self.low, self.high) as i32 as u32 & self.mask;
        });
        let mut values = Array2::zeros(codes.dim());
        Zip::indexed(&mut values)
            .and(&codes)
            .par_for_each(|(i, j), value, &code| *value = grid.dequantize(i, j, code));
        Solution { codes, values, info: Info::default() }
    }

    fn descend(&mut self, gradient: &Array2<f64>, descent: &Descent, share: f64) {
        let (group, raw) = (self.grid.group(), self.raw());
        let (low, high) = (self.low, self.high);
        let mut by_scale = Array2::<f64>::zeros(self.scale.dim());
        let (scale, zero, weights) = (&self.scale, &self.zero, &self.weights);
        let rate = descent.rate * share;
        let rows = self.offsets.axis_iter_mut(Axis(0)).into_par_iter();
        let rows = rows.zip(by_scale.axis_iter_mut(Axis(0)).into_par_iter()).enumerate();
        rows.for_each(|(i, (mut offsets, mut by_scale))| {
            for (j, offset) in offsets.iter_mut().enumerate() {
                let (at, g, raw) = ([i, j / group], gradient[[i, j]], raw[[i, j]]);
                let level = raw.clamp(low, high);
                let inside = if level == raw { 1.0 } else { 0.0 };
                by_scale[j / group] +=
                    g * (level - zero[at] - inside * weights[[i, j]] / scale[at]);
                let g = g * inside;
                if g != 0.0 {
                    *offset = (*offset - rate * g.signum()).clamp(-0.5, 0.5);
                }
            }
        });
        let (momentum, rate) = (descent.scale.momentum, descent.scale.rate * share);
        let width = descent.width.max(1) as f64;
        Zip::from(&mut self.velocity)
            .and(&by_scale)
            .for_each(|u, g| *u = momentum * *u + g / width);
        Zip::from(&mut self.scale)
            .and(&self.velocity)
            .and(&self.least)
            .for_each(|s, u, least| *s = (*s - rate * u).max(*least));
    }
}

/// Learns an offset per weight and the scales; the first candidate is rounding to nearest with the scales that there are.
pub(super) fn learn_with_scales(
    targets: &[Target<'_>],
    objective: &dyn Objective,
    descent: &Descent,
) -> Result<Learned, AlgorithmError> {
    let mut layers: Vec<Layer> = targets.iter().map(Layer::new).collect::<Result<_, _>>()?;
    let candidate = |layers: &[Layer]| -> Result<(Vec<Solution>, Vec<Grid>), AlgorithmError> {
        let grids: Vec<Grid> = layers.iter().map(Layer::current).collect::<Result<_, _>>()?;
        let solutions = layers.iter().zip(&grids).map(|(layer, grid)| layer.rounded(grid));
        Ok((solutions.collect(), grids))
    };
    let wide = |solutions: &[Solution]| -> Vec<Array2<f64>> {
        solutions.iter().map(|solution| solution.values.mapv(f64::from)).collect()
    };
    let (solutions, grids) = candidate(&layers)?;
    let nearest = objective.evaluate(&wide(&solutions), None).loss;
    let info = LearnedInfo { losses: Vec::new(), nearest, best: nearest, best_step: 0 };
    let mut best = Learned { layers: solutions, grids, info };
    for step in 0..descent.steps {
        let (solutions, _) = candidate(&layers)?;
        let evaluation = objective.evaluate(&wide(&solutions), Some(step as u64));
        best.info.losses.push(evaluation.loss);
        let share = match descent.schedule {
            Schedule::Linear => 1.0 - step as f64 / descent.steps as f64,
            _ => 1.0,
        };
        for (layer, gradient) in layers.iter_mut().zip(&evaluation.gradients) {
            layer.descend(gradient, descent, share);
        }
        if (step + 1).is_multiple_of(descent.check_every.max(1)) || step + 1 == descent.steps {
            let (solutions, grids) = candidate(&layers)?;
            let loss = objective.evaluate(&wide(&solutions), None).loss;
            if loss < best.info.best {
                let info = LearnedInfo { best: loss, best_step: step + 1, ..best.info };
                best = Learned { layers: solutions, grids, info };
            }
        }
    }
    Ok(best)
}
