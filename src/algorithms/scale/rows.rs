//! One scale per row and run of columns.

use std::ops::Range;

use ndarray::{Array2, ArrayView2, Axis};

use crate::algorithms::AlgorithmError;
use crate::algorithms::error::check_finite;
use crate::tasks;

/// `scale` of every run of `group` columns of every row, rows in parallel.
pub(super) fn per_run(
    weights: ArrayView2<'_, f32>,
    group: usize,
    scale: impl Fn(Range<usize>, &[f64]) -> f32 + Sync,
) -> Result<Array2<f32>, AlgorithmError> {
    let (rows, cols) = weights.dim();
    if rows == 0 || cols == 0 {
        return Err(AlgorithmError::Empty { what: "the weight matrix", rows, cols });
    }
    if group == 0 {
        return Err(AlgorithmError::Group { group, inputs: cols, what: "the weights" });
    }
    check_finite("the weight matrix", weights, 0)?;
    let mut scales = Array2::ones((rows, cols.div_ceil(group)));
    let of_rows = scales.axis_iter_mut(Axis(0)).zip(weights.axis_iter(Axis(0)));
    tasks::for_each(of_rows, |(mut scales, row)| {
        let row: Vec<f64> = row.iter().map(|&w| w.into()).collect();
        for (index, to) in scales.iter_mut().enumerate() {
            let columns = index * group..((index + 1) * group).min(cols);
            let run = &row[columns.clone()];
            if run.iter().any(|&w| w != 0.0) {
                *to = scale(columns, run);
            }
        }
    });
    Ok(scales)
}

/// A positive, finite f32 near `scale`.
pub(super) fn usable(scale: f64) -> f32 {
    (scale as f32).clamp(f32::MIN_POSITIVE, f32::MAX)
}
