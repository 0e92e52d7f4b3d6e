//! Half-quadratic optimisation of scales, each group for itself ([`HqoVariant::PerGroup`](super::HqoVariant)).
//!
//! ```text
//! e = s shrink(x / s - q)         shrink(x) = sign(x) max(|x| - |x|^(p-1) / beta, 0),   s q the value of x
//! s <- median over the group of (x - e) / q, where q is not 0
//! beta <- kappa beta, until the mean |s q - x| of the group does not fall
//! ```
//!
//! All groups take a step at a time; those that are done keep the scale that was best. In f64, but for values and scales.

use super::mse::guarded;
use super::options::HqoScale;
use super::tried::Tried;
use crate::quantize::QuantizeError;
use crate::quantize::execute::groups_of_task;
use crate::quantize::problem::Problem;
use crate::tasks;

/// A group that is still looked at.
struct Group {
    scale: f32,
    /// `sum |value - x|`.
    loss: f64,
}

/// The statistics that the optimisation finds for the scales.
pub(super) fn scales(params: &HqoScale, problem: &Problem<'_>) -> Result<Vec<f32>, QuantizeError> {
    let threshold = problem.rule.threshold.of(problem.scheme.format);
    let first = problem.first_zero_point()?;
    let mut tried = Tried::new(problem);
    // Scales and losses of candidates.
    let attempt = |candidates: &[f32], tried: &mut Tried<'_>| {
        let scales = problem.finish(candidates.to_vec())?;
        let zero_points = problem.of_first(&first, &scales)?;
        tried.simulate(&scales, zero_points.as_deref())?;
        Ok::<_, QuantizeError>((scales, losses(problem, &tried.values)))
    };
    let initial = problem.statistics(params.initial)?;
    let mut best = initial.clone();
    let (scales, losses) = attempt(&best, &mut tried)?;
    let group = |(scale, loss)| Some(Group { scale, loss });
    let mut going: Vec<Option<Group>> = scales.into_iter().zip(losses).map(group).collect();
    let mut beta = params.beta;
    let task = groups_of_task(problem.arrangement);
    for _ in 0..params.iterations {
        let x: Vec<&[f32]> = problem.arrangement.split(problem.x).collect();
        let values: Vec<&[f32]> = problem.arrangement.split(&tried.values).collect();
        let mut candidates = best.clone();
        let found = going.chunks_mut(task).zip(candidates.chunks_mut(task));
        tasks::for_each(
            x.chunks(task).zip(values.chunks(task)).zip(found),
            |((x, values), (going, candidates))| {
                let groups = x.iter().zip(values).zip(going.iter_mut().zip(candidates));
                for ((x, values), (going, candidate)) in groups {
                    let next =
                        going.as_ref().and_then(|g| update(g.scale, x, values, beta, params.p));
                    let next = next.map(|scale| scale as f32 * threshold);
                    match next.filter(|statistic| *statistic > 0.0 && statistic.is_finite()) {
                        Some(statistic) => *candidate = statistic,
                        None => *going = None,
                    }
                }
            },
        );
        if going.iter().all(Option::is_none) {
            break;
        }
        let (scales, losses) = attempt(&candidates, &mut tried)?;
        let found = candidates.into_iter().zip(scales).zip(losses);
        for ((going, best), ((statistic, scale), loss)) in
            going.iter_mut().zip(&mut best).zip(found)
        {
            *going = match going.take() {
                Some(before) if loss < before.loss => {
                    *best = statistic;
                    Some(Group { scale, loss })
                }
                _ => None,
            };
        }
        beta *= params.kappa;
    }
    guarded(params.guard, problem, best, initial, |statistics| {
        let scales = problem.finish(statistics.to_vec())?;
        problem.simulate(&scales, problem.of_first(&first, &scales)?.as_deref())
    })
}

/// `sum |value - x|` of every group.
fn losses(problem: &Problem<'_>, values: &[f32]) -> Vec<f64> {
    let split = |numbers| problem.arrangement.split(numbers).collect::<Vec<&[f32]>>();
    let (x, values) = (split(problem.x), split(values));
    let error = |(x, value): (&f32, &f32)| (f64::from(*value) - f64::from(*x)).abs();
    let mut losses = vec![0.0; x.len()];
    let task = groups_of_task(problem.arrangement);
    let groups = x.chunks(task).zip(values.chunks(task)).zip(losses.chunks_mut(task));
    tasks::for_each(groups, |((x, values), losses)| {
        for ((x, values), loss) in x.iter().zip(values).zip(losses) {
            *loss = x.iter().zip(*values).map(error).sum();
        }
    });
    losses
}

/// The next scale of a group; `None` where all values are 0.
fn update(scale: f32, x: &[f32], values: &[f32], beta: f64, p: f64) -> Option<f64> {
    let scale = f64::from(scale);
    let ratio = |(x, value): (&f32, &f32)| {
        let (x, q) = (f64::from(*x), f64::from(*value) / scale);
        let error = x / scale - q;
        let kept = (error.abs() - error.abs().powf(p - 1.0) / beta).max(0.0).copysign(error);
        (q != 0.0).then(|| (x - scale * kept) / q)
    };
    let mut ratios: Vec<f64> = x.iter().zip(values).filter_map(ratio).collect();
    let middle = ratios.len().checked_sub(1)? / 2;
    Some(*ratios.select_nth_unstable_by(middle, f64::total_cmp).1)
}
