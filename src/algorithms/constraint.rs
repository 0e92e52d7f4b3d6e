//! What an accumulator demands of the weights, as every solver asks for it.

use std::ops::Range;

use ndarray::ArrayView2;

use super::AlgorithmError;
use super::grid::Grid;

/// A demand on the levels of each row that a solver keeps while it chooses them one by one.
pub trait Constraint: Sync {
    /// The budget of some rows before anything is chosen.
    ///
    /// `weights` are the original ones, `[rows.len(), cols]` in the original order of columns; the grid has levels.
    ///
    /// # Errors
    /// Where the demand cannot be kept on this grid at all.
    fn open(
        &self,
        rows: Range<usize>,
        weights: ArrayView2<'_, f32>,
        grid: &Grid,
    ) -> Result<Box<dyn Budget>, AlgorithmError>;
}

/// What is left for some rows. Columns are original ones and may come in any order.
pub trait Budget {
    /// By how many steps the values of a column are drawn toward zero before they are rounded, at least 0 per row; `None`
    /// where the method has no such soft threshold.
    fn thresholds(&self, col: usize) -> Option<Vec<f64>>;

    /// The levels that column `col` may still take; 0 is always among them.
    fn limits(&mut self, col: usize) -> Limits<'_>;

    /// Books the levels that column `col` has been given.
    fn commit(&mut self, col: usize, levels: &[i64]);

    /// Takes back what was booked for column `col`.
    fn release(&mut self, col: usize, levels: &[i64]);
}

/// The least and greatest level of each row of a column.
#[derive(Clone, Copy, Debug)]
pub struct Limits<'a> {
    /// At most 0.
    pub low: &'a [i64],
    /// At least 0.
    pub high: &'a [i64],
}

impl dyn Constraint + '_ {
    /// As [`Constraint::open`], and an error where the grid has no levels.
    pub(super) fn budget(
        &self,
        rows: Range<usize>,
        weights: ArrayView2<'_, f32>,
        grid: &Grid,
    ) -> Result<Box<dyn Budget>, AlgorithmError> {
        if grid.has_levels() {
            return self.open(rows, weights, grid);
        }
        Err(AlgorithmError::Constraint(
            "an integer accumulator constrains formats whose values are whole multiples of the smallest one, with a zero \
             and at most 16 bits; this one is not"
                .into(),
        ))
    }
}
