//! What an accumulator demands of the weights, as every solver asks for it.

use std::ops::Range;

use ndarray::ArrayView2;

use super::AlgorithmError;
use super::grid::{IntegerGrid, Limits};
use super::linalg::Real;

/// A demand on the integers of each row that a solver keeps while it chooses them one by one.
pub trait Constraint<T: Real>: Sync {
    /// The budget of some rows before anything is chosen.
    ///
    /// `weights` are the original ones, `[rows.len(), cols]` in the original order of columns.
    ///
    /// # Errors
    /// Where the demand cannot be kept on this grid at all.
    fn open(
        &self,
        rows: Range<usize>,
        weights: ArrayView2<'_, f32>,
        grid: &dyn IntegerGrid<T>,
    ) -> Result<Box<dyn Budget<T>>, AlgorithmError>;
}

/// What is left for some rows. Columns are original ones and may come in any order.
pub trait Budget<T: Real> {
    /// Moves the values of a column before they are rounded, where the method has such a step.
    fn shrink(&self, col: usize, y: &mut [T]);

    /// The levels that column `col` may still take; 0 is always among them.
    fn limits(&mut self, col: usize) -> Limits<'_>;

    /// Books the levels that column `col` has been given.
    fn commit(&mut self, col: usize, levels: &[i64]);

    /// Takes back what was booked for column `col`.
    fn release(&mut self, col: usize, levels: &[i64]);
}
