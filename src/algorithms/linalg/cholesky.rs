//! Cholesky factorisation and the inverse that follows from it.

use ndarray::parallel::prelude::*;
use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, s};

use super::{gemm, solve_right_lower, solve_right_upper};
use crate::algorithms::AlgorithmError;

/// Columns of a panel.
const PANEL: usize = 64;

/// The lower triangular `L` with `A = L Lᵀ`; only the lower triangle of `a` is read.
///
/// Left-looking in panels of 64 columns.
///
/// # Errors
/// [`AlgorithmError::NotPositiveDefinite`] with the first column whose pivot is not positive.
pub fn cholesky(a: ArrayView2<'_, f64>) -> Result<Array2<f64>, AlgorithmError> {
    let n = a.nrows();
    let mut l = Array2::from_shape_fn((n, n), |(i, j)| if j <= i { a[[i, j]] } else { 0.0 });
    for start in (0..n).step_by(PANEL) {
        let end = (start + PANEL).min(n);
        let (done, mut rest) = l.view_mut().split_at(Axis(1), start);
        let done = done.slice(s![start.., ..]);
        let top = done.slice(s![..end - start, ..]);
        gemm(-1.0, done, top.t(), 1.0, rest.slice_mut(s![start.., ..end - start]));
        let (mut diagonal, mut below) =
            rest.slice_mut(s![start.., ..end - start]).split_at(Axis(0), end - start);
        factor_block(&mut diagonal)
            .map_err(|column| AlgorithmError::NotPositiveDefinite { column: start + column })?;
        below.axis_iter_mut(Axis(0)).into_par_iter().with_min_len(16).for_each(|mut row| {
            for j in 0..diagonal.nrows() {
                let mut sum = row[j];
                for k in 0..j {
                    sum -= row[k] * diagonal[[j, k]];
                }
                row[j] = sum / diagonal[[j, j]];
            }
        });
    }
    Ok(l)
}

/// Unblocked factorisation in place; the strict upper triangle becomes zero. The error is the failing column.
fn factor_block(a: &mut ArrayViewMut2<'_, f64>) -> Result<(), usize> {
    for j in 0..a.nrows() {
        let mut pivot = a[[j, j]];
        for k in 0..j {
            pivot -= a[[j, k]] * a[[j, k]];
        }
        // The negated comparison also refuses NaN.
        if !(pivot > 0.0 && pivot.is_finite()) {
            return Err(j);
        }
        let pivot = pivot.sqrt();
        a[[j, j]] = pivot;
        for i in j + 1..a.nrows() {
            let mut sum = a[[i, j]];
            for k in 0..j {
                sum -= a[[i, k]] * a[[j, k]];
            }
            a[[i, j]] = sum / pivot;
            a[[j, i]] = 0.0;
        }
    }
    Ok(())
}

/// `A⁻¹` from the factor of [`cholesky`].
pub fn inverse_from_cholesky(l: ArrayView2<'_, f64>) -> Array2<f64> {
    let mut x = Array2::eye(l.nrows());
    solve_right_upper(&mut x, l.t());
    solve_right_lower(&mut x, l);
    x
}
