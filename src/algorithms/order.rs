//! The order in which a solver rounds the inputs.

use ndarray::{Array2, ArrayView2, Axis};

/// The order in which a solver rounds the inputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// As they come.
    #[default]
    Natural,
    /// "act-order": by descending `H_tt = |X̃_t|²`; of equal ones the first first. Scales and tiles stay those of the
    /// original columns ("static groups").
    Descending,
}

impl Order {
    /// The columns in the order of processing.
    pub fn columns(self, diagonal: &[f64]) -> Vec<usize> {
        let mut columns: Vec<usize> = (0..diagonal.len()).collect();
        if self == Self::Descending {
            columns.sort_by(|&a, &b| diagonal[b].total_cmp(&diagonal[a]));
        }
        columns
    }
}

/// The matrix with rows and columns in this order.
pub(super) fn reorder_both(matrix: ArrayView2<'_, f64>, order: &[usize]) -> Array2<f64> {
    if order.iter().enumerate().all(|(i, &j)| i == j) {
        return matrix.to_owned();
    }
    Array2::from_shape_fn(matrix.dim(), |(i, j)| matrix[[order[i], order[j]]])
}

/// The matrix with columns in this order.
pub(super) fn reorder_columns<T: Copy>(matrix: ArrayView2<'_, T>, order: &[usize]) -> Array2<T> {
    matrix.select(Axis(1), order).as_standard_layout().into_owned()
}
