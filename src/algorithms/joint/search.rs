//! A row's scale among several, by the loss of what a solver makes of each.

use ndarray::Array2;

use super::objective::Objective;
use super::rounder::Rounded;
use super::state::State;
use crate::algorithms::AlgorithmError;
use crate::algorithms::grid::Grid;

/// The factor between scales where nothing is known yet.
const STRIDE: f64 = 1.35;

/// What has been tried on the rows, as points on a line: the logarithm of the mean factor on `base`, and the loss.
pub(super) struct Search<'a> {
    objective: &'a Objective,
    base: Array2<f32>,
    points: Vec<Vec<(f64, f64)>>,
    /// The best of every row.
    best: Option<State>,
}

impl<'a> Search<'a> {
    /// A search around these scales, `[rows, groups]`.
    pub(super) fn new(objective: &'a Objective, base: Array2<f32>) -> Self {
        let points = vec![Vec::new(); base.nrows()];
        Self { objective, base, points, best: None }
    }

    /// Tries a grid with the same format.
    pub(super) fn offer(&mut self, grid: Grid, found: Rounded) -> Result<(), AlgorithmError> {
        let state = State::new(self.objective, grid, found);
        let scales = state.grid.scale();
        for (row, points) in self.points.iter_mut().enumerate() {
            let ratios = scales.row(row).into_iter().zip(self.base.row(row));
            let logs = ratios.map(|(s, base)| (f64::from(*s) / f64::from(*base)).ln());
            let at = logs.sum::<f64>() / scales.ncols() as f64;
            if at.is_finite() && state.losses[row].is_finite() {
                points.push((at, state.losses[row]));
                points.sort_by(|a, b| a.0.total_cmp(&b.0));
            }
        }
        match &mut self.best {
            None => self.best = Some(state),
            Some(best) => best.improve(&state)?,
        }
        Ok(())
    }

    /// The scales to be tried next, each row's by what is known of it.
    pub(super) fn next(&self) -> Array2<f32> {
        let mut scales = self.base.clone();
        for (mut scales, points) in scales.rows_mut().into_iter().zip(&self.points) {
            let factor = next(points).exp() as f32;
            scales.iter_mut().for_each(|scale| {
                let wanted = *scale * factor;
                if wanted.is_normal() {
                    *scale = wanted;
                }
            });
        }
        scales
    }

    /// The best of every row; `None` where nothing was tried.
    pub(super) fn finish(self) -> Option<State> {
        self.best
    }
}

/// Where to look next: beyond the best point where it is the outermost one, else where a parabola through it and its
/// neighbours is least.
fn next(points: &[(f64, f64)]) -> f64 {
    let least = (0..points.len()).min_by(|&a, &b| points[a].1.total_cmp(&points[b].1));
    let Some(at) = least else { return 0.0 };
    let (x, y) = points[at];
    let stride = STRIDE.ln();
    let (Some(before), Some(after)) =
        (at.checked_sub(1).and_then(|i| points.get(i)), points.get(at + 1))
    else {
        return if at == 0 { x - stride } else { x + stride };
    };
    let (left, right) = (x - before.0, x - after.0);
    let (a, b) = (left * (y - after.1), right * (y - before.1));
    let vertex = x - 0.5 * (left * a - right * b) / (a - b);
    let near = 0.1 * (after.0 - before.0);
    match vertex.is_finite() && (vertex - x).abs() > near {
        true => vertex,
        // The point is the vertex: halve the wider side.
        false if -right > left => x - 0.5 * right,
        false => x - 0.5 * left,
    }
}

#[cfg(test)]
mod tests {
    use super::next;

    #[test]
    fn the_next_point_is_the_vertex_of_a_parabola() {
        let parabola = |x: f64| (x, (x - 0.25).powi(2));
        assert!((next(&[parabola(-1.0), parabola(0.0), parabola(1.0)]) - 0.25).abs() < 1e-12);
        assert_eq!(next(&[(0.0, 1.0)]), -(1.35f64.ln()));
        assert_eq!(next(&[(0.0, 2.0), (1.0, 1.0)]), 1.0 + 1.35f64.ln());
    }
}
