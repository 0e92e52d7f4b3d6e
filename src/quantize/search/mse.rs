//! The least squared error.

use super::options::{Guard, MseMethod, MseSearch, Trial};
use super::tried::Tried;
use crate::quantize::QuantizeError;
use crate::quantize::execute::TASK;
use crate::quantize::problem::Problem;
use crate::tasks;

impl MseSearch {
    /// The best candidate of each group by these losses.
    fn run(
        &self,
        initial: &[f32],
        loss: impl FnMut(&[f32]) -> Result<Vec<f32>, QuantizeError>,
    ) -> Result<Vec<f32>, QuantizeError> {
        let least: Vec<f32> = initial.iter().map(|x| x / self.steps as f32).collect();
        match self.method {
            MseMethod::Grid => self.grid_search(least, loss),
            MseMethod::Fibonacci => self.fibonacci_search(least, initial.to_vec(), loss),
        }
    }

    fn grid_search(
        &self,
        least: Vec<f32>,
        mut loss: impl FnMut(&[f32]) -> Result<Vec<f32>, QuantizeError>,
    ) -> Result<Vec<f32>, QuantizeError> {
        let (mut best, mut best_loss) = (least.clone(), vec![f32::INFINITY; least.len()]);
        for i in 2..=self.steps {
            let candidate: Vec<f32> = least.iter().map(|x| x * i as f32).collect();
            let losses = loss(&candidate)?;
            for (group, &loss) in losses.iter().enumerate() {
                if loss < best_loss[group] {
                    best[group] = candidate[group];
                }
                // A NaN stays, and nothing is less.
                if loss < best_loss[group] || loss.is_nan() {
                    best_loss[group] = loss;
                }
            }
        }
        Ok(best)
    }

    fn fibonacci_search(
        &self,
        mut left: Vec<f32>,
        mut right: Vec<f32>,
        mut loss: impl FnMut(&[f32]) -> Result<Vec<f32>, QuantizeError>,
    ) -> Result<Vec<f32>, QuantizeError> {
        let n = self.steps as usize;
        let mut numbers = vec![0f64, 1.0];
        while numbers.len() <= n {
            numbers.push(numbers[numbers.len() - 1] + numbers[numbers.len() - 2]);
        }
        let groups = left.len();
        let mut length: Vec<f32> = (0..groups).map(|g| right[g] - left[g]).collect();
        let first = (numbers[n - 2] / numbers[n]) as f32;
        let mut part: Vec<f32> = length.iter().map(|length| first * length).collect();
        let mut best = left.clone();
        for i in 2..=n {
            let far = |g: usize| part[g] > length[g] / 2.0;
            let (from_left, from_right) =
                (|g: usize| left[g] + part[g], |g: usize| right[g] - part[g]);
            let a: Vec<f32> =
                (0..groups).map(|g| if far(g) { from_right(g) } else { from_left(g) }).collect();
            let b: Vec<f32> =
                (0..groups).map(|g| if far(g) { from_left(g) } else { from_right(g) }).collect();
            let (loss_a, loss_b) = (loss(&a)?, loss(&b)?);
            let ratio = (numbers[n - i] / numbers[n + 2 - i]) as f32;
            for g in 0..groups {
                let (at_a, at_b) = (loss_a[g], loss_b[g]);
                if at_a <= at_b {
                    right[g] = b[g];
                }
                if at_a >= at_b {
                    left[g] = a[g];
                }
                let base = if at_a != at_b { length[g] } else { right[g] - left[g] };
                part[g] = ratio * base;
                length[g] = right[g] - left[g];
                best[g] = if at_a <= at_b { a[g] } else { b[g] };
            }
        }
        Ok(best)
    }
}

/// The statistics that the search finds for the scales.
pub(crate) fn scales(search: &MseSearch, problem: &Problem<'_>) -> Result<Vec<f32>, QuantizeError> {
    let initial = problem.statistics(search.initial)?;
    let first = problem.first_zero_point()?;
    let mut tried = Tried::new(problem);
    let best = search.run(&initial, |candidate| {
        let scales = problem.trial_scales(candidate.to_vec(), search.trial)?;
        let zero_points = problem.of_first(&first, &scales)?;
        tried.simulate(&scales, zero_points.as_deref())?;
        Ok(squared_errors(problem, &mut tried.values))
    })?;
    guarded(search.guard, problem, best, initial, |statistics| {
        let scales = problem.finish(statistics.to_vec())?;
        let zero_points = problem.of_first(&first, &scales)?;
        problem.simulate(&scales, zero_points.as_deref())
    })
}

/// The lowest values that the search finds for the zero points, in these scales.
pub(crate) fn zero_points(
    search: &MseSearch,
    problem: &Problem<'_>,
    scales: &[f32],
) -> Result<Vec<f32>, QuantizeError> {
    let initial = problem.least();
    let of = |candidate: &[f32]| {
        // What is collected is a magnitude, what is searched directly has a sign.
        let offsets: Vec<f32> = match search.trial {
            Trial::Restricted => candidate.iter().map(|x| -x).collect(),
            Trial::Unrestricted => candidate.iter().map(|x| x.abs()).collect(),
        };
        problem.zero_points(&offsets, scales)
    };
    let mut tried = Tried::new(problem);
    let best = search.run(&initial, |candidate| {
        tried.simulate(scales, Some(&of(candidate)?))?;
        Ok(squared_errors(problem, &mut tried.values))
    })?;
    guarded(search.guard, problem, best, initial, |candidate| {
        problem.simulate(scales, Some(&of(candidate)?))
    })
}

/// The sum of the squared errors of each group; they take the place of the values.
fn squared_errors(problem: &Problem<'_>, values: &mut [f32]) -> Vec<f32> {
    let parts = problem.x.chunks(TASK).zip(values.chunks_mut(TASK));
    tasks::for_each(parts, |(x, values)| {
        for (x, value) in x.iter().zip(values) {
            *value = (x - *value) * (x - *value);
        }
    });
    problem.sums(values)
}

/// What was found, or what the search began with where that is better.
pub(super) fn guarded(
    guard: Guard,
    problem: &Problem<'_>,
    found: Vec<f32>,
    initial: Vec<f32>,
    simulate: impl Fn(&[f32]) -> Result<Vec<f32>, QuantizeError>,
) -> Result<Vec<f32>, QuantizeError> {
    if guard == Guard::None {
        return Ok(found);
    }
    let errors = |candidate: &[f32]| -> Result<Vec<f64>, QuantizeError> {
        let values = simulate(candidate)?;
        let pairs = problem.arrangement.split(problem.x).zip(problem.arrangement.split(&values));
        let square = |(x, value): (&f32, &f32)| (f64::from(*x) - f64::from(*value)).powi(2);
        Ok(pairs.map(|(x, values)| x.iter().zip(values).map(square).sum()).collect())
    };
    let (of_found, of_initial) = (errors(&found)?, errors(&initial)?);
    let pairs = found.iter().zip(&initial).zip(of_found.iter().zip(&of_initial));
    Ok(pairs.map(|((f, i), (a, b))| if a <= b { *f } else { *i }).collect())
}
