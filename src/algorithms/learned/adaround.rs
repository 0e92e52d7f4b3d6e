//! AdaRound (Nagel et al. 2020, "Up or down? Adaptive rounding for post-training quantization").
//!
//! ```text
//! W̃ = s (clip(floor(W/s + z) + h(V), n, p) - z)        h(V) = clip(1.2 σ(V) - 0.1, 0, 1)
//! min over V of   loss(W̃) / loss(nearest) + λ mean(1 - |2h - 1|^β)
//! ```
//!
//! or, with the plain [`Gate::Sigmoid`], `h(V) = σ(V)`. β falls from `beta_start` to `beta_end` linearly after the warm-up, in which λ is 0. In the end h is rounded. The paper
//! weighs the plain loss against the sum of the regulariser; dividing by the loss of rounding to nearest and by the number of
//! weights makes λ independent of the data's units.

use ndarray::Array2;

use super::objective::Objective;
use super::optimizer::{Optimizer, Schedule, State};
use super::target::{Best, Learned, Steps, Target, open};
use crate::algorithms::AlgorithmError;

/// How a number without bounds becomes one between both neighbours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Gate {
    /// `h(V) = clip(1.2 σ(V) - 0.1, 0, 1)`: reaches both.
    #[default]
    HardSigmoid,
    /// `h(V) = σ(V)`. It starts from the same V as the other, so that weights begin within a twelfth of a step of where they are.
    Sigmoid,
}

/// Parameters of [`adaround`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdaroundParams {
    /// Steps.
    pub steps: usize,
    /// What the number between both neighbours is a function of.
    pub gate: Gate,
    /// Of the optimizer, in the first step.
    pub rate: f64,
    /// Of the rate.
    pub schedule: Schedule,
    /// How gradients become steps.
    pub optimizer: Optimizer,
    /// λ.
    pub lambda: f64,
    /// β after the warm-up.
    pub beta_start: f64,
    /// β in the end.
    pub beta_end: f64,
    /// Share of the steps without regulariser.
    pub warm_up: f64,
    /// After how many steps the rounded weights are tried.
    pub check_every: usize,
}

impl Default for AdaroundParams {
    fn default() -> Self {
        Self {
            steps: 1000,
            gate: Gate::default(),
            rate: 1e-2,
            schedule: Schedule::Constant,
            optimizer: Optimizer::ADAM,
            lambda: 10.0,
            beta_start: 20.0,
            beta_end: 2.0,
            warm_up: 0.2,
            check_every: 50,
        }
    }
}

/// Learns for each weight which of its two neighbouring integers is better for the output.
///
/// The weights start where they are, between both; `h >= ½` rounds up. Deterministic but for the samples that the objective
/// draws.
///
/// # Errors
/// Targets that do not fit the objective, weights that are not finite, a grid that is not one of integers, a parameter out of
/// its range.
pub fn adaround(
    targets: &[Target<'_>],
    objective: &dyn Objective,
    params: &AdaroundParams,
) -> Result<Learned, AlgorithmError> {
    params.check()?;
    let steps = open(targets, objective)?;
    let mut best = Best::new(&steps, objective);
    let mut v: Vec<_> = steps.iter().map(start).collect();
    let mut states: Vec<_> =
        v.iter().map(|v: &Array2<f64>| State::new(params.optimizer, v.dim())).collect();
    let count = v.iter().map(|v| v.len()).sum::<usize>() as f64;
    // Where rounding to nearest is exact there is nothing to gain, and nothing to divide by.
    let scale = if best.info.nearest > 0.0 { 1.0 / best.info.nearest } else { 1.0 };
    for step in 0..params.steps {
        let soft: Vec<_> = steps.iter().zip(&v).map(|(s, v)| soften(s, v, params.gate)).collect();
        let evaluation = objective.evaluate(&soft, Some(step as u64));
        best.info.losses.push(evaluation.loss);
        let (lambda, beta) = params.regulariser(step);
        let rate = params.schedule.rate(params.rate, step, params.steps);
        for (i, gradient) in evaluation.gradients.iter().enumerate() {
            let regulariser = Regulariser { lambda: lambda / count, beta };
            let gradient = chain(&steps[i], &v[i], gradient, scale, params.gate, regulariser);
            states[i].step(&mut v[i], &gradient, rate);
        }
        if (step + 1).is_multiple_of(params.check_every) || step + 1 == params.steps {
            let layers =
                steps.iter().zip(&v).map(|(s, v)| s.rounded(&harden(s, v, params.gate))).collect();
            let grids = || steps.iter().map(|s| s.grid.clone()).collect();
            best.offer(step + 1, layers, grids, objective);
        }
    }
    Ok(best.finish())
}

impl AdaroundParams {
    fn check(&self) -> Result<(), AlgorithmError> {
        let range = |name, value: f64, ok: bool, expected| match ok {
            true => Ok(()),
            false => Err(AlgorithmError::Parameter { name, value, expected }),
        };
        let finite = |x: f64| x.is_finite() && x >= 0.0;
        range("the rate", self.rate, finite(self.rate), "finite and at least 0")?;
        range("lambda", self.lambda, finite(self.lambda), "finite and at least 0")?;
        for beta in [self.beta_start, self.beta_end] {
            range("beta", beta, beta.is_finite() && beta >= 1.0, "finite and at least 1")?;
        }
        let share = (0.0..=1.0).contains(&self.warm_up);
        range("the warm-up", self.warm_up, share, "from 0 to 1")?;
        range("the distance of checks", 0.0, self.check_every > 0, "at least 1")
    }

    /// λ and β of a step.
    fn regulariser(&self, step: usize) -> (f64, f64) {
        let warm = self.warm_up * self.steps as f64;
        let step = step as f64;
        if step < warm {
            return (0.0, self.beta_start);
        }
        let share = (step - warm) / (self.steps as f64 - warm).max(1.0);
        (self.lambda, self.beta_start + (self.beta_end - self.beta_start) * share)
    }
}

const STRETCH: f64 = 1.2;
const BELOW: f64 = 0.1;

fn sigmoid(v: f64) -> f64 {
    1.0 / (1.0 + (-v).exp())
}

impl Gate {
    /// h and its derivative.
    fn at(self, v: f64) -> (f64, f64) {
        let sigma = sigmoid(v);
        if self == Self::Sigmoid {
            return (sigma, sigma * (1.0 - sigma));
        }
        let raw = STRETCH * sigma - BELOW;
        let inside = raw > 0.0 && raw < 1.0;
        (raw.clamp(0.0, 1.0), if inside { STRETCH * sigma * (1.0 - sigma) } else { 0.0 })
    }
}

/// The V for which the weights are what they were, with the hard sigmoid.
fn start(steps: &Steps) -> Array2<f64> {
    let levels = &steps.weights / &steps.scale + &steps.zero;
    levels.mapv(|level| {
        let share = (level - level.floor() + BELOW) / STRETCH;
        (share / (1.0 - share)).ln()
    })
}

/// Integers below the weights.
fn floors(steps: &Steps) -> Array2<f64> {
    (&steps.weights / &steps.scale + &steps.zero).mapv(f64::floor)
}

fn soften(steps: &Steps, v: &Array2<f64>, gate: Gate) -> Array2<f64> {
    let mut levels = floors(steps);
    levels.zip_mut_with(v, |l, &v| *l = (*l + gate.at(v).0).clamp(steps.low, steps.high));
    (levels - &steps.zero) * &steps.scale
}

fn harden(steps: &Steps, v: &Array2<f64>, gate: Gate) -> Array2<f64> {
    let mut levels = floors(steps);
    levels.zip_mut_with(v, |l, &v| {
        let up = if gate.at(v).0 >= 0.5 { 1.0 } else { 0.0 };
        *l = (*l + up).clamp(steps.low, steps.high);
    });
    levels
}

/// λ of each weight and β.
#[derive(Clone, Copy)]
struct Regulariser {
    lambda: f64,
    beta: f64,
}

/// The derivative of `scale * loss + lambda * sum(1 - |2h - 1|^β)` by V, from that of the loss by the weights.
fn chain(
    steps: &Steps,
    v: &Array2<f64>,
    gradient: &Array2<f64>,
    scale: f64,
    gate: Gate,
    Regulariser { lambda, beta }: Regulariser,
) -> Array2<f64> {
    let floors = floors(steps);
    let mut result = Array2::zeros(v.dim());
    for (at, to) in result.indexed_iter_mut() {
        let (h, slope) = gate.at(v[at]);
        let level = floors[at] + h;
        let inside = level > steps.low && level < steps.high;
        let by_weight = if inside { scale * gradient[at] * steps.scale[at] } else { 0.0 };
        let distance = 2.0 * h - 1.0;
        let regulariser =
            -lambda * beta * distance.abs().powf(beta - 1.0) * 2.0 * distance.signum();
        *to = slope * (by_weight + regulariser);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::algorithms::Grid;
    use ndarray::array;

    /// The closed form against central differences, regulariser included, with a clipped weight among them.
    #[test]
    fn gradients_are_those_of_finite_differences() {
        let weights = array![[0.3f32, -0.9, 2.2], [9.0, -0.05, 1.4]];
        let grid = Grid::new(
            Format::INT4,
            3,
            array![[0.5, 0.25], [1.0, 0.125]],
            Some(array![[1.0, 0.0], [0.0, 2.0]]),
            2,
        );
        let grid = grid.expect("a grid");
        let steps = Steps::new(&Target { weights: weights.view(), grid: &grid }).expect("fits");
        let h = array![[2.0, 0.5, 0.1], [0.5, 1.0, -0.3], [0.1, -0.3, 3.0]];
        let wide = weights.mapv(f64::from);
        let total = |v: &Array2<f64>, gate: Gate, beta: f64| {
            let d = soften(&steps, v, gate) - &wide;
            let loss = (&d.dot(&h) * &d).sum();
            let regulariser: f64 =
                v.iter().map(|&v| 1.0 - (2.0 * gate.at(v).0 - 1.0).abs().powf(beta)).sum();
            0.7 * loss + 0.3 * regulariser
        };
        let v = start(&steps) + array![[0.3, -0.2, 0.5], [0.1, 0.4, -0.6]];
        let cases = [(Gate::HardSigmoid, 2.0), (Gate::HardSigmoid, 7.5), (Gate::Sigmoid, 7.5)];
        for (gate, beta) in cases {
            let d = soften(&steps, &v, gate) - &wide;
            let regulariser = Regulariser { lambda: 0.3, beta };
            let gradient = chain(&steps, &v, &(d.dot(&h) * 2.0), 0.7, gate, regulariser);
            for at in [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]] {
                let moved = |by: f64| {
                    let mut v = v.clone();
                    v[at] += by;
                    total(&v, gate, beta)
                };
                let difference = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                assert!(
                    (gradient[at] - difference).abs() < 1e-6 * (1.0 + difference.abs()),
                    "{at:?}: {} against {difference}",
                    gradient[at]
                );
            }
        }
    }

    use fewbit_formats::Format;

    #[test]
    fn the_start_is_the_weights_themselves() {
        let weights = array![[0.3f32, -0.9, 0.0]];
        let grid = Grid::new(Format::INT4, 3, array![[0.25]], None, 3).expect("a grid");
        let steps = Steps::new(&Target { weights: weights.view(), grid: &grid }).expect("fits");
        let error = |gate| soften(&steps, &start(&steps), gate) - weights.mapv(f64::from);
        assert!(error(Gate::HardSigmoid).iter().all(|e| e.abs() < 1e-12));
        let twelfth = 0.25 / 12.0 + 1e-12;
        assert!(error(Gate::Sigmoid).iter().all(|e| e.abs() <= twelfth));
        for gate in [Gate::HardSigmoid, Gate::Sigmoid] {
            assert_eq!(harden(&steps, &start(&steps), gate), steps.nearest());
        }
    }
}
