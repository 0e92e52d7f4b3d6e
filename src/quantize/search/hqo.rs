//! Half-quadratic optimisation (HQQ; Badri and Shaji, 2023), as Brevitas 0.12.1 does it.
//!
//! ```text
//! q = quantize(x)                                             loss = mean |q - x|, over the whole tensor
//! e = sign(x - q) max(|x - q| - |x - q|^(p - 1) / beta, 0)    what is taken for outliers
//! scale:       s <- median over the group of (x - e) / (code of q), where neither is 0
//! zero point:  z <- mean over the group of x - e - (code of q) s
//! beta <- kappa beta, until the loss does not fall
//! ```

use super::median;
use super::mse::guarded;
use super::options::{HqoScale, HqoVariant, HqoZeroPoint, Trial};
use super::per_group;
use super::shrink::Shrink;
use super::tried::{Tried, in_loop, run};
use crate::quantize::execute::{Piece, Run, TASK, groups_of_task};
use crate::quantize::problem::Problem;
use crate::quantize::scale::at_least;
use crate::quantize::{QuantizeError, ScaleFloor};
use crate::reference::torch;
use crate::simd::Vectorized;
use crate::tasks;

/// What a step looks at.
struct Descent<'p> {
    problem: &'p Problem<'p>,
    tried: Tried<'p>,
    /// The magnitude of each error, then what the next candidate is made of.
    parts: Vec<f32>,
    beta: f64,
    kappa: f64,
    p: f64,
}

/// Scales and zero points of a candidate.
type Candidate = (Vec<f32>, Option<Vec<f32>>);

impl<'p> Descent<'p> {
    fn new(problem: &'p Problem<'p>, beta: f64, kappa: f64, p: f64) -> Self {
        let parts = vec![0.0; problem.x.len()];
        Self { problem, tried: Tried::new(problem), parts, beta, kappa, p }
    }

    /// The candidates of one step after the other, followed until the loss does not fall.
    fn descend(
        &mut self,
        initial: Vec<f32>,
        iterations: u32,
        parameters: impl Fn(&[f32]) -> Result<Candidate, QuantizeError>,
        part: impl Fn(f32, f32, f32, f32) -> f32 + Copy + Sync,
        mut next: impl FnMut(&[f32], &[f32]) -> Vec<f32>,
    ) -> Result<Vec<f32>, QuantizeError> {
        let (mut candidate, mut best, mut best_loss) = (initial.clone(), initial, f32::INFINITY);
        for _ in 0..iterations {
            let (scales, zero_points) = parameters(&candidate)?;
            self.tried.simulate(&scales, zero_points.as_deref())?;
            let loss = self.loss();
            if loss < best_loss {
                best.clone_from(&candidate);
            }
            // Nothing is less than a NaN, which the loss then stays.
            if loss >= best_loss || loss.is_nan() {
                break;
            }
            best_loss = loss;
            self.parts_of(&scales, zero_points.as_deref(), part);
            candidate = next(&self.parts, &candidate);
        }
        Ok(best)
    }

    /// `mean |value - x|`.
    fn loss(&mut self) -> f32 {
        let pairs = self.problem.x.chunks(TASK).zip(self.tried.values.chunks(TASK));
        tasks::for_each(pairs.zip(self.parts.chunks_mut(TASK)), |((x, values), errors)| {
            for (error, (x, value)) in errors.iter_mut().zip(x.iter().zip(values)) {
                *error = (value - x).abs();
            }
        });
        torch::mean(&self.parts)
    }

    /// `part(x - outlier, value, scale, zero point)` of every element, with the `beta` of this step.
    fn parts_of(
        &mut self,
        scales: &[f32],
        zero_points: Option<&[f32]>,
        part: impl Fn(f32, f32, f32, f32) -> f32 + Copy + Sync,
    ) {
        let shrink = Shrink::new(self.beta, self.p, self.parts.len());
        self.beta *= self.kappa;
        let run = run(self.problem, scales, zero_points);
        let pairs = self.problem.x.chunks(TASK).zip(self.tried.values.chunks(TASK));
        let all = pairs.zip(self.parts.chunks_mut(TASK)).enumerate();
        tasks::for_each(all, |(index, ((x, values), parts))| {
            let (run, first) = (&run, index * TASK);
            in_loop(Step { run, shrink, first, x, values, parts, part });
        });
    }
}

/// What the next candidate is made of.
struct Step<'r, 'a, F> {
    run: &'r Run<'a>,
    shrink: Shrink,
    first: usize,
    x: &'r [f32],
    values: &'r [f32],
    parts: &'r mut [f32],
    part: F,
}

impl<F: Fn(f32, f32, f32, f32) -> f32> Vectorized for &mut Step<'_, '_, F> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Step { run, shrink, first, x, values, parts, part } = self;
        shrink.subtract(*first, x, values, parts);
        for Piece { start, end, group } in run.pieces(*first, x.len()) {
            let (scale, zero_point) = (run.scale[group], run.zero_point_of(group));
            for (rest, value) in parts[start..end].iter_mut().zip(&values[start..end]) {
                *rest = part(*rest, *value, scale, zero_point);
            }
        }
    }
}

/// The statistics that the optimisation finds for the scales.
pub(crate) fn scales(params: &HqoScale, problem: &Problem<'_>) -> Result<Vec<f32>, QuantizeError> {
    match params.variant {
        HqoVariant::Brevitas => brevitas_scales(params, problem),
        HqoVariant::PerGroup => per_group::scales(params, problem),
    }
}

fn brevitas_scales(params: &HqoScale, problem: &Problem<'_>) -> Result<Vec<f32>, QuantizeError> {
    let initial = problem.statistics(params.initial)?;
    let threshold = problem.rule.threshold.of(problem.scheme.format);
    let floor = match problem.rule.floor {
        ScaleFloor::Statistic(least)
        | ScaleFloor::Restricted(least)
        | ScaleFloor::Scale(least)
        | ScaleFloor::Collected(least) => Some(least),
        ScaleFloor::None => None,
    };
    let first = problem.first_zero_point()?;
    let parameters = |candidate: &[f32]| {
        let scales = problem.finish(candidate.to_vec())?;
        let zero_points = problem.of_first(&first, &scales)?;
        Ok((scales, zero_points))
    };
    let ratio = |numerator: f32, value: f32, scale: f32, zero_point: f32| {
        let code = (value / scale).round_ties_even() - zero_point;
        let counts = numerator != 0.0 && code != 0.0;
        if counts { numerator / code } else { f32::NAN }
    };
    let mut medians = vec![f32::NAN; initial.len()];
    let next = |ratios: &[f32], candidate: &[f32]| {
        let groups: Vec<&[f32]> = problem.arrangement.split(ratios).collect();
        let mut next = candidate.to_vec();
        let task = groups_of_task(problem.arrangement);
        let found = medians.chunks_mut(task).zip(next.chunks_mut(task));
        tasks::for_each(groups.chunks(task).zip(found), |(groups, (medians, next))| {
            let mut kept = Vec::new();
            for ((ratios, median), next) in groups.iter().zip(medians).zip(next) {
                *median = median::near(*median, ratios, &mut kept);
                let found = floor.map_or(*median, |least| at_least(*median, least)) * threshold;
                if found.is_finite() {
                    *next = found;
                }
            }
        });
        next
    };
    let mut descent = Descent::new(problem, params.beta, params.kappa, params.p);
    let found = descent.descend(initial.clone(), params.iterations, parameters, ratio, next)?;
    guarded(params.guard, problem, found, initial, |statistics| {
        let (scales, zero_points) = parameters(statistics)?;
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
    let parameters = |candidate: &[f32]| {
        let offsets: Vec<f32> = match params.trial {
            Trial::Restricted => candidate.iter().map(|x| -x).collect(),
            Trial::Unrestricted => candidate.iter().map(|x| x.abs()).collect(),
        };
        Ok((scales.to_vec(), Some(problem.zero_points(&offsets, scales)?)))
    };
    let rest = |x: f32, value: f32, scale: f32, zero_point: f32| {
        let code = value / scale + zero_point;
        x - code * scale
    };
    let next = |rest: &[f32], _: &[f32]| problem.means(rest);
    let mut descent = Descent::new(problem, params.beta, params.kappa, params.p);
    let found = descent.descend(initial.clone(), params.iterations, parameters, rest, next)?;
    guarded(params.guard, problem, found, initial, |candidate| {
        let offsets: Vec<f32> = candidate.iter().map(|x| x.abs()).collect();
        problem.simulate(scales, Some(&problem.zero_points(&offsets, scales)?))
    })
}
