//! Codes on a grid, with what they cost.

use ndarray::{Array2, ArrayView2, Axis};

use super::objective::Objective;
use super::rounder::Rounded;
use crate::algorithms::AlgorithmError;
use crate::algorithms::grid::Grid;
use crate::tasks;

/// Codes on a grid with their values, and the loss of every row.
#[derive(Clone)]
pub(super) struct State {
    pub(super) grid: Grid,
    pub(super) codes: Array2<u32>,
    pub(super) values: Array2<f32>,
    pub(super) losses: Vec<f64>,
}

impl State {
    /// What a solver found on a grid.
    pub(super) fn new(objective: &Objective, grid: Grid, found: Rounded) -> Self {
        let Rounded { solution, losses } = found;
        let losses = losses.unwrap_or_else(|| objective.losses(solution.values.view()));
        Self { grid, codes: solution.codes, values: solution.values, losses }
    }

    /// Takes over the rows that cost less in `other`.
    ///
    /// # Errors
    /// A scale that is not finite.
    pub(super) fn improve(&mut self, other: &Self) -> Result<(), AlgorithmError> {
        let rows = 0..self.losses.len();
        let better: Vec<usize> = rows.filter(|&row| other.losses[row] < self.losses[row]).collect();
        let mut scale = self.grid.scale().to_owned();
        for &row in &better {
            scale.row_mut(row).assign(&other.grid.scale().row(row));
            self.codes.row_mut(row).assign(&other.codes.row(row));
            self.values.row_mut(row).assign(&other.values.row(row));
            self.losses[row] = other.losses[row];
        }
        if !better.is_empty() {
            self.grid = self.grid.with_scale(scale)?;
        }
        Ok(())
    }
}

/// The values of codes, rows in parallel.
pub(super) fn dequantized(grid: &Grid, codes: ArrayView2<'_, u32>) -> Array2<f32> {
    let mut values = Array2::zeros(codes.dim());
    tasks::for_each(values.axis_iter_mut(Axis(0)).enumerate(), |(row, mut to)| {
        for (col, (to, &code)) in to.iter_mut().zip(codes.row(row)).enumerate() {
            *to = grid.dequantize(row, col, code);
        }
    });
    values
}
