//! Half-quadratic optimisation (HQQ; Badri and Shaji, 2023), as Brevitas 0.12.1 does it.
//!
//! ```text
//! q = quantize(x)                                             loss = mean |q - x|, over the whole tensor
//! e = sign(x - q) max(|x - q| - |x - q|^(p - 1) / beta, 0)    what is taken for outliers
//! scale:       s <- median over the group of (x - e) / (code of q), where neither is 0
//! zero point:  z <- mean over the group of x - e - (code of q) s
//! beta <- kappa beta, until the loss does not fall
//! ```

use serde::{Deserialize, Serialize};

use super::mse::guarded;
use super::{Guard, Trial};
use crate::quantize::parameters::Problem;
use crate::quantize::scale::at_least;
use crate::quantize::{QuantizeError, ScaleFloor, Statistic};
use crate::reference::torch;

/// Parameters of half-quadratic optimisation of scales.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HqoScale {
    /// What it begins with.
    pub initial: Statistic,
    /// `beta` of the first step.
    pub beta: f64,
    /// `kappa`.
    pub kappa: f64,
    /// `p`.
    pub p: f64,
    /// Steps at most.
    pub iterations: u32,
    /// What happens where the result is worse than the statistic.
    pub guard: Guard,
}

/// Parameters of half-quadratic optimisation of zero points, from `min(min x, 0)`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HqoZeroPoint {
    /// `beta` of the first step.
    pub beta: f64,
    /// `kappa`.
    pub kappa: f64,
    /// `p`.
    pub p: f64,
    /// Steps at most.
    pub iterations: u32,
    /// Whether candidates are tried with their sign, or by their magnitude as in activations.
    pub trial: Trial,
    /// What happens where the result is worse than the least value.
    pub guard: Guard,
}

impl Default for HqoScale {
    fn default() -> Self {
        Self {
            initial: Statistic::AbsMax,
            beta: 1e5,
            kappa: 1.01,
            p: 0.7,
            iterations: 1000,
            guard: Guard::None,
        }
    }
}

impl Default for HqoZeroPoint {
    fn default() -> Self {
        Self {
            beta: 1.0,
            kappa: 1.01,
            p: 0.5,
            iterations: 1000,
            trial: Trial::Restricted,
            guard: Guard::None,
        }
    }
}

fn check(beta: f64, kappa: f64, p: f64, iterations: u32) -> Result<(), QuantizeError> {
    let wrong = |what, value, expected| Err(QuantizeError::Number { what, value, expected });
    let positive = |x: f64| x > 0.0 && x.is_finite();
    if !positive(beta) {
        return wrong("beta of the half-quadratic optimisation", beta, "a positive number");
    }
    if !positive(kappa) {
        return wrong("kappa of the half-quadratic optimisation", kappa, "a positive number");
    }
    if !(p > 0.0 && p <= 1.0) {
        return wrong("p of the half-quadratic optimisation", p, "more than 0 and at most 1");
    }
    if !(1..=100_000).contains(&iterations) {
        let value = iterations.into();
        return wrong("the steps of the half-quadratic optimisation", value, "1 to 100000");
    }
    Ok(())
}

impl HqoScale {
    pub(crate) fn check(&self) -> Result<(), QuantizeError> {
        self.initial.check()?;
        check(self.beta, self.kappa, self.p, self.iterations)
    }
}

impl HqoZeroPoint {
    pub(crate) fn check(&self) -> Result<(), QuantizeError> {
        check(self.beta, self.kappa, self.p, self.iterations)
    }
}

/// Each error without its outlier.
fn shrunk(errors: &[f32], beta: f64, p: f64) -> Vec<f32> {
    let inverse = (1.0 / beta) as f32;
    let magnitudes: Vec<f32> = errors.iter().map(|e| e.abs()).collect();
    let powers = if p == 1.0 { vec![1.0; errors.len()] } else { torch::pow(&magnitudes, p - 1.0) };
    let parts = errors.iter().zip(magnitudes).zip(powers);
    parts
        .map(|((error, magnitude), power)| {
            let rest = magnitude - inverse * power;
            // max(rest, 0) and sign(error), both keeping NaN.
            let rest = if rest < 0.0 { 0.0 } else { rest };
            let sign = if *error == 0.0 || error.is_nan() { *error * 0.0 } else { error.signum() };
            sign * rest
        })
        .collect()
}

fn mean_error(x: &[f32], values: &[f32]) -> f32 {
    torch::mean(&x.iter().zip(values).map(|(x, value)| (value - x).abs()).collect::<Vec<f32>>())
}

/// The candidates of one step, followed until the loss does not fall.
fn descend(
    initial: Vec<f32>,
    iterations: u32,
    mut step: impl FnMut(&[f32]) -> Result<(f32, Vec<f32>), QuantizeError>,
) -> Result<Vec<f32>, QuantizeError> {
    let (mut candidate, mut best, mut best_loss) = (initial.clone(), initial, f32::INFINITY);
    for _ in 0..iterations {
        let (loss, next) = step(&candidate)?;
        if loss < best_loss {
            best.clone_from(&candidate);
        }
        if loss >= best_loss {
            break;
        }
        best_loss = loss;
        candidate = next;
    }
    Ok(best)
}

/// The statistics that the optimisation finds for the scales.
pub(crate) fn scales(params: &HqoScale, problem: &Problem<'_>) -> Result<Vec<f32>, QuantizeError> {
    let initial = problem.statistics(params.initial)?;
    let mut beta = params.beta;
    let threshold = problem.rule.threshold.of(problem.scheme.format);
    let floor = match problem.rule.floor {
        ScaleFloor::Statistic(least)
        | ScaleFloor::Restricted(least)
        | ScaleFloor::Scale(least)
        | ScaleFloor::Collected(least) => Some(least),
        ScaleFloor::None => None,
    };
    let group = problem.groups();
    let found = descend(initial.clone(), params.iterations, |candidate| {
        let scales = problem.finish(candidate.to_vec())?;
        let zero_points = problem.first_zero_points(&scales)?;
        let values = problem.simulate(&scales, zero_points.as_deref())?;
        let loss = mean_error(problem.x, &values);
        let errors: Vec<f32> = problem.x.iter().zip(&values).map(|(x, v)| x - v).collect();
        let outliers = shrunk(&errors, beta, params.p);
        beta *= params.kappa;
        let zero = |g: usize| zero_points.as_ref().map_or(0.0, |zero_points| zero_points[g]);
        let ratios: Vec<f32> = (0..values.len())
            .map(|i| {
                let numerator = problem.x[i] - outliers[i];
                let code = (values[i] / scales[group[i]]).round_ties_even() - zero(group[i]);
                let counts = numerator != 0.0 && code != 0.0;
                if counts { numerator / code } else { f32::NAN }
            })
            .collect();
        let next: Vec<f32> = problem
            .arrangement
            .split(&ratios)
            .zip(candidate)
            .map(|(ratios, before)| {
                let median = torch::nan_median(ratios.to_vec());
                let next = floor.map_or(median, |least| at_least(median, least)) * threshold;
                if next.is_finite() { next } else { *before }
            })
            .collect();
        Ok((loss, next))
    })?;
    guarded(params.guard, problem, found, initial, |statistics| {
        let scales = problem.finish(statistics.to_vec())?;
        let zero_points = problem.first_zero_points(&scales)?;
        problem.simulate(&scales, zero_points.as_deref())
    })
}

/// The lowest values that the optimisation finds for the zero points, in these scales.
pub(crate) fn zero_points(
    params: &HqoZeroPoint,
    problem: &Problem<'_>,
    scales: &[f32],
) -> Result<Vec<f32>, QuantizeError> {
    let initial = problem.least();
    let mut beta = params.beta;
    let zero_points_of = |candidate: &[f32]| {
        let offsets: Vec<f32> = match params.trial {
            Trial::Restricted => candidate.iter().map(|x| -x).collect(),
            Trial::Unrestricted => candidate.iter().map(|x| x.abs()).collect(),
        };
        problem.zero_points(&offsets, scales)
    };
    let group = problem.groups();
    let found = descend(initial.clone(), params.iterations, |candidate| {
        let zero_points = zero_points_of(candidate)?;
        let values = problem.simulate(scales, Some(&zero_points))?;
        let loss = mean_error(problem.x, &values);
        let errors: Vec<f32> = problem.x.iter().zip(&values).map(|(x, v)| x - v).collect();
        let outliers = shrunk(&errors, beta, params.p);
        beta *= params.kappa;
        let rest: Vec<f32> = (0..values.len())
            .map(|i| {
                let (scale, zero_point) = (scales[group[i]], zero_points[group[i]]);
                let code = values[i] / scale + zero_point;
                (problem.x[i] - outliers[i]) - code * scale
            })
            .collect();
        let next = problem.means(&rest);
        Ok((loss, next))
    })?;
    guarded(params.guard, problem, found, initial, |candidate| {
        let offsets: Vec<f32> = candidate.iter().map(|x| x.abs()).collect();
        problem.simulate(scales, Some(&problem.zero_points(&offsets, scales)?))
    })
}
