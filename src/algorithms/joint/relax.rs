//! The weights that were best if levels could be fractions: the target that codes are then chosen around.

use ndarray::{Array2, ArrayView2, Axis, s};

use super::objective::{Objective, PartObjective};
use crate::algorithms::accumulator::Axe;
use crate::algorithms::grid::Grid;
use crate::tasks;

/// Rows that one task moves.
const ROWS: usize = 16;

/// How levels move when they are relaxed.
pub(super) struct Relaxation<'a> {
    objective: &'a Objective,
    axe: &'a Axe,
    /// Per part what a change of each input costs, and by how much H exceeds that at most.
    metrics: Vec<(Vec<f32>, f32)>,
}

impl<'a> Relaxation<'a> {
    pub(super) fn new(objective: &'a Objective, axe: &'a Axe) -> Self {
        let of_part = |part: &PartObjective| {
            let metric = part.metric();
            let curvature = part.curvature(&metric);
            (metric, curvature)
        };
        let metrics = objective.parts.iter().map(of_part).collect();
        Self { objective, axe, metrics }
    }

    /// The real weights within the budgets and the range of a grid that nearly minimise the loss: from `start`, by
    ///
    /// ```text
    /// v <- project(z + g(z) / (L m))       z: v with Nesterov's momentum
    /// ```
    ///
    /// with m the diagonal of H, L m at least H, and the projection of [`Axe::project`] in the metric m.
    pub(super) fn run(
        &self,
        grid: &Grid,
        start: ArrayView2<'_, f32>,
        iterations: usize,
    ) -> Array2<f32> {
        let mut values = start.to_owned();
        self.project(grid, &mut values);
        let (mut ahead, mut momentum) = (values.clone(), 1.0f32);
        for _ in 0..iterations {
            let gradient = self.objective.gradient(ahead.view());
            let before = std::mem::replace(&mut values, ahead);
            for (part, (metric, curvature)) in self.objective.parts.iter().zip(&self.metrics) {
                let rates: Vec<f32> = metric.iter().map(|m| 1.0 / (curvature * m)).collect();
                let mut values = values.slice_mut(s![part.rows.clone(), ..]);
                let gradient = gradient.slice(s![part.rows.clone(), ..]);
                let rows = values.axis_chunks_iter_mut(Axis(0), ROWS);
                let rows = rows.zip(gradient.axis_chunks_iter(Axis(0), ROWS));
                tasks::for_each(rows, |(mut values, gradient)| {
                    for (mut row, slopes) in values.rows_mut().into_iter().zip(gradient.rows()) {
                        let moves = slopes.into_iter().zip(&rates);
                        row.iter_mut().zip(moves).for_each(|(value, (g, rate))| *value += g * rate);
                    }
                });
            }
            self.project(grid, &mut values);
            let next = 0.5 * (1.0 + (1.0 + 4.0 * momentum * momentum).sqrt());
            let along = (momentum - 1.0) / next;
            momentum = next;
            ahead = &values + &((&values - &before) * along);
        }
        values
    }

    /// Every row to the nearest real levels of the grid within the budgets; 0 at inputs that are never seen.
    fn project(&self, grid: &Grid, values: &mut Array2<f32>) {
        let (low, high) = grid.level_range();
        let (low, high) = (low as f32, high as f32);
        let unit = grid.unit() as f32;
        for (part, (metric, _)) in self.objective.parts.iter().zip(&self.metrics) {
            let dead: Vec<usize> = (0..metric.len()).filter(|&col| part.is_dead(col)).collect();
            let first = part.rows.start;
            let mut values = values.slice_mut(s![part.rows.clone(), ..]);
            tasks::for_each(values.axis_iter_mut(Axis(0)).enumerate(), |(index, mut row)| {
                let affine: Vec<(f32, f32)> =
                    (0..row.len()).map(|col| grid.affine(first + index, col)).collect();
                dead.iter().for_each(|&col| row[col] = 0.0);
                let level = |(&v, &(scale, zero)): (&f32, &(f32, f32))| match scale == 0.0 {
                    true => zero / unit,
                    false => (v / scale + zero) / unit,
                };
                let mut levels: Vec<f32> =
                    row.iter().zip(&affine).map(level).map(|u| u.clamp(low, high)).collect();
                let of_level = |(m, (scale, _)): (&f32, &(f32, f32))| {
                    (m * (scale * unit).powi(2)).max(f32::MIN_POSITIVE)
                };
                let metric: Vec<f32> = metric.iter().zip(&affine).map(of_level).collect();
                self.axe.project(&mut levels, &metric);
                for ((to, u), (scale, zero)) in row.iter_mut().zip(levels).zip(affine) {
                    *to = (u * unit - zero) * scale;
                }
            });
        }
    }
}
