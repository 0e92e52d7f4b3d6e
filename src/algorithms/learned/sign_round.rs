//! AutoRound, or SignRound (Cheng et al. 2023, "Optimize weight rounding via signed gradient descent").
//!
//! ```text
//! W̃ = s a (clip(round(W / (s a) + z + V), n, p) - z)        -½ <= V <= ½,   least <= a <= 1 per scale
//! ```
//!
//! Rounding is passed by its gradients unchanged (straight through) and clipping inside its range, so that with
//! `g = d loss / d W̃`, q the level and i = 1 where nothing is clipped, 0 elsewhere
//!
//! ```text
//! d/dV = g s a i        d/da = sum over its weights of g s ((q - z) - i W / (s a))
//! ```

use ndarray::Array2;

use super::objective::Objective;
use super::optimizer::{Optimizer, Schedule, State};
use super::target::{Best, Learned, Steps, Target, open};
use crate::algorithms::{AlgorithmError, Grid};

/// Parameters of [`sign_round`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SignRoundParams {
    /// Steps.
    pub steps: usize,
    /// Of the first step. `None` for `1 / steps`, with which V can reach both ends.
    pub rate: Option<f64>,
    /// Of the rate.
    pub schedule: Schedule,
    /// How gradients become steps.
    pub optimizer: Optimizer,
    /// The least factor of a scale; `None` keeps the scales.
    pub least_factor: Option<f64>,
    /// After how many steps the weights are tried on all samples.
    pub check_every: usize,
}

impl Default for SignRoundParams {
    fn default() -> Self {
        Self {
            steps: 200,
            rate: None,
            schedule: Schedule::Linear,
            optimizer: Optimizer::SIGN,
            least_factor: Some(0.5),
            check_every: 1,
        }
    }
}

/// Learns an offset before rounding for each weight, and a factor for each scale.
///
/// The method lives on the noise of small batches: a gradient over all samples moves many offsets across a tie at once, and
/// back in the next step. So give it a [`BlockObjective`](super::BlockObjective) with a batch of about 8, also for one
/// layer; with a [`LayerObjective`](super::LayerObjective) it finds little beyond the scales, and
/// [`adaround`](super::adaround) more.
///
/// # Errors
/// Targets that do not fit the objective, weights that are not finite, a grid that is not one of integers, a parameter out of
/// its range.
pub fn sign_round(
    targets: &[Target<'_>],
    objective: &dyn Objective,
    params: &SignRoundParams,
) -> Result<Learned, AlgorithmError> {
    let rate = params.check()?;
    let mut layers: Vec<Layer> = open(targets, objective)?
        .into_iter()
        .map(|steps| Layer::new(steps, params.optimizer))
        .collect();
    let mut best = {
        let steps: Vec<Steps> = targets.iter().map(Steps::new).collect::<Result<_, _>>()?;
        Best::new(&steps, objective)
    };
    for step in 0..params.steps {
        let weights: Vec<_> = layers.iter().map(Layer::values).collect();
        let evaluation = objective.evaluate(&weights, Some(step as u64));
        best.info.losses.push(evaluation.loss);
        let rate = params.schedule.rate(rate, step, params.steps);
        for (layer, gradient) in layers.iter_mut().zip(&evaluation.gradients) {
            layer.descend(gradient, rate, params.least_factor)?;
        }
        if (step + 1).is_multiple_of(params.check_every) || step + 1 == params.steps {
            let rounded = layers.iter().map(|l| l.steps.rounded(&l.levels())).collect();
            let grids = || layers.iter().map(|l| l.steps.grid.clone()).collect();
            best.offer(step + 1, rounded, grids, objective);
        }
    }
    Ok(best.finish())
}

impl SignRoundParams {
    fn check(&self) -> Result<f64, AlgorithmError> {
        let rate = self.rate.unwrap_or(1.0 / self.steps.max(1) as f64);
        if !(rate >= 0.0 && rate.is_finite()) {
            let (name, value, expected) = ("the rate", rate, "finite and at least 0");
            return Err(AlgorithmError::Parameter { name, value, expected });
        }
        if let Some(value) = self.least_factor.filter(|f| !(*f > 0.0 && *f <= 1.0)) {
            let (name, expected) = ("the least factor of a scale", "above 0 and at most 1");
            return Err(AlgorithmError::Parameter { name, value, expected });
        }
        if self.check_every == 0 {
            let (name, expected) = ("the distance of checks", "at least 1");
            return Err(AlgorithmError::Parameter { name, value: 0.0, expected });
        }
        Ok(rate)
    }
}

/// A layer with what is learned of it.
struct Layer {
    /// With the scales of the moment.
    steps: Steps,
    original: Grid,
    offsets: Array2<f64>,
    offset_state: State,
    /// One per scale.
    factors: Array2<f64>,
    factor_state: State,
}

impl Layer {
    fn new(steps: Steps, optimizer: Optimizer) -> Self {
        let (dim, scales) = (steps.weights.dim(), steps.grid.scale().dim());
        Self {
            original: steps.grid.clone(),
            offsets: Array2::zeros(dim),
            offset_state: State::new(optimizer, dim),
            factors: Array2::ones(scales),
            factor_state: State::new(optimizer, scales),
            steps,
        }
    }

    /// Before clipping.
    fn raw(&self) -> Array2<f64> {
        (&self.steps.weights / &self.steps.scale + &self.steps.zero + &self.offsets)
            .mapv(f64::round_ties_even)
    }

    fn levels(&self) -> Array2<f64> {
        self.raw().mapv(|level| level.clamp(self.steps.low, self.steps.high))
    }

    fn values(&self) -> Array2<f64> {
        self.steps.rounded(&self.levels()).values.mapv(f64::from)
    }

    fn descend(
        &mut self,
        gradient: &Array2<f64>,
        rate: f64,
        least_factor: Option<f64>,
    ) -> Result<(), AlgorithmError> {
        let steps = &self.steps;
        let group = steps.grid.group();
        let raw = self.raw();
        let mut by_offset = Array2::zeros(raw.dim());
        let mut by_factor = Array2::<f64>::zeros(self.factors.dim());
        for ((i, j), g) in gradient.indexed_iter() {
            let at = [i, j];
            let level = raw[at].clamp(steps.low, steps.high);
            let inside = if level == raw[at] { 1.0 } else { 0.0 };
            by_offset[at] = g * steps.scale[at] * inside;
            // s is the scale before the factor a.
            let scale = steps.scale[at] / self.factors[[i, j / group]];
            by_factor[[i, j / group]] += g
                * scale
                * ((level - steps.zero[at]) - inside * steps.weights[at] / steps.scale[at]);
        }
        self.offset_state.step(&mut self.offsets, &by_offset, rate);
        self.offsets.mapv_inplace(|v| v.clamp(-0.5, 0.5));
        let Some(least) = least_factor else { return Ok(()) };
        self.factor_state.step(&mut self.factors, &by_factor, rate);
        self.factors.mapv_inplace(|a| a.clamp(least, 1.0));
        let mut scale = self.original.scale().to_owned();
        scale.zip_mut_with(&self.factors, |s, a| *s = (f64::from(*s) * a) as f32);
        let zero_point = self.original.zero_point().map(|z| z.to_owned());
        let inputs = steps.weights.ncols();
        let grid = Grid::new(self.original.format(), inputs, scale, zero_point, group)?;
        for ((i, j), to) in self.steps.scale.indexed_iter_mut() {
            *to = f64::from(grid.scale()[[i, j / group]]);
        }
        self.steps.grid = grid;
        Ok(())
    }
}
