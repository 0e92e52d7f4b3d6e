//! Where scales are looked for.

use ndarray::{Array2, ArrayView2, Axis};

use crate::algorithms::accumulator::Axe;
use crate::algorithms::grid::Grid;
use crate::tasks;

/// The scales, `[rows, groups]`, that the budgets suggest: with `m` the mean magnitude of a group's weights and `b` the scale at
/// which the rounded weights would just fill the row's budgets, on the average over tiles,
///
/// ```text
/// s = (m² b)^(1/3)
/// ```
///
/// and never below `least`. Between the m of weights that a unit resolves and the b that a unit of budget pays for; the
/// exponents are those that measured optima follow over budgets of 0.2 to 1 unit per weight.
pub(super) fn natural(
    weights: ArrayView2<'_, f32>,
    grid: &Grid,
    axe: &Axe,
    least: ArrayView2<'_, f32>,
) -> Array2<f32> {
    let mut scales = least.to_owned();
    let (group, unit) = (grid.group(), grid.unit());
    tasks::for_each(scales.axis_iter_mut(Axis(0)).enumerate(), |(row, mut scales)| {
        let weights = weights.row(row);
        let steps = grid.scale();
        let level = |(col, w): (usize, &f32)| {
            let step = f64::from(steps[[row, col / group]].abs()) * unit;
            if step > 0.0 { f64::from(*w) / step } else { 0.0 }
        };
        let levels: Vec<f64> = weights.iter().enumerate().map(level).collect();
        let load = axe.load(&levels);
        for (index, scale) in scales.iter_mut().enumerate() {
            let columns = index * group..((index + 1) * group).min(weights.len());
            let count = columns.len() as f64;
            let mean = columns.map(|col| f64::from(weights[col].abs())).sum::<f64>() / count;
            let fills = load * f64::from(steps[[row, index]].abs()) * unit;
            let found = ((mean * mean * fills).cbrt() / unit) as f32;
            if found.is_normal() && found > *scale {
                *scale = found;
            }
        }
    });
    scales
}
